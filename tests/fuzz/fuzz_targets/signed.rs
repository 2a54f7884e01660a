//! Rightly signed tokens over any header and payload, so that what comes after the signature is
//! reached: nothing is accepted that does not say what it must.
#![no_main]

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_verify::{Algorithm, Clock, JwkSet, Secret, TrustedIssuer, VerificationKey, Verifier};
use libfuzzer_sys::fuzz_target;

const SECRET: &[u8] = b"a secret for fuzzing, not for anything else";

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

static SIGNER: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, SECRET));

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let key = VerificationKey::from_secret(Algorithm::HS256, &Secret::new(SECRET))
        .expect("the secret is long enough");
    let issuer =
        TrustedIssuer::new("i", "a").algorithms([Algorithm::HS256]).keys(JwkSet::new([key]));
    Verifier::for_issuer(issuer).clock(Fixed).build().expect("the settings are good")
});

fuzz_target!(|parts: (Vec<u8>, Vec<u8>)| {
    let (header, payload) = parts;
    // Most headers are wrong at once; the usual one leads further.
    let header = if header.is_empty() { br#"{"alg":"HS256"}"#.to_vec() } else { header };
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = hmac::sign(&SIGNER, input.as_bytes());
    let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
    let mut future = pin!(VERIFIER.verify(&token));
    let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("the key is at hand");
    };
    if let Ok(claims) = result {
        assert_eq!(claims.issuer(), Some("i"));
        assert!(claims.audience().is_some_and(|audience| audience.contains("a")));
        let expiry = claims.expires_at().expect("required");
        assert!(expiry.since_epoch() + Duration::from_secs(60) > Fixed.now());
        assert!(claims.get("cnf").is_none());
    }
});
