//! Tokens of ML-DSA, which are long, on a server with its default settings.

use std::sync::Arc;

use actix_web::http::Version;
use jwt_verify::TrustedIssuer;
use jwt_verify_tests::{Authority, Identity};

use super::*;

/// With 2 kB of claims a token of the middle level has 7 kB, one of the highest 9 kB. Both are below the
/// 16 KiB of `max_token_bytes`, and far below the 128 KiB that Actix reads of a head.
#[test]
fn the_defaults_hold_a_token_of_ml_dsa_with_many_claims() {
    for algorithm in [Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87] {
        let (_issuer, auth, bearer) = long_token(algorithm);
        let api = serve(auth);
        // New, and seen before.
        for _ in 0..2 {
            let request = api.get("/protected").header("authorization", &bearer);
            assert_eq!(request.send().status, 200, "{algorithm}");
        }
    }
}

#[test]
fn so_they_do_over_http_2() {
    let authority = Authority::new();
    for algorithm in [Algorithm::MlDsa65, Algorithm::MlDsa87] {
        let (_issuer, auth, bearer) = long_token(algorithm);
        let config = authority.certify("localhost").asking_config(&authority);
        let api = TestServer::start_as(
            move || App::new().configure(resource_server::configure(&auth)),
            move |server, listener| server.listen_rustls_0_23(listener, config),
        );
        let url = format!("https://localhost:{}/protected", api.address().port());
        let mut config = (*Identity::client_config(&authority, None)).clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        actix_web::rt::System::new().block_on(async {
            let connector = awc::Connector::new().rustls_0_23(Arc::new(config));
            let client = awc::Client::builder().connector(connector).finish();
            for _ in 0..2 {
                let request = client.get(&url).insert_header(("authorization", &*bearer));
                let response = request.send().await.unwrap();
                assert_eq!(response.version(), Version::HTTP_2);
                assert_eq!(response.status(), 200, "{algorithm}");
            }
        });
    }
}

/// An issuer, an API that trusts it, and the value of the header with a token that has 2 kB of claims.
fn long_token(algorithm: Algorithm) -> (FakeIssuer, JwtAuth, String) {
    let key = SigningKey::new(algorithm, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let trusted = TrustedIssuer::new(issuer.url(), AUDIENCE).algorithms([algorithm]);
    let auth = JwtAuth::for_issuer(trusted).build().unwrap();
    let token = Token::now(issuer.url()).claim("groups", "g".repeat(2048)).sign(&key);
    assert!(token.len() > 6000, "{}", token.len());
    (issuer, auth, format!("Bearer {token}"))
}
