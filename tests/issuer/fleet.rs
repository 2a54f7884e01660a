//! Instances of one application that share a store: one of them fetches for all.

use jwt_verify::{
    BoxFuture, StoreUnavailable,
    store::{CacheStore, MemoryCache},
};
use jwt_verify_tests::{Answer, START};
use serde_json::json;

use super::*;

const SECRET: &str = "a secret of the instances, of enough bytes";

struct Fleet {
    issuer: FakeIssuer,
    clock: TestClock,
    store: MemoryCache,
    instances: Vec<TestServer>,
}

impl Fleet {
    fn new(number: usize, keys: &[&SigningKey]) -> Self {
        let (issuer, clock) = (FakeIssuer::start(keys), TestClock::new());
        let store = MemoryCache::new().clock(clock.clone());
        let instances =
            (0..number).map(|_| instance(&issuer, &clock, store.clone(), SECRET)).collect();
        Self { issuer, clock, store, instances }
    }

    fn token(&self, key: &SigningKey) -> String {
        Token::of(self.issuer.url()).claim("exp", START + 1_000_000).sign(key)
    }

    /// What every instance says to the same token at the same time.
    fn statuses(&self, token: &str) -> Vec<u16> {
        std::thread::scope(|scope| {
            let requests: Vec<_> =
                self.instances.iter().map(|api| scope.spawn(move || status(api, token))).collect();
            requests.into_iter().map(|request| request.join().unwrap()).collect()
        })
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn instance(
    issuer: &FakeIssuer,
    clock: &TestClock,
    store: impl CacheStore,
    secret: &str,
) -> TestServer {
    let provider = JwksProvider::new(issuer.jwks_uri()).clock(clock.clone()).cache(store);
    serve(issuer, clock, provider.cache_integrity_key(secret))
}

fn status(api: &TestServer, token: &str) -> u16 {
    api.get("/protected").bearer(token).send().status
}

fn slowly(key: &SigningKey) -> Answer {
    Answer::json(&json!({"keys": [key.jwk()]})).after(Duration::from_millis(300))
}

#[test]
fn a_fleet_that_starts_makes_one_fetch() {
    let key = key("k");
    let fleet = Fleet::new(6, &[&key]);
    fleet.issuer.answer_keys(slowly(&key));
    assert_eq!(fleet.statuses(&fleet.token(&key)), [200; 6]);
    assert_eq!(fleet.issuer.key_fetches(), 1);
}

#[test]
fn a_fleet_refreshes_with_one_fetch() {
    let known = key("k");
    let fleet = Fleet::new(4, &[&known]);
    assert_eq!(fleet.statuses(&fleet.token(&known)), [200; 4]);
    let next = key("next");
    let both = json!({"keys": [known.jwk(), next.jwk()]});
    fleet.issuer.answer_keys(Answer::json(&both).after(Duration::from_millis(300)));
    fleet.advance(500);
    assert_eq!(fleet.statuses(&fleet.token(&known)), [200; 4]);
    eventually("the refresh", || fleet.issuer.key_fetches() == 2);
    // Whoever needs what the refresh will bring waits for it, at every instance.
    assert_eq!(fleet.statuses(&fleet.token(&next)), [200; 4]);
    assert_eq!(fleet.issuer.key_fetches(), 2);
}

#[test]
fn a_rotation_is_noticed_by_all_with_one_fetch() {
    let (old, new) = (key("old"), key("new"));
    let fleet = Fleet::new(6, &[&old]);
    assert_eq!(fleet.statuses(&fleet.token(&old)), [200; 6]);
    fleet.advance(1);
    fleet.issuer.answer_keys(slowly(&new));
    assert_eq!(fleet.statuses(&fleet.token(&new)), [200; 6]);
    assert_eq!(fleet.issuer.key_fetches(), 2);
    assert_eq!(fleet.statuses(&fleet.token(&old)), [401; 6]);
}

#[test]
fn strangers_cause_as_few_fetches_at_many_instances_as_at_one() {
    let (known, stranger) = (key("k"), key("stranger"));
    let fleet = Fleet::new(3, &[&known]);
    assert_eq!(fleet.statuses(&fleet.token(&known)), [200; 3]);
    for index in 0..30 {
        let token =
            Token::of(fleet.issuer.url()).header("kid", format!("k{index}")).sign(&stranger);
        let statuses = fleet.statuses(&token);
        // As at one instance: 401 where the issuer was asked, and else "ask later".
        assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
        assert!(index < 2 || statuses == [429; 3], "{index}: {statuses:?}");
    }
    assert_eq!(fleet.issuer.key_fetches(), 3);
    fleet.advance(30);
    fleet.issuer.publish(&[&known, &stranger]);
    assert_eq!(fleet.statuses(&fleet.token(&stranger)), [200; 3]);
    assert_eq!(fleet.issuer.key_fetches(), 4);
}

#[test]
fn a_key_that_one_instance_knows_to_be_missing_is_not_asked_for_by_another() {
    let (known, stranger) = (key("k"), key("stranger"));
    let fleet = Fleet::new(2, &[&known]);
    assert_eq!(fleet.statuses(&fleet.token(&known)), [200; 2]);
    let token = fleet.token(&stranger);
    assert_eq!(status(&fleet.instances[0], &token), 401);
    assert_eq!(fleet.issuer.key_fetches(), 2);
    // What is told to the others is told in the background.
    eventually("the other one knows", || {
        fleet.advance(0);
        status(&fleet.instances[1], &token) == 401
    });
    assert_eq!(fleet.issuer.key_fetches(), 2);
    // Hearing of it does not prolong it.
    fleet.advance(15);
    assert_eq!(status(&fleet.instances[1], &token), 401);
    fleet.issuer.publish(&[&known, &stranger]);
    fleet.advance(15);
    assert_eq!(status(&fleet.instances[1], &token), 200);
}

#[test]
fn an_instance_that_starts_while_the_issuer_is_down_serves() {
    let key = key("k");
    let mut fleet = Fleet::new(1, &[&key]);
    let token = fleet.token(&key);
    assert_eq!(fleet.statuses(&token), [200]);
    fleet.issuer.answer_keys(Answer::status(500));
    fleet.instances.push(instance(&fleet.issuer, &fleet.clock, fleet.store.clone(), SECRET));
    assert_eq!(fleet.statuses(&token), [200; 2]);
    assert_eq!(fleet.issuer.key_fetches(), 1);
}

/// OUT-01: instances that may not ask because another has, in vain, do not say that the key does not
/// exist. All of them together ask once a second.
#[test]
fn what_others_could_not_find_out_is_not_an_answer() {
    let (old, new) = (key("old"), key("new"));
    let fleet = Fleet::new(3, &[&old]);
    assert_eq!(fleet.statuses(&fleet.token(&old)), [200; 3]);
    fleet.advance(1);
    fleet.issuer.answer_keys(Answer::status(500));
    let token = fleet.token(&new);
    for attempts in 1..5 {
        for instance in &fleet.instances {
            assert_eq!(status(instance, &token), 503);
        }
        assert_eq!(fleet.issuer.key_fetches(), 1 + attempts);
        fleet.advance(1);
    }
    assert_eq!(fleet.statuses(&fleet.token(&old)), [200; 3]);
    fleet.issuer.publish(&[&old, &new]);
    assert_eq!(fleet.statuses(&token), [200; 3]);
}

/// An instance whose own gate is closed still finds what another one has fetched.
#[test]
fn a_closed_gate_does_not_hide_what_others_have_found() {
    let (old, new) = (key("old"), key("new"));
    let fleet = Fleet::new(2, &[&old]);
    assert_eq!(fleet.statuses(&fleet.token(&old)), [200; 2]);
    let stranger = key("stranger");
    for number in 0..2 {
        let token =
            Token::of(fleet.issuer.url()).header("kid", format!("k{number}")).sign(&stranger);
        assert_eq!(status(&fleet.instances[1], &token), 401);
    }
    assert_eq!(fleet.issuer.key_fetches(), 3);
    fleet.issuer.publish(&[&old, &new]);
    // Its regular refresh brings the new key to the first.
    fleet.advance(500);
    assert_eq!(status(&fleet.instances[0], &fleet.token(&old)), 200);
    eventually("the refresh", || fleet.issuer.key_fetches() == 4);
    assert_eq!(fleet.statuses(&fleet.token(&new)), [200; 2]);
    assert_eq!(fleet.issuer.key_fetches(), 4);
}

/// Strangers do not have the store asked for every token of theirs.
#[test]
fn a_flood_is_not_passed_on_to_the_store() {
    let (known, stranger) = (key("k"), key("stranger"));
    let issuer = FakeIssuer::start(&[&known]);
    let clock = TestClock::new();
    let store = Counting::default();
    let api = instance(&issuer, &clock, store.clone(), SECRET);
    let good = Token::of(issuer.url()).sign(&known);
    assert_eq!(status(&api, &good), 200);
    for number in 0..500 {
        let token = Token::of(issuer.url()).header("kid", format!("k{number}")).sign(&stranger);
        assert_eq!(status(&api, &token), if number < 2 { 401 } else { 429 });
    }
    let asked = store.asked.load(std::sync::atomic::Ordering::SeqCst);
    assert!(asked < 60, "{asked}");
    assert_eq!(issuer.key_fetches(), 3);
}

/// Counts what it is asked.
#[derive(Debug, Clone, Default)]
struct Counting {
    store: MemoryCache,
    asked: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Counting {
    fn count(&self) -> &MemoryCache {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        &self.store
    }
}

impl CacheStore for Counting {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>> {
        self.count().get(key)
    }

    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        self.count().set(key, value, ttl)
    }

    fn add<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        self.count().add(key, value, ttl)
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        self.count().remove(key)
    }
}

/// Clocks of instances differ. A key set from one whose clock is ahead does not hide a newer one.
#[test]
fn clocks_that_differ_do_not_hide_a_rotation() {
    let (old, new) = (key("old"), key("new"));
    let issuer = FakeIssuer::start(&[&old]);
    let (ahead, behind) = (TestClock::new(), TestClock::new());
    ahead.set_wall(START + 30);
    let store = MemoryCache::new();
    let fleet = [
        instance(&issuer, &ahead, store.clone(), SECRET),
        instance(&issuer, &behind, store.clone(), SECRET),
        instance(&issuer, &behind, store, SECRET),
    ];
    let token = |key: &SigningKey| Token::of(issuer.url()).claim("exp", START + 9000).sign(key);
    for api in &fleet {
        assert_eq!(status(api, &token(&old)), 200);
    }
    behind.advance(Duration::from_secs(5));
    issuer.publish(&[&new]);
    assert_eq!(status(&fleet[1], &token(&new)), 200);
    assert_eq!(status(&fleet[2], &token(&new)), 200);
    assert_eq!(issuer.key_fetches(), 2);
}

#[test]
fn an_instance_that_fails_to_fetch_lets_the_next_one_try() {
    let key = key("k");
    let fleet = Fleet::new(2, &[&key]);
    fleet.issuer.answer_keys(Answer::status(500));
    let token = fleet.token(&key);
    assert_eq!(status(&fleet.instances[0], &token), 503);
    fleet.issuer.publish(&[&key]);
    assert_eq!(status(&fleet.instances[1], &token), 503);
    assert_eq!(fleet.issuer.key_fetches(), 1);
    // Once a second, whichever instance it is.
    fleet.advance(1);
    assert_eq!(status(&fleet.instances[1], &token), 200);
    assert_eq!(status(&fleet.instances[0], &token), 200);
    assert_eq!(fleet.issuer.key_fetches(), 2);
}

/// A holder that is gone keeps nobody waiting for longer than its lease.
#[test]
fn a_lease_ends_soon_after_its_holder() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let store = Frozen { leases: MemoryCache::new() };
    let provider = || JwksProvider::new(issuer.jwks_uri()).cache(store.clone());
    let dead = JwtAuth::builder(issuer.url(), AUDIENCE)
        .algorithms([Algorithm::ES256])
        .keys(provider().fetch_timeout(Duration::from_millis(400)).build().unwrap())
        .build()
        .unwrap();
    // It takes the lease, fails, and is stopped before it can give it back.
    issuer.answer_keys(Answer::Hang);
    dead.warm_up();
    eventually("the fetch", || issuer.key_fetches() == 1);
    issuer.publish(&[&key]);
    let auth = JwtAuth::builder(issuer.url(), AUDIENCE)
        .algorithms([Algorithm::ES256])
        .keys(provider().build().unwrap())
        .build()
        .unwrap();
    let api = TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
    assert_eq!(status(&api, &Token::now(issuer.url()).sign(&key)), 200);
}

