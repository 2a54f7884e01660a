//! Tokens that the issuer tells about (RFC 7662). INT-01 to INT-14.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jwt_verify::{
    Clock as _, TrustedIssuer,
    dpop::Dpop,
    introspection::Introspection,
    revocation::{MemoryRevocation, Revocation, RevocationStore as _},
    testing::ProofKey,
};
use jwt_verify_tests::{Answer, CapturedLog, IntrospectionEndpoint, Process, Response, setting};
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;

use super::*;

const SECRET: &str = "s3cret-of-the-api";

/// An issuer with its introspection endpoint.
struct Introspected {
    bed: TestBed,
    endpoint: IntrospectionEndpoint,
}

impl Introspected {
    fn new() -> Self {
        Self { bed: TestBed::new(), endpoint: IntrospectionEndpoint::start() }
    }

    fn trusted_issuer(&self) -> TrustedIssuer {
        TrustedIssuer::new(self.bed.issuer.url(), AUDIENCE).algorithms([self.bed.key.algorithm()])
    }

    fn introspection(&self) -> Introspection {
        Introspection::at(self.endpoint.url()).client_secret_basic("api", SECRET)
    }

    fn auth(&self) -> JwtAuthBuilder {
        let auth = setting::extractor(JwtAuth::for_issuer(self.trusted_issuer()));
        auth.clock(self.bed.clock.clone())
    }

    fn serve(&self) -> TestServer {
        self.serve_with(|introspection| introspection)
    }

    fn serve_with(&self, change: impl FnOnce(Introspection) -> Introspection) -> TestServer {
        serve(self.auth().introspection(change(self.introspection())).build().unwrap())
    }

    /// The answer about a token that is good for ten minutes.
    fn members(&self) -> Value {
        let now = self.bed.clock.now().as_secs();
        json!({
            "iss": self.bed.issuer.url(), "sub": "alice", "aud": AUDIENCE, "client_id": "web",
            "token_type": "Bearer", "iat": now, "exp": now + 600,
        })
    }

    fn activate(&self, token: &str) {
        self.endpoint.activate(token, &self.members());
    }

    fn with(&self, token: &str, name: &str, value: Value) {
        let mut members = self.members();
        members[name] = value;
        self.endpoint.activate(token, &members);
    }
}

fn get(api: &TestServer, token: &str) -> Response {
    api.get("/protected").bearer(token).send()
}

fn status(api: &TestServer, token: &str) -> u16 {
    get(api, token).status
}

fn assert_unavailable(response: &Response, context: &str) {
    assert_eq!(response.status, 503, "{context}: {}", response.everything());
    assert_eq!(response.json()["code"], "temporarily_unavailable", "{context}");
    let pause: u64 = response.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&pause), "{context}: {pause}");
    assert_eq!(response.challenge(), None, "{context}");
}

/// INT-01: an opaque token is a caller like one with a JWT, and JWTs are verified without a question.
#[test]
fn an_opaque_token_opens_what_its_claims_grant() {
    let issuer = Introspected::new();
    let api = issuer.serve();
    issuer.with("opaque-1", "permissions", json!(["read:posts"]));
    issuer.with("opaque-admin", "roles", json!(["admin"]));
    let response = get(&api, "opaque-1");
    assert_eq!((response.status, response.json()), (200, json!({"sub": "alice"})));
    let posts = |token: &str| api.get("/posts").bearer(token).send();
    let admin = |token: &str| api.get("/admin").bearer(token).send();
    assert_eq!((posts("opaque-1").status, admin("opaque-1").status), (200, 403));
    assert_eq!((posts("opaque-admin").status, admin("opaque-admin").status), (403, 200));
    assert!(posts("opaque-admin").challenge().unwrap().contains("insufficient_scope"));
    assert_eq!(issuer.endpoint.count(), 2);
    let question = &issuer.endpoint.questions()[0];
    assert_eq!(question.body, "token=opaque-1&token_type_hint=access_token");
    assert!(!question.head.contains(SECRET), "it is encoded");
    let jwt = Token::of(issuer.bed.issuer.url()).claim("aud", AUDIENCE);
    let jwt = jwt.claim("iss", issuer.bed.issuer.url()).sign(&issuer.bed.key);
    assert_eq!(status(&api, &jwt), 200);
    let forged = format!("{}x", &jwt[..jwt.len() - 1]);
    assert_eq!(status(&api, &forged), 401);
    assert_eq!(issuer.endpoint.count(), 2, "JWTs are verified here");
}

