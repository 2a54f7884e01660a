//! Issuers that are found when a token names them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use jwt_verify::{
    BoxFuture, IssuerResolver, IssuerTemplate, StoreUnavailable, TrustedIssuer, Verifier,
};
use jwt_verify_tests::{Answer, START};
use serde_json::json;

use super::{
    multi_issuer::{api, status},
    *,
};

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
    fn resolve<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<TrustedIssuer>, StoreUnavailable>> {
        self.0.asked.lock().unwrap().push(issuer.to_owned());
        Box::pin(async move {
            // Somewhere else, as a database would be.
            let known_then = self.0.tenants.lock().unwrap().clone();
            let _permit = self.0.gate.acquire().await.unwrap();
            if self.0.is_down.load(Ordering::SeqCst) {
                return Err(StoreUnavailable::new());
            }
            let tenant = self.0.issuers.tenant(issuer);
            let known = tenant.is_some_and(|tenant| known_then.contains(&tenant));
            Ok(known.then(|| TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256])))
        })
    }
}

/// The name of a tenant's issuer, which publishes this key.
pub(super) fn tenant(authority: &FakeIssuer, name: &str, key: &SigningKey) -> String {
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

/// Tenants of one authorization server (the issuer of the bed), a directory that knows some of them,
/// and an API that asks it. The key of the bed is Acme's; its tokens last long.
struct Tenants {
    bed: TestBed,
    acme: String,
    directory: Shared,
    verifier: Verifier,
    api: TestServer,
}

impl Tenants {
    fn new(tenants: &[&'static str]) -> Self {
        let bed = TestBed::with(FakeIssuer::silent(), key("k"));
        let acme = tenant(&bed.issuer, ACME, &bed.key);
        let directory = Shared::of(&bed.issuer, tenants);
        let verifier = Verifier::with_resolver(directory.clone()).clock(bed.clock.clone());
        let verifier = verifier.build().unwrap();
        let auth = JwtAuth::new(verifier.clone());
        let api =
            TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
        Self { bed, acme, directory, verifier, api }
    }

    /// A token of Acme.
    fn token(&self) -> Token {
        Token::of(&self.acme).claim("exp", START + 100_000)
    }

    /// What the API says to a token that Acme has signed.
    fn status(&self, token: &Token) -> u16 {
        status(&self.api, &token.sign(&self.bed.key))
    }

    fn advance(&self, seconds: u64) {
        self.bed.clock.advance(Duration::from_secs(seconds));
    }

    fn is_down(&self, is_down: bool) {
        self.directory.0.is_down.store(is_down, Ordering::SeqCst);
    }

    fn knows(&self, tenants: &[&'static str]) {
        *self.directory.0.tenants.lock().unwrap() = tenants.to_vec();
    }
}

/// ISS-08: Entra's issuers name the tenant. Only the tenants that are known are trusted, each with
/// its own keys.
#[test]
fn tenants_are_found_by_the_resolver() {
    let tenants = Tenants::new(&[ACME, GLOBEX]);
    let other = key("k");
    let globex = tenant(&tenants.bed.issuer, GLOBEX, &other);
    for _ in 0..3 {
        assert_eq!(tenants.status(&tenants.token()), 200);
        assert_eq!(status(&tenants.api, &Token::of(&globex).sign(&other)), 200);
    }
    assert_eq!(status(&tenants.api, &tenants.token().sign(&other)), 401);
    assert_eq!(tenants.directory.asked(), 2);
    let mut known: Vec<String> =
        tenants.verifier.health().into_iter().map(|(issuer, _)| issuer).collect();
    known.sort();
    let mut both = [tenants.acme.clone(), globex];
    both.sort();
    assert_eq!(known, both);
    let fetches = tenants.bed.issuer.all_fetches();
    for (tenant, names) in [
        (ACME.to_uppercase(), "capitals"),
        (format!("{ACME}/"), "a slash"),
        (format!("x/../{ACME}"), "dots"),
        (format!("x%2f..%2f{ACME}"), "percent"),
        ("00000000-0000-0000-0000-000000000000".to_owned(), "another tenant"),
        ("{tenantid}".to_owned(), "the template itself"),
    ] {
        let issuer = format!("{}/{tenant}/v2.0", tenants.bed.issuer.url());
        assert_eq!(tenants.status(&Token::of(&issuer)), 401, "{names}");
    }
    let long = format!("{}/{}/v2.0", tenants.bed.issuer.url(), "a".repeat(2000));
    let asked = tenants.directory.asked();
    assert_eq!(tenants.status(&Token::of(&long)), 401);
    assert_eq!((tenants.directory.asked(), tenants.bed.issuer.all_fetches()), (asked, fetches));
    // The longest name that anybody is asked about.
    let prefix = format!("{}/", tenants.bed.issuer.url());
    for (length, is_asked) in [(1024, 1), (1025, 0)] {
        let name = format!("{prefix}{}", "a".repeat(length - prefix.len()));
        let asked = tenants.directory.asked();
        assert_eq!(tenants.status(&Token::of(&name)), 401);
        assert_eq!(tenants.directory.asked() - asked, is_asked, "{length}");
    }
}

#[test]
fn a_resolver_that_fails_to_renew_its_word_is_left_alone_for_a_while() {
    let tenants = Tenants::new(&[ACME]);
    assert_eq!((tenants.status(&tenants.token()), tenants.directory.asked()), (200, 1));
    tenants.is_down(true);
    tenants.advance(601);
    for _ in 0..5 {
        assert_eq!((tenants.status(&tenants.token()), tenants.directory.asked()), (200, 2));
    }
    tenants.advance(10);
    for _ in 0..5 {
        assert_eq!((tenants.status(&tenants.token()), tenants.directory.asked()), (200, 3));
    }
}

#[test]
fn a_refusal_is_remembered_for_a_while() {
    let tenants = Tenants::new(&[]);
    for _ in 0..5 {
        assert_eq!(tenants.status(&tenants.token()), 401);
    }
    assert_eq!((tenants.directory.asked(), tenants.bed.issuer.all_fetches()), (1, 0));
    tenants.knows(&[ACME]);
    tenants.advance(29);
    assert_eq!(tenants.status(&tenants.token()), 401);
    tenants.advance(1);
    assert_eq!(tenants.status(&tenants.token()), 200);
}

#[test]
fn a_resolver_out_of_reach_means_try_later_and_does_not_touch_known_tenants() {
    let tenants = Tenants::new(&[ACME, GLOBEX]);
    let globex = tenant(&tenants.bed.issuer, GLOBEX, &tenants.bed.key);
    assert_eq!(tenants.status(&tenants.token()), 200);
    tenants.is_down(true);
    let of_globex = Token::of(&globex).claim("exp", START + 100_000);
    let response = tenants.api.get("/protected").bearer(of_globex.sign(&tenants.bed.key)).send();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    // Ten minutes later its word is due again, and it is still down.
    tenants.advance(601);
    assert_eq!(tenants.status(&tenants.token()), 200);
    tenants.advance(3598);
    assert_eq!(tenants.status(&tenants.token()), 200);
    tenants.advance(1);
    for _ in 0..3 {
        assert_eq!(tenants.status(&tenants.token()), 503);
        tenants.advance(2);
    }
    tenants.is_down(false);
    tenants.advance(10);
    assert_eq!((tenants.status(&tenants.token()), tenants.status(&of_globex)), (200, 200));
}

#[test]
fn a_tenant_that_is_no_longer_trusted_is_out_after_ten_minutes() {
    let tenants = Tenants::new(&[ACME]);
    let token = tenants.token().sign(&tenants.bed.key);
    assert_eq!(status(&tenants.api, &token), 200);
    tenants.knows(&[]);
    tenants.advance(599);
    assert_eq!(status(&tenants.api, &token), 200);
    tenants.advance(1);
    assert_eq!((status(&tenants.api, &token), tenants.directory.asked()), (401, 2));
}

#[test]
fn a_renewed_tenant_keeps_its_keys() {
    let tenants = Tenants::new(&[ACME]);
    assert_eq!(tenants.status(&tenants.token()), 200);
    tenants.bed.issuer.set(&format!("/{ACME}/keys"), Answer::status(500));
    tenants.advance(600);
    assert_eq!((tenants.status(&tenants.token()), tenants.directory.asked()), (200, 2));
}

/// What fifty first requests of a tenant are answered with.
fn crowd(tenants: &Tenants) -> Vec<u16> {
    std::thread::scope(|scope| {
        let requests: Vec<_> = (0..50)
            .map(|number| scope.spawn(move || tenants.status(&tenants.token().claim("n", number))))
            .collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    })
}

#[test]
fn many_first_requests_ask_the_resolver_once() {
    let tenants = Tenants::new(&[ACME]);
    assert_eq!(crowd(&tenants), [200; 50]);
    assert_eq!(tenants.directory.asked(), 1);
    assert_eq!(tenants.bed.issuer.fetches(&format!("/{ACME}/keys")), 1);
}

#[test]
fn many_requests_share_one_failure_of_the_resolver() {
    let tenants = Tenants::new(&[ACME]);
    tenants.is_down(true);
    assert_eq!(crowd(&tenants), [503; 50]);
    assert_eq!(tenants.directory.asked(), 1);
    tenants.is_down(false);
    tenants.advance(1);
    assert_eq!((tenants.status(&tenants.token()), tenants.directory.asked()), (200, 2));
}

/// A question belongs to nobody: clients that hang up can neither end it nor keep a removed tenant.
#[test]
fn clients_that_hang_up_do_not_keep_a_tenant_trusted() {
    let tenants = Tenants::new(&[ACME]);
    let token = tenants.token().sign(&tenants.bed.key);
    assert_eq!(status(&tenants.api, &token), 200);
    tenants.knows(&[]);
    tenants.advance(600);
    let held = tenants.directory.0.gate.try_acquire_many(1000).unwrap();
    let open = || tenants.api.get("/protected").bearer(&token).open();
    let gone: Vec<_> = (0..4).map(|_| open()).collect();
    eventually("the question", || tenants.directory.asked() == 2);
    drop(gone);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| status(&tenants.api, &token));
        drop(held);
        assert_eq!(waits.join().unwrap(), 401);
    });
    assert_eq!((status(&tenants.api, &token), tenants.directory.asked()), (401, 2));
}

