//! Answers about active tokens that the instances of an application share.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    clock::millis,
    defaults::{MAX_CLOCK_SKEW, STORE_TIMEOUT},
    error::ConfigError,
    jwks::EntryCodec,
    secret::Secret,
    store::CacheStore,
};

/// The answers in a store. Each entry is sealed: one that was written without the secret is ignored. The
/// name of an entry does not tell the token.
pub(super) struct SharedAnswers {
    store: Arc<dyn CacheStore>,
    codec: EntryCodec,
    names: hmac::Key,
    /// Issuer, endpoint and client: others may be told something else.
    context: String,
    ttl: Duration,
    max_bytes: usize,
}

/// An answer with the time of its question, which its bound counts from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SharedAnswer {
    /// Milliseconds on the wall clock.
    asked: u64,
    /// The claims of the token, as JSON.
    pub(super) claims: String,
}

impl SharedAnswer {
    pub(super) fn asked(&self) -> Duration {
        Duration::from_millis(self.asked)
    }
}

impl SharedAnswers {
    pub(super) fn new(
        store: Arc<dyn CacheStore>,
        secret: &Secret,
        context: &[&str],
        ttl: Duration,
        max_bytes: usize,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            store,
            codec: EntryCodec::new(Some(secret))?,
            names: secret.hmac_key("cache_integrity_key")?,
            context: crate::digest::name(b"introspection", context),
            ttl,
            max_bytes,
        })
    }

    /// Returns the answer about a token, if another instance has been told one lately.
    pub(super) async fn get(&self, token: &[u8], now: Duration) -> Option<SharedAnswer> {
        let name = self.name(token);
        let found = tokio::time::timeout(STORE_TIMEOUT, self.store.get(&name)).await;
        let entry = found.ok()?.ok()??;
        // The claims are a JSON string in it, in which a byte takes up to six.
        if entry.len() > self.max_bytes.saturating_mul(6).saturating_add(512) {
            return None;
        }
        let (content, _) = self.codec.decode(&name, &entry, now, self.ttl).ok()?;
        let answer: SharedAnswer = serde_json::from_slice(content).ok()?;
        let asked = answer.asked();
        let is_fresh =
            asked <= now.saturating_add(MAX_CLOCK_SKEW) && now < asked.saturating_add(self.ttl);
        is_fresh.then_some(answer)
    }

    /// Writes an answer for the other instances, until the token expires and for the bound at most.
    /// A failure is ignored: they ask for themselves.
    pub(super) async fn put(&self, token: &[u8], asked: Duration, claims: &str, end: Duration) {
        let until = end.min(asked.saturating_add(self.ttl));
        let answer = SharedAnswer { asked: millis(asked), claims: claims.to_owned() };
        let (name, ttl) = (self.name(token), until.saturating_sub(asked));
        if ttl.is_zero() {
            return;
        }
        if let Ok(content) = serde_json::to_vec(&answer) {
            let entry = self.codec.encode(&name, until, &content);
            let _ = tokio::time::timeout(STORE_TIMEOUT, self.store.set(&name, &entry, ttl)).await;
        }
    }

    fn name(&self, token: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.names);
        // Not the beginning of an entry, whose seal has the same key.
        context.update(b"introspection ");
        context.update(self.context.as_bytes());
        context.update(b" ");
        context.update(token);
        format!("introspection:{}", URL_SAFE_NO_PAD.encode(context.sign()))
    }
}

impl fmt::Debug for SharedAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedAnswers").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryCache;

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const SECOND: Duration = Duration::from_secs(1);
    const END: Duration = Duration::from_secs(1_800_000_100);
    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn shared(store: &MemoryCache, secret: &str, client: &str) -> SharedAnswers {
        let context = ["https://issuer.example", client];
        let store = Arc::new(store.clone());
        SharedAnswers::new(store, &secret.into(), &context, 60 * SECOND, 1000).unwrap()
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn an_answer_is_found_by_its_token_and_its_client_until_its_bound() {
        let store = MemoryCache::new();
        let ours = shared(&store, SECRET, "api");
        block_on(async {
            ours.put(b"token", NOW, "{}", END).await;
            let answer = ours.get(b"token", NOW).await.unwrap();
            assert_eq!((answer.asked(), &*answer.claims), (NOW, "{}"));
            assert!(ours.get(b"token", NOW + 59 * SECOND).await.is_some());
            assert!(ours.get(b"token", NOW + 60 * SECOND).await.is_none());
            assert!(ours.get(b"other", NOW).await.is_none());
            assert!(shared(&store, SECRET, "other").get(b"token", NOW).await.is_none());
            ours.put(b"token", NOW, "{}", NOW + 5 * SECOND).await;
            assert!(ours.get(b"token", NOW + 5 * SECOND).await.is_none(), "it has expired");
        });
    }

    #[test]
    fn an_entry_of_another_secret_or_name_is_ignored() {
        let store = MemoryCache::new();
        let (ours, theirs) =
            (shared(&store, SECRET, "api"), shared(&store, &SECRET.replace('0', "x"), "api"));
        block_on(async {
            assert_ne!(ours.name(b"token"), theirs.name(b"token"));
            theirs.put(b"token", NOW, "{}", END).await;
            let entry = store.get(&theirs.name(b"token")).await.unwrap().unwrap();
            store.set(&ours.name(b"token"), &entry, 60 * SECOND).await.unwrap();
            assert!(ours.get(b"token", NOW).await.is_none());
            ours.put(b"revoked", NOW, "{}", END).await;
            let entry = store.get(&ours.name(b"revoked")).await.unwrap().unwrap();
            store.set(&ours.name(b"token"), &entry, 60 * SECOND).await.unwrap();
            assert!(ours.get(b"token", NOW).await.is_none());
        });
    }

    #[test]
    fn neither_token_nor_secret_is_in_an_entry() {
        let store = MemoryCache::new();
        let ours = shared(&store, SECRET, "api");
        block_on(async {
            ours.put(b"opaque-token", NOW, "{}", END).await;
            let name = ours.name(b"opaque-token");
            let entry = store.get(&name).await.unwrap().unwrap();
            let text = format!("{name} {}", String::from_utf8(entry).unwrap());
            assert!(!text.contains("opaque-token") && !text.contains(SECRET), "{text}");
        });
        let short = SharedAnswers::new(Arc::new(store), &"short".into(), &[], SECOND, 1);
        assert!(short.is_err());
    }
}
