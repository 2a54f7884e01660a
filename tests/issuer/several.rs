//! More than one issuer: each with its own keys and rules, listed or found by a resolver.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use jwt_verify::{
    ClaimsMapping, IssuerResolver, IssuerTemplate, JwtAuthBuilder, ResolvedIssuer, ResolverError,
    TrustedIssuer, Verifier, VerifierBuilder,
};
use jwt_verify_tests::Answer;
use serde_json::json;

use super::*;

/// An API that trusts what the builder says.
fn api(clock: &ManualClock, verifier: VerifierBuilder) -> TestServer {
    let auth = JwtAuthBuilder::from(verifier.clock(clock.clone())).build().unwrap();
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}

fn trust(issuer: &FakeIssuer, clock: &ManualClock) -> TrustedIssuer {
    let keys = JwksProvider::new(issuer.jwks_uri()).clock(clock.clone()).build().unwrap();
    TrustedIssuer::new(issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]).keys(keys)
}

fn status(api: &TestServer, token: &str) -> u16 {
    api.get("/protected").bearer(token).send().status
}

/// A, B, and an API that trusts both.
fn two(a: &SigningKey, b: &SigningKey) -> (FakeIssuer, FakeIssuer, TestServer) {
    let (first, second) = (FakeIssuer::start(&[a]), FakeIssuer::start(&[b]));
    let clock = ManualClock::new();
    let verifier = Verifier::builder(first.url(), AUDIENCE)
        .algorithms([Algorithm::ES256])
        .keys(JwksProvider::new(first.jwks_uri()).clock(clock.clone()).build().unwrap())
        .issuer(trust(&second, &clock));
    let api = api(&clock, verifier);
    (first, second, api)
}

/// ISS-01: a key is looked for at the issuer that the token names, and nowhere else.
#[test]
fn one_issuers_keys_are_never_tried_for_another() {
    let (a, b) = (key("a"), key("b"));
    let (first, second, api) = two(&a, &b);
    assert_eq!(status(&api, &Token::of(first.url()).sign(&a)), 200);
    assert_eq!(status(&api, &Token::of(second.url()).sign(&b)), 200);
    assert_eq!(status(&api, &Token::of(first.url()).sign(&b)), 401);
    assert_eq!(status(&api, &Token::of(second.url()).sign(&a)), 401);
    // One to begin with, and one for the key that it does not have.
    assert_eq!((first.key_fetches(), second.key_fetches()), (2, 2));
}

/// ISS-02: the same `kid` at two issuers stands for two keys.
#[test]
fn the_same_key_id_at_two_issuers_is_two_keys() {
    let (a, b) = (key("1"), key("1"));
    let (first, second, api) = two(&a, &b);
    let (of_a, of_b) =
        (Token::of(first.url()).sign(&a), Token::of(second.url()).claim("sub", "bob").sign(&b));
    std::thread::scope(|scope| {
        for index in 0..8 {
            let (api, token) = (&api, if index % 2 == 0 { &of_a } else { &of_b });
            let sub = if index % 2 == 0 { "alice" } else { "bob" };
            scope.spawn(move || {
                for _ in 0..125 {
                    let response = api.get("/protected").bearer(token).send();
                    assert_eq!((response.status, &response.json()["sub"]), (200, &json!(sub)));
                }
            });
        }
    });
    assert_eq!((first.key_fetches(), second.key_fetches()), (1, 1));
    // A signature of the other one's key, under the name that both have.
    assert_eq!(status(&api, &Token::of(first.url()).sign(&b)), 401);
}

/// ISS-03, ISS-04, ISS-05: an issuer that nobody trusts is not even asked, and leaves nothing
/// behind.
#[test]
fn an_unknown_issuer_causes_nothing() {
    let (a, b) = (key("a"), key("b"));
    let (first, _, api) = two(&a, &b);
    let evil = FakeIssuer::start(&[&a]);
    assert_eq!(status(&api, &Token::of(evil.url()).sign(&a)), 401);
    for name in [
        format!("{}#{}", first.url(), evil.url()),
        format!("{}:x@evil.example", first.url()),
        format!("{}|a", first.url()),
        format!("{}/", first.url()),
        format!("{}\\u0000", first.url()),
        first.url().to_uppercase(),
        String::new(),
    ] {
        assert_eq!(status(&api, &Token::of(&name).sign(&a)), 401, "{name}");
    }
    assert_eq!((evil.all_fetches(), first.all_fetches()), (0, 0));
    assert_eq!(status(&api, &Token::of(first.url()).sign(&a)), 200);
    assert_eq!(first.key_fetches(), 1);
}

