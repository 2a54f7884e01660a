//! A refresh token works once. Every test runs against any store.

use std::{sync::Arc, time::Duration};

use jwt_verify::{
    Algorithm, Clock as _,
    revocation::{MemoryRevocation, Revocation, RevocationStore},
    sessions::{MemoryRefreshStore, SessionError, Sessions},
};
use jwt_verify_tests::TestClock;

use crate::{builder, session_bed::SessionBed, wait};

fn is_refused<T>(outcome: Result<T, SessionError>) -> bool {
    matches!(outcome, Err(SessionError::InvalidGrant))
}

pub(crate) fn each_token_brings_the_next(bed: &SessionBed) {
    let first = bed.begin("alice");
    let second = bed.refresh(&first).unwrap();
    let third = bed.refresh(&second).unwrap();
    assert_eq!(first.session_id, third.session_id);
    assert!([&first, &second, &third].iter().all(|tokens| bed.access_is_good(tokens)));
}

/// RFT-01: refused while it may be a repetition, the end of the session after that.
pub(crate) fn a_token_that_comes_again_is_refused(bed: &SessionBed) {
    let first = bed.begin("alice");
    let second = bed.refresh(&first).unwrap();
    bed.later(9);
    assert!(is_refused(bed.refresh(&first)));
    let third = bed.refresh(&second).unwrap();
    bed.later(11);
    assert!(is_refused(bed.refresh(&second)));
    assert!(is_refused(bed.refresh(&third)), "the whole session is over");
    assert!(!bed.access_is_good(&third), "at once");
}

/// Two steps back is as good as one while all of it is fresh.
pub(crate) fn older_repetitions_have_their_own_time(bed: &SessionBed) {
    let first = bed.begin("alice");
    let second = bed.refresh(&first).unwrap();
    bed.later(6);
    let third = bed.refresh(&second).unwrap();
    assert!(is_refused(bed.refresh(&first)));
    assert!(is_refused(bed.refresh(&second)));
    assert!(bed.access_is_good(&third));
    bed.later(5);
    assert!(is_refused(bed.refresh(&first)), "eleven seconds after its use");
    assert!(is_refused(bed.refresh(&third)));
}

