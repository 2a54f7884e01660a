//! A verified token, before the sender constraint is checked.

use std::sync::Arc;

use crate::{
    claims::VerifiedToken,
    error::{AuthError, InvalidTokenReason},
    key::{ClientCertificate, Thumbprint},
    validation::{Binding, binding},
};

/// A verified token whose sender constraint has not been checked. Its claims are available only
/// after that check: a token that is bound to a key must not be used without that key (RFC 7800
/// §3).
pub(crate) struct SenderUnchecked(pub(super) Arc<VerifiedToken>);

impl SenderUnchecked {
    /// Accepts the token as a bearer token (RFC 6750 §1.2). Fails if it is sender-constrained.
    #[inline]
    pub(crate) fn accept_bearer(self) -> Result<Arc<VerifiedToken>, AuthError> {
        if self.0.is_bound() {
            return Err(InvalidTokenReason::SenderConstraint.into());
        }
        Ok(self.0)
    }

    /// Accepts the token from a connection on which a certificate may have been presented. Fails if it is
    /// bound to another certificate, or to anything else (RFC 8705 §3).
    #[inline]
    pub(crate) fn accept_certificate(
        self,
        certificate: impl FnOnce() -> Option<ClientCertificate>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        if !self.0.is_bound() {
            return Ok(self.0);
        }
        match self.binding() {
            Some(Binding::Certificate(bound))
                if certificate().is_some_and(|presented| presented.is(bound)) =>
            {
                Ok(self.0)
            }
            _ => Err(InvalidTokenReason::SenderConstraint.into()),
        }
    }

    /// Returns the key that the token is bound to, if it can be proved with DPoP.
    pub(crate) fn key(&self) -> Option<Thumbprint> {
        match self.binding() {
            Some(Binding::Key(key)) => Some(key),
            _ => None,
        }
    }

    fn binding(&self) -> Option<Binding> {
        binding(self.0.claims()).ok().flatten()
    }

    /// Accepts the token from a sender who has proved possession of this key. Fails if the token is bound
    /// to another one, or not at all (RFC 9449 §7.1).
    pub(crate) fn accept_proof(self, key: Thumbprint) -> Result<Arc<VerifiedToken>, AuthError> {
        match self.key() {
            Some(bound) if bound == key => Ok(self.0),
            _ => Err(InvalidTokenReason::SenderConstraint.into()),
        }
    }
}
