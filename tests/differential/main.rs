//! The same tokens through us and through npm's `jose`. Where the two differ, the reason is stated,
//! and the difference must really be there.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test that fails should say where"
)]

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use jwt_verify::{Algorithm, JwkSet, TrustedIssuer, VerificationKey, Verifier};
use jwt_verify_tests::{AUDIENCE, START, SigningKey, TestClock, Token, base64url, compact, sign};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example/";
const LEEWAY: u64 = 60;

/// A token, whether it is good, and why `jose` sees it otherwise if it does.
struct Case {
    name: String,
    token: String,
    good: bool,
    differs: Option<&'static str>,
}

/// What `jose` does not ask, by design or because it leaves it to the application.
const NO_DUPLICATES: &str = "JSON.parse takes the last of two members; we refuse both";
const NO_TYPES: &str = "the type of a token is looked at only on request";
const NO_BINDING: &str = "a `cnf` claim is left to the application";
const NO_IAT: &str = "an `iat` in the future matters only together with a greatest age";
const NO_ORDER: &str = "dates that contradict each other are not compared";
const NO_KIND: &str = "claims that mark another kind of token are not looked at";
const NO_RANGE: &str = "a date beyond the year 9999 is a date";
const NO_HEADER_TYPES: &str = "parameters that are not used are not looked at";
const B64: &str = "`b64` without `crit` is not looked at";

