//! One JSON Web Key, public or private: what is imported is for the algorithms of its type, and a private
//! key is never taken for a public one.
#![no_main]

use jwt_verify::{Algorithm, Secret, VerificationKey, introspection::ClientKey};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let public = VerificationKey::from_jwk(text);
    let private = ClientKey::from_jwk(Secret::from(text));
    assert!(public.is_err() || private.is_err(), "a key is one of both");
    let member = |name: &str| {
        let jwk: Value = serde_json::from_str(text).expect("what is imported is JSON");
        jwk.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    if let Ok(key) = public {
        let supported: Vec<Algorithm> =
            Algorithm::ALL.into_iter().filter(|one| key.supports(*one)).collect();
        assert!(!supported.is_empty() && !supported.iter().any(|one| one.is_symmetric()));
        assert!(key.thumbprint().is_some_and(|name| name.len() == 43));
        if member("kty").as_deref() == Some("AKP") {
            // RFC 9964: such a key is for the one algorithm that it names.
            let names: Vec<_> = supported.iter().map(|one| one.name().to_owned()).collect();
            assert_eq!(names, [member("alg").expect("required")]);
        }
    }
    if private.is_ok() {
        assert_eq!(member("kty").as_deref(), Some("AKP"));
        assert!(member("priv").is_some_and(|seed| seed.len() == 43));
    }
});
