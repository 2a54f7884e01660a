//! Errors of a configuration.

use std::{fmt, io};

use crate::error::InvalidKeyError;

/// A configuration that cannot work or would not be safe. It stops the start of the application, so
/// requests never cause it.
///
/// Its `Debug` output is its text, so that a `main` that returns a `Result` prints a sentence. It converts
/// into [`io::Error`] (kind `InvalidInput`), for a `main` that returns [`io::Result`].
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A required environment variable is not set.
    #[error("{variable} is not set")]
    NotSet {
        /// The environment variable.
        variable: &'static str,
    },

    /// A required value is empty.
    #[error("{setting} must not be empty")]
    Empty {
        /// The setting, or the environment variable.
        setting: &'static str,
    },

    /// A value is out of range or malformed.
    #[error("{setting}: {problem}")]
    Invalid {
        /// The setting, or the environment variable.
        setting: &'static str,
        /// Description of the mistake and of what is expected.
        problem: &'static str,
    },

    /// Two settings exclude each other.
    #[error("{first} and {second} cannot be used together: {problem}")]
    Conflict {
        /// First setting.
        first: &'static str,
        /// Other setting.
        second: &'static str,
        /// Reason.
        problem: &'static str,
    },

    /// A key in an environment variable cannot be used.
    #[error("{variable}: {reason}")]
    KeyIn {
        /// The environment variable.
        variable: &'static str,
        /// Reason.
        reason: InvalidKeyError,
    },

    /// A configured key cannot be used.
    #[error("the given key cannot be used: {0}")]
    Key(#[from] InvalidKeyError),
}

impl ConfigError {
    pub(crate) const fn invalid(setting: &'static str, problem: &'static str) -> Self {
        Self::Invalid { setting, problem }
    }
}

/// The text of `Display`: when `main` returns an error, Rust prints its `Debug` output, and the
/// operator needs the sentence, not the names of variants.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<ConfigError> for io::Error {
    fn from(error: ConfigError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_that_returns_it_prints_sentences() {
        for (error, text) in [
            (ConfigError::NotSet { variable: "JWT_ISSUER" }, "JWT_ISSUER is not set"),
            (ConfigError::Empty { setting: "issuer" }, "issuer must not be empty"),
            (
                ConfigError::invalid("dpop.leeway", "must be at most 600 seconds"),
                "dpop.leeway: must be at most 600 seconds",
            ),
            (
                ConfigError::Key(InvalidKeyError::Weak),
                "the given key cannot be used: too weak; RSA keys need 2048 bits",
            ),
        ] {
            assert_eq!(format!("{error:?}"), text);
        }
    }

    #[test]
    fn a_main_that_returns_an_io_error_prints_them_too() {
        let error = io::Error::from(ConfigError::NotSet { variable: "JWT_ISSUER" });
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "JWT_ISSUER is not set");
        assert!(format!("{error:?}").contains("JWT_ISSUER is not set"), "{error:?}");
    }
}
