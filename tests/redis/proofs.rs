//! Instances that share which DPoP proofs have been used (RFC 9449 §11.1).

use jwt_verify::{Dpop, RedisReplay, testing, testing::ProofKey};

use super::*;

const HERE: &str = "https://api.example.com/protected";

/// One more instance, whose tokens are bound.
fn instance(world: &World, redis: &RedisServer) -> TestServer {
    let clock = world.clock.clone();
    let keys = JwksProvider::new(world.issuer.jwks_uri()).clock(clock.clone()).build().unwrap();
    let cache = RedisCache::new(redis.url()).build().unwrap();
    let replay = RedisReplay::with_clock(cache, clock.clone());
    let auth = JwtAuth::builder(world.issuer.url(), AUDIENCE)
        .algorithms([Algorithm::ES256])
        .keys(keys)
        .verifier(|verifier| verifier.clock(clock))
        .dpop(Dpop::at("https://api.example.com").replay_store(replay))
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
    fn of(world: &World, signing: &SigningKey) -> Self {
        let key = ProofKey::with_clock(Algorithm::ES256, world.clock.clone());
        let token = Token::of(world.issuer.url())
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
    let world = World::new(&[&known]);
    let (one, two) = (instance(&world, &redis), instance(&world, &redis));
    let client = Client::of(&world, &known);
    let proof = client.proof();
    assert_eq!(client.ask(&one, &proof).status, 200);
    let refused = client.ask(&two, &proof);
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (401, Some("invalid_dpop_proof"))
    );
    assert_eq!(client.ask(&two, &client.proof()).status, 200);
    // What is kept says nothing of the token or the key, and is forgotten by itself.
    let names = redis.names("*:proof:*");
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        // A minute as the proof is new, and one for clocks that differ.
        let left = redis.command(&["PTTL", &name]).trim().parse().unwrap();
        assert!((90_000..=120_000_u64).contains(&left), "{left}");
    }
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn of_many_at_the_same_time_one_is_the_first_anywhere() {
    let redis = RedisServer::start();
    let known = key("k");
    let world = World::new(&[&known]);
    let fleet = [instance(&world, &redis), instance(&world, &redis)];
    let client = Client::of(&world, &known);
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
    let world = World::new(&[&known]);
    let api = instance(&world, &redis);
    let client = Client::of(&world, &known);
    assert_eq!(client.ask(&api, &client.proof()).status, 200);
    redis.kill();
    let refused = client.ask(&api, &client.proof());
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.headers("www-authenticate").is_empty());
    // A bad proof is bad all the same, and bearer tokens need no store.
    let bad = client.key.proof("POST", HERE, &client.token).sign();
    assert_eq!(client.ask(&api, &bad).status, 401);
    assert_eq!(world.status(&api, &known), 200);
    redis.run();
    eventually("it is back", || client.ask(&api, &client.proof()).status == 200);
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn the_store_keeps_its_promises() {
    let redis = RedisServer::start();
    let store = RedisReplay::new(RedisCache::new(redis.url()).build().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(testing::replay_store(store, tokio::time::sleep));
}

/// What the environment says is shared as well.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn instances_that_are_set_up_by_the_environment_share_it_too() {
    let redis = RedisServer::start();
    let known = SigningKey::new(Algorithm::RS256, "k");
    let world = World::new(&[&known]);
    let nonce_secret = ("JWT_DPOP_NONCE_SECRET", "0123456789abcdef0123456789abcdef");
    let url = redis.url();
    let variables =
        [("JWT_DPOP_URL", "https://api.example.com"), ("REDIS_URL", url.as_str()), nonce_secret];
    let fleet =
        [Process::start(&world.issuer, &variables), Process::start(&world.issuer, &variables)];
    let key = ProofKey::new();
    let token = Token::now(world.issuer.url())
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
