//! Streams that end because another instance has revoked something. STR-14.

use std::time::Instant;

use actix_web::{FromRequest as _, test::TestRequest};
use jwt_verify::{
    Clock as _, SystemClock,
    revocation::{RedisRevocation, Revocation, RevocationReplica, RevocationStore},
    streams::{EndOfAccess, StreamGuard},
    testing::TestIssuer,
};

use super::*;

fn store(redis: &RedisServer) -> RedisRevocation {
    let redis = RedisCache::builder(redis.url()).timeout(Duration::from_millis(250));
    RedisRevocation::new(redis.build().unwrap())
}

async fn open(issuer: &TestIssuer, auth: &JwtAuth, session: &str) -> StreamGuard {
    let token = issuer.token().subject("ada").claim("sid", session).sign();
    let request = TestRequest::default()
        .app_data(auth.clone())
        .insert_header(("Authorization", format!("Bearer {token}")));
    StreamGuard::extract(&request.to_http_request()).await.unwrap()
}

/// Revokes a session by another instance, and returns after how long its stream has ended.
async fn time_to_end(redis: &mut RedisServer, revocation: impl RevocationStore) -> Duration {
    let issuer = TestIssuer::signing_with(Algorithm::ES256);
    let auth = issuer.auth().revocation(revocation).build().unwrap();
    auth.wait_until_ready().await.unwrap();
    let gone = open(&issuer, &auth, "gone").await;
    let kept = open(&issuer, &auth, "kept").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let until = SystemClock::new().now() + Duration::from_secs(3600);
    let start = Instant::now();
    store(redis).revoke(&Revocation::session(issuer.url(), "gone"), until).await.unwrap();
    assert_eq!(gone.ended().await, EndOfAccess::Revoked);
    let time = start.elapsed();
    assert_eq!(kept.end(), None);
    // While it cannot be told, a stream is not better than a request.
    redis.kill();
    let start = Instant::now();
    assert_eq!(kept.ended().await, EndOfAccess::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    time
}

/// STR-14: within the bound of the replica, and with the server alone within its own.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn another_instance_ends_streams() {
    let runtime = actix_web::rt::System::new();
    runtime.block_on(async {
        let mut redis = RedisServer::start();
        let replica = RevocationReplica::builder(store(&redis)).spawn().unwrap();
        let time = time_to_end(&mut redis, replica).await;
        assert!(time < Duration::from_secs(3), "{time:?}");
        let mut redis = RedisServer::start();
        let alone = store(&redis);
        let time = time_to_end(&mut redis, alone).await;
        assert!(time < Duration::from_secs(4), "{time:?}");
    });
}
