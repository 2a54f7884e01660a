//! Instances that share which DPoP proofs have been used (RFC 9449 §11.1).

use jwt_verify::{
    TrustedIssuer,
    dpop::{Dpop, RedisReplay},
    testing,
    testing::ProofKey,
};

use super::*;

const HERE: &str = "https://api.example.com/protected";

/// One more instance, whose tokens are bound.
fn instance(bed: &RedisBed, redis: &RedisServer) -> TestServer {
    instance_with(bed, redis, |replay| replay)
}

/// The same with another share for each key.
fn instance_with(
    bed: &RedisBed,
    redis: &RedisServer,
    change: impl FnOnce(RedisReplay) -> RedisReplay,
) -> TestServer {
    let clock = bed.clock.clone();
    let keys = JwksProvider::builder(bed.issuer.jwks_uri()).clock(clock.clone()).build().unwrap();
    let cache = RedisCache::builder(redis.url()).build().unwrap();
    let replay = change(RedisReplay::with_clock(cache, clock.clone()));
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(bed.issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]).keys(keys),
    )
    .clock(clock)
    .dpop(Dpop::new("https://api.example.com").replay_store(replay))
    .build()
    .unwrap();
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}

/// A client with a token that is bound to its key.
struct Client {
    key: ProofKey,
    token: String,
}

impl Client {
    fn of(bed: &RedisBed, signing: &SigningKey) -> Self {
        let key = ProofKey::with_clock(Algorithm::ES256, bed.clock.clone());
        let token = Token::of(bed.issuer.url())
            .claim("cnf", serde_json::json!({ "jkt": key.thumbprint() }))
            .sign(signing);
        Self { key, token }
    }

    fn proof(&self) -> String {
        self.key.proof("GET", HERE, &self.token).sign()
    }

    fn ask(&self, api: &TestServer, proof: &str) -> jwt_verify_tests::Response {
        let request = api.get("/protected").header("authorization", format!("DPoP {}", self.token));
        request.header("dpop", proof).send()
    }
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_proof_that_was_used_at_one_is_used_at_all() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let (one, two) = (instance(&bed, &redis), instance(&bed, &redis));
    let client = Client::of(&bed, &known);
    let proof = client.proof();
    assert_eq!(client.ask(&one, &proof).status, 200);
    let refused = client.ask(&two, &proof);
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (401, Some("invalid_dpop_proof"))
    );
    assert_eq!(client.ask(&two, &client.proof()).status, 200);
    // What is kept says nothing of the token or the key, and is forgotten by itself.
    let names = redis.names("*:proofs:*");
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(!names[0].contains(client.key.thumbprint()), "{names:?}");
    assert_eq!(redis.command(&["ZCARD", &names[0]]).trim(), "2");
    // A minute as the proof is new, and one for clocks that differ.
    let left = redis.command(&["PTTL", &names[0]]).trim().parse().unwrap();
    assert!((90_000..=120_000_u64).contains(&left), "{left}");
}

/// WEA-07: a client that has used up its share is refused alone, at all instances, and what is kept of it
/// has a bound.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_busy_key_takes_no_places_of_others() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let store = |replay: RedisReplay| replay.proofs_per_key(4);
    let fleet = [instance_with(&bed, &redis, store), instance_with(&bed, &redis, store)];
    let (busy, quiet) = (Client::of(&bed, &known), Client::of(&bed, &known));
    for number in 0..4 {
        assert_eq!(busy.ask(&fleet[number % 2], &busy.proof()).status, 200);
    }
    for api in &fleet {
        let refused = busy.ask(api, &busy.proof());
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("5")));
        assert_eq!(refused.json()["code"].as_str(), Some("too_many_proofs"));
        assert_eq!(quiet.ask(api, &quiet.proof()).status, 200);
    }
    let mut counts: Vec<String> = redis
        .names("*:proofs:*")
        .iter()
        .map(|name| redis.command(&["ZCARD", name]).trim().to_owned())
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, ["2", "4"]);
}

