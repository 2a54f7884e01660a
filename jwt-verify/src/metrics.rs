//! Metrics. Without feature `metrics` they do nothing and cost nothing.
//!
//! Every label has one of a few fixed values, the name of a configured issuer, or the pattern of a
//! route: nothing that a caller can choose.

#[cfg(feature = "metrics")]
pub use enabled::describe_metrics;
#[cfg(feature = "metrics")]
pub(crate) use enabled::*;

#[cfg(feature = "metrics")]
mod enabled {
    use std::time::Instant;

    use metrics::{counter, gauge, histogram};

    use super::Decided;
    use crate::error::AuthError;

    /// Counts a verification, and the kind of its credential.
    pub(crate) fn verification<T>(kind: &'static str, outcome: &Result<T, AuthError>) {
        // Literal labels need no allocation, which keeps the common case cheap.
        let counter = match outcome {
            Ok(_) => {
                counter!("jwt_verify_verifications_total", "outcome" => "ok", "reason" => "ok")
            }
            Err(error) => {
                let (outcome, reason) = (error.code(), error.reason());
                counter!("jwt_verify_verifications_total", "outcome" => outcome, "reason" => reason)
            }
        };
        counter.increment(1);
        let outcome = outcome.as_ref().map_or_else(AuthError::code, |_| "ok");
        counter!("jwt_verify_credentials_total", "credential" => kind, "outcome" => outcome)
            .increment(1);
    }

    /// Measures the time that the verification of one token takes.
    pub(crate) struct VerificationTimer(Instant);

    impl VerificationTimer {
        #[inline]
        pub(crate) fn start() -> Self {
            Self(Instant::now())
        }

        /// Records the time of a token from the cache.
        #[inline]
        pub(crate) fn cached(self) {
            histogram!("jwt_verify_verification_duration_seconds", "path" => "cached")
                .record(self.0.elapsed());
        }

        /// Records the time of a token that was verified without waiting.
        pub(crate) fn uncached(self) {
            histogram!("jwt_verify_verification_duration_seconds", "path" => "new")
                .record(self.0.elapsed());
        }

        /// Records the time of a token that waited for an issuer, a resolver or a store.
        pub(crate) fn waited(self) {
            histogram!("jwt_verify_verification_duration_seconds", "path" => "waited")
                .record(self.0.elapsed());
        }
    }

    /// Counts an authorization decision.
    pub(crate) fn decision(decided: impl FnOnce() -> Decided) {
        let Decided { route, outcome, missing } = decided();
        counter!(
            "jwt_verify_authorization_decisions_total",
            "route" => route.unwrap_or_else(|| "unmatched".to_owned()),
            "outcome" => outcome,
            "missing" => missing
        )
        .increment(1);
    }

    /// Counts a lookup in a cache: of tokens, of keys, or in the shared store.
    pub(crate) fn cache(level: &'static str, hit: bool) {
        let counter = match (level, hit) {
            ("token", true) => {
                counter!("jwt_verify_cache_total", "level" => "token", "result" => "hit")
            }
            ("token", false) => {
                counter!("jwt_verify_cache_total", "level" => "token", "result" => "miss")
            }
            ("introspection", true) => {
                counter!("jwt_verify_cache_total", "level" => "introspection", "result" => "hit")
            }
            (level, hit) => {
                let result = if hit { "hit" } else { "miss" };
                counter!("jwt_verify_cache_total", "level" => level, "result" => result)
            }
        };
        counter.increment(1);
    }

    /// Counts a token whose revocation could not be checked.
    pub(crate) fn revocation_unknown() {
        counter!("jwt_verify_revocation_unknown_total").increment(1);
    }

    /// Counts a security event by its type and what came of it.
    #[cfg(feature = "security-events")]
    pub(crate) fn security_event(event: &'static str, result: &'static str) {
        counter!("jwt_verify_security_events_total", "event" => event, "result" => result)
            .increment(1);
    }