/// ISS-07: what one issuer may do is not what another may do.
#[test]
fn each_issuer_has_rules_of_its_own() {
    let (es, rs) = (key("k"), SigningKey::new(Algorithm::RS256, "r"));
    let (first, second) = (FakeIssuer::start(&[&es, &rs]), FakeIssuer::start(&[&rs, &es]));
    let clock = ManualClock::new();
    let other = TrustedIssuer::new(second.url(), "https://other.example")
        .keys(JwksProvider::new(second.jwks_uri()).clock(clock.clone()).build().unwrap())
        .require_subject()
        .claims_mapping(ClaimsMapping::default().roles_claim("realm_access.roles"));
    let verifier = Verifier::builder(first.url(), AUDIENCE)
        .algorithms([Algorithm::ES256])
        .keys(JwksProvider::new(first.jwks_uri()).clock(clock.clone()).build().unwrap())
        .issuer(other);
    let api = api(&clock, verifier);
    let of = |issuer: &FakeIssuer, audience: &str| {
        Token::of(issuer.url())
            .claim("aud", audience)
            .claim("roles", json!(["admin"]))
            .claim("realm_access", json!({"roles": ["moderator"]}))
    };
    assert_eq!(status(&api, &of(&first, AUDIENCE).sign(&es)), 200);
    assert_eq!(status(&api, &of(&first, AUDIENCE).sign(&rs)), 401);
    assert_eq!(status(&api, &of(&first, "https://other.example").sign(&es)), 401);
    assert_eq!(status(&api, &of(&second, "https://other.example").sign(&rs)), 200);
    assert_eq!(status(&api, &of(&second, "https://other.example").sign(&es)), 401);
    assert_eq!(status(&api, &of(&second, AUDIENCE).sign(&rs)), 401);
    let nobody = of(&second, "https://other.example").without("sub");
    assert_eq!(status(&api, &nobody.sign(&rs)), 401);
    let get = |path: &str, token: &str| api.get(path).bearer(token).send().status;
    let (at_first, at_second) =
        (of(&first, AUDIENCE).sign(&es), of(&second, "https://other.example").sign(&rs));
    assert_eq!((get("/admin", &at_first), get("/admin", &at_second)), (200, 403));
    assert_eq!((get("/moderation", &at_first), get("/moderation", &at_second)), (200, 200));
}

#[test]
fn one_issuer_that_is_down_does_not_touch_the_other() {
    let (a, b) = (key("a"), key("b"));
    let (first, second, api) = two(&a, &b);
    first.answer_keys(Answer::Hang);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| status(&api, &Token::of(first.url()).sign(&a)));
        eventually("the first is asked", || first.key_fetches() == 1);
        assert_eq!(status(&api, &Token::of(second.url()).sign(&b)), 200);
        first.answer_keys(Answer::status(500));
        assert_eq!(waits.join().unwrap(), 503);
    });
}

/// Knows some tenants of an authorization server; counts how often it is asked, and can fail.
struct Directory {
    /// Held by a test that wants to keep answers back.
    gate: tokio::sync::Semaphore,
    issuers: IssuerTemplate,
    tenants: Mutex<Vec<&'static str>>,
    asked: Mutex<Vec<String>>,
    is_down: AtomicBool,
}

#[derive(Clone)]
struct Shared(Arc<Directory>);

impl Shared {
    fn of(authority: &FakeIssuer, tenants: &[&'static str]) -> Self {
        Self(Arc::new(Directory {
            issuers: IssuerTemplate::new(&format!("{}/{{tenantid}}/v2.0", authority.url()))
                .unwrap(),
            tenants: Mutex::new(tenants.to_vec()),
            asked: Mutex::default(),
            is_down: AtomicBool::new(false),
            gate: tokio::sync::Semaphore::new(1000),
        }))
    }

    fn asked(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }
}

impl IssuerResolver for Shared {
    fn resolve<'a>(&'a self, issuer: &'a str) -> ResolvedIssuer<'a> {
        self.0.asked.lock().unwrap().push(issuer.to_owned());
        Box::pin(async move {
            // Somewhere else, as a database would be.
            let known_then = self.0.tenants.lock().unwrap().clone();
            let _permit = self.0.gate.acquire().await.unwrap();
            if self.0.is_down.load(Ordering::SeqCst) {
                return Err(ResolverError);
            }
            let tenant = self.0.issuers.tenant(issuer);
            let known = tenant.is_some_and(|tenant| known_then.contains(&tenant));
            Ok(known.then(|| TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256])))
        })
    }
}

