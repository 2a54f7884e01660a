//! `jwt-verify token`: tokens of a local test key.

use std::{fmt, path::PathBuf, time::Duration};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{CommandError, Io, Outcome, print, read, settings::Variables};
use crate::{
    algorithm::Algorithm,
    issuing::{SigningKey, TokenIssuer},
};

/// Arguments of `token`.
#[derive(Debug, Args)]
pub(super) struct TokenCommand {
    /// The test key, a PKCS#8 PEM file whose name says `dev`, `test` or `local`
    ///
    /// Without it a key is made for this token alone, and its key set is printed with --json.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The algorithm of the key
    #[arg(long, value_name = "NAME", default_value = "ES256")]
    algorithm: String,
    /// A claim; a value that is JSON is taken as such; can be repeated
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = super::settings::pair)]
    claims: Vec<(String, String)>,
    /// Seconds until the token expires
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    lifetime: u64,
}

/// A token and the key set that verifies it.
#[derive(Debug, Serialize)]
struct Made {
    token: String,
    jwks: Value,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.token)
    }
}

impl TokenCommand {
    pub(super) fn run(
        self,
        variables: &Variables<'_>,
        json: bool,
        io: &mut Io<'_>,
    ) -> Result<Outcome, CommandError> {
        let name = variables("JWT_ISSUER").unwrap_or("http://localhost".into());
        let audience = variables("JWT_AUDIENCE").unwrap_or("api".into());
        if !is_local(&name) {
            return Err(CommandError(
                "the issuer is not a local name (localhost, .localhost, .test, .example, .local): \
                 this command makes test tokens only"
                    .into(),
            ));
        }
        let algorithm: Algorithm = self.algorithm.parse()?;
        let key = match &self.key {
            None => SigningKey::generate(algorithm)?,
            Some(path) => {
                let file = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
                if !["dev", "test", "local"].iter().any(|word| file.contains(word)) {
                    return Err(CommandError(
                        "the name of the key file says neither dev, test nor local: a key of \
                         production must not sign here"
                            .into(),
                    ));
                }
                SigningKey::from_pem(algorithm, read(io, Some(path))?.as_bytes())?
            }
        };
        let lifetime = Duration::from_secs(self.lifetime);
        let issuer = TokenIssuer::builder(name, audience, key)
            .longest_lifetime(lifetime.max(Duration::from_secs(3600)))
            .build()?;
        let subject = self.claims.iter().find(|(name, _)| name == "sub");
        let subject = subject.map_or("alice", |(_, value)| value);
        let mut builder = issuer.access_token(&subject).lifetime(lifetime);
        for (name, value) in self.claims.iter().filter(|(name, _)| name != "sub") {
            let value = serde_json::from_str(value).unwrap_or(Value::String(value.clone()));
            builder = match (name.as_str(), &value) {
                ("roles", Value::Array(names)) => builder.roles(texts(names)),
                ("permissions", Value::Array(names)) => builder.permissions(texts(names)),
                ("scope", Value::String(scope)) => builder.scope(scope),
                _ => builder.claim(name, value),
            };
        }
        let token = builder.sign()?.as_str().to_owned();
        print(io, json, &Made { token, jwks: issuer.key_set() })?;
        Ok(Outcome::Good)
    }
}

fn texts(names: &[Value]) -> Vec<String> {
    names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Returns `true` for names that no production issuer has (RFC 2606, RFC 6761, RFC 6762).
fn is_local(issuer: &str) -> bool {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.starts_with("[::1]") {
        return true;
    }
    let host = authority.split(':').next().unwrap_or_default();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.starts_with("127.")
        || host == "localhost"
        || [".localhost", ".test", ".example", ".local"].iter().any(|end| host.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_names_get_test_tokens() {
        for local in
            ["http://localhost:8080", "https://x.test/", "http://127.0.0.1", "http://[::1]:1/"]
        {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "https://login.example.com",
            "https://localhost.evil.com",
            "test",
            "https://a@localhost",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
