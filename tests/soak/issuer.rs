//! The issuer, and tokens of it: good ones of each algorithm, and bad ones.

use std::{
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, UNIX_EPOCH},
};

use jwt_verify::{Algorithm, testing::ProofKey};
use jwt_verify_tests::{Answer, FakeIssuer, SigningKey, Token, compact};
use serde_json::{Value, json};

use crate::random::Random;

/// What the issuer signs with, a key for each.
pub(crate) const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::EdDSA,
    Algorithm::MlDsa65,
];

/// How long an instance keeps a key set.
pub(crate) const KEY_TTL: Duration = Duration::from_secs(20);

/// How long a new key that was not announced may be answered with 429: the window of the bound for fetches.
pub(crate) const YOUNG: Duration = Duration::from_secs(35);

/// Where clients reach the API, as their proofs say.
pub(crate) const API: &str = "https://api.example.com";

/// How many tokens are sent again and again.
const SEEN: usize = 64;

pub(crate) struct Issuer {
    fake: FakeIssuer,
    keys: RwLock<Keys>,
    seen: Mutex<Vec<Good>>,
    clients: Vec<ProofKey>,
    used_proofs: Mutex<Vec<UsedProof>>,
    /// Of the next key.
    number: AtomicUsize,
    random: Random,
}

struct Keys {
    signing: Vec<Arc<Key>>,
    /// A key that is not published, whose tokens are sent nevertheless.
    announced: Option<Next>,
    /// Tokens of a key that was withdrawn so long ago that every instance knows.
    withdrawn: Option<String>,
    /// A key that was never published, under the name of one that was.
    foreign: SigningKey,
}

struct Key {
    key: SigningKey,
    /// When it began to sign without having been announced.
    sudden: Option<Instant>,
}

impl Key {
    /// It is so new that instances may have to ask for it.
    fn is_young(&self) -> bool {
        self.sudden.is_some_and(|since| since.elapsed() < YOUNG)
    }
}

/// The fields of a request with a proof that was accepted.
struct UsedProof {
    fields: String,
    at: Instant,
    /// Of the token.
    key: String,
}

/// A key that is to take the place of another one.
pub(crate) struct Next {
    slot: usize,
    key: SigningKey,
}

/// A good token.
#[derive(Clone)]
pub(crate) struct Good {
    pub(crate) token: String,
    /// Its user.
    pub(crate) subject: String,
    /// Its key is so new that instances may have to ask for it.
    pub(crate) is_young: bool,
    key: String,
    until: u64,
}

/// The fields of a request with a token that is bound to a key, and a proof of it.
pub(crate) struct Proof {
    pub(crate) fields: String,
    pub(crate) is_young: bool,
    key: String,
}

impl UsedProof {
    /// Its token is still valid, and so is its proof but for its use.
    fn is_recent(&self) -> bool {
        self.at.elapsed() < Duration::from_secs(45)
    }
}

pub(crate) fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_secs()
}

impl Issuer {
    pub(crate) fn start(seed: u64) -> Self {
        let key = |(number, algorithm): (usize, &Algorithm)| {
            Arc::new(Key { key: SigningKey::new(*algorithm, &format!("k{number}")), sudden: None })
        };
        let signing: Vec<_> = ALGORITHMS.iter().enumerate().map(key).collect();
        let fake = FakeIssuer::start(&signing.iter().map(|key| &key.key).collect::<Vec<_>>());
        let foreign = SigningKey::new(Algorithm::ES256, "k2");
        let keys = Keys { signing, announced: None, withdrawn: None, foreign };
        Self {
            fake,
            keys: RwLock::new(keys),
            seen: Mutex::default(),
            clients: (0..16).map(|_| ProofKey::new()).collect(),
            used_proofs: Mutex::default(),
            number: AtomicUsize::new(ALGORITHMS.len()),
            random: Random::new(seed),
        }
    }

    pub(crate) fn fake(&self) -> &FakeIssuer {
        &self.fake
    }

    fn any_subject(&self) -> String {
        format!("user-{}", self.random.below(100_000))
    }

    fn token(&self) -> Token {
        self.token_of(&self.any_subject())
    }

