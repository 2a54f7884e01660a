//! A Redis that is slow, dead, full, or says no. Nobody who has a good token notices.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

/// RED-01: it need not be there when the application starts.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn down_at_the_start() {
    let mut redis = RedisServer::planned(&[]);
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let api = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!((bed.status(&api, &known), bed.issuer.key_fetches()), (200, 1));
    redis.run();
    std::thread::sleep(Duration::from_millis(1100));
    bed.advance(500);
    assert_eq!(bed.status(&api, &known), 200);
    shared(&redis);
    assert_eq!(bed.issuer.key_fetches(), 2);
}

/// RED-03: killed under load, and back after a while.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn killed_under_load() {
    let mut redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let fleet: Vec<_> = (0..2).map(|_| bed.instance(RedisCache::builder(redis.url()))).collect();
    for api in &fleet {
        assert_eq!(bed.status(api, &known), 200);
    }
    let (done, failed, served) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for api in fleet.iter().chain(&fleet) {
            let (bed, known, done, failed, served) = (&bed, &known, &done, &failed, &served);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    if bed.status(api, known) != 200 {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Whatever happens here, they come to an end.
        let _end = Finally(&done);
        let more = |number: usize| {
            let before = served.load(Ordering::Relaxed);
            eventually("requests", || served.load(Ordering::Relaxed) > before + number);
        };
        more(50);
        let before = bed.issuer.key_fetches();
        redis.kill();
        more(50);
        // Refreshes while it is away, and the time in which they are due.
        bed.advance(500);
        more(50);
        // Each for itself now.
        eventually("both refresh", || bed.issuer.key_fetches() >= before + 2);
        more(50);
        assert_eq!(bed.issuer.key_fetches(), before + 2);
        redis.run();
        std::thread::sleep(Duration::from_millis(1100));
        bed.advance(500);
        more(50);
        assert!(bed.issuer.key_fetches() <= before + 4);
    });
    assert_eq!(failed.load(Ordering::Relaxed), 0);
    shared(&redis);
}

struct Finally<'a>(&'a AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// RED-04: it accepts connections and never answers.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn stopped() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let warm = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!(bed.status(&warm, &known), 200);
    shared(&redis);
    redis.freeze();
    let cold = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!((bed.status(&cold, &known), bed.issuer.key_fetches()), (200, 2));
    bed.advance(500);
    assert_eq!((bed.status(&warm, &known), bed.status(&cold, &known)), (200, 200));
    eventually("both refresh", || bed.issuer.key_fetches() == 4);
    redis.thaw();
}

/// RED-05: it answers, and what it says is no.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn refusals() {
    const PASSWORD: &str = "correct-horse-battery-staple";
    let known = key("k");
    let master = RedisServer::start();
    let port = master.port().to_string();
    let cases: [(&str, Vec<&str>, &str); 5] = [
        ("no password", vec!["--requirepass", PASSWORD], ""),
        ("a wrong password", vec!["--requirepass", "another"], PASSWORD),
        ("full", vec!["--maxmemory", "1kb", "--maxmemory-policy", "noeviction"], ""),
        ("a replica", vec!["--replicaof", "127.0.0.1", &port], ""),
        ("not allowed", vec!["--user", "default", "on", "nopass", "~*", "-@all", "+ping"], ""),
    ];
    for (what, arguments, password) in cases {
        let redis = RedisServer::with(&arguments);
        let bed = RedisBed::new(&[&known]);
        let url = format!("redis://:{password}@127.0.0.1:{}", redis.port());
        let url = if password.is_empty() { redis.url() } else { url };
        let first = bed.instance(RedisCache::builder(&url));
        let second = bed.instance(RedisCache::builder(&url));
        assert_eq!(bed.status(&first, &known), 200, "{what}");
        assert_eq!(bed.status(&second, &known), 200, "{what}");
        assert_eq!(bed.issuer.key_fetches(), 2, "{what}");
        assert_eq!(bed.status(&first, &key("stranger")), 401, "{what}");
    }
    assert!(!logged().contains(PASSWORD));
}

/// A server that was full serves again as soon as there is room.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn full_and_free_again() {
    let redis = RedisServer::with(&["--maxmemory", "1kb", "--maxmemory-policy", "noeviction"]);
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let api = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!(bed.status(&api, &known), 200);
    assert!(redis.names("*").is_empty());
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    bed.advance(500);
    assert_eq!(bed.status(&api, &known), 200);
    shared(&redis);
}
