use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;
use crate::algorithm::Algorithm;

const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
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
        assert!(set.select(KeyQuery::new(Some("good"), Algorithm::EdDSA)).is_some());
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
    assert!(
        set.select(KeyQuery::new(Some("a"), Algorithm::EdDSA)).unwrap().supports(Algorithm::EdDSA)
    );
    assert!(
        set.select(KeyQuery::new(Some("a"), Algorithm::ES256)).unwrap().supports(Algorithm::ES256)
    );
    for kid in ["A", "a ", "", "c"] {
        assert!(set.select(KeyQuery::new(Some(kid), Algorithm::EdDSA)).is_none(), "{kid:?}");
    }
    assert!(set.select(KeyQuery::new(Some("b"), Algorithm::ES256)).is_none());
}

/// The keys that are tried one after the other.
fn tried(set: &JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Vec<Arc<VerificationKey>> {
    let (mut tried, wanted) = (Vec::new(), KeyQuery::new(kid, algorithm));
    while let Some(key) = set.select(KeyQuery { exclude: &tried, ..wanted }) {
        tried.push(key.clone());
    }
    tried
}

/// Different Ed25519 keys.
fn points(count: usize) -> Vec<String> {
    let points = (2..=255).map(|byte| URL_SAFE_NO_PAD.encode([byte; 32]));
    let points: Vec<String> =
        points.filter(|x| VerificationKey::from_jwk(&ed("a", x)).is_ok()).take(count).collect();
    assert_eq!(points.len(), count);
    points
}

fn nameless(x: &str) -> String {
    ed("a", x).replace(r#""kid":"a","#, "")
}

#[test]
fn without_a_kid_every_key_that_fits_is_tried_but_four_at_most() {
    let ec = format!("{{{EC}}}");
    let set_of = |count| {
        let keys: Vec<String> =
            points(count).iter().enumerate().map(|(n, x)| ed(&n.to_string(), x)).collect();
        set(&keys.iter().chain([&ec]).map(|key| &**key).collect::<Vec<_>>())
    };
    for (count, expected) in [(1, 1), (2, 2), (4, 4), (5, 0), (9, 0)] {
        let set = set_of(count);
        assert_eq!(tried(&set, None, Algorithm::EdDSA).len(), expected, "{count}");
        assert_eq!(tried(&set, None, Algorithm::ES256).len(), 1);
        assert!(set.skipped().is_empty() && set.keys().len() == count + 1);
    }
    // One key under two names is one to try.
    let names: Vec<String> = (0..9).map(|n| ed(&n.to_string(), ED_A)).collect();
    let names = set(&names.iter().map(|key| &**key).collect::<Vec<_>>());
    assert_eq!(tried(&names, None, Algorithm::EdDSA).len(), 1);
}

#[test]
fn a_key_without_kid_serves_where_no_key_has_the_kid_of_the_token() {
    let ec = format!(r#"{{{EC},"kid":"a"}}"#);
    let set = set(&[&ed("b", ED_B), &nameless(ED_A), &ec]);
    let tried = |kid, algorithm| tried(&set, kid, algorithm).len();
    assert_eq!(tried(Some("x"), Algorithm::EdDSA), 1);
    assert_eq!(set.select(KeyQuery::new(Some("x"), Algorithm::EdDSA)).unwrap().id(), None);
    assert_eq!(set.select(KeyQuery::new(Some("b"), Algorithm::EdDSA)).unwrap().id(), Some("b"));
    assert_eq!(tried(Some("b"), Algorithm::EdDSA), 1);
    assert_eq!(tried(None, Algorithm::EdDSA), 2);
    // A key of that name, for another algorithm; an empty name; no key that fits.
    assert_eq!(tried(Some("a"), Algorithm::EdDSA), 0);
    assert_eq!(tried(Some(""), Algorithm::EdDSA), 0);
    assert_eq!(tried(Some("x"), Algorithm::ES256), 0);
}

#[test]
fn of_keys_without_kid_four_are_tried_at_most() {
    for (count, expected) in [(4, 4), (5, 0)] {
        let keys: Vec<String> = points(count).iter().map(|x| nameless(x)).collect();
        let set = set(&keys.iter().map(|key| &**key).collect::<Vec<_>>());
        for kid in [None, Some("x")] {
            assert_eq!(tried(&set, kid, Algorithm::EdDSA).len(), expected, "{count} {kid:?}");
        }
    }
}

#[test]
fn a_single_key_is_taken_whatever_the_token_calls_it() {
    let key = || VerificationKey::from_jwk(&ed("a", ED_A)).unwrap();
    for kid in [None, Some("a"), Some("b"), Some("")] {
        assert!(JwkSet::single(key()).select(KeyQuery::new(kid, Algorithm::EdDSA)).is_some());
        assert!(JwkSet::single(key()).select(KeyQuery::new(kid, Algorithm::ES256)).is_none());
    }
    assert!(JwkSet::new([key()]).select(KeyQuery::new(Some("b"), Algorithm::EdDSA)).is_none());
}

#[test]
fn four_keys_of_one_kid_are_tried_and_more_are_ambiguous() {
    let ec = format!(r#"{{{EC},"kid":"a"}}"#);
    for (count, expected) in [(2, 2), (4, 4), (5, 0), (6, 0)] {
        let keys: Vec<String> = points(count).iter().map(|x| ed("a", x)).collect();
        let other = [ed("b", ED_B), nameless(ED_A), ec.clone()];
        let set = set(&keys.iter().chain(&other).map(|key| &**key).collect::<Vec<_>>());
        // Too many keys of a name are still keys of that name: none without one takes their place.
        assert_eq!(tried(&set, Some("a"), Algorithm::EdDSA).len(), expected, "{count}");
        assert_eq!(tried(&set, Some("a"), Algorithm::ES256).len(), 1);
        assert_eq!(tried(&set, Some("b"), Algorithm::EdDSA).len(), 1);
        assert_eq!(set.skipped(), vec![InvalidKeyError::Ambiguous; count - expected]);
    }
}

#[test]
fn a_key_that_is_there_twice_is_one_for_the_algorithms_of_both() {
    let rsa = |more: &str| format!(r#"{{"kty":"RSA","kid":"r","e":"AQAB","n":"{RSA_N}"{more}}}"#);
    let (plain, rs256) = (rsa(""), rsa(r#","alg":"RS256","use":"sig""#));
    let (ps256, zeros) =
        (rsa(r#","alg":"PS256""#), rsa(r#","use":null"#).replace("AQAB", "AAEAAQ"));
    for (keys, supported) in [
        (&[&*plain, &rs256][..], 6),
        (&[&rs256, &plain], 6),
        (&[&rs256, &zeros], 6),
        (&[&rs256, &rs256], 1),
        (&[&rs256, &ps256, &rs256], 2),
    ] {
        let set = set(keys);
        assert_eq!((set.keys().len(), set.skipped()), (1, &[][..]), "{keys:?}");
        let fits = |algorithm| set.select(KeyQuery::new(Some("r"), algorithm)).is_some();
        assert_eq!(Algorithm::ALL.into_iter().filter(|one| fits(*one)).count(), supported);
        assert_eq!(set.algorithms().iter().count(), supported);
    }
    // For encryption it is another entry, which takes nothing away and adds nothing.
    let both = set(&[&rs256, &rsa(r#","use":"enc""#)]);
    assert_eq!((both.keys().len(), both.skipped()), (1, &[InvalidKeyError::WrongUse][..]));
    assert!(both.select(KeyQuery::new(Some("r"), Algorithm::PS256)).is_none());
    // Under two names it is two keys.
    assert_eq!(set(&[&ed("a", ED_A), &ed("b", ED_A)]).keys().len(), 2);
}

#[test]
fn the_reasons_are_counted() {
    let skipped = set(&["5", r#"{"kty":"AKP"}"#, "6", &ed("a", ED_A)]);
    let health = skipped.health();
    assert_eq!((health.keys, health.rejected_keys), (1, 3));
    let counted = [(InvalidKeyError::Malformed, 2), (InvalidKeyError::Unsupported, 1)];
    assert_eq!(health.rejected, counted);
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
