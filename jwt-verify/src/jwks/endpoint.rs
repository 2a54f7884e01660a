//! Endpoints of issuers, and the URLs that may be fetched.

use std::fmt;

use awc::http::Uri;

use crate::{error::ConfigError, url::HttpsUrl};

/// Place of the key set of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// At this URL.
    KeySet(SafeUrl),
    /// Named by the metadata of the issuer.
    Discovery { issuer: String, base: SafeUrl },
}

impl Endpoint {
    pub(super) fn key_set(url: &str) -> Result<Self, ConfigError> {
        SafeUrl::parse(url)
            .map(Self::KeySet)
            .map_err(|problem| ConfigError::invalid("jwks_uri", problem))
    }

    pub(super) fn discovery(issuer: &str) -> Result<Self, ConfigError> {
        let base =
            SafeUrl::parse(issuer).map_err(|problem| ConfigError::invalid("issuer", problem))?;
        if base.0.query().is_some() {
            return Err(ConfigError::invalid("issuer", "must have no query (RFC 8414 §2)"));
        }
        Ok(Self::Discovery { issuer: issuer.to_owned(), base })
    }

    /// Label in metrics.
    pub(super) fn label(&self) -> String {
        match self {
            Self::KeySet(url) => format!("{url:?}"),
            Self::Discovery { issuer, .. } => issuer.clone(),
        }
    }

    /// Text that tells endpoints apart, for the names of entries in a shared store.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::KeySet(url) => format!("jwks\n{}", url.0),
            Self::Discovery { issuer, .. } => format!("issuer\n{issuer}"),
        }
    }
}

/// A URL that may be fetched: `https`, or `http` to a loopback address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SafeUrl(Uri);

/// Leaves out the query, which may hold a secret.
impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        let scheme = self.0.scheme_str().unwrap_or_default();
        write!(f, "{scheme}://{authority}{}", self.0.path())
    }
}

impl SafeUrl {
    /// Parses a URL. The error does not contain the URL, which may hold secrets.
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        HttpsUrl::parse(url)?;
        url.parse().map(Self).map_err(|_| "must be an absolute URL")
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    /// Replaces the path; drops the query.
    pub(super) fn with_path(&self, path: &str) -> Result<Self, &'static str> {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        Self::parse(&format!("{scheme}://{authority}{path}"))
    }

    /// The path without a trailing slash.
    pub(super) fn bare_path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_safe() {
        for url in [
            "https://issuer.example/jwks.json?v=1",
            "http://127.0.0.1:8080/jwks",
            "http://127.8.8.8/jwks",
            "http://localhost:9/",
            "http://[::1]:9/",
        ] {
            assert!(SafeUrl::parse(url).is_ok(), "{url}");
        }
        for url in ["/jwks", "http://issuer.example/jwks", "file:///etc/passwd"] {
            assert!(SafeUrl::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn debug_leaves_out_the_query() {
        let url = SafeUrl::parse("https://issuer.example/jwks?code=secret").unwrap();
        assert_eq!(format!("{url:?}"), "https://issuer.example/jwks");
    }

    #[test]
    fn an_issuer_has_no_query() {
        assert!(Endpoint::discovery("https://issuer.example/tenant").is_ok());
        assert!(Endpoint::discovery("https://issuer.example/?tenant=1").is_err());
    }
}
