//! What a DPoP proof says, and how it is signed (RFC 9449 §4.3).

use jwt_verify::Algorithm;
use jwt_verify_tests::{SigningKey, base64url, sign};
use serde_json::{Value, json};

use super::{dpop_setup::*, *};

#[test]
fn a_proof_is_for_one_method() {
    let dpop = Bound::new();
    let proof = |value: Value| dpop.proof("m", |_, claims| claims["htm"] = value);
    let mut rows: Vec<Row> = ["POST", "get", "Get", "GET ", "", "*"]
        .into_iter()
        .map(|method| dpop.row("DPP-02", method, proof(json!(method))))
        .collect();
    for odd in [json!(1), json!(null), json!(["GET"]), json!({"GET": null})] {
        rows.push(dpop.row("DPP-02", odd.to_string(), proof(odd)));
    }
    let missing = dpop.proof("m", |_, claims| remove(claims, "htm"));
    rows.push(dpop.row("DPP-02", "missing", missing));
    dpop.bench.play(&rows);
}

#[test]
fn a_proof_is_for_one_place() {
    let dpop = Bound::new();
    let proof = |value: Value| dpop.proof("u", |_, claims| claims["htu"] = value);
    let long = format!("{HERE}/{}", "a".repeat(4000));
    let mut rows: Vec<Row> = [
        "https://evil.example/protected",
        "https://api.example.com.evil.example/protected",
        "https://api.example.com:8443/protected",
        "http://api.example.com/protected",
        "https://api.example.com/Protected",
        "https://api.example.com/protected/",
        "https://api.example.com/protected/x",
        "https://api.example.com/",
        "https://user@api.example.com/protected",
        "https://api.example.com@evil.example/protected",
        "/protected",
        "//api.example.com/protected",
        "api.example.com/protected",
        "",
        &long,
    ]
    .into_iter()
    .map(|url| dpop.row("DPP-03", url, proof(json!(url))))
    .collect();
    for odd in [json!(1), json!(null), json!([HERE])] {
        rows.push(dpop.row("DPP-03", odd.to_string(), proof(odd)));
    }
    let missing = dpop.proof("u", |_, claims| remove(claims, "htu"));
    rows.push(dpop.row("DPP-03", "missing", missing));
    dpop.bench.play(&rows);
}

#[test]
fn spellings_of_one_place_are_one() {
    let dpop = Bound::new();
    let spellings = [
        "https://api.example.com/protected?x=1",
        "https://api.example.com/protected#top",
        "https://api.example.com:443/protected",
        "HTTPS://API.EXAMPLE.COM/protected",
        "https://api.example.com/%70rotected",
        "https://api.example.com/./a/../protected",
    ];
    let rows: Vec<Row> = spellings
        .into_iter()
        .enumerate()
        .map(|(number, url)| {
            let id = format!("spelling-{number}");
            dpop.accepted("DPP-04", url, dpop.proof(&id, |_, claims| claims["htu"] = json!(url)))
        })
        .collect();
    dpop.bench.play(&rows);
    let query = dpop.bench.api.get("/protected?page=2");
    let query = query
        .header("authorization", format!("DPoP {}", dpop.token))
        .header("dpop", dpop.good("with a query"));
    dpop.bench.play(&[dpop.asking("DPP-04", "a query", query, Expected::Accepted)]);
}

#[test]
fn no_caller_says_where_the_api_is() {
    let dpop = Bound::new();
    let proof = |id: &str| {
        let url = "https://evil.example/protected";
        dpop.proof(id, |_, claims| claims["htu"] = json!(url))
    };
    let forged = |name: &str, value: &str| dpop.request(&proof(name)).header(name, value);
    let rows = [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-forwarded-proto", "https"),
        ("x-original-host", "evil.example"),
        ("x-forwarded-prefix", "/evil"),
    ]
    .map(|(name, value)| dpop.asking("DPP-05", name, forged(name, value), Expected::InvalidProof));
    dpop.bench.play(&rows);
    // `Host` itself names this machine in every request here, and the good ones are accepted.
}

#[test]
fn a_proof_is_for_one_token() {
    let dpop = Bound::new();
    let proof = |value: Value| dpop.proof("a", |_, claims| claims["ath"] = value);
    let digest = sha256(dpop.token.as_bytes());
    let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut rows: Vec<Row> = [
        hash("another token"),
        hex,
        format!("{}=", hash(&dpop.token)),
        base64url(&digest[..16]),
        hash(&dpop.token).to_lowercase(),
        String::new(),
    ]
    .into_iter()
    .map(|ath| dpop.row("DPP-06", ath.clone(), proof(json!(ath))))
    .collect();
    rows.push(dpop.row("DPP-06", "null", proof(json!(null))));
    let missing = dpop.proof("a", |_, claims| remove(claims, "ath"));
    rows.push(dpop.row("DPP-06", "missing", missing));
    dpop.bench.play(&rows);
}

