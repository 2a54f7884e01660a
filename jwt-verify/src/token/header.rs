//! The JOSE header (RFC 7515 §4).

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;

use super::decode_exact;
use crate::{
    algorithm::{Algorithm, registered_name},
    error::InvalidTokenReason,
    json::{Json, JsonDocument},
    mix::mix,
};

/// The header parameters that a verifier needs. Parameters that contain or refer to keys (`jwk`,
/// `jku`, `x5u`, `x5c`) are checked for their type; only `jwk` of a proof of possession can be
/// read.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    document: JsonDocument,
    key_id: Option<usize>,
    token_type: Option<usize>,
}

impl Header {
    /// Reads the first segment of a token.
    pub(crate) fn decode(segment: &[u8]) -> Result<Self, InvalidTokenReason> {
        Self::parse(decode_exact(segment).ok_or(InvalidTokenReason::Malformed)?)
    }

    /// Reads a decoded header.
    pub(crate) fn parse(json: Vec<u8>) -> Result<Self, InvalidTokenReason> {
        let text = String::from_utf8(json).map_err(|_| InvalidTokenReason::Header)?;
        let document = JsonDocument::parse(text).map_err(|_| InvalidTokenReason::Header)?;
        if !document.root().is_object() {
            return Err(InvalidTokenReason::Header);
        }
        let (mut algorithm, mut key_id, mut token_type) = (None, None, None);
        let mut is_supported = true;
        for (name, value) in document.root().members() {
            let is_right = match name {
                "alg" | "kid" | "typ" | "cty" | "jku" | "x5u" | "x5t" | "x5t#S256" => {
                    value.is_string()
                }
                "x5c" => value.is_array() && value.elements().all(Json::is_string),
                "jwk" => value.is_object(),
                _ => true,
            };
            if !is_right {
                return Err(InvalidTokenReason::Header);
            }
            match name {
                "alg" => algorithm = value.as_str(),
                "kid" => key_id = Some(value.place()),
                "typ" => token_type = Some(value.place()),
                // Parameters that would change the meaning of the token.
                "crit" | "b64" | "zip" | "enc" => is_supported = false,
                _ => {}
            }
        }
        if !is_supported {
            return Err(InvalidTokenReason::UnsupportedHeader);
        }
        let name = algorithm.ok_or(InvalidTokenReason::Header)?;
        let algorithm = name.parse().map_err(|_| {
            registered_name(name)
                .map_or(InvalidTokenReason::Algorithm, InvalidTokenReason::AlgorithmNotAccepted)
        })?;
        Ok(Self { algorithm, document, key_id, token_type })
    }

    /// Returns the name of the key, `kid`.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.document.at(self.key_id?).as_str()
    }

    /// Returns the key that a DPoP proof is signed with, `jwk`, as JSON (RFC 9449 §4.2). It does
    /// not identify the sender: no other kind of token may carry its own key.
    pub(crate) fn proof_key(&self) -> Option<&str> {
        self.document.root().get("jwk").map(Json::raw)
    }

    /// Returns the declared type of the token, `typ`.
    pub(crate) fn token_type(&self) -> Option<&str> {
        self.document.at(self.token_type?).as_str()
    }
}

/// Headers of accepted tokens. All tokens of an issuer have the same, so most headers need not be
/// parsed again.
///
/// Only a verified token stores its header here, and the whole segment is compared.
#[derive(Default)]
pub(crate) struct KnownHeaders([ArcSwapOption<KnownHeader>; 8]);

struct KnownHeader {
    segment: Box<[u8]>,
    header: Arc<Header>,
}

impl KnownHeaders {
    /// Returns the header of a segment that was [kept](Self::keep).
    pub(crate) fn find(&self, segment: &[u8]) -> Option<Arc<Header>> {
        let known = self.slot(segment)?.load();
        let known = known.as_ref().filter(|known| *known.segment == *segment)?;
        Some(known.header.clone())
    }

    /// Keeps a header, possibly replacing another one.
    pub(crate) fn insert(&self, segment: &[u8], header: Arc<Header>) {
        if let Some(slot) = self.slot(segment) {
            slot.store(Some(Arc::new(KnownHeader { segment: segment.into(), header })));
        }
    }

    /// Headers of one size differ in the name of the key, often the last member.
    fn slot(&self, segment: &[u8]) -> Option<&ArcSwapOption<KnownHeader>> {
        let half = |half: Option<&[u8; 8]>| half.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let (front, end) = segment.split_last_chunk().unzip();
        let sum = half(end).wrapping_add(half(front.and_then(<[u8]>::last_chunk)));
        let mixed = mix(sum) >> 32;
        self.0.get(usize::try_from(mixed).unwrap_or_default() % self.0.len())
    }
}

/// Omits the content.
impl fmt::Debug for KnownHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownHeaders").finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> Option<InvalidTokenReason> {
        Header::parse(json.into()).err()
    }

    #[test]
    fn known_parameters_are_read_and_unknown_ones_ignored() {
        let header = Header::parse(
            br#"{"typ":"at+jwt","alg":"RS256","kid":"k\u0031","foo":1,"bar":{"a":[]},"x5t":"abc","jku":"https://evil.example"}"#
                .to_vec(),
        )
        .unwrap();
        assert_eq!(header.algorithm, Algorithm::RS256);
        assert_eq!(header.key_id(), Some("k1"));
        assert_eq!(header.token_type(), Some("at+jwt"));
    }

    #[test]
    fn alg_must_be_the_string_of_a_supported_algorithm() {
        for alg in ["null", "5", "[]", r#"["RS256"]"#, r#"{"RS256":null}"#] {
            let json = format!(r#"{{"alg":{alg}}}"#);
            assert_eq!(refusal(&json), Some(InvalidTokenReason::Header), "{json}");
        }
        for alg in ["none", "Ed448", "RSA-OAEP"] {
            let json = format!(r#"{{"alg":"{alg}"}}"#);
            let named = InvalidTokenReason::AlgorithmNotAccepted(alg);
            assert_eq!(refusal(&json), Some(named), "{json}");
        }
        for alg in ["", "NONE", "rs256", " RS256", "x\\r\\nSet-Cookie: a=b"] {
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
            Header::parse(b"{\"alg\":\"RS256\",\"a\":\"\xff\"}".to_vec()).err(),
            Some(InvalidTokenReason::Header)
        );
    }

    #[test]
    fn a_known_header_is_found_by_all_of_its_segment() {
        let known = KnownHeaders::default();
        let header = |kid: &str| {
            Arc::new(Header::parse(format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#).into()).unwrap())
        };
        assert!(known.find(b"one").is_none());
        known.insert(b"one", header("one"));
        assert_eq!(known.find(b"one").unwrap().key_id(), Some("one"));
        for other in [&b"onf"[..], b"on", b"one.", b""] {
            assert!(known.find(other).is_none());
        }
        // More than the capacity.
        for number in 0..100 {
            let segment = format!("a rather long segment {number}");
            known.insert(segment.as_bytes(), header(&segment));
            assert_eq!(known.find(segment.as_bytes()).unwrap().key_id(), Some(&*segment));
        }
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