/// RFT-02.
pub(crate) fn of_fifty_at_once_one_wins(bed: &SessionBed) {
    let first = bed.begin("alice");
    let sessions = Arc::new(bed.sessions.clone());
    let outcomes: Vec<_> = wait(async {
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (sessions, token) = (sessions.clone(), first.refresh.clone());
                tokio::spawn(async move {
                    let grant = sessions.redeem(token.as_str()).await?;
                    grant.issue(|token| token).await
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        outcomes
    });
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(is_refused));
    let next = won.into_iter().next().unwrap().unwrap();
    assert!(bed.refresh(&next).is_ok(), "the session of the one who won goes on");
}

/// RFT-09, and the time without a refresh.
pub(crate) fn a_session_does_not_last_for_ever(bed: &SessionBed) {
    const DAY: u64 = 24 * 3600;
    let mut tokens = bed.begin("alice");
    for _ in 0..4 {
        bed.later(6 * DAY);
        tokens = bed.refresh(&tokens).unwrap();
    }
    bed.later(6 * DAY);
    assert!(is_refused(bed.refresh(&tokens)), "thirty days have passed");
    let idle = bed.begin("alice");
    bed.later(7 * DAY);
    assert!(is_refused(bed.refresh(&idle)));
}

pub(crate) fn a_session_is_ended_without_the_others(bed: &SessionBed) {
    let (one, other, bobs) = (bed.begin("alice"), bed.begin("alice"), bed.begin("bob"));
    let verifier = bed.sessions.verifier().build().unwrap();
    let claims = wait(verifier.verify(one.access.as_str())).unwrap();
    wait(bed.sessions.revoke(&claims)).unwrap();
    assert!(!bed.access_is_good(&one) && is_refused(bed.refresh(&one)));
    assert!(wait(verifier.verify(one.access.as_str())).is_err(), "although it was remembered");
    assert!(bed.access_is_good(&other) && bed.access_is_good(&bobs));
    wait(bed.sessions.revoke(&claims)).unwrap();

    let newer = bed.begin("alice");
    let claims = wait(verifier.verify(newer.access.as_str())).unwrap();
    wait(bed.sessions.revoke_others(&claims)).unwrap();
    assert!(!bed.access_is_good(&other) && is_refused(bed.refresh(&other)));
    assert!(bed.access_is_good(&newer));
    let newer = bed.refresh(&newer).unwrap();

    wait(bed.sessions.revoke_all("alice")).unwrap();
    assert!(!bed.access_is_good(&newer) && is_refused(bed.refresh(&newer)));
    assert!(bed.access_is_good(&bobs) && bed.refresh(&bobs).is_ok());
    assert!(bed.access_is_good(&bed.begin("alice")), "a new login in the same second");
}

/// RFT-05: whatever it is, the answer is the same.
pub(crate) fn what_is_no_refresh_token_of_this_issuer_is_refused(bed: &SessionBed) {
    let tokens = bed.begin("alice");
    let foreign = Sessions::builder(builder(Algorithm::ES256).build().unwrap());
    let foreign = wait(foreign.build().unwrap().create(&"alice", |token| token)).unwrap();
    for token in ["", "x", "a.b.c", tokens.access.as_str(), foreign.refresh.as_str()] {
        let refused = wait(bed.sessions.redeem(token));
        assert!(matches!(refused, Err(SessionError::InvalidGrant)), "{token}");
    }
    let mut tampered = tokens.refresh.as_str().to_owned();
    tampered.pop();
    assert!(wait(bed.sessions.redeem(tampered)).is_err());
    assert!(bed.refresh(&tokens).is_ok());
}

/// A mistake of the application does not cost the user the session.
pub(crate) fn what_cannot_be_issued_uses_nothing_up(bed: &SessionBed) {
    let tokens = bed.begin("alice");
    let failed = wait(async {
        let grant = bed.sessions.redeem(tokens.refresh.as_str()).await?;
        grant.issue(|token| token.claim("exp", 1)).await
    });
    assert!(matches!(failed, Err(SessionError::Issuing(_))));
    assert!(bed.refresh(&tokens).is_ok());
}

pub(crate) type NamedTest = (&'static str, fn(&SessionBed));

/// Everything that holds for every store.
pub(crate) const TESTS: [NamedTest; 8] = [
    ("each_token_brings_the_next", each_token_brings_the_next),
    ("a_token_that_comes_again_is_refused", a_token_that_comes_again_is_refused),
    ("older_repetitions_have_their_own_time", older_repetitions_have_their_own_time),
    ("of_fifty_at_once_one_wins", of_fifty_at_once_one_wins),
    ("a_session_is_ended_without_the_others", a_session_is_ended_without_the_others),
    (
        "what_is_no_refresh_token_of_this_issuer_is_refused",
        what_is_no_refresh_token_of_this_issuer_is_refused,
    ),
    ("what_cannot_be_issued_uses_nothing_up", what_cannot_be_issued_uses_nothing_up),
    ("a_session_does_not_last_for_ever", a_session_does_not_last_for_ever),
];

/// What is revoked behind the sessions' back counts for refresh tokens too.
#[test]
fn a_revoked_subject_cannot_refresh() {
    let clock = TestClock::new();
    let revocation = MemoryRevocation::with_clock(clock.clone());
    let store = MemoryRefreshStore::with_clock(clock.clone());
    let bed = SessionBed::new(clock.clone(), store, revocation.clone());
    let tokens = bed.begin("alice");
    bed.later(1);
    let now = clock.now();
    let what = Revocation::subject(crate::ISSUER, "alice", now);
    wait(revocation.revoke(&what, now + Duration::from_secs(3600))).unwrap();
    assert!(is_refused(bed.refresh(&tokens)));
    bed.later(1);
    let newer = bed.begin("alice");
    assert!(bed.refresh(&newer).is_ok());
}

/// The longest-lived token of a session is refused for as long as it would have lived.
#[test]
fn an_ended_session_stays_ended() {
    let bed = SessionBed::in_memory();
    let day = Duration::from_secs(24 * 3600);
    let tokens = wait(bed.sessions.create(&"alice", |token| token.lifetime(day))).unwrap();
    let longer = day + Duration::from_secs(1);
    assert!(wait(bed.sessions.create(&"alice", |token| token.lifetime(longer))).is_err());
    wait(bed.sessions.revoke_by_id(&"alice", &tokens.session_id)).unwrap();
    for _ in 0..24 {
        assert!(!bed.access_is_good(&tokens));
        bed.later(3600);
    }
}

/// A token of another issuer that happens to name the same user ends nothing.
#[test]
fn sessions_are_ended_by_their_own_tokens_only() {
    let bed = SessionBed::in_memory();
    let own = bed.begin("alice");
    let foreign = jwt_verify::issuing::TokenIssuer::builder(
        "https://other.example",
        crate::AUDIENCE,
        crate::key(Algorithm::ES256),
    );
    let foreign = foreign.clock(bed.clock.clone()).build().unwrap();
    let token = foreign.access_token(&"alice").session(&own.session_id).sign().unwrap();
    let claims = wait(foreign.verifier().build().unwrap().verify(token.as_str())).unwrap();
    assert!(wait(bed.sessions.revoke(&claims)).is_err());
    assert!(wait(bed.sessions.revoke_others(&claims)).is_err());
    assert!(bed.access_is_good(&own));
}

#[test]
fn in_memory() {
    for (name, test) in TESTS {
        eprintln!("{name}");
        test(&SessionBed::in_memory());
    }
}

#[test]
fn sessions_that_are_over_take_no_memory() {
    let clock = TestClock::new();
    let store = MemoryRefreshStore::with_clock(clock.clone());
    let bed = SessionBed::new(clock.clone(), store.clone(), MemoryRevocation::with_clock(clock));
    for number in 0..1500 {
        bed.begin(&format!("user{number}"));
    }
    assert_eq!(store.len(), 1500);
    bed.later(8 * 24 * 3600);
    for number in 0..600 {
        bed.begin(&format!("user{number}"));
    }
    assert!(store.len() <= 600, "{}", store.len());
}

/// Refresh tokens work once and are bound to nothing, also where access tokens have to be.
#[test]
fn a_refresh_token_needs_no_proof_where_access_tokens_do() {
    use actix_web::{App, get, test};
    use jwt_verify::{JwtAuth, dpop::Dpop, require};

    #[get("/refresh")]
    #[require(refresh)]
    async fn refresh() -> &'static str {
        "refreshed"
    }

    #[get("/read")]
    #[require]
    async fn read() -> &'static str {
        "read"
    }

    let bed = SessionBed::in_memory();
    let tokens = bed.begin("alice");
    let dpop = Dpop::new("https://api.example").require_bound_tokens();
    let auth = JwtAuth::for_sessions(&bed.sessions).dpop(dpop).build().unwrap();
    let status = |path: &'static str, token: &str| {
        let (auth, token) = (auth.clone(), token.to_owned());
        actix_web::rt::System::new().block_on(async move {
            let app = App::new().app_data(auth).service((refresh, read));
            let app = test::init_service(app).await;
            let request = test::TestRequest::with_uri(path);
            let request = request.insert_header(("authorization", format!("Bearer {token}")));
            test::call_service(&app, request.to_request()).await.status().as_u16()
        })
    };
    assert_eq!(status("/refresh", tokens.refresh.as_str()), 200);
    assert_eq!(status("/read", tokens.access.as_str()), 401);
}