/// INT-02: what the endpoint does not know as active is 401, with no reason for the caller.
#[test]
fn an_inactive_token_is_refused() {
    let issuer = Introspected::new();
    let api = issuer.serve();
    let response = get(&api, "unknown");
    assert_eq!((response.status, response.challenge()), (401, Some(INVALID)));
    assert_eq!((status(&api, "unknown"), issuer.endpoint.count()), (401, 1));
    issuer.activate("opaque-1");
    assert_eq!(status(&api, "opaque-1"), 200);
    issuer.endpoint.revoke("opaque-1");
    assert_eq!(status(&api, "opaque-1"), 200, "for a minute at most");
    issuer.bed.clock.advance(Duration::from_secs(60));
    assert_eq!(get(&api, "opaque-1").challenge(), Some(INVALID));
}

/// INT-03: the rules of the issuer apply to answers.
#[test]
fn an_answer_has_to_satisfy_the_rules() {
    let issuer = Introspected::new();
    let api = issuer.serve();
    let now = issuer.bed.clock.now().as_secs();
    for (token, name, value, code) in [
        ("foreign", "aud", json!("https://other.example.com"), "invalid_token"),
        ("no-audience", "aud", Value::Null, "invalid_token"),
        ("other-issuer", "iss", json!("https://other.example.com"), "invalid_token"),
        ("for-ever", "exp", Value::Null, "invalid_token"),
        ("future", "nbf", json!(now + 61), "invalid_token"),
        ("refresh", "token_type", json!("refresh_token"), "invalid_token"),
        ("hydra-refresh", "token_use", json!("refresh_token"), "invalid_token"),
        ("keycloak-refresh", "typ", json!("Refresh"), "invalid_token"),
        ("id-token", "at_hash", json!("x"), "invalid_token"),
        ("id-token-2", "typ", json!("ID"), "invalid_token"),
        (
            "bound",
            "cnf",
            json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
            "invalid_token",
        ),
        ("odd-binding", "cnf", json!({"kid": "x"}), "invalid_token"),
    ] {
        issuer.with(token, name, value);
        let response = get(&api, token);
        assert_eq!((response.status, &response.json()["code"]), (401, &code.into()), "{token}");
    }
    let mut expired = issuer.members();
    (expired["iat"], expired["exp"]) = (json!(now - 600), json!(now - 61));
    issuer.endpoint.activate("expired", &expired);
    assert_eq!(get(&api, "expired").json()["code"], "token_expired");
    for (token, name, value) in [
        ("no-issuer", "iss", None),
        ("several", "aud", Some(json!(["x", AUDIENCE]))),
        ("untyped", "token_type", None),
        ("hydra", "token_use", Some(json!("access_token"))),
    ] {
        let mut members = issuer.members();
        match value {
            Some(value) => members[name] = value,
            None => drop(members.as_object_mut().unwrap().remove(name)),
        }
        issuer.endpoint.activate(token, &members);
        assert_eq!(status(&api, token), 200, "{token}");
    }
}

