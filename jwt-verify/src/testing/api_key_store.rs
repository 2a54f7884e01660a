//! Acceptance suites for stores of API keys.

use std::time::Duration;

use crate::{
    api_keys::{ApiKeyHash, ApiKeyRecord, ApiKeyStore, ApiKeyUse, ManageApiKeys, StoredApiKey},
    clock::{Clock as _, SystemClock},
    digest::sha256,
};

/// Tests that a store meets the contract of [`ApiKeyStore`].
///
/// `publish` replaces the content of the store by these records, and returns once the store has them.
/// The suite makes its own records; run it against a store of its own.
///
/// ```
/// use jwt_verify::{api_keys::{ApiKeyRecord, ManageApiKeys as _, MemoryApiKeys}, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let (store, mut before) = (MemoryApiKeys::new(), Vec::<ApiKeyRecord>::new());
/// testing::api_key_store(store.clone(), async |records: Vec<ApiKeyRecord>| {
///     for record in std::mem::replace(&mut before, records.clone()) {
///         store.revoke(record.hash()).await.unwrap();
///     }
///     for record in records {
///         store.insert(&record).await.unwrap();
///     }
/// })
/// .await;
/// # });
/// ```
///
/// # Panics
/// If the store violates the contract; the message describes how.
pub async fn api_key_store(
    store: impl ApiKeyStore,
    mut publish: impl AsyncFnMut(Vec<ApiKeyRecord>),
) {
    let suite = Suite::new();
    let (full, least) = (suite.full_record(1), suite.record(2, None));
    publish(vec![full.clone(), least.clone()]).await;
    for record in [&full, &least] {
        let found = find(&store, record.hash()).await;
        assert_eq!(found.as_ref(), Some(record), "a record is found as it was stored");
    }
    for hash in suite.near(full.hash()) {
        assert_eq!(find(&store, hash).await, None, "another hash is another key");
    }

    let before = store.generation();
    let changed = suite.record(1, Some(suite.later));
    publish(vec![changed.clone(), suite.record(3, None)]).await;
    assert_eq!(find(&store, changed.hash()).await, Some(changed), "the newer record counts");
    assert_eq!(find(&store, least.hash()).await, None, "a removed record is not found");
    if before.is_some() {
        assert_ne!(store.generation(), before, "the generation changes with the content");
    }

    let is_noted = store.note_used(&[ApiKeyUse::new(suite.hash(3), suite.minute)]).await;
    assert!(is_noted.is_ok(), "uses can be noted, or are ignored");
    publish(Vec::new()).await;
    assert_eq!(find(&store, suite.hash(3)).await, None, "no record may be left");
}

/// Tests that a store meets the contract of [`ManageApiKeys`].
///
/// The suite uses its own owners and hashes, which are new with every call, and the system clock, which
/// a store uses by default.
///
/// ```
/// use jwt_verify::{api_keys::MemoryApiKeys, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// testing::managed_api_key_store(MemoryApiKeys::new()).await;
/// # });
/// ```
///
/// # Panics
/// If the store violates the contract; the message describes how.
pub async fn managed_api_key_store(store: impl ManageApiKeys) {
    let suite = Suite::new();
    let (first, second) = (suite.full_record(1), suite.record(2, None));
    for record in [&first, &second] {
        assert!(insert(&store, record).await, "a new record is stored");
        assert!(!insert(&store, record).await, "and not a second time");
        let found = find(&store, record.hash()).await;
        assert_eq!(found.as_ref(), Some(record), "a record is found as it was stored");
    }
    for hash in suite.near(first.hash()) {
        assert_eq!(find(&store, hash).await, None, "another hash is another key");
    }
    let other = changed(&first);
    assert!(!insert(&store, &other).await, "a hash has one record");
    assert_eq!(find(&store, first.hash()).await.as_ref(), Some(&first), "the first one");
    assert_eq!(hashes(&list(&store, &suite.owner).await).len(), 2, "an owner has two keys");
    assert!(list(&store, &format!("{}x", suite.owner)).await.is_empty(), "another has none");

    rotation(&store, &suite, &first).await;
    uses(&store, &suite, &second).await;

    let before = store.generation();
    assert!(revoke(&store, second.hash()).await, "a key that is there is revoked");
    assert!(!revoke(&store, second.hash()).await, "and not a second time");
    assert_eq!(find(&store, second.hash()).await, None, "a revoked key is not found");
    assert!(!hashes(&list(&store, &suite.owner).await).contains(&second.hash().to_string()));
    if before.is_some() {
        assert_ne!(store.generation(), before, "the generation changes with a revocation");
    }
    assert!(insert(&store, &second).await, "a revoked key can be stored again");
}