#[test]
fn a_proof_has_a_name_of_modest_length() {
    let dpop = Bound::new();
    let proof = |value: Value| dpop.proof("", |_, claims| claims["jti"] = value);
    let mut rows: Vec<Row> =
        [json!(""), json!(5), json!(null), json!(["a"]), json!("a".repeat(257))]
            .into_iter()
            .map(|id| dpop.row("DPP-10", id.to_string(), proof(id)))
            .collect();
    rows.push(dpop.row("DPP-10", "10 KB", proof(json!("a".repeat(10_000)))));
    rows.push(dpop.row("DPP-10", "missing", dpop.proof("", |_, claims| remove(claims, "jti"))));
    rows.push(dpop.accepted("DPP-10", "256 bytes", proof(json!("a".repeat(256)))));
    dpop.bench.play(&rows);
}

#[test]
fn a_proof_is_new() {
    let dpop = Bound::new();
    let now = dpop.now();
    let proof = |id: &str, value: Value| dpop.proof(id, |_, claims| claims["iat"] = value);
    let mut rows: Vec<Row> = [
        json!(now - 61),
        json!(now + 61),
        json!(0),
        json!(-1),
        json!(now.to_string()),
        json!(null),
        json!([now]),
        json!(u64::MAX),
    ]
    .into_iter()
    .map(|date| dpop.row("DPP-11", date.to_string(), proof("late", date)))
    .collect();
    for date in [format!("{now}.0"), format!("{now}.5"), "1e400".into(), "18e8".into()] {
        let payload = dpop.claims("float").to_string().replace(&now.to_string(), &date);
        let proof = sign(&dpop.client, header(&dpop.client).to_string(), payload);
        rows.push(dpop.row("DPP-11", date, proof));
    }
    rows.push(dpop.row("DPP-11", "missing", dpop.proof("", |_, claims| remove(claims, "iat"))));
    rows.push(dpop.accepted("DPP-11", "a minute ago", proof("old", json!(now - 60))));
    rows.push(dpop.accepted("DPP-11", "in a minute", proof("new", json!(now + 60))));
    dpop.bench.play(&rows);
}

#[test]
fn the_dates_of_a_proof_are_binding() {
    let dpop = Bound::new();
    let now = dpop.now();
    let dated =
        |id: &str, name: &str, value: Value| dpop.proof(id, |_, claims| claims[name] = value);
    let mut rows = Vec::new();
    for (name, value) in [
        ("exp", json!(now - 60)),
        ("exp", json!(now - 3600)),
        ("exp", json!(0)),
        ("nbf", json!(now + 61)),
        ("nbf", json!(now + 3600)),
    ] {
        let what = format!("{name} {value}");
        rows.push(dpop.row("WEA-15", what, dated("bad", name, value)));
    }
    for odd in [json!((now + 60).to_string()), json!(null), json!([now]), json!(true), json!({})] {
        for name in ["exp", "nbf"] {
            let what = format!("{name} {odd}");
            rows.push(dpop.row("WEA-15", what, dated("odd", name, odd.clone())));
        }
    }
    for (id, name, date) in [
        ("one", "exp", now + 1),
        ("two", "exp", now - 59),
        ("three", "nbf", now),
        ("four", "nbf", now + 60),
    ] {
        rows.push(dpop.accepted("WEA-15", format!("good {id}"), dated(id, name, json!(date))));
    }
    dpop.bench.play(&rows);
}

#[test]
fn a_proof_says_that_it_is_one() {
    let dpop = Bound::new();
    let typed = |typ: &str| dpop.proof(typ, |header, _| header["typ"] = json!(typ));
    let mut rows: Vec<Row> = ["JWT", "at+jwt", "dpop", "", "jwt+dpop", "dpop+jwt;v=1"]
        .into_iter()
        .map(|typ| dpop.row("DPP-13", typ, typed(typ)))
        .collect();
    let missing = dpop.proof("t", |header, _| remove(header, "typ"));
    rows.push(dpop.row("DPP-13", "missing", missing));
    for typ in ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"] {
        rows.push(dpop.accepted("DPP-13", typ, typed(typ)));
    }
    dpop.bench.play(&rows);
}