    /// Counts a failed attempt to read a file with API keys.
    #[cfg(feature = "api-keys")]
    pub(crate) fn api_key_file_failed() {
        counter!("jwt_verify_api_key_file_failures_total").increment(1);
    }

    /// Counts a fetch of keys.
    #[cfg(feature = "jwks")]
    pub(crate) fn fetch(outcome: &'static str) {
        counter!("jwt_verify_key_fetches_total", "outcome" => outcome).increment(1);
    }

    /// Counts the end of a question to an introspection endpoint, or one that was not asked.
    #[cfg(feature = "jwks")]
    pub(crate) fn introspection(outcome: &'static str) {
        counter!("jwt_verify_introspections_total", "outcome" => outcome).increment(1);
    }

    /// Counts a refetch that was refused because of the limit for unverified tokens.
    #[cfg(feature = "jwks")]
    pub(crate) fn refetch_refused() {
        counter!("jwt_verify_refetches_refused_total").increment(1);
    }

    /// Counts an unusable key of a key set.
    #[cfg(feature = "jwks")]
    pub(crate) fn key_skipped(reason: &'static str) {
        counter!("jwt_verify_skipped_keys_total", "reason" => reason).increment(1);
    }

    /// Records that the key set of a configured issuer has been replaced.
    #[cfg(feature = "jwks")]
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53, far beyond any count or date"
    )]
    pub(crate) fn key_set(source: &str, keys: usize, fetched_at: std::time::Duration) {
        gauge!("jwt_verify_keys", "source" => source.to_owned()).set(keys as f64);
        gauge!("jwt_verify_keys_fetched_timestamp_seconds", "source" => source.to_owned())
            .set(fetched_at.as_secs() as f64);
    }

    /// Records when a copy of the revocations was confirmed, or that there is none yet.
    #[cfg(feature = "redis")]
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53, far beyond any count or date"
    )]
    pub(crate) fn revocation_copy(
        source: &str,
        entries: usize,
        confirmed_at: Option<std::time::Duration>,
    ) {
        gauge!("jwt_verify_revocation_copy_entries", "source" => source.to_owned())
            .set(entries as f64);
        gauge!("jwt_verify_revocation_copy_timestamp_seconds", "source" => source.to_owned())
            .set(confirmed_at.unwrap_or_default().as_secs_f64());
    }

    /// Counts a stream that is open.
    pub(crate) fn stream_opened() {
        gauge!("jwt_verify_open_streams").increment(1);
    }

    /// Counts a stream that is closed.
    pub(crate) fn stream_closed() {
        gauge!("jwt_verify_open_streams").decrement(1);
    }

    /// Counts a stream whose access has ended while it was open.
    pub(crate) fn stream_ended(reason: &'static str) {
        counter!("jwt_verify_streams_ended_total", "reason" => reason).increment(1);
    }

    /// Counts a failed request for a copy of the revocations.
    #[cfg(feature = "redis")]
    pub(crate) fn revocation_copy_failed(source: &str) {
        counter!("jwt_verify_revocation_copy_failures_total", "source" => source.to_owned())
            .increment(1);
    }

    /// Registers descriptions of the library's metrics with the recorder of the process. Call it
    /// after the recorder was installed.
    pub fn describe_metrics() {
        use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

        for (name, text) in [
            ("jwt_verify_verifications_total", "tokens judged, by outcome and reason"),
            ("jwt_verify_credentials_total", "verifications by kind of credential and outcome"),
            (
                "jwt_verify_authorization_decisions_total",
                "decisions about requirements, by pattern of the route, outcome and what was missing",
            ),
            (
                "jwt_verify_cache_total",
                "look-ups, by level (token, introspection, keys, store) and result",
            ),
            (
                "jwt_verify_introspections_total",
                "questions to introspection endpoints, by outcome; also those that were not asked",
            ),
            ("jwt_verify_revocation_unknown_total", "tokens whose revocation nobody could tell"),
            ("jwt_verify_revocation_copy_failures_total", "failed questions for copies, by source"),
            (
                "jwt_verify_api_key_file_failures_total",
                "failed attempts to read a file with API keys",
            ),
            ("jwt_verify_security_events_total", "security events, by type and result"),
            ("jwt_verify_streams_ended_total", "open streams whose access has ended, by reason"),
            ("jwt_verify_key_fetches_total", "fetches of key sets that have ended, by outcome"),
            ("jwt_verify_refetches_refused_total", "refetches refused by the refresh gate"),
            ("jwt_verify_skipped_keys_total", "keys that cannot be used, by reason"),
        ] {
            describe_counter!(name, Unit::Count, text);
        }
        describe_histogram!(
            "jwt_verify_verification_duration_seconds",
            Unit::Seconds,
            "time to verify a token, by path: cached, new, or waited for an issuer or a store"
        );
        describe_gauge!(
            "jwt_verify_revocation_copy_entries",
            Unit::Count,
            "revocations in the copy, by source"
        );
        describe_gauge!(
            "jwt_verify_revocation_copy_timestamp_seconds",
            Unit::Seconds,
            "Unix time at which the copy was the same as its original, by source; 0 before the first"
        );
        describe_gauge!("jwt_verify_open_streams", Unit::Count, "streams that are open");
        describe_gauge!("jwt_verify_keys", Unit::Count, "usable keys, by source");
        describe_gauge!(
            "jwt_verify_keys_fetched_timestamp_seconds",
            Unit::Seconds,
            "Unix time at which the key set left the issuer, by source"
        );
    }
}

