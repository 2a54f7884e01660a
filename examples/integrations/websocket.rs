//! A WebSocket for callers with a token, for as long as the token is good.
//!
//! A page cannot set `Authorization` on a WebSocket, and a token in the URL ends up in logs. So it
//! offers two subprotocols, the one that is spoken and the token:
//! `new WebSocket(url, ["chat.v1", "bearer." + token])`; the server picks the first and never repeats
//! the second. Clients that can set a header do.
//!
//! The handshake is a request like any other, and `#[require]` decides about it. What comes after is
//! no request any more: the connection is closed when the token expires or is revoked.

use std::{error::Error, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder, get,
    http::header::SEC_WEBSOCKET_PROTOCOL,
    post,
    rt::{
        self,
        time::{sleep, timeout},
    },
    web,
};
use actix_ws::{AggregatedMessage, CloseCode, CloseReason, Session};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{
    AuthError, InvalidRequestReason, InvalidTokenReason, Lookup, VerifiedClaims,
    extract::{Credential, FirstOf, TokenExtractor},
    require,
    revocation::{MemoryRevocation, Revocation, RevocationKeys, RevocationStore as _},
};
use tokio::sync::broadcast::{self, error::RecvError};

const SPOKEN: &str = "chat.v1";
const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// How long a client may take to hear that it is over.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes the token out of the subprotocols that a client offers.
struct Subprotocol;

impl TokenExtractor for Subprotocol {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let offers = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
        let mut tokens = offers
            .flat_map(|offer| offer.as_bytes().split(|&byte| byte == b','))
            .filter_map(|offer| offer.trim_ascii().strip_prefix(b"bearer."));
        match (tokens.next(), tokens.next()) {
            (None, _) => Ok(None),
            (Some(token), None) => Ok(Some(Credential::new(token))),
            _ => Err(InvalidRequestReason::Ambiguous),
        }
    }
}

/// Tells the connections which tokens have been revoked, by `jti`.
type Revoked = broadcast::Sender<String>;

#[require]
#[get("/chat")]
async fn chat(
    claims: VerifiedClaims,
    request: HttpRequest,
    body: web::Payload,
    revoked: web::Data<Revoked>,
    revocation: web::Data<MemoryRevocation>,
) -> Result<HttpResponse, actix_web::Error> {
    // Those who subscribe before they look miss nothing in between.
    let mut news = revoked.subscribe();
    if is_revoked(&revocation, &claims).await {
        return Err(AuthError::InvalidToken(InvalidTokenReason::Revoked).into());
    }
    let (response, session, messages) = actix_ws::handle_with_protocols(&request, body, &[SPOKEN])?;
    let mut messages = messages
        .max_frame_size(MAX_MESSAGE_BYTES)
        .aggregate_continuations()
        .max_continuation_size(MAX_MESSAGE_BYTES);
    rt::spawn(async move {
        let talk = async {
            while let Some(Ok(message)) = messages.recv().await {
                if !answer(&mut session.clone(), &claims, message).await {
                    break;
                }
            }
        };
        // A client that reads nothing holds up the talk, not the end.
        let reason = tokio::select! {
            biased;
            () = sleep(time_left(&claims)) => Some("the token has expired"),
            () = until_revoked(&mut news, &revocation, &claims) => Some("the token has been revoked"),
            () = talk => None,
        };
        let _ = timeout(PATIENCE, session.close(reason.map(because))).await;
    });
    Ok(response)
}

/// Waits until the token of these claims is no longer good although its time has not come.
async fn until_revoked(
    news: &mut broadcast::Receiver<String>,
    revocation: &MemoryRevocation,
    claims: &VerifiedClaims,
) {
    loop {
        match news.recv().await {
            Ok(id) if claims.token_id() != Some(&id) => {}
            // Whoever could not follow the news looks for itself.
            Err(RecvError::Lagged(_)) if !is_revoked(revocation, claims).await => {}
            _ => return,
        }
    }
}

/// Answers a message; `false` ends the connection.
async fn answer(
    session: &mut Session,
    claims: &VerifiedClaims,
    message: AggregatedMessage,
) -> bool {
    match message {
        AggregatedMessage::Text(text) => {
            let who = claims.subject().unwrap_or("somebody");
            session.text(format!("{who}: {text}")).await.is_ok()
        }
        AggregatedMessage::Ping(bytes) => session.pong(&bytes).await.is_ok(),
        AggregatedMessage::Pong(_) => true,
        AggregatedMessage::Binary(_) | AggregatedMessage::Close(_) => false,
    }
}

fn because(text: &str) -> CloseReason {
    CloseReason { code: CloseCode::Policy, description: Some(text.into()) }
}

/// Until `exp`: a connection has no use for the leeway, which is there for clocks that differ.
fn time_left(claims: &VerifiedClaims) -> Duration {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or(Duration::MAX);
    claims.expires_at().map_or(Duration::ZERO, |end| end.since_epoch().saturating_sub(now))
}

async fn is_revoked(store: &MemoryRevocation, claims: &VerifiedClaims) -> bool {
    let keys = RevocationKeys::of(claims.standard());
    let outcome = match store.check(&keys) {
        Lookup::Ready(outcome) => outcome,
        Lookup::Pending(outcome) => outcome.await,
    };
    // Who cannot tell does not go on.
    outcome.unwrap_or(true)
}

/// Ends the caller's token, and the connections that were opened with it.
#[require]
#[post("/logout")]
async fn logout(
    claims: VerifiedClaims,
    revoked: web::Data<Revoked>,
    revocation: web::Data<MemoryRevocation>,
) -> Result<impl Responder, AuthError> {
    let (Some(issuer), Some(id), Some(end)) =
        (claims.issuer(), claims.token_id(), claims.expires_at())
    else {
        return Err(AuthError::Misconfigured);
    };
    let outcome = revocation.revoke(&Revocation::token(issuer, id), end.since_epoch()).await;
    outcome.map_err(|_| AuthError::Unavailable { retry_after: Duration::from_secs(1) })?;
    // Nobody may be listening.
    let _ = revoked.send(id.to_owned());
    Ok(HttpResponse::NoContent())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let revocation = MemoryRevocation::new();
    let shared = revocation.clone();
    let auth = demo
        .auth()
        .extractor(FirstOf::bearer().or(Subprotocol).exclusive())
        .revocation(shared)
        .build()?;
    demo.print_token("alice", |token| token.subject("alice"));
    let revocation = web::Data::new(revocation);
    let revoked = web::Data::new(broadcast::channel::<String>(1024).0);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(revocation.clone())
            .app_data(revoked.clone())
            .service(chat)
            .service(logout)
            .wrap(auth.clone())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
