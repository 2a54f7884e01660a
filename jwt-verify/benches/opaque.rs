//! An opaque token with the endpoint that tells about it.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant, UNIX_EPOCH},
};

use actix_web::{HttpRequest, dev::Payload, test::TestRequest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_verify::{
    Clock, JwkSet, JwtAuth, TrustedIssuer, VerifiedClaims, introspection::Introspection,
};

use crate::keys::{AUDIENCE, ISSUER, Subject};

/// The clocks of the standard library: valgrind cannot follow the call of the default one.
#[derive(Debug)]
struct PlainClock(Instant);

impl Clock for PlainClock {
    fn now(&self) -> Duration {
        UNIX_EPOCH.elapsed().unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// As long as those of common issuers.
pub(crate) const OPAQUE_TOKEN: &str =
    "ory_at_4bZ0Yk3nQ1xW8vT6sR2pL9mJ7hG5fD3c.aS1dF2gH3jK4lZ5xC6vB7nM8qW9eR0tY";

/// Accepts tokens of the subject's key, and opaque ones with the same claims.
pub(crate) fn auth(subject: &Subject) -> JwtAuth {
    let issuer = TrustedIssuer::new(ISSUER, AUDIENCE)
        .algorithms([subject.algorithm])
        .keys(JwkSet::single(subject.key()));
    let introspection = Introspection::at(endpoint(claims_of(subject)));
    JwtAuth::for_issuer(issuer)
        .introspection(introspection.client_secret_basic("api", "secret"))
        .clock(PlainClock(Instant::now()))
        .build()
        .unwrap()
}

/// Returns the request, as it arrives with this token.
pub(crate) fn request(auth: &JwtAuth, token: &str) -> HttpRequest {
    TestRequest::default()
        .insert_header(("authorization", format!("Bearer {token}")))
        .app_data(auth.clone())
        .to_http_request()
}

/// Asks the endpoint about the token, so that it is in the cache.
pub(crate) fn ask_once(auth: &JwtAuth) {
    let request = request(auth, OPAQUE_TOKEN);
    let claims = VerifiedClaims::from_request(&request, &mut Payload::None);
    let _: VerifiedClaims = actix_web::rt::System::new().block_on(claims).unwrap();
}

fn claims_of(subject: &Subject) -> serde_json::Value {
    let payload = subject.signing_input.split(|byte| *byte == b'.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Starts an endpoint that tells these claims of every token.
fn endpoint(mut claims: serde_json::Value) -> String {
    claims["active"] = true.into();
    let body = claims.to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/introspect", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &body);
        }
    });
    url
}

fn answer(mut stream: TcpStream, body: &str) {
    let mut question = Vec::new();
    let mut buffer = [0; 4096];
    while !question.windows(12).any(|part| part == b"access_token") {
        let length = stream.read(&mut buffer).unwrap();
        question.extend_from_slice(&buffer[..length]);
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
}
