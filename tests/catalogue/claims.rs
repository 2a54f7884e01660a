//! Claims that are missing, wrong, or of another type.

use std::time::Duration;

use jwt_verify::Algorithm;
use jwt_verify_tests::{START, SigningKey, sign};
use serde_json::{Value, json};

use super::*;

fn bench_with_leeway(seconds: u64) -> AttackBench {
    AttackBench::with(SigningKey::new(Algorithm::ES256, "good-key"), &[], |issuer| {
        issuer.leeway(Duration::from_secs(seconds))
    })
}

/// The good payload with one claim as this text, which need not be JSON that a value can hold.
fn raw(bench: &AttackBench, name: &str, text: &str) -> String {
    let payload =
        bench.bed.token().claim(name, "PLACEHOLDER").payload().replace("\"PLACEHOLDER\"", text);
    sign(&bench.bed.key, bench.bed.token().header_for(&bench.bed.key), payload)
}

#[test]
fn expiry() {
    for leeway in [0, 30] {
        let bench = bench_with_leeway(leeway);
        let at = |exp: u64| {
            bench.bed.token().claim("exp", exp).claim("iat", START - 1000).sign(&bench.bed.key)
        };
        let mut rows = vec![
            bench.row("CLM-01", "a second left", at(START - leeway + 1), Expected::Accepted),
            bench.row("CLM-02", "over just now", at(START - leeway), Expected::Expired),
            bench.row("CLM-01", "over for a second", at(START - leeway - 1), Expected::Expired),
        ];
        rows.push(bench.row(
            "CLM-03",
            "missing",
            bench.bed.token().without("exp").sign(&bench.bed.key),
            Expected::Invalid,
        ));
        for text in [
            "null",
            "\"9999999999\"",
            "\"\"",
            "true",
            "[]",
            "{}",
            "-1",
            "-0.5",
            "1e400",
            "1e20",
            "1e300",
            "9007199254740993",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "NaN",
            "\"1e10\"",
        ] {
            rows.push(bench.row("CLM-04", text, raw(&bench, "exp", text), Expected::Invalid));
        }
        for text in ["1e10", "1800000300.5", "1.8000003e9", "253402300799"] {
            rows.push(bench.row("CLM-04", text, raw(&bench, "exp", text), Expected::Accepted));
        }
        for text in ["0", "0.5"] {
            let payload =
                bench.bed.token().without("iat").claim("exp", "X").payload().replace("\"X\"", text);
            let token = sign(&bench.bed.key, bench.bed.token().header_for(&bench.bed.key), payload);
            rows.push(bench.row("CLM-04", text, token, Expected::Expired));
        }
        bench.play(&rows);
    }
}

#[test]
fn beginnings() {
    let bench = bench_with_leeway(30);
    let mut rows = Vec::new();
    for (id, name) in [("CLM-05", "nbf"), ("CLM-06", "iat")] {
        for (seconds, expected) in [
            (START, Expected::Accepted),
            (START + 30, Expected::Accepted),
            (START + 31, Expected::Invalid),
            (0, Expected::Accepted),
        ] {
            let token = bench.bed.token().without("iat").claim(name, seconds).sign(&bench.bed.key);
            rows.push(bench.row(id, format!("{name} {seconds}"), token, expected));
        }
        rows.push(bench.row(
            id,
            format!("{name} null"),
            raw(&bench, name, "null"),
            Expected::Accepted,
        ));
        for text in ["\"1\"", "true", "1e400", "-1", "[]", "18446744073709551616"] {
            rows.push(bench.row(
                id,
                format!("{name} {text}"),
                raw(&bench, name, text),
                Expected::Invalid,
            ));
        }
    }
    rows.push(bench.row(
        "CLM-06",
        "missing",
        bench.bed.token().without("iat").sign(&bench.bed.key),
        Expected::Accepted,
    ));
    for name in ["iat", "nbf"] {
        let token = bench
            .bed
            .token()
            .without("iat")
            .claim(name, START + 20)
            .claim("exp", START + 10)
            .sign(&bench.bed.key);
        rows.push(bench.row("CLM-07", name, token, Expected::Invalid));
    }
    bench.play(&rows);
}

#[test]
fn lifetimes_and_clients_that_are_restricted() {
    let key = SigningKey::new(Algorithm::ES256, "good-key");
    let bench =
        AttackBench::with(key, &[], |issuer| issuer.max_lifetime(Duration::from_secs(3600)));
    let until = |exp: u64| bench.bed.token().claim("exp", exp).sign(&bench.bed.key);
    bench.play(&[
        bench.row("CLM-08", "an hour", until(START + 3600), Expected::Accepted),
        bench.row("CLM-08", "and a second", until(START + 3601), Expected::Invalid),
        bench.row("CLM-08", "ten years", until(START + 315_360_000), Expected::Invalid),
        bench.row(
            "CLM-08",
            "from nobody knows when",
            bench.bed.token().without("iat").sign(&bench.bed.key),
            Expected::Invalid,
        ),
    ]);
}

