//! Three instances that share what security events have revoked.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;

const RECEIVER: &str = "https://api.example/ssf";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

struct Fleet {
    issuer: FakeIssuer,
    key: SigningKey,
    transmitter: FakeIssuer,
    events_key: SigningKey,
    instances: Vec<Process>,
    redis: RedisServer,
}

impl Fleet {
    /// Three processes that are set by their environment.
    fn start() -> Self {
        let (key, events_key) = (key("k"), key("e"));
        let (issuer, transmitter) = (FakeIssuer::start(&[&key]), FakeIssuer::start(&[&events_key]));
        let redis = RedisServer::start();
        let keys = transmitter.jwks_uri();
        let url = redis.url();
        let variables = [
            ("JWT_ALGORITHMS", "ES256"),
            ("SSF_ISSUER", transmitter.url()),
            ("SSF_AUDIENCE", RECEIVER),
            ("SSF_JWKS_URI", keys.as_str()),
            ("REDIS_URL", url.as_str()),
            ("RUST_LOG", "warn"),
        ];
        let instances = (0..3).map(|_| Process::start(&issuer, &variables)).collect();
        Self { issuer, key, transmitter, events_key, instances, redis }
    }

    fn access(&self, user: &str) -> String {
        Token::now(self.issuer.url()).claim("sub", user).claim("jti", user).sign(&self.key)
    }

    fn event(&self, user: &str) -> String {
        let subject: Value = json!({"format": "iss_sub", "iss": self.issuer.url(), "sub": user});
        Token::now(self.transmitter.url())
            .header("typ", "secevent+jwt")
            .without("sub")
            .without("exp")
            .claim("aud", RECEIVER)
            .claim("jti", format!("event-{user}"))
            .claim("sub_id", subject)
            .claim("events", json!({ REVOKED: {} }))
            .sign(&self.events_key)
    }

    fn status(&self, instance: usize, token: &str) -> u16 {
        self.instances[instance].get("/protected", token).status
    }

    fn push(&self, instance: usize, event: &str) -> u16 {
        let request = self.instances[instance].request("POST", "/ssf/events");
        request.body("application/secevent+jwt", event).send().status
    }

    /// Returns the time from the arrival of an event at one instance until all of them refuse.
    fn time_to_refusal(&self, round: usize) -> Duration {
        let user = format!("user-{round}");
        let (access, event) = (self.access(&user), self.event(&user));
        for instance in 0..3 {
            assert_eq!(self.status(instance, &access), 200);
        }
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let last = (0..3).map(|instance| {
                let access = &access;
                scope.spawn(move || {
                    while self.status(instance, access) != 401 {}
                    begin.elapsed()
                })
            });
            let watching: Vec<_> = last.collect();
            assert_eq!(self.push(round % 3, &event), 202);
            watching.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
        })
    }
}

#[test]
fn an_event_at_one_instance_ends_access_at_all() {
    let mut fleet = Fleet::start();
    for round in 0..3 {
        let time = fleet.time_to_refusal(round);
        assert!(time < Duration::from_secs(1), "{time:?}");
    }
    // Sent again, to another instance.
    assert_eq!(fleet.push(2, &fleet.event("user-0")), 202);
    // While Redis is out of reach nothing is acknowledged, and no token is accepted.
    let (access, event) = (fleet.access("late"), fleet.event("late"));
    assert_eq!(fleet.status(0, &access), 200);
    fleet.redis.kill();
    assert_eq!(fleet.push(0, &event), 503);
    assert_eq!(fleet.status(0, &access), 503);
    fleet.redis.run();
    eventually("it is acted on", || fleet.push(1, &event) == 202);
    eventually("the others refuse it", || fleet.status(0, &access) == 401);
}

/// Prints the times of `docs/benchmarks.md`: `cargo test -p jwt-verify-tests --test redis -- --ignored
/// --nocapture the_time_from_an_event`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "a measurement is for its reader")]
fn the_time_from_an_event_to_the_refusal_is_below_a_second() {
    const ROUNDS: usize = 300;

    let fleet = Fleet::start();
    let mut times: Vec<Duration> = (0..ROUNDS).map(|round| fleet.time_to_refusal(round)).collect();
    times.sort();
    let at = |share: usize| times[(ROUNDS * share / 100).min(ROUNDS - 1)];
    let worst = times[ROUNDS - 1];
    println!("event to refusal at three instances, {ROUNDS} events:");
    println!("p50 {:?}, p99 {:?}, longest {worst:?}", at(50), at(99));
    assert!(at(99) <= Duration::from_secs(1));
}
