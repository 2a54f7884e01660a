//! Key sets that instances share through a store.

use jwt_verify::{
    BoxFuture, StoreUnavailable,
    store::{CacheStore, MemoryCache},
};
use jwt_verify_tests::Answer;

use super::*;

fn instance(issuer: &FakeIssuer, clock: &TestClock, store: impl CacheStore) -> TestServer {
    serve(issuer, clock, JwksProvider::new(issuer.jwks_uri()).clock(clock.clone()).cache(store))
}

fn status(api: &TestServer, issuer: &FakeIssuer, key: &SigningKey) -> u16 {
    let token = Token::of(issuer.url()).claim("exp", jwt_verify_tests::START + 100_000).sign(key);
    api.get("/protected").bearer(token).send().status
}

#[test]
fn the_second_instance_starts_from_what_the_first_has_fetched() {
    let key = key("k");
    let (issuer, clock) = (FakeIssuer::start(&[&key]), TestClock::new());
    let store = MemoryCache::new().clock(clock.clone());
    let first = instance(&issuer, &clock, store.clone());
    assert_eq!(status(&first, &issuer, &key), 200);
    issuer.answer_keys(Answer::status(500));
    let second = instance(&issuer, &clock, store);
    assert_eq!(status(&second, &issuer, &key), 200);
    assert_eq!(issuer.key_fetches(), 1);
}

#[test]
fn a_key_that_the_store_does_not_have_yet_is_fetched() {
    let (old, new) = (key("old"), key("new"));
    let (issuer, clock) = (FakeIssuer::start(&[&old]), TestClock::new());
    let store = MemoryCache::new().clock(clock.clone());
    let first = instance(&issuer, &clock, store.clone());
    assert_eq!(status(&first, &issuer, &old), 200);
    issuer.publish(&[&old, &new]);
    let second = instance(&issuer, &clock, store);
    assert_eq!(status(&second, &issuer, &new), 200);
    assert_eq!(issuer.key_fetches(), 2);
}

#[test]
fn what_is_too_old_or_unreadable_is_not_used() {
    let key = key("k");
    let (issuer, clock) = (FakeIssuer::start(&[&key]), TestClock::new());
    let store = MemoryCache::new();
    let first = instance(&issuer, &clock, store.clone());
    assert_eq!(status(&first, &issuer, &key), 200);
    clock.advance(Duration::from_secs(600));
    let second = instance(&issuer, &clock, store);
    assert_eq!((status(&second, &issuer, &key), issuer.key_fetches()), (200, 2));
    let empty = format!(
        "jwt-verify-1 {}000 -\n{}",
        jwt_verify_tests::START + 600,
        r#"{"fetched":1800000000000,"ttl":600,"body":"{}"}"#
    );
    for garbage in ["", "{}", "null", "\u{0}\u{1}", "jwt-verify-1 1 -\n{}", &empty] {
        let issuer = FakeIssuer::start(&[&key]);
        let api = instance(&issuer, &TestClock::new(), Fixed(garbage.as_bytes().to_vec()));
        assert_eq!((status(&api, &issuer, &key), issuer.key_fetches()), (200, 1), "{garbage}");
    }
}

#[test]
fn a_store_that_fails_is_as_good_as_none() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let api = instance(&issuer, &TestClock::new(), Broken);
    assert_eq!((status(&api, &issuer, &key), issuer.key_fetches()), (200, 1));
}

/// A store in which everything is the same bytes.
#[derive(Debug)]
struct Fixed(Vec<u8>);

impl CacheStore for Fixed {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>> {
        Box::pin(async { Ok(Some(self.0.clone())) })
    }

    fn set<'a>(
        &'a self,
        _: &'a str,
        _: &'a [u8],
        _: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async { Ok(()) })
    }

    fn add<'a>(
        &'a self,
        _: &'a str,
        _: &'a [u8],
        _: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async { Ok(false) })
    }

    fn remove<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async { Ok(()) })
    }
}

/// A store that is out of reach.
#[derive(Debug)]
struct Broken;

impl CacheStore for Broken {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>> {
        Box::pin(async { Err(StoreUnavailable::new()) })
    }

    fn set<'a>(
        &'a self,
        _: &'a str,
        _: &'a [u8],
        _: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async { Err(StoreUnavailable::new()) })
    }

    fn add<'a>(
        &'a self,
        _: &'a str,
        _: &'a [u8],
        _: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async { Err(StoreUnavailable::new()) })
    }

    fn remove<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async { Err(StoreUnavailable::new()) })
    }
}

#[test]
fn a_store_that_hangs_is_as_good_as_none() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let api = instance(&issuer, &TestClock::new(), Hanging);
    assert_eq!((status(&api, &issuer, &key), issuer.key_fetches()), (200, 1));
}

#[test]
fn a_new_process_knows_how_old_a_document_is() {
    let (old, new) = (key("old"), key("new"));
    let issuer = FakeIssuer::start(&[&old]);
    let keys = serde_json::json!({"keys": [old.jwk()]});
    issuer.answer_keys(Answer::json(&keys).with_header("cache-control", "max-age=86400"));
    let clock = TestClock::new();
    let store = MemoryCache::new().clock(clock.clone());
    let first = instance(&issuer, &clock, store.clone());
    assert_eq!(status(&first, &issuer, &old), 200);
    issuer.publish(&[&new]);
    clock.advance(Duration::from_secs(86_000));
    // Its own clock has just begun to run; the wall clock it shares.
    let late = TestClock::new();
    late.set_wall(jwt_verify_tests::START + 86_000);
    let second = instance(&issuer, &late, store);
    eventually("the withdrawn key is gone", || status(&second, &issuer, &old) == 401);
    assert_eq!(status(&second, &issuer, &new), 200);
}

#[test]
fn a_document_that_claims_to_be_fresh_for_ever_is_not_believed() {
    let (old, new) = (key("old"), key("new"));
    let issuer = FakeIssuer::start(&[&new]);
    let clock = TestClock::new();
    let body = serde_json::json!({"keys": [old.jwk()]}).to_string();
    let document = serde_json::json!({
        "fetched": jwt_verify_tests::START * 1000, "ttl": u64::MAX, "body": body,
    });
    let until = (jwt_verify_tests::START + 24 * 3600) * 1000;
    let entry = format!("jwt-verify-1 {until} -\n{document}");
    let api = instance(&issuer, &clock, Fixed(entry.into_bytes()));
    assert_eq!((status(&api, &issuer, &old), issuer.key_fetches()), (200, 0));
    clock.advance(Duration::from_secs(24 * 3600 * 4 / 5));
    eventually("the keys come from the issuer", || status(&api, &issuer, &old) == 401);
}

/// A store that never answers.
#[derive(Debug)]
struct Hanging;

impl CacheStore for Hanging {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>> {
        Box::pin(std::future::pending())
    }

    fn set<'a>(
        &'a self,
        _: &'a str,
        _: &'a [u8],
        _: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(std::future::pending())
    }

    fn add<'a>(
        &'a self,
        _: &'a str,
        _: &'a [u8],
        _: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(std::future::pending())
    }

    fn remove<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(std::future::pending())
    }
}
