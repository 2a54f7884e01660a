//! Code of the application that takes part in an event: it is told, asked, and may fail.

use std::sync::Mutex;

use jwt_verify::security_events::{SecurityEvent, SecurityEventHandler, SubjectResolver};

use super::*;

/// Notes the events that it is told of, and can be made to fail.
#[derive(Clone, Default)]
struct Hook {
    told: Arc<Mutex<Vec<String>>>,
    fails: Arc<AtomicBool>,
}

impl Hook {
    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl SecurityEventHandler for Hook {
    fn handle<'a>(
        &'a self,
        event: SecurityEvent<'a>,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        assert_eq!(event.token().token_id(), Some("event-1"));
        self.told.lock().unwrap().push(event.uri().to_owned());
        let fails = self.fails.load(Ordering::SeqCst);
        let outcome = if fails { Err(StoreUnavailable::new()) } else { Ok(()) };
        Box::pin(std::future::ready(outcome))
    }
}

/// SSF-29: the application is told of every verified event, of types of its own too, and again if it
/// could not handle one; never of one that is refused, and not of one that was acted on.
#[test]
fn the_application_is_told_of_verified_events() {
    for uri in [format!("{CAEP}session-revoked"), "https://events.example/of-its-own".to_owned()] {
        let hook = Hook::default();
        let bed = EventBed::with(|events| events.on_event(hook.clone()));
        let event = event_with(&uri, &json!({}));
        let forged = event.sign(&SigningKey::new(Algorithm::RS256, "transmitter"));
        check_refusal("SSF-29", &bed.push(&forged), "invalid_key");
        assert!(hook.told().is_empty());
        hook.fails.store(true, Ordering::SeqCst);
        let answer = bed.send(&event);
        assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true));
        assert_eq!(hook.told(), std::slice::from_ref(&uri));
        hook.fails.store(false, Ordering::SeqCst);
        for _ in 0..2 {
            assert_eq!(bed.send(&event).status, 202);
            assert_eq!(hook.told(), [uri.clone(), uri.clone()]);
        }
    }
}

/// Cannot tell who a user is.
struct OutOfReach;

impl SubjectResolver for OutOfReach {
    fn resolve<'a>(
        &'a self,
        _: &'a SubjectIdentifier,
    ) -> Lookup<'a, Result<Option<String>, StoreUnavailable>> {
        Lookup::Pending(Box::pin(async { Err(StoreUnavailable::new()) }))
    }
}

/// SSF-30: an event whose user cannot be found now is not acknowledged.
#[test]
fn an_event_about_a_user_that_cannot_be_found_now_is_sent_again() {
    let bed = EventBed::with(|events| events.subject_resolver(OutOfReach));
    let email = json!({"format": "email", "email": "u@example.com"});
    let answer = bed.send(&event("session-revoked").claim("sub_id", email));
    assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true));
    assert!(bed.store.is_empty());
    // One that it is not asked about.
    assert_eq!(bed.send(&event("session-revoked")).status, 202);
    assert_eq!(bed.status("a", "s", START), 401);
}
