//! Kinds of credentials.

use std::{borrow::Cow, fmt};

/// Kind of the credential behind verified claims.
///
/// [`VerifiedClaims::credential_kind`](crate::VerifiedClaims::credential_kind) returns it, and
/// `#[require(credential = "…")]` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A signed token, verified with the keys of its issuer (RFC 7519): `jwt`.
    Jwt,
    /// A token that the issuer was asked about (RFC 7662): `opaque-token`.
    OpaqueToken,
    /// A key of a machine, known to the application: `api-key`.
    ApiKey,
    /// A credential of an [`Authenticator`](crate::extract::Authenticator) of the application, under
    /// this name. Lower-case letters, digits and hyphens.
    Other(&'static str),
}

impl CredentialKind {
    /// Returns the name, as in `#[require(credential = "…")]`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::OpaqueToken => "opaque-token",
            Self::ApiKey => "api-key",
            Self::Other(name) => name,
        }
    }

    /// Returns `true` for a kind whose name has the form of one, and is not that of another kind.
    pub(crate) fn is_valid(self) -> bool {
        let Self::Other(name) = self else { return true };
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_known = [Self::Jwt, Self::OpaqueToken, Self::ApiKey].map(Self::as_str);
        !name.is_empty() && name.bytes().all(is_part) && !is_known.contains(&name)
    }
}

/// Returns the name.
impl From<CredentialKind> for Cow<'static, str> {
    fn from(kind: CredentialKind) -> Self {
        Self::Borrowed(kind.as_str())
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_application_is_lower_case_and_not_taken() {
        for name in ["signed-url", "session2", "x"] {
            assert!(CredentialKind::Other(name).is_valid(), "{name}");
        }
        for name in ["", "Signed", "signed url", "jwt", "api-key", "opaque-token", "a\"b", "ü"] {
            assert!(!CredentialKind::Other(name).is_valid(), "{name}");
        }
    }
}