    fn token_of(&self, subject: &str) -> Token {
        let jti = format!("{}-{}", self.random.below(1 << 40), self.random.below(1 << 40));
        Token::now(self.fake.url()).claim("sub", subject).claim("jti", jti)
    }

    fn any_key(&self) -> Arc<Key> {
        let keys = self.keys.read().unwrap();
        keys.signing[self.random.below(keys.signing.len())].clone()
    }

    /// A token that no instance has seen.
    pub(crate) fn new_token(&self) -> Good {
        self.new_token_of(&self.any_subject())
    }

    /// A token of this user that no instance has seen.
    pub(crate) fn new_token_of(&self, user: &str) -> Good {
        let key = self.any_key();
        Good {
            token: self.token_of(user).sign(&key.key),
            subject: user.to_owned(),
            is_young: key.is_young(),
            key: key.key.id().to_owned(),
            until: now() + 600,
        }
    }

    /// The key of a token signs still.
    pub(crate) fn still_signs(&self, good: &Good) -> bool {
        let keys = self.keys.read().unwrap();
        keys.signing.iter().any(|key| key.key.id() == good.key)
    }

    /// A token that was sent before, most of the time.
    pub(crate) fn seen_token(&self) -> Good {
        let mut seen = self.seen.lock().unwrap();
        seen.retain(|good| good.until > now() + 120);
        if seen.len() < SEEN {
            let token = self.new_token();
            if !token.is_young {
                seen.push(token.clone());
            }
            return token;
        }
        seen[self.random.below(SEEN)].clone()
    }

    /// A proof that was not used.
    pub(crate) fn proof(&self) -> Proof {
        let client = &self.clients[self.random.below(self.clients.len())];
        let key = self.any_key();
        let token = self.token().claim("cnf", json!({ "jkt": client.thumbprint() })).sign(&key.key);
        let proof = client.proof("GET", &format!("{API}/protected"), &token).sign();
        let fields = format!("authorization: DPoP {token}\r\ndpop: {proof}\r\n");
        Proof { fields, is_young: key.is_young(), key: key.key.id().to_owned() }
    }

    /// Notes that a proof was accepted.
    pub(crate) fn proof_was_used(&self, proof: Proof) {
        let signs = self.keys.read().unwrap().signing.iter().any(|key| key.key.id() == proof.key);
        let mut used = self.used_proofs.lock().unwrap();
        used.retain(UsedProof::is_recent);
        if signs && used.len() < 256 {
            used.push(UsedProof { fields: proof.fields, at: Instant::now(), key: proof.key });
        }
    }

    /// The fields of a request whose proof was accepted before.
    pub(crate) fn used_proof(&self) -> Option<String> {
        let mut used = self.used_proofs.lock().unwrap();
        used.retain(UsedProof::is_recent);
        self.random.pick(&used).map(|used| used.fields.clone())
    }

    /// Forgets proofs that were used after a moment: the store may have lost them.
    pub(crate) fn forget_proofs_since(&self, moment: Instant) {
        self.used_proofs.lock().unwrap().retain(|used| used.at < moment);
    }

    pub(crate) fn expired(&self) -> String {
        let then = now() - 7200;
        self.token().claim("iat", then - 600).claim("exp", then).sign(&self.any_key().key)
    }

    pub(crate) fn not_yet_valid(&self) -> String {
        self.token().claim("nbf", now() + 7200).claim("exp", now() + 9000).sign(&self.any_key().key)
    }

    pub(crate) fn for_another_api(&self) -> String {
        self.token().claim("aud", "https://other.example.com").sign(&self.any_key().key)
    }

    pub(crate) fn of_another_issuer(&self) -> String {
        self.token().claim("iss", "https://other.example.com").sign(&self.any_key().key)
    }