/// A store from which nothing can be removed, as by an instance that is gone, and that keeps
/// nothing but leases.
#[derive(Debug, Clone)]
struct Frozen {
    leases: MemoryCache,
}

impl CacheStore for Frozen {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>> {
        self.leases.get(key)
    }

    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        if key.contains(":lease:") {
            self.leases.set(key, value, ttl)
        } else {
            Box::pin(async { Ok(()) })
        }
    }

    fn add<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        self.leases.add(key, value, ttl)
    }

    fn remove<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async { Ok(()) })
    }
}

/// RED-07: whoever can write to the store cannot make tokens, keep keys away, or hold fetches up.
#[test]
fn what_is_written_without_the_key_counts_for_nothing() {
    let (real, forged) = (key("k"), key("k"));
    let (issuer, evil) = (FakeIssuer::start(&[&real]), FakeIssuer::start(&[&forged]));
    let clock = TestClock::new();
    for secret in ["another secret that somebody has made up", ""] {
        let store = MemoryCache::new().clock(clock.clone());
        // The same names, filled by somebody who has another key, or none.
        let provider = JwksProvider::new(issuer.jwks_uri()).clock(clock.clone());
        let provider = provider.cache(Moved { store: store.clone() });
        let provider = match secret {
            "" => provider,
            secret => provider.cache_integrity_key(secret),
        };
        issuer.publish(&[&forged]);
        let intruder = serve(&issuer, &clock, provider);
        assert_eq!(status(&intruder, &Token::of(issuer.url()).sign(&forged)), 200);
        let stranger = key("stranger");
        assert_eq!(status(&intruder, &Token::of(issuer.url()).sign(&stranger)), 401);
        issuer.publish(&[&real]);
        let before = issuer.key_fetches();
        let api = instance(&issuer, &clock, store, SECRET);
        assert_eq!(status(&api, &Token::of(issuer.url()).sign(&forged)), 401);
        assert_eq!(status(&api, &Token::of(issuer.url()).sign(&real)), 200);
        assert!(issuer.key_fetches() > before);
        issuer.publish(&[&real, &stranger]);
        clock.advance(Duration::from_secs(30));
        assert_eq!(status(&api, &Token::of(issuer.url()).sign(&stranger)), 200);
    }
    assert_eq!(evil.all_fetches(), 0);
}

