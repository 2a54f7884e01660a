//! How long keys are kept, and what replaces them.

use jwt_verify_tests::Answer;
use serde_json::json;

use super::*;

#[test]
fn keys_are_refreshed_at_four_fifths_of_their_time() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    assert_eq!(bed.status(&key), 200);
    bed.advance(479);
    assert_eq!(bed.status(&key), 200);
    assert_eq!(bed.issuer.key_fetches(), 1);
    bed.advance(1);
    assert_eq!(bed.status(&key), 200);
    eventually("the refresh", || bed.issuer.key_fetches() == 2);
}

#[test]
fn keys_are_refreshed_without_any_request() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let provider = JwksProvider::builder(issuer.jwks_uri()).cache_ttl(Duration::from_secs(1));
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(issuer.url(), AUDIENCE)
            .algorithms([Algorithm::ES256])
            .keys(provider.build().unwrap()),
    )
    .build()
    .unwrap();
    auth.warm_up();
    eventually("a second and a third fetch", || issuer.key_fetches() >= 3);
    drop(auth);
}

/// JWK-15, JWK-16
#[test]
fn the_answers_max_age_decides_within_bounds_and_a_setting_over_it() {
    let key = key("k");
    let keys = json!({"keys": [key.jwk()]});
    for (cache_control, setting, refresh_at) in [
        (Some("max-age=1000"), None, 800),
        (Some("max-age=0"), None, 48),
        (Some("max-age=1"), None, 48),
        (Some("no-store"), None, 480),
        (Some("max-age=-5"), None, 480),
        (Some("max-age=99999999999"), None, 69_120),
        (Some("max-age=1000"), Some(100), 80),
        (None, Some(100), 80),
    ] {
        let issuer = FakeIssuer::start(&[&key]);
        if let Some(value) = cache_control {
            let answer = Answer::json(&keys).with_header("cache-control", value);
            let answer = answer
                .with_header("date", "Thu, 01 Jan 1970 00:00:00 GMT")
                .with_header("expires", "garbage")
                .with_header("etag", &"x".repeat(4000));
            issuer.answer_keys(answer);
        }
        let bed = IssuerBed::with(issuer, |provider| match setting {
            Some(seconds) => provider.cache_ttl(Duration::from_secs(seconds)),
            None => provider,
        });
        assert_eq!(bed.status(&key), 200);
        bed.advance(refresh_at - 1);
        assert_eq!((bed.status(&key), bed.issuer.key_fetches()), (200, 1), "{cache_control:?}");
        bed.advance(1);
        assert_eq!(bed.status(&key), 200);
        eventually("the refresh", || bed.issuer.key_fetches() == 2);
    }
}

/// CCH-10
#[test]
fn a_new_key_is_found_on_the_first_request_and_the_old_one_stays_good() {
    let (old, new) = (key("old"), key("new"));
    let bed = IssuerBed::new(&[&old]);
    assert_eq!(bed.status(&old), 200);
    bed.issuer.publish(&[&old, &new]);
    assert_eq!((bed.status(&new), bed.status(&old)), (200, 200));
    assert_eq!(bed.issuer.key_fetches(), 2);
}

/// CCH-11, REV-05
#[test]
fn a_withdrawn_key_is_gone_after_the_refresh() {
    let (old, new) = (key("old"), key("new"));
    let bed = IssuerBed::new(&[&old, &new]);
    assert_eq!((bed.status(&old), bed.status(&new)), (200, 200));
    bed.issuer.publish(&[&new]);
    bed.advance(480);
    eventually("the refusal", || bed.status(&old) == 401);
    assert_eq!(bed.status(&new), 200);
    // One to begin with, and one that was due: what it no longer has need not be asked for.
    assert_eq!(bed.issuer.key_fetches(), 2);
}

/// CCH-20
#[test]
fn another_key_under_the_same_kid_is_noticed() {
    let (old, new) = (key("same"), key("same"));
    let bed = IssuerBed::new(&[&old]);
    assert_eq!(bed.status(&old), 200);
    bed.issuer.publish(&[&new]);
    assert_eq!(bed.status(&new), 200);
    assert_eq!(bed.issuer.key_fetches(), 2);
    assert_eq!((bed.status(&old), bed.status(&new)), (401, 200));
}

