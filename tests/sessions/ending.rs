//! What ends a session, whose, and how many there may be. What holds for every store runs against
//! memory here, and against Redis in `with_redis`.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use jwt_verify::{
    BoxFuture, Lookup, StoreUnavailable,
    revocation::{MemoryRevocation, Revocation, RevocationKeys, RevocationStore},
    sessions::{MemoryRefreshStore, RefreshStore, SessionError, Sessions, TokenPair},
};
use jwt_verify_tests::{TestClock, eventually};
use tokio::sync::Semaphore;

use crate::{issuer, session_bed::SessionBed, wait};

/// A store that counts what is written to it, and lets nothing be written while its gate is closed.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    store: S,
    seen: Arc<Seen>,
}

#[derive(Debug)]
pub(crate) struct Seen {
    begun: AtomicUsize,
    written: AtomicUsize,
    gate: Semaphore,
}

impl<S: RevocationStore> RevocationStore for Watched<S> {
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        self.store.check(keys)
    }

    fn revoke<'a>(
        &'a self,
        what: &'a Revocation,
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async move {
            self.seen.begun.fetch_add(1, Ordering::SeqCst);
            drop(self.seen.gate.acquire().await);
            self.store.revoke(what, until).await?;
            self.seen.written.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }

    fn is_immediate(&self) -> bool {
        self.store.is_immediate()
    }
}

/// Sessions whose revocations are counted and can be held back.
pub(crate) struct WatchedSessions {
    bed: SessionBed,
    seen: Arc<Seen>,
}

impl WatchedSessions {
    pub(crate) fn new(
        clock: TestClock,
        store: impl RefreshStore,
        revocation: impl RevocationStore,
    ) -> Self {
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        let seen = Arc::new(Seen { begun: 0.into(), written: 0.into(), gate });
        let revocation = Watched { store: revocation, seen: seen.clone() };
        Self { bed: SessionBed::new(clock, store, revocation), seen }
    }

    fn in_memory() -> Self {
        let clock = TestClock::new();
        let store = MemoryRefreshStore::with_clock(clock.clone());
        let revocation = MemoryRevocation::with_clock(clock.clone());
        Self::new(clock, store, revocation)
    }

    fn is_over(&self, tokens: &TokenPair) -> bool {
        !self.bed.access_is_good(tokens) && self.bed.refresh(tokens).is_err()
    }

    fn written(&self) -> usize {
        self.seen.written.load(Ordering::SeqCst)
    }

    /// Asks once, hangs up where something is written, and lets it be written after that.
    fn hang_up<T>(&self, call: impl Future<Output = T>) {
        let closed = self.seen.gate.forget_permits(Semaphore::MAX_PERMITS);
        let before = self.seen.begun.load(Ordering::SeqCst);
        wait(async {
            let mut call = pin!(call);
            let mut context = Context::from_waker(Waker::noop());
            while self.seen.begun.load(Ordering::SeqCst) == before {
                assert!(
                    call.as_mut().poll(&mut context).is_pending(),
                    "nothing was to be waited for"
                );
                tokio::task::yield_now().await;
            }
        });
        self.seen.gate.add_permits(closed);
    }
}

async fn refreshed(sessions: &Sessions, tokens: &TokenPair) -> Result<TokenPair, SessionError> {
    sessions.redeem(tokens.refresh.as_str()).await?.issue(|token| token).await
}

/// WEA-04: the name of a session is no secret, and no right to end it.
pub(crate) fn a_session_is_ended_by_its_subject_alone(watched: &WatchedSessions) {
    let (ada, mallory) = (watched.bed.begin("ada"), watched.bed.begin("mallory"));
    for name in [ada.session_id.as_str(), "", "any text at all", "*", "a\r\nb"] {
        assert_eq!(wait(watched.bed.sessions.revoke_by_id(&"mallory", name)), Ok(false), "{name}");
    }
    assert_eq!(watched.written(), 0, "nothing is written for what is not hers");
    assert!(watched.bed.access_is_good(&ada) && watched.bed.access_is_good(&mallory));
    let ada = watched.bed.refresh(&ada).unwrap();
    assert_eq!(wait(watched.bed.sessions.revoke_by_id(&"ada", &ada.session_id)), Ok(true));
    assert!(watched.is_over(&ada), "her own");
    let written = watched.written();
    assert!(written > 0);
    assert_eq!(wait(watched.bed.sessions.revoke_by_id(&"ada", &ada.session_id)), Ok(false));
    assert_eq!(watched.written(), written, "it has ended already");
    assert!(watched.bed.access_is_good(&mallory) && watched.bed.refresh(&mallory).is_ok());
}