#[test]
fn a_proof_brings_a_public_key() {
    let dpop = Bound::new();
    let keyed = |jwk: Value| dpop.proof("k", |header, _| header["jwk"] = jwk);
    let private = |name: &str| {
        let mut jwk = public(&dpop.client);
        jwk[name] = json!(base64url([7; 32]));
        jwk
    };
    let mut rows: Vec<Row> = ["d", "p", "q", "k"]
        .into_iter()
        .map(|name| dpop.row("DPP-14", name, keyed(private(name))))
        .collect();
    for odd in [json!(null), json!("key"), json!([]), json!({}), json!({"kty": "EC"})] {
        rows.push(dpop.row("DPP-17", odd.to_string(), keyed(odd)));
    }
    for name in ["kid", "jku", "x5u"] {
        let proof = dpop.proof("k", |header, _| {
            remove(header, "jwk");
            header[name] = json!(dpop.bench.trap.jwks_uri());
        });
        rows.push(dpop.row("DPP-17", name, proof));
    }
    let chain = dpop.proof("k", |header, _| {
        remove(header, "jwk");
        header["x5c"] = json!(["MIIB"]);
    });
    rows.push(dpop.row("DPP-17", "x5c", chain));
    let jwk = public(&dpop.client).to_string();
    let doubled = format!(
        r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#,
        jwk.replacen('{', r#"{"kty":"EC","#, 1)
    );
    let doubled = sign(&dpop.client, doubled, dpop.claims("k").to_string());
    rows.push(dpop.row("DPP-17", "a member twice", doubled));
    dpop.bench.play(&rows);
}

#[test]
fn a_proof_is_signed_in_a_way_that_proves_something() {
    let dpop = Bound::new();
    let named = |alg: &str| dpop.proof("s", |header, _| header["alg"] = json!(alg));
    let mut rows: Vec<Row> = ["none", "None", "HS256", "ES384", "RS256", "EdDSA", "ES512", ""]
        .into_iter()
        .map(|alg| dpop.row("DPP-15", alg, named(alg)))
        .collect();
    let secret = SigningKey::from_secret(Algorithm::HS256, "s", SECRET.as_bytes());
    let mut head = json!({ "typ": "dpop+jwt", "alg": "HS256" });
    head["jwk"] = json!({ "kty": "oct", "k": base64url(SECRET) });
    let symmetric = sign(&secret, head.to_string(), dpop.claims("s").to_string());
    rows.push(dpop.row("DPP-15", "a shared secret", symmetric));
    let good = dpop.good("s");
    let (input, _) = good.rsplit_once('.').unwrap();
    for (what, signature) in [("none", String::new()), ("zeros", base64url([0; 64]))] {
        rows.push(dpop.row("DPP-15", what, format!("{input}.{signature}")));
    }
    let other = SigningKey::new(Algorithm::ES256, "other");
    let forged = sign(&other, header(&dpop.client).to_string(), dpop.claims("s").to_string());
    rows.push(dpop.row("DPP-15", "by another key", forged));
    dpop.bench.play(&rows);

    let strict = Bound::with(SigningKey::new(Algorithm::RS256, "client"), |dpop| {
        dpop.algorithms([Algorithm::ES256])
    });
    let response = strict.request(&strict.good("s")).send();
    assert_eq!(response.status, 401, "DPP-15");
    let challenge = response.headers("www-authenticate")[0].to_owned();
    assert!(challenge.ends_with(r#"algs="ES256""#), "{challenge}");
}

/// Makes a signature of what is signed, without a private key.
type Forge<'a> = &'a dyn Fn(&str) -> Vec<u8>;

/// Keys with which anybody can sign, and a token that is bound to each.
#[test]
fn a_key_that_anybody_can_sign_with_proves_nothing() {
    let mut dpop = Bound::new();
    let x = |bytes: &[u8]| json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(bytes) });
    // With the neutral element for a key and for R, and with S = 0, every signature is right.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    // With the exponent 1 a signature is the padded hash that it should become.
    let modulus = SigningKey::new(Algorithm::RS256, "rsa").modulus();
    let one = json!({ "kty": "RSA", "n": base64url(&modulus), "e": "AQ" });
    let padded = |input: &str| {
        let prefix = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ];
        let tail = [&prefix[..], &sha256(input.as_bytes())].concat();
        let filling = vec![0xff; modulus.len() - tail.len() - 3];
        [&[0, 1][..], &filling, &[0], &tail].concat()
    };
    let neutral_signature = |_: &str| [&neutral[..], &[0; 32]].concat();
    let forgeries: [(&str, &str, Value, Forge<'_>); 2] = [
        ("small order", "EdDSA", x(&neutral), &neutral_signature),
        ("exponent 1", "RS256", one, &padded),
    ];
    for (what, alg, jwk, forge) in forgeries {
        let bound = dpop.bench.bed.token().claim("cnf", json!({ "jkt": thumbprint(&jwk) }));
        dpop.token = bound.sign(&dpop.bench.bed.key);
        let header = json!({ "typ": "dpop+jwt", "alg": alg, "jwk": jwk });
        let input = format!(
            "{}.{}",
            base64url(header.to_string()),
            base64url(dpop.claims(what).to_string())
        );
        let signature = base64url(forge(&input));
        dpop.bench.play(&[dpop.row("DPP-16", what, format!("{input}.{signature}"))]);
    }
}

#[test]
fn a_weak_or_odd_key_is_not_even_imported() {
    let mut dpop = Bound::new();
    let rsa = SigningKey::new(Algorithm::RS256, "rsa");
    let number = |bytes: usize| base64url(vec![0xff; bytes]);
    let odd = |key: &SigningKey, name: &str, value: String| {
        let mut jwk = public(key);
        jwk[name] = json!(value);
        jwk
    };
    let x = |bytes: &[u8]| json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(bytes) });
    let mut crossed = public(&dpop.client);
    crossed["crv"] = json!("Ed25519");
    let keys = [
        ("1024 bits", "RS256", odd(&rsa, "n", number(128))),
        ("16384 bits", "RS256", odd(&rsa, "n", number(2048))),
        ("an even exponent", "RS256", odd(&rsa, "e", "Ag".into())),
        ("off the curve", "ES256", odd(&dpop.client, "x", number(32))),
        ("five bytes", "EdDSA", x(&[9; 5])),
        ("another curve", "EdDSA", crossed),
        ("P-256 as OKP", "EdDSA", json!({ "kty": "OKP", "crv": "P-256", "x": base64url([9; 32]) })),
    ];
    for (what, alg, jwk) in keys {
        let bound = dpop.bench.bed.token().claim("cnf", json!({ "jkt": thumbprint(&jwk) }));
        dpop.token = bound.sign(&dpop.bench.bed.key);
        let proof = dpop.proof("w", |header, _| {
            header["alg"] = json!(alg);
            header["jwk"] = jwk;
        });
        dpop.bench.play(&[dpop.row("DPP-16", what, proof)]);
    }
}

