//! What is in Redis, and what somebody else may have put there.

use serde_json::json;

use super::*;

/// With two instances, the issuer down from the second one's start: it serves.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn one_instance_fetches_for_all() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let first = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!(bed.status(&first, &known), 200);
    shared(&redis);
    bed.issuer.answer_keys(Answer::status(500));
    let second = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!(bed.status(&second, &known), 200);
    assert_eq!(bed.issuer.key_fetches(), 1);
}

/// The same with two processes that know of Redis from their environment.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn two_processes_share_one_fetch() {
    let redis = RedisServer::start();
    let known = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&known]);
    let url = redis.url();
    let secret = redis.folder().join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let variables =
        [("REDIS_URL", url.as_str()), ("JWT_CACHE_INTEGRITY_KEY_FILE", secret.to_str().unwrap())];
    let first = Process::start(&issuer, &variables);
    let token = Token::now(issuer.url()).sign(&known);
    assert_eq!(first.get("/protected", &token).status, 200);
    shared(&redis);
    issuer.answer_keys(Answer::status(500));
    issuer.answer_discovery(Answer::status(500));
    let second = Process::start(&issuer, &variables);
    assert_eq!(second.get("/protected", &token).status, 200);
    assert_eq!(issuer.key_fetches(), 1);
    assert_eq!(second.get("/health/ready", &token).status, 200);
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_fleet_makes_one_fetch_for_a_start_and_one_for_a_rotation() {
    let redis = RedisServer::start();
    let (old, new) = (key("old"), key("new"));
    let bed = RedisBed::new(&[&old]);
    let slowly = |key: &SigningKey| {
        Answer::json(&json!({"keys": [key.jwk()]})).after(Duration::from_millis(300))
    };
    let fleet: Vec<_> = (0..5).map(|_| bed.instance(RedisCache::builder(redis.url()))).collect();
    let all = |key: &SigningKey| -> Vec<u16> {
        std::thread::scope(|scope| {
            let (bed, key) = (&bed, &key);
            let requests: Vec<_> =
                fleet.iter().map(|api| scope.spawn(move || bed.status(api, key))).collect();
            requests.into_iter().map(|request| request.join().unwrap()).collect()
        })
    };
    bed.issuer.answer_keys(slowly(&old));
    assert_eq!((all(&old), bed.issuer.key_fetches()), (vec![200; 5], 1));
    bed.advance(1);
    bed.issuer.answer_keys(slowly(&new));
    assert_eq!((all(&new), bed.issuer.key_fetches()), (vec![200; 5], 2));
    // Strangers at all of them have one more between them.
    let stranger = key("stranger");
    assert_eq!((all(&stranger), bed.issuer.key_fetches()), (vec![401; 5], 3));
    for number in 0..5 {
        assert_eq!(all(&key(&format!("other-{number}"))), [429; 5]);
    }
    assert_eq!(bed.issuer.key_fetches(), 3);
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn every_entry_ends_by_itself() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let api = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!(bed.status(&api, &known), 200);
    assert_eq!(bed.status(&api, &key("stranger")), 401);
    shared(&redis);
    eventually("the missing key is in Redis", || redis.names("*:missing:*").len() == 1);
    for (pattern, longest) in
        [("*:keys:*", 600_000), ("*:missing:*", 30_000), ("*:gate:*", 30_000), ("*:lease:*", 1000)]
    {
        for name in redis.names(pattern) {
            let ttl: i64 = redis.command(&["PTTL", &name]).parse().unwrap();
            assert!(ttl <= longest && ttl != -1, "{name}: {ttl}");
        }
    }
    let all = redis.names("*");
    assert!(all.iter().all(|name| !name.contains("127.0.0.1") && !name.contains("stranger")));
}

