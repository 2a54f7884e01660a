//! Questions for unknown keys that are not put because there were enough of them.

use jwt_verify::store::MemoryCache;
use jwt_verify_tests::Response;

use super::*;

const SECRET: &str = "a secret of the instances, of enough bytes";

/// One instance alone, or several with a store between them.
struct Api {
    issuer: FakeIssuer,
    clock: TestClock,
    instances: Vec<TestServer>,
}

impl Api {
    fn alone(keys: &[&SigningKey]) -> Self {
        Self::of(1, keys, |provider| provider)
    }

    fn fleet(keys: &[&SigningKey]) -> Self {
        let store = MemoryCache::new();
        Self::of(3, keys, move |provider| provider.cache(store.clone()).cache_integrity_key(SECRET))
    }

    fn of(
        instances: usize,
        keys: &[&SigningKey],
        configure: impl Fn(JwksProviderBuilder) -> JwksProviderBuilder,
    ) -> Self {
        let (issuer, clock) = (FakeIssuer::start(keys), TestClock::new());
        let instances = (0..instances)
            .map(|_| {
                let provider = JwksProvider::new(issuer.jwks_uri()).clock(clock.clone());
                serve(&issuer, &clock, configure(provider))
            })
            .collect();
        Self { issuer, clock, instances }
    }

    fn send(&self, instance: &TestServer, key: &SigningKey, key_id: &str) -> Response {
        let token = Token::of(self.issuer.url())
            .claim("exp", jwt_verify_tests::START + 1_000_000)
            .header("kid", key_id);
        instance.get("/protected").bearer(token.sign(key)).send()
    }

    /// What each instance says to a token of this key.
    fn answers(&self, key: &SigningKey, key_id: &str) -> Vec<u16> {
        self.instances.iter().map(|instance| self.send(instance, key, key_id).status).collect()
    }

