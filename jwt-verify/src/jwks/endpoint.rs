//! Endpoints of issuers, and the URLs that may be fetched.

use std::fmt;

use awc::http::Uri;

use super::http_hosts::HttpHosts;
use crate::{
    error::ConfigError,
    url::{HttpsUrl, is_loopback},
};

/// Place of a document or an endpoint of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// At this URL.
    Url(SafeUrl),
    /// Named by the metadata of the issuer.
    Discovery { issuer: String, base: SafeUrl, metadata: MetadataKind },
}

/// Kind of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetadataKind {
    /// Of an authorization server (OpenID Connect Discovery §4, RFC 8414).
    Issuer,
    /// Of a transmitter of security events (SSF 1.0 §7).
    #[cfg(feature = "security-events")]
    Transmitter,
}

impl Endpoint {
    pub(super) fn key_set(url: &str, http: &HttpHosts) -> Result<Self, ConfigError> {
        SafeUrl::parse(url, http)
            .map(Self::Url)
            .map_err(|problem| ConfigError::invalid("jwks_uri", problem))
    }

    pub(super) fn discovery(issuer: &str, http: &HttpHosts) -> Result<Self, ConfigError> {
        Self::named_by(MetadataKind::Issuer, issuer, http)
    }

    #[cfg(feature = "security-events")]
    pub(super) fn transmitter(issuer: &str, http: &HttpHosts) -> Result<Self, ConfigError> {
        Self::named_by(MetadataKind::Transmitter, issuer, http)
    }

    fn named_by(
        metadata: MetadataKind,
        issuer: &str,
        http: &HttpHosts,
    ) -> Result<Self, ConfigError> {
        let base = SafeUrl::parse(issuer, http)
            .map_err(|problem| ConfigError::invalid("issuer", problem))?;
        if base.0.query().is_some() {
            return Err(ConfigError::invalid("issuer", "must have no query (RFC 8414 §2)"));
        }
        Ok(Self::Discovery { issuer: issuer.to_owned(), base, metadata })
    }

    /// Returns the URL that was configured.
    pub(super) fn url(&self) -> &SafeUrl {
        match self {
            Self::Url(url) => url,
            Self::Discovery { base, .. } => base,
        }
    }

    /// Label in metrics.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Url(url) => format!("{url:?}"),
            // The same party may issue access tokens, with other keys.
            #[cfg(feature = "security-events")]
            Self::Discovery { issuer, metadata: MetadataKind::Transmitter, .. } => {
                format!("events of {issuer}")
            }
            Self::Discovery { issuer, .. } => issuer.clone(),
        }
    }

    /// Text that tells endpoints apart, for the names of entries in a shared store.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Url(url) => format!("jwks\n{}", url.0),
            #[cfg(feature = "security-events")]
            Self::Discovery { issuer, metadata: MetadataKind::Transmitter, .. } => {
                format!("transmitter\n{issuer}")
            }
            Self::Discovery { issuer, .. } => format!("issuer\n{issuer}"),
        }
    }
}

