//! Instances that share real Redis servers, and everything that can happen to those.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails should say where"
)]

mod acceptance;
mod api_keys;
mod busy;
mod copies;
mod entries;
mod faults;
mod introspection;
mod outages;
mod proofs;
mod security_events;
mod streams;
mod topologies;

use std::{
    io::Write,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use actix_web::App;
use example_resource_server as resource_server;
use jwt_verify::{
    Algorithm, JwksProvider, JwtAuth, TrustedIssuer,
    store::{RedisCache, RedisCacheBuilder},
};
use jwt_verify_tests::{
    AUDIENCE, Answer, FakeIssuer, Process, RedisServer, START, SigningKey, TestClock, TestServer,
    Token, eventually,
};

const SECRET: &str = "a secret of the instances, of enough bytes";

fn key(id: &str) -> SigningKey {
    SigningKey::new(Algorithm::ES256, id)
}

/// An issuer whose keys the test decides, and the clock of all instances.
struct RedisBed {
    issuer: FakeIssuer,
    clock: TestClock,
    /// One test at a time: a Redis that has to wait for the processor is a slow Redis, and that is
    /// not what most of them are about.
    _turn: MutexGuard<'static, ()>,
}

impl RedisBed {
    fn new(keys: &[&SigningKey]) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        log();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { issuer: FakeIssuer::start(keys), clock: TestClock::new(), _turn: turn }
    }

    /// One more instance of the application.
    fn instance(&self, cache: RedisCacheBuilder) -> TestServer {
        let provider = JwksProvider::builder(self.issuer.jwks_uri())
            .clock(self.clock.clone())
            .cache(cache.build().unwrap())
            .cache_integrity_key(SECRET);
        let clock = self.clock.clone();
        let auth = JwtAuth::for_issuer(
            TrustedIssuer::new(self.issuer.url(), AUDIENCE)
                .algorithms([Algorithm::ES256])
                .keys(provider.build().unwrap()),
        )
        .clock(clock)
        .token_cache_capacity(0)
        .build()
        .unwrap();
        TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
    }

    fn token(&self, key: &SigningKey) -> String {
        Token::of(self.issuer.url()).claim("exp", START + 1_000_000).sign(key)
    }

    fn status(&self, api: &TestServer, key: &SigningKey) -> u16 {
        api.get("/protected").bearer(self.token(key)).send().status
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// Waits until an instance has left its key set for the others.
fn shared(redis: &RedisServer) {
    eventually("the key set is in Redis", || redis.names("*:keys:*").len() == 1);
}

/// Everything that the library and what it takes to Redis log in this process, at every level.
fn log() -> &'static Mutex<Vec<u8>> {
    struct Writer;

    impl Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            LOG.get().unwrap().lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    LOG.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_env_filter("jwt_verify=trace,redis=trace,deadpool=trace,rustls=trace")
            .with_writer(|| Writer)
            .init();
        Mutex::default()
    })
}

fn logged() -> String {
    String::from_utf8_lossy(&log().lock().unwrap()).into_owned()
}