/// The name of a tenant's issuer, which publishes this key.
fn tenant(authority: &FakeIssuer, name: &str, key: &SigningKey) -> String {
    let issuer = format!("{}/{name}/v2.0", authority.url());
    let keys = format!("/{name}/keys");
    let discovery = json!({"issuer": issuer, "jwks_uri": format!("{}{keys}", authority.url())});
    authority
        .set(&format!("/{name}/v2.0/.well-known/openid-configuration"), Answer::json(&discovery));
    authority.set(&keys, Answer::json(&json!({"keys": [key.jwk()]})));
    issuer
}

const ACME: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const GLOBEX: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// ISS-08: Entra's issuers name the tenant. Only the tenants that are known are trusted, each with
/// its own keys.
#[test]
fn tenants_are_found_by_the_resolver() {
    let authority = FakeIssuer::silent();
    let (a, b) = (key("k"), key("k"));
    let (acme, globex) = (tenant(&authority, ACME, &a), tenant(&authority, GLOBEX, &b));
    let directory = Shared::of(&authority, &[ACME, GLOBEX]);
    let clock = ManualClock::new();
    let api = api(&clock, Verifier::resolving(directory.clone()));
    for _ in 0..3 {
        assert_eq!(status(&api, &Token::of(&acme).claim("n", 1).sign(&a)), 200);
        assert_eq!(status(&api, &Token::of(&globex).sign(&b)), 200);
    }
    assert_eq!(status(&api, &Token::of(&acme).sign(&b)), 401);
    assert_eq!(directory.asked(), 2);
    let fetches = authority.all_fetches();
    for (tenant, names) in [
        (ACME.to_uppercase(), "capitals"),
        (format!("{ACME}/"), "a slash"),
        (format!("x/../{ACME}"), "dots"),
        (format!("x%2f..%2f{ACME}"), "percent"),
        ("00000000-0000-0000-0000-000000000000".to_owned(), "another tenant"),
        ("{tenantid}".to_owned(), "the template itself"),
    ] {
        let issuer = format!("{}/{tenant}/v2.0", authority.url());
        assert_eq!(status(&api, &Token::of(&issuer).sign(&a)), 401, "{names}");
    }
    let long = format!("{}/{}/v2.0", authority.url(), "a".repeat(2000));
    let asked = directory.asked();
    assert_eq!(status(&api, &Token::of(&long).sign(&a)), 401);
    assert_eq!((directory.asked(), authority.all_fetches()), (asked, fetches));
}

#[test]
fn a_refusal_is_remembered_for_a_while() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[]);
    let clock = ManualClock::new();
    let api = api(&clock, Verifier::resolving(directory.clone()));
    let token = Token::of(&acme).sign(&a);
    for _ in 0..5 {
        assert_eq!(status(&api, &token), 401);
    }
    assert_eq!((directory.asked(), authority.all_fetches()), (1, 0));
    directory.0.tenants.lock().unwrap().push(ACME);
    clock.advance(Duration::from_secs(29));
    assert_eq!(status(&api, &token), 401);
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&api, &token), 200);
}

#[test]
fn a_resolver_out_of_reach_means_try_later_and_does_not_touch_known_tenants() {
    let authority = FakeIssuer::silent();
    let (a, b) = (key("a"), key("b"));
    let (acme, globex) = (tenant(&authority, ACME, &a), tenant(&authority, GLOBEX, &b));
    let directory = Shared::of(&authority, &[ACME, GLOBEX]);
    let clock = ManualClock::new();
    let api = api(&clock, Verifier::resolving(directory.clone()));
    let long_lived = |issuer: &str, key: &SigningKey| {
        Token::of(issuer).claim("exp", jwt_verify_tests::START + 100_000).sign(key)
    };
    let (at_acme, at_globex) = (long_lived(&acme, &a), long_lived(&globex, &b));
    assert_eq!(status(&api, &at_acme), 200);
    directory.0.is_down.store(true, Ordering::SeqCst);
    let response = api.get("/protected").bearer(&at_globex).send();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    // Ten minutes later its word is due again, and it is still down.
    clock.advance(Duration::from_secs(601));
    assert_eq!(status(&api, &at_acme), 200);
    clock.advance(Duration::from_secs(3600));
    for _ in 0..3 {
        assert_eq!(status(&api, &at_acme), 503);
        clock.advance(Duration::from_secs(2));
    }
    directory.0.is_down.store(false, Ordering::SeqCst);
    clock.advance(Duration::from_secs(10));
    assert_eq!((status(&api, &at_acme), status(&api, &at_globex)), (200, 200));
}

