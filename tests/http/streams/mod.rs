//! Streams that end with the access of their caller. STR-01 to STR-17.

mod bodies;
mod checks;
mod demanded_logins;
mod expiry;
mod messages;

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    web::{self, Bytes},
};
use futures_core::Stream;
use jwt_verify::{
    require,
    streams::{EndOfAccess, StreamGuard},
};

use jwt_verify_tests::Request;

use super::*;

/// The guards of the streams that were opened, for the test to look at.
#[derive(Clone, Default)]
struct Guards(Arc<Mutex<Vec<StreamGuard>>>);

impl Guards {
    /// Waits for the next stream, and takes its guard out.
    fn next(&self) -> StreamGuard {
        let start = Instant::now();
        loop {
            if let Some(guard) = self.0.lock().unwrap().pop() {
                return guard;
            }
            assert!(start.elapsed() < PATIENCE, "no stream was opened");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

/// One event, and then nothing for ever.
struct Silence(Option<Bytes>);

impl Stream for Silence {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.take().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(bytes))))
    }
}

/// A route without requirement, to refresh keys.
#[require]
#[actix_web::get("/")]
async fn index() -> &'static str {
    ""
}

#[require]
#[actix_web::get("/events")]
async fn events(guard: StreamGuard, guards: web::Data<Guards>) -> HttpResponse {
    let news = Silence(Some(Bytes::from_static(b"data: hello\n\n")));
    let response =
        HttpResponse::Ok().content_type("text/event-stream").streaming(guard.wrap_events(news));
    guards.0.lock().unwrap().push(guard);
    response
}

/// A server with a route of events, and the guards of its streams.
struct Streams {
    api: TestServer,
    guards: Guards,
}

impl Streams {
    fn serve(auth: &JwtAuth) -> Self {
        let (auth, guards) = (auth.clone(), Guards::default());
        let shared = guards.clone();
        let api = TestServer::start(move || {
            let routes = web::scope("").service(index).service(events).wrap(auth.clone());
            let app = App::new().app_data(web::Data::new(shared.clone()));
            match auth.security_event_route() {
                Some(route) => app.service(route).service(routes),
                None => app.service(routes),
            }
        });
        Self { api, guards }
    }

    /// Opens a stream of events. The thread returns all of its body.
    fn open(&self, token: &str) -> (StreamGuard, JoinHandle<String>) {
        self.open_by(self.api.get("/events").bearer(token))
    }

    fn open_by(&self, request: Request) -> (StreamGuard, JoinHandle<String>) {
        let body = std::thread::spawn(move || unchunked(request.send().text()));
        (self.guards.next(), body)
    }
}

/// Takes the chunks of a body out of their coding (RFC 9112 §7.1).
fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return text;
        }
        text += &rest[..size];
        body = &rest[size + 2..];
    }
}

/// Waits for the end of a guard.
fn end_of(guard: &StreamGuard) -> EndOfAccess {
    let ended = guard.ended();
    actix_web::rt::System::new()
        .block_on(async { actix_web::rt::time::timeout(PATIENCE, ended).await.unwrap() })
}

fn last_event(reason: &str) -> String {
    format!("event: access-ended\ndata: {{\"reason\":\"{reason}\"}}\n\n")
}
