//! The events of refusals: one for each, with what an operator needs.

use std::future::Future;

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    get,
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{Algorithm, Decision, JwtAuth, VerifiedClaims, require, testing::TestIssuer};
use jwt_verify_tests::{Answer, CapturedLog, FakeIssuer, Process, SigningKey, Token};
use serde::Deserialize;
use tracing_subscriber::filter::LevelFilter;

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read by serde")]
struct Employee {
    department: String,
}

#[require(roles = "admin")]
#[get("/admin/{id}")]
async fn admin(_claims: VerifiedClaims) -> &'static str {
    "admin"
}

#[require(roles = "admin")]
#[get("/staff")]
async fn staff(_claims: VerifiedClaims, _employee: VerifiedClaims<Employee>) -> &'static str {
    "staff"
}

async fn slowly(_: &VerifiedClaims) -> Decision {
    actix_web::rt::task::yield_now().await;
    Decision::Deny
}

#[require(policy = slowly)]
#[get("/policy")]
async fn policy(_employee: VerifiedClaims<Employee>) -> &'static str {
    "policy"
}

#[require(claim("sub" == path.user))]
#[get("/own/{id}")]
async fn own() -> &'static str {
    "own"
}

#[get("/both")]
async fn both(_claims: VerifiedClaims, _employee: VerifiedClaims<Employee>) -> &'static str {
    "both"
}

fn routes(config: &mut web::ServiceConfig) {
    config.service(admin).service(staff).service(policy).service(own).service(both);
}

/// Sends requests to routes outside of a middleware and inside, and returns status and event lines.
struct Bench {
    issuer: TestIssuer,
    auth: JwtAuth,
    log: CapturedLog,
}

impl Bench {
    fn new() -> Self {
        Self::with(|builder| builder.build().unwrap())
    }

    fn with(make: impl FnOnce(jwt_verify::JwtAuthBuilder) -> JwtAuth) -> Self {
        let issuer = TestIssuer::start();
        let auth = make(issuer.auth());
        Self { issuer, auth, log: CapturedLog::start(LevelFilter::DEBUG) }
    }

    fn bare(&self, path: &str, token: Option<&str>) -> (u16, Vec<String>) {
        self.send(App::new().app_data(self.auth.clone()).configure(routes), path, token)
    }

    fn wrapped(&self, path: &str, token: Option<&str>) -> (u16, Vec<String>) {
        self.send(App::new().wrap(self.auth.clone()).configure(routes), path, token)
    }

