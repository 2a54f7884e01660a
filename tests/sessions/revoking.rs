//! Tokens that are over before they expire, on a verifier that remembers them.

use std::time::Duration;

use actix_web::{App, HttpResponse, web};
use jwt_verify::{
    Algorithm, BoxFuture, JwtAuth, Lookup, StoreUnavailable,
    issuing::TokenIssuer,
    revocation::{MemoryRevocation, Revocation, RevocationKeys, RevocationStore},
};
use jwt_verify_tests::{START, TestClock, TestServer};

use crate::{ISSUER, builder, issuer, wait};

fn server(issuer: &TokenIssuer, store: impl RevocationStore, fails_open: bool) -> TestServer {
    let verifier = issuer.verifier().revocation(store);
    let verifier = if fails_open { verifier.revocation_fails_open() } else { verifier };
    let auth = JwtAuth::new(verifier.build().unwrap());
    TestServer::start(move || {
        let guarded = web::scope("").wrap(auth.clone());
        App::new().service(guarded.route("/", web::get().to(HttpResponse::NoContent)))
    })
}

fn revoke(store: &impl RevocationStore, what: &Revocation, until: u64) {
    wait(store.revoke(what, Duration::from_secs(until))).unwrap();
}

/// REV-01, REV-02.
#[test]
fn a_revoked_token_is_refused_with_the_next_request() {
    let clock = TestClock::new();
    let (issuer, store) = (issuer(&clock), MemoryRevocation::with_clock(clock));
    let server = server(&issuer, store.clone(), false);
    let (one, other) =
        (issuer.access_token(&1).sign().unwrap(), issuer.access_token(&1).sign().unwrap());
    let ask = |token: &str| server.get("/").bearer(token).send();
    // So often that every worker keeps it for itself.
    for _ in 0..8 {
        assert_eq!(ask(one.as_str()).status, 204);
    }
    revoke(&store, &Revocation::token(ISSUER, one.id()), START + 900);
    for _ in 0..8 {
        let refused = ask(one.as_str());
        assert_eq!(refused.status, 401);
        assert!(refused.challenge().unwrap().contains("invalid_token"));
    }
    assert_eq!(ask(other.as_str()).status, 204);
}

/// REV-06.
#[test]
fn a_subject_is_logged_out_everywhere_up_to_a_moment() {
    let clock = TestClock::new();
    let (issuer, store) = (issuer(&clock), MemoryRevocation::with_clock(clock.clone()));
    let server = server(&issuer, store.clone(), false);
    let mint = || issuer.access_token(&"alice").sign().unwrap();
    let before = mint();
    clock.advance(Duration::from_secs(1));
    let equal = mint();
    clock.advance(Duration::from_secs(1));
    let after = mint();
    let moment = Duration::from_secs(START + 1);
    revoke(&store, &Revocation::subject(ISSUER, "alice", moment), START + 1000);
    let status = |token: &str| server.get("/").bearer(token).send().status;
    assert_eq!(status(before.as_str()), 401);
    assert_eq!(status(equal.as_str()), 401);
    assert_eq!(status(after.as_str()), 204);
    // An earlier moment takes nothing back.
    let earlier = Duration::from_secs(START);
    revoke(&store, &Revocation::subject(ISSUER, "alice", earlier), START + 1000);
    assert_eq!(status(equal.as_str()), 401);
    assert_eq!(status(issuer.access_token(&"bob").sign().unwrap().as_str()), 204);
}

/// REV-07: a name is the issuer's own, and a token without one is nothing that could be revoked.
#[test]
fn names_belong_to_their_issuer() {
    let clock = TestClock::new();
    let (issuer, store) = (issuer(&clock), MemoryRevocation::with_clock(clock));
    let server = server(&issuer, store.clone(), false);
    let token = issuer.access_token(&1).sign().unwrap();
    revoke(&store, &Revocation::token("https://other.example", token.id()), START + 900);
    revoke(&store, &Revocation::session(ISSUER, token.id()), START + 900);
    assert_eq!(server.get("/").bearer(token.as_str()).send().status, 204);
}

/// REV-09.
#[test]
fn a_revocation_lasts_as_long_as_it_was_told_to() {
    let clock = TestClock::new();
    let (issuer, store) = (issuer(&clock), MemoryRevocation::with_clock(clock.clone()));
    let server = server(&issuer, store.clone(), false);
    let token = issuer.access_token(&1).lifetime(Duration::from_secs(100)).sign().unwrap();
    revoke(&store, &Revocation::token(ISSUER, token.id()), START + 160);
    for _ in 0..4 {
        assert_eq!(server.get("/").bearer(token.as_str()).send().status, 401);
        clock.advance(Duration::from_secs(45));
    }
    for number in 0..3000 {
        let name = number.to_string();
        revoke(&store, &Revocation::token(ISSUER, &name), START + 200 + number);
        clock.advance(Duration::from_secs(1));
    }
    assert!(store.len() < 2500, "what is over is forgotten: {}", store.len());
}

/// A store that is never there.
#[derive(Debug, Clone)]
struct Gone {
    at_once: bool,
}

impl RevocationStore for Gone {
    fn check<'a>(&'a self, _: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        if self.at_once {
            Lookup::Ready(Err(StoreUnavailable::new()))
        } else {
            Lookup::Pending(Box::pin(std::future::ready(Err(StoreUnavailable::new()))))
        }
    }

    fn revoke<'a>(
        &'a self,
        _: &'a Revocation,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(std::future::ready(Err(StoreUnavailable::new())))
    }

    fn is_immediate(&self) -> bool {
        self.at_once
    }
}

/// REV-10.
#[test]
fn a_store_out_of_reach_is_no_verdict() {
    let issuer = builder(Algorithm::ES256).build().unwrap();
    let token = issuer.access_token(&1).sign().unwrap();
    for at_once in [true, false] {
        let closed = server(&issuer, Gone { at_once }, false);
        let answer = closed.get("/").bearer(token.as_str()).send();
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.challenge(), None, "nothing is wrong with the token");
        let bad = closed.get("/").bearer("a.b.c").send();
        assert_eq!(bad.status, 401, "a bad token is bad whoever is out of reach");
        let open = server(&issuer, Gone { at_once }, true);
        assert_eq!(open.get("/").bearer(token.as_str()).send().status, 204);
    }
}

#[test]
fn failing_open_needs_something_that_can_fail() {
    let issuer = builder(Algorithm::ES256).build().unwrap();
    assert!(issuer.verifier().revocation_fails_open().build().is_err());
}
