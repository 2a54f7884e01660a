//! Claims of a caller that an authenticator knows.

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;

use crate::{
    claims::{Claims, ClaimsMapping, CredentialKind, VerifiedToken},
    clock::Clock,
    error::{AuthError, InvalidTokenReason},
    http::credentials::{AttachedBy, Way},
};

/// Claims of a caller that an [`Authenticator`](crate::extract::Authenticator) has authenticated.
///
/// The library checks `exp` and `nbf`, if they are there, without leeway; a revocation store of the
/// [`JwtAuth`](crate::JwtAuth) is asked; with `cnf` the caller has to prove possession of its key, as
/// with a token.
///
/// A request that changes something is refused if its headers show that a page of another origin has
/// caused it (CSRF), unless the credential is the request's token.
pub struct Authenticated {
    token: Arc<VerifiedToken>,
    way: Way,
    /// True if the times of the claims have been checked.
    is_in_time: bool,
}

impl Authenticated {
    /// Creates it from claims. The caller has the roles, permissions and scopes that the default
    /// [`ClaimsMapping`] finds in them: `roles`, `permissions`, `scope`.
    pub fn new(claims: Claims) -> Self {
        Self::with_mapping(claims, &ClaimsMapping::default())
    }

    /// Creates it from claims, with the roles, permissions and scopes that a mapping finds in them.
    pub fn with_mapping(claims: Claims, mapping: &ClaimsMapping) -> Self {
        let grants = mapping.grants(&claims);
        Self {
            token: Arc::new(VerifiedToken::new(claims, grants)),
            way: Way { attached_by: AttachedBy::Proxy, is_in_url: false },
            is_in_time: false,
        }
    }

    /// Creates it from a value that is serialized as a JSON object of claims.
    ///
    /// # Errors
    /// [`AuthError::Misconfigured`] if it is not an object, or if a registered claim has a wrong type
    /// (RFC 7519 §4.1): the answer is 500.
    pub fn from_json(claims: &impl Serialize) -> Result<Self, AuthError> {
        let text = serde_json::to_string(claims).ok();
        if let Some(Ok(claims)) = text.map(Claims::parse) {
            return Ok(Self::new(claims));
        }
        tracing::error!("an authenticator has made claims that are not those of RFC 7519");
        Err(AuthError::Misconfigured)
    }

    /// Marks a credential that browsers attach by themselves, such as a cookie: a request that changes
    /// something is accepted only with evidence that a page of this origin has sent it; see
    /// [`JwtAuthBuilder::csrf`](crate::JwtAuthBuilder::csrf).
    #[must_use]
    pub fn ambient(mut self) -> Self {
        self.way.attached_by = AttachedBy::Browser;
        self
    }

    /// Marks a credential that is part of the URL: with the middleware, the response has
    /// `Cache-Control: private` (RFC 6750 §2.3).
    #[must_use]
    pub fn in_url(mut self) -> Self {
        self.way.is_in_url = true;
        self
    }

    /// Checks the times of the claims, and sets the kind and the clock.
    pub(crate) fn check(
        self,
        kind: CredentialKind,
        now: impl FnOnce() -> Duration,
        clock: impl FnOnce() -> Option<Arc<dyn Clock>>,
    ) -> Result<(Arc<VerifiedToken>, Way), AuthError> {
        let Self { token, way, is_in_time } = self;
        if !is_in_time {
            let (claims, now) = (token.claims(), now());
            if claims.not_before().is_some_and(|start| now < start.since_epoch()) {
                return Err(InvalidTokenReason::NotYetValid.into());
            }
            if claims.expires_at().is_some_and(|end| now >= end.since_epoch()) {
                return Err(AuthError::ExpiredToken);
            }
        }
        if is_in_time && token.kind() == kind {
            return Ok((token, way));
        }
        let token = Arc::unwrap_or_clone(token).of_kind(kind);
        // What the library has verified itself has its clock.
        let token = if is_in_time { token } else { token.by_clock(clock()) };
        Ok((Arc::new(token), way))
    }
}

/// Takes what the library has verified itself, times included.
impl From<Arc<VerifiedToken>> for Authenticated {
    fn from(token: Arc<VerifiedToken>) -> Self {
        Self { token, way: Way::default(), is_in_time: true }
    }
}

/// Contains the names of the claims, not their values.
impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated").field("token", &self.token).finish_non_exhaustive()
    }
}
