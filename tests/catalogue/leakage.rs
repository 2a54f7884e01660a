//! What must not be seen: nothing of a token, of a key or of what an upstream says, in any response
//! or log.

use jwt_verify::{
    Algorithm, AuthError, JwkSet, JwksProvider, JwtAuth, Secret, TrustedIssuer, VerificationKey,
    VerifiedClaims, extract::CookieExtractor,
};
use jwt_verify_tests::{AUDIENCE, Answer, SigningKey};
use serde::Deserialize;
use serde_json::json;

use super::*;

/// No eight bytes of the secret, wherever they begin, are in the text.
fn assert_absent(text: &str, secret: &str, place: &str) {
    assert_eq!(log::piece(text, [secret], 8), None, "in {place}");
}

/// The parts of a token that are its own: two tokens have the same header.
fn own_parts(token: &str) -> Vec<&str> {
    token.split('.').skip(1).collect()
}

/// LEK-01: a token without a scheme is named in the log, and answered as none.
#[test]
fn nothing_of_a_token_without_a_scheme_is_seen() {
    let bench = AttackBench::new(Algorithm::RS256);
    let claim = "Lw3Xn7Qe5Vr1Ty9Ub";
    let token = bench.bed.token().claim("sub", claim).sign(&bench.bed.key);
    let ask = |value: &str| {
        let mark = log::mark();
        let answer = bench.api.get("/protected").header("authorization", value).send();
        assert_eq!((answer.status, answer.challenge()), (401, Some("Bearer")), "{value}");
        let log = log::since(mark);
        for part in own_parts(&token) {
            assert_absent(&answer.everything(), part, "a response");
            assert_absent(&log, part, "the log");
        }
        log.contains(r#"code="missing_token" reason="missing_scheme""#)
    };
    assert!(ask(&token));
    // The log is that of all tests of the process: another one may have asked in that way.
    for other in [format!("Token {token}"), format!("{token}.x")] {
        ask(&other);
    }
}

/// LEK-01, LEK-03, LEK-04: eight bytes are too many.
#[test]
fn nothing_of_a_token_is_seen() {
    let bench = AttackBench::new(Algorithm::RS256);
    let claim = "Zq7Xw9Kp2Lm4Vt6Yb8Nc1Rd3Sf5Gh0Jk";
    let marked =
        bench.bed.token().claim("sub", claim).claim("jti", claim).claim("roles", json!([claim]));
    let impostor = SigningKey::new(Algorithm::RS256, "good-key");
    let hostile = "\u{1b}[31m\r\n${jndi:ldap://x}{}%n%s";
    let tokens = [
        marked.sign(&impostor),
        marked.clone().claim("exp", 1).without("iat").sign(&bench.bed.key),
        marked.clone().claim("aud", claim).sign(&bench.bed.key),
        marked.clone().claim("iss", claim).sign(&bench.bed.key),
        marked.clone().header("kid", claim).sign(&bench.bed.key),
        marked.clone().header("typ", claim).sign(&bench.bed.key),
        marked.clone().header("crit", json!([claim])).sign(&bench.bed.key),
        marked.clone().claim("sub", hostile).claim("jti", hostile).sign(&impostor),
        marked.clone().header("kid", hostile).sign(&bench.bed.key),
        marked.clone().claim("nbf", claim).sign(&bench.bed.key),
        marked.sign(&bench.bed.key),
    ];
    let (mut seen, mark) = (String::new(), log::mark());
    for token in &tokens {
        let response = bench.api.get("/protected").bearer(token).send();
        if response.status != 200 {
            seen += &response.everything();
        }
        seen += &bench.api.get("/read").bearer(token).send().everything();
        seen += &bench
            .api
            .get("/protected")
            .header("authorization", format!("Bearer {token}, x"))
            .send()
            .everything();
    }
    let log = log::since(mark);
    assert!(log.contains("refused a request"));
    for token in &tokens {
        for part in own_parts(token) {
            assert_absent(&seen, part, "a response");
            assert_absent(&log, part, "the log");
        }
    }
    for text in [&seen, &log] {
        assert_absent(text, claim, "a response or the log");
        assert!(!text.contains("jndi") && !text.contains('\u{1b}'));
    }
}

/// LEK-02: an algorithm's name with a line break reaches neither a header nor a line of its own.
#[test]
fn a_line_break_in_a_name_stays_where_it_is() {
    let bench = AttackBench::new(Algorithm::ES256);
    let names = ["x\r\nSet-Cookie: a=b", "none\r\n\r\n<html>", "ES256\u{0}"];
    let rows: Vec<Row> = names
        .into_iter()
        .map(|name| {
            let token = bench.bed.token().header("alg", name).sign(&bench.bed.key);
            bench.row("LEK-02", "alg", token, Expected::Invalid)
        })
        .collect();
    let mark = log::mark();
    bench.play(&rows);
    assert!(!log::since(mark).contains("Set-Cookie: a=b"));
}

/// Keys, their names, and the words of an upstream.
#[test]
fn nothing_of_a_key_or_of_an_upstream_is_seen() {
    let bench = AttackBench::new(Algorithm::RS256);
    let words = "Wh4tTheUpstr3amSaysIsN0tForAnybody";
    let key = SigningKey::new(Algorithm::RS256, "k1dThatN0bodyShouldSee");
    let jwk = key.jwk();
    let mut odd = jwk.clone();
    odd["d"] = words.into();
    let (mut seen, mark) = (String::new(), log::mark());
    for answer in [
        Answer::json(&json!({"keys": [bench.bed.key.jwk(), jwk, odd]})),
        Answer::json(&json!({"error": words})),
        Answer::Full {
            status: 500,
            headers: vec![("x-upstream".into(), words.into()), ("server".into(), words.into())],
            body: words.into(),
        },
        Answer::status(302).with_header("location", &format!("https://{words}.example/")),
        Answer::Full { status: 200, headers: Vec::new(), body: format!("<html>{words}").into() },
        Answer::Raw(format!("{words}\r\n\r\n").into()),
        Answer::json(&json!({"keys": [{"kty": words, "kid": words}]})),
    ] {
        bench.bed.issuer.answer_keys(answer);
        bench.bed.clock.advance(std::time::Duration::from_secs(100));
        let stranger =
            bench.bed.token().header("kid", "unknown").claim("exp", jwt_verify_tests::START + 9000);
        seen += &bench.api.get("/protected").bearer(stranger.sign(&key)).send().everything();
        seen += &bench.api.get("/health/ready").send().everything();
    }
    let log = log::since(mark);
    assert!(log.contains("could not fetch the key set"));
    for text in [&seen, &log] {
        assert_absent(text, words, "a response or the log");
        assert_absent(text, "k1dThatN0bodyShouldSee", "a response or the log");
        for member in ["n", "kid"] {
            assert_absent(text, jwk[member].as_str().unwrap(), "a response or the log");
            assert_absent(
                text,
                bench.bed.key.jwk()["n"].as_str().unwrap(),
                "a response or the log",
            );
        }
    }
}

/// LEK-05, LEK-12: what holds a secret does not show it.
#[test]
fn what_holds_a_secret_does_not_show_it() {
    let words = "c0rrectH0rseBatterySt4pleOfEnoughBytes";
    let secret = Secret::from(words);
    let key = VerificationKey::from_secret(Algorithm::HS256, &secret).unwrap();
    let pem_like = VerificationKey::from_pem(Algorithm::RS256, words.as_bytes()).unwrap_err();
    let url = format!("https://issuer.example/jwks?code={words}");
    let proxy = format!("http://user:{words}@127.0.0.1:1");
    let builder = JwksProvider::builder(url.clone()).proxy(proxy).cache_integrity_key(words);
    let shown_builder = format!("{builder:?}");
    let provider = builder.build().unwrap();
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new("https://issuer.example", AUDIENCE).keys(provider.clone()),
    );
    let userinfo = JwksProvider::builder(format!("https://user:{words}@issuer.example/")).build();
    let shown = [
        format!("{secret:?}"),
        format!("{key:?}"),
        format!("{:?}", JwkSet::single(key)),
        format!("{pem_like} {pem_like:?}"),
        format!("{provider:?}"),
        format!("{:?}", auth.build().unwrap()),
        format!("{:?}", userinfo.unwrap_err()),
        format!("{:?}", CookieExtractor::new("access")),
        shown_builder,
    ];
    for text in &shown {
        assert_absent(text, words, "a Debug or Display");
    }
}

