//! What holds for every input, tried on many.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails should say where"
)]

mod challenges;
mod credentials;
mod mcp_lists;
mod mcp_rules;

use std::sync::LazyLock;

use jwt_verify::{Algorithm, JwkSet, TrustedIssuer, VerificationKey, Verifier, test_hooks};
use jwt_verify_tests::{AUDIENCE, SigningKey, TestClock, Token};
use proptest::prelude::*;
use serde_json::{Map, Value};

const ISSUER: &str = "https://issuer.example";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new(Algorithm::ES256, "k"));

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let key = VerificationKey::from_jwk(&KEY.jwk().to_string()).unwrap();
    Verifier::for_issuer(
        TrustedIssuer::new(ISSUER, AUDIENCE)
            .algorithms([Algorithm::ES256])
            .keys(JwkSet::new([key])),
    )
    .clock(TestClock::new())
    .build()
    .unwrap()
});

/// With keys at hand a verification never waits, so it needs no runtime.
fn verify(token: &[u8]) -> bool {
    let mut future = std::pin::pin!(VERIFIER.verify(token));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => result.is_ok(),
        std::task::Poll::Pending => unreachable!("the keys are at hand"),
    }
}

/// JSON of any shape, not deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(number.into())),
        any::<u64>().prop_map(|number| Value::Number(number.into())),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<String>().prop_map(Value::String),
        (0..4_000_000_000_u64).prop_map(|seconds| Value::Number(seconds.into())),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A name, often one that means something.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "alg", "kid", "typ", "cty", "crit", "b64",
        "zip", "enc", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "scope", "roles",
    ];
    prop_oneof![3 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => any::<String>()]
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    let text = prop_oneof![Just("RS256"), Just("ES256"), Just("none"), Just("JWT"), Just("x")];
    let value = prop_oneof![text.prop_map(|text| Value::String(text.to_owned())), json()];
    prop::collection::hash_map(name(), value, 0..8)
        .prop_map(|members| members.into_iter().collect())
}

/// Up to four pieces of JSON, each with the place where it is put and how much it replaces.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, &'static str)>> {
    const PIECES: &[&str] = &[
        "",
        " ",
        "\n",
        "\t",
        "\u{c}",
        "\u{1}",
        "\u{7f}",
        "é",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\\"",
        "\\u0041",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\x",
        "0",
        "00",
        "-",
        "-0",
        "1.",
        ".5",
        "1e5",
        "1e400",
        "+",
        "E-3",
        "18446744073709551616",
        "9999999999999999999",
        "true",
        "nul",
        "null",
        "\"a\":1,",
        "\"a\":1,\"\\u0061\":2",
        "{\"a\":",
        "[[[[[[[[",
        "\"$serde_json::private::RawValue\":\"{\"",
        "\"$serde_json::private::Number\":\"1\"",
    ];
    let edit = (any::<prop::sample::Index>(), 0..3_usize, prop::sample::select(PIECES));
    prop::collection::vec(edit, 0..4)
}

fn edited(text: &str, edits: &[(prop::sample::Index, usize, &str)]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for (place, replaced, piece) in edits {
        let start = place.index(characters.len() + 1);
        let end = (start + replaced).min(characters.len());
        characters.splice(start..end, piece.chars());
    }
    characters.into_iter().collect()
}

