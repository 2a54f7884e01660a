//! Keys from elsewhere: a provider of the application's own, and keys from the configuration.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jwt_verify::{
    JwkSet, KeyProvider, Lookup, VerificationKey,
    keys::{KeyLookupError, KeyQuery},
};

use super::*;

const ISSUER: &str = "https://issuer.example/";

/// Keys in a table that has to be asked for each of them.
#[derive(Debug)]
struct Table {
    key: Arc<VerificationKey>,
    asked: Arc<AtomicUsize>,
    /// What is wrong with it.
    failure: Option<KeyLookupError>,
}

impl KeyProvider for Table {
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        Lookup::Pending(Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if let Some(failure) = self.failure {
                return Err(failure);
            }
            let fits = wanted.exclude.is_none() && wanted.key_id == self.key.id();
            if fits { Ok(self.key.clone()) } else { Err(KeyLookupError::NotFound) }
        }))
    }
}

fn api(key: &SigningKey, failure: Option<KeyLookupError>) -> (TestServer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let table = Table {
        key: Arc::new(VerificationKey::from_jwk(&key.jwk().to_string()).unwrap()),
        asked: asked.clone(),
        failure,
    };
    let auth = JwtAuth::builder(ISSUER, AUDIENCE)
        .algorithms([Algorithm::ES256])
        .keys(table)
        .build()
        .unwrap();
    (serve(auth), asked)
}

#[test]
fn a_provider_of_ones_own_is_asked_once_for_each_token() {
    let key = SigningKey::new(Algorithm::ES256, "k");
    let (api, asked) = api(&key, None);
    let good = Token::now(ISSUER).sign(&key);
    for count in 1..4 {
        // Nobody knows for how long its keys are good, so nothing is remembered.
        assert_eq!(api.get("/protected").bearer(&good).send().status, 200);
        assert_eq!(asked.load(Ordering::SeqCst), count);
    }
    let unknown = Token::now(ISSUER).header("kid", "x").sign(&key);
    assert_eq!(api.get("/protected").bearer(unknown).send().status, 401);
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    // A bad signature asks for another key.
    let forged = Token::now(ISSUER).sign(&SigningKey::new(Algorithm::ES256, "k"));
    assert_eq!(api.get("/protected").bearer(forged).send().status, 401);
    assert_eq!(asked.load(Ordering::SeqCst), 6);
    // What no key could make good asks for none.
    let expired = Token::now(ISSUER).claim("exp", 1).without("iat").sign(&key);
    assert_eq!(api.get("/protected").bearer(expired).send().status, 401);
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}

#[test]
fn a_provider_that_is_out_of_reach_says_when_to_come_back() {
    let key = SigningKey::new(Algorithm::ES256, "k");
    let retry_after = Duration::from_millis(2500);
    let (api, _) = api(&key, Some(KeyLookupError::Unavailable { retry_after }));
    let response = api.get("/protected").bearer(Token::now(ISSUER).sign(&key)).send();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("3")));
}

/// OUT-02: a provider that may not be asked says so, and costs its caller neither token nor instance.
#[test]
fn a_provider_that_was_not_asked_says_when_to_come_back() {
    let key = SigningKey::new(Algorithm::ES256, "k");
    let retry_after = Duration::from_millis(2500);
    let (api, _) = api(&key, Some(KeyLookupError::Limited { retry_after }));
    // Optional routes do not take it for no token.
    for path in ["/protected", "/content"] {
        let response = api.get(path).bearer(Token::now(ISSUER).sign(&key)).send();
        assert_eq!((response.status, response.header("retry-after")), (429, Some("3")));
        assert_eq!(response.challenge(), None);
        assert_eq!(response.json()["code"], "key_lookup_limited");
    }
}

#[test]
fn a_single_key_from_the_configuration_needs_no_name() {
    let key = SigningKey::new(Algorithm::ES256, "whatever the issuer calls it");
    let mut unnamed = key.jwk();
    unnamed.as_object_mut().unwrap().remove("kid");
    let imported = || VerificationKey::from_jwk(&unnamed.to_string()).unwrap();
    for (keys, expected) in [(JwkSet::single(imported()), 200), (JwkSet::new([imported()]), 401)] {
        let auth = JwtAuth::builder(ISSUER, AUDIENCE).algorithms([Algorithm::ES256]).keys(keys);
        let api = serve(auth.build().unwrap());
        let token = Token::now(ISSUER).sign(&key);
        assert_eq!(api.get("/protected").bearer(token).send().status, expected);
    }
}

/// Keys that have a generation, and a count of the questions for them.
#[derive(Debug)]
struct Counted {
    keys: JwkSet,
    asked: Arc<AtomicUsize>,
}

impl KeyProvider for Counted {
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.keys.find(wanted)
    }

    fn generation(&self) -> Option<u64> {
        self.keys.generation()
    }
}

#[test]
fn a_token_that_is_remembered_asks_for_no_key() {
    let (key, asked) = (SigningKey::new(Algorithm::ES256, "k"), Arc::new(AtomicUsize::new(0)));
    let keys =
        JwkSet::from_json(serde_json::json!({"keys": [key.jwk()]}).to_string().as_bytes()).unwrap();
    for (entries, expected) in [(10, 1), (0, 3)] {
        let provider = Counted { keys: keys.clone(), asked: asked.clone() };
        let auth = JwtAuth::builder(ISSUER, AUDIENCE).algorithms([Algorithm::ES256]).keys(provider);
        let api = serve(
            auth.verifier(|verifier| verifier.token_cache_capacity(entries)).build().unwrap(),
        );
        let good = Token::now(ISSUER).sign(&key);
        asked.store(0, Ordering::SeqCst);
        for _ in 0..3 {
            assert_eq!(api.get("/protected").bearer(&good).send().status, 200);
        }
        assert_eq!(asked.load(Ordering::SeqCst), expected);
    }
}
