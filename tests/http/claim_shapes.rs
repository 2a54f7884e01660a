//! Claims in the shapes that real issuers write, set up by the environment of the `resource-server`
//! example.

use std::time::Duration;

use actix_web::{HttpResponse, get, rt::System, web::Data};
use jwt_verify::{
    ClaimsMapping, VerifiedClaims, Verifier,
    oidc::{IdTokenChecks, IdTokenVerifier, LogoutTokenVerifier},
    require,
    revocation::{MemoryRevocation, Revocation, RevocationStore as _},
};
use jwt_verify_tests::{Process, resource_server as command};
use serde_json::{Value, json};

use super::*;

/// An issuer, its key, and the example with these variables.
struct Bench {
    key: SigningKey,
    issuer: FakeIssuer,
    server: Process,
}

impl Bench {
    fn new(variables: &[(&str, &str)]) -> Self {
        let key = SigningKey::new(Algorithm::RS256, "k");
        let issuer = FakeIssuer::start(&[&key]);
        let server = Process::start(&issuer, variables);
        Self { key, issuer, server }
    }

    /// A good token with these claims instead of its own.
    fn token(&self, claims: &Value) -> String {
        let token = Token::now(self.issuer.url());
        let members = claims.as_object().unwrap().iter();
        members.fold(token, |token, (name, value)| token.claim(name, value.clone())).sign(&self.key)
    }

    fn status(&self, path: &str, claims: &Value) -> u16 {
        self.server.get(path, &self.token(claims)).status
    }

    /// The status of `/admin`, which the role `admin` opens, for each claim set.
    fn admins<const N: usize>(&self, claims: [(Value, u16); N]) {
        for (claims, expected) in claims {
            assert_eq!(self.status("/admin", &claims), expected, "{claims}");
        }
    }
}

#[test]
fn roles_are_the_names_of_the_members_of_a_named_claim() {
    let zitadel = "urn:zitadel:iam:org:project:roles";
    let of_project = "urn:zitadel:iam:org:project:2715:roles";
    let granted = json!({"admin": {"69": "acme.example"}});
    let bench = Bench::new(&[("JWT_ROLES_CLAIM", zitadel)]);
    bench.admins([
        (json!({zitadel: granted}), 200),
        (json!({zitadel: {"admin": true}}), 200),
        (json!({zitadel: {"admin": false}}), 403),
        (json!({zitadel: {"admin": null}}), 403),
        (json!({zitadel: {"admin": "no"}}), 403),
        (json!({zitadel: {"user": {"admin": "x"}}}), 403),
        (json!({zitadel: [granted]}), 403),
        (json!({of_project: granted}), 403),
        (json!({"roles": granted}), 403),
        // The claim of one role is still read, and still holds a text.
        (json!({"role": granted}), 403),
        (json!({"role": "admin"}), 200),
    ]);
    let bench = Bench::new(&[("JWT_CLAIMS_MAPPING", "zitadel:2715")]);
    bench.admins([
        (json!({of_project: granted}), 200),
        (json!({zitadel: granted}), 403),
        (json!({"role": "admin"}), 403),
    ]);
    // By default no object grants anything.
    let bench = Bench::new(&[]);
    bench.admins([(json!({"roles": ["admin"]}), 200), (json!({"roles": granted}), 403)]);
}

#[test]
fn lists_of_objects_and_several_claims_are_read_by_their_paths() {
    let bench = Bench::new(&[
        ("JWT_ROLES_CLAIM", "/roles/*/name, realm_access.roles"),
        ("JWT_PERMISSIONS_CLAIM", "/grants/*/permissions, permissions"),
    ]);
    bench.admins([
        (json!({"roles": [{"name": "user"}, {"name": "admin"}]}), 200),
        (json!({"realm_access": {"roles": ["admin"]}}), 200),
        (json!({"roles": [{"nick": "admin"}]}), 403),
        (json!({"roles": {"name": "admin"}}), 403),
        (json!({"roles": ["admin"]}), 403),
    ]);
    for (claims, expected) in [
        (json!({"grants": [{"permissions": ["read:posts"]}]}), 200),
        (json!({"permissions": "read:posts"}), 200),
        (json!({"grants": {"permissions": ["read:posts"]}}), 403),
        (json!({"scope": "read:posts"}), 403),
    ] {
        assert_eq!(bench.status("/posts", &claims), expected, "{claims}");
    }
}

