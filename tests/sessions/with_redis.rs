//! The same on a real Redis, and instances that share it.

use std::time::{Duration, Instant};

use example_session_app::Settings;
use jwt_verify::{
    Algorithm, Clock as _, SystemClock,
    issuing::IssuedToken,
    revocation::{RedisRevocation, Revocation, RevocationReplica, RevocationStore as _},
    sessions::RedisRefreshStore,
    store::RedisCache,
};
use jwt_verify_tests::{RedisServer, TestClock, eventually};

use crate::{
    app::{Demo, Tokens},
    ending, refreshing,
    session_bed::SessionBed,
    wait,
};

fn cache(redis: &RedisServer) -> RedisCache {
    let builder = RedisCache::builder(redis.url()).timeout(Duration::from_millis(250));
    builder.connections(16).build().unwrap()
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn sessions_behave_as_in_memory() {
    let redis = RedisServer::start();
    for (name, test) in refreshing::TESTS {
        eprintln!("{name}");
        redis.command(&["FLUSHALL"]);
        let clock = TestClock::new();
        let store = RedisRefreshStore::with_clock(cache(&redis), clock.clone());
        let revocation = RedisRevocation::with_clock(cache(&redis), clock.clone());
        test(&SessionBed::new(clock, store, revocation));
    }
}

/// WEA-04, WEA-12.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn sessions_end_as_in_memory() {
    let redis = RedisServer::start();
    for (name, test) in ending::TESTS {
        eprintln!("{name}");
        redis.command(&["FLUSHALL"]);
        let clock = TestClock::new();
        let store = RedisRefreshStore::with_clock(cache(&redis), clock.clone());
        let revocation = RedisRevocation::with_clock(cache(&redis), clock.clone());
        test(&ending::WatchedSessions::new(clock, store, revocation));
    }
}

fn shared(redis: &RedisServer, folder: &std::path::Path) -> Settings {
    Settings {
        database_url: format!("sqlite://{}?mode=rwc", folder.join("users.db").display()),
        redis_url: Some(redis.url()),
        secret: Some("a secret of at least thirty-two bytes".into()),
        ..Settings::default()
    }
}

/// RED-12: two instances of the example.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_logout_at_one_instance_holds_at_the_other_with_the_next_request() {
    let redis = RedisServer::start();
    let settings = shared(&redis, redis.folder());
    let (one, other) = (Demo::with(settings.clone()), Demo::with(settings));
    one.signup("alice");
    let tokens = one.login("alice");
    assert_eq!(other.get("/me", &tokens.access).status, 200);
    let renewed = Tokens::of(&other.refresh(&tokens));
    assert_eq!(one.bearer("/auth/logout", &renewed.access).status, 204);
    for instance in [&one, &other] {
        assert_eq!(instance.get("/me", &tokens.access).status, 401);
        assert_eq!(instance.get("/me", &renewed.access).status, 401);
        assert_eq!(instance.refresh(&renewed).status, 400);
    }
}

/// RED-02, REV-10 and RED-03 of the revocation store.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn without_redis_nobody_is_let_in_and_nobody_is_thrown_out() {
    let mut redis = RedisServer::planned(&[]);
    let demo = Demo::with(shared(&redis, redis.folder()));
    demo.signup("alice");
    let refused = demo.try_login("alice", crate::app::PASSWORD);
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    redis.run();
    eventually("logins work", || demo.try_login("alice", crate::app::PASSWORD).status == 200);
    let tokens = demo.login("alice");
    assert_eq!(demo.get("/me", &tokens.access).status, 200);
    redis.kill();
    let unknown = demo.get("/me", &tokens.access);
    assert_eq!(unknown.status, 503);
    assert_eq!(unknown.challenge(), None);
    assert_eq!(demo.refresh(&tokens).status, 503);
    redis.run();
    eventually("requests work again", || demo.get("/me", &tokens.access).status == 200);
}

