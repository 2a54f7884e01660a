//! What the instances of an application tell each other through a store: the key set, who is
//! fetching it, how often unknown keys have caused a fetch, which keys do not exist, and that the
//! issuer has just failed to answer.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{
    location::Location,
    seal::{Broken, Seal},
};
use crate::error::StoreUnavailable;
use crate::{
    clock::Clock,
    key::KeyQuery,
    limits::{LEASE, MAX_CLOCK_SKEW, RETRY_MOST, STORE_TIMEOUT},
    store::CacheStore,
};

/// One issuer's entries in a shared store.
///
/// Every operation is bounded in time. An entry that cannot be read, is over or forged is as good
/// as none, and never in the way: it is overwritten.
#[derive(Debug)]
pub(super) struct Shared {
    store: Arc<dyn CacheStore>,
    seal: Seal,
    clock: Arc<dyn Clock>,
    /// Stands for the issuer in the names of entries, so that nothing in it can lead elsewhere.
    issuer: String,
    limits: Limits,
}

/// What entries may be at most; the store may be in other hands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) document_bytes: usize,
    pub(super) document_ttl: Duration,
    pub(super) missing_ttl: Duration,
    pub(super) refetches: usize,
    pub(super) refetch_interval: Duration,
}

/// A key set document with its age.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// Wall-clock milliseconds when it was fetched.
    pub(super) fetched: u64,
    /// Seconds for which it is fresh from then on.
    pub(super) ttl: u64,
    pub(super) body: String,
}

impl Document {
    /// How old it is. The clock of the instance that fetched it may be a little ahead.
    pub(super) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_millis(self.fetched))
    }
}

/// What came of asking for the lease.
#[derive(Debug)]
pub(super) enum Claim {
    Taken(Lease),
    /// Somebody has it; this is the last sign of life.
    Held(Vec<u8>),
}

/// The right to fetch for all instances. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    _end: oneshot::Sender<()>,
}

/// A question for a key, as instances name it among themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question(String);

impl Shared {
    pub(super) fn new(
        store: Arc<dyn CacheStore>,
        seal: Seal,
        clock: Arc<dyn Clock>,
        location: &Location,
        limits: Limits,
    ) -> Self {
        Self { store, seal, clock, issuer: hash(&[&location.identity()]), limits }
    }

    /// The document, if there is one that is still fresh.
    pub(super) async fn document(&self) -> Result<Option<Document>, StoreUnavailable> {
        let name = self.name("keys");
        // The document is kept as a JSON string, in which a byte takes up to six.
        let most = self.limits.document_bytes.saturating_mul(6).saturating_add(256);
        let longest = self.limits.document_ttl;
        let Some((content, _)) = self.read(&name, most, longest).await? else { return Ok(None) };
        let Ok(document) = serde_json::from_slice::<Document>(&content) else { return Ok(None) };
        let now = self.clock.now();
        let ttl = document.ttl.min(longest.as_secs());
        let is_from_the_future =
            Duration::from_millis(document.fetched) > now.saturating_add(MAX_CLOCK_SKEW);
        let is_fresh = !is_from_the_future && document.age(now) < Duration::from_secs(ttl);
        Ok(is_fresh.then_some(Document { ttl, ..document }))
    }

    /// Leaves a document for the others. Failing to is not worth a word: they will fetch.
    pub(super) async fn leave_document(&self, document: &Document) {
        if let Ok(content) = serde_json::to_vec(document) {
            let ttl = Duration::from_secs(document.ttl);
            let until = Duration::from_millis(document.fetched).saturating_add(ttl);
            let _ = self.write(&self.name("keys"), &content, until, ttl).await;
        }
    }

    /// Takes the right to fetch, unless somebody has it. What a holder who has given no sign of life
    /// has left (`dead`) is no obstacle; whose clock is right does not matter.
    pub(super) async fn take_lease(
        self: &Arc<Self>,
        dead: Option<&[u8]>,
    ) -> Result<Claim, StoreUnavailable> {
        let name = self.name("lease");
        let entry = self.lease_entry(&name);
        for _ in 0..2 {
            if within(self.store.add(&name, &entry, LEASE)).await? {
                return Ok(Claim::Taken(self.hold_lease()));
            }
            // Gone in between: once more.
            let Some(found) = within(self.store.get(&name)).await? else { continue };
            let longest = LEASE + MAX_CLOCK_SKEW;
            let earlier = self.clock.now().saturating_sub(MAX_CLOCK_SKEW);
            let is_genuine = self.seal.unwrap(&name, &found, earlier, longest).is_ok();
            if is_genuine && dead != Some(&*found) {
                return Ok(Claim::Held(found));
            }
            within(self.store.set(&name, &entry, LEASE)).await?;
            return Ok(Claim::Taken(self.hold_lease()));
        }
        Ok(Claim::Held(Vec::new()))
    }

    /// Gives a sign of life as long as the lease is held, and then gives it back.
    fn hold_lease(self: &Arc<Self>) -> Lease {
        let (end, mut ended) = oneshot::channel();
        let shared = self.clone();
        tokio::task::spawn_local(async move {
            let name = shared.name("lease");
            loop {
                tokio::select! {
                    _ = &mut ended => break,
                    () = tokio::time::sleep(LEASE / 3) => {}
                }
                let entry = shared.lease_entry(&name);
                // A store that is out of reach keeps nobody waiting.
                let _ = within(shared.store.set(&name, &entry, LEASE)).await;
            }
            let _ = within(shared.store.remove(&name)).await;
        });
        Lease { _end: end }
    }

