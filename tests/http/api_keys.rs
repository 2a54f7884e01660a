//! API keys over HTTP. KEY-01 to KEY-14.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_web::web;
use jwt_verify::{
    ClaimsMapping, Clock as _, Lookup, RoleHierarchy, Secret, StoreUnavailable, VerifiedClaims,
    api_keys::{
        ApiKeyHash, ApiKeyRecord, ApiKeyRecordBuilder, ApiKeyStore, ApiKeys, FileApiKeys,
        ManageApiKeys as _, MemoryApiKeys,
    },
    dpop::Dpop,
    extract::{CookieExtractor, QueryExtractor},
    introspection::Introspection,
    mtls::MutualTls,
    require,
    revocation::{MemoryRevocation, Revocation, RevocationStore as _},
    test_hooks,
};
use jwt_verify_tests::{CapturedLog, IntrospectionEndpoint, Request};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use super::*;

fn secret() -> Secret {
    Secret::from("the secret of the hashes, 32 bytes")
}

/// A store in memory, and the keys in it.
struct Keys {
    store: MemoryApiKeys,
    keys: ApiKeys,
}

impl Keys {
    fn new() -> Self {
        let store = MemoryApiKeys::new();
        let keys = ApiKeys::builder(secret(), store.clone()).build().unwrap();
        Self { store, keys }
    }

    fn add(&self, change: impl FnOnce(ApiKeyRecordBuilder) -> ApiKeyRecordBuilder) -> String {
        let key = self.keys.generate().unwrap();
        let record = change(self.keys.record(&key, "ada")).build().unwrap();
        assert!(self.store.insert_now(record));
        key.expose().to_owned()
    }

    fn admin(&self) -> String {
        self.add(|record| record.roles(["admin"]))
    }

    fn hash_of(&self, owner: &str) -> ApiKeyHash {
        block_on(self.store.list(owner)).unwrap()[0].record.hash()
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    actix_web::rt::System::new().block_on(future)
}

/// The three places of a key in a request.
fn ways<'a>(api: &'a TestServer, path: &'a str, key: &'a str) -> [Request; 3] {
    [
        api.get(path).header("X-Api-Key", key),
        api.get(path).header("Authorization", format!("aPiKeY {key}")),
        api.get(path).bearer(key),
    ]
}

/// KEY-01: routes answer a key as a token with the same grants, wherever it stands.
#[test]
fn a_key_is_answered_as_a_token_with_its_grants() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let hierarchy = RoleHierarchy::new().permissions("writer", ["write:posts"]);
    let mapping = ClaimsMapping::default().scopes_as_permissions(true).role_hierarchy(hierarchy);
    let auth = bed.auth_with(|issuer| issuer.claims_mapping(mapping));
    let api = serve(auth.api_keys(keys.keys.clone()).build().unwrap());
    for (roles, permissions, scopes) in [
        (&[][..], &[][..], &[][..]),
        (&["admin"], &[], &[]),
        (&["moderator", "writer"], &[], &[]),
        (&[], &["read:posts"], &["read:analytics"]),
        (&["a dmin"], &["read:reports read:posts"], &["read:reports"]),
    ] {
        let key = keys.add(|record| {
            record
                .roles(roles.iter().copied())
                .permissions(permissions.iter().copied())
                .scopes(scopes.iter().copied())
        });
        let token = bed.token().claim("roles", json!(roles));
        let token = token.claim("permissions", json!(permissions)).claim("sub", json!("ada"));
        let token = token.claim("scope", json!(scopes.join(" "))).sign(&bed.key);
        for path in ["/protected", "/admin", "/moderation", "/posts", "/reports", "/content", "/no"]
        {
            let expected = api.get(path).bearer(&token).send();
            for way in ways(&api, path, &key) {
                let answer = way.send();
                let parts = (answer.status, answer.challenge(), answer.text());
                assert_eq!(parts, (expected.status, expected.challenge(), expected.text()));
            }
        }
    }
}