fn cases(key: &SigningKey) -> Vec<Case> {
    let token = || Token::of(ISSUER);
    let signed = |token: Token| token.sign(key);
    let raw = |header: String, payload: String| sign(key, header, payload);
    let header = token().header_for(key);
    let payload = token().payload();
    let insert = |text: &str, members: &str| text.replacen('{', &format!("{{{members},"), 1);
    let mut cases = Vec::new();
    let mut add = |name: &str, token: String, good: bool, differs: Option<&'static str>| {
        cases.push(Case { name: format!("{} {name}", key.id()), token, good, differs });
    };

    add("as it is", signed(token()), true, None);
    add(
        "without kid",
        raw(json!({"alg": key.algorithm().name()}).to_string(), payload.clone()),
        true,
        None,
    );
    add("one of two audiences", signed(token().claim("aud", json!(["x", AUDIENCE]))), true, None);
    add("fraction of a second", signed(token().claim("exp", 1_800_000_000.5)), true, None);
    add("unknown header member", signed(token().header("x", json!({"a": [1]}))), true, None);
    add(
        "escaped alg",
        raw(
            header.replace(
                key.algorithm().name(),
                &format!(
                    "\\u{:04x}{}",
                    key.algorithm().name().as_bytes()[0],
                    &key.algorithm().name()[1..]
                ),
            ),
            payload.clone(),
        ),
        true,
        None,
    );
    add("at+jwt", signed(token().header("typ", "at+jwt")), true, None);
    add("jku", signed(token().header("jku", "https://evil.example")), true, None);

    add("expired", signed(token().claim("exp", START - LEEWAY)), false, None);
    add(
        "nearly expired",
        signed(token().claim("exp", START - LEEWAY + 1).claim("iat", START - 100)),
        true,
        None,
    );
    add("no exp", signed(token().without("exp")), false, None);
    add("exp text", signed(token().claim("exp", "9999999999")), false, None);
    add("exp null", signed(token().claim("exp", Value::Null)), false, None);
    add("exp far", signed(token().claim("exp", 999_999_999_999_u64)), false, Some(NO_RANGE));
    add("nbf ahead", signed(token().claim("nbf", START + LEEWAY + 1)), false, None);
    add("nbf within leeway", signed(token().claim("nbf", START + LEEWAY)), true, None);
    add("nbf text", signed(token().claim("nbf", "1")), false, None);
    add("iat ahead", signed(token().claim("iat", START + LEEWAY + 1)), false, Some(NO_IAT));
    add("iat text", signed(token().claim("iat", "1")), false, None);
    add(
        "ends before it begins",
        signed(token().claim("exp", START - 1).claim("nbf", START).without("iat")),
        false,
        Some(NO_ORDER),
    );

    add("other issuer", signed(token().claim("iss", "https://evil.example/")), false, None);
    add("no issuer", signed(token().without("iss")), false, None);
    add("issuer list", signed(token().claim("iss", json!([ISSUER]))), false, None);
    add(
        "issuer without slash",
        signed(token().claim("iss", "https://issuer.example")),
        false,
        None,
    );
    add("other audience", signed(token().claim("aud", "x")), false, None);
    add("no audience", signed(token().without("aud")), false, None);
    add("empty audience list", signed(token().claim("aud", json!([]))), false, None);
    add("audience number", signed(token().claim("aud", 5)), false, None);
    add("cnf", signed(token().claim("cnf", json!({"jkt": "x"}))), false, Some(NO_BINDING));
    add("ID token", signed(token().claim("at_hash", "x")), false, Some(NO_KIND));
    add("typ of a proof", signed(token().header("typ", "dpop+jwt")), false, Some(NO_TYPES));
    add("typ number", signed(token().header("typ", 5)), false, Some(NO_HEADER_TYPES));

    add("unknown kid", signed(token().header("kid", "x")), false, None);
    add("kid number", signed(token().header("kid", 5)), false, None);
    add("crit", signed(token().header("crit", json!(["x"])).header("x", 1)), false, None);
    add("crit empty", signed(token().header("crit", json!([]))), false, None);
    add("b64", signed(token().header("b64", false)), false, Some(B64));
    add("alg none", compact(r#"{"alg":"none"}"#, &payload, &[]), false, None);
    add(
        "alg of a MAC",
        {
            let mac = SigningKey::from_secret(
                Algorithm::HS256,
                key.id(),
                key.jwk().to_string().as_bytes(),
            );
            token().sign(&mac)
        },
        false,
        None,
    );
    add(
        "duplicate claim",
        raw(header.clone(), insert(&payload, r#""sub":"mallory""#)),
        false,
        Some(NO_DUPLICATES),
    );
    add(
        "duplicate header member",
        raw(insert(&header, r#""kid":"x""#), payload.clone()),
        false,
        Some(NO_DUPLICATES),
    );
    add("payload list", raw(header.clone(), format!("[{payload}]")), false, None);
    add("payload text", raw(header.clone(), "\"x\"".into()), false, None);
    add(
        "BOM",
        raw(header.clone(), format!("\u{feff}{payload}")),
        false,
        Some("TextDecoder removes a byte order mark"),
    );
    add("trailing text", raw(header.clone(), format!("{payload}x")), false, None);
    add("header list", raw(format!("[{header}]"), payload.clone()), false, None);

    let good = signed(token());
    let parts: Vec<&str> = good.split('.').collect();
    let other = signed(token().claim("sub", "mallory"));
    let others: Vec<&str> = other.split('.').collect();
    add("other payload", [parts[0], others[1], parts[2]].join("."), false, None);
    add("no signature", format!("{}.{}.", parts[0], parts[1]), false, None);
    add("two segments", format!("{}.{}", parts[0], parts[1]), false, None);
    add("four segments", format!("{good}.{}", parts[2]), false, None);
    add(
        "zero signature",
        format!("{}.{}.{}", parts[0], parts[1], base64url(vec![0; 64])),
        false,
        None,
    );
    add("space at the end", format!("{good} "), false, Some("white space in base64url is skipped"));
    add("padding", format!("{good}="), false, None);
    add("standard alphabet", format!("{}.{}.+{}", parts[0], parts[1], &parts[2][1..]), false, None);
    cases
}

fn ours(key: &SigningKey, cases: &[Case]) -> Vec<bool> {
    let imported = VerificationKey::from_jwk(&key.jwk().to_string()).unwrap();
    let verifier = Verifier::for_issuer(
        TrustedIssuer::new(ISSUER, AUDIENCE)
            .algorithms([key.algorithm()])
            .keys(JwkSet::new([imported])),
    )
    .clock(TestClock::new())
    .build()
    .unwrap();
    let runtime = actix_web::rt::System::new();
    cases.iter().map(|case| runtime.block_on(verifier.verify(&case.token)).is_ok()).collect()
}

fn theirs(key: &SigningKey, cases: &[Case]) -> Vec<bool> {
    let mut node = Command::new("node")
        .arg("differential/verify.mjs")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    for case in cases {
        let line = json!({
            "token": case.token, "keys": [key.jwk()], "issuer": ISSUER, "audience": AUDIENCE,
            "algorithms": [key.algorithm().name()], "now": START, "leeway": LEEWAY,
        });
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line == "true").collect()
}

#[test]
#[ignore = "needs Node.js from 24.7 on and jose: ./tests/run.sh"]
fn jose_agrees_or_the_difference_is_known() {
    let mut wrong = Vec::new();
    for algorithm in [
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::ES512,
        Algorithm::EdDSA,
        Algorithm::Ed25519,
        Algorithm::MlDsa65,
    ] {
        let key = SigningKey::new(algorithm, algorithm.name());
        let cases = cases(&key);
        let (ours, theirs) = (ours(&key, &cases), theirs(&key, &cases));
        assert_eq!(ours.len(), theirs.len());
        for ((case, ours), theirs) in cases.iter().zip(ours).zip(theirs) {
            let expected = if case.differs.is_some() { !case.good } else { case.good };
            if ours != case.good || theirs != expected {
                wrong.push(format!("{}: ours {ours}, theirs {theirs}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
