//! Acceptance suite for revocation stores.

use std::time::Duration;

use crate::lookup::Lookup;
use crate::{
    claims::Claims,
    clock::{Clock as _, SystemClock},
    revocation::{Revocation, RevocationKeys, RevocationStore},
};

/// Tests that a store meets the contract of [`RevocationStore`].
///
/// `wait` lets time pass for the store; the suite uses its own names, which are new with every
/// call, and the system clock, which a store uses by default.
///
/// ```
/// use jwt_verify::{revocation::MemoryRevocation, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// testing::revocation_store(MemoryRevocation::new(), tokio::time::sleep).await;
/// # });
/// ```
///
/// # Panics
/// If the store violates the contract; the message describes how.
#[expect(clippy::panic, clippy::expect_used, reason = "this is what a test suite does")]
pub async fn revocation_store<W: Future<Output = ()>>(
    store: impl RevocationStore,
    mut wait: impl FnMut(Duration) -> W,
) {
    let now = SystemClock::new().now();
    let issuer = format!("urn:suite:{}", now.as_nanos());
    let long = now + Duration::from_secs(60);
    let token = |id: &str, session: &str, subject: &str, issued_at: u64| {
        let text = format!(
            r#"{{"iss":"{issuer}","jti":"{id}","sid":"{session}","sub":"{subject}","iat":{issued_at}}}"#
        );
        let claims: Claims = serde_json::from_str(&text).expect("these are claims");
        RevocationKeys::of(&claims)
    };
    let undated = format!(r#"{{"iss":"{issuer}","jti":"x","sid":"second","sub":"alice"}}"#);
    let undated: Claims = serde_json::from_str(&undated).expect("these are claims");
    let undated = RevocationKeys::of(&undated);
    let is_revoked = async |keys: &RevocationKeys| {
        let answer = match store.check(keys) {
            Lookup::Ready(answer) => answer,
            Lookup::Pending(_) if store.is_immediate() => {
                panic!("a store that `is_immediate` answers at once")
            }
            Lookup::Pending(answer) => answer.await,
        };
        answer.expect("the store can be reached")
    };
    let revoke = async |what: Revocation, until: Duration| {
        store.revoke(&what, until).await.expect("the store can be reached");
    };

    let one = token("one", "first", "alice", 100);
    assert!(!is_revoked(&one).await, "nothing is revoked at first");
    revoke(Revocation::token(&issuer, "one"), long).await;
    assert!(is_revoked(&one).await, "a token is revoked by its name");
    assert!(!is_revoked(&token("two", "first", "alice", 100)).await, "and no other is");
    let elsewhere = Revocation::token("urn:suite:another", "two");
    revoke(elsewhere, long).await;
    assert!(!is_revoked(&token("two", "first", "alice", 100)).await, "names are the issuer's own");

    revoke(Revocation::session(&issuer, "first"), long).await;
    assert!(is_revoked(&token("two", "first", "alice", 100)).await, "a session is revoked");
    assert!(!is_revoked(&token("two", "second", "alice", 100)).await, "and no other is");

    let until = |seconds| Revocation::subject(&issuer, "alice", Duration::from_secs(seconds));
    revoke(until(100), long).await;
    assert!(is_revoked(&token("x", "second", "alice", 99)).await, "a subject's older tokens");
    assert!(is_revoked(&token("x", "second", "alice", 100)).await, "and those of that moment");
    assert!(!is_revoked(&token("x", "second", "alice", 101)).await, "but no newer ones");
    assert!(!is_revoked(&token("x", "second", "bob", 99)).await, "and nobody else's");
    assert!(is_revoked(&undated).await, "and those that do not say how old they are");
    revoke(until(50), long).await;
    assert!(is_revoked(&token("x", "second", "alice", 100)).await, "the later moment counts");
    revoke(until(200), long).await;
    assert!(is_revoked(&token("x", "second", "alice", 150)).await, "the later moment counts");

    let odd = token(r"a:b*?[x]\r\n", "third", "bob", 100);
    revoke(Revocation::token(&issuer, "a:b*?[x]\r\n"), long).await;
    assert!(is_revoked(&odd).await, "any text is a name");

    let several = ["one", "other"].map(|name| Revocation::session(&issuer, name));
    store.revoke_all(&several, long).await.expect("the store can be reached");
    for session in ["one", "other"] {
        assert!(is_revoked(&token("y", session, "carol", 100)).await, "each of several is revoked");
    }
    assert!(!is_revoked(&token("y", "third", "carol", 100)).await, "and no other is");
    store.revoke_all(&[], long).await.expect("to revoke nothing is no error");

    let brief = SystemClock::new().now() + Duration::from_millis(400);
    revoke(Revocation::token(&issuer, "brief"), brief).await;
    revoke(Revocation::token(&issuer, "one"), brief).await;
    let keys = token("brief", "third", "bob", 100);
    assert!(is_revoked(&keys).await, "as long as it was told to");
    wait(Duration::from_millis(600)).await;
    assert!(is_revoked(&one).await, "the longer of two times counts");
    assert!(is_revoked(&keys).await, "and ten minutes longer, for clocks that differ");
}