#[require(credential = "api-key")]
async fn by_key_alone(claims: VerifiedClaims) -> String {
    let standard = claims.standard();
    format!("{} {}", standard.subject().unwrap_or_default(), claims.credential_kind())
}

/// KEY-02: the claims of a caller are those of the record, and the kind is that of keys.
#[test]
fn a_caller_has_the_claims_of_the_record() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let auth = bed.auth().api_keys(keys.keys.clone()).build().unwrap();
    let api = serve(auth.clone());
    let kinds = TestServer::start(move || {
        App::new().wrap(auth.clone()).route("/kind", web::to(by_key_alone))
    });
    let until = bed.clock.now() + Duration::from_secs(100);
    let key = keys.add(|record| record.name("backup").scopes(["a", "b"]).expires_at(until));
    let claims = api.get("/claims").header("x-api-key", &key).send().json();
    assert_eq!(claims["sub"], "ada");
    assert_eq!(claims["jti"], keys.hash_of("ada").id());
    assert_eq!(claims["exp"], until.as_secs());
    assert_eq!((&claims["name"], &claims["scope"]), (&json!("backup"), &json!("a b")));
    let kind = kinds.get("/kind").header("x-api-key", &key).send();
    assert_eq!((kind.status, kind.text()), (200, "ada api-key"), "{}", kind.everything());
    assert_eq!(kinds.get("/kind").bearer(bed.good()).send().status, 403);
}

/// KEY-03: two credentials are refused, whichever of them is good.
#[test]
fn two_credentials_are_refused() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let api = serve(bed.auth().api_keys(keys.keys.clone()).build().unwrap());
    let (key, other, token) = (keys.admin(), keys.admin(), bed.good());
    let scheme = |key: &str| format!("ApiKey {key}");
    let by_header = || api.get("/admin").header("X-Api-Key", &key);
    for (two, what) in [
        (by_header().bearer(&token), "a token"),
        (by_header().bearer("x.y.z"), "a bad token"),
        (by_header().bearer(&other), "another key"),
        (by_header().bearer(&key), "the same key"),
        (by_header().header("Authorization", scheme(&other)), "another key under its scheme"),
        (by_header().header("X-Api-Key", &key), "the header twice"),
        (api.get("/admin").header("X-Api-Key", "ak_bad").bearer(&token), "a bad key and a token"),
        (api.get("/admin").header("X-Api-Key", "").bearer(&token), "an empty key and a token"),
        (api.get("/admin").bearer(&token).header("Authorization", scheme(&key)), "two schemes"),
        (api.get("/admin").header("X-Api-Key", format!("{key}, {other}")), "a list"),
        (
            api.get("/admin").header("Authorization", format!("ApiKey {key}, Bearer {token}")),
            "both",
        ),
        (api.get("/admin").header("X-Api-Key", ""), "an empty header"),
    ] {
        let answer = two.send();
        assert_eq!(answer.status, 400, "{what}: {}", answer.everything());
        assert!(answer.challenge().unwrap().contains("invalid_request"), "{what}");
    }
}

