//! Bytes as a compact token: no signature can be guessed, so none is accepted.
#![no_main]

use std::sync::LazyLock;

use jwt_verify::{Algorithm, JwkSet, VerificationKey, test_hooks};
use libfuzzer_sys::fuzz_target;

/// The keys of RFC 7515 A.3 and RFC 8037 A.2.
static KEYS: LazyLock<JwkSet> = LazyLock::new(|| {
    let keys = [
        r#"{"kty":"EC","crv":"P-256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","kid":"o","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    ];
    JwkSet::new(keys.iter().map(|jwk| VerificationKey::from_jwk(jwk).expect("a published key")))
});

/// The payloads that were published with signatures under these keys.
const PUBLISHED: [&[u8]; 2] = [b"Example of Ed25519 signing", b"{\"iss\":\"joe\","];

fuzz_target!(|token: &[u8]| {
    if let Ok(payload) = test_hooks::verify_jws(token, &KEYS, &Algorithm::ALL) {
        assert!(PUBLISHED.iter().any(|known| payload.starts_with(known)));
    }
});
