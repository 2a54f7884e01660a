//! An issuer, a key and a clock, for handlers to be tried with.

use jwt_verify::{Algorithm, JwtAuth, JwtAuthBuilder, TrustedIssuer};
use jwt_verify_tests::{AUDIENCE, FakeIssuer, SigningKey, TestClock, Token};
use serde_json::Value;

pub(crate) struct World {
    pub(crate) issuer: FakeIssuer,
    pub(crate) key: SigningKey,
    pub(crate) clock: TestClock,
}

impl World {
    pub(crate) fn new() -> Self {
        let key = SigningKey::new(Algorithm::ES256, "k");
        let issuer = FakeIssuer::start(&[&key]);
        Self { issuer, key, clock: TestClock::new() }
    }

    pub(crate) fn auth(&self) -> JwtAuthBuilder {
        self.auth_with(|issuer| issuer)
    }

    /// With other settings of the issuer.
    pub(crate) fn auth_with(
        &self,
        change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> JwtAuthBuilder {
        let issuer = TrustedIssuer::new(self.issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]);
        JwtAuth::for_issuer(change(issuer)).clock(self.clock.clone())
    }

    /// A token with these claims besides the usual ones.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let mut token = Token::of(self.issuer.url());
        for (name, value) in claims.as_object().unwrap() {
            token = token.claim(name, value.clone());
        }
        token.sign(&self.key)
    }
}
