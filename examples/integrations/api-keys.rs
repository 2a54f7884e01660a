//! API keys in a database: users make, list, rotate and revoke their own.
//!
//! A user comes with a token to manage keys, and programs come with the keys. The store in
//! `sqlite_keys.rs` is the part to copy.

mod sqlite_keys;

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
    Clock as _, JwtAuth, Secret, SystemClock, VerifiedClaims,
    api_keys::{ApiKey, ApiKeyRecord, ApiKeys, ManageApiKeys as _, StoredApiKey},
    require,
};
use serde::Deserialize;
use serde_json::json;

use self::sqlite_keys::{SqliteKeys, TABLES};

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
