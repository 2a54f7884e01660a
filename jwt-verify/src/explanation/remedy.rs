//! Settings, and actions at the issuer, that mend a failed check.

use crate::error::{AuthError, InvalidTokenReason as Reason};

/// Returns what mends the failure of a check.
pub(crate) fn remedy(check: &str, error: &AuthError) -> Option<&'static str> {
    let reason = match error {
        AuthError::InvalidToken(reason) => *reason,
        AuthError::ExpiredToken => {
            return Some("get a new token; if it is new, compare the clocks of both machines");
        }
        AuthError::Unavailable { .. } if check == "revocation" => {
            return Some("the revocation store cannot be reached");
        }
        AuthError::Unavailable { .. } | AuthError::KeyLookupLimited { .. } => {
            return Some("look at the log and at the health route: the keys cannot be fetched");
        }
        AuthError::Forbidden(_) => {
            return Some(
                "grant the user what is missing, and have the client ask for the scopes; or change the requirement",
            );
        }
        AuthError::StepUp { .. } => return Some("a new login, as the challenge asks for it"),
        AuthError::MissingToken => return Some("send `Authorization: Bearer TOKEN`"),
        AuthError::InvalidRequest(_) => {
            return Some("send one token, as `Authorization: Bearer TOKEN`");
        }
        AuthError::InvalidProof(_) | AuthError::UseDpopNonce { .. } => {
            return Some("the client has to send a new DPoP proof for each request");
        }
        AuthError::Csrf => return Some("name the origin of the page with `cookie_origins`"),
        _ => return None,
    };
    Some(match reason {
        Reason::TooLarge => "have the issuer write fewer claims, or raise `max_token_bytes`",
        Reason::Malformed => {
            "an opaque token cannot be verified: have the client ask for this API, so that the issuer signs a JWT"
        }
        Reason::Encrypted => "have the issuer sign the token and not encrypt it",
        Reason::Header | Reason::Payload => "the issuer does not write a JWT of RFC 7519",
        Reason::ClaimType("sub") => "`numeric_subject` (JWT_NUMERIC_SUBJECT) accepts a number",
        Reason::ClaimType(_) => "have the issuer write the claim as RFC 7519 says",
        Reason::Algorithm | Reason::AlgorithmNotAccepted(_) => {
            "if the issuer is meant to sign with it: `algorithms` (JWT_ALGORITHMS)"
        }
        Reason::UnsupportedHeader => "have the issuer leave out `crit`, `b64`, `zip` and `enc`",
        Reason::TokenType => {
            "send the access token; for another `typ`: `token_type` (JWT_TOKEN_TYPES)"
        }
        Reason::TokenTypeClaim(_) => {
            "send the access token; only if ID tokens are meant: `accept_id_tokens` (JWT_ACCEPT_ID_TOKENS)"
        }
        Reason::UnknownKey => {
            "compare `kid` with the key set of the issuer: a token of another environment, or a key that is skipped"
        }
        Reason::Signature => {
            "the token was changed, or is signed by another key of the same `kid`: get a new one from the configured issuer"
        }
        Reason::Issuer => "set the issuer (JWT_ISSUER) to what the tokens have in `iss`",
        Reason::Audience => {
            "have the client ask for this API, or add the audience at the issuer; the setting here is JWT_AUDIENCE"
        }
        Reason::ApiKeyForm => "compare the whole key; its last six characters check the others",
        Reason::UnknownApiKey => {
            "list the owner's keys, and see that the secret is the one that the key was stored under"
        }
        Reason::Credential => "ask the authenticator of the application why it refused",
        Reason::MissingExpiry => "have the issuer write `exp`; there is no setting",
        Reason::NotYetValid | Reason::IssuedAt => {
            "compare the clocks of the issuer and of this machine; `leeway` allows up to 10 minutes"
        }
        Reason::LifetimeTooLong => "shorten the lifetime at the issuer, or raise `max_lifetime`",
        Reason::Subject => "have the issuer write `sub`, or take `require_subject` away",
        Reason::MissingClaim(_) => {
            "have the issuer write the claim, or take the setting away that needs it"
        }
        Reason::SenderConstraint => {
            "set up DPoP or mutual TLS here, or switch the binding off at the issuer"
        }
        Reason::ClientNotAllowed(_) => "add the client to `allowed_clients` (JWT_CLIENTS)",
        Reason::CustomValidator => "one of your validators refuses it",
        Reason::Revoked => "the token, its session or its subject was revoked: log in again",
        _ => return None,
    })
}
