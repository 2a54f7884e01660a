//! The place of the token in a request.

use super::environment::Environment;
use crate::{
    error::ConfigError,
    http::{
        auth::builder::JwtAuthBuilder,
        credentials::{CookieExtractor, FirstOf, token_chars::is_token},
    },
};

/// Sets the extractor that the variables describe.
pub(super) fn extract_credential(
    environment: &Environment<'_>,
    mut builder: JwtAuthBuilder,
) -> Result<JwtAuthBuilder, ConfigError> {
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
            Ok(builder.extractor(extractor))
        }
        Some(_) => Err(ConfigError::invalid("JWT_COOKIE", "is not a cookie name")),
        None => Ok(builder),
    }
}
