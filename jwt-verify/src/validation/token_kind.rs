//! Tokens of one kind are never accepted as another (RFC 8725 §3.12).

use std::time::Duration;

#[cfg(feature = "jwks")]
use super::introspected;
use super::{TokenProfile, profile::require_claims, token_type};
#[cfg(feature = "jwks")]
use crate::defaults::INTROSPECTION_ANSWER_AGE;
use crate::{
    claims::Claims, defaults::LOGOUT_TOKEN_AGE, error::InvalidTokenReason, json::Json,
    token::TypeName,
};

/// The kind of token that a verifier accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Access(TokenProfile),
    /// A refresh token of this library's issuer.
    #[cfg(feature = "issuing")]
    Refresh,
    /// An ID token (OIDC Core §2).
    Id,
    /// A logout token (OIDC Back-Channel Logout §2.4).
    Logout,
    /// An access token of which an introspection endpoint has told (RFC 7662 §2.2).
    #[cfg(feature = "jwks")]
    Introspected(TokenProfile),
    /// A signed answer of an introspection endpoint (RFC 9701 §5).
    #[cfg(feature = "jwks")]
    IntrospectionAnswer,
    /// A security event token (RFC 8417), good for this time after its `iat`.
    #[cfg(feature = "security-events")]
    SecurityEvent {
        max_age: Duration,
    },
}

/// The `typ` of refresh tokens.
#[cfg(feature = "issuing")]
pub(crate) const REFRESH_TYPE: &str = "rt+jwt";

/// The `typ` of signed answers of an introspection endpoint.
#[cfg(feature = "jwks")]
const INTROSPECTION_TYPE: &str = "token-introspection+jwt";

/// The `typ` of security event tokens (RFC 8417 §2.3).
#[cfg(feature = "security-events")]
const SECURITY_EVENT_TYPE: &str = "secevent+jwt";

/// The claim of a signed answer that holds what an unsigned one consists of.
#[cfg(feature = "jwks")]
pub(crate) const TOKEN_INTROSPECTION: &str = "token_introspection";

/// The event that makes a token a logout token.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

impl TokenKind {
    pub(super) fn check_type(self, token_type: Option<&str>) -> Result<(), InvalidTokenReason> {
        let name = token_type.map(TypeName::new);
        let accepted = match self {
            Self::Access(profile) => return profile.check_type(token_type),
            #[cfg(feature = "issuing")]
            Self::Refresh => name.is_some_and(|name| name.is(REFRESH_TYPE)),
            Self::Id => name.is_none_or(|name| name.is("JWT") || name.is("JOSE")),
            Self::Logout => {
                name.is_none_or(|name| name.is("logout+jwt") || name.is("JWT") || name.is("JOSE"))
            }
            // There is no header.
            #[cfg(feature = "jwks")]
            Self::Introspected(_) => true,
            #[cfg(feature = "jwks")]
            Self::IntrospectionAnswer => name.is_some_and(|name| name.is(INTROSPECTION_TYPE)),
            #[cfg(feature = "security-events")]
            Self::SecurityEvent { .. } => name.is_some_and(|name| name.is(SECURITY_EVENT_TYPE)),
        };
        if accepted { Ok(()) } else { Err(InvalidTokenReason::TokenType) }
    }

