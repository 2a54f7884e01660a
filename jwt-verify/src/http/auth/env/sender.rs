//! Sender constraints: DPoP and mutual TLS.

use super::{environment::Environment, shared_cache::SharedCache};
use crate::{dpop::Dpop, error::ConfigError, http::authentication::client_certificate::MutualTls};

pub(super) fn mutual_tls(environment: &Environment<'_>) -> Result<Option<MutualTls>, ConfigError> {
    let field = environment.text("JWT_MTLS_FIELD")?;
    match (environment.list("JWT_MTLS_PROXIES")?, field) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ConfigError::invalid("JWT_MTLS_FIELD", "needs JWT_MTLS_PROXIES")),
        (Some(proxies), None) => Ok(Some(MutualTls::behind_proxies(proxies))),
        (Some(proxies), Some(field)) => Ok(Some(MutualTls::behind_proxies(proxies).header(field))),
    }
}

pub(super) fn dpop(
    environment: &Environment<'_>,
    shared: &SharedCache,
) -> Result<Option<Dpop>, ConfigError> {
    let secret = environment.text("JWT_DPOP_NONCE_SECRET")?;
    let Some(urls) = environment.list("JWT_DPOP_URL")? else {
        return match secret {
            None => Ok(None),
            Some(_) => Err(ConfigError::invalid("JWT_DPOP_NONCE_SECRET", "needs JWT_DPOP_URL")),
        };
    };
    let mut urls = urls.into_iter();
    let first = urls.next().unwrap_or_default();
    let dpop = shared.proofs(urls.fold(Dpop::new(first), Dpop::base_url));
    Ok(Some(match secret {
        Some(secret) => dpop.require_nonce(secret),
        None => dpop,
    }))
}
