//! Rules for the claims of a token with a valid signature. One rule per file; none of them depends
//! on the others, on keys or on requests.

mod audience;
mod client;
mod confirmation;
mod expiry;
mod further_type;
#[cfg(feature = "jwks")]
mod introspected;
mod issued_at;
mod issuer;
mod lifetime;
mod not_before;
mod profile;
mod subject;
mod token_kind;
mod token_type;

use std::{fmt, ops::Range, sync::Arc, time::Duration};

pub(crate) use confirmation::{Binding, binding};
pub(crate) use further_type::FurtherType;
pub use profile::TokenProfile;
pub(crate) use token_kind::*;

use crate::{
    claims::{Claims, NumericDate},
    error::{AuthError, InvalidTokenReason},
    token::Header,
};

/// A custom rule about the claims of a token.
///
/// It runs after the standard rules, once for every verified token; a cached token is not checked
/// again. It can only refuse: a token that the standard rules refuse is not passed to it.
pub trait ClaimsValidator: Send + Sync + 'static {
    /// Accepts or refuses the claims.
    ///
    /// # Errors
    /// The reason for the logs, usually [`InvalidTokenReason::CustomValidator`]. The caller gets
    /// the same response for every reason.
    fn validate(&self, claims: &Claims) -> Result<(), InvalidTokenReason>;
}

impl<F> ClaimsValidator for F
where
    F: Fn(&Claims) -> Result<(), InvalidTokenReason> + Send + Sync + 'static,
{
    fn validate(&self, claims: &Claims) -> Result<(), InvalidTokenReason> {
        self(claims)
    }
}

/// A check of the header, before a key is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderRule {
    /// Holds the name of the algorithm that came.
    Algorithm(&'static str),
    Type,
    SubjectType,
}

/// A standard rule about claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Issuer,
    Audience,
    Confirmation,
    Kind,
    DeclaredKind,
    Subject,
    Client,
    NotBefore,
    IssuedAt,
    Lifetime,
    Expiry,
}

impl Rule {
    /// All rules, in the order in which they are checked.
    pub(crate) const ALL: [Self; 11] = [
        Self::Issuer,
        Self::Audience,
        Self::Confirmation,
        Self::Kind,
        Self::DeclaredKind,
        Self::Subject,
        Self::Client,
        Self::NotBefore,
        Self::IssuedAt,
        Self::Lifetime,
        Self::Expiry,
    ];

    /// Returns the stable name of the rule.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Confirmation => "confirmation",
            Self::Kind => "kind",
            Self::DeclaredKind => "declared_kind",
            Self::Subject => "subject",
            Self::Client => "client",
            Self::NotBefore => "not_before",
            Self::IssuedAt => "issued_at",
            Self::Lifetime => "lifetime",
            Self::Expiry => "expiry",
        }
    }

    /// Returns a description of what passes.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Issuer => "the configured issuer in `iss`",
            Self::Audience => "an audience of this API in `aud`",
            Self::Confirmation => "no `cnf`, or a single key or certificate in it",
            Self::Kind => "the claims of an access token",
            Self::DeclaredKind => "an access token in `type` and `token_type`, if they are there",
            Self::Subject => "`sub`, if a setting requires it",
            Self::Client => "a listed client, if a setting lists them",
            Self::NotBefore => "`nbf` not in the future",
            Self::IssuedAt => "`iat` not in the future",
            Self::Lifetime => "dates that fit, and no longer lifetime than allowed",
            Self::Expiry => "`exp` in the future",
        }
    }
}

/// Label of the issuer whose tokens have no `iss`.
pub(crate) const NO_ISSUER: &str = "none";

/// The rules for one issuer's tokens.
#[derive(Clone)]
pub(crate) struct ClaimRules {
    /// `None` for tokens without `iss`.
    pub(crate) issuer: Option<String>,
    /// Empty for tokens without `aud`.
    pub(crate) audiences: Vec<String>,
    pub(crate) clients: Option<Vec<String>>,
    pub(crate) kind: TokenKind,
    /// Accepted values of `typ` besides those of the kind.
    pub(crate) further_types: Vec<FurtherType>,
    /// True if access tokens may be ID tokens.
    pub(crate) accept_id_tokens: bool,
    pub(crate) leeway: Duration,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) require_subject: bool,
    pub(crate) numeric_subject: bool,
    pub(crate) validators: Vec<Arc<dyn ClaimsValidator>>,
}

impl ClaimRules {
    /// Checks the header: the declared kind of token.
    pub(crate) fn check_header(&self, header: &Header) -> Result<(), InvalidTokenReason> {
        let name = header.token_type();
        if name.is_some_and(|name| self.further_types.iter().any(|known| known.is(name))) {
            return Ok(());
        }
        self.kind.check_type(name)
    }