/// RFT-08: what Redis holds is worth nothing to whoever reads it.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn redis_holds_hashes() {
    let redis = RedisServer::start();
    let demo = Demo::with(shared(&redis, redis.folder()));
    demo.signup("alice");
    let first = demo.login("alice");
    let tokens = Tokens::of(&demo.refresh(&first));
    let names = redis.names("*");
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("session-app:")));
    let everything: String = names
        .iter()
        .map(|name| match redis.command(&["TYPE", name]).as_str() {
            "hash" => redis.command(&["HGETALL", name]),
            "zset" => redis.command(&["ZRANGE", name, "0", "-1"]),
            _ => redis.command(&["GET", name]),
        })
        .collect();
    for token in [&first.refresh, &tokens.refresh, &tokens.access] {
        for segment in token.split('.') {
            assert!(!everything.contains(segment));
        }
    }
    for name in &names {
        assert_ne!(redis.command(&["PTTL", name]), "-1", "{name} would stay for ever");
    }
}

/// Within the bound that a copy in memory keeps; and nobody is let in while it cannot be kept.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_copy_follows_within_its_bound_or_says_that_it_cannot() {
    let mut redis = RedisServer::start();
    let issuer = crate::builder(Algorithm::ES256).build().unwrap();
    let store = RedisRevocation::new(cache(&redis));
    let marked = issuer.access_token(&1).session("before").sign().unwrap();
    let until = SystemClock::new().now() + Duration::from_secs(600);
    wait(store.revoke(&Revocation::session(crate::ISSUER, "before"), until)).unwrap();

    let bound = Duration::from_secs(1);
    let replica = RevocationReplica::builder(RedisRevocation::new(cache(&redis)));
    let replica = replica.max_staleness(bound).spawn().unwrap();
    let verifier = issuer.verifier().revocation(replica.clone()).build().unwrap();
    let verify = |token: &IssuedToken| match wait(verifier.verify(token.as_str())) {
        Ok(_) => "good",
        Err(error) => error.reason(),
    };
    eventually("the first copy is there", || verify(&marked) != "temporarily_unavailable");
    assert_eq!(verify(&marked), "revoked", "what was revoked before is in it");
    let (one, other) =
        (issuer.access_token(&1).sign().unwrap(), issuer.access_token(&1).sign().unwrap());
    assert_eq!((verify(&one), verify(&other)), ("good", "good"));

    let start = Instant::now();
    wait(store.revoke(&Revocation::token(crate::ISSUER, one.id()), until)).unwrap();
    eventually("what another instance revokes is refused", || verify(&one) == "revoked");
    assert!(start.elapsed() < bound, "within the bound");
    wait(replica.revoke(&Revocation::token(crate::ISSUER, other.id()), until)).unwrap();
    assert_eq!(verify(&other), "revoked", "one's own at once");

    let third = issuer.access_token(&1).sign().unwrap();
    assert_eq!(verify(&third), "good");
    redis.freeze();
    eventually("nobody knows any more", || verify(&third) == "temporarily_unavailable");
    assert_eq!(verify(&one), "revoked", "what is known stays known");
    redis.thaw();
    eventually("it is known again", || verify(&third) == "good");
    redis.kill();
    eventually("nobody knows any more", || verify(&third) == "temporarily_unavailable");
    redis.run();
    eventually("it is known again", || verify(&third) == "good");
    assert_eq!(verify(&one), "revoked", "although the server has lost it");
}

#[test]
fn a_bound_that_cannot_be_kept_stops_the_start() {
    let store =
        || RedisRevocation::new(RedisCache::builder("redis://127.0.0.1:1").build().unwrap());
    for millis in [0, 199, 60_001] {
        let bound = Duration::from_millis(millis);
        let replica = RevocationReplica::builder(store()).max_staleness(bound);
        assert!(replica.spawn().is_err(), "{millis}");
    }
}
