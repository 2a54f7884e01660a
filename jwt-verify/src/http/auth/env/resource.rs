//! The metadata of the protected resource (RFC 9728).

use super::{environment::Environment, variable_names::name_variable};
use crate::{
    claims::is_scope_token,
    error::ConfigError,
    http::{auth::builder::JwtAuthBuilder, endpoints::metadata_document::ResourceMetadata},
};

const RESOURCE: &str = "JWT_RESOURCE";
const SCOPES: &str = "JWT_RESOURCE_SCOPES";

/// Publishes the resource that the variables describe, and names its scopes to callers without a
/// token.
pub(super) fn publish(
    environment: &Environment<'_>,
    builder: JwtAuthBuilder,
) -> Result<JwtAuthBuilder, ConfigError> {
    let scopes = scopes(environment)?;
    let Some(resource) = environment.text(RESOURCE)? else {
        return match scopes {
            None => Ok(builder),
            Some(_) => Err(ConfigError::invalid(SCOPES, "needs JWT_RESOURCE")),
        };
    };
    let scopes = scopes.unwrap_or_default();
    let metadata = ResourceMetadata::new(resource).scopes(&scopes);
    // Here, since an application that adds settings does not name variables.
    metadata.check().map_err(name_variable)?;
    Ok(builder.resource_metadata(metadata).challenge_scopes(scopes))
}

/// Returns the scopes, separated by commas or white space, each once.
fn scopes(environment: &Environment<'_>) -> Result<Option<Vec<String>>, ConfigError> {
    let Some(items) = environment.list(SCOPES)? else { return Ok(None) };
    let mut scopes: Vec<String> = Vec::new();
    for name in items.iter().flat_map(|item| item.split_ascii_whitespace()) {
        if !is_scope_token(name) {
            let problem = "names a scope that is not printable ASCII, or has a quote or a \
                           backslash (RFC 6749 §3.3)";
            return Err(ConfigError::invalid(SCOPES, problem));
        }
        if !scopes.iter().any(|known| known == name) {
            scopes.push(name.to_owned());
        }
    }
    Ok(Some(scopes))
}
