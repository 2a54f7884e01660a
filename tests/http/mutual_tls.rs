//! Tokens that are bound to the certificate of their client (RFC 8705 §3): over real TLS connections, and
//! behind something that says which certificate was shown.

use std::sync::Arc;

use actix_web::{App, HttpMessage as _, dev::Service as _, web};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jwt_verify::{
    JwtAuth, VerifiedClaims,
    dpop::Dpop,
    mtls::{ClientCertificate, MutualTls},
    testing::{ProofKey, TestIssuer},
};
use jwt_verify_tests::{Authority, Identity, Request, Response, TestServer};

/// An issuer, an authority, and two clients with certificates of it.
struct Parties {
    issuer: TestIssuer,
    authority: Authority,
    server: Identity,
    client: Identity,
    thief: Identity,
}

impl Parties {
    fn new() -> Self {
        let authority = Authority::new();
        let [server, client, thief] =
            ["localhost", "client.example", "thief.example"].map(|name| authority.certify(name));
        Self { issuer: TestIssuer::start(), authority, server, client, thief }
    }

    fn auth(&self, mutual_tls: MutualTls) -> JwtAuth {
        self.issuer.auth().mutual_tls(mutual_tls).build().unwrap()
    }

    fn bound_to(&self, identity: &Identity) -> String {
        let certificate = ClientCertificate::from_der(identity.der());
        self.issuer.token().bound_to_certificate(&certificate).sign()
    }

    /// An API that ends TLS connections itself, and asks for certificates.
    fn tls_api(&self, mutual_tls: MutualTls) -> TestServer {
        let (auth, config) = (self.auth(mutual_tls), self.server.asking_config(&self.authority));
        TestServer::start_as(
            move || App::new().wrap(auth.clone()).route("/", web::get().to(who)),
            move |server, listener| {
                server.on_connect(ClientCertificate::capture).listen_rustls_0_23(listener, config)
            },
        )
    }

    /// Over a connection of its own, on which a certificate may be shown.
    fn send(&self, request: &Request, shows: Option<&Identity>) -> Response {
        request.send_tls(Identity::client_config(&self.authority, shows)).0
    }
}

async fn who(claims: VerifiedClaims) -> String {
    claims.subject().unwrap_or_default().to_owned()
}

fn plain_api(auth: JwtAuth) -> TestServer {
    TestServer::start(move || App::new().wrap(auth.clone()).route("/", web::get().to(who)))
}

/// As RFC 9440 has it.
fn structured(identity: &Identity) -> String {
    format!(":{}:", STANDARD.encode(identity.der()))
}

#[track_caller]
fn assert_refused(response: &Response) {
    assert_eq!(response.status, 401, "{}", response.everything());
    let challenge =
        r#"Bearer error="invalid_token", error_description="the access token is not valid""#;
    assert_eq!(response.headers("www-authenticate"), [challenge]);
}

#[test]
fn a_bound_token_is_good_on_connections_of_its_certificate_alone() {
    let parties = Parties::new();
    let api = parties.tls_api(MutualTls::direct());
    let request = api.get("/").bearer(parties.bound_to(&parties.client));
    // Whether it has been seen before makes no difference.
    for _ in 0..2 {
        assert_eq!(parties.send(&request, Some(&parties.client)).text(), "test-user");
        assert_refused(&parties.send(&request, Some(&parties.thief)));
        assert_refused(&parties.send(&request, None));
    }
    assert_eq!(parties.send(&request, Some(&parties.client)).status, 200);
}

#[test]
fn of_a_chain_the_first_certificate_counts() {
    let parties = Parties::new();
    let api = parties.tls_api(MutualTls::direct());
    let client = parties.authority.certify("client.example").with_chain(&parties.authority);
    let request = api.get("/").bearer(parties.bound_to(&client));
    assert_eq!(parties.send(&request, Some(&client)).status, 200);
    let authority = ClientCertificate::from_der(parties.authority.der());
    let token = parties.issuer.token().bound_to_certificate(&authority).sign();
    assert_refused(&parties.send(&api.get("/").bearer(token), Some(&client)));
}

#[test]
fn a_token_that_is_bound_to_nothing_is_a_bearer_token() {
    let parties = Parties::new();
    let api = parties.tls_api(MutualTls::direct());
    let request = api.get("/").bearer(parties.issuer.token().sign());
    assert_eq!(parties.send(&request, Some(&parties.client)).status, 200);
    assert_eq!(parties.send(&request, None).status, 200);
    let api = parties.tls_api(MutualTls::direct().require_bound_tokens());
    let request = api.get("/").bearer(parties.issuer.token().sign());
    assert_refused(&parties.send(&request, Some(&parties.client)));
    assert_refused(&parties.send(&request, None));
    let bound = api.get("/").bearer(parties.bound_to(&parties.client));
    assert_eq!(parties.send(&bound, Some(&parties.client)).status, 200);
}

