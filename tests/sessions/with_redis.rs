//! The same on a real Redis, and instances that share it.

use std::time::Duration;

use jwt_verify::{RedisCache, RedisRefreshStore, RedisRevocation};
use jwt_verify_examples::session_app::Settings;
use jwt_verify_tests::{ManualClock, RedisServer, eventually};

use crate::{
    app::{Demo, Tokens},
    refreshing::{TESTS, World},
};

fn cache(redis: &RedisServer) -> RedisCache {
    let builder = RedisCache::new(redis.url()).timeout(Duration::from_millis(250));
    builder.connections(16).build().unwrap()
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn sessions_behave_as_in_memory() {
    let redis = RedisServer::start();
    for (name, test) in TESTS {
        eprintln!("{name}");
        redis.command(&["FLUSHALL"]);
        let clock = ManualClock::new();
        let store = RedisRefreshStore::with_clock(cache(&redis), clock.clone());
        let revocation = RedisRevocation::with_clock(cache(&redis), clock.clone());
        test(&World::new(clock, store, revocation));
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
            "set" => redis.command(&["SMEMBERS", name]),
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
