//! Instances with a Redis between them whose issuer was away, or may not be asked.

use super::*;

/// OUT-01: the issuer is asked once a second by all of them while tokens need its keys, and when it is
/// back its new key is good everywhere within 3 s, and the withdrawn one is not.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn an_issuer_that_is_back_is_noticed_by_all() {
    for seconds in [5, 20, 60] {
        let redis = RedisServer::start();
        let (old, new) = (key("old"), key("new"));
        let bed = RedisBed::new(&[&old]);
        let fleet: Vec<_> =
            (0..3).map(|_| bed.instance(RedisCache::builder(redis.url()))).collect();
        let all = |key: &SigningKey, expected: u16| {
            fleet.iter().filter(|api| bed.status(api, key) == expected).count() == fleet.len()
        };
        assert!(all(&old, 200));
        shared(&redis);
        bed.issuer.answer_keys(Answer::status(500));
        for second in 1..=seconds {
            bed.advance(1);
            assert!(all(&new, 503) && all(&old, 200), "{second}");
            let attempts = bed.issuer.key_fetches() - 1;
            assert!(attempts <= second, "{attempts} attempts in {second} s");
        }
        bed.issuer.publish(&[&new]);
        let mut waited = 0;
        while !(all(&new, 200) && all(&old, 401)) {
            waited += 1;
            assert!(waited <= 3, "still not after {waited} s");
            bed.advance(1);
        }
    }
}

/// OUT-02: unknown keys that may not be asked for are answered as by one instance alone.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn unknown_keys_beyond_the_budget_are_put_off() {
    let redis = RedisServer::start();
    let (old, new) = (key("old"), key("new"));
    let bed = RedisBed::new(&[&old]);
    let fleet: Vec<_> = (0..3).map(|_| bed.instance(RedisCache::builder(redis.url()))).collect();
    let all =
        |key: &SigningKey| -> Vec<u16> { fleet.iter().map(|api| bed.status(api, key)).collect() };
    assert_eq!(all(&old), [200; 3]);
    shared(&redis);
    for number in 0..5 {
        let expected = if number < 2 { 401 } else { 429 };
        assert_eq!(all(&key(&format!("unknown-{number}"))), [expected; 3]);
    }
    assert_eq!(bed.issuer.key_fetches(), 3);
    bed.issuer.publish(&[&new]);
    let good = fleet[2].get("/protected").bearer(bed.token(&new)).send();
    assert_eq!((good.status, good.header("retry-after")), (429, Some("30")));
    assert_eq!(all(&old), [200; 3]);
    bed.advance(30);
    assert_eq!(all(&new), [200; 3]);
    assert_eq!(all(&old), [401; 3]);
}