/// INT-04: a fault of the endpoint is 503, and no question is repeated within its pause.
#[test]
fn a_fault_of_the_endpoint_is_neither_a_pass_nor_a_refusal() {
    let issuer = Introspected::new();
    let good = issuer.members();
    let with = |name: &str, value: Value| {
        let mut members = good.clone();
        members["active"] = true.into();
        members[name] = value;
        members
    };
    let json_of = |value: Value| Answer::json(&value);
    let html = || Answer::Full {
        status: 200,
        headers: vec![("content-type".into(), "text/html".into())],
        body: b"<html>Please log in</html>".to_vec(),
    };
    let text = with("active", json!(true)).to_string();
    let raw = |length: usize, body: &str| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        Answer::Raw(format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes())
    };
    let json_head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let chunk = format!("{:x}\r\n{}\r\n", text.len() - 5, &text[..text.len() - 5]);
    let unfinished = format!("{json_head}transfer-encoding: chunked\r\n\r\n{chunk}");
    let huge = with("padding", json!("x".repeat(100_000)));
    for (name, answer) in [
        ("500", Answer::status(500)),
        ("502", Answer::status(502)),
        ("429", Answer::status(429)),
        ("404", Answer::status(404)),
        ("400", Answer::status(400)),
        ("403", Answer::status(403)),
        ("redirect", Answer::status(302).with_header("location", issuer.endpoint.url())),
        ("redirect that keeps the method", Answer::status(307).with_header("location", "/other")),
        ("HTML", html()),
        ("text `true`", json_of(with("active", json!("true")))),
        ("number", json_of(with("active", json!(1)))),
        ("null", json_of(with("active", Value::Null))),
        ("list", json_of(json!([{"active": true}]))),
        ("empty object", json_of(json!({}))),
        ("date as text", json_of(with("exp", json!("1900000000")))),
        ("twice", raw(30, r#"{"active":false,"active":true}"#)),
        ("huge", json_of(huge)),
        ("truncated", raw(text.len() + 10, &text)),
        ("truncated JSON", raw(text.len() - 5, &text[..text.len() - 5])),
        ("endless", Answer::Endless),
        ("reset", Answer::Reset),
        ("no end of chunks", Answer::Raw(unfinished.into_bytes())),
        ("nothing", Answer::Raw(Vec::new())),
    ] {
        let api = issuer.serve_with(|it| it.timeout(Duration::from_secs(2)));
        issuer.endpoint.answer_all(answer);
        let before = issuer.endpoint.count();
        assert_unavailable(&get(&api, "opaque-1"), name);
        assert_unavailable(&get(&api, "opaque-1"), name);
        assert_eq!(issuer.endpoint.count(), before + 1, "{name}");
        issuer.activate("opaque-1");
        issuer.bed.clock.advance(Duration::from_secs(1));
        assert_eq!(
            (status(&api, "opaque-1"), issuer.endpoint.count()),
            (200, before + 2),
            "{name}"
        );
    }
}

/// INT-05: an endpoint that hangs costs its time limit, and its questions are bounded.
#[test]
fn a_slow_endpoint_is_not_waited_for() {
    let issuer = Introspected::new();
    issuer.endpoint.answer_all(Answer::Hang);
    let limit = Duration::from_millis(300);
    let api = issuer.serve_with(|it| it.timeout(limit).concurrency(3));
    let begin = std::time::Instant::now();
    std::thread::scope(|scope| {
        for number in 0..20 {
            let api = &api;
            scope.spawn(move || assert_unavailable(&get(api, &format!("o-{number}")), "slow"));
        }
    });
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(issuer.endpoint.count() <= 3 + 5, "{}", issuer.endpoint.count());
}

/// INT-06: many requests with one new token are one question.
#[test]
fn one_new_token_is_one_question() {
    let issuer = Introspected::new();
    let mut members = issuer.members();
    members["active"] = true.into();
    issuer.endpoint.set("opaque-1", Answer::json(&members).after(Duration::from_millis(300)));
    let api = issuer.serve();
    std::thread::scope(|scope| {
        for _ in 0..400 {
            scope.spawn(|| assert_eq!(status(&api, "opaque-1"), 200));
        }
    });
    assert_eq!(issuer.endpoint.count(), 1);
}

/// INT-07: a flood of random tokens costs a bounded number of questions at a time, and good tokens
/// are served meanwhile.
#[test]
fn a_flood_of_random_tokens_touches_no_good_one() {
    let issuer = Introspected::new();
    let api = issuer.serve_with(|it| it.concurrency(4));
    for number in 0..5 {
        issuer.activate(&format!("good-{number}"));
        assert_eq!(status(&api, &format!("good-{number}")), 200);
    }
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let api = &api;
            scope.spawn(move || {
                for number in 0..1000 {
                    let random = status(api, &format!("random-{thread}-{number}"));
                    assert!(matches!(random, 401 | 503), "{random}");
                    if number % 100 == 0 {
                        assert_eq!(status(api, &format!("good-{}", number / 100 % 5)), 200);
                    }
                }
            });
        }
    });
    assert!(issuer.endpoint.most_concurrent() <= 4);
    assert!(issuer.endpoint.count() <= 6005, "{}", issuer.endpoint.count());
}

