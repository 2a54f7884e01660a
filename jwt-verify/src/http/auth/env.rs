//! Settings from environment variables.

use std::{env::VarError, io::Read as _, str::FromStr, time::Duration};

use crate::http::{
    auth::{builder::JwtAuthBuilder, context::JwtAuth},
    authentication::client_certificate::MutualTls,
    credentials::{CookieExtractor, FirstOf},
};
use crate::{
    algorithm::Algorithm,
    claims::ClaimsMapping,
    dpop::Dpop,
    error::ConfigError,
    jwks::{JwksProvider, JwksProviderBuilder},
    key::JwkSet,
    limits::{CONNECT_TIMEOUT, FETCH_TIMEOUT},
    verifier::TrustedIssuer,
};

/// Where variables are looked up; another one in tests.
struct Environment<'a>(&'a dyn Fn(&str) -> Result<String, VarError>);

impl Environment<'_> {
    fn text(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let value = match (self.value(name, name)?, self.value(name, &format!("{name}_FILE"))?) {
            (None, None) => return Ok(None),
            (Some(value), None) => value,
            (None, Some(path)) => read_file(name, &path)?,
            (Some(_), Some(_)) => {
                let problem = "must not be set together with its _FILE variable";
                return Err(ConfigError::invalid(name, problem));
            }
        };
        if value.trim().is_empty() {
            return Err(ConfigError::Empty { setting: name });
        }
        Ok(Some(value))
    }

    fn value(&self, name: &'static str, variable: &str) -> Result<Option<String>, ConfigError> {
        match (self.0)(variable) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(ConfigError::invalid(name, "must be Unicode text")),
        }
    }

    fn number(&self, name: &'static str) -> Result<Option<u64>, ConfigError> {
        let parse = |text: String| {
            Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
        };
        match self.text(name)? {
            None => Ok(None),
            Some(text) => {
                parse(text).map(Some).ok_or(ConfigError::invalid(name, "must be a whole number"))
            }
        }
    }

    fn seconds(&self, name: &'static str) -> Result<Option<Duration>, ConfigError> {
        Ok(self.number(name)?.map(Duration::from_secs))
    }

    fn list(&self, name: &'static str) -> Result<Option<Vec<String>>, ConfigError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
        if items.iter().any(String::is_empty) {
            return Err(ConfigError::invalid(name, "has an empty item between commas"));
        }
        Ok(Some(items))
    }
}

