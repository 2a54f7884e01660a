//! The transmitter of security events, and the users whose access its events end.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jwt_verify::Algorithm;
use jwt_verify_tests::{Answer, FakeIssuer, SigningKey, Token, compact};
use serde_json::json;
use tokio::sync::RwLockReadGuard;

use crate::{
    issuer::{Good, Issuer, YOUNG, now},
    random::Random,
};

/// The audience of the events.
pub(crate) const RECEIVER: &str = "https://api.example.com/ssf";

/// What the transmitter signs with.
pub(crate) const ALGORITHM: Algorithm = Algorithm::ES256;

/// The events: the sessions of a user are revoked (CAEP).
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// Users who have access at a time.
const USERS: usize = 64;

/// How long a token of a user whom an event has ended is sent; it would be valid for longer.
const VALID: Duration = Duration::from_secs(240);

/// Events that are sent again, at most.
const REMEMBERED: usize = 256;

pub(crate) struct Events {
    transmitter: FakeIssuer,
    /// Whom the events are about: users of this issuer.
    issuer: String,
    keys: RwLock<Keys>,
    users: Mutex<Vec<Arc<User>>>,
    /// Sent without having been acknowledged.
    waiting: Mutex<VecDeque<Event>>,
    acknowledged: Mutex<VecDeque<(String, Instant)>>,
    ended: Mutex<Vec<(Good, Instant)>>,
    /// Which master of Redis acknowledged what.
    epoch: AtomicU64,
    /// Of the next user, key and event.
    number: AtomicU64,
    random: Random,
}

struct Keys {
    signing: SigningKey,
    /// The one before, which stays published.
    before: Option<SigningKey>,
    /// Whether instances may have to ask for the one that signs.
    age: Age,
    /// A key that is not published, under the name of the one that signs.
    foreign: SigningKey,
}

/// Whether instances may have to ask for a key.
#[derive(Clone, Copy)]
enum Age {
    /// They know it.
    Known,
    /// It is not published yet.
    Unpublished,
    /// It was published at this time.
    Published(Instant),
}

impl Age {
    fn is_young(self) -> bool {
        match self {
            Self::Known => false,
            Self::Unpublished => true,
            Self::Published(since) => since.elapsed() < YOUNG,
        }
    }
}

pub(crate) struct User {
    name: String,
    /// Requests with tokens of the user read it: so none is under way when an event is made.
    has_ended: tokio::sync::RwLock<bool>,
}

impl User {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Keeps the access of the user for the time of a request, unless an event has ended it.
    pub(crate) async fn stays(&self) -> Option<RwLockReadGuard<'_, bool>> {
        let has_ended = self.has_ended.read().await;
        (!*has_ended).then_some(has_ended)
    }
}

/// An event that ends the access of a user.
pub(crate) struct Event {
    pub(crate) token: String,
    age: Age,
    /// A token of the user, to be refused from the acknowledgement on.
    pub(crate) good: Good,
    /// It was not sent before.
    pub(crate) is_new: bool,
}

impl Event {
    /// Its key is so new that instances may have to ask for it.
    pub(crate) fn is_young(&self) -> bool {
        self.age.is_young()
    }
}

fn key_pair(name: &str) -> (SigningKey, SigningKey) {
    (SigningKey::new(ALGORITHM, name), SigningKey::new(ALGORITHM, name))
}

impl Events {
    pub(crate) fn start(issuer: &str, seed: u64) -> Self {
        let (signing, foreign) = key_pair("events-0");
        let events = Self {
            transmitter: FakeIssuer::start(&[&signing]),
            issuer: issuer.to_owned(),
            keys: RwLock::new(Keys { signing, before: None, age: Age::Known, foreign }),
            users: Mutex::default(),
            waiting: Mutex::default(),
            acknowledged: Mutex::default(),
            ended: Mutex::default(),
            epoch: AtomicU64::new(0),
            number: AtomicU64::new(1),
            random: Random::new(seed),
        };
        let users = (0..USERS).map(|_| events.new_user()).collect();
        *events.users.lock().unwrap() = users;
        events
    }

    pub(crate) fn transmitter(&self) -> &FakeIssuer {
        &self.transmitter
    }

    fn new_user(&self) -> Arc<User> {
        let name = format!("person-{}", self.next_number());
        Arc::new(User { name, has_ended: tokio::sync::RwLock::new(false) })
    }

    fn next_number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// To be taken before an event is sent, and given with what it has led to.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// A user who has access.
    pub(crate) fn any_user(&self) -> Arc<User> {
        self.users.lock().unwrap()[self.random.below(USERS)].clone()
    }

