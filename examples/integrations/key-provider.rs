//! Keys from a database instead of a key set at a URL.
//!
//! The provider keeps in memory what it has read and reads again when a token names another key, at
//! most once a second: key IDs come from strangers. A database that is down is 503 for the caller, not
//! 401. `generation` changes with the keys, so that tokens of a key that was taken out are refused
//! although they were good before.

use std::{
    env,
    error::Error,
    fs,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpResponse, HttpServer, Responder, delete, get, post, rt,
    web::{Data, Json, Path},
};
use example_integrations::database_in_memory;
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{
    AuthError, JwkSet, JwtAuth, KeyProvider, Lookup, VerificationKey, VerifiedClaims,
    keys::{KeyLookupError, KeyQuery},
    require,
};
use serde_json::{Value, json};
use sqlx::SqlitePool;
use tokio::sync::Mutex;

/// Public keys as JSON Web Keys in the table `signing_keys`.
#[derive(Debug, Clone)]
struct DatabaseKeys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    database: SqlitePool,
    known: RwLock<Known>,
    /// Held while somebody reads: others wait and find what came of it. What that was, and when.
    last_read: Mutex<Option<(Instant, Result<(), KeyLookupError>)>>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Option<Arc<JwkSet>>,
    read_at: Option<Instant>,
    rows: Vec<(String, String)>,
    generation: u64,
}

/// Strangers cause one reading in this time.
const PAUSE: Duration = Duration::from_secs(1);
/// A key that was taken out of the table by hand is trusted for so long,
const REFRESH: Duration = Duration::from_secs(60);
/// and so long where the database is out of reach.
const LONGEST: Duration = Duration::from_secs(600);
const OUT_OF_REACH: KeyLookupError =
    KeyLookupError::Unavailable { retry_after: Duration::from_secs(2) };

impl DatabaseKeys {
    fn new(database: SqlitePool) -> Self {
        let known = RwLock::default();
        Self(Arc::new(Shared { database, known, last_read: Mutex::new(None) }))
    }

    fn known(&self) -> Option<Arc<JwkSet>> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.read_at.is_some_and(|at| at.elapsed() < LONGEST).then(|| known.keys.clone())?
    }

    /// Reads the table, unless somebody just has.
    async fn read_for_stranger(&self) -> Result<(), KeyLookupError> {
        let mut last_read = self.0.last_read.lock().await;
        match &*last_read {
            Some((at, outcome)) if at.elapsed() < PAUSE => *outcome,
            _ => self.read_once(&mut last_read).await,
        }
    }

    /// Reads the table. One reading after the other: a slow one must not bring back what a later one
    /// has found gone.
    async fn read(&self) -> Result<(), KeyLookupError> {
        let mut last_read = self.0.last_read.lock().await;
        self.read_once(&mut last_read).await
    }

    async fn read_once(
        &self,
        last_read: &mut Option<(Instant, Result<(), KeyLookupError>)>,
    ) -> Result<(), KeyLookupError> {
        let outcome = self.read_table().await;
        *last_read = Some((Instant::now(), outcome));
        outcome
    }

    async fn read_table(&self) -> Result<(), KeyLookupError> {
        let begun = Instant::now();
        let rows: Result<Vec<(String, String)>, _> =
            sqlx::query_as("SELECT kid, jwk FROM signing_keys ORDER BY kid")
                .fetch_all(&self.0.database)
                .await;
        let rows = rows.map_err(|error| {
            tracing::warn!(%error, "the keys cannot be read");
            OUT_OF_REACH
        })?;
        let keys = rows.iter().filter_map(|(kid, jwk)| match VerificationKey::from_jwk(jwk) {
            Ok(key) => Some(key.with_id(kid)),
            Err(rejection) => {
                tracing::warn!(%rejection, "a key of the table cannot be used");
                None
            }
        });
        let keys = Arc::new(JwkSet::new(keys));
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.rows != rows {
            known.generation += 1;
        }
        let generation = known.generation;
        *known = Known { keys: Some(keys), read_at: Some(begun), generation, rows };
        Ok(())
    }

    fn find_known(&self, wanted: KeyQuery<'_>) -> Result<Arc<VerificationKey>, KeyLookupError> {
        let known = self.known().ok_or(OUT_OF_REACH)?;
        // One that did not verify the signature may have been replaced in the table.
        known.select(wanted).cloned().ok_or(KeyLookupError::NotFound)
    }
}

