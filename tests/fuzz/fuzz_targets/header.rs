//! A decoded header: what is accepted is a JSON object with a known algorithm.
#![no_main]

use jwt_verify::test_hooks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    if let Ok((algorithm, key_id)) = test_hooks::parse_header(json) {
        let text = std::str::from_utf8(json).expect("accepted, so Unicode");
        assert!(text.trim_start().starts_with('{') && text.trim_end().ends_with('}'));
        // An escape may hide the letters of the name, but not its presence.
        assert!(text.contains(algorithm.name()) || text.contains("\\u"));
        assert!(key_id.is_none() || text.contains("kid") || text.contains("\\u"));
    }
});
