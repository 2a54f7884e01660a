//! Acceptance suite for refresh stores.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::{
    clock::{Clock as _, SystemClock},
    issuing::refresh_store::{RefreshStore, Rotation, RotationOutcome, SessionRecord},
};

/// Tests that a store meets the contract of [`RefreshStore`].
///
/// It uses its own names, which are new with every call, and the system clock, which a store uses
/// by default. It needs a Tokio runtime; one with several threads finds more.
///
/// ```
/// use jwt_verify::{sessions::MemoryRefreshStore, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// testing::refresh_store(MemoryRefreshStore::new()).await;
/// # });
/// ```
///
/// # Panics
/// If the store violates the contract; the message describes how.
pub async fn refresh_store(store: impl RefreshStore) {
    let suite = RefreshSuite { store: Arc::new(store), now: SystemClock::new().now() };
    suite.one_after_the_other().await;
    suite.a_replaced_token_ends_the_session().await;
    suite.all_at_once().await;
    suite.endings().await;
    suite.all_but_one().await;
    suite.so_many_and_no_more().await;
    suite.so_many_at_once().await;
    suite.nothing_survives_the_end_of_all().await;
}

struct RefreshSuite<S> {
    store: Arc<S>,
    now: Duration,
}

const GRACE: Duration = Duration::from_secs(10);

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
impl<S: RefreshStore> RefreshSuite<S> {
    fn name(&self, name: &str) -> String {
        format!("suite-{}-{name}", self.now.as_nanos())
    }

    /// Limit of sessions of a subject, in tests of other behavior.
    const MANY: usize = 100;

    async fn begin(&self, session: &str, subject: &str) {
        let ended = self.begin_after(session, subject, 0, Self::MANY).await;
        assert!(ended.is_empty(), "there is room for another session");
    }

    async fn begin_after(
        &self,
        session: &str,
        subject: &str,
        millis: u64,
        most: usize,
    ) -> Vec<String> {
        let record = self.record(session, subject, millis, most);
        self.store.begin(&record).await.expect("the store can be reached")
    }

    fn record(&self, session: &str, subject: &str, millis: u64, most: usize) -> SessionRecord {
        SessionRecord {
            session_id: self.name(session),
            subject: self.name(subject),
            current: "t0".into(),
            begun_at: self.now + Duration::from_millis(millis),
            until: self.now + Duration::from_secs(600),
            most,
        }
    }

    async fn end(&self, session: &str, subject: &str) -> bool {
        let (session, subject) = (self.name(session), self.name(subject));
        self.store.end(&subject, &session).await.expect("the store can be reached")
    }

    async fn end_all(&self, subject: &str, except: Option<&str>) -> Vec<String> {
        let except = except.map(|session| self.name(session));
        let subject = self.name(subject);
        let ended = self.store.end_all(&subject, except.as_deref()).await;
        let mut ended = ended.expect("the store can be reached");
        ended.sort();
        ended
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
        assert!(!self.end("f", "bob").await, "a session of another subject is none of this one");
        assert!(!self.end("never", "carol").await, "a session that has not begun");
        assert_eq!(self.sessions_of("carol").await, [e.clone(), f], "both are still there");
        assert!(self.end("e", "carol").await, "one that was there");
        let outcome = self.rotate("e", "carol", "t0", "t1", 0).await;
        assert_eq!(outcome, RotationOutcome::Unknown, "an ended session");
        assert!(!self.sessions_of("carol").await.contains(&e));
        assert!(!self.end("e", "carol").await, "it has ended already");
        let outcome = self.rotate("f", "carol", "t0", "t1", 0).await;
        assert_eq!(outcome, RotationOutcome::Rotated, "the other goes on");
        let record = SessionRecord {
            until: self.now.saturating_sub(Duration::from_secs(1)),
            ..self.record("past", "carol", 0, Self::MANY)
        };
        self.store.begin(&record).await.expect("the store can be reached");
        assert!(!self.sessions_of("carol").await.contains(&self.name("past")), "it is over");
        assert!(!self.end("past", "carol").await, "what is over is not there");
    }

