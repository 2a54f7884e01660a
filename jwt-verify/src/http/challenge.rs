//! `WWW-Authenticate: Bearer …` (RFC 6750 §3).

use std::{
    fmt::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    http::header::{HeaderValue, InvalidHeaderValue, TryIntoHeaderValue},
    web::Bytes,
};
use actix_web_httpauth::{extractors::bearer::Error, headers::www_authenticate::Challenge};

/// A challenge of the `Bearer` scheme, to be put into [`WwwAuthenticate`].
///
/// [`WwwAuthenticate`]: actix_web_httpauth::headers::www_authenticate::WwwAuthenticate
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BearerChallenge {
    realm: Option<Arc<str>>,
    error: Option<Error>,
    description: Option<Arc<str>>,
    scope: Option<Arc<str>>,
    step_up: bool,
    acr_values: Option<Arc<str>>,
    max_age: Option<u64>,
}

impl BearerChallenge {
    /// A challenge that only says that a token is needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is protected.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// What was wrong with the request, and a text for developers.
    #[must_use]
    pub fn error(mut self, error: Error, description: impl Into<Arc<str>>) -> Self {
        self.error = Some(error);
        self.description = Some(description.into());
        self
    }

    /// That the user has to log in again, or not longer ago than this (RFC 9470 §3). Counts in the
    /// place of an error.
    #[must_use]
    pub fn step_up(mut self, description: impl Into<Arc<str>>, max_age: Option<Duration>) -> Self {
        self.step_up = true;
        self.description = Some(description.into());
        self.max_age = max_age.map(|age| age.as_secs());
        self
    }

    /// The authentication context classes of which the new login has to be one, separated by spaces
    /// (RFC 9470 §3). Nothing is said if it is empty.
    #[must_use]
    pub fn acr_values(mut self, classes: impl Into<Arc<str>>) -> Self {
        self.acr_values = Some(classes.into()).filter(|classes: &Arc<str>| !classes.is_empty());
        self
    }

    /// What would be needed, separated by spaces. Nothing is said if it is empty.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.scope = Some(scope.into()).filter(|scope: &Arc<str>| !scope.is_empty());
        self
    }
}

impl fmt::Display for BearerChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")?;
        let error = if self.step_up {
            Some("insufficient_user_authentication".to_owned())
        } else {
            self.error.map(|error| error.to_string())
        };
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let parameters = [
            ("realm", self.realm.as_deref()),
            ("error", error.as_deref()),
            ("error_description", self.description.as_deref()),
            ("scope", self.scope.as_deref()),
            ("acr_values", self.acr_values.as_deref()),
            ("max_age", max_age.as_deref()),
        ];
        let mut separator = " ";
        for (name, value) in parameters {
            if let Some(value) = value {
                write!(f, "{separator}{name}=")?;
                quote(f, value)?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// Writes a quoted string (RFC 9110 §5.6.4). What may not stand in one is left out.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            ' '..='~' => f.write_char(character)?,
            _ => {}
        }
    }
    f.write_char('"')
}

impl TryIntoHeaderValue for BearerChallenge {
    type Error = InvalidHeaderValue;

    fn try_into_value(self) -> Result<HeaderValue, Self::Error> {
        HeaderValue::from_maybe_shared(self.to_bytes())
    }
}

impl Challenge for BearerChallenge {
    fn to_bytes(&self) -> Bytes {
        Bytes::from(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_separated_by_commas() {
        assert_eq!(BearerChallenge::new().to_string(), "Bearer");
        assert_eq!(BearerChallenge::new().realm("api").to_string(), r#"Bearer realm="api""#);
        let whole = BearerChallenge::new()
            .realm("api")
            .error(Error::InsufficientScope, "no")
            .scope("read:posts write:posts");
        assert_eq!(
            whole.to_string(),
            r#"Bearer realm="api", error="insufficient_scope", error_description="no", scope="read:posts write:posts""#
        );
    }

    #[test]
    fn values_cannot_break_out() {
        let hostile = BearerChallenge::new().realm("a\"b\\c\r\nSet-Cookie: x=ü");
        assert_eq!(hostile.to_string(), r#"Bearer realm="a\"b\\cSet-Cookie: x=""#);
        assert!(hostile.try_into_value().is_ok());
    }
}
