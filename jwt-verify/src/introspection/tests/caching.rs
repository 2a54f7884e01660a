//! Answers in the cache: their lifetime, and the number of questions.

use super::*;
use crate::error::InvalidTokenReason;

const INACTIVE: AuthError = AuthError::InvalidToken(InvalidTokenReason::Inactive);

/// An endpoint that knows tokens that begin with `good` alone.
fn endpoint() -> FakeEndpoint {
    FakeEndpoint::new(|question| {
        let token = question.token();
        if token.starts_with("good") { active(token) } else { inactive() }
    })
}

#[test]
fn a_good_token_is_asked_about_once_until_its_bound() {
    let bed = Bed::new(endpoint());
    assert_eq!(bed.subject("good-1"), "good-1");
    assert!(bed.is_ready("good-1"));
    bed.clock.advance(59);
    assert_eq!((bed.subject("good-1").as_str(), bed.endpoint.count()), ("good-1", 1));
    bed.clock.advance(1);
    assert_eq!((bed.subject("good-1").as_str(), bed.endpoint.count()), ("good-1", 2));
    // It expires in 40 s, before the bound.
    bed.clock.advance(39);
    assert!(bed.is_ready("good-1"));
    bed.clock.advance(1);
    assert!(!bed.is_ready("good-1"), "leeway is for the rules, not for the cache");
    bed.clock.advance(60);
    assert_eq!(bed.ask("good-1").err(), Some(AuthError::ExpiredToken));
    assert_eq!(bed.endpoint.count(), 3);
}

/// Otherwise the answer would be used until the clock is there again.
#[test]
fn a_clock_that_is_set_back_ends_what_is_cached() {
    let bed = Bed::new(endpoint());
    bed.clock.advance(50);
    assert!(bed.ask("good-1").is_ok());
    bed.clock.set_back(1);
    assert!(!bed.is_ready("good-1"));
}

#[test]
fn the_claims_are_those_of_the_answer() {
    let bed = Bed::new(endpoint());
    let token = bed.ask("good-1").unwrap();
    assert_eq!(token.claims().issuer(), Some(ISSUER));
    assert!(token.scopes().contains("read") && !token.is_bound());
    let question = bed.endpoint.last();
    assert_eq!(question.form["token_type_hint"], "access_token");
    assert_eq!(question.form.len(), 2);
    let head = question.head.to_ascii_lowercase();
    assert!(head.starts_with("post /introspect?tenant=1 http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\naccept: application/json\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{head}");
    assert!(question.head.contains("Basic cnM6czNjcmV0"), "{head}");
}

#[test]
fn a_refusal_is_remembered_for_its_time() {
    let bed = Bed::new(endpoint());
    assert_eq!(bed.ask("bad").err(), Some(INACTIVE));
    bed.clock.advance(9);
    assert!(bed.is_ready("bad"));
    assert_eq!((bed.ask("bad").err(), bed.endpoint.count()), (Some(INACTIVE), 1));
    bed.clock.advance(1);
    assert_eq!((bed.ask("bad").err(), bed.endpoint.count()), (Some(INACTIVE), 2));
}

#[test]
fn a_revoked_token_is_refused_after_the_bound() {
    let bed = Bed::with(endpoint(), |it| it.cache_for(5 * SECOND), |issuer| issuer);
    assert_eq!(bed.subject("good-1"), "good-1");
    bed.endpoint.reply_with(|_| inactive());
    bed.clock.advance(4);
    assert!(bed.ask("good-1").is_ok());
    bed.clock.advance(1);
    assert_eq!((bed.ask("good-1").err(), bed.endpoint.count()), (Some(INACTIVE), 2));
}

#[test]
fn without_a_cache_each_request_is_a_question() {
    let bed = Bed::with(endpoint(), |it| it.cache_for(Duration::ZERO), |issuer| issuer);
    for count in 1..=3 {
        assert_eq!((bed.subject("good-1").as_str(), bed.endpoint.count()), ("good-1", count));
    }
    assert_eq!((bed.ask("bad").err(), bed.ask("bad").err()), (Some(INACTIVE), Some(INACTIVE)));
    assert_eq!(bed.endpoint.count(), 5);
}

#[test]
fn a_change_of_keys_empties_the_cache() {
    let bed = Bed::new(endpoint());
    assert!(bed.ask("good-1").is_ok());
    bed.keys.set(Some(1));
    assert!(!bed.is_ready("good-1"));
    assert!(bed.ask("good-1").is_ok());
    assert_eq!(bed.endpoint.count(), 2);
}

/// Nothing fetches keys before the first JWT, and they may be out of reach later.
#[test]
fn keys_that_come_and_go_change_nothing() {
    let bed = Bed::new(endpoint());
    for generation in [None, Some(7), None, Some(7)] {
        bed.keys.set(generation);
        assert!(bed.ask("good-1").is_ok());
    }
    assert_eq!(bed.endpoint.count(), 1);
    bed.keys.set(Some(8));
    assert!(bed.ask("good-1").is_ok());
    assert_eq!(bed.endpoint.count(), 2);
}

#[test]
fn many_requests_with_one_new_token_are_one_question() {
    let slow = FakeEndpoint::new(|question| {
        std::thread::sleep(Duration::from_millis(100));
        active(question.token())
    });
    let bed = Bed::new(slow);
    block_on(async {
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..400 {
            let introspector = bed.introspector.clone();
            requests.spawn(async move { introspector.introspect(b"good-1").await.is_ok() });
        }
        assert!(requests.join_all().await.into_iter().all(|is_good| is_good));
    });
    assert_eq!(bed.endpoint.count(), 1);
}

#[test]
fn instances_share_answers_until_the_bound_of_the_one_that_asked() {
    let store = crate::store::MemoryCache::new();
    let endpoint = endpoint();
    let instance = || {
        let with_store =
            |it: Introspection| it.cache(store.clone()).cache_integrity_key("x".repeat(32));
        Bed::with(endpoint.clone(), with_store, |issuer| issuer)
    };
    let (first, second, third) = (instance(), instance(), instance());
    assert_eq!(first.subject("good-1"), "good-1");
    second.clock.advance(30);
    let shared = || {
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            instance().ask("good-1").is_ok() && endpoint.count() == 1
        })
    };
    assert!(shared());
    assert_eq!((second.subject("good-1").as_str(), endpoint.count()), ("good-1", 1));
    second.clock.advance(30);
    assert_eq!((second.subject("good-1").as_str(), endpoint.count()), ("good-1", 2));
    // Refusals are not shared.
    assert!(first.ask("bad").is_err() && third.ask("bad").is_err());
    assert_eq!(endpoint.count(), 4);
}

