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
pub struct BearerChallenge(Parameters);

/// A challenge of the `DPoP` scheme (RFC 9449 §7.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DpopChallenge(Parameters);

/// Parameters of a challenge of either scheme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Parameters {
    realm: Option<Arc<str>>,
    error: Option<&'static str>,
    description: Option<Arc<str>>,
    scope: Option<Arc<str>>,
    acr_values: Option<Arc<str>>,
    max_age: Option<u64>,
    algorithms: Option<Arc<str>>,
    resource_metadata: Option<Arc<str>>,
}

impl BearerChallenge {
    /// Creates a challenge that only asks for a token.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the realm: the name of the protected area.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        self.0.realm = Some(realm.into());
        self
    }

    /// Sets the error of the request, and a text for developers.
    #[must_use]
    pub fn error(self, error: Error, description: impl Into<Arc<str>>) -> Self {
        let error = match error {
            Error::InvalidRequest => "invalid_request",
            Error::InvalidToken => "invalid_token",
            Error::InsufficientScope => "insufficient_scope",
        };
        self.named(error, description)
    }

    /// Requires another login, optionally of at most this age (RFC 9470 §3). Replaces an error.
    #[must_use]
    pub fn step_up(mut self, description: impl Into<Arc<str>>, max_age: Option<Duration>) -> Self {
        self.0.max_age = max_age.map(|age| age.as_secs());
        self.named("insufficient_user_authentication", description)
    }

    /// Sets the authentication context classes of which the new login has to have one, separated by
    /// spaces (RFC 9470 §3). An empty value is left out.
    #[must_use]
    pub fn acr_values(mut self, classes: impl Into<Arc<str>>) -> Self {
        self.0.acr_values = Some(classes.into()).filter(|classes: &Arc<str>| !classes.is_empty());
        self
    }

    /// Sets the required scopes, separated by spaces. An empty value is left out.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.0.scope = Some(scope.into()).filter(|scope: &Arc<str>| !scope.is_empty());
        self
    }

    /// Sets the URL of the document that names the issuers of tokens (RFC 9728 §5.1); see
    /// [`ResourceMetadata`](crate::endpoints::ResourceMetadata).
    #[must_use]
    pub fn resource_metadata(mut self, url: impl Into<Arc<str>>) -> Self {
        self.0.resource_metadata = Some(url.into());
        self
    }

    /// Sets an error by its name.
    pub(crate) fn named(mut self, error: &'static str, description: impl Into<Arc<str>>) -> Self {
        self.0.error = Some(error);
        self.0.description = Some(description.into());
        self
    }
}

impl DpopChallenge {
    /// Sets the signature algorithms of proofs, separated by spaces.
    pub(crate) fn algorithms(mut self, names: Arc<str>) -> Self {
        self.0.algorithms = Some(names);
        self
    }
}

/// Converts a challenge to the other scheme.
impl From<BearerChallenge> for DpopChallenge {
    fn from(challenge: BearerChallenge) -> Self {
        Self(challenge.0)
    }
}

impl fmt::Display for BearerChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")?;
        self.0.write(f)
    }
}

impl fmt::Display for DpopChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DPoP")?;
        self.0.write(f)
    }
}

impl Parameters {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let parameters = [
            ("realm", self.realm.as_deref()),
            ("error", self.error),
            ("error_description", self.description.as_deref()),
            ("scope", self.scope.as_deref()),
            ("acr_values", self.acr_values.as_deref()),
            ("max_age", max_age.as_deref()),
            ("algs", self.algorithms.as_deref()),
            ("resource_metadata", self.resource_metadata.as_deref()),
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

/// Writes a quoted string (RFC 9110 §5.6.4). Characters that are not allowed there are left out.
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

impl TryIntoHeaderValue for DpopChallenge {
    type Error = InvalidHeaderValue;

    fn try_into_value(self) -> Result<HeaderValue, Self::Error> {
        HeaderValue::from_maybe_shared(Bytes::from(self.to_string()))
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
    fn a_challenge_of_the_other_scheme_says_the_same() {
        let bearer = BearerChallenge::new().realm("api").error(Error::InvalidToken, "no");
        let dpop = DpopChallenge::from(bearer).algorithms("ES256 EdDSA".into());
        assert_eq!(
            dpop.to_string(),
            r#"DPoP realm="api", error="invalid_token", error_description="no", algs="ES256 EdDSA""#
        );
        assert_eq!(DpopChallenge::default().to_string(), "DPoP");
    }

    #[test]
    fn values_cannot_break_out() {
        let hostile = BearerChallenge::new().realm("a\"b\\c\r\nSet-Cookie: x=ü");
        assert_eq!(hostile.to_string(), r#"Bearer realm="a\"b\\cSet-Cookie: x=""#);
        assert!(hostile.try_into_value().is_ok());
    }
}
