//! Signatures that are nearly right.

use jwt_verify::Algorithm;
use jwt_verify_tests::{SigningKey, base64url};

use super::*;
use crate::key_confusion::der;

/// The order of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(crate) fn parts(token: &str) -> (String, Vec<u8>) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature);
    (input.into(), signature.unwrap())
}

/// The other signature of ES256 over the same: (r, order - s).
pub(crate) fn twin(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let mut borrow = 0_i16;
    let mut out = [0; 32];
    for index in (0..32).rev() {
        let difference = i16::from(ORDER[index]) - i16::from(s[index]) - borrow;
        borrow = i16::from(difference < 0);
        out[index] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    [r, &out[..]].concat()
}

fn resigned(input: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{input}.{}", base64url(signature))
}

/// A positive number in DER.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap();
    let lead: &[u8] = if bytes[start] & 0x80 != 0 { &[0] } else { &[] };
    der(0x02, &[lead, &bytes[start..]].concat())
}

/// The form of X.509 and of most libraries.
#[test]
fn signatures_in_der() {
    for algorithm in [Algorithm::ES256, Algorithm::ES256K, Algorithm::ES384, Algorithm::ES512] {
        let bench = AttackBench::new(algorithm);
        let (input, signature) = parts(&bench.good());
        let (r, s) = signature.split_at(signature.len() / 2);
        let der = der(0x30, &[integer(r), integer(s)].concat());
        let what = algorithm.name();
        bench.play(&[bench.row("SIG-03", what, resigned(&input, der), Expected::Invalid)]);
    }
    for algorithm in [Algorithm::Ed25519, Algorithm::MlDsa44] {
        let bench = AttackBench::new(algorithm);
        let (input, signature) = parts(&bench.good());
        let rows: Vec<Row> = [der(0x04, &signature), der(0x03, &[&[0], &signature[..]].concat())]
            .iter()
            .map(|der| {
                bench.row("SIG-03", algorithm.name(), resigned(&input, der), Expected::Invalid)
            })
            .collect();
        bench.play(&rows);
    }
}

#[test]
fn a_flipped_bit_in_any_segment() {
    for algorithm in [
        Algorithm::RS256,
        Algorithm::ES256,
        Algorithm::ES256K,
        Algorithm::ES512,
        Algorithm::EdDSA,
        Algorithm::Ed25519,
        Algorithm::MlDsa65,
    ] {
        let bench = AttackBench::new(algorithm);
        let good = bench.good();
        let segments: Vec<&str> = good.split('.').collect();
        let mut rows = Vec::new();
        for segment in 0..3 {
            let bytes = base64::Engine::decode(
                &base64::engine::general_purpose::URL_SAFE_NO_PAD,
                segments[segment],
            )
            .unwrap();
            for position in [0, bytes.len() / 2, bytes.len() - 1] {
                let mut changed = bytes.clone();
                changed[position] ^= 1;
                let changed = base64url(changed);
                let mut all = segments.clone();
                all[segment] = &changed;
                rows.push(bench.row(
                    "SIG-01",
                    format!("{segment} {position}"),
                    all.join("."),
                    Expected::Invalid,
                ));
            }
        }
        bench.play(&rows);
    }
}

#[test]
fn ecdsa_signatures_out_of_range_or_in_another_form() {
    let bench = AttackBench::new(Algorithm::ES256);
    let (input, signature) = parts(&bench.good());
    let (r, s) = signature.split_at(32);
    let (zero, mut one) = ([0; 32], [0; 32]);
    one[31] = 1;
    let mut rows = Vec::new();
    for (what, r, s) in [
        ("zeros", zero, zero),
        ("r zero", zero, one),
        ("s zero", one, zero),
        ("r order", ORDER, one),
        ("s order", one, ORDER),
        ("both order", ORDER, ORDER),
        ("both one", one, one),
    ] {
        rows.push(bench.row("SIG-02", what, resigned(&input, [r, s].concat()), Expected::Invalid));
    }
    for (what, bytes) in [
        ("63", signature[..63].to_vec()),
        ("65", [&signature[..], &[0]].concat()),
        ("66, padded", [&[0], r, &[0], s].concat()),
        ("96", [&signature[..], &[0; 32]].concat()),
        ("128", [&signature[..], &signature[..]].concat()),
    ] {
        rows.push(bench.row("SIG-04", what, resigned(&input, bytes), Expected::Invalid));
    }
    let twin = resigned(&input, twin(&signature));
    rows.push(bench.row("SIG-05", "the twin", twin, Expected::Accepted));
    bench.play(&rows);
}

/// Signatures of ML-DSA have the length of their level, and each of their bytes counts.
#[test]
fn signatures_of_ml_dsa_are_whole() {
    for (algorithm, length) in
        [(Algorithm::MlDsa44, 2420), (Algorithm::MlDsa65, 3309), (Algorithm::MlDsa87, 4627)]
    {
        let bench = AttackBench::new(algorithm);
        let (input, signature) = parts(&bench.good());
        assert_eq!(signature.len(), length);
        let good = resigned(&input, signature.clone());
        let mut rows = vec![bench.row("SIG-04", "whole", good, Expected::Accepted)];
        for (what, bytes) in [
            ("none", Vec::new()),
            ("64", signature[..64].to_vec()),
            ("one less", signature[..length - 1].to_vec()),
            ("without the first", signature[1..].to_vec()),
            ("one more", [&signature[..], &[0]].concat()),
            ("one more in front", [&[0], &signature[..]].concat()),
            ("zeros", vec![0; length]),
            ("ones", vec![0xff; length]),
            ("twice", [&signature[..], &signature[..]].concat()),
        ] {
            rows.push(bench.row("SIG-04", what, resigned(&input, bytes), Expected::Invalid));
        }
        for place in [0, 31, 32, length / 2, length - 1] {
            let mut bytes = signature.clone();
            bytes[place] ^= 1;
            let what = format!("byte {place}");
            rows.push(bench.row("SIG-01", what, resigned(&input, bytes), Expected::Invalid));
        }
        bench.play(&rows);
    }
}

