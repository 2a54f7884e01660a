//! The algorithms that verifiers accept of the keys, to warn if none fits.

use std::sync::{Mutex, PoisonError};

use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    key::{JwkSet, warn_of_fetched},
};

/// Algorithms of all verifiers that use the provider.
#[derive(Default)]
pub(super) struct AcceptedAlgorithms(Mutex<AcceptedState>);

#[derive(Default)]
struct AcceptedState {
    accepted: AlgorithmSet,
    /// True if the last key set had no key that fits.
    has_warned: bool,
}

impl AcceptedAlgorithms {
    /// Adds those of a verifier.
    pub(super) fn add(&self, algorithms: &[Algorithm]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.accepted = state.accepted.union(algorithms.iter().copied().collect());
    }

    /// Warns, once until keys fit again, if no key of the set fits.
    pub(super) fn check(&self, keys: &JwkSet) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.has_warned = warn_of_fetched(keys, state.accepted, state.has_warned);
    }
}
