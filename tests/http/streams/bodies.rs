//! What a client gets at the end of the access.

use actix_web::{
    FromRequest as _,
    body::{BodySize, MessageBody as _, to_bytes},
    http::StatusCode,
    test::TestRequest,
};

use super::*;

fn run<F: Future>(test: F) -> F::Output {
    actix_web::rt::System::new().block_on(test)
}

async fn guard(bed: &TestBed, auth: &JwtAuth) -> StreamGuard {
    let request = TestRequest::default()
        .app_data(auth.clone())
        .insert_header(("Authorization", format!("Bearer {}", bed.good())));
    StreamGuard::extract(&request.to_http_request()).await.unwrap()
}

/// A response that is wrapped, with the end of the access after its first bytes.
fn cut_off(
    response: impl FnOnce(Silence) -> HttpResponse,
    first: &'static str,
) -> Result<String, String> {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let body = run(async {
        let guard = guard(&bed, &auth).await;
        let response = response(Silence(Some(Bytes::from_static(first.as_bytes()))));
        let body = to_bytes(guard.wrap_response(response).into_body());
        let end = async {
            actix_web::rt::time::sleep(Duration::from_millis(50)).await;
            bed.clock.advance(Duration::from_secs(600));
        };
        tokio::join!(body, end).0
    });
    body.map(|bytes| bytes.escape_ascii().to_string()).map_err(|error| error.to_string())
}

/// STR-10: events get a last event, a WebSocket a close frame, and other bodies are cut off.
#[test]
fn the_last_words_depend_on_the_response() {
    let of_events =
        |body| HttpResponse::Ok().content_type("Text/Event-Stream; charset=utf-8").streaming(body);
    let last = r#"event: access-ended\ndata: {\"reason\":\"expired\"}\n\n"#;
    let body = cut_off(of_events, "data: a\n\n");
    assert_eq!(body, Ok(format!(r"data: a\n\n{last}")));
    let body = cut_off(of_events, "data: a");
    assert_eq!(body, Ok(format!(r"data: a\n\n{last}")), "it stands alone");
    let socket = |body| HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS).streaming(body);
    let body = cut_off(socket, "frame");
    assert_eq!(body, Ok(r"frame\x88\t\x111expired".to_owned()));
    let file = |body| HttpResponse::Ok().content_type("text/csv").streaming(body);
    let body = cut_off(file, "a,b");
    assert_eq!(body, Err("the access of the caller has ended: expired".to_owned()));
}

/// STR-10: a body that ends by itself, or that has a length, stays as it is.
#[test]
fn a_body_that_ends_by_itself_stays_as_it_is() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    run(async {
        let guard = guard(&bed, &auth).await;
        let body = guard.wrap_response(HttpResponse::Ok().body("hello")).into_body();
        assert_eq!(body.size(), BodySize::Sized(5));
        assert_eq!(to_bytes(body).await.unwrap(), "hello");
        let of_length = HttpResponse::Ok().content_type("text/event-stream").body("data: a\n\n");
        let body = guard.wrap_response(of_length).into_body();
        assert_eq!(body.size(), BodySize::Stream, "the last event is not part of its length");
        assert_eq!(to_bytes(body).await.unwrap(), "data: a\n\n");
    });
}

/// STR-10: any stream can be wrapped, and a future can be run, until the end.
#[test]
fn streams_and_futures_end() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    run(async {
        let guard = guard(&bed, &auth).await;
        assert_eq!(guard.run(async { 7 }).await, Ok(7));
        let mut stream = Box::pin(guard.wrap(Silence(Some(Bytes::from_static(b"a")))));
        assert_eq!(polled(stream.as_mut()).await, Poll::Ready(Some(Bytes::from_static(b"a"))));
        assert_eq!(polled(stream.as_mut()).await, Poll::Pending);
        bed.clock.advance(Duration::from_secs(600));
        assert_eq!(polled(stream.as_mut()).await, Poll::Ready(None));
        assert_eq!(guard.run(std::future::pending::<()>()).await, Err(EndOfAccess::Expired));
        assert_eq!(guard.run(async { 7 }).await, Err(EndOfAccess::Expired), "the end comes first");
    });
}

/// Polls a stream once.
async fn polled(
    mut stream: Pin<&mut impl Stream<Item = Result<Bytes, std::io::Error>>>,
) -> Poll<Option<Bytes>> {
    std::future::poll_fn(|context| {
        Poll::Ready(stream.as_mut().poll_next(context).map(|item| item.map(Result::unwrap)))
    })
    .await
}
