//! Payload to claims in one pass.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};

use super::{Claims, members::Duplicate};
use crate::json::{Text, Unique, set_once};

impl<'de> Deserialize<'de> for Claims {
    /// Refuses duplicate members at every depth, and registered claims of a wrong type.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a claims object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
                let mut claims = Claims::default();
                while let Some(Text(name)) = map.next_key()? {
                    match &*name {
                        "iss" => set_once(&mut claims.issuer, &mut map)?,
                        "sub" => set_once(&mut claims.subject, &mut map)?,
                        "aud" => set_once(&mut claims.audience, &mut map)?,
                        "exp" => set_once(&mut claims.expires_at, &mut map)?,
                        "nbf" => set_once(&mut claims.not_before, &mut map)?,
                        "iat" => set_once(&mut claims.issued_at, &mut map)?,
                        "jti" => set_once(&mut claims.id, &mut map)?,
                        _ => {
                            let Unique(value) = map.next_value()?;
                            let added = claims.others.add(name.into_owned(), value);
                            added.map_err(|Duplicate| A::Error::custom("duplicate member"))?;
                        }
                    }
                }
                Ok(claims)
            }
        }

        deserializer.deserialize_map(Members)
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
            r#""iss":null"#,
            r#""iss":["i"]"#,
            r#""sub":null"#,
            r#""sub":5"#,
            r#""aud":null"#,
            r#""aud":5"#,
            r#""aud":{}"#,
            r#""aud":["x",1]"#,
            r#""aud":[null]"#,
            r#""aud":[["a"]]"#,
            r#""exp":"1""#,
            r#""exp":null"#,
            r#""nbf":true"#,
            r#""iat":"1""#,
            r#""jti":7"#,
        ] {
            assert!(parse(&format!("{{{member}}}")).is_none(), "{member}");
        }
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
