//! Tokens in cookies count in requests of the application's own pages, with nothing set.

use actix_web::web;
use jwt_verify::{
    InvalidRequestReason, Secret,
    extract::{CookieExtractor, Credential, CsrfProtection, FirstOf},
};
use jwt_verify_tests::Request;
use serde_json::json;

use super::*;

const TRUSTED: &str = "https://app.example";

/// What an application has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    Nothing,
    Origins,
    DoubleSubmit,
    DoubleSubmitAndOrigins,
    Dangerous,
}

fn csrf() -> CsrfProtection {
    CsrfProtection::new(&Secret::from("c".repeat(32))).unwrap()
}

fn api(bed: &TestBed, protection: Protection) -> TestServer {
    let cookie = FirstOf::bearer().or(CookieExtractor::new("access")).exclusive();
    let builder = bed.auth().extractor(cookie);
    let auth = match protection {
        Protection::Nothing => builder,
        Protection::Origins => builder.cookie_origins([TRUSTED]),
        Protection::DoubleSubmit => builder.csrf(csrf()),
        Protection::DoubleSubmitAndOrigins => builder.csrf(csrf().allowed_origins([TRUSTED])),
        Protection::Dangerous => builder.dangerously_accept_cross_site_cookies(),
    };
    serve_any(auth.build().unwrap())
}

fn serve_any(auth: JwtAuth) -> TestServer {
    TestServer::start(move || {
        App::new().wrap(auth.clone()).default_service(web::to(async || "welcome"))
    })
}

/// What the browser says of the page, or does not.
#[derive(Debug, Clone, Copy)]
struct Page {
    site: Option<&'static str>,
    origin: Option<&'static str>,
}

const PAGES: [(Page, Verdict); 17] = {
    const fn page(site: Option<&'static str>, origin: Option<&'static str>) -> Page {
        Page { site, origin }
    }
    const OWN: Option<&str> = Some("http://api.example");
    const EVIL: Option<&str> = Some("https://evil.example");
    [
        (page(None, None), Verdict::Unknown),
        (page(None, OWN), Verdict::Own),
        (page(None, Some("HTTP://API.example:80")), Verdict::Own),
        (page(None, EVIL), Verdict::Other),
        (page(None, Some("http://api.example:8080")), Verdict::Other),
        (page(None, Some("null")), Verdict::Other),
        (page(None, Some(TRUSTED)), Verdict::Trusted),
        (page(Some("same-origin"), None), Verdict::Own),
        (page(Some("same-origin"), OWN), Verdict::Own),
        (page(Some("none"), None), Verdict::Own),
        (page(Some("same-site"), Some("https://blog.api.example")), Verdict::Other),
        (page(Some("same-site"), Some(TRUSTED)), Verdict::Trusted),
        (page(Some("cross-site"), EVIL), Verdict::Other),
        (page(Some("cross-site"), Some("null")), Verdict::Other),
        (page(Some("cross-site"), None), Verdict::Other),
        (page(Some("of-times-to-come"), OWN), Verdict::Own),
        (page(Some("of-times-to-come"), EVIL), Verdict::Other),
    ]
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Own,
    Trusted,
    Other,
    Unknown,
}

