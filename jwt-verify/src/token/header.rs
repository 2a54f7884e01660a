//! The JOSE header (RFC 7515 §4).

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};

use crate::{
    Algorithm, InvalidTokenReason,
    json::{Object, Present, Strings, Text, Unique, set_once},
};

/// What a verifier needs to know of a header. Parameters that carry or point to keys (`jwk`, `jku`,
/// `x5u`, `x5c`) are checked for their type and otherwise not even remembered.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<Cow<'a, str>>,
    pub(crate) token_type: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    /// Reads a decoded header.
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, InvalidTokenReason> {
        let text = std::str::from_utf8(json).map_err(|_| InvalidTokenReason::Header)?;
        let raw: RawHeader<'a> =
            serde_json::from_str(text).map_err(|_| InvalidTokenReason::Header)?;
        if raw.unsupported {
            return Err(InvalidTokenReason::UnsupportedHeader);
        }
        let Some(Text(algorithm)) = raw.alg else { return Err(InvalidTokenReason::Header) };
        Ok(Self {
            algorithm: algorithm.parse().map_err(|_| InvalidTokenReason::Algorithm)?,
            key_id: raw.kid.map(|Text(kid)| kid),
            token_type: raw.typ.map(|Text(typ)| typ),
        })
    }
}

/// A media type in a `typ` parameter: compared without case and without an `application/` prefix
/// (RFC 7515 §4.1.9).
#[derive(Clone, Copy)]
pub(crate) struct TypeName<'a>(&'a str);

impl<'a> TypeName<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        const PREFIX: &str = "application/";
        match text.split_at_checked(PREFIX.len()) {
            Some((prefix, name)) if prefix.eq_ignore_ascii_case(PREFIX) => Self(name),
            _ => Self(text),
        }
    }

    pub(crate) fn is(self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }
}

#[derive(Default)]
struct RawHeader<'a> {
    alg: Option<Text<'a>>,
    kid: Option<Text<'a>>,
    typ: Option<Text<'a>>,
    unsupported: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for RawHeader<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = RawHeader<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JOSE header")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut header = RawHeader::default();
                let mut others = HashSet::new();
                while let Some(Text(name)) = map.next_key()? {
                    match &*name {
                        "alg" => set_once(&mut header.alg, &mut map)?,
                        "kid" => set_once(&mut header.kid, &mut map)?,
                        "typ" => set_once(&mut header.typ, &mut map)?,
                        other => {
                            match other {
                                "crit" | "b64" | "zip" | "enc" => {
                                    map.next_value::<Present>()?;
                                    header.unsupported = true;
                                }
                                "cty" | "jku" | "x5u" | "x5t" | "x5t#S256" => {
                                    map.next_value::<Text<'_>>()?;
                                }
                                "x5c" => {
                                    map.next_value::<Strings>()?;
                                }
                                "jwk" => {
                                    map.next_value::<Object>()?;
                                }
                                _ => {
                                    map.next_value::<Unique>()?;
                                }
                            }
                            if !others.insert(name) {
                                return Err(A::Error::custom("duplicate member"));
                            }
                        }
                    }
                }
                Ok(header)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> Option<InvalidTokenReason> {
        Header::parse(json.as_bytes()).err()
    }

    #[test]
    fn known_parameters_are_read_and_unknown_ones_ignored() {
        let header = Header::parse(
            br#"{"typ":"at+jwt","alg":"RS256","kid":"k\u0031","foo":1,"bar":{"a":[]},"x5t":"abc","jku":"https://evil.example"}"#,
        )
        .unwrap();
        assert_eq!(header.algorithm, Algorithm::RS256);
        assert_eq!(header.key_id.as_deref(), Some("k1"));
        assert_eq!(header.token_type.as_deref(), Some("at+jwt"));
    }

    #[test]
    fn alg_must_be_the_string_of_a_supported_algorithm() {
        for alg in ["null", "5", "[]", r#"["RS256"]"#, r#"{"RS256":null}"#] {
            let json = format!(r#"{{"alg":{alg}}}"#);
            assert_eq!(refusal(&json), Some(InvalidTokenReason::Header), "{json}");
        }
        for alg in
            ["", "none", "NONE", "rs256", " RS256", "ES512", "Ed25519", "x\\r\\nSet-Cookie: a=b"]
        {
            let json = format!(r#"{{"alg":"{alg}"}}"#);
            assert_eq!(refusal(&json), Some(InvalidTokenReason::Algorithm), "{json}");
        }
        assert_eq!(refusal("{}"), Some(InvalidTokenReason::Header));
    }

    #[test]
    fn what_would_change_the_meaning_of_the_token_is_refused() {
        for member in [
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""crit":"b64""#,
            r#""b64":false"#,
            r#""b64":true"#,
            r#""zip":"DEF""#,
            r#""enc":"A128GCM""#,
        ] {
            let json = format!(r#"{{"alg":"RS256",{member}}}"#);
            assert_eq!(refusal(&json), Some(InvalidTokenReason::UnsupportedHeader), "{json}");
        }
    }

    #[test]
    fn duplicates_wrong_types_and_other_documents_are_refused() {
        for json in [
            r#"{"alg":"none","alg":"RS256"}"#,
            r#"{"alg":"RS256","kid":"a","kid":"a"}"#,
            r#"{"alg":"RS256","\u006bid":"a","kid":"a"}"#,
            r#"{"alg":"RS256","foo":1,"foo":1}"#,
            r#"{"alg":"RS256","foo":{"a":1,"a":1}}"#,
            r#"{"alg":"RS256","crit":[],"crit":[]}"#,
            r#"{"alg":"RS256","kid":null}"#,
            r#"{"alg":"RS256","kid":5}"#,
            r#"{"alg":"RS256","typ":5}"#,
            r#"{"alg":"RS256","cty":{}}"#,
            r#"{"alg":"RS256","x5c":"abc"}"#,
            r#"{"alg":"RS256","jwk":"abc"}"#,
            r#"["RS256"]"#,
            r#""RS256""#,
            "null",
            "5",
            "",
            "{\"alg\":\"RS256\"}x",
            "\u{feff}{\"alg\":\"RS256\"}",
        ] {
            assert_eq!(refusal(json), Some(InvalidTokenReason::Header), "{json}");
        }
        assert_eq!(
            Header::parse(b"{\"alg\":\"RS256\",\"a\":\"\xff\"}").err(),
            Some(InvalidTokenReason::Header)
        );
    }

    #[test]
    fn a_type_name_ignores_case_and_the_application_prefix() {
        for name in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
            assert!(TypeName::new(name).is("at+jwt"), "{name}");
        }
        for name in ["at+jwt;v=1", "at+jwt ", "", "text/at+jwt", "application/application/at+jwt"] {
            assert!(!TypeName::new(name).is("at+jwt"), "{name}");
        }
    }
}
