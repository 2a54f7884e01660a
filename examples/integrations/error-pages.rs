//! Refusals in the application's own form: a page for browsers, `application/problem+json` (RFC 9457)
//! for everybody else.
//!
//! Status, challenge, `Retry-After` and `Cache-Control` stay as they are, because clients go by them;
//! only the body is another one. Nothing of the request is in it, so nothing has to be escaped.

use std::error::Error;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder, ResponseError as _,
    body::BoxBody,
    get,
    http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, VARY},
};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{AuthError, VerifiedClaims, require};
use serde_json::json;

/// What a person reads who is refused.
fn wording(error: &AuthError) -> (&'static str, &'static str) {
    match error {
        AuthError::MissingToken => ("Please log in", "This page is for those who have logged in."),
        AuthError::ExpiredToken => ("Your session has ended", "Please log in again."),
        AuthError::StepUp { .. } => ("Please confirm", "This needs a login of just now."),
        AuthError::Forbidden(_) | AuthError::Csrf => {
            ("Not for you", "Your account may not do this. Whoever manages it can change that.")
        }
        AuthError::Unavailable { .. } | AuthError::KeyLookupLimited { .. } => {
            ("One moment", "We cannot check who you are right now. Please try again shortly.")
        }
        AuthError::InvalidRequest(_) | AuthError::InvalidToken(_) => {
            ("That did not work", "What your browser sent is not good for this page.")
        }
        _ => ("Our mistake", "Something is set up wrongly here, and not by you."),
    }
}

fn refusal(error: &AuthError, request: &HttpRequest) -> HttpResponse {
    let answer = error.error_response();
    let (title, detail) = wording(error);
    let (kind, body) = if wants_page(request) {
        let page = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\
             <h1>{title}</h1><p>{detail}</p></html>"
        );
        ("text/html; charset=utf-8", page)
    } else {
        let problem = json!({
            "type": "about:blank",
            "title": title,
            "status": answer.status().as_u16(),
            "detail": detail,
        });
        ("application/problem+json", problem.to_string())
    };
    let mut answer = answer.set_body(BoxBody::new(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    answer
}

fn wants_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

#[require(roles = "admin")]
#[get("/admin")]
async fn admin(claims: VerifiedClaims) -> impl Responder {
    format!("hello {}\n", claims.subject().unwrap_or("stranger"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let auth = demo.auth().error_response(refusal).build()?;
    demo.print_token("alice, who is no admin", |token| token.subject("alice"));
    let server = HttpServer::new(move || App::new().service(admin).wrap(auth.clone()))
        .workers(2)
        .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
