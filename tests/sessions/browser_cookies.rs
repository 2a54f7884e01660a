//! Tokens in cookies, and what protects them from other sites.

use actix_web::HttpResponse;
use jwt_verify::{
    Algorithm, JwtAuth, Secret,
    issuing::{SigningKey, TokenIssuer},
    sessions::{SessionCookieError, SessionCookies, Sessions},
};
use jwt_verify_tests::TestClock;

use crate::{
    app::{Browser, Demo, PASSWORD},
    issuer, wait,
};

fn demo() -> Demo {
    let demo = Demo::start();
    demo.signup("alice");
    demo
}

fn secret() -> Secret {
    Secret::from("c".repeat(32))
}

#[test]
fn a_page_logs_in_goes_on_and_logs_out() {
    let demo = demo();
    let mut browser = Browser::login(&demo, "alice");
    assert_eq!(browser.request("GET", "/me").send().status, 200);
    let before = browser.cookie("__Host-access").to_owned();
    assert_eq!(browser.post("/auth/refresh").status, 200);
    assert_ne!(browser.cookie("__Host-access"), before);
    assert_eq!(browser.request("GET", "/me").send().status, 200);
    assert_eq!(browser.post("/auth/logout").status, 204);
    assert!(!browser.has_cookies(), "all of them are gone");
    let stolen = demo.server.get("/me").header("cookie", format!("__Host-access={before}")).send();
    assert_eq!(stolen.status, 401);
}

