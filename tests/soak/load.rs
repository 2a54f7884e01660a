//! The load: so many requests a second whatever the answers are, each judged when its answer is there.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use crate::{
    arena::Arena,
    client::Answer,
    fleet::Instance,
    issuer::Good,
    record::Exchange,
    requests::{Kind, Service},
    sessions::{OPEN, USERS, password},
    windows::{Allowed, Question, Verdict, judge},
};

const JSON: &str = "application/json";

/// Where security events are pushed, and as what (RFC 8935).
const EVENTS: &str = "/ssf/events";
const EVENT_TYPE: &str = "application/secevent+jwt";

/// Requests that may wait for an answer at a time.
const UNDER_WAY: usize = 1000;

/// Users that sign up at a time.
const AT_ONCE: usize = 4;

/// Requests of a kind at once: more than two instances have connections to Redis.
const BURST: usize = 40;

/// How often each kind is sent, of some eleven hundred requests. Logins are what hashes passwords: two in three
/// seconds or so at 300 requests a second, more while sessions are missing.
pub(crate) const MIX: [(Kind, usize); 30] = [
    (Kind::Seen, 300),
    (Kind::New, 200),
    (Kind::Proof, 60),
    (Kind::Public, 20),
    (Kind::Role, 20),
    (Kind::Expired, 25),
    (Kind::NotYetValid, 10),
    (Kind::Audience, 20),
    (Kind::OtherIssuer, 10),
    (Kind::AlgNone, 20),
    (Kind::ForeignKey, 25),
    (Kind::Tampered, 30),
    (Kind::Garbage, 20),
    (Kind::UsedProof, 20),
    (Kind::Withdrawn, 5),
    (Kind::Announced, 5),
    (Kind::Me, 140),
    (Kind::Revoked, 30),
    (Kind::Refresh, 12),
    (Kind::Logout, 2),
    (Kind::Login, 2),
    (Kind::UsedRefresh, 5),
    (Kind::RefreshAsAccess, 10),
    (Kind::TamperedSession, 10),
    (Kind::WrongPassword, 1),
    (Kind::User, 80),
    (Kind::Event, 4),
    (Kind::EventAgain, 3),
    (Kind::ForgedEvent, 10),
    (Kind::EndedUser, 15),
];

