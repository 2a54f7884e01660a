use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::{
    api_keys::{ApiKey, ApiKeyStore, ManageApiKeys as _, MemoryApiKeys},
    claims::RoleHierarchy,
    secret::Secret,
};

#[derive(Debug, Default)]
struct MovedClock(AtomicU64);

impl Clock for MovedClock {
    fn now(&self) -> Duration {
        Duration::from_secs(1_800_000_000 + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A store behind a network: it has no generation, counts what it is asked, and can be down.
#[derive(Debug, Clone)]
struct Remote(MemoryApiKeys, Arc<AtomicU64>, Arc<AtomicU64>);

impl ApiKeyStore for Remote {
    fn find(
        &self,
        hash: ApiKeyHash,
    ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
        Lookup::Pending(Box::pin(async move {
            self.1.fetch_add(1, Ordering::SeqCst);
            if self.2.load(Ordering::SeqCst) > 0 {
                return Err(StoreUnavailable::new());
            }
            self.0.find(hash).await
        }))
    }
}

struct Bench {
    memory: MemoryApiKeys,
    keys: ApiKeys,
    finder: ApiKeyFinder,
    clock: Arc<MovedClock>,
}

impl Bench {
    fn on(memory: &MemoryApiKeys, store: impl ApiKeyStore) -> Self {
        let keys = ApiKeys::builder(Secret::from("s".repeat(32)), store).build().unwrap();
        let clock = Arc::new(MovedClock::default());
        let shared: Arc<dyn Clock> = clock.clone();
        let hierarchy = RoleHierarchy::new().role("admin", ["user"]);
        let mapping = ClaimsMapping::keycloak("x").role_hierarchy(hierarchy);
        let finder = keys.finder(Some(&mapping), &shared);
        Self { memory: memory.clone(), keys, finder, clock }
    }

    fn local() -> Self {
        let memory = MemoryApiKeys::new();
        Self::on(&memory, memory.clone())
    }

    fn remote() -> (Self, Arc<AtomicU64>, Arc<AtomicU64>) {
        let memory = MemoryApiKeys::new();
        let remote = Remote(memory.clone(), Arc::default(), Arc::default());
        (Self::on(&memory, remote.clone()), remote.1, remote.2)
    }

    fn add(&self, expires_at: Option<u64>) -> ApiKey {
        let key = self.keys.generate().unwrap();
        let mut record = self.keys.record(&key, "ada").roles(["admin"]).scopes(["a", "b"]);
        if let Some(seconds) = expires_at {
            record = record.expires_at(Duration::from_secs(1_800_000_000 + seconds));
        }
        assert!(self.memory.insert_now(record.build().unwrap()));
        key
    }

    async fn find(&self, key: &str) -> Result<Arc<VerifiedToken>, AuthError> {
        self.finder.find(key.as_bytes()).await
    }

    fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

const UNKNOWN: AuthError = AuthError::InvalidToken(InvalidTokenReason::UnknownApiKey);
const FORM: AuthError = AuthError::InvalidToken(InvalidTokenReason::ApiKeyForm);
const DOWN: AuthError = AuthError::Unavailable { retry_after: STORE_RETRY };

#[tokio::test]
async fn a_key_has_the_grants_of_its_record_by_the_default_names() {
    let bench = Bench::local();
    let key = bench.add(None);
    for _ in 0..4 {
        let token = bench.find(key.expose()).await.unwrap();
        assert_eq!(token.claims().subject(), Some("ada"));
        assert_eq!(token.claims().token_id(), Some(&*bench.keys.hash(&key).id()));
        assert!(token.roles().contains("admin") && token.roles().contains("user"));
        assert!(token.scopes().contains("b") && !token.permissions().contains("b"));
        assert!(!token.is_bound() && token.kind() == CredentialKind::ApiKey);
    }
}

#[tokio::test]
async fn a_key_expires_also_in_the_cache() {
    let bench = Bench::local();
    let key = bench.add(Some(10));
    for _ in 0..4 {
        assert!(bench.find(key.expose()).await.is_ok());
    }
    bench.pass(10);
    for _ in 0..3 {
        assert_eq!(bench.find(key.expose()).await.unwrap_err(), AuthError::ExpiredToken);
    }
}

#[tokio::test]
async fn what_a_local_store_forgets_is_refused_at_once() {
    let bench = Bench::local();
    let (key, other) = (bench.add(None), bench.add(None));
    for _ in 0..4 {
        assert!(bench.find(key.expose()).await.is_ok());
    }
    assert!(bench.memory.revoke(bench.keys.hash(&key)).await.unwrap());
    assert_eq!(bench.find(key.expose()).await.unwrap_err(), UNKNOWN);
    assert!(bench.find(other.expose()).await.is_ok());
}

#[tokio::test]
async fn both_keys_of_a_rotation_work_until_the_old_one_expires() {
    let bench = Bench::local();
    let old = bench.add(None);
    assert!(bench.find(old.expose()).await.is_ok());
    let new = bench.keys.generate().unwrap();
    let record = bench.memory.list("ada").await.unwrap()[0].record.clone();
    let record = record.successor(bench.keys.hash(&new)).build().unwrap();
    let until = bench.clock.now() + Duration::from_secs(60);
    assert!(bench.memory.rotate(bench.keys.hash(&old), &record, until).await.unwrap());
    for key in [&old, &new] {
        assert!(bench.find(key.expose()).await.unwrap().roles().contains("admin"));
    }
    bench.pass(60);
    assert_eq!(bench.find(old.expose()).await.unwrap_err(), AuthError::ExpiredToken);
    assert!(bench.find(new.expose()).await.is_ok());
}

#[tokio::test]
async fn a_remote_store_is_asked_again_after_a_minute() {
    let (bench, asked, down) = Bench::remote();
    let key = bench.add(None);
    for _ in 0..4 {
        assert!(bench.find(key.expose()).await.is_ok());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(bench.memory.revoke(bench.keys.hash(&key)).await.unwrap());
    down.store(1, Ordering::SeqCst);
    bench.pass(59);
    assert!(bench.find(key.expose()).await.is_ok(), "within the bound");
    bench.pass(1);
    assert_eq!(bench.find(key.expose()).await.unwrap_err(), DOWN);
    down.store(0, Ordering::SeqCst);
    assert_eq!(bench.find(key.expose()).await.unwrap_err(), UNKNOWN);
}

#[tokio::test]
async fn what_a_remote_store_does_not_have_is_not_asked_for_again_at_once() {
    let (bench, asked, _) = Bench::remote();
    let key = bench.keys.generate().unwrap();
    for _ in 0..4 {
        assert_eq!(bench.find(key.expose()).await.unwrap_err(), UNKNOWN);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let record = bench.keys.record(&key, "ada").build().unwrap();
    bench.memory.insert_now(record);
    bench.pass(10);
    assert!(bench.find(key.expose()).await.is_ok());
}

#[tokio::test]
async fn nothing_is_asked_about_what_cannot_be_a_key() {
    let (bench, asked, _) = Bench::remote();
    let key = bench.add(None);
    let good = key.expose();
    let swapped = format!("{}{}", &good[..good.len() - 1], u8::from(good.ends_with('0')));
    for text in ["", "ak_", &good[1..], &swapped, &format!("{good}0"), &good.to_uppercase()] {
        assert_eq!(bench.find(text).await.unwrap_err(), FORM, "{text}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

/// A dump of the store lets its reader in with nothing that is in it.
#[tokio::test]
async fn nothing_that_is_stored_is_accepted_as_a_key() {
    let bench = Bench::local();
    let key = bench.add(None);
    let stored = &bench.memory.list("ada").await.unwrap()[0].record;
    assert!(!stored.to_json().contains(&key.expose()[3..]));
    let json = stored.to_json();
    let hash = stored.hash();
    let mut texts: Vec<Vec<u8>> = vec![
        hash.as_bytes().to_vec(),
        hash.to_string().into(),
        format!("{hash}=").into(),
        stored.id().into(),
        json.clone().into(),
    ];
    texts.extend(json.split('"').map(|part| part.as_bytes().to_vec()));
    texts.extend(json.split('"').map(|part| format!("ak_{part}").into_bytes()));
    for text in texts {
        let found = bench.finder.find(&text).await;
        assert_eq!(found.err(), Some(FORM), "{text:?}");
    }
}

#[tokio::test]
async fn a_store_that_answers_with_another_record_lets_no_caller_in() {
    #[derive(Debug)]
    struct Confused(Arc<ApiKeyRecord>);

    impl ApiKeyStore for Confused {
        fn find(
            &self,
            _: ApiKeyHash,
        ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
            Lookup::Ready(Ok(Some(self.0.clone())))
        }
    }

    let record = ApiKeyRecord::builder(ApiKeyHash::from_bytes([1; 32]), "ada").build().unwrap();
    let bench = Bench::on(&MemoryApiKeys::new(), Confused(Arc::new(record)));
    let key = bench.keys.generate().unwrap();
    assert_eq!(bench.find(key.expose()).await.unwrap_err(), UNKNOWN);
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute() {
    let bench = Bench::local();
    let key = bench.add(None);
    for _ in 0..4 {
        bench.find(key.expose()).await.unwrap();
    }
    assert_eq!(bench.keys.source.uses.noted(), [(bench.keys.hash(&key), bench.clock.now())]);
    bench.pass(60);
    bench.find(key.expose()).await.unwrap();
    assert_eq!(bench.keys.source.uses.noted(), [(bench.keys.hash(&key), bench.clock.now())]);
}

#[test]
fn settings_that_cannot_hold_do_not_build() {
    let builder = |secret: &str| ApiKeys::builder(Secret::from(secret), MemoryApiKeys::new());
    let long = "s".repeat(32);
    let error = |built: Result<ApiKeys, crate::error::ConfigError>| built.unwrap_err().to_string();
    assert_eq!(error(builder("short").build()), "api_keys.secret: must have at least 32 bytes");
    assert!(error(builder(&long).prefix("a-b").build()).starts_with("api_keys.prefix: "));
    let ttl = Duration::from_secs(3601);
    assert_eq!(
        error(builder(&long).cache_ttl(ttl).build()),
        "api_keys.cache_ttl: must be at most 1 h"
    );
    let mapping = ClaimsMapping::default().roles_delimiter('a');
    assert!(error(builder(&long).claims_mapping(mapping).build()).starts_with("roles_delimiter"));
}

#[test]
fn debug_shows_neither_secret_nor_keys() {
    let bench = Bench::local();
    let key = bench.add(None);
    let text = format!("{:?} {:?} {key:?}", bench.keys, bench.finder);
    assert!(!text.contains("sss") && !text.contains(&key.expose()[3..]), "{text}");
    assert!(text.contains("ApiKey(..)"));
}
