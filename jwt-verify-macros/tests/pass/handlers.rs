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
use jwt_verify::{
    AuthError, AuthScope, Decision, Lookup, OptionalClaims, Requirement, VerifiedClaims,
    authorization::{AccessName, Authorizer}, public, require,
};

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

/// Names of the application's own.
enum Role {
    Admin,
}

impl AccessName for Role {
    fn access_name(&self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }
}

const WRITE: &str = "write";

fn decides(_: &VerifiedClaims) -> Decision {
    Decision::Allow
}

async fn decides_later(_: &VerifiedClaims, _: HttpRequest, _: web::Path<u8>) -> Result<(), actix_web::Error> {
    Ok(())
}

struct Accounts;

impl Authorizer for Accounts {
    fn authorize(
        &self,
        _: &VerifiedClaims,
        _: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>> {
        Lookup::Ready(Ok(()))
    }
}

#[require(
    roles = [Role::Admin, "owner"],
    all_roles,
    permissions = WRITE,
    scopes = ["a", "b"],
    all,
    any(roles = "c", claim("d" == true), not(claim("e" contains path.id))),
    all_of(claim("f" == -5), claim("g" == "h")),
    acr = "mfa",
    max_age = "5m",
    fresh = "1h",
    policy = decides,
    policy = decides_later,
    authorizer = Accounts,
)]
async fn everything() -> &'static str {
    "everything"
}

/// Actix makes a type of each of these names.
#[require]
#[get("/index")]
async fn index() -> &'static str {
    "index"
}

#[require]
#[get("/request")]
async fn request() -> &'static str {
    "request"
}

/// A policy with the name of an argument that policies are given.
fn claims(_: &VerifiedClaims) -> Decision {
    Decision::Allow
}

const REQUIREMENT: &str = "requirement";

#[require(roles = REQUIREMENT, policy = claims)]
async fn with_usual_names() -> &'static str {
    "usual"
}

macro_rules! aged {
    ($name:ident, $role:literal, $age:literal, $more:expr) => {
        #[require(roles = [$role, $more], max_age = $age, claim("x" == $role))]
        async fn $name() -> &'static str {
            "aged"
        }
    };
}

aged!(aged, "elder", "5m", "cn=elders,dc=example");

/// Open, and documented.
#[public]
#[get("/open")]
pub(crate) async fn open(_request: HttpRequest) -> &'static str {
    "open"
}

#[require]
#[tracing::instrument(skip_all, err)]
async fn traced_below() -> Result<&'static str, actix_web::Error> {
    Ok("traced")
}

#[tracing::instrument(skip_all)]
#[require]
async fn traced_above(_: HttpRequest) -> &'static str {
    "traced"
}

#[require]
#[utoipa::path(get, path = "/documented", responses((status = 200)))]
#[get("/documented")]
async fn documented() -> &'static str {
    "documented"
}

#[require(roles = "admin")]
mod admin {
    use actix_web::get;

    #[get("/admin")]
    pub(crate) async fn index() -> &'static str {
        "admin"
    }

    #[require]
    pub(super) async fn routed() -> &'static str {
        "routed"
    }

    #[get("/below")]
    #[require(permissions = "x")]
    pub(crate) async fn below() -> &'static str {
        "below"
    }

    #[get("/open-below")]
    #[public]
    pub(crate) async fn open_below() -> &'static str {
        "open"
    }

    #[cfg(test)]
    mod tests {
        async fn helper() {}
    }

    #[cfg(any())]
    #[get("/gone")]
    pub(crate) async fn gone() -> &'static str {
        "gone"
    }

    use jwt_verify::{public, require};
}

/// What stands beside handlers in a module without being one.
#[require(roles = "admin")]
mod beside_handlers {
    use std::{
        borrow::Cow,
        collections::HashMap,
        future::{Ready, ready},
    };