    pub(super) fn check_claims(
        self,
        claims: &Claims,
        accept_id_tokens: bool,
    ) -> Result<(), InvalidTokenReason> {
        if let Self::Access(profile) = self {
            token_type::check(claims, accept_id_tokens)?;
            return profile.check_claims(claims);
        }
        #[cfg(feature = "jwks")]
        if let Self::Introspected(profile) = self {
            introspected::check(claims)?;
            return profile.check_claims(claims);
        }
        let is_text = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        let is_event = claims.find("events").is_some();
        let purpose = claims.find("token_use");
        let subject = ("sub", is_text(claims.subject()));
        let token_id = ("jti", claims.token_id().is_some());
        let issued_at = ("iat", claims.issued_at().is_some());
        let is_this_kind = match self {
            // Checked above.
            Self::Access(_) => false,
            #[cfg(feature = "issuing")]
            Self::Refresh => purpose.is_some_and(|purpose| purpose.is_text("refresh")) && !is_event,
            // Keycloak writes `typ`; Entra and Okta add `scp` to access tokens.
            Self::Id => {
                purpose.is_none_or(|purpose| purpose.is_text("id"))
                    && claims.find("typ").is_none_or(|kind| kind.is_text("ID"))
                    && claims.find("scp").is_none()
                    && !is_event
            }
            Self::Logout => {
                let event = claims.find("events").and_then(|events| events.get(LOGOUT_EVENT));
                event.is_some_and(Json::is_object) && claims.find("nonce").is_none()
            }
            // Checked above.
            #[cfg(feature = "jwks")]
            Self::Introspected(_) => false,
            #[cfg(feature = "jwks")]
            Self::IntrospectionAnswer => {
                claims.find(TOKEN_INTROSPECTION).is_some_and(Json::is_object)
            }
            #[cfg(feature = "security-events")]
            Self::SecurityEvent { .. } => {
                claims.find("events").is_some_and(|events| events.members().next().is_some())
            }
        };
        if !is_this_kind {
            return Err(InvalidTokenReason::TokenType);
        }
        match self {
            Self::Access(_) => Ok(()),
            #[cfg(feature = "issuing")]
            Self::Refresh => {
                require_claims([subject, token_id, ("sid", claims.find_text("sid").is_some())])
            }
            Self::Id => require_claims([subject, issued_at]),
            Self::Logout => {
                let session = subject.1 || is_text(claims.find_text("sid"));
                require_claims([("sid", session), token_id, issued_at])
            }
            #[cfg(feature = "jwks")]
            Self::Introspected(_) => Ok(()),
            #[cfg(feature = "jwks")]
            Self::IntrospectionAnswer => require_claims([issued_at]),
            #[cfg(feature = "security-events")]
            Self::SecurityEvent { .. } => {
                require_claims([("jti", is_text(claims.token_id())), issued_at])
            }
        }
    }

    /// Returns the end of a token without `exp`, for the kinds that issuers write without: a logout
    /// token, which the first drafts of the specification gave none, an answer of an introspection
    /// endpoint, which should have none (RFC 9701 §5), and a security event token (RFC 8417 §2.2).
    pub(super) fn end_without_expiry(self, claims: &Claims) -> Option<Duration> {
        let age = match self {
            Self::Logout => LOGOUT_TOKEN_AGE,
            #[cfg(feature = "jwks")]
            Self::IntrospectionAnswer => INTROSPECTION_ANSWER_AGE,
            #[cfg(feature = "security-events")]
            Self::SecurityEvent { max_age } => max_age,
            _ => return None,
        };
        Some(claims.issued_at()?.since_epoch().saturating_add(age))
    }