/// INT-07: a token that the endpoint cannot answer about does not make the metadata be read again.
#[test]
fn a_token_causes_no_discovery() {
    let issuer = Introspected::new();
    let url = issuer.bed.issuer.url();
    let metadata = json!({
        "issuer": url, "jwks_uri": issuer.bed.issuer.jwks_uri(),
        "introspection_endpoint": issuer.endpoint.url(),
    });
    issuer.bed.issuer.answer_discovery(Answer::json(&metadata));
    let api = issuer.serve_with(|_| Introspection::discover().client_secret_basic("api", SECRET));
    issuer.activate("opaque-1");
    assert_eq!(status(&api, "opaque-1"), 200);
    let before = issuer.bed.issuer.all_fetches();
    for number in 0..5 {
        let odd = format!("odd-{number}");
        issuer.endpoint.set(&odd, Answer::status(400));
        assert_eq!(status(&api, &odd), 503);
    }
    assert_eq!(issuer.bed.issuer.all_fetches(), before);
    // A place that has moved is found.
    issuer.endpoint.answer_all(Answer::status(404));
    assert_eq!((status(&api, "lost-1"), status(&api, "lost-2")), (503, 503));
    assert_eq!(issuer.bed.issuer.all_fetches(), before + 1);
}

/// INT-08: while the endpoint is down, tokens in the cache are served to their bound.
#[test]
fn an_outage_leaves_what_is_cached() {
    let mut issuer = Introspected::new();
    let api = issuer.serve();
    issuer.activate("opaque-1");
    assert_eq!(status(&api, "opaque-1"), 200);
    issuer.endpoint = IntrospectionEndpoint::start();
    for number in 0..10 {
        assert_unavailable(&get(&api, &format!("new-{number}")), "down");
    }
    issuer.bed.clock.advance(Duration::from_secs(59));
    assert_eq!(status(&api, "opaque-1"), 200);
    issuer.bed.clock.advance(Duration::from_secs(1));
    assert_unavailable(&get(&api, "opaque-1"), "after the bound");
}

