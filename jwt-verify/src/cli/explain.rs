//! `jwt-verify explain`.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, Io, Outcome, print, read, route::MatrixRoute, settings::Variables};
use crate::{
    error::AuthError,
    explanation::{Report, Verdict},
    http::JwtAuth,
    key::JwkSet,
    verifier::TrustedIssuer,
};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainCommand {
    /// Read the token from this file instead of standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Take the keys from this key set, and ask no issuer
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Explain what the token lacks for this request, such as "PUT /posts/7"
    #[arg(long, value_name = "METHOD PATH", requires = "matrix")]
    route: Option<String>,
    /// The access matrix of the application, as `AccessMatrix` prints it
    #[arg(long, value_name = "FILE")]
    matrix: Option<PathBuf>,
    /// Print the values that a failed check looked at, escaped
    #[arg(long)]
    values: bool,
}

impl ExplainCommand {
    pub(super) async fn run(
        self,
        variables: &Variables<'_>,
        json: bool,
        io: &mut Io<'_>,
    ) -> Result<Outcome, CommandError> {
        let route = match (&self.route, &self.matrix) {
            (Some(route), Some(matrix)) => {
                Some(MatrixRoute::find(&read(io, Some(matrix))?, route)?)
            }
            _ => None,
        };
        // Only the application knows its hierarchies, and the matrix says what they are.
        let with_hierarchy = |issuer: TrustedIssuer| match &route {
            Some(route) => route.add_hierarchy(issuer),
            None => issuer,
        };
        let auth = match &self.keys {
            Some(path) => {
                let keys = JwkSet::from_json(read(io, Some(path))?.as_bytes())?;
                JwtAuth::from_lookup(variables, |issuer| with_hierarchy(issuer).keys(keys))?
            }
            None => JwtAuth::from_lookup(variables, with_hierarchy)?,
        };
        let text = read(io, self.file.as_deref())?;
        let token = bare(&text);
        if token.is_empty() {
            return Err(CommandError("there is no token on standard input".into()));
        }
        // Its outcome is that of the key check.
        drop(auth.verifier().wait_until_ready().await);
        let verifier = auth.verifier();
        let mut report = Report::new(self.values);
        let claims = verifier.verify(token).await;
        let outcome = claims.as_ref().map(drop).map_err(AuthError::clone);
        verifier.explain_stages(token.as_bytes(), &outcome, &mut report).await;
        let outcome = match (&route, &claims) {
            (Some(route), Ok(claims)) => route.explain(claims, verifier.now(), &mut report)?,
            _ => outcome,
        };
        let explanation = report.finish(&outcome);
        print(io, json, &explanation)?;
        Ok(match explanation.verdict() {
            Verdict::Accepted => Outcome::Good,
            Verdict::Refused => Outcome::Refused,
            Verdict::Undecided => Outcome::Unknown,
        })
    }
}

/// Returns the token of a line that may have been copied with its header or scheme.
pub(super) fn bare(text: &str) -> &str {
    let mut token = text.trim();
    for prefix in ["authorization:", "bearer ", "dpop "] {
        if token.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            token = token.get(prefix.len()..).unwrap_or_default().trim_start();
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_what_was_copied_with_it() {
        for text in ["a.b.c\n", "Bearer a.b.c", "Authorization: Bearer a.b.c", "DPoP  a.b.c "] {
            assert_eq!(bare(text), "a.b.c", "{text}");
        }
        assert_eq!(bare(" \n"), "");
    }
}