/// CCH-12, CCH-13
#[test]
fn old_keys_serve_while_the_issuer_fails_but_not_for_ever() {
    let key = key("k");
    // An attempt that is on its way is not taken for lost when the clock moves on.
    let bed = IssuerBed::with(FakeIssuer::start(&[&key]), |provider| {
        provider.fetch_timeout(Duration::from_secs(60))
    });
    assert_eq!(bed.status(&key), 200);
    bed.issuer.answer_keys(Answer::status(503));
    for _ in 0..42 {
        bed.advance(99);
        assert_eq!(bed.status(&key), 200);
    }
    bed.advance(42);
    assert_eq!(bed.status(&key), 503);
    assert_eq!(bed.api.get("/health/ready").send().status, 503);
    // One to begin with, and then no more than one for each time somebody looked.
    let fetches = bed.issuer.key_fetches();
    assert!((3..=45).contains(&fetches), "{fetches}");
    bed.issuer.publish(&[&key]);
    // An attempt that was on its way may fail only now, and have the next one wait once more.
    eventually("the keys are back", || {
        bed.advance(60);
        bed.status(&key) == 200
    });
    let fetches = bed.issuer.key_fetches() - fetches;
    assert!((1..=2).contains(&fetches), "{fetches}");
}

/// TIM-01
#[test]
fn the_wall_clock_has_no_say_in_it() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    let token = Token::of(bed.issuer.url())
        .claim("iat", 0)
        .claim("exp", jwt_verify_tests::START * 2)
        .sign(&key);
    assert_eq!(bed.status_of(&token), 200);
    for seconds in [1, jwt_verify_tests::START + 7200, jwt_verify_tests::START] {
        bed.clock.set_wall(seconds);
        assert_eq!(bed.status_of(&token), 200);
    }
    assert_eq!(bed.issuer.key_fetches(), 1);
}

/// CCH-15: an answer that took long does not replace one that was asked for later.
#[test]
fn an_older_answer_that_arrives_last_changes_nothing() {
    let (old, new) = (key("old"), key("new"));
    let bed = IssuerBed::new(&[]);
    let slow = Answer::json(&json!({"keys": [old.jwk()]})).after(Duration::from_millis(700));
    bed.issuer.answer_keys(slow);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| bed.status(&old));
        eventually("the first fetch", || bed.issuer.key_fetches() == 1);
        bed.issuer.publish(&[&new]);
        // By the clock, the first one should have been over long ago.
        bed.advance(11);
        assert_eq!(bed.status(&new), 200);
        // The old key was good when it was asked about, or is unknown by now.
        assert!([200, 401].contains(&first.join().unwrap()));
    });
    assert_eq!((bed.status(&new), bed.status(&old)), (200, 401));
}

/// JWK-12: an issuer that has other keys each time it is asked.
#[test]
fn keys_that_change_all_the_time_cause_few_fetches() {
    let keys: Vec<_> = (0..6).map(|number| key(&format!("k{number}"))).collect();
    let bed = IssuerBed::new(&[&keys[0]]);
    assert_eq!(bed.status(&keys[0]), 200);
    for pair in keys.windows(2) {
        bed.issuer.publish(&[&pair[1]]);
        bed.status(&pair[1]);
    }
    assert_eq!(bed.issuer.key_fetches(), 3);
    bed.advance(30);
    assert_eq!((bed.status(&keys[5]), bed.issuer.key_fetches()), (200, 4));
}

/// TIM-03: tokens, keys and everything remembered go by the one clock that the verifier was given.
#[test]
fn one_clock_is_used_for_everything() {
    let known = key("k");
    let (issuer, clock) = (FakeIssuer::start(&[&known]), TestClock::new());
    let ours = clock.clone();
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]),
    )
    .clock(ours)
    .build()
    .unwrap();
    let api = TestServer::start(move || App::new().configure(resource_server::configure(&auth)));
    let token = Token::of(issuer.url()).sign(&known);
    let status = || api.get("/protected").bearer(&token).send().status;
    assert_eq!((status(), issuer.key_fetches()), (200, 1));
    clock.advance(Duration::from_secs(500));
    assert_eq!(status(), 200);
    eventually("the refresh", || issuer.key_fetches() == 2);
    clock.advance(Duration::from_secs(160));
    assert_eq!(status(), 401);
}
