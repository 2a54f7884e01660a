//! The claims that hold roles, permissions and scopes.

use super::environment::Environment;
use crate::{claims::ClaimsMapping, error::ConfigError};

pub(super) fn claims_mapping(environment: &Environment<'_>) -> Result<ClaimsMapping, ConfigError> {
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
    Ok(mapping)
}
