//! The end of a stream at `exp`, by the clock of the `JwtAuth`.

use std::sync::mpsc;

use super::*;

/// STR-01: a stream ends at `exp`, with a last event, without the leeway, and no sooner.
#[test]
fn a_stream_ends_at_exp_without_the_leeway() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().build().unwrap());
    let (guard, body) = streams.open(&bed.good());
    assert_eq!(guard.time_left(), Some(Duration::from_secs(600)));
    assert_eq!(guard.claims().time_left(), Some(Duration::from_secs(600)));
    bed.clock.advance(Duration::from_millis(599_999));
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(guard.end(), None);
    assert_eq!(guard.time_left(), Some(Duration::from_millis(1)));
    bed.clock.advance(Duration::from_millis(1));
    assert_eq!(
        (guard.end(), guard.time_left()),
        (Some(EndOfAccess::Expired), Some(Duration::ZERO))
    );
    assert_eq!(body.join().unwrap(), format!("data: hello\n\n{}", last_event("expired")));
    assert_eq!(end_of(&guard), EndOfAccess::Expired);
}

/// STR-01: who waits is woken when the clock of the test is moved, and not when somebody looks.
#[test]
fn who_waits_is_woken_at_the_end() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().build().unwrap());
    let (guard, _) = streams.open(&bed.good());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(end_of(&guard)).unwrap());
    std::thread::sleep(Duration::from_millis(50));
    assert!(receiver.try_recv().is_err());
    bed.clock.advance(Duration::from_secs(600));
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), EndOfAccess::Expired);
}

/// STR-02: a token within the leeway after its `exp` is accepted, and its stream ends at once.
#[test]
fn a_token_within_the_leeway_has_no_time_left() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().build().unwrap());
    let token = bed.good();
    bed.clock.advance(Duration::from_secs(630));
    let (guard, body) = streams.open(&token);
    assert_eq!(
        (guard.end(), guard.time_left()),
        (Some(EndOfAccess::Expired), Some(Duration::ZERO))
    );
    assert_eq!(body.join().unwrap(), last_event("expired"));
}

/// STR-03: a wall clock that is set forward ends a stream.
#[test]
fn a_clock_that_is_set_forward_ends_the_stream() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().build().unwrap());
    let (guard, body) = streams.open(&bed.good());
    bed.clock.set_wall(jwt_verify_tests::START + 600);
    assert_eq!(guard.end(), Some(EndOfAccess::Expired));
    assert!(body.join().unwrap().ends_with(&last_event("expired")));
}

/// STR-03: one that is set back does not prolong the access, and a later stream is not judged by
/// the time before.
#[test]
fn a_clock_that_is_set_back_does_not_prolong_the_access() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().build().unwrap());
    let (old, body) = streams.open(&bed.good());
    bed.clock.advance(Duration::from_secs(590));
    bed.clock.set_wall(jwt_verify_tests::START);
    let (new, _) = streams.open(&bed.good());
    assert_eq!(new.time_left(), Some(Duration::from_secs(600)));
    bed.clock.advance(Duration::from_secs(10));
    assert_eq!(old.end(), Some(EndOfAccess::Expired));
    assert!(body.join().unwrap().ends_with(&last_event("expired")));
    assert_eq!(new.end(), None);
    bed.clock.advance(Duration::from_secs(590));
    assert_eq!(end_of(&new), EndOfAccess::Expired);
}

/// STR-01: by the clock of the system, too.
#[test]
fn a_stream_ends_by_the_clock_of_the_system() {
    let bed = TestBed::new();
    let auth = JwtAuth::for_issuer(bed.trusted_issuer()).build().unwrap();
    let streams = Streams::serve(&auth);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    let token = Token::now(bed.issuer.url()).claim("exp", now.as_secs() + 2).sign(&bed.key);
    let (guard, body) = streams.open(&token);
    let foreseen = Duration::from_secs(now.as_secs() + 2);
    body.join().unwrap();
    let late = std::time::UNIX_EPOCH.elapsed().unwrap().checked_sub(foreseen).unwrap();
    assert!(late < Duration::from_secs(1), "{late:?}");
    assert_eq!(guard.end(), Some(EndOfAccess::Expired));
}

/// STR-04: a caller who would be refused opens no stream.
#[test]
fn who_is_refused_opens_no_stream() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().build().unwrap());
    assert_eq!(streams.api.get("/events").send().status, 401);
    let token = bed.good();
    bed.clock.advance(Duration::from_secs(660));
    assert_eq!(streams.api.get("/events").bearer(&token).send().status, 401);
    assert!(streams.guards.0.lock().unwrap().is_empty());
}