fn is_date(value: &Value) -> bool {
    value.as_f64().is_some_and(|seconds| (0.0..253_402_300_800.0).contains(&seconds))
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// A registered claim that is `null` is absent.
fn is_absent(name: &str, value: &Value) -> bool {
    value.is_null() && REGISTERED.contains(&name)
}

/// What the parser of claims adds to JSON: the types of the registered ones.
fn is_claims(members: &Map<String, Value>) -> bool {
    members.iter().all(|(name, value)| match name.as_str() {
        _ if is_absent(name, value) => true,
        "iss" | "sub" | "jti" => value.is_string(),
        "aud" => value.is_string() || is_texts(value),
        "exp" | "nbf" | "iat" => is_date(value),
        _ => true,
    })
}

/// What the parser of headers adds to JSON: a known algorithm, types, and nothing that would
/// change the meaning.
fn is_header(members: &Map<String, Value>) -> bool {
    let types = members.iter().all(|(name, value)| match name.as_str() {
        "kid" | "typ" | "cty" | "jku" | "x5u" | "x5t" | "x5t#S256" => value.is_string(),
        "x5c" => is_texts(value),
        "jwk" => value.is_object(),
        "crit" | "b64" | "zip" | "enc" => false,
        _ => true,
    });
    let algorithm = members.get("alg").and_then(Value::as_str);
    types && algorithm.is_some_and(|name| name.parse::<Algorithm>().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_anywhere_is_refused(subject in any::<String>(), position in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut token = Token::of(ISSUER).claim("sub", subject).sign(&KEY).into_bytes();
        prop_assert!(verify(&token));
        let position = position.index(token.len());
        token[position] ^= 1 << bit;
        prop_assert!(!verify(&token));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!verify(&bytes));
    }

    #[test]
    fn any_text_of_three_segments_is_refused(text in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(!verify(text.as_bytes()));
    }

    #[test]
    fn any_signed_header_and_payload_are_judged_without_a_panic(header in object(), payload in object()) {
        let token = jwt_verify_tests::sign(
            &KEY,
            Value::Object(header).to_string(),
            Value::Object(payload).to_string(),
        );
        // Accepting it would take the right issuer, audience and dates.
        prop_assert!(!verify(token.as_bytes()));
    }

    #[test]
    fn claims_survive_a_round_trip(members in object()) {
        let text = Value::Object(members.clone()).to_string();
        if let Ok(claims) = test_hooks::parse_claims(text.as_bytes()) {
            let back: Value = serde_json::from_str(&serde_json::to_string(&claims).unwrap()).unwrap();
            let members: Vec<_> =
                members.iter().filter(|(name, value)| !is_absent(name, value)).collect();
            for (name, value) in &members {
                let name = name.as_str();
                if matches!(name, "exp" | "nbf" | "iat") {
                    let difference = back[name].as_f64().unwrap() - value.as_f64().unwrap();
                    prop_assert!(difference.abs() < 0.001);
                } else {
                    prop_assert_eq!(&back[name], *value);
                }
            }
            prop_assert_eq!(back.as_object().unwrap().len(), members.len());
        }
    }

    #[test]
    fn the_parser_of_claims_agrees_with_serde_json_but_for_types(members in object()) {
        let text = Value::Object(members.clone()).to_string();
        prop_assert_eq!(test_hooks::parse_claims(text.as_bytes()).is_ok(), is_claims(&members), "{}", text);
    }

    #[test]
    fn the_parser_of_headers_agrees_with_serde_json_but_for_types(members in object()) {
        let text = Value::Object(members.clone()).to_string();
        prop_assert_eq!(test_hooks::parse_header(text.as_bytes()).is_ok(), is_header(&members), "{}", text);
    }

    #[test]
    fn a_document_is_read_as_serde_json_reads_it(value in json(), edits in edits()) {
        let text = edited(&value.to_string(), &edits);
        prop_assert_eq!(test_hooks::read_json(&text), test_hooks::read_json_by_serde(&text), "{}", text);
    }

    #[test]
    fn what_is_no_object_is_neither_header_nor_claims(value in json()) {
        let value = if value.is_object() { Value::Array(vec![value]) } else { value };
        prop_assert!(test_hooks::parse_claims(value.to_string().as_bytes()).is_err());
        prop_assert!(test_hooks::parse_header(value.to_string().as_bytes()).is_err());
    }

    #[test]
    fn a_member_that_appears_twice_is_refused(members in object(), first in json(), second in json()) {
        let mut text = Value::Object(members).to_string();
        text.pop();
        let comma = if text.len() > 1 { "," } else { "" };
        let text = format!(r#"{text}{comma}"twice":{first},"\u0074wice":{second}}}"#);
        prop_assert!(test_hooks::parse_claims(text.as_bytes()).is_err());
        prop_assert!(test_hooks::parse_header(text.as_bytes()).is_err());
    }

    #[test]
    fn any_document_is_a_key_set_or_not_without_a_panic(value in json()) {
        let set = JwkSet::from_json(value.to_string().as_bytes());
        let keys = value.get("keys").and_then(Value::as_array);
        prop_assert_eq!(set.is_ok(), keys.is_some());
        if let (Ok(set), Some(keys)) = (set, keys) {
            prop_assert!(set.keys().len() + set.skipped().len() <= keys.len());
        }
    }
}
