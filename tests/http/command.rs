//! The command `jwt-verify`: what it tells of tokens and set-ups.

use std::ffi::OsString;

use jwt_verify::{
    SystemClock,
    api_keys::{ApiKeys, MemoryApiKeys},
    cli::{Io, Outcome, run},
};
use jwt_verify_tests::{Answer, Authority, RedisServer, TlsFront};
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

/// `doctor` with a Redis at this URL; its line about it, and the outcome. No output has the password.
fn doctor_of_redis(url: &str) -> (String, Outcome) {
    let (_, issuer) = es256();
    let mut variables = settings(issuer.url()).to_vec();
    variables.push(("REDIS_URL", url));
    let json = command(&["doctor", "--json"], &variables, "");
    let output = command(&["doctor"], &variables, "");
    for text in [&json.text, &json.errors, &output.text, &output.errors] {
        assert!(!text.contains("s3cret") && !text.contains("127.0.0.1:1/"), "{text}");
    }
    assert_eq!(json.outcome, output.outcome);
    let checks = json.json()["checks"].as_array().unwrap().clone();
    let check = checks.into_iter().find(|check| check["name"] == "redis");
    let line = check.map(|check| format!("{} {}", check["status"], check["found"]));
    (line.unwrap_or_default().replace('"', ""), output.outcome)
}

/// The address of a server that ends each connection after the first bytes.
fn hanging_up() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let _ = connection.and_then(|mut open| std::io::Read::read(&mut open, &mut [0; 64]));
        }
    });
    address
}

#[test]
fn a_redis_that_is_not_there_is_told() {
    let (line, outcome) = doctor_of_redis("redis://user:s3cret@127.0.0.1:1/0");
    let expected = "unknown unreachable: nothing takes connections at the address of REDIS_URL";
    assert_eq!((&*line, outcome), (expected, Outcome::Unknown));
    let socket = "redis+unix:///nowhere/at/all.sock?pass=s3cret";
    assert_eq!(doctor_of_redis(socket), (expected.to_owned(), Outcome::Unknown));
    // What cannot be a URL is an error of the settings.
    assert_eq!(doctor_of_redis("http://s3cret"), (String::new(), Outcome::Refused));
    // TLS where none is spoken, a certificate of an unknown authority, and TLS that is not wanted.
    let (_, other) = es256();
    let front = TlsFront::start(&Authority::new().certify("localhost"), other.url());
    for (url, expected) in [
        (format!("rediss://:s3cret@{}", hanging_up()), "failed tls: "),
        (format!("redis://:s3cret@{}", hanging_up()), "failed protocol: "),
        (front.url("").replace("https://", "rediss://:s3cret@"), "failed tls: "),
        (front.url("").replace("https://", "redis://:s3cret@"), "failed protocol: "),
    ] {
        let (line, outcome) = doctor_of_redis(&url);
        assert!(line.starts_with(expected), "{expected} {line}");
        assert_eq!(outcome, Outcome::Refused);
    }
    // Without one nothing is said.
    let (_, issuer) = es256();
    assert!(!command(&["doctor"], &settings(issuer.url()), "").text.contains("redis"));
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_redis_is_asked_for_a_login_and_a_round_trip() {
    let open = RedisServer::start();
    let (line, outcome) = doctor_of_redis(&open.url());
    let expected =
        "passed reachable without TLS; an entry was written, read and removed; a round trip";
    assert!(line.starts_with(expected), "{line}");
    assert_eq!((outcome, open.names("*")), (Outcome::Good, Vec::new()));

    let (line, _) = doctor_of_redis(&open.url().replace("redis://", "rediss://"));
    assert!(line.starts_with("unknown tls: "), "{line}");

    let closed = RedisServer::with(&["--requirepass", "s3cret"]);
    let at = |login: &str| closed.url().replace("redis://", &format!("redis://{login}"));
    let (line, outcome) = doctor_of_redis(&at(":s3cret@"));
    assert_eq!((line.split(' ').next(), outcome), (Some("passed"), Outcome::Good), "{line}");
    for login in ["", ":s3cretive@", "s3cret:s3cret@"] {
        let (line, outcome) = doctor_of_redis(&at(login));
        assert!(line.starts_with("failed authentication: "), "{login} {line}");
        assert_eq!(outcome, Outcome::Refused);
    }

    let rules = ["--user", "reader", "on", ">s3cret", "~*", "+get", "+ping"];
    let limited = RedisServer::with(&rules);
    let reader = limited.url().replace("redis://", "redis://reader:s3cret@");
    let (line, outcome) = doctor_of_redis(&reader);
    assert!(line.starts_with("failed refused: the user of REDIS_URL"), "{line}");
    assert_eq!(outcome, Outcome::Refused);

    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &open.port().to_string()]);
    let (line, _) = doctor_of_redis(&replica.url());
    assert!(line.starts_with("failed refused: the server of REDIS_URL is a replica"), "{line}");

    closed.freeze();
    let (line, outcome) = doctor_of_redis(&at(":s3cret@"));
    closed.thaw();
    assert!(line.starts_with("unknown timeout: "), "{line}");
    assert_eq!(outcome, Outcome::Unknown);
}

