//! Every algorithm, with its own keys and with everybody else's.

use jwt_verify::{Claims, InvalidTokenReason, JwkSet, Secret, TrustedIssuer, VerificationKey};
use jwt_verify_tests::sign;

use super::*;

const ASYMMETRIC: [Algorithm; 15] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::Ed25519,
    Algorithm::ES512,
    Algorithm::ES256K,
    Algorithm::MlDsa44,
    Algorithm::MlDsa65,
    Algorithm::MlDsa87,
];

#[test]
fn every_asymmetric_algorithm_works_from_a_key_set() {
    let keys: Vec<_> = ASYMMETRIC.iter().map(|a| SigningKey::new(*a, a.name())).collect();
    let issuer = FakeIssuer::start(&keys.iter().collect::<Vec<_>>());
    let auth =
        JwtAuth::for_issuer(TrustedIssuer::new(issuer.url(), AUDIENCE).algorithms(ASYMMETRIC))
            .build()
            .unwrap();
    let api = serve(auth);
    for key in &keys {
        let token = Token::now(issuer.url()).sign(key);
        assert_eq!(api.get("/protected").bearer(&token).send().status, 200, "{}", key.id());
        // The same signature under the name of every other algorithm and key.
        for other in &keys {
            if other.id() != key.id() {
                let header = Token::now(issuer.url()).header_for(other);
                let forged = sign(key, header, Token::now(issuer.url()).payload());
                assert_eq!(api.get("/protected").bearer(&forged).send().status, 401);
            }
        }
    }
}

/// One key of the configuration is accepted for what it is, without a list of algorithms.
#[test]
fn a_single_key_says_its_algorithm() {
    for algorithm in ASYMMETRIC {
        let key = SigningKey::new(algorithm, "k");
        let given = VerificationKey::from_jwk(&key.jwk().to_string()).unwrap();
        let api = serve(JwtAuth::for_issuer(TrustedIssuer::of_key(given)).build().unwrap());
        let token = Token::now("")
            .claim("iss", serde_json::Value::Null)
            .claim("aud", serde_json::Value::Null)
            .sign(&key);
        assert_eq!(api.get("/protected").bearer(&token).send().status, 200, "{algorithm}");
    }
}

#[test]
fn every_symmetric_algorithm_works_with_a_secret() {
    for (algorithm, length) in
        [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)]
    {
        let secret = vec![7; length];
        let imported =
            VerificationKey::from_secret(algorithm, &Secret::new(secret.clone())).unwrap();
        let auth = JwtAuth::for_issuer(
            TrustedIssuer::new("https://issuer.example", AUDIENCE)
                .algorithms([algorithm])
                .keys(JwkSet::new([imported.with_id("s")])),
        )
        .build()
        .unwrap();
        let api = serve(auth);
        let key = SigningKey::from_secret(algorithm, "s", &secret);
        let token = Token::now("https://issuer.example").sign(&key);
        assert_eq!(api.get("/protected").bearer(&token).send().status, 200);
        let other = SigningKey::from_secret(algorithm, "s", &vec![8; length]);
        let token = Token::now("https://issuer.example").sign(&other);
        assert_eq!(api.get("/protected").bearer(&token).send().status, 401);
        let short = Secret::new(vec![7; length - 1]);
        assert!(VerificationKey::from_secret(algorithm, &short).is_err());
    }
}

#[test]
fn an_algorithm_off_the_list_is_refused_though_the_signature_is_right() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let header = bed.token().header("alg", algorithm.name()).header_for(&bed.key);
        let input = format!(
            "{}.{}",
            jwt_verify_tests::base64url(header),
            jwt_verify_tests::base64url(bed.token().payload())
        );
        let signature = bed.key.sign_as(algorithm, input.as_bytes());
        let token = format!("{input}.{}", jwt_verify_tests::base64url(signature));
        assert_eq!(api.get("/protected").bearer(token).send().status, 401, "{algorithm}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    let good = bed.good();
    assert_eq!(api.get("/protected").bearer(&good).send().status, 200);
    for index in (0..good.len()).step_by(7) {
        let mut bytes = good.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let token = String::from_utf8(bytes).unwrap();
        let response = api.get("/protected").bearer(&token).send();
        assert_eq!((response.status, response.challenge()), (401, Some(INVALID)), "{index}");
    }
    assert_eq!(api.get("/protected").bearer(&good).send().status, 200);
}

#[test]
fn settings_that_cannot_be_safe_do_not_build() {
    let issuer = || TrustedIssuer::new("https://issuer.example", AUDIENCE);
    for broken in [
        issuer().algorithms([]),
        issuer().algorithms([Algorithm::HS256]),
        issuer().algorithms([Algorithm::HS256, Algorithm::RS256]).keys(JwkSet::default()),
        issuer().leeway(std::time::Duration::from_secs(601)),
        issuer().leeway(std::time::Duration::MAX),
        issuer().audience(""),
        TrustedIssuer::new("", AUDIENCE),
        TrustedIssuer::new("https://issuer.example", ""),
        TrustedIssuer::new("http://issuer.example", AUDIENCE),
        TrustedIssuer::new("issuer", AUDIENCE),
    ] {
        assert!(JwtAuth::for_issuer(broken).build().is_err());
    }
    assert!(JwtAuth::for_issuer(issuer()).max_token_bytes(0).build().is_err());
}

#[test]
fn rules_of_the_application_add_to_the_standard_ones() {
    let bed = TestBed::new();
    let issuer = bed.trusted_issuer().allowed_clients(["web"]).require_subject().validator(
        |claims: &Claims| match claims.get("tenant").and_then(|tenant| tenant.as_str()) {
            Some("acme") => Ok(()),
            _ => Err(InvalidTokenReason::CustomValidator),
        },
    );
    let auth = JwtAuth::for_issuer(issuer).clock(bed.clock.clone()).build().unwrap();
    let api = serve(auth);
    let status = |token: Token| api.get("/protected").bearer(token.sign(&bed.key)).send().status;
    let good = || bed.token().claim("azp", "web").claim("tenant", "acme");
    assert_eq!(status(good()), 200);
    assert_eq!(status(good().claim("tenant", "other")), 401);
    assert_eq!(status(good().without("tenant")), 401);
    assert_eq!(status(good().claim("azp", "app")), 401);
    assert_eq!(status(good().without("azp")), 401);
    assert_eq!(status(good().without("sub")), 401);
    assert_eq!(status(good().claim("aud", "other")), 401);
}