#[test]
fn audiences() {
    let bench = bench_with_leeway(60);
    let ours = jwt_verify_tests::AUDIENCE;
    let mut rows = vec![
        bench.row(
            "CLM-20",
            "missing",
            bench.bed.token().without("aud").sign(&bench.bed.key),
            Expected::Invalid,
        ),
        bench.row(
            "CLM-22",
            "one of several",
            bench.bed.token().claim("aud", json!(["other", ours])).sign(&bench.bed.key),
            Expected::Accepted,
        ),
        bench.row(
            "CLM-23",
            "the issuer",
            bench.bed.token().claim("aud", bench.bed.issuer.url()).sign(&bench.bed.key),
            Expected::Invalid,
        ),
        bench.row(
            "TYP-07",
            "a client",
            bench.bed.token().claim("aud", "client-1").sign(&bench.bed.key),
            Expected::Invalid,
        ),
    ];
    for value in [
        json!(null),
        json!(5),
        json!(true),
        json!({}),
        json!([ours, 1]),
        json!([null]),
        json!([[ours]]),
    ] {
        rows.push(bench.row(
            "CLM-20",
            value.to_string(),
            bench.bed.token().claim("aud", value).sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    for value in [
        json!(""),
        json!([]),
        json!([""]),
        json!(format!("{ours} ")),
        json!(ours.to_uppercase()),
        json!(format!("{ours}/")),
        json!(&ours[..ours.len() - 1]),
        json!(format!("{ours},other")),
        json!(format!("{ours} other")),
    ] {
        rows.push(bench.row(
            "CLM-21",
            value.to_string(),
            bench.bed.token().claim("aud", value).sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    bench.play(&rows);
}

#[test]
fn issuers() {
    let bench = bench_with_leeway(60);
    let ours = bench.bed.issuer.url().to_owned();
    let with = |value: Value| bench.bed.token().claim("iss", value).sign(&bench.bed.key);
    let mut rows = vec![
        bench.row(
            "CLM-24",
            "missing",
            bench.bed.token().without("iss").sign(&bench.bed.key),
            Expected::Invalid,
        ),
        bench.row(
            "ISS-03",
            "a stranger with keys",
            with(json!(bench.trap.url())),
            Expected::Invalid,
        ),
    ];
    for value in [json!(null), json!(5), json!({}), json!(true)] {
        rows.push(bench.row("CLM-24", value.to_string(), with(value), Expected::Invalid));
    }
    for value in [json!([ours]), json!(["https://evil.example", ours]), json!([])] {
        rows.push(bench.row("CLM-25", value.to_string(), with(value), Expected::Invalid));
    }
    for value in [
        format!("{ours}/"),
        ours.to_uppercase(),
        ours.replace("http:", "https:"),
        format!("{ours}%2F"),
        format!("{ours}.evil.example"),
        ours.replace("://", "://user@"),
        ours[..ours.len() - 1].to_owned(),
        format!(" {ours}"),
        format!("{ours}#"),
        ours.replace("127.0.0.1", "localhost"),
        "iss".to_owned(),
        String::new(),
    ] {
        rows.push(bench.row("CLM-26", value.clone(), with(json!(value)), Expected::Invalid));
    }
    for value in [
        format!("{ours}#https://evil.example"),
        format!("{ours}|good-key"),
        format!("{ours}\u{0}"),
        format!("{ours}:x@evil"),
    ] {
        rows.push(bench.row("ISS-05", value.clone(), with(json!(value)), Expected::Invalid));
    }
    let escaped = format!("\"{}\"", ours.replace('/', "\\/"));
    rows.push(bench.row(
        "CLM-27",
        "escaped slashes",
        raw(&bench, "iss", &escaped),
        Expected::Accepted,
    ));
    bench.play(&rows);
}

#[test]
fn subjects_and_bindings() {
    let bench = bench_with_leeway(60);
    let with = |name: &str, value: Value| bench.bed.token().claim(name, value).sign(&bench.bed.key);
    let mut rows = vec![
        bench.row(
            "CLM-28",
            "missing",
            bench.bed.token().without("sub").sign(&bench.bed.key),
            Expected::Accepted,
        ),
        bench.row("CLM-28", "empty", with("sub", json!("")), Expected::Accepted),
        bench.row("CLM-28", "long", with("sub", json!("s".repeat(8000))), Expected::Accepted),
        bench.row(
            "CLM-28",
            "line feeds",
            with("sub", json!("a\r\ninjected: yes\u{0}")),
            Expected::Accepted,
        ),
        bench.row(
            "LEK-03",
            "escapes",
            with("sub", json!("\u{1b}[31m${jndi:ldap://x}{}")),
            Expected::Accepted,
        ),
    ];
    for value in [json!(5), json!([]), json!({}), json!(true)] {
        rows.push(bench.row("CLM-28", value.to_string(), with("sub", value), Expected::Invalid));
    }
    for value in [json!(5), json!([])] {
        rows.push(bench.row("REV-08", value.to_string(), with("jti", value), Expected::Invalid));
    }
    // As absent, which both may be.
    for (id, name) in [("CLM-28", "sub"), ("REV-08", "jti")] {
        rows.push(bench.row(id, "null", with(name, json!(null)), Expected::Accepted));
    }
    for value in [
        json!({"foo": "x"}),
        json!("x"),
        json!({"jkt": 5}),
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!(null),
        json!({}),
    ] {
        rows.push(bench.row("CLM-32", value.to_string(), with("cnf", value), Expected::Invalid));
    }
    let mark = log::mark();
    bench.play(&rows);
    assert!(!log::since(mark).contains("injected"));
}
