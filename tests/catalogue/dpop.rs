//! How tokens that are bound to a key are shown, and that each proof works once (RFC 9449 §7 to §11).

use std::time::Duration;

use actix_web::{App, HttpResponse, ResponseError as _, web};
use jwt_verify::{
    Algorithm, AuthError, BoxFuture, InvalidTokenReason, JwtAuth, JwtAuthBuilder,
    dpop::{Dpop, MemoryReplay, ProofId, ReplayError, ReplayStore},
};
use jwt_verify_tests::{
    FakeIssuer, START, SigningKey, TestClock, TestServer, Token, base64url, setting, sign,
};
use serde_json::{Value, json};

use super::{dpop_setup::*, *};

#[test]
fn a_bound_token_with_its_proof_is_accepted() {
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()) {
        // That one is in no default.
        let is_named = algorithm == Algorithm::ES256K;
        let dpop = Bound::with(SigningKey::new(algorithm, "client"), |dpop| {
            if is_named { dpop.algorithms([algorithm]) } else { dpop }
        });
        dpop.bench.play(&[
            dpop.accepted("DPP-01", algorithm.name(), dpop.good("one")),
            dpop.accepted("DPP-01", "and another proof", dpop.good("two")),
        ]);
    }
}

#[test]
fn a_proof_on_secp256k1_is_refused_unless_it_is_named() {
    let dpop = Bound::with(SigningKey::new(Algorithm::ES256K, "client"), |dpop| dpop);
    dpop.bench.play(&[dpop.row("DPP-15", "ES256K", dpop.good("one"))]);
}

/// A proof of ML-DSA contains a long key and a long signature, and may be longer than others.
#[test]
fn a_proof_of_ml_dsa_has_a_bound_of_its_own() {
    let dpop = Bound::with(SigningKey::new(Algorithm::MlDsa87, "client"), |dpop| dpop);
    let good = dpop.good("one");
    assert!((8192..16384).contains(&good.len()), "{}", good.len());
    let longer = |length: usize| {
        dpop.proof("longer", |header, _| header["more"] = json!("a".repeat(length)))
    };
    dpop.bench.play(&[
        dpop.accepted("DPP-27", "above 8 KiB", good.clone()),
        dpop.row("DPP-27", "above 16 KiB", longer(6000)),
        dpop.row("DPP-15", "cut", &good[..good.len() - 4]),
    ]);
    let strict = Bound::with(SigningKey::new(Algorithm::MlDsa87, "client"), |dpop| {
        dpop.algorithms([Algorithm::ES256, Algorithm::MlDsa65])
    });
    let response = strict.request(&strict.good("one")).send();
    assert_eq!(response.status, 401, "DPP-15");
    let challenge = response.headers("www-authenticate")[0].to_owned();
    assert!(challenge.ends_with(r#"algs="ES256 ML-DSA-65""#), "{challenge}");
}

#[test]
fn a_proof_works_once() {
    let dpop = Bound::new();
    let proof = dpop.good("once");
    dpop.bench.play(&[
        dpop.accepted("DPP-07", "the first time", proof.clone()),
        dpop.row("DPP-07", "the second time", proof.clone()),
        dpop.row("DPP-07", "and the third", proof),
    ]);
}

#[test]
fn of_a_hundred_at_the_same_time_one_is_the_first() {
    let dpop = Bound::new();
    let request = dpop.request(&dpop.good("DPP-07"));
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let request = request.clone();
            std::thread::spawn(move || request.send().status)
        })
        .collect();
    let mut answers: Vec<u16> = threads.into_iter().map(|one| one.join().unwrap()).collect();
    answers.sort_unstable();
    assert_eq!(answers[0], 200);
    assert!(answers[1..].iter().all(|status| *status == 401), "{answers:?}");
}

