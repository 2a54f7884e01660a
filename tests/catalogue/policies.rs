//! What is a matter of policy: which key of several, which scope, which client, which settings.

use std::time::Duration;

use jwt_verify::{
    Algorithm, ClaimsMapping, JwtAuth, Requirement, Secret, TrustedIssuer, VerificationKey,
    Verifier,
    extract::{CookieExtractor, FirstOf, QueryExtractor},
};
use jwt_verify_tests::{AUDIENCE, SigningKey, base64url};
use serde_json::{Value, json};

use super::*;

fn es256(id: &str) -> SigningKey {
    SigningKey::new(Algorithm::ES256, id)
}

fn named(key: &SigningKey, kid: &str) -> Value {
    let mut jwk = key.jwk();
    jwk["kid"] = kid.into();
    jwk
}

/// A token without `kid` finds every key that fits, if there are four at most.
#[test]
fn a_token_without_kid() {
    let bench = AttackBench::new(Algorithm::ES256);
    bench.play(&[bench.row(
        "KID-06",
        "one candidate",
        bench.bed.token().without_kid().sign(&bench.bed.key),
        Expected::Accepted,
    )]);
    let others = ["second", "third", "fourth", "fifth"].map(es256);
    for (more, expected) in
        [(2, Expected::Accepted), (3, Expected::Accepted), (4, Expected::Invalid)]
    {
        let published: Vec<Value> = others.iter().take(more).map(SigningKey::jwk).collect();
        let bench = AttackBench::with(es256("good-key"), &published, |issuer| issuer);
        let stranger = es256("good-key");
        let unnamed = |key| bench.bed.token().without_kid().sign(key);
        let row =
            |key, expected| bench.row("KID-07", format!("{more} more"), unnamed(key), expected);
        let mut rows = vec![row(&bench.bed.key, expected), row(&stranger, Expected::Invalid)];
        rows.extend(others.iter().take(more).map(|key| row(key, expected)));
        bench.play(&rows);
    }
}

#[test]
fn two_keys_under_one_kid() {
    let ec = es256("same");
    let rsa = SigningKey::new(Algorithm::RS256, "same");
    let bench = AttackBench::with(es256("good-key"), &[ec.jwk(), rsa.jwk()], |issuer| {
        issuer.algorithms([Algorithm::ES256, Algorithm::RS256])
    });
    bench.play(&[
        bench.row("KID-08", "the curve's", bench.bed.token().sign(&ec), Expected::Accepted),
        bench.row("KID-08", "the other", bench.bed.token().sign(&rsa), Expected::Accepted),
    ]);
    // Four of one name are tried; more are ambiguous, and none is used.
    for (count, expected) in
        [(2, Expected::Accepted), (4, Expected::Accepted), (5, Expected::Invalid)]
    {
        let keys: Vec<SigningKey> = (0..count).map(|_| es256("same")).collect();
        let published: Vec<Value> = keys.iter().map(SigningKey::jwk).collect();
        let bench = AttackBench::with(es256("good-key"), &published, |issuer| issuer);
        let row = |key, expected| {
            bench.row("KID-09", format!("of {count}"), bench.bed.token().sign(key), expected)
        };
        let stranger = es256("same");
        let mut rows = vec![row(&stranger, Expected::Invalid)];
        rows.extend(keys.iter().map(|key| row(key, expected)));
        bench.play(&rows);
    }
}

#[test]
fn keys_of_other_lengths_are_skipped() {
    for length in [0, 5, 31, 33, 64] {
        let odd =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "odd", "x": base64url(vec![9; length])});
        let key = SigningKey::new(Algorithm::EdDSA, "good-key");
        let bench = AttackBench::with(key, &[odd], |issuer| issuer);
        let token = bench.bed.token().header("kid", "odd").sign(&bench.bed.key);
        bench.play(&[bench.row("KQ-05", length.to_string(), token, Expected::Invalid)]);
        assert_eq!(bench.skipped(), 1, "KQ-05 {length}");
    }
}

