//! The open streams of one `JwtAuth`, in the order in which they end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::http::streams::{
    end_of_access::EndOfAccess,
    open_stream::{OpenStream, StreamAccess},
};
use crate::{background::BackgroundThread, clock::Clock, metrics};

/// Difference of the clocks from which on the ends are foreseen anew.
const JUMP: Duration = Duration::from_millis(50);

/// The open streams. Its size is that of the streams that are open.
pub(crate) struct StreamTable {
    streams: Mutex<Streams>,
    /// Notified when the sweeper has to look sooner than it meant to.
    pub(super) news: Notify,
    /// True while there is a sweeper.
    pub(super) is_swept: AtomicBool,
}

#[derive(Default)]
struct Streams {
    open: BTreeMap<u64, Arc<OpenStream>>,
    /// Ends on the monotonic clock.
    due: BTreeSet<(Duration, u64)>,
    last: u64,
    /// Difference of the clocks for which the ends were foreseen.
    offset: ClockOffset,
}

/// Distance of the wall clock from the monotonic one.
#[derive(Clone, Copy, Default)]
struct ClockOffset {
    wall: Duration,
    monotonic: Duration,
}

impl ClockOffset {
    /// Returns `true` if the wall clock was set since.
    fn has_jumped(self, now: Self) -> bool {
        let foreseen = now.monotonic.saturating_sub(self.monotonic).saturating_add(self.wall);
        foreseen.abs_diff(now.wall) > JUMP
    }
}

impl StreamTable {
    /// Adds a stream, unless there are as many as there may be. Returns its number.
    pub(crate) fn insert(
        &self,
        access: StreamAccess,
        most: Option<usize>,
    ) -> Option<(u64, Arc<OpenStream>)> {
        let due = access.due;
        let stream = Arc::new(OpenStream::new(access));
        let (number, is_first) = {
            let mut streams = self.streams();
            if most.is_some_and(|most| streams.open.len() >= most) {
                return None;
            }
            streams.last += 1;
            let number = streams.last;
            streams.open.insert(number, stream.clone());
            streams.due.extend(due.map(|due| (due, number)));
            let is_first = streams.due.first().is_some_and(|first| first.1 == number);
            (number, is_first || streams.open.len() == 1)
        };
        if is_first {
            self.news.notify_one();
        }
        metrics::stream_opened();
        Some((number, stream))
    }

    /// Replaces the access of a stream. Returns `false` if the one before has ended.
    pub(super) fn replace(&self, number: u64, access: StreamAccess) -> bool {
        let mut streams = self.streams();
        let due = access.due;
        let Some(before) = streams.open.get(&number).and_then(|stream| stream.replace(access))
        else {
            return false;
        };
        if let Some(before) = before.due {
            streams.due.remove(&(before, number));
        }
        streams.due.extend(due.map(|due| (due, number)));
        drop(streams);
        self.news.notify_one();
        true
    }

    /// Removes a stream that is closed.
    pub(crate) fn remove(&self, number: u64) {
        let mut streams = self.streams();
        if let Some(stream) = streams.open.remove(&number) {
            if let Some(due) = stream.access().due {
                streams.due.remove(&(due, number));
            }
            metrics::stream_closed();
        }
    }

    /// Ends the streams whose access has expired. Returns the time until the next one, and `None`
    /// if no stream is open.
    pub(super) fn end_expired(&self, clock: &dyn Clock) -> Option<Duration> {
        let now = ClockOffset { wall: clock.now(), monotonic: clock.monotonic() };
        let mut ended = Vec::new();
        let next = {
            let mut streams = self.streams();
            if streams.open.is_empty() {
                streams.offset = now;
                return None;
            }
            if streams.offset.has_jumped(now) {
                streams.foresee(now);
            }
            while let Some(&(due, number)) = streams.due.first()
                && due <= now.monotonic
            {
                streams.due.pop_first();
                ended.extend(streams.open.get(&number).cloned());
            }
            let next = streams.due.first().map(|(due, _)| due.saturating_sub(now.monotonic));
            next.unwrap_or(Duration::MAX)
        };
        for stream in ended {
            stream.finish_expired(clock);
        }
        Some(next)
    }

    /// Ends all streams.
    pub(super) fn end_all(&self, end: EndOfAccess) {
        for stream in self.all() {
            stream.finish(end);
        }
    }

    /// Returns the streams that are open.
    pub(super) fn all(&self) -> Vec<Arc<OpenStream>> {
        self.streams().open.values().cloned().collect()
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    fn foresee(&mut self, now: ClockOffset) {
        let dues = self.open.iter().filter_map(|(number, stream)| {
            stream.foresee(now.wall, now.monotonic).map(|due| (due, *number))
        });
        self.due = dues.collect();
        self.offset = now;
    }
}

/// The table of a `JwtAuth`, and the thread that its sweeper runs on. The sweeper ends with it.
pub(crate) struct StreamsOfAuth {
    pub(crate) table: Arc<StreamTable>,
    pub(super) thread: OnceLock<Arc<BackgroundThread>>,
}

impl Default for StreamsOfAuth {
    fn default() -> Self {
        let streams = Mutex::default();
        let table = StreamTable { streams, news: Notify::new(), is_swept: AtomicBool::new(false) };
        Self { table: Arc::new(table), thread: OnceLock::new() }
    }
}

impl Drop for StreamsOfAuth {
    fn drop(&mut self) {
        if self.table.is_swept.load(Ordering::Acquire) {
            self.table.news.notify_one();
        }
    }
}