/// WEA-09, WEA-10: every method and handshake, from every page, under every protection.
#[test]
fn a_cookie_counts_for_pages_of_this_origin() {
    let bed = TestBed::new();
    let token = bed.token().claim("sid", "s").sign(&bed.key);
    let proof = csrf().token("s").unwrap();
    for protection in [
        Protection::Nothing,
        Protection::Origins,
        Protection::DoubleSubmit,
        Protection::DoubleSubmitAndOrigins,
        Protection::Dangerous,
    ] {
        let api = api(&bed, protection);
        for (page, verdict) in PAGES {
            let (requests, expected): (Vec<_>, Vec<_>) = [
                ("GET", true),
                ("GET", false),
                ("OPTIONS", false),
                ("POST", false),
                ("PUT", false),
                ("DELETE", false),
                ("OTHER", false),
            ]
            .into_iter()
            .flat_map(|(method, is_handshake)| {
                [(method, is_handshake, false), (method, is_handshake, true)]
            })
            .map(|(method, is_handshake, repeats)| {
                let request = request(&api, method, page, is_handshake);
                let request = if repeats {
                    let cookies = format!("access={token}; __Host-csrf={proof}");
                    request.header("cookie", cookies).header("x-csrf-token", &proof)
                } else {
                    request.header("cookie", format!("access={token}"))
                };
                let changes = !matches!(method, "GET" | "OPTIONS");
                let passes = match (protection, verdict) {
                    (Protection::Dangerous, _) => true,
                    _ if !changes && !is_handshake => true,
                    (Protection::Nothing, verdict) => verdict == Verdict::Own,
                    (Protection::Origins, verdict) => {
                        matches!(verdict, Verdict::Own | Verdict::Trusted)
                    }
                    (Protection::DoubleSubmit, Verdict::Own) => is_handshake || repeats,
                    (Protection::DoubleSubmit, Verdict::Unknown) => repeats,
                    (Protection::DoubleSubmit, _) => changes && repeats,
                    // What the list says of `Origin` is all that counts.
                    (Protection::DoubleSubmitAndOrigins, _) => {
                        page.origin.is_none_or(|origin| origin == TRUSTED)
                            && (is_handshake || repeats)
                    }
                };
                (request, (method, is_handshake, repeats, passes))
            })
            .unzip();
            // A handshake is the last that a connection is asked.
            let (handshakes, others) = requests.split_at(2);
            let mut answers: Vec<_> = handshakes.iter().map(Request::send).collect();
            answers.extend(Request::send_all(others));
            assert_eq!(answers.len(), expected.len());
            for (answer, expected) in answers.iter().zip(expected) {
                let what = format!("{protection:?} {page:?} {expected:?}");
                let (.., passes) = expected;
                assert_eq!(answer.status, if passes { 200 } else { 403 }, "{what}");
                if !passes {
                    assert_eq!(
                        answer.json(),
                        json!({
                            "error": "csrf",
                            "error_description": "the request does not carry a valid CSRF token",
                            "code": "csrf",
                        })
                    );
                    assert_eq!(answer.header("cache-control"), Some("no-store"));
                }
            }
        }
    }
}

fn request(api: &TestServer, method: &str, page: Page, is_handshake: bool) -> Request {
    let mut request = api.request(method, "/x").host("api.example");
    if let Some(site) = page.site {
        request = request.header("sec-fetch-site", site);
    }
    if let Some(origin) = page.origin {
        request = request.header("origin", origin);
    }
    // Of a WebSocket Actix would wait for more, once it has refused it.
    if is_handshake { request.header("upgrade", "chat") } else { request }
}

/// WEA-10: a token in the field was put there by somebody, wherever they are.
#[test]
fn bearer_tokens_count_from_everywhere() {
    let bed = TestBed::new();
    let api = api(&bed, Protection::Nothing);
    for (page, _) in PAGES {
        for is_handshake in [false, true] {
            let method = if is_handshake { "GET" } else { "POST" };
            let request = request(&api, method, page, is_handshake).bearer(bed.good());
            assert_eq!(request.send().status, 200, "{page:?}");
        }
    }
}

/// WEA-09: with the protocol that pages speak.
#[test]
fn a_page_of_another_origin_opens_no_socket() {
    let bed = TestBed::new();
    let token = bed.token().claim("sid", "s").sign(&bed.key);
    for protection in [Protection::Nothing, Protection::DoubleSubmit] {
        let api = api(&bed, protection);
        for (origin, status) in [("https://evil.example", 403), ("https://api.example", 200)] {
            let request = api.get("/chat").host("api.example").header("origin", origin);
            let request = request.header("upgrade", "websocket");
            let answer = request.header("cookie", format!("access={token}")).send();
            assert_eq!(answer.status, status, "{protection:?} {origin}");
        }
    }
}

/// WEA-10: a bad token is a bad token, and who shows none is asked for one.
#[test]
fn a_request_without_a_good_token_is_told_so() {
    let bed = TestBed::new();
    let api = api(&bed, Protection::Nothing);
    let evil = api.request("POST", "/x").header("origin", "https://evil.example");
    assert_eq!(evil.clone().send().status, 401);
    assert_eq!(evil.header("cookie", "access=x.y.z").send().status, 401);
}