/// KEY-04: what is not a stored key gets one answer, however close it is to one.
#[test]
fn what_is_not_a_stored_key_is_refused_alike() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let api = serve(bed.auth().api_keys(keys.keys.clone()).build().unwrap());
    let key = keys.admin();
    let others = ApiKeys::builder(secret(), MemoryApiKeys::new()).build().unwrap();
    let swapped = |place: usize| {
        let mut text = key.clone().into_bytes();
        text[place] = if text[place] == b'x' { b'y' } else { b'x' };
        String::from_utf8(text).unwrap()
    };
    let unknown = others.generate().unwrap();
    let mut wrong = vec![
        unknown.expose().to_owned(),
        "ak_".into(),
        "x".into(),
        key[..key.len() - 1].into(),
        format!("{key}0"),
        format!("0{key}"),
        key[3..].into(),
        key.to_uppercase(),
        format!("{key}%00"),
        "ak_".repeat(5000),
    ];
    wrong.extend((0..key.len()).map(swapped));
    let mut answers = Vec::new();
    for text in &wrong {
        for way in ways(&api, "/admin", text) {
            let answer = way.send();
            let parts = (answer.status, answer.challenge().map(str::to_owned));
            assert_eq!(parts, (401, Some(INVALID.to_owned())), "{text}");
            answers.push(answer.text().to_owned());
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert!(ways(&api, "/admin", &key).iter().all(|way| way.send().status == 200));
}

/// KEY-05: a dump of the store lets its reader in with nothing that is in it.
#[test]
fn nothing_stored_is_a_key() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let api = serve(bed.auth().api_keys(keys.keys.clone()).build().unwrap());
    let key = keys.add(|record| record.roles(["admin"]).name("backup").scopes(["s"]));
    let record = block_on(keys.store.list("ada")).unwrap()[0].record.to_json();
    assert!(!record.contains(&key[3..20]));
    let hash = keys.hash_of("ada");
    let hex = hash.as_bytes().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut texts = vec![hash.to_string(), format!("{hash}="), hash.id(), hex];
    texts.extend(record.split('"').map(str::to_owned));
    for text in texts.iter().filter(|text| !text.contains([',', ' ']) && !text.is_empty()) {
        for text in [text.clone(), format!("ak_{text}")] {
            for way in ways(&api, "/protected", &text) {
                assert_eq!(way.send().status, 401, "{text}");
            }
        }
    }
}

/// KEY-06: an expired key is refused, from the cache too.
#[test]
fn a_key_expires() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let api = serve(bed.auth().api_keys(keys.keys.clone()).build().unwrap());
    let until = bed.clock.now() + Duration::from_secs(60);
    let key = keys.add(|record| record.expires_at(until));
    let get = || api.get("/protected").header("X-Api-Key", &key).send();
    assert!((0..5).all(|_| get().status == 200));
    bed.clock.advance(Duration::from_secs(61));
    let answer = get();
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().unwrap().contains("expired"), "{}", answer.everything());
}

/// KEY-07: two keys live during a rotation; a revoked one is refused at once.
#[test]
fn keys_are_rotated_and_revoked() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let api = serve(bed.auth().api_keys(keys.keys.clone()).build().unwrap());
    let old = keys.admin();
    let status = |key: &str| api.get("/admin").header("X-Api-Key", key).send().status;
    assert_eq!(status(&old), 200);
    let replaced = keys.hash_of("ada");
    let new = keys.keys.generate().unwrap();
    let record = block_on(keys.store.find(replaced).into_future()).unwrap().unwrap();
    let record = record.successor(keys.keys.hash(&new)).build().unwrap();
    let until = bed.clock.now() + Duration::from_secs(60);
    assert!(block_on(keys.store.rotate(replaced, &record, until)).unwrap());
    assert_eq!((status(&old), status(new.expose())), (200, 200));
    bed.clock.advance(Duration::from_secs(61));
    assert_eq!((status(&old), status(new.expose())), (401, 200));
    assert!(block_on(keys.store.revoke(record.hash())).unwrap());
    assert_eq!(status(new.expose()), 401);
}

/// A store behind a network that can be down.
#[derive(Debug, Clone)]
struct Remote(MemoryApiKeys, Arc<AtomicBool>);

impl ApiKeyStore for Remote {
    fn find(
        &self,
        hash: ApiKeyHash,
    ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
        Lookup::Pending(Box::pin(async move {
            actix_web::rt::task::yield_now().await;
            if self.1.load(Ordering::SeqCst) {
                return Err(StoreUnavailable::new());
            }
            self.0.find(hash).await
        }))
    }
}

