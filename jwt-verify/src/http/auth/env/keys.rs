//! The key set of the issuer and its fetching.

use super::{environment::Environment, shared_cache::SharedCache, variable_names::name_variable};
use crate::{
    defaults::{CONNECT_TIMEOUT, FETCH_TIMEOUT},
    error::ConfigError,
    jwks::JwksProvider,
    key::JwkSet,
};

pub(super) fn keys(
    environment: &Environment<'_>,
    shared: &SharedCache,
    issuer: &str,
    auth0: Option<&str>,
) -> Result<JwksProvider, ConfigError> {
    let mut keys = match (environment.text("JWT_JWKS_URI")?, auth0) {
        (Some(url), _) => JwksProvider::builder(url),
        (None, Some(domain)) => JwksProvider::auth0(domain),
        (None, None) => JwksProvider::discover(issuer),
    };
    if let Some(ttl) = environment.seconds("JWT_KEY_CACHE_TTL")? {
        keys = keys.cache_ttl(ttl);
    }
    if let Some(ttl) = environment.seconds("JWT_NEGATIVE_CACHE_TTL")? {
        keys = keys.negative_cache_ttl(ttl);
    }
    if let Some(interval) = environment.seconds("JWT_REFRESH_MIN_INTERVAL")? {
        keys = keys.refetch_window(interval);
    }
    if let Some(ttl) = environment.seconds("JWT_STALE_TTL")? {
        keys = keys.stale_if_error(ttl);
    }
    if let Some(pem) = environment.text("JWT_ROOT_CERTIFICATES")? {
        keys = keys.root_certificates(pem);
    }
    match environment.text("JWT_PROXY")? {
        Some(proxy) if proxy == "environment" => keys = keys.proxy_from_env(),
        Some(url) => keys = keys.proxy(url),
        None => {}
    }
    if let Some(json) = environment.text("JWT_SEED_KEYS")? {
        let problem = "must be a key set in JSON";
        let seed = JwkSet::from_json(json.as_bytes())
            .map_err(|_| ConfigError::invalid("JWT_SEED_KEYS", problem))?;
        keys = keys.initial_keys(seed);
    }
    keys = shared.keys(keys);
    let timeout = environment.seconds("JWT_FETCH_TIMEOUT")?.unwrap_or(FETCH_TIMEOUT);
    keys.fetch_timeout(timeout)
        .connect_timeout(timeout.min(CONNECT_TIMEOUT))
        .build()
        .map_err(name_variable)
}