/// A key of ML-DSA says its level, has its length and is public (RFC 9964).
#[test]
fn an_odd_key_of_ml_dsa_is_not_even_imported() {
    let levels = [Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87];
    for (algorithm, other) in std::iter::zip(levels, levels.into_iter().cycle().skip(1)) {
        let mut dpop = Bound::with(SigningKey::new(algorithm, "client"), |dpop| dpop);
        dpop.bench.play(&[dpop.accepted("DPP-16", algorithm.name(), dpop.good("whole"))]);
        let whole = public(&dpop.client);
        let text = whole["pub"].as_str().unwrap();
        for (name, value) in [
            ("alg", Value::Null),
            ("alg", json!(other.name())),
            ("alg", json!("ES256")),
            ("kty", json!("OKP")),
            ("pub", json!("")),
            ("pub", json!(format!("{text}AAAA"))),
            ("pub", json!(&text[..text.len() - 4])),
            ("priv", json!(base64url([7; 32]))),
            ("priv", Value::Null),
            ("k", json!("AAAA")),
        ] {
            let mut jwk = whole.clone();
            jwk[name] = value.clone();
            let bound = dpop.bench.bed.token().claim("cnf", json!({ "jkt": thumbprint(&jwk) }));
            dpop.token = bound.sign(&dpop.bench.bed.key);
            let proof = dpop.proof("w", |header, _| header["jwk"] = jwk);
            let what = format!("{algorithm} {name} {value:.20}");
            dpop.bench.play(&[dpop.row("DPP-16", what, proof)]);
        }
    }
}

#[test]
fn other_forms_of_a_proof_are_refused() {
    let dpop = Bound::new();
    let with = |name: &str, value: Value| dpop.proof("form", |header, _| header[name] = value);
    let longest = with("more", json!("a".repeat(5700)));
    assert!((7900..8192).contains(&longest.len()), "{}", longest.len());
    dpop.bench.play(&[dpop.accepted("DPP-27", "below 8 KiB", longest)]);
    let good = dpop.good("form");
    let parts: Vec<&str> = good.split('.').collect();
    let json = json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] });
    dpop.bench.play(&[
        dpop.row("DPP-27", "crit", with("crit", json!(["exp"]))),
        dpop.row("DPP-27", "b64", with("b64", json!(false))),
        dpop.row("DPP-27", "zip", with("zip", json!("DEF"))),
        dpop.row("DPP-27", "five segments", format!("{good}.a.b")),
        dpop.row("DPP-27", "two segments", format!("{}.{}", parts[0], parts[1])),
        dpop.row("DPP-27", "JSON", json.to_string()),
        dpop.row("DPP-27", "above 8 KiB", with("more", json!("a".repeat(6200)))),
        dpop.row("DPP-27", "no JSON", format!("{}.{}.{}", parts[0], base64url("x"), parts[2])),
    ]);
}
