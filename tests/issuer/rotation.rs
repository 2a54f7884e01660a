//! Instances under load, each with key sets of its own, while their issuer changes algorithms.

use std::sync::{
    Arc, Mutex, RwLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use jwt_verify::KeyProvider as _;

use super::*;

const TTL: Duration = Duration::from_secs(600);

/// What the instances accept from the start, as the guide has it.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::MlDsa65, Algorithm::Ed25519];

/// An API with the provider whose key set it uses.
struct Instance {
    keys: JwksProvider,
    api: TestServer,
}

impl Instance {
    fn new(issuer: &FakeIssuer, clock: &TestClock) -> Self {
        let keys = JwksProvider::builder(issuer.jwks_uri()).cache_ttl(TTL).clock(clock.clone());
        let keys = keys.build().unwrap();
        let trusted = TrustedIssuer::new(issuer.url(), AUDIENCE);
        let auth = JwtAuth::for_issuer(trusted.algorithms(ALGORITHMS).keys(keys.clone()))
            .clock(clock.clone())
            .build()
            .unwrap();
        let api =
            TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
        Self { keys, api }
    }

    fn status(&self, token: &str) -> u16 {
        self.api.get("/protected").bearer(token).send().status
    }
}

/// Clients that send good tokens until the load is dropped.
struct Load {
    /// Keys whose tokens are good. A client holds it while a token of its is on the way.
    good: RwLock<Vec<Arc<SigningKey>>>,
    /// Answers, by instance.
    answers: [AtomicUsize; 2],
    refusals: Mutex<Vec<(usize, Algorithm, u16)>>,
    is_over: AtomicBool,
}

impl Load {
    fn of(key: &Arc<SigningKey>) -> Self {
        Self {
            good: RwLock::new(vec![key.clone()]),
            answers: Default::default(),
            refusals: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Sends tokens of each good key in turn, each one new and then known.
    fn send(&self, client: usize, number: usize, instance: &Instance, issuer: &str) {
        for turn in 0.. {
            let good = self.good.read().unwrap();
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let key = &good[turn % good.len()];
            let token = long_lived(issuer).claim("jti", format!("{client}-{turn}")).sign(key);
            for _ in 0..2 {
                let status = instance.status(&token);
                if status != 200 {
                    self.refusals.lock().unwrap().push((number, key.algorithm(), status));
                }
                self.answers[number].fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Returns when each instance has answered some more, all of it well.
    fn goes_on(&self) {
        let answered = || self.answers.each_ref().map(|number| number.load(Ordering::SeqCst));
        let before = answered();
        eventually("more answers", || {
            std::iter::zip(answered(), before).all(|(now, before)| now >= before + 12)
        });
        assert_eq!(*self.refusals.lock().unwrap(), []);
    }

    /// The issuer signs with this key as well.
    fn sign_with(&self, key: &Arc<SigningKey>) {
        self.good.write().unwrap().push(key.clone());
    }

    /// The last token of the first key has expired.
    fn first_is_past(&self) {
        self.good.write().unwrap().remove(0);
    }
}

/// Ends the load, also when the test fails.
struct Ending<'a>(&'a Load);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

fn long_lived(issuer: &str) -> Token {
    Token::of(issuer).claim("exp", jwt_verify_tests::START + 1_000_000)
}

/// The order of the guide: publish, wait for as long as key sets are cached, sign, withdraw.
#[test]
fn no_good_token_is_refused_while_algorithms_change() {
    let keys = ALGORITHMS.map(|algorithm| Arc::new(SigningKey::new(algorithm, algorithm.name())));
    let (issuer, clock) = (FakeIssuer::start(&[&keys[0]]), TestClock::new());
    let fleet = [(); 2].map(|()| Instance::new(&issuer, &clock));
    let everywhere = |what: &str, number: usize| {
        eventually(what, || fleet.iter().all(|one| one.keys.health().keys == number));
    };
    let load = Load::of(&keys[0]);
    std::thread::scope(|scope| {
        let _ending = Ending(&load);
        for client in 0..4 {
            let (load, instance, issuer) = (&load, &fleet[client % 2], issuer.url());
            scope.spawn(move || load.send(client, client % 2, instance, issuer));
        }
        load.goes_on();
        for pair in keys.windows(2) {
            let [old, new] = pair else { unreachable!() };
            issuer.publish(&[old, new]);
            load.goes_on();
            clock.advance(TTL);
            everywhere("both keys", 2);
            load.goes_on();

            let fetches = issuer.key_fetches();
            load.sign_with(new);
            load.goes_on();
            assert_eq!(issuer.key_fetches(), fetches, "{} was known before", new.id());

            let retired = long_lived(issuer.url()).sign(old);
            for instance in &fleet {
                assert_eq!(instance.status(&retired), 200, "{}", old.id());
            }
            load.first_is_past();
            issuer.publish(&[new]);
            load.goes_on();
            clock.advance(TTL);
            everywhere("the new key alone", 1);
            let fresh = long_lived(issuer.url()).claim("jti", "fresh").sign(old);
            for instance in &fleet {
                assert_eq!(instance.status(&retired), 401, "{} is remembered", old.id());
                assert_eq!(instance.status(&fresh), 401, "{}", old.id());
            }
            load.goes_on();
        }
    });
    assert_eq!(*load.refusals.lock().unwrap(), []);
}
