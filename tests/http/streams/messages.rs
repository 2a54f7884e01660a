//! Credentials in the messages of a stream.

use actix_web::HttpRequest;
use jwt_verify::{
    AuthError, Decision, Requirement, Secret, VerifiedClaims,
    api_keys::{ApiKeys, MemoryApiKeys},
    dpop::Dpop,
    extract::{FirstOf, SubprotocolExtractor},
    revocation::{MemoryRevocation, Revocation, RevocationStore as _},
    streams::{StreamLogin, close_code},
    testing::ProofKey,
};
use serde_json::json;

use super::*;

/// What became of a message: the end of the access in seconds, or the code and the reason.
fn told(outcome: Result<StreamGuard, AuthError>) -> String {
    match outcome {
        Ok(guard) => format!("{:?}", guard.time_left().map(|left| left.as_secs())),
        Err(error) => format!("{} {}", close_code(&error), error.reason()),
    }
}

/// Replaces the access by the token in the body. After a refusal it is that of before.
async fn refreshed(guard: StreamGuard, request: HttpRequest, body: String) -> String {
    let before = guard.time_left();
    let outcome = guard.authenticate(&request, &body).await;
    match &outcome {
        Ok(claims) => assert!(guard.claims().subject() == claims.subject()),
        Err(_) => assert_eq!(guard.time_left(), before),
    }
    told(outcome.map(|_| guard))
}

#[expect(clippy::needless_pass_by_value, reason = "a policy is given extractors")]
fn only_ada(claims: &VerifiedClaims, request: HttpRequest) -> Decision {
    Decision::from(request.path() == "/ada" && claims.get("vetoed").is_none())
}

#[require(roles = "member")]
#[actix_web::post("/members")]
async fn members(guard: StreamGuard, request: HttpRequest, body: String) -> String {
    refreshed(guard, request, body).await
}

#[require(policy = only_ada)]
#[actix_web::post("/ada")]
async fn ada(guard: StreamGuard, request: HttpRequest, body: String) -> String {
    refreshed(guard, request, body).await
}

#[actix_web::post("/any")]
async fn any(guard: StreamGuard, request: HttpRequest, body: String) -> String {
    refreshed(guard, request, body).await
}

/// No token in the request; the first message has one.
async fn login(login: StreamLogin, request: HttpRequest, body: String) -> String {
    let (first, second) = body.split_once('\n').unwrap_or((&body, ""));
    let outcome = login.authenticate(first, &Requirement::roles(["member"])).await;
    match outcome {
        Ok(guard) if !second.is_empty() => refreshed(guard, request, second.into()).await,
        outcome => told(outcome),
    }
}

struct Messages {
    bed: TestBed,
    api: TestServer,
}

impl Messages {
    fn serve() -> Self {
        Self::serve_with(|auth| auth)
    }

    fn serve_with(change: impl FnOnce(JwtAuthBuilder) -> JwtAuthBuilder) -> Self {
        let bed = TestBed::new();
        let auth = change(bed.auth()).build().unwrap();
        let api = TestServer::start(move || {
            let scope = auth.require(Requirement::scopes(["chat"]));
            App::new()
                .service(
                    web::scope("/scope")
                        .wrap(scope)
                        .wrap(auth.clone())
                        .route("", web::post().to(any_in_scope)),
                )
                .service(
                    web::scope("/login").wrap(auth.optional()).route("", web::post().to(login)),
                )
                .app_data(auth.clone())
                .service(members)
                .service(ada)
                .service(any)
        });
        Self { bed, api }
    }

    /// Opens a stream with one token and sends another.
    fn send(&self, path: &str, first: &str, second: &str) -> String {
        let request = self.api.request("POST", path).bearer(first);
        let answer = request.body("text/plain", second).send();
        assert_eq!(answer.status, 200, "{}", answer.everything());
        answer.text().to_owned()
    }

    fn login(&self, messages: &str) -> String {
        let answer = self.api.request("POST", "/login").body("text/plain", messages).send();
        assert_eq!(answer.status, 200, "{}", answer.everything());
        answer.text().to_owned()
    }

    /// A token of Ada's that is good for so many seconds, with further claims.
    fn token(&self, seconds: u64, claims: &serde_json::Value) -> String {
        let mut all = json!({"sub": "ada", "exp": jwt_verify_tests::START + seconds});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        self.bed.token_with(&all)
    }
}

async fn any_in_scope(guard: StreamGuard, request: HttpRequest, body: String) -> String {
    refreshed(guard, request, body).await
}

const BAD_TOKEN: &str = "4401 form";

