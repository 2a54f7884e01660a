//! Copy of the shared revocations in the memory of each instance.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use super::{
    RedisRevocation, Revocation, RevocationHealth, RevocationKeys, RevocationStore,
    copy::RevokedCopy,
    log::{Page, Position},
};
use crate::{atomic_time::AtomicTime, changes::Changes, error::ConfigError, jitter, metrics};
use crate::{error::StoreUnavailable, lookup::BoxFuture, lookup::Lookup};

/// A [`RevocationStore`] that answers from memory, with a copy of the revocations in Redis.
///
/// A request causes no call to the server. A token revoked by another instance is refused here
/// after two seconds at most, usually after half a second; one revoked by this instance at once.
/// The bound is enforced: while the copy may be older, because the server is unreachable, the state
/// of tokens is unknown and the answer is 503. The same holds before the first copy:
/// [`JwtAuth::wait_until_ready`](crate::JwtAuth::wait_until_ready) waits for it, `/health/ready` of
/// [`HealthEndpoints`](crate::endpoints::HealthEndpoints) answers 503 until it is fresh, and
/// [`is_fresh`](Self::is_fresh), [`age`](Self::age) and the metrics report it too.
///
/// The replica polls the server about four times within the bound for news since the last answer;
/// at first for everything, 250 entries at a time. A failed request is repeated from where the last
/// one ended. Each may take 2 seconds, and none counts for the circuit breaker of other users of
/// the connection. Everything is read again only if the server has lost data, or if more than
/// 10,000 entries were added since the last answer. An entry takes about 130 bytes of memory; it
/// stays until its tokens have expired, and ten minutes longer.
///
/// ```no_run
/// use jwt_verify::{revocation::{RedisRevocation, RevocationReplica}, store::RedisCache};
///
/// let redis = RedisCache::builder("rediss://redis.internal:6379").build()?;
/// let replica = RevocationReplica::builder(RedisRevocation::new(redis)).spawn()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct RevocationReplica {
    inner: Arc<ReplicaInner>,
}

struct ReplicaInner {
    source: RedisRevocation,
    copy: RevokedCopy,
    staleness: Duration,
    /// Time at which the copy was last equal to the original; zero means never.
    confirmed_at: AtomicTime,
    attempts: watch::Sender<CopyAttempt>,
    /// Changes of the copy.
    changes: Changes,
    /// Notified when the last user is dropped.
    ended: Arc<Notify>,
}

/// Result of the latest attempt to have a fresh copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CopyAttempt {
    None,
    Copied,
    Failed,
}

impl RevocationReplica {
    /// Starts copying.
    pub(super) fn spawn(source: RedisRevocation, staleness: Duration) -> Result<Self, ConfigError> {
        let redis = source.log().redis().clone();
        let ended = Arc::new(Notify::new());
        let inner = Arc::new(ReplicaInner {
            source,
            copy: RevokedCopy::new(),
            staleness,
            confirmed_at: AtomicTime::default(),
            attempts: watch::Sender::new(CopyAttempt::None),
            changes: Changes::new(),
            ended: ended.clone(),
        });
        metrics::revocation_copy(redis.namespace(), 0, None);
        if redis.spawn(follow(Arc::downgrade(&inner), ended)) {
            Ok(Self { inner })
        } else {
            Err(ConfigError::invalid("replica", "there is no thread for it"))
        }
    }

    /// Returns `true` if the copy is within its bound, so that tokens can be checked against it.
    pub fn is_fresh(&self) -> bool {
        self.inner.is_fresh()
    }

    /// Returns the time since the copy was last equal to the data in Redis; `None` before the first
    /// copy.
    pub fn age(&self) -> Option<Duration> {
        self.inner.age()
    }

    /// Returns the number of revocations in the copy.
    pub fn len(&self) -> usize {
        self.inner.copy.len()
    }

    /// Returns `true` if nothing is revoked, as far as the copy knows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Polls until the last user of the copy is dropped.
async fn follow(copied: Weak<ReplicaInner>, ended: Arc<Notify>) {
    let mut reader = LogReader { position: Position::default(), is_late: false };
    while let Some(inner) = copied.upgrade() {
        let pause = reader.go_on(&inner).await;
        drop(inner);
        // The end is noticed at once.
        let _ = tokio::time::timeout(pause, ended.notified()).await;
    }
}

struct LogReader {
    position: Position,
    /// True if the log contains that the copy is not fresh.
    is_late: bool,
}

impl LogReader {
    /// Requests a page. Returns the time to wait before the next one, so that instances do not all
    /// send requests at the same time.
    async fn go_on(&mut self, inner: &ReplicaInner) -> Duration {
        let asked_at = inner.source.clock().monotonic();
        let log = inner.source.log();
        let quarter = inner.staleness / 4;
        let Ok(page) = log.read(self.position).await else {
            self.failed(inner);
            return jitter::between(quarter / 2, quarter);
        };
        let is_known = self.position != Position::default();
        self.take(inner, &page);
        if page.is_last {
            self.copied(inner, asked_at);
        }
        if page.has_waste {
            // Success shows when the next page is requested.
            let _ = log.forget().await;
        }
        if page.is_last {
            jitter::between(quarter * 3 / 4, quarter)
        } else if page.begins_anew && is_known {
            // All instances notice at the same time.
            jitter::between(Duration::ZERO, quarter)
        } else {
            // The server is free for others while the page is transferred and stored.
            Duration::ZERO
        }
    }