#[test]
fn texts_are_taken_apart_only_where_a_delimiter_is_set() {
    let list = r#"["user","admin"]"#;
    let bench = Bench::new(&[("JWT_ROLES_DELIMITER", ",")]);
    bench.admins([
        (json!({"roles": "user,admin"}), 200),
        (json!({"roles": "user, admin ,"}), 200),
        (json!({"roles": list}), 200),
        (json!({"role": "user,admin"}), 200),
        (json!({"roles": "user admin"}), 403),
        (json!({"roles": "user,administrator"}), 403),
        (json!({"roles": ["user,admin"]}), 403),
        (json!({"roles": {"user,admin": true}}), 403),
    ]);
    let bench = Bench::new(&[("JWT_ROLES_DELIMITER", " ")]);
    bench.admins([(json!({"roles": "user admin"}), 200), (json!({"roles": "user,admin"}), 403)]);
    let bench = Bench::new(&[]);
    bench.admins([
        (json!({"roles": "user,admin"}), 403),
        (json!({"roles": list}), 403),
        (json!({"roles": "admin"}), 200),
    ]);
}

#[test]
fn a_preset_reads_its_claims_and_a_variable_replaces_them() {
    let client = |name: &str| json!({"resource_access": {name: {"roles": ["admin"]}}});
    let bench = Bench::new(&[("JWT_CLAIMS_MAPPING", "keycloak:my-api")]);
    bench.admins([
        (client("my-api"), 200),
        (json!({"realm_access": {"roles": ["admin"]}}), 200),
        (client("account"), 403),
        (json!({"roles": ["admin"]}), 403),
        (json!({"role": "admin"}), 403),
    ]);
    let variables = [("JWT_CLAIMS_MAPPING", "keycloak:my-api"), ("JWT_ROLES_CLAIM", "groups")];
    let bench = Bench::new(&variables);
    bench.admins([
        (json!({"groups": ["admin"]}), 200),
        (client("my-api"), 403),
        (json!({"role": "admin"}), 403),
    ]);
    for (preset, hint) in
        [("keycloak", "keycloak:my-api"), ("keykloak:my-api", "keycloak:CLIENT"), ("okta:x", "")]
    {
        let variables = [
            ("JWT_ISSUER", "https://issuer.example"),
            ("JWT_AUDIENCE", "api"),
            ("JWT_CLAIMS_MAPPING", preset),
        ];
        let output = command(&variables).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(message.contains("JWT_CLAIMS_MAPPING: ") && message.contains(hint), "{message}");
    }
}

#[test]
fn a_subject_is_a_number_only_where_that_is_allowed() {
    let bench = Bench::new(&[("JWT_NUMERIC_SUBJECT", "true")]);
    for (sub, expected) in
        [(json!(42), json!("42")), (json!("42"), json!("42")), (json!(0), json!("0"))]
    {
        let claims = json!({"sub": sub});
        let answer = bench.server.get("/claims", &bench.token(&claims));
        assert_eq!((answer.status, &answer.json()["sub"]), (200, &expected), "{claims}");
        let answer = bench.server.get("/protected", &bench.token(&claims));
        assert_eq!((answer.status, &answer.json()["sub"]), (200, &expected), "{claims}");
    }
    for odd in [json!(-1), json!(1.5), json!(1e30), json!(true), json!(["42"]), json!({"id": 42})] {
        assert_eq!(bench.status("/protected", &json!({"sub": odd})), 401, "{odd}");
    }
    // Nothing else may be a number.
    for name in ["jti", "iss", "aud"] {
        assert_eq!(bench.status("/protected", &json!({name: 42})), 401, "{name}");
    }
    for variables in [&[][..], &[("JWT_NUMERIC_SUBJECT", "false")]] {
        let bench = Bench::new(variables);
        assert_eq!(bench.status("/protected", &json!({"sub": 42})), 401);
        assert_eq!(bench.status("/protected", &json!({"sub": "42"})), 200);
    }
}

