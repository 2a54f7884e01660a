//! The store of the example `api-keys` does what every store of API keys must.

#[path = "../sqlite_keys.rs"]
mod sqlite_keys;

use std::error::Error;

use example_integrations::database_in_memory;
use jwt_verify::testing::managed_api_key_store;

use self::sqlite_keys::{SqliteKeys, TABLES};

#[actix_web::test]
async fn it_keeps_the_promises_of_a_store() -> Result<(), Box<dyn Error>> {
    let (database, _keeper) = database_in_memory().await?;
    sqlx::raw_sql(TABLES).execute(&database).await?;
    managed_api_key_store(SqliteKeys(database)).await;
    Ok(())
}