    fn take(&mut self, inner: &ReplicaInner, page: &Page) {
        if page.begins_anew && self.position != Position::default() && !page.is_last {
            tracing::warn!(
                "Redis has lost revocations, or there were too many: all are read again"
            );
        }
        let now = inner.source.clock().now();
        for entry in &page.entries {
            inner.copy.note(&entry.mark, entry.issued_until, entry.until, now);
        }
        if !page.entries.is_empty() {
            inner.changes.note();
        }
        self.position = page.next;
    }

    fn copied(&mut self, inner: &ReplicaInner, asked_at: Duration) {
        // Entries revoked while the answer is on its way may be missing in it.
        inner.confirmed_at.store(asked_at.max(Duration::from_nanos(1)));
        inner.attempts.send_replace(CopyAttempt::Copied);
        let now = inner.source.clock().now();
        inner.copy.sweep(now);
        let source = inner.source.log().redis().namespace();
        metrics::revocation_copy(source, inner.copy.len(), Some(now));
        if std::mem::take(&mut self.is_late) {
            tracing::info!("the copy of what is revoked is fresh again");
        }
    }

    fn failed(&mut self, inner: &ReplicaInner) {
        metrics::revocation_copy_failed(inner.source.log().redis().namespace());
        inner.attempts.send_replace(CopyAttempt::Failed);
        if !inner.is_fresh() && !std::mem::replace(&mut self.is_late, true) {
            tracing::warn!(
                "the copy of what is revoked is not fresh: it cannot be told what is revoked"
            );
        }
    }
}

impl ReplicaInner {
    fn age(&self) -> Option<Duration> {
        let confirmed_at = self.confirmed_at.load();
        let age = self.source.clock().monotonic().saturating_sub(confirmed_at);
        (!confirmed_at.is_zero()).then_some(age)
    }

    fn is_fresh(&self) -> bool {
        self.age().is_some_and(|age| age <= self.staleness)
    }
}

impl Drop for ReplicaInner {
    fn drop(&mut self) {
        self.ended.notify_one();
    }
}

impl RevocationStore for RevocationReplica {
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        let inner = &*self.inner;
        // Read first: a confirmation during the lookup may refer to entries that it did not see.
        let is_fresh = inner.is_fresh();
        // A revoked entry stays revoked, however old the copy is.
        let answer = if inner.copy.revokes(keys, inner.source.clock().now()) {
            Ok(true)
        } else if is_fresh {
            Ok(false)
        } else {
            Err(StoreUnavailable::new())
        };
        Lookup::Ready(answer)
    }

    fn revoke<'a>(
        &'a self,
        what: &'a Revocation,
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        self.revoke_all(std::slice::from_ref(what), until)
    }

    fn revoke_all<'a>(
        &'a self,
        what: &'a [Revocation],
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async move {
            let ReplicaInner { source, copy, changes, .. } = &*self.inner;
            source.revoke_all(what, until).await?;
            for one in what {
                copy.note(one.key(), one.issued_until(), until, source.clock().now());
            }
            changes.note();
            Ok(())
        })
    }

    fn is_immediate(&self) -> bool {
        true
    }

    fn changes(&self) -> Option<&Changes> {
        Some(&self.inner.changes)
    }

    fn wait_until_ready(&self) -> BoxFuture<'_, Result<(), StoreUnavailable>> {
        Box::pin(async move {
            let mut attempts = self.inner.attempts.subscribe();
            while !self.is_fresh() {
                attempts.changed().await.map_err(StoreUnavailable::caused_by)?;
                let has_failed = *attempts.borrow_and_update() == CopyAttempt::Failed;
                if has_failed && !self.is_fresh() {
                    return Err(StoreUnavailable::new());
                }
            }
            Ok(())
        })
    }

    fn health(&self) -> RevocationHealth {
        RevocationHealth { usable: self.is_fresh(), entries: Some(self.len()), age: self.age() }
    }
}

impl fmt::Debug for RevocationReplica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationReplica")
            .field("staleness", &self.inner.staleness)
            .field("is_fresh", &self.is_fresh())
            .finish_non_exhaustive()
    }
}
