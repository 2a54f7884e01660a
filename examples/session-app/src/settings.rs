//! What the environment says.

use std::{env, error::Error, time::Duration};

/// Settings of the example. `Default` needs nothing from outside: users in memory, keys of its own.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct Settings {
    /// `sqlite://PATH?mode=rwc`, or `sqlite::memory:`.
    pub database_url: String,
    /// Sessions and revocations of several instances.
    pub redis_url: Option<String>,
    /// The secret of `HS256`; without it, an `ES256` key is made at the start.
    pub secret: Option<String>,
    /// Name and password of the first administrator.
    pub admin: Option<(String, String)>,
    /// How long access tokens are good for.
    pub access_lifetime: Duration,
    /// How long a session lasts.
    pub refresh_lifetime: Duration,
    /// Access tokens whose verification is cached.
    pub token_cache: usize,
    /// How long a client may take to send a body.
    pub body_deadline: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: "sqlite::memory:".into(),
            redis_url: None,
            secret: None,
            admin: None,
            access_lifetime: Duration::from_secs(15 * 60),
            refresh_lifetime: Duration::from_secs(30 * 24 * 3600),
            token_cache: 10_000,
            body_deadline: Duration::from_secs(10),
        }
    }
}

impl Settings {
    /// Reads `DATABASE_URL`, `REDIS_URL`, `JWT_SECRET_KEY`, `ADMIN_USERNAME` with `ADMIN_PASSWORD`,
    /// `JWT_ACCESS_TOKEN_EXPIRES` and `JWT_REFRESH_TOKEN_EXPIRES` (seconds), and `JWT_TOKEN_CACHE`.
    ///
    /// # Errors
    /// A variable that does not parse, named in the message.
    pub fn from_env() -> Result<Self, Box<dyn Error>> {
        let defaults = Self::default();
        let admin = match (text("ADMIN_USERNAME"), text("ADMIN_PASSWORD")) {
            (Some(name), Some(password)) => Some((name, password)),
            (None, None) => None,
            _ => return Err("ADMIN_USERNAME and ADMIN_PASSWORD go together".into()),
        };
        Ok(Self {
            database_url: text("DATABASE_URL").unwrap_or(defaults.database_url),
            redis_url: text("REDIS_URL"),
            secret: text("JWT_SECRET_KEY"),
            admin,
            access_lifetime: seconds("JWT_ACCESS_TOKEN_EXPIRES", defaults.access_lifetime)?,
            refresh_lifetime: seconds("JWT_REFRESH_TOKEN_EXPIRES", defaults.refresh_lifetime)?,
            token_cache: number("JWT_TOKEN_CACHE", defaults.token_cache)?,
            body_deadline: defaults.body_deadline,
        })
    }
}

fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str, default: usize) -> Result<usize, Box<dyn Error>> {
    match text(name) {
        Some(value) => Ok(value.parse().map_err(|_| format!("{name} must be a number"))?),
        None => Ok(default),
    }
}

fn seconds(name: &str, default: Duration) -> Result<Duration, Box<dyn Error>> {
    match text(name) {
        Some(value) => {
            let seconds =
                value.parse().map_err(|_| format!("{name} must be a number of seconds"))?;
            Ok(Duration::from_secs(seconds))
        }
        None => Ok(default),
    }
}
