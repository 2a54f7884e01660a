//! Several sources of keys of one issuer, each for algorithms of its own.

use std::{sync::Arc, time::Duration};

use super::{KeyHealth, KeyLookupError, KeyProvider, KeyQuery, VerificationKey};
use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    lookup::{BoxFuture, Lookup},
};

/// Asks the one source that is responsible for the algorithm of a token. No algorithm has two, so a
/// key never serves the algorithms of another source.
#[derive(Debug)]
pub(crate) struct KeySources(Vec<(AlgorithmSet, Arc<dyn KeyProvider>)>);

impl KeySources {
    pub(crate) fn new(sources: Vec<(AlgorithmSet, Arc<dyn KeyProvider>)>) -> Self {
        Self(sources)
    }

    fn providers(&self) -> impl Iterator<Item = &Arc<dyn KeyProvider>> {
        self.0.iter().map(|(_, provider)| provider)
    }
}

impl KeyProvider for KeySources {
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        let mut sources = self.0.iter();
        match sources.find(|(algorithms, _)| algorithms.contains(wanted.algorithm)) {
            Some((_, provider)) => provider.find(wanted),
            None => Lookup::Ready(Err(KeyLookupError::NotFound)),
        }
    }

    /// Changes with the generation of each source; unknown if that of one is.
    fn generation(&self) -> Option<u64> {
        let mut generations = self.providers().map(|provider| provider.generation());
        generations.try_fold(0, |all: u64, one| Some(all.wrapping_mul(MULTIPLIER) ^ one?))
    }

    fn warm_up(&self) {
        self.providers().for_each(|provider| provider.warm_up());
    }

    fn wait_until_ready(&self) -> BoxFuture<'_, Result<(), KeyLookupError>> {
        Box::pin(async move {
            for provider in self.providers() {
                provider.wait_until_ready().await?;
            }
            Ok(())
        })
    }

    #[cfg(feature = "testing")]
    fn fetch_now(&self) -> BoxFuture<'_, Result<(), KeyLookupError>> {
        Box::pin(async move {
            for provider in self.providers() {
                provider.fetch_now().await?;
            }
            Ok(())
        })
    }

    fn source(&self) -> String {
        let names: Vec<_> = self.providers().map(|provider| provider.source()).collect();
        names.join(" and ")
    }

    /// Each source is asked for the keys of its own algorithms.
    fn note_accepted(&self, _: &[Algorithm]) {
        for (algorithms, provider) in &self.0 {
            provider.note_accepted(&algorithms.iter().collect::<Vec<_>>());
        }
    }

    /// Ready once every source is.
    fn health(&self) -> KeyHealth {
        let start = KeyHealth { ready: true, ..KeyHealth::default() };
        self.providers().fold(start, |all, provider| joined(all, provider.health()))
    }
}

/// Odd, so that no generation is lost in the sum.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

fn joined(mut one: KeyHealth, other: KeyHealth) -> KeyHealth {
    let either = |pick: fn(Duration, Duration) -> Duration, a: Option<Duration>, b| match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (a, b) => a.or(b),
    };
    one.rejected.extend(other.rejected);
    KeyHealth {
        ready: one.ready && other.ready,
        keys: one.keys + other.keys,
        rejected_keys: one.rejected_keys + other.rejected_keys,
        rejected: one.rejected,
        age: either(Ord::max, one.age, other.age),
        stale: one.stale || other.stale,
        next_refresh: either(Ord::min, one.next_refresh, other.next_refresh),
        last_error: one.last_error.or(other.last_error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{algorithm::Algorithm, key::JwkSet, secret::Secret};

    fn source(algorithm: Algorithm, byte: u8) -> (AlgorithmSet, Arc<dyn KeyProvider>) {
        let secret = Secret::new([byte; 64]);
        let key = VerificationKey::from_secret(algorithm, &secret).unwrap();
        (AlgorithmSet::of(algorithm), Arc::new(JwkSet::single(key)))
    }

    #[test]
    fn each_algorithm_has_its_own_source() {
        let sources =
            KeySources::new(vec![source(Algorithm::HS256, 1), source(Algorithm::HS512, 2)]);
        for algorithm in [Algorithm::HS256, Algorithm::HS512] {
            match sources.find(KeyQuery::new(Some("any"), algorithm)) {
                Lookup::Ready(Ok(key)) => assert!(key.supports(algorithm)),
                _ => panic!("{algorithm}"),
            }
        }
        let other = sources.find(KeyQuery::new(None, Algorithm::HS384));
        assert!(matches!(other, Lookup::Ready(Err(KeyLookupError::NotFound))));
        let health = sources.health();
        assert!(health.ready && health.keys == 2, "{health:?}");
        assert!(sources.generation().is_some());
    }
}
