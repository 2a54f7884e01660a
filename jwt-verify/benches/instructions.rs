//! How many instructions the hot paths take, counted by valgrind, against what is committed.
//!
//! `cargo bench --bench instructions` fails if a path takes more than 5 % more than in
//! `benches/instructions.txt`; `UPDATE_INSTRUCTIONS=1` writes that file anew. A count does not depend
//! on what else the machine does, but it does on the compiler: with another one than the file names,
//! differences are only reported. What the signature costs is counted by itself and taken off, since
//! it depends on the processor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and stops where it cannot be set up"
)]

#[expect(dead_code, reason = "shared with the other benchmarks")]
mod keys;
#[cfg(feature = "mcp")]
mod mcp;
mod opaque;
mod ready;

use std::{collections::BTreeMap, fmt::Write as _, hint::black_box, process::Command};

use actix_web::{
    App, HttpResponse,
    dev::{Payload, Service as _},
    get,
    test::{TestRequest, init_service},
    web,
};
use aws_lc_rs::hmac;
use jwt_verify::{
    Algorithm, JwkSet, JwtAuth, Requirement, TrustedIssuer, VerifiedClaims, Verifier, require,
};
use keys::{AUDIENCE, ISSUER, Subject};
use ready::now;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");
const CALLS: u64 = 200;

/// What is counted, and what of it is somebody else's.
const PATHS: &[(&str, Option<&str>)] = &[
    ("a new token, without its signature", Some("signature")),
    ("a token seen before", None),
    ("an extractor of a token seen before", Some("request")),
    (OPAQUE_SEEN, Some("opaque request")),
    (TOKEN_SEEN, Some("an open route")),
    #[cfg(feature = "api-keys")]
    (KEY_SEEN, Some("an open route, with a key")),
    #[cfg(feature = "api-keys")]
    (BEARER_KEY_SEEN, Some("an open route, with a key as a token")),
    ("a requirement", None),
    #[cfg(feature = "mcp")]
    (GUARDED_CALL, Some(OPEN_CALL)),
];

const GUARDED_CALL: &str = "a guarded MCP call, token seen before";
const OPEN_CALL: &str = "an MCP call without a guard";
const OPAQUE_SEEN: &str = "an extractor of an opaque token seen before";
const TOKEN_SEEN: &str = "a protected route, token seen before";
const KEY_SEEN: &str = "a protected route, API key seen before";
const BEARER_KEY_SEEN: &str = "a protected route, API key seen before, as a token";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [path, calls] = &*words {
        return run(path, calls.parse().unwrap());
    }
    let compiler = Command::new("rustc").arg("--version").output().unwrap().stdout;
    let compiler = String::from_utf8(compiler).unwrap().trim().to_owned();
    let counts: Vec<(&str, u64)> = PATHS
        .iter()
        .map(|(path, others)| (*path, least(path).saturating_sub(others.map_or(0, count))))
        .collect();
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    let mut lines = committed.lines();
    let is_same_compiler = lines.next() == Some(&*compiler);
    let before: BTreeMap<&str, u64> = lines
        .filter_map(|line| line.rsplit_once(": "))
        .filter_map(|(path, count)| Some((path, count.parse().ok()?)))
        .collect();
    let counted = |wanted: &str| counts.iter().find(|(path, _)| *path == wanted);
    if let (Some((_, token)), Some((_, key)), Some((_, bearer))) =
        (counted(TOKEN_SEEN), counted(KEY_SEEN), counted(BEARER_KEY_SEEN))
    {
        // A key is looked up and not verified, and must not cost much more for that.
        println!("an API key seen before, against a token: {key} and {bearer} of {token}");
        assert!(key * 100 <= token * 115 && bearer * 100 <= token * 115, "API keys cost more");
    }
    if let Some((_, guard)) = counted(GUARDED_CALL) {
        let unguarded = count(OPEN_CALL);
        println!(
            "a guarded MCP call takes {guard} more than the {unguarded} of one without a guard"
        );
        assert!(guard * 10 <= unguarded, "the guard costs more than a tenth of the call");
    }
    let (mut file, mut is_worse) = (format!("{compiler}\n"), false);
    let of = |path: &str| counts.iter().find(|(name, _)| *name == path).unwrap().1;
    let jwt = of("an extractor of a token seen before");
    let opaque = of(OPAQUE_SEEN);
    assert!(opaque <= jwt + jwt * 15 / 100, "an opaque token takes {opaque}, a JWT {jwt}");
    for (path, count) in &counts {
        writeln!(file, "{path}: {count}").unwrap();
        let (path, count) = (*path, *count);
        let known = before.get(path).copied().unwrap_or(count);
        // A handful more of a few is no regression.
        is_worse |= count > known + known / 20 + 20;
        println!("{path:<40} {count:>8} instructions, committed {known:>8}");
    }
    if std::env::var_os("UPDATE_INSTRUCTIONS").is_some() {
        std::fs::write(FILE, file).unwrap();
    } else if !is_same_compiler {
        println!("the file is of another compiler; nothing is compared");
    } else if is_worse {
        panic!("a path takes more than 5 % more than before");
    }
}

/// The least of several counts where they differ: those of an opaque token depend on the seed of a hash.
fn least(path: &str) -> u64 {
    let times = if path == OPAQUE_SEEN { 3 } else { 1 };
    (0..times).map(|_| count(path)).min().unwrap_or_default()
}

/// Instructions of one call: the difference that more calls make.
fn count(path: &str) -> u64 {
    let total = |calls: u64| -> u64 {
        let output = Command::new("valgrind")
            .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
            .arg(std::env::current_exe().unwrap())
            .args([path, &calls.to_string()])
            .output()
            .expect("valgrind is needed");
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = report.lines().find(|line| line.contains("refs:")).expect(&report);
        let digits: String =
            line.rsplit(':').next().unwrap().chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    };
    // What happens at the first calls only is in both.
    (total(10 + CALLS) - total(10)) / CALLS
}