/// EC points that are none, and RSA numbers that nobody should compute with: the key is skipped, and
/// the others stay.
#[test]
fn numbers_that_are_no_key_are_skipped() {
    let good = es256("odd").jwk();
    let other = es256("other").jwk();
    let ec =
        |x: Value, y: Value| json!({"kty": "EC", "crv": "P-256", "kid": "odd", "x": x, "y": y});
    let rsa = |n: String| json!({"kty": "RSA", "kid": "odd", "e": "AQAB", "n": n});
    let mut even = vec![0xff; 256];
    even[255] = 0xfe;
    let prime = {
        let mut p = vec![0xff; 32];
        p[4..8].fill(0);
        p[7] = 1;
        p[8..20].fill(0);
        p
    };
    for (id, what, jwk) in [
        ("KQ-04", "not on the curve", ec(good["x"].clone(), other["y"].clone())),
        ("KQ-04", "the origin", ec(base64url([0; 32]).into(), base64url([0; 32]).into())),
        ("KQ-04", "x is p", ec(base64url(&prime).into(), good["y"].clone())),
        ("KQ-04", "31 bytes", ec(base64url([9; 31]).into(), good["y"].clone())),
        ("KQ-04", "33 bytes", ec(base64url([0; 33]).into(), good["y"].clone())),
        ("KQ-04", "nothing", ec("".into(), "".into())),
        ("KQ-04", "compressed", ec(format!("02{}", good["x"]).into(), Value::Null)),
        ("KQ-03", "even", rsa(base64url(&even))),
        ("KQ-03", "zero", rsa(base64url([0]))),
        ("KQ-03", "nothing", rsa(String::new())),
        ("KQ-03", "zeros before a short one", rsa(base64url([[0; 128], [0xff; 128]].concat()))),
        ("KQ-03", "16384 bits", rsa(base64url(vec![0xff; 2048]))),
        ("KQ-03", "100 kilobytes", rsa(base64url(vec![0xff; 100_000]))),
    ] {
        let bench = AttackBench::with(es256("good-key"), &[jwk], |issuer| {
            issuer.algorithms([Algorithm::ES256, Algorithm::RS256])
        });
        assert_eq!((bench.skipped(), bench.usable()), (1, 1), "{id} {what}");
        let token = bench.bed.token().header("kid", "odd").sign(&bench.bed.key);
        bench.play(&[bench.row(id, what, token, Expected::Invalid)]);
    }
}

/// A key that is what it says but on another curve than it says is not used.
#[test]
fn a_key_on_another_curve_than_it_says_is_skipped() {
    let mut odd = SigningKey::new(Algorithm::ES384, "odd").jwk();
    odd["crv"] = "P-256".into();
    let bench =
        AttackBench::with(es256("good-key"), &[odd, named(&es256("x"), "fine")], |issuer| issuer);
    assert_eq!((bench.skipped(), bench.usable()), (1, 2), "KEY-09");
}

#[test]
fn only_tags_of_full_length() {
    let secret = b"a secret of at least thirty-two bytes";
    let key = SigningKey::from_secret(Algorithm::HS256, "good-key", secret);
    let verification =
        VerificationKey::from_secret(Algorithm::HS256, &Secret::new(&secret[..])).unwrap();
    let bench = AttackBench::with_secret(key, verification);
    let good = bench.good();
    let (input, tag) = good.rsplit_once('.').unwrap();
    let tag =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, tag).unwrap();
    let mut rows: Vec<Row> = [1, 8, 16, 31]
        .into_iter()
        .map(|length| {
            let token = format!("{input}.{}", base64url(&tag[..length]));
            bench.row("SIG-10", length.to_string(), token, Expected::Invalid)
        })
        .collect();
    for (what, more) in [("a zero", &[0][..]), ("twice", &tag)] {
        let token = format!("{input}.{}", base64url([&tag, more].concat()));
        rows.push(bench.row("SIG-10", what, token, Expected::Invalid));
    }
    rows.push(bench.row("SIG-10", "nothing", format!("{input}."), Expected::Invalid));
    bench.play(&rows);
}

