//! Figures of the JOSE specifications. Keys and tokens are theirs; what is derived from them says how.

use jwt_verify::{Algorithm, InvalidTokenReason, JwkSet, VerificationKey, test_hooks};

/// A figure: where it is from, its algorithm, its key and the token.
struct Figure {
    source: &'static str,
    algorithm: Algorithm,
    jwk: &'static str,
    token: &'static str,
}

impl Figure {
    fn keys(&self) -> JwkSet {
        let import = if self.algorithm.is_symmetric() {
            VerificationKey::from_secret_jwk
        } else {
            VerificationKey::from_jwk
        };
        JwkSet::new([import(self.jwk).unwrap()])
    }

    fn verify(&self, token: &str) -> Result<Vec<u8>, InvalidTokenReason> {
        test_hooks::verify_jws(token.as_bytes(), &self.keys(), &[self.algorithm])
    }
}

const FIGURES: [Figure; 7] = [
    Figure {
        source: "RFC 7515 A.1",
        algorithm: Algorithm::HS256,
        jwk: concat!(
            r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS"#,
            r#"4hcgUuTwjAzZr1Z9CAow","alg":"HS256"}"#,
        ),
        token: concat!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODA",
            "sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_w",
            "W1gFWFOEjXk",
        ),
    },
    Figure {
        source: "RFC 7515 A.2",
        algorithm: Algorithm::RS256,
        jwk: concat!(
            r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-V"#,
            r#"aw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9w"#,
            r#"Gzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMT"#,
            r#"BQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kz"#,
            r#"k2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
        ),
        token: concat!(
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF",
            "tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu",
            "3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdi",
            "uB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--x",
            "i12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A",
            "XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
    },
    Figure {
        source: "RFC 7515 A.3",
        algorithm: Algorithm::ES256,
        jwk: concat!(
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_F"#,
            r#"EzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        ),
        token: concat!(
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF",
            "tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw",
            "5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
    },
    Figure {
        source: "RFC 7520 4.1",
        algorithm: Algorithm::RS256,
        jwk: concat!(
            r#"{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQ"#,
            r#"HPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMR"#,
            r#"BSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-O"#,
            r#"fVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L"#,
            r#"_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQ"#,
            r#"AB"}"#,
        ),
        token: concat!(
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGE",
            "gZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB",
            "0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmc",
            "gd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5ME",
            "aHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4",
            "JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFx",
            "nt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZ",
            "Dnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
        ),
    },
    Figure {
        source: "RFC 7520 4.2",
        algorithm: Algorithm::PS384,
        jwk: concat!(
            r#"{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQ"#,
            r#"HPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMR"#,
            r#"BSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-O"#,
            r#"fVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L"#,
            r#"_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQ"#,
            r#"AB"}"#,
        ),
        token: concat!(
            "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGE",
            "gZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB",
            "0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmc",
            "gd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0k",
            "kOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbX",
            "UvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT",
            "3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKP",
            "bByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
        ),
    },
    Figure {
        source: "RFC 7520 4.4",
        algorithm: Algorithm::HS256,
        jwk: concat!(
            r#"{"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256","#,
            r#""k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#,
        ),
        token: concat!(
            "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.SXT",
            "igJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXA",
            "gb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGt",
            "ub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.s0h6KThzkfBBBkLspW1h84VsJZFTsPP",
            "qMDA7g1Md7p0",
        ),
    },
    Figure {
        source: "RFC 8037 A.4",
        algorithm: Algorithm::EdDSA,
        jwk: concat!(
            r#"{"kty":"OKP","use":"sig","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaP"#,
            r#"cHURo"}"#,
        ),
        token: concat!(
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7",
            "-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    },
];

/// The signature of RFC 8037 A.4 with the order of the group added to S (RFC 8032 §5.1.7).
const MALLEATED: &str = concat!(
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6KLa6_pyZkOh9Vg8wkiO1VhVsPt9g7sVvpAr_MuM0K",
    "Eg",
);

/// The DER form of the signature of RFC 7515 A.3.
const DER: &str = concat!(
    "MEUCIA7RIVN5Y2xIPC9_FVgH1AKjsigDOvl8fheBmsMWnqZlAiEAxQoH04w8cOXY8S2vCEpUgKZlkMXyk1Ca",
    "jz9_ioOjVNU",
);

/// The signature of RFC 7515 A.3 with S replaced by the order less S.
const TWIN: &str = concat!(
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmU69fgrc8OPGycO0lD3tat_FoFp57SETepkeks4eL_Q",
    "fA",
);

fn figure(source: &str) -> &'static Figure {
    FIGURES.iter().find(|figure| figure.source == source).unwrap()
}

/// The token with another signature.
fn resign(figure: &Figure, signature: &str) -> String {
    format!("{}.{signature}", figure.token.rsplit_once('.').unwrap().0)
}

#[test]
fn every_figure_verifies_and_no_figure_verifies_under_the_key_of_another() {
    for figure in &FIGURES {
        assert!(figure.verify(figure.token).is_ok(), "{}", figure.source);
        for other in FIGURES.iter().filter(|other| other.jwk != figure.jwk) {
            assert!(figure.verify(other.token).is_err(), "{} {}", figure.source, other.source);
        }
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    for figure in &FIGURES {
        for length in 0..figure.token.len() {
            assert!(figure.verify(&figure.token[..length]).is_err(), "{} {length}", figure.source);
        }
        for index in 0..figure.token.len() {
            for bit in 0..7 {
                let mut bytes = figure.token.as_bytes().to_vec();
                bytes[index] ^= 1 << bit;
                let keys = figure.keys();
                let verified = test_hooks::verify_jws(&bytes, &keys, &[figure.algorithm]);
                assert!(verified.is_err(), "{} {index} {bit}", figure.source);
            }
        }
    }
}

#[test]
fn other_encodings_of_a_right_signature_are_refused() {
    let hmac = figure("RFC 7515 A.1");
    for end in ["=", "==", "\n", " ", ".", "A"] {
        assert!(hmac.verify(&format!("{}{end}", hmac.token)).is_err(), "{end:?}");
    }
    assert!(hmac.token.ends_with('k'));
    for end in ["l", "m", "n"] {
        let changed = format!("{}{end}", hmac.token.strip_suffix('k').unwrap());
        assert_eq!(hmac.verify(&changed), Err(InvalidTokenReason::Malformed), "unused bits, {end}");
    }
    let ecdsa = figure("RFC 7515 A.3");
    assert!(ecdsa.verify(&resign(ecdsa, DER)).is_err());
}

#[test]
fn signatures_that_no_signer_makes_are_refused() {
    let ed25519 = figure("RFC 8037 A.4");
    assert!(ed25519.verify(&resign(ed25519, MALLEATED)).is_err());
    let ecdsa = figure("RFC 7515 A.3");
    for bytes in [
        vec![0; 64],
        vec![0xff; 64],
        [vec![0; 31], vec![1], vec![0; 32]].concat(),
        [vec![0; 63], vec![1]].concat(),
    ] {
        let signature = jwt_verify_tests::base64url(bytes);
        assert!(ecdsa.verify(&resign(ecdsa, &signature)).is_err(), "{signature}");
    }
    let rsa = figure("RFC 7515 A.2");
    for bytes in [
        vec![0; 256],
        [vec![0; 255], vec![1]].concat(),
        vec![0xff; 256],
        vec![1; 257],
        vec![1; 255],
    ] {
        let signature = jwt_verify_tests::base64url(bytes);
        assert!(rsa.verify(&resign(rsa, &signature)).is_err());
    }
}

#[test]
fn the_twin_of_an_ecdsa_signature_is_as_good_as_it() {
    // ECDSA allows it (RFC 7518 §3.4), so nothing may rely on a token having one form only.
    let ecdsa = figure("RFC 7515 A.3");
    assert!(ecdsa.verify(&resign(ecdsa, TWIN)).is_ok());
}

#[test]
fn an_unsecured_token_is_refused() {
    let hmac = figure("RFC 7515 A.1");
    let (_, payload) = hmac.token.split_once('.').unwrap();
    let payload = payload.split('.').next().unwrap();
    let signature = hmac.token.rsplit('.').next().unwrap();
    let header = jwt_verify_tests::base64url(r#"{"alg":"none"}"#);
    for token in [
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}"),
    ] {
        assert!(hmac.verify(&token).is_err(), "{token}");
    }
}
