//! One fetch at a time, which belongs to no request.

use jwt_verify_tests::Answer;
use serde_json::json;

use super::*;

fn slow(issuer: &FakeIssuer, key: &SigningKey, pause: u64) {
    let keys = Answer::json(&json!({"keys": [key.jwk()]}));
    issuer.answer_keys(keys.after(Duration::from_millis(pause)));
}

fn concurrently(bed: &IssuerBed, number: usize, token: &str) -> Vec<u16> {
    std::thread::scope(|scope| {
        let requests: Vec<_> = (0..number).map(|_| scope.spawn(|| bed.status_of(token))).collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    })
}

/// CCH-01, CCH-16
#[test]
fn many_cold_requests_cause_one_fetch() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    slow(&bed.issuer, &key, 300);
    let token = Token::of(bed.issuer.url()).sign(&key);
    let answers = concurrently(&bed, 1000, &token);
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(bed.issuer.key_fetches(), 1);
}

/// CCH-02
#[test]
fn many_cold_requests_share_one_failure() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    bed.issuer.answer_keys(Answer::status(500).after(Duration::from_millis(300)));
    let token = Token::of(bed.issuer.url()).sign(&key);
    let answers = concurrently(&bed, 100, &token);
    assert!(answers.iter().all(|status| *status == 503), "{answers:?}");
    assert_eq!(bed.issuer.key_fetches(), 1);
}

/// CCH-03
#[test]
fn a_client_that_hangs_up_takes_nothing_with_it() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    slow(&bed.issuer, &key, 300);
    let token = Token::of(bed.issuer.url()).sign(&key);
    let gone: Vec<_> = (0..8).map(|_| bed.api.get("/protected").bearer(&token).open()).collect();
    eventually("the fetch", || bed.issuer.key_fetches() == 1);
    drop(gone);
    assert_eq!(bed.status_of(&token), 200);
    assert_eq!(bed.issuer.key_fetches(), 1);
}

/// CCH-14
#[test]
fn a_refresh_in_progress_holds_nobody_up() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    assert_eq!(bed.status(&key), 200);
    bed.issuer.answer_keys(Answer::Hang);
    bed.advance(500);
    // Every one of these is answered although the refresh never ends.
    for _ in 0..20 {
        assert_eq!(bed.status(&key), 200);
    }
    eventually("the refresh", || bed.issuer.key_fetches() == 2);
}

/// A refresh against an issuer that takes long is not seen by anybody: requests are served all the
/// while.
#[test]
fn requests_are_served_while_a_slow_refresh_is_under_way() {
    let known = key("k");
    let bed = IssuerBed::new(&[&known]);
    assert_eq!(bed.status(&known), 200);
    slow(&bed.issuer, &known, 4000);
    bed.advance(500);
    assert_eq!(bed.status(&known), 200);
    eventually("the refresh begins", || bed.issuer.key_fetches() == 2);
    let mut served = 0;
    while bed.issuer.answers() < 2 {
        assert_eq!(bed.status(&known), 200);
        served += 1;
    }
    assert!(served >= 50, "{served} requests");
    assert_eq!(bed.issuer.key_fetches(), 2);
}

/// The server whose request began a fetch is gone before it ends; another one has the keys.
#[test]
fn a_fetch_outlives_the_server_that_began_it() {
    let known = key("k");
    let issuer = FakeIssuer::start(&[&known]);
    slow(&issuer, &known, 500);
    let clock = TestClock::new();
    let provider = JwksProvider::builder(issuer.jwks_uri()).clock(clock.clone()).build().unwrap();
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]).keys(provider),
    )
    .clock(clock)
    .build()
    .unwrap();
    let server = || {
        let auth = auth.clone();
        TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
    };
    let (first, second) = (server(), server());
    let token = Token::of(issuer.url()).sign(&known);
    let open = first.get("/protected").bearer(&token).open();
    eventually("the fetch", || issuer.key_fetches() == 1);
    first.stop();
    drop(open);
    assert_eq!(second.get("/protected").bearer(&token).send().status, 200);
    assert_eq!(issuer.key_fetches(), 1);
}
