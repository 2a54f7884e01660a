//! The key set of the issuer and its fetching.

use super::{
    environment::{Environment, ValueSource},
    shared_cache::SharedCache,
    variable_names::name_variable,
};
use crate::{
    defaults::{CONNECT_TIMEOUT, FETCH_TIMEOUT},
    error::ConfigError,
    jwks::{JwksProvider, JwksProviderBuilder},
    key::JwkSet,
};

/// Returns the key set at `JWT_JWKS_URI`, or else the usual one of the issuer.
pub(super) fn keys(
    environment: &Environment<'_>,
    shared: &SharedCache,
    usual: impl FnOnce() -> JwksProviderBuilder,
) -> Result<JwksProvider, ConfigError> {
    let mut keys = match environment.text("JWT_JWKS_URI")? {
        Some(url) => JwksProvider::builder(url),
        None => usual(),
    };
    keys = times(environment, connection(environment, keys)?)?;
    if let Some(json) = environment.text("JWT_SEED_KEYS")? {
        let problem = "must be a key set in JSON";
        let seed = JwkSet::from_json(json.as_bytes())
            .map_err(|_| ConfigError::invalid("JWT_SEED_KEYS", problem))?;
        keys = keys.initial_keys(seed);
    }
    shared.keys(keys).build().map_err(name_variable)
}

/// Returns the keys of the transmitter of security events: fetched as those of the issuer, but without
/// the credential, the keys to start with and the shared cache, which are the issuer's.
#[cfg(feature = "security-events")]
pub(super) fn keys_of_transmitter(
    environment: &Environment<'_>,
    keys: JwksProviderBuilder,
) -> Result<JwksProvider, ConfigError> {
    times(environment, network(environment, keys)?)?.build()
}

/// Adds the times for which keys are used, and within which they are fetched.
fn times(
    environment: &Environment<'_>,
    mut keys: JwksProviderBuilder,
) -> Result<JwksProviderBuilder, ConfigError> {
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
    let timeout = environment.seconds("JWT_FETCH_TIMEOUT")?.unwrap_or(FETCH_TIMEOUT);
    Ok(keys.fetch_timeout(timeout).connect_timeout(timeout.min(CONNECT_TIMEOUT)))
}

/// Adds the settings for connections to the issuer.
pub(super) fn connection(
    environment: &Environment<'_>,
    keys: JwksProviderBuilder,
) -> Result<JwksProviderBuilder, ConfigError> {
    credential(environment, network(environment, keys)?)
}

/// Adds the certificates, the proxy and the hosts for plain http.
fn network(
    environment: &Environment<'_>,
    mut keys: JwksProviderBuilder,
) -> Result<JwksProviderBuilder, ConfigError> {
    if let Some(pem) = environment.text("JWT_ROOT_CERTIFICATES")? {
        keys = keys.root_certificates(pem);
    }
    match environment.text("JWT_PROXY")? {
        Some(proxy) if proxy == "environment" => keys = keys.proxy_from_env(),
        Some(url) => keys = keys.proxy(url),
        None => {}
    }
    for host in environment.list("JWT_ALLOW_HTTP")?.unwrap_or_default() {
        keys = keys.allow_http(host);
    }
    Ok(keys)
}

/// Adds the credential for fetches. A second one is an error of the builder.
fn credential(
    environment: &Environment<'_>,
    mut keys: JwksProviderBuilder,
) -> Result<JwksProviderBuilder, ConfigError> {
    match environment.source("JWT_JWKS_BEARER_TOKEN")? {
        None => {}
        Some(ValueSource::Value(token)) => keys = keys.bearer_token(token),
        // Unlike other files, it is read for each request.
        Some(ValueSource::File(path)) => keys = keys.bearer_token_file(path),
    }
    if let Some(header) = environment.text("JWT_JWKS_HEADER")? {
        let (name, value) = header
            .split_once(':')
            .ok_or(ConfigError::invalid("JWT_JWKS_HEADER", "must be `Name: value`"))?;
        keys = keys.request_header(name, value.trim());
    }
    Ok(keys)
}
