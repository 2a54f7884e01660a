//! What each of the small examples is there to show.

use std::time::Duration;

use jwt_verify::testing::{TestIssuer, TestToken};
use jwt_verify_tests::{Process, eventually};
use serde_json::{Value, json};

use super::{AUDIENCE, ISSUER, get, start, token};

#[test]
fn cors_reaches_preflights_and_refusals() {
    let api = start("cors");
    let page = "https://app.example.com";
    let preflight = api
        .request("OPTIONS", "/api/data")
        .header("origin", page)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .send();
    assert_eq!(preflight.status, 200, "a preflight carries no token");
    assert_eq!(preflight.header("access-control-allow-origin"), Some(page));

    let refused = api.request("GET", "/api/data").header("origin", page).send();
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), Some(page));
    let exposed = refused.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("www-authenticate") && exposed.contains("retry-after"), "{exposed}");

    let answered = get(&api, "/api/data", token("alice")).header("origin", page).send();
    assert_eq!((answered.status, answered.json()), (200, json!({ "for": "alice" })));
    let elsewhere = api.request("GET", "/api/data").header("origin", "https://evil.example").send();
    assert_eq!(elsewhere.header("access-control-allow-origin"), None);
}

#[test]
fn limits_count_subjects_and_else_addresses() {
    let api = start("rate-limit");
    let alice = token("alice").sign();
    let ask = |path: &str, token: &str| api.request("GET", path).bearer(token).send();
    for _ in 0..10 {
        assert_eq!(ask("/limited", &alice).status, 200);
    }
    let refused = ask("/limited", &alice);
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    // Another token of hers counts for her, and hers not for another.
    assert_eq!(ask("/public", &token("alice").sign()).status, 429);
    assert_eq!(ask("/limited", &token("bob").sign()).status, 200);
    for _ in 0..5 {
        assert_eq!(api.request("GET", "/public").send().status, 200);
    }
    assert_eq!(api.request("GET", "/public").send().status, 429);
    // A token that nobody vouches for is no new name to be counted under, and counts all the same.
    let forged = token("mallory").signed_by_unknown_key().sign();
    assert_eq!(ask("/public", &forged).status, 401);
    let statuses: Vec<u16> = (0..60).map(|_| ask("/limited", &forged).status).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}

