//! Introspection at the provider: opaque tokens, signed answers, and every way to sign in.

use std::time::Duration;

use jwt_verify::introspection::{ClientKey, Introspection};
use jwt_verify_tests::Authority;

use super::*;

const SECRET: &str = "for tests: 100%+";

fn builder(provider: &Provider) -> jwt_verify::JwtAuthBuilder {
    JwtAuth::for_issuer(TrustedIssuer::new(provider.issuer(), AUDIENCE).algorithms(ALGORITHMS))
}

fn introspecting(provider: &Provider, introspection: Introspection) -> TestServer {
    serve(builder(provider).introspection(introspection).build().unwrap())
}

fn basic() -> Introspection {
    Introspection::discover().client_secret_basic("api basic", SECRET)
}

fn status(api: &TestServer, token: &str) -> u16 {
    api.get("/protected").bearer(token).send().status
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn opaque_tokens_and_jwts_open_the_same_routes() {
    let provider = Provider::start();
    let api = introspecting(&provider, basic());
    let token = provider.opaque_token("opaque", AUDIENCE);
    assert!(!token.contains('.'), "{token}");
    for token in [token, provider.token(Algorithm::ES256, AUDIENCE, "read:posts")] {
        assert_eq!(status(&api, &token), 200);
        assert_eq!(api.get("/posts").bearer(&token).send().status, 200);
        assert_eq!(api.get("/admin").bearer(&token).send().status, 403);
    }
    let foreign = provider.opaque_token("opaque", "https://other.example.com");
    assert_eq!((status(&api, &foreign), status(&api, "made-up")), (401, 401));
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn revoked_and_expired_tokens_are_refused() {
    let provider = Provider::start();
    let api = introspecting(&provider, basic().cache_for(Duration::from_secs(1)));
    let [revoked, kept] = [0; 2].map(|_| provider.opaque_token("opaque", AUDIENCE));
    let brief = provider.opaque_token("opaque-brief", AUDIENCE);
    assert_eq!((status(&api, &revoked), status(&api, &kept)), (200, 200));
    provider.revoke(&revoked);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!((status(&api, &revoked), status(&api, &kept)), (401, 200));
    assert_eq!(status(&api, &brief), 401);
}

/// The provider with TLS, a client key and a client certificate.
struct Signed {
    authority: Authority,
    own: Identity,
    provider: Provider,
}

impl Signed {
    fn start() -> Self {
        let authority = Authority::new();
        let server = authority.certify("localhost");
        let own = Identity::self_signed("api.example");
        let provider = Provider::start_with(&[
            ("TLS_CERTIFICATE", &server.pem()),
            ("TLS_KEY", &server.key_pem()),
            ("API_CERTIFICATE", &own.pem()),
        ]);
        Self { authority, own, provider }
    }

    fn with_certificate(&self, identity: &Identity) -> Introspection {
        Introspection::at(format!("{}/token/introspection", self.provider.tls()))
            .mutual_tls("api certificate", identity.pem(), identity.key_pem())
            .root_certificates(self.authority.pem())
    }
}

fn key(identity: &Identity) -> ClientKey {
    ClientKey::from_pem(Algorithm::ES256, identity.key_pem()).unwrap()
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn every_way_to_sign_in_is_accepted_with_the_right_credential_alone() {
    let signed = Signed::start();
    let other = Identity::self_signed("other.example");
    let token = signed.provider.opaque_token("opaque", AUDIENCE);
    let discover = Introspection::discover;
    for (name, right, wrong) in [
        ("basic", basic(), discover().client_secret_basic("api basic", "for tests: 100%")),
        (
            "post",
            discover().client_secret_post("api post", SECRET),
            discover().client_secret_post("api post", "wrong"),
        ),
        (
            "key",
            discover().private_key_jwt("api key", key(&signed.own)),
            discover().private_key_jwt("api key", key(&other)),
        ),
        ("certificate", signed.with_certificate(&signed.own), signed.with_certificate(&other)),
    ] {
        let api = introspecting(&signed.provider, right);
        let response = api.get("/protected").bearer(&token).send();
        assert_eq!(response.status, 200, "{name}: {}", response.everything());
        let response =
            introspecting(&signed.provider, wrong).get("/protected").bearer(&token).send();
        assert_eq!(response.status, 503, "{name}: {}", response.everything());
        assert!(response.header("retry-after").is_some(), "{name}");
    }
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn signed_answers_are_verified_also_after_a_rotation() {
    let mut provider = Provider::start();
    let introspection = Introspection::discover().client_secret_basic("api signed", SECRET);
    let api = introspecting(&provider, introspection.signed_answers());
    let [first, second] = [0; 2].map(|_| provider.opaque_token("opaque", AUDIENCE));
    assert_eq!((status(&api, &first), status(&api, "made-up")), (200, 401));
    provider.command("rotate");
    assert_eq!((status(&api, &second), status(&api, &first)), (200, 200));
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn tokens_are_judged_by_the_endpoint_after_a_rotation_of_keys() {
    let mut provider = Provider::start();
    let api = introspecting(&provider, basic());
    let token = provider.opaque_token("opaque", AUDIENCE);
    let jwt = provider.token(Algorithm::RS256, AUDIENCE, "read:posts");
    assert_eq!((status(&api, &token), status(&api, &jwt)), (200, 200));
    provider.command("rotate");
    let new = provider.token(Algorithm::RS256, AUDIENCE, "read:posts");
    assert_eq!((status(&api, &new), status(&api, &token), status(&api, &jwt)), (200, 200, 401));
}
