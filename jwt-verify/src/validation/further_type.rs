//! Values of `typ` that an issuer gives to its access tokens, besides the usual ones (RFC 7515
//! §4.1.9).

use crate::{error::ConfigError, token::TypeName};

/// A value of `typ` that is accepted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FurtherType(String);

/// Types of other kinds of token. None of them is ever an access token.
const OTHER_KINDS: [&str; 26] = [
    "client-authentication+jwt",
    "dc+sd-jwt",
    "dpop+jwt",
    "entity-statement+jwt",
    "ID",
    "id_token",
    "id_token+jwt",
    "it+jwt",
    "JWE",
    "jwk-set+jwt",
    "kb+jwt",
    "logout+jwt",
    "oauth-authz-req+jwt",
    "oauth-id-jag+jwt",
    "openid4vci-proof+jwt",
    "Refresh",
    "refresh+jwt",
    "rt+jwt",
    "secevent+jwt",
    "statuslist+jwt",
    "token-introspection+jwt",
    "trust-mark+jwt",
    "vc+jwt",
    "vc+sd-jwt",
    "vp+jwt",
    "wallet-attestation+jwt",
];

/// Words in the names of types of other kinds.
const OTHER_WORDS: [&str; 5] = ["dpop", "introspection", "logout", "refresh", "secevent"];

impl FurtherType {
    pub(crate) fn parse(name: String) -> Result<Self, ConfigError> {
        let invalid = |problem| Err(ConfigError::invalid("token_type", problem));
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_graphic() && !b";,".contains(&byte))
        {
            return invalid("must be the name of a type, without spaces and parameters");
        }
        let lower = name.to_ascii_lowercase();
        let is_other = OTHER_KINDS.iter().any(|other| TypeName::new(&name).is(other))
            || OTHER_WORDS.iter().any(|word| lower.contains(word));
        if is_other {
            return invalid("is the type of another kind of token, which is never an access token");
        }
        Ok(Self(name))
    }

    /// Returns `true` if a token declares this type.
    pub(super) fn is(&self, name: &str) -> bool {
        let own = self.0.strip_prefix("application/").unwrap_or(&self.0);
        TypeName::new(name).is(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_other_kinds_are_refused() {
        let parse = |name: &str| FurtherType::parse(name.to_owned());
        for name in
            ["", "a b", "a;v=1", "a,b", "dpop+jwt", "DPoP+JWT", "application/logout+jwt", "Refresh"]
        {
            assert!(parse(name).is_err(), "{name}");
        }
        let further = parse("application/vnd.example.token+jwt").unwrap();
        assert!(further.is("vnd.example.token+jwt"));
        assert!(further.is("application/vnd.example.token+JWT"));
        assert!(!further.is("vnd.example.token"));
    }
}
