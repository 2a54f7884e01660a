//! `jwt-verify key`.

use std::{fmt, time::Duration};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{CommandError, Io, Outcome, print, settings::Variables};
use crate::{
    api_keys::{ApiKey, ApiKeyRecord, ApiKeys, MemoryApiKeys},
    clock::{Clock as _, SystemClock},
    error::ConfigError,
    http::JwtAuth,
    secret::Secret,
};

/// Arguments of `key`.
#[derive(Debug, Args)]
pub(super) struct KeyCommand {
    #[command(subcommand)]
    action: KeyAction,
}

#[derive(Debug, Subcommand)]
enum KeyAction {
    /// Make an API key, and the record to store of it
    ///
    /// The first line of the output is the key, which is shown once. The second is its record, for the
    /// JSON array in `API_KEYS_FILE` or another store. The hash in it is made with the secret in
    /// `API_KEY_SECRET`, of at least 32 random bytes.
    New(NewKey),
}

#[derive(Debug, Args)]
struct NewKey {
    /// The prefix of the key, which tells scanners for leaked secrets whose it is
    #[arg(long, default_value = "ak")]
    prefix: String,
    /// The owner; without it, the key's own id
    #[arg(long)]
    sub: Option<String>,
    /// A name by which the owner knows the key
    #[arg(long)]
    name: Option<String>,
    /// A role; can be repeated
    #[arg(long = "role", value_name = "NAME")]
    roles: Vec<String>,
    /// A permission; can be repeated
    #[arg(long = "permission", value_name = "NAME")]
    permissions: Vec<String>,
    /// A scope; can be repeated
    #[arg(long = "scope", value_name = "NAME")]
    scopes: Vec<String>,
    /// The number of days after which the key expires; without it, never
    #[arg(long, value_name = "NUMBER")]
    days: Option<u32>,
}

/// A key with its record.
#[derive(Serialize)]
struct MadeKey<'a> {
    key: &'a str,
    record: ApiKeyRecord,
}

impl KeyCommand {
    pub(super) fn run(
        self,
        variables: &Variables<'_>,
        json: bool,
        io: &mut Io<'_>,
    ) -> Result<Outcome, CommandError> {
        let KeyAction::New(new) = self.action;
        let secret = JwtAuth::variable(variables, "API_KEY_SECRET")?.ok_or(CommandError(
            "API_KEY_SECRET is not set: at least 32 random bytes, such as those of \
             `openssl rand -base64 32`"
                .into(),
        ))?;
        let keys = ApiKeys::builder(Secret::from(secret), MemoryApiKeys::new());
        let keys = keys.prefix(&new.prefix).build().map_err(|error| named(&error))?;
        let key = keys.generate()?;
        let record = new.record(&keys, &key)?;
        print(io, json, &MadeKey { key: key.expose(), record })?;
        if !json {
            writeln!(
                io.errors,
                "The key is shown once. Store the second line, and not the first."
            )?;
        }
        Ok(Outcome::Good)
    }
}

impl NewKey {
    fn record(self, keys: &ApiKeys, key: &ApiKey) -> Result<ApiKeyRecord, CommandError> {
        let sub = self.sub.unwrap_or_else(|| keys.hash(key).id());
        let mut record = keys.record(key, sub).roles(self.roles).permissions(self.permissions);
        if let Some(name) = self.name {
            record = record.name(name);
        }
        if let Some(days) = self.days {
            let lifetime = Duration::from_secs(u64::from(days) * 24 * 3600);
            record = record.expires_at(SystemClock::new().now().saturating_add(lifetime));
        }
        Ok(record.scopes(self.scopes).build()?)
    }
}

/// Names the variable and the flag instead of their settings.
fn named(error: &ConfigError) -> CommandError {
    let named = error.to_string().replace("api_keys.prefix", "--prefix");
    CommandError(named.replace("api_keys.secret", "API_KEY_SECRET"))
}

impl fmt::Display for MadeKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.key, self.record.to_json())
    }
}
