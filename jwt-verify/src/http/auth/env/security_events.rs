//! The receiver of security events.

use std::str::FromStr as _;

use super::{
    environment::Environment, keys::keys_of_transmitter, shared_cache::SharedCache,
    variable_names::name_variable,
};
use crate::{
    algorithm::Algorithm,
    error::ConfigError,
    jwks::JwksProvider,
    security_events::{SecurityEventReceiver, Transmitter},
};

/// Returns the receiver of the transmitter that `SSF_ISSUER` names, whose events are about the users
/// of this issuer.
pub(super) fn receiver(
    environment: &Environment<'_>,
    shared: &SharedCache,
    issuer: Option<&str>,
) -> Result<Option<SecurityEventReceiver>, ConfigError> {
    let jwks_uri = environment.text("SSF_JWKS_URI")?;
    let authorization = environment.text("SSF_AUTHORIZATION")?;
    let algorithms = environment.list("SSF_ALGORITHMS")?;
    let (name, audiences) =
        match (environment.text("SSF_ISSUER")?, environment.list("SSF_AUDIENCE")?) {
            (Some(name), Some(audiences)) => (name, audiences),
            (Some(_), None) => return Err(ConfigError::NotSet { variable: "SSF_AUDIENCE" }),
            (None, None)
                if jwks_uri.is_none() && authorization.is_none() && algorithms.is_none() =>
            {
                return Ok(None);
            }
            (None, _) => return Err(ConfigError::NotSet { variable: "SSF_ISSUER" }),
        };
    let Some(issuer) = issuer else {
        let problem = "needs the issuer of the access tokens in JWT_ISSUER: events name it";
        return Err(ConfigError::invalid("SSF_ISSUER", problem));
    };
    let mut audiences = audiences.into_iter();
    let first = audiences.next().unwrap_or_default();
    // Tokens of another issuer are not accepted, so there is nothing to revoke of its users.
    let mut transmitter = Transmitter::new(name.clone(), first).subjects_of(issuer);
    transmitter = audiences.fold(transmitter, Transmitter::audience);
    transmitter = transmitter.algorithms(accepted(environment, algorithms)?);
    if let Some(leeway) = environment.seconds("JWT_LEEWAY")? {
        transmitter = transmitter.leeway(leeway);
    }
    let keys = match jwks_uri {
        Some(url) => JwksProvider::builder(url),
        None => JwksProvider::of_transmitter(name),
    };
    let keys = keys_of_transmitter(environment, keys).map_err(name_own_variable)?;
    let transmitter = transmitter.keys(keys);
    let mut receiver = shared.security_events(transmitter);
    if let Some(authorization) = authorization {
        receiver = receiver.push_authorization(authorization);
    }
    receiver.build().map(Some).map_err(name_own_variable)
}

/// Returns the accepted algorithms: by default `RS256`, and the asymmetric ones of access tokens.
fn accepted(
    environment: &Environment<'_>,
    listed: Option<Vec<String>>,
) -> Result<Vec<Algorithm>, ConfigError> {
    let parse = |variable, names: Vec<String>| -> Result<Vec<Algorithm>, ConfigError> {
        let algorithms = names.iter().map(|name| Algorithm::from_str(name)).collect();
        let problem = "names an algorithm that is not supported";
        let algorithms: Result<Vec<_>, _> = algorithms;
        algorithms.map_err(|_| ConfigError::invalid(variable, problem))
    };
    if let Some(names) = listed {
        return parse("SSF_ALGORITHMS", names);
    }
    let names = environment.list("JWT_ALGORITHMS")?.unwrap_or_default();
    let mut algorithms = parse("JWT_ALGORITHMS", names)?;
    algorithms.retain(|algorithm| !algorithm.is_symmetric());
    algorithms.push(Algorithm::RS256);
    Ok(algorithms)
}

