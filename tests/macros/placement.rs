//! The attribute works wherever a handler is, and does the same everywhere.

use actix_web::{App, HttpResponse, Responder, get, post, route, routes, web};
use jwt_verify::{Algorithm, JwtAuth, TrustedIssuer, require};
use jwt_verify_tests::{AUDIENCE, FakeIssuer, SigningKey, TestServer, Token};

#[require(roles = "admin")]
#[get("/above")]
async fn above() -> impl Responder {
    "ran"
}

#[get("/below")]
#[require(roles = "admin")]
async fn below() -> impl Responder {
    "ran"
}

#[require(roles = "admin")]
async fn routed() -> Result<HttpResponse, actix_web::Error> {
    Ok(HttpResponse::Ok().body("ran"))
}

#[require(roles = "admin")]
async fn generic<T: ToString>(_: web::Path<T>) -> &'static str
where
    web::Path<T>: actix_web::FromRequest,
{
    "ran"
}

#[route("/route", method = "GET", method = "PUT")]
#[require(roles = "admin")]
async fn many_methods() -> &'static str {
    "ran"
}

#[require(roles = "admin")]
#[routes]
#[get("/routes-1")]
#[get("/routes-2")]
async fn many_paths() -> &'static str {
    "ran"
}

#[post("/json")]
#[require(roles = "admin")]
async fn with_body(_: web::Json<u32>) -> &'static str {
    "ran"
}

#[test]
fn every_placement_protects_alike() {
    let key = SigningKey::new(Algorithm::ES256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]),
    )
    .build()
    .unwrap();
    for wrapped in [true, false] {
        let auth = auth.clone();
        let api = TestServer::start(move || {
            let routes = web::scope("/api")
                .service((above, below, many_methods, many_paths, with_body))
                .route("/routed", web::get().to(routed))
                .route("/generic/{id}", web::get().to(generic::<u32>));
            // With the middleware around it, or with nothing but the app's data.
            App::new()
                .app_data(auth.clone())
                .wrap(actix_web::middleware::Condition::new(wrapped, auth.clone()))
                .service(routes)
        });
        let user = Token::now(issuer.url()).roles(&["user"]).sign(&key);
        let admin = Token::now(issuer.url()).roles(&["admin"]).sign(&key);
        for (method, path) in [
            ("GET", "above"),
            ("GET", "below"),
            ("GET", "routed"),
            ("GET", "generic/5"),
            ("GET", "route"),
            ("PUT", "route"),
            ("GET", "routes-1"),
            ("GET", "routes-2"),
            ("POST", "json"),
        ] {
            let request = api.request(method, &format!("/api/{path}"));
            assert_eq!(request.clone().json("{").send().status, 401, "{method} {path}");
            assert_eq!(
                request.clone().bearer(&user).json("{").send().status,
                403,
                "{method} {path}"
            );
            let response = request.bearer(&admin).json("5").send();
            assert_eq!((response.status, response.text()), (200, "ran"), "{method} {path}");
        }
        // Arguments are judged after the caller.
        assert_eq!(api.get("/api/generic/x").bearer(&user).send().status, 403);
        assert_eq!(api.get("/api/generic/x").bearer(&admin).send().status, 404);
    }
}