    /// Tokens of unknown keys, until the issuer may not be asked for any more.
    fn flood(&self) {
        let stranger = key("stranger");
        for number in 0..20 {
            self.answers(&stranger, &format!("unknown-{number}"));
        }
        assert_eq!(self.issuer.key_fetches(), 3);
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

const LIMITED: &str = r#"{"error":"key_lookup_limited","error_description":"the key of the access token cannot be looked up at the moment","code":"key_lookup_limited"}"#;

/// OUT-02: a good token of a new key meets a budget that others have spent. It is not thrown away,
/// the instance is not taken for ill, and the caller learns when to come back, alone and in a fleet.
#[test]
fn a_good_token_whose_key_may_not_be_asked_for_is_told_to_come_back() {
    let (old, new) = (key("old"), key("new"));
    for api in [Api::alone(&[&old]), Api::fleet(&[&old])] {
        assert!(api.answers(&old, "old").iter().all(|status| *status == 200));
        api.advance(1);
        api.flood();
        api.issuer.publish(&[&new]);
        api.advance(10);
        for instance in &api.instances {
            let response = api.send(instance, &new, "new");
            assert_eq!((response.status, response.text()), (429, LIMITED));
            assert_eq!(response.header("retry-after"), Some("20"));
            assert_eq!(response.header("cache-control"), Some("no-store"));
            assert_eq!(response.header("content-type"), Some("application/json"));
            assert_eq!(response.challenge(), None);
            // Who needs no new key does not notice.
            assert_eq!(api.send(instance, &old, "old").status, 200);
            assert_eq!(instance.get("/health/ready").send().status, 200);
        }
        assert_eq!(api.issuer.key_fetches(), 3);
        api.advance(20);
        assert!(api.answers(&new, "new").iter().all(|status| *status == 200));
        assert!(api.answers(&old, "old").iter().all(|status| *status == 401));
    }
}

/// OUT-02: 401 is the answer where the issuer was asked, for as long as its "no" is believed.
#[test]
fn what_the_issuer_was_asked_for_is_answered_with_its_word() {
    let (known, unknown) = (key("known"), key("unknown"));
    for api in [Api::alone(&[&known]), Api::fleet(&[&known])] {
        assert!(api.answers(&known, "known").iter().all(|status| *status == 200));
        assert!(api.answers(&unknown, "first").iter().all(|status| *status == 401));
        api.flood();
        for _ in 0..3 {
            assert!(api.answers(&unknown, "first").iter().all(|status| *status == 401));
            assert!(api.answers(&unknown, "put off").iter().all(|status| *status == 429));
        }
    }
}

/// OUT-02: the fetch for one of the questions that had to wait answers them all, with "no" as well.
#[test]
fn one_fetch_answers_all_the_questions_that_had_to_wait() {
    let (known, unknown) = (key("known"), key("unknown"));
    let api = Api::alone(&[&known]);
    assert_eq!(api.answers(&known, "known"), [200]);
    api.flood();
    assert_eq!(api.answers(&unknown, "a"), [429]);
    assert_eq!(api.answers(&unknown, "b"), [429]);
    api.advance(30);
    assert_eq!((api.answers(&unknown, "a"), api.issuer.key_fetches()), (vec![401], 4));
    assert_eq!((api.answers(&unknown, "b"), api.issuer.key_fetches()), (vec![401], 4));
    // What came later is another question, and so is the same one when the answer is old.
    assert_eq!((api.answers(&unknown, "c"), api.issuer.key_fetches()), (vec![401], 5));
    api.advance(30);
    assert_eq!((api.answers(&unknown, "b"), api.issuer.key_fetches()), (vec![401], 6));
}

/// OUT-02: a question that had to wait is put without another request. By the clock of the
/// machine, for that is what it waits by.
#[test]
fn a_question_that_had_to_wait_is_put_as_soon_as_that_is_allowed() {
    let (old, new) = (key("old"), key("new"));
    for store in [None, Some(MemoryCache::new())] {
        let issuer = FakeIssuer::start(&[&old]);
        let provider = JwksProvider::new(issuer.jwks_uri())
            .max_refetches(1)
            .refetch_window(Duration::from_secs(2));
        let provider = match store {
            Some(store) => provider.cache(store),
            None => provider,
        };
        let auth = JwtAuth::builder(issuer.url(), AUDIENCE)
            .algorithms([Algorithm::ES256])
            .keys(provider.build().unwrap())
            .build()
            .unwrap();
        let api =
            TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
        let send = |key: &SigningKey, key_id: &str| {
            let token = Token::now(issuer.url()).header("kid", key_id).sign(key);
            api.get("/protected").bearer(token).send().status
        };
        assert_eq!(send(&old, "old"), 200);
        assert_eq!((send(&new, "stranger"), issuer.key_fetches()), (401, 2));
        issuer.publish(&[&old, &new]);
        for _ in 0..5 {
            assert_eq!((send(&new, "new"), issuer.key_fetches()), (429, 2));
        }
        eventually("the question is put", || issuer.key_fetches() == 3);
        eventually("the key is known", || send(&new, "new") == 200);
        assert_eq!(issuer.key_fetches(), 3);
    }
}

/// OUT-02: a bad signature under a known key stays what it is. The question whether the issuer has
/// replaced that key waits with the others.
#[test]
fn a_bad_signature_is_not_excused_by_a_budget_that_is_spent() {
    let (first, second) = (key("k"), key("k"));
    for api in [Api::alone(&[&first]), Api::fleet(&[&first])] {
        assert!(api.answers(&first, "k").iter().all(|status| *status == 200));
        api.advance(1);
        api.flood();
        api.issuer.publish(&[&second]);
        assert!(api.answers(&second, "k").iter().all(|status| *status == 401));
        api.advance(30);
        assert!(api.answers(&second, "k").iter().all(|status| *status == 200));
    }
}

/// OUT-02: a key that the issuer has just withdrawn is known to be gone. Its tokens are refused at once,
/// cost no fetch, and do not depend on what unknown keys have left of the budget.
#[test]
fn a_withdrawn_key_needs_no_question() {
    let (old, new) = (key("old"), key("new"));
    for api in [Api::alone(&[&old]), Api::fleet(&[&old])] {
        assert!(api.answers(&old, "old").iter().all(|status| *status == 200));
        api.advance(1);
        api.issuer.publish(&[&new]);
        assert_eq!(api.send(&api.instances[0], &new, "new").status, 200);
        let fetches = api.issuer.key_fetches();
        for _ in 0..5 {
            assert_eq!(api.send(&api.instances[0], &old, "old").status, 401);
        }
        assert_eq!(api.issuer.key_fetches(), fetches);
    }
}
