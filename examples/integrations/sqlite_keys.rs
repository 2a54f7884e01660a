//! A store of API keys: one table, of which each row has the record of a key as JSON.

use std::{error::Error, sync::Arc, time::Duration};

use jwt_verify::{
    BoxFuture, Lookup, StoreUnavailable,
    api_keys::{ApiKeyHash, ApiKeyRecord, ApiKeyStore, ApiKeyUse, ManageApiKeys, StoredApiKey},
};
use sqlx::{Row as _, SqlitePool, sqlite::SqliteRow};

pub(crate) const TABLES: &str = "
    CREATE TABLE api_keys (hash BLOB PRIMARY KEY, owner TEXT NOT NULL, record TEXT NOT NULL,
        last_used INTEGER) WITHOUT ROWID;
    CREATE INDEX api_keys_of_owner ON api_keys (owner);";

/// API keys in a table.
#[derive(Debug, Clone)]
pub(crate) struct SqliteKeys(pub(crate) SqlitePool);

/// An outage is for the log; the caller gets 503.
fn failed(error: impl Error + Send + Sync + 'static) -> StoreUnavailable {
    tracing::error!(%error, "the database failed");
    StoreUnavailable::caused_by(error)
}

fn record_of(row: &SqliteRow) -> Result<ApiKeyRecord, StoreUnavailable> {
    let json: &str = row.try_get("record").map_err(failed)?;
    ApiKeyRecord::from_json(json).map_err(failed)
}

impl SqliteKeys {
    async fn insert_row(
        &self,
        record: &ApiKeyRecord,
        database: impl sqlx::SqliteExecutor<'_>,
    ) -> Result<bool, StoreUnavailable> {
        let insert =
            "INSERT INTO api_keys (hash, owner, record) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
        let insert = sqlx::query(insert).bind(record.hash().as_bytes().to_vec());
        let insert = insert.bind(record.subject().to_owned()).bind(record.to_json());
        Ok(insert.execute(database).await.map_err(failed)?.rows_affected() == 1)
    }

    /// All or nothing: what is dropped before the commit did not happen.
    async fn replace(
        &self,
        replaced: ApiKeyHash,
        successor: &ApiKeyRecord,
        expires_at: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let mut change = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let old = sqlx::query("SELECT record FROM api_keys WHERE hash = ? AND owner = ?");
        let old = old.bind(replaced.as_bytes().to_vec()).bind(successor.subject().to_owned());
        let Some(row) = old.fetch_optional(&mut *change).await.map_err(failed)? else {
            return Ok(false);
        };
        let old = record_of(&row)?.expiring_at(expires_at);
        let update = sqlx::query("UPDATE api_keys SET record = ? WHERE hash = ?");
        let update = update.bind(old.to_json()).bind(replaced.as_bytes().to_vec());
        update.execute(&mut *change).await.map_err(failed)?;
        if !self.insert_row(successor, &mut *change).await? {
            return Ok(false);
        }
        change.commit().await.map_err(failed)?;
        Ok(true)
    }
}

impl ApiKeyStore for SqliteKeys {
    fn find(
        &self,
        hash: ApiKeyHash,
    ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
        Lookup::Pending(Box::pin(async move {
            let find = sqlx::query("SELECT record FROM api_keys WHERE hash = ?");
            let find = find.bind(hash.as_bytes().to_vec()).fetch_optional(&self.0);
            // Requests wait for it, so its time is limited.
            let row = tokio::time::timeout(Duration::from_secs(1), find).await.map_err(failed)?;
            row.map_err(failed)?.as_ref().map(|row| record_of(row).map(Arc::new)).transpose()
        }))
    }

    fn note_used<'a>(
        &'a self,
        uses: &'a [ApiKeyUse],
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async move {
            let mut change = self.0.begin().await.map_err(failed)?;
            for one in uses {
                let update =
                    "UPDATE api_keys SET last_used = max(coalesce(last_used, 0), ?) WHERE hash = ?";
                let at = i64::try_from(one.at.as_secs()).map_err(failed)?;
                let update = sqlx::query(update).bind(at).bind(one.hash.as_bytes().to_vec());
                update.execute(&mut *change).await.map_err(failed)?;
            }
            change.commit().await.map_err(failed)
        })
    }
}

impl ManageApiKeys for SqliteKeys {
    fn insert<'a>(
        &'a self,
        record: &'a ApiKeyRecord,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(self.insert_row(record, &self.0))
    }

    fn list<'a>(
        &'a self,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<StoredApiKey>, StoreUnavailable>> {
        Box::pin(async move {
            let select = sqlx::query("SELECT record, last_used FROM api_keys WHERE owner = ?");
            let rows = select.bind(subject.to_owned()).fetch_all(&self.0).await.map_err(failed)?;
            let stored = |row: &SqliteRow| {
                let last_used: Option<i64> = row.try_get("last_used").map_err(failed)?;
                let last_used = last_used.and_then(|seconds| u64::try_from(seconds).ok());
                let record = Arc::new(record_of(row)?);
                Ok(StoredApiKey::new(record, last_used.map(Duration::from_secs)))
            };
            rows.iter().map(stored).collect()
        })
    }

    fn rotate<'a>(
        &'a self,
        replaced: ApiKeyHash,
        successor: &'a ApiKeyRecord,
        expires_at: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(self.replace(replaced, successor, expires_at))
    }

    fn revoke(&self, hash: ApiKeyHash) -> BoxFuture<'_, Result<bool, StoreUnavailable>> {
        Box::pin(async move {
            let delete = sqlx::query("DELETE FROM api_keys WHERE hash = ?");
            let delete = delete.bind(hash.as_bytes().to_vec());
            Ok(delete.execute(&self.0).await.map_err(failed)?.rows_affected() == 1)
        })
    }
}