/// A file that holds a value. Larger ones are no settings.
fn read_file(name: &'static str, path: &str) -> Result<String, ConfigError> {
    const MOST: u64 = 1024 * 1024;
    let mut text = String::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(MOST + 1).read_to_string(&mut text));
    if read.is_err() || text.len() as u64 > MOST {
        let problem = "the file that its _FILE variable names cannot be read";
        return Err(ConfigError::invalid(name, problem));
    }
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}

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
        Some(name) if is_cookie_name(&name) => {
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
        (Some(url), _) => JwksProvider::new(url),
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

/// What instances of the application share.
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
    let cache = url.map(|url| crate::store::RedisCache::new(url).build()).transpose();
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

/// Says the variable instead of the setting that it sets.
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

/// A key set holds no secrets, so an algorithm that needs one could never verify anything.
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

/// A `token` of RFC 9110 §5.6.2, as RFC 6265 §4.1.1 asks for.
fn is_cookie_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(variables: &[(&str, &str)]) -> Result<JwtAuth, ConfigError> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        };
        read(&Environment(&lookup), |issuer| issuer)?.build().map_err(name_variable)
    }

    const BASE: [(&str, &str); 2] =
        [("JWT_ISSUER", "https://issuer.example/"), ("JWT_AUDIENCE", "api, api-2")];

    #[test]
    fn issuer_and_audience_are_enough() {
        assert!(build(&BASE).is_ok());
        let auth0 = [("AUTH0_DOMAIN", "tenant.auth0.com"), ("AUTH0_API_IDENTIFIER", "api")];
        let auth = build(&auth0).unwrap();
        assert_eq!(auth.health().first().unwrap().0, "https://tenant.auth0.com/");
        for odd in ["tenant.auth0.com ", "user@tenant.auth0.com", "tenant.auth0.com/x"] {
            let error = build(&[("AUTH0_DOMAIN", odd), auth0[1]]).unwrap_err().to_string();
            assert!(error.contains("AUTH0_DOMAIN"), "{error}");
        }
        let url = [("AUTH0_DOMAIN", "https://tenant.auth0.com/"), auth0[1]];
        assert_eq!(build(&url).unwrap().health(), auth.health());
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |variables: &[(&str, &str)]| build(variables).unwrap_err().to_string();
        assert_eq!(error(&[]), "JWT_ISSUER is not set");
        assert_eq!(error(&BASE[..1]), "JWT_AUDIENCE is not set");
    }

    #[test]
    fn a_value_that_does_not_parse_names_its_variable() {
        for (name, value) in [
            ("JWT_ALGORITHMS", "RS256,none"),
            ("JWT_ALGORITHMS", "HS256"),
            ("JWT_ALGORITHMS", "RS256,HS256"),
            ("JWT_ALGORITHMS", ""),
            ("JWT_ALGORITHMS", "RS256,,ES256"),
            ("JWT_LEEWAY", "abc"),
            ("JWT_LEEWAY", "-1"),
            ("JWT_LEEWAY", "1.5"),
            ("JWT_LEEWAY", "+5"),
            ("JWT_LEEWAY", "601"),
            ("JWT_TOKEN_CACHE", "20000000"),
            ("JWT_KEY_CACHE_TTL", "0"),
            ("JWT_KEY_CACHE_TTL", "NaN"),
            ("JWT_NEGATIVE_CACHE_TTL", "0"),
            ("JWT_REFRESH_MIN_INTERVAL", "0"),
            ("JWT_STALE_TTL", "99999999999"),
            ("JWT_FETCH_TIMEOUT", "0"),
            ("JWT_TOKEN_CACHE", "many"),
            ("JWT_JWKS_URI", "http://issuer.example/jwks"),
            ("JWT_JWKS_URI", "file:///etc/passwd"),
            ("JWT_COOKIE", "a b"),
            ("JWT_COOKIE", ""),
            ("JWT_COOKIE_ORIGINS", "https://app.example"),
            ("REDIS_URL", "http://secret.example"),
            ("JWT_CACHE_INTEGRITY_KEY", "an integrity key of enough bytes, alone"),
            ("JWT_DPOP_URL", "http://api.example"),
            ("JWT_DPOP_URL", "https://api.example,"),
            ("JWT_DPOP_NONCE_SECRET", "0123456789abcdef0123456789abcdef"),
            ("JWT_MTLS_PROXIES", "proxy.internal"),
            ("JWT_MTLS_PROXIES", "10.0.0.1,0.0.0.0/0"),
            ("JWT_MTLS_FIELD", "Client-Cert"),
            ("JWT_ROOT_CERTIFICATES", "no certificate"),
            ("JWT_PROXY", "https://proxy.example"),
            ("JWT_SEED_KEYS", "{}"),
            ("JWT_SEED_KEYS", r#"{"keys":[]}"#),
            ("JWT_LEEWAY_FILE", "/nowhere/at/all"),
        ] {
            let error = build(&[BASE[0], BASE[1], (name, value)]).unwrap_err().to_string();
            assert!(error.contains(name.trim_end_matches("_FILE")), "{name}={value}: {error}");
            assert!(value.is_empty() || value.len() < 3 || !error.contains(value), "{error}");
        }
        let cookie = ("JWT_COOKIE", "access");
        let origins = ("JWT_COOKIE_ORIGINS", "https://app.example/");
        let error = build(&[BASE[0], BASE[1], cookie, origins]).unwrap_err();
        assert!(error.to_string().contains("JWT_COOKIE_ORIGINS"), "{error}");
        let proxies = ("JWT_MTLS_PROXIES", "10.0.0.1");
        let error = build(&[BASE[0], BASE[1], proxies, ("JWT_MTLS_FIELD", "a b")]).unwrap_err();
        assert!(error.to_string().contains("JWT_MTLS_FIELD"), "{error}");
        let error = build(&[("JWT_ISSUER", "http://issuer.example"), BASE[1]]).unwrap_err();
        assert!(error.to_string().contains("JWT_ISSUER"), "{error}");
    }

    #[test]
    fn every_variable_has_an_effect_that_builds() {
        let all = [
            BASE[0],
            BASE[1],
            ("JWT_JWKS_URI", "http://127.0.0.1:1/jwks"),
            ("JWT_ALGORITHMS", "RS256, ES256"),
            ("JWT_LEEWAY", "0"),
            ("JWT_KEY_CACHE_TTL", "5"),
            ("JWT_NEGATIVE_CACHE_TTL", "5"),
            ("JWT_REFRESH_MIN_INTERVAL", "5"),
            ("JWT_STALE_TTL", "0"),
            ("JWT_FETCH_TIMEOUT", "1"),
            ("JWT_TOKEN_CACHE", "0"),
            ("JWT_ROLES_CLAIM", "https://myapp.com/roles"),
            ("JWT_PERMISSIONS_CLAIM", "scope"),
            ("JWT_SINGLE_ROLE_CLAIM", "r"),
            ("JWT_COOKIE", "__Host-access"),
            ("JWT_COOKIE_ORIGINS", "https://app.example, http://localhost:3000"),
            ("JWT_DPOP_URL", "https://api.example/v1, http://localhost:8080"),
            ("JWT_DPOP_NONCE_SECRET", "0123456789abcdef0123456789abcdef"),
            ("JWT_MTLS_PROXIES", "10.0.0.1, 10.1.0.0/16, ::1"),
            ("JWT_MTLS_FIELD", "X-Client-Certificate"),
            ("JWT_PROXY", "environment"),
        ];
        assert!(build(&all).is_ok());
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_shared_cache_needs_a_url_and_may_have_a_secret() {
        let url = ("REDIS_URL", "redis://127.0.0.1:1");
        let secret = ("JWT_CACHE_INTEGRITY_KEY", "0123456789abcdef0123456789abcdef");
        assert!(build(&[BASE[0], BASE[1], url]).is_ok());
        assert!(build(&[BASE[0], BASE[1], url, secret]).is_ok());
        let short = build(&[BASE[0], BASE[1], url, (secret.0, "short")]).unwrap_err().to_string();
        assert!(short.contains(secret.0) && !short.contains("short "), "{short}");
    }

    #[test]
    fn a_value_may_be_in_a_file() {
        let folder = std::env::temp_dir().join(format!("jwt-verify-env-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path.into_os_string().into_string().unwrap()
        };
        let (issuer, audience) =
            (file("issuer", "https://issuer.example/\n"), file("aud", "api\r\n"));
        let (empty, large) = (file("empty", "\n"), file("large", &" ".repeat(1024 * 1024 + 1)));
        let files = [("JWT_ISSUER_FILE", issuer.as_str()), ("JWT_AUDIENCE_FILE", &audience)];
        let auth = build(&files).unwrap();
        assert_eq!(auth.health().first().unwrap().0, "https://issuer.example/");
        let both = build(&[BASE[0], files[0], files[1]]).unwrap_err().to_string();
        assert!(both.contains("JWT_ISSUER") && both.contains("_FILE"), "{both}");
        for bad in [&empty, &large] {
            let error = build(&[("JWT_ISSUER_FILE", bad), files[1]]).unwrap_err().to_string();
            assert!(error.contains("JWT_ISSUER"), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
