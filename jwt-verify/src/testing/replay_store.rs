//! The acceptance suite of stores of used proofs.

use std::time::Duration;

use crate::{ProofId, ReplayStore, SystemClock, clock::Clock as _, key::Thumbprint};

/// Holds a store against everything that [`ReplayStore`] promises.
///
/// `wait` lets time pass for the store; the suite keeps to names of its own, which are new with every
/// call. It goes by the system's clock, as a store must that is not told otherwise.
///
/// ```
/// use jwt_verify::{MemoryReplay, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// testing::replay_store(MemoryReplay::new(), tokio::time::sleep).await;
/// # });
/// ```
///
/// # Panics
/// If the store does not keep a promise; the message says which.
#[expect(clippy::expect_used, reason = "this is what a test suite does")]
pub async fn replay_store<W: Future<Output = ()>>(
    store: impl ReplayStore,
    mut wait: impl FnMut(Duration) -> W,
) {
    let now = SystemClock::new().now();
    let target = format!("https://suite.example/{}", now.as_nanos());
    let key = Thumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    let key = key.expect("this is a thumbprint");
    let proof = |name: &str| ProofId::new(key, &target, name);
    let first_use = async |proof: &ProofId, until: Duration| {
        store.first_use(proof, until).await.expect("the store can be reached")
    };

    let long = now + Duration::from_secs(60);
    assert!(first_use(&proof("one"), long).await, "a proof is new at first");
    assert!(!first_use(&proof("one"), long).await, "and not the second time");
    assert!(!first_use(&proof("one"), now).await, "however long it is to be remembered");
    assert!(first_use(&proof("two"), long).await, "another is another");

    let both = proof("both");
    let ask = || first_use(&both, long);
    let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());
    let firsts = [one, two, three, four].into_iter().filter(|first| *first).count();
    assert_eq!(firsts, 1, "of several at the same time one is the first");

    let brief = SystemClock::new().now() + Duration::from_millis(400);
    assert!(first_use(&proof("brief"), brief).await, "a proof is new at first");
    wait(Duration::from_millis(300)).await;
    assert!(!first_use(&proof("brief"), brief).await, "as long as it was told to");
}