/// Keeps what it is given, leases included, and never gives anything back to its own user.
#[derive(Debug)]
struct Moved {
    store: MemoryCache,
}

impl CacheStore for Moved {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>> {
        Box::pin(async { Ok(None) })
    }

    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        self.store.set(key, value, ttl)
    }

    fn add<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async move {
            self.store.set(key, value, ttl).await?;
            Ok(true)
        })
    }

    fn remove<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async { Ok(()) })
    }
}

/// RED-13: issuers and applications that use one store do not meet in it.
#[test]
fn two_issuers_in_one_store_are_kept_apart() {
    let (a, b) = (key("k"), key("k"));
    let (first, second) = (FakeIssuer::start(&[&a]), FakeIssuer::start(&[&b]));
    let clock = TestClock::new();
    let store = MemoryCache::new().clock(clock.clone());
    let at_first = instance(&first, &clock, store.clone(), SECRET);
    let at_second = instance(&second, &clock, store, SECRET);
    assert_eq!(status(&at_first, &Token::of(first.url()).sign(&a)), 200);
    assert_eq!(status(&at_second, &Token::of(second.url()).sign(&b)), 200);
    assert_eq!((first.key_fetches(), second.key_fetches()), (1, 1));
}

#[test]
fn a_weak_integrity_key_is_refused() {
    let provider = JwksProvider::new("https://issuer.example/jwks").cache(MemoryCache::new());
    let error = provider.cache_integrity_key("too short").build().unwrap_err();
    assert!(error.to_string().contains("cache_integrity_key"), "{error}");
}
