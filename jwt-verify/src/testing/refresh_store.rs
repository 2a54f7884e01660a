//! The acceptance suite of stores of sessions.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::{
    RefreshStore, Rotation, RotationOutcome, SessionRecord, SystemClock, clock::Clock as _,
};

/// Holds a store against everything that [`RefreshStore`] promises.
///
/// It keeps to names of its own, which are new with every call, and goes by the system's clock, as a
/// store must that is not told otherwise. It needs a Tokio runtime; one with several threads finds
/// more.
///
/// ```
/// use jwt_verify::{MemoryRefreshStore, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// testing::refresh_store(MemoryRefreshStore::new()).await;
/// # });
/// ```
///
/// # Panics
/// If the store does not keep a promise; the message says which.
pub async fn refresh_store(store: impl RefreshStore) {
    let suite = Suite { store: Arc::new(store), now: SystemClock::new().now() };
    suite.one_after_the_other().await;
    suite.a_replaced_token_ends_the_session().await;
    suite.all_at_once().await;
    suite.endings().await;
}

struct Suite<S> {
    store: Arc<S>,
    now: Duration,
}

const GRACE: Duration = Duration::from_secs(10);

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
impl<S: RefreshStore> Suite<S> {
    fn name(&self, name: &str) -> String {
        format!("suite-{}-{name}", self.now.as_nanos())
    }

    async fn begin(&self, session: &str, subject: &str) {
        let record = SessionRecord {
            session_id: self.name(session),
            subject: self.name(subject),
            current: "t0".into(),
            until: self.now + Duration::from_secs(600),
        };
        self.store.begin(&record).await.expect("the store can be reached");
    }

    async fn rotate(
        &self,
        session: &str,
        subject: &str,
        presented: &str,
        next: &str,
        after: u64,
    ) -> RotationOutcome {
        let (session, subject) = (self.name(session), self.name(subject));
        let now = self.now + Duration::from_secs(after);
        let rotation = Rotation {
            session_id: &session,
            subject: &subject,
            presented,
            next,
            now,
            until: now + Duration::from_secs(600),
            grace: GRACE,
        };
        self.store.rotate(&rotation).await.expect("the store can be reached")
    }

    async fn sessions_of(&self, subject: &str) -> Vec<String> {
        let sessions = self.store.sessions_of(&self.name(subject)).await;
        let mut sessions = sessions.expect("the store can be reached");
        sessions.sort();
        sessions
    }

    async fn one_after_the_other(&self) {
        use RotationOutcome::{Repeated, Rotated, Unknown};

        let outcome = self.rotate("a", "alice", "t0", "t1", 0).await;
        assert_eq!(outcome, Unknown, "a session that has not begun");
        self.begin("a", "alice").await;
        assert_eq!(self.rotate("a", "bob", "t0", "t1", 0).await, Unknown, "somebody else's");
        assert_eq!(self.rotate("a", "alice", "t0", "t1", 0).await, Rotated, "the current token");
        assert_eq!(self.rotate("a", "alice", "t0", "x", 9).await, Repeated, "within the grace");
        assert_eq!(self.rotate("a", "alice", "t1", "t2", 9).await, Rotated, "the session goes on");
        let outcome = self.rotate("a", "alice", "t0", "x", 9).await;
        assert_eq!(outcome, Repeated, "each replaced token has its own grace");
    }

    async fn a_replaced_token_ends_the_session(&self) {
        use RotationOutcome::{Reused, Rotated, Unknown};

        self.begin("b", "alice").await;
        assert_eq!(self.rotate("b", "alice", "t0", "t1", 0).await, Rotated);
        assert_eq!(self.rotate("b", "alice", "t0", "x", 10).await, Reused, "after the grace");
        assert_eq!(self.rotate("b", "alice", "t1", "t2", 10).await, Unknown, "it has ended");
        self.begin("c", "alice").await;
        let outcome = self.rotate("c", "alice", "never", "x", 0).await;
        assert_eq!(outcome, Reused, "a token that never was current");
    }

    async fn all_at_once(&self) {
        self.begin("d", "alice").await;
        let (session, subject) = (self.name("d"), self.name("alice"));
        let mut calls = JoinSet::new();
        for number in 0..50 {
            let (store, now) = (self.store.clone(), self.now);
            let (session, subject) = (session.clone(), subject.clone());
            calls.spawn(async move {
                let rotation = Rotation {
                    session_id: &session,
                    subject: &subject,
                    presented: "t0",
                    next: &format!("n{number}"),
                    now,
                    until: now + Duration::from_secs(600),
                    grace: GRACE,
                };
                store.rotate(&rotation).await.expect("the store can be reached")
            });
        }
        let outcomes = calls.join_all().await;
        let won = outcomes.iter().filter(|outcome| **outcome == RotationOutcome::Rotated).count();
        assert_eq!(won, 1, "of calls with the same token exactly one wins");
        let lost = outcomes.iter().filter(|outcome| **outcome == RotationOutcome::Repeated).count();
        assert_eq!(lost, 49, "and the others do no harm");
    }

    async fn endings(&self) {
        for session in ["e", "f"] {
            self.begin(session, "carol").await;
        }
        let (e, f) = (self.name("e"), self.name("f"));
        assert_eq!(self.sessions_of("carol").await, [e.clone(), f.clone()], "the subject's own");
        assert!(self.sessions_of("nobody").await.is_empty());
        let carol = self.name("carol");
        let bob = self.name("bob");
        self.store.end(&bob, &f).await.expect("ending nothing is no error");
        self.store.end(&carol, &e).await.expect("the store can be reached");
        let outcome = self.rotate("e", "carol", "t0", "t1", 0).await;
        assert_eq!(outcome, RotationOutcome::Unknown, "an ended session");
        assert!(!self.sessions_of("carol").await.contains(&e));
        self.store.end(&carol, &e).await.expect("ending twice is no error");
        let outcome = self.rotate("f", "carol", "t0", "t1", 0).await;
        assert_eq!(outcome, RotationOutcome::Rotated, "the other goes on");
    }
}
