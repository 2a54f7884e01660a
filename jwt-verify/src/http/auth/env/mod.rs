//! Settings from environment variables.

mod environment;

use std::str::FromStr;

use crate::http::{
    auth::{builder::JwtAuthBuilder, context::JwtAuth, env::environment::Environment},
    authentication::client_certificate::MutualTls,
    credentials::{CookieExtractor, FirstOf, token_chars::is_token},
};
use crate::{
    algorithm::Algorithm,
    claims::ClaimsMapping,
    defaults::{CONNECT_TIMEOUT, FETCH_TIMEOUT},
    dpop::Dpop,
    error::ConfigError,
    jwks::{JwksProvider, JwksProviderBuilder},
    key::JwkSet,
    verifier::TrustedIssuer,
};

/// Reads the settings from the environment of the process.
pub(crate) fn read_process(
    change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
) -> Result<JwtAuthBuilder, ConfigError> {
    read(&Environment(&|name| std::env::var(name)), change)
}

fn read(
    environment: &Environment<'_>,
    change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
) -> Result<JwtAuthBuilder, ConfigError> {
    let (issuer, auth0) = match environment.text("JWT_ISSUER")? {
        Some(issuer) => (issuer, None),
        None => match environment.text("AUTH0_DOMAIN")? {
            Some(domain) => {
                let domain = domain.trim_start_matches("https://").trim_end_matches('/').to_owned();
                if !is_host(&domain) {
                    return Err(ConfigError::invalid("AUTH0_DOMAIN", "is not a host name"));
                }
                (format!("https://{domain}/"), Some(domain))
            }
            None => return Err(ConfigError::NotSet { variable: "JWT_ISSUER" }),
        },
    };
    let audiences = match environment.list("JWT_AUDIENCE")? {
        Some(audiences) => audiences,
        None => environment
            .list("AUTH0_API_IDENTIFIER")?
            .ok_or(ConfigError::NotSet { variable: "JWT_AUDIENCE" })?,
    };
    let shared = shared(environment)?;
    let keys = keys(environment, &shared, &issuer, auth0.as_deref())?;

    let mut audiences = audiences.into_iter();
    let first = audiences.next().unwrap_or_default();
    let mut issuer =
        audiences.fold(TrustedIssuer::new(issuer, first).keys(keys), TrustedIssuer::audience);
    if let Some(names) = environment.list("JWT_ALGORITHMS")? {
        issuer = issuer.algorithms(algorithms(&names)?);
    }
    if let Some(leeway) = environment.seconds("JWT_LEEWAY")? {
        issuer = issuer.leeway(leeway);
    }
    let mut mapping = ClaimsMapping::default();
    if let Some(name) = environment.text("JWT_ROLES_CLAIM")? {
        mapping = mapping.roles_claim(name);
    }
    if let Some(name) = environment.text("JWT_PERMISSIONS_CLAIM")? {
        mapping = mapping.permissions_claim(name);
    }
    if let Some(name) = environment.text("JWT_SINGLE_ROLE_CLAIM")? {
        mapping = mapping.single_role_claim(name);
    }
    let mut builder = JwtAuth::for_issuer(change(issuer.claims_mapping(mapping)));
    if let Some(entries) = environment.number("JWT_TOKEN_CACHE")? {
        let entries = usize::try_from(entries)
            .map_err(|_| ConfigError::invalid("JWT_TOKEN_CACHE", "is too large"))?;
        builder = builder.token_cache_capacity(entries);
    }
    let dpop = dpop(environment, &shared)?;
    let (cookie, origins) =
        (environment.text("JWT_COOKIE")?, environment.list("JWT_COOKIE_ORIGINS")?);
    match (origins, &cookie) {
        (Some(_), None) => {
            return Err(ConfigError::invalid("JWT_COOKIE_ORIGINS", "needs JWT_COOKIE"));
        }
        (Some(origins), Some(_)) => builder = builder.cookie_origins(origins),
        (None, _) => {}
    }
    match cookie {
        Some(name) if is_token(name.as_bytes()) => {
            let extractor = FirstOf::bearer().or(CookieExtractor::new(name)).exclusive();
            builder = builder.extractor(extractor);
        }
        Some(_) => return Err(ConfigError::invalid("JWT_COOKIE", "is not a cookie name")),
        None => {}
    }
    if let Some(dpop) = dpop {
        builder = builder.dpop(dpop);
    }
    if let Some(mutual_tls) = mutual_tls(environment)? {
        builder = builder.mutual_tls(mutual_tls);
    }
    Ok(builder)
}

fn mutual_tls(environment: &Environment<'_>) -> Result<Option<MutualTls>, ConfigError> {
    let field = environment.text("JWT_MTLS_FIELD")?;
    match (environment.list("JWT_MTLS_PROXIES")?, field) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ConfigError::invalid("JWT_MTLS_FIELD", "needs JWT_MTLS_PROXIES")),
        (Some(proxies), None) => Ok(Some(MutualTls::behind_proxies(proxies))),
        (Some(proxies), Some(field)) => Ok(Some(MutualTls::behind_proxies(proxies).header(field))),
    }
}