    /// Returns `true` for a kind that ends as early with `exp` as without: an answer of an introspection
    /// endpoint, which would otherwise count as new for as long as its `exp` says, and a security event
    /// token, which is kept for no longer than that.
    pub(super) fn is_always_brief(self) -> bool {
        match self {
            #[cfg(feature = "jwks")]
            Self::IntrospectionAnswer => true,
            #[cfg(feature = "security-events")]
            Self::SecurityEvent { .. } => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::validation::claims;

    #[test]
    fn only_an_id_token_is_an_id_token() {
        let id = json!({"sub": "s", "iat": 1, "nonce": "n"});
        assert_eq!(TokenKind::Id.check_claims(&claims(&id), false), Ok(()));
        for (name, value) in [
            ("token_use", json!("access")),
            ("events", json!({})),
            ("typ", json!("Bearer")),
            ("scp", json!("x")),
        ] {
            let mut other = id.clone();
            other[name] = value;
            assert_eq!(
                TokenKind::Id.check_claims(&claims(&other), false),
                Err(InvalidTokenReason::TokenType)
            );
        }
        for name in ["sub", "iat"] {
            let mut part = id.clone();
            part.as_object_mut().unwrap().remove(name);
            assert_eq!(
                TokenKind::Id.check_claims(&claims(&part), false),
                Err(InvalidTokenReason::MissingClaim(name))
            );
        }
        for typ in [Some("at+jwt"), Some("rt+jwt"), Some("logout+jwt")] {
            assert!(TokenKind::Id.check_type(typ).is_err(), "{typ:?}");
        }
        assert!(
            TokenKind::Id.check_type(None).is_ok() && TokenKind::Id.check_type(Some("JWT")).is_ok()
        );
    }

    #[test]
    fn only_a_logout_token_is_a_logout_token() {
        let logout = json!({"sid": "x", "iat": 1, "jti": "j", "events": {LOGOUT_EVENT: {}}});
        assert_eq!(TokenKind::Logout.check_claims(&claims(&logout), false), Ok(()));
        let with = |name: &str, value: Option<Value>| {
            let mut other = logout.clone();
            match value {
                Some(value) => other[name] = value,
                None => drop(other.as_object_mut().unwrap().remove(name)),
            }
            TokenKind::Logout.check_claims(&claims(&other), false)
        };
        assert_eq!(with("nonce", Some(json!("n"))), Err(InvalidTokenReason::TokenType));
        assert_eq!(with("events", None), Err(InvalidTokenReason::TokenType));
        assert_eq!(
            with("events", Some(json!({LOGOUT_EVENT: true}))),
            Err(InvalidTokenReason::TokenType)
        );
        assert_eq!(with("events", Some(json!({"other": {}}))), Err(InvalidTokenReason::TokenType));
        for name in ["sid", "iat", "jti"] {
            assert_eq!(with(name, None), Err(InvalidTokenReason::MissingClaim(name)), "{name}");
        }
        assert_eq!(with("sub", Some(json!("s"))), Ok(()));
    }

    #[cfg(feature = "security-events")]
    #[test]
    fn only_a_security_event_token_is_one() {
        let kind = TokenKind::SecurityEvent { max_age: Duration::from_secs(60) };
        let event = json!({"jti": "j", "iat": 1000, "events": {"urn:x": {}}});
        assert_eq!(kind.check_claims(&claims(&event), false), Ok(()));
        for (name, value, reason) in [
            ("events", json!({}), InvalidTokenReason::TokenType),
            ("events", json!([{}]), InvalidTokenReason::TokenType),
            ("events", json!("{}"), InvalidTokenReason::TokenType),
            ("jti", json!(""), InvalidTokenReason::MissingClaim("jti")),
        ] {
            let mut other = event.clone();
            other[name] = value;
            assert_eq!(kind.check_claims(&claims(&other), false), Err(reason));
        }
        for typ in ["secevent+jwt", "application/secevent+jwt", "SecEvent+JWT"] {
            assert!(kind.check_type(Some(typ)).is_ok(), "{typ}");
        }
        for typ in [None, Some("JWT"), Some("at+jwt"), Some("logout+jwt"), Some("secevent")] {
            assert!(kind.check_type(typ).is_err(), "{typ:?}");
        }
        assert_eq!(kind.end_without_expiry(&claims(&event)), Some(Duration::from_secs(1060)));
        assert!(kind.is_always_brief());
        let access = TokenKind::Access(TokenProfile::Jwt);
        assert!(access.check_type(Some("secevent+jwt")).is_err());
        assert!(access.check_claims(&claims(&event), true).is_err());
    }

    #[test]
    fn a_logout_token_alone_ends_without_expiry() {
        let issued = claims(&json!({"iat": 1000}));
        let end = TokenKind::Logout.end_without_expiry(&issued);
        assert_eq!(end, Some(Duration::from_secs(1300)));
        assert_eq!(TokenKind::Logout.end_without_expiry(&claims(&json!({}))), None);
        for kind in [
            TokenKind::Id,
            TokenKind::Access(TokenProfile::Jwt),
            TokenKind::Access(TokenProfile::AccessToken),
            #[cfg(feature = "issuing")]
            TokenKind::Refresh,
        ] {
            assert_eq!(kind.end_without_expiry(&issued), None, "{kind:?}");
        }
    }

    #[cfg(feature = "issuing")]
    #[test]
    fn only_a_refresh_token_is_a_refresh_token() {
        let refresh = json!({"sub": "s", "jti": "j", "sid": "x", "token_use": "refresh"});
        assert_eq!(TokenKind::Refresh.check_claims(&claims(&refresh), false), Ok(()));
        for name in ["sub", "jti", "sid", "token_use"] {
            let mut part = refresh.clone();
            part.as_object_mut().unwrap().remove(name);
            assert!(TokenKind::Refresh.check_claims(&claims(&part), false).is_err(), "{name}");
        }
        assert!(TokenKind::Refresh.check_type(Some("rt+jwt")).is_ok());
        for typ in [None, Some("JWT"), Some("at+jwt")] {
            assert!(TokenKind::Refresh.check_type(typ).is_err(), "{typ:?}");
        }
    }
}
