//! `jwt-verify keys`.

use std::{fmt, path::PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{CommandError, Io, Outcome, doctor, print, read, settings::Variables};
use crate::{algorithm::Algorithm, key::VerificationKey};

/// Arguments of `keys`.
#[derive(Debug, Args)]
pub(super) struct KeysCommand {
    /// List the keys of this file instead of the issuer's
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// The keys of a set, in its order.
#[derive(Debug, Serialize)]
pub(super) struct KeyList {
    pub(super) keys: Vec<KeyLine>,
}

/// One key.
#[derive(Debug, Serialize)]
pub(super) struct KeyLine {
    kid: Option<String>,
    kty: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    /// RFC 7638.
    thumbprint: Option<String>,
    pub(super) usable: bool,
    /// The reason of a key that is not usable.
    pub(super) reason: Option<String>,
    /// Algorithms that it can verify.
    pub(super) algorithms: Vec<&'static str>,
}

impl KeysCommand {
    pub(super) async fn run(
        self,
        variables: &Variables<'_>,
        json: bool,
        io: &mut Io<'_>,
    ) -> Result<Outcome, CommandError> {
        let document = match &self.keys {
            Some(path) => read(io, Some(path))?.into_bytes(),
            None => doctor::fetch_key_set(variables).await?,
        };
        let list = KeyList::read(&document).ok_or(CommandError(
            "this is not a key set: a JSON object with the member `keys`".into(),
        ))?;
        print(io, json, &list)?;
        let is_usable = list.keys.iter().any(|key| key.usable);
        Ok(if is_usable { Outcome::Good } else { Outcome::Refused })
    }
}

impl KeyList {
    /// Reads a key set document, each key by itself.
    pub(super) fn read(document: &[u8]) -> Option<Self> {
        let document: Value = serde_json::from_slice(document).ok()?;
        let keys = document.get("keys")?.as_array()?.iter().map(KeyLine::of).collect();
        Some(Self { keys })
    }
}

impl KeyLine {
    fn of(jwk: &Value) -> Self {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).map(shown);
        let key = VerificationKey::from_jwk(&jwk.to_string());
        let algorithms = Algorithm::ALL
            .into_iter()
            .filter(|algorithm| key.as_ref().is_ok_and(|key| key.supports(*algorithm)));
        Self {
            kid: text("kid"),
            kty: text("kty"),
            alg: text("alg"),
            purpose: text("use"),
            thumbprint: key.as_ref().ok().and_then(VerificationKey::thumbprint),
            usable: key.is_ok(),
            reason: key.as_ref().err().map(ToString::to_string),
            algorithms: algorithms.map(Algorithm::name).collect(),
        }
    }
}

/// Text from outside, escaped and of bounded length.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

impl fmt::Display for KeyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in &self.keys {
            let or_none = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
            write!(f, "{}  {}", or_none(&key.kid), or_none(&key.kty))?;
            write!(f, "  alg {}  use {}", or_none(&key.alg), or_none(&key.purpose))?;
            match &key.reason {
                None => write!(f, "  usable for {}", key.algorithms.join(" "))?,
                Some(reason) => write!(f, "  NOT USABLE: {reason}")?,
            }
            if let Some(thumbprint) = &key.thumbprint {
                write!(f, "  thumbprint {thumbprint}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