/// An authorization decision, as it is counted.
#[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "nothing is counted"))]
pub(crate) struct Decided {
    /// Pattern of the route, such as `/posts/{id}`; `None` for a path without a route.
    pub(crate) route: Option<String>,
    pub(crate) outcome: &'static str,
    /// Kind of term that was not met; `none` if all were, or if that is unknown.
    pub(crate) missing: &'static str,
}

#[cfg(not(feature = "metrics"))]
pub(crate) use disabled::*;

#[cfg(not(feature = "metrics"))]
mod disabled {
    use super::Decided;
    use crate::error::AuthError;

    pub(crate) struct VerificationTimer;

    #[expect(clippy::unused_self, reason = "there is nothing to measure")]
    impl VerificationTimer {
        #[inline]
        pub(crate) fn start() -> Self {
            Self
        }

        #[inline]
        pub(crate) fn cached(self) {}

        #[inline]
        pub(crate) fn uncached(self) {}

        #[inline]
        pub(crate) fn waited(self) {}
    }

    pub(crate) fn decision(_: impl FnOnce() -> Decided) {}

    pub(crate) fn verification<T>(_: &str, _: &Result<T, AuthError>) {}

    pub(crate) fn cache(_: &'static str, _: bool) {}

    pub(crate) fn revocation_unknown() {}

    pub(crate) fn stream_opened() {}

    pub(crate) fn stream_closed() {}

    pub(crate) fn stream_ended(_: &'static str) {}

    #[cfg(feature = "security-events")]
    pub(crate) fn security_event(_: &'static str, _: &'static str) {}

    #[cfg(feature = "api-keys")]
    pub(crate) fn api_key_file_failed() {}

    #[cfg(feature = "redis")]
    pub(crate) fn revocation_copy(_: &str, _: usize, _: Option<std::time::Duration>) {}

    #[cfg(feature = "redis")]
    pub(crate) fn revocation_copy_failed(_: &str) {}

    #[cfg(feature = "jwks")]
    pub(crate) fn fetch(_: &'static str) {}

    #[cfg(feature = "jwks")]
    pub(crate) fn introspection(_: &'static str) {}

    #[cfg(feature = "jwks")]
    pub(crate) fn refetch_refused() {}

    #[cfg(feature = "jwks")]
    pub(crate) fn key_skipped(_: &'static str) {}

    #[cfg(feature = "jwks")]
    pub(crate) fn key_set(_: &str, _: usize, _: std::time::Duration) {}
}