#[test]
fn a_tenant_that_is_no_longer_trusted_is_out_after_ten_minutes() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[ACME]);
    let clock = ManualClock::new();
    let api = api(&clock, Verifier::resolving(directory.clone()));
    let token = Token::of(&acme).claim("exp", jwt_verify_tests::START + 100_000).sign(&a);
    assert_eq!(status(&api, &token), 200);
    directory.0.tenants.lock().unwrap().clear();
    clock.advance(Duration::from_secs(599));
    assert_eq!(status(&api, &token), 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&api, &token), 401);
    assert_eq!(directory.asked(), 2);
}

#[test]
fn a_renewed_tenant_keeps_its_keys() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[ACME]);
    let clock = ManualClock::new();
    let api = api(&clock, Verifier::resolving(directory.clone()));
    let token = Token::of(&acme).claim("exp", jwt_verify_tests::START + 100_000).sign(&a);
    assert_eq!(status(&api, &token), 200);
    authority.set(&format!("/{ACME}/keys"), Answer::status(500));
    clock.advance(Duration::from_secs(600));
    assert_eq!((status(&api, &token), directory.asked()), (200, 2));
}

#[test]
fn many_first_requests_ask_the_resolver_once() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[ACME]);
    let api = api(&ManualClock::new(), Verifier::resolving(directory.clone()));
    std::thread::scope(|scope| {
        for number in 0..50 {
            let token = Token::of(&acme).claim("n", number).sign(&a);
            let api = &api;
            scope.spawn(move || assert_eq!(status(api, &token), 200));
        }
    });
    assert_eq!((directory.asked(), authority.fetches(&format!("/{ACME}/keys"))), (1, 1));
}

#[test]
fn many_requests_share_one_failure_of_the_resolver() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[ACME]);
    directory.0.is_down.store(true, Ordering::SeqCst);
    let clock = ManualClock::new();
    let api = api(&clock, Verifier::resolving(directory.clone()));
    std::thread::scope(|scope| {
        for number in 0..50 {
            let token = Token::of(&acme).claim("n", number).sign(&a);
            let api = &api;
            scope.spawn(move || assert_eq!(status(api, &token), 503));
        }
    });
    assert_eq!(directory.asked(), 1);
    directory.0.is_down.store(false, Ordering::SeqCst);
    clock.advance(Duration::from_secs(1));
    assert_eq!((status(&api, &Token::of(&acme).sign(&a)), directory.asked()), (200, 2));
}

/// A question belongs to nobody: clients that hang up can neither end it nor keep a removed tenant.
#[test]
fn clients_that_hang_up_do_not_keep_a_tenant_trusted() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[ACME]);
    let clock = ManualClock::new();
    let api = api(&clock, Verifier::resolving(directory.clone()));
    let token = Token::of(&acme).claim("exp", jwt_verify_tests::START + 100_000).sign(&a);
    assert_eq!(status(&api, &token), 200);
    directory.0.tenants.lock().unwrap().clear();
    clock.advance(Duration::from_secs(600));
    let held = directory.0.gate.try_acquire_many(1000).unwrap();
    let gone: Vec<_> = (0..4).map(|_| api.get("/protected").bearer(&token).open()).collect();
    eventually("the question", || directory.asked() == 2);
    drop(gone);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| status(&api, &token));
        drop(held);
        assert_eq!(waits.join().unwrap(), 401);
    });
    assert_eq!((status(&api, &token), directory.asked()), (401, 2));
}

/// What was asked before an issuer was forgotten is not believed afterwards.
#[test]
fn forgetting_overtakes_a_question_in_progress() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[ACME]);
    let verifier =
        Verifier::resolving(directory.clone()).clock(ManualClock::new()).build().unwrap();
    let auth = JwtAuth::new(verifier.clone());
    let api = TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
    let token = Token::of(&acme).sign(&a);
    let held = directory.0.gate.try_acquire_many(1000).unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| status(&api, &token));
        eventually("the question", || directory.asked() == 1);
        directory.0.tenants.lock().unwrap().clear();
        verifier.forget_issuer(&acme);
        drop(held);
        assert_eq!(waits.join().unwrap(), 401);
    });
    assert_eq!((status(&api, &token), directory.asked()), (401, 2));
}

