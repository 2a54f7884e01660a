//! The skipped keys of an issuer as the log has them: each once.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::{
    error::InvalidKeyError,
    key::{JwkSet, SkippedEntry},
    metrics,
};

/// Stores the skipped keys that the log has, so that a key set that is fetched again says nothing
/// new. A key that changes, or is skipped for another reason, is logged again.
#[derive(Debug)]
pub(super) struct SkippedKeys {
    logged: Mutex<HashSet<(InvalidKeyError, String)>>,
    capacity: usize,
    /// Reasons in the last document, with the number of keys.
    latest: Mutex<Rejections>,
}

type Rejections = Vec<(InvalidKeyError, usize)>;

impl SkippedKeys {
    /// Stores a few documents of so many keys. When there are more, it begins anew.
    pub(super) fn new(max_keys: usize) -> Self {
        let capacity = max_keys.saturating_mul(4);
        Self { logged: Mutex::default(), capacity, latest: Mutex::default() }
    }

    /// Logs the skipped keys that are new, and counts all of them. Returns the number of new ones.
    pub(super) fn report(&self, set: &JwkSet) -> usize {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = set.rejections();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = 0;
        for (reason, entry) in set.skipped_entries() {
            metrics::key_skipped(reason.code());
            let known = (reason, entry.identity.clone());
            if logged.contains(&known) {
                continue;
            }
            if logged.len() >= self.capacity {
                logged.clear();
            }
            logged.insert(known);
            log(reason, entry);
            new += 1;
        }
        new
    }

    /// Returns the reasons in the last document, which may have had no usable key.
    pub(super) fn latest(&self) -> Rejections {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Logs the place of the key in the document. Its name comes from outside.
fn log(reason: InvalidKeyError, entry: &SkippedEntry) {
    let (code, position) = (reason.code(), entry.position);
    match reason {
        InvalidKeyError::Private | InvalidKeyError::Symmetric => {
            tracing::error!(reason = code, position, "skipped a key that was published by mistake");
        }
        _ => tracing::warn!(reason = code, position, "skipped a key of the key set"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[&str]) -> JwkSet {
        JwkSet::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
    }

    const SECRET: &str = r#"{"kty":"oct","kid":"s","k":"AAAA"}"#;

    #[test]
    fn a_skipped_key_is_logged_once_for_each_reason() {
        let skipped = SkippedKeys::new(64);
        let unsupported = r#"{"kty":"AKP","kid":"a"}"#;
        assert_eq!(skipped.report(&set(&[SECRET, unsupported])), 2);
        assert_eq!(skipped.report(&set(&[SECRET, unsupported])), 0);
        let latest = [(InvalidKeyError::Symmetric, 1), (InvalidKeyError::Unsupported, 1)];
        assert_eq!(skipped.latest(), latest);
        // In another order, with another writing, or after it was away.
        assert_eq!(skipped.report(&set(&[])), 0);
        assert_eq!(skipped.report(&set(&[r#"{ "kid":"a", "kty":"AKP", "x5c":null }"#, SECRET])), 0);
        assert_eq!(skipped.report(&set(&[r#"{"kty":"AKP","kid":"b"}"#])), 1);
        assert_eq!(skipped.report(&set(&[r#"{"kty":"AKP","kid":"a","d":"AA"}"#])), 1);
        assert_eq!(skipped.report(&set(&["5"])), 1);
        assert_eq!(skipped.report(&set(&["5", "6"])), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let skipped = SkippedKeys::new(2);
        for number in 0..100 {
            assert_eq!(skipped.report(&set(&[&format!(r#"{{"kty":"AKP","kid":"{number}"}}"#)])), 1);
        }
        assert!(skipped.logged.lock().unwrap().len() <= 8);
    }
}
