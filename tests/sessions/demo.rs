//! The contract of the example `session-app`.

use example_session_app::Settings;
use jwt_verify_tests::{Response, eventually};
use serde_json::json;

use crate::app::{Demo, PASSWORD, Tokens};

fn with_admin() -> Settings {
    Settings {
        admin: Some(("root".into(), "the first administrator".into())),
        secret: Some("a secret of at least thirty-two bytes".into()),
        ..Settings::default()
    }
}

/// DEM-04.
#[test]
fn names_and_passwords_are_judged_at_the_sign_up() {
    let demo = Demo::start();
    let signup = |name: &str, password: &str| {
        demo.post("/auth/signup", &json!({"username": name, "password": password})).status
    };
    assert_eq!(signup("alice", PASSWORD), 201);
    assert_eq!(signup("alice", PASSWORD), 409);
    assert_eq!(signup("Alice", PASSWORD), 409, "no two names look alike");
    for weak in
        ["", "short", "1234567", "password", "PASSWORD", "12345678", "aaaaaaaaaa", "bobbobbob"]
    {
        assert_eq!(signup("bobbobbob", weak), 422, "{weak}");
    }
    for long in [1025, 32 * 1024] {
        assert_eq!(signup("bob", &"ab".repeat(long)[..long]), 422);
    }
    for name in ["", "a b", "a/b", "ünicode", "<script>", "a\nb", &"x".repeat(65)] {
        assert_eq!(signup(name, PASSWORD), 422, "{name}");
    }
    assert_eq!(signup("bob", "с паролем длиннее восьми"), 201);
    assert_eq!(demo.request("/auth/signup").json("{").send().status, 400);
    assert_eq!(demo.request("/auth/signup").body("text/plain", "x").send().status, 415);
    let list = format!(r#"["carol", "{PASSWORD}"]"#);
    assert_eq!(demo.request("/auth/signup").json(&list).send().status, 400);
    assert_eq!(signup("bob", &"ab".repeat(2 * 1024 * 1024)), 413);
}

#[test]
fn nobody_makes_themselves_an_administrator() {
    let demo = Demo::with(with_admin());
    let body =
        json!({"username": "eve", "password": PASSWORD, "role": "admin", "roles": ["admin"]});
    let created = demo.post("/auth/signup", &body);
    assert_eq!((created.status, created.json()["role"].clone()), (201, json!("user")));
    let eve = demo.login("eve");
    assert_eq!(demo.get("/admin/users", &eve.access).status, 403);
    assert_eq!(demo.server.get("/admin/users").send().status, 401);
    let admin = Tokens::of(&demo.try_login("root", "the first administrator"));
    let users = demo.get("/admin/users", &admin.access);
    assert_eq!(users.status, 200);
    assert_eq!(users.json().as_array().unwrap().len(), 2);
    assert!(!users.text().contains("argon2") && !users.text().contains("hash"));
    let renewed = Tokens::of(&demo.refresh(&admin));
    assert_eq!(demo.get("/admin/users", &renewed.access).status, 200, "the role is looked up");
}

#[test]
fn a_login_brings_tokens_that_can_be_refreshed() {
    let demo = Demo::start();
    demo.signup("alice");
    let answer = demo.try_login("alice", PASSWORD);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
    let first = Tokens::of(&answer);
    let me = demo.get("/me", &first.access);
    assert_eq!((me.status, me.json()["username"].clone()), (200, json!("alice")));
    assert_eq!(demo.get("/me", &first.refresh).status, 401);
    let second = Tokens::of(&demo.refresh(&first));
    assert_eq!(demo.get("/me", &second.access).status, 200);
    let again = demo.refresh(&first);
    assert_eq!((again.status, again.json()["error"].clone()), (400, json!("invalid_grant")));
    assert_eq!(demo.refresh(&second).status, 200);
    // RFT-05: one answer for everything that is no good refresh token.
    for bad in ["a.b.c", first.access.as_str()] {
        let refused = demo.bearer("/auth/refresh", bad);
        assert_eq!((refused.status, refused.text()), (400, again.text()), "{bad}");
    }
    let missing = demo.request("/auth/refresh").send();
    assert_eq!((missing.status, missing.challenge()), (401, Some("Bearer")));
}

/// DEM-02: unknown name and wrong password are one answer.
#[test]
fn a_refused_login_does_not_say_what_was_wrong() {
    let demo = Demo::start();
    demo.signup("alice");
    let wrong = demo.try_login("alice", "not the password");
    for (name, password) in [("nobody", PASSWORD), ("", PASSWORD), ("alice", ""), ("a b", "x")] {
        let other = demo.try_login(name, password);
        assert_eq!((other.status, other.text()), (401, wrong.text()), "{name} {password}");
    }
    let long = demo.try_login("alice", &"x".repeat(32 * 1024));
    assert_eq!((long.status, long.text()), (401, wrong.text()));
    assert_eq!(demo.try_login("ALICE", PASSWORD).status, 200);
}

/// DEM-03.
#[test]
fn guessing_ends_soon() {
    let demo = Demo::start();
    demo.signup("alice");
    for _ in 0..20 {
        assert_eq!(demo.try_login("alice", "not the password").status, 401);
    }
    // One more is allowed every three seconds; whoever guesses is faster.
    let refused = |answer: &Response| {
        answer.header("retry-after").is_some_and(|wait| wait.parse::<u64>().unwrap() > 1)
    };
    let guesses = (0..20_000).map(|_| demo.try_login("alice", "not the password"));
    assert_eq!(guesses.into_iter().find(refused).unwrap().status, 429);
    let right = demo.try_login("alice", PASSWORD);
    assert_eq!(right.status, 429, "a right guess is none the less one too many");
    demo.signup("bob");
    // The guesses that were refused cost this address something, which comes back within a second.
    eventually("others are not locked out", || demo.try_login("bob", PASSWORD).status == 200);
    let mut names = (0..400).map(|number| demo.try_login(&format!("x{number}"), "y").status);
    assert!(names.any(|status| status == 429), "nor is one name after the other tried");
}

/// RFT-16.
#[test]
fn a_logout_ends_the_session_at_once() {
    let demo = Demo::start();
    demo.signup("alice");
    let (one, other) = (demo.login("alice"), demo.login("alice"));
    assert_eq!(demo.bearer("/auth/logout", &one.access).status, 204);
    assert_eq!(demo.get("/me", &one.access).status, 401);
    assert_eq!(demo.refresh(&one).status, 400);
    assert_eq!(demo.get("/me", &other.access).status, 200);
    let third = demo.login("alice");
    assert_eq!(demo.bearer("/auth/logout-all", &other.access).status, 204);
    for tokens in [&other, &third] {
        assert_eq!(demo.get("/me", &tokens.access).status, 401);
        assert_eq!(demo.refresh(tokens).status, 400);
    }
    assert_eq!(demo.get("/me", &demo.login("alice").access).status, 200);
}

#[test]
fn a_new_password_needs_a_fresh_login_and_ends_the_other_sessions() {
    let demo = Demo::start();
    demo.signup("alice");
    let (one, other) = (demo.login("alice"), demo.login("alice"));
    let change = |token: &str, current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new}).to_string();
        demo.request("/account/password").bearer(token).json(&body).send()
    };
    let stale = Tokens::of(&demo.refresh(&other));
    let refused = change(&stale.access, PASSWORD, "another good password");
    assert_eq!(refused.status, 401);
    assert!(refused.challenge().unwrap().contains("insufficient_user_authentication"));
    assert_eq!(change(&one.access, "wrong password", "another good password").status, 403);
    assert_eq!(change(&one.access, PASSWORD, "short").status, 422);
    assert_eq!(change(&one.access, PASSWORD, "another good password").status, 204);
    assert_eq!(demo.get("/me", &one.access).status, 200);
    assert_eq!(demo.refresh(&one).status, 200);
    assert_eq!(demo.get("/me", &stale.access).status, 401);
    assert_eq!(demo.refresh(&stale).status, 400);
    assert_eq!(demo.try_login("alice", PASSWORD).status, 401);
    assert_eq!(demo.try_login("alice", "another good password").status, 200);
}

