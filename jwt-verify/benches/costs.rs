//! What each algorithm costs, as the table of `docs/benchmarks.md`: bytes that travel, and time of the CPU.
//!
//! `cargo bench --bench costs` prints it. The suite `architecture` holds the bytes in the page.
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
#[expect(dead_code, reason = "shared with the other benchmarks")]
mod keys;
#[expect(dead_code, reason = "shared with the other benchmarks")]
mod measure;
mod ready;
mod sizes;

use std::hint::black_box;

use jwt_verify::{JwkSet, TrustedIssuer, Verifier};
use keys::{AUDIENCE, ISSUER, Subject};
use measure::{ROUNDS, batch, time};
use ready::now;
use sizes::{ALGORITHMS, Sizes};

fn main() {
    println!("{}", Sizes::HEAD);
    for algorithm in ALGORITHMS {
        let subject = Subject::new(algorithm);
        println!("{} | {}", Sizes::of(algorithm).row(), times(&subject));
    }
}

/// Microseconds for a token that is new, and for one that was seen before.
fn times(subject: &Subject) -> String {
    let [new, seen] = [0, 1000].map(|remembered| {
        let verifier = verifier(subject, remembered);
        least_time(|| drop(black_box(now(verifier.verify(black_box(&subject.token)))).unwrap()))
    });
    format!("{new:.1} | {seen:.2} |")
}

/// Microseconds of the quickest round, which other load has disturbed least.
fn least_time(mut verify: impl FnMut()) -> f64 {
    let calls = batch(&mut verify);
    (0..ROUNDS).map(|_| time(&mut verify, calls)).fold(f64::INFINITY, f64::min) * 1e6
}

fn verifier(subject: &Subject, token_cache: usize) -> Verifier {
    let issuer = TrustedIssuer::new(ISSUER, AUDIENCE)
        .algorithms([subject.algorithm])
        .keys(JwkSet::single(subject.key()));
    Verifier::for_issuer(issuer).token_cache_capacity(token_cache).build().unwrap()
}