    async fn all_but_one(&self) {
        for session in ["g", "h", "i"] {
            self.begin(session, "dave").await;
        }
        self.begin("j", "erin").await;
        let names =
            |sessions: &[&str]| sessions.iter().map(|one| self.name(one)).collect::<Vec<_>>();
        assert!(self.end_all("nobody", None).await.is_empty(), "there are none");
        assert_eq!(self.end_all("dave", Some("h")).await, names(&["g", "i"]), "all but the one");
        assert_eq!(self.sessions_of("dave").await, names(&["h"]));
        for session in ["g", "i"] {
            let outcome = self.rotate(session, "dave", "t0", "t1", 0).await;
            assert_eq!(outcome, RotationOutcome::Unknown, "an ended session");
        }
        let outcome = self.rotate("h", "dave", "t0", "t1", 0).await;
        assert_eq!(outcome, RotationOutcome::Rotated, "the one goes on");
        // The name of a session of another subject keeps none of this subject.
        assert_eq!(self.end_all("dave", Some("j")).await, names(&["h"]));
        assert!(self.sessions_of("dave").await.is_empty());
        assert_eq!(self.sessions_of("erin").await, names(&["j"]), "others are left alone");
    }

    async fn so_many_and_no_more(&self) {
        for (number, session) in ["k", "l", "m"].into_iter().enumerate() {
            let ended = self.begin_after(session, "frank", number as u64, 3).await;
            assert!(ended.is_empty(), "there is room for three");
        }
        let outcome = self.rotate("k", "frank", "t0", "t1", 0).await;
        assert_eq!(outcome, RotationOutcome::Rotated);
        let ended = self.begin_after("n", "frank", 3, 3).await;
        assert_eq!(ended, [self.name("k")], "the one that began first ends, although it is in use");
        assert_eq!(self.rotate("k", "frank", "t1", "t2", 0).await, RotationOutcome::Unknown);
        let mut ended = self.begin_after("o", "frank", 4, 2).await;
        ended.sort();
        assert_eq!(ended, [self.name("l"), self.name("m")], "the bound is lower now");
        assert_eq!(self.sessions_of("frank").await, [self.name("n"), self.name("o")]);
    }

    async fn so_many_at_once(&self) {
        let mut calls = JoinSet::new();
        for number in 0..40 {
            let store = self.store.clone();
            let record = self.record(&format!("at-once-{number}"), "grace", number, 5);
            let (subject, id) = (record.subject.clone(), record.session_id.clone());
            calls.spawn(async move {
                let ended = store.begin(&record).await.expect("the store can be reached");
                let there = store.sessions_of(&subject).await.expect("the store can be reached");
                assert!(there.len() <= 5, "there are never more than are allowed");
                (id, ended)
            });
        }
        let (begun, ended): (Vec<_>, Vec<_>) = calls.join_all().await.into_iter().unzip();
        let mut rest = self.sessions_of("grace").await;
        assert_eq!(rest.len(), 5, "as many as are allowed are left");
        rest.extend(ended.into_iter().flatten());
        rest.sort();
        let mut begun = begun;
        begun.sort();
        assert_eq!(rest, begun, "each of the others was named once by what has ended it");
    }

    async fn nothing_survives_the_end_of_all(&self) {
        let sessions: Vec<String> = (0..20).map(|number| format!("survivor-{number}")).collect();
        for session in &sessions {
            self.begin(session, "heidi").await;
        }
        let subject = self.name("heidi");
        let mut calls = JoinSet::new();
        for session in &sessions {
            let (store, subject, session) =
                (self.store.clone(), subject.clone(), self.name(session));
            let now = self.now;
            calls.spawn(async move {
                let mut presented = "t0".to_owned();
                for number in 1..1000 {
                    let next = format!("t{number}");
                    let rotation = Rotation {
                        session_id: &session,
                        subject: &subject,
                        presented: &presented,
                        next: &next,
                        now,
                        until: now + Duration::from_secs(600),
                        grace: GRACE,
                    };
                    let outcome = store.rotate(&rotation).await;
                    match outcome.expect("the store can be reached") {
                        RotationOutcome::Rotated => presented = next,
                        outcome => {
                            assert_eq!(outcome, RotationOutcome::Unknown, "an ended session");
                            break;
                        }
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
        let ended = self.end_all("heidi", None).await;
        assert_eq!(ended.len(), sessions.len(), "all of them end in one step");
        assert!(self.sessions_of("heidi").await.is_empty(), "no rotation brings one back");
        calls.join_all().await;
        assert!(self.sessions_of("heidi").await.is_empty(), "no rotation brings one back");
    }
}