#[test]
fn a_login_that_overlaps_a_new_password_does_not_outlive_it() {
    let demo = Demo::start();
    demo.signup("alice");
    let fresh = demo.login("alice");
    let body = json!({"current_password": PASSWORD, "new_password": "another good password"});
    let survivors = std::thread::scope(|scope| {
        let logins: Vec<_> =
            (0..12).map(|_| scope.spawn(|| demo.try_login("alice", PASSWORD))).collect();
        let change =
            demo.request("/account/password").bearer(&fresh.access).json(&body.to_string()).send();
        assert_eq!(change.status, 204);
        let answers: Vec<_> = logins.into_iter().map(|login| login.join().unwrap()).collect();
        let tokens = answers.iter().filter(|answer| answer.status == 200).map(Tokens::of);
        tokens.filter(|tokens| demo.get("/me", &tokens.access).status == 200).count()
    });
    assert_eq!(survivors, 0);
    assert_eq!(demo.get("/me", &fresh.access).status, 200);
}

/// EXA-09: pages can be asked for their head.
#[test]
fn other_methods_are_told_what_is_allowed() {
    let demo = Demo::start();
    for path in ["/", "/app.js", "/app.css"] {
        let answer = demo.server.request("HEAD", path).send();
        assert_eq!((answer.status, answer.text().len()), (200, 0), "{path}");
    }
    for (method, path) in [("GET", "/auth/login"), ("POST", "/me"), ("DELETE", "/admin/users")] {
        let answer = demo.server.request(method, path).send();
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.header("allow").is_some());
    }
}

