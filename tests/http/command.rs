//! The command `jwt-verify`: what it tells of tokens and set-ups.

use std::ffi::OsString;

use jwt_verify::{
    SystemClock,
    api_keys::{ApiKeys, MemoryApiKeys},
    cli::{Io, Outcome, run},
};
use jwt_verify_tests::{Answer, Authority, TlsFront};
use serde_json::{Value, json};

use super::*;

/// Output of a run.
struct Output {
    outcome: Outcome,
    text: String,
    errors: String,
}

impl Output {
    fn first(&self) -> &str {
        self.text.lines().next().unwrap_or(&self.errors)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

fn command(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let arguments = std::iter::once("jwt-verify").chain(arguments.iter().copied());
    let variable = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let (mut output, mut errors, mut input) = (Vec::new(), Vec::new(), input.as_bytes());
    let io = Io { input: &mut input, output: &mut output, errors: &mut errors };
    let outcome = run(arguments.map(OsString::from), &variable, io);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { outcome, text: text(output), errors: text(errors) }
}

fn settings(issuer: &str) -> [(&str, &str); 3] {
    [("JWT_ISSUER", issuer), ("JWT_AUDIENCE", AUDIENCE), ("JWT_ALGORITHMS", "ES256")]
}

fn es256() -> (SigningKey, FakeIssuer) {
    let key = SigningKey::new(Algorithm::ES256, "key-1");
    let issuer = FakeIssuer::start(&[&key]);
    (key, issuer)
}

#[test]
fn a_token_is_explained_against_the_live_issuer() {
    let (key, issuer) = es256();
    let variables = settings(issuer.url());
    let good = Token::now(issuer.url()).sign(&key);
    let output = command(&["explain"], &variables, &format!("Authorization: Bearer {good}\n"));
    assert_eq!(output.outcome, Outcome::Good, "{}{}", output.text, output.errors);
    let expired = Token::now(issuer.url()).claim("exp", 1).claim("aud", "other").sign(&key);
    let output = command(&["explain", "--json"], &variables, &expired);
    assert_eq!(output.outcome, Outcome::Refused);
    let json = output.json();
    assert_eq!((&json["verdict"], &json["reason"]), (&json!("refused"), &json!("audience")));
    let failed = json["checks"].as_array().unwrap().iter();
    let failed: Vec<_> = failed.filter(|check| check["status"] == "failed").collect();
    let names: Vec<_> = failed.iter().map(|check| &check["name"]).collect();
    assert_eq!(names, ["audience", "lifetime", "expiry"]);
    assert!(failed[0]["expected"].is_string() && failed[0]["found"].is_string());
    let values = command(&["explain", "--values"], &variables, &expired);
    assert!(values.text.contains(r#"(value: "other")"#), "{}", values.text);
    assert!(!output.text.contains(r#""other""#), "{}", output.text);
}

#[test]
fn keys_of_a_file_need_no_issuer() {
    let key = SigningKey::new(Algorithm::ES256, "key-1");
    let weak = json!({"kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB"});
    let file = std::env::temp_dir().join(format!("jwt-verify-keys-{}.json", std::process::id()));
    std::fs::write(&file, json!({"keys": [key.jwk(), weak]}).to_string()).unwrap();
    let path = file.to_str().unwrap();
    let issuer = "https://issuer.example";
    let token = Token::now(issuer).sign(&key);
    let output = command(&["explain", "--keys", path], &settings(issuer), &token);
    assert_eq!(output.outcome, Outcome::Good, "{}{}", output.text, output.errors);
    let list = command(&["keys", "--keys", path, "--json"], &[], "").json();
    assert_eq!(list["keys"][0]["usable"], true);
    assert_eq!(list["keys"][0]["algorithms"], json!(["ES256"]));
    assert_eq!(list["keys"][1]["usable"], false);
    assert!(list["keys"][1]["reason"].is_string());
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_route_of_the_access_matrix_names_what_the_token_lacks() {
    let (key, issuer) = es256();
    let matrix = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/resource-server/resource-server.routes.txt"
    );
    let explain = |route: &str, token: Token| {
        let arguments = ["explain", "--matrix", matrix, "--route", route];
        command(&arguments, &settings(issuer.url()), &token.sign(&key))
    };
    let good = || Token::now(issuer.url());
    let lacking = explain("PUT /posts/7", good().roles(&["editor"]).permissions(&["read:posts"]));
    assert_eq!(lacking.outcome, Outcome::Refused);
    assert!(lacking.first().contains("write:posts"), "{}", lacking.text);
    let both = good().roles(&["editor"]).permissions(&["read:posts", "write:posts"]);
    assert_eq!(explain("PUT /posts/7", both).outcome, Outcome::Good);
    assert_eq!(explain("GET /public", good()).outcome, Outcome::Good);
    let unknown = explain("GET /nowhere", good());
    assert_eq!(unknown.outcome, Outcome::Unknown);
    assert!(unknown.errors.contains("no route"), "{}", unknown.errors);
}

#[test]
fn what_cannot_be_told_has_a_code_of_its_own() {
    let (key, issuer) = es256();
    let token = Token::now(issuer.url()).sign(&key);
    issuer.answer_discovery(Answer::status(503));
    for (arguments, variables, input) in [
        (&["explain"][..], &settings(issuer.url())[..], &*token),
        (&["explain"], &settings(issuer.url()), ""),
        (&["explain"], &[], &token),
        (&["doctor"], &settings("http://127.0.0.1:1"), ""),
        (&["nonsense"], &[], ""),
    ] {
        let output = command(arguments, variables, input);
        assert_eq!(output.outcome.code(), 2, "{arguments:?} {}{}", output.text, output.errors);
    }
    assert_eq!(command(&["--help"], &[], "").outcome.code(), 0);
}

#[test]
fn a_test_token_verifies_and_production_gets_none() {
    let variables = [("JWT_ISSUER", "http://localhost:8080"), ("JWT_AUDIENCE", AUDIENCE)];
    let claims = ["--claim", "sub=bob", "--claim", r#"roles=["admin"]"#];
    let made = command(&[&["token", "--json"], &claims[..]].concat(), &variables, "").json();
    let keys = serde_json::to_string(&made["jwks"]).unwrap();
    let file = std::env::temp_dir().join(format!("jwt-verify-made-{}.json", std::process::id()));
    std::fs::write(&file, keys).unwrap();
    let explain = ["explain", "--algorithms", "ES256", "--keys", file.to_str().unwrap()];
    let output = command(&explain, &variables, made["token"].as_str().unwrap());
    assert_eq!(output.outcome, Outcome::Good, "{}{}", output.text, output.errors);
    std::fs::remove_file(file).unwrap();
    let real = command(&["token"], &settings("https://login.example.com"), "");
    assert_eq!((real.outcome.code(), &*real.text), (2, ""));
    let key = command(&["token", "--key", "/etc/production.pem"], &variables, "");
    assert!(key.errors.contains("production"), "{}", key.errors);
}

/// Mistakes that beginners make, and the words that the first line has for them.
#[test]
fn ten_wrong_set_ups_are_named_in_the_first_line() {
    let (key, issuer) = es256();
    let variables = settings(issuer.url());
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let good = Token::now(issuer.url());
    for (token, words) in [
        (good.clone().claim("iss", format!("{}/", issuer.url())), "slash at the end"),
        (good.clone().claim("aud", "account"), "Keycloak"),
        (good.clone().claim("at_hash", "x4Qn0v2LrT8mYc6ZbW1dKg"), "`at_hash`"),
        (good.clone().claim("nbf", now + 300), "in the future"),
        (good.clone().claim("iss", "https://issuer.example"), "another issuer"),
    ] {
        let output = command(&["explain"], &variables, &token.sign(&key));
        assert!(output.first().contains(words), "{words}: {}", output.text);
        assert_eq!(output.outcome, Outcome::Refused);
    }
    let explained_with = |configured: &str, found: &str| {
        let token = Token::now(found).sign(&key);
        let file = std::env::temp_dir().join(format!("jwt-verify-ten-{}.json", std::process::id()));
        std::fs::write(&file, json!({"keys": [key.jwk()]}).to_string()).unwrap();
        let keys = ["explain", "--keys", file.to_str().unwrap()];
        command(&keys, &settings(configured), &token)
    };
    let realm = "https://sso.example.com/realms/";
    let output = explained_with(&format!("{realm}main"), &format!("{realm}other"));
    assert!(output.first().contains("another realm"), "{}", output.text);
    let (one, two) = ("https://sts.windows.net/t/", "https://login.microsoftonline.com/t/v2.0");
    let output = explained_with(two, one);
    assert!(output.first().contains("version 1 tokens"), "{}", output.text);

    let doctor = |variables: &[(&str, &str)], words: &str| {
        let output = command(&["doctor"], variables, "");
        assert!(output.first().contains(words), "{words}: {}", output.text);
        assert_eq!(output.outcome, Outcome::Refused, "{}", output.text);
    };
    let rs256 = [variables[0], variables[1]];
    doctor(&rs256, "allowed: RS256; the keys of the issuer are for ES256");
    issuer.publish_json(&json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}));
    doctor(&variables, "no_usable_keys");
    let other = json!({"issuer": format!("{}/", issuer.url()), "jwks_uri": issuer.jwks_uri()});
    issuer.answer_discovery(Answer::json(&other));
    doctor(&variables, "with a slash at the end");
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        issuer.set(path, Answer::status(302).with_header("location", "https://elsewhere.example/"));
    }
    doctor(&variables, "redirect");
}

#[test]
fn a_clock_that_is_off_is_told_by_the_date_of_the_issuer() {
    let (_, issuer) = es256();
    let keys = json!({"issuer": issuer.url(), "jwks_uri": issuer.jwks_uri()});
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    issuer.answer_discovery(Answer::json(&keys).with_header("date", date));
    let output = command(&["doctor"], &settings(issuer.url()), "");
    assert!(
        output.first().contains("clock") && output.first().contains("ahead of"),
        "{}",
        output.text
    );
}

#[test]
fn a_private_authority_is_told_from_a_host_that_is_down() {
    let (_, issuer) = es256();
    let front = TlsFront::start(&Authority::new().certify("localhost"), issuer.url());
    let url = front.url("");
    let output = command(&["doctor"], &settings(&url), "");
    assert!(output.first().contains("tls"), "{}", output.text);
    assert!(output.text.contains("JWT_ROOT_CERTIFICATES"));
}

#[test]
fn a_set_up_is_read_from_files_and_static_keys_need_no_issuer() {
    let (_, issuer) = es256();
    let file = std::env::temp_dir().join(format!("jwt-verify-issuer-{}", std::process::id()));
    std::fs::write(&file, format!("{}/", issuer.url())).unwrap();
    let name = ("JWT_ISSUER_FILE", file.to_str().unwrap());
    let output = command(&["doctor"], &[name, ("JWT_AUDIENCE", AUDIENCE)], "");
    assert_eq!(output.outcome, Outcome::Refused, "{}", output.text);
    std::fs::remove_file(file).unwrap();
    let secret = ("JWT_SECRET", "a secret of at least thirty-two bytes");
    let fixed = [("JWT_ISSUER", "https://nowhere.example"), ("JWT_AUDIENCE", AUDIENCE), secret];
    let output = command(&["doctor"], &fixed, "");
    assert_eq!(output.outcome, Outcome::Good, "{}", output.text);
}

/// The provider does not fetch from there either.
#[test]
fn a_key_set_that_an_https_issuer_names_by_plain_http_is_not_asked_for() {
    let (_, issuer) = es256();
    let authority = Authority::new();
    let front = TlsFront::start(&authority.certify("localhost"), issuer.url());
    let (name, roots) = (front.url(""), authority.pem());
    let metadata = json!({"issuer": name, "jwks_uri": issuer.jwks_uri()});
    issuer.answer_discovery(Answer::json(&metadata));
    let mut variables = settings(&name).to_vec();
    variables.push(("JWT_ROOT_CERTIFICATES", &roots));
    let output = command(&["doctor"], &variables, "");
    assert!(output.first().contains("no https URL"), "{}", output.text);
    assert_eq!((output.outcome, issuer.key_fetches()), (Outcome::Refused, 0));
    assert_eq!(command(&["keys"], &variables, "").outcome, Outcome::Unknown);
    assert_eq!(issuer.key_fetches(), 0);
}

#[test]
fn a_secret_in_the_url_of_keys_is_not_printed() {
    let url = ("JWT_JWKS_URI", "http://127.0.0.1:1/keys?code=s3cret");
    let settings = [("JWT_ISSUER", "https://issuer.example"), ("JWT_AUDIENCE", AUDIENCE), url];
    for arguments in [&["doctor"][..], &["doctor", "--json"], &["keys"]] {
        let output = command(arguments, &settings, "");
        assert!(!output.text.contains("s3cret") && !output.errors.contains("s3cret"));
    }
}

#[test]
fn the_other_methods_of_a_path_come_last() {
    let (key, issuer) = es256();
    let file = std::env::temp_dir().join(format!("jwt-verify-matrix-{}", std::process::id()));
    let matrix =
        "*    /posts/{id}  any_post   public\nGET  /posts/{id}  edit_post  roles = \"editor\"\n";
    std::fs::write(&file, matrix).unwrap();
    let token = Token::now(issuer.url()).sign(&key);
    let outcome = |route: &str| {
        let arguments = ["explain", "--matrix", file.to_str().unwrap(), "--route", route];
        command(&arguments, &settings(issuer.url()), &token).outcome
    };
    assert_eq!(outcome("GET /posts/7"), Outcome::Refused);
    assert_eq!(outcome("PUT /posts/7"), Outcome::Good);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_matrix_tells_the_command_what_includes_a_scope() {
    let (key, issuer) = es256();
    let name = format!("jwt-verify-hierarchies-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let own = format!("of {:?}: ", issuer.url());
    let outcome = |of: &str, scope: &str| {
        let matrix = format!(
            "GET  /orders  orders  scopes = \"orders:read\"  # {of}scope \"orders:read\" by \"orders\"\n"
        );
        std::fs::write(&file, matrix).unwrap();
        let arguments = ["explain", "--matrix", file.to_str().unwrap(), "--route", "GET /orders"];
        let token = Token::now(issuer.url()).claim("scope", scope).sign(&key);
        command(&arguments, &settings(issuer.url()), &token).outcome
    };
    for (of, scope, expected) in [
        ("", "orders:read", Outcome::Good),
        ("", "orders", Outcome::Good),
        ("", "other", Outcome::Refused),
        (&*own, "orders", Outcome::Good),
        ("of \"https://other.example\": ", "orders", Outcome::Refused),
        ("of \"https://other.example\": ", "orders:read", Outcome::Good),
        ("of nothing: ", "orders", Outcome::Unknown),
    ] {
        assert_eq!(outcome(of, scope), expected, "{of} {scope}");
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_good_set_up_is_good() {
    let (key, issuer) = es256();
    let output = command(&["doctor", "--json"], &settings(issuer.url()), "");
    assert_eq!(output.outcome, Outcome::Good, "{}", output.text);
    assert_eq!(output.json()["verdict"], "good");
    let token = Token::now(issuer.url()).claim("aud", "account").sign(&key);
    let output = command(&["doctor", "--token", "-"], &settings(issuer.url()), &token);
    assert!(
        output.first().contains("token") && output.first().contains("Keycloak"),
        "{}",
        output.text
    );
    let list = command(&["keys"], &settings(issuer.url()), "");
    assert!(list.text.contains("key-1") && list.text.contains("usable for ES256"), "{}", list.text);
}

#[test]
fn a_new_api_key_has_a_record_that_a_store_takes() {
    let secret = ("API_KEY_SECRET", "a secret of at least thirty-two bytes");
    let flags =
        ["--sub", "ada", "--prefix", "my_app", "--role", "admin", "--scope", "a", "--days", "1"];
    let made = command(&[&["key", "new"], &flags[..]].concat(), &[secret], "");
    assert_eq!(made.outcome, Outcome::Good, "{}", made.errors);
    let (key, record) = made.text.trim_end().split_once('\n').unwrap();
    let store = MemoryApiKeys::from_json(&format!("[{record}]")).unwrap();
    assert!(!record.contains(key) && made.errors.contains("shown once"));
    let keys = ApiKeys::builder(secret.1.into(), store).prefix("my_app").clock(SystemClock::new());
    let keys = keys.build().unwrap();
    let bed = TestBed::new();
    let api = serve(bed.auth().api_keys(keys).build().unwrap());
    assert_eq!(api.get("/admin").header("X-Api-Key", key).send().status, 200);
    let claims = api.get("/claims").header("X-Api-Key", key).send().json();
    assert_eq!((&claims["sub"], &claims["scope"]), (&json!("ada"), &json!("a")));

    let other = command(&["key", "new", "--json"], &[secret], "").json();
    assert!(other["key"].as_str().unwrap().starts_with("ak_"));
    assert_eq!(other["record"]["sub"].as_str().unwrap().len(), 43);
    for (arguments, variables, problem) in [
        (&["key", "new"][..], &[][..], "API_KEY_SECRET is not set"),
        (&["key", "new"], &[("API_KEY_SECRET", "short")], "API_KEY_SECRET: must have"),
        (&["key", "new", "--prefix", "a-b"], &[secret], "--prefix: must be"),
        (&["key", "new", "--scope", "a b"], &[secret], "`scopes` must be"),
        (&["key", "new", "--sub", ""], &[secret], "`sub` must be"),
    ] {
        let refused = command(arguments, variables, "");
        assert_eq!(refused.outcome, Outcome::Unknown);
        assert!(refused.errors.contains(problem), "{}", refused.errors);
    }
}
