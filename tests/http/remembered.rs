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
fn for_every_size(test: impl Fn(&TestBed, &TestServer)) {
    for entries in [10_000, 1, 0] {
        let bed = TestBed::new();
        let auth = bed.auth().token_cache_capacity(entries).build().unwrap();
        let api = serve(auth);
        test(&bed, &api);
    }
}

#[test]
fn a_token_is_forgotten_when_it_expires() {
    for_every_size(|bed, api| {
        let token = bed.good();
        assert_eq!((status(api, &token), status(api, &token)), (200, 200));
        bed.clock.advance(Duration::from_secs(659));
        assert_eq!(status(api, &token), 200);
        bed.clock.advance(Duration::from_secs(1));
        assert_eq!((status(api, &token), status(api, &token)), (401, 401));
    });
}

#[test]
fn a_token_is_judged_by_the_wall_clock_even_if_that_jumps() {
    for_every_size(|bed, api| {
        let token = bed.good();
        assert_eq!(status(api, &token), 200);
        bed.clock.set_wall(jwt_verify_tests::START - 61);
        assert_eq!(status(api, &token), 401);
        bed.clock.set_wall(jwt_verify_tests::START - 60);
        assert_eq!(status(api, &token), 200);
        bed.clock.set_wall(jwt_verify_tests::START + 7200);
        assert_eq!(status(api, &token), 401);
        bed.clock.set_wall(jwt_verify_tests::START);
        assert_eq!(status(api, &token), 200);
    });
}

#[test]
fn a_token_is_forgotten_when_its_key_is_withdrawn() {
    for_every_size(|bed, api| {
        let mut token = bed.good();
        // More than once: what was remembered between two changes is forgotten as well. They are so
        // far apart that strangers could have caused the fetches.
        for number in 2..5 {
            assert_eq!((status(api, &token), status(api, &token)), (200, 200));
            let newer = SigningKey::new(Algorithm::ES256, &format!("key-{number}"));
            bed.issuer.publish(&[&newer]);
            let of_newer = bed.token().sign(&newer);
            assert_eq!(status(api, &of_newer), 200);
            assert_eq!((status(api, &token), status(api, &token)), (401, 401));
            token = of_newer;
            bed.clock.advance(Duration::from_secs(31));
        }
    });
}

#[test]
fn a_token_is_forgotten_when_keys_get_too_old() {
    for_every_size(|bed, api| {
        let token = bed.token().claim("exp", jwt_verify_tests::START + 100_000).sign(&bed.key);
        assert_eq!(status(api, &token), 200);
        bed.issuer.answer_keys(jwt_verify_tests::Answer::status(500));
        bed.clock.advance(Duration::from_secs(600 + 3599));
        assert_eq!(status(api, &token), 200);
        bed.clock.advance(Duration::from_secs(1));
        assert_eq!(status(api, &token), 503);
    });
}

#[test]
fn tokens_are_never_taken_for_each_other() {
    for_every_size(|bed, api| {
        let names: Vec<String> = (0..20).map(|number| format!("user-{number}")).collect();
        for _ in 0..OFTEN {
            for name in &names {
                let token = bed.token().claim("sub", name.as_str()).sign(&bed.key);
                let response = api.get("/protected").bearer(token).send();
                assert_eq!(response.json()["sub"], name.as_str());
            }
        }
        // A good signature under another payload.
        let (good, other) = (bed.good(), bed.token().claim("sub", "mallory").sign(&bed.key));
        let signature = good.rsplit('.').next().unwrap();
        let (input, _) = other.rsplit_once('.').unwrap();
        assert_eq!(status(api, &good), 200);
        assert_eq!(status(api, &format!("{input}.{signature}")), 401);
    });
}
