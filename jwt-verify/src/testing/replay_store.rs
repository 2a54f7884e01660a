//! Acceptance suite for replay stores.

use std::time::Duration;

use crate::{
    clock::{Clock as _, SystemClock},
    dpop::{ProofId, ReplayError, ReplayStore},
    key::Thumbprint,
};

/// Tests that a store meets the contract of [`ReplayStore`].
///
/// `per_key` is the limit of proofs of one key that is set at the store: at least four, and rather
/// a few than thousands. `wait` lets time pass for the store. The suite uses its own keys and
/// names, which are new with every call, and the system clock, which a store uses by default.
///
/// ```
/// use jwt_verify::{dpop::MemoryReplay, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let store = MemoryReplay::new().proofs_per_key(8);
/// testing::replay_store(store, 8, tokio::time::sleep).await;
/// # });
/// ```
///
/// # Panics
/// If the store violates the contract; the message describes how.
#[expect(clippy::expect_used, reason = "this is what a test suite does")]
pub async fn replay_store<W: Future<Output = ()>>(
    store: impl ReplayStore,
    per_key: usize,
    mut wait: impl FnMut(Duration) -> W,
) {
    let now = SystemClock::new().now();
    let target = format!("https://suite.example/{}", now.as_nanos());
    let key = |name: &str| Thumbprint::invented(&format!("{target} {name}"));
    let proof = |name: &str| ProofId::new(key("a key"), &target, name);
    let insert_if_absent = async |proof: &ProofId, until: Duration| {
        store.insert_if_absent(proof, until).await.expect("the store can be reached")
    };

    let long = now + Duration::from_secs(60);
    assert!(insert_if_absent(&proof("one"), long).await, "a proof is new at first");
    assert!(!insert_if_absent(&proof("one"), long).await, "and not the second time");
    assert!(!insert_if_absent(&proof("one"), now).await, "however long it is to be remembered");
    assert!(insert_if_absent(&proof("two"), long).await, "another is another");

    let both = proof("both");
    let ask = || insert_if_absent(&both, long);
    let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());
    let firsts = [one, two, three, four].into_iter().filter(|first| *first).count();
    assert_eq!(firsts, 1, "of several at the same time one is the first");

    let brief = SystemClock::new().now() + Duration::from_millis(400);
    assert!(insert_if_absent(&proof("brief"), brief).await, "a proof is new at first");
    wait(Duration::from_millis(300)).await;
    assert!(!insert_if_absent(&proof("brief"), brief).await, "as long as it was told to");

    // Up to the limit of the key, and then no more.
    let of_key = |owner: &str, name: &str| ProofId::new(key(owner), &target, name);
    for number in 0..per_key {
        let proof = of_key("a busy key", &number.to_string());
        assert!(insert_if_absent(&proof, long).await, "a key has as many places as it may have");
    }
    let one_more = store.insert_if_absent(&of_key("a busy key", "one more"), long).await;
    assert_eq!(one_more, Err(ReplayError::ShareUsedUp), "a key has no more places than that");
    assert!(
        !insert_if_absent(&of_key("a busy key", "0"), long).await,
        "what was used is still known"
    );
    assert!(
        insert_if_absent(&of_key("another key", "0"), long).await,
        "other keys have places of their own"
    );
}
