//! API keys of a file, which is read again when it changes.

use std::{
    collections::HashMap,
    fmt,
    fs::{File, Metadata},
    io::Read as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;

use super::{
    hash::ApiKeyHash,
    record::{ApiKeyRecord, InvalidApiKeyRecord},
    store::ApiKeyStore,
    thread::THREAD,
};
use crate::{
    background::BackgroundThread,
    clock::{Clock as _, SystemClock},
    defaults::{API_KEY_FILE_INTERVAL, API_KEY_FILE_STALE, MAX_API_KEY_FILE_BYTES},
    error::{ConfigError, StoreUnavailable},
    lookup::Lookup,
    metrics,
};

/// An [`ApiKeyStore`] of a file with a JSON array of records, which is read again when it changes. See
/// [`ApiKeyRecord`] for the members; `jwt-verify key new` makes a key and its record.
///
/// The file is looked at once a second in the background, and never by a request. A key that a new
/// content does not have is refused within two seconds; cached keys too. Replace the file in one step:
/// write another one and rename it.
///
/// While the file is missing or has a mistake, its last good content counts for ten minutes, an event at
/// `WARN` says so, and the metric `jwt_verify_api_key_file_failures_total` counts the attempts. After
/// that every key is answered with 503: keys that were to be revoked must not be accepted for ever. An
/// empty array is good content.
///
/// **Security:** the process that can write the file decides who is accepted. A reader cannot use what is
/// in it. Clones share the content.
#[derive(Clone)]
pub struct FileApiKeys {
    inner: Arc<FileApiKeysInner>,
}

struct FileApiKeysInner {
    path: PathBuf,
    /// `None` once it is too old.
    keys: ArcSwapOption<KeysByHash>,
    generation: AtomicU64,
    state: Mutex<FileState>,
    /// Kept as long as the file is to be looked at.
    thread: Arc<BackgroundThread>,
}

type KeysByHash = HashMap<ApiKeyHash, Arc<ApiKeyRecord>>;

/// The file as it was last seen.
#[derive(Debug, Default)]
struct FileState {
    /// Stamp of the last good content, if the next change is sure to have another one.
    stamp: Option<Stamp>,
    /// First failure since, by the monotonic clock.
    failing_since: Option<Duration>,
}

impl FileApiKeys {
    /// Reads the file, and begins to look for changes.
    ///
    /// # Errors
    /// A file that cannot be read, has more than 256 MiB, or has a mistake in a record; or if no thread can
    /// be started.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        let keys = Self::read_once(path.into())?;
        let weak = Arc::downgrade(&keys.inner);
        let is_running = keys.inner.thread.run(move || async move {
            loop {
                tokio::time::sleep(API_KEY_FILE_INTERVAL).await;
                let Some(inner) = weak.upgrade() else { return };
                // Blocks this thread alone, which has nothing to do that a request waits for.
                inner.look(SystemClock::new().monotonic());
            }
        });
        if is_running {
            Ok(keys)
        } else {
            Err(ConfigError::invalid(
                "api_keys.file",
                "no thread can be started to look for changes",
            ))
        }
    }

    fn read_once(path: PathBuf) -> Result<Self, ConfigError> {
        let (keys, stamp) = read(&path).map_err(|problem| {
            ConfigError::invalid(
                "api_keys.file",
                match problem {
                    FileProblem::Unreadable => "the file cannot be read, or has more than 256 MiB",
                    FileProblem::Record(reason) => problem_of(reason),
                },
            )
        })?;
        let inner = FileApiKeysInner {
            path,
            keys: ArcSwapOption::from_pointee(keys),
            generation: AtomicU64::new(0),
            state: Mutex::new(FileState { stamp, failing_since: None }),
            thread: THREAD.get(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the number of keys, expired ones included.
    pub fn len(&self) -> usize {
        self.inner.keys.load().as_ref().map_or(0, |keys| keys.len())
    }

    /// Returns `true` if there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FileApiKeysInner {
    /// Reads the file if it is another one than before.
    fn look(&self, now: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = state.stamp.is_some() && state.stamp == Stamp::of(&self.path);
        if is_same && state.failing_since.is_none() {
            return;
        }
        match read(&self.path) {
            Ok((keys, stamp)) => {
                *state = FileState { stamp, failing_since: None };
                let is_new = self.keys.load().as_deref() != Some(&keys);
                if is_new {
                    tracing::info!(keys = keys.len(), "the file with API keys was read again");
                    self.replace(Some(Arc::new(keys)));
                }
            }
            Err(problem) => self.note_failure(&mut state, &problem, now),
        }
    }

    fn note_failure(&self, state: &mut FileState, problem: &FileProblem, now: Duration) {
        metrics::api_key_file_failed();
        let Some(since) = state.failing_since else {
            state.failing_since = Some(now);
            tracing::warn!(
                reason = problem.code(),
                "the file with API keys cannot be used; its last content counts for ten minutes"
            );
            return;
        };
        let is_too_old = now.saturating_sub(since) >= API_KEY_FILE_STALE;
        if is_too_old && self.keys.load().is_some() {
            tracing::error!(
                reason = problem.code(),
                "the file with API keys cannot be used; every key is answered with 503"
            );
            self.replace(None);
        }
    }

    fn replace(&self, keys: Option<Arc<KeysByHash>>) {
        self.keys.store(keys);
        self.generation.fetch_add(1, Ordering::Release);
    }
}

impl ApiKeyStore for FileApiKeys {
    fn find(
        &self,
        hash: ApiKeyHash,
    ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
        let found = match &*self.inner.keys.load() {
            Some(keys) => Ok(keys.get(&hash).cloned()),
            None => Err(StoreUnavailable::new()),
        };
        Lookup::Ready(found)
    }

    fn generation(&self) -> Option<u64> {
        Some(self.inner.generation.load(Ordering::Acquire))
    }
}

impl fmt::Debug for FileApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileApiKeys").field("len", &self.len()).finish_non_exhaustive()
    }
}

enum FileProblem {
    /// Missing, not allowed, too large, or not UTF-8.
    Unreadable,
    Record(InvalidApiKeyRecord),
}

impl FileProblem {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Record(reason) => reason.code(),
        }
    }
}

