//! A WebSocket and server-sent events for callers with a token, for as long as the token is good.
//!
//! A page cannot set `Authorization` on a WebSocket, and a token in the URL ends up in logs. So it
//! offers two subprotocols, the one that is spoken and the token:
//! `new WebSocket(url, ["chat.v1", "bearer." + token])`; the server picks the first and never repeats
//! the second. Clients that can set a header do.
//!
//! The handshake is a request like any other, and `#[require]` decides about it. What comes after is
//! watched by a `StreamGuard`: both streams end when the token expires, is revoked, or loses its key.
//! Before that, a client of the WebSocket sends `bearer NEW_TOKEN` to stay.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder, get, post,
    rt::{
        self,
        time::{Interval, interval},
    },
    web::{self, Bytes},
};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseReason, Session};
use example_support::demo::{Demo, announce, bind_address};
use futures_util::Stream;
use jwt_verify::{
    AuthError, VerifiedClaims,
    extract::{FirstOf, SubprotocolExtractor},
    require,
    revocation::{MemoryRevocation, Revocation, RevocationStore as _},
    streams::{StreamGuard, close_code},
};

const SPOKEN: &str = "chat.v1";
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

#[require]
#[get("/chat")]
async fn chat(
    guard: StreamGuard,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let (response, session, messages) = actix_ws::handle_with_protocols(&request, body, &[SPOKEN])?;
    let messages = messages
        .max_frame_size(MAX_MESSAGE_BYTES)
        .aggregate_continuations()
        .max_continuation_size(MAX_MESSAGE_BYTES);
    // The guard closes the connection at the end of the access, with a reason.
    let response = guard.wrap_response(response);
    rt::spawn(async move {
        // Nothing is received after the end, from clients that read nothing either.
        let talk = talk(&guard, &request, session.clone(), messages);
        if let Ok(reason) = guard.run(talk).await {
            let _ = session.close(reason).await;
        }
    });
    Ok(response)
}

/// Answers messages until the client leaves or has to leave.
async fn talk(
    guard: &StreamGuard,
    request: &HttpRequest,
    mut session: Session,
    mut messages: AggregatedMessageStream,
) -> Option<CloseReason> {
    while let Some(Ok(message)) = messages.recv().await {
        let sent = match message {
            AggregatedMessage::Text(text) if text.starts_with("bearer ") => {
                match guard.authenticate(request, &text).await {
                    Ok(_) => session.text("welcome back").await,
                    Err(refusal) => return Some(because(&refusal)),
                }
            }
            AggregatedMessage::Text(text) => {
                let claims = guard.claims();
                let who = claims.subject().unwrap_or("a guest");
                session.text(format!("{who}: {text}")).await
            }
            AggregatedMessage::Ping(bytes) => session.pong(&bytes).await,
            AggregatedMessage::Pong(_) => Ok(()),
            AggregatedMessage::Binary(_) | AggregatedMessage::Close(_) => return None,
        };
        if sent.is_err() {
            return None;
        }
    }
    None
}

fn because(refusal: &AuthError) -> CloseReason {
    CloseReason { code: close_code(refusal).into(), description: Some(refusal.code().into()) }
}

/// The time of the server, every second.
#[require]
#[get("/events")]
async fn events(guard: StreamGuard) -> HttpResponse {
    let response = HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(Ticks(interval(Duration::from_secs(1))));
    guard.wrap_response(response)
}

struct Ticks(Interval);

impl Stream for Ticks {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_tick(context).map(|_| {
            let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
            Some(Ok(format!("event: tick\ndata: {now}\n\n").into()))
        })
    }
}

/// Ends the caller's token, and the streams that were opened with it.
#[require]
#[post("/logout")]
async fn logout(
    claims: VerifiedClaims,
    revocation: web::Data<MemoryRevocation>,
) -> Result<impl Responder, AuthError> {
    let (Some(issuer), Some(id), Some(end)) =
        (claims.issuer(), claims.token_id(), claims.expires_at())
    else {
        return Err(AuthError::Misconfigured);
    };
    let outcome = revocation.revoke(&Revocation::token(issuer, id), end.since_epoch()).await;
    outcome.map_err(|_| AuthError::Unavailable { retry_after: Duration::from_secs(1) })?;
    Ok(HttpResponse::NoContent())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let revocation = MemoryRevocation::new();
    let auth = demo
        .auth()
        .extractor(FirstOf::bearer().or(SubprotocolExtractor).exclusive())
        .revocation(revocation.clone())
        .build()?;
    demo.print_token("alice", |token| token.subject("alice"));
    let revocation = web::Data::new(revocation);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(revocation.clone())
            .service(chat)
            .service(events)
            .service(logout)
            .wrap(auth.clone())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