/// Tokens outlive a database in memory; they must not become somebody else's.
#[test]
fn a_restart_gives_nobody_the_tokens_of_another() {
    let settings = || Settings {
        secret: Some("a secret of at least thirty-two bytes".into()),
        ..Settings::default()
    };
    let before = Demo::with(settings());
    before.signup("alice");
    let tokens = before.login("alice");
    let after = Demo::with(settings());
    after.signup("mallory");
    assert_eq!(after.get("/me", &tokens.access).status, 401);
}

#[test]
fn an_administrator_is_one_by_the_database() {
    let start = |name: &str, password: &str| {
        let settings =
            Settings { admin: Some((name.into(), password.into())), ..Settings::default() };
        crate::wait(example_session_app::SessionApp::start(settings)).is_ok()
    };
    assert!(start("root", "the first administrator"));
    assert!(!start("root", "x") && !start("ro ot", "the first administrator"));
}

/// RFT-14.
#[test]
fn public_keys_are_published_and_secrets_are_not() {
    let keys = Demo::start().server.get("/.well-known/jwks.json").send();
    assert_eq!(keys.status, 200);
    assert_eq!(keys.header("cache-control"), Some("public, max-age=300"));
    let key = keys.json()["keys"][0].clone();
    let mut names: Vec<&String> = key.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    let with_secret = Demo::with(with_admin()).server.get("/.well-known/jwks.json").send();
    assert_eq!(with_secret.json(), json!({"keys": []}));
}

#[test]
fn instances_may_share_a_file() {
    let folder = std::env::temp_dir().join(format!("jwt-verify-sessions-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let settings = Settings {
        database_url: format!("sqlite://{}?mode=rwc", folder.join("users.db").display()),
        ..with_admin()
    };
    let (one, other) = (Demo::with(settings.clone()), Demo::with(settings));
    one.signup("alice");
    let tokens = other.login("alice");
    assert_eq!(one.get("/me", &tokens.access).status, 200, "they share the secret as well");
    drop((one, other));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_secret_that_is_too_short_stops_the_start() {
    let settings = Settings { secret: Some("short".into()), ..Settings::default() };
    assert!(crate::wait(example_session_app::SessionApp::start(settings)).is_err());
}