#[test]
fn nobody_says_a_certificate_but_a_proxy() {
    let parties = Parties::new();
    let token = parties.bound_to(&parties.client);
    let said = structured(&parties.client);
    for settings in [MutualTls::direct(), MutualTls::behind_proxies(["10.0.0.1", "::1"])] {
        let api = parties.tls_api(settings);
        let request = api.get("/").bearer(&token).header("client-cert", &said);
        assert_refused(&parties.send(&request, Some(&parties.thief)));
        assert_refused(&parties.send(&request, None));
        let forwarded =
            request.header("x-forwarded-for", "10.0.0.1").header("forwarded", "for=10.0.0.1");
        assert_refused(&parties.send(&forwarded, None));
        assert_eq!(parties.send(&forwarded, Some(&parties.client)).status, 200);
    }
}

#[test]
fn a_proxy_says_the_certificate_once() {
    let parties = Parties::new();
    let api = plain_api(parties.auth(MutualTls::behind_proxies(["127.0.0.0/8"])));
    let request = api.get("/").bearer(parties.bound_to(&parties.client));
    let (client, thief) = (structured(&parties.client), structured(&parties.thief));
    let with = |values: &[&str]| {
        let request = values.iter().fold(request.clone(), |to, one| to.header("client-cert", one));
        request.send()
    };
    assert_eq!(with(&[&client]).text(), "test-user");
    for values in [
        &[][..],
        &[""],
        &["?"],
        &[&thief],
        &[&client, &client],
        &[&client, &thief],
        &[&thief, &client],
        &[&format!("{client}, {thief}")],
        &[&format!("{client};a=1")],
        &[&client[..client.len() - 9]],
    ] {
        assert_refused(&with(values));
    }
    assert_refused(&request.clone().header("x-client-cert", &client).send());
    assert_eq!(with(&[&client]).status, 200);
    // One that nobody has to show.
    assert_eq!(api.get("/").bearer(parties.issuer.token().sign()).send().status, 200);
}

#[test]
fn proxies_have_fields_and_spellings_of_their_own() {
    let parties = Parties::new();
    let settings = MutualTls::behind_proxies(["127.0.0.1"]).header("X-Amzn-Mtls-Clientcert-Leaf");
    let api = plain_api(parties.auth(settings));
    let request = api.get("/").bearer(parties.bound_to(&parties.client));
    let pem = parties.client.pem().replace('\n', "%0A").replace(' ', "%20");
    let bare = STANDARD.encode(parties.client.der());
    for value in [&pem, &bare, &structured(&parties.client)] {
        let request = request.clone().header("x-amzn-mtls-clientcert-leaf", value);
        assert_eq!(request.send().status, 200, "{value}");
    }
    assert_refused(&request.header("client-cert", structured(&parties.client)).send());
}

#[test]
fn what_a_proxy_shows_is_its_own() {
    let parties = Parties::new();
    let api = parties.tls_api(MutualTls::behind_proxies(["127.0.0.1"]));
    let proxy = &parties.thief;
    let request = api.get("/").bearer(parties.bound_to(proxy));
    assert_refused(&parties.send(&request, Some(proxy)));
    let request = api.get("/").bearer(parties.bound_to(&parties.client));
    let said = request.header("client-cert", structured(&parties.client));
    assert_eq!(parties.send(&said, Some(proxy)).status, 200);
}

#[test]
fn a_middleware_may_say_it_too() {
    let parties = Parties::new();
    let auth = parties.auth(MutualTls::behind_proxies(["127.0.0.1"]));
    let shown = ClientCertificate::from_der(parties.client.der());
    let api = TestServer::start(move || {
        App::new().wrap(auth.clone()).route("/", web::get().to(who)).wrap_fn(
            move |request, next| {
                request.extensions_mut().insert(shown);
                next.call(request)
            },
        )
    });
    let request = api.get("/").bearer(parties.bound_to(&parties.client));
    assert_eq!(request.send().status, 200);
    assert_eq!(request.header("client-cert", structured(&parties.thief)).send().status, 200);
    assert_refused(&api.get("/").bearer(parties.bound_to(&parties.thief)).send());
}