/// A URL that may be fetched: `https`, or `http` to a loopback address or a host that is named.
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
    pub(super) fn parse(url: &str, http: &HttpHosts) -> Result<Self, &'static str> {
        const NOT_HTTPS: &str = "must use https; http is accepted for loopback addresses, and for \
                                 hosts that `allow_http` (`JWT_ALLOW_HTTP`) names";

        HttpsUrl::parse_with(url, |host, port| http.allow(host, port), NOT_HTTPS)?;
        url.parse().map(Self).map_err(|_| "must be an absolute URL")
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Returns true for plain http to this machine.
    pub(super) fn is_plain_and_local(&self) -> bool {
        !self.is_https() && is_loopback(self.0.host().unwrap_or_default())
    }

    /// Returns true if the host is among those that were named for plain http.
    pub(super) fn is_named(&self, http: &HttpHosts) -> bool {
        http.name(self.0.host().unwrap_or_default(), self.0.port_u16())
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    /// Returns true if both have the same scheme, host and port.
    #[cfg(feature = "security-events")]
    pub(super) fn is_same_origin(&self, other: &Self) -> bool {
        let origin = |url: &Self| (url.is_https(), url.0.port_u16().unwrap_or(443));
        let host = |url: &Self| url.0.host().unwrap_or_default().to_ascii_lowercase();
        origin(self) == origin(other) && host(self) == host(other)
    }

    /// Returns true if it is at this host, with its port if that is not the usual one.
    #[cfg(feature = "security-events")]
    pub(super) fn is_at(&self, host: &str) -> bool {
        self.0.authority().is_some_and(|own| own.as_str().eq_ignore_ascii_case(host))
    }

    /// Replaces the path; drops the query. Scheme, host and port stay as they are.
    pub(super) fn with_path(&self, path: &str) -> Option<Self> {
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query = Some(path.parse().ok()?);
        Uri::from_parts(parts).ok().map(Self)
    }

    /// Adds a parameter to the query.
    #[cfg(feature = "security-events")]
    pub(super) fn with_query(&self, name: &str, value: &str) -> Option<Self> {
        let path = self.0.path_and_query().map_or("/", |path| path.as_str());
        let separator = if self.0.query().is_some() { '&' } else { '?' };
        self.with_path(&format!("{path}{separator}{name}={}", percent_encoded(value)))
    }

    /// The path without a trailing slash.
    pub(super) fn bare_path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }
}

/// Encodes all but unreserved characters (RFC 3986 §2.3).
#[cfg(feature = "security-events")]
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
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
            assert!(SafeUrl::parse(url, &HttpHosts::default()).is_ok(), "{url}");
        }
        for url in ["/jwks", "http://issuer.example/jwks", "file:///etc/passwd"] {
            assert!(SafeUrl::parse(url, &HttpHosts::default()).is_err(), "{url}");
        }
    }

    #[test]
    fn a_named_host_is_safe() {
        let http = HttpHosts::parse(&["keycloak".to_owned(), "auth:8080".to_owned()]).unwrap();
        for url in ["http://keycloak:8080/realms/x", "HTTP://Keycloak/", "http://auth:8080/"] {
            assert!(SafeUrl::parse(url, &http).is_ok(), "{url}");
        }
        for url in [
            "http://auth/",
            "http://keycloak.evil.example/",
            "http://evil.example/keycloak",
            "http://keycloak@evil.example/",
            "http://keycloak\\@evil.example/",
            "ftp://keycloak/",
        ] {
            assert!(SafeUrl::parse(url, &http).is_err(), "{url}");
        }
        let url = SafeUrl::parse("http://keycloak:8080/realms/x?y", &http).unwrap();
        let other = url.with_path("/keys").unwrap();
        assert_eq!(other.uri().to_string(), "http://keycloak:8080/keys");
    }

    #[test]
    fn debug_leaves_out_the_query() {
        let url = SafeUrl::parse("https://issuer.example/jwks?code=secret", &HttpHosts::default());
        let url = url.unwrap();
        assert_eq!(format!("{url:?}"), "https://issuer.example/jwks");
    }

    #[cfg(feature = "security-events")]
    #[test]
    fn a_parameter_is_added() {
        let added = |url: &str, value: &str| {
            let url = SafeUrl::parse(url, &HttpHosts::default()).unwrap();
            url.with_query("stream_id", value).unwrap().uri().to_string()
        };
        assert_eq!(
            added("https://s.example/x", "a b&c=d/é"),
            "https://s.example/x?stream_id=a%20b%26c%3Dd%2F%C3%A9"
        );
        assert_eq!(added("https://s.example/x?y=1", "a"), "https://s.example/x?y=1&stream_id=a");
    }

    #[test]
    fn an_issuer_has_no_query() {
        let discovery = |issuer| Endpoint::discovery(issuer, &HttpHosts::default());
        assert!(discovery("https://issuer.example/tenant").is_ok());
        assert!(discovery("https://issuer.example/?tenant=1").is_err());
    }
}
