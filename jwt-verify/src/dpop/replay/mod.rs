//! Which proofs have been used (RFC 9449 §11.1).

mod memory;
mod part;
#[cfg(feature = "redis")]
mod redis;

use std::{fmt, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

pub use memory::MemoryReplay;
#[cfg(feature = "redis")]
pub use redis::RedisReplay;

use crate::key::Thumbprint;
use crate::lookup::BoxFuture;

/// Remembers which DPoP proofs have been used, so that each works once.
///
/// It is asked last, about proofs that are good otherwise. [`MemoryReplay`] is for one process,
/// `RedisReplay` for several instances; implement it for anything else that can tell the first of
/// several who ask at the same time from all others, and hold it against `testing::replay_store`.
///
/// Requests wait for the answer, however long it takes: a store bounds its own time. It also bounds how
/// many proofs of one key ([`ProofId::key`]) it remembers at a time, so that one client cannot take the
/// places of all others.
pub trait ReplayStore: fmt::Debug + Send + Sync + 'static {
    /// Takes note of a proof, and says whether it is the first time. It must be remembered until this
    /// time since the epoch, that moment included.
    ///
    /// # Errors
    /// [`ReplayError::Unavailable`] if nobody knows: the answer is 503. [`ReplayError::ShareUsedUp`] for a
    /// new proof of a key that has all its places taken: the answer is 429, to this key alone.
    fn insert_if_absent<'a>(
        &'a self,
        proof: &'a ProofId,
        until: Duration,
    ) -> BoxFuture<'a, Result<bool, ReplayError>>;

    /// What handles of one memory have in common, and no others of this process. Where several
    /// [`JwtAuth`](crate::JwtAuth) judge one request, one behind the other, a memory is asked once on
    /// behalf of the request. Default: `None`, each handle is asked, and the second one that shares its
    /// memory with the first refuses.
    fn instance_id(&self) -> Option<usize> {
        None
    }
}

/// For how much longer than its date is good a proof is remembered: by so much may clocks differ, or be
/// set back.
const CLOCK_MARGIN: Duration = Duration::from_secs(60);

/// Why a [`ReplayStore`] has not taken note of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be used at the moment, or is full. It does not say why; the store logs that.
    #[error("the store of used proofs is out of reach")]
    Unavailable,
    /// As many proofs of this key are remembered as one key may have.
    #[error("too many proofs of one key are remembered")]
    ShareUsedUp,
}

/// The name of a proof, of fixed length: a hash of its key, of where it is for, and of its `jti`.
/// However a proof is spelled or signed anew, it has the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProofId {
    name: [u8; 32],
    key: Thumbprint,
}

impl ProofId {
    /// The target is a URL in normal form, in which no line ends.
    pub(crate) fn new(key: Thumbprint, target: &str, token_id: &str) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(key.as_bytes());
        for part in [target, "\n", token_id] {
            hash.update(part.as_bytes());
        }
        let mut name = [0; 32];
        for (to, from) in name.iter_mut().zip(hash.finish().as_ref()) {
            *to = *from;
        }
        Self { name, key }
    }

    /// As bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.name
    }

    /// As 43 characters of base64url.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.name)
    }

    /// The thumbprint (RFC 7638) of the key that the proof was signed with: whose share of the places it
    /// takes.
    pub fn key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }
}

impl fmt::Debug for ProofId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofId(..)")
    }
}