#[test]
fn the_name_of_a_proof_is_its_keys_own() {
    let dpop = Bound::new();
    dpop.bench.play(&[dpop.accepted("DPP-08", "one key", dpop.good("same"))]);
    let other = SigningKey::new(Algorithm::EdDSA, "client-2");
    let token = bound(dpop.bench.bed.token(), &other).sign(&dpop.bench.bed.key);
    let other = Bound { client: other, token, ..dpop };
    other.bench.play(&[other.accepted("DPP-08", "another key", other.good("same"))]);
    // The same name for another place; nothing is there but a refusal of another kind.
    let elsewhere = other.proof("same", |_, claims| {
        claims["htu"] = json!("https://api.example.com/read");
    });
    let request = other.bench.api.get("/read");
    let request =
        request.header("authorization", format!("DPoP {}", other.token)).header("dpop", elsewhere);
    let response = request.send();
    assert_eq!(response.status, 403, "DPP-08 another place: {}", response.everything());
    assert_eq!(
        response.headers("www-authenticate"),
        [concat!(
            r#"DPoP error="insufficient_scope", error_description="the access token does not grant what is required", "#,
            r#"scope="read", algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519 ES512 ML-DSA-44 ML-DSA-65 ML-DSA-87""#,
        )]
    );
}

#[test]
fn a_proof_in_other_clothes_is_the_same() {
    let dpop = Bound::new();
    let good = dpop.good("twin");
    let (input, signature) = signatures::parts(&good);
    let twin = signatures::twin(&signature);
    let queried = dpop.proof("twin", |_, claims| claims["htu"] = json!(format!("{HERE}?again")));
    let again = dpop.proof("twin", |_, claims| claims["more"] = json!(true));
    dpop.bench.play(&[
        dpop.accepted("DPP-09", "the first time", good.clone()),
        dpop.row("DPP-09", "the other signature", format!("{input}.{}", base64url(twin))),
        dpop.row("DPP-09", "with a query", queried),
        dpop.row("DPP-09", "with another claim", again),
        dpop.row("DPP-09", "padded", format!("{good}==")),
    ]);
    let lower = dpop.proof("twin-2", |_, claims| claims["htm"] = json!("get"));
    dpop.bench.play(&[dpop.row("DPP-09", "another case", lower)]);
}

#[test]
fn a_used_proof_is_remembered_as_long_as_it_is_new() {
    let dpop = Bound::new();
    let ahead = dpop.now() + 60;
    let proof = dpop.proof("kept", |_, claims| claims["iat"] = json!(ahead));
    dpop.bench.play(&[dpop.accepted("DPP-12", "at once", proof.clone())]);
    for seconds in [59, 60, 1, 1, 60] {
        dpop.bench.bed.clock.advance(Duration::from_secs(seconds));
        dpop.bench.play(&[dpop.row("DPP-12", "later", proof.clone())]);
    }
}

#[test]
fn a_token_is_for_the_key_that_it_is_bound_to() {
    let dpop = Bound::new();
    let thief = SigningKey::new(Algorithm::ES256, "thief");
    let proof = sign(&thief, header(&thief).to_string(), dpop.claims("stolen").to_string());
    let other = dpop.asking("DPP-18", "another key", dpop.request(&proof), Expected::InvalidBound);
    dpop.bench.play(&[other]);

    // The thumbprint is that of the numbers, however the key spells them.
    let client = SigningKey::new(Algorithm::RS256, "client");
    let odd = Bound::with(client, |dpop| dpop);
    let spelled = |name: &str, value: String| {
        odd.proof("spelled", |header, _| header["jwk"][name] = json!(value))
    };
    let modulus = odd.client.modulus();
    let long = base64url([&[0][..], &modulus].concat());
    odd.bench.play(&[
        odd.row("DPP-19", "a leading zero", spelled("n", long)),
        odd.row("DPP-19", "padding", spelled("n", format!("{}=", base64url(&modulus)))),
        odd.row("DPP-19", "an exponent with a zero", spelled("e", base64url([0, 1, 0, 1]))),
        odd.accepted("DPP-19", "as it should be", odd.good("spelled")),
    ]);
}

