//! Judges tokens by the answers of an introspection endpoint.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    answer::{Answer, read},
    answer_cache::{AnswerCache, AskedAt},
    breaker::EndpointBreaker,
    flights::{FlightEntry, FlightGuard, Flights},
    question::{Questions, Unanswered},
    shared_answers::SharedAnswers,
    token_form,
};
use crate::{
    claims::VerifiedToken, defaults::RETRY_FIRST, error::AuthError, log_limiter::LogLimiter,
    lookup::Lookup, metrics, metrics::VerificationTimer, verifier::Introspected,
};

/// A token with the outcome of its checks.
type Judged = Result<Arc<VerifiedToken>, AuthError>;

/// Source of verified claims for the tokens of an issuer that its endpoint tells about. Clones share
/// everything.
#[derive(Clone)]
pub(crate) struct Introspector {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) questions: Questions,
    pub(super) cache: AnswerCache,
    pub(super) shared: Option<SharedAnswers>,
    pub(super) flights: Arc<Flights<Judged>>,
    pub(super) breaker: EndpointBreaker,
    /// True if it takes JWTs of the issuer too.
    pub(super) takes_jwts: bool,
    pub(super) failures: LogLimiter,
    pub(super) refusals: LogLimiter,
}

impl Introspector {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Returns `true` for a token that is to be checked here, and not by the verifier.
    #[inline]
    pub(crate) fn takes(&self, token: &[u8]) -> bool {
        let inner = &*self.inner;
        let issuer = &inner.questions.issuer;
        if !inner.takes_jwts {
            return !token_form::is_jwt(token);
        }
        issuer.is_only
            || !token_form::is_jwt(token)
            || inner.cache.active(token, issuer).is_some()
            || token_form::names_issuer(token, issuer.name())
    }

    /// Judges a token. Waits only if there is no answer about it in the cache.
    #[inline]
    pub(crate) fn introspect<'a>(&'a self, token: &'a [u8]) -> Lookup<'a, Judged> {
        let timer = VerificationTimer::start();
        let inner = &*self.inner;
        let active = inner.cache.active(token, &inner.questions.issuer);
        metrics::cache("introspection", active.is_some());
        if let Some(token) = active {
            timer.cached();
            return Lookup::Ready(Ok(token));
        }
        self.introspect_uncached(token, timer)
    }

    #[inline(never)]
    fn introspect_uncached<'a>(
        &'a self,
        token: &'a [u8],
        timer: VerificationTimer,
    ) -> Lookup<'a, Judged> {
        let inner = &*self.inner;
        if let Err(reason) = token_form::check(token, inner.questions.issuer.max_token_bytes) {
            return Lookup::Ready(Err(reason.into()));
        }
        if let Some(refusal) = inner.cache.refusal(token, inner.monotonic()) {
            return Lookup::Ready(Err(refusal));
        }
        Lookup::Pending(Box::pin(async move {
            let judged = self.ask(token).await;
            timer.waited();
            judged
        }))
    }

    /// Asks the endpoint, or joins the question of another request.
    async fn ask(&self, token: &[u8]) -> Judged {
        let inner = &self.inner;
        let now = inner.monotonic();
        let joined = inner.flights.join_or_start(
            token,
            || {
                let active = inner.cache.active(token, &inner.questions.issuer);
                active.map(Ok).or_else(|| inner.cache.refusal(token, now).map(Err))
            },
            || inner.breaker.admit(now),
        );
        let waiter = match joined {
            FlightEntry::Known(judged) => return judged,
            FlightEntry::Running(waiter) => waiter,
            FlightEntry::Started(waiter, guard) => {
                let asking = inner.clone();
                inner.questions.endpoint.run(move || async move { asking.answer(guard).await });
                waiter
            }
            FlightEntry::Full => {
                metrics::introspection("limited");
                return Err(AuthError::Unavailable { retry_after: RETRY_FIRST });
            }
            FlightEntry::Refused(retry_after) => {
                metrics::introspection("paused");
                return Err(AuthError::Unavailable { retry_after });
            }
        };
        // Without a result if the thread could not be started.
        waiter.wait().await.unwrap_or(Err(AuthError::Unavailable { retry_after: RETRY_FIRST }))
    }
}

impl Inner {
    /// Asks about the token of a flight. The answer is cached before the flight ends, so that no
    /// request asks again in between.
    async fn answer(self: Arc<Self>, guard: FlightGuard<Judged>) {
        let asked = self.cache.before_question(&self.questions.issuer);
        let token = guard.token();
        if let Some((asked, introspected)) = self.shared_answer(token, asked).await {
            metrics::introspection("shared");
            self.cache.put_active(token, asked, &introspected);
            guard.finish(Ok(introspected.token));
            return;
        }
        let mut to_share = None;
        let judged = match self.questions.ask(token).await {
            Ok(judgement) => {
                self.breaker.answered();
                match judgement {
                    Ok(introspected) => {
                        metrics::introspection("active");
                        self.cache.put_active(token, asked, &introspected);
                        to_share = self.shared.as_ref().map(|shared| {
                            (
                                shared,
                                Box::from(token),
                                introspected.token.clone(),
                                introspected.validity.end,
                            )
                        });
                        Ok(introspected.token)
                    }
                    Err(error) => {
                        metrics::introspection("refused");
                        self.cache.put_refused(token, asked, &error);
                        Err(error)
                    }
                }
            }
            Err(failure) => {
                metrics::introspection(failure.code);
                self.cache.put_unanswered(token, self.monotonic(), failure.retry_after);
                self.note_failure(failure);
                Err(AuthError::Unavailable { retry_after: failure.retry_after })
            }
        };
        guard.finish(judged);
        // No request waits for the store.
        if let Some((shared, token, claims, end)) = to_share {
            let token: Box<[u8]> = token;
            shared.put(&token, asked.wall, claims.claims().payload(), end).await;
        }
    }

    /// Returns what another instance has been told about a token, if that satisfies the rules here.
    async fn shared_answer(&self, token: &[u8], now: AskedAt) -> Option<(AskedAt, Introspected)> {
        let answer = self.shared.as_ref()?.get(token, now.wall).await?;
        let issuer = &self.questions.issuer;
        if self.cache.is_before_key_change(answer.asked()) {
            return None;
        }
        let asked = now.by_another(answer.asked());
        match read(answer.claims, issuer.name()) {
            Ok(Answer::Active(claims)) => Some((asked, issuer.accept(*claims).ok()?)),
            _ => None,
        }
    }

    fn note_failure(&self, failure: Unanswered) {
        let now = self.monotonic();
        let (endpoint, reason) = (&self.questions.endpoint, failure.code);
        if failure.is_refusal {
            if let Some(left_out) = self.refusals.turn(now) {
                tracing::error!(
                    %endpoint,
                    left_out,
                    "the introspection endpoint refuses the credential of this application"
                );
            }
        } else if let Some(left_out) = self.failures.turn(now) {
            tracing::warn!(%endpoint, reason, left_out, "the introspection endpoint gave no answer");
        }
        if failure.is_about_token {
            // One token alone must not keep others from being asked about.
            self.breaker.answered_oddly();
        } else if self.breaker.failed(now, failure.retry_after) {
            tracing::warn!(%endpoint, reason, "the introspection endpoint is out of reach");
        }
    }

    fn monotonic(&self) -> Duration {
        self.questions.issuer.clock().monotonic()
    }
}

impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Introspector").field(&self.inner.questions.endpoint).finish()
    }
}
