//! The metadata of an issuer (OpenID Connect Discovery §4, RFC 8414 §3).

use serde_json::Value;

use super::location::SafeUrl;
use crate::json::Unique;

/// Where the metadata may be, in the order in which to ask. Both are tried, since issuers with a
/// path publish at either; the next is asked only if the one before says 404.
pub(super) fn addresses(base: &SafeUrl) -> impl Iterator<Item = SafeUrl> {
    let path = base.bare_path();
    let openid = format!("{path}/.well-known/openid-configuration");
    let oauth = format!("/.well-known/oauth-authorization-server{path}");
    [base.with_path(&openid), base.with_path(&oauth)].into_iter().flatten()
}

/// The address of the key set in a metadata document, if the document is about this issuer.
///
/// The issuer must be named exactly as it was configured (OpenID Connect Discovery §4.3), or any
/// issuer's metadata could stand in for it. An issuer reached over https cannot send its readers to
/// plain http.
pub(super) fn key_set_address(
    document: &[u8],
    issuer: &str,
    base: &SafeUrl,
) -> Result<SafeUrl, Mismatch> {
    let text = std::str::from_utf8(document).map_err(|_| Mismatch::Malformed)?;
    let Unique(document) = serde_json::from_str(text).map_err(|_| Mismatch::Malformed)?;
    let member = |name| document.get(name).and_then(Value::as_str).ok_or(Mismatch::Malformed);
    if member("issuer")? != issuer {
        return Err(Mismatch::Issuer);
    }
    let url = SafeUrl::parse(member("jwks_uri")?).map_err(|_| Mismatch::Url)?;
    if base.is_https() && !url.is_https() {
        return Err(Mismatch::Url);
    }
    Ok(url)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mismatch {
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
        let addresses = |url| -> Vec<String> {
            addresses(&base(url)).map(|address| address.uri().to_string()).collect()
        };
        assert_eq!(
            addresses("https://i.example/tenant/"),
            [
                "https://i.example/tenant/.well-known/openid-configuration",
                "https://i.example/.well-known/oauth-authorization-server/tenant",
            ]
        );
        assert_eq!(
            addresses("https://i.example").first().unwrap(),
            "https://i.example/.well-known/openid-configuration"
        );
    }

    #[test]
    fn the_document_must_be_about_this_issuer_and_lead_to_a_safe_place() {
        let issuer = "https://i.example/";
        let judge = |document: &str| key_set_address(document.as_bytes(), issuer, &base(issuer));
        let keys = judge(r#"{"issuer":"https://i.example/","jwks_uri":"https://keys.example/"}"#);
        assert_eq!(keys, Ok(base("https://keys.example/")));
        for (document, mismatch) in [
            (
                r#"{"issuer":"https://i.example","jwks_uri":"https://keys.example/"}"#,
                Mismatch::Issuer,
            ),
            (r#"{"issuer":"https://i.example/","jwks_uri":"http://keys.example/"}"#, Mismatch::Url),
            (r#"{"issuer":"https://i.example/","jwks_uri":"http://127.0.0.1/"}"#, Mismatch::Url),
            (r#"{"issuer":"https://i.example/","jwks_uri":"file:///keys"}"#, Mismatch::Url),
            (r#"{"issuer":"https://i.example/"}"#, Mismatch::Malformed),
            (
                r#"{"issuer":"https://i.example/","issuer":"x","jwks_uri":"https://k.example/"}"#,
                Mismatch::Malformed,
            ),
            (r#"["https://i.example/","https://keys.example/"]"#, Mismatch::Malformed),
            ("<html>", Mismatch::Malformed),
        ] {
            assert_eq!(judge(document).err(), Some(mismatch), "{document}");
        }
    }
}