/// KEY-08: a store that cannot answer is 503, and never 401; what it has answered counts for a minute.
#[test]
fn a_store_that_is_down_is_503() {
    let bed = TestBed::new();
    let memory = Keys::new();
    let remote = Remote(memory.store.clone(), Arc::default());
    let keys = ApiKeys::builder(secret(), remote.clone()).build().unwrap();
    let api = serve(bed.auth().api_keys(keys).build().unwrap());
    let (seen, unseen) = (memory.admin(), memory.admin());
    let get = |key: &str| api.get("/admin").header("X-Api-Key", key).send();
    assert_eq!(get(&seen).status, 200);
    remote.1.store(true, Ordering::SeqCst);
    assert_eq!(get(&seen).status, 200);
    let down = get(&unseen);
    assert_eq!((down.status, down.header("retry-after")), (503, Some("1")));
    assert_eq!(get("ak_malformed").status, 401, "nothing has to be asked");
    assert_eq!(api.get("/admin").bearer(&unseen).send().status, 503);
    bed.clock.advance(Duration::from_secs(60));
    assert_eq!(get(&seen).status, 503);
    remote.1.store(false, Ordering::SeqCst);
    assert_eq!((get(&seen).status, get(&unseen).status), (200, 200));
}

/// A store that asks as soon as it is called, and has to wait for the answer.
#[derive(Debug, Clone)]
struct Eager(MemoryApiKeys, Arc<AtomicU64>);

impl ApiKeyStore for Eager {
    fn find(
        &self,
        hash: ApiKeyHash,
    ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Lookup::Pending(Box::pin(async move { self.0.find(hash).await }))
    }
}

/// KEY-08: a request causes one call of a remote store, and a refused one no other for its log.
#[test]
fn a_request_is_one_call_of_the_store() {
    let bed = TestBed::new();
    let memory = Keys::new();
    let store = Eager(memory.store.clone(), Arc::default());
    let keys = ApiKeys::builder(secret(), store.clone()).build().unwrap();
    let api = serve(bed.auth().api_keys(keys).build().unwrap());
    let (known, unknown) = (memory.admin(), memory.keys.generate().unwrap());
    for (key, status) in [(&*known, 200), (unknown.expose(), 401)] {
        let before = store.1.load(Ordering::SeqCst);
        assert_eq!(api.get("/admin").header("X-Api-Key", key).send().status, status);
        assert_eq!(store.1.load(Ordering::SeqCst), before + 1, "{status}");
    }
}

/// KEY-09: a revocation store counts for keys, by the key's id and by its owner.
#[test]
fn a_revocation_store_counts() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let revoked = MemoryRevocation::new();
    let auth = bed.auth().api_keys(keys.keys.clone()).revocation(revoked.clone());
    let api = serve(auth.build().unwrap());
    let until = Duration::from_secs(bed.clock.now().as_secs() + 3600);
    let status = |key: &str| api.get("/protected").header("X-Api-Key", key).send().status;
    for by_owner in [false, true] {
        let owner = if by_owner { "owner" } else { "other" };
        let key = keys.keys.generate().unwrap();
        let record = keys.keys.record(&key, owner).build().unwrap();
        keys.store.insert_now(record.clone());
        assert_eq!(status(key.expose()), 200);
        let what = if by_owner {
            Revocation::subject("", owner, until)
        } else {
            Revocation::token("", &record.id())
        };
        block_on(revoked.revoke(&what, until)).unwrap();
        assert_eq!(status(key.expose()), 401);
    }
}

/// KEY-10: where every credential has to be bound, keys do not build.
#[test]
fn keys_do_not_undo_a_binding() {
    let bed = TestBed::new();
    let auth = || bed.auth().api_keys(Keys::new().keys);
    let dpop = Dpop::new("https://api.example");
    let certificates = MutualTls::behind_proxies(["10.0.0.1"]);
    assert!(auth().dpop(dpop.clone()).mutual_tls(certificates.clone()).build().is_ok());
    for built in [
        auth().dpop(dpop.require_bound_tokens()).build(),
        auth().mutual_tls(certificates.require_bound_tokens()).build(),
    ] {
        let error = built.unwrap_err().to_string();
        assert!(error.starts_with("api_keys and ") && error.contains("require_bound"), "{error}");
    }
    let api = serve(auth().dpop(Dpop::new("https://api.example")).build().unwrap());
    let as_bound = api.get("/protected").header("Authorization", "DPoP ak_x").send();
    assert_eq!(as_bound.status, 401, "a key has no proof");
}

