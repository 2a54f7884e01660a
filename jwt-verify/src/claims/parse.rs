//! Payload to claims.

use std::num::NonZero;

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Audience, Claims, NumericDate};
use crate::{
    error::InvalidTokenReason,
    json::{Json, JsonDocument, Unique},
};

/// Returns `true` for a claim that has a field of its own (RFC 7519 §4.1).
pub(super) fn is_registered(name: &str) -> bool {
    matches!(name, "iss" | "sub" | "aud" | "exp" | "nbf" | "iat" | "jti")
}

/// The reason why a payload contains no claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvalidClaims {
    /// Not a JSON object, or a member twice.
    Document,
    /// This registered claim has a wrong type or an impossible value.
    Claim(&'static str),
}

impl From<InvalidClaims> for InvalidTokenReason {
    fn from(invalid: InvalidClaims) -> Self {
        match invalid {
            InvalidClaims::Document => Self::Payload,
            InvalidClaims::Claim(name) => Self::ClaimType(name),
        }
    }
}

/// Position of a claim in the payload. The first position is that of the payload itself.
#[derive(Clone, Copy)]
pub(super) struct ClaimPosition(NonZero<u32>);

impl ClaimPosition {
    pub(super) fn of(value: Json<'_>) -> Option<Self> {
        u32::try_from(value.place()).ok().and_then(NonZero::new).map(Self)
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize
    }
}

impl Claims {
    /// Reads a payload. Refuses duplicate members at every depth, and registered claims of a wrong
    /// type. One that is `null` is absent. A subject may be an integer; the rules of an issuer say
    /// if that counts ([`has_numeric_subject`](Self::has_numeric_subject)).
    pub(crate) fn parse(payload: String) -> Result<Self, InvalidClaims> {
        let document = JsonDocument::parse(payload).map_err(|_| InvalidClaims::Document)?;
        let mut claims = Self { document, ..Self::default() };
        claims.read()?;
        Ok(claims)
    }

    /// Finds the claims that have a field.
    fn read(&mut self) -> Result<(), InvalidClaims> {
        let root = self.document.root();
        if !root.is_object() {
            return Err(InvalidClaims::Document);
        }
        for (name, value) in root.entries() {
            // Claims with a field have names of three letters.
            let name = name.as_bytes().and_then(|name| <&[u8; 3]>::try_from(name).ok());
            let Some(name) = name else { continue };
            let place = ClaimPosition::of(value);
            // As absent: some issuers write every claim that they know.
            if value.is_null() {
                continue;
            }
            let (name, is_right) = match name {
                b"iss" => ("iss", value.is_string() && set(&mut self.issuer, place)),
                b"sub" => {
                    let is_right = value.is_string() || value.as_digits().is_some();
                    ("sub", is_right && set(&mut self.subject, place))
                }
                b"jti" => ("jti", value.is_string() && set(&mut self.id, place)),
                b"aud" => ("aud", Audience::is_one(value) && set(&mut self.audience, place)),
                b"exp" => ("exp", set(&mut self.expires_at, NumericDate::read(value))),
                b"nbf" => ("nbf", set(&mut self.not_before, NumericDate::read(value))),
                b"iat" => ("iat", set(&mut self.issued_at, NumericDate::read(value))),
                _ => continue,
            };
            if !is_right {
                return Err(InvalidClaims::Claim(name));
            }
        }
        Ok(())
    }
}

/// Returns `true` if there was a value to set it to.
fn set<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    *field = value;
    field.is_some()
}