/// What was asked before an issuer was forgotten is not believed afterwards.
#[test]
fn forgetting_overtakes_a_question_in_progress() {
    let tenants = Tenants::new(&[ACME]);
    let held = tenants.directory.0.gate.try_acquire_many(1000).unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| tenants.status(&tenants.token()));
        eventually("the question", || tenants.directory.asked() == 1);
        tenants.knows(&[]);
        tenants.verifier.invalidate_issuer(&tenants.acme);
        drop(held);
        assert_eq!(waits.join().unwrap(), 401);
    });
    assert_eq!((tenants.status(&tenants.token()), tenants.directory.asked()), (401, 2));
}

#[test]
fn a_tenant_can_be_forgotten_at_once() {
    let tenants = Tenants::new(&[ACME]);
    let token = tenants.token().sign(&tenants.bed.key);
    assert_eq!(status(&tenants.api, &token), 200);
    tenants.knows(&[]);
    assert_eq!(status(&tenants.api, &token), 200);
    tenants.verifier.invalidate_issuer(&tenants.acme);
    assert_eq!(status(&tenants.api, &token), 401);
}

#[test]
fn nobody_is_asked_about_a_token_that_nothing_could_make_good() {
    let tenants = Tenants::new(&[ACME]);
    for token in [
        tenants.token().without("exp"),
        tenants.token().without("iat").claim("exp", START - 601),
        tenants.token().without("iss"),
    ] {
        assert_eq!(tenants.status(&token), 401);
    }
    assert_eq!(tenants.directory.asked(), 0);
}

