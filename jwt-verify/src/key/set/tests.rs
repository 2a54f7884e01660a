use super::*;

const ED_A: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED_B: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";
const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

fn ed(kid: &str, x: &str) -> String {
    format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#)
}

fn set(keys: &[&str]) -> JwkSet {
    JwkSet::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
}

#[test]
fn one_odd_entry_never_breaks_the_others() {
    let good = ed("good", ED_A);
    for odd in ["null", "\"x\"", "5", "[]", "{}", r#"{"kty":"AKP"}"#, r#"{"kty":"RSA","kid":5}"#] {
        let set = set(&[odd, &good]);
        assert_eq!(set.keys().len(), 1, "{odd}");
        assert_eq!(set.skipped().len(), 1, "{odd}");
        assert!(set.select(Some("good"), Algorithm::EdDSA).is_some());
    }
}

#[test]
fn other_documents_are_no_key_set() {
    for document in [
        "",
        "[]",
        "null",
        "{}",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        "[[{}]]",
        r#"{"keys":[]"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]}x"#,
        "<html></html>",
        "\u{feff}{\"keys\":[]}",
    ] {
        assert_eq!(
            JwkSet::from_json(document.as_bytes()).err(),
            Some(JwkSetError::Malformed),
            "{document}"
        );
    }
    assert_eq!(JwkSet::from_json(b"{\"keys\":[]\xff}").err(), Some(JwkSetError::Malformed));
    assert!(set(&[]).is_empty());
}

#[test]
fn the_limit_counts_all_entries() {
    let two = br#"{"keys":[null,null]}"#;
    assert!(JwkSet::from_json_with_limit(two, 2).is_ok());
    assert_eq!(JwkSet::from_json_with_limit(two, 1).err(), Some(JwkSetError::TooManyKeys));
}

#[test]
fn a_kid_selects_exactly_and_among_fitting_keys_only() {
    let ec = format!(r#"{{{EC},"kid":"a"}}"#);
    let set = set(&[&ed("a", ED_A), &ec, &ed("b", ED_B)]);
    assert!(set.select(Some("a"), Algorithm::EdDSA).unwrap().supports(Algorithm::EdDSA));
    assert!(set.select(Some("a"), Algorithm::ES256).unwrap().supports(Algorithm::ES256));
    for kid in ["A", "a ", "", "c"] {
        assert!(set.select(Some(kid), Algorithm::EdDSA).is_none(), "{kid:?}");
    }
    assert!(set.select(Some("b"), Algorithm::ES256).is_none());
}

#[test]
fn without_a_kid_only_a_single_candidate_is_taken() {
    let ec = format!("{{{EC}}}");
    let set = set(&[&ed("a", ED_A), &ec, &ed("b", ED_B)]);
    assert!(set.select(None, Algorithm::ES256).is_some());
    assert!(set.select(None, Algorithm::EdDSA).is_none());
    assert!(set.select(Some(""), Algorithm::ES256).is_none());
}

#[test]
fn a_single_key_is_taken_whatever_the_token_calls_it() {
    let key = || VerificationKey::from_jwk(&ed("a", ED_A)).unwrap();
    for kid in [None, Some("a"), Some("b"), Some("")] {
        assert!(JwkSet::single(key()).select(kid, Algorithm::EdDSA).is_some());
        assert!(JwkSet::single(key()).select(kid, Algorithm::ES256).is_none());
    }
    assert!(JwkSet::new([key()]).select(Some("b"), Algorithm::EdDSA).is_none());
}

#[test]
fn keys_that_cannot_be_told_apart_are_left_out_and_repeated_ones_kept_once() {
    let twice = set(&[&ed("a", ED_A), &ed("a", ED_B), &ed("b", ED_B)]);
    assert!(twice.select(Some("a"), Algorithm::EdDSA).is_none());
    assert!(twice.select(Some("b"), Algorithm::EdDSA).is_some());
    assert_eq!(twice.skipped(), [InvalidKeyError::Ambiguous; 2]);
    let repeated = set(&[&ed("a", ED_A), &ed("a", ED_A)]);
    assert!(repeated.select(Some("a"), Algorithm::EdDSA).is_some());
}

#[test]
fn debug_shows_no_key_material() {
    let shown = format!("{:?}", set(&[&ed("some-kid", ED_A)]));
    assert!(!shown.contains("11qY") && !shown.contains("some-kid"), "{shown}");
}

#[test]
fn a_set_says_how_it_is_and_never_changes() {
    let empty = set(&[]);
    assert!(empty.is_empty());
    assert_eq!(empty.health(), KeyHealth::default());
    let one = set(&[&ed("a", ED_A)]);
    assert!(!one.is_empty());
    assert_eq!(one.health(), KeyHealth { ready: true, keys: 1, ..KeyHealth::default() });
    assert_eq!((empty.generation(), one.generation()), (Some(0), Some(0)));
}

#[cfg(feature = "jwks")]
#[test]
fn a_set_that_lacks_a_key_or_has_another_in_its_place_does_not_keep_all() {
    let (a, b) = (ed("a", ED_A), ed("b", ED_B));
    let both = set(&[&a, &b]);
    assert!(both.keeps_all_of(&set(&[&a])) && both.keeps_all_of(&both));
    assert!(!set(&[&a]).keeps_all_of(&both));
    assert!(!set(&[&ed("a", ED_B)]).keeps_all_of(&set(&[&a])));
    assert!(!set(&[&ed("c", ED_A)]).keeps_all_of(&set(&[&a])));
}
