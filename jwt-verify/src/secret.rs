//! Shared secrets.

use std::fmt;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// A shared secret with redacted `Debug`, such as the key of an HMAC. It has no `Display`, and its
/// memory is zeroized when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the secret as raw bytes, without decoding them.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Returns it as a key of HMAC-SHA-256. A shorter secret than the hash could be guessed from one
    /// tag (RFC 2104 §3), and is refused under the name of this setting.
    pub(crate) fn hmac_key(&self, setting: &'static str) -> Result<hmac::Key, ConfigError> {
        if self.0.len() < MIN_KEY_BYTES {
            return Err(ConfigError::invalid(setting, "must have at least 32 bytes"));
        }
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &self.0))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

const MIN_KEY_BYTES: usize = 32;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_at_least_32_bytes() {
        assert!(Secret::from("x".repeat(32)).hmac_key("setting").is_ok());
        let error = Secret::from("x".repeat(31)).hmac_key("setting").unwrap_err();
        assert_eq!(error.to_string(), "setting: must have at least 32 bytes");
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::from("correct horse battery staple");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose(), b"correct horse battery staple");
    }
}
