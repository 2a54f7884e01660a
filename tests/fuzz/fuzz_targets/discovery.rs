//! An issuer's metadata: whatever it says, it leads to https.
#![no_main]

use jwt_verify::test_hooks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    if let Some(url) = test_hooks::parse_discovery(document, "https://issuer.example/") {
        let place = url.strip_prefix("https://").expect("only https is safe");
        let authority = place.split(['/', '?']).next().expect("there is a first part");
        assert!(!authority.contains('@'));
    }
});
