//! `aud` (RFC 7519 §4.1.3): at least one of the configured audiences, byte by byte.

use crate::{claims::Claims, error::InvalidTokenReason};

pub(super) fn check(claims: &Claims, ours: &[String]) -> Result<(), InvalidTokenReason> {
    let named = claims
        .audience()
        .is_some_and(|audience| ours.iter().any(|accepted| audience.contains(accepted)));
    if named { Ok(()) } else { Err(InvalidTokenReason::Audience) }
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
}
