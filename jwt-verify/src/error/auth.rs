//! Errors of requests.

use std::{borrow::Cow, sync::Arc, time::Duration};

use crate::error::{codes::codes, missing_grants::MissingGrants};

/// Reasons why a request was refused. Each variant has one response on the wire.
///
/// | variant | status | challenge |
/// | --- | --- | --- |
/// | [`MissingToken`](Self::MissingToken) | 401 | `Bearer`, without an error (RFC 6750 §3.1); with `scope` if it is known |
/// | [`InvalidRequest`](Self::InvalidRequest) | 400 | `error="invalid_request"` |
/// | [`ExpiredToken`](Self::ExpiredToken), [`InvalidToken`](Self::InvalidToken) | 401 | `error="invalid_token"` |
/// | [`Forbidden`](Self::Forbidden) | 403 | `error="insufficient_scope"` |
/// | [`StepUp`](Self::StepUp) | 401 | `error="insufficient_user_authentication"` (RFC 9470 §3) |
/// | [`InvalidProof`](Self::InvalidProof) | 401 | `DPoP`, `error="invalid_dpop_proof"` (RFC 9449 §7.1) |
/// | [`UseDpopNonce`](Self::UseDpopNonce) | 401 | `DPoP`, `error="use_dpop_nonce"`; `DPoP-Nonce` (RFC 9449 §9) |
/// | [`Csrf`](Self::Csrf) | 403 | none |
/// | [`TooManyProofs`](Self::TooManyProofs) | 429 | none; `Retry-After` |
/// | [`Unavailable`](Self::Unavailable) | 503 | none; `Retry-After` |
/// | [`KeyLookupLimited`](Self::KeyLookupLimited) | 429 | none; `Retry-After` (RFC 6585 §4) |
/// | [`Misconfigured`](Self::Misconfigured) | 500 | none |
///
/// Challenges use the scheme `Bearer` unless another is named; with [`Dpop`](crate::dpop::Dpop), a
/// challenge of the scheme `DPoP` replaces it or is added to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request has no credentials of a configured kind.
    #[error("authentication is required")]
    MissingToken,

    /// The credentials are malformed, or there is more than one.
    #[error("the request carries malformed or more than one credential")]
    InvalidRequest(InvalidRequestReason),

    /// The token is authentic, but has expired.
    #[error("the access token has expired")]
    ExpiredToken,

    /// The token is invalid. The reason is for logs; the caller is not told.
    #[error("the access token is not valid")]
    InvalidToken(InvalidTokenReason),

    /// The caller is authenticated, but may not do this.
    #[error("the access token does not grant what is required")]
    Forbidden(ForbiddenReason),

    /// The caller is authenticated and may do this, but has to log in again first, or in a stronger
    /// way (RFC 9470).
    #[error("{}", if acr_values.is_some() { "a stronger or more recent login is required" } else { "a more recent login is required" })]
    StepUp {
        /// Maximum age of the login, if that is limited.
        max_age: Option<Duration>,
        /// Authentication context classes of which one is enough, separated by spaces.
        acr_values: Option<Arc<str>>,
    },

    /// The token came under the `DPoP` scheme, and its proof is invalid. The reason is for logs;
    /// the caller is not told.
    #[error("the DPoP proof is not valid")]
    InvalidProof(InvalidProofReason),

    /// The DPoP proof must contain a current nonce of this server, and has none or an old one (RFC
    /// 9449 §9).
    #[error("the DPoP proof must contain the nonce of this response")]
    UseDpopNonce {
        /// Nonce to use.
        nonce: Arc<str>,
    },

    /// The credential came in a cookie, and the request has no evidence that the application's own
    /// page has sent it; or it came in a header that a proxy adds, and a page of another origin has
    /// caused the request.
    #[error("the request does not carry a valid CSRF token")]
    Csrf,

    /// The key of a DPoP proof has made so many recently that no more of them can be stored. The
    /// proof may be valid and has not been used: the same client may try again later, with a new
    /// one.
    #[error("too many DPoP proofs of this key have been used lately")]
    TooManyProofs {
        /// Time after which another attempt makes sense.
        retry_after: Duration,
    },

    /// The token could not be checked because a dependency of this library is unreachable. The
    /// token may be valid: keep it and try again.
    #[error("authentication is temporarily unavailable")]
    Unavailable {
        /// Time after which another attempt makes sense.
        retry_after: Duration,
    },

    /// The key that the token names is not cached, and was not requested from the issuer, because
    /// tokens with unknown keys have caused too many requests recently. The token may be valid:
    /// keep it and try again.
    ///
    /// Any caller can cause this for tokens of keys that are not cached, and for no others. So it
    /// is not 401, which makes clients discard tokens, and not 503, which makes load balancers take
    /// healthy instances out of service.
    #[error("the key of the access token cannot be looked up at the moment")]
    KeyLookupLimited {
        /// Time after which the issuer may be asked again.
        retry_after: Duration,
    },

    /// The application lacks a required setting. The log names it.
    #[error("the server is not set up to authenticate this request")]
    Misconfigured,
}

