//! The stored form of a key: a keyed hash that lets no reader of a store in.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::record::InvalidApiKeyRecord;
use crate::{
    digest::{self, leading_32},
    token::decode_exact,
};

/// HMAC-SHA-256 of a key under the secret of the application.
///
/// It is stored instead of the key, and cannot be presented as one. Compared in a time that depends
/// on neither of two hashes. Its text, which [`Display`](fmt::Display) writes and
/// [`FromStr`] reads, is base64url without padding.
#[derive(Clone, Copy)]
pub struct ApiKeyHash([u8; 32]);

impl ApiKeyHash {
    pub(super) fn of(secret: &hmac::Key, key: &[u8]) -> Self {
        Self(leading_32(hmac::sign(secret, key).as_ref()))
    }

    /// Takes the bytes of a hash, as a store has kept them.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the name of the key for logs: 43 characters of base64url. It is the claim `jti` of
    /// the caller, and nothing can be looked up by it.
    pub fn id(&self) -> String {
        digest::name(b"api key", &[&self.to_string()])
    }
}

impl FromStr for ApiKeyHash {
    type Err = InvalidApiKeyRecord;

    /// Reads base64url, with or without its one character of padding.
    fn from_str(text: &str) -> Result<Self, InvalidApiKeyRecord> {
        let text = if text.len() == 44 { text.strip_suffix('=').unwrap_or(text) } else { text };
        let bytes = decode_exact(text.as_bytes()).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(InvalidApiKeyRecord::Hash)
    }
}

impl fmt::Display for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(..)")
    }
}

impl PartialEq for ApiKeyHash {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for ApiKeyHash {}

impl Hash for ApiKeyHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = ApiKeyHash::from_bytes([0xfb; 32]);
        let text = hash.to_string();
        assert_eq!(text.len(), 43);
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(format!("{text}=").parse(), Ok(hash));
        for bad in ["", "x", &text[1..], &format!("{text}=="), &format!("={text}")] {
            assert_eq!(bad.parse::<ApiKeyHash>(), Err(InvalidApiKeyRecord::Hash), "{bad}");
        }
    }

    /// Hashes in the files and stores of running applications.
    #[test]
    fn a_hash_stays() {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &[b'k'; 32]);
        let hash = ApiKeyHash::of(&secret, b"ak_key");
        assert_eq!(hash.to_string(), "BGXqhuYpYanQNPBNr8WRiT0Qo0z13NVN8oSoi7NQ-08");
        assert_ne!(hash.id(), hash.to_string());
        assert_eq!(hash.id().len(), 43);
        assert_eq!(format!("{hash:?}"), "ApiKeyHash(..)");
    }
}
