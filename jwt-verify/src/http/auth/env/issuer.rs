//! The issuer and the settings for its tokens.

use std::str::FromStr;

use super::{
    claims_mapping::claims_mapping,
    environment::Environment,
    keys::keys,
    shared_cache::SharedCache,
    static_keys::{StaticKeys, public_key, secret},
};
use crate::{algorithm::Algorithm, error::ConfigError, verifier::TrustedIssuer};

/// Value of `JWT_ISSUER` and `JWT_AUDIENCE` for tokens without the claim.
const NONE: &str = "none";

pub(super) fn issuer(
    environment: &Environment<'_>,
    shared: &SharedCache,
) -> Result<TrustedIssuer, ConfigError> {
    let named = name(environment)?;
    let audiences = audiences(environment)?;
    let clients = environment.list("JWT_CLIENTS")?;
    let listed = algorithms(environment)?;
    let sources = Sources {
        secret: secret(environment, listed.as_deref())?,
        public_key: public_key(environment, listed.as_deref())?,
        has_url: environment.text("JWT_JWKS_URI")?.is_some(),
    };
    sources.check(listed.as_deref(), &named)?;
    if audiences.is_empty() && clients.is_none() && sources.fetches(listed.as_deref()) {
        let problem = "is `none`, which needs JWT_CLIENTS, the list of accepted clients";
        return Err(ConfigError::invalid("JWT_AUDIENCE", problem));
    }

    let mut issuer = match &named {
        Name::None => TrustedIssuer::without_issuer(),
        Name::Issuer(issuer) | Name::Auth0 { issuer, .. } => {
            TrustedIssuer::without_audience(issuer)
        }
    };
    issuer = audiences.into_iter().fold(issuer, TrustedIssuer::audience);
    if let Some(clients) = clients {
        issuer = issuer.allowed_clients(clients);
    }
    issuer = sources.give(issuer, listed, |issuer| {
        let (name, auth0) = match &named {
            Name::Auth0 { issuer, domain } => (issuer.as_str(), Some(domain.as_str())),
            Name::Issuer(issuer) => (issuer.as_str(), None),
            Name::None => (NONE, None),
        };
        Ok(issuer.keys(keys(environment, shared, name, auth0)?))
    })?;
    if let Some(leeway) = environment.seconds("JWT_LEEWAY")? {
        issuer = issuer.leeway(leeway);
    }
    if environment.flag("JWT_NUMERIC_SUBJECT")? {
        issuer = issuer.numeric_subject();
    }
    if environment.flag("JWT_ACCEPT_ID_TOKENS")? {
        issuer = issuer.accept_id_tokens();
    }
    let types = environment.list("JWT_TOKEN_TYPES")?.unwrap_or_default();
    issuer = types.into_iter().fold(issuer, TrustedIssuer::token_type);
    Ok(issuer.claims_mapping(claims_mapping(environment)?))
}

/// The issuer as the variables name it.
enum Name {
    /// Tokens have no `iss`.
    None,
    Issuer(String),
    Auth0 {
        issuer: String,
        domain: String,
    },
}

fn name(environment: &Environment<'_>) -> Result<Name, ConfigError> {
    match environment.text("JWT_ISSUER")? {
        Some(name) if name == NONE => return Ok(Name::None),
        Some(name) => return Ok(Name::Issuer(name)),
        None => {}
    }
    let domain =
        environment.text("AUTH0_DOMAIN")?.ok_or(ConfigError::NotSet { variable: "JWT_ISSUER" })?;
    let domain = domain.trim_start_matches("https://").trim_end_matches('/').to_owned();
    if !is_host(&domain) {
        return Err(ConfigError::invalid("AUTH0_DOMAIN", "is not a host name"));
    }
    Ok(Name::Auth0 { issuer: format!("https://{domain}/"), domain })
}

