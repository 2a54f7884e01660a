//! What a run has seen: answers by kind, latencies second by second, violations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use crate::{
    fleet::Instance,
    requests::{Kind, SERVICES, Service},
    windows::{Verdict, Window},
};

/// More violations than these are counted and not listed.
const LISTED: usize = 500;

#[derive(Default)]
pub(crate) struct Record {
    inner: Mutex<Inner>,
}

#[derive(Default, Clone)]
pub(crate) struct Inner {
    /// How often a kind got an answer; 0 stands for none.
    pub(crate) answers: BTreeMap<(Kind, u16), u64>,
    pub(crate) excused: u64,
    /// Numbers of the windows that have excused an answer.
    pub(crate) noticed: BTreeSet<usize>,
    pub(crate) starved: u64,
    /// Requests that were not sent because too many waited for an answer.
    pub(crate) not_sent: u64,
    /// Microseconds, by the second in which the request was sent, of good tokens at each service.
    pub(crate) latencies: [Vec<Vec<u32>>; SERVICES.len()],
    pub(crate) violations: Vec<String>,
    pub(crate) violation_count: u64,
}

/// One exchange.
pub(crate) struct Exchange<'a> {
    pub(crate) kind: Kind,
    pub(crate) instance: Instance,
    pub(crate) status: Option<u16>,
    pub(crate) sent: Duration,
    pub(crate) done: Duration,
    pub(crate) windows: &'a [Window],
}

impl Record {
    pub(crate) fn note(&self, exchange: &Exchange<'_>, verdict: Verdict) {
        let mut inner = self.inner.lock().unwrap();
        let status = exchange.status.unwrap_or(0);
        *inner.answers.entry((exchange.kind, status)).or_default() += 1;
        match verdict {
            Verdict::Right => {}
            Verdict::Excused => {
                inner.excused += 1;
                inner.noticed.extend(exchange.windows.iter().map(|window| window.number));
            }
            Verdict::Starved => inner.starved += 1,
            Verdict::Violation => {
                let names: Vec<_> = exchange.windows.iter().map(|window| window.name).collect();
                let status =
                    exchange.status.map_or("no answer".to_owned(), |status| status.to_string());
                let text = format!(
                    "{:.3} s: {}, to {}: {status} after {} ms; disturbances: {}",
                    exchange.done.as_secs_f64(),
                    exchange.kind.name(),
                    exchange.instance.name(),
                    exchange.done.saturating_sub(exchange.sent).as_millis(),
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") },
                );
                inner.violate(text);
            }
        }
        if exchange.kind.is_timed() && exchange.status.is_some() {
            let took = exchange.done.saturating_sub(exchange.sent).as_micros();
            let second = exchange.sent.as_secs() as usize;
            let seconds = &mut inner.latencies[exchange.kind.service() as usize];
            if seconds.len() <= second {
                seconds.resize(second + 1, Vec::new());
            }
            seconds[second].push(u32::try_from(took).unwrap_or(u32::MAX));
        }
    }

    pub(crate) fn not_sent(&self) {
        self.inner.lock().unwrap().not_sent += 1;
    }

    /// Notes a violation that is none of a single answer.
    pub(crate) fn violate(&self, text: String) {
        self.inner.lock().unwrap().violate(text);
    }

    pub(crate) fn totals(&self) -> (u64, u64) {
        let inner = self.inner.lock().unwrap();
        (inner.answers.values().sum(), inner.violation_count)
    }

    pub(crate) fn take(&self) -> Inner {
        self.inner.lock().unwrap().clone()
    }
}

impl Inner {
    fn violate(&mut self, text: String) {
        self.violation_count += 1;
        if self.violations.len() < LISTED {
            println!("VIOLATION {text}");
            self.violations.push(text);
        }
    }

    /// Latencies of a service, of all seconds of a stretch of time, sorted.
    pub(crate) fn sorted(&self, service: Service, from: f64, until: f64) -> Vec<u32> {
        let seconds = &self.latencies[service as usize];
        let from = (from.max(0.0) as usize).min(seconds.len());
        let until = (until.max(0.0).ceil() as usize).clamp(from, seconds.len());
        let mut all: Vec<u32> = seconds[from..until].iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }
}

/// A percentile of sorted microseconds, in milliseconds.
pub(crate) fn percentile(sorted: &[u32], percent: usize) -> Option<f64> {
    let at = (sorted.len() * percent / 100).min(sorted.len().checked_sub(1)?);
    Some(f64::from(sorted[at]) / 1000.0)
}
