//! API keys in a database: users make, list, rotate and revoke their own.
//!
//! The store is the part to copy: one table, of which each row has the record of a key as JSON. A user
//! comes with a token to manage keys, and programs come with the keys.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer, ResponseError, delete, get,
    http::StatusCode,
    post,
    web::{Data, Json, Path},
};
use example_integrations::database_in_memory;
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{
    BoxFuture, Clock as _, JwtAuth, Lookup, Secret, StoreUnavailable, SystemClock, VerifiedClaims,
    api_keys::{
        ApiKey, ApiKeyHash, ApiKeyRecord, ApiKeyStore, ApiKeyUse, ApiKeys, ManageApiKeys,
        StoredApiKey,
    },
    require,
};
use serde::Deserialize;
use serde_json::json;
use sqlx::{Row as _, SqlitePool, sqlite::SqliteRow};

const TABLES: &str = "
    CREATE TABLE api_keys (hash BLOB PRIMARY KEY, owner TEXT NOT NULL, record TEXT NOT NULL,
        last_used INTEGER) WITHOUT ROWID;
    CREATE INDEX api_keys_of_owner ON api_keys (owner);";

/// API keys in a table.
#[derive(Debug, Clone)]
struct SqliteKeys(SqlitePool);

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

/// What goes wrong besides the credential.
#[derive(Debug)]
enum Problem {
    NotFound,
    /// More than the caller has, or not the form of a record.
    NotGranted,
    Unavailable,
}

impl<E: Error> From<E> for Problem {
    fn from(_: E) -> Self {
        Self::Unavailable
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such key",
            Self::NotGranted => "a key has a name and scopes that you have yourself",
            Self::Unavailable => "try again later",
        })
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotGranted => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Owner of the caller's keys. A subject is a name only together with its issuer.
fn owner(claims: &VerifiedClaims) -> String {
    let issuer = claims.issuer().unwrap_or_default();
    format!("{issuer} {}", claims.subject().unwrap_or_default())
}

/// A key of the caller, by its id. That of another user is not found.
async fn own_key(
    store: &SqliteKeys,
    claims: &VerifiedClaims,
    id: &str,
) -> Result<Arc<ApiKeyRecord>, Problem> {
    let keys = store.list(&owner(claims)).await?;
    let key = keys.into_iter().map(|key| key.record).find(|record| record.id() == id);
    key.ok_or(Problem::NotFound)
}

/// The only answer that has a key.
fn shown(key: &ApiKey, record: &ApiKeyRecord) -> HttpResponse {
    HttpResponse::Created()
        .insert_header(("Cache-Control", "no-store"))
        .json(json!({ "id": record.id(), "key": key.expose() }))
}

#[derive(Deserialize)]
struct NewKey {
    name: String,
    scopes: Vec<String>,
}

/// A key cannot make keys, or it would live on in them after it was revoked.
#[require(credential = "jwt")]
#[post("/keys")]
async fn create(
    claims: VerifiedClaims,
    keys: Data<ApiKeys>,
    store: Data<SqliteKeys>,
    new: Json<NewKey>,
) -> Result<HttpResponse, Problem> {
    let NewKey { name, scopes } = new.into_inner();
    if !scopes.iter().all(|scope| claims.scopes().any(|held| held == scope)) {
        return Err(Problem::NotGranted);
    }
    let key = keys.generate()?;
    let lifetime = Duration::from_secs(90 * 24 * 3600);
    let record = keys.record(&key, owner(&claims)).name(name).scopes(scopes);
    let record = record.expires_at(SystemClock::new().now() + lifetime).build();
    let record = record.map_err(|_| Problem::NotGranted)?;
    store.insert(&record).await?;
    Ok(shown(&key, &record))
}

#[require(credential = "jwt")]
#[get("/keys")]
async fn list(claims: VerifiedClaims, store: Data<SqliteKeys>) -> Result<HttpResponse, Problem> {
    let shown = |key: &StoredApiKey| {
        json!({
            "id": key.record.id(),
            "name": key.record.name(),
            "scopes": key.record.scopes(),
            "expires_at": key.record.expires_at().map(|time| time.as_secs()),
            "last_used": key.last_used.map(|time| time.as_secs()),
        })
    };
    let keys: Vec<_> = store.list(&owner(&claims)).await?.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(keys))
}

/// Both keys work for a day.
#[require(credential = "jwt")]
#[post("/keys/{id}/rotate")]
async fn rotate(
    claims: VerifiedClaims,
    keys: Data<ApiKeys>,
    store: Data<SqliteKeys>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let old = own_key(&store, &claims, &id).await?;
    let key = keys.generate()?;
    let record = old.successor(keys.hash(&key)).build()?;
    let until = SystemClock::new().now() + Duration::from_secs(24 * 3600);
    if !store.rotate(old.hash(), &record, until).await? {
        return Err(Problem::NotFound);
    }
    Ok(shown(&key, &record))
}

#[require(credential = "jwt")]
#[delete("/keys/{id}")]
async fn revoke(
    claims: VerifiedClaims,
    store: Data<SqliteKeys>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let key = own_key(&store, &claims, &id).await?;
    store.revoke(key.hash()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// For tokens and keys alike.
#[require(scopes = "reports:read")]
#[get("/reports")]
async fn reports(claims: VerifiedClaims) -> String {
    format!("reports for {}", claims.credential_kind())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    demo.print_token("alice, who may read reports", |token| {
        token.subject("alice").scope("reports:read")
    });
    let (database, _keeper) = database_in_memory().await?;
    sqlx::raw_sql(TABLES).execute(&database).await?;
    let store = SqliteKeys(database);
    // An application keeps its secret apart from the database.
    let secret =
        std::env::var("API_KEY_SECRET").unwrap_or("only for this demonstration, not secret".into());
    let keys = ApiKeys::builder(Secret::from(secret), store.clone()).prefix("demo");
    // The store is near, and a revoked key is to be refused at once.
    let keys = keys.cache_ttl(Duration::ZERO).build()?;
    let auth = JwtAuth::for_issuer(demo.trusted_issuer().require_subject());
    let auth = auth.api_keys(keys.clone()).build()?;
    let (keys, store) = (Data::new(keys), Data::new(store));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(keys.clone())
            .app_data(store.clone())
            .service(create)
            .service(list)
            .service(rotate)
            .service(revoke)
            .service(reports)
            .wrap(auth.clone())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}

#[cfg(test)]
mod tests {
    use jwt_verify::testing;

    use super::*;

    #[actix_web::test]
    async fn the_store_keeps_its_promises() -> Result<(), Box<dyn Error>> {
        let (database, _keeper) = database_in_memory().await?;
        sqlx::raw_sql(TABLES).execute(&database).await?;
        testing::managed_api_key_store(SqliteKeys(database)).await;
        Ok(())
    }
}
