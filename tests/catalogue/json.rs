//! JSON that two parsers could read in two ways, or that is none.

use jwt_verify::Algorithm;
use jwt_verify_tests::sign;

use super::*;

/// The good payload with more text after its opening brace.
fn payload_with(bench: &AttackBench, members: &str) -> String {
    bench.bed.token().payload().replacen('{', &format!("{{{members},"), 1)
}

fn header_with(bench: &AttackBench, members: &str) -> String {
    bench.bed.token().header_for(&bench.bed.key).replacen('{', &format!("{{{members},"), 1)
}

#[test]
fn duplicate_members() {
    let bench = AttackBench::new(Algorithm::RS256);
    let mut rows = Vec::new();
    for (id, members) in [
        ("JSN-01", r#""alg":"none""#),
        ("JSN-01", r#""alg":"RS256""#),
        ("JSN-01", r#""\u0061lg":"RS256""#),
        ("JSN-02", r#""kid":"good-key""#),
        ("JSN-02", r#""typ":"JWT""#),
        ("JSN-02", r#""a":1,"a":1"#),
        ("JSN-02", r#""jku":"x","jku":"x""#),
        ("JSN-02", r#""a":{"b":1,"b":1}"#),
        ("JSN-02", r#""crit":[],"crit":[]"#),
    ] {
        let token = sign(&bench.bed.key, header_with(&bench, members), bench.bed.token().payload());
        rows.push(bench.row(id, members, token, Expected::Invalid));
    }
    let end = bench.bed.token().header_for(&bench.bed.key).replacen('}', r#","alg":"none"}"#, 1);
    rows.push(bench.row(
        "JSN-01",
        "at the end",
        sign(&bench.bed.key, end, bench.bed.token().payload()),
        Expected::Invalid,
    ));
    for (id, members) in [
        ("JSN-03", r#""exp":1"#),
        ("JSN-03", r#""exp":9999999999"#),
        ("JSN-03", r#""iss":"https://evil.example""#),
        ("JSN-03", r#""aud":"other""#),
        ("JSN-03", r#""sub":"mallory""#),
        ("JSN-03", r#""iat":1"#),
        ("JSN-03", r#""nbf":1,"nbf":1"#),
        ("JSN-03", r#""jti":"a","jti":"a""#),
        ("JSN-04", r#""scope":"read","scope":"admin""#),
        ("JSN-04", r#""roles":[],"roles":["admin"]"#),
        ("JSN-04", r#""a":{"b":[{"c":1,"c":2}]}"#),
        ("JSN-15", r#""\u0065xp":1"#),
        ("JSN-15", r#""\u0069ss":"x""#),
        ("JSN-15", r#""rol\u0065s":1,"roles":2"#),
    ] {
        let header = bench.bed.token().header_for(&bench.bed.key);
        let token = sign(&bench.bed.key, header, payload_with(&bench, members));
        rows.push(bench.row(id, members, token, Expected::Invalid));
    }
    bench.play(&rows);
}

#[test]
fn documents_that_are_no_objects() {
    let bench = AttackBench::new(Algorithm::RS256);
    let header = bench.bed.token().header_for(&bench.bed.key);
    let payload = bench.bed.token().payload();
    let exp = jwt_verify_tests::START + 600;
    let five = format!(
        r#"[{exp},0,"alice","{}","{}"]"#,
        bench.bed.issuer.url(),
        jwt_verify_tests::AUDIENCE
    );
    let mut rows = Vec::new();
    for (id, document) in [
        ("JSN-05", "[]"),
        ("JSN-05", "\"x\""),
        ("JSN-05", "1"),
        ("JSN-05", "null"),
        ("JSN-05", "true"),
        ("JSN-05", " "),
        ("JSN-06", five.as_str()),
    ] {
        rows.push(bench.row(
            id,
            document,
            sign(&bench.bed.key, &header, document),
            Expected::Invalid,
        ));
    }
    for document in ["[]", "[\"RS256\"]", "\"x\"", "null", "5", "RS256"] {
        rows.push(bench.row(
            "JSN-07",
            document,
            sign(&bench.bed.key, document, &payload),
            Expected::Invalid,
        ));
    }
    rows.push(bench.row(
        "JSN-08",
        "BOM, payload",
        sign(&bench.bed.key, &header, format!("\u{feff}{payload}")),
        Expected::Invalid,
    ));
    rows.push(bench.row(
        "JSN-08",
        "BOM, header",
        sign(&bench.bed.key, format!("\u{feff}{header}"), &payload),
        Expected::Invalid,
    ));
    for end in ["x", "{}", ",", "}", "\u{0}", "//"] {
        rows.push(bench.row(
            "JSN-13",
            end,
            sign(&bench.bed.key, &header, format!("{payload}{end}")),
            Expected::Invalid,
        ));
        rows.push(bench.row(
            "JSN-13",
            end,
            sign(&bench.bed.key, format!("{header}{end}"), &payload),
            Expected::Invalid,
        ));
    }
    let spaced = sign(&bench.bed.key, format!(" {header}\n"), format!("\t{payload} \r\n"));
    rows.push(bench.row("JSN-13", "white space", spaced, Expected::Accepted));
    bench.play(&rows);
}

#[test]
fn text_that_is_no_unicode() {
    let bench = AttackBench::new(Algorithm::RS256);
    let header = bench.bed.token().header_for(&bench.bed.key);
    let payload = bench.bed.token().payload();
    let mut rows = Vec::new();
    for bytes in [
        &[0xff][..],
        &[0xc0, 0x80],
        &[0xed, 0xa0, 0x80],
        &[0xf8, 0x88, 0x80, 0x80, 0x80],
        &[0xe2, 0x28],
    ] {
        let at = payload.find("alice").unwrap();
        let broken = [&payload.as_bytes()[..at], bytes, &payload.as_bytes()[at..]].concat();
        rows.push(bench.row(
            "JSN-09",
            format!("{bytes:x?}"),
            sign(&bench.bed.key, &header, broken),
            Expected::Invalid,
        ));
        let broken =
            [header.trim_end_matches('}').as_bytes(), b",\"x\":\"", bytes, b"\"}"].concat();
        rows.push(bench.row(
            "JSN-09",
            format!("{bytes:x?}"),
            sign(&bench.bed.key, broken, &payload),
            Expected::Invalid,
        ));
    }
    for escape in ["\\ud800", "\\udc00", "\\ud800x", "\\u12", "\\x41"] {
        let broken = payload.replace("alice", escape);
        rows.push(bench.row(
            "JSN-09",
            escape,
            sign(&bench.bed.key, &header, broken),
            Expected::Invalid,
        ));
    }
    let wide: Vec<u8> = payload.encode_utf16().flat_map(u16::to_le_bytes).collect();
    rows.push(bench.row(
        "JSN-10",
        "UTF-16LE",
        sign(&bench.bed.key, &header, wide),
        Expected::Invalid,
    ));
    let wide: Vec<u8> = payload.encode_utf16().flat_map(u16::to_be_bytes).collect();
    rows.push(bench.row(
        "JSN-10",
        "UTF-16BE",
        sign(&bench.bed.key, &header, wide),
        Expected::Invalid,
    ));
    let wide: Vec<u8> = payload.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    rows.push(bench.row(
        "JSN-10",
        "UTF-32LE",
        sign(&bench.bed.key, &header, wide),
        Expected::Invalid,
    ));
    bench.play(&rows);
}

#[test]
fn values_that_are_deep_large_or_no_json() {
    let bench = AttackBench::new(Algorithm::RS256);
    let header = bench.bed.token().header_for(&bench.bed.key);
    let mut rows = Vec::new();
    // The object itself is one level.
    for (depth, expected) in [
        (64, Expected::Accepted),
        (126, Expected::Accepted),
        (127, Expected::Invalid),
        (128, Expected::Invalid),
        (4000, Expected::Invalid),
    ] {
        let nested = format!(r#""x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
        let token = sign(&bench.bed.key, &header, payload_with(&bench, &nested));
        rows.push(bench.row("JSN-11", format!("payload {depth}"), token, expected));
        let token = sign(&bench.bed.key, header_with(&bench, &nested), bench.bed.token().payload());
        rows.push(bench.row("JSN-11", format!("header {depth}"), token, expected));
    }
    let many: Vec<String> = (0..900).map(|index| format!(r#""m{index}":0"#)).collect();
    let token = sign(&bench.bed.key, &header, payload_with(&bench, &many.join(",")));
    rows.push(bench.row("JSN-12", "900 members", token, Expected::Accepted));
    let token =
        sign(&bench.bed.key, header_with(&bench, &many.join(",")), bench.bed.token().payload());
    rows.push(bench.row("JSN-12", "900 members in the header", token, Expected::Accepted));
    for value in
        ["NaN", "Infinity", "+1", "01", ".5", "1.", "'a'", "/**/1", "undefined", "1,", "0x1"]
    {
        let token = sign(&bench.bed.key, &header, payload_with(&bench, &format!(r#""x":{value}"#)));
        rows.push(bench.row("JSN-14", value, token, Expected::Invalid));
    }
    let unquoted = sign(&bench.bed.key, &header, payload_with(&bench, "x:1"));
    rows.push(bench.row("JSN-14", "a name without quotes", unquoted, Expected::Invalid));
    for number in ["1e400", "-1e999", &format!("1{}", "0".repeat(400))] {
        let token =
            sign(&bench.bed.key, &header, payload_with(&bench, &format!(r#""x":{number}"#)));
        rows.push(bench.row("JSN-16", format!("{number:.8}"), token, Expected::Invalid));
    }
    bench.play(&rows);
}
