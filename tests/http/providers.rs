//! Keys from elsewhere: a provider of the application's own, and keys from the configuration.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jwt_verify::{
    JwkSet, KeyProvider, Lookup, TrustedIssuer, VerificationKey,
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
            let fits = wanted.exclude.is_empty() && wanted.key_id == self.key.id();
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
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(ISSUER, AUDIENCE).algorithms([Algorithm::ES256]).keys(table),
    )
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
    for keys in [JwkSet::single(imported()), JwkSet::new([imported()])] {
        let auth = JwtAuth::for_issuer(
            TrustedIssuer::new(ISSUER, AUDIENCE).algorithms([Algorithm::ES256]).keys(keys),
        );
        let api = serve(auth.build().unwrap());
        let token = Token::now(ISSUER).sign(&key);
        assert_eq!(api.get("/protected").bearer(token).send().status, 200);
    }
}

/// A provider that has another key for every question, or one key for all of them.
#[derive(Debug)]
struct Endless {
    keys: Vec<Arc<VerificationKey>>,
    asked: Arc<AtomicUsize>,
    waits: bool,
}

impl KeyProvider for Endless {
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        let key = Ok(self.keys[wanted.exclude.len().min(self.keys.len() - 1)].clone());
        let answer = move || {
            self.asked.fetch_add(1, Ordering::SeqCst);
            key
        };
        if self.waits {
            Lookup::Pending(Box::pin(async { answer() }))
        } else {
            Lookup::Ready(answer())
        }
    }
}

#[test]
fn a_provider_without_end_is_asked_a_few_times() {
    let keys: Vec<SigningKey> = (0..20).map(|_| SigningKey::new(Algorithm::ES256, "k")).collect();
    let imported =
        |key: &SigningKey| Arc::new(VerificationKey::from_jwk(&key.jwk().to_string()).unwrap());
    // The number of keys, whether it takes time to find them, the questions for a token that none
    // has signed, and the number of keys whose tokens are good.
    for (count, waits, questions, good) in [(20, false, 5, 4), (20, true, 2, 2), (1, false, 2, 1)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let provider = Endless {
            keys: keys.iter().take(count).map(imported).collect(),
            asked: asked.clone(),
            waits,
        };
        let auth = JwtAuth::for_issuer(
            TrustedIssuer::new(ISSUER, AUDIENCE).algorithms([Algorithm::ES256]).keys(provider),
        );
        let api = serve(auth.build().unwrap());
        let status = |key: &SigningKey| {
            api.get("/protected").bearer(Token::now(ISSUER).sign(key)).send().status
        };
        assert_eq!(status(&SigningKey::new(Algorithm::ES256, "k")), 401);
        assert_eq!(asked.load(Ordering::SeqCst), questions, "{count} {waits}");
        let accepted = keys.iter().take_while(|key| status(key) == 200).count();
        assert_eq!(accepted, good, "{count} {waits}");
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
        let auth = JwtAuth::for_issuer(
            TrustedIssuer::new(ISSUER, AUDIENCE).algorithms([Algorithm::ES256]).keys(provider),
        );
        let api = serve(auth.token_cache_capacity(entries).build().unwrap());
        let good = Token::now(ISSUER).sign(&key);
        asked.store(0, Ordering::SeqCst);
        for _ in 0..3 {
            assert_eq!(api.get("/protected").bearer(&good).send().status, 200);
        }
        assert_eq!(asked.load(Ordering::SeqCst), expected);
    }
}