fn problem_of(reason: InvalidApiKeyRecord) -> &'static str {
    match reason {
        InvalidApiKeyRecord::Document => {
            "must be a JSON array of objects with `hash`, `sub`, and optionally `name`, `roles`, \
             `permissions`, `scopes` and `exp`, and no other members"
        }
        InvalidApiKeyRecord::Hash => "a `hash` is not the base64url of 32 bytes",
        InvalidApiKeyRecord::Subject => "a `sub` is empty, too long, or has control characters",
        InvalidApiKeyRecord::Name => "a `name` is empty, too long, or has control characters",
        InvalidApiKeyRecord::Authority => {
            "a role or permission is empty, too long, or has control characters, or a key has more \
             than 256"
        }
        InvalidApiKeyRecord::Scope => {
            "a scope is not one word of ASCII, or a key has more than 256"
        }
        InvalidApiKeyRecord::Expiry => "an `exp` is not a time before the year 10000",
        InvalidApiKeyRecord::Duplicate => "two records have one `hash`",
    }
}

/// Reads the keys, with the stamp that the file had before.
fn read(path: &Path) -> Result<(KeysByHash, Option<Stamp>), FileProblem> {
    let unreadable = |_| FileProblem::Unreadable;
    let file = File::open(path).map_err(unreadable)?;
    let stamp = file.metadata().map(|metadata| Stamp::settled(&metadata)).map_err(unreadable)?;
    let mut text = String::new();
    file.take(MAX_API_KEY_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_API_KEY_FILE_BYTES {
        return Err(FileProblem::Unreadable);
    }
    let records = ApiKeyRecord::list_from_json(&text).map_err(FileProblem::Record)?;
    let keys = records.into_iter().map(|record| (record.hash(), Arc::new(record)));
    Ok((keys.collect(), stamp))
}

/// Properties of a file that change with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: SystemTime,
    /// Device, number and time of the last change of the file itself.
    identity: [u64; 4],
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().and_then(|metadata| Self::from_metadata(&metadata))
    }

    /// Returns the stamp of a file that was changed a while ago. Two changes within the resolution of
    /// the file system's clock have one stamp, so one that has just been changed is read once more.
    fn settled(metadata: &Metadata) -> Option<Self> {
        let stamp = Self::from_metadata(metadata)?;
        let age = SystemTime::now().duration_since(stamp.modified);
        age.is_ok_and(|age| age >= RESOLUTION).then_some(stamp)
    }

    fn from_metadata(metadata: &Metadata) -> Option<Self> {
        let (length, modified) = (metadata.len(), metadata.modified().ok()?);
        Some(Self { length, modified, identity: identity(metadata) })
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> [u64; 4] {
    use std::os::unix::fs::MetadataExt as _;

    let (seconds, nanos) =
        (metadata.ctime().cast_unsigned(), metadata.ctime_nsec().cast_unsigned());
    [metadata.dev(), metadata.ino(), seconds, nanos]
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> [u64; 4] {
    [0; 4]
}

/// Resolution of the coarsest file system's clock.
const RESOLUTION: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of this test alone, removed at its end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, content: &str) -> Self {
            let file = format!("jwt-verify-{}-{name}.json", std::process::id());
            let scratch = Self(std::env::temp_dir().join(file));
            scratch.write(content);
            scratch
        }

        fn write(&self, content: &str) {
            std::fs::write(&self.0, content).unwrap();
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn hash(byte: u8) -> ApiKeyHash {
        ApiKeyHash::from_bytes([byte; 32])
    }

    fn list(bytes: &[u8]) -> String {
        let records: Vec<String> = bytes
            .iter()
            .map(|byte| ApiKeyRecord::builder(hash(*byte), "ada").build().unwrap().to_json())
            .collect();
        format!("[{}]", records.join(","))
    }

    async fn has(keys: &FileApiKeys, byte: u8) -> bool {
        keys.find(hash(byte)).await.unwrap().is_some()
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again() {
        let file = Scratch::new("changed", &list(&[1]));
        let keys = FileApiKeys::read_once(file.0.clone()).unwrap();
        assert!(has(&keys, 1).await && !has(&keys, 2).await);
        let before = keys.generation();
        keys.inner.look(at(0));
        assert_eq!(keys.generation(), before, "nothing has changed");
        file.write(&list(&[2]));
        keys.inner.look(at(1));
        assert!(!has(&keys, 1).await && has(&keys, 2).await);
        assert_ne!(keys.generation(), before);
        file.write("[]");
        keys.inner.look(at(2));
        assert!(keys.is_empty() && !has(&keys, 2).await);
    }

    #[tokio::test]
    async fn a_broken_file_leaves_what_was_there_for_ten_minutes() {
        let file = Scratch::new("broken", &list(&[1]));
        let keys = FileApiKeys::read_once(file.0.clone()).unwrap();
        for broken in [Some("[{"), Some(""), None] {
            match broken {
                Some(text) => file.write(text),
                None => std::fs::remove_file(&file.0).unwrap(),
            }
            let before = keys.generation();
            keys.inner.look(at(0));
            keys.inner.look(at(599));
            assert!(has(&keys, 1).await && keys.generation() == before);
            keys.inner.look(at(600));
            assert!(keys.find(hash(1)).await.is_err() && keys.generation() != before);
            file.write(&list(&[1]));
            keys.inner.look(at(601));
            assert!(has(&keys, 1).await);
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_does_not_open() {
        let open = |content: &str| {
            let file = Scratch::new("start", content);
            FileApiKeys::open(&file.0).unwrap_err().to_string()
        };
        for content in ["", "{}", r#"[{"hash":"x"}]"#] {
            assert!(open(content).contains("must be a JSON array"), "{content}");
        }
        assert!(open(r#"[{"hash":"x","sub":"s"}]"#).contains("`hash`"));
        let missing = FileApiKeys::open("/no/such/file").unwrap_err().to_string();
        assert!(missing.starts_with("api_keys.file: the file cannot be read"), "{missing}");
    }

    /// The thread looks by itself.
    #[tokio::test]
    async fn a_change_counts_soon() {
        let file = Scratch::new("soon", &list(&[1]));
        let keys = FileApiKeys::open(&file.0).unwrap();
        file.write(&list(&[2]));
        for _ in 0..1000 {
            if has(&keys, 2).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the file was not read again");
    }
}