#[test]
fn a_bound_token_is_no_bearer_token_and_a_bearer_token_is_not_bound() {
    let dpop = Bound::new();
    let bearer = || dpop.bench.api.get("/protected").bearer(&dpop.token);
    let free = dpop.bench.good();
    let ath = hash(&free);
    let unbound = dpop.proof("unbound", |_, claims| claims["ath"] = json!(ath));
    let scheme = format!("DPoP {free}");
    let unbound =
        dpop.bench.api.get("/protected").header("authorization", scheme).header("dpop", unbound);
    dpop.bench.play(&[
        dpop.asking("DPP-20", "without a proof", bearer(), Expected::InvalidBound),
        dpop.asking(
            "DPP-20",
            "with a proof",
            bearer().header("dpop", dpop.good("down")),
            Expected::InvalidBound,
        ),
        dpop.asking(
            "DPP-25",
            "a bearer token with a proof that nobody asked for",
            dpop.bench.api.get("/protected").bearer(&free).header("dpop", dpop.good("up")),
            Expected::Accepted,
        ),
        dpop.asking("DPP-21", "a token that is not bound", unbound, Expected::InvalidBound),
    ]);
}

#[test]
fn one_field_holds_one_proof() {
    let dpop = Bound::new();
    let alone = || {
        let scheme = format!("DPoP {}", dpop.token);
        dpop.bench.api.get("/protected").header("authorization", scheme)
    };
    let (one, two) = (dpop.good("f1"), dpop.good("f2"));
    let asking =
        |what: &str, request: Request| dpop.asking("DPP-22", what, request, Expected::InvalidProof);
    dpop.bench.play(&[
        asking("none", alone()),
        asking("two", alone().header("dpop", &one).header("DPoP", &two)),
        asking("the same twice", alone().header("dpop", &one).header("dpop", &one)),
        asking("a list", alone().header("dpop", format!("{one}, {two}"))),
        asking("empty", alone().header("dpop", "")),
        asking("100 KB", alone().header("dpop", "a".repeat(100 * 1024))),
        asking("with a parameter", alone().header("dpop", format!("{one};x=y"))),
        asking("with a space", alone().header("dpop", format!("{one} x"))),
    ]);
    let lower = dpop.bench.api.get("/protected");
    let lower = lower.header("authorization", format!("dpop {}", dpop.token)).header("dpop", one);
    dpop.bench.play(&[dpop.asking("DPP-28", "small letters", lower, Expected::Accepted)]);
    for (value, scheme) in [
        ("DPoP", "DPoP"),
        ("DPoP ", "DPoP"),
        ("DPoP a b", "DPoP"),
        ("DPoP a, DPoP b", "DPoP"),
        ("Bearer a, DPoP b", "Bearer"),
    ] {
        let response = dpop.bench.api.get("/protected").header("authorization", value).send();
        assert_eq!(response.status, 400, "DPP-22 {value}");
        let challenges = response.headers("www-authenticate");
        let start = format!(r#"{scheme} error="invalid_request""#);
        assert!(challenges.len() == 1 && challenges[0].starts_with(&start), "{challenges:?}");
    }
}

#[test]
fn a_nonce_is_given_out_and_asked_for() {
    let client = SigningKey::new(Algorithm::ES256, "client");
    let dpop = Bound::with(client, |dpop| dpop.require_nonce(SECRET));
    let nonce_of = |proof: String| -> String {
        let response = dpop.request(&proof).send();
        let everything = response.everything();
        assert_eq!(response.status, 401, "DPP-23: {everything}");
        assert!(response.headers("www-authenticate")[0].starts_with(
            r#"DPoP error="use_dpop_nonce", error_description="the DPoP proof must contain the nonce of this response", algs="#
        ), "DPP-23: {everything}");
        assert_eq!(response.header("cache-control"), Some("no-store"), "DPP-23");
        let exposed = response.header("access-control-expose-headers");
        assert_eq!(exposed, Some("DPoP-Nonce"), "DPP-23");
        response.header("dpop-nonce").unwrap().to_owned()
    };
    let with = |id: &str, nonce: Value| dpop.proof(id, |_, claims| claims["nonce"] = nonce);
    let nonce = nonce_of(dpop.good("n1"));
    assert_eq!(nonce_of(with("n2", json!("of another server"))), nonce);
    assert_eq!(nonce_of(with("n3", json!(5))), nonce);
    let good = dpop.request(&with("n4", json!(nonce))).send();
    assert_eq!((good.status, good.header("dpop-nonce")), (200, None), "DPP-23");

    // Five minutes later there is another, and the one before is still good.
    dpop.bench.bed.clock.advance(Duration::from_secs(300));
    let good = dpop.request(&with("n5", json!(nonce))).send();
    assert_eq!(good.status, 200, "DPP-24: {}", good.everything());
    let next = good.header("dpop-nonce").unwrap();
    assert_ne!(next, nonce, "DPP-24");
    let good = dpop.request(&with("n6", json!(next))).send();
    assert_eq!((good.status, good.header("dpop-nonce")), (200, None), "DPP-24");
    // The token is good for ten minutes and the leeway.
    dpop.bench.bed.clock.advance(Duration::from_secs(300));
    assert_ne!(nonce_of(with("n7", json!(nonce))), nonce, "DPP-23");
}

#[test]
fn a_proof_is_no_token_and_a_token_no_proof() {
    let dpop = Bound::new();
    let proof = dpop.good("both");
    let itself = dpop.request(&dpop.token);
    let swapped = dpop.bench.api.get("/protected");
    let swapped = swapped.header("authorization", format!("DPoP {proof}")).header("dpop", &proof);
    dpop.bench.play(&[
        dpop.asking("DPP-26", "the token", itself, Expected::InvalidProof),
        dpop.asking("DPP-26", "the proof", swapped, Expected::InvalidBound),
    ]);
    let bearer = dpop.bench.api.get("/protected").bearer(&proof).send();
    assert_eq!(bearer.status, 401, "DPP-26");
    assert_eq!(
        bearer.headers("www-authenticate"),
        [
            r#"Bearer error="invalid_token", error_description="the access token is not valid""#,
            r#"DPoP algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519 ES512 ML-DSA-44 ML-DSA-65 ML-DSA-87""#,
        ]
    );
}

/// An API of other shape than the bench's, with its issuer.
struct Other {
    key: SigningKey,
    client: SigningKey,
    issuer: FakeIssuer,
    clock: TestClock,
}

impl Other {
    fn new() -> Self {
        let key = SigningKey::new(Algorithm::RS256, "good-key");
        let client = SigningKey::new(Algorithm::ES256, "client");
        let issuer = FakeIssuer::start(&[&key]);
        Self { key, client, issuer, clock: TestClock::new() }
    }

    fn auth(&self, dpop: Dpop) -> JwtAuth {
        self.builder(dpop).build().unwrap()
    }

    fn builder(&self, dpop: Dpop) -> JwtAuthBuilder {
        let issuer = setting::trusted_issuer(self.issuer.url(), &self.key);
        JwtAuth::for_issuer(issuer).clock(self.clock.clone()).dpop(dpop)
    }

    /// A request with a good proof.
    fn request(&self, api: &TestServer) -> Request {
        self.request_of(&self.client, "1", api)
    }

    /// The same of any client, with a proof of this name.
    fn request_of(&self, client: &SigningKey, name: &str, api: &TestServer) -> Request {
        let token = bound(Token::of(self.issuer.url()), client).sign(&self.key);
        let claims = json!({
            "jti": name, "htm": "GET", "htu": HERE, "ath": hash(&token), "iat": START,
        });
        let proof = sign(client, header(client).to_string(), claims.to_string());
        let request = api.get("/protected").header("authorization", format!("DPoP {token}"));
        request.header("dpop", proof)
    }
}

#[test]
fn an_api_may_take_bound_tokens_alone() {
    let other = Other::new();
    let dpop =
        Dpop::new("https://api.example.com").algorithms([Algorithm::ES256]).require_bound_tokens();
    let auth = other.auth(dpop);
    let api = TestServer::start(move || {
        let route = web::get().to(HttpResponse::Ok);
        App::new().service(web::resource("/protected").wrap(auth.clone()).route(route))
    });
    let refused = api.get("/protected").bearer(Token::of(other.issuer.url()).sign(&other.key));
    let refused = refused.send();
    assert_eq!(refused.status, 401);
    let challenge = concat!(
        r#"DPoP error="invalid_token", error_description="the access token is not valid", "#,
        r#"algs="ES256""#
    );
    assert_eq!(refused.headers("www-authenticate"), [challenge]);
    let nobody = api.get("/protected").send();
    assert_eq!(nobody.headers("www-authenticate"), [r#"DPoP algs="ES256""#]);
    assert_eq!(other.request(&api).send().status, 200);
}

/// Of two with other settings each judges for itself, and both see one request.
#[test]
fn a_proof_is_used_by_one_request_however_many_look_at_it() {
    let other = Other::new();
    let used = MemoryReplay::with_clock(other.clock.clone());
    let auth = || other.auth(Dpop::new("https://api.example.com").replay_store(used.clone()));
    let (outer, inner) = (auth(), auth());
    let api = TestServer::start(move || {
        let route = web::resource("/protected").route(web::get().to(HttpResponse::Ok));
        let inner = web::scope("").wrap(inner.clone()).service(route);
        App::new().service(web::scope("").wrap(outer.clone()).service(inner))
    });
    let request = other.request(&api);
    assert_eq!((request.send().status, used.len()), (200, 1));
    assert_eq!((request.send().status, used.len()), (401, 1));
}

/// Two with memories of their own both remember.
#[test]
fn every_memory_is_asked() {
    let other = Other::new();
    let (one, two) = (MemoryReplay::new(), MemoryReplay::new());
    let auth = |used: &MemoryReplay| {
        other.auth(Dpop::new("https://api.example.com").replay_store(used.clone()))
    };
    let (outer, inner) = (auth(&one), auth(&two));
    let api = TestServer::start(move || {
        let route = web::resource("/protected").route(web::get().to(HttpResponse::Ok));
        let inner = web::scope("").wrap(inner.clone()).service(route);
        App::new().service(web::scope("").wrap(outer.clone()).service(inner))
    });
    assert_eq!(other.request(&api).send().status, 200);
    assert_eq!((one.len(), two.len()), (1, 1));
}

#[derive(Debug)]
struct OutOfReach;

impl ReplayStore for OutOfReach {
    fn insert_if_absent<'a>(
        &'a self,
        _: &'a ProofId,
        _: Duration,
    ) -> BoxFuture<'a, Result<bool, ReplayError>> {
        Box::pin(std::future::ready(Err(ReplayError::Unavailable)))
    }
}

/// DPP-29, and an answer of the application's own.
#[test]
fn nobody_can_tell_whether_a_proof_was_used() {
    let other = Other::new();
    let dpop = Dpop::new("https://api.example.com").replay_store(OutOfReach);
    let auth = other.auth(dpop.algorithms([Algorithm::ES256]));
    let api = TestServer::start(move || {
        let route = web::get().to(HttpResponse::Ok);
        App::new().service(web::resource("/protected").wrap(auth.clone()).route(route))
    });
    let response = other.request(&api).send();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    assert!(response.headers("www-authenticate").is_empty());
    other.clock.advance(Duration::from_secs(661));
    let expired = other.request(&api).send();
    assert_eq!(expired.status, 401);
    assert_eq!(
        expired.headers("www-authenticate")[0],
        r#"DPoP error="invalid_token", error_description="the access token has expired", algs="ES256""#
    );
}

/// WEA-07: a client that has used up its share is refused alone.
#[test]
fn a_busy_key_takes_no_places_of_others() {
    let other = Other::new();
    let quiet = SigningKey::new(Algorithm::ES256, "quiet");
    let used = MemoryReplay::with_clock(other.clock.clone()).proofs_per_key(3);
    let dpop = Dpop::new("https://api.example.com").algorithms([Algorithm::ES256]);
    let auth = other.auth(dpop.replay_store(used.clone()));
    let api = TestServer::start(move || {
        let route = web::get().to(HttpResponse::Ok);
        App::new().service(web::resource("/protected").wrap(auth.clone()).route(route))
    });
    let busy = |name: &str| other.request_of(&other.client, name, &api).send();
    for name in ["1", "2", "3"] {
        assert_eq!(busy(name).status, 200);
    }
    let refused = busy("4");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("5")));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert!(refused.headers("www-authenticate").is_empty());
    assert_eq!(
        refused.json(),
        json!({
            "error": "too_many_proofs",
            "error_description": "too many DPoP proofs of this key have been used lately",
            "code": "too_many_proofs",
        })
    );
    assert_eq!((busy("1").status, used.len()), (401, 3));
    assert_eq!(other.request_of(&quiet, "1", &api).send().status, 200);
    // The places of a key are free again when its proofs are over: 60 s, and 60 s for clocks.
    let text = Token::of(other.issuer.url()).claim("exp", START + 900);
    other.clock.advance(Duration::from_secs(122));
    let token = bound(text, &other.client).sign(&other.key);
    let claims = json!({
        "jti": "5", "htm": "GET", "htu": HERE, "ath": hash(&token), "iat": START + 122,
    });
    let proof = sign(&other.client, header(&other.client).to_string(), claims.to_string());
    let request = api.get("/protected").header("authorization", format!("DPoP {token}"));
    assert_eq!(request.header("dpop", proof).send().status, 200);
}

