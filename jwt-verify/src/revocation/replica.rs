//! A copy of what is revoked, in the memory of each instance.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    MemoryRevocation, RedisRevocation, Revocation, RevocationError, RevocationFuture,
    RevocationLookup, RevocationStore, TokenMarks,
};
use crate::{ConfigError, limits::REPLICA_STALENESS};

/// A [`RevocationStore`] that answers from memory, with a copy of what is in Redis.
///
/// A request costs no question to the server. What another instance revokes is refused here after
/// two seconds at most, usually after half of one; what this instance revokes, at once. The bound is
/// kept or told: while the copy may be older, because the server is out of reach, nobody knows what is
/// revoked, and the answer is 503.
///
/// A thread of its own asks the server four times within the bound. It ends with the last clone.
///
/// ```no_run
/// use jwt_verify::{RedisCache, RedisRevocation, RevocationReplica};
///
/// let redis = RedisCache::new("rediss://redis.internal:6379").build()?;
/// let replica = RevocationReplica::start(RedisRevocation::new(redis))?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct RevocationReplica {
    inner: Arc<Inner>,
}

struct Inner {
    source: RedisRevocation,
    copy: MemoryRevocation,
    staleness: Duration,
    /// When the copy was the same as the original, in nanoseconds of the clock that never goes back;
    /// one more than that, so that zero means never.
    confirmed_at: AtomicU64,
    /// Told when somebody wants to know at once.
    ended: Arc<Notify>,
}

impl RevocationReplica {
    /// Begins to copy. Nobody is let in before the first copy is there.
    ///
    /// # Errors
    /// If no thread can be made.
    pub fn start(source: RedisRevocation) -> Result<Self, ConfigError> {
        Self::start_with(source, REPLICA_STALENESS)
    }

    /// The same with another bound than two seconds: how much longer a token that another instance
    /// has revoked may be accepted here.
    ///
    /// # Errors
    /// A bound below 200 ms or above a minute, and if no thread can be made.
    pub fn start_with(source: RedisRevocation, staleness: Duration) -> Result<Self, ConfigError> {
        if staleness < Duration::from_millis(200) || staleness > Duration::from_secs(60) {
            return Err(ConfigError::invalid("staleness", "must be between 200 ms and 1 min"));
        }
        let ended = Arc::new(Notify::new());
        let inner = Arc::new(Inner {
            copy: MemoryRevocation::with_shared_clock(source.clock().clone()),
            source,
            staleness,
            confirmed_at: AtomicU64::new(0),
            ended: ended.clone(),
        });
        let copied = Arc::downgrade(&inner);
        let job = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(follow(&copied, &ended, staleness / 4));
            } else {
                tracing::error!("nothing can be copied: there is no runtime");
            }
        };
        let thread = thread::Builder::new().name("jwt-revocations".into()).spawn(job);
        thread.map_err(|_| ConfigError::invalid("replica", "there is no thread for it"))?;
        Ok(Self { inner })
    }
}

/// Asks again and again, until nobody needs the copy any more.
async fn follow(copied: &Weak<Inner>, ended: &Notify, pause: Duration) {
    let mut since = 0;
    loop {
        let Some(inner) = copied.upgrade() else { return };
        match inner.update(since).await {
            Ok(next) => since = next,
            // Whether the server has lost what it had is not known; it is asked for everything.
            Err(RevocationError) => since = 0,
        }
        drop(inner);
        // A copy that is dropped meanwhile is noticed at once.
        let _ = tokio::time::timeout(pause, ended.notified()).await;
    }
}

impl Inner {
    async fn update(&self, since: u64) -> Result<u64, RevocationError> {
        // What is revoked while the answer is on its way may be lacking in it.
        let asked_at = self.monotonic();
        let (next, noted) = self.source.noted(since).await?;
        for entry in noted {
            self.copy.note(&entry.mark, entry.issued_until, entry.until);
        }
        self.confirmed_at.store(asked_at.saturating_add(1), Ordering::Release);
        Ok(next)
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.source.clock().monotonic().as_nanos()).unwrap_or(u64::MAX)
    }

    fn is_fresh(&self) -> bool {
        let bound = u64::try_from(self.staleness.as_nanos()).unwrap_or(u64::MAX);
        match self.confirmed_at.load(Ordering::Acquire) {
            0 => false,
            at => self.monotonic().saturating_sub(at - 1) <= bound,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.ended.notify_one();
    }
}

impl RevocationStore for RevocationReplica {
    fn check<'a>(&'a self, marks: &'a TokenMarks) -> RevocationLookup<'a> {
        match self.inner.copy.check(marks) {
            // What is revoked stays so, however old the copy is.
            RevocationLookup::Ready(Ok(false)) if !self.inner.is_fresh() => {
                RevocationLookup::Ready(Err(RevocationError))
            }
            answer => answer,
        }
    }

    fn revoke<'a>(&'a self, what: &'a Revocation, until: Duration) -> RevocationFuture<'a, ()> {
        Box::pin(async move {
            self.inner.source.revoke(what, until).await?;
            self.inner.copy.note(what.mark(), what.issued_until(), until);
            Ok(())
        })
    }

    fn is_local(&self) -> bool {
        true
    }
}

impl fmt::Debug for RevocationReplica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationReplica")
            .field("staleness", &self.inner.staleness)
            .field("is_fresh", &self.inner.is_fresh())
            .finish_non_exhaustive()
    }
}
