//! The issuer and the settings for its tokens.

use std::str::FromStr;

use super::{
    claims_mapping::claims_mapping, environment::Environment, keys::keys, shared_cache::SharedCache,
};
use crate::{algorithm::Algorithm, error::ConfigError, verifier::TrustedIssuer};

pub(super) fn issuer(
    environment: &Environment<'_>,
    shared: &SharedCache,
) -> Result<TrustedIssuer, ConfigError> {
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
    let keys = keys(environment, shared, &issuer, auth0.as_deref())?;

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
    if environment.flag("JWT_NUMERIC_SUBJECT")? {
        issuer = issuer.numeric_subject();
    }
    Ok(issuer.claims_mapping(claims_mapping(environment)?))
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
