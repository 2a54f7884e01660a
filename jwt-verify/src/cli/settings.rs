//! Settings by flags, before those of the environment.

use std::env::VarError;

use clap::Args;

/// Flags for the most frequent settings, and one for all others.
#[derive(Debug, Args)]
#[command(next_help_heading = "SettingFlags (flags win over the variables)")]
pub(super) struct SettingFlags {
    /// The issuer (`JWT_ISSUER`), or none
    #[arg(long, global = true, value_name = "URL")]
    issuer: Option<String>,
    /// The audience, or several with commas (`JWT_AUDIENCE`), or none
    #[arg(long, global = true, value_name = "NAME")]
    audience: Option<String>,
    /// Accepted algorithms, with commas (`JWT_ALGORITHMS`)
    #[arg(long, global = true, value_name = "LIST")]
    algorithms: Option<String>,
    /// The URL of the key set (`JWT_JWKS_URI`)
    #[arg(long, global = true, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Accepted clients, with commas (`JWT_CLIENTS`)
    #[arg(long, global = true, value_name = "LIST")]
    clients: Option<String>,
    /// The place of roles (`JWT_CLAIMS_MAPPING`), such as keycloak:my-api
    #[arg(long, global = true, value_name = "PRESET")]
    claims_mapping: Option<String>,
    /// Any other variable, such as `JWT_LEEWAY=30`; can be repeated
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The variables of the command.
pub(super) type Variables<'a> = dyn Fn(&str) -> Result<String, VarError> + 'a;

impl SettingFlags {
    /// Returns a lookup in the flags, then in the environment.
    pub(super) fn lookup(
        self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> impl Fn(&str) -> Result<String, VarError> {
        let flags = [
            ("JWT_ISSUER", self.issuer),
            ("JWT_AUDIENCE", self.audience),
            ("JWT_ALGORITHMS", self.algorithms),
            ("JWT_JWKS_URI", self.jwks_uri),
            ("JWT_CLIENTS", self.clients),
            ("JWT_CLAIMS_MAPPING", self.claims_mapping),
        ];
        let flags = flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let flags: Vec<_> = self.set.into_iter().chain(flags).collect();
        move |name| {
            let flag = flags.iter().find(|(flag, _)| flag == name);
            // A value and its file exclude each other: a flag replaces both.
            let replaced = || {
                let value = name.strip_suffix("_FILE");
                value.is_some_and(|value| flags.iter().any(|(flag, _)| flag == value))
            };
            match flag {
                Some((_, value)) => Ok(value.clone()),
                None if replaced() => Err(VarError::NotPresent),
                None => variable(name).ok_or(VarError::NotPresent),
            }
        }
    }
}