    /// The next event: one that was not acknowledged, or else one that ends the access of another user.
    pub(crate) async fn next(&self, issuer: &Issuer) -> Event {
        if let Some(event) = self.waiting.lock().unwrap().pop_front() {
            return event;
        }
        let next = self.new_user();
        let user = {
            let mut users = self.users.lock().unwrap();
            std::mem::replace(&mut users[self.random.below(USERS)], next)
        };
        *user.has_ended.write().await = true;
        let good = issuer.new_token_of(&user.name);
        let keys = self.keys.read().unwrap();
        Event {
            token: self.about(&user.name).sign(&keys.signing),
            age: keys.age,
            good,
            is_new: true,
        }
    }

    /// Keeps an event that was not acknowledged, to be sent again.
    pub(crate) fn send_later(&self, event: Event) {
        self.waiting.lock().unwrap().push_back(Event { is_new: false, ..event });
    }

    /// Notes that an event was acknowledged.
    pub(crate) fn acknowledged(&self, epoch: u64, event: Event) {
        if epoch != self.epoch() {
            return;
        }
        let mut ended = self.ended.lock().unwrap();
        ended.retain(|(_, at)| at.elapsed() < VALID);
        ended.push((event.good, Instant::now()));
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.push_back((event.token, Instant::now()));
        if acknowledged.len() > REMEMBERED {
            acknowledged.pop_front();
        }
    }

    pub(crate) fn any_acknowledged(&self) -> Option<String> {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        self.random.pick(acknowledged.make_contiguous()).map(|(event, _)| event.clone())
    }

    /// A token of a user whom an event has ended.
    pub(crate) fn any_ended(&self) -> Option<Good> {
        let mut ended = self.ended.lock().unwrap();
        ended.retain(|(_, at)| at.elapsed() < VALID);
        self.random.pick(&ended).map(|(good, _)| good.clone())
    }

    /// Forgets what was acknowledged after a moment, and what is under way: replication of Redis is
    /// asynchronous, and a fail-over may lose it.
    pub(crate) fn forget_since(&self, moment: Instant) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.ended.lock().unwrap().retain(|(_, at)| *at < moment);
        self.acknowledged.lock().unwrap().retain(|(_, at)| *at < moment);
    }

    /// An event about a user.
    fn about(&self, user: &str) -> Token {
        let subject = json!({ "format": "iss_sub", "iss": self.issuer, "sub": user });
        Token::now(self.transmitter.url())
            .header("typ", "secevent+jwt")
            .without("sub")
            .without("exp")
            .claim("aud", RECEIVER)
            .claim("jti", format!("event-{}", self.next_number()))
            .claim("sub_id", subject)
            .claim("events", json!({ REVOKED: {} }))
    }

    /// An event about this user, which must not be acted on, and whether the key that it names is
    /// so new that instances may have to ask for it.
    pub(crate) fn forged(&self, issuer: &Issuer, user: &str) -> (String, bool) {
        let event = self.about(user);
        let keys = self.keys.read().unwrap();
        let is_young = keys.age.is_young();
        let token = match self.random.below(7) {
            0 => event.sign(&keys.foreign),
            1 => compact(r#"{"alg":"none","typ":"secevent+jwt"}"#, event.payload(), b""),
            2 => event.claim("aud", "https://other.example.com").sign(&keys.signing),
            3 => event.header("typ", "JWT").sign(&keys.signing),
            4 => event.claim("iss", "https://other.example.com").sign(&keys.signing),
            5 => event.claim("iat", now() - 100_000).sign(&keys.signing),
            _ => issuer.new_token_of(user).token,
        };
        (token, is_young)
    }

    /// Takes the transmitter's keys out of reach, and signs with a new one from now on.
    pub(crate) fn take_transmitter_away(&self) {
        self.transmitter.answer_keys(Answer::status(503));
        let (next, foreign) = key_pair(&format!("events-{}", self.next_number()));
        // Those of the key before the last one are not published any more.
        self.acknowledged.lock().unwrap().clear();
        let mut keys = self.keys.write().unwrap();
        let before = std::mem::replace(&mut keys.signing, next);
        keys.before = Some(before);
        keys.foreign = foreign;
        keys.age = Age::Unpublished;
    }

    /// Publishes the keys of the transmitter again.
    pub(crate) fn bring_transmitter_back(&self) {
        let mut keys = self.keys.write().unwrap();
        keys.age = Age::Published(Instant::now());
        for event in self.waiting.lock().unwrap().iter_mut() {
            event.age = keys.age;
        }
        let published: Vec<_> =
            keys.before.iter().chain([&keys.signing]).map(SigningKey::jwk).collect();
        self.transmitter.answer_keys(Answer::json(&json!({ "keys": published })));
    }
}
