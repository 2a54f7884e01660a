//! Logout tokens and ID tokens of the newer algorithms, with keys that are fetched.

use actix_web::{App, HttpResponse, web};
use aws_lc_rs::digest::{self, SHA256, SHA512, digest};
use jwt_verify::{
    Algorithm, JwtAuth, TrustedIssuer, Verifier,
    endpoints::BackChannelLogoutEndpoint,
    oidc::{IdTokenChecks, IdTokenVerifier, LogoutTokenVerifier},
    revocation::MemoryRevocation,
};
use jwt_verify_tests::{
    AUDIENCE, FakeIssuer, START, SigningKey, TestClock, TestServer, Token, base64url,
};
use serde_json::json;

use crate::wait;

const CLIENT: &str = "my-client";

/// The last one has the longest signature.
const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::ES512, Algorithm::Ed25519, Algorithm::MlDsa65, Algorithm::MlDsa87];

/// An issuer whose key the test has, and a key of the same name that is not the issuer's.
struct Login {
    issuer: FakeIssuer,
    key: SigningKey,
    stranger: SigningKey,
    clock: TestClock,
}

impl Login {
    fn new(algorithm: Algorithm) -> Self {
        let (key, stranger) = (SigningKey::new(algorithm, "k"), SigningKey::new(algorithm, "k"));
        Self { issuer: FakeIssuer::start(&[&key]), key, stranger, clock: TestClock::new() }
    }

    fn trusted(&self, audience: &str, algorithm: Algorithm) -> TrustedIssuer {
        TrustedIssuer::new(self.issuer.url(), audience).algorithms([algorithm])
    }

    fn token(&self) -> Token {
        Token::of(self.issuer.url())
    }

    /// An API at `/api`, and back-channel logout at `/logout` and, for ES256 alone, at `/es256`.
    fn server(&self) -> TestServer {
        let store = MemoryRevocation::with_clock(self.clock.clone());
        let algorithm = self.key.algorithm();
        let api = Verifier::for_issuer(self.trusted(AUDIENCE, algorithm))
            .clock(self.clock.clone())
            .revocation(store.clone());
        let auth = JwtAuth::new(api.build().unwrap());
        let endpoints =
            [("/logout", algorithm), ("/es256", Algorithm::ES256)].map(|(path, one)| {
                let tokens = LogoutTokenVerifier::for_issuer(self.trusted(CLIENT, one))
                    .clock(self.clock.clone())
                    .build()
                    .unwrap();
                (path, tokens)
            });
        TestServer::start(move || {
            let [own, other] = endpoints
                .clone()
                .map(|(path, tokens)| BackChannelLogoutEndpoint::new(path, tokens, store.clone()));
            App::new().service((own, other)).service(protected(&auth))
        })
    }

    /// An API that may accept the ID tokens of the client.
    fn api(&self, change: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> TestServer {
        let trusted = change(self.trusted(CLIENT, self.key.algorithm()));
        let auth = JwtAuth::for_issuer(trusted).clock(self.clock.clone()).build().unwrap();
        TestServer::start(move || App::new().service(protected(&auth)))
    }
}

fn protected(auth: &JwtAuth) -> impl actix_web::dev::HttpServiceFactory + use<> {
    web::scope("/api").wrap(auth.clone()).route("", web::get().to(HttpResponse::NoContent))
}

#[test]
fn a_logout_token_ends_what_its_key_and_algorithm_may_end() {
    for algorithm in ALGORITHMS {
        let login = Login::new(algorithm);
        let server = login.server();
        let status = |issued_at: u64| {
            let token = login.token().claim("jti", "x").claim("iat", issued_at).sign(&login.key);
            server.get("/api").bearer(token).send().status
        };
        let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
        let logout = login.token().claim("aud", CLIENT).header("typ", "logout+jwt");
        let logout = logout.claim("jti", "l-1").claim("sid", "s-1").claim("events", events);
        let send = |path: &str, key: &SigningKey| {
            let form = format!("logout_token={}", logout.sign(key));
            let form_type = "application/x-www-form-urlencoded";
            server.request("POST", path).body(form_type, &form).send().status
        };
        assert_eq!(status(START), 204, "{algorithm}");
        assert_eq!(send("/logout", &login.stranger), 400, "{algorithm} of another key");
        assert_eq!(send("/es256", &login.key), 400, "{algorithm} is not on that list");
        assert_eq!(status(START), 204, "{algorithm}: nothing has ended");
        assert_eq!(send("/logout", &login.key), 200, "{algorithm}");
        assert_eq!((status(START), status(START + 1)), (401, 204), "{algorithm}");
    }
}

#[test]
fn an_id_token_is_accepted_for_its_key_and_algorithm() {
    for algorithm in ALGORITHMS {
        let login = Login::new(algorithm);
        let verifier = |one| {
            let builder = IdTokenVerifier::for_issuer(login.trusted(CLIENT, one));
            builder.clock(login.clock.clone()).build().unwrap()
        };
        let (own, es256) = (verifier(algorithm), verifier(Algorithm::ES256));
        let id_token = login.token().claim("aud", CLIENT).claim("nonce", "n-1");
        let checks = || IdTokenChecks::nonce("n-1");
        let reason = |verifier: &IdTokenVerifier, token: &str, checks: &IdTokenChecks<'_>| {
            wait(verifier.verify(token, checks)).map_or_else(|error| error.reason(), |_| "ok")
        };
        let good = id_token.sign(&login.key);
        assert_eq!(reason(&own, &good, &checks()), "ok", "{algorithm}");
        assert_eq!(reason(&own, &good, &IdTokenChecks::nonce("n-2")), "nonce", "{algorithm}");
        assert_eq!(reason(&es256, &good, &checks()), "algorithm", "{algorithm}");
        let forged = id_token.sign(&login.stranger);
        assert_eq!(reason(&own, &forged, &checks()), "signature", "{algorithm}");

        // OpenID Connect names SHA-512 for these, and no hash for ML-DSA.
        let with_hash = |of: &'static digest::Algorithm| {
            let whole = digest(of, b"an-access-token");
            let half = whole.as_ref().split_at(whole.as_ref().len() / 2).0;
            id_token.clone().claim("at_hash", base64url(half)).sign(&login.key)
        };
        let came_along = || checks().access_token("an-access-token");
        let right = if algorithm.name().starts_with("ML-DSA") { "token_hash" } else { "ok" };
        assert_eq!(reason(&own, &with_hash(&SHA512), &came_along()), right, "{algorithm}");
        assert_eq!(reason(&own, &with_hash(&SHA256), &came_along()), "token_hash", "{algorithm}");
        assert_eq!(reason(&own, &good, &came_along()), "ok", "{algorithm}: it is optional");

        // An API takes it as an access token only where it is told to.
        for (api, status) in
            [(login.api(TrustedIssuer::accept_id_tokens), 204), (login.api(|issuer| issuer), 401)]
        {
            let token = with_hash(&SHA512);
            assert_eq!(api.get("/api").bearer(token).send().status, status, "{algorithm}");
        }
    }
}
