//! Where keys come from, as the verifier sees it.

use std::{fmt, sync::Arc, time::Duration};

use super::VerificationKey;
use crate::algorithm::Algorithm;
use crate::lookup::{BoxFuture, Lookup};

/// A source of verification keys.
///
/// The verifier asks once for every token it has not seen before, and once more with
/// [`KeyQuery::exclude`] set when a signature did not verify. Implement it to take keys from
/// somewhere else than a key set at a URL, for example from a database.
///
/// ```
/// use std::sync::Arc;
/// use jwt_verify::{KeyProvider, Lookup, VerificationKey, keys::{KeyLookupError, KeyQuery}};
///
/// #[derive(Debug)]
/// struct OneKey(Arc<VerificationKey>);
///
/// impl KeyProvider for OneKey {
///     fn find<'a>(&'a self, wanted: KeyQuery<'a>) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
///         let fits = wanted.exclude.is_none() && self.0.supports(wanted.algorithm);
///         Lookup::Ready(if fits { Ok(self.0.clone()) } else { Err(KeyLookupError::NotFound) })
///     }
/// }
/// ```
pub trait KeyProvider: fmt::Debug + Send + Sync + 'static {
    /// Finds the key for a token.
    ///
    /// Return a key in memory as [`Lookup::Ready`]; only a lookup that has to wait is
    /// [`Lookup::Pending`]. A future that is not polled must have no effect: the verifier drops it where
    /// no key could make the token good.
    ///
    /// The key must support the algorithm asked for; the verifier refuses one that does not.
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>>;

    /// A number that changes whenever a key that was handed out is no longer valid. Tokens verified
    /// under one generation are remembered only as long as it lasts.
    ///
    /// The default, `None`, means that nobody knows, and every token is verified anew. It is also
    /// the answer while there is no usable key.
    fn generation(&self) -> Option<u64> {
        None
    }

    /// Begins to get keys, so that the first request need not wait. Returns at once. The default
    /// does nothing.
    fn warm_up(&self) {}

    /// Waits until keys are at hand, or until an attempt to get them has failed. The default does not
    /// wait.
    fn wait_until_ready(&self) -> BoxFuture<'_, Result<(), KeyLookupError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether keys are at hand, for readiness checks. Called by whoever asks [`JwtAuth::health`];
    /// the default says that they are.
    ///
    /// [`JwtAuth::health`]: crate::JwtAuth::health
    fn health(&self) -> KeyHealth {
        KeyHealth { ready: true, ..KeyHealth::default() }
    }
}

/// What the verifier knows of the key it needs. All of it comes from a token that is not verified.
#[derive(Clone, Copy)]
pub struct KeyQuery<'a> {
    /// The `kid` of the token, if it names one.
    pub key_id: Option<&'a str>,
    /// The algorithm of the token; it is on the allow-list.
    pub algorithm: Algorithm,
    /// The key that the provider returned before and that did not verify the signature. Return a
    /// different one, or [`KeyLookupError::NotFound`].
    pub exclude: Option<&'a Arc<VerificationKey>>,
}

/// Leaves out the `kid`, which anybody can choose.
impl fmt::Debug for KeyQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyQuery").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyLookupError {
    /// The source of keys is reachable and does not have it. The caller gets 401.
    #[error("no such key")]
    NotFound,
    /// The source of keys was not asked, because unknown keys have been asked for often enough lately.
    /// The caller gets 429.
    #[error("unknown keys are asked for too often")]
    Limited {
        /// When another attempt makes sense.
        retry_after: Duration,
    },
    /// Nobody knows whether there is one. The caller gets 503.
    #[error("the source of keys is out of reach")]
    Unavailable {
        /// When another attempt makes sense.
        retry_after: Duration,
    },
}

/// The state of a source of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyHealth {
    /// Whether tokens can be verified now.
    pub ready: bool,
    /// How many usable keys there are, where the source knows.
    pub keys: usize,
    /// How many keys of the source cannot be used.
    pub rejected_keys: usize,
    /// Time since the keys were last confirmed by their source, where there is one: its last success.
    pub age: Option<Duration>,
    /// Whether the keys have outlived their time because their source could not be reached.
    pub stale: bool,
    /// Time until the source is asked again, where that is planned.
    pub next_refresh: Option<Duration>,
    /// The class of the last failure, if the last attempt to reach the source failed.
    pub last_error: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nothing;

    impl KeyProvider for Nothing {
        fn find<'a>(
            &'a self,
            _: KeyQuery<'a>,
        ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
            Lookup::Ready(Err(KeyLookupError::NotFound))
        }
    }

    /// A provider that says nothing more is taken for ready, and none of its tokens is remembered.
    #[test]
    fn what_a_provider_does_not_say_is_the_safe_answer() {
        assert_eq!(Nothing.generation(), None);
        assert_eq!(Nothing.health(), KeyHealth { ready: true, ..KeyHealth::default() });
    }
}