impl AuthError {
    /// Returns a stable name of the variant, for clients and for metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::InvalidRequest(_) => "invalid_request",
            Self::ExpiredToken => "token_expired",
            Self::InvalidToken(_) => "invalid_token",
            Self::Forbidden(_) => "insufficient_scope",
            Self::StepUp { .. } => "insufficient_user_authentication",
            Self::InvalidProof(_) => "invalid_dpop_proof",
            Self::UseDpopNonce { .. } => "use_dpop_nonce",
            Self::Csrf => "csrf",
            Self::TooManyProofs { .. } => "too_many_proofs",
            Self::Unavailable { .. } => "temporarily_unavailable",
            Self::KeyLookupLimited { .. } => "key_lookup_limited",
            Self::Misconfigured => "server_error",
        }
    }

    /// Returns the detailed reason within the variant, for logs and metrics. Never sent to a
    /// caller.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::InvalidRequest(reason) => reason.code(),
            Self::InvalidToken(reason) => reason.code(),
            Self::InvalidProof(reason) => reason.code(),
            Self::Forbidden(missing) => missing.code(),
            Self::MissingToken
            | Self::ExpiredToken
            | Self::StepUp { .. }
            | Self::UseDpopNonce { .. }
            | Self::Csrf
            | Self::TooManyProofs { .. }
            | Self::Unavailable { .. }
            | Self::KeyLookupLimited { .. }
            | Self::Misconfigured => self.code(),
        }
    }
}

impl AuthError {
    /// Returns `true` if the caller was not checked: something was out of reach, asked too often or
    /// not set up.
    pub(crate) const fn is_failure(&self) -> bool {
        match self {
            Self::TooManyProofs { .. }
            | Self::Unavailable { .. }
            | Self::KeyLookupLimited { .. }
            | Self::Misconfigured => true,
            Self::MissingToken
            | Self::InvalidRequest(_)
            | Self::ExpiredToken
            | Self::InvalidToken(_)
            | Self::Forbidden(_)
            | Self::StepUp { .. }
            | Self::InvalidProof(_)
            | Self::UseDpopNonce { .. }
            | Self::Csrf => false,
        }
    }

    /// Returns the claim because of whose type or value a token was refused, for logs: a name of a
    /// fixed set, such as `sub`. `None` if the reason lies elsewhere.
    pub const fn claim(&self) -> Option<&'static str> {
        match self {
            Self::ExpiredToken => Some("exp"),
            Self::InvalidToken(reason) => reason.claim(),
            _ => None,
        }
    }

    /// Returns the algorithm because of which a token was refused, for logs: a name that IANA has
    /// registered, such as `HS256`. `None` for other names, which may be hostile.
    pub const fn algorithm(&self) -> Option<&'static str> {
        match self {
            Self::InvalidToken(reason) => reason.algorithm(),
            _ => None,
        }
    }
}

impl From<InvalidTokenReason> for AuthError {
    fn from(reason: InvalidTokenReason) -> Self {
        Self::InvalidToken(reason)
    }
}

impl From<InvalidProofReason> for AuthError {
    fn from(reason: InvalidProofReason) -> Self {
        Self::InvalidProof(reason)
    }
}

impl From<InvalidRequestReason> for AuthError {
    fn from(reason: InvalidRequestReason) -> Self {
        Self::InvalidRequest(reason)
    }
}

