//! The claims that hold roles, permissions and scopes.

use super::{environment::Environment, variable_names::name_variable};
use crate::{claims::ClaimsMapping, error::ConfigError};

/// Reads the preset, if there is one, and then the variables that replace a part of it.
pub(super) fn claims_mapping(environment: &Environment<'_>) -> Result<ClaimsMapping, ConfigError> {
    let mut mapping = match environment.text("JWT_CLAIMS_MAPPING")? {
        Some(preset) => preset.parse().map_err(name_variable)?,
        None => ClaimsMapping::default(),
    };
    if let Some(names) = environment.list("JWT_ROLES_CLAIM")? {
        mapping = all(mapping, &names, ClaimsMapping::roles_claim, ClaimsMapping::and_roles_claim);
    }
    if let Some(names) = environment.list("JWT_PERMISSIONS_CLAIM")? {
        let add = ClaimsMapping::and_permissions_claim;
        mapping = all(mapping, &names, ClaimsMapping::permissions_claim, add);
    }
    if let Some(name) = environment.text("JWT_SINGLE_ROLE_CLAIM")? {
        mapping = mapping.single_role_claim(name);
    }
    if let Some(delimiter) = environment.character("JWT_ROLES_DELIMITER")? {
        mapping = mapping.roles_delimiter(delimiter);
    }
    if let Some(name) = environment.text("JWT_SCOPES_CLAIM")? {
        mapping = mapping.scopes_claim(name);
    }
    Ok(mapping)
}

/// Sets the first name and adds the others.
fn all<'a>(
    mapping: ClaimsMapping,
    names: &'a [String],
    set: impl Fn(ClaimsMapping, &'a String) -> ClaimsMapping,
    add: impl Fn(ClaimsMapping, &'a String) -> ClaimsMapping,
) -> ClaimsMapping {
    match names.split_first() {
        Some((first, others)) => others.iter().fold(set(mapping, first), add),
        None => mapping,
    }
}
