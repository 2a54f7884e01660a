//! A key set document: every entry is either usable or counted as skipped.
#![no_main]

use jwt_verify::{Algorithm, JwkSet, keys::KeyQuery};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    if let Ok(set) = JwkSet::from_json(document) {
        for key in set.keys() {
            assert!(Algorithm::ALL.iter().any(|algorithm| key.supports(*algorithm)));
            // A secret in a document that others can read is never a key.
            assert!(!Algorithm::ALL.iter().any(|a| a.is_symmetric() && key.supports(*a)));
            for algorithm in Algorithm::ALL.into_iter().filter(|a| key.supports(*a)) {
                if let Some(selected) = set.select(KeyQuery::new(key.id(), algorithm)) {
                    assert!(selected.supports(algorithm));
                }
            }
        }
    }
});