/// A caller that leaves does not end the question for others.
#[test]
fn a_question_belongs_to_no_request() {
    let bed = Bed::new(FakeEndpoint::new(|question| {
        std::thread::sleep(Duration::from_millis(100));
        active(question.token())
    }));
    block_on(async {
        let first = bed.introspector.introspect(b"good-1").into_future();
        let left = tokio::time::timeout(Duration::from_millis(20), first).await;
        assert!(left.is_err());
        assert!(bed.introspector.introspect(b"good-1").await.is_ok());
    });
    assert_eq!(bed.endpoint.count(), 1);
}

#[test]
fn a_flood_of_random_tokens_touches_no_good_one() {
    let bed = Bed::with(endpoint(), |it| it.concurrency(20), |issuer| issuer);
    for number in 0..10 {
        assert!(bed.ask(&format!("good-{number}")).is_ok());
    }
    block_on(async {
        let mut requests = tokio::task::JoinSet::new();
        for number in 0..6000 {
            let introspector = bed.introspector.clone();
            let token = format!("random-{number}");
            requests.spawn(async move { introspector.introspect(token.as_bytes()).await.err() });
            if number % 100 == 0 {
                tokio::task::yield_now().await;
                let good = format!("good-{}", number / 100 % 10);
                assert!(bed.is_ready(&good), "{number}");
            }
        }
        for outcome in requests.join_all().await {
            assert!(
                matches!(outcome, Some(INACTIVE | AuthError::Unavailable { .. })),
                "{outcome:?}"
            );
        }
    });
    assert!(bed.endpoint.most_concurrent.load(Ordering::SeqCst) <= 20);
    let asked = bed.endpoint.count();
    for number in 0..10 {
        assert!(bed.ask(&format!("good-{number}")).is_ok());
    }
    assert_eq!(bed.endpoint.count(), asked);
}

#[test]
fn what_is_no_token_is_not_asked_about() {
    let bed = Bed::new(endpoint());
    for token in ["", "a b", "good&token=other", "good\n", "g\u{f6}\u{f6}d"] {
        let refused = AuthError::from(InvalidTokenReason::Malformed);
        assert_eq!(bed.ask(token).err(), Some(refused), "{token}");
    }
    let long = "x".repeat(16 * 1024 + 1);
    assert_eq!(bed.ask(&long).err(), Some(InvalidTokenReason::TooLarge.into()));
    assert_eq!(bed.endpoint.count(), 0);
    assert!(bed.ask("good+/~._-==").is_ok());
}