/// WEA-12: the oldest makes room, with its access tokens.
pub(crate) fn a_subject_has_so_many_sessions(watched: &WatchedSessions) {
    let bobs = watched.bed.begin("bob");
    let mut all: Vec<TokenPair> = Vec::new();
    for _ in 0..100 {
        all.push(watched.bed.begin("ada"));
        watched.bed.clock.advance(Duration::from_millis(10));
    }
    assert!(watched.bed.access_is_good(&all[0]) && watched.bed.refresh(&all[0]).is_ok());
    let newest = [watched.bed.begin("ada"), watched.bed.begin("ada")];
    assert!(watched.is_over(&all[0]), "it was the oldest, although it has been refreshed");
    assert!(watched.is_over(&all[1]));
    assert!(watched.bed.access_is_good(&all[2]) && watched.bed.refresh(&all[2]).is_ok());
    assert!(
        newest
            .iter()
            .all(|one| watched.bed.access_is_good(one) && watched.bed.refresh(one).is_ok())
    );
    assert!(watched.bed.access_is_good(&bobs) && watched.bed.refresh(&bobs).is_ok());
}

/// WEA-12: what has begun is done, although nobody waits for it any more.
pub(crate) fn who_hangs_up_leaves_nothing_half_done(watched: &WatchedSessions) {
    let verifier = watched.bed.sessions.verifier().build().unwrap();
    let all: Vec<TokenPair> = (0..5).map(|_| watched.bed.begin("ada")).collect();
    let claims = wait(verifier.verify(all[4].access.as_str())).unwrap();
    watched.hang_up(watched.bed.sessions.revoke_others(&claims));
    eventually("the others end", || all[..4].iter().all(|one| watched.is_over(one)));
    assert!(watched.bed.access_is_good(&all[4]));

    let rest = [watched.bed.begin("ada"), watched.bed.begin("ada")];
    watched.hang_up(watched.bed.sessions.revoke_all("ada"));
    eventually("all end", || rest.iter().chain(&all[4..]).all(|one| watched.is_over(one)));

    let one = watched.bed.begin("ada");
    watched.hang_up(watched.bed.sessions.revoke_by_id(&"ada", &one.session_id));
    eventually("one ends", || watched.is_over(&one));

    let one = watched.bed.begin("ada");
    let claims = wait(verifier.verify(one.access.as_str())).unwrap();
    watched.hang_up(watched.bed.sessions.revoke(&claims));
    eventually("one ends by its token", || watched.is_over(&one));

    let stolen = watched.bed.begin("ada");
    let next = watched.bed.refresh(&stolen).unwrap();
    watched.bed.clock.advance(Duration::from_secs(11));
    watched.hang_up(refreshed(&watched.bed.sessions, &stolen));
    eventually("a session ends whose token came twice", || watched.is_over(&next));
}

