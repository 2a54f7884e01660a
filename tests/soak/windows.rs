//! Windows: stretches of time in which a disturbance lets certain answers happen that are violations
//! outside of it.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::{
    disturbances::Disturbance,
    fleet::Instance,
    requests::{Kind, Service},
};

/// What a window lets happen. Whatever it is, no bad token is accepted, and no good one gets a 401 by a clock
/// that is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// 503 where Redis has to be asked: sessions, revocations, used proofs.
    NoStore,
    /// 503 for tokens of a key that is not cached.
    NoNewKeys,
    /// 429 for tokens of a key that began to sign without having been announced.
    LimitedNewKeys,
    /// 503 for every token at an instance that has no keys.
    NoKeys(Instance),
    /// No answer of an instance.
    NoAnswer(Instance),
    /// 401 for valid tokens at an instance whose clock is wrong, since they are not valid by that clock.
    WrongClock(Instance),
    /// The same, and no other answer: what is not valid by its clock must not be accepted.
    SettledWrongClock(Instance),
}

/// A disturbance with its time.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) number: usize,
    pub(crate) name: &'static str,
    pub(crate) allowed: Vec<Allowed>,
    pub(crate) from: Duration,
    /// Until when, the time to recover included.
    pub(crate) until: Option<Duration>,
}

impl Window {
    /// Some answers have to show it: without them its disturbance had no effect.
    pub(crate) fn has_to_be_noticed(&self) -> bool {
        // Clients wait for longer than the instances are suspended.
        self.name != Disturbance::Suspended.name()
            && self.allowed.iter().any(|what| {
                let is_wrong_clock = matches!(what, Allowed::SettledWrongClock(_));
                is_wrong_clock || matches!(what, Allowed::NoStore | Allowed::NoAnswer(_))
            })
    }
}

/// All windows of a run so far.
pub(crate) struct Windows {
    start: Instant,
    list: Mutex<Vec<Window>>,
}

/// How an answer is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it has to be at any time.
    Right,
    /// Allowed by an open window.
    Excused,
    /// A 503 of a request that needs Redis, while the machine did not get to run. It is counted apart.
    Starved,
    Violation,
}

impl Windows {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, list: Mutex::default() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn open(&self, name: &'static str, allowed: &[Allowed]) -> usize {
        let mut list = self.list.lock().unwrap();
        let number = list.len() + 1;
        let (allowed, from) = (allowed.to_vec(), self.start.elapsed());
        list.push(Window { number, name, allowed, from, until: None });
        number
    }

    pub(crate) fn close(&self, number: usize) {
        self.list.lock().unwrap()[number - 1].until = Some(self.start.elapsed());
    }

    pub(crate) fn all(&self) -> Vec<Window> {
        self.list.lock().unwrap().clone()
    }

    /// The windows that a stretch of time touches.
    pub(crate) fn during(&self, from: Duration, until: Duration) -> Vec<Window> {
        let list = self.list.lock().unwrap();
        let touches = |w: &&Window| w.from <= until && w.until.is_none_or(|closed| closed >= from);
        list.iter().filter(touches).cloned().collect()
    }
}

/// A request to be judged.
pub(crate) struct Question<'a> {
    pub(crate) kind: Kind,
    /// Its key is so new that instances may have to ask for it.
    pub(crate) is_young: bool,
    pub(crate) instance: Instance,
    pub(crate) sent: Duration,
    pub(crate) done: Duration,
    /// The windows that it touches.
    pub(crate) windows: &'a [Window],
    pub(crate) is_starved: bool,
}

/// Judges an answer; `None` is a connection that was refused or ended, or ten seconds without an answer.
pub(crate) fn judge(question: &Question<'_>, status: Option<u16>) -> Verdict {
    let Question { kind, instance, windows, .. } = *question;
    let is_allowed = |what| windows.iter().any(|window| window.allowed.contains(&what));
    let excused = |is_excused| if is_excused { Verdict::Excused } else { Verdict::Violation };
    let needs_new_key = kind.names_an_unknown_key() || question.is_young;
    let is_settled = windows.iter().any(|window| {
        let is_within =
            window.from <= question.sent && window.until.is_none_or(|until| question.done <= until);
        is_within && window.allowed.contains(&Allowed::SettledWrongClock(instance))
    });
    match status {
        Some(200 | 403) if is_settled && kind.has_a_valid_token() => Verdict::Violation,
        Some(status) if kind.right_answers().contains(&status) => Verdict::Right,
        None => excused(is_allowed(Allowed::NoAnswer(instance))),
        Some(401) if kind.has_a_valid_token() => excused(
            is_allowed(Allowed::WrongClock(instance))
                || is_allowed(Allowed::SettledWrongClock(instance)),
        ),
        Some(503) => {
            let has_no_keys =
                kind.service() != Service::Sessions && is_allowed(Allowed::NoKeys(instance));
            let has_no_store = kind.needs_store() && is_allowed(Allowed::NoStore);
            let has_no_new_keys = needs_new_key && is_allowed(Allowed::NoNewKeys);
            if has_no_keys || has_no_store || has_no_new_keys {
                Verdict::Excused
            } else if kind.needs_store() && question.is_starved {
                Verdict::Starved
            } else {
                Verdict::Violation
            }
        }
        Some(429) => excused(question.is_young && is_allowed(Allowed::LimitedNewKeys)),
        Some(_) => Verdict::Violation,
    }
}