/// Returns the audiences; none for tokens without `aud`.
fn audiences(environment: &Environment<'_>) -> Result<Vec<String>, ConfigError> {
    let audiences = match environment.list("JWT_AUDIENCE")? {
        Some(audiences) => audiences,
        None => environment
            .list("AUTH0_API_IDENTIFIER")?
            .ok_or(ConfigError::NotSet { variable: "JWT_AUDIENCE" })?,
    };
    match audiences.as_slice() {
        [only] if only == NONE => Ok(Vec::new()),
        several if several.iter().any(|one| one == NONE) => Err(ConfigError::invalid(
            "JWT_AUDIENCE",
            "has `none` beside an audience; it is one or the other",
        )),
        _ => Ok(audiences),
    }
}

/// The sources of keys that the variables describe.
struct Sources {
    secret: Option<StaticKeys>,
    public_key: Option<StaticKeys>,
    has_url: bool,
}

impl Sources {
    /// Returns `true` if keys are fetched.
    fn fetches(&self, listed: Option<&[Algorithm]>) -> bool {
        let has_asymmetric = match listed {
            Some(listed) => listed.iter().any(|algorithm| !algorithm.is_symmetric()),
            None => self.secret.is_none(),
        };
        has_asymmetric && self.public_key.is_none()
    }

    fn check(&self, listed: Option<&[Algorithm]>, name: &Name) -> Result<(), ConfigError> {
        let invalid = |variable, problem| Err(ConfigError::invalid(variable, problem));
        if self.has_url && self.public_key.is_some() {
            return invalid(
                "JWT_PUBLIC_KEY",
                "excludes JWT_JWKS_URI; the keys come from one place",
            );
        }
        let has_other = self.has_url || self.public_key.is_some();
        if listed.is_none() && self.secret.is_some() && has_other {
            let problem = "is beside other keys; name the algorithms of both in JWT_ALGORITHMS, \
                           such as RS256,HS256";
            return invalid("JWT_SECRET", problem);
        }
        if self.has_url && !self.fetches(listed) {
            let problem = "is of no use, since JWT_ALGORITHMS names symmetric algorithms alone";
            return invalid("JWT_JWKS_URI", problem);
        }
        if matches!(name, Name::None) && self.fetches(listed) {
            let problem = "is `none`, which needs JWT_SECRET or JWT_PUBLIC_KEY, and no other keys";
            return invalid("JWT_ISSUER", problem);
        }
        Ok(())
    }

    /// Gives the issuer its keys and their algorithms.
    fn give(
        self,
        issuer: TrustedIssuer,
        listed: Option<Vec<Algorithm>>,
        fetch: impl FnOnce(TrustedIssuer) -> Result<TrustedIssuer, ConfigError>,
    ) -> Result<TrustedIssuer, ConfigError> {
        let fetches = self.fetches(listed.as_deref());
        let static_keys = |issuer: TrustedIssuer, StaticKeys { keys, algorithms }| {
            issuer.algorithms(algorithms).keys(keys)
        };
        if fetches {
            let issuer = match listed {
                Some(mut listed) => {
                    listed.retain(|algorithm| !algorithm.is_symmetric());
                    issuer.algorithms(listed)
                }
                None => issuer,
            };
            let issuer = fetch(issuer)?;
            return Ok(match self.secret {
                Some(secret) => issuer.and_keys(secret.algorithms, secret.keys),
                None => issuer,
            });
        }
        Ok(match (self.public_key, self.secret) {
            (Some(public), Some(secret)) => {
                static_keys(issuer, public).and_keys(secret.algorithms, secret.keys)
            }
            (Some(only), None) | (None, Some(only)) => static_keys(issuer, only),
            (None, None) => issuer,
        })
    }
}

/// Returns the accepted algorithms, if they are named.
fn algorithms(environment: &Environment<'_>) -> Result<Option<Vec<Algorithm>>, ConfigError> {
    let Some(names) = environment.list("JWT_ALGORITHMS")? else { return Ok(None) };
    let algorithms: Result<Vec<_>, _> =
        names.iter().map(|name| Algorithm::from_str(name)).collect();
    let problem = "names an algorithm that is not supported";
    let invalid = |_| ConfigError::invalid("JWT_ALGORITHMS", problem);
    algorithms.map(Some).map_err(invalid)
}

fn is_host(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
}