/// CSR-01, CSR-02, CSR-03, CSR-04.
#[test]
fn a_request_that_changes_something_shows_that_the_page_has_sent_it() {
    let demo = demo();
    let (browser, other) = (Browser::login(&demo, "alice"), Browser::login(&demo, "alice"));
    let access = browser.cookie("__Host-access");
    let post = |cookies: &str, header: Option<&str>| {
        let request = demo.request("/auth/logout").header("cookie", cookies);
        match header {
            Some(header) => request.header("x-csrf-token", header),
            None => request,
        }
        .send()
    };
    let with = |csrf: &str| format!("__Host-access={access}; __Host-csrf={csrf}");
    for (cookies, header) in [
        (with(browser.csrf()), None),
        (with(browser.csrf()), Some("")),
        (with(""), Some("")),
        (with("undefined"), Some("undefined")),
        (with(browser.csrf()), Some(other.csrf())),
        (with(other.csrf()), Some(other.csrf())),
        (format!("__Host-access={access}"), Some(browser.csrf())),
    ] {
        let refused = post(&cookies, header);
        assert_eq!(refused.status, 403, "{header:?}");
        assert_eq!(refused.json()["code"], "csrf");
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
    assert_eq!(browser.request("GET", "/me").send().status, 200, "nothing has happened");
    let refresh = browser.request("POST", "/auth/refresh").send();
    assert_eq!(refresh.status, 403, "a refresh changes something as well");
    assert_eq!(post(&with(browser.csrf()), Some(browser.csrf())).status, 204);
}

/// CSR-05, CSR-06, CSR-07.
#[test]
fn reading_and_bearer_tokens_need_no_proof_and_two_credentials_are_one_too_many() {
    let demo = demo();
    let browser = Browser::login(&demo, "alice");
    for method in ["GET", "HEAD"] {
        let answer = browser.request(method, "/me").send();
        assert!([200, 404, 405].contains(&answer.status), "{method} {}", answer.status);
    }
    let tokens = demo.login("alice");
    assert_eq!(browser.request("GET", "/me").bearer(&tokens.access).send().status, 400);
    assert_eq!(demo.bearer("/auth/logout", &tokens.access).status, 204);
}

/// A token in a cookie comes back in a cookie, whatever else a script puts beside it.
#[test]
fn no_header_moves_a_token_into_the_hands_of_scripts() {
    let demo = demo();
    let browser = Browser::login(&demo, "alice");
    for other in ["Basic x", "Negotiate", "DPoP x"] {
        let answer = browser
            .request("POST", "/auth/refresh")
            .header("x-csrf-token", browser.csrf())
            .header("authorization", other)
            .send();
        assert!(!answer.text().contains("refresh_token"), "{other}");
        if answer.status == 200 {
            assert_eq!(answer.headers("set-cookie").len(), 3);
            break;
        }
    }
}

/// CSR-08.
#[test]
fn cookies_are_set_and_unset_with_exactly_these_attributes() {
    let sessions = Sessions::builder(issuer(&TestClock::new())).build().unwrap();
    let tokens = wait(sessions.create(&1, |token| token)).unwrap();
    let cookies = SessionCookies::builder(&secret()).build().unwrap();
    let mut response = HttpResponse::Ok().finish();
    let csrf = cookies.set(&mut response, &tokens).unwrap();
    let (access, refresh) = (tokens.access.as_str(), tokens.refresh.as_str());
    let set: Vec<_> = response.headers().get_all("set-cookie").cloned().collect();
    assert_eq!(
        set,
        [
            format!("__Host-access={access}; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Lax"),
            format!(
                "__Secure-refresh={refresh}; Path=/auth/refresh; Max-Age=604800; Secure; HttpOnly; \
                 SameSite=Lax"
            ),
            format!("__Host-csrf={csrf}; Path=/; Max-Age=604800; Secure; SameSite=Lax"),
        ]
    );
    let mut response = HttpResponse::Ok().finish();
    cookies.unset(&mut response);
    let unset: Vec<_> = response.headers().get_all("set-cookie").cloned().collect();
    assert_eq!(
        unset,
        [
            "__Host-access=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
            "__Secure-refresh=; Path=/auth/refresh; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
            "__Host-csrf=; Path=/; Max-Age=0; Secure; SameSite=Lax",
        ]
    );
    assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
}

/// CSR-09.
#[test]
fn a_token_that_is_too_large_for_a_cookie_is_an_error() {
    let sessions = Sessions::builder(issuer(&TestClock::new())).build().unwrap();
    let tokens = wait(sessions.create(&1, |token| token.claim("x", "y".repeat(4000)))).unwrap();
    let cookies = SessionCookies::builder(&secret()).build().unwrap();
    let mut response = HttpResponse::Ok().finish();
    assert_eq!(cookies.set(&mut response, &tokens), Err(SessionCookieError::TooLarge));
    assert!(response.headers().is_empty(), "not half of them");
}

/// Signatures of the middle and the highest level of ML-DSA have 4412 and 6170 characters.
#[test]
fn sessions_whose_signatures_no_cookie_holds_do_not_build_with_cookies() {
    let cookies = SessionCookies::builder(&secret()).build().unwrap();
    let sessions = |algorithm| {
        let key = SigningKey::generate(algorithm).unwrap();
        let issuer = TokenIssuer::builder("https://app.example", "https://api.example", key);
        Sessions::builder(issuer.build().unwrap()).build().unwrap()
    };
    for algorithm in [Algorithm::MlDsa65, Algorithm::MlDsa87] {
        let sessions = sessions(algorithm);
        let error = JwtAuth::for_sessions(&sessions).cookies(&cookies).build().err().unwrap();
        assert!(error.to_string().contains("ES256 or Ed25519"), "{error}");
        assert!(JwtAuth::for_sessions(&sessions).build().is_ok(), "they are bearer tokens");
        let tokens = wait(sessions.create(&1, |token| token)).unwrap();
        let mut response = HttpResponse::Ok().finish();
        assert_eq!(cookies.set(&mut response, &tokens), Err(SessionCookieError::TooLarge));
    }
    // Both tokens of a session of the lowest level fit, as long as they have few claims.
    for algorithm in [Algorithm::MlDsa44, Algorithm::ES512, Algorithm::RS512] {
        let sessions = sessions(algorithm);
        assert!(JwtAuth::for_sessions(&sessions).cookies(&cookies).build().is_ok());
        let tokens = wait(sessions.create(&1, |token| token.roles(["editor"]))).unwrap();
        let mut response = HttpResponse::Ok().finish();
        assert!(cookies.set(&mut response, &tokens).is_ok(), "{algorithm}");
    }
}

#[test]
fn settings_that_cannot_work_stop_the_start() {
    let builder = || SessionCookies::builder(&secret());
    assert!(SessionCookies::builder(&Secret::from("short")).build().is_err());
    assert!(builder().access_name("a b").build().is_err());
    assert!(builder().refresh_name("__Host-refresh").build().is_err());
    assert!(builder().refresh_path("auth").build().is_err());
    assert!(builder().refresh_path("/a;b").build().is_err());
    assert!(builder().csrf(|csrf| csrf.cookie_name("a=b")).build().is_err());
    assert!(builder().refresh_name("__Host-refresh").refresh_path("/").build().is_ok());
}

/// DEM-06: a login beside another session makes a session of its own, and leaves nothing of the other.
#[test]
fn a_login_does_not_take_over_a_session() {
    let demo = demo();
    demo.signup("mallory");
    let planted = Browser::login(&demo, "mallory");
    let body = serde_json::json!({"username": "alice", "password": PASSWORD, "cookies": true});
    let answer = planted.request("POST", "/auth/login").json(&body.to_string()).send();
    assert_eq!(answer.status, 200);
    let new = answer.headers("set-cookie");
    assert!(!new[0].contains(planted.cookie("__Host-access")));
    let access = new[0].split(['=', ';']).nth(1).unwrap();
    assert_eq!(demo.get("/me", access).json()["username"], "alice");
    assert_eq!(planted.request("GET", "/me").send().status, 401);
}

/// EXA-08: a sibling host can set another `__Secure-refresh`. It gets nothing by that but a refusal, and
/// the session goes on without it.
#[test]
fn a_second_refresh_cookie_is_refused_and_harms_nothing() {
    let demo = demo();
    demo.signup("mallory");
    let (mut browser, other) = (Browser::login(&demo, "alice"), Browser::login(&demo, "mallory"));
    let refresh = browser.cookie("__Secure-refresh");
    let tossed = other.cookie("__Secure-refresh");
    for cookies in [[tossed, refresh], [refresh, tossed]] {
        let cookies = cookies.map(|cookie| format!("__Secure-refresh={cookie}")).join("; ");
        let cookies = format!("{cookies}; __Host-csrf={}", browser.csrf());
        let refused = demo
            .request("/auth/refresh")
            .header("cookie", cookies)
            .header("x-csrf-token", browser.csrf())
            .send();
        assert_eq!((refused.status, refused.headers("set-cookie").len()), (400, 0));
    }
    assert_eq!(browser.post("/auth/refresh").status, 200);
}
