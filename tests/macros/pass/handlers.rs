//! Handlers of every shape, with every lint on that could notice the attribute.
#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    private_interfaces,
    missing_debug_implementations,
    missing_copy_implementations,
    rust_2018_idioms
)]
#![forbid(unsafe_code)]

use std::{future::Future, pin::Pin};

use actix_web::{App, FromRequest, HttpRequest, HttpResponse, Responder, get, post, route, web};
use jwt_verify::{OptionalClaims, VerifiedClaims, require};

#[require]
#[get("/above")]
async fn above() -> impl Responder {
    "above"
}

#[get("/below")]
#[require]
async fn below() -> impl Responder {
    "below"
}

/// With documentation.
#[get("/public")]
#[require(roles = "admin")]
pub(crate) async fn public() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[require(roles = ["a", "b"], permissions = ["c", "d"], all)]
#[route("/several", method = "GET", method = "POST")]
async fn several(_request: HttpRequest) -> Result<&'static str, actix_web::Error> {
    Ok("several")
}

#[require]
async fn plain(claims: VerifiedClaims, _: OptionalClaims) -> String {
    claims.subject().unwrap_or_default().into()
}

#[require(permissions = "x",)]
async fn generic<T>(value: web::Path<T>) -> String
where
    T: ToString,
    web::Path<T>: FromRequest,
{
    value.to_string()
}

#[require]
async fn constant<const N: usize>() -> String {
    N.to_string()
}

#[require]
fn not_async() -> impl Future<Output = &'static str> {
    async { "not async" }
}

#[require]
fn boxed() -> Pin<Box<dyn Future<Output = &'static str>>> {
    Box::pin(async { "boxed" })
}

#[require]
async fn destructured(web::Json((mut a, b)): web::Json<(u8, u8)>, mut body: String) -> String {
    a += b;
    body.push_str(&a.to_string());
    body
}

#[require]
async fn r#match() -> &'static str {
    "raw"
}

#[cfg(any())]
#[post("/twin")]
#[require(roles = "one")]
async fn twin() -> &'static str {
    "one"
}

#[cfg(not(any()))]
#[require(roles = "two")]
#[post("/twin")]
async fn twin() -> &'static str {
    "two"
}

#[require]
#[cfg(not(any()))]
async fn conditional_below() -> &'static str {
    "conditional"
}

#[require]
#[allow(clippy::unused_async)]
#[expect(clippy::many_single_char_names)]
async fn fifteen(
    a: HttpRequest,
    b: HttpRequest,
    c: HttpRequest,
    d: HttpRequest,
    e: HttpRequest,
    f: HttpRequest,
    g: HttpRequest,
    h: HttpRequest,
    i: HttpRequest,
    j: HttpRequest,
    k: HttpRequest,
    l: HttpRequest,
    m: HttpRequest,
    n: HttpRequest,
    o: HttpRequest,
) -> String {
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o].iter().map(HttpRequest::path).collect()
}

macro_rules! handlers {
    ($($name:ident $path:literal),*) => {$(
        #[get($path)]
        #[require(roles = "made")]
        async fn $name() -> &'static str {
            stringify!($name)
        }
    )*};
}

handlers!(one "/one", two "/two");

mod inner {
    use actix_web::get;
    use jwt_verify::require;

    #[get("/inner")]
    #[require]
    pub(crate) async fn visible() -> &'static str {
        "visible"
    }

    #[require]
    pub(super) async fn to_parent() -> &'static str {
        "to parent"
    }
}

fn main() {
    let _app = App::new()
        .service((above, below, public, several, one, two, twin, inner::visible))
        .route("/plain", web::get().to(plain))
        .route("/generic/{value}", web::get().to(generic::<u32>))
        .route("/constant", web::get().to(constant::<3>))
        .route("/not-async", web::get().to(not_async))
        .route("/boxed", web::get().to(boxed))
        .route("/destructured", web::post().to(destructured))
        .route("/raw", web::get().to(r#match))
        .route("/conditional", web::get().to(conditional_below))
        .route("/fifteen", web::get().to(fifteen))
        .route("/to-parent", web::get().to(inner::to_parent));
}
