//! The same suite for every store.

use jwt_verify::{
    store::{CacheStore, MemoryCache},
    testing,
};

use super::*;

fn hold(store: impl CacheStore) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(testing::cache_store(store, tokio::time::sleep));
}

#[test]
fn the_memory_of_the_process_keeps_its_promises() {
    hold(MemoryCache::new());
    let clock = TestClock::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(testing::cache_store(MemoryCache::new().clock(clock.clone()), |time| {
        clock.advance(time);
        std::future::ready(())
    }));
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn redis_keeps_them() {
    let redis = RedisServer::start();
    hold(RedisCache::builder(redis.url()).build().unwrap());
}

/// A store survives the runtime on which it was used first.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn redis_keeps_them_on_one_runtime_after_another() {
    let redis = RedisServer::start();
    let cache = RedisCache::builder(redis.url()).build().unwrap();
    for _ in 0..3 {
        hold(cache.clone());
    }
}

/// RED-13: applications with different prefixes do not meet.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn namespaces_are_kept_apart() {
    let redis = RedisServer::start();
    let bed = RedisBed::new(&[&key("k")]);
    let (first, second) = (key("k"), key("k"));
    bed.issuer.publish(&[&first]);
    let api = bed.instance(RedisCache::builder(redis.url()).namespace("a"));
    assert_eq!(bed.status(&api, &first), 200);
    shared(&redis);
    bed.issuer.publish(&[&second]);
    let other = bed.instance(RedisCache::builder(redis.url()).namespace("b"));
    assert_eq!((bed.status(&other, &second), bed.status(&other, &first)), (200, 401));
    assert!(
        redis
            .names("*")
            .iter()
            .all(|name| { name.starts_with("a:1:") || name.starts_with("b:1:") })
    );
}
