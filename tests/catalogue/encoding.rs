//! Other ways to write a token down.

use jwt_verify::Algorithm;
use jwt_verify_tests::base64url;
use serde_json::json;

use super::*;

#[test]
fn padding_other_alphabets_and_stray_characters() {
    let bench = AttackBench::new(Algorithm::RS256);
    let good = bench.good();
    let segments: Vec<&str> = good.split('.').collect();
    let with = |segment: usize, text: String| {
        let mut all: Vec<String> = segments.iter().map(|s| (*s).to_owned()).collect();
        all[segment] = text;
        all.join(".")
    };
    let mut rows = Vec::new();
    for segment in 0..3 {
        for end in ["=", "==", "==="] {
            rows.push(bench.row(
                "ENC-01",
                end,
                with(segment, format!("{}{end}", segments[segment])),
                Expected::Invalid,
            ));
        }
        for insert in ["?", "#", "*", "%", "%20", "%2E", "'", "\"", "{", ";", "!", "~", ":", "@"] {
            let (a, b) = segments[segment].split_at(segments[segment].len() / 2);
            rows.push(bench.row(
                "ENC-05",
                insert,
                with(segment, format!("{a}{insert}{b}")),
                Expected::Invalid,
            ));
        }
        for insert in [" ", "\t", "\u{a0}"] {
            let (a, b) = segments[segment].split_at(segments[segment].len() / 2);
            rows.push(bench.row(
                "ENC-04",
                format!("{insert:?}"),
                with(segment, format!("{a}{insert}{b}")),
                Expected::BadRequest,
            ));
        }
        rows.push(bench.row("ENC-07", "empty", with(segment, String::new()), Expected::Invalid));
        rows.push(bench.row(
            "ENC-11",
            "a length that cannot be",
            with(segment, format!("{}A", &segments[segment][..segments[segment].len() / 4 * 4])),
            Expected::Invalid,
        ));
        rows.push(bench.row(
            "ENC-03",
            "plus",
            with(segment, format!("+{}", &segments[segment][1..])),
            Expected::Invalid,
        ));
        rows.push(bench.row(
            "ENC-03",
            "slash",
            with(segment, format!("/{}", &segments[segment][1..])),
            Expected::Invalid,
        ));
    }
    // An RS256 signature of 256 bytes leaves four unused bits in its last character.
    let last = segments[2].chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet.find(last).unwrap();
    for next in 1..16 {
        let other = &alphabet[index + next..=index + next];
        let text = format!("{}{other}", &segments[2][..segments[2].len() - 1]);
        rows.push(bench.row("ENC-02", other, with(2, text), Expected::Invalid));
    }
    bench.play(&rows);
}

#[test]
fn other_numbers_of_segments_and_other_serialisations() {
    let bench = AttackBench::new(Algorithm::RS256);
    let good = bench.good();
    let s: Vec<&str> = good.split('.').collect();
    let flattened = json!({"protected": s[0], "payload": s[1], "signature": s[2]}).to_string();
    let general = json!({"payload": s[1], "signatures": [{"protected": s[0], "signature": s[2]}]})
        .to_string();
    let unprotected =
        json!({"header": {"alg": "RS256"}, "payload": s[1], "signature": s[2]}).to_string();
    let mut rows = Vec::new();
    for token in [
        s[0].to_owned(),
        format!("{}.{}", s[0], s[1]),
        format!("{}.{}.", s[0], s[1]),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{}", s[2]),
        format!("{good}.{}.{}", s[0], s[1]),
        format!("{good}.{good}"),
        format!("{}..{}", s[0], s[2]),
        ".".into(),
        "..".into(),
        "...".into(),
        "....".into(),
        ".".repeat(16_000),
    ] {
        rows.push(bench.row("ENC-06", format!("{token:.20}"), token, Expected::Invalid));
    }
    for json in [&flattened, &general, &unprotected] {
        rows.push(bench.row(
            "ENC-08",
            format!("{json:.14} in base64url"),
            base64url(json),
            Expected::Invalid,
        ));
        // As it stands it contains commas, which separate credentials.
        rows.push(bench.row("ENC-08", format!("{json:.14}"), json.clone(), Expected::BadRequest));
    }
    let polyglot = format!("{{\"protected\":\"{}.{}.{}\"}}", s[0], s[1], s[2]);
    rows.push(bench.row("ENC-09", "three parts in JSON", polyglot, Expected::Invalid));
    rows.push(bench.row("ENC-10", "%2E", good.replace('.', "%2E"), Expected::Invalid));
    rows.push(bench.row(
        "ENC-10",
        "full-width dots",
        good.replace('.', "\u{ff0e}"),
        Expected::BadRequest,
    ));
    rows.push(bench.row(
        "ENC-10",
        "zero-width space",
        format!("{good}\u{200b}"),
        Expected::BadRequest,
    ));
    bench.play(&rows);
}

#[test]
fn sizes() {
    let bench = AttackBench::new(Algorithm::RS256);
    let sized = |length: usize| {
        let mut pad = length / 4 * 3 - bench.good().len() / 4 * 3;
        loop {
            let token = bench.bed.token().claim("pad", "x".repeat(pad)).sign(&bench.bed.key);
            match token.len() {
                exact if exact == length => return token,
                long if long > length => pad -= 1,
                // Three bytes are four characters, so some lengths exist only with a longer name.
                _ => {
                    return bench
                        .bed
                        .token()
                        .claim("pad", "x".repeat(pad))
                        .claim("p", "y".repeat(length - token.len()))
                        .sign(&bench.bed.key);
                }
            }
        }
    };
    let limit = 16 * 1024;
    let below = sized(limit - 64);
    assert!(below.len() <= limit, "{}", below.len());
    let mut rows = vec![bench.row("SIZ-01", "just below the limit", below, Expected::Accepted)];
    for length in [limit + 1, 64 * 1024, 100 * 1000] {
        let token = format!("{}{}", bench.good(), "A".repeat(length - bench.good().len()));
        rows.push(bench.row("SIZ-02", length.to_string(), token, Expected::Invalid));
        rows.push(bench.row("SIZ-03", length.to_string(), ".".repeat(length), Expected::Invalid));
    }
    let long = bench.bed.token().claim("pad", "x".repeat(limit)).sign(&bench.bed.key);
    rows.push(bench.row("SIZ-01", "rightly signed but too long", long, Expected::Invalid));
    bench.play(&rows);
    // What the server itself does not read does not get that far.
    let huge = bench.api.get("/protected").bearer("A".repeat(1_000_000)).try_send();
    assert!(huge.is_err() || (400..500).contains(&huge.unwrap().status), "SIZ-02");
    let mut many = bench.api.get("/protected").bearer(bench.good());
    for index in 0..100 {
        many = many.header(&format!("x-{index}"), "1");
    }
    let many = many.try_send();
    assert!(many.is_err() || (400..500).contains(&many.unwrap().status), "SIZ-06");
    bench.play(&[bench.row("SIZ-06", "after that", bench.good(), Expected::Accepted)]);
}