/// KEY-11: cookies and URLs are for tokens, also if they hold a key.
#[test]
fn a_key_counts_in_its_places_alone() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let key = keys.admin();
    let cookie = serve(
        bed.auth()
            .api_keys(keys.keys.clone())
            .extractor(CookieExtractor::new("t"))
            .build()
            .unwrap(),
    );
    assert_eq!(cookie.get("/admin").header("Cookie", format!("t={key}")).send().status, 401);
    assert_eq!(cookie.get("/admin").header("X-Api-Key", &key).send().status, 200);
    let by_scheme = cookie.get("/admin").header("Authorization", format!("ApiKey {key}"));
    assert_eq!(by_scheme.send().status, 200);
    let both = cookie.get("/admin").header("X-Api-Key", &key).header("Cookie", "t=x.y.z");
    assert_eq!(both.send().status, 400);
    // The extractor does not read this header, and the key in it counts nevertheless.
    assert_eq!(cookie.get("/admin").bearer(&key).send().status, 200);
    let both = || cookie.get("/admin").bearer(&key);
    assert_eq!(both().header("Cookie", format!("t={}", bed.good())).send().status, 400);
    assert_eq!(both().header("X-Api-Key", &key).send().status, 400);
    let token = cookie.get("/protected").bearer("x.y.z");
    assert_eq!(token.header("Cookie", format!("t={}", bed.good())).send().status, 200);
    let query = QueryExtractor::new("t");
    let url = serve(bed.auth().api_keys(keys.keys.clone()).extractor(query).build().unwrap());
    assert_eq!(url.get(&format!("/admin?t={key}")).send().status, 401);
}

/// KEY-11: a key in a place that is for tokens alone is no token to ask the issuer about.
#[test]
fn a_key_in_another_place_is_shown_to_no_issuer() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let key = keys.admin();
    let endpoint = IntrospectionEndpoint::start();
    let introspection = Introspection::at(endpoint.url()).client_secret_basic("api", "s3cret");
    let auth = bed.auth().api_keys(keys.keys.clone()).introspection(introspection);
    let api = serve(auth.extractor(CookieExtractor::new("t")).build().unwrap());
    let status =
        |token: &str| api.get("/admin").header("Cookie", format!("t={token}")).send().status;
    assert_eq!((status(&key), endpoint.count()), (401, 0));
    assert_eq!((status("ak_opaque"), endpoint.count()), (401, 1));
}

/// KEY-12: a key of another prefix, or hashed under another secret, is unknown.
#[test]
fn prefix_and_secret_are_part_of_a_key() {
    let bed = TestBed::new();
    let store = MemoryApiKeys::new();
    let make = |secret: Secret, prefix: &str| {
        ApiKeys::builder(secret, store.clone()).prefix(prefix).build().unwrap()
    };
    let ours = make(secret(), "live");
    let api = serve(bed.auth().api_keys(ours.clone()).build().unwrap());
    let status = |keys: &ApiKeys| {
        let key = keys.generate().unwrap();
        store.insert_now(keys.record(&key, "ada").roles(["admin"]).build().unwrap());
        ways(&api, "/admin", key.expose()).map(|way| way.send().status)
    };
    assert_eq!(status(&ours), [200; 3]);
    assert_eq!(status(&make(secret(), "test")), [401; 3]);
    assert_eq!(status(&make(Secret::from("another secret of 32 bytes or so"), "live")), [401; 3]);
    // Without a prefix that is set, the store decides.
    let any = ApiKeys::builder(secret(), store.clone()).build().unwrap();
    let api = serve(bed.auth().api_keys(any).build().unwrap());
    let key = ours.generate().unwrap();
    store.insert_now(ours.record(&key, "ada").roles(["admin"]).build().unwrap());
    assert!(ways(&api, "/admin", key.expose()).iter().all(|way| way.send().status == 200));
}