fn dpop(environment: &Environment<'_>, shared: &SharedCache) -> Result<Option<Dpop>, ConfigError> {
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

fn keys(
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

/// State that instances of the application share.
#[cfg(feature = "redis")]
struct SharedCache {
    cache: Option<crate::store::RedisCache>,
    integrity_key: Option<String>,
}

#[cfg(feature = "redis")]
fn shared(environment: &Environment<'_>) -> Result<SharedCache, ConfigError> {
    let (url, integrity_key) =
        (environment.text("REDIS_URL")?, environment.text("JWT_CACHE_INTEGRITY_KEY")?);
    if url.is_none() && integrity_key.is_some() {
        return Err(ConfigError::invalid("JWT_CACHE_INTEGRITY_KEY", "needs REDIS_URL"));
    }
    let cache = url.map(|url| crate::store::RedisCache::builder(url).build()).transpose();
    Ok(SharedCache { cache: cache.map_err(name_variable)?, integrity_key })
}

#[cfg(feature = "redis")]
impl SharedCache {
    fn keys(&self, keys: JwksProviderBuilder) -> JwksProviderBuilder {
        let Some(cache) = &self.cache else { return keys };
        let keys = keys.cache(cache.clone());
        match &self.integrity_key {
            Some(secret) => keys.cache_integrity_key(secret.clone()),
            None => keys,
        }
    }

    fn proofs(&self, dpop: Dpop) -> Dpop {
        match &self.cache {
            Some(cache) => dpop.replay_store(crate::dpop::RedisReplay::new(cache.clone())),
            None => dpop,
        }
    }
}

#[cfg(not(feature = "redis"))]
struct SharedCache;

#[cfg(not(feature = "redis"))]
fn shared(environment: &Environment<'_>) -> Result<SharedCache, ConfigError> {
    for name in ["REDIS_URL", "JWT_CACHE_INTEGRITY_KEY"] {
        if environment.text(name)?.is_some() {
            return Err(ConfigError::invalid(name, "this build has no Redis support"));
        }
    }
    Ok(SharedCache)
}

#[cfg(not(feature = "redis"))]
impl SharedCache {
    #[expect(clippy::unused_self, reason = "nothing is shared by this build")]
    fn keys(&self, keys: JwksProviderBuilder) -> JwksProviderBuilder {
        keys
    }

    #[expect(clippy::unused_self, reason = "nothing is shared by this build")]
    fn proofs(&self, dpop: Dpop) -> Dpop {
        dpop
    }
}

/// Names the variable instead of its setting.
pub(crate) fn name_variable(error: ConfigError) -> ConfigError {
    match error {
        ConfigError::Invalid { setting, problem } => {
            ConfigError::Invalid { setting: variable(setting), problem }
        }
        ConfigError::Empty { setting } => ConfigError::Empty { setting: variable(setting) },
        other => other,
    }
}

fn variable(setting: &'static str) -> &'static str {
    match setting {
        "issuer" => "JWT_ISSUER",
        "jwks_uri" => "JWT_JWKS_URI",
        "cache_ttl" => "JWT_KEY_CACHE_TTL",
        "negative_cache_ttl" => "JWT_NEGATIVE_CACHE_TTL",
        "refetch_window" => "JWT_REFRESH_MIN_INTERVAL",
        "stale_if_error" => "JWT_STALE_TTL",
        "fetch_timeout" | "connect_timeout" => "JWT_FETCH_TIMEOUT",
        "root_certificates" => "JWT_ROOT_CERTIFICATES",
        "proxy" => "JWT_PROXY",
        "initial_keys" => "JWT_SEED_KEYS",
        "leeway" => "JWT_LEEWAY",
        "token_cache_capacity" => "JWT_TOKEN_CACHE",
        "algorithms" => "JWT_ALGORITHMS",
        "audience" => "JWT_AUDIENCE",
        "dpop.base_url" => "JWT_DPOP_URL",
        "dpop.require_nonce" => "JWT_DPOP_NONCE_SECRET",
        "mutual_tls.proxies" => "JWT_MTLS_PROXIES",
        "mutual_tls.header" => "JWT_MTLS_FIELD",
        "redis.url" => "REDIS_URL",
        "cache_integrity_key" => "JWT_CACHE_INTEGRITY_KEY",
        "cookie_origins" => "JWT_COOKIE_ORIGINS",
        other => other,
    }
}

/// A key set contains no secrets, so with a symmetric algorithm no token could be verified.
fn algorithms(names: &[String]) -> Result<Vec<Algorithm>, ConfigError> {
    let invalid = |problem| ConfigError::invalid("JWT_ALGORITHMS", problem);
    let algorithms = names
        .iter()
        .map(|name| Algorithm::from_str(name))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| invalid("names an algorithm that is not supported"))?;
    if algorithms.iter().any(|algorithm| algorithm.is_symmetric()) {
        return Err(invalid("symmetric algorithms need a secret, which a key set cannot hold"));
    }
    Ok(algorithms)
}

fn is_host(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
}

#[cfg(test)]
mod tests;
