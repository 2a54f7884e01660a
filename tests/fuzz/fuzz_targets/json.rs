//! A document: both of the library's readers see the same in it, or both refuse it.
#![no_main]

use jwt_verify::test_hooks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    assert_eq!(test_hooks::read_json(text), test_hooks::read_json_by_serde(text));
});
