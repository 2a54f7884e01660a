//! A good token, before it is clear who shows it.

use std::sync::Arc;

use crate::{
    AuthError, ClientCertificate, InvalidTokenReason,
    claims::VerifiedToken,
    key::Thumbprint,
    validation::{Binding, binding},
};

/// A token that is genuine and good. Whether it is for whoever shows it has to be asked before anything
/// in it can be had: a token that is bound to a key is worth nothing without that key (RFC 7800 §3).
pub(crate) struct Genuine(pub(super) Arc<VerifiedToken>);

impl Genuine {
    /// For somebody who shows the token and nothing else (RFC 6750 §1.2): not, if it is bound.
    #[inline]
    pub(crate) fn shown_alone(self) -> Result<Arc<VerifiedToken>, AuthError> {
        if self.0.is_bound() {
            return Err(InvalidTokenReason::Confirmation.into());
        }
        Ok(self.0)
    }

    /// For somebody who shows the token over a connection, perhaps one on which a certificate was shown:
    /// not, if it is bound to another certificate, or to anything else (RFC 8705 §3).
    #[inline]
    pub(crate) fn shown_over(
        self,
        certificate: impl FnOnce() -> Option<ClientCertificate>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        if !self.0.is_bound() {
            return Ok(self.0);
        }
        match self.binding() {
            Some(Binding::Certificate(bound)) if certificate().is_some_and(|one| one.is(bound)) => {
                Ok(self.0)
            }
            _ => Err(InvalidTokenReason::Confirmation.into()),
        }
    }

    /// The key that it is bound to, if a proof can prove it.
    pub(crate) fn key(&self) -> Option<Thumbprint> {
        match self.binding() {
            Some(Binding::Key(key)) => Some(key),
            _ => None,
        }
    }

    fn binding(&self) -> Option<Binding> {
        binding(self.0.claims()).ok().flatten()
    }

    /// For somebody who has proved to hold this key: not, if it is bound to another, or not at all
    /// (RFC 9449 §7.1).
    pub(crate) fn shown_with(self, key: Thumbprint) -> Result<Arc<VerifiedToken>, AuthError> {
        match self.key() {
            Some(bound) if bound == key => Ok(self.0),
            _ => Err(InvalidTokenReason::Confirmation.into()),
        }
    }
}