    fn send<A, B>(&self, app: App<A>, path: &str, token: Option<&str>) -> (u16, Vec<String>)
    where
        A: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let status = run(async {
            if self.auth.wait_until_ready().await.is_err() {
                return 0;
            }
            let app = init_service(app).await;
            self.log.take("");
            let mut request = TestRequest::with_uri(path);
            if let Some(token) = token {
                request = request.insert_header(("authorization", format!("Bearer {token}")));
            }
            call_service(&app, request.to_request()).await.status().as_u16()
        });
        (status, self.log.take(" a request"))
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

#[test]
fn one_refusal_is_one_event_with_the_reason_that_was_answered() {
    let bench = Bench::new();
    let (plain, changed) = (bench.issuer.token().sign(), "not-a-token");
    let cases = [
        ("/admin/7", None, 401, "missing_token"),
        ("/admin/7", Some(changed), 401, "form"),
        ("/admin/7", Some(&*plain), 403, "missing_role"),
        ("/staff", None, 401, "missing_token"),
        ("/staff", Some(&*plain), 403, "missing_role"),
        ("/policy", Some(&*plain), 403, "denied_by_policy"),
        ("/both", None, 401, "missing_token"),
        ("/both", Some(&*plain), 401, "claims_shape"),
    ];
    for (path, token, status, reason) in cases {
        for (answered, lines) in [bench.bare(path, token), bench.wrapped(path, token)] {
            assert_eq!(answered, status, "{path} {lines:?}");
            let [line] = &*lines else { panic!("{path}: {lines:#?}") };
            assert!(line.contains(&format!("reason=\"{reason}\"")), "{path}: {line}");
        }
    }
}

#[test]
fn an_event_says_where_and_what_was_expected() {
    let bench = Bench::new();
    let token = || bench.issuer.token();
    let (api, issuer) = (jwt_verify_tests::AUDIENCE, bench.issuer.url().to_owned());
    let place = r#"method="GET" route="/admin/{id}""#;
    let handler = format!(r#"{place} handler="admin""#);
    let other = TestIssuer::signing_with(Algorithm::ES256);
    let foreign = other.token().claim("iss", issuer.clone()).sign();
    let cases = [
        (None, vec![r#"reason="missing_token""#.to_owned(), handler.clone()]),
        (
            Some(token().audience("other-api").sign()),
            vec![format!(r#"reason="audience" claim="aud" expected="{api}" {handler}"#)],
        ),
        (
            Some(token().claim("iss", "https://other.example").sign()),
            vec![format!(r#"reason="issuer" claim="iss" expected="{issuer}""#)],
        ),
        (
            Some(foreign),
            vec![r#"reason="algorithm" algorithm="ES256" expected="RS256""#.to_owned()],
        ),
        (
            Some(token().sign()),
            vec![
                r#"reason="missing_role" requirement=roles = "admin" claims_read="roles, role""#
                    .to_owned(),
                handler.clone(),
            ],
        ),
    ];
    for (token, parts) in cases {
        for (_, lines) in
            [bench.bare("/admin/7", token.as_deref()), bench.wrapped("/admin/7", token.as_deref())]
        {
            let line = lines.concat();
            for part in &parts {
                // A middleware knows no handler.
                let is_there = line.contains(part) || line.contains(&part.replace(&handler, place));
                assert!(is_there && !line.contains("/admin/7"), "{part} in {line}");
            }
        }
    }
}

#[test]
fn an_event_names_a_segment_and_a_field_of_the_type() {
    let bench = Bench::new();
    let token = bench.issuer.token().claim("department", "hunter2").sign();
    let (status, lines) = bench.bare("/own/7", Some(&token));
    let line = lines.concat();
    assert_eq!(status, 500);
    for part in [
        r#"requirement=claim("sub" == path.user) claims_read="sub" segment="user""#,
        r#"method="GET" route="/own/{id}" handler="own""#,
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }

    let plain = bench.issuer.token().sign();
    let (_, lines) = bench.bare("/both", Some(&plain));
    let part =
        r#"reason="claims_shape" shape="missing field `department`" method="GET" route="/both""#;
    assert!(lines.concat().contains(part), "{lines:?}");
    let of_admin = bench.issuer.token().role("admin").sign();
    let (_, lines) = bench.bare("/staff", Some(&of_admin));
    let part = r#"shape="missing field `department`" method="GET" route="/staff" handler="staff""#;
    assert!(lines.concat().contains(part), "{lines:?}");
    let wrong = bench.issuer.token().claim("department", vec!["hunter2"]).sign();
    let (_, lines) = bench.bare("/both", Some(&wrong));
    let line = lines.concat();
    assert!(line.contains(r#"shape="invalid type in `department`""#), "{line}");
    assert!(!line.contains("hunter2"), "{line}");
}

#[test]
fn a_method_that_a_client_makes_up_is_not_logged() {
    let bench = Bench::new();
    let app = App::new().wrap(bench.auth.clone()).configure(routes);
    run(async {
        let app = init_service(app).await;
        let method = actix_web::http::Method::from_bytes(b"HUNTER2").unwrap();
        call_service(&app, TestRequest::with_uri("/nowhere").method(method).to_request()).await;
    });
    let line = bench.log.take("refused a request").concat();
    assert!(line.contains(r#"method="other""#) && !line.contains("HUNTER2"), "{line}");
    assert!(!line.contains("route="), "{line}");
}

/// The name that was found comes from outside.
#[test]
fn another_issuer_in_the_metadata_is_named() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let found = format!("https://other.example/\r\n\u{1b}[31m{}", "x".repeat(300));
    let discovery = serde_json::json!({"issuer": found, "jwks_uri": issuer.jwks_uri()});
    issuer.answer_discovery(Answer::json(&discovery));
    let server = Process::start(&issuer, &[("NO_COLOR", "1")]);
    assert_eq!(server.get("/protected", &Token::now(issuer.url()).sign(&key)).status, 503);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("could not fetch the key set")).unwrap();
    let configured =
        format!(r#"reason="discovery_issuer" step="discovery" configured="{}""#, issuer.url());
    assert!(line.contains(&configured), "{line}");
    assert!(line.contains(r#"found="https://other.example/\r\n\u{1b}[31mxxx"#), "{line}");
    assert!(!line.contains(&"x".repeat(129)), "{line}");
}

/// Nothing is fetched for such a token, so its signature is not known to be good or bad.
#[test]
fn a_token_that_no_key_could_make_good_says_why() {
    let bench = Bench::new();
    let ask = |token: String| {
        run(async {
            let app = init_service(App::new().wrap(bench.auth.clone()).configure(routes)).await;
            let request = TestRequest::with_uri("/admin/7")
                .insert_header(("authorization", format!("Bearer {token}")));
            let response = call_service(&app, request.to_request()).await;
            let status = response.status().as_u16();
            let body = actix_web::test::read_body(response).await;
            (status, String::from_utf8(body.to_vec()).unwrap())
        })
    };
    let token = || bench.issuer.token();
    let api = jwt_verify_tests::AUDIENCE;
    let plain = r#"reason="unknown_key""#;
    for (token, part) in [
        (token().audience("x"), format!(r#"unverified_reason="audience" expected="{api}""#)),
        (token().expired(), r#"unverified_reason="token_expired" method"#.to_owned()),
        (
            token().claim("azp", "x").not_yet_valid(),
            r#"unverified_reason="not_yet_valid""#.to_owned(),
        ),
    ] {
        let (status, body) = ask(token.sign());
        let line = bench.log.take("refused a request").concat();
        assert_eq!(status, 401);
        assert!(body.contains(r#""code":"invalid_token""#), "{body}");
        assert!(line.contains(&format!("{plain} {part}")), "{line}");
    }
    assert_eq!(bench.issuer.key_fetches(), 0);
    let unknown = token().header("kid", "another").sign();
    let (status, _) = ask(unknown);
    let line = bench.log.take("refused a request").concat();
    assert_eq!(status, 401);
    assert!(line.contains(plain) && !line.contains("unverified_reason"), "{line}");
}