    /// Never twice the same, so that every renewal can be seen.
    fn lease_entry(&self, name: &str) -> Vec<u8> {
        let mut sign = [0; 8];
        let _ = aws_lc_rs::rand::fill(&mut sign);
        self.seal.wrap(name, self.clock.now().saturating_add(LEASE), &sign)
    }

    /// Whether all instances together may cause one more refetch; if so, it is counted. If not, the
    /// time until they may.
    pub(super) async fn passes_gate(&self) -> Result<Result<(), Duration>, StoreUnavailable> {
        let interval = self.limits.refetch_interval;
        let mut opens_in = interval;
        for place in 0..self.limits.refetches {
            let name = format!("{}:{place}", self.name("gate"));
            match self.claim(&name, interval).await? {
                None => return Ok(Ok(())),
                Some(until) => opens_in = opens_in.min(until.saturating_sub(self.clock.now())),
            }
        }
        Ok(Err(opens_in))
    }

    /// The time for which the issuer is left alone, because it has just failed to answer an instance.
    pub(super) async fn rests_for(&self) -> Result<Option<Duration>, StoreUnavailable> {
        let found = self.read(&self.name("rest"), 256, RETRY_MOST).await?;
        let now = self.clock.now();
        Ok(found.map(|(_, until)| until.saturating_sub(now)))
    }

    /// Has all instances leave the issuer alone for a while.
    pub(super) async fn leave_rest(&self, time: Duration) {
        let until = self.clock.now().saturating_add(time);
        let _ = self.write(&self.name("rest"), b"", until, time).await;
    }

    /// The time for which another instance knows that the issuer has no such key.
    pub(super) async fn missing_for(
        &self,
        question: &Question,
    ) -> Result<Option<Duration>, StoreUnavailable> {
        let longest = self.limits.missing_ttl;
        let found = self.read(&self.missing(question), 256, longest).await?;
        let now = self.clock.now();
        Ok(found.map(|(_, until)| until.saturating_sub(now).min(longest)))
    }

    /// Tells the others that the issuer has no such key.
    pub(super) async fn leave_missing(&self, question: &Question) {
        let ttl = self.limits.missing_ttl;
        let until = self.clock.now().saturating_add(ttl);
        let _ = self.write(&self.missing(question), b"", until, ttl).await;
    }

    fn missing(&self, question: &Question) -> String {
        format!("{}:{}", self.name("missing"), question.0)
    }

    fn name(&self, kind: &str) -> String {
        format!("1:{kind}:{}", self.issuer)
    }

    /// Writes an entry if there is none that counts; otherwise says until when that one does.
    async fn claim(&self, name: &str, ttl: Duration) -> Result<Option<Duration>, StoreUnavailable> {
        let until = self.clock.now().saturating_add(ttl);
        let entry = self.seal.wrap(name, until, b"");
        if within(self.store.add(name, &entry, ttl)).await? {
            return Ok(None);
        }
        if let Some((_, until)) = self.read(name, 256, ttl).await? {
            return Ok(Some(until));
        }
        within(self.store.set(name, &entry, ttl)).await?;
        Ok(None)
    }

    async fn read(
        &self,
        name: &str,
        most: usize,
        longest: Duration,
    ) -> Result<Option<(Vec<u8>, Duration)>, StoreUnavailable> {
        let Some(entry) = within(self.store.get(name)).await? else { return Ok(None) };
        if entry.len() > most {
            return Ok(None);
        }
        match self.seal.unwrap(name, &entry, self.clock.now(), longest) {
            Ok((content, until)) => Ok(Some((content.to_vec(), until))),
            Err(Broken::Outdated) => Ok(None),
            Err(problem) => {
                let problem = problem.code();
                tracing::warn!(problem, "an entry of the shared cache is not one of ours");
                Ok(None)
            }
        }
    }

    async fn write(
        &self,
        name: &str,
        content: &[u8],
        until: Duration,
        ttl: Duration,
    ) -> Result<(), StoreUnavailable> {
        let entry = self.seal.wrap(name, until, content);
        within(self.store.set(name, &entry, ttl)).await
    }
}

impl Question {
    pub(super) fn new(wanted: &KeyQuery<'_>) -> Self {
        let kind = if wanted.failed.is_some() { "failed" } else { "unknown" };
        let (algorithm, key_id) = (wanted.algorithm.name(), wanted.key_id);
        let presence = if key_id.is_some() { "named" } else { "unnamed" };
        Self(hash(&[kind, algorithm, presence, key_id.unwrap_or_default()]))
    }
}

/// A name for some texts, in which none can pass for a part of another.
fn hash(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &bytes))
}

async fn within<T>(
    answer: impl Future<Output = Result<T, StoreUnavailable>>,
) -> Result<T, StoreUnavailable> {
    tokio::time::timeout(STORE_TIMEOUT, answer).await.unwrap_or(Err(StoreUnavailable::new()))
}
