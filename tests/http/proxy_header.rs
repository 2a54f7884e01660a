//! The token in a header of its own, which a proxy adds.

use jwt_verify::{
    Secret,
    dpop::Dpop,
    extract::{CsrfProtection, HeaderExtractor},
};
use jwt_verify_tests::{Process, Request, Response, eventually, resource_server};

use super::*;

const NAME: &str = "Cf-Access-Jwt-Assertion";

fn api(bed: &TestBed) -> TestServer {
    serve(bed.auth().extractor(HeaderExtractor::new(NAME)).build().unwrap())
}

fn is_malformed(response: &Response) -> bool {
    response.status == 400
        && response.challenge().unwrap().starts_with(r#"Bearer error="invalid_request""#)
}

#[test]
fn it_is_read_instead_of_authorization() {
    let bed = TestBed::new();
    let (api, good) = (api(&bed), bed.good());
    let with = |name: &str, value: &str| api.get("/protected").header(name, value);
    assert_eq!(with(NAME, &good).send().status, 200);
    assert_eq!(with("cf-access-jwt-assertion", &good).send().status, 200);
    for authorization in ["Basic dXNlcjpwYXNz", "Bearer bad", "Bearer", "x, Bearer y", "(x)"] {
        let beside = with(NAME, &good).header("authorization", authorization);
        assert_eq!(beside.send().status, 200, "{authorization}");
    }
    for missing in [
        with("authorization", &format!("Bearer {good}")),
        with("authorization", &good),
        with("x-forwarded-access-token", &good),
        with("cookie", &format!("{NAME}={good}")),
        api.get(&format!("/protected?{NAME}={good}")),
    ] {
        let answer = missing.send();
        assert_eq!((answer.status, answer.challenge()), (401, Some("Bearer")));
    }
    let invalid = with(NAME, "x.y.z").header("authorization", format!("Bearer {good}")).send();
    assert_eq!((invalid.status, invalid.challenge()), (401, Some(INVALID)));
}

#[test]
fn it_holds_one_token_and_nothing_else() {
    let bed = TestBed::new();
    let (api, good) = (api(&bed), bed.good());
    for value in [
        String::new(),
        format!("Bearer {good}"),
        format!("{good} {good}"),
        format!("{good},{good}"),
        format!("{good},"),
        format!("{good}\u{a0}"),
    ] {
        let answer = api.get("/protected").header(NAME, &value).send();
        assert!(is_malformed(&answer), "{value}: {}", answer.everything());
    }
    for other in [good.as_str(), "bad", ""] {
        for (first, second) in [(good.as_str(), other), (other, good.as_str())] {
            let answer = api.get("/protected").header(NAME, first).header(NAME, second).send();
            assert!(is_malformed(&answer), "{first} {second}");
        }
    }
}

/// The proxy adds it for every page whose request carries the cookie of the proxy.
#[test]
fn a_page_of_another_origin_changes_nothing() {
    const EVIL: (&str, &str) = ("origin", "https://evil.example");
    const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");
    const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
    const APP: (&str, &str) = ("origin", "https://app.example");

    let bed = TestBed::new();
    let token = bed.token().claim("sid", "s").sign(&bed.key);
    let csrf = || CsrfProtection::new(&Secret::from("c".repeat(32))).unwrap();
    let header = || HeaderExtractor::new(NAME);
    let serve = |auth: JwtAuthBuilder| {
        let auth = auth.build().unwrap();
        TestServer::start(move || {
            let page = actix_web::web::to(async || "welcome");
            App::new().wrap(auth.clone()).default_service(page)
        })
    };
    let by_default = serve(bed.auth().extractor(header()));
    let ambient = serve(bed.auth().extractor(header().ambient()));
    let listed = serve(bed.auth().extractor(header()).cookie_origins([APP.1]));
    let protected = serve(bed.auth().extractor(header()).csrf(csrf()));
    let status = |api: &TestServer, method: &str, page: &[(&str, &str)]| {
        let request = api.request(method, "/x").header(NAME, &token);
        let add = |request: Request, field: &(&str, &str)| request.header(field.0, field.1);
        page.iter().fold(request, add).send().status
    };
    for api in [&by_default, &ambient, &listed, &protected] {
        for page in [&[][..], &[EVIL], &[CROSS], &[OWN]] {
            assert_eq!(status(api, "GET", page), 200, "{page:?}");
        }
        for page in [&[EVIL][..], &[CROSS], &[CROSS, EVIL], &[("origin", "null")]] {
            for method in ["POST", "PUT", "DELETE", "OTHER"] {
                assert_eq!(status(api, method, page), 403, "{method} {page:?}");
            }
        }
        let upgrade = ("upgrade", "websocket");
        assert_eq!(status(api, "GET", &[upgrade, EVIL]), 403);
    }
    for api in [&by_default, &ambient, &listed] {
        assert_eq!(status(api, "POST", &[OWN]), 200);
    }
    // A program has no cookie of the proxy that another page could use.
    assert_eq!(status(&by_default, "POST", &[]), 200);
    assert_eq!(status(&listed, "POST", &[]), 200);
    assert_eq!(status(&ambient, "POST", &[]), 403);
    assert_eq!(status(&protected, "POST", &[]), 403);
    let proof = csrf().token("s").unwrap();
    let cookie = ("cookie", format!("__Host-csrf={proof}"));
    let repeated = [(cookie.0, cookie.1.as_str()), ("x-csrf-token", proof.as_str())];
    assert_eq!(status(&protected, "POST", &repeated), 200);
    assert_eq!(status(&by_default, "POST", &[APP]), 403);
    assert_eq!(status(&listed, "POST", &[APP]), 200);
}

/// It has no way to carry a proof.
#[test]
fn a_bound_token_is_refused_in_it() {
    let bed = TestBed::new();
    let bound = bed.token_with(&serde_json::json!({"cnf": {"jkt": "x".repeat(43)}}));
    let header = || bed.auth().extractor(HeaderExtractor::new(NAME));
    let plain = serve(header().build().unwrap());
    let with_proofs = serve(header().dpop(Dpop::new("https://api.example")).build().unwrap());
    for api in [&plain, &with_proofs] {
        let request = api.get("/protected");
        assert_eq!(request.clone().header(NAME, &bound).send().status, 401);
        let proof = request.clone().header(NAME, &bound).header("dpop", "x.y.z");
        assert_eq!(proof.send().status, 401);
        assert_eq!(request.header(NAME, bed.good()).send().status, 200);
    }
    let both = with_proofs.get("/protected").header(NAME, bed.good());
    assert_eq!(both.header("authorization", "DPoP x").send().status, 400);
}

#[test]
fn the_environment_names_it() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let server = Process::start(&issuer, &[("JWT_HEADER", "X-Forwarded-Access-Token")]);
    let token = Token::now(issuer.url()).sign(&key);
    let get =
        |name: &str, value: &str| server.request("GET", "/protected").header(name, value).send();
    eventually("it is ready", || get("x-forwarded-access-token", &token).status == 200);
    assert_eq!(get("authorization", &format!("Bearer {token}")).status, 401);
    assert!(is_malformed(&get("x-forwarded-access-token", &format!("Bearer {token}"))));
    for variables in [
        [("JWT_HEADER", "X-Token"), ("JWT_COOKIE", "access")],
        [("JWT_HEADER", "Authorization"), ("JWT_LEEWAY", "1")],
    ] {
        let base = [("JWT_ISSUER", "https://issuer.example"), ("JWT_AUDIENCE", "api")];
        let output = resource_server(&[base, variables].concat()).output().unwrap();
        assert!(!output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("JWT_HEADER"), "{message}");
    }
}
