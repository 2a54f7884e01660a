//! The suites that stores of one's own are held against, on ours.

use jwt_verify::{
    revocation::{MemoryRevocation, RedisRevocation, RevocationReplica, RevocationStore as _},
    sessions::{MemoryRefreshStore, RedisRefreshStore},
    store::RedisCache,
    testing,
};
use jwt_verify_tests::RedisServer;

use crate::wait;

#[test]
fn those_in_memory_keep_their_promises() {
    wait(testing::refresh_store(MemoryRefreshStore::new()));
    wait(testing::revocation_store(MemoryRevocation::new(), tokio::time::sleep));
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn those_on_redis_keep_them() {
    let redis = RedisServer::start();
    let cache = RedisCache::new(redis.url()).connections(16).build().unwrap();
    wait(testing::refresh_store(RedisRefreshStore::new(cache.clone())));
    let store = RedisRevocation::new(cache);
    wait(testing::revocation_store(store.clone(), tokio::time::sleep));
    let replica = RevocationReplica::start(store).unwrap();
    wait(replica.wait_until_ready()).unwrap();
    wait(testing::revocation_store(replica, tokio::time::sleep));
}