#[test]
fn null_is_absent() {
    let bench = Bench::new(&[]);
    for name in ["nbf", "iat", "jti", "sub"] {
        let answer = bench.server.get("/claims", &bench.token(&json!({name: null})));
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.json().get(name), None, "{name}");
    }
    for name in ["exp", "iss", "aud"] {
        assert_eq!(bench.status("/protected", &json!({name: null})), 401, "{name}");
    }
}

#[test]
fn the_log_names_the_claim_or_the_algorithm_of_a_refusal() {
    let log = [("RUST_LOG", "jwt_verify=debug"), ("NO_COLOR", "1"), ("JWT_CLIENTS", "web")];
    let bench = Bench::new(&log);
    let status = |token: &str| bench.server.get("/protected", token).status;
    let good = Token::now(bench.issuer.url()).claim("azp", "web");
    // The keys are there, so that every rule is asked.
    assert_eq!(status(&good.clone().sign(&bench.key)), 200);
    let mut refused: Vec<(String, &str)> = [
        (json!({"sub": 42}), r#"reason="payload" claim="sub""#),
        (json!({"jti": ["x"]}), r#"reason="payload" claim="jti""#),
        (json!({"nbf": "soon"}), r#"reason="payload" claim="nbf""#),
        (json!({"exp": null}), r#"reason="missing_expiry" claim="exp""#),
        (json!({"iss": null}), r#"reason="issuer" claim="iss""#),
        (json!({"aud": null}), r#"reason="audience" claim="aud""#),
        (json!({"aud": 5}), r#"reason="payload" claim="aud""#),
        (json!({"at_hash": "x"}), r#"reason="token_type" claim="at_hash""#),
        (json!({"token_use": "id"}), r#"reason="token_type" claim="token_use""#),
        (json!({"client_id": "app"}), r#"reason="client" claim="client_id""#),
        (json!({"azp": null}), r#"reason="client" claim="azp""#),
    ]
    .into_iter()
    .map(|(claims, line)| {
        let changes = claims.as_object().unwrap().iter();
        let set = |token: Token, (name, value): (&String, &Value)| token.claim(name, value.clone());
        (changes.fold(good.clone(), set).sign(&bench.key), line)
    })
    .collect();
    let with_algorithm = |name: &str| good.clone().header("alg", name).sign(&bench.key);
    refused.extend([
        (with_algorithm("HS256"), r#"reason="algorithm" algorithm="HS256""#),
        (with_algorithm("ES512"), r#"reason="algorithm" algorithm="ES512""#),
        (with_algorithm("none"), r#"reason="algorithm" algorithm="none""#),
        (with_algorithm("XS256-hostile"), r#"reason="algorithm""#),
        ("e30.YQ.YQ.YQ.YQ".into(), r#"reason="encrypted""#),
        ("e30.YQ.YQ.YQ".into(), r#"reason="form""#),
    ]);
    for (token, _) in &refused {
        let answer = bench.server.get("/protected", token);
        assert_eq!((answer.status, answer.challenge()), (401, Some(INVALID)));
    }
    let log = bench.server.log();
    let mut lines = log.lines().filter(|line| line.contains("refused a request"));
    for (_, expected) in &refused {
        let line = lines.next().unwrap();
        assert!(line.contains(expected), "{expected} is not in {line}");
    }
    assert!(lines.next().is_none() && !log.contains("hostile"), "{log}");
}

#[require(scopes = "read")]
#[get("/scoped")]
async fn scoped(claims: VerifiedClaims) -> HttpResponse {
    HttpResponse::Ok().json(claims.scopes().collect::<Vec<_>>())
}

#[test]
fn scopes_are_those_of_the_named_claim() {
    let bed = TestBed::new();
    let serve = |mapping: ClaimsMapping| {
        let auth = bed.auth_with(|issuer| issuer.claims_mapping(mapping)).build().unwrap();
        TestServer::start(move || App::new().service(scoped).app_data(Data::new(auth.clone())))
    };
    let usual = serve(ClaimsMapping::default());
    let named = serve(ClaimsMapping::default().scopes_claim("scopes"));
    for (claims, by_default, by_name) in [
        (json!({"scope": "read write"}), 200, 403),
        (json!({"scope": ["read", "write"]}), 200, 403),
        (json!({"scope": "", "scp": ["read", "write"]}), 200, 403),
        (json!({"scope": null, "scp": "read write"}), 200, 403),
        (json!({"scope": "write", "scp": ["read"]}), 403, 403),
        (json!({"scopes": ["read", "write"]}), 403, 200),
        (json!({"scopes": "read write", "scope": "other"}), 403, 200),
        (json!({"scopes": {"read": true}}), 403, 403),
        (json!({"scopes": [], "scope": "read"}), 200, 403),
    ] {
        for (api, expected) in [(&usual, by_default), (&named, by_name)] {
            let answer = api.get("/scoped").bearer(bed.token_with(&claims)).send();
            assert_eq!(answer.status, expected, "{claims}");
            if expected == 200 && claims["scopes"] != json!([]) {
                assert_eq!(answer.json(), json!(["read", "write"]), "{claims}");
            }
        }
    }
}

/// A number is never a subject unless the settings of its issuer allow it, whatever the kind of token.
#[test]
fn a_numeric_subject_is_refused_in_every_kind_of_token() {
    let bed = TestBed::new();
    System::new().block_on(verify_numeric_subjects(&bed));
}

async fn verify_numeric_subjects(bed: &TestBed) {
    let id_token = bed.token_with(&json!({"sub": 42}));
    let logout = json!({
        "sub": 42,
        "jti": "j",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let logout_token = bed.token_with(&logout);
    let resolved = bed.token_with(&json!({"sub": 42}));
    for allows in [false, true] {
        let issuer = || {
            let issuer = bed.trusted_issuer();
            if allows { issuer.numeric_subject() } else { issuer }
        };
        let id_tokens = IdTokenVerifier::for_issuer(issuer()).clock(bed.clock.clone());
        let checks = IdTokenChecks::without_nonce();
        let of_login = id_tokens.build().unwrap().verify(&id_token, &checks).await;
        let of_login = of_login.map(|claims| claims.subject().map(String::from));
        let logout_tokens = LogoutTokenVerifier::for_issuer(issuer()).clock(bed.clock.clone());
        let of_logout = logout_tokens.build().unwrap().verify(&logout_token).await;
        let of_logout = of_logout.map(|token| token.subject().map(String::from));
        let tenant = issuer();
        let verifier = Verifier::with_resolver(move |_: &str| Some(tenant.clone()));
        let of_tenant = verifier.clock(bed.clock.clone()).build().unwrap().verify(&resolved).await;
        let of_tenant = of_tenant.map(|claims| claims.subject().map(String::from));
        for outcome in [of_login, of_logout, of_tenant] {
            match outcome {
                Ok(subject) => assert_eq!((allows, subject.as_deref()), (true, Some("42"))),
                Err(error) => {
                    assert_eq!((allows, error.reason()), (false, "payload"));
                    assert_eq!(error.claim(), Some("sub"));
                }
            }
        }
    }
}

/// A subject that is revoked is revoked however it is written.
#[test]
fn the_digits_of_a_numeric_subject_are_what_is_revoked() {
    let bed = TestBed::new();
    System::new().block_on(revoke_subject(&bed));
}

async fn revoke_subject(bed: &TestBed) {
    let store = MemoryRevocation::with_clock(bed.clock.clone());
    let issuer = bed.trusted_issuer().numeric_subject();
    let verifier = Verifier::for_issuer(issuer).clock(bed.clock.clone()).revocation(store.clone());
    let verifier = verifier.build().unwrap();
    let tokens: Vec<String> = [json!(42), json!("42"), json!(43)]
        .into_iter()
        .map(|sub| bed.token_with(&json!({"sub": sub, "jti": sub.to_string()})))
        .collect();
    let now = Duration::from_secs(jwt_verify_tests::START);
    let mark = Revocation::subject(bed.issuer.url(), "42", now);
    store.revoke_all(&[mark], now + Duration::from_secs(3600)).await.unwrap();
    for (token, revoked) in tokens.iter().zip([true, true, false]) {
        let outcome = verifier.verify(token).await;
        assert_eq!(outcome.err().map(|error| error.reason()), revoked.then_some("revoked"));
    }
}
