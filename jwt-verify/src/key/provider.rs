//! Key providers.

use std::{fmt, sync::Arc, time::Duration};

use super::VerificationKey;
use crate::algorithm::Algorithm;
use crate::error::InvalidKeyError;
use crate::{lookup::BoxFuture, lookup::Lookup};

/// A source of verification keys.
///
/// The verifier calls it once for every token that is not cached, and again with
/// [`KeyQuery::exclude`] as long as the signature did not verify and there is another key: at most
/// four are tried, and four more after one lookup that had to wait. Implement it to take keys from
/// another source than a key set at a URL, for example from a database. A [`JwkSet`] in memory
/// answers such a query with [`JwkSet::select`].
///
/// [`JwkSet`]: crate::JwkSet
/// [`JwkSet::select`]: crate::JwkSet::select
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
///         let fits = wanted.exclude.is_empty() && self.0.supports(wanted.algorithm);
///         Lookup::Ready(if fits { Ok(self.0.clone()) } else { Err(KeyLookupError::NotFound) })
///     }
/// }
/// ```
pub trait KeyProvider: fmt::Debug + Send + Sync + 'static {
    /// Finds the key for a token, or the next one if others have failed.
    ///
    /// Return a key in memory as [`Lookup::Ready`]; only a lookup that has to wait is
    /// [`Lookup::Pending`]. A future that is not polled must have no effect: the verifier drops it where
    /// no key could make the token good.
    ///
    /// The key must support the requested algorithm; the verifier refuses one that does not.
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>>;

    /// Returns a number that changes whenever a key that was returned is no longer valid. Tokens
    /// verified under one generation are cached only as long as it lasts.
    ///
    /// The default, `None`, means that this is unknown, and every token is verified anew. Return it
    /// also while there is no usable key.
    fn generation(&self) -> Option<u64> {
        None
    }

    /// Starts loading keys, so that the first request need not wait. Returns at once. Default: does
    /// nothing.
    fn warm_up(&self) {}

    /// Waits until keys are loaded, or until an attempt to load them has failed. Default: returns
    /// at once.
    fn wait_until_ready(&self) -> BoxFuture<'_, Result<(), KeyLookupError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Fetches the keys now, however fresh they are, for [`testing::fetch_keys`](crate::testing::fetch_keys).
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    fn fetch_now(&self) -> BoxFuture<'_, Result<(), KeyLookupError>> {
        self.wait_until_ready()
    }

    /// Returns a name of the source, for the log at the start; it must hold no secret. Default:
    /// `custom`.
    fn source(&self) -> String {
        "custom".to_owned()
    }

    /// For the verifier: learns which algorithms are accepted of its keys, to warn if they do not
    /// fit. Default: does nothing.
    #[doc(hidden)]
    fn note_accepted(&self, algorithms: &[Algorithm]) {
        let _ = algorithms;
    }

    /// Returns the state of the keys, for readiness checks. [`JwtAuth::health`] calls it. Default:
    /// ready.
    ///
    /// [`JwtAuth::health`]: crate::JwtAuth::health
    fn health(&self) -> KeyHealth {
        KeyHealth { ready: true, ..KeyHealth::default() }
    }
}

/// Query for the key of a token. All of it comes from a token that is not verified.
#[derive(Clone, Copy)]
pub struct KeyQuery<'a> {
    /// Key ID (`kid`) of the token, if it names one.
    pub key_id: Option<&'a str>,
    /// Algorithm of the token; it is on the allow-list.
    pub algorithm: Algorithm,
    /// Keys that the provider returned before and that did not verify the signature. Return a
    /// different one, or [`KeyLookupError::NotFound`].
    pub exclude: &'a [Arc<VerificationKey>],
}

impl<'a> KeyQuery<'a> {
    /// Creates the first query for a token, which excludes no key.
    pub const fn new(key_id: Option<&'a str>, algorithm: Algorithm) -> Self {
        Self { key_id, algorithm, exclude: &[] }
    }

    /// Returns true if a key with the `kid` of the token has failed. If only keys without `kid`
    /// have, a key of that name is unknown.
    #[cfg(feature = "jwks")]
    pub(crate) fn is_for_replacement(&self) -> bool {
        let is_named =
            |key: &Arc<VerificationKey>| self.key_id.is_none() || key.id() == self.key_id;
        self.exclude.iter().any(is_named)
    }
}

/// Omits the `kid`, which any caller can choose.
impl fmt::Debug for KeyQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyQuery").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Reasons why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyLookupError {
    /// The source of keys is reachable and does not have it. The caller gets 401.
    #[error("no such key")]
    NotFound,
    /// The source of keys was not asked, because unknown keys have caused too many requests
    /// recently. The caller gets 429.
    #[error("unknown keys are asked for too often")]
    Limited {
        /// Time after which another attempt makes sense.
        retry_after: Duration,
    },
    /// The source of keys is unreachable, so it is unknown if the key exists. The caller gets 503.
    #[error("the source of keys is out of reach")]
    Unavailable {
        /// Time after which another attempt makes sense.
        retry_after: Duration,
    },
}

/// State of a source of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyHealth {
    /// True if tokens can be verified now.
    pub ready: bool,
    /// Number of usable keys, if the source knows.
    pub keys: usize,
    /// Number of keys of the source that cannot be used.
    pub rejected_keys: usize,
    /// Numbers of those keys, by the reason why they cannot be used. Without a usable key, they are
    /// those of the last key set that was read.
    pub rejected: Vec<(InvalidKeyError, usize)>,
    /// Time since the last successful fetch from the source, if there is one.
    pub age: Option<Duration>,
    /// True if the keys have expired and their source is unreachable.
    pub stale: bool,
    /// Time until the next planned refresh, if there is one.
    pub next_refresh: Option<Duration>,
    /// Class of the last failure, if the last attempt to reach the source failed.
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

    /// A provider without these methods counts as ready, and its tokens are not cached.
    #[test]
    fn what_a_provider_does_not_say_is_the_safe_answer() {
        assert_eq!(Nothing.generation(), None);
        assert_eq!(Nothing.health(), KeyHealth { ready: true, ..KeyHealth::default() });
    }
}
