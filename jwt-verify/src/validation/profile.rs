//! Expected kind of token (RFC 8725 §3.11, RFC 9068).

use crate::{claims::Claims, error::InvalidTokenReason, token::TypeName};

/// Strictness with which a token must declare itself to be an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TokenProfile {
    /// Accepts a `typ` header parameter that is absent, `JWT`, `JOSE` or `at+jwt`; the default,
    /// and what most issuers send. Tokens that declare another type are refused.
    #[default]
    Jwt,
    /// Requires the JWT profile for access tokens (RFC 9068 §2, §4): `typ` must be `at+jwt`, and
    /// `iss`, `exp`, `aud`, `sub`, `client_id`, `iat` and `jti` must be present. Choose it if the
    /// issuer supports it: an ID token of the same issuer can then never pass as an access token.
    AccessToken,
}

impl TokenProfile {
    pub(super) fn check_type(self, token_type: Option<&str>) -> Result<(), InvalidTokenReason> {
        let accepted = match (self, token_type.map(TypeName::new)) {
            (Self::Jwt, None) => true,
            // `JOSE` says no more than that the token is a JWS or a JWE (RFC 7515 §4.1.9).
            (Self::Jwt, Some(name)) => name.is("JWT") || name.is("at+jwt") || name.is("JOSE"),
            (Self::AccessToken, Some(name)) => name.is("at+jwt"),
            (Self::AccessToken, None) => false,
        };
        if accepted { Ok(()) } else { Err(InvalidTokenReason::TokenType) }
    }

    pub(super) fn check_claims(self, claims: &Claims) -> Result<(), InvalidTokenReason> {
        if self == Self::Jwt {
            return Ok(());
        }
        let is_text = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        require_claims([
            ("sub", is_text(claims.subject())),
            ("jti", is_text(claims.token_id())),
            ("client_id", is_text(claims.find_text("client_id"))),
            ("iat", claims.issued_at().is_some()),
        ])
    }
}

/// Refuses a token in which one of the claims is not present, and names the first.
pub(super) fn require_claims<const N: usize>(
    claims: [(&'static str, bool); N],
) -> Result<(), InvalidTokenReason> {
    match claims.into_iter().find(|(_, is_present)| !is_present) {
        Some((name, _)) => Err(InvalidTokenReason::MissingClaim(name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn types_are_compared_as_media_types() {
        for typ in [
            None,
            Some("JWT"),
            Some("jwt"),
            Some("JOSE"),
            Some("at+jwt"),
            Some("application/at+jwt"),
        ] {
            assert_eq!(TokenProfile::Jwt.check_type(typ), Ok(()), "{typ:?}");
        }
        for typ in ["", "dpop+jwt", "logout+jwt", "rt+jwt", "JWE", "at+jwt;v=1", "at+jwt "] {
            assert!(TokenProfile::Jwt.check_type(Some(typ)).is_err(), "{typ}");
        }
        for typ in ["at+jwt", "AT+JWT", "Application/AT+JWT"] {
            assert_eq!(TokenProfile::AccessToken.check_type(Some(typ)), Ok(()), "{typ}");
        }
        for typ in [None, Some("JWT"), Some("JOSE"), Some(""), Some("at+jwt;v=1")] {
            assert!(TokenProfile::AccessToken.check_type(typ).is_err(), "{typ:?}");
        }
    }

    #[test]
    fn the_strict_profile_asks_for_every_claim() {
        let whole = json!({"sub": "s", "jti": "j", "client_id": "c", "iat": 1});
        assert_eq!(TokenProfile::AccessToken.check_claims(&claims(&whole)), Ok(()));
        for name in ["sub", "jti", "client_id", "iat"] {
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove(name);
            let refused = Err(InvalidTokenReason::MissingClaim(name));
            assert_eq!(TokenProfile::AccessToken.check_claims(&claims(&part)), refused);
            assert_eq!(TokenProfile::Jwt.check_claims(&claims(&part)), Ok(()));
        }
    }
}
