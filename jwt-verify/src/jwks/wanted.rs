//! A question for a key, for those who answer it after its asker may be gone.

use std::{hash::Hash, sync::Arc};

use super::{shared::Question, snapshot::Snapshot};
use crate::{
    algorithm::Algorithm,
    key::{KeyQuery, VerificationKey},
};

/// A [`KeyQuery`] that owns what it asks for.
#[derive(Debug)]
pub(super) struct WantedKey {
    key_id: Option<Box<str>>,
    algorithm: Algorithm,
    failed: Option<Arc<VerificationKey>>,
}

impl WantedKey {
    pub(super) fn new(wanted: &KeyQuery<'_>) -> Self {
        Self {
            key_id: wanted.key_id.map(Into::into),
            algorithm: wanted.algorithm,
            failed: wanted.failed.cloned(),
        }
    }

    pub(super) fn query(&self) -> KeyQuery<'_> {
        KeyQuery {
            key_id: self.key_id.as_deref(),
            algorithm: self.algorithm,
            failed: self.failed.as_ref(),
        }
    }

    /// What instances call it among themselves.
    pub(super) fn question(&self) -> Question {
        Question::new(&self.query())
    }
}

/// What a "no" of the issuer is about. A key that is there but failed is another question than a
/// key that is not there.
pub(super) fn memory_of<'a>(wanted: &KeyQuery<'a>) -> impl Hash + use<'a> {
    (wanted.key_id, wanted.algorithm, wanted.failed.is_some())
}

/// The key in the set that answers the question, unless it is the one that has just failed.
pub(super) fn select(snapshot: &Snapshot, wanted: &KeyQuery<'_>) -> Option<Arc<VerificationKey>> {
    let key = snapshot.set.select(wanted.key_id, wanted.algorithm)?;
    let is_new = wanted.failed.is_none_or(|failed| !failed.is_same(key));
    is_new.then(|| key.clone())
}
