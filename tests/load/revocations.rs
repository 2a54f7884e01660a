//! What a copy of all that is revoked costs: a real `redis-server`, so many revocations as the library
//! writes them, and an instance that starts. For each number of entries (10,000, 100,000 and 1,000,000,
//! or those that are given) a row: how long it takes until the first fresh copy, what memory the entries
//! need here and there, and for how long commands kept others waiting, while the copy was read and while
//! more was revoked and forgotten.
//!
//! `cargo run --release -p jwt-verify-tests --example revocations`
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a tool to be run by hand, which stops where it cannot go on"
)]

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use jwt_verify::{
    Clock as _, SystemClock,
    revocation::{RedisRevocation, Revocation, RevocationReplica, RevocationStore as _},
    store::RedisCache,
    testing::TestClock,
};
use jwt_verify_tests::RedisServer;
use tokio::task::JoinSet;

/// How many are revoked at a time.
const WRITERS: usize = 32;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let [command, url, from, to] = &arguments[..]
        && command == "fill"
    {
        runtime.block_on(fill(url, from.parse().unwrap(), to.parse().unwrap()));
        return;
    }
    let sizes: Vec<usize> = arguments.iter().map(|size| size.parse().unwrap()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000, 1_000_000] } else { sizes };
    println!(
        "| entries | first fresh copy | memory here | memory of Redis | a page | writing and forgetting |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for size in sizes {
        println!("{}", runtime.block_on(row(size)));
    }
}

fn cache(url: &str) -> RedisCache {
    let builder = RedisCache::new(url).connections(WRITERS);
    builder.timeout(Duration::from_millis(250)).build().unwrap()
}

/// Revokes sessions of these numbers, for a day.
async fn fill(url: &str, from: usize, to: usize) {
    let store = RedisRevocation::new(cache(url));
    let until = SystemClock::new().now() + Duration::from_secs(24 * 3600);
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        tasks.spawn(async move {
            for number in (from + writer..to).step_by(WRITERS) {
                let what = Revocation::session("https://issuer.example", &number.to_string());
                while store.revoke(&what, until).await.is_err() {
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    tasks.join_all().await;
}

async fn row(size: usize) -> String {
    let redis = RedisServer::with(&["--slowlog-max-len", "100000"]);
    // A process of its own, so that what it leaves in the heap is not counted.
    let begin = Instant::now();
    let filling = |from: usize, to: usize| {
        let arguments = ["fill".into(), redis.url(), from.to_string(), to.to_string()];
        let done = Command::new(env::current_exe().unwrap()).args(arguments).status().unwrap();
        assert!(done.success());
    };
    filling(0, size);
    eprintln!("{size} entries written within {:?}", begin.elapsed());
    let of_redis = used(&redis);

    watch(&redis);
    let before = resident();
    let begin = Instant::now();
    let replica = RevocationReplica::start(RedisRevocation::new(cache(&redis.url()))).unwrap();
    while replica.wait_until_ready().await.is_err() {}
    let time = begin.elapsed();
    assert_eq!(replica.len(), size);
    let here = resident().saturating_sub(before);
    let reading = times(&redis);

    watch(&redis);
    filling(size, size + 2000);
    // Over for two hours already, by the clock of the server: they are forgotten.
    let clock = TestClock::new();
    let long_ago = SystemClock::new().now().saturating_sub(Duration::from_secs(2 * 3600));
    clock.set_wall(long_ago.as_secs());
    let late = RedisRevocation::with_clock(cache(&redis.url()), clock);
    for number in 0..2000 {
        let what = Revocation::token("https://issuer.example", &number.to_string());
        late.revoke(&what, long_ago + Duration::from_secs(60)).await.unwrap();
    }
    let writing = times(&redis);
    format!(
        "| {size} | {:.2} s | {} MB | {of_redis} MB | {reading} | {writing} |",
        time.as_secs_f64(),
        here / 1024,
    )
}

/// What the server keeps, in megabytes.
fn used(redis: &RedisServer) -> usize {
    let memory = redis.command(&["INFO", "memory"]);
    let line = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    line.trim().parse::<usize>().unwrap() / 1_000_000
}

/// What this process keeps, in kilobytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Notes commands from here on that take longer than half a millisecond.
fn watch(redis: &RedisServer) {
    redis.command(&["CONFIG", "SET", "slowlog-log-slower-than", "500"]);
    redis.command(&["SLOWLOG", "RESET"]);
    redis.command(&["CONFIG", "RESETSTAT"]);
}

/// How long scripts took in milliseconds: half of them at most, all but one in a hundred, and the longest
/// command of all. The server's own word: waiting is not in it, but for the processor.
fn times(redis: &RedisServer) -> String {
    let stats = redis.command(&["INFO", "latencystats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("latency_percentiles_usec_eval:"));
    let percentile = |name: &str| {
        let value = line.unwrap().split(',').find_map(|part| part.strip_prefix(name)).unwrap();
        value.trim().parse::<f64>().unwrap() / 1000.0
    };
    let (half, most) = (percentile("p50="), percentile("p99="));
    format!("{half:.2}, {most:.2}, {:.1} ms", longest(redis))
}

fn longest(redis: &RedisServer) -> f64 {
    let log = redis.command(&["--json", "SLOWLOG", "GET", "-1"]);
    let log: Vec<serde_json::Value> = serde_json::from_str(&log).unwrap_or_default();
    let times = log.iter().map(|entry| entry[2].as_f64().unwrap());
    times.fold(0.5, |longest, time| longest.max(time / 1000.0))
}