/// A file of this test alone, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let file = format!("jwt-verify-http-{}-{name}.json", std::process::id());
        Self(std::env::temp_dir().join(file))
    }

    fn write(&self, keys: &Keys) {
        let owned = block_on(keys.store.list("ada")).unwrap();
        let records: Vec<String> = owned.iter().map(|key| key.record.to_json()).collect();
        std::fs::write(&self.0, format!("[{}]", records.join(","))).unwrap();
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// KEY-13: two variables are enough, one is a mistake, and a changed file counts soon.
#[test]
fn the_environment_names_file_and_secret() {
    let bed = TestBed::new();
    let keys = Keys::new();
    let file = Scratch::new("environment");
    let key = keys.admin();
    file.write(&keys);
    let url = bed.issuer.url();
    let host = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let base = [
        ("JWT_ISSUER", url),
        ("JWT_AUDIENCE", AUDIENCE),
        ("JWT_ALGORITHMS", "ES256"),
        ("JWT_ALLOW_HTTP", &host),
    ];
    let build =
        |more: &[(&str, &str)]| test_hooks::auth_from_variables(&[&base[..], more].concat());
    let secret = ("API_KEY_SECRET", "the secret of the hashes, 32 bytes");
    let named = ("API_KEYS_FILE", file.path());
    for (more, expected) in [
        (&[named][..], "API_KEYS_FILE: needs API_KEY_SECRET"),
        (&[secret], "API_KEY_SECRET: needs API_KEYS_FILE"),
        (&[named, ("API_KEY_SECRET", "short")], "API_KEY_SECRET: must have at least 32 bytes"),
        (&[secret, ("API_KEYS_FILE", "/no/such/file")], "API_KEYS_FILE: the file cannot be read"),
    ] {
        let error = build(more).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let api = serve(build(&[named, secret]).unwrap());
    assert!(ways(&api, "/admin", &key).iter().all(|way| way.send().status == 200));
    block_on(keys.store.revoke(keys.hash_of("ada"))).unwrap();
    let next = keys.admin();
    file.write(&keys);
    let status = |key: &str| api.get("/admin").header("X-Api-Key", key).send().status;
    let has_changed = || (status(&key), status(&next)) == (401, 200);
    let soon = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        has_changed()
    });
    assert!(soon, "{:?}", (status(&key), status(&next)));
    assert!(FileApiKeys::open(file.path()).is_ok_and(|keys| keys.len() == 1));
}

/// KEY-14: neither a key nor its hash is in an event.
#[test]
fn no_event_shows_a_key() {
    use actix_web::test::{TestRequest, call_service, init_service};

    let bed = TestBed::new();
    let keys = Keys::new();
    let key = keys.keys.generate().unwrap();
    let hash = keys.keys.hash(&key);
    keys.store.insert_now(keys.keys.record(&key, "ada").build().unwrap());
    let auth = bed.auth().api_keys(keys.keys.clone()).build().unwrap();
    block_on(async {
        let app = init_service(App::new().configure(resource_server::configure(&auth))).await;
        let log = CapturedLog::start(LevelFilter::TRACE);
        let unknown = keys.keys.generate().unwrap();
        for (key, reason) in [
            (key.expose(), "missing_role"),
            (unknown.expose(), "unknown_api_key"),
            (&key.expose()[1..], "api_key_form"),
        ] {
            let request = TestRequest::with_uri("/admin").insert_header(("X-Api-Key", key));
            call_service(&app, request.to_request()).await;
            let lines = log.take("");
            assert!(lines.iter().any(|line| line.contains(reason)), "{reason}: {lines:#?}");
            for secret in [&key[4..], &hash.to_string()] {
                assert!(lines.iter().all(|line| !line.contains(secret)), "{lines:#?}");
            }
        }
    });
}
