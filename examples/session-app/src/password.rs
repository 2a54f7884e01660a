//! Passwords: what is accepted, and how they are kept.

use std::{error::Error, fmt, sync::Arc};

use actix_web::web;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::hasher::Hasher;

/// Hashes with Argon2id, away from the threads that serve requests.
#[derive(Clone)]
pub(super) struct Passwords {
    hasher: Arc<Hasher>,
    /// Each hash takes 19 MiB; more at a time than there are cores only takes memory.
    turns: Arc<Semaphore>,
    /// Those who wait for a turn. New users wait elsewhere, so that logins go on however many there are.
    waiting: Arc<Semaphore>,
    new_ones: Arc<Semaphore>,
    /// Of nobody's password: a login under an unknown name takes as long as under a known one.
    nobody: Arc<str>,
}

/// Why a password is not accepted.
pub(super) const WEAK: &str = "a password needs 8 to 1024 characters, and must not be one of the most \
                               common ones or the name";

const SHORTEST: usize = 8;
const LONGEST: usize = 1024;
/// However many characters that is, more bytes are not looked at.
const LONGEST_BYTES: usize = 4 * LONGEST;

/// How many may wait for their turn, and how many new users besides.
const MOST_WAITING: usize = 128;
const MOST_NEW: usize = 64;

/// The first that everybody tries.
const COMMON: [&str; 26] = [
    "password",
    "password1",
    "password12",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "12345678",
    "123456789",
    "1234567890",
    "11111111",
    "00000000",
    "87654321",
    "qwertyui",
    "qwerty123",
    "qwertyuiop",
    "qwerty12",
    "abcdefgh",
    "abcd1234",
    "letmein1",
    "welcome1",
    "admin123",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "changeme",
];

/// Whether somebody of this name may have this password.
pub(super) fn is_acceptable(password: &str, username: &str) -> bool {
    let lower = password.to_lowercase();
    password.len() <= LONGEST_BYTES
        && (SHORTEST..=LONGEST).contains(&password.chars().count())
        && !COMMON.contains(&lower.as_str())
        && lower != username.to_lowercase()
        && password.chars().any(|character| !password.starts_with(character))
}

impl Passwords {
    pub(super) fn new() -> Result<Self, Box<dyn Error>> {
        let cores = std::thread::available_parallelism()?.get();
        let mut nobody = [0; 32];
        aws_lc_rs::rand::fill(&mut nobody).map_err(|_| "there are no random numbers")?;
        let hasher = Hasher::default();
        let nobody = hasher.hash(&nobody)?;
        let room = |places| Arc::new(Semaphore::new(places));
        let (turns, waiting, new_ones) = (room(cores), room(MOST_WAITING), room(MOST_NEW));
        Ok(Self { hasher: hasher.into(), turns, waiting, new_ones, nobody: nobody.into() })
    }

    /// Waits for a turn, unless too many do. It ends with the work, which goes on when the caller has
    /// hung up: so it has to be moved to where the work is done.
    async fn turn(&self, waiting: &Semaphore) -> Result<OwnedSemaphorePermit, Box<dyn Error>> {
        let _place = waiting.try_acquire().map_err(|_| Busy)?;
        Ok(self.turns.clone().acquire_owned().await?)
    }

    /// Hashes the password of a new user.
    pub(super) async fn hash_first(&self, password: String) -> Result<String, Box<dyn Error>> {
        self.hash_later(self.turn(&self.new_ones).await?, password).await
    }

    pub(super) async fn hash(&self, password: String) -> Result<String, Box<dyn Error>> {
        self.hash_later(self.turn(&self.waiting).await?, password).await
    }

    /// Whether a password is the one that was hashed. Without a hash it is not, which takes as long
    /// to find out.
    pub(super) async fn verify(
        &self,
        password: String,
        hash: Option<&str>,
    ) -> Result<bool, Box<dyn Error>> {
        let is_known = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| self.nobody.clone(), Into::into);
        let (turn, hasher) = (self.turn(&self.waiting).await?, self.hasher.clone());
        let fits = web::block(move || {
            let _turn = turn;
            // No password is as long, and hashing one would take its time.
            let text = password.as_bytes().get(..LONGEST_BYTES).unwrap_or(password.as_bytes());
            let fits = hasher.verify(text, &hash);
            fits.is_ok_and(|fits| fits && text.len() == password.len())
        })
        .await?;
        Ok(is_known && fits)
    }

    async fn hash_later(
        &self,
        turn: OwnedSemaphorePermit,
        password: String,
    ) -> Result<String, Box<dyn Error>> {
        let hasher = self.hasher.clone();
        let hash = move || {
            let _turn = turn;
            hasher.hash(password.as_bytes())
        };
        Ok(web::block(hash).await??)
    }
}

/// Too many passwords are waiting to be hashed.
#[derive(Debug)]
struct Busy;

impl Error for Busy {}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many passwords are waiting to be hashed")
    }
}