/// Reasons why credentials could not be read from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequestReason {
    /// The header that should contain the credential does not have its syntax.
    Malformed,
    /// More than one credential was presented (RFC 6750 §2).
    Ambiguous,
}

impl InvalidRequestReason {
    /// Returns a stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed_credential",
            Self::Ambiguous => "ambiguous_credential",
        }
    }
}

/// A requirement that the caller does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForbiddenReason {
    /// Roles; holds those of every list that is not met. Callers are not told, since roles describe the
    /// inside of the application, unless
    /// [`JwtAuthBuilder::reveal_roles`](crate::JwtAuthBuilder::reveal_roles) is set.
    Role(Arc<[Cow<'static, str>]>),
    /// Permissions; holds those of every list that is not met, separated by spaces, for the `scope`
    /// attribute of the challenge (RFC 6750 §3).
    Permission(Arc<str>),
    /// Scopes of the token; holds the needed ones, as above.
    Scope(Arc<str>),
    /// Names of more than one kind, such as a role and a scope, or names besides a claim; holds all of
    /// them. The [`code`](Self::code) is that of the part that comes first.
    Several(MissingGrants),
    /// A claim that is absent or has another value than required, or a forbidden one.
    UnmetCondition,
    /// A rule of the application: a policy or an [`Authorizer`](crate::authorization::Authorizer).
    Policy,
}

impl ForbiddenReason {
    /// Returns a stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Role(_) => "missing_role",
            Self::Permission(_) => "missing_permission",
            Self::Scope(_) => "missing_scope",
            Self::Several(missing) => missing.code,
            Self::UnmetCondition => "condition_not_met",
            Self::Policy => "denied_by_policy",
        }
    }

    /// Returns the permissions and scopes that a client has to request, separated by spaces, as in the
    /// challenge; `None` if none are missing.
    pub fn scope(&self) -> Option<&Arc<str>> {
        let scope = match self {
            Self::Permission(scope) | Self::Scope(scope) => scope,
            Self::Several(missing) => &missing.names.scope,
            Self::Role(_) | Self::UnmetCondition | Self::Policy => return None,
        };
        Some(scope).filter(|scope| !scope.is_empty())
    }

    /// Returns the missing roles; `None` if none are missing.
    pub fn roles(&self) -> Option<&[Cow<'static, str>]> {
        match self {
            Self::Role(roles) => Some(roles),
            Self::Several(missing) => Some(missing.roles()).filter(|roles| !roles.is_empty()),
            Self::Permission(_) | Self::Scope(_) | Self::UnmetCondition | Self::Policy => None,
        }
    }
}

