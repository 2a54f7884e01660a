//! Replay detection for proofs (RFC 9449 §11.1).

mod memory;
mod part;
#[cfg(feature = "redis")]
mod redis;

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

pub use memory::MemoryReplay;
#[cfg(feature = "redis")]
pub use redis::RedisReplay;

use crate::lookup::BoxFuture;
use crate::{
    digest::{Sha256, sha256},
    key::Thumbprint,
};

/// Stores used DPoP proofs, so that each works once.
///
/// It is called last, with proofs that are valid otherwise. [`MemoryReplay`] is for one process,
/// `RedisReplay` for several instances. Implement it for other stores that can tell the first of
/// several concurrent calls from the others, and test the implementation with
/// `testing::replay_store`.
///
/// Requests wait for the answer without a time limit: a store has to limit its own time. It also
/// limits the number of proofs of one key ([`ProofId::key`]), so that one client cannot take the
/// capacity of all others.
pub trait ReplayStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a proof, and returns `true` if it is new. It must be kept up to and including this
    /// time since the epoch.
    ///
    /// # Errors
    /// [`ReplayError::Unavailable`] if the state is unknown: the answer is 503.
    /// [`ReplayError::ShareUsedUp`] for a new proof of a key that has reached its limit: the answer
    /// is 429, to this key alone.
    fn insert_if_absent<'a>(
        &'a self,
        proof: &'a ProofId,
        until: Duration,
    ) -> BoxFuture<'a, Result<bool, ReplayError>>;

    /// Returns an identifier shared by all handles of one store in this process. If several nested
    /// [`JwtAuth`](crate::JwtAuth) check one request, a store is called once per request. Default:
    /// `None`; each handle is called, and the second one that shares its store with the first
    /// refuses the request.
    fn instance_id(&self) -> Option<usize> {
        None
    }
}

/// Time for which a proof is kept after its expiry: clocks may differ by it, or be set back.
const CLOCK_MARGIN: Duration = Duration::from_secs(60);

/// Reasons why a [`ReplayStore`] has not stored a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The store is unreachable or full. The store logs the reason.
    #[error("the store of used proofs is out of reach")]
    Unavailable,
    /// The limit of proofs for this key is reached.
    #[error("too many proofs of one key are remembered")]
    ShareUsedUp,
}

/// Identifier of a proof, of fixed length: a hash of its key, its target, and its `jti`. Another
/// spelling or signature of the same proof has the same identifier.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProofId {
    name: Sha256,
    key: Thumbprint,
}

impl ProofId {
    /// The target is a URL in normal form, which contains no line break.
    pub(crate) fn new(key: Thumbprint, target: &str, token_id: &str) -> Self {
        let parts: [&[u8]; 4] = [key.as_bytes(), target.as_bytes(), b"\n", token_id.as_bytes()];
        Self { name: sha256(parts), key }
    }

    /// Returns it as bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.name
    }

    /// Returns it as 43 characters of base64url.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.name)
    }

    /// Returns the thumbprint (RFC 7638) of the key that the proof was signed with, to which the
    /// limit per key applies.
    pub fn key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }
}

impl fmt::Debug for ProofId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofId(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in the stores of running applications.
    #[test]
    fn the_name_of_a_proof_stays() {
        let id = ProofId::new(Thumbprint::invented("client"), "https://api.example/x", "jti");
        assert_eq!(id.text(), "q3wgIxswN7Axad0sI9ebMTI-xKCyItDNcMknmJJEY1E");
    }
}