impl KeyProvider for DatabaseKeys {
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        match self.find_known(wanted) {
            Ok(key) => Lookup::Ready(Ok(key)),
            Err(_) => Lookup::Pending(Box::pin(async move {
                self.read_for_stranger().await?;
                self.find_known(wanted)
            })),
        }
    }

    fn generation(&self) -> Option<u64> {
        self.known()?;
        Some(self.0.known.read().unwrap_or_else(PoisonError::into_inner).generation)
    }
}

#[require]
#[get("/profile")]
async fn profile(claims: VerifiedClaims) -> impl Responder {
    Json(json!({ "sub": claims.subject() }))
}

/// Adds a key, which counts from the next request on.
#[require(permissions = "write:keys")]
#[post("/keys/{kid}")]
async fn add_key(
    kid: Path<String>,
    jwk: String,
    database: Data<SqlitePool>,
    keys: Data<DatabaseKeys>,
) -> Result<impl Responder, AuthError> {
    if VerificationKey::from_jwk(&jwk).is_err() {
        return Ok(HttpResponse::UnprocessableEntity().body("not a public key that can be used"));
    }
    insert(&database, &kid, &jwk).await.map_err(later)?;
    keys.read().await.map_err(later)?;
    Ok(HttpResponse::Created().finish())
}

/// Takes a key out, and with it every token that it has signed.
#[require(permissions = "write:keys")]
#[delete("/keys/{kid}")]
async fn remove_key(
    kid: Path<String>,
    database: Data<SqlitePool>,
    keys: Data<DatabaseKeys>,
) -> Result<impl Responder, AuthError> {
    let delete = sqlx::query("DELETE FROM signing_keys WHERE kid = ?").bind(&*kid);
    delete.execute(&**database).await.map_err(later)?;
    keys.read().await.map_err(later)?;
    Ok(HttpResponse::NoContent())
}

async fn insert(database: &SqlitePool, kid: &str, jwk: &str) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("INSERT OR REPLACE INTO signing_keys (kid, jwk) VALUES (?, ?)");
    insert.bind(kid).bind(jwk).execute(database).await.map(drop)
}

fn later(_: impl Error) -> AuthError {
    AuthError::Unavailable { retry_after: Duration::from_secs(2) }
}

/// What is in the table at first: the keys of the file that `KEYS_FILE` names, or those of the
/// example's own issuer.
fn first_keys(demo: &Demo) -> Result<Value, Box<dyn Error>> {
    Ok(match env::var_os("KEYS_FILE") {
        Some(path) => serde_json::from_str(&fs::read_to_string(path)?)?,
        None => demo.key_set().ok_or("set KEYS_FILE to the public keys of JWT_ISSUER")?,
    })
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let (database, _keeper) = database_in_memory().await?;
    sqlx::query("CREATE TABLE signing_keys (kid TEXT PRIMARY KEY, jwk TEXT NOT NULL)")
        .execute(&database)
        .await?;
    let keys = first_keys(&demo)?;
    for jwk in keys.get("keys").and_then(Value::as_array).into_iter().flatten() {
        let kid = jwk.get("kid").and_then(Value::as_str).ok_or("a key has no kid")?;
        insert(&database, kid, &jwk.to_string()).await?;
    }

    let keys = DatabaseKeys::new(database.clone());
    let auth = JwtAuth::for_issuer(demo.trusted_issuer().keys(keys.clone())).build()?;
    demo.print_token("alice, who looks after the keys", |token| {
        token.subject("alice").permission("write:keys")
    });
    rt::spawn({
        let keys = keys.clone();
        async move {
            let mut next = rt::time::interval(REFRESH);
            loop {
                next.tick().await;
                // A failure has been logged; the keys from before serve until the next time.
                let _ = keys.read().await;
            }
        }
    });
    let (database, keys) = (Data::new(database), Data::new(keys));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(database.clone())
            .app_data(keys.clone())
            .service(profile)
            .service(add_key)
            .service(remove_key)
            .wrap(auth.clone())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
