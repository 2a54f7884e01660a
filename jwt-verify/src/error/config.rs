//! What is wrong with a configuration.

use crate::error::KeyRejection;

/// A configuration that cannot work or would not be safe. It stops the start of the application;
/// no request ever meets it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Something required is empty or not set.
    #[error("{setting} must not be empty")]
    Missing {
        /// The setting, or the environment variable.
        setting: &'static str,
    },

    /// A value is outside what makes sense.
    #[error("{setting}: {problem}")]
    Invalid {
        /// The setting, or the environment variable.
        setting: &'static str,
        /// What is wrong and what is expected instead.
        problem: &'static str,
    },

    /// Two settings exclude each other.
    #[error("{first} and {second} cannot be used together: {problem}")]
    Conflict {
        /// One setting.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Why.
        problem: &'static str,
    },

    /// A key that was given cannot be used.
    #[error("the given key cannot be used: {0}")]
    Key(#[from] KeyRejection),
}

impl ConfigError {
    pub(crate) const fn invalid(setting: &'static str, problem: &'static str) -> Self {
        Self::Invalid { setting, problem }
    }
}
