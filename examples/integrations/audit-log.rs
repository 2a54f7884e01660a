//! Who did what: each line of the log says to which request it belongs, and every decision is noted.
//!
//! `tracing-actix-web` opens a span for each request, with an identifier that is new for each. The
//! subject goes into it once it is verified. `TracingAudit` writes what was decided, and an event of
//! the handler's own says what was done.

use std::error::Error;

use actix_web::{
    App, HttpMessage as _, HttpResponse, HttpServer, Responder,
    body::MessageBody,
    delete,
    dev::{ServiceRequest, ServiceResponse},
    get,
    middleware::{Next, from_fn},
    web,
};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{VerifiedClaims, VerifiedClaimsExt as _, authorization::TracingAudit, require};
use tracing::{Span, field::Empty};
use tracing_actix_web::{RequestId, RootSpanBuilder, TracingLogger};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// What is known of a request before anybody has looked at its token. Not its header fields: one of
/// them is the token.
struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string);
        tracing::info_span!(
            "request",
            method = %request.method(),
            path = request.path(),
            id,
            subject = Empty,
            status = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(
        span: Span,
        outcome: &Result<ServiceResponse<B>, actix_web::Error>,
    ) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("status", status.as_u16());
        span.in_scope(|| tracing::info!("answered"));
    }
}

/// Comes after the token has been verified. What it says was written elsewhere, so it is quoted.
async fn name_the_caller(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Some(claims) = request.verified_claims() {
        Span::current().record("subject", tracing::field::debug(claims.subject()));
    }
    next.call(request).await
}

#[require(roles = "admin")]
#[get("/users")]
async fn users() -> impl Responder {
    web::Json(["alice", "bob"])
}

#[require(roles = "admin")]
#[delete("/users/{name}")]
async fn delete_user(
    claims: VerifiedClaims,
    name: web::Path<String>,
    request: RequestId,
) -> impl Responder {
    tracing::warn!(
        target: "audit",
        action = "delete_user",
        by = ?claims.subject(),
        whom = ?*name,
        %request,
        "deleted a user"
    );
    HttpResponse::NoContent()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    tracing_subscriber::fmt().with_env_filter(filter.from_env_lossy()).with_ansi(false).init();

    let demo = Demo::start();
    let auth = demo.auth().audit_log(TracingAudit::new()).build()?;
    demo.print_token("ada, an admin", |token| token.subject("ada").role("admin"));
    let server = HttpServer::new(move || {
        App::new()
            .service(users)
            .service(delete_user)
            // What is wrapped last comes first.
            .wrap(from_fn(name_the_caller))
            .wrap(auth.clone())
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