/// Names the variable of the transmitter instead of that of the issuer.
fn name_own_variable(error: ConfigError) -> ConfigError {
    let variable = |setting| match setting {
        "issuer" => "SSF_ISSUER",
        "audience" => "SSF_AUDIENCE",
        "jwks_uri" => "SSF_JWKS_URI",
        "algorithms" | "transmitter.algorithms" => "SSF_ALGORITHMS",
        "security_events.push_authorization" => "SSF_AUTHORIZATION",
        other => other,
    };
    name_variable(match error {
        ConfigError::Invalid { setting, problem } => {
            ConfigError::Invalid { setting: variable(setting), problem }
        }
        ConfigError::Empty { setting } => ConfigError::Empty { setting: variable(setting) },
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use std::env::VarError;

    use super::{super::shared_cache::shared, *};

    const ISSUER: (&str, &str) = ("SSF_ISSUER", "https://signals.example");
    const AUDIENCE: (&str, &str) = ("SSF_AUDIENCE", "https://api.example/events,other");

    fn read(
        variables: &[(&str, &str)],
        issuer: Option<&str>,
    ) -> Result<Option<SecurityEventReceiver>, String> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        };
        let environment = Environment(&lookup);
        let shared = shared(&environment).map_err(|error| error.to_string())?;
        receiver(&environment, &shared, issuer).map_err(|error| error.to_string())
    }

    #[test]
    fn a_receiver_is_made_of_its_variables() {
        let login = Some("https://login.example");
        assert!(read(&[], login).unwrap().is_none());
        let receiver = read(&[ISSUER, AUDIENCE], login).unwrap().unwrap();
        assert_eq!(receiver.transmitter(), "https://signals.example");
        let shown = format!("{receiver:?}");
        assert!(shown.contains(r#"["https://login.example"]"#));
        let keys = ("SSF_JWKS_URI", "https://signals.example/keys");
        for (variable, value) in [("SSF_ALGORITHMS", "ES256"), ("JWT_ALGORITHMS", "ES256,HS256")] {
            assert!(read(&[ISSUER, AUDIENCE, keys, (variable, value)], login).is_ok());
        }
    }

    #[test]
    fn a_mistake_names_its_variable() {
        let login = Some("https://login.example");
        for (variables, issuer, text) in [
            (&[ISSUER][..], login, "SSF_AUDIENCE is not set"),
            (&[AUDIENCE], login, "SSF_ISSUER is not set"),
            (&[("SSF_JWKS_URI", "https://signals.example/k")], login, "SSF_ISSUER is not set"),
            (&[("SSF_AUTHORIZATION", "Bearer 0123456789")], login, "SSF_ISSUER is not set"),
            (&[ISSUER, AUDIENCE], None, "JWT_ISSUER"),
            (
                &[("SSF_ISSUER", "http://signals.example"), AUDIENCE],
                login,
                "SSF_ISSUER: must use https",
            ),
            (
                &[ISSUER, AUDIENCE, ("SSF_JWKS_URI", "http://s.example")],
                login,
                "SSF_JWKS_URI: must use https",
            ),
            (
                &[ISSUER, AUDIENCE, ("SSF_ALGORITHMS", "HS256")],
                login,
                "SSF_ALGORITHMS: must be asymmetric",
            ),
            (&[ISSUER, AUDIENCE, ("SSF_ALGORITHMS", "none")], login, "SSF_ALGORITHMS: names"),
            (
                &[ISSUER, AUDIENCE, ("SSF_AUTHORIZATION", "short")],
                login,
                "SSF_AUTHORIZATION: must have",
            ),
            (&[ISSUER, AUDIENCE, ("JWT_PROXY", "socks5://proxy.example")], login, "JWT_PROXY"),
            (&[ISSUER, AUDIENCE, ("JWT_KEY_CACHE_TTL", "0")], login, "JWT_KEY_CACHE_TTL"),
            (&[ISSUER, AUDIENCE, ("JWT_LEEWAY", "601")], login, "JWT_LEEWAY"),
        ] {
            let error = read(variables, issuer).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }
}
