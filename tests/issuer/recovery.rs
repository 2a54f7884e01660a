//! An issuer that was away, and is back with other keys.

use jwt_verify::store::{CacheStore, MemoryCache};
use jwt_verify_tests::Answer;

use super::*;

/// Some instances, with a store between them or without, and how long they were without the issuer.
struct Outage {
    issuer: FakeIssuer,
    clock: TestClock,
    instances: Vec<TestServer>,
    old: SigningKey,
    new: SigningKey,
}

impl Outage {
    /// Instances that have the old key for `ttl` seconds. The issuer fails from now on.
    fn begin(instances: usize, store: Option<MemoryCache>, ttl: u64) -> Self {
        let (old, new) = (key("old"), key("new"));
        let (issuer, clock) = (FakeIssuer::start(&[&old]), TestClock::new());
        let store = store.map(|store| store.clock(clock.clone()));
        let instances = (0..instances)
            .map(|_| {
                let provider = JwksProvider::new(issuer.jwks_uri())
                    .clock(clock.clone())
                    .cache_ttl(Duration::from_secs(ttl));
                let provider = match &store {
                    Some(store) => with_store(provider, store.clone()),
                    None => provider,
                };
                serve(&issuer, &clock, provider)
            })
            .collect();
        let outage = Self { issuer, clock, instances, old, new };
        assert!(outage.all(&outage.old, 200), "the keys at first");
        outage.issuer.answer_keys(Answer::status(500));
        outage
    }

    /// Whether every instance gives this answer to a token of the key.
    fn all(&self, key: &SigningKey, expected: u16) -> bool {
        let token = Token::of(self.issuer.url())
            .claim("exp", jwt_verify_tests::START + 1_000_000)
            .sign(key);
        let status = |api: &TestServer| api.get("/protected").bearer(&token).send().status;
        self.instances.iter().filter(|api| status(api) == expected).count() == self.instances.len()
    }

    fn a_second_later(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    fn is_over(&self) {
        self.issuer.publish(&[&self.new]);
    }
}

fn with_store(provider: JwksProviderBuilder, store: impl CacheStore) -> JwksProviderBuilder {
    provider.cache(store).cache_integrity_key("a secret of the instances, of enough bytes")
}

/// OUT-01: however long the issuer was away, a token of its new key is good within 3 s of its
/// return and the withdrawn key is not, at one instance and at several. As long as it is away it is
/// asked once a second at most.
#[test]
fn a_token_with_an_unknown_key_brings_the_keys_back() {
    for (instances, store) in
        [(1, None), (1, Some(MemoryCache::new())), (3, Some(MemoryCache::new()))]
    {
        for seconds in [5, 20, 60, 300] {
            let outage = Outage::begin(instances, store.as_ref().map(|_| MemoryCache::new()), 600);
            let before = outage.issuer.key_fetches();
            for second in 1..=seconds {
                outage.a_second_later();
                for _ in 0..2 {
                    assert!(outage.all(&outage.new, 503), "{instances}: {second} s");
                }
                let attempts = outage.issuer.key_fetches() - before;
                assert!(attempts <= second, "{instances}: {attempts} attempts in {second} s");
            }
            // It is worth asking for as long as it lasts.
            let attempts = outage.issuer.key_fetches() - before;
            assert!(attempts * 3 >= seconds, "{instances}: {attempts} attempts in {seconds} s");
            outage.is_over();
            let mut waited = 0;
            while !(outage.all(&outage.new, 200) && outage.all(&outage.old, 401)) {
                waited += 1;
                assert!(waited <= 3, "{instances}: still not after {waited} s");
                outage.a_second_later();
            }
        }
    }
}

/// OUT-01: tokens of a withdrawn key are refused within 3 s, too, where nothing but they comes. Their
/// key set is past its time, which is reason enough to ask.
#[test]
fn a_key_set_past_its_time_is_replaced_as_soon_as_it_can_be() {
    for (instances, store) in [(1, None), (3, Some(MemoryCache::new()))] {
        for seconds in [5, 60, 300] {
            let outage = Outage::begin(instances, store.as_ref().map(|_| MemoryCache::new()), 2);
            let before = outage.issuer.key_fetches();
            for second in 1..=seconds {
                outage.a_second_later();
                // Nobody waits for a refresh.
                assert!(outage.all(&outage.old, 200), "{instances}: {second} s");
                let attempts = outage.issuer.key_fetches() - before;
                assert!(attempts <= second, "{instances}: {attempts} attempts in {second} s");
            }
            outage.is_over();
            // A second and a little more than that: what fails just now may be on its way.
            for _ in 0..3 {
                outage.a_second_later();
                outage.all(&outage.old, 401);
                let answered = outage.issuer.answers();
                eventually("what was asked is answered", || {
                    outage.issuer.answers() >= answered.max(outage.issuer.all_fetches())
                });
            }
            eventually("the old key is refused", || outage.all(&outage.old, 401));
            assert!(outage.all(&outage.new, 200), "{instances}: {seconds} s");
        }
    }
}

/// OUT-01: in one moment there is one attempt, however many requests need keys.
#[test]
fn many_who_need_keys_cause_one_attempt_a_second() {
    for (instances, store) in [(1, None), (3, Some(MemoryCache::new()))] {
        let outage = Outage::begin(instances, store, 600);
        for attempts in 2..6 {
            outage.a_second_later();
            std::thread::scope(|scope| {
                for _ in 0..20 {
                    scope.spawn(|| assert!(outage.all(&outage.new, 503)));
                }
            });
            assert_eq!(outage.issuer.key_fetches(), attempts, "{instances}");
        }
        assert!(outage.all(&outage.old, 200));
    }
}

/// OUT-01: what the issuer asks for with `Retry-After` counts, for all instances.
#[test]
fn an_issuer_that_asks_for_a_pause_is_given_it_by_the_whole_fleet() {
    let outage = Outage::begin(3, Some(MemoryCache::new()), 600);
    outage.issuer.answer_keys(Answer::status(429).with_header("retry-after", "20"));
    for _ in 0..20 {
        assert!(outage.all(&outage.new, 503));
        assert_eq!(outage.issuer.key_fetches(), 2);
        outage.a_second_later();
    }
    outage.is_over();
    let mut waited = 0;
    while !outage.all(&outage.new, 200) {
        waited += 1;
        assert!(waited <= 3, "still not after {waited} s");
        outage.a_second_later();
    }
}
