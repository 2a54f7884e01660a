//! How an issuer is reached: TLS, proxies, and what there is to start from.

use jwt_verify::{ConfigError, JwkSet, TrustedIssuer};
use jwt_verify_tests::{Answer, Authority, ConnectProxy, Identity, START, TlsFront};
use serde_json::json;

use super::*;

/// An API that gets the issuer's keys from there.
fn api(
    issuer: &FakeIssuer,
    url: String,
    configure: impl FnOnce(JwksProviderBuilder) -> JwksProviderBuilder,
) -> (TestServer, TestClock) {
    let clock = TestClock::new();
    let api = serve(issuer, &clock, configure(JwksProvider::builder(url).clock(clock.clone())));
    (api, clock)
}

fn status(api: &TestServer, issuer: &FakeIssuer, key: &SigningKey) -> u16 {
    let token = Token::of(issuer.url()).claim("exp", START + 1_000_000).sign(key);
    api.get("/protected").bearer(token).send().status
}

fn reason(api: &TestServer) -> String {
    api.get("/health/ready").send().json()["reason"].as_str().unwrap_or("ready").to_owned()
}

#[test]
fn a_private_authority_can_be_trusted() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let authority = Authority::new();
    let front = TlsFront::start(&authority.certify("localhost"), issuer.url());
    let url = || front.url("/jwks.json");
    let (added, _) = api(&issuer, url(), |keys| keys.root_certificates(authority.pem()));
    let (alone, _) =
        api(&issuer, url(), |keys| keys.without_builtin_roots().root_certificates(authority.pem()));
    assert_eq!((status(&added, &issuer, &key), status(&alone, &issuer, &key)), (200, 200));
    assert_eq!(issuer.key_fetches(), 2);
}

/// JWK-13: a certificate that does not convince means no keys, and nothing switches that off.
#[test]
fn a_certificate_that_does_not_convince_means_no_keys() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let (authority, other) = (Authority::new(), Authority::new());
    for (what, identity) in [
        ("an unknown authority", other.certify("localhost")),
        ("its own authority", Identity::self_signed("localhost")),
        ("another host", authority.certify("issuer.example")),
        ("over", authority.certify_long_ago("localhost")),
    ] {
        let front = TlsFront::start(&identity, issuer.url());
        let trust = |keys: JwksProviderBuilder| keys.root_certificates(authority.pem());
        let (api, _) = api(&issuer, front.url("/jwks.json"), trust);
        assert_eq!(status(&api, &issuer, &key), 503, "{what}");
        assert_eq!(reason(&api), "no usable key: connect", "{what}");
    }
    // No TLS at all, and a handshake that is cut short.
    let plain = issuer.jwks_uri().replace("http://127.0.0.1", "https://localhost");
    let (to_plain, _) = api(&issuer, plain, |keys| keys);
    assert_eq!(status(&to_plain, &issuer, &key), 503);
    assert_eq!(issuer.key_fetches(), 0);
}

#[test]
fn a_proxy_makes_a_tunnel_and_sees_nothing() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let authority = Authority::new();
    let front = TlsFront::start(&authority.certify("localhost"), issuer.url());
    let proxy = ConnectProxy::start();
    let url = format!("http://user:secret@{}", proxy.address());
    let (api, clock) = api(&issuer, front.url("/jwks.json"), |keys| {
        keys.root_certificates(authority.pem()).proxy(url)
    });
    assert_eq!((status(&api, &issuer, &key), issuer.key_fetches()), (200, 1));
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with("CONNECT localhost:"), "{}", heads[0]);
    assert!(heads[0].contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"), "{}", heads[0]);
    proxy.refuse();
    clock.advance(Duration::from_secs(600 + 3600));
    assert_eq!(status(&api, &issuer, &key), 503);
    assert_eq!(reason(&api), "no usable key: proxy");
    assert_eq!(issuer.key_fetches(), 1);
}

#[test]
fn this_machine_is_reached_without_a_proxy() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let proxy = ConnectProxy::start();
    let url = format!("http://{}", proxy.address());
    let (api, _) = api(&issuer, issuer.jwks_uri(), |keys| keys.proxy(url));
    assert_eq!((status(&api, &issuer, &key), proxy.heads().len()), (200, 0));
}