/// Both keys of a rotation are there, and the first one expires.
async fn rotation(store: &impl ManageApiKeys, suite: &Suite, first: &ApiKeyRecord) {
    let next = suite.record(4, None);
    let before = store.generation();
    assert!(rotate(store, first.hash(), &next, suite.later).await, "a key is rotated");
    assert_eq!(find(store, next.hash()).await.as_ref(), Some(&next), "its successor is there");
    let old = find(store, first.hash()).await;
    assert_eq!(old, Some(first.expiring_at(suite.later)), "it expires, and keeps its grants");
    if before.is_some() {
        assert_ne!(store.generation(), before, "the generation changes with a rotation");
    }
    let listed = list(store, &suite.owner).await;
    for hash in [first.hash(), next.hash()] {
        assert!(hashes(&listed).contains(&hash.to_string()), "both are listed");
    }
    let later = suite.later + Duration::from_secs(3600);
    let third = suite.record(5, None);
    assert!(rotate(store, first.hash(), &third, later).await, "a key is rotated once more");
    let old = find(store, first.hash()).await;
    assert_eq!(old, Some(first.expiring_at(suite.later)), "its expiry only comes nearer");

    let unknown = suite.hash(9);
    let fresh = suite.record(6, None);
    assert!(!rotate(store, unknown, &fresh, suite.later).await, "an unknown key has no successor");
    let foreign = suite.of_another_owner(6);
    assert!(!rotate(store, next.hash(), &foreign, suite.later).await, "nor one of another owner");
    assert!(!rotate(store, next.hash(), &third, suite.later).await, "nor one that is taken");
    assert_eq!(find(store, fresh.hash()).await, None, "what fails changes nothing");
    assert_eq!(find(store, next.hash()).await, Some(next), "at the other key too");
}

/// A use is ignored or noted, and then the latest.
async fn uses(store: &impl ManageApiKeys, suite: &Suite, key: &ApiKeyRecord) {
    let earlier = suite.minute.saturating_sub(Duration::from_secs(60));
    for at in [earlier, suite.minute, earlier] {
        let noted = store.note_used(&[ApiKeyUse::new(key.hash(), at)]).await;
        assert!(noted.is_ok(), "uses can be noted, or are ignored");
    }
    let listed = list(store, &suite.owner).await;
    let used = listed.iter().find(|stored| stored.record.hash() == key.hash());
    let last = used.and_then(|stored| stored.last_used);
    assert!(last.is_none_or(|last| last == suite.minute), "the latest use counts");
    assert!(store.note_used(&[]).await.is_ok(), "a batch may be empty");
}

/// Names of one run.
struct Suite {
    owner: String,
    minute: Duration,
    later: Duration,
}

impl Suite {
    fn new() -> Self {
        let now = SystemClock::new().now();
        let minute = Duration::from_secs(now.as_secs() / 60 * 60);
        let owner = format!("suite \"{}\"", now.as_nanos());
        Self { owner, minute, later: minute + Duration::from_secs(3600) }
    }

    fn hash(&self, number: u8) -> ApiKeyHash {
        ApiKeyHash::from_bytes(sha256([self.owner.as_bytes(), &[number]]))
    }

    /// Hashes that differ in their first or last bit.
    fn near(&self, hash: ApiKeyHash) -> [ApiKeyHash; 3] {
        let flipped = |bits: fn(usize) -> u8| {
            let mut bytes = *hash.as_bytes();
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte ^= bits(index);
            }
            ApiKeyHash::from_bytes(bytes)
        };
        let first = |index| u8::from(index == 0) << 7;
        let last = |index| u8::from(index == 31);
        [flipped(first), flipped(last), self.hash(200)]
    }

    #[expect(clippy::expect_used, reason = "this is what a test suite does")]
    fn record(&self, number: u8, expires_at: Option<Duration>) -> ApiKeyRecord {
        let record = ApiKeyRecord::builder(self.hash(number), &self.owner);
        let record = match expires_at {
            Some(time) => record.expires_at(time),
            None => record,
        };
        record.build().expect("this is a record")
    }

    #[expect(clippy::expect_used, reason = "this is what a test suite does")]
    fn full_record(&self, number: u8) -> ApiKeyRecord {
        let record = ApiKeyRecord::builder(self.hash(number), &self.owner).name("naïve \"name\"");
        let record = record.roles(["admin", "a role"]).permissions(["read:posts"]);
        let record = record.scopes(["a", "b:c"]).expires_at(self.later + Duration::from_secs(60));
        record.build().expect("this is a record")
    }

    #[expect(clippy::expect_used, reason = "this is what a test suite does")]
    fn of_another_owner(&self, number: u8) -> ApiKeyRecord {
        let owner = format!("{} 2", self.owner);
        ApiKeyRecord::builder(self.hash(number), owner).build().expect("this is a record")
    }
}

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
fn changed(record: &ApiKeyRecord) -> ApiKeyRecord {
    record.successor(record.hash()).roles(["other"]).build().expect("this is a record")
}

fn hashes(listed: &[StoredApiKey]) -> Vec<String> {
    listed.iter().map(|stored| stored.record.hash().to_string()).collect()
}

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
async fn find(store: &impl ApiKeyStore, hash: ApiKeyHash) -> Option<ApiKeyRecord> {
    let found = store.find(hash).await.expect("the store can be reached");
    found.map(|record| (*record).clone())
}

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
async fn insert(store: &impl ManageApiKeys, record: &ApiKeyRecord) -> bool {
    store.insert(record).await.expect("the store can be reached")
}

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
async fn list(store: &impl ManageApiKeys, owner: &str) -> Vec<StoredApiKey> {
    store.list(owner).await.expect("the store can be reached")
}

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
async fn rotate(
    store: &impl ManageApiKeys,
    replaced: ApiKeyHash,
    next: &ApiKeyRecord,
    expires_at: Duration,
) -> bool {
    store.rotate(replaced, next, expires_at).await.expect("the store can be reached")
}

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
async fn revoke(store: &impl ManageApiKeys, hash: ApiKeyHash) -> bool {
    store.revoke(hash).await.expect("the store can be reached")
}