    pub(crate) fn without_signature(&self) -> String {
        compact(r#"{"alg":"none","typ":"JWT"}"#, self.token().payload(), b"")
    }

    /// A token that is signed by a foreign key, under the name of one that signs, and whether that one is young.
    pub(crate) fn of_a_foreign_key(&self) -> (String, bool) {
        let keys = self.keys.read().unwrap();
        let named = &keys.signing[2];
        (self.token().header("kid", named.key.id()).sign(&keys.foreign), named.is_young())
    }

    /// A good token with one character of its claims changed, and whether its key is young.
    pub(crate) fn tampered(&self) -> (String, bool) {
        let Good { token, is_young, .. } = self.seen_token();
        let mut bytes = token.into_bytes();
        let dots: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at] == b'.').collect();
        let at = dots[0] + 2 + self.random.below(dots[1] - dots[0] - 4);
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        (String::from_utf8(bytes).unwrap(), is_young)
    }

    pub(crate) fn of_an_unknown_key(&self) -> String {
        let keys = self.keys.read().unwrap();
        let name = format!("unknown-{}", self.random.below(1 << 40));
        self.token().header("kid", name).sign(&keys.foreign)
    }

    pub(crate) fn of_the_announced_key(&self) -> Option<String> {
        let keys = self.keys.read().unwrap();
        keys.announced.as_ref().map(|key| self.token().sign(&key.key))
    }

    /// A token of the key that was withdrawn last, once every instance has to know.
    pub(crate) fn of_the_withdrawn_key(&self) -> Option<String> {
        self.keys.read().unwrap().withdrawn.clone()
    }

    /// Makes a key that is to take the place of one that signs; its tokens are sent, and it is not published.
    pub(crate) fn announce_key(&self) {
        let next = self.make_key();
        self.keys.write().unwrap().announced = Some(next);
    }

    /// Makes a key that is to take the place of one that signs. It is used for nothing yet.
    pub(crate) fn make_key(&self) -> Next {
        let slot = self.random.below(ALGORITHMS.len());
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Next { slot, key: SigningKey::new(ALGORITHMS[slot], &format!("k{number}")) }
    }

    /// Takes back the key of [`announce_key`](Self::announce_key).
    pub(crate) fn take_announced_key(&self) -> Option<Next> {
        self.keys.write().unwrap().announced.take()
    }

    /// Publishes the keys that sign.
    pub(crate) fn publish(&self) {
        self.fake.answer_keys(Answer::json(&self.key_set(None)));
    }

    /// Publishes another key besides those that sign.
    pub(crate) fn publish_with(&self, next: &Next) {
        self.fake.answer_keys(Answer::json(&self.key_set(Some(next))));
    }

    /// Publishes the keys that sign, and takes its time for each answer.
    pub(crate) fn publish_slowly(&self, pause: Duration) {
        let metadata = Answer::json(&self.metadata());
        self.fake.answer_discovery(metadata.after(pause));
        self.fake.answer_keys(Answer::json(&self.key_set(None)).after(pause));
    }

    fn key_set(&self, next: Option<&Next>) -> Value {
        let keys = self.keys.read().unwrap();
        let mut published: Vec<_> = keys.signing.iter().map(|key| key.key.jwk()).collect();
        published.extend(next.map(|next| next.key.jwk()));
        json!({ "keys": published })
    }

    /// Signs with another key from now on, and returns a token of the one before.
    pub(crate) fn sign_with(&self, next: Next, is_sudden: bool) -> String {
        let sudden = is_sudden.then(Instant::now);
        let mut keys = self.keys.write().unwrap();
        let key = Arc::new(Key { key: next.key, sudden });
        let before = std::mem::replace(&mut keys.signing[next.slot], key);
        drop(keys);
        self.seen.lock().unwrap().retain(|good| good.key != before.key.id());
        self.used_proofs.lock().unwrap().retain(|used| used.key != before.key.id());
        self.token().claim("exp", now() + 7200).sign(&before.key)
    }

    /// Says that a token of a withdrawn key is to be refused from now on.
    pub(crate) fn key_is_withdrawn(&self, token: String) {
        self.keys.write().unwrap().withdrawn = Some(token);
    }

    /// Answers questions for the metadata as usual.
    pub(crate) fn answer_metadata(&self) {
        self.fake.answer_discovery(Answer::json(&self.metadata()));
    }

    fn metadata(&self) -> Value {
        json!({ "issuer": self.fake.url(), "jwks_uri": self.fake.jwks_uri() })
    }
}
