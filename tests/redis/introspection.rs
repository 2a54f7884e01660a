//! Instances that share answers about opaque tokens. INT-15.

use jwt_verify_tests::IntrospectionEndpoint;
use serde_json::json;

use super::*;

struct Fleet {
    redis: RedisServer,
    issuer: FakeIssuer,
    endpoint: IntrospectionEndpoint,
}

impl Fleet {
    fn new() -> Self {
        let issuer = FakeIssuer::start(&[&key("k")]);
        Self { redis: RedisServer::start(), issuer, endpoint: IntrospectionEndpoint::start() }
    }

    fn instance(&self, secret: Option<&str>) -> Process {
        let url = self.redis.url();
        let mut variables = vec![
            ("JWT_ALGORITHMS", "ES256"),
            ("JWT_INTROSPECTION_URL", self.endpoint.url()),
            ("JWT_INTROSPECTION_CLIENT_ID", "api"),
            ("JWT_INTROSPECTION_CLIENT_SECRET", "secret"),
            ("REDIS_URL", &url),
        ];
        variables.extend(secret.map(|secret| ("JWT_CACHE_INTEGRITY_KEY", secret)));
        Process::start(&self.issuer, &variables)
    }

    fn activate(&self, token: &str) {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let members = json!({"sub": "alice", "aud": AUDIENCE, "exp": now + 600});
        self.endpoint.activate(token, &members);
    }

    fn entries(&self) -> Vec<String> {
        self.redis.names("*introspection:*")
    }
}

fn status(instance: &Process, token: &str) -> u16 {
    instance.get("/protected", token).status
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn one_instance_asks_for_all() {
    let mut fleet = Fleet::new();
    let [first, second] = [0; 2].map(|_| fleet.instance(Some(SECRET)));
    for number in 0..3 {
        let token = format!("opaque-{number}");
        fleet.activate(&token);
        assert_eq!(status(&first, &token), 200);
        eventually("the answer is shared", || fleet.entries().len() == number + 1);
        assert_eq!((status(&second, &token), fleet.endpoint.count()), (200, number + 1));
    }
    assert!(fleet.entries().iter().all(|name| !name.contains("opaque")));
    assert_eq!((status(&first, "unknown"), status(&second, "unknown")), (401, 401));
    assert_eq!((fleet.entries().len(), fleet.endpoint.count()), (3, 5));
    fleet.redis.kill();
    fleet.activate("opaque-9");
    assert_eq!((status(&first, "opaque-9"), status(&second, "opaque-0")), (200, 200));
}

/// Without the secret an entry is worth nothing, and without one set nothing is shared.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn write_access_to_the_store_makes_no_token_active() {
    let fleet = Fleet::new();
    let first = fleet.instance(Some(SECRET));
    fleet.activate("opaque-1");
    assert_eq!(status(&first, "opaque-1"), 200);
    eventually("the answer is shared", || fleet.entries().len() == 1);
    let name = fleet.entries().remove(0);
    let entry = fleet.redis.command(&["--raw", "GET", &name]);
    assert!(entry.contains("alice"), "{entry}");
    fleet.endpoint.revoke("opaque-1");
    for forged in [entry.replace("alice", "admin"), "{}".into(), String::new()] {
        fleet.redis.write(&name, forged.as_bytes());
        assert_eq!(status(&fleet.instance(Some(SECRET)), "opaque-1"), 401, "{forged}");
    }
    // An instance with another secret, or without one, finds nothing.
    fleet.redis.write(&name, entry.as_bytes());
    for secret in [Some("another secret of the instances, long enough"), None] {
        assert_eq!(status(&fleet.instance(secret), "opaque-1"), 401);
    }
    assert_eq!(fleet.entries().len(), 1);
}
