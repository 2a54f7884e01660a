//! The end of a stream because a security event demands another login.

use jwt_verify::{
    BoxFuture, Lookup, StoreUnavailable,
    revocation::{MemoryRevocation, Revocation, RevocationKeys, RevocationStore},
    security_events::{Effect, SecurityEventType},
    testing::TestTransmitter,
};
use jwt_verify_tests::START;
use serde_json::json;

use super::*;

const DEMAND: SecurityEventType = SecurityEventType::AccountCredentialChangeRequired;

/// A store whose answers are not there at once.
#[derive(Debug, Clone)]
struct Remote(MemoryRevocation);

impl RevocationStore for Remote {
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        Lookup::Pending(Box::pin(async {
            tokio::task::yield_now().await;
            self.0.check(keys).await
        }))
    }

    fn revoke<'a>(
        &'a self,
        what: &'a Revocation,
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        self.0.revoke(what, until)
    }

    fn is_immediate(&self) -> bool {
        false
    }
}

/// An API that receives events, with its streams.
struct Receiving {
    bed: TestBed,
    transmitter: TestTransmitter,
    streams: Streams,
}

impl Receiving {
    fn new(is_remote: bool, effect: Effect) -> Self {
        let bed = TestBed::new();
        let transmitter = TestTransmitter::with_clock(Algorithm::ES256, bed.clock.clone());
        let memory = MemoryRevocation::with_clock(bed.clock.clone());
        let issuer = bed.issuer.url();
        let receiver = if is_remote {
            transmitter.receiver(issuer, Remote(memory))
        } else {
            transmitter.receiver(issuer, memory)
        };
        let receiver = receiver.effect(DEMAND, effect).build().unwrap();
        let auth = bed.auth().security_events(&receiver).build().unwrap();
        let streams = Streams::serve(&auth);
        Self { bed, transmitter, streams }
    }

    fn demand_login(&self, user: &str) {
        let event = self.transmitter.event(DEMAND.uri()).user(self.bed.issuer.url(), user).sign();
        let request = self.streams.api.request("POST", "/ssf/events");
        assert_eq!(request.body("application/secevent+jwt", &event).send().status, 202);
    }
}

/// STR-15: the streams of a user who has to log in again end, and no others.
#[test]
fn a_demanded_login_ends_the_streams_of_its_user() {
    for is_remote in [false, true] {
        let api = Receiving::new(is_remote, Effect::StepUp);
        let tokens = [
            json!({"jti": "1", "sub": "ada"}),
            json!({"jti": "2", "sub": "ada", "auth_time": START - 60}),
            json!({"jti": "3", "sub": "bob"}),
        ];
        let open = tokens.each_ref().map(|claims| api.streams.open(&api.bed.token_with(claims)));
        api.demand_login("ada");
        let [(first, first_body), (second, second_body), (third, _)] = open;
        for (guard, body) in [(first, first_body), (second, second_body)] {
            assert_eq!(end_of(&guard), EndOfAccess::LoginRequired, "{is_remote}");
            assert!(body.join().unwrap().ends_with(&last_event("login_required")));
        }
        assert_eq!(third.end(), None);
    }
}

/// STR-15: a stream of the new login stays.
#[test]
fn a_new_login_is_enough() {
    let api = Receiving::new(false, Effect::StepUp);
    api.demand_login("ada");
    api.bed.clock.advance(Duration::from_secs(5));
    let login = json!({"jti": "1", "sub": "ada", "iat": START + 5, "auth_time": START + 5});
    let (new, _) = api.streams.open(&api.bed.token_with(&login));
    let (other, _) = api.streams.open(&api.bed.token_with(&json!({"jti": "2", "sub": "bob"})));
    api.demand_login("bob");
    assert_eq!(end_of(&other), EndOfAccess::LoginRequired);
    assert_eq!(new.end(), None);
}

/// STR-15: an effect that is switched off ends nothing.
#[test]
fn a_demand_that_is_ignored_ends_nothing() {
    let api = Receiving::new(false, Effect::Ignore);
    let (guard, _) = api.streams.open(&api.bed.token_with(&json!({"jti": "1", "sub": "ada"})));
    api.demand_login("ada");
    assert_eq!(guard.end(), None);
}
