//! Logins that a security event has demanded (RFC 9470).

use std::time::Duration;

use crate::{
    authz::{Authorizer, Requirement},
    claims::VerifiedClaims,
    defaults::STORE_RETRY,
    error::{AuthError, StoreUnavailable},
    lookup::Lookup,
    revocation::RevocationKeys,
    security_events::SecurityEventReceiver,
};

/// Refuses tokens of users who have to log in again, and asks the application's authorizer about all
/// others.
pub(crate) struct DemandedLogins {
    pub(crate) events: SecurityEventReceiver,
    /// True if tokens are accepted while the store is unreachable.
    pub(crate) fails_open: bool,
    pub(crate) next: Option<Box<dyn Authorizer>>,
}

impl Authorizer for DemandedLogins {
    fn authorize(
        &self,
        claims: &VerifiedClaims,
        requirement: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>> {
        let next = || match &self.next {
            Some(next) => next.authorize(claims, requirement),
            None => Lookup::Ready(Ok(())),
        };
        let Some(keys) = RevocationKeys::of_login(claims.standard()) else { return next() };
        let store = self.events.store();
        if store.is_immediate()
            && let Lookup::Ready(answer) = store.check(&keys)
        {
            return match outcome(&answer, self.fails_open) {
                Ok(()) => next(),
                refused => Lookup::Ready(refused),
            };
        }
        let (store, fails_open, next) = (store.clone(), self.fails_open, next());
        Lookup::Pending(Box::pin(async move {
            outcome(&store.check(&keys).await, fails_open)?;
            next.await
        }))
    }
}

fn outcome(answer: &Result<bool, StoreUnavailable>, fails_open: bool) -> Result<(), AuthError> {
    match answer {
        Ok(false) => Ok(()),
        // A login from now on is enough.
        Ok(true) => Err(AuthError::StepUp { max_age: Some(Duration::ZERO), acr_values: None }),
        Err(_) if fails_open => Ok(()),
        Err(_) => Err(AuthError::Unavailable { retry_after: STORE_RETRY }),
    }
}