#[test]
fn settings_that_cannot_be_used_do_not_cost_a_tenant_that_works() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let acme = tenant(&authority, ACME, &a);
    let audience = Arc::new(Mutex::new(AUDIENCE));
    let (ours, asked) = (audience.clone(), Arc::new(Mutex::new(0)));
    let count = asked.clone();
    let verifier = Verifier::with_resolver(move |issuer: &str| {
        *count.lock().unwrap() += 1;
        let audience = *ours.lock().unwrap();
        Some(TrustedIssuer::new(issuer, audience).algorithms([Algorithm::ES256]))
    });
    let clock = TestClock::new();
    let api = api(&clock, verifier);
    let token = Token::of(&acme).claim("exp", START + 100_000).sign(&a);
    assert_eq!(status(&api, &token), 200);
    *audience.lock().unwrap() = "";
    clock.advance(Duration::from_secs(600));
    assert_eq!(status(&api, &token), 200);
    // Nobody has worked with this one yet.
    let globex = tenant(&authority, GLOBEX, &a);
    for _ in 0..3 {
        assert_eq!(status(&api, &Token::of(&globex).claim("exp", START + 9000).sign(&a)), 500);
    }
    assert_eq!(*asked.lock().unwrap(), 3);
}

#[test]
fn tenants_are_bounded_in_number() {
    let authority = FakeIssuer::silent();
    let a = key("k");
    let names: Vec<String> = (0..30).map(|number| format!("tenant-{number}")).collect();
    let issuers: Vec<String> = names.iter().map(|name| tenant(&authority, name, &a)).collect();
    let trusted: Vec<String> = issuers.clone();
    let verifier = Verifier::with_resolver(move |issuer: &str| {
        trusted
            .iter()
            .any(|name| name == issuer)
            .then(|| TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256]))
    })
    .max_resolved_issuers(10)
    .clock(TestClock::new())
    .build()
    .unwrap();
    let auth = JwtAuth::new(verifier.clone());
    let api = TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
    for issuer in issuers.iter().chain(&issuers) {
        assert_eq!(status(&api, &Token::of(issuer).sign(&a)), 200);
    }
    // As many again are kept as long as there is room.
    assert!(verifier.health().len() <= 20, "{}", verifier.health().len());
}