fn run(path: &str, calls: u64) {
    let subject = Subject::new(Algorithm::HS256);
    let verifier = |entries| {
        let verifier = Verifier::for_issuer(issuer(&subject));
        verifier.token_cache_capacity(entries).build().unwrap()
    };
    let token = subject.token.as_str();
    let repeat = |mut call: Box<dyn FnMut() + '_>| (0..calls).for_each(|_| call());
    match path {
        "signature" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, keys::SECRET.as_bytes());
            repeat(Box::new(|| {
                let (input, tag) = (black_box(&subject.signing_input), &subject.signature);
                hmac::verify(&key, input, black_box(tag)).unwrap();
            }));
        }
        "a new token, without its signature" => {
            let verifier = verifier(0);
            repeat(Box::new(|| drop(black_box(now(verifier.verify(black_box(token)))).unwrap())));
        }
        "a token seen before" => {
            let verifier = verifier(100);
            repeat(Box::new(|| drop(black_box(now(verifier.verify(black_box(token)))).unwrap())));
        }
        "a requirement" => {
            let claims = now(verifier(0).verify(token)).unwrap();
            let requirement = Requirement::roles(["admin", "editor"]);
            repeat(Box::new(|| black_box(&claims).check(black_box(&requirement)).unwrap()));
        }
        "request" | "an extractor of a token seen before" => {
            let auth = JwtAuth::new(verifier(100));
            let bearer = format!("Bearer {token}");
            let extracts = path != "request";
            repeat(Box::new(|| {
                let request = TestRequest::default()
                    .insert_header(("authorization", bearer.as_str()))
                    .app_data(auth.clone())
                    .to_http_request();
                if extracts {
                    let claims = VerifiedClaims::from_request(&request, &mut Payload::None);
                    let claims: VerifiedClaims = now(claims).unwrap();
                    black_box(claims);
                }
            }));
        }
        "opaque request" | OPAQUE_SEEN => {
            let auth = opaque::auth(&subject);
            opaque::ask_once(&auth);
            let extracts = path != "opaque request";
            repeat(Box::new(|| {
                let request = opaque::request(&auth, opaque::OPAQUE_TOKEN);
                if extracts {
                    let claims = VerifiedClaims::from_request(&request, &mut Payload::None);
                    let claims: VerifiedClaims = now(claims).unwrap();
                    black_box(claims);
                }
            }));
        }
        #[cfg(feature = "mcp")]
        OPEN_CALL | GUARDED_CALL => {
            let guard = mcp::guard(JwtAuth::for_issuer(issuer(&subject)));
            let guard = (path == GUARDED_CALL).then_some(guard);
            mcp::serve(guard, &format!("Bearer {token}"), calls);
        }
        "an open route" | TOKEN_SEEN => {
            let auth = JwtAuth::new(verifier(100));
            let bearer = format!("Bearer {token}");
            let path = if path == "an open route" { "/open" } else { "/protected/x" };
            serve(auth, path, ("authorization", &bearer), calls);
        }
        #[cfg(feature = "api-keys")]
        "an open route, with a key"
        | "an open route, with a key as a token"
        | KEY_SEEN
        | BEARER_KEY_SEEN => {
            use jwt_verify::api_keys::{ApiKeyHash, ApiKeyRecord, ApiKeys, MemoryApiKeys};

            // A key of the right form that needs no random bytes: their number of instructions varies.
            let key = format!("ak_{}0BGpCK", "0".repeat(34));
            let secret = hmac::Key::new(hmac::HMAC_SHA256, keys::SECRET.as_bytes());
            let hash = hmac::sign(&secret, key.as_bytes()).as_ref().try_into().unwrap();
            let record = ApiKeyRecord::builder(ApiKeyHash::from_bytes(hash), "user");
            let store = MemoryApiKeys::new();
            store.insert_now(record.roles(["editor"]).build().unwrap());
            let keys = ApiKeys::builder(keys::SECRET.into(), store).build().unwrap();
            let auth = JwtAuth::for_issuer(issuer(&subject)).api_keys(keys).build().unwrap();
            let is_token = path == BEARER_KEY_SEEN || path.ends_with("as a token");
            let header = if is_token {
                ("authorization", format!("Bearer {key}"))
            } else {
                ("x-api-key", key)
            };
            let path = if path.starts_with("an open route") { "/open" } else { "/protected/x" };
            serve(auth, path, (header.0, &header.1), calls);
        }
        other => panic!("there is no path {other}"),
    }
}

fn issuer(subject: &Subject) -> TrustedIssuer {
    TrustedIssuer::new(ISSUER, AUDIENCE)
        .algorithms([Algorithm::HS256])
        .keys(JwkSet::single(subject.key()))
}

/// Sends one request after the other with this header.
fn serve(auth: JwtAuth, path: &str, header: (&str, &str), calls: u64) {
    actix_web::rt::System::new().block_on(async {
        let scope = web::scope("/protected").wrap(auth).service(protected);
        let app = init_service(App::new().service(open).service(scope)).await;
        for _ in 0..calls {
            let request = TestRequest::with_uri(path).insert_header(header).to_request();
            let response = app.call(request).await.unwrap();
            assert!(response.status().is_success());
            black_box(response);
        }
    });
}

#[get("/open")]
async fn open() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[require(roles = "editor")]
#[get("/x")]
async fn protected(claims: VerifiedClaims) -> HttpResponse {
    black_box(claims.subject());
    HttpResponse::Ok().finish()
}
