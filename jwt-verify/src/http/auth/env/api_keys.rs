//! API keys of a file.

use super::{environment::Environment, variable_names::name_variable};
use crate::{
    api_keys::{ApiKeys, FileApiKeys},
    error::ConfigError,
    secret::Secret,
};

/// Returns the keys of the file that `API_KEYS_FILE` names, with the secret of their hashes.
pub(super) fn api_keys(environment: &Environment<'_>) -> Result<Option<ApiKeys>, ConfigError> {
    let file = environment.text("API_KEYS_FILE")?;
    let secret = environment.text("API_KEY_SECRET")?;
    let (file, secret) = match (file, secret) {
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(ConfigError::invalid("API_KEYS_FILE", "needs API_KEY_SECRET"));
        }
        (None, Some(_)) => {
            return Err(ConfigError::invalid("API_KEY_SECRET", "needs API_KEYS_FILE"));
        }
        (Some(file), Some(secret)) => (file, secret),
    };
    let store = FileApiKeys::open(file).map_err(name_variable)?;
    let count = store.len();
    let keys = ApiKeys::builder(Secret::from(secret), store).build().map_err(name_variable)?;
    tracing::info!(keys = count, "API keys of a file are accepted");
    Ok(Some(keys))
}
