//! What several of these examples share.

use std::str::FromStr as _;

use sqlx::{
    ConnectOptions as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// Opens a database in memory, with a connection to keep: the database lives for as long as it has one.
///
/// A client that hangs up in the middle of a query ends the handler, and the pool closes the connection
/// that the query was on. Where it is the only one, the tables are gone.
///
/// # Errors
/// If there is no memory for it.
pub async fn database_in_memory() -> Result<(SqlitePool, SqliteConnection), sqlx::Error> {
    // Each of these is a database of its own, which its connections share.
    let options = SqliteConnectOptions::from_str("sqlite::memory:")?;
    let keeper = options.connect().await?;
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    Ok((pool, keeper))
}
