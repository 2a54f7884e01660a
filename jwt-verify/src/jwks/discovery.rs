//! The metadata of an issuer (OpenID Connect Discovery §4, RFC 8414 §3).

use serde_json::Value;

use super::{endpoint::SafeUrl, http_hosts::HttpHosts};
use crate::json::Unique;

/// URLs of the metadata, in the order in which they are tried: OpenID Connect Discovery §4, RFC 8414
/// §3, and OpenID Connect with the path where RFC 8414 §5 has it. The last is the first where the
/// issuer has no path.
pub(super) fn metadata_urls(base: &SafeUrl) -> impl Iterator<Item = SafeUrl> {
    let path = base.bare_path();
    let openid = format!("{path}/.well-known/openid-configuration");
    let oauth = format!("/.well-known/oauth-authorization-server{path}");
    let inserted = format!("/.well-known/openid-configuration{path}");
    let inserted = (!path.is_empty()).then_some(inserted);
    [Some(openid), Some(oauth), inserted]
        .into_iter()
        .flatten()
        .filter_map(|path| base.with_path(&path))
}

/// URLs of the metadata of a transmitter, in the order in which they are tried: with the path of its
/// name at the end (SSF 1.0 §7.2.1), with the path in front, as Keycloak has it, and the name itself
/// if that is one, as authentik has it.
#[cfg(feature = "security-events")]
pub(super) fn transmitter_metadata_urls(base: &SafeUrl) -> impl Iterator<Item = SafeUrl> {
    const PLACE: &str = "/.well-known/ssf-configuration";
    let path = base.bare_path();
    let paths = if path.strip_prefix(PLACE).is_some_and(|rest| rest.starts_with('/')) {
        [Some(path.to_owned()), None]
    } else {
        let in_front = (!path.is_empty()).then(|| format!("{path}{PLACE}"));
        [Some(format!("{PLACE}{path}")), in_front]
    };
    paths.into_iter().flatten().filter_map(|path| base.with_path(&path))
}

/// A URL that metadata name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetadataUrl {
    /// Of the key set.
    KeySet,
    /// Of the introspection endpoint (RFC 8414 §2).
    Introspection,
    /// Of the introspection endpoint for clients that present a certificate (RFC 8705 §5), or else
    /// of the other one.
    IntrospectionWithCertificate,
    /// Of the key set of a transmitter.
    #[cfg(feature = "security-events")]
    TransmitterKeySet,
    /// Of the management of streams (SSF 1.0 §7.1).
    #[cfg(feature = "security-events")]
    StreamConfiguration,
    #[cfg(feature = "security-events")]
    StreamStatus,
    #[cfg(feature = "security-events")]
    StreamVerification,
    #[cfg(feature = "security-events")]
    StreamAddSubject,
    #[cfg(feature = "security-events")]
    StreamRemoveSubject,
}

impl MetadataUrl {
    /// Returns the URLs of the metadata that have it, in the order in which they are tried.
    pub(super) fn places(self, base: &SafeUrl) -> Vec<SafeUrl> {
        match self {
            #[cfg(feature = "security-events")]
            Self::TransmitterKeySet
            | Self::StreamConfiguration
            | Self::StreamStatus
            | Self::StreamVerification
            | Self::StreamAddSubject
            | Self::StreamRemoveSubject => transmitter_metadata_urls(base).collect(),
            _ => metadata_urls(base).collect(),
        }
    }

    fn find(self, document: &Value) -> Option<&str> {
        const INTROSPECTION: &str = "introspection_endpoint";
        let found = match self {
            Self::KeySet => document.get("jwks_uri"),
            #[cfg(feature = "security-events")]
            Self::TransmitterKeySet => document.get("jwks_uri"),
            #[cfg(feature = "security-events")]
            Self::StreamConfiguration => document.get("configuration_endpoint"),
            #[cfg(feature = "security-events")]
            Self::StreamStatus => document.get("status_endpoint"),
            #[cfg(feature = "security-events")]
            Self::StreamVerification => document.get("verification_endpoint"),
            #[cfg(feature = "security-events")]
            Self::StreamAddSubject => document.get("add_subject_endpoint"),
            #[cfg(feature = "security-events")]
            Self::StreamRemoveSubject => document.get("remove_subject_endpoint"),
            Self::Introspection => document.get(INTROSPECTION),
            Self::IntrospectionWithCertificate => document
                .get("mtls_endpoint_aliases")
                .and_then(|aliases| aliases.get(INTROSPECTION))
                .or_else(|| document.get(INTROSPECTION)),
        };
        found?.as_str()
    }
}

/// Returns the URL of the key set in a metadata document, if the document is about this issuer.
#[cfg(any(test, feature = "cli", feature = "internals"))]
pub(super) fn key_set_url(
    document: &[u8],
    issuer: &str,
    base: &SafeUrl,
    http: &HttpHosts,
) -> Result<SafeUrl, MetadataError> {
    url_in(document, issuer, base, http, MetadataUrl::KeySet)
}