/// WEA-10: extractors of the application's own that say so are treated alike.
#[test]
fn whatever_browsers_attach_is_protected() {
    struct Login;

    impl jwt_verify::extract::TokenExtractor for Login {
        fn extract<'r>(
            &self,
            request: &'r actix_web::HttpRequest,
        ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
            let field = request.headers().get("x-login");
            Ok(field.map(|field| Credential::new(field.as_bytes()).ambient()))
        }
    }
    let bed = TestBed::new();
    let api = serve_any(bed.auth().extractor(Login).build().unwrap());
    let post = || api.request("POST", "/x").header("x-login", bed.good());
    assert_eq!(post().send().status, 403);
    assert_eq!(post().header("sec-fetch-site", "cross-site").send().status, 403);
    assert_eq!(post().header("sec-fetch-site", "same-origin").send().status, 200);
}

/// WEA-10: `#[require]` and claims without the middleware, and a caller who may be anybody.
#[test]
fn every_way_in_is_protected() {
    use jwt_verify::{OptionalClaims, VerifiedClaims, require};

    #[require]
    async fn marked() -> &'static str {
        "marked"
    }
    async fn takes(_: VerifiedClaims) -> &'static str {
        "takes"
    }
    async fn may_take(OptionalClaims(claims): OptionalClaims) -> String {
        format!("{}", claims.is_some())
    }
    let bed = TestBed::new();
    let auth = bed.auth().extractor(CookieExtractor::new("access")).build().unwrap();
    let api = TestServer::start(move || {
        App::new()
            .app_data(auth.clone())
            .route("/marked", web::post().to(marked))
            .route("/takes", web::post().to(takes))
            .route("/may_take", web::post().to(may_take))
    });
    for path in ["/marked", "/takes", "/may_take"] {
        let post = || api.request("POST", path).header("cookie", format!("access={}", bed.good()));
        assert_eq!(post().send().status, 403, "{path}");
        let evil = post().header("origin", "https://evil.example").send();
        assert_eq!((evil.status, &evil.json()["code"]), (403, &json!("csrf")), "{path}");
        let own = post().header("origin", format!("http://{}", api.address()));
        assert_eq!(own.send().status, 200, "{path}");
    }
}

/// WEA-10: where a proxy ends TLS and says so, a page over http is somebody on the way.
#[test]
fn a_page_over_http_is_not_one_over_https() {
    let bed = TestBed::new();
    let api = api(&bed, Protection::Nothing);
    let post = |origin: &str, scheme: &str| {
        let request = api.request("POST", "/x").host("api.example");
        let request = request.header("x-forwarded-proto", scheme).header("origin", origin);
        request.header("cookie", format!("access={}", bed.good())).send().status
    };
    assert_eq!(post("http://api.example", "https"), 403);
    assert_eq!(post("https://api.example", "https"), 200);
    assert_eq!(post("http://api.example", "http"), 200);
}

#[test]
fn settings_that_contradict_each_other_stop_the_start() {
    let bed = TestBed::new();
    let problem = |change: fn(JwtAuthBuilder) -> JwtAuthBuilder| {
        change(bed.auth()).build().err().map(|error| error.to_string()).unwrap_or_default()
    };
    let dangerous = "dangerously_accept_cross_site_cookies";
    for (builder, setting) in [
        (problem(|auth| auth.csrf(csrf()).dangerously_accept_cross_site_cookies()), dangerous),
        (
            problem(|auth| auth.cookie_origins([TRUSTED]).dangerously_accept_cross_site_cookies()),
            dangerous,
        ),
        (problem(|auth| auth.cookie_origins(["https://app.example/"])), "cookie_origins"),
        (problem(|auth| auth.cookie_origins(["*"])), "cookie_origins"),
        (problem(|auth| auth.cookie_origins(["null"])), "cookie_origins"),
        (
            problem(|auth| auth.csrf(csrf().allowed_origins([TRUSTED])).cookie_origins([TRUSTED])),
            "cookie_origins",
        ),
        (problem(|auth| auth.csrf(csrf()).cookie_origins([TRUSTED])), ""),
        (problem(|auth| auth.csrf(csrf().cookie_name("a b"))), "csrf.cookie_name"),
        (problem(|auth| auth.extractor(CookieExtractor::new("a b"))), "extractor"),
    ] {
        assert!(builder.contains(setting), "{builder} {setting}");
        assert_eq!(builder.is_empty(), setting.is_empty(), "{builder}");
    }
}