#[test]
fn settings_that_cannot_be_used_do_not_cost_a_tenant_that_works() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let audience = Arc::new(Mutex::new(AUDIENCE));
    let (ours, asked) = (audience.clone(), Arc::new(Mutex::new(0)));
    let count = asked.clone();
    let verifier = Verifier::resolving(move |issuer: &str| {
        *count.lock().unwrap() += 1;
        let audience = *ours.lock().unwrap();
        Some(TrustedIssuer::new(issuer, audience).algorithms([Algorithm::ES256]))
    });
    let clock = ManualClock::new();
    let api = api(&clock, verifier);
    let token = Token::of(&acme).claim("exp", jwt_verify_tests::START + 100_000).sign(&a);
    assert_eq!(status(&api, &token), 200);
    *audience.lock().unwrap() = "";
    clock.advance(Duration::from_secs(600));
    assert_eq!(status(&api, &token), 200);
    // Nobody has worked with this one yet.
    let globex = tenant(&authority, GLOBEX, &a);
    for _ in 0..3 {
        assert_eq!(
            status(&api, &Token::of(&globex).claim("exp", jwt_verify_tests::START + 9000).sign(&a)),
            500
        );
    }
    assert_eq!(*asked.lock().unwrap(), 3);
}

#[test]
fn nobody_is_asked_about_a_token_that_nothing_could_make_good() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[ACME]);
    let api = api(&ManualClock::new(), Verifier::resolving(directory.clone()));
    for token in [
        Token::of(&acme).without("exp"),
        Token::of(&acme).without("iat").claim("exp", jwt_verify_tests::START - 601),
        Token::of(&acme).without("iss"),
    ] {
        assert_eq!(status(&api, &token.sign(&a)), 401);
    }
    assert_eq!(directory.asked(), 0);
}

#[test]
fn tenants_are_bounded_in_number() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let names: Vec<String> = (0..30).map(|number| format!("tenant-{number}")).collect();
    let issuers: Vec<String> = names.iter().map(|name| tenant(&authority, name, &a)).collect();
    let trusted: Vec<String> = issuers.clone();
    let verifier = Verifier::resolving(move |issuer: &str| {
        trusted
            .iter()
            .any(|name| name == issuer)
            .then(|| TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256]))
    })
    .resolved_issuers(10)
    .clock(ManualClock::new())
    .build()
    .unwrap();
    let auth = JwtAuth::new(verifier.clone());
    let api = TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
    for issuer in issuers.iter().chain(&issuers) {
        assert_eq!(status(&api, &Token::of(issuer).sign(&a)), 200);
    }
    assert!(verifier.health().len() <= 10, "{}", verifier.health().len());
}

#[test]
fn a_tenant_can_be_forgotten_at_once() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let directory = Shared::of(&authority, &[ACME]);
    let verifier =
        Verifier::resolving(directory.clone()).clock(ManualClock::new()).build().unwrap();
    let auth = JwtAuth::new(verifier.clone());
    let api = TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
    let token = Token::of(&acme).sign(&a);
    assert_eq!(status(&api, &token), 200);
    directory.0.tenants.lock().unwrap().clear();
    assert_eq!(status(&api, &token), 200);
    verifier.forget_issuer(&acme);
    assert_eq!(status(&api, &token), 401);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let problem = |builder: VerifierBuilder| builder.build().unwrap_err().to_string();
    let nobody = |_: &str| None;
    assert!(problem(Verifier::resolving(nobody).audience("x")).contains("audience"));
    assert!(problem(Verifier::resolving(nobody).resolved_issuers(0)).contains("resolved_issuers"));
    let twice = Verifier::builder("https://a.example", "x")
        .issuer(TrustedIssuer::new("https://a.example", "y"));
    assert!(problem(twice).contains("twice"));
    let second = Verifier::builder("https://a.example", "x")
        .issuer(TrustedIssuer::new("https://b.example", ""));
    assert!(problem(second).contains("audience"));
}

/// A resolver that answers about somebody else is not believed.
#[test]
fn a_resolver_cannot_put_one_issuer_in_the_place_of_another() {
    let (a, b) = (key("a"), key("b"));
    let (first, second) = (FakeIssuer::start(&[&a]), FakeIssuer::start(&[&b]));
    let other = second.url().to_owned();
    let verifier = Verifier::resolving(move |_: &str| {
        Some(TrustedIssuer::new(other.clone(), AUDIENCE).algorithms([Algorithm::ES256]))
    });
    let api = api(&ManualClock::new(), verifier);
    assert_eq!(status(&api, &Token::of(first.url()).sign(&a)), 401);
    assert_eq!(status(&api, &Token::of(first.url()).sign(&b)), 401);
    assert_eq!(status(&api, &Token::of(second.url()).sign(&b)), 200);
}