    /// Checks the types of claims that the parser leaves to the issuer, for every kind of token.
    /// Needs no key, so that the reason is known at once.
    pub(crate) fn check_types(&self, claims: &Claims) -> Result<(), InvalidTokenReason> {
        subject::check_type(claims, self.numeric_subject)
    }

    /// Checks every standard rule about claims. Expiry comes last: "expired" tells a client that
    /// the token is valid otherwise, and that a new one will work.
    #[inline]
    pub(crate) fn check_claims(&self, claims: &Claims, now: Duration) -> Result<(), AuthError> {
        self.check_claims_with(claims, now, |_, outcome| outcome)?;
        self.check_expiry(claims, now)
    }

    /// Checks every standard rule about claims but expiry, and passes the outcome of each on. The
    /// first error that comes back ends it.
    #[inline]
    pub(crate) fn check_claims_with(
        &self,
        claims: &Claims,
        now: Duration,
        mut note: impl FnMut(Rule, Result<(), InvalidTokenReason>) -> Result<(), InvalidTokenReason>,
    ) -> Result<(), InvalidTokenReason> {
        note(Rule::Issuer, issuer::check(claims, self.issuer.as_deref()))?;
        note(Rule::Audience, audience::check(claims, &self.audiences))?;
        note(Rule::Confirmation, confirmation::check(claims))?;
        note(Rule::Kind, self.kind.check_claims(claims, self.accept_id_tokens))?;
        if self.issuer.is_none() {
            note(Rule::DeclaredKind, token_type::check_declared(claims))?;
        }
        note(Rule::Subject, subject::check(claims, self.require_subject))?;
        note(Rule::Client, client::check(claims, self.clients.as_deref()))?;
        note(Rule::NotBefore, not_before::check(claims, now, self.leeway))?;
        note(Rule::IssuedAt, issued_at::check(claims, now, self.leeway))?;
        note(Rule::Lifetime, lifetime::check(claims, self.max_lifetime))
    }

    /// Checks that the token has not expired.
    #[inline]
    pub(crate) fn check_expiry(&self, claims: &Claims, now: Duration) -> Result<(), AuthError> {
        expiry::check(self.end(claims), now, self.leeway)
    }

    /// Returns the end of the claims' validity, without leeway.
    fn end(&self, claims: &Claims) -> Option<Duration> {
        let end = claims.expires_at().map(NumericDate::since_epoch);
        match end {
            Some(end) if self.kind.is_always_brief() => {
                self.kind.end_without_expiry(claims).map(|other| end.min(other))
            }
            Some(end) => Some(end),
            None => self.kind.end_without_expiry(claims),
        }
    }

    /// Checks the custom rules. They receive claims of verified tokens only.
    pub(crate) fn check_custom(&self, claims: &Claims) -> Result<(), InvalidTokenReason> {
        self.validators.iter().try_for_each(|validator| validator.validate(claims))
    }

    /// Returns the time span in which the claims pass the rules about dates, on the wall clock.
    pub(crate) fn validity(&self, claims: &Claims) -> Range<Duration> {
        let starts = [claims.not_before(), claims.issued_at()];
        let start = starts
            .into_iter()
            .flatten()
            .max()
            .map_or(Duration::ZERO, |latest| latest.since_epoch().saturating_sub(self.leeway));
        let end = self.end(claims).unwrap_or_default();
        start..end.saturating_add(self.leeway)
    }

    /// Returns `true` if the token names this issuer, whose keys are then used.
    pub(crate) fn is_issuer_of(&self, claims: &Claims) -> bool {
        issuer::check(claims, self.issuer.as_deref()).is_ok()
    }

    /// Returns the issuer's name in lists and metrics.
    pub(crate) fn label(&self) -> &str {
        self.issuer.as_deref().unwrap_or(NO_ISSUER)
    }
}

impl fmt::Debug for ClaimRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimRules")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .field("clients", &self.clients)
            .field("kind", &self.kind)
            .field("further_types", &self.further_types)
            .field("accept_id_tokens", &self.accept_id_tokens)
            .field("leeway", &self.leeway)
            .field("max_lifetime", &self.max_lifetime)
            .field("require_subject", &self.require_subject)
            .field("numeric_subject", &self.numeric_subject)
            .field("validators", &self.validators.len())
            .finish()
    }
}

#[cfg(test)]
pub(crate) fn claims(json: &serde_json::Value) -> Claims {
    serde_json::from_str(&json.to_string()).unwrap()
}