/// A resolver that answers about somebody else is not believed.
#[test]
fn a_resolver_cannot_put_one_issuer_in_the_place_of_another() {
    let (a, b) = (key("a"), key("b"));
    let (first, second) = (FakeIssuer::start(&[&a]), FakeIssuer::start(&[&b]));
    let other = second.url().to_owned();
    let verifier = Verifier::with_resolver(move |_: &str| {
        Some(TrustedIssuer::new(other.clone(), AUDIENCE).algorithms([Algorithm::ES256]))
    });
    let api = api(&TestClock::new(), verifier);
    assert_eq!(status(&api, &Token::of(first.url()).sign(&a)), 401);
    assert_eq!(status(&api, &Token::of(first.url()).sign(&b)), 401);
    assert_eq!(status(&api, &Token::of(second.url()).sign(&b)), 200);
}

/// DEV-07: a resolver with a bug is one that does not answer. It is not asked again at once.
#[test]
fn a_resolver_that_panics_is_left_alone_for_a_while() {
    let (authority, key, clock) = (FakeIssuer::silent(), key("k"), TestClock::new());
    let acme = tenant(&authority, ACME, &key);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let verifier = Verifier::with_resolver(move |issuer: &str| {
        assert!(count.fetch_add(1, Ordering::SeqCst) > 0, "it goes wrong at first");
        Some(TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256]))
    });
    let auth = JwtAuth::new(verifier.clock(clock.clone()).build().unwrap());
    let api = TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
    let token = Token::of(&acme).sign(&key);
    for _ in 0..5 {
        assert_eq!((status(&api, &token), asked.load(Ordering::SeqCst)), (503, 1));
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!((status(&api, &token), asked.load(Ordering::SeqCst)), (200, 2));
}

/// DEV-07: what such a resolver has said before counts on, as with any that does not answer.
#[test]
fn a_resolver_that_panics_later_costs_no_tenant() {
    let (authority, key, clock) = (FakeIssuer::silent(), key("k"), TestClock::new());
    let acme = tenant(&authority, ACME, &key);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let verifier = Verifier::with_resolver(move |issuer: &str| {
        assert!(count.fetch_add(1, Ordering::SeqCst) == 0, "it goes wrong later");
        Some(TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256]))
    });
    let api = api(&clock, verifier);
    let token = Token::of(&acme).claim("exp", START + 100_000).sign(&key);
    assert_eq!(status(&api, &token), 200);
    clock.advance(Duration::from_secs(601));
    for _ in 0..3 {
        assert_eq!((status(&api, &token), asked.load(Ordering::SeqCst)), (200, 2));
    }
}

/// Strangers can keep a slow resolver busy, but not without bound, and not for those who are known.
#[test]
fn questions_are_bounded_in_number() {
    let tenants = Tenants::new(&[ACME]);
    assert_eq!(tenants.status(&tenants.token()), 200);
    tenants.directory.0.gate.forget_permits(1000);
    let waiting: Vec<_> = (0..256)
        .map(|number| {
            let issuer = format!("{}/{number}/v2.0", tenants.bed.issuer.url());
            tenants.api.get("/protected").bearer(Token::of(&issuer).sign(&tenants.bed.key)).open()
        })
        .collect();
    eventually("all of them are asked about", || tenants.directory.asked() == 257);
    let one_more = Token::of(&format!("{}/more/v2.0", tenants.bed.issuer.url()));
    assert_eq!(tenants.status(&one_more), 503);
    assert_eq!(tenants.status(&tenants.token()), 200);
    assert_eq!(tenants.directory.asked(), 257);
    tenants.directory.0.gate.add_permits(1000);
    drop(waiting);
    eventually("the questions are answered", || tenants.status(&one_more) == 401);
}