/// RED-06: anything may be under the name of the key set.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn garbage_is_overwritten() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    assert_eq!(bed.status(&bed.instance(RedisCache::builder(redis.url())), &known), 200);
    shared(&redis);
    let name = redis.names("*:keys:*").remove(0);
    let good = redis.command(&["--raw", "GET", &name]);
    let body = json!({"keys": [known.jwk()]}).to_string();
    let mut fetches = 1;
    for garbage in [
        Vec::new(),
        b"not json".to_vec(),
        b"\0\xff\xfe".to_vec(),
        vec![b' '; 10_000_000],
        body.into_bytes(),
        good.replacen("jwt-verify-1", "jwt-verify-2", 1).into_bytes(),
        good.replacen("jwt-verify-1", "jwt-verify-0", 1).into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&garbage[..garbage.len().min(20)]).into_owned();
        redis.write(&name, &garbage);
        let api = bed.instance(RedisCache::builder(redis.url()));
        fetches += 1;
        assert_eq!((bed.status(&api, &known), bed.issuer.key_fetches()), (200, fetches), "{shown}");
        eventually("it is overwritten", || {
            redis.command(&["STRLEN", &name]) == good.len().to_string()
        });
    }
    redis.command(&["DEL", &name]);
    redis.command(&["RPUSH", &name, "a", "list"]);
    for pattern in ["*:lease:*", "*:gate:*"] {
        for name in redis.names(pattern) {
            redis.command(&["DEL", &name]);
        }
    }
    redis.command(&["RPUSH", &name.replace(":keys:", ":lease:"), "x"]);
    let api = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!((bed.status(&api, &known), bed.issuer.key_fetches()), (200, fetches + 1));
    eventually("it is overwritten", || redis.command(&["TYPE", &name]) == "string");
}

/// RED-07: a key set that somebody with access to Redis has written is not believed.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_poisoned_key_set_is_a_miss() {
    let redis = RedisServer::start();
    let (real, forged) = (key("k"), key("k"));
    let bed = RedisBed::new(&[&real]);
    assert_eq!(bed.status(&bed.instance(RedisCache::builder(redis.url())), &real), 200);
    shared(&redis);
    let name = redis.names("*:keys:*").remove(0);
    let good = redis.command(&["--raw", "GET", &name]);
    let (line, document) = good.split_once('\n').unwrap();
    let mut document: serde_json::Value = serde_json::from_str(document).unwrap();
    document["body"] = json!({"keys": [forged.jwk()]}).to_string().into();
    document["fetched"] = ((START + 1) * 1000).into();
    let words: Vec<&str> = line.split(' ').collect();
    for tag in [words[2], "-", ""] {
        redis.write(&name, format!("{} {} {tag}\n{document}", words[0], words[1]).as_bytes());
        let api = bed.instance(RedisCache::builder(redis.url()));
        assert_eq!((bed.status(&api, &real), bed.status(&api, &forged)), (200, 401));
    }
    assert!(logged().contains("ignored an invalid shared cache entry"));
}

/// RED-08: the age of an entry is inside it; that Redis no longer counts it does not matter.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn an_entry_that_lost_its_expiry_is_still_over_in_time() {
    let redis = RedisServer::start();
    let (old, new) = (key("old"), key("new"));
    let bed = RedisBed::new(&[&old]);
    assert_eq!(bed.status(&bed.instance(RedisCache::builder(redis.url())), &old), 200);
    shared(&redis);
    for name in redis.names("*") {
        redis.command(&["PERSIST", &name]);
    }
    bed.issuer.publish(&[&new]);
    bed.advance(600);
    let api = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!((bed.status(&api, &new), bed.status(&api, &old)), (200, 401));
}

/// RED-10: everything is gone at once.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_flushed_cache_fills_again() {
    let redis = RedisServer::start();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let api = bed.instance(RedisCache::builder(redis.url()));
    assert_eq!(bed.status(&api, &known), 200);
    shared(&redis);
    redis.command(&["FLUSHALL"]);
    assert_eq!((bed.status(&api, &known), bed.issuer.key_fetches()), (200, 1));
    bed.advance(500);
    assert_eq!(bed.status(&api, &known), 200);
    shared(&redis);
    assert_eq!(bed.issuer.key_fetches(), 2);
}
