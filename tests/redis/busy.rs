//! Workers that are busy, and a Redis that is slow for a moment: neither is an outage.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    time::Instant,
};

use actix_web::{HttpResponse, web};
use jwt_verify::{
    BoxFuture, IssuerResolver, StoreUnavailable, TrustedIssuer, VerifiedClaims, Verifier,
    revocation::RedisRevocation, store::CacheStore as _,
};

use super::*;

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What is under a name that nothing is under.
async fn look(cache: &RedisCache) -> Result<Option<Vec<u8>>, StoreUnavailable> {
    cache.get("nothing").await
}

/// An application that asks Redis about every token, and whose handlers include one that blocks its
/// worker.
fn asking(bed: &RedisBed, redis: &RedisServer) -> TestServer {
    let clock = bed.clock.clone();
    let cache = RedisCache::builder(redis.url()).timeout(Duration::from_millis(250));
    let store = RedisRevocation::with_clock(cache.build().unwrap(), clock.clone());
    let keys = JwksProvider::builder(bed.issuer.jwks_uri()).clock(clock.clone()).build().unwrap();
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(bed.issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]).keys(keys),
    )
    .clock(clock)
    .revocation(store)
    .build()
    .unwrap();
    let app = move || {
        App::new()
            .app_data(auth.clone())
            .route(
                "/ask",
                web::get().to(async |_: VerifiedClaims| HttpResponse::NoContent().finish()),
            )
            .route(
                "/block",
                web::get().to(async |_: VerifiedClaims| {
                    std::thread::sleep(Duration::from_secs(1));
                    HttpResponse::NoContent().finish()
                }),
            )
    };
    TestServer::start_as(app, |server, listener| server.workers(4).listen(listener))
}

/// WEA-08: a worker that stands still breaks neither the connections that others use nor the trust
/// in the server.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_blocked_worker_is_its_own_affair() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let api = asking(&bed, &redis);
    let token = Token::of(bed.issuer.url()).claim("jti", "one").sign(&known);
    assert_eq!(api.get("/ask").bearer(&token).send().status, 204);
    let done = AtomicBool::new(false);
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let (api, token, done) = (&api, &token, &done);
        let asking: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(move || {
                    let mut answers = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        answers.push(api.get("/ask").bearer(token).send().status);
                    }
                    answers
                })
            })
            .collect();
        let blocked: Vec<u16> =
            (0..3).map(|_| api.get("/block").bearer(token).send().status).collect();
        done.store(true, Ordering::Relaxed);
        let asked = asking.into_iter().flat_map(|one| one.join().unwrap());
        asked.chain(blocked).collect()
    });
    let refused = answers.iter().filter(|status| **status != 204).count();
    assert_eq!(refused, 0, "of {} requests", answers.len());
}

/// WEA-08: an answer that comes too late is one answer.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn one_slow_answer_among_good_ones_keeps_nobody_out() {
    let redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    let cache = RedisCache::builder(redis.url()).build().unwrap();
    // How long the server pauses is not how long the question has to wait: a few tries.
    let was_slow = (0..20).any(|_| {
        wait(look(&cache)).unwrap();
        redis.command(&["CLIENT", "PAUSE", "300"]);
        wait(look(&cache)).is_err()
    });
    assert!(was_slow);
    assert_eq!(wait(look(&cache)), Ok(None));
}

/// WEA-08: while the server is down, questions cost nothing; it is noticed within seconds that it is
/// back.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_server_that_is_down_is_left_alone_for_a_second() {
    let mut redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    let cache = RedisCache::builder(redis.url()).build().unwrap();
    assert_eq!(wait(look(&cache)), Ok(None));
    redis.freeze();
    // As many at once as will: they share the few attempts.
    let start = Instant::now();
    wait(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let cache = cache.clone();
            tasks.spawn(async move { look(&cache).await });
        }
        assert!(tasks.join_all().await.iter().all(Result::is_err));
    });
    let asked = Instant::now();
    assert!(asked - start < Duration::from_secs(3), "{:?}", asked - start);
    for _ in 0..1000 {
        assert!(wait(look(&cache)).is_err());
    }
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    redis.thaw();
    eventually("it is asked again", || wait(look(&cache)).is_ok());
    redis.kill();
    eventually("it is gone", || wait(look(&cache)).is_err());
}

