//! What open streams cost: for each number of streams (1,000 and 10,000, or those that are given) a row
//! with the memory of each, and how late they end after the `exp` of their tokens and after the
//! revocation of their subject: half of them, all but one in a hundred, the last. Every stream has a
//! token of its own. They are in the process, without connections, whose memory is that of Actix.
//!
//! `cargo run --release -p jwt-verify-tests --example streams`
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a tool to be run by hand, which stops where it cannot go on"
)]

use std::{
    env,
    time::{Duration, SystemTime},
};

use actix_web::{
    FromRequest as _,
    rt::{System, spawn, task::JoinHandle, time::sleep},
    test::TestRequest,
};
use jwt_verify::{
    Algorithm, Clock as _, JwtAuth, SystemClock,
    revocation::{MemoryRevocation, Revocation, RevocationStore as _},
    streams::{EndOfAccess, StreamGuard},
    testing::TestIssuer,
};

fn main() {
    let sizes: Vec<usize> = env::args().skip(1).map(|size| size.parse().unwrap()).collect();
    let sizes = if sizes.is_empty() { vec![1_000, 10_000] } else { sizes };
    println!(
        "| streams | memory of each | CPU of the thread while they are open | end after `exp` | end after a revocation |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for size in sizes {
        println!("{}", System::new().block_on(row(size)));
    }
}

struct Bed {
    issuer: TestIssuer,
    auth: JwtAuth,
    revocation: MemoryRevocation,
}

async fn row(size: usize) -> String {
    let issuer = TestIssuer::signing_with(Algorithm::ES256);
    let revocation = MemoryRevocation::new();
    // Without the cache, whose tokens are no part of a stream.
    let auth =
        issuer.auth().revocation(revocation.clone()).token_cache_capacity(0).build().unwrap();
    let bed = Bed { issuer, auth, revocation };
    // The keys, the thread and what else is made once.
    let warm = open(&bed, &tokens(&bed, 10, Duration::from_secs(600))).await;
    let (memory, busy, revoked) = until_revoked(&bed, size).await;
    let expired = until_expired(&bed, size).await;
    drop(warm);
    format!("| {size} | {memory} bytes | {busy} | {expired} | {revoked} |")
}

fn tokens(bed: &Bed, count: usize, lifetime: Duration) -> Vec<String> {
    let token = |number: usize| {
        let token = bed.issuer.token().subject("ada").claim("jti", number.to_string());
        token.claim("sid", format!("session-{number}")).lifetime(lifetime).sign()
    };
    (0..count).map(token).collect()
}

async fn open(bed: &Bed, tokens: &[String]) -> Vec<StreamGuard> {
    let mut guards = Vec::with_capacity(tokens.len());
    for token in tokens {
        let request = TestRequest::default()
            .app_data(bed.auth.clone())
            .insert_header(("Authorization", format!("Bearer {token}")));
        guards.push(StreamGuard::extract(&request.to_http_request()).await.unwrap());
    }
    guards
}

/// Waits for the end of each stream, as a connection does. The tasks say when they were woken.
fn watch(guards: &[StreamGuard]) -> Vec<JoinHandle<(EndOfAccess, SystemTime)>> {
    let wait = |guard: &StreamGuard| {
        let ended = guard.ended();
        spawn(async move { (ended.await, SystemTime::now()) })
    };
    guards.iter().map(wait).collect()
}

async fn until_revoked(bed: &Bed, size: usize) -> (usize, String, String) {
    let tokens = tokens(bed, size, Duration::from_secs(600));
    let before = resident();
    let guards = open(bed, &tokens).await;
    let tasks = watch(&guards);
    sleep(Duration::from_secs(2)).await;
    let memory = resident().saturating_sub(before) * 1024 / size;
    let cpu = cpu_of_thread();
    sleep(Duration::from_secs(4)).await;
    let busy = format!("{:.1} %", (cpu_of_thread() - cpu) / 4.0 * 100.0);
    let now = SystemClock::new().now();
    let what = Revocation::subject(bed.issuer.url(), "ada", now);
    let start = SystemTime::now();
    bed.revocation.revoke(&what, now + Duration::from_secs(600)).await.unwrap();
    (memory, busy, late(tasks, EndOfAccess::Revoked, start).await)
}

async fn until_expired(bed: &Bed, size: usize) -> String {
    // The store has revoked whatever Ada was given until then.
    sleep(Duration::from_secs(1)).await;
    let lifetime = Duration::from_secs(15 + size as u64 / 1000);
    let exp = SystemClock::new().now().as_secs() + lifetime.as_secs();
    let token = |number: usize| {
        let token = bed.issuer.token().subject("bob").claim("jti", number.to_string());
        token.claim("exp", exp).sign()
    };
    let tokens: Vec<String> = (0..size).map(token).collect();
    let guards = open(bed, &tokens).await;
    let tasks = watch(&guards);
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(exp);
    assert!(SystemTime::now() < end, "they were opened too late");
    late(tasks, EndOfAccess::Expired, end).await
}

/// How late the streams have ended: half of them, all but one in a hundred, the last.
async fn late(
    tasks: Vec<JoinHandle<(EndOfAccess, SystemTime)>>,
    reason: EndOfAccess,
    due: SystemTime,
) -> String {
    let mut late = Vec::with_capacity(tasks.len());
    for task in tasks {
        let (end, at) = task.await.unwrap();
        assert_eq!(end, reason);
        late.push(at.duration_since(due).unwrap_or_default().as_secs_f64() * 1000.0);
    }
    late.sort_by(f64::total_cmp);
    let percentile = |percent| late[(late.len() - 1) * percent / 100];
    format!("{:.0}, {:.0}, {:.0} ms", percentile(50), percentile(99), percentile(100))
}

/// What this process keeps, in kilobytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// CPU time of the thread that watches the streams, in seconds.
fn cpu_of_thread() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let of_streams = tasks.flatten().find(|task| {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        name.trim() == "jwt-streams"
    });
    let stat = std::fs::read_to_string(of_streams.unwrap().path().join("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // Hundredths of a second: of the user, and of the kernel for it.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
