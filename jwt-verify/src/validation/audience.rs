//! `aud` (RFC 7519 §4.1.3): at least one of the configured audiences, byte by byte; or none at all,
//! for an issuer that writes none.

use crate::{claims::Claims, error::InvalidTokenReason};

/// An empty list of audiences accepts tokens that name none, and no others.
pub(super) fn check(claims: &Claims, ours: &[String]) -> Result<(), InvalidTokenReason> {
    let is_right = match claims.audience() {
        Some(audience) if !ours.is_empty() => ours.iter().any(|ours| audience.contains(ours)),
        Some(audience) => audience.is_empty(),
        None => ours.is_empty(),
    };
    if is_right { Ok(()) } else { Err(InvalidTokenReason::Audience) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn one_of_ours_must_be_named() {
        let ours = ["api".to_owned(), "api-2".to_owned()];
        for aud in [json!("api"), json!("api-2"), json!(["other", "api"])] {
            assert_eq!(check(&claims(&json!({ "aud": aud })), &ours), Ok(()), "{aud}");
        }
        for aud in [
            json!(""),
            json!([]),
            json!([""]),
            json!("api "),
            json!("API"),
            json!("ap"),
            json!("api,api-2"),
            json!("api api-2"),
        ] {
            assert_eq!(
                check(&claims(&json!({ "aud": aud })), &ours),
                Err(InvalidTokenReason::Audience),
                "{aud}"
            );
        }
        assert_eq!(check(&Claims::default(), &ours), Err(InvalidTokenReason::Audience));
    }

    #[test]
    fn without_an_audience_any_name_is_refused() {
        for good in [json!({}), json!({"aud": null}), json!({"aud": []})] {
            assert_eq!(check(&claims(&good), &[]), Ok(()), "{good}");
        }
        for aud in [json!(""), json!([""]), json!("api"), json!(["api"]), json!(["", "api"])] {
            let named = claims(&json!({ "aud": aud }));
            assert_eq!(check(&named, &[]), Err(InvalidTokenReason::Audience), "{aud}");
        }
    }
}
