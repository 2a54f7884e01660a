//! JSON that two parsers could read in two ways, or that is none.

use jwt_verify::Algorithm;
use jwt_verify_tests::sign;

use super::*;

/// The good payload with more text after its opening brace.
fn payload_with(stage: &Stage, members: &str) -> String {
    stage.token().payload().replacen('{', &format!("{{{members},"), 1)
}

fn header_with(stage: &Stage, members: &str) -> String {
    stage.token().header_for(&stage.key).replacen('{', &format!("{{{members},"), 1)
}

#[test]
fn duplicate_members() {
    let stage = Stage::new(Algorithm::RS256);
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
        let token = sign(&stage.key, header_with(&stage, members), stage.token().payload());
        rows.push(stage.row(id, members, token, Expected::Invalid));
    }
    let end = stage.token().header_for(&stage.key).replacen('}', r#","alg":"none"}"#, 1);
    rows.push(stage.row(
        "JSN-01",
        "at the end",
        sign(&stage.key, end, stage.token().payload()),
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
        let header = stage.token().header_for(&stage.key);
        let token = sign(&stage.key, header, payload_with(&stage, members));
        rows.push(stage.row(id, members, token, Expected::Invalid));
    }
    stage.play(&rows);
}

#[test]
fn documents_that_are_no_objects() {
    let stage = Stage::new(Algorithm::RS256);
    let header = stage.token().header_for(&stage.key);
    let payload = stage.token().payload();
    let exp = jwt_verify_tests::START + 600;
    let five =
        format!(r#"[{exp},0,"alice","{}","{}"]"#, stage.issuer.url(), jwt_verify_tests::AUDIENCE);
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
        rows.push(stage.row(id, document, sign(&stage.key, &header, document), Expected::Invalid));
    }
    for document in ["[]", "[\"RS256\"]", "\"x\"", "null", "5", "RS256"] {
        rows.push(stage.row(
            "JSN-07",
            document,
            sign(&stage.key, document, &payload),
            Expected::Invalid,
        ));
    }
    rows.push(stage.row(
        "JSN-08",
        "BOM, payload",
        sign(&stage.key, &header, format!("\u{feff}{payload}")),
        Expected::Invalid,
    ));
    rows.push(stage.row(
        "JSN-08",
        "BOM, header",
        sign(&stage.key, format!("\u{feff}{header}"), &payload),
        Expected::Invalid,
    ));
    for end in ["x", "{}", ",", "}", "\u{0}", "//"] {
        rows.push(stage.row(
            "JSN-13",
            end,
            sign(&stage.key, &header, format!("{payload}{end}")),
            Expected::Invalid,
        ));
        rows.push(stage.row(
            "JSN-13",
            end,
            sign(&stage.key, format!("{header}{end}"), &payload),
            Expected::Invalid,
        ));
    }
    let spaced = sign(&stage.key, format!(" {header}\n"), format!("\t{payload} \r\n"));
    rows.push(stage.row("JSN-13", "white space", spaced, Expected::Accepted));
    stage.play(&rows);
}

#[test]
fn text_that_is_no_unicode() {
    let stage = Stage::new(Algorithm::RS256);
    let header = stage.token().header_for(&stage.key);
    let payload = stage.token().payload();
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
        rows.push(stage.row(
            "JSN-09",
            format!("{bytes:x?}"),
            sign(&stage.key, &header, broken),
            Expected::Invalid,
        ));
        let broken =
            [header.trim_end_matches('}').as_bytes(), b",\"x\":\"", bytes, b"\"}"].concat();
        rows.push(stage.row(
            "JSN-09",
            format!("{bytes:x?}"),
            sign(&stage.key, broken, &payload),
            Expected::Invalid,
        ));
    }
    for escape in ["\\ud800", "\\udc00", "\\ud800x", "\\u12", "\\x41"] {
        let broken = payload.replace("alice", escape);
        rows.push(stage.row(
            "JSN-09",
            escape,
            sign(&stage.key, &header, broken),
            Expected::Invalid,
        ));
    }
    let wide: Vec<u8> = payload.encode_utf16().flat_map(u16::to_le_bytes).collect();
    rows.push(stage.row("JSN-10", "UTF-16LE", sign(&stage.key, &header, wide), Expected::Invalid));
    let wide: Vec<u8> = payload.encode_utf16().flat_map(u16::to_be_bytes).collect();
    rows.push(stage.row("JSN-10", "UTF-16BE", sign(&stage.key, &header, wide), Expected::Invalid));
    let wide: Vec<u8> = payload.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    rows.push(stage.row("JSN-10", "UTF-32LE", sign(&stage.key, &header, wide), Expected::Invalid));
    stage.play(&rows);
}

#[test]
fn values_that_are_deep_large_or_no_json() {
    let stage = Stage::new(Algorithm::RS256);
    let header = stage.token().header_for(&stage.key);
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
        let token = sign(&stage.key, &header, payload_with(&stage, &nested));
        rows.push(stage.row("JSN-11", format!("payload {depth}"), token, expected));
        let token = sign(&stage.key, header_with(&stage, &nested), stage.token().payload());
        rows.push(stage.row("JSN-11", format!("header {depth}"), token, expected));
    }
    let many: Vec<String> = (0..900).map(|index| format!(r#""m{index}":0"#)).collect();
    let token = sign(&stage.key, &header, payload_with(&stage, &many.join(",")));
    rows.push(stage.row("JSN-12", "900 members", token, Expected::Accepted));
    let token = sign(&stage.key, header_with(&stage, &many.join(",")), stage.token().payload());
    rows.push(stage.row("JSN-12", "900 members in the header", token, Expected::Accepted));
    for value in
        ["NaN", "Infinity", "+1", "01", ".5", "1.", "'a'", "/**/1", "undefined", "1,", "0x1"]
    {
        let token = sign(&stage.key, &header, payload_with(&stage, &format!(r#""x":{value}"#)));
        rows.push(stage.row("JSN-14", value, token, Expected::Invalid));
    }
    let unquoted = sign(&stage.key, &header, payload_with(&stage, "x:1"));
    rows.push(stage.row("JSN-14", "a name without quotes", unquoted, Expected::Invalid));
    for number in ["1e400", "-1e999", &format!("1{}", "0".repeat(400))] {
        let token = sign(&stage.key, &header, payload_with(&stage, &format!(r#""x":{number}"#)));
        rows.push(stage.row("JSN-16", format!("{number:.8}"), token, Expected::Invalid));
    }
    stage.play(&rows);
}
