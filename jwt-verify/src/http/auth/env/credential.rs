//! The place of the token in a request.

use super::environment::Environment;
use crate::{
    error::ConfigError,
    http::{
        auth::builder::JwtAuthBuilder,
        credentials::{CookieExtractor, FirstOf, HeaderExtractor, token_chars::is_token},
    },
};

/// Sets the extractor that the variables describe.
pub(super) fn extract_credential(
    environment: &Environment<'_>,
    mut builder: JwtAuthBuilder,
) -> Result<JwtAuthBuilder, ConfigError> {
    let (header, cookie) = (environment.text("JWT_HEADER")?, environment.text("JWT_COOKIE")?);
    if let Some(origins) = environment.list("JWT_COOKIE_ORIGINS")? {
        if header.is_none() && cookie.is_none() {
            let problem = "needs JWT_COOKIE or JWT_HEADER";
            return Err(ConfigError::invalid("JWT_COOKIE_ORIGINS", problem));
        }
        builder = builder.cookie_origins(origins);
    }
    match (header, cookie) {
        (Some(_), Some(_)) => {
            let problem = "must not be set together with JWT_COOKIE; the token has one place";
            Err(ConfigError::invalid("JWT_HEADER", problem))
        }
        (Some(name), None) => from_header(builder, &name),
        (None, Some(name)) if is_token(name.as_bytes()) => {
            let extractor = FirstOf::bearer().or(CookieExtractor::new(name)).exclusive();
            Ok(builder.extractor(extractor))
        }
        (None, Some(_)) => Err(ConfigError::invalid("JWT_COOKIE", "is not a cookie name")),
        (None, None) => Ok(builder),
    }
}

fn from_header(builder: JwtAuthBuilder, name: &str) -> Result<JwtAuthBuilder, ConfigError> {
    let extractor = HeaderExtractor::new(name);
    match extractor.problem() {
        None => Ok(builder.extractor(extractor)),
        Some(problem) => Err(ConfigError::invalid("JWT_HEADER", problem)),
    }
}
