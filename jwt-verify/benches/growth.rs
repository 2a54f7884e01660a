//! What issuers, keys and tokens cost when there are many of them: memory, and time for one
//! verification.
//!
//! `cargo bench --bench growth [most]`. Each row is a process of its own, so that its memory is its
//! own; a million tokens need about three gigabytes, so rows above `most` (default 100,000) are left
//! out. Time is CPU time over callers in an order that no cache guesses.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark prints, and stops where it cannot be set up"
)]

mod cpu_time;
mod ready;

use std::{hint::black_box, process::Command};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cpu_time::cpu;
use jwt_verify::{Algorithm, JwkSet, Secret, TrustedIssuer, VerificationKey, Verifier};
use ready::now;
use serde_json::json;

const AUDIENCE: &str = "https://api.example/";
const SECRET: &str = "a secret of at least thirty-two bytes";
const CALLS: usize = 200_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [row, number] = &*words {
        return measure(row, number.parse().unwrap());
    }
    let most = words.first().map_or(100_000, |most| most.parse().unwrap());
    println!("{:<24} {:>10} {:>14} {:>14}", "", "number", "memory of each", "verification");
    for (row, numbers) in [
        ("issuers", &[1, 100, 10_000][..]),
        ("keys", &[1, 100, 1000]),
        ("tokens", &[1, 1000, 100_000, 1_000_000]),
    ] {
        for number in numbers.iter().filter(|number| **number <= most) {
            let this = std::env::current_exe().unwrap();
            let status = Command::new(this).arg(row).arg(number.to_string()).status().unwrap();
            assert!(status.success());
        }
    }
}

fn measure(row: &str, number: usize) {
    let issuer = |index: usize| format!("https://tenant-{index}.example/");
    let key_id = |index: usize| format!("key-{index}");
    let key = || VerificationKey::from_secret(Algorithm::HS256, &Secret::from(SECRET)).unwrap();
    let tokens: Vec<String> = (0..number)
        .map(|index| match row {
            "issuers" => token(&issuer(index), &key_id(0), "alice"),
            "keys" => token(&issuer(0), &key_id(index), "alice"),
            _ => token(&issuer(0), &key_id(0), &index.to_string()),
        })
        .collect();
    let before = resident();
    let verifier = match row {
        "issuers" => {
            let resolver = move |name: &str| {
                let settings = TrustedIssuer::new(name, AUDIENCE).algorithms([Algorithm::HS256]);
                Some(settings.keys(JwkSet::single(key())))
            };
            let builder = Verifier::with_resolver(resolver)
                .max_resolved_issuers(number)
                .token_cache_capacity(0);
            builder.build().unwrap()
        }
        "keys" => {
            let keys = JwkSet::new((0..number).map(|index| key().with_id(key_id(index))));
            listed(&issuer(0), keys, 0)
        }
        // A cache for one has no room to choose what stays.
        _ => listed(&issuer(0), JwkSet::single(key()), number.max(64)),
    };
    // A resolver is asked for the first token of each issuer, and that is waited for.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for token in &tokens {
        drop(runtime.block_on(verifier.verify(token)).unwrap());
    }
    let each = resident().saturating_sub(before) as f64 / number as f64;

    let mut place = 0;
    let start = cpu();
    for _ in 0..CALLS {
        // A full cycle through all of them, in large steps.
        place = (place + 7_919) % number;
        verify(&verifier, &tokens[place]);
    }
    let time = cpu().saturating_sub(start).as_secs_f64() / CALLS as f64;
    let memory = if number < 100 { "-".to_owned() } else { format!("{:.1} KiB", each / 1024.0) };
    println!("{row:<24} {number:>10} {memory:>14} {:>11.2} µs", time * 1e6);
}

fn listed(issuer: &str, keys: JwkSet, token_cache: usize) -> Verifier {
    Verifier::for_issuer(
        TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::HS256]).keys(keys),
    )
    .token_cache_capacity(token_cache)
    .build()
    .unwrap()
}

fn token(issuer: &str, key_id: &str, subject: &str) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let base64url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": key_id}).to_string();
    let claims = json!({
        "iss": issuer,
        "sub": subject,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 86_400,
        "scope": "openid profile email",
        "permissions": ["read:posts", "write:posts", "read:comments", "write:comments"],
        "roles": ["editor"],
    })
    .to_string();
    let input = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{input}.{}", base64url(hmac::sign(&key, input.as_bytes()).as_ref()))
}

fn verify(verifier: &Verifier, token: &str) {
    drop(black_box(now(verifier.verify(black_box(token)))).unwrap());
}

/// Bytes of memory that the process has.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
