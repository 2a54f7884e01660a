//! Key set documents.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{fetch_error::Failure, skipped_keys::SkippedKeys};
use crate::key::{JwkSet, JwkSetError};

/// A key set document and the time at which it was fetched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeySetDocument {
    /// Time of the fetch, in wall-clock milliseconds.
    pub(super) fetched: u64,
    /// Freshness lifetime in seconds, from `fetched` on.
    pub(super) ttl: u64,
    pub(super) body: String,
}

impl KeySetDocument {
    /// Age of the document. The clock of the instance that fetched it may be a little ahead.
    pub(super) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_millis(self.fetched))
    }
}

/// Parses a key set. One without usable keys is an error: it must not replace one that has some.
pub(super) fn parse_key_set(
    body: &[u8],
    max_keys: usize,
    skipped: &SkippedKeys,
) -> Result<JwkSet, Failure> {
    let set = JwkSet::from_json_with_limit(body, max_keys).map_err(|error| match error {
        JwkSetError::Malformed => Failure::KeySetDocument,
        JwkSetError::TooManyKeys => Failure::TooManyKeys,
    })?;
    skipped.report(&set);
    if set.is_empty() { Err(Failure::NoUsableKeys) } else { Ok(set) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn a_set_needs_usable_keys_and_not_too_many() {
        let parse = |keys: &str, most| {
            let body = format!(r#"{{"keys":[{keys}]}}"#);
            parse_key_set(body.as_bytes(), most, &SkippedKeys::new(most))
                .map(|set| set.keys().len())
        };
        assert_eq!(parse(KEY, 1), Ok(1));
        assert_eq!(parse(&format!(r#"{KEY},{{"kty":"unknown"}}"#), 2), Ok(1));
        assert_eq!(parse(&format!(r#"{KEY},{{"kty":"unknown"}}"#), 1), Err(Failure::TooManyKeys));
        assert_eq!(parse(r#"{"kty":"unknown"}"#, 1), Err(Failure::NoUsableKeys));
        assert_eq!(parse("", 1), Err(Failure::NoUsableKeys));
        assert_eq!(parse("}", 1), Err(Failure::KeySetDocument));
    }
}
