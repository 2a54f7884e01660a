//! Settings from environment variables.

#[cfg(feature = "api-keys")]
mod api_keys;
mod claims_mapping;
mod credential;
mod environment;
mod introspection;
mod issuer;
mod keys;
mod misspelled;
mod resource;
#[cfg(feature = "security-events")]
mod security_events;
mod sender;
mod shared_cache;
mod static_keys;
mod variable_names;

use self::{
    credential::extract_credential, environment::Environment, issuer::issuer, shared_cache::shared,
};
use crate::{
    error::ConfigError,
    http::auth::{builder::JwtAuthBuilder, context::JwtAuth},
    verifier::TrustedIssuer,
};

pub(crate) use variable_names::name_variable;

/// Reads the settings from the environment of the process.
pub(crate) fn read_process(
    change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
) -> Result<JwtAuthBuilder, ConfigError> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    misspelled::warn_of_misspelled(names);
    read(&Environment(&|name| std::env::var(name)), change)
}

/// Reads the settings with another lookup of variables.
#[cfg(feature = "cli")]
pub(crate) fn read_from(
    lookup: &dyn Fn(&str) -> Result<String, std::env::VarError>,
    change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
) -> Result<JwtAuthBuilder, ConfigError> {
    read(&Environment(lookup), change)
}

/// Returns the source of the keys that are fetched; `None` if there is none that can be asked.
#[cfg(feature = "cli")]
pub(crate) fn source_from(
    lookup: &dyn Fn(&str) -> Result<String, std::env::VarError>,
) -> Result<Option<crate::jwks::JwksProviderBuilder>, ConfigError> {
    issuer::fetched_source(&Environment(lookup))
}

/// Returns the text of a variable, or of the file that its `_FILE` variable names.
#[cfg(feature = "cli")]
pub(crate) fn text_from(
    lookup: &dyn Fn(&str) -> Result<String, std::env::VarError>,
    name: &'static str,
) -> Result<Option<String>, ConfigError> {
    Environment(lookup).text(name)
}

/// Reads the settings from a list instead, for [`test_hooks`](crate::test_hooks).
#[cfg(feature = "internals")]
pub(crate) fn read_list(variables: &[(&str, &str)]) -> Result<JwtAuthBuilder, ConfigError> {
    misspelled::warn_of_misspelled(variables.iter().map(|(name, _)| (*name).to_owned()));
    let lookup = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned()).ok_or(std::env::VarError::NotPresent)
    };
    read(&Environment(&lookup), |issuer| issuer)
}

fn read(
    environment: &Environment<'_>,
    change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
) -> Result<JwtAuthBuilder, ConfigError> {
    let shared = shared(environment)?;
    let issuer = change(issuer(environment, &shared)?);
    #[cfg(feature = "security-events")]
    let events = security_events::receiver(environment, &shared, issuer.name())?;
    let mut builder = JwtAuth::for_issuer(issuer);
    #[cfg(feature = "security-events")]
    if let Some(events) = events {
        builder = builder.security_events(&events);
    }
    if let Some(entries) = environment.number("JWT_TOKEN_CACHE")? {
        let entries = usize::try_from(entries)
            .map_err(|_| ConfigError::invalid("JWT_TOKEN_CACHE", "is too large"))?;
        builder = builder.token_cache_capacity(entries);
    }
    builder = extract_credential(environment, builder)?;
    if let Some(dpop) = sender::dpop(environment, &shared)? {
        builder = builder.dpop(dpop);
    }
    if let Some(mutual_tls) = sender::mutual_tls(environment)? {
        builder = builder.mutual_tls(mutual_tls);
    }
    if let Some(introspection) = introspection::introspection(environment, &shared)? {
        builder = builder.introspection(introspection);
    }
    #[cfg(feature = "api-keys")]
    if let Some(keys) = api_keys::api_keys(environment)? {
        builder = builder.api_keys(keys);
    }
    resource::publish(environment, builder)
}

#[cfg(test)]
mod tests;
