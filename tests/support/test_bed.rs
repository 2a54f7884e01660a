//! A signing key, the issuer that publishes it and a clock: the parts of most tests.

use jwt_verify::{Algorithm, JwtAuth, JwtAuthBuilder, TrustedIssuer};
use serde_json::Value;

use crate::{FakeIssuer, SigningKey, TestClock, Token, setting};

/// An issuer on port 0, the key that it signs with, and a clock that the test moves.
pub struct TestBed {
    /// The issuer.
    pub issuer: FakeIssuer,
    /// The key of [`token`](Self::token).
    pub key: SigningKey,
    /// The clock of [`auth`](Self::auth).
    pub clock: TestClock,
}

impl TestBed {
    /// An issuer that publishes one ES256 key, whose pair is generated fastest.
    pub fn new() -> Self {
        let key = SigningKey::new(Algorithm::ES256, "key-1");
        Self::with(FakeIssuer::start(&[&key]), key)
    }

    /// An issuer as the test has set it up, with a key that the issuer need not publish.
    pub fn with(issuer: FakeIssuer, key: SigningKey) -> Self {
        Self { issuer, key, clock: TestClock::new() }
    }

    /// Settings that trust the issuer and accept the algorithm of the key.
    pub fn trusted_issuer(&self) -> TrustedIssuer {
        setting::trusted_issuer(self.issuer.url(), &self.key)
    }

    /// A middleware builder that trusts the issuer and uses the clock.
    pub fn auth(&self) -> JwtAuthBuilder {
        self.auth_with(|issuer| issuer)
    }

    /// Builds like [`auth`](Self::auth) after a change to the settings of the issuer.
    pub fn auth_with(&self, change: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> JwtAuthBuilder {
        let builder = JwtAuth::for_issuer(change(self.trusted_issuer()));
        setting::extractor(builder).clock(self.clock.clone())
    }

    /// A token that is good unless it is changed.
    pub fn token(&self) -> Token {
        Token::of(self.issuer.url())
    }

    /// A good token, signed.
    pub fn good(&self) -> String {
        self.token().sign(&self.key)
    }

    /// A signed token with these claims besides the usual ones.
    pub fn token_with(&self, claims: &Value) -> String {
        let mut token = self.token();
        for (name, value) in claims.as_object().unwrap() {
            token = token.claim(name, value.clone());
        }
        token.sign(&self.key)
    }
}

impl Default for TestBed {
    fn default() -> Self {
        Self::new()
    }
}