#[test]
fn an_answer_of_the_applications_own_names_both_schemes_too() {
    let other = Other::new();
    let dpop = || Dpop::new("https://api.example.com").algorithms([Algorithm::ES256]);
    let kept = other.builder(dpop()).realm("api").error_response(|error, _| {
        error.error_response().set_body("no".to_owned()).map_into_boxed_body()
    });
    let own = other.builder(dpop()).error_response(|_, _| {
        HttpResponse::Unauthorized().insert_header(("www-authenticate", "Cookie")).finish()
    });
    let (kept, own) = (kept.build().unwrap(), own.build().unwrap());
    let api = TestServer::start(move || {
        let route = || web::get().to(HttpResponse::Ok);
        App::new()
            .service(web::resource("/kept").wrap(kept.clone()).route(route()))
            .service(web::resource("/own").wrap(own.clone()).route(route()))
    });
    let response = api.get("/kept").send();
    assert_eq!(response.text(), "no");
    assert_eq!(
        response.headers("www-authenticate"),
        [r#"Bearer realm="api""#, r#"DPoP realm="api", algs="ES256""#]
    );
    let response =
        api.get("/kept").header("authorization", "DPoP x.y.z").header("dpop", "a").send();
    let challenge = concat!(
        r#"DPoP realm="api", error="invalid_token", "#,
        r#"error_description="the access token is not valid", algs="ES256""#
    );
    assert_eq!(response.headers("www-authenticate"), [challenge, r#"Bearer realm="api""#]);
    assert_eq!(api.get("/own").send().headers("www-authenticate"), ["Cookie"]);
}

/// No way to claims leaves out how the token was shown.
#[test]
fn a_bound_token_is_nothing_to_a_verifier_by_itself() {
    let dpop = Bound::new();
    let verifier = dpop.bench.verifier();
    let request = dpop.request(&dpop.good("before"));
    assert_eq!(request.send().status, 200);
    let outcome = actix_web::rt::System::new().block_on(verifier.verify(&dpop.token));
    let refused = AuthError::InvalidToken(InvalidTokenReason::SenderConstraint);
    assert_eq!(outcome.err(), Some(refused));
}

#[test]
fn nobody_with_credentials_is_told_of_both_schemes() {
    let dpop = Bound::new();
    let response = dpop.bench.api.get("/protected").send();
    assert_eq!(response.status, 401);
    assert_eq!(
        response.headers("www-authenticate"),
        [
            "Bearer",
            r#"DPoP algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519 ES512 ML-DSA-44 ML-DSA-65 ML-DSA-87""#,
        ]
    );
}
