//! What verification costs, as ratios against a baseline that runs in turn with it.
//!
//! `cargo bench --bench ratios [name…]`. The time is the CPU time of the thread, so that what else the machine
//! does changes little; each round measures baseline and candidate one after the other, and the
//! median of the rounds' ratios is printed.
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
mod measure;
mod proofs;
mod ready;

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use actix_web::{dev::Payload, test::TestRequest};
use jsonwebtoken::{DecodingKey, Validation};
use jwt_verify::{
    Algorithm, JwkSet, JwtAuth, Requirement, Secret, TrustedIssuer, VerificationKey,
    VerifiedClaims, Verifier, dpop::Dpop, keys::KeyQuery,
};
use keys::{AUDIENCE, ISSUER, SECRET, Subject};
use measure::{ROUNDS, batch, median, median_time, time};
use proofs::{Client, Forgetful};
use ready::now;
use serde_json::{Map, Value};

const ALGORITHMS: [Algorithm; 11] = [
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
    Algorithm::Ed25519,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::ES256K,
    Algorithm::MlDsa44,
    Algorithm::MlDsa65,
    Algorithm::MlDsa87,
];

fn main() {
    // jsonwebtoken panics at its first use where no provider is set.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    println!("{:<46} {:>10} {:>10} {:>7}", "", "baseline", "ours", "ratio");
    ALGORITHMS.into_iter().for_each(compare_algorithm);
    let subject = Subject::new(Algorithm::HS256);
    let (token, new) = verifier(Algorithm::HS256, &subject, 0);
    let decode = decoder(&subject, subject.decoding.as_ref().unwrap());
    compare("HS256: new token / jsonwebtoken", decode, || verify(&new, &token));

    let claims = now(new.verify(&token)).unwrap();
    let requirement = Requirement::roles(["admin", "editor"]);
    let check = || black_box(black_box(&claims).check(black_box(&requirement))).unwrap();
    compare("#[require(roles)] / HS256 new token", || verify(&new, &token), check);

    let (token, auth) = verifier(Algorithm::HS256, &subject, 1000);
    let (auth, bearer) = (JwtAuth::new(auth), format!("Bearer {token}"));
    let request = || {
        TestRequest::default()
            .insert_header(("authorization", bearer.as_str()))
            .app_data(auth.clone())
            .to_http_request()
    };
    compare(
        "request with an extractor / without",
        || drop(black_box(request())),
        || {
            let claims: VerifiedClaims =
                now(VerifiedClaims::from_request(&request(), &mut Payload::None)).unwrap();
            black_box(claims);
        },
    );

    compare_proofs();

    let [one, ten, thousand] = [1, 10, 1000].map(key_set);
    let find = |set: &JwkSet, id: &str| {
        assert!(
            black_box(set).select(KeyQuery::new(Some(black_box(id)), Algorithm::EdDSA)).is_some()
        );
    };
    let in_one = || find(&one, "key-0");
    compare("key lookup: 10 keys / 1 key", in_one, || find(&ten, "key-9"));
    compare("key lookup: 1000 keys / 1 key", in_one, || find(&thousand, "key-999"));

    let (token, shared) = verifier(Algorithm::HS256, &subject, 1000);
    verify(&shared, &token);
    for threads in [2, 4] {
        let name = format!("token seen before: {threads} threads / 1, CPU of each");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let alone = median_time(|| verify(&shared, &token));
            for _ in 1..threads {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        verify(&shared, &token);
                    }
                });
            }
            let together = median_time(|| verify(&shared, &token));
            stop.store(true, Ordering::Relaxed);
            report(&name, alone, together, together / alone);
        });
    }
}