/// WEA-12: nothing that was there survives, whatever goes on at the same time.
pub(crate) fn nothing_survives_the_end_of_all(watched: &WatchedSessions) {
    let first: Vec<TokenPair> = (0..20).map(|_| watched.bed.begin("ada")).collect();
    let (begun, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let (before, refreshed, after) = wait(async {
        let refreshing: Vec<_> = first
            .into_iter()
            .map(|tokens| tokio::spawn(all_refreshes(watched.bed.sessions.clone(), tokens)))
            .collect();
        let beginning: Vec<_> = (0..4)
            .map(|_| {
                let (sessions, clock) = (watched.bed.sessions.clone(), watched.bed.clock.clone());
                tokio::spawn(all_logins(sessions, clock, begun.clone(), is_over.clone()))
            })
            .collect();
        while begun.lock().unwrap().len() < 30 {
            tokio::task::yield_now().await;
        }
        let before = begun.lock().unwrap()[..30].to_vec();
        watched.bed.sessions.revoke_all("ada").await.unwrap();
        is_over.store(true, Ordering::SeqCst);
        let (mut refreshed, mut after) = (Vec::new(), Vec::new());
        for task in refreshing {
            refreshed.push(task.await.unwrap());
        }
        for task in beginning {
            after.push(task.await.unwrap());
        }
        (before, refreshed, after)
    });
    for tokens in before.iter().chain(&refreshed) {
        assert!(watched.is_over(tokens));
    }
    for tokens in &after {
        assert!(
            watched.bed.access_is_good(tokens) && watched.bed.refresh(tokens).is_ok(),
            "a login after it"
        );
    }
}

/// Refreshes until that is refused; the last pair that it had.
async fn all_refreshes(sessions: Sessions, mut tokens: TokenPair) -> TokenPair {
    while let Ok(next) = refreshed(&sessions, &tokens).await {
        tokens = next;
    }
    tokens
}

/// Logs in until it is over, and once more; each a little later than the one before, as the oldest
/// makes room.
async fn all_logins(
    sessions: Sessions,
    clock: TestClock,
    begun: Arc<Mutex<Vec<TokenPair>>>,
    is_over: Arc<AtomicBool>,
) -> TokenPair {
    loop {
        let is_last = is_over.load(Ordering::SeqCst);
        clock.advance(Duration::from_millis(1));
        let tokens = sessions.create(&"ada", |token| token).await.unwrap();
        if is_last {
            return tokens;
        }
        begun.lock().unwrap().push(tokens);
        tokio::task::yield_now().await;
    }
}

/// WEA-12: logins at the same time pass the bound together as little as one after the other.
pub(crate) fn the_bound_holds_at_once(watched: &WatchedSessions) {
    let all = wait(async {
        let logins: Vec<_> = (0..130)
            .map(|_| {
                let (sessions, clock) = (watched.bed.sessions.clone(), watched.bed.clock.clone());
                tokio::spawn(async move {
                    clock.advance(Duration::from_millis(1));
                    sessions.create(&"ada", |token| token).await.unwrap()
                })
            })
            .collect();
        let mut all = Vec::new();
        for login in logins {
            all.push(login.await.unwrap());
        }
        all
    });
    let (alive, over): (Vec<_>, Vec<_>) =
        all.iter().partition(|tokens| watched.bed.access_is_good(tokens));
    assert_eq!((alive.len(), over.len()), (100, 30));
    assert!(over.iter().all(|tokens| watched.bed.refresh(tokens).is_err()));
    assert!(alive.iter().all(|tokens| watched.bed.refresh(tokens).is_ok()));
}

pub(crate) type NamedTest = (&'static str, fn(&WatchedSessions));

/// Everything that holds for every store.
pub(crate) const TESTS: [NamedTest; 5] = [
    ("a_session_is_ended_by_its_subject_alone", a_session_is_ended_by_its_subject_alone),
    ("a_subject_has_so_many_sessions", a_subject_has_so_many_sessions),
    ("the_bound_holds_at_once", the_bound_holds_at_once),
    ("who_hangs_up_leaves_nothing_half_done", who_hangs_up_leaves_nothing_half_done),
    ("nothing_survives_the_end_of_all", nothing_survives_the_end_of_all),
];

#[test]
fn in_memory() {
    for (name, test) in TESTS {
        eprintln!("{name}");
        test(&WatchedSessions::in_memory());
    }
}

#[test]
fn a_bound_that_makes_no_sense_stops_the_start() {
    for most in [0, 1001] {
        let sessions = Sessions::builder(issuer(&TestClock::new())).sessions_per_subject(most);
        assert!(sessions.build().is_err(), "{most}");
    }
}

/// WEA-12: without a store of revocations there is a bound as well.
#[test]
fn the_bound_is_up_to_the_application() {
    let sessions = Sessions::builder(issuer(&TestClock::new())).sessions_per_subject(1);
    let sessions = sessions.build().unwrap();
    let first = wait(sessions.create(&"ada", |token| token)).unwrap();
    let second = wait(sessions.create(&"ada", |token| token)).unwrap();
    assert!(wait(refreshed(&sessions, &first)).is_err());
    assert!(wait(refreshed(&sessions, &second)).is_ok());
    assert_eq!(wait(sessions.revoke_by_id(&"ada", &first.session_id)), Ok(false));
    assert_eq!(wait(sessions.revoke_by_id(&"ada", &second.session_id)), Ok(true));
}

/// WEA-15: what is over takes no memory, and no login looks at all of it.
#[test]
fn a_login_forgets_a_few_that_are_over() {
    let clock = TestClock::new();
    let store = MemoryRefreshStore::with_clock(clock.clone());
    let sessions = Sessions::builder(issuer(&clock)).store(store.clone()).build().unwrap();
    for number in 0..100 {
        wait(sessions.create(&number, |token| token)).unwrap();
    }
    clock.advance(Duration::from_secs(8 * 24 * 3600));
    let mut before = store.len();
    for number in 1000..1012 {
        wait(sessions.create(&number, |token| token)).unwrap();
        let now = store.len();
        assert_eq!(now, before + 1 - 8);
        before = now;
    }
    wait(sessions.create(&2000, |token| token)).unwrap();
    assert_eq!(store.len(), 13);
}
