//! DPoP proofs that are rightly signed, for any address and any path: what is accepted is for this
//! API and for this path, and another name is another proof.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use actix_web::http::Uri;
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_verify::{Clock, test_hooks};
use libfuzzer_sys::fuzz_target;

const NOW: u64 = 1_800_000_000;

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Duration {
        Duration::from_secs(NOW)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed of 32 bytes"));

fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn signed(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = KEY.sign(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (url, path, id, more) = (line(), line(), line(), line());
    let key = URL_SAFE_NO_PAD.encode(KEY.public_key());
    let header = format!(
        r#"{{"typ":"dpop+jwt","alg":"EdDSA","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{key}"}}{more}}}"#
    );
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{key}"}}"#);
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()));
    let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, b"token"));
    let payload = |id: &str| {
        let (url, id) = (text(url), text(id));
        format!(r#"{{"htm":"GET","htu":{url},"ath":"{hash}","iat":{NOW},"jti":{id}}}"#)
    };
    let check = |proof: String| {
        let request = ("GET", path);
        let here = "https://api.example/v1";
        test_hooks::check_proof(here, proof.as_bytes(), b"token", request, &thumbprint, Fixed)
    };
    let Ok(name) = check(signed(&header, &payload(id))) else { return };
    // Another reader of URLs comes to the same place, if it takes it for a URL at all.
    if let Ok(uri) = url.split('#').next().unwrap_or_default().parse::<Uri>() {
        assert_eq!(uri.scheme_str(), Some("https"));
        assert!(uri.host().is_some_and(|host| host.eq_ignore_ascii_case("api.example")));
        assert!(uri.port_u16().is_none_or(|port| port == 443));
    }
    assert!(path.starts_with('/'));
    // Read once more, it still has no dot segments, whatever was escaped.
    let again = path.replace("%2E", ".").replace("%2e", ".");
    assert!(!again.split('/').any(|segment| matches!(segment, "." | "..")));
    if let Ok(other) = check(signed(&header, &payload(&format!("{id}x")))) {
        assert_ne!(name, other);
    }
});
