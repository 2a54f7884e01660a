//! Settings that do not build, which tokens are taken, and how the application signs in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;
use crate::{introspection::ClientKey, store::MemoryCache, verifier::VerifierBuilder};

fn at() -> Introspection {
    Introspection::at("https://issuer.example/introspect")
}

fn ready() -> Introspection {
    at().client_secret_basic("rs", "s3cret")
}

fn issuer(name: &str) -> TrustedIssuer {
    TrustedIssuer::new(name, "api").keys(NoKeys::default())
}

fn one() -> VerifierBuilder {
    Verifier::for_issuer(issuer(ISSUER))
}

fn two() -> VerifierBuilder {
    one().issuer(issuer("https://other.example"))
}

fn problem(introspection: Introspection, verifier: VerifierBuilder) -> String {
    introspection.prepare(&verifier.build().unwrap()).err().unwrap().to_string()
}

#[test]
fn settings_that_cannot_work_do_not_build() {
    for (introspection, setting) in [
        (at(), "introspection.client:"),
        (ready().client_secret_post("rs", "x"), "introspection.client:"),
        (at().client_secret_basic("", "x"), "introspection.client_id"),
        (at().client_secret_post("rs", ""), "introspection.client_secret"),
        (at().mutual_tls("rs", "", ""), "mutual_tls"),
        (at().mutual_tls("rs", "x", "y"), "mutual_tls"),
        (ready().issuer("https://unknown.example"), "introspection.issuer"),
        (ready().cache_for(3601 * SECOND), "introspection.cache_for"),
        (ready().negative_cache_for(3601 * SECOND), "introspection.negative_cache_for"),
        (ready().cache(MemoryCache::new()), "introspection.cache: needs"),
        (ready().cache_integrity_key("x".repeat(32)), "introspection.cache_integrity_key: needs"),
        (
            ready().cache(MemoryCache::new()).cache_integrity_key("short"),
            "cache_integrity_key: must",
        ),
        (
            ready()
                .cache(MemoryCache::new())
                .cache_integrity_key("x".repeat(32))
                .cache_for(Duration::ZERO),
            "introspection.cache and",
        ),
        (ready().timeout(Duration::ZERO), "introspection.timeout"),
        (ready().timeout(61 * SECOND), "introspection.timeout"),
        (ready().connect_timeout(Duration::ZERO), "introspection.connect_timeout"),
        (ready().max_answer_bytes(0), "introspection.max_answer_bytes"),
        (ready().concurrency(0), "introspection.concurrency"),
        (ready().concurrency(10_001), "introspection.concurrency"),
        (ready().proxy("socks5://x"), "proxy"),
        (ready().allow_http("*"), "allow_http"),
        (ready().root_certificates("x"), "root_certificates"),
        (
            Introspection::at("http://issuer.example/").client_secret_basic("rs", "x"),
            "introspection.url",
        ),
        (Introspection::at("/introspect").client_secret_basic("rs", "x"), "introspection.url"),
    ] {
        let problem = problem(introspection.clone(), one());
        assert!(problem.starts_with(setting), "{introspection:?}: {problem}");
    }
    assert!(ready().prepare(&one().build().unwrap()).is_ok());
    let named = Introspection::at("http://keycloak:8080/").client_secret_basic("rs", "x");
    assert!(named.allow_http("keycloak").prepare(&one().build().unwrap()).is_ok());
}

#[test]
fn one_of_several_issuers_has_to_be_named() {
    assert!(problem(ready(), two()).contains("`.issuer(…)`"));
    assert!(ready().issuer(ISSUER).prepare(&two().build().unwrap()).is_ok());
    let tenants = Verifier::with_resolver(|_: &str| None::<TrustedIssuer>);
    assert!(problem(ready(), tenants.issuer(issuer(ISSUER))).contains("`.issuer(…)`"));
}

fn jwt(issuer: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
    let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"{issuer}"}}"#));
    format!("{header}.{payload}.c2ln")
}

#[test]
fn a_token_goes_to_the_verifier_or_to_the_endpoint() {
    let takes = |introspection: Introspection, verifier: VerifierBuilder, token: &str| {
        let introspector = introspection.prepare(&verifier.build().unwrap()).unwrap();
        introspector.takes(token.as_bytes())
    };
    let (ours, theirs) = (jwt(ISSUER), jwt("https://other.example"));
    for opaque in ["opaque", "a.b.c", "", "e30.a.b.c"] {
        assert!(takes(ready(), one(), opaque), "{opaque}");
        assert!(takes(ready().issuer(ISSUER).all_tokens(), two(), opaque), "{opaque}");
    }
    assert!(!takes(ready(), one(), &ours) && !takes(ready(), one(), &theirs));
    assert!(takes(ready().all_tokens(), one(), &ours));
    assert!(takes(ready().all_tokens(), one(), &theirs));
    let all = || ready().issuer(ISSUER).all_tokens();
    assert!(takes(all(), two(), &ours) && !takes(all(), two(), &theirs));
}

#[test]
fn debug_shows_neither_secret_nor_url() {
    let shown = format!(
        "{:?}",
        Introspection::at("https://i/?key=hunter2").client_secret_post("rs", "hunter2")
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    let introspector = ready().prepare(&one().build().unwrap()).unwrap();
    assert!(!format!("{introspector:?}").contains("s3cret"));
}

#[test]
fn each_credential_is_sent_as_its_method_has_it() {
    let endpoint = || FakeEndpoint::new(|question| active(question.token()));
    let at = |endpoint: &FakeEndpoint| Introspection::at(&endpoint.url);
    let post = endpoint();
    let bed = Bed::with(post.clone(), |_| at(&post).client_secret_post("rs", "s & t"), |it| it);
    assert!(bed.ask("token").is_ok());
    let question = post.last();
    assert_eq!((&*question.form["client_id"], &*question.form["client_secret"]), ("rs", "s & t"));
    assert!(!question.head.to_ascii_lowercase().contains("authorization"));

    let pair = aws_lc_rs::signature::EcdsaKeyPair::generate(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
    );
    let der = pair.unwrap().to_pkcs8v1().unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let key = ClientKey::from_pem(crate::algorithm::Algorithm::ES256, pem).unwrap();
    let signed = endpoint();
    let bed = Bed::with(signed.clone(), |_| at(&signed).private_key_jwt("rs", key), |it| it);
    assert!(bed.ask("token-1").is_ok());
    let first = signed.last();
    assert!(bed.ask("token-2").is_ok());
    let second = signed.last();
    assert_eq!(
        first.form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert_ne!(first.form["client_assertion"], second.form["client_assertion"]);
    let payload = first.form["client_assertion"].split('.').nth(1).unwrap().to_owned();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&"rs".into(), &ISSUER.into()));
}