codes! {
    /// Reasons why a token is invalid. For logs, metrics and error hooks; callers are not told,
    /// since the difference would only help attackers.
    #[non_exhaustive]
    pub enum InvalidTokenReason {
        /// Longer than the configured limit.
        TooLarge => "too_large",
        /// Not three non-empty segments, of which the first two are canonical base64url (RFC 7515
        /// §7.1, RFC 4648 §5). A third that is not counts as an invalid signature.
        Malformed => "form",
        /// Five segments: an encrypted token (RFC 7516 §7.1). None can be decrypted.
        Encrypted => "encrypted",
        /// The header is not a JSON object of the expected shape, or has a member twice (RFC 7515
        /// §4).
        Header => "header",
        /// `alg` is not a registered name (RFC 8725 §3.1).
        Algorithm => "algorithm",
        /// `alg` is registered, and not supported or not on the allow-list (RFC 8725 §3.1); holds
        /// the name.
        AlgorithmNotAccepted(&'static str) => "algorithm",
        /// `crit`, `b64`, `zip` or `enc` require an unsupported extension (RFC 7515 §4.1.11).
        UnsupportedHeader => "unsupported_header",
        /// The `typ` header parameter, or several claims together, show that this is not the
        /// expected kind of token (RFC 8725 §3.11).
        TokenType => "token_type",
        /// A claim shows that this is not an access token (RFC 8725 §3.11); holds its name.
        TokenTypeClaim(&'static str) => "token_type",
        /// The payload is not a JSON object, or has a member twice (RFC 7519 §4).
        Payload => "payload",
        /// A registered claim has a wrong type or an impossible value (RFC 7519 §4.1); holds its
        /// name.
        ClaimType(&'static str) => "payload",
        /// No key of the issuer fits the token. While there are no keys at all, a token whose
        /// claims are invalid too is refused with this, and causes no request for keys.
        UnknownKey => "unknown_key",
        /// The signature does not verify.
        Signature => "signature",
        /// `iss` is missing or not trusted.
        Issuer => "issuer",
        /// `aud` is missing or does not name this API.
        Audience => "audience",
        /// `exp` is missing.
        MissingExpiry => "missing_expiry",
        /// `nbf` is in the future.
        NotYetValid => "not_yet_valid",
        /// `iat` is in the future.
        IssuedAt => "issued_at",
        /// The dates contradict each other, or the lifetime is longer than allowed.
        LifetimeTooLong => "lifetime",
        /// `sub` is missing although required.
        Subject => "subject",
        /// A claim that the token profile, this kind of token or a setting requires is missing or
        /// empty (RFC 9068 §2.2); holds its name.
        MissingClaim(&'static str) => "missing_claim",
        /// The token is bound (`cnf`), and came without a proof of its key, or over a connection
        /// without its certificate; or it is not bound, and came with a proof or has to be bound
        /// (RFC 7800 §3, RFC 8705 §3, RFC 9449 §7.1).
        SenderConstraint => "confirmation",
        /// The client is not on the allow-list; holds the claim that names it, or `azp` if none
        /// does.
        ClientNotAllowed(&'static str) => "client",
        /// The claims do not have the shape of the application's claims type.
        ClaimsShape => "claims_shape",
        /// The `nonce` of an ID token is not that of the login (OIDC Core §3.1.3.7).
        Nonce => "nonce",
        /// `auth_time` of an ID token is in the future.
        AuthTime => "auth_time",
        /// A hash in an ID token does not match the code or token received with it, or is missing
        /// although required (OIDC Core §3.1.3.6, §3.3.2.11).
        TokenHash => "token_hash",
        /// An [`Authenticator`](crate::extract::Authenticator) of the application does not accept the
        /// credential.
        Credential => "credential",
        /// A validator of the application refused the token.
        CustomValidator => "validator",
        /// The token, its session or its subject's tokens have been revoked.
        Revoked => "revoked",
        /// The issuer's introspection endpoint does not know the token as active: it was revoked, has
        /// expired, or never existed (RFC 7662 §2.2).
        Inactive => "inactive",
        /// The token's subject is not, or no longer, a user of the application.
        UnknownUser => "unknown_user",
        /// An API key that is not `PREFIX_` and 40 characters of base62 of which the last six check
        /// the others.
        ApiKeyForm => "api_key_form",
        /// An API key that is not, or no longer, in the store.
        UnknownApiKey => "unknown_api_key",
    }
}

impl InvalidTokenReason {
    /// Returns the claim that is the reason, for logs: a name of a fixed set, such as `sub`. `None`
    /// if the reason lies elsewhere.
    pub const fn claim(self) -> Option<&'static str> {
        match self {
            Self::ClaimType(name)
            | Self::TokenTypeClaim(name)
            | Self::MissingClaim(name)
            | Self::ClientNotAllowed(name) => Some(name),
            Self::Issuer => Some("iss"),
            Self::Audience => Some("aud"),
            Self::MissingExpiry => Some("exp"),
            Self::NotYetValid => Some("nbf"),
            Self::IssuedAt => Some("iat"),
            Self::Subject => Some("sub"),
            Self::Nonce => Some("nonce"),
            Self::AuthTime => Some("auth_time"),
            Self::SenderConstraint => Some("cnf"),
            _ => None,
        }
    }

    /// Returns the algorithm that is the reason, for logs: a name that IANA has registered. `None`
    /// for other reasons and names.
    pub const fn algorithm(self) -> Option<&'static str> {
        match self {
            Self::AlgorithmNotAccepted(name) => Some(name),
            _ => None,
        }
    }
}

codes! {
    /// Reasons why a DPoP proof is invalid (RFC 9449 §4.3). For logs, metrics and error hooks.
    #[non_exhaustive]
    pub enum InvalidProofReason {
        /// The request has no `DPoP` header.
        Missing => "proof_missing",
        /// The request has more than one `DPoP` header.
        Ambiguous => "proof_ambiguous",
        /// Longer than 8 KiB.
        TooLarge => "proof_too_large",
        /// Not one JWS in compact form whose segments are canonical base64url.
        Malformed => "proof_form",
        /// The header is not a JSON object of the expected shape, has a member twice, or requires
        /// an unsupported extension.
        Header => "proof_header",
        /// The `typ` header parameter is not `dpop+jwt`.
        TokenType => "proof_type",
        /// `alg` is unknown or not on the allow-list for proofs.
        Algorithm => "proof_algorithm",
        /// `jwk` is absent, or not a public key that is strong enough and fits `alg`.
        Key => "proof_key",
        /// The signature does not verify.
        Signature => "proof_signature",
        /// The payload is not a JSON object of the expected shape, or has a member twice.
        Payload => "proof_payload",
        /// `htm` is not the method of the request.
        Method => "proof_method",
        /// `htu` is not the target of the request.
        Target => "proof_target",
        /// `ath` is not the hash of the access token.
        TokenHash => "proof_token_hash",
        /// `iat` is missing, not a whole number, too far in the past, or in the future.
        IssuedAt => "proof_issued_at",
        /// `exp` is present and in the past (RFC 7519 §4.1.4).
        Expired => "proof_expired",
        /// `nbf` is present and in the future (RFC 7519 §4.1.5).
        NotYetValid => "proof_not_yet_valid",
        /// `jti` is missing, empty or too long.
        TokenId => "proof_token_id",
        /// The proof has been used before.
        Replayed => "proof_replayed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_does_not_change_the_code() {
        let named = AuthError::from(InvalidTokenReason::ClaimType("sub"));
        assert_eq!(named.reason(), AuthError::from(InvalidTokenReason::Payload).reason());
        assert_eq!((named.claim(), named.algorithm()), (Some("sub"), None));
        let other = AuthError::from(InvalidTokenReason::AlgorithmNotAccepted("HS256"));
        assert_eq!(other.reason(), AuthError::from(InvalidTokenReason::Algorithm).reason());
        assert_eq!((other.claim(), other.algorithm()), (None, Some("HS256")));
        assert_eq!(AuthError::ExpiredToken.claim(), Some("exp"));
        assert_eq!(AuthError::from(InvalidTokenReason::Signature).claim(), None);
        assert_eq!(AuthError::MissingToken.claim(), None);
    }

    #[test]
    fn codes_are_what_clients_and_dashboards_know() {
        let unavailable = AuthError::Unavailable { retry_after: Duration::ZERO };
        let limited = AuthError::KeyLookupLimited { retry_after: Duration::ZERO };
        for (error, code, reason) in [
            (AuthError::MissingToken, "missing_token", "missing_token"),
            (InvalidRequestReason::Malformed.into(), "invalid_request", "malformed_credential"),
            (InvalidRequestReason::Ambiguous.into(), "invalid_request", "ambiguous_credential"),
            (AuthError::ExpiredToken, "token_expired", "token_expired"),
            (InvalidTokenReason::Signature.into(), "invalid_token", "signature"),
            (InvalidTokenReason::UnknownKey.into(), "invalid_token", "unknown_key"),
            (
                AuthError::Forbidden(ForbiddenReason::Role([].into())),
                "insufficient_scope",
                "missing_role",
            ),
            (
                AuthError::Forbidden(ForbiddenReason::Permission("a".into())),
                "insufficient_scope",
                "missing_permission",
            ),
            (
                AuthError::StepUp { max_age: None, acr_values: None },
                "insufficient_user_authentication",
                "insufficient_user_authentication",
            ),
            (AuthError::Csrf, "csrf", "csrf"),
            (
                AuthError::TooManyProofs { retry_after: Duration::ZERO },
                "too_many_proofs",
                "too_many_proofs",
            ),
            (unavailable, "temporarily_unavailable", "temporarily_unavailable"),
            (limited, "key_lookup_limited", "key_lookup_limited"),
            (AuthError::Misconfigured, "server_error", "server_error"),
        ] {
            assert_eq!((error.code(), error.reason()), (code, reason));
        }
    }
}
