//! A document: both of the library's readers see the same in it, or both refuse it.
#![no_main]

use jwt_verify::internals;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    assert_eq!(internals::read_json(text), internals::read_json_by_serde(text));
});
