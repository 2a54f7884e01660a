//! Tokens that were verified before.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{Accepted, Verifier, known::Tenant};
use crate::{
    AuthError, claims::VerifiedToken, revocation::TokenMarks, telemetry, token_cache::Remembered,
};

/// A token that is good, unless it has been revoked.
pub(super) struct Judged {
    pub(super) token: Arc<VerifiedToken>,
    /// What it could be revoked by, where somebody knows what is revoked.
    pub(super) marks: Option<Arc<TokenMarks>>,
}

/// A token that was verified, and under what it stays so.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    token: Arc<VerifiedToken>,
    marks: Option<Arc<TokenMarks>>,
    by: Vouching,
    /// The generation of the issuer's keys, read before the verification began.
    generation: u64,
    /// From when and until when, on the wall clock.
    from: Duration,
    until: Duration,
}

/// Who vouches for a token that is remembered.
#[derive(Debug, Clone)]
pub(super) enum Vouching {
    Listed(usize),
    /// Gone as soon as the resolver's word no longer counts.
    Resolved(Weak<Tenant>),
}

impl Remembered for Seen {
    fn apart(&self) -> Self {
        Self {
            token: Arc::new((*self.token).clone()),
            marks: self.marks.as_deref().cloned().map(Arc::new),
            ..self.clone()
        }
    }
}

impl Verifier {
    /// A token that was verified before and is still good.
    pub(super) fn seen(&self, token: &[u8]) -> Option<Judged> {
        let seen = self.inner.cache.as_ref()?.get(token, |seen| {
            let now = self.inner.clock.now();
            let is_good = self.generation(&seen.by) == Some(seen.generation)
                && seen.from <= now
                && now < seen.until;
            is_good.then(|| Judged { token: seen.token.clone(), marks: seen.marks.clone() })
        });
        telemetry::cache("token", seen.is_some());
        seen
    }

    /// The generation of the keys of whoever vouches, if that one is still trusted.
    fn generation(&self, vouching: &Vouching) -> Option<u64> {
        match vouching {
            Vouching::Listed(index) => self.inner.issuers.get(*index)?.keys.generation(),
            Vouching::Resolved(tenant) => {
                let tenant = tenant.upgrade()?;
                let now = self.inner.clock.monotonic();
                if !tenant.is_fresh(now) {
                    return None;
                }
                tenant.note_good(now);
                tenant.issuer.keys.generation()
            }
        }
    }

    pub(super) fn remember(
        &self,
        token: &[u8],
        accepted: Accepted<'_>,
    ) -> Result<Judged, AuthError> {
        let Accepted { claims, grants, validity, by, generation, header } = accepted;
        if let Some((segment, header)) = header {
            self.inner.headers.keep(segment, header);
        }
        let marks = self.marks(&claims)?;
        let verified = Arc::new(VerifiedToken::new(claims, grants));
        if let (Some(cache), Some(generation)) = (&self.inner.cache, generation) {
            let (from, until) = (validity.start, validity.end);
            let (seen, marks) = (verified.clone(), marks.clone());
            cache.put(token, Seen { token: seen, marks, by, generation, from, until });
        }
        Ok(Judged { token: verified, marks })
    }
}