/// Signatures have the length of their curve.
#[test]
fn signatures_on_p521_have_one_length() {
    let bench = AttackBench::new(Algorithm::ES512);
    let (input, signature) = parts(&bench.good());
    let (r, s) = signature.split_at(66);
    let mut rows =
        vec![bench.row("SIG-04", "132", resigned(&input, signature.clone()), Expected::Accepted)];
    for (what, bytes) in [
        ("0", Vec::new()),
        ("96, as on P-384", signature[..96].to_vec()),
        ("130, without leading bytes", [&r[1..], &s[1..]].concat()),
        ("131", signature[..131].to_vec()),
        ("133", [&signature[..], &[0]].concat()),
        ("134, padded", [&[0], r, &[0], s].concat()),
        ("132, zeros", vec![0; 132]),
        ("132, without s", [r, &[0; 66]].concat()),
    ] {
        rows.push(bench.row("SIG-04", what, resigned(&input, bytes), Expected::Invalid));
    }
    bench.play(&rows);
}

#[test]
fn eddsa_signatures_of_another_form() {
    for algorithm in [Algorithm::EdDSA, Algorithm::Ed25519] {
        of_another_form(&AttackBench::new(algorithm));
    }
}

fn of_another_form(bench: &AttackBench) {
    let (input, signature) = parts(&bench.good());
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut malleated = signature.clone();
    let mut carry = 0;
    for index in 0..32 {
        let sum = u16::from(malleated[32 + index]) + u16::from(order[index]) + carry;
        malleated[32 + index] = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    let rows: Vec<Row> = [
        malleated,
        signature[..63].to_vec(),
        [&signature[..], &[0]].concat(),
        [&[0xff; 32], &signature[32..]].concat(),
    ]
    .iter()
    .map(|bytes| {
        bench.row("SIG-06", bytes.len().to_string(), resigned(&input, bytes), Expected::Invalid)
    })
    .collect();
    bench.play(&rows);
}

/// Strangers have the algorithm and the `kid`, and not the key.
#[test]
fn a_stranger_with_the_same_kid() {
    for algorithm in [
        Algorithm::ES256K,
        Algorithm::ES512,
        Algorithm::Ed25519,
        Algorithm::MlDsa44,
        Algorithm::MlDsa65,
        Algorithm::MlDsa87,
    ] {
        let bench = AttackBench::new(algorithm);
        let stranger = SigningKey::new(algorithm, "good-key");
        let (good, other) =
            (bench.good(), bench.bed.token().claim("sub", "mallory").sign(&bench.bed.key));
        let (input, _) = good.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        let token = bench.bed.token().sign(&stranger);
        let what = algorithm.name();
        bench.play(&[
            bench.row("SIG-12", what, format!("{input}.{signature}"), Expected::Invalid),
            bench.row("SIG-13", what, token, Expected::Invalid),
        ]);
    }
}

#[test]
fn rsa_signatures_out_of_range() {
    let bench = AttackBench::new(Algorithm::RS256);
    let (input, signature) = parts(&bench.good());
    let modulus = bench.bed.key.modulus();
    let mut one = vec![0; 256];
    one[255] = 1;
    let mut below = modulus.clone();
    below[255] -= 1;
    let rows: Vec<Row> = [
        vec![0; 256],
        one,
        below,
        modulus,
        vec![0xff; 256],
        [&[0], &signature[..]].concat(),
        [&signature[..], &[0]].concat(),
        signature[..255].to_vec(),
        signature[..1].to_vec(),
    ]
    .iter()
    .map(|bytes| {
        bench.row(
            "SIG-09",
            format!("{:?}", &bytes[..1]),
            resigned(&input, bytes),
            Expected::Invalid,
        )
    })
    .collect();
    bench.play(&rows);
}

#[test]
fn parts_of_different_tokens() {
    let bench = AttackBench::new(Algorithm::RS256);
    let (one, two) = (bench.good(), bench.bed.token().claim("sub", "mallory").sign(&bench.bed.key));
    let (a, b): (Vec<&str>, Vec<&str>) = (one.split('.').collect(), two.split('.').collect());
    let stranger = SigningKey::new(Algorithm::RS256, "good-key");
    bench.play(&[
        bench.row("SIG-12", "payload", [a[0], b[1], a[2]].join("."), Expected::Invalid),
        bench.row("SIG-12", "signature", [a[0], a[1], b[2]].join("."), Expected::Invalid),
        bench.row(
            "SIG-13",
            "a stranger with the same kid",
            bench.bed.token().sign(&stranger),
            Expected::Invalid,
        ),
        bench.row(
            "SIZ-04",
            "a long signature",
            format!("{}.{}.{}", a[0], a[1], "A".repeat(12_000)),
            Expected::Invalid,
        ),
        bench.row(
            "SIZ-04",
            "a long header",
            format!("{}.{}.{}", "A".repeat(12_000), a[1], a[2]),
            Expected::Invalid,
        ),
    ]);
}