#[test]
fn configured_keys_serve_until_the_issuer_is_reached_but_not_for_ever() {
    let (seeded, current) = (key("seeded"), key("current"));
    let issuer = FakeIssuer::start(&[&current]);
    issuer.answer_keys(Answer::status(500));
    let set = JwkSet::from_json(json!({"keys": [seeded.jwk()]}).to_string().as_bytes()).unwrap();
    let (api, clock) = api(&issuer, issuer.jwks_uri(), |keys| keys.initial_keys(set));
    assert_eq!(status(&api, &issuer, &seeded), 200);
    eventually("a fetch", || issuer.key_fetches() == 1);
    assert_eq!(reason(&api), "ready");
    clock.advance(Duration::from_secs(3599));
    assert_eq!(status(&api, &issuer, &seeded), 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&api, &issuer, &seeded), 503);
    issuer.publish(&[&current]);
    clock.advance(Duration::from_secs(60));
    assert_eq!((status(&api, &issuer, &current), status(&api, &issuer, &seeded)), (200, 401));
}

#[test]
fn what_the_issuer_says_replaces_configured_keys() {
    let (seeded, current) = (key("seeded"), key("current"));
    let issuer = FakeIssuer::start(&[&current]);
    let set = JwkSet::from_json(json!({"keys": [seeded.jwk()]}).to_string().as_bytes()).unwrap();
    let (api, _) = api(&issuer, issuer.jwks_uri(), |keys| keys.initial_keys(set));
    assert_eq!(status(&api, &issuer, &current), 200);
    assert_eq!((status(&api, &issuer, &seeded), issuer.key_fetches()), (401, 1));
}

/// CCH-18, JWK-14: settings that make no sense stop the start.
#[test]
fn settings_that_make_no_sense_are_refused() {
    let url = "https://issuer.example/jwks";
    let problem = |keys: JwksProviderBuilder| -> ConfigError { keys.build().unwrap_err() };
    for (setting, keys) in [
        ("root_certificates", JwksProvider::builder(url).root_certificates("garbage")),
        ("root_certificates", JwksProvider::builder(url).without_builtin_roots()),
        ("proxy", JwksProvider::builder(url).proxy("socks5://127.0.0.1")),
        (
            "initial_keys",
            JwksProvider::builder(url).initial_keys(JwkSet::from_json(br#"{"keys":[]}"#).unwrap()),
        ),
        ("cache_ttl", JwksProvider::builder(url).cache_ttl(Duration::ZERO)),
        ("cache_ttl", JwksProvider::builder(url).cache_ttl(Duration::MAX)),
        ("negative_cache_ttl", JwksProvider::builder(url).negative_cache_ttl(Duration::ZERO)),
        ("refetch_window", JwksProvider::builder(url).refetch_window(Duration::ZERO)),
        ("max_refetches", JwksProvider::builder(url).max_refetches(0)),
        ("fetch_timeout", JwksProvider::builder(url).fetch_timeout(Duration::ZERO)),
        ("fetch_timeout", JwksProvider::builder(url).fetch_timeout(Duration::from_secs(61))),
        ("connect_timeout", JwksProvider::builder(url).connect_timeout(Duration::ZERO)),
        ("jwks_uri", JwksProvider::builder("http://issuer.example/jwks")),
        ("jwks_uri", JwksProvider::builder("file:///etc/passwd")),
        ("jwks_uri", JwksProvider::builder("data:application/json,{}")),
        ("jwks_uri", JwksProvider::builder("ftp://issuer.example/jwks")),
        ("issuer", JwksProvider::discover("http://issuer.example")),
    ] {
        let error = problem(keys).to_string();
        assert!(error.contains(setting), "{setting}: {error}");
    }
}

/// The authorities of the system are those that `SSL_CERT_FILE` names, where it is set.
#[test]
fn the_authorities_of_the_system_can_be_trusted() {
    const AUTHORITY: &str = "JWT_VERIFY_TESTS_AUTHORITY_KEY";
    // The variable has to be there from the start, so the test starts itself again.
    let Some(url) = std::env::var_os(AUTHORITY) else {
        let known = key("k");
        let issuer = FakeIssuer::start(&[&known]);
        let authority = Authority::new();
        let front = TlsFront::start(&authority.certify("localhost"), issuer.url());
        let file = std::env::temp_dir().join(format!("jwt-verify-roots-{}", std::process::id()));
        std::fs::write(&file, authority.pem()).unwrap();
        let test = "transport::the_authorities_of_the_system_can_be_trusted";
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env("SSL_CERT_FILE", &file)
            .env(AUTHORITY, front.url("/jwks.json"))
            .status();
        std::fs::remove_file(&file).unwrap();
        assert!(status.unwrap().success());
        assert_eq!(issuer.key_fetches(), 1);
        return;
    };
    let url = url.into_string().unwrap();
    let fetch = |provider: JwksProviderBuilder| {
        let auth = JwtAuth::for_issuer(
            TrustedIssuer::new("https://localhost", AUDIENCE).keys(provider.build().unwrap()),
        )
        .build()
        .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(auth.wait_until_ready())
    };
    assert!(fetch(JwksProvider::builder(url.clone()).native_roots()).is_ok());
    assert!(fetch(JwksProvider::builder(url)).is_err());
}