/// WEA-07: places are free again when proofs are over, and each question takes only some of them away.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn proofs_that_are_over_make_room() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let api = instance_with(&bed, &redis, |replay| replay.proofs_per_key(150));
    let client = Client::of(&bed, &known);
    assert_eq!(client.ask(&api, &client.proof()).status, 200);
    let name = redis.names("*:proofs:*").remove(0);
    // As if they had been noted long ago.
    for number in 0..149 {
        redis.command(&["ZADD", &name, "1000", &format!("old {number}")]);
    }
    let count = || redis.command(&["ZCARD", &name]).trim().parse::<u32>().unwrap();
    assert_eq!(count(), 150);
    let proof = client.proof();
    assert_eq!((client.ask(&api, &proof).status, count()), (200, 150 - 64 + 1));
    assert_eq!((client.ask(&api, &proof).status, count()), (401, 150 - 64 + 1));
    assert_eq!((client.ask(&api, &client.proof()).status, count()), (200, 150 - 128 + 2));
    assert_eq!((client.ask(&api, &client.proof()).status, count()), (200, 4));
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn of_many_at_the_same_time_one_is_the_first_anywhere() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let fleet = [instance(&bed, &redis), instance(&bed, &redis)];
    let client = Client::of(&bed, &known);
    for api in &fleet {
        assert_eq!(client.ask(api, &client.proof()).status, 200);
    }
    let proof = client.proof();
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..20)
            .map(|number| {
                let (client, proof, api) = (&client, &proof, &fleet[number % 2]);
                scope.spawn(move || client.ask(api, proof).status)
            })
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 401)), "{answers:?}");
}

/// DPP-29: nobody can tell whether a proof is new, so nobody is let in by one.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn without_the_store_bound_tokens_have_to_wait() {
    let mut redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let api = instance(&bed, &redis);
    let client = Client::of(&bed, &known);
    assert_eq!(client.ask(&api, &client.proof()).status, 200);
    redis.kill();
    let refused = client.ask(&api, &client.proof());
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.headers("www-authenticate").is_empty());
    // A bad proof is bad all the same, and bearer tokens need no store.
    let bad = client.key.proof("POST", HERE, &client.token).sign();
    assert_eq!(client.ask(&api, &bad).status, 401);
    assert_eq!(bed.status(&api, &known), 200);
    redis.run();
    eventually("it is back", || client.ask(&api, &client.proof()).status == 200);
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn the_store_keeps_its_promises() {
    let redis = RedisServer::start();
    let store =
        RedisReplay::new(RedisCache::builder(redis.url()).build().unwrap()).proofs_per_key(8);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(testing::replay_store(store, 8, tokio::time::sleep));
}

/// What the environment says is shared as well.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn instances_that_are_set_up_by_the_environment_share_it_too() {
    let redis = RedisServer::start();
    let known = SigningKey::new(Algorithm::RS256, "k");
    let bed = RedisBed::new(&[&known]);
    let nonce_secret = ("JWT_DPOP_NONCE_SECRET", "0123456789abcdef0123456789abcdef");
    let url = redis.url();
    let variables =
        [("JWT_DPOP_URL", "https://api.example.com"), ("REDIS_URL", url.as_str()), nonce_secret];
    let fleet = [Process::start(&bed.issuer, &variables), Process::start(&bed.issuer, &variables)];
    let key = ProofKey::new();
    let token = Token::now(bed.issuer.url())
        .claim("cnf", serde_json::json!({ "jkt": key.thumbprint() }))
        .sign(&known);
    let ask = |server: &Process, proof: &str| {
        let request = server.request("GET", "/protected");
        let request = request.header("authorization", format!("DPoP {token}"));
        request.header("dpop", proof).send()
    };
    let refused = ask(&fleet[0], &key.proof("GET", HERE, &token).sign());
    let nonce = refused.header("dpop-nonce").unwrap();
    assert_eq!((refused.status, refused.json()["code"].as_str()), (401, Some("use_dpop_nonce")));
    // The nonce of one is good at the other; the proof is good at one of them.
    let proof = key.proof("GET", HERE, &token).nonce(nonce).sign();
    assert_eq!(ask(&fleet[1], &proof).status, 200);
    let refused = ask(&fleet[0], &proof);
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (401, Some("invalid_dpop_proof"))
    );
}