#[test]
fn scopes_compare_word_by_word() {
    let bench = AttackBench::with(es256("good-key"), &[], |issuer| {
        issuer.claims_mapping(ClaimsMapping::default().scopes_as_permissions(true))
    });
    let with = |scope: Value| bench.bed.token().claim("scope", scope).sign(&bench.bed.key);
    let status = |scope: Value| bench.api.get("/read").bearer(with(scope)).send();
    for scope in ["read", "read write", "write  read", "write read "] {
        assert_eq!(status(json!(scope)).status, 200, "CLM-29 {scope}");
    }
    for scope in ["readwrite", "read:all", "Read", "write\tread", "", "write", "read,write"] {
        let refused = status(json!(scope));
        assert_eq!(refused.status, 403, "CLM-29, CLM-30 {scope}");
        let challenge = refused.challenge().unwrap();
        assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        assert!(challenge.contains(r#"scope="read""#), "{challenge}");
        assert_eq!(refused.headers("www-authenticate").len(), 1, "EXT-20");
        assert_eq!(refused.header("cache-control"), Some("no-store"), "EXT-20");
    }
    let capital = bench.bed.token().claim("Scope", "read").sign(&bench.bed.key);
    assert_eq!(bench.api.get("/read").bearer(capital).send().status, 403, "CLM-29");
}

#[test]
fn only_listed_clients() {
    let strict = |claim: &str, value: &str| {
        let bench = AttackBench::with_control(
            es256("good-key"),
            |token| token.claim("azp", "ours"),
            |issuer| issuer.allowed_clients(["ours"]),
        );
        let token = bench.bed.token().claim(claim, value).sign(&bench.bed.key);
        let nobody = bench.bed.token().sign(&bench.bed.key);
        bench.play(&[
            bench.row("CLM-31", "another", token, Expected::Invalid),
            bench.row("CLM-31", "none", nobody, Expected::Invalid),
        ]);
    };
    for claim in ["azp", "client_id", "appid", "cid"] {
        strict(claim, "theirs");
    }
}

#[test]
fn a_token_for_another_purpose() {
    let bench = AttackBench::new(Algorithm::ES256);
    let rows: Vec<Row> = [
        bench.bed.token().header("typ", "csrf+jwt"),
        bench.bed.token().header("typ", "state+jwt"),
        bench.bed.token().header("typ", "email-verification+jwt"),
        bench.bed.token().claim("aud", "email-verification"),
        bench.bed.token().without("aud"),
    ]
    .into_iter()
    .map(|token| bench.row("TYP-06", "ours", token.sign(&bench.bed.key), Expected::Invalid))
    .collect();
    bench.play(&rows);
}

#[test]
fn more_than_one_way_to_present_a_token() {
    let sources = || {
        FirstOf::bearer()
            .or(CookieExtractor::new("__Host-access"))
            .or(QueryExtractor::new("access_token"))
            .exclusive()
    };
    let bench = AttackBench::with_settings(es256("good-key"), |auth| auth.extractor(sources()));
    let (good, other) = (bench.good(), bench.bed.token().claim("sub", "bob").sign(&bench.bed.key));
    let row = |id, what: &str, request: Request, expected| Row {
        id,
        what: what.into(),
        request,
        secret: String::new(),
        expected,
    };
    let get = |path: &str| bench.api.get(path);
    let (same, different) = (format!("__Host-access={good}"), format!("__Host-access={other}"));
    let query = format!("/protected?access_token={good}");
    let (in_query, twice) = (query.as_str(), format!("{query}&access_token={good}"));
    bench.play(&[
        row("EXT-09", "cookie", get("/protected").header("cookie", &same), Expected::Accepted),
        row(
            "EXT-09",
            "the same twice",
            get("/protected").bearer(&good).header("cookie", &same),
            Expected::BadRequest,
        ),
        row(
            "EXT-09",
            "two",
            get("/protected").bearer(&good).header("cookie", &different),
            Expected::BadRequest,
        ),
        row("EXT-10", "query", get(in_query), Expected::Accepted),
        row("EXT-10", "both", get(in_query).bearer(&good), Expected::BadRequest),
        row("EXT-10", "two parameters", get(&twice), Expected::BadRequest),
        row(
            "EXT-14",
            "another name",
            get("/protected").header("cookie", format!("access={good}; host-access={good}")),
            Expected::Missing,
        ),
    ]);
    // Where nothing else was asked for, nothing else is looked at.
    let bench = AttackBench::new(Algorithm::ES256);
    let query = format!("/protected?access_token={}", bench.good());
    bench.play(&[
        row("EXT-10", "not asked for", bench.api.get(&query), Expected::Missing),
        row(
            "EXT-10",
            "beside the field",
            bench.api.get("/protected?access_token=x").bearer(bench.good()),
            Expected::Accepted,
        ),
    ]);
}

#[test]
fn settings_that_are_no_policy_stop_the_start() {
    let issuer = || TrustedIssuer::new("https://issuer.example", AUDIENCE);
    for (id, issuer) in [
        ("ALG-10", issuer().algorithms([])),
        ("ALG-10", issuer().algorithms([Algorithm::HS256, Algorithm::RS256])),
        ("ALG-10", issuer().algorithms([Algorithm::ES256, Algorithm::HS512])),
        ("CLM-09", issuer().leeway(Duration::MAX)),
        ("CLM-09", issuer().leeway(Duration::from_secs(365 * 24 * 3600))),
        ("CLM-31", issuer().allowed_clients(Vec::<String>::new())),
    ] {
        assert!(Verifier::for_issuer(issuer).build().is_err(), "{id}");
    }
    for (algorithm, bytes) in [
        (Algorithm::HS256, 31),
        (Algorithm::HS384, 47),
        (Algorithm::HS512, 63),
        (Algorithm::HS256, 0),
    ] {
        let secret = Secret::new(vec![7; bytes]);
        assert!(VerificationKey::from_secret(algorithm, &secret).is_err(), "KEY-06 {algorithm}");
    }
    let requirement = Requirement::permissions(Vec::<String>::new());
    assert!(format!("{requirement:?}").contains("permissions"));
    assert!(JwtAuth::builder("", AUDIENCE).build().is_err());
}

/// CLM-10: whatever the clock says, nothing panics, and what it says counts.
#[test]
fn clocks_that_are_wrong() {
    let bench = AttackBench::new(Algorithm::ES256);
    let start = jwt_verify_tests::START;
    let status = |token: &str| bench.api.get("/protected").bearer(token).send().status;
    let (good, later) = (
        bench.good(),
        bench
            .bed
            .token()
            .claim("iat", 2_147_483_648_u64)
            .claim("exp", 2_147_484_000_u64)
            .sign(&bench.bed.key),
    );
    for (now, of_good, of_later) in [
        (0, 401, 401),
        (start - 3600, 401, 401),
        (start + 3600, 401, 401),
        (2_147_483_647, 401, 200),
        (2_147_483_649, 401, 200),
        (start, 200, 401),
    ] {
        bench.bed.clock.set_wall(now);
        assert_eq!((status(&good), status(&later)), (of_good, of_later), "CLM-10 {now}");
    }
}