/// WEA-08: of what nothing answers, no more waits than there are places.
#[test]
fn questions_that_wait_are_bounded() {
    let _bed = RedisBed::new(&[]);
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let cache = RedisCache::builder(url).build().unwrap();
    let at_once = wait(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4196 {
            let cache = cache.clone();
            tasks.spawn(async move {
                let mut question = pin!(look(&cache));
                let first = question.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                match first {
                    Poll::Ready(answer) => (answer, true),
                    Poll::Pending => (question.await, false),
                }
            });
        }
        let answers = tasks.join_all().await;
        assert!(answers.iter().all(|(answer, _)| answer.is_err()));
        answers.iter().filter(|(_, at_once)| *at_once).count()
    });
    assert_eq!(at_once, 100);
}

/// WEA-08: a question whose asker is gone leaves nothing behind that the next would wait for.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_question_that_is_dropped_holds_nobody_up() {
    let mut redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    let cache = RedisCache::builder(redis.url()).build().unwrap();
    assert_eq!(wait(look(&cache)), Ok(None));
    redis.kill();
    for _ in 0..20 {
        assert!(wait(look(&cache)).is_err());
    }
    redis.run();
    std::thread::sleep(Duration::from_millis(1100));
    // The one that may try.
    let given_up = wait(async {
        let mut question = pin!(look(&cache));
        question.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    });
    assert!(
        given_up || matches!(wait(async { Poll::Ready(look(&cache).await) }), Poll::Ready(Ok(_)))
    );
    let start = Instant::now();
    eventually("the next is answered", || wait(look(&cache)).is_ok());
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
}

/// WEA-15: what strangers can cause fills no log.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn refusals_are_not_logged_one_by_one() {
    let redis = RedisServer::with(&["--maxmemory", "1kb", "--maxmemory-policy", "noeviction"]);
    let _bed = RedisBed::new(&[]);
    let cache = RedisCache::builder(redis.url()).build().unwrap();
    let lines = || logged().matches("Redis refuses a command").count();
    let before = lines();
    for number in 0..200 {
        let name = format!("name-{number}");
        assert!(wait(cache.set(&name, b"value", Duration::from_secs(60))).is_err());
    }
    let written = lines() - before;
    assert!((1..=10).contains(&written), "{written}");
}

struct Unreachable;

impl IssuerResolver for Unreachable {
    fn resolve<'a>(
        &'a self,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<TrustedIssuer>, StoreUnavailable>> {
        Box::pin(std::future::ready(Err(StoreUnavailable::new())))
    }
}

/// WEA-15: nor is a resolver that fails, whatever issuers tokens name.
#[test]
fn failures_of_a_resolver_are_not_logged_one_by_one() {
    let bed = RedisBed::new(&[]);
    let clock = bed.clock.clone();
    let verifier = Verifier::with_resolver(Unreachable).clock(clock).build().unwrap();
    let lines = || logged().matches("the issuer resolver is out of reach").count();
    let (before, known) = (lines(), key("k"));
    let ask = |number: usize| {
        let token = Token::of(&format!("https://{number}.example")).sign(&known);
        let refused = wait(verifier.verify(token)).unwrap_err();
        assert_eq!(refused.reason(), "temporarily_unavailable");
    };
    (0..100).for_each(ask);
    assert_eq!(lines() - before, 1);
    bed.advance(10);
    ask(100);
    assert_eq!(lines() - before, 2);
    assert!(logged().contains("99"));
}