/// LEK-06: what is wrong with a token is nobody's business but the operator's.
#[test]
fn refusals_of_different_kinds_look_alike() {
    let bench = AttackBench::new(Algorithm::ES256);
    let impostor = SigningKey::new(Algorithm::ES256, "good-key");
    let answers: Vec<String> = [
        bench.bed.token().header("kid", "unknown").sign(&bench.bed.key),
        bench.bed.token().sign(&impostor),
        bench.bed.token().claim("aud", "other").sign(&bench.bed.key),
        bench.bed.token().claim("iss", "other").sign(&bench.bed.key),
        bench.bed.token().header("typ", "other").sign(&bench.bed.key),
        bench.bed.token().claim("nbf", jwt_verify_tests::START + 900).sign(&bench.bed.key),
        "x.y.z".to_owned(),
    ]
    .iter()
    .map(|token| {
        let everything = bench.api.get("/protected").bearer(token).send().everything();
        let mut lines: Vec<&str> =
            everything.lines().filter(|line| !line.starts_with("date:")).collect();
        // The order of header fields says nothing.
        lines.sort_unstable();
        lines.join("\n")
    })
    .collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
}

/// LEK-09: claims of another shape than the application expects are the token's fault.
#[test]
fn claims_of_another_shape_are_the_tokens_fault() {
    #[derive(Debug, Deserialize)]
    struct Employee {
        #[expect(dead_code, reason = "it is there to be missing")]
        department: String,
    }
    let bench = AttackBench::new(Algorithm::ES256);
    let runtime = actix_web::rt::System::new();
    let verifier = bench.verifier();
    let claims = runtime.block_on(verifier.verify(bench.good())).unwrap();
    let error: AuthError =
        claims.parse::<Employee>().map(|_: VerifiedClaims<Employee>| ()).unwrap_err();
    assert_eq!((error.code(), error.reason()), ("invalid_token", "claims_shape"));
}
