//! How long keys are kept, and what replaces them.

use jwt_verify_tests::Answer;
use serde_json::json;

use super::*;

#[test]
fn keys_are_refreshed_at_four_fifths_of_their_time() {
    let key = key("k");
    let world = World::new(&[&key]);
    assert_eq!(world.status(&key), 200);
    world.advance(479);
    assert_eq!(world.status(&key), 200);
    assert_eq!(world.issuer.key_fetches(), 1);
    world.advance(1);
    assert_eq!(world.status(&key), 200);
    eventually("the refresh", || world.issuer.key_fetches() == 2);
}

#[test]
fn keys_are_refreshed_without_any_request() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let provider = JwksProvider::new(issuer.jwks_uri()).ttl(Duration::from_secs(1));
    let auth = JwtAuth::builder(issuer.url(), AUDIENCE)
        .algorithms([Algorithm::ES256])
        .keys(provider.build().unwrap())
        .build()
        .unwrap();
    auth.warm_up();
    eventually("a second and a third fetch", || issuer.key_fetches() >= 3);
    drop(auth);
}

#[test]
fn the_answers_max_age_decides_within_bounds_and_a_setting_over_it() {
    let key = key("k");
    let keys = json!({"keys": [key.jwk()]});
    for (cache_control, setting, refresh_at) in [
        (Some("max-age=1000"), None, 800),
        (Some("max-age=1"), None, 48),
        (Some("no-store"), None, 480),
        (Some("max-age=-5"), None, 480),
        (Some("max-age=99999999999"), None, 69_120),
        (Some("max-age=1000"), Some(100), 80),
        (None, Some(100), 80),
    ] {
        let issuer = FakeIssuer::start(&[&key]);
        if let Some(value) = cache_control {
            issuer.answer_keys(Answer::json(&keys).with_header("cache-control", value));
        }
        let world = World::with(issuer, |provider| match setting {
            Some(seconds) => provider.ttl(Duration::from_secs(seconds)),
            None => provider,
        });
        assert_eq!(world.status(&key), 200);
        world.advance(refresh_at - 1);
        assert_eq!((world.status(&key), world.issuer.key_fetches()), (200, 1), "{cache_control:?}");
        world.advance(1);
        assert_eq!(world.status(&key), 200);
        eventually("the refresh", || world.issuer.key_fetches() == 2);
    }
}

#[test]
fn a_new_key_is_found_on_the_first_request_and_the_old_one_stays_good() {
    let (old, new) = (key("old"), key("new"));
    let world = World::new(&[&old]);
    assert_eq!(world.status(&old), 200);
    world.issuer.publish(&[&old, &new]);
    assert_eq!((world.status(&new), world.status(&old)), (200, 200));
    assert_eq!(world.issuer.key_fetches(), 2);
}

#[test]
fn a_withdrawn_key_is_gone_after_the_refresh() {
    let (old, new) = (key("old"), key("new"));
    let world = World::new(&[&old, &new]);
    assert_eq!((world.status(&old), world.status(&new)), (200, 200));
    world.issuer.publish(&[&new]);
    world.advance(480);
    eventually("the refusal", || world.status(&old) == 401);
    assert_eq!(world.status(&new), 200);
}

#[test]
fn another_key_under_the_same_kid_is_noticed() {
    let (old, new) = (key("same"), key("same"));
    let world = World::new(&[&old]);
    assert_eq!(world.status(&old), 200);
    world.issuer.publish(&[&new]);
    assert_eq!(world.status(&new), 200);
    assert_eq!(world.issuer.key_fetches(), 2);
    assert_eq!((world.status(&old), world.status(&new)), (401, 200));
}

#[test]
fn old_keys_serve_while_the_issuer_fails_but_not_for_ever() {
    let key = key("k");
    let world = World::new(&[&key]);
    assert_eq!(world.status(&key), 200);
    world.issuer.answer_keys(Answer::status(503));
    for _ in 0..42 {
        world.advance(99);
        assert_eq!(world.status(&key), 200);
    }
    world.advance(42);
    assert_eq!(world.status(&key), 503);
    assert_eq!(world.api.get("/health/ready").send().status, 503);
    world.issuer.publish(&[&key]);
    world.advance(60);
    assert_eq!(world.status(&key), 200);
}

#[test]
fn the_wall_clock_has_no_say_in_it() {
    let key = key("k");
    let world = World::new(&[&key]);
    let token = Token::of(world.issuer.url())
        .claim("iat", 0)
        .claim("exp", jwt_verify_tests::START * 2)
        .sign(&key);
    assert_eq!(world.status_of(&token), 200);
    for seconds in [1, jwt_verify_tests::START + 7200, jwt_verify_tests::START] {
        world.clock.set_wall(seconds);
        assert_eq!(world.status_of(&token), 200);
    }
    assert_eq!(world.issuer.key_fetches(), 1);
}
