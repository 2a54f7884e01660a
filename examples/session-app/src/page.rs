//! A page to sign up, log in and see the session. Its tokens are in cookies that no script can read.

use actix_web::{HttpResponse, Responder, http::header, route};

/// Only what comes from here, and in no frame of another site.
const POLICY: &str = "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

fn asset(media_type: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media_type))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(content)
}

#[route("/", method = "GET", method = "HEAD")]
pub(super) async fn index() -> impl Responder {
    asset("text/html; charset=utf-8", include_str!("page/index.html"))
}

#[route("/app.js", method = "GET", method = "HEAD")]
pub(super) async fn script() -> impl Responder {
    asset("text/javascript; charset=utf-8", include_str!("page/app.js"))
}

#[route("/app.css", method = "GET", method = "HEAD")]
pub(super) async fn style() -> impl Responder {
    asset("text/css; charset=utf-8", include_str!("page/app.css"))
}
