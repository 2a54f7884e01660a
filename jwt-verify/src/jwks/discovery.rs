//! The metadata of an issuer (OpenID Connect Discovery §4, RFC 8414 §3).

use serde_json::Value;

use super::endpoint::SafeUrl;
use crate::json::Unique;

/// URLs of the metadata, in the order in which they are tried. An issuer with a path may publish at
/// either; the second is tried only if the first responds with 404.
pub(super) fn metadata_urls(base: &SafeUrl) -> impl Iterator<Item = SafeUrl> {
    let path = base.bare_path();
    let openid = format!("{path}/.well-known/openid-configuration");
    let oauth = format!("/.well-known/oauth-authorization-server{path}");
    [base.with_path(&openid), base.with_path(&oauth)].into_iter().flatten()
}

/// Returns the URL of the key set in a metadata document, if the document is about this issuer.
///
/// The issuer must be named exactly as it was configured (OpenID Connect Discovery §4.3), or any
/// issuer's metadata could be substituted. An issuer reached over https cannot name a key set at
/// plain http.
pub(super) fn key_set_url(
    document: &[u8],
    issuer: &str,
    base: &SafeUrl,
) -> Result<SafeUrl, MetadataError> {
    let text = std::str::from_utf8(document).map_err(|_| MetadataError::Malformed)?;
    let Unique(document) = serde_json::from_str(text).map_err(|_| MetadataError::Malformed)?;
    let member = |name| document.get(name).and_then(Value::as_str).ok_or(MetadataError::Malformed);
    if member("issuer")? != issuer {
        return Err(MetadataError::Issuer);
    }
    let url = SafeUrl::parse(member("jwks_uri")?).map_err(|_| MetadataError::Url)?;
    if base.is_https() && !url.is_https() {
        return Err(MetadataError::Url);
    }
    Ok(url)
}

/// Reason why a metadata document is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetadataError {
    Malformed,
    Issuer,
    Url,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> SafeUrl {
        SafeUrl::parse(url).unwrap()
    }

    #[test]
    fn both_places_are_asked() {
        let urls = |url| -> Vec<String> {
            metadata_urls(&base(url)).map(|url| url.uri().to_string()).collect()
        };
        assert_eq!(
            urls("https://i.example/tenant/"),
            [
                "https://i.example/tenant/.well-known/openid-configuration",
                "https://i.example/.well-known/oauth-authorization-server/tenant",
            ]
        );
        assert_eq!(
            urls("https://i.example").first().unwrap(),
            "https://i.example/.well-known/openid-configuration"
        );
    }

    #[test]
    fn the_document_must_be_about_this_issuer_and_lead_to_a_safe_place() {
        let issuer = "https://i.example/";
        let judge = |document: &str| key_set_url(document.as_bytes(), issuer, &base(issuer));
        let keys = judge(r#"{"issuer":"https://i.example/","jwks_uri":"https://keys.example/"}"#);
        assert_eq!(keys, Ok(base("https://keys.example/")));
        for (document, error) in [
            (
                r#"{"issuer":"https://i.example","jwks_uri":"https://keys.example/"}"#,
                MetadataError::Issuer,
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
