//! Settings and the environment variables that set them.

use crate::error::ConfigError;

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
        "fetch_timeout"
        | "connect_timeout"
        | "introspection.timeout"
        | "introspection.connect_timeout" => "JWT_FETCH_TIMEOUT",
        "root_certificates" => "JWT_ROOT_CERTIFICATES",
        "proxy" => "JWT_PROXY",
        "bearer_token" => "JWT_JWKS_BEARER_TOKEN",
        "bearer_token_file" => "JWT_JWKS_BEARER_TOKEN_FILE",
        "request_header" => "JWT_JWKS_HEADER",
        "allow_http" => "JWT_ALLOW_HTTP",
        "initial_keys" => "JWT_SEED_KEYS",
        "leeway" => "JWT_LEEWAY",
        "token_cache_capacity" => "JWT_TOKEN_CACHE",
        "algorithms" => "JWT_ALGORITHMS",
        "audience" => "JWT_AUDIENCE",
        "allowed_clients" => "JWT_CLIENTS",
        "token_type" => "JWT_TOKEN_TYPES",
        "kubernetes" | "trust_domain" => "JWT_PROVIDER",
        "claims_mapping" => "JWT_CLAIMS_MAPPING",
        "roles_delimiter" => "JWT_ROLES_DELIMITER",
        "dpop.base_url" => "JWT_DPOP_URL",
        "dpop.require_nonce" => "JWT_DPOP_NONCE_SECRET",
        "mutual_tls.proxies" => "JWT_MTLS_PROXIES",
        "mutual_tls.header" => "JWT_MTLS_FIELD",
        "redis.url" => "REDIS_URL",
        "cache_integrity_key" => "JWT_CACHE_INTEGRITY_KEY",
        "resource_metadata" => "JWT_RESOURCE",
        "challenge_scopes" => "JWT_RESOURCE_SCOPES",
        "api_keys.file" => "API_KEYS_FILE",
        "api_keys.secret" => "API_KEY_SECRET",
        "cookie_origins" => "JWT_COOKIE_ORIGINS",
        "introspection.url" | "introspection.issuer" => "JWT_INTROSPECTION_URL",
        "introspection.client_id" => "JWT_INTROSPECTION_CLIENT_ID",
        "introspection.client_secret" => "JWT_INTROSPECTION_CLIENT_SECRET",
        "introspection.cache_for" => "JWT_INTROSPECTION_CACHE",
        other => other,
    }
}

/// Variables with settings of API keys, which are not only of this library.
#[cfg(feature = "api-keys")]
pub(super) const OF_API_KEYS: &[&str] = &["API_KEYS_FILE", "API_KEY_SECRET"];
#[cfg(not(feature = "api-keys"))]
pub(super) const OF_API_KEYS: &[&str] = &[];

/// Variables with settings of security events, which are not only of this library.
#[cfg(feature = "security-events")]
pub(super) const OF_EVENTS: &[&str] =
    &["SSF_ALGORITHMS", "SSF_AUDIENCE", "SSF_AUTHORIZATION", "SSF_ISSUER", "SSF_JWKS_URI"];
#[cfg(not(feature = "security-events"))]
pub(super) const OF_EVENTS: &[&str] = &[];

/// Variables with settings. Instead of each, one with `_FILE` at the end may name a file.
pub(super) const KNOWN: [&str; 47] = [
    "JWT_ACCEPT_ID_TOKENS",
    "JWT_ALGORITHMS",
    "JWT_ALLOW_HTTP",
    "JWT_AUDIENCE",
    "JWT_CACHE_INTEGRITY_KEY",
    "JWT_CLAIMS_MAPPING",
    "JWT_CLIENTS",
    "JWT_COOKIE",
    "JWT_COOKIE_ORIGINS",
    "JWT_DPOP_NONCE_SECRET",
    "JWT_DPOP_URL",
    "JWT_FETCH_TIMEOUT",
    "JWT_HEADER",
    "JWT_INTROSPECTION_ALWAYS",
    "JWT_INTROSPECTION_CACHE",
    "JWT_INTROSPECTION_CLIENT_ID",
    "JWT_INTROSPECTION_CLIENT_SECRET",
    "JWT_INTROSPECTION_URL",
    "JWT_ISSUER",
    "JWT_JWKS_BEARER_TOKEN",
    "JWT_JWKS_HEADER",
    "JWT_JWKS_URI",
    "JWT_KEY_CACHE_TTL",
    "JWT_KUBERNETES_FOLDER",
    "JWT_LEEWAY",
    "JWT_MTLS_FIELD",
    "JWT_MTLS_PROXIES",
    "JWT_NEGATIVE_CACHE_TTL",
    "JWT_NUMERIC_SUBJECT",
    "JWT_PERMISSIONS_CLAIM",
    "JWT_PROVIDER",
    "JWT_PROXY",
    "JWT_PUBLIC_KEY",
    "JWT_REFRESH_MIN_INTERVAL",
    "JWT_RESOURCE",
    "JWT_RESOURCE_SCOPES",
    "JWT_ROLES_CLAIM",
    "JWT_ROLES_DELIMITER",
    "JWT_ROOT_CERTIFICATES",
    "JWT_SCOPES_CLAIM",
    "JWT_SECRET",
    "JWT_SEED_KEYS",
    "JWT_SERVICE_ACCOUNTS",
    "JWT_SINGLE_ROLE_CLAIM",
    "JWT_STALE_TTL",
    "JWT_TOKEN_CACHE",
    "JWT_TOKEN_TYPES",
];
