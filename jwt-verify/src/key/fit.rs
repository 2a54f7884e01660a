//! Warnings for keys and accepted algorithms that do not fit.

use super::JwkSet;
use crate::algorithm::{Algorithm, AlgorithmSet};

/// Warns of configured keys that fit no accepted algorithm, and of algorithms that fit no key. They
/// are two halves of one mistake, or a setting without effect.
pub(super) fn warn_of_configured(keys: &JwkSet, accepted: &[Algorithm]) {
    if keys.is_empty() {
        return;
    }
    let accepted: AlgorithmSet = accepted.iter().copied().collect();
    for (position, key) in keys.keys().enumerate() {
        if !key.algorithms().iter().any(|algorithm| accepted.contains(algorithm)) {
            tracing::warn!(
                position,
                key = names(key.algorithms()),
                accepted = names(accepted),
                "a key that is given fits no accepted algorithm, and verifies no token"
            );
        }
    }
    let of_keys = keys.algorithms();
    let lone: AlgorithmSet =
        accepted.iter().filter(|algorithm| !of_keys.contains(*algorithm)).collect();
    if !lone.is_empty() {
        tracing::warn!(
            algorithms = names(lone),
            keys = names(of_keys),
            "an accepted algorithm fits none of the keys that are given: its tokens are refused"
        );
    }
}

/// Warns of a fetched key set of which no key fits an accepted algorithm. Returns `true` if it did
/// so, or has before and still would.
#[cfg(feature = "jwks")]
pub(crate) fn warn_of_fetched(keys: &JwkSet, accepted: AlgorithmSet, has_warned: bool) -> bool {
    let of_keys = keys.algorithms();
    let fits = of_keys.iter().any(|algorithm| accepted.contains(algorithm));
    if fits || accepted.is_empty() || of_keys.is_empty() {
        return false;
    }
    if !has_warned {
        tracing::warn!(
            accepted = names(accepted),
            keys = names(of_keys),
            "no key of the key set fits an accepted algorithm, so every token is refused: name the \
             algorithms of the issuer with `algorithms(…)` or `JWT_ALGORITHMS`"
        );
    }
    true
}

fn names(algorithms: AlgorithmSet) -> String {
    algorithms.iter().map(Algorithm::name).collect::<Vec<_>>().join(", ")
}