/// A token of this algorithm, new and seen before.
fn compare_algorithm(algorithm: Algorithm) {
    let subject = Subject::new(algorithm);
    let name = algorithm.name();
    let (raw, input, signature) =
        (subject.raw.as_ref().unwrap(), &subject.signing_input, &subject.signature);
    let raw = || raw.verify_sig(black_box(input), black_box(signature)).unwrap();
    let (token, new) = verifier(algorithm, &subject, 0);
    compare(&format!("{name}: new token / signature alone"), raw, || verify(&new, &token));
    if let Some(key) = &subject.decoding {
        let decode = decoder(&subject, key);
        compare(&format!("{name}: new token / jsonwebtoken"), decode, || verify(&new, &token));
    }
    let (token, remembered) = verifier(algorithm, &subject, 1000);
    verify(&remembered, &token);
    let again = || verify(&remembered, &token);
    compare(&format!("{name}: token seen before / signature alone"), raw, again);
}

/// A request with a token that was seen before and is bound to a key, and a proof of the key.
fn compare_proofs() {
    let client = Client::new();
    let secret = VerificationKey::from_secret(Algorithm::HS256, &Secret::from(SECRET)).unwrap();
    let dpop = Dpop::new("https://api.example").max_age(Duration::from_secs(600));
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(ISSUER, AUDIENCE)
            .algorithms([Algorithm::HS256])
            .keys(JwkSet::single(secret)),
    )
    .dpop(dpop.replay_store(Forgetful))
    .build()
    .unwrap();
    let scheme = format!("DPoP {}", client.token);
    let request = || {
        TestRequest::default()
            .insert_header(("authorization", scheme.as_str()))
            .insert_header(("dpop", client.proof.as_str()))
            .app_data(auth.clone())
            .to_http_request()
    };
    let (input, signature) = (&client.signing_input, &client.signature);
    compare(
        "ES256: request with a proof / signature alone",
        || client.raw.verify_sig(black_box(input), black_box(signature)).unwrap(),
        || {
            let claims: VerifiedClaims =
                now(VerifiedClaims::from_request(&request(), &mut Payload::None)).unwrap();
            black_box(claims);
        },
    );
}

/// A set of keys, each with a name of its own.
fn key_set(number: usize) -> JwkSet {
    let keys = (0..number).map(|index| {
        let key = Subject::new(Algorithm::EdDSA).key();
        key.with_id(format!("key-{index}"))
    });
    JwkSet::new(keys)
}

fn verifier(algorithm: Algorithm, subject: &Subject, token_cache: usize) -> (String, Verifier) {
    let verifier = Verifier::for_issuer(
        TrustedIssuer::new(ISSUER, AUDIENCE)
            .algorithms([algorithm])
            .keys(JwkSet::single(subject.key())),
    )
    .token_cache_capacity(token_cache)
    .build()
    .unwrap();
    (subject.token.clone(), verifier)
}

fn verify(verifier: &Verifier, token: &str) {
    black_box(now(verifier.verify(black_box(token)))).unwrap();
}

/// What a server without this library does.
fn decoder(subject: &Subject, key: &DecodingKey) -> impl FnMut() {
    let algorithm: jsonwebtoken::Algorithm = subject.algorithm.name().parse().unwrap();
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    move || {
        let token = black_box(subject.token.as_str());
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation);
        black_box(claims).unwrap();
    }
}

/// Measures the two, unless arguments ask for other names.
fn compare(name: &str, mut baseline: impl FnMut(), mut candidate: impl FnMut()) {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
        return;
    }
    let (of_baseline, of_candidate) = (batch(&mut baseline), batch(&mut candidate));
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| (time(&mut baseline, of_baseline), time(&mut candidate, of_candidate)))
        .collect();
    rounds.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
    let ratio = rounds[ROUNDS / 2].1 / rounds[ROUNDS / 2].0;
    report(
        name,
        median(rounds.iter().map(|round| round.0)),
        median(rounds.iter().map(|round| round.1)),
        ratio,
    );
}

fn report(name: &str, baseline: f64, candidate: f64, ratio: f64) {
    println!("{name:<46} {:>7.2} µs {:>7.2} µs {ratio:>7.3}", baseline * 1e6, candidate * 1e6);
}