/// Signs up the users, several at a time: `session-app` keeps memory for each hash that it has made at the
/// same time as others.
pub(crate) async fn sign_up(arena: &Arc<Arena>) {
    let mut tasks = JoinSet::new();
    for number in 0..USERS {
        let arena = arena.clone();
        tasks.spawn(async move {
            let body =
                format!(r#"{{"username":"user-{number}","password":"{}"}}"#, password(number));
            let server = arena.fleet.connections(Instance::SessionA);
            let answer = server.post("/auth/signup", JSON, "", &body);
            assert_eq!(answer.await.unwrap().status, 201, "a user signs up");
        });
        if tasks.len() == AT_ONCE {
            tasks.join_next().await.unwrap().unwrap();
        }
    }
    tasks.join_all().await;
}

/// Sends requests until it is told to stop, and waits for the last answers.
pub(crate) async fn run(arena: Arc<Arena>, rate: usize) {
    let places = Arc::new(Semaphore::new(UNDER_WAY));
    let total: usize = MIX.iter().map(|(_, weight)| weight).sum();
    let mut sent = 0_u64;
    let start = arena.windows.elapsed();
    while !arena.is_over() {
        let due = arena.windows.elapsed().saturating_sub(start).as_secs_f64() * rate as f64;
        while (sent as f64) < due {
            sent += 1;
            let mut at = arena.random.below(total);
            let chosen = MIX.iter().find(|(_, weight)| {
                let is_here = at < *weight;
                at = at.saturating_sub(*weight);
                is_here
            });
            let mut kind = chosen.map_or(Kind::Public, |(kind, _)| *kind);
            // A login every second and a half while sessions are missing.
            if kind == Kind::Me && arena.sessions.open() < OPEN && arena.random.below(60) == 0 {
                kind = Kind::Login;
            }
            spawn(&arena, kind, &places);
        }
        sleep(Duration::from_millis(5)).await;
    }
    let _ = places.acquire_many(UNDER_WAY as u32).await;
}

/// Sends many requests at once, again and again, so that every instance has all of its connections to Redis:
/// a process whose pool still grows has no flat line.
pub(crate) async fn burst(arena: Arc<Arena>) {
    let places = Arc::new(Semaphore::new(UNDER_WAY));
    while !arena.is_over() {
        for kind in [Kind::Me, Kind::Proof, Kind::User] {
            for _ in 0..BURST {
                spawn(&arena, kind, &places);
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Sends one request, beside the others.
pub(crate) fn spawn(arena: &Arc<Arena>, kind: Kind, places: &Arc<Semaphore>) {
    let Ok(place) = places.clone().try_acquire_owned() else {
        arena.record.not_sent();
        return;
    };
    let arena = arena.clone();
    tokio::spawn(async move {
        let _place = place;
        send(&arena, kind).await;
    });
}

/// Sends one request of a kind, if there is a token for it.
pub(crate) async fn send(arena: &Arena, kind: Kind) {
    let service = kind.service();
    let instance = service.instances()[arena.random.below(2)];
    match service {
        Service::Api => to_resource_server(arena, kind, instance).await,
        Service::Sessions => to_session_app(arena, kind, instance).await,
        Service::Receiver => to_receiver(arena, kind, instance).await,
    }
}

async fn to_resource_server(arena: &Arena, kind: Kind, instance: Instance) {
    let issuer = &arena.issuer;
    let (mut is_young, mut proof, mut subject) = (false, None, None);
    let mut good = |good: Good| {
        is_young = good.is_young;
        subject = Some(good.subject);
        Some(good.token)
    };
    let token = match kind {
        Kind::Seen => good(issuer.seen_token()),
        Kind::New | Kind::Role => good(issuer.new_token()),
        Kind::ForeignKey | Kind::Tampered => {
            let is_foreign = kind == Kind::ForeignKey;
            let (token, names_young_key) =
                if is_foreign { issuer.of_a_foreign_key() } else { issuer.tampered() };
            is_young = names_young_key;
            Some(token)
        }
        Kind::Public => Some(String::new()),
        Kind::Proof | Kind::UsedProof => None,
        Kind::Expired => Some(issuer.expired()),
        Kind::NotYetValid => Some(issuer.not_yet_valid()),
        Kind::Audience => Some(issuer.for_another_api()),
        Kind::OtherIssuer => Some(issuer.of_another_issuer()),
        Kind::AlgNone => Some(issuer.without_signature()),
        Kind::Garbage => Some(garbage(arena)),
        Kind::UnknownKey => Some(issuer.of_an_unknown_key()),
        Kind::Withdrawn => issuer.of_the_withdrawn_key(),
        _ => issuer.of_the_announced_key(),
    };
    let fields = match kind {
        Kind::Proof => {
            let made = issuer.proof();
            is_young = made.is_young;
            let fields = made.fields.clone();
            proof = Some(made);
            Some(fields)
        }
        Kind::UsedProof => issuer.used_proof(),
        Kind::Public => Some(String::new()),
        _ => token.map(|token| format!("authorization: Bearer {token}\r\n")),
    };
    let Some(fields) = fields else { return };
    let path = match kind {
        Kind::Public => "/public",
        Kind::Role => "/admin",
        _ => "/protected",
    };
    let sent = arena.windows.elapsed();
    let answer = arena.fleet.connections(instance).get(path, &fields).await;
    if kind != Kind::Role {
        check_caller(arena, &answer, subject.as_deref());
    }
    let status = status(&answer);
    if let Some(proof) = proof.filter(|_| status == Some(200)) {
        issuer.proof_was_used(proof);
    }
    settle(arena, kind, is_young, instance, status, sent).await;
}

/// Bytes that are no token, of some length.
fn garbage(arena: &Arena) -> String {
    let length = 1 + arena.random.below(2000);
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    (0..length).map(|_| char::from(letters[arena.random.below(letters.len())])).collect()
}

async fn to_session_app(arena: &Arena, kind: Kind, instance: Instance) {
    let (sessions, server) = (&arena.sessions, arena.fleet.connections(instance));
    let epoch = sessions.epoch();
    let sent = arena.windows.elapsed();
    match kind {
        Kind::Login | Kind::WrongPassword => {
            let is_right = kind == Kind::Login;
            let body = if is_right { sessions.credentials() } else { sessions.wrong_credentials() };
            let answer = server.post("/auth/login", JSON, "", &body).await;
            if is_right && let Ok(answer) = &answer {
                sessions.add(epoch, answer);
            }
            settle(arena, kind, false, instance, status(&answer), sent).await;
        }
        Kind::Me | Kind::RefreshAsAccess | Kind::TamperedSession => {
            let Some(session) = sessions.any() else { return };
            let tokens = session.read().await;
            if !tokens.is_usable() {
                return;
            }
            let token = match kind {
                Kind::Me => tokens.access.clone(),
                Kind::RefreshAsAccess => tokens.refresh.clone(),
                _ => tamper(&tokens.access),
            };
            let sent = arena.windows.elapsed();
            let answer = server.get("/me", &bearer(&token)).await;
            drop(tokens);
            settle(arena, kind, false, instance, status(&answer), sent).await;
        }
        Kind::Refresh => {
            let Some(session) = sessions.take_to_refresh() else { return };
            let mut tokens = session.write().await;
            let sent = arena.windows.elapsed();
            let answer = server.post("/auth/refresh", JSON, &bearer(&tokens.refresh), "").await;
            match answer.as_ref().ok().and_then(|answer| tokens.renew(answer)) {
                Some(used) => {
                    drop(tokens);
                    sessions.put_back(epoch, session, used);
                }
                // Used up or not: that is not known.
                None => tokens.end(),
            }
            settle(arena, kind, false, instance, status(&answer), sent).await;
        }
        Kind::Logout => {
            if sessions.open() < OPEN {
                return;
            }
            let Some(session) = sessions.take_oldest() else { return };
            let mut tokens = session.write().await;
            if !tokens.is_usable() {
                return;
            }
            let sent = arena.windows.elapsed();
            tokens.end();
            let answer = server.post("/auth/logout", JSON, &bearer(&tokens.access), "").await;
            let status = status(&answer);
            if status == Some(204) {
                sessions.revoked(epoch, &tokens);
            }
            settle(arena, kind, false, instance, status, sent).await;
            if status == Some(204) {
                // The session has ended everywhere with the answer.
                for instance in [Instance::SessionA, Instance::SessionB] {
                    let sent = arena.windows.elapsed();
                    let server = arena.fleet.connections(instance);
                    let answer = server.get("/me", &bearer(&tokens.access)).await;
                    let status = answer.ok().map(|answer| answer.status);
                    settle(arena, Kind::Revoked, false, instance, status, sent).await;
                }
            }
        }
        Kind::Revoked => {
            let Some(token) = sessions.any_revoked() else { return };
            let answer = server.get("/me", &bearer(&token)).await;
            settle(arena, kind, false, instance, status(&answer), sent).await;
        }
        _ => {
            // One that is late ends the session: it is not sent while anything may hold it up.
            let is_late = |w: &crate::windows::Window| w.allowed.contains(&Allowed::NoStore);
            if arena.windows.during(sent, sent).iter().any(is_late) {
                return;
            }
            let Some(token) = sessions.any_used() else { return };
            let answer = server.post("/auth/refresh", JSON, &bearer(&token), "").await;
            settle(arena, kind, false, instance, status(&answer), sent).await;
        }
    }
}

async fn to_receiver(arena: &Arena, kind: Kind, instance: Instance) {
    let (events, server) = (&arena.events, arena.fleet.connections(instance));
    let sent = arena.windows.elapsed();
    match kind {
        Kind::User => {
            let user = events.any_user();
            let Some(_stays) = user.stays().await else { return };
            let good = arena.issuer.new_token_of(user.name());
            enter(arena, instance, &good).await;
        }
        Kind::Event => {
            let (epoch, event) = (events.epoch(), events.next(&arena.issuer).await);
            if event.is_new {
                for instance in Service::Receiver.instances() {
                    enter(arena, instance, &event.good).await;
                }
            }
            let sent = arena.windows.elapsed();
            let answer = server.post(EVENTS, EVENT_TYPE, "", &event.token).await;
            let (status, is_young) = (status(&answer), event.is_young());
            if status != Some(202) {
                events.send_later(event);
                settle(arena, kind, is_young, instance, status, sent).await;
                return;
            }
            let good = event.good.clone();
            events.acknowledged(epoch, event);
            settle(arena, kind, is_young, instance, status, sent).await;
            // Access has ended everywhere with the answer.
            for instance in Service::Receiver.instances() {
                if epoch != events.epoch() || !arena.issuer.still_signs(&good) {
                    return;
                }
                end(arena, instance, &good).await;
            }
        }
        Kind::EventAgain => {
            let Some(event) = events.any_acknowledged() else { return };
            let answer = server.post(EVENTS, EVENT_TYPE, "", &event).await;
            settle(arena, kind, false, instance, status(&answer), sent).await;
        }
        Kind::ForgedEvent => {
            let user = events.any_user();
            let Some(_stays) = user.stays().await else { return };
            let good = arena.issuer.new_token_of(user.name());
            let (event, is_young) = events.forged(&arena.issuer, user.name());
            let sent = arena.windows.elapsed();
            let answer = server.post(EVENTS, EVENT_TYPE, "", &event).await;
            settle(arena, kind, is_young, instance, status(&answer), sent).await;
            // A token from before it is as valid as it was.
            for instance in Service::Receiver.instances() {
                enter(arena, instance, &good).await;
            }
        }
        _ => {
            let Some(good) = events.any_ended() else { return };
            if arena.issuer.still_signs(&good) {
                end(arena, instance, &good).await;
            }
        }
    }
}

/// Sends a token of a user who has access.
async fn enter(arena: &Arena, instance: Instance, good: &Good) {
    let sent = arena.windows.elapsed();
    let answer = arena.fleet.connections(instance).get("/protected", &bearer(&good.token)).await;
    check_caller(arena, &answer, Some(&good.subject));
    settle(arena, Kind::User, good.is_young, instance, status(&answer), sent).await;
}

/// Sends a token of a user whom an event has ended.
async fn end(arena: &Arena, instance: Instance, good: &Good) {
    let sent = arena.windows.elapsed();
    let answer = arena.fleet.connections(instance).get("/protected", &bearer(&good.token)).await;
    settle(arena, Kind::EndedUser, good.is_young, instance, status(&answer), sent).await;
}

/// Checks that an answer is about the caller who has asked.
fn check_caller(arena: &Arena, answer: &std::io::Result<Answer>, subject: Option<&str>) {
    let (Ok(answer), Some(subject)) = (answer, subject) else { return };
    if answer.status == 200 && answer.text("sub").as_deref() != Some(subject) {
        arena.record.violate(format!("an answer to {subject} is about another caller"));
    }
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn status(answer: &std::io::Result<Answer>) -> Option<u16> {
    answer.as_ref().ok().map(|answer| answer.status)
}

/// Changes a character of the claims.
fn tamper(token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    if let Some(dot) = bytes.iter().position(|&byte| byte == b'.') {
        let at = dot + 9;
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    }
    String::from_utf8(bytes).unwrap()
}

async fn settle(
    arena: &Arena,
    kind: Kind,
    is_young: bool,
    instance: Instance,
    status: Option<u16>,
    sent: Duration,
) {
    let done = arena.windows.elapsed();
    let windows = arena.windows.during(sent, done);
    let mut question =
        Question { kind, is_young, instance, sent, done, windows: &windows, is_starved: false };
    let mut verdict = judge(&question, status);
    if verdict == Verdict::Violation && status == Some(503) && kind.needs_store() {
        // What the machine did meanwhile is known a moment later.
        sleep(Duration::from_secs(3)).await;
        question.is_starved = arena.starvation.touches(sent, done);
        verdict = judge(&question, status);
    }
    let exchange = Exchange { kind, instance, status, sent, done, windows: &windows };
    arena.record.note(&exchange, verdict);
}
