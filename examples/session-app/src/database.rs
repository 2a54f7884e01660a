//! Users in a database of `SQLite`.

use std::{str::FromStr, time::Duration};

use jwt_verify::{BoxFuture, StoreUnavailable, VerifiedClaims, extract::UserLoader};
use serde::Serialize;
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow},
};

#[derive(Clone)]
pub(super) struct Database {
    pool: SqlitePool,
    /// Keeps a database in memory, which lives for as long as it has a connection. The one above is closed
    /// when a client hangs up in the middle of a query.
    _keeper: Option<SqlitePool>,
}

/// What the application shows of a user.
#[derive(Debug, Clone, Serialize)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) role: String,
}

impl User {
    fn of(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let (id, username, role) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok(Self { id, username, role })
    }
}

/// What a login is held against.
pub(super) struct Login {
    pub(super) user: User,
    pub(super) password_hash: String,
}

impl Database {
    /// Opens the database and makes its table where there is none.
    pub(super) async fn open(url: &str) -> Result<Self, sqlx::Error> {
        let is_in_memory = url.contains(":memory:") || url.contains("mode=memory");
        let mut options = SqliteConnectOptions::from_str(url)?.busy_timeout(Duration::from_secs(5));
        if !is_in_memory {
            // Readers do not wait for a writer, also one of another instance.
            options = options.journal_mode(SqliteJournalMode::Wal);
        }
        let one = || SqlitePoolOptions::new().max_connections(1).idle_timeout(None);
        let (pool, keeper) = if is_in_memory {
            options = options.shared_cache(true);
            let keeper = one().max_lifetime(None).connect_with(options.clone()).await?;
            (one(), Some(keeper))
        } else {
            (SqlitePoolOptions::new().max_connections(4), None)
        };
        let pool = pool.connect_with(options).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS users (
                id INTEGER PRIMARY KEY,
                username TEXT NOT NULL UNIQUE COLLATE NOCASE,
                password_hash TEXT NOT NULL,
                role TEXT NOT NULL DEFAULT 'user'
            ) STRICT",
        )
        .execute(&pool)
        .await?;
        Ok(Self { pool, _keeper: keeper })
    }

    /// Adds a user; `None` if the name is taken.
    pub(super) async fn add(&self, name: &str, hash: &str) -> Result<Option<User>, sqlx::Error> {
        let row = sqlx::query(
            "INSERT INTO users (id, username, password_hash) VALUES (?, ?, ?)
             ON CONFLICT (username) DO NOTHING RETURNING id, username, role",
        )
        .bind(new_id()?)
        .bind(name)
        .bind(hash)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(User::of).transpose()
    }

    /// Adds the first administrator, unless there is one of this name, who keeps the password then.
    /// False if somebody else has the name.
    pub(super) async fn add_admin(&self, name: &str, hash: &str) -> Result<bool, sqlx::Error> {
        sqlx::query(
            "INSERT INTO users (id, username, password_hash, role) VALUES (?, ?, ?, 'admin')
             ON CONFLICT (username) DO NOTHING",
        )
        .bind(new_id()?)
        .bind(name)
        .bind(hash)
        .execute(&self.pool)
        .await?;
        Ok(self.login(name).await?.is_some_and(|known| known.user.role == "admin"))
    }

    pub(super) async fn login(&self, name: &str) -> Result<Option<Login>, sqlx::Error> {
        self.find_login(
            "SELECT id, username, role, password_hash FROM users WHERE username = ?",
            name,
        )
        .await
    }

    pub(super) async fn login_by_id(&self, id: i64) -> Result<Option<Login>, sqlx::Error> {
        self.find_login("SELECT id, username, role, password_hash FROM users WHERE id = ?", id)
            .await
    }

    async fn find_login<'q, T>(
        &self,
        query: &'static str,
        value: T,
    ) -> Result<Option<Login>, sqlx::Error>
    where
        T: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + 'q,
    {
        let row = sqlx::query(query).bind(value).fetch_optional(&self.pool).await?;
        let login =
            |row: SqliteRow| Ok(Login { user: User::of(&row)?, password_hash: row.try_get(3)? });
        row.map(login).transpose()
    }

    pub(super) async fn user(&self, id: i64) -> Result<Option<User>, sqlx::Error> {
        let row = sqlx::query("SELECT id, username, role FROM users WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(User::of).transpose()
    }

    pub(super) async fn users(&self) -> Result<Vec<User>, sqlx::Error> {
        let rows = sqlx::query("SELECT id, username, role FROM users ORDER BY username LIMIT 1000")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(User::of).collect()
    }

    /// Replaces a password, unless it has been replaced since it was checked.
    pub(super) async fn set_password(
        &self,
        id: i64,
        before: &str,
        after: &str,
    ) -> Result<bool, sqlx::Error> {
        let done =
            sqlx::query("UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?")
                .bind(after)
                .bind(id)
                .bind(before)
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected() == 1)
    }
}

/// A number that no other database gives to somebody else: tokens outlive a database in memory. Small
/// enough for JavaScript.
fn new_id() -> Result<i64, sqlx::Error> {
    let mut bytes = [0; 8];
    let random = aws_lc_rs::rand::fill(&mut bytes);
    random.map_err(|_| sqlx::Error::Protocol("there are no random numbers".into()))?;
    Ok(i64::from_be_bytes(bytes) & ((1 << 53) - 1))
}

impl UserLoader for Database {
    type User = User;

    fn load<'a>(
        &'a self,
        claims: &'a VerifiedClaims,
    ) -> BoxFuture<'a, Result<Option<User>, StoreUnavailable>> {
        Box::pin(async move {
            let Some(id) = claims.subject().and_then(|subject| subject.parse().ok()) else {
                return Ok(None);
            };
            self.user(id).await.map_err(|error| {
                tracing::error!(%error, "the database does not answer");
                StoreUnavailable::caused_by(error)
            })
        })
    }
}