/// A folder of a pod, and the variables of its cluster.
struct Pod {
    folder: std::path::PathBuf,
    port: String,
}

impl Pod {
    /// The API server is an issuer behind TLS; the pod knows this authority.
    fn new(front: &TlsFront, authority: &Authority, token: &str) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("jwt-verify-pod-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.crt"), authority.pem()).unwrap();
        std::fs::write(folder.join("token"), token).unwrap();
        let port = front.url("").trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
        Self { folder, port }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let variables = [
            ("JWT_PROVIDER", "kubernetes"),
            ("JWT_AUDIENCE", AUDIENCE),
            ("JWT_ALGORITHMS", "ES256"),
            ("JWT_KUBERNETES_FOLDER", self.folder.to_str().unwrap()),
            ("KUBERNETES_SERVICE_HOST", "localhost"),
            ("KUBERNETES_SERVICE_PORT", &self.port),
        ];
        command(arguments, &variables, "")
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn the_key_set_of_a_cluster_is_asked_for() {
    let (key, api_server) = es256();
    let authority = Authority::new();
    let front = TlsFront::start(&authority.certify("localhost"), api_server.url());
    let token = Token::now("https://kubernetes.default.svc").sign(&key);
    let keys = json!({"keys": [key.jwk()]});
    api_server.set("/openid/v1/jwks", Answer::json(&keys));
    let pod = Pod::new(&front, &authority, &token);
    let output = pod.run(&["doctor"]);
    assert_eq!(output.outcome, Outcome::Good, "{}", output.text);
    assert!(output.text.contains("1 usable"), "{}", output.text);
    let sent = api_server.heads().concat().to_ascii_lowercase();
    assert!(sent.contains("/openid/v1/jwks") && sent.contains("authorization: bearer "));
    assert!(pod.run(&["keys"]).text.contains("usable for ES256"));

    api_server.set("/openid/v1/jwks", Answer::status(403));
    let output = pod.run(&["doctor"]);
    assert!(output.first().contains("status 403"), "{}", output.text);
    assert!(output.text.contains("system:service-account-issuer-discovery"), "{}", output.text);
    assert_eq!(output.outcome, Outcome::Refused);

    let other = Pod::new(&front, &Authority::new(), &token);
    let output = other.run(&["doctor"]);
    assert!(output.first().contains("keys: tls"), "{}", output.text);
    assert_eq!(output.outcome, Outcome::Refused);

    std::fs::remove_file(other.folder.join("token")).unwrap();
    let output = other.run(&["doctor"]);
    assert!(output.first().contains("not in a pod"), "{}", output.text);
    for output in [pod.run(&["doctor", "--json"]), output] {
        assert!(!output.text.contains(&token) && !output.errors.contains(&token));
    }
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