/// INT-09: a credential that the endpoint refuses is an error of the operator, and no caller learns
/// of it. Neither tokens nor secrets are logged.
#[test]
fn a_wrong_client_secret_is_an_error_of_the_operator() {
    let issuer = Introspected::new();
    issuer.endpoint.answer_all(Answer::status(401));
    let mut process = Process::start(
        &issuer.bed.issuer,
        &[
            ("JWT_ALGORITHMS", "ES256"),
            ("JWT_INTROSPECTION_URL", issuer.endpoint.url()),
            ("JWT_INTROSPECTION_CLIENT_ID", "api"),
            ("JWT_INTROSPECTION_CLIENT_SECRET", SECRET),
            ("RUST_LOG", "trace"),
        ],
    );
    assert_unavailable(&process.get("/protected", "opaque-token-1"), "wrong secret");
    process.wait_for_output("refuses the credential of this application");
    let log = process.log();
    assert!(log.contains("ERROR"), "{log}");
    let basic = STANDARD.encode(format!("api:{SECRET}"));
    for secret in ["opaque-token-1", SECRET, &basic] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// INT-10: the variables alone switch it on.
#[test]
fn the_environment_is_enough() {
    let issuer = Introspected::new();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let members = json!({"sub": "alice", "aud": AUDIENCE, "exp": now + 600});
    issuer.endpoint.activate("opaque-1", &members);
    let endpoint = issuer.endpoint.url();
    let metadata = json!({
        "issuer": issuer.bed.issuer.url(),
        "jwks_uri": issuer.bed.issuer.jwks_uri(),
        "introspection_endpoint": endpoint,
    });
    issuer.bed.issuer.answer_discovery(Answer::json(&metadata));
    let jwt = Token::now(issuer.bed.issuer.url()).sign(&issuer.bed.key);
    let start = |url: &str, more: &[(&str, &str)]| {
        let client = [
            ("JWT_ALGORITHMS", "ES256"),
            ("JWT_INTROSPECTION_URL", url),
            ("JWT_INTROSPECTION_CLIENT_ID", "api"),
            ("JWT_INTROSPECTION_CLIENT_SECRET", SECRET),
        ];
        Process::start(&issuer.bed.issuer, &[&client[..], more].concat())
    };
    for url in [endpoint, "discover"] {
        let process = start(url, &[("JWT_INTROSPECTION_CACHE", "0")]);
        let before = issuer.endpoint.count();
        assert_eq!(process.get("/protected", "opaque-1").status, 200, "{url}");
        assert_eq!(process.get("/protected", "opaque-1").status, 200, "{url}");
        assert_eq!(process.get("/protected", "unknown").status, 401, "{url}");
        assert_eq!(process.get("/protected", &jwt).status, 200, "{url}");
        assert_eq!(issuer.endpoint.count(), before + 3, "{url}");
    }
    let process = start(endpoint, &[("JWT_INTROSPECTION_ALWAYS", "true")]);
    assert_eq!(process.get("/protected", &jwt).status, 401);
    issuer.endpoint.activate(&jwt, &members);
    let process_2 = start(endpoint, &[("JWT_INTROSPECTION_ALWAYS", "true")]);
    assert_eq!(process_2.get("/protected", &jwt).status, 200);
}

/// INT-11: a bound token needs its key, and one that is revoked here is refused.
#[test]
fn what_holds_for_every_token_holds_for_an_opaque_one() {
    let issuer = Introspected::new();
    let key = ProofKey::with_clock(Algorithm::ES256, issuer.bed.clock.clone());
    issuer.activate("free");
    let mut members = issuer.members();
    members["cnf"] = json!({"jkt": key.thumbprint()});
    members["token_type"] = "DPoP".into();
    issuer.endpoint.activate("bound", &members);
    let store = MemoryRevocation::with_clock(issuer.bed.clock.clone());
    let auth = JwtAuth::for_issuer(issuer.trusted_issuer())
        .clock(issuer.bed.clock.clone())
        .dpop(Dpop::new("https://api.example"))
        .revocation(store.clone())
        .introspection(issuer.introspection())
        .build()
        .unwrap();
    let api = serve(auth);
    let bearer = |token: &str| {
        api.get("/protected").header("authorization", format!("Bearer {token}")).send().status
    };
    let with_proof = |token: &str, proof: String| {
        let request = api.get("/protected").header("authorization", format!("DPoP {token}"));
        request.header("dpop", proof).send().status
    };
    let proof = |key: &ProofKey, token: &str| {
        key.proof("GET", "https://api.example/protected", token).sign()
    };
    for _ in 0..2 {
        assert_eq!(with_proof("bound", proof(&key, "bound")), 200);
        assert_eq!((bearer("bound"), bearer("free")), (401, 200));
        assert_eq!(with_proof("free", proof(&key, "free")), 401);
        let thief = ProofKey::with_clock(Algorithm::ES256, issuer.bed.clock.clone());
        assert_eq!(with_proof("bound", proof(&thief, "bound")), 401);
    }
    assert_eq!(issuer.endpoint.count(), 2);
    let all = Revocation::subject(issuer.bed.issuer.url(), "alice", issuer.bed.clock.now());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let until = issuer.bed.clock.now() + Duration::from_secs(600);
    runtime.block_on(store.revoke(&all, until)).unwrap();
    assert_eq!(bearer("free"), 401, "although it is cached");
}

/// INT-12: two credentials in one request are refused, and the route says which kind it takes.
#[test]
fn what_is_no_token_is_not_asked_about() {
    let issuer = Introspected::new();
    let api = issuer.serve();
    let log = CapturedLog::start(LevelFilter::ERROR);
    for odd in ["a,b", "{}", "a%20b", "a\"b"] {
        assert!(matches!(status(&api, odd), 400 | 401), "{odd}");
    }
    assert_eq!(status(&api, &"x".repeat(20_000)), 401);
    assert_eq!(api.get("/protected").send().status, 401);
    assert_eq!(issuer.endpoint.count(), 0);
    assert_eq!(log.take("").len(), 0);
}

/// INT-13: the signed answers of RFC 9701.
#[test]
fn a_signed_answer_is_verified_with_the_keys_of_the_issuer() {
    let issuer = Introspected::new();
    let api = || issuer.serve_with(Introspection::signed_answers);
    let mut told = issuer.members();
    told["active"] = true.into();
    let jwt = || {
        let token = Token::of(issuer.bed.issuer.url()).without("exp").without("sub");
        let token = token.claim("iss", issuer.bed.issuer.url()).claim("aud", "api");
        token.header("typ", "token-introspection+jwt").claim("token_introspection", told.clone())
    };
    let signed = |body: String| Answer::Full {
        status: 200,
        headers: vec![("content-type".into(), "application/token-introspection+jwt".into())],
        body: body.into_bytes(),
    };
    let key = &issuer.bed.key;
    issuer.endpoint.answer_all(signed(jwt().sign(key)));
    assert_eq!(status(&api(), "opaque-1"), 200);
    assert!(issuer.endpoint.questions()[0].head.contains("application/token-introspection+jwt"));
    // One that is signed although JSON was wanted is verified too.
    assert_eq!(status(&issuer.serve(), "opaque-1"), 200);
    let inactive = jwt().claim("token_introspection", json!({"active": false}));
    issuer.endpoint.answer_all(signed(inactive.sign(key)));
    assert_eq!(status(&api(), "opaque-1"), 401);
    let now = issuer.bed.clock.now().as_secs();
    let other = SigningKey::new(key.algorithm(), key.id());
    for (name, answer) in [
        ("another key", jwt().sign(&other)),
        ("another client", jwt().claim("aud", "web").sign(key)),
        ("another issuer", jwt().claim("iss", "https://other.example.com").sign(key)),
        ("no type", jwt().header("typ", "JWT").sign(key)),
        ("an access token", jwt().header("typ", "at+jwt").sign(key)),
        ("old", jwt().claim("iat", now - 121).sign(key)),
        ("old, with an end", jwt().claim("iat", now - 121).claim("exp", now + 600).sign(key)),
        ("no date", jwt().without("iat").sign(key)),
        ("expired", jwt().claim("exp", now - 61).sign(key)),
        ("nothing told", jwt().without("token_introspection").sign(key)),
        ("text", jwt().claim("token_introspection", "{\"active\":true}").sign(key)),
        ("not signed", told.to_string()),
        ("not a text", jwt().claim("token_introspection", json!({"active": "true"})).sign(key)),
    ] {
        issuer.endpoint.answer_all(signed(answer));
        assert_unavailable(&get(&api(), "opaque-1"), name);
    }
    issuer.endpoint.answer_all(Answer::json(&told));
    assert_unavailable(&get(&api(), "opaque-1"), "JSON");
    // A signed answer is no access token.
    assert_eq!(status(&issuer.serve(), &jwt().claim("aud", AUDIENCE).sign(key)), 401);
}

/// INT-14: a second introspection, and one that cannot work, stop the start.
#[test]
fn settings_that_would_open_more_do_not_build() {
    let issuer = Introspected::new();
    let twice = issuer.auth().introspection(issuer.introspection());
    let error = twice.introspection(issuer.introspection()).build().unwrap_err().to_string();
    assert!(error.starts_with("introspection: must be set once"), "{error}");
    let plain = Introspection::at("http://issuer.example").client_secret_basic("api", SECRET);
    let error = issuer.auth().introspection(plain).build().unwrap_err().to_string();
    assert!(error.starts_with("introspection.url: must use https"), "{error}");
}
