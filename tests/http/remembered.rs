//! Tokens that were verified before: remembered as long as they are good, and not a moment longer.

use std::time::Duration;

use super::*;

/// So often that every worker keeps a good token for itself.
const OFTEN: usize = 8;

/// The answer, which is the same however often the token is sent.
fn status(api: &TestServer, token: &str) -> u16 {
    let answers: Vec<u16> =
        (0..OFTEN).map(|_| api.get("/protected").bearer(token).send().status).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    answers[0]
}

/// With the cache as it is, of a single entry, and off: nothing may differ.
fn for_every_size(test: impl Fn(&World, &TestServer)) {
    for entries in [10_000, 1, 0] {
        let world = World::new();
        let auth = world.auth().token_cache_capacity(entries).build().unwrap();
        let api = serve(auth);
        test(&world, &api);
    }
}

#[test]
fn a_token_is_forgotten_when_it_expires() {
    for_every_size(|world, api| {
        let token = world.good();
        assert_eq!((status(api, &token), status(api, &token)), (200, 200));
        world.clock.advance(Duration::from_secs(659));
        assert_eq!(status(api, &token), 200);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!((status(api, &token), status(api, &token)), (401, 401));
    });
}

#[test]
fn a_token_is_judged_by_the_wall_clock_even_if_that_jumps() {
    for_every_size(|world, api| {
        let token = world.good();
        assert_eq!(status(api, &token), 200);
        world.clock.set_wall(jwt_verify_tests::START - 61);
        assert_eq!(status(api, &token), 401);
        world.clock.set_wall(jwt_verify_tests::START - 60);
        assert_eq!(status(api, &token), 200);
        world.clock.set_wall(jwt_verify_tests::START + 7200);
        assert_eq!(status(api, &token), 401);
        world.clock.set_wall(jwt_verify_tests::START);
        assert_eq!(status(api, &token), 200);
    });
}

#[test]
fn a_token_is_forgotten_when_its_key_is_withdrawn() {
    for_every_size(|world, api| {
        let mut token = world.good();
        // More than once: what was remembered between two changes is forgotten as well. They are so
        // far apart that strangers could have caused the fetches.
        for number in 2..5 {
            assert_eq!((status(api, &token), status(api, &token)), (200, 200));
            let newer = SigningKey::new(Algorithm::RS256, &format!("key-{number}"));
            world.issuer.publish(&[&newer]);
            let of_newer = world.token().sign(&newer);
            assert_eq!(status(api, &of_newer), 200);
            assert_eq!((status(api, &token), status(api, &token)), (401, 401));
            token = of_newer;
            world.clock.advance(Duration::from_secs(31));
        }
    });
}

#[test]
fn a_token_is_forgotten_when_keys_get_too_old() {
    for_every_size(|world, api| {
        let token = world.token().claim("exp", jwt_verify_tests::START + 100_000).sign(&world.key);
        assert_eq!(status(api, &token), 200);
        world.issuer.answer_keys(jwt_verify_tests::Answer::status(500));
        world.clock.advance(Duration::from_secs(600 + 3599));
        assert_eq!(status(api, &token), 200);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(status(api, &token), 503);
    });
}

#[test]
fn tokens_are_never_taken_for_each_other() {
    for_every_size(|world, api| {
        let names: Vec<String> = (0..20).map(|number| format!("user-{number}")).collect();
        for _ in 0..OFTEN {
            for name in &names {
                let token = world.token().claim("sub", name.as_str()).sign(&world.key);
                let response = api.get("/protected").bearer(token).send();
                assert_eq!(response.json()["sub"], name.as_str());
            }
        }
        // A good signature under another payload.
        let (good, other) = (world.good(), world.token().claim("sub", "mallory").sign(&world.key));
        let signature = good.rsplit('.').next().unwrap();
        let (input, _) = other.rsplit_once('.').unwrap();
        assert_eq!(status(api, &good), 200);
        assert_eq!(status(api, &format!("{input}.{signature}")), 401);
    });
}