impl<'de> Deserialize<'de> for Claims {
    /// Refuses duplicate members at every depth, and registered claims of a wrong type: a subject
    /// that is a number too, which only the rules of an issuer can allow. One that is `null` is
    /// absent.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Unique(value) = Unique::deserialize(deserializer)?;
        let claims =
            Self::parse(value.to_string()).ok().filter(|claims| !claims.has_numeric_subject());
        claims.ok_or_else(|| D::Error::custom("no claims"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Option<Claims> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn registered_and_other_claims_are_read() {
        let claims = parse(
            r#"{"iss":"https:\/\/i","sub":"s","aud":["a","b"],"exp":2,"nbf":1.5,"iat":1,"jti":"j","scope":"x y","n":{"a":[1]}}"#,
        )
        .unwrap();
        assert_eq!(claims.issuer(), Some("https://i"));
        assert_eq!(claims.subject(), Some("s"));
        assert!(claims.audience().unwrap().contains("b"));
        assert_eq!(claims.token_id(), Some("j"));
        assert_eq!(claims.scopes().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(claims.get_as::<u64>("scope"), None);
        assert_eq!(claims.get("n").unwrap()["a"][0], 1);
    }

    #[test]
    fn claims_survive_a_round_trip() {
        let json = r#"{"iss":"i","sub":"s","aud":"a","exp":2,"nbf":1,"iat":1,"jti":"j","b":null,"c":{"d":[true]}}"#;
        assert_eq!(serde_json::to_string(&parse(json).unwrap()).unwrap(), json);
    }

    #[test]
    fn wrong_types_of_registered_claims_are_refused() {
        for member in [
            r#""iss":5"#,
            r#""iss":["i"]"#,
            r#""sub":5"#,
            r#""aud":5"#,
            r#""aud":{}"#,
            r#""aud":["x",1]"#,
            r#""aud":[null]"#,
            r#""aud":[["a"]]"#,
            r#""exp":"1""#,
            r#""nbf":true"#,
            r#""iat":"1""#,
            r#""jti":7"#,
        ] {
            assert!(parse(&format!("{{{member}}}")).is_none(), "{member}");
        }
    }

    #[test]
    fn a_claim_of_a_wrong_type_is_named() {
        for (payload, name) in [
            (r#"{"aud":[null]}"#, "aud"),
            (r#"{"exp":"1"}"#, "exp"),
            (r#"{"sub":true,"exp":"1"}"#, "sub"),
            (r#"{"x":1,"nbf":-1}"#, "nbf"),
        ] {
            let refused = Claims::parse(payload.into()).err();
            assert_eq!(refused, Some(InvalidClaims::Claim(name)), "{payload}");
        }
        for payload in ["[]", "", r#"{"exp":1,"exp":1}"#] {
            assert_eq!(Claims::parse(payload.into()).err(), Some(InvalidClaims::Document));
        }
    }

    #[test]
    fn null_is_absent() {
        let names = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
        let members: Vec<String> = names.iter().map(|name| format!(r#""{name}":null"#)).collect();
        let claims = parse(&format!("{{{}}}", members.join(","))).unwrap();
        assert_eq!(claims, Claims::default());
        assert!(claims.audience().is_none() && claims.expires_at().is_none());
        assert_eq!(serde_json::to_string(&claims).unwrap(), "{}");
        assert_eq!(format!("{claims:?}"), "Claims{}");
        assert_eq!(claims.get("sub"), None);
    }

    #[test]
    fn a_subject_may_be_written_as_an_integer_and_no_other_claim() {
        for digits in ["0", "42", "18446744073709551616", "123456789012345678901234567890"] {
            let claims = Claims::parse(format!(r#"{{"sub":{digits}}}"#)).unwrap();
            assert!(claims.has_numeric_subject());
            assert_eq!(claims.subject(), Some(digits));
            assert_eq!(serde_json::to_value(&claims).unwrap()["sub"], digits);
        }
        assert!(!Claims::parse(r#"{"sub":"42"}"#.into()).unwrap().has_numeric_subject());
        for odd in ["-1", "-0", "1.0", "1e3", "1E0", "true", "[1]"] {
            let refused = Claims::parse(format!(r#"{{"sub":{odd}}}"#)).err();
            assert_eq!(refused, Some(InvalidClaims::Claim("sub")), "{odd}");
        }
        for other in ["iss", "jti", "aud"] {
            let refused = Claims::parse(format!(r#"{{"{other}":42}}"#)).err();
            assert_eq!(refused, Some(InvalidClaims::Claim(other)));
        }
        // No issuer has allowed it here.
        assert!(parse(r#"{"sub":42}"#).is_none());
    }

    #[test]
    fn duplicates_and_other_documents_are_refused() {
        for json in [
            r#"{"exp":1,"exp":1}"#,
            r#"{"exp":9,"\u0065xp":1}"#,
            r#"{"scope":"read","scope":"admin"}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"[1,2,"sub","iss","aud"]"#,
            r#""x""#,
            "1",
            "null",
            "",
            "{}x",
            "{}{}",
            "\u{feff}{}",
        ] {
            assert!(parse(json).is_none(), "{json}");
        }
    }

    #[test]
    fn a_claim_with_an_accessor_is_not_among_the_others() {
        let members: Vec<String> = (0..1000).map(|name| format!(r#""{name}":{name}"#)).collect();
        let claims = parse(&format!(
            r#"{{"iss":"i","sub":"s","aud":"a","exp":2,"nbf":1,"iat":1,"jti":"j",{}}}"#,
            members.join(",")
        ));
        let claims = claims.unwrap();
        for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "1000", ""] {
            assert_eq!(claims.get(name), None, "{name}");
        }
        for name in [0, 17, 999] {
            assert_eq!(claims.get(&name.to_string()), Some(&name.into()));
        }
    }

    /// Applications and rules read the same values.
    #[test]
    fn a_claim_is_what_stands_in_the_payload() {
        let claims = parse(
            r#"{"meta":{"suspended":true,"nick":{"$serde_json::private::RawValue":"{"}},
                "$serde_json::private::RawValue":"[1]","big":18446744073709551616}"#,
        );
        let claims = claims.unwrap();
        assert_eq!(claims.get("meta").unwrap()["suspended"], true);
        assert_eq!(claims.get("meta").unwrap()["nick"]["$serde_json::private::RawValue"], "{");
        assert_eq!(claims.get("$serde_json::private::RawValue").unwrap(), "[1]");
        assert_eq!(claims.get_as::<f64>("big"), Some(18_446_744_073_709_551_616.0));
    }

    #[test]
    fn debug_shows_names_only() {
        let claims = parse(r#"{"sub":"alice@example.com","email":"alice@example.com"}"#).unwrap();
        assert_eq!(format!("{claims:?}"), r#"Claims{"sub", "email"}"#);
    }

    #[test]
    fn other_claims_are_had_as_types_of_the_callers() {
        let claims = parse(r#"{"level":3,"tags":["a","b"]}"#).unwrap();
        assert_eq!(claims.get_as::<u8>("level"), Some(3));
        assert_eq!(claims.get_as::<Vec<String>>("tags").unwrap(), ["a", "b"]);
        assert_eq!(claims.get_as::<String>("level"), None);
        assert_eq!(claims.get_as::<u8>("nothing"), None);
    }
}
