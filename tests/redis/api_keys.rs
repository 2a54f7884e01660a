//! The same suites for every store of API keys.

use std::{future::Future, path::PathBuf, time::Duration};

use jwt_verify::{
    Clock as _, SystemClock,
    api_keys::{
        ApiKeyHash, ApiKeyRecord, ApiKeyStore as _, FileApiKeys, ManageApiKeys, MemoryApiKeys,
        RedisApiKeys,
    },
    testing,
};

use super::*;

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Replaces the content of a store.
async fn replace(
    store: &impl ManageApiKeys,
    before: &mut Vec<ApiKeyRecord>,
    now: Vec<ApiKeyRecord>,
) {
    for record in std::mem::replace(before, now.clone()) {
        store.revoke(record.hash()).await.unwrap();
    }
    for record in now {
        assert!(store.insert(&record).await.unwrap());
    }
}

fn hold(store: &(impl ManageApiKeys + Clone)) {
    run(testing::managed_api_key_store(store.clone()));
    let mut before = Vec::new();
    run(testing::api_key_store(store.clone(), async |records| {
        replace(store, &mut before, records).await;
    }));
}

#[test]
fn the_memory_of_the_process_keeps_its_promises() {
    hold(&MemoryApiKeys::new());
}

#[test]
fn a_file_keeps_them() {
    let name = format!("jwt-verify-acceptance-{}.json", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(name);
    std::fs::write(&path, "[]").unwrap();
    let store = FileApiKeys::open(&path).unwrap();
    run(testing::api_key_store(store.clone(), async |records: Vec<ApiKeyRecord>| {
        let before = store.generation();
        let records: Vec<String> = records.iter().map(ApiKeyRecord::to_json).collect();
        std::fs::write(&path, format!("[{}]", records.join(","))).unwrap();
        for _ in 0..1000 {
            if store.generation() != before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the file was not read again");
    }));
    std::fs::remove_file(&path).unwrap();
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn redis_keeps_them() {
    let redis = RedisServer::start();
    hold(&RedisApiKeys::new(RedisCache::builder(redis.url()).build().unwrap()));
}

/// Instances share keys and rotations, an expired key is kept for a day, and the server has no key.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn instances_share_keys() {
    let redis = RedisServer::start();
    let store = || RedisApiKeys::new(RedisCache::builder(redis.url()).build().unwrap());
    let (here, there) = (store(), store());
    let hash = |byte: u8| ApiKeyHash::from_bytes([byte; 32]);
    let now = SystemClock::new().now();
    let until = Duration::from_secs(now.as_secs() + 60);
    let old = ApiKeyRecord::builder(hash(1), "ada").build().unwrap();
    let new = old.successor(hash(2)).build().unwrap();
    run(async {
        assert!(here.insert(&old).await.unwrap());
        assert!(there.rotate(hash(1), &new, until).await.unwrap());
        let found = here.find(hash(1)).await.unwrap().unwrap();
        assert_eq!(found.expires_at(), Some(until));
        assert_eq!(here.list("ada").await.unwrap().len(), 2);
        let gone =
            old.successor(hash(3)).expires_at(now.saturating_sub(Duration::from_secs(24 * 3600)));
        assert!(here.insert(&gone.build().unwrap()).await.unwrap());
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(here.list("ada").await.unwrap().len(), 2, "what has expired long ago is gone");
        assert!(there.revoke(hash(2)).await.unwrap());
        assert_eq!(here.find(hash(2)).await.unwrap(), None);
    });
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_server_that_is_gone_is_an_error() {
    let redis = RedisServer::start();
    let store = RedisApiKeys::new(RedisCache::builder(redis.url()).build().unwrap());
    drop(redis);
    let hash = ApiKeyHash::from_bytes([1; 32]);
    run(async {
        assert!(store.find(hash).await.is_err());
        assert!(store.revoke(hash).await.is_err());
        assert!(store.list("ada").await.is_err());
    });
}