/// Returns a URL in a metadata document, if the document is about this issuer.
///
/// The issuer must be named exactly as it was configured (OpenID Connect Discovery §4.3), or any
/// issuer's metadata could be substituted. Only an issuer on this machine can name a place that
/// is reached by plain http, unless the host is among those that were named for it.
pub(super) fn url_in(
    document: &[u8],
    issuer: &str,
    base: &SafeUrl,
    http: &HttpHosts,
    wanted: MetadataUrl,
) -> Result<SafeUrl, MetadataError> {
    let text = std::str::from_utf8(document).map_err(|_| MetadataError::Malformed)?;
    let Unique(document) = serde_json::from_str(text).map_err(|_| MetadataError::Malformed)?;
    let found = document.get("issuer").and_then(Value::as_str).ok_or(MetadataError::Malformed)?;
    if found != issuer {
        return Err(MetadataError::Issuer { found: found.into() });
    }
    let url = wanted.find(&document).ok_or(MetadataError::Malformed)?;
    let url = SafeUrl::parse(url, http).map_err(|_| MetadataError::Url)?;
    if url.is_https() || base.is_plain_and_local() || url.is_named(http) {
        return Ok(url);
    }
    Err(MetadataError::Url)
}

/// Reason why a metadata document is not used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MetadataError {
    Malformed,
    /// It is about this issuer. The name comes from outside.
    Issuer {
        found: Box<str>,
    },
    Url,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> SafeUrl {
        SafeUrl::parse(url, &HttpHosts::default()).unwrap()
    }

    #[test]
    fn all_places_are_asked() {
        let urls = |url| -> Vec<String> {
            metadata_urls(&base(url)).map(|url| url.uri().to_string()).collect()
        };
        assert_eq!(
            urls("https://i.example/tenant/"),
            [
                "https://i.example/tenant/.well-known/openid-configuration",
                "https://i.example/.well-known/oauth-authorization-server/tenant",
                "https://i.example/.well-known/openid-configuration/tenant",
            ]
        );
        for issuer in ["https://i.example", "https://i.example/"] {
            assert_eq!(
                urls(issuer),
                [
                    "https://i.example/.well-known/openid-configuration",
                    "https://i.example/.well-known/oauth-authorization-server",
                ]
            );
        }
    }

    #[cfg(feature = "security-events")]
    #[test]
    fn metadata_of_a_transmitter_are_where_these_have_them() {
        let place = "https://s.example/.well-known/ssf-configuration";
        for (issuer, urls) in [
            ("https://s.example", vec![place.to_owned()]),
            ("https://s.example/", vec![place.to_owned()]),
            (
                "https://s.example/a/b/",
                vec![
                    format!("{place}/a/b"),
                    "https://s.example/a/b/.well-known/ssf-configuration".to_owned(),
                ],
            ),
            ("https://s.example/.well-known/ssf-configuration/app", vec![format!("{place}/app")]),
        ] {
            for wanted in [MetadataUrl::TransmitterKeySet, MetadataUrl::StreamStatus] {
                let places = wanted.places(&base(issuer));
                assert_eq!(places, urls.iter().map(|url| base(url)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn plain_http_leads_to_named_hosts_alone() {
        let http = HttpHosts::parse(&["keycloak".to_owned()]).unwrap();
        for (issuer, keys, is_good) in [
            ("http://keycloak:8080", "http://keycloak:8080/keys", true),
            ("http://keycloak:8080", "https://keys.example/", true),
            ("https://login.example", "http://keycloak:8080/keys", true),
            ("http://127.0.0.1:1", "http://127.0.0.1:2/keys", true),
            ("http://keycloak:8080", "http://127.0.0.1/keys", false),
            ("http://keycloak:8080", "http://other/keys", false),
            ("http://127.0.0.1:1", "http://other/keys", false),
            ("https://login.example", "http://localhost/keys", false),
        ] {
            let document = serde_json::json!({"issuer": issuer, "jwks_uri": keys}).to_string();
            let base = SafeUrl::parse(issuer, &http).unwrap();
            let url = key_set_url(document.as_bytes(), issuer, &base, &http);
            assert_eq!(url.is_ok(), is_good, "{issuer} {keys}");
        }
    }

    #[test]
    fn the_document_must_be_about_this_issuer_and_lead_to_a_safe_place() {
        let issuer = "https://i.example/";
        let http = HttpHosts::default();
        let judge = |document: &str| key_set_url(document.as_bytes(), issuer, &base(issuer), &http);
        let keys = judge(r#"{"issuer":"https://i.example/","jwks_uri":"https://keys.example/"}"#);
        assert_eq!(keys, Ok(base("https://keys.example/")));
        for (document, error) in [
            (
                r#"{"issuer":"https://i.example","jwks_uri":"https://keys.example/"}"#,
                MetadataError::Issuer { found: "https://i.example".into() },
            ),
            (
                r#"{"issuer":"https://i.example/","jwks_uri":"http://keys.example/"}"#,
                MetadataError::Url,
            ),
            (
                r#"{"issuer":"https://i.example/","jwks_uri":"http://127.0.0.1/"}"#,
                MetadataError::Url,
            ),
            (r#"{"issuer":"https://i.example/","jwks_uri":"file:///keys"}"#, MetadataError::Url),
            (r#"{"issuer":"https://i.example/"}"#, MetadataError::Malformed),
            (
                r#"{"issuer":"https://i.example/","issuer":"x","jwks_uri":"https://k.example/"}"#,
                MetadataError::Malformed,
            ),
            (r#"["https://i.example/","https://keys.example/"]"#, MetadataError::Malformed),
            ("<html>", MetadataError::Malformed),
        ] {
            assert_eq!(judge(document).err(), Some(error), "{document}");
        }
    }
}
