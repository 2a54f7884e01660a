//! The issuer and the settings for its tokens.

use std::{path::Path, str::FromStr};

#[cfg(feature = "cli")]
use super::keys::connection;
use super::{
    claims_mapping::claims_mapping,
    environment::Environment,
    keys::keys,
    shared_cache::SharedCache,
    static_keys::{StaticKeys, public_key, secret},
    variable_names::name_variable,
};
use crate::{
    algorithm::Algorithm,
    claims::ServiceAccount,
    error::ConfigError,
    jwks::JwksProvider,
    verifier::{Cluster, SERVICE_ACCOUNT, TrustedIssuer},
};

/// Value of `JWT_ISSUER` and `JWT_AUDIENCE` for tokens without the claim.
const NONE: &str = "none";

pub(super) fn issuer(
    environment: &Environment<'_>,
    shared: &SharedCache,
) -> Result<TrustedIssuer, ConfigError> {
    let named = name(environment)?;
    let mut audiences = audiences(environment)?;
    let clients = environment.list("JWT_CLIENTS")?;
    let listed = algorithms(environment)?;
    let sources = KeySettings {
        secret: secret(environment, listed.as_deref())?,
        public_key: public_key(environment, listed.as_deref())?,
        has_url: environment.text("JWT_JWKS_URI")?.is_some(),
    };
    sources.check(listed.as_deref(), &named)?;
    if named.is_spiffe() && !sources.has_url {
        let problem = "must be the URL of the trust domain's bundle for JWT_PROVIDER=spiffe";
        return Err(ConfigError::invalid("JWT_JWKS_URI", problem));
    }
    if audiences.is_empty() && clients.is_none() && sources.fetches(listed.as_deref()) {
        let problem = "is `none`, which needs JWT_CLIENTS, the list of accepted clients";
        return Err(ConfigError::invalid("JWT_AUDIENCE", problem));
    }

    let mut issuer = match &named {
        IssuerName::None => TrustedIssuer::without_issuer(),
        IssuerName::Kubernetes(cluster) => {
            TrustedIssuer::without_audience(&cluster.issuer).only_service_accounts()
        }
        IssuerName::Spiffe(domain) => {
            let mut audiences = std::mem::take(&mut audiences).into_iter();
            let first = audiences.next().ok_or(ConfigError::invalid(
                "JWT_AUDIENCE",
                "must name an audience for JWT_PROVIDER=spiffe",
            ))?;
            audiences.fold(TrustedIssuer::spiffe(domain, first)?, TrustedIssuer::audience)
        }
        IssuerName::Issuer(issuer) | IssuerName::Auth0 { issuer, .. } => {
            TrustedIssuer::without_audience(issuer)
        }
    };
    issuer = audiences.into_iter().fold(issuer, TrustedIssuer::audience);
    if let Some(clients) = clients {
        issuer = issuer.allowed_clients(clients);
    }
    issuer = sources.give(issuer, listed, |issuer| {
        let usual = || match &named {
            IssuerName::Auth0 { domain, .. } => JwksProvider::auth0(domain),
            IssuerName::Issuer(issuer) => JwksProvider::discover(issuer),
            IssuerName::Kubernetes(cluster) => cluster.keys(),
            // These are not fetched from anywhere but `JWT_JWKS_URI`.
            IssuerName::Spiffe(_) | IssuerName::None => JwksProvider::discover(NONE),
        };
        Ok(issuer.keys(keys(environment, shared, usual)?))
    })?;
    if let Some(leeway) = environment.seconds("JWT_LEEWAY")? {
        issuer = issuer.leeway(leeway);
    }
    if let Some(names) = environment.list("JWT_SERVICE_ACCOUNTS")? {
        let accounts: Result<Vec<ServiceAccount>, _> =
            names.iter().map(|name| name.parse()).collect();
        let problem = "must be a list of NAMESPACE/NAME";
        issuer = issuer.service_accounts(
            accounts.map_err(|_| ConfigError::invalid("JWT_SERVICE_ACCOUNTS", problem))?,
        );
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
enum IssuerName {
    /// `JWT_PROVIDER=kubernetes`.
    Kubernetes(Cluster),
    /// `JWT_PROVIDER=spiffe:TRUST_DOMAIN`.
    Spiffe(String),
    /// Tokens have no `iss`.
    None,
    Issuer(String),
    Auth0 {
        issuer: String,
        domain: String,
    },
}

impl IssuerName {
    fn is_spiffe(&self) -> bool {
        matches!(self, Self::Spiffe(_))
    }
}

/// Returns the source of the keys that are fetched, with its settings for connections; `None` if all
/// keys are in the settings.
#[cfg(feature = "cli")]
pub(super) fn fetched_source(
    environment: &Environment<'_>,
) -> Result<Option<crate::jwks::JwksProviderBuilder>, ConfigError> {
    let listed = algorithms(environment)?;
    let url = environment.text("JWT_JWKS_URI")?;
    let sources = KeySettings {
        secret: secret(environment, listed.as_deref())?,
        public_key: public_key(environment, listed.as_deref())?,
        has_url: url.is_some(),
    };
    if !sources.fetches(listed.as_deref()) {
        return Ok(None);
    }
    let source = match (url, name(environment)?) {
        (Some(url), _) => JwksProvider::builder(url),
        (None, IssuerName::Auth0 { domain, .. }) => JwksProvider::auth0(domain),
        (None, IssuerName::Issuer(issuer)) => JwksProvider::discover(issuer),
        (None, IssuerName::Kubernetes(cluster)) => cluster.keys(),
        (None, IssuerName::Spiffe(_) | IssuerName::None) => return Ok(None),
    };
    connection(environment, source).map(Some)
}

fn name(environment: &Environment<'_>) -> Result<IssuerName, ConfigError> {
    if let Some(provider) = environment.text("JWT_PROVIDER")? {
        return named_by_provider(environment, &provider);
    }
    match environment.text("JWT_ISSUER")? {
        Some(name) if name == NONE => return Ok(IssuerName::None),
        Some(name) => return Ok(IssuerName::Issuer(name)),
        None => {}
    }
    let domain =
        environment.text("AUTH0_DOMAIN")?.ok_or(ConfigError::NotSet { variable: "JWT_ISSUER" })?;
    let domain = domain.trim_start_matches("https://").trim_end_matches('/').to_owned();
    if !is_host(&domain) {
        return Err(ConfigError::invalid("AUTH0_DOMAIN", "is not a host name"));
    }
    Ok(IssuerName::Auth0 { issuer: format!("https://{domain}/"), domain })
}

fn named_by_provider(
    environment: &Environment<'_>,
    provider: &str,
) -> Result<IssuerName, ConfigError> {
    if environment.text("JWT_ISSUER")?.is_some() {
        let problem = "names the issuer by itself; do not set JWT_ISSUER";
        return Err(ConfigError::invalid("JWT_PROVIDER", problem));
    }
    if let Some(domain) = provider.strip_prefix("spiffe:") {
        return Ok(IssuerName::Spiffe(domain.to_owned()));
    }
    if provider != "kubernetes" {
        let problem = "must be kubernetes, or spiffe:TRUST_DOMAIN; other providers are set by \
                       JWT_ISSUER and JWT_CLAIMS_MAPPING";
        return Err(ConfigError::invalid("JWT_PROVIDER", problem));
    }
    let folder = environment.text("JWT_KUBERNETES_FOLDER")?;
    let folder = folder.as_deref().unwrap_or(SERVICE_ACCOUNT);
    let cluster = Cluster::read(|name| environment.other(name), Path::new(folder));
    cluster.map(IssuerName::Kubernetes).map_err(name_variable)
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
struct KeySettings {
    secret: Option<StaticKeys>,
    public_key: Option<StaticKeys>,
    has_url: bool,
}

impl KeySettings {
    /// Returns `true` if keys are fetched.
    fn fetches(&self, listed: Option<&[Algorithm]>) -> bool {
        let has_asymmetric = match listed {
            Some(listed) => listed.iter().any(|algorithm| !algorithm.is_symmetric()),
            None => self.secret.is_none(),
        };
        has_asymmetric && self.public_key.is_none()
    }

    fn check(&self, listed: Option<&[Algorithm]>, name: &IssuerName) -> Result<(), ConfigError> {
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
        if matches!(name, IssuerName::None) && self.fetches(listed) {
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