#[test]
fn a_token_is_bound_in_the_way_that_it_says() {
    let parties = Parties::new();
    let key = ProofKey::new();
    let url = "https://api.example.com";
    let dpop = || Dpop::new(url).require_bound_tokens();
    let certificate = structured(&parties.client);
    let auths = [
        parties.issuer.auth().dpop(dpop()).mutual_tls(MutualTls::behind_proxies(["127.0.0.1"])),
        parties
            .issuer
            .auth()
            .dpop(Dpop::new(url))
            .mutual_tls(MutualTls::behind_proxies(["127.0.0.1"]).require_bound_tokens()),
    ];
    for auth in auths {
        let api = plain_api(auth.build().unwrap());
        let get = || api.get("/").header("client-cert", &certificate);
        let proven = |token: &str| {
            let proof = key.proof("GET", &format!("{url}/"), token).sign();
            get().header("authorization", format!("DPoP {token}")).header("dpop", proof).send()
        };
        let by_certificate = parties.bound_to(&parties.client);
        let by_key = parties.issuer.token().bound_to(&key).sign();
        let by_nothing = parties.issuer.token().sign();
        assert_eq!(get().bearer(&by_certificate).send().status, 200);
        let refused = api.get("/").bearer(&by_certificate).send();
        let challenges = refused.headers("www-authenticate");
        assert!(challenges[0].starts_with(r#"Bearer error="invalid_token""#), "{challenges:?}");
        assert!(challenges[1].starts_with("DPoP algs="), "{challenges:?}");
        assert_eq!(proven(&by_key).status, 200);
        assert_eq!(proven(&by_certificate).status, 401);
        assert_eq!(get().bearer(&by_key).send().status, 401);
        assert_eq!(get().bearer(&by_nothing).send().status, 401);
        assert_eq!(proven(&by_nothing).status, 401);
        // Either scheme would do, so that a client learns of both.
        let challenges = get().send().headers("www-authenticate").join(", ");
        assert!(challenges.contains("Bearer") && challenges.contains("DPoP"), "{challenges}");
    }
    // Each of two would have to hold, and nobody makes such tokens.
    let both = serde_json::json!({
        "jkt": key.thumbprint(),
        "x5t#S256": ClientCertificate::from_der(parties.client.der()).thumbprint(),
    });
    let both = parties.issuer.token().claim("cnf", both).sign();
    let api = plain_api(parties.auth(MutualTls::behind_proxies(["127.0.0.1"])));
    assert_refused(&api.get("/").bearer(both).header("client-cert", &certificate).send());
}

#[test]
fn without_settings_a_bound_token_is_refused() {
    let parties = Parties::new();
    let (auth, config) =
        (parties.issuer.auth().build().unwrap(), parties.server.asking_config(&parties.authority));
    let api = TestServer::start_as(
        move || App::new().wrap(auth.clone()).route("/", web::get().to(who)),
        move |server, listener| {
            server.on_connect(ClientCertificate::capture).listen_rustls_0_23(listener, config)
        },
    );
    let request = api.get("/").bearer(parties.bound_to(&parties.client));
    let request = request.header("client-cert", structured(&parties.client));
    assert_refused(&parties.send(&request, Some(&parties.client)));
}

#[test]
fn a_session_that_goes_on_has_its_certificate() {
    let parties = Parties::new();
    let api = parties.tls_api(MutualTls::direct());
    let request = api.get("/").bearer(parties.bound_to(&parties.client));
    let config = Identity::client_config(&parties.authority, Some(&parties.client));
    for is_resumed in [false, true] {
        let (response, resumed) = request.send_tls(Arc::clone(&config));
        assert_eq!((response.status, resumed), (200, is_resumed));
    }
    let other = Identity::client_config(&parties.authority, Some(&parties.thief));
    for is_resumed in [false, true] {
        let (response, resumed) = request.send_tls(Arc::clone(&other));
        assert_refused(&response);
        assert_eq!(resumed, is_resumed);
    }
}

#[test]
fn requests_of_one_connection_of_a_proxy_are_of_several_clients() {
    let parties = Parties::new();
    let api = plain_api(parties.auth(MutualTls::behind_proxies(["127.0.0.1"])));
    let request = api.get("/").bearer(parties.bound_to(&parties.client));
    let (client, thief) = (structured(&parties.client), structured(&parties.thief));
    let requests = [
        request.clone().header("client-cert", &client),
        request.clone().header("client-cert", &thief),
        request.clone(),
        request.header("client-cert", &client),
    ];
    let statuses: Vec<u16> = Request::send_all(&requests).iter().map(|one| one.status).collect();
    assert_eq!(statuses, [200, 401, 401, 200]);
}

#[test]
fn http_2_has_the_certificate_of_its_connection() {
    let parties = Parties::new();
    let api = parties.tls_api(MutualTls::direct());
    let url = format!("https://localhost:{}/", api.address().port());
    let token = parties.bound_to(&parties.client);
    let send = |shows: Option<&Identity>| {
        let mut config = (*Identity::client_config(&parties.authority, shows)).clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        actix_web::rt::System::new().block_on(async {
            let connector = awc::Connector::new().rustls_0_23(Arc::new(config));
            let client = awc::Client::builder().connector(connector).finish();
            let response = client.get(&url).bearer_auth(&token).send().await.unwrap();
            assert_eq!(response.version(), actix_web::http::Version::HTTP_2);
            response.status().as_u16()
        })
    };
    assert_eq!(send(Some(&parties.client)), 200);
    assert_eq!(send(Some(&parties.thief)), 401);
    assert_eq!(send(None), 401);
}
