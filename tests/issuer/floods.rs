//! What strangers can cause.

use jwt_verify_tests::Answer;

use super::*;

/// Tokens that name keys nobody has.
fn flood(bed: &IssuerBed, number: usize) -> Vec<u16> {
    let stranger = key("stranger");
    (0..number)
        .map(|index| {
            let token =
                Token::of(bed.issuer.url()).header("kid", format!("k{index}")).sign(&stranger);
            bed.status_of(&token)
        })
        .collect()
}

/// CCH-06
#[test]
fn unknown_keys_cause_few_fetches_and_do_not_keep_a_rotation_out() {
    let (old, new) = (key("old"), key("new"));
    let bed = IssuerBed::new(&[&old]);
    assert_eq!(bed.status(&old), 200);
    // 401 is for keys that the issuer was asked for. A table of attacks would have it for all; but of
    // the others nothing is known, and one of them may be the next.
    let (asked, put_off) = (vec![401; 2], vec![429; 298]);
    assert_eq!(flood(&bed, 300), [asked, put_off].concat());
    assert_eq!(bed.issuer.key_fetches(), 3);
    assert_eq!(bed.status(&old), 200);

    bed.issuer.publish(&[&old, &new]);
    assert_eq!(bed.status(&new), 429);
    bed.advance(30);
    assert_eq!(bed.status(&new), 200);
    assert_eq!(bed.issuer.key_fetches(), 4);
}

/// CCH-08
#[test]
fn an_unknown_key_is_asked_for_once() {
    let known = key("known");
    let bed = IssuerBed::new(&[&known]);
    assert_eq!(bed.status(&known), 200);
    let stranger = key("stranger");
    for _ in 0..5 {
        assert_eq!(bed.status(&stranger), 401);
    }
    assert_eq!(bed.issuer.key_fetches(), 2);
    bed.issuer.publish(&[&known, &stranger]);
    bed.advance(29);
    assert_eq!(bed.status(&stranger), 401);
    bed.advance(1);
    assert_eq!(bed.status(&stranger), 200);
}

/// CCH-20
#[test]
fn bad_signatures_under_a_known_key_cause_one_fetch() {
    let known = key("k");
    let bed = IssuerBed::new(&[&known]);
    assert_eq!(bed.status(&known), 200);
    let impostor = key("k");
    for _ in 0..10 {
        assert_eq!(bed.status(&impostor), 401);
    }
    assert_eq!(bed.issuer.key_fetches(), 2);
    assert_eq!(bed.status(&known), 200);
}

/// CCH-09
#[test]
fn a_token_that_no_key_could_make_good_causes_no_fetch() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    let good = || Token::of(bed.issuer.url());
    for token in [
        good().claim("iss", "https://evil.example").sign(&key),
        good().claim("aud", "other").sign(&key),
        good().claim("exp", 1).without("iat").sign(&key),
        good().without("exp").sign(&key),
        good().header("alg", "HS256").sign(&key),
        good().header("crit", serde_json::json!(["x"])).sign(&key),
        good().header("typ", "dpop+jwt").sign(&key),
        good().header("jku", "https://evil.example").claim("cnf", "x").sign(&key),
        "a.b.c".to_owned(),
    ] {
        assert_eq!(bed.status_of(&token), 401);
    }
    assert_eq!(bed.issuer.all_fetches(), 0);
}

#[test]
fn key_urls_in_a_token_are_never_asked() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    let trap = FakeIssuer::start(&[&key]);
    for name in ["jku", "x5u"] {
        let token = Token::of(bed.issuer.url()).header(name, trap.jwks_uri());
        assert_eq!(bed.status_of(&token.sign(&key)), 200);
        assert_eq!(bed.status_of(&token.header("kid", "other").sign(&key)), 401);
    }
    assert_eq!(trap.all_fetches(), 0);
}

/// CCH-07, CCH-17
#[test]
fn a_flood_while_the_issuer_fails_does_not_touch_the_keys() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    assert_eq!(bed.status(&key), 200);
    bed.issuer.answer_keys(Answer::status(500));
    // Whether a key exists is not known while the issuer fails.
    assert!(flood(&bed, 50).iter().all(|status| *status == 503));
    assert!(bed.issuer.key_fetches() <= 3, "{}", bed.issuer.key_fetches());
    assert_eq!(bed.status(&key), 200);
}

/// CCH-04, CCH-05: ten thousand keys that nobody has. They cost no memory, and a rotation in their
/// midst is noticed.
#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_unknown_keys() {
    // What other tests of this process need would be counted too.
    if std::env::var_os(ALONE).is_none() {
        let arguments = ["--exact", "floods::ten_thousand_unknown_keys", "--nocapture"];
        let executable = std::env::current_exe().unwrap();
        let status =
            std::process::Command::new(executable).args(arguments).env(ALONE, "1").status();
        assert!(status.unwrap().success());
        return;
    }
    let (old, new) = (key("old"), key("new"));
    let bed = IssuerBed::new(&[&old]);
    assert_eq!(bed.status(&old), 200);
    let good = Token::of(bed.issuer.url()).sign(&old);
    let unsigned = Token::of(bed.issuer.url()).header("alg", "ES256").sign(&old);
    let (_, rest) = unsigned.split_once('.').unwrap();
    let hostile = |number: usize| {
        let header = format!(r#"{{"alg":"ES256","kid":"{number}"}}"#);
        format!("{}.{rest}", jwt_verify_tests::base64url(header))
    };
    // The first thousand fill what has a bound.
    let mut before = 0;
    for number in 0..10_000 {
        if number == 1000 {
            before = resident_bytes();
        }
        if number == 5000 {
            bed.issuer.publish(&[&old, &new]);
        }
        // The issuer was asked for the first two of them.
        assert_eq!(bed.status_of(&hostile(number)), if number < 2 { 401 } else { 429 });
        if number % 1000 == 0 {
            assert_eq!(bed.status_of(&good), 200);
        }
    }
    assert!(bed.issuer.key_fetches() <= 3, "{}", bed.issuer.key_fetches());
    let growth = resident_bytes().saturating_sub(before);
    assert!(growth < 8 * 1024 * 1024, "{growth} bytes");
    bed.advance(30);
    assert_eq!((bed.status(&new), bed.issuer.key_fetches()), (200, 4));
}

#[cfg(target_os = "linux")]
const ALONE: &str = "JWT_VERIFY_TESTS_ALONE";

#[cfg(target_os = "linux")]
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

/// The issuer has put another key in the place of the one that is known; a stranger knows neither.
#[test]
fn a_replaced_key_does_not_vouch_for_a_stranger() {
    let (old, new) = (key("k"), key("k"));
    let bed = IssuerBed::new(&[&old]);
    assert_eq!(bed.status(&old), 200);
    bed.issuer.publish(&[&new]);
    assert_eq!(bed.status(&key("k")), 401);
    assert_eq!(bed.issuer.key_fetches(), 2);
    assert_eq!(bed.status(&new), 200);
}

/// A forged token that would be refused anyway causes nothing.
#[test]
fn a_bad_signature_on_a_token_that_is_over_causes_no_fetch() {
    let known = key("k");
    let bed = IssuerBed::new(&[&known]);
    assert_eq!(bed.status(&known), 200);
    let over = Token::of(bed.issuer.url()).claim("iat", 1).claim("exp", 2);
    for _ in 0..3 {
        assert_eq!(bed.status_of(&over.clone().sign(&key("k"))), 401);
    }
    assert_eq!(bed.issuer.key_fetches(), 1);
}
