//! Copies of what is revoked: how they are read, what keeps them from being read, and who learns of
//! it.

use std::time::Instant;

use actix_web::web;
use jwt_verify::{
    Claims, Clock as _, Lookup, SystemClock, TrustedIssuer,
    revocation::{
        RedisRevocation, Revocation, RevocationKeys, RevocationReplica, RevocationStore as _,
    },
    store::CacheStore as _,
};

use super::*;

const ISSUER: &str = "urn:issuer";

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn cache(redis: &RedisServer) -> RedisCache {
    RedisCache::builder(redis.url()).timeout(Duration::from_millis(250)).build().unwrap()
}

fn replica(redis: &RedisServer) -> RevocationReplica {
    RevocationReplica::builder(RedisRevocation::new(cache(redis))).spawn().unwrap()
}

fn session(name: &str) -> Revocation {
    Revocation::session(ISSUER, name)
}

/// What is said of a token of a session; `None` if that is not known.
fn says(replica: &RevocationReplica, session: &str) -> Option<bool> {
    says_of(replica, &format!(r#""sid":"{session}""#))
}

/// What is said of a token with these claims.
fn says_of(replica: &RevocationReplica, claims: &str) -> Option<bool> {
    let claims = format!(r#"{{"iss":"{ISSUER}","jti":"x",{claims}}}"#);
    let claims: Claims = serde_json::from_str(&claims).unwrap();
    match replica.check(&RevocationKeys::of(&claims)) {
        Lookup::Ready(answer) => answer.ok(),
        Lookup::Pending(_) => unreachable!("a copy answers at once"),
    }
}

fn fresh(replica: &RevocationReplica) {
    eventually("there is a fresh copy", || says(replica, "nothing").is_some());
}

fn in_an_hour() -> Duration {
    SystemClock::new().now() + Duration::from_secs(3600)
}

/// Revokes so many sessions, as fast as it can, each until another moment.
fn revoke_many(redis: &RedisServer, names: impl Iterator<Item = String>) {
    let store = RedisRevocation::new(cache(redis));
    let names: Vec<(usize, String)> = names.enumerate().collect();
    wait(async {
        let mut tasks = tokio::task::JoinSet::new();
        for names in names.chunks(names.len().div_ceil(16)) {
            let (store, names) = (store.clone(), names.to_vec());
            tasks.spawn(async move {
                for (number, name) in names {
                    let until = in_an_hour() + Duration::from_secs(number as u64);
                    while store.revoke(&session(&name), until).await.is_err() {
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
        tasks.join_all().await;
    });
}

/// What the server has sent since its counters were reset.
fn sent(redis: &RedisServer) -> usize {
    let stats = redis.command(&["INFO", "stats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    line.unwrap().trim().parse().unwrap()
}

/// WEA-01: however much is revoked, no answer is larger than a page. The server hangs up where one
/// is.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_copy_is_read_in_pages() {
    let redis = RedisServer::with(&["--client-output-buffer-limit", "normal", "256kb", "0", "0"]);
    let _bed = RedisBed::new(&[]);
    revoke_many(&redis, (0..8000).map(|number| format!("session-{number}")));
    let replica = replica(&redis);
    fresh(&replica);
    for number in (0..8000).step_by(97) {
        assert_eq!(says(&replica, &format!("session-{number}")), Some(true), "{number}");
    }
    assert_eq!(says(&replica, "another"), Some(false));
}

/// WEA-01: a question that fails is asked again from where the last one ended.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn what_was_read_is_not_read_again_after_a_failure() {
    let redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    revoke_many(&redis, (0..3000).map(|number| format!("session-{number}")));
    let replica = replica(&redis);
    fresh(&replica);
    redis.command(&["CONFIG", "RESETSTAT"]);
    redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    revoke_many(&redis, std::iter::once("later".to_owned()));
    eventually("it goes on", || says(&replica, "later") == Some(true));
    redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    revoke_many(&redis, std::iter::once("latest".to_owned()));
    eventually("it goes on", || says(&replica, "latest") == Some(true));
    let sent = sent(&redis);
    assert!(sent < 60_000, "{sent} bytes");
}

/// WEA-01: revoked a thousand times is revoked once.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn repetitions_are_one_entry() {
    let redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    revoke_many(&redis, (0..2000).map(|_| "the same".to_owned()));
    redis.command(&["CONFIG", "RESETSTAT"]);
    let replica = replica(&redis);
    eventually("it is copied", || says(&replica, "the same") == Some(true));
    let sent = sent(&redis);
    assert!(sent < 30_000, "{sent} bytes");
    assert_eq!(replica.len(), 1);
}

/// WEA-01: what has been copied and is revoked again, up to a later moment, is copied again.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_later_moment_of_what_is_known_is_copied_too() {
    let redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    let (store, replica) = (RedisRevocation::new(cache(&redis)), replica(&redis));
    let revoke = |moment: u64| {
        let what = Revocation::subject(ISSUER, "alice", Duration::from_secs(moment));
        wait(store.revoke(&what, in_an_hour())).unwrap();
    };
    let is_revoked = |issued_at: u64| {
        says_of(&replica, &format!(r#""sub":"alice","iat":{issued_at}"#)) == Some(true)
    };
    revoke(100);
    eventually("the first is copied", || is_revoked(100));
    assert!(!is_revoked(150));
    // The one that is earlier takes nothing back.
    revoke(200);
    revoke(50);
    revoke_many(&redis, std::iter::once("last".to_owned()));
    eventually("all are copied", || says(&replica, "last") == Some(true));
    assert!(is_revoked(200) && !is_revoked(201));
}

/// WEA-01: what is revoked while everything is read is in the copy that says it is fresh.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn nothing_that_comes_in_between_is_missed() {
    let redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    revoke_many(&redis, (0..6000).map(|number| format!("before-{number}")));
    std::thread::scope(|scope| {
        let redis = &redis;
        let writing = scope.spawn(move || {
            // Old ones again as well: they change their place while others are read.
            let names = (0..1500).flat_map(|n| [format!("before-{n}"), format!("during-{n}")]);
            revoke_many(redis, names);
        });
        let copies: Vec<RevocationReplica> = (0..4).map(|_| replica(redis)).collect();
        copies.iter().for_each(fresh);
        writing.join().unwrap();
        // Whatever is confirmed from now on was asked after the last of them.
        for copy in &copies {
            eventually("the last is copied", || says(copy, "during-1499") == Some(true));
            eventually("all are copied", || copy.len() == 7500);
            for number in 0..1500 {
                assert_eq!(says(copy, &format!("before-{number}")), Some(true));
                assert_eq!(says(copy, &format!("during-{number}")), Some(true));
            }
        }
    });
}

/// WEA-01: a server that has lost the end of what it had, as after a failover, and whose clock is
/// behind, does not hide what is revoked there next.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_server_that_has_lost_something_is_read_anew() {
    let mut redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    revoke_many(&redis, (0..10).map(|number| format!("kept-{number}")));
    assert_eq!(redis.command(&["SAVE"]), "OK");
    // From here on positions are those of a clock that is an hour ahead.
    for name in redis.names("*{revocations}:steps") {
        let ahead = in_an_hour().as_micros().to_string();
        redis.command(&["ZADD", &name, &ahead, &ahead]);
    }
    revoke_many(&redis, (0..10).map(|number| format!("lost-{number}")));
    let replica = replica(&redis);
    fresh(&replica);
    assert_eq!(says(&replica, "lost-9"), Some(true));
    redis.kill();
    redis.run();
    revoke_many(&redis, std::iter::once("next".to_owned()));
    eventually("it is in the copy", || says(&replica, "next") == Some(true));
    assert_eq!(says(&replica, "lost-9"), Some(true), "although the server has lost it");
}

/// WEA-01: what a copy meets says nothing about the server to others that ask there.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_copy_that_fails_keeps_no_other_from_asking() {
    let mut redis = RedisServer::planned(&[]);
    let _bed = RedisBed::new(&[]);
    let cache = cache(&redis);
    let _replica = RevocationReplica::builder(RedisRevocation::new(cache.clone())).spawn().unwrap();
    for _ in 0..4 {
        // It knocks several times, in vain.
        std::thread::sleep(Duration::from_millis(1700));
        redis.run();
        assert_eq!(wait(cache.get("nothing")), Ok(None));
        redis.kill();
    }
}

/// WEA-01: an instance that cannot answer is not sent any requests.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn an_instance_without_a_fresh_copy_is_not_ready() {
    let mut redis = RedisServer::planned(&[]);
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let replica = replica(&redis);
    let (clock, store) = (bed.clock.clone(), replica.clone());
    let keys = JwksProvider::builder(bed.issuer.jwks_uri()).clock(clock.clone()).build().unwrap();
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(bed.issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]).keys(keys),
    )
    .clock(clock)
    .revocation(store)
    .build()
    .unwrap();
    assert_eq!(wait(auth.wait_until_ready()).unwrap_err().code(), "temporarily_unavailable");
    assert_eq!((replica.is_fresh(), replica.age()), (false, None));
    let shown = auth.clone();
    let api = TestServer::start(move || {
        App::new()
            .service(shown.health_routes())
            .service(web::scope("/api").wrap(shown.clone()).route("", web::get().to(async || "")))
    });
    let ready = || api.get("/health/ready").send();
    let token = Token::of(bed.issuer.url()).claim("jti", "one").sign(&known);
    let status = || api.get("/api").bearer(&token).send().status;
    eventually("there are keys", || auth.health().iter().all(|(_, keys)| keys.ready));
    let cold = ready();
    assert_eq!((cold.status, cold.header("retry-after")), (503, Some("1")));
    assert_eq!(cold.json()["reason"], "no fresh copy of what is revoked");
    assert_eq!(cold.json()["revocation"], serde_json::json!({"usable": false, "age_ms": null}));
    assert_eq!(status(), 503);

    redis.run();
    wait(async {
        while auth.wait_until_ready().await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    let warm = ready();
    assert_eq!((warm.status, warm.json()["status"].as_str()), (200, Some("ready")));
    assert_eq!(warm.json()["revocation"]["usable"], true);
    assert!(warm.json()["revocation"]["age_ms"].as_u64().unwrap() <= 2000);
    assert_eq!((status(), replica.is_fresh()), (200, true));
    let health = auth.revocation_health().unwrap();
    assert_eq!((health.usable, health.entries), (true, Some(0)));
    assert!(health.age.unwrap() <= Duration::from_secs(2));

    redis.freeze();
    eventually("it is not ready any more", || ready().status == 503);
    assert!(!replica.is_fresh() && replica.age().unwrap() > Duration::from_secs(2));
    redis.thaw();
    eventually("it is ready again", || ready().status == 200);
}

/// WEA-01: what is over is forgotten by the server and by the copies, a little at a time.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn what_is_over_is_forgotten_everywhere() {
    let redis = RedisServer::start();
    let bed = RedisBed::new(&[]);
    let long_ago = SystemClock::new().now().saturating_sub(Duration::from_secs(2 * 3600));
    // On the clock of the instance there is a minute left; on the server's it is over.
    let clock = bed.clock.clone();
    clock.set_wall(long_ago.saturating_sub(Duration::from_secs(60)).as_secs());
    let store = RedisRevocation::with_clock(cache(&redis), clock);
    for number in 0..300 {
        wait(store.revoke(&session(&format!("over-{number}")), long_ago)).unwrap();
    }
    let count = || -> Vec<String> {
        let names = redis.names("*{revocations}:*");
        let counted = names.iter().filter(|name| !name.ends_with(":steps"));
        counted
            .map(|name| {
                let command = if name.ends_with(":entries") { "HLEN" } else { "ZCARD" };
                redis.command(&[command, name])
            })
            .collect()
    };
    let replica = replica(&redis);
    fresh(&replica);
    eventually("the server has forgotten it", || count().iter().all(|entries| entries == "0"));
    eventually("so has the copy", || replica.is_empty());
    for name in redis.names("*") {
        assert_ne!(redis.command(&["PTTL", &name]), "-1", "{name} would stay for ever");
    }
    let start = Instant::now();
    fresh(&replica);
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// WEA-01: those who operate the application see how old a copy is, and that it is asked for in vain.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn metrics_say_how_a_copy_is() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new();
    let metrics = recorder.install_recorder().unwrap();
    jwt_verify::describe_metrics();
    let mut redis = RedisServer::planned(&[]);
    let _bed = RedisBed::new(&[]);
    let value = |name: &str| -> f64 {
        let line = format!("jwt_verify_revocation_copy_{name}{{source=\"measured\"}} ");
        let text = metrics.render();
        let found = text.lines().find_map(|found| found.strip_prefix(&line).map(str::to_owned));
        found.map_or(-1.0, |value| value.parse().unwrap())
    };
    let cache = RedisCache::builder(redis.url()).namespace("measured").build().unwrap();
    let store = RedisRevocation::new(cache);
    let replica = RevocationReplica::builder(store.clone()).spawn().unwrap();
    assert!(value("timestamp_seconds").abs() < 0.1 && value("entries").abs() < 0.1);
    eventually("it is asked for in vain", || value("failures_total") > 1.5);
    redis.run();
    fresh(&replica);
    wait(store.revoke(&session("one"), in_an_hour())).unwrap();
    eventually("it is counted", || (value("entries") - 1.0).abs() < 0.1);
    let now = SystemClock::new().now().as_secs_f64();
    assert!((now - value("timestamp_seconds")).abs() < 10.0);
}

/// WEA-12: all sessions of a subject are revoked in one step: for those who ask about every request by
/// one command, and for copies by another.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn what_belongs_together_is_revoked_in_one_step() {
    let redis = RedisServer::start();
    let _bed = RedisBed::new(&[]);
    let store = RedisRevocation::new(cache(&redis));
    let sessions: Vec<_> = (0..500).map(|number| session(&number.to_string())).collect();
    redis.command(&["CONFIG", "RESETSTAT"]);
    wait(store.revoke_all(&sessions, in_an_hour())).unwrap();
    let stats = redis.command(&["INFO", "commandstats"]);
    let scripts = stats.lines().find(|line| line.starts_with("cmdstat_eval:")).unwrap();
    assert!(scripts.starts_with("cmdstat_eval:calls=2,"), "{scripts}");

    let replica = replica(&redis);
    fresh(&replica);
    assert_eq!(replica.len(), 500);
    for number in 0..500 {
        let name = number.to_string();
        assert_eq!(says(&replica, &name), Some(true), "{number}");
        let claims = format!(r#"{{"iss":"{ISSUER}","jti":"x","sid":"{name}"}}"#);
        let claims: Claims = serde_json::from_str(&claims).unwrap();
        let keys = RevocationKeys::of(&claims);
        let Lookup::Pending(asked) = store.check(&keys) else { unreachable!() };
        assert_eq!(wait(asked), Ok(true), "{number}");
    }
    // Those of a copy are written there and here.
    wait(replica.revoke_all(&[session("a"), session("b")], in_an_hour())).unwrap();
    assert_eq!((says(&replica, "a"), says(&replica, "b")), (Some(true), Some(true)));
}