/// WEA-14: a handler ends where its client hangs up, be it in the middle of a query.
#[test]
fn clients_that_hang_up_take_no_table_along() {
    let api = start("database");
    let alice = || token("alice").permission("read:posts").permission("write:posts").sign();
    let create = api.request("POST", "/posts").bearer(alice()).json(r#"{"title": "mine"}"#).send();
    assert_eq!(create.status, 201);
    let read = api.request("GET", &format!("/posts/{}", create.json()["id"])).bearer(alice());
    for number in 0..1000 {
        let open = read.open();
        // Before the query, in it, or after.
        std::thread::sleep(Duration::from_micros(20 * (number % 100)));
        drop(open);
    }
    assert_eq!(read.send().status, 200);
}

#[test]
fn users_manage_keys_of_their_own() {
    let api = start("api-keys");
    let with = |subject: &str| token(subject).scope("reports:read").sign();
    let (alice, bob) = (with("alice"), with("bob"));
    let ask =
        |method: &str, path: &str, token: &str| api.request(method, path).bearer(token).send();
    let create = |token: &str, scope: &str| {
        let new = json!({ "name": "job", "scopes": [scope] }).to_string();
        api.request("POST", "/keys").bearer(token).json(&new).send()
    };
    let status = |key: &str| api.request("GET", "/reports").header("X-Api-Key", key).send().status;
    assert_eq!(create(&alice, "admin").status, 422);
    let made = create(&alice, "reports:read");
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")));
    let (made, text) = (made.json(), |value: &Value| value.as_str().unwrap().to_owned());
    let (id, key) = (text(&made["id"]), text(&made["key"]));
    assert!(key.starts_with("demo_"));
    assert_eq!(ask("GET", "/reports", &key).text(), "reports for api-key");
    assert_eq!(create(&key, "reports:read").status, 403, "a key makes no keys");
    assert_eq!(ask("GET", "/keys", &alice).json().as_array().unwrap().len(), 1);

    let (path, rotate) = (format!("/keys/{id}"), format!("/keys/{id}/rotate"));
    assert_eq!(ask("GET", "/keys", &bob).json(), json!([]));
    assert_eq!(ask("DELETE", &path, &bob).status, 404);
    assert_eq!(ask("POST", &rotate, &bob).status, 404);

    let next = text(&ask("POST", &rotate, &alice).json()["key"]);
    assert_eq!((status(&key), status(&next)), (200, 200));
    assert_eq!(ask("DELETE", &path, &alice).status, 204);
    assert_eq!((status(&key), status(&next)), (401, 200));
}

#[test]
fn posts_belong_to_who_wrote_them() {
    let api = start("database");
    let with = |subject: &str, more: &[&str]| {
        let rights = ["read:posts", "write:posts", "delete:posts"];
        let token = rights.iter().fold(token(subject), |token, right| token.permission(*right));
        more.iter().fold(token, |token, role| token.role(*role)).sign()
    };
    let (alice, bob) = (with("alice", &[]), with("bob", &[]));
    let ask = |method: &str, path: &str, token: &str, title: Option<&str>| {
        let request = api.request(method, path).bearer(token);
        match title {
            Some(title) => request.json(&json!({ "title": title }).to_string()).send(),
            None => request.send(),
        }
    };
    let created = ask("POST", "/posts", &alice, Some("mine"));
    assert_eq!(created.status, 201);
    let post = format!("/posts/{}", created.json()["id"]);

    assert_eq!(ask("PUT", &post, &bob, Some("his")).status, 403);
    assert_eq!(ask("PUT", "/posts/999", &bob, Some("his")).status, 404);
    assert_eq!(ask("DELETE", &post, &bob, None).status, 403);
    assert_eq!(ask("POST", &format!("{post}/publish"), &bob, None).status, 403);
    assert_eq!(ask("GET", &post, &bob, None).json()["title"], "mine");

    assert_eq!(ask("PUT", &post, &alice, Some("better")).status, 204);
    assert_eq!(ask("PUT", &post, &with("ada", &["admin"]), Some("best")).status, 204);
    let manager = with("max", &["manager"]);
    assert_eq!(ask("POST", &format!("{post}/publish"), &manager, None).status, 204);
    assert_eq!(ask("POST", &format!("{post}/publish"), &alice, None).status, 409);
    // Being a manager is no right to change what it says.
    assert_eq!(ask("PUT", &post, &manager, Some("no")).status, 403);
    let read = ask("GET", &post, &alice, None).json();
    let expected = json!({ "id": 1, "author": "alice", "title": "best", "published": true });
    assert_eq!(read, expected);

    // The same subject of another issuer would be another user; without a subject nobody is one.
    let nobody = token("x").without("sub").permission("write:posts").sign();
    assert_eq!(ask("POST", "/posts", &nobody, Some("whose?")).status, 401);
    assert_eq!(ask("DELETE", &post, &alice, None).status, 204);
    assert_eq!(ask("GET", &post, &alice, None).status, 404);
}

#[test]
fn jobs_run_for_who_began_them() {
    let api = start("background-jobs");
    let alice = token("alice").permission("write:data").sign();
    let request = api.request("POST", "/jobs").bearer(&alice);
    let begun = request.body("text/plain", "one two three").send();
    assert_eq!(begun.status, 202);
    let job = format!("/jobs/{}", begun.json()["job"]);
    let outcome = || api.request("GET", &job).bearer(&alice).send();
    eventually("the job is done", || outcome().status == 200);
    assert_eq!(outcome().json(), json!({ "words": 3 }));
    assert_eq!(get(&api, &job, token("bob")).send().status, 404);
    let refused = api.request("POST", "/jobs").bearer(token("bob").sign());
    assert_eq!(refused.body("text/plain", "x").send().status, 403);

    // However many come at once, each gets an answer, and those after them are served.
    let burst = api.request("POST", "/jobs").bearer(&alice).body("text/plain", "a b c d e");
    let askers: Vec<_> = (0..300)
        .map(|_| {
            let burst = burst.clone();
            std::thread::spawn(move || burst.send().status)
        })
        .collect();
    for asker in askers {
        let status = asker.join().unwrap();
        assert!(status == 202 || status == 503, "{status}");
    }
    eventually("there is room again", || burst.send().status == 202);
}

#[test]
fn an_application_is_made_of_settings() {
    let api = start("app-factory");
    let nothing_set = Process::outcome("app-factory", &[]);
    assert!(!nothing_set.0 && nothing_set.1.contains("JWT_ISSUER"), "{nothing_set:?}");
    assert_eq!(get(&api, "/api/profile", token("alice")).send().json(), json!({ "sub": "alice" }));
    assert_eq!(get(&api, "/api/admin/users", token("alice")).send().status, 403);
    assert_eq!(get(&api, "/api/admin/users", token("ada").role("admin")).send().status, 200);
    assert_eq!(api.request("GET", "/api/nowhere").send().status, 401);
    assert_eq!(api.request("GET", "/health/ready").send().status, 200);
}

#[test]
fn refusals_are_pages_or_problems() {
    let api = start("error-pages");
    let problem = api.request("GET", "/admin").send();
    assert_eq!(problem.status, 401);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem.json()["status"], 401);
    assert_eq!(problem.challenge(), Some("Bearer"));

    let page = get(&api, "/admin", token("alice")).header("accept", "text/html").send();
    assert_eq!(page.status, 403);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.challenge().unwrap().contains("insufficient_scope"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let expired = get(&api, "/admin", token("alice").expired()).send();
    assert_eq!(expired.json()["title"], "Your session has ended");
    assert_eq!(get(&api, "/admin", token("ada").role("admin")).send().status, 200);
}

#[test]
fn the_log_says_who_did_what() {
    let api = start("audit-log");
    let ada = token("ada").role("admin").sign();
    let answer = api.request("DELETE", "/users/bob%0Aforged").bearer(&ada).send();
    assert_eq!(answer.status, 204);
    assert_eq!(get(&api, "/users", token("eve")).send().status, 403);
    let log = api.log();
    let line = |part: &str| log.lines().find(|line| line.contains(part)).map(str::to_owned);
    let done = line("deleted a user").expect(&log);
    assert!(done.contains("by=Some(\"ada\")") && done.contains(r#"whom="bob\nforged""#), "{done}");
    let decided = log.lines().filter(|line| line.contains("decided about a request"));
    assert_eq!(decided.count(), 2, "{log}");
    assert!(log.contains("outcome=\"refused\""), "{log}");
    let answered = line("answered").expect(&log);
    assert!(answered.contains("subject=Some(\"ada\")") && answered.contains("id="), "{answered}");
    assert!(!log.contains(&ada), "a token is in the log");
}

#[test]
fn keys_come_from_a_table() {
    let file = std::env::temp_dir().join(format!("jwt-verify-keys-{}.json", std::process::id()));
    let issuer = TestIssuer::start();
    std::fs::write(&file, issuer.key_set().to_string()).unwrap();
    let variables = [
        ("JWT_ISSUER", issuer.url()),
        ("JWT_AUDIENCE", AUDIENCE),
        ("KEYS_FILE", file.to_str().unwrap()),
    ];
    let api = Process::start_with("key-provider", &variables);
    std::fs::remove_file(&file).unwrap();
    let operator = |issuer: &TestIssuer| issuer.token().permission("write:keys").sign();
    let old = operator(&issuer);
    let ask = |method: &str, path: &str, token: &str| api.request(method, path).bearer(token);
    assert_eq!(ask("GET", "/profile", &old).send().status, 200);
    let stranger = TestIssuer::start().token().claim("iss", issuer.url()).sign();
    assert_eq!(ask("GET", "/profile", &stranger).send().status, 401);

    issuer.rotate();
    let new = operator(&issuer);
    assert_eq!(ask("GET", "/profile", &new).send().status, 401, "its key is not in the table");
    let keys = issuer.key_set();
    let path = |index: usize| format!("/keys/{}", keys["keys"][index]["kid"].as_str().unwrap());
    let added = ask("POST", &path(1), &old).json(&keys["keys"][1].to_string()).send();
    assert_eq!(added.status, 201, "{}", added.everything());
    assert_eq!(ask("GET", "/profile", &new).send().status, 200);
    assert_eq!(ask("POST", "/keys/bad", &new).json("{}").send().status, 422);
    // Whatever strangers name, those who are known go on.
    for _ in 0..20 {
        assert_eq!(ask("GET", "/profile", &stranger).send().status, 401);
        assert_eq!(ask("GET", "/profile", &new).send().status, 200);
    }

    assert_eq!(ask("DELETE", &path(0), &new).send().status, 204);
    assert_eq!(ask("GET", "/profile", &old).send().status, 401, "it was good before");
    assert_eq!(ask("GET", "/profile", &new).send().status, 200);
}

#[test]
fn the_token_comes_from_the_gateway_and_the_tenant_from_the_token() {
    let api = start("custom-extractor");
    let alice = token("alice").permission("read:invoices");
    let of = |tenant: Value| token("alice").permission("read:invoices").claim("tenant", tenant);
    let ask = |token: TestToken<'_>| {
        api.request("GET", "/invoices").header("x-forwarded-access-token", token.sign())
    };
    assert_eq!(ask(of(json!("acme"))).send().json()["tenant"], "acme");
    assert_eq!(ask(alice).send().status, 403);
    for tenant in [json!(""), json!("../acme"), json!(["acme"])] {
        assert_eq!(ask(of(tenant)).send().status, 403);
    }
    assert_eq!(
        get(&api, "/invoices", of(json!("acme"))).send().status,
        401,
        "it is not looked for there"
    );
    let twice = ask(of(json!("acme"))).header("x-forwarded-access-token", of(json!("evil")).sign());
    assert_eq!(twice.send().status, 400);
}

#[test]
fn guests_are_welcome_and_bad_tokens_are_not() {
    let api = start("optional-auth");
    let message = |response: jwt_verify_tests::Response| response.json()["message"].clone();
    assert_eq!(message(api.request("GET", "/content").send()), "welcome, guest");
    let alice = token("alice").claim("name", "Alice");
    assert_eq!(message(get(&api, "/content", alice).send()), "welcome back, Alice");
    assert_eq!(message(get(&api, "/content", token("alice")).send()), "welcome back");
    assert_eq!(get(&api, "/content", token("alice").expired()).send().status, 401);
    assert_eq!(api.request("GET", "/settings").send().status, 401);
    assert_eq!(get(&api, "/settings", token("alice")).send().status, 200);
}

#[test]
fn a_token_may_come_in_either_way_and_not_in_both() {
    let api = start("several-methods");
    let alice = token("alice").sign();
    let kept = api.request("POST", "/session").bearer(&alice).send();
    assert_eq!(kept.status, 204);
    let cookies = kept.headers("set-cookie");
    assert_eq!(cookies.len(), 2);
    assert!(cookies.iter().all(|cookie| cookie.contains("Secure") && cookie.contains("Strict")));
    let is_hidden = |cookie: &str| cookie.contains("HttpOnly") == cookie.contains("access_token");
    assert!(cookies.iter().all(|cookie| is_hidden(cookie)), "{cookies:?}");
    let pair = |name: &str| {
        let cookie = cookies.iter().find(|cookie| cookie.starts_with(name)).unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    let (access, csrf) = (pair("__Host-access_token"), pair("__Host-csrf"));
    let both = format!("{access}; {csrf}");
    let proof = csrf.split_once('=').unwrap().1;

    let read = api.request("GET", "/api/data").header("cookie", &access).send();
    assert_eq!(read.json(), json!({ "for": "alice" }));
    let change = || api.request("POST", "/api/data").header("cookie", &both);
    assert_eq!(change().send().status, 403, "another site could have sent it");
    assert_eq!(change().header("x-csrf-token", proof).send().status, 204);
    assert_eq!(change().bearer(&alice).send().status, 400);
    assert_eq!(api.request("POST", "/api/data").bearer(&alice).send().status, 204);
    let gone = api.request("POST", "/logout").header("cookie", &both).header("x-csrf-token", proof);
    let gone = gone.send();
    assert_eq!((gone.status, gone.headers("set-cookie").len()), (204, 2));
    assert!(gone.headers("set-cookie").iter().all(|cookie| cookie.contains("Max-Age=0")));

    // What is not verified does not become a cookie.
    let other =
        api.request("POST", "/session").header("cookie", &both).header("x-csrf-token", proof);
    let other = other.header("authorization", "Basic not-verified").send();
    assert!(other.headers("set-cookie").is_empty(), "{}", other.everything());
    let nameless = api.request("POST", "/session").bearer(token("bob").without("jti").sign());
    assert_eq!(nameless.send().status, 422);
}

#[test]
fn tenants_are_kept_apart() {
    let (acme, globex) = (&*ISSUER, TestIssuer::start());
    let tenants = format!("acme={},globex={}", acme.url(), globex.url());
    let api = Process::start_with("multi-tenant", &[("TENANTS", &tenants)]);
    let ask = |path: &str, issuer: &TestIssuer| get(&api, path, issuer.token()).send().status;
    assert_eq!(ask("/acme/invoices", acme), 200);
    assert_eq!(ask("/globex/invoices", &globex), 200);
    assert_eq!(ask("/globex/invoices", acme), 403);
    assert_eq!(ask("/acme/invoices", &TestIssuer::start()), 401);
    // One tenant's key vouches for nobody else.
    let forged = globex.token().claim("iss", acme.url());
    assert_eq!(get(&api, "/acme/invoices", forged).send().status, 401);
}

#[test]
fn a_rotation_refuses_nobody() {
    let api = Process::start_with("key-rotation", &[]);
    let alice = api.request("POST", "/token/alice").send().json()["access_token"].clone();
    let refused = api.request("POST", "/keys/announce").bearer(alice.as_str().unwrap());
    assert_eq!(refused.send().status, 403);
    let token = || {
        let answer = api.request("POST", "/token/operator").send().json();
        answer["access_token"].as_str().unwrap().to_owned()
    };
    let ask =
        |method: &str, path: &str, token: &str| api.request(method, path).bearer(token).send();
    let published = || {
        let keys = api.request("GET", "/.well-known/jwks.json").send().json();
        keys["keys"].as_array().unwrap().len()
    };
    let old = token();
    assert_eq!(ask("POST", "/keys/rotate", &old).status, 409);
    let announced = ask("POST", "/keys/announce", &old).json()["announced"].clone();
    assert_eq!(published(), 2);
    assert_eq!(ask("POST", "/keys/announce", &old).status, 409, "one at a time");
    assert_eq!(kid(&token()), kid(&old), "it does not sign yet");
    assert_eq!(ask("POST", "/keys/rotate", &old).status, 204);
    let new = token();
    assert_eq!(kid(&new), announced);
    assert_eq!(ask("GET", "/profile", &old).status, 200);
    assert_eq!(ask("GET", "/profile", &new).status, 200);
    assert_eq!(published(), 2);

    let withdraw = |token: &str| format!("/keys/withdraw/{}", kid(token).as_str().unwrap());
    assert_eq!(ask("POST", &withdraw(&new), &new).status, 409, "it signs");
    assert_eq!(ask("POST", &withdraw(&old), &new).status, 204);
    assert_eq!(ask("GET", "/profile", &old).status, 401);
    assert_eq!(ask("GET", "/profile", &new).status, 200);
}

fn kid(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
}
