//! Users of `session-app`: they log in, refresh, log out, and what they leave behind is tried again.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::RwLock;

use crate::{client::Answer, random::Random};

/// Users, each with a few sessions at a time: far from the hundred at which the oldest one ends.
pub(crate) const USERS: usize = 40;

/// Sessions that are open at a time.
pub(crate) const OPEN: usize = 40;

/// An access token is used for this long. It lives for 300 s.
const FRESH: Duration = Duration::from_secs(240);

/// A refresh token that was used within ten seconds is refused, and its session continues.
const REPEATED: Duration = Duration::from_secs(7);

/// What an API client keeps. Requests with the access token read it, what changes it writes: so no request
/// is under way while the session ends.
pub(crate) type Session = Arc<RwLock<Tokens>>;

pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    issued: Instant,
    has_ended: bool,
}

/// An access token of a session that has ended.
struct Revoked {
    access: String,
    issued: Instant,
    at: Instant,
}

pub(crate) struct Sessions {
    open: Mutex<Vec<Session>>,
    revoked: Mutex<Vec<Revoked>>,
    used: Mutex<Vec<(String, Instant)>>,
    /// Which master of Redis acknowledged what.
    epoch: AtomicU64,
    random: Random,
}

impl Sessions {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            open: Mutex::default(),
            revoked: Mutex::default(),
            used: Mutex::default(),
            epoch: AtomicU64::new(0),
            random: Random::new(seed),
        }
    }

    pub(crate) fn credentials(&self) -> String {
        let number = self.random.below(USERS);
        format!(r#"{{"username":"user-{number}","password":"{}"}}"#, password(number))
    }

    pub(crate) fn wrong_credentials(&self) -> String {
        let number = self.random.below(USERS);
        format!(r#"{{"username":"user-{number}","password":"not the password"}}"#)
    }

    /// To be taken before a request, and given with what it has led to.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Adds the session of a login.
    pub(crate) fn add(&self, epoch: u64, answer: &Answer) {
        if epoch == self.epoch()
            && let Some(tokens) = Tokens::of(answer)
        {
            self.open.lock().unwrap().push(Arc::new(RwLock::new(tokens)));
        }
    }

    pub(crate) fn open(&self) -> usize {
        self.open.lock().unwrap().len()
    }

    /// A session whose access token can be used.
    pub(crate) fn any(&self) -> Option<Session> {
        let open = self.open.lock().unwrap();
        self.random.pick(&open).cloned()
    }

    /// Takes out the session that is open for longest.
    pub(crate) fn take_oldest(&self) -> Option<Session> {
        let mut open = self.open.lock().unwrap();
        (!open.is_empty()).then(|| open.remove(0))
    }

    /// Takes out a session to refresh it: one whose tokens are old, if there is one.
    pub(crate) fn take_to_refresh(&self) -> Option<Session> {
        let mut open = self.open.lock().unwrap();
        let is_old = |session: &Session| {
            session.try_read().is_ok_and(|tokens| tokens.issued.elapsed() > FRESH / 2)
        };
        let at = open.iter().position(is_old).unwrap_or_else(|| self.random.below(open.len()));
        (at < open.len()).then(|| open.remove(at))
    }

    /// Puts back a session that was refreshed.
    pub(crate) fn put_back(&self, epoch: u64, session: Session, used: String) {
        if epoch == self.epoch() {
            self.open.lock().unwrap().push(session);
            let mut list = self.used.lock().unwrap();
            list.retain(|(_, at)| at.elapsed() < REPEATED);
            list.push((used, Instant::now()));
        }
    }

    /// Notes that an access token is to be refused from now on.
    pub(crate) fn revoked(&self, epoch: u64, tokens: &Tokens) {
        if epoch == self.epoch() {
            let (access, issued, at) = (tokens.access.clone(), tokens.issued, Instant::now());
            self.revoked.lock().unwrap().push(Revoked { access, issued, at });
        }
    }

    /// One that would be valid, but for the end of its session.
    pub(crate) fn any_revoked(&self) -> Option<String> {
        let mut revoked = self.revoked.lock().unwrap();
        revoked.retain(|token| token.issued.elapsed() < FRESH);
        self.random.pick(&revoked).map(|token| token.access.clone())
    }

    pub(crate) fn any_used(&self) -> Option<String> {
        let mut used = self.used.lock().unwrap();
        used.retain(|(_, at)| at.elapsed() < REPEATED);
        self.random.pick(&used).map(|(token, _)| token.clone())
    }

    /// Forgets what was acknowledged after a moment, and what is under way: replication of Redis is
    /// asynchronous, and a fail-over may lose it.
    pub(crate) fn forget_since(&self, moment: Instant) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        let is_older =
            |session: &Session| session.try_read().is_ok_and(|tokens| tokens.issued < moment);
        self.open.lock().unwrap().retain(is_older);
        self.revoked.lock().unwrap().retain(|token| token.at < moment);
        self.used.lock().unwrap().retain(|(_, at)| *at < moment);
    }
}

impl Tokens {
    fn of(answer: &Answer) -> Option<Self> {
        let (access, refresh) = (answer.text("access_token")?, answer.text("refresh_token")?);
        Some(Self { access, refresh, issued: Instant::now(), has_ended: false })
    }

    /// Takes the tokens of a refresh; returns the refresh token that is used now.
    pub(crate) fn renew(&mut self, answer: &Answer) -> Option<String> {
        let next = Self::of(answer)?;
        Some(std::mem::replace(self, next).refresh)
    }

    pub(crate) fn is_usable(&self) -> bool {
        !self.has_ended && self.issued.elapsed() < FRESH
    }

    /// Whatever comes of it, the session is not used any more.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
    }
}

pub(crate) fn password(number: usize) -> String {
    format!("correct horse {number}")
}