    use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web};

    pub(super) const LIMIT: usize = 3;
    static NAME: &str = "name";
    const CHECKS: [fn(u8) -> bool; 1] = [is_small];

    pub(super) struct Page<'a> {
        name: Cow<'a, str>,
    }

    impl<'a> Page<'a> {
        pub(super) fn new(name: &'a str) -> Self {
            Self { name: Cow::Borrowed(name) }
        }

        pub(super) fn name(&self) -> &str {
            &self.name
        }

        pub(super) async fn load(&self) -> String {
            NAME.to_owned() + &self.name
        }

        pub(super) fn into_name(self) -> Cow<'a, str> {
            self.name
        }
    }

    #[cfg(any())]
    pub(super) struct Gone;

    #[cfg(any())]
    impl Gone {
        pub(super) fn new() -> Self {
            Self
        }
    }

    pub(super) struct Caller;

    impl FromRequest for Caller {
        type Error = actix_web::Error;
        type Future = Ready<Result<Self, Self::Error>>;

        fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(Ok(Self))
        }
    }

    pub(super) struct Rows<T>(Vec<T>);

    impl<T: Clone + Default> Rows<T> {
        pub(super) fn new() -> Self {
            Self(vec![T::default()])
        }

        pub(super) fn first(&self) -> Option<T> {
            self.0.first().cloned()
        }

        pub(super) fn all() -> Vec<T> {
            Self::new().0
        }
    }

    impl<T> From<Vec<T>> for Rows<T> {
        fn from(rows: Vec<T>) -> Self {
            Self(rows)
        }
    }

    pub(super) fn configure(config: &mut web::ServiceConfig) {
        config.service(list);
    }

    pub(super) fn scope() -> actix_web::Scope {
        web::scope("/pages").service(list)
    }

    fn is_small(number: u8) -> bool {
        number < 9 && CHECKS.len() == 1
    }

    fn numbers() -> impl Iterator<Item = u8> + Clone {
        (0..3).filter(|number| is_small(*number))
    }

    fn parse(text: &str) -> Result<u8, std::num::ParseIntError> {
        text.parse()
    }

    fn names() -> HashMap<String, Vec<u8>> {
        HashMap::from([(String::new(), numbers().collect())])
    }

    async fn load(page: &str) -> HttpResponse {
        HttpResponse::Ok().json(parse(page).unwrap_or_default() + names().len() as u8)
    }

    #[actix_web::get("/beside")]
    pub(super) async fn list(_: Caller) -> HttpResponse {
        load(&Page::new("1").load().await).await
    }
}

/// A block of handlers.
#[derive(Debug, Clone, Copy)]
pub struct Block<T>(T);

#[require(permissions = "block")]
impl<T: Default + ToString + 'static> Block<T> {
    /// One of them.
    pub async fn list() -> String {
        T::default().to_string()
    }

    #[public]
    async fn open(_: HttpRequest) -> &'static str {
        "open"
    }

    #[require(roles = "b")]
    pub(crate) async fn edit(_: web::Json<u8>) -> &'static str {
        Self::helper()
    }

    fn helper() -> &'static str {
        "edit"
    }

    fn new() -> Self {
        Self(T::default())
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}

#[cfg(any())]
#[require]
impl Block<u8> {
    async fn list() -> &'static str {
        "gone"
    }
}

#[require]
#[cfg(not(any()))]
impl Block<&'static str> {
    async fn conditional() -> &'static str {
        "here"
    }
}

fn scope() -> AuthScope {
    AuthScope::new("/scope")
        .service(above)
        .service(open)
        .service(documented)
        .service(admin::index)
        .service(admin::below)
        .service(admin::open_below)
        .service(index)
        .service(request)
        .route(actix_web::http::Method::GET, "/block", Block::<u8>::list)
        .route(actix_web::http::Method::GET, "/fifteen", fifteen)
}

fn main() {
    use beside_handlers::{LIMIT, Page, Rows};

    let page = Page::new("page");
    let _ = (page.name().len(), page.into_name(), LIMIT, Block::<u8>::new().text());
    let _ = (Rows::<u8>::new().first(), Rows::<u8>::all(), Rows::from(vec![1]));
    let _app =
        App::new().configure(beside_handlers::configure).service(beside_handlers::scope());
    let _app = App::new()
        .service(scope())
        .route("/everything", web::get().to(everything))
        .route("/usual", web::get().to(with_usual_names))
        .route("/aged", web::get().to(aged))
        .route("/traced-below", web::get().to(traced_below))
        .route("/traced-above", web::get().to(traced_above))
        .route("/routed", web::get().to(admin::routed))
        .route("/block/open", web::get().to(Block::<u8>::open))
        .route("/block/edit", web::get().to(Block::<u8>::edit))
        .route("/block/here", web::get().to(Block::<&'static str>::conditional));
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
