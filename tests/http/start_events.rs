//! The events at the start: the settings, and what may be a mistake in them.

use actix_web::{
    App,
    http::Method,
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{
    Algorithm, AuthScope, JwkSet, JwtAuth, Secret, TrustedIssuer, VerificationKey, require,
    testing::TestIssuer,
};
use jwt_verify_tests::{AUDIENCE, CapturedLog, FakeIssuer, Process, SigningKey, Token, eventually};
use tracing_subscriber::filter::LevelFilter;

const SECRET: &str = "a secret of at least thirty-two bytes";

fn hs256() -> VerificationKey {
    VerificationKey::from_secret(Algorithm::HS256, &Secret::from(SECRET)).unwrap()
}

#[test]
fn each_jwt_auth_logs_its_settings_and_no_secret() {
    let log = CapturedLog::start(LevelFilter::INFO);
    let keys = JwkSet::single(hs256());
    let other = TrustedIssuer::new("https://other.example", "api-2")
        .algorithms([Algorithm::HS256])
        .keys(keys);
    let auth = JwtAuth::builder("https://info.example/", "api").issuer(other).build().unwrap();
    let lines = log.take("made a JwtAuth");
    let [line] = &*lines else { panic!("{lines:?}") };
    for part in [
        "INFO jwt_verify::http::auth",
        r#"issuer="https://info.example/; https://other.example" audience="api; api-2""#,
        r#"algorithms="RS256; HS256""#,
        r#"keys="discovery at https://info.example/; 1 given key""#,
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    drop(auth);

    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let uri = format!("{}?key=hunter2", issuer.jwks_uri());
    let variables =
        [("JWT_JWKS_URI", &*uri), ("JWT_JWKS_BEARER_TOKEN", "hunter2"), ("NO_COLOR", "1")];
    let server = Process::start(&issuer, &variables);
    let log = server.log();
    let made = format!(
        r#"issuer="{}" audience="{AUDIENCE}" algorithms="RS256" keys="key set at {}""#,
        issuer.url(),
        issuer.jwks_uri()
    );
    assert_eq!(log.matches(&made).count(), 1, "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_second_jwt_auth_of_one_issuer_and_audience_is_a_warning() {
    let log = CapturedLog::start(LevelFilter::WARN);
    let warnings = || log.take("there is another JwtAuth").len();
    let make =
        |audience: &str| JwtAuth::builder("https://second.example", audience).build().unwrap();
    let first = make("api");
    let (_clone, _optional) = (first.clone(), first.optional());
    let _other = make("api-2");
    let _shared = JwtAuth::new(first.verifier().clone());
    drop(make("api-3"));
    let third = make("api-3");
    assert_eq!(warnings(), 0);
    let second = make("api");
    assert_eq!(warnings(), 1);
    // A server has many workers.
    let _third = make("api");
    assert_eq!(warnings(), 0);
    drop((second, third));
    for number in 0..200 {
        let _next = make(&format!("one-of-many-{number}"));
    }
    assert_eq!(warnings(), 0);
}

#[test]
fn a_route_with_two_different_jwt_auth_is_a_warning() {
    let log = CapturedLog::start(LevelFilter::WARN);
    let issuer = TestIssuer::start();
    let (outer, inner) =
        (issuer.auth().build().unwrap(), issuer.auth().realm("x").build().unwrap());
    let statuses = actix_web::rt::System::new().block_on(async {
        let handler = || web::get().to(|| async { "ok" });
        let own = web::scope("/own").wrap(outer.clone()).route("/{id}", handler());
        let data = web::scope("/data")
            .app_data(inner.clone())
            .route("", web::get().to(|_: jwt_verify::VerifiedClaims| async { "ok" }));
        let both = web::scope("/both").wrap(inner.clone()).route("/{id}", handler());
        let app = App::new()
            .service(web::scope("").wrap(outer.clone()).service(own).service(data).service(both));
        let app = init_service(app).await;
        log.take("");
        let mut warnings = Vec::new();
        for path in ["/own/7", "/data", "/both/7", "/both/8"] {
            let bearer = format!("Bearer {}", issuer.token().sign());
            let request = TestRequest::with_uri(path).insert_header(("authorization", bearer));
            assert_eq!(call_service(&app, request.to_request()).await.status(), 200, "{path}");
            warnings.push(log.take("two different JwtAuth"));
        }
        warnings
    });
    let counts: Vec<_> = statuses.iter().map(Vec::len).collect();
    assert_eq!(counts, [0, 0, 1, 0], "{statuses:?}");
    assert!(statuses[2][0].contains(r#"route="/both/{id}""#), "{statuses:?}");
}

#[test]
fn a_variable_that_is_nearly_right_is_a_warning() {
    let issuer = FakeIssuer::start(&[&SigningKey::new(Algorithm::RS256, "k")]);
    let variables =
        [("JWT_ROLE_CLAIM", "hunter2"), ("JWT_OF_ANOTHER_PROGRAM", "x"), ("NO_COLOR", "1")];
    let log = Process::start(&issuer, &variables).log();
    let line = r#"variable="JWT_ROLE_CLAIM" meant="JWT_ROLES_CLAIM""#;
    assert_eq!(log.matches(line).count(), 1, "{log}");
    assert!(!log.contains("hunter2") && !log.contains("ANOTHER_PROGRAM"), "{log}");
    // It may be the reason why the start fails.
    let misspelled = [("JWT_ISUER", "https://issuer.example"), ("NO_COLOR", "1")];
    let (good, log) = Process::outcome("resource-server", &misspelled);
    assert!(!good && log.contains(r#"meant="JWT_ISSUER""#), "{log}");
}

#[test]
fn keys_and_algorithms_that_do_not_fit_are_a_warning() {
    let log = CapturedLog::start(LevelFilter::WARN);
    let hs384 =
        VerificationKey::from_secret(Algorithm::HS384, &Secret::new([7; 48])).unwrap().with_id("b");
    let issuer = |algorithms: &[Algorithm], keys: Vec<VerificationKey>| {
        let issuer = TrustedIssuer::new("https://fit.example", "api")
            .algorithms(algorithms.iter().copied())
            .keys(JwkSet::new(keys));
        JwtAuth::for_issuer(issuer).build().unwrap();
    };
    issuer(&[Algorithm::HS256], vec![hs256().with_id("a"), hs384]);
    let lines = log.take("fits no accepted algorithm");
    assert!(lines[0].contains(r#"position=1 key="HS384" accepted="HS256""#), "{lines:?}");
    issuer(&[Algorithm::HS256, Algorithm::HS512], vec![hs256()]);
    let lines = log.take("fits none of the keys");
    assert!(lines[0].contains(r#"algorithms="HS512" keys="HS256""#), "{lines:?}");
    issuer(&[Algorithm::HS256], vec![hs256()]);
    assert!(log.take("").is_empty());

    let key = SigningKey::new(Algorithm::ES256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let server = Process::start(&issuer, &[("NO_COLOR", "1")]);
    eventually("it is ready", || server.get("/health/ready", "x").status == 200);
    assert_eq!(server.get("/protected", &Token::now(issuer.url()).sign(&key)).status, 401);
    let log = server.log();
    let line = r#"accepted="RS256" keys="ES256""#;
    assert_eq!(log.matches(line).count(), 1, "{log}");
}

#[require(not(credential = "api-keys"))]
async fn misspelled() -> &'static str {
    "open to all"
}

#[require(credential = "jwt")]
async fn right() -> &'static str {
    "right"
}

/// A misspelled kind in `not(…)` lets every caller in.
#[actix_web::test]
async fn a_kind_of_credential_that_is_not_accepted_is_a_warning() {
    let log = CapturedLog::start(LevelFilter::WARN);
    let auth = JwtAuth::builder("https://kinds.example", "api").build().unwrap();
    let scope = || {
        AuthScope::new("").route(Method::GET, "/misspelled", misspelled).route(
            Method::GET,
            "/right",
            right,
        )
    };
    init_service(App::new().service(scope())).await;
    assert_eq!(log.take("names a kind of credential").len(), 0, "without a known JwtAuth");
    init_service(App::new().service(scope().auth(auth))).await;
    let lines = log.take("names a kind of credential");
    let [line] = &*lines else { panic!("{lines:?}") };
    assert!(line.contains(r#"handler="misspelled" credential="api-keys""#), "{line}");
}
