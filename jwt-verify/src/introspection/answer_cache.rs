//! Cached answers: of valid tokens, and of others in a place of their own, so that random tokens
//! push out no good ones.

use std::{sync::Arc, time::Duration};

use super::key_epoch::KeyEpoch;
use crate::{
    claims::VerifiedToken,
    defaults::{INTROSPECTION_NEGATIVE_ENTRIES, TOKEN_CACHE_ENTRIES},
    error::{AuthError, InvalidTokenReason},
    negative_cache::NegativeCache,
    token_cache::{Remembered, TokenCache},
    verifier::{Introspected, IntrospectedIssuer},
};

/// The answers about tokens.
#[derive(Debug)]
pub(super) struct AnswerCache {
    active: Option<TokenCache<ActiveToken>>,
    refused: NegativeCache<AuthError>,
    keys: KeyEpoch,
    ttl: Duration,
    refused_ttl: Duration,
}

/// An active token, and the conditions under which it stays accepted.
#[derive(Debug, Clone)]
struct ActiveToken {
    token: Arc<VerifiedToken>,
    /// Changes of the issuer's keys before the question.
    epoch: u64,
    /// Start and end of its time in the cache, on the wall clock. It starts with the question: if the
    /// clock is set back to a time before, the age of the answer is unknown.
    from: Duration,
    until: Duration,
}

impl Remembered for ActiveToken {
    fn unshared(&self) -> Self {
        Self { token: Arc::new((*self.token).clone()), ..self.clone() }
    }

    #[inline]
    fn bytes_besides(&self) -> usize {
        self.token.claims().payload().len()
    }
}

/// State before a question, which its answer is cached with.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedAt {
    epoch: u64,
    /// Time of the question, on both clocks.
    at: Duration,
    pub(super) wall: Duration,
}

impl AskedAt {
    /// Returns the state for a question that another instance asked at this time of the wall clock,
    /// if that was not later.
    pub(super) fn by_another(self, wall: Duration) -> Self {
        Self { wall: wall.min(self.wall), ..self }
    }
}

impl AnswerCache {
    /// Creates a cache in which good answers stay for at most `ttl`, and others for `refused_ttl`.
    pub(super) fn new(ttl: Duration, refused_ttl: Duration) -> Self {
        Self {
            active: (!ttl.is_zero()).then(|| TokenCache::new(TOKEN_CACHE_ENTRIES)),
            refused: NegativeCache::new(INTROSPECTION_NEGATIVE_ENTRIES),
            keys: KeyEpoch::new(),
            ttl,
            refused_ttl,
        }
    }

    /// Returns the state before a question.
    pub(super) fn before_question(&self, issuer: &IntrospectedIssuer) -> AskedAt {
        let clock = issuer.clock();
        let epoch = self.keys.at(issuer.generation(), || clock.now());
        AskedAt { epoch, at: clock.monotonic(), wall: clock.now() }
    }

    /// Returns `true` if an answer of this time is older than the issuer's current keys.
    pub(super) fn is_before_key_change(&self, wall: Duration) -> bool {
        wall <= self.keys.changed_at()
    }

    /// Returns an active token that is still accepted.
    #[inline]
    pub(super) fn active(
        &self,
        token: &[u8],
        issuer: &IntrospectedIssuer,
    ) -> Option<Arc<VerifiedToken>> {
        self.active.as_ref()?.get(token, |known| {
            let now = issuer.clock().now();
            let is_good = self.keys.at(issuer.generation(), || now) == known.epoch
                && known.from <= now
                && now < known.until;
            is_good.then(|| known.token.clone())
        })
    }

    /// Returns the refusal of a token that is still cached.
    pub(super) fn refusal(&self, token: &[u8], now: Duration) -> Option<AuthError> {
        self.refused.reason(token, now)
    }

    /// Caches an active token until it expires, and for the bound at most.
    pub(super) fn put_active(&self, token: &[u8], asked: AskedAt, introspected: &Introspected) {
        let Some(active) = &self.active else { return };
        let entry = ActiveToken {
            token: introspected.token.clone(),
            epoch: asked.epoch,
            from: introspected.validity.start.max(asked.wall),
            until: introspected.validity.end.min(asked.wall.saturating_add(self.ttl)),
        };
        active.put(token, entry);
    }

    /// Caches a refusal by the rules or by the endpoint.
    pub(super) fn put_refused(&self, token: &[u8], asked: AskedAt, error: &AuthError) {
        let is_over_soon = matches!(
            error,
            AuthError::InvalidToken(InvalidTokenReason::NotYetValid | InvalidTokenReason::IssuedAt)
        );
        if !is_over_soon {
            let until = asked.at.saturating_add(self.refused_ttl);
            self.refused.insert_for(token, asked.at, until, error.clone());
        }
    }

    /// Caches that there was no answer, for as long as the caller is told to wait.
    pub(super) fn put_unanswered(&self, token: &[u8], now: Duration, retry_after: Duration) {
        let until = now.saturating_add(retry_after);
        self.refused.insert_for(token, now, until, AuthError::Unavailable { retry_after });
    }
}
