//! Token introspection.

use super::{environment::Environment, shared_cache::SharedCache};
use crate::{
    defaults::{CONNECT_TIMEOUT, FETCH_TIMEOUT},
    error::ConfigError,
    introspection::Introspection,
};

const URL: &str = "JWT_INTROSPECTION_URL";

/// Value of the URL for the endpoint that the metadata of the issuer name.
const DISCOVER: &str = "discover";

pub(super) fn introspection(
    environment: &Environment<'_>,
    shared: &SharedCache,
) -> Result<Option<Introspection>, ConfigError> {
    let client_id = environment.text("JWT_INTROSPECTION_CLIENT_ID")?;
    let secret = environment.text("JWT_INTROSPECTION_CLIENT_SECRET")?;
    let ttl = environment.seconds("JWT_INTROSPECTION_CACHE")?;
    let takes_all = environment.flag("JWT_INTROSPECTION_ALWAYS")?;
    let Some(url) = environment.text(URL)? else {
        for (variable, is_set) in [
            ("JWT_INTROSPECTION_CLIENT_ID", client_id.is_some()),
            ("JWT_INTROSPECTION_CLIENT_SECRET", secret.is_some()),
            ("JWT_INTROSPECTION_CACHE", ttl.is_some()),
            ("JWT_INTROSPECTION_ALWAYS", takes_all),
        ] {
            if is_set {
                return Err(ConfigError::invalid(variable, "needs JWT_INTROSPECTION_URL"));
            }
        }
        return Ok(None);
    };
    let missing = |variable| ConfigError::NotSet { variable };
    let client_id = client_id.ok_or(missing("JWT_INTROSPECTION_CLIENT_ID"))?;
    let secret = secret.ok_or(missing("JWT_INTROSPECTION_CLIENT_SECRET"))?;
    let introspection =
        if url == DISCOVER { Introspection::discover() } else { Introspection::at(url) };
    let mut introspection = introspection.client_secret_basic(client_id, secret);
    if let Some(ttl) = ttl {
        introspection = introspection.cache_for(ttl);
    }
    if ttl.is_none_or(|ttl| !ttl.is_zero()) {
        introspection = shared.answers(introspection);
    }
    if takes_all {
        introspection = introspection.all_tokens();
    }
    connection(environment, introspection).map(Some)
}

/// Adds the settings for connections to the issuer, which are those for its keys too.
fn connection(
    environment: &Environment<'_>,
    mut introspection: Introspection,
) -> Result<Introspection, ConfigError> {
    if let Some(pem) = environment.text("JWT_ROOT_CERTIFICATES")? {
        introspection = introspection.root_certificates(pem);
    }
    match environment.text("JWT_PROXY")? {
        Some(proxy) if proxy == "environment" => introspection = introspection.proxy_from_env(),
        Some(url) => introspection = introspection.proxy(url),
        None => {}
    }
    for host in environment.list("JWT_ALLOW_HTTP")?.unwrap_or_default() {
        introspection = introspection.allow_http(host);
    }
    let timeout = environment.seconds("JWT_FETCH_TIMEOUT")?.unwrap_or(FETCH_TIMEOUT);
    Ok(introspection.timeout(timeout).connect_timeout(timeout.min(CONNECT_TIMEOUT)))
}