/// STR-11: a newer token of the same caller prolongs the stream, or shortens it.
#[test]
fn a_newer_token_replaces_the_access() {
    let streams = Messages::serve();
    let first = streams.token(600, &json!({}));
    for seconds in [900, 300] {
        let second = streams.token(seconds, &json!({}));
        assert_eq!(streams.send("/any", &first, &second), format!("Some({seconds})"));
        let message = format!("bEarer {second}");
        assert_eq!(streams.send("/any", &first, &message), format!("Some({seconds})"));
    }
}

/// STR-11: another caller, a token that a request would be refused with, or none, changes nothing.
#[test]
fn other_tokens_are_refused() {
    let store = MemoryRevocation::new();
    let revoked = store.clone();
    let streams = Messages::serve_with(|auth| auth.revocation(revoked));
    let first = streams.token(600, &json!({"jti": "1"}));
    let issuer = streams.bed.issuer.url();
    let until = Duration::from_secs(jwt_verify_tests::START + 3600);
    let revocation = Revocation::token(issuer, "gone");
    actix_web::rt::System::new().block_on(store.revoke(&revocation, until)).unwrap();
    let other_key = SigningKey::new(Algorithm::ES256, "key-1");
    let forged = streams.bed.token().claim("sub", "ada").claim("jti", "2").sign(&other_key);
    let without_subject =
        streams.bed.token().without("sub").claim("jti", "2").sign(&streams.bed.key);
    for (message, expected) in [
        (streams.token(900, &json!({"sub": "bob", "jti": "2"})), "4403 subject"),
        (without_subject, "4403 subject"),
        (
            streams.bed.token_with(
                &json!({"sub": "ada", "jti": "2", "iat": jwt_verify_tests::START - 900, "exp": jwt_verify_tests::START - 60}),
            ),
            "4401 token_expired",
        ),
        (streams.token(900, &json!({"jti": "gone"})), "4401 revoked"),
        (streams.token(900, &json!({"jti": "2", "aud": "other"})), "4401 audience"),
        (
            streams.token(
                900,
                &json!({"jti": "2", "cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}),
            ),
            "4401 confirmation",
        ),
        (forged, "4401 signature"),
        ("not a token".to_owned(), BAD_TOKEN),
        (String::new(), "4401 missing_token"),
        ("Bearer ".to_owned(), BAD_TOKEN),
    ] {
        let told = streams.send("/any", &first, &message);
        let is_missing = message.trim() == "Bearer" && told == "4401 missing_token";
        assert!(told == expected || is_missing, "{message}: {told}");
    }
}

/// STR-11: no proof can be in a message: with tokens that must be bound, none is accepted there.
#[test]
fn bound_tokens_are_refused_in_messages() {
    let streams = Messages::serve_with(|auth| auth.dpop(Dpop::new("https://api.example.com")));
    let key = ProofKey::new();
    let bound = streams.token(900, &json!({"cnf": {"jkt": key.thumbprint()}}));
    let first = streams.token(600, &json!({}));
    assert_eq!(streams.send("/any", &first, &bound), "4401 confirmation");
    assert_eq!(
        streams.login(
            &streams.token(600, &json!({"roles": ["member"], "cnf": {"jkt": key.thumbprint()}}))
        ),
        "4401 confirmation"
    );
}

/// STR-12: the newer token has to meet what the request has met.
#[test]
fn the_requirements_of_the_route_apply_again() {
    let streams = Messages::serve();
    let member = streams.token(600, &json!({"roles": ["member"]}));
    let better = streams.token(900, &json!({"roles": ["member", "admin"]}));
    let worse = streams.token(900, &json!({"roles": ["guest"]}));
    assert_eq!(streams.send("/members", &member, &better), "Some(900)");
    assert_eq!(streams.send("/members", &member, &worse), "4403 missing_role");
    let vetoed = streams.token(900, &json!({"vetoed": true}));
    assert_eq!(streams.send("/ada", &member, &better), "Some(900)");
    assert_eq!(streams.send("/ada", &member, &vetoed), "4403 denied_by_policy");
    let chat = streams.token(600, &json!({"scope": "chat"}));
    let longer = streams.token(900, &json!({"scope": "chat more"}));
    assert_eq!(streams.send("/scope", &chat, &longer), "Some(900)");
    assert_eq!(streams.send("/scope", &chat, &better), "4403 missing_scope");
}

/// STR-12: a caller with an API key does not become one with a token, and the other way round.
#[test]
fn a_key_and_a_token_are_different_callers() {
    let store = MemoryApiKeys::new();
    let secret = Secret::from("the secret of the hashes, 32 bytes");
    let keys = ApiKeys::builder(secret, store.clone()).build().unwrap();
    let key_of = |owner: &str| {
        let key = keys.generate().unwrap();
        let record = keys.record(&key, owner).roles(["member"]).build().unwrap();
        assert!(store.insert_now(record));
        key.expose().to_owned()
    };
    let (first, second) = (key_of("ada"), key_of("ada"));
    let other = key_of("bob");
    let streams = Messages::serve_with(|auth| auth.api_keys(keys.clone()));
    let token = streams.token(600, &json!({}));
    assert_eq!(streams.send("/any", &first, &second), "None");
    assert_eq!(streams.send("/any", &first, &other), "4403 subject");
    assert_eq!(streams.send("/any", &first, &token), "4403 subject");
    assert_eq!(streams.send("/any", &token, &first), "4403 subject");
    assert_eq!(streams.login(&first), "None");
}

/// STR-13: a stream that a request without a token has opened is authenticated by its first message.
#[test]
fn the_first_message_authenticates() {
    let streams = Messages::serve();
    let member = streams.token(600, &json!({"roles": ["member"]}));
    assert_eq!(streams.login(&member), "Some(600)");
    assert_eq!(streams.login(&streams.token(600, &json!({}))), "4403 missing_role");
    assert_eq!(streams.login(""), "4401 missing_token");
    assert_eq!(streams.login("x"), BAD_TOKEN);
    let longer = streams.token(900, &json!({"roles": ["member"]}));
    assert_eq!(streams.login(&format!("{member}\n{longer}")), "Some(900)");
    let other = streams.token(900, &json!({"sub": "bob", "roles": ["member"]}));
    assert_eq!(streams.login(&format!("{member}\n{other}")), "4403 subject");
    let worse = streams.token(900, &json!({}));
    assert_eq!(streams.login(&format!("{member}\n{worse}")), "4403 missing_role");
}

/// STR-13: a token among the subprotocols is one credential like any other.
#[test]
fn a_token_among_the_subprotocols() {
    let bed = TestBed::new();
    let extractor = FirstOf::bearer().or(SubprotocolExtractor).exclusive();
    let auth = bed.auth().extractor(extractor).build().unwrap();
    let streams = Streams::serve(&auth);
    let token = bed.good();
    let with = |offers: &str| streams.api.get("/").header("Sec-WebSocket-Protocol", offers);
    for offers in [format!("chat.v1, bearer.{token}"), format!("bearer, {token}, chat.v1")] {
        let answer = with(&offers).send();
        assert_eq!(answer.status, 200);
        assert!(!answer.everything().contains(&token), "it is not repeated");
    }
    assert_eq!(with("chat.v1").send().status, 401);
    assert_eq!(with("bearer").send().status, 400);
    assert_eq!(with(&format!("bearer.{token}")).bearer(&token).send().status, 400);
}

/// STR-11: a stream ends with the newer token, and by its revocation; one that has ended stays so.
#[test]
fn a_stream_ends_with_the_newer_token() {
    let bed = TestBed::new();
    let store = MemoryRevocation::with_clock(bed.clock.clone());
    let auth = bed.auth().revocation(store.clone()).build().unwrap();
    actix_web::rt::System::new().block_on(async {
        use actix_web::{FromRequest as _, test::TestRequest};
        let token = |jti: &str, seconds: u64| {
            bed.token_with(
                &json!({"sub": "ada", "jti": jti, "exp": jwt_verify_tests::START + seconds}),
            )
        };
        let request = TestRequest::default()
            .app_data(auth.clone())
            .insert_header(("Authorization", format!("Bearer {}", token("1", 600))))
            .to_http_request();
        let guard = StreamGuard::extract(&request).await.unwrap();
        let (mut ended, until) =
            (guard.ended(), Duration::from_secs(jwt_verify_tests::START + 3600));
        guard.authenticate(&request, &token("2", 900)).await.unwrap();
        store.revoke(&Revocation::token(bed.issuer.url(), "1"), until).await.unwrap();
        bed.clock.advance(Duration::from_secs(600));
        actix_web::rt::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(guard.end(), None, "the first token is not that of the stream any more");
        guard.authenticate(&request, &token("3", 1200)).await.unwrap();
        store.revoke(&Revocation::token(bed.issuer.url(), "3"), until).await.unwrap();
        assert_eq!((&mut ended).await, EndOfAccess::Revoked);
        let late = guard.authenticate(&request, &token("4", 1200)).await.unwrap_err();
        assert_eq!(late, AuthError::ExpiredToken);
        assert_eq!(guard.end(), Some(EndOfAccess::Revoked));
    });
}
