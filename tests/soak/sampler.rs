//! Memory and open files of each instance, second by second, and whether the machine gets to run.

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    arena::Arena,
    fleet::{INSTANCES, Instance},
    redis_pair::probe,
    windows::Allowed,
};

/// What a process has at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: f64,
    pub(crate) instance: Instance,
    pub(crate) id: u32,
    pub(crate) resident_kib: f64,
    pub(crate) files: f64,
}

/// Longer than this, and a timer or a write of Redis is late because the machine does other things: the
/// library waits for Redis for 200 ms.
const LATE: Duration = Duration::from_millis(100);

/// For a second the library leaves a Redis alone that did not answer, and then it asks once.
const AFTER_EFFECT: Duration = Duration::from_millis(1500);

/// When the machine did not get to run.
#[derive(Default)]
pub(crate) struct Starvation(Mutex<Vec<(Duration, Duration)>>);

impl Starvation {
    fn note(&self, from: Duration, until: Duration) {
        self.0.lock().unwrap().push((from, until));
    }

    /// There was some around this time.
    pub(crate) fn touches(&self, from: Duration, until: Duration) -> bool {
        let list = self.0.lock().unwrap();
        list.iter().any(|(start, end)| *start <= until && *end + AFTER_EFFECT >= from)
    }

    /// Seconds in which there was some.
    pub(crate) fn seconds(&self) -> usize {
        let list = self.0.lock().unwrap();
        let mut seconds: Vec<_> =
            list.iter().flat_map(|(from, until)| from.as_secs()..=until.as_secs()).collect();
        seconds.sort_unstable();
        seconds.dedup();
        seconds.len()
    }
}

/// Watches the machine, from two threads of its own.
pub(crate) fn watch_machine(arena: &Arc<Arena>) -> [JoinHandle<()>; 2] {
    let (timers, probes) = (arena.clone(), arena.clone());
    let timers = std::thread::spawn(move || {
        while !timers.is_over() {
            let (from, start) = (timers.windows.elapsed(), Instant::now());
            std::thread::sleep(Duration::from_millis(10));
            if start.elapsed() > LATE {
                timers.starvation.note(from, timers.windows.elapsed());
            }
        }
    });
    let probes = std::thread::spawn(move || {
        while !probes.is_over() {
            std::thread::sleep(Duration::from_millis(50));
            let from = probes.windows.elapsed();
            let took = probe(probes.redis_port);
            let until = probes.windows.elapsed();
            let windows = probes.windows.during(from, until);
            let is_disturbed = windows.iter().any(|w| w.allowed.contains(&Allowed::NoStore));
            if !is_disturbed && took.is_none_or(|took| took > LATE) {
                probes.starvation.note(from, until);
            }
        }
    });
    [timers, probes]
}

/// Takes samples until the run is over.
pub(crate) fn sample(arena: &Arena) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut second = 0;
    let mut waited = HashMap::new();
    while !arena.is_over() {
        for instance in INSTANCES {
            if arena.fleet.has_crashed(instance) {
                arena.record.violate(format!("{} has ended by itself", instance.name()));
                arena.fleet.run(instance);
            }
            let Some(id) = arena.fleet.id(instance) else { continue };
            let now = arena.windows.elapsed();
            if waits_for_a_core(id, &mut waited) {
                arena.starvation.note(now.saturating_sub(Duration::from_secs(1)), now);
            }
            let clients = arena.fleet.connections(instance).address().port();
            if let (Some(resident_kib), Some(files)) = (resident_kib(id), files(id, clients)) {
                let at = arena.windows.elapsed().as_secs_f64();
                samples.push(Sample { at, instance, id, resident_kib, files });
            }
        }
        second += 1;
        let next = Duration::from_secs(second);
        std::thread::sleep(next.saturating_sub(arena.windows.elapsed()));
        if second % 30 == 0 {
            let (sent, violations) = arena.record.totals();
            println!("{second} s: {sent} answers, {violations} violations");
        }
    }
    samples
}

/// A thread of a process was ready to run and did not get to, for too long since the last time.
fn waits_for_a_core(id: u32, before: &mut HashMap<String, Duration>) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return false };
    let mut is_late = false;
    for thread in threads.flatten() {
        let path = thread.path().join("schedstat");
        let Some(waited) = fs::read_to_string(&path).ok().and_then(|text| {
            text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
        }) else {
            continue;
        };
        let known = before.insert(path.display().to_string(), waited).unwrap_or(waited);
        is_late |= waited.saturating_sub(known) > LATE;
    }
    is_late
}

fn resident_kib(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Without the connections of clients, which are as many as the load has.
fn files(id: u32, port: u16) -> Option<f64> {
    /// The state of a connection that is open on both sides: one that the server does not close counts.
    const OPEN: &str = "01";
    let all = fs::read_dir(format!("/proc/{id}/fd")).ok()?.count();
    let port = format!(":{port:04X}");
    let sockets = fs::read_to_string("/proc/net/tcp").ok()?;
    let of_clients = sockets.lines().filter(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next().is_some_and(|local| local.ends_with(&port));
        local && fields.nth(1).is_some_and(|state| state == OPEN)
    });
    Some(all.saturating_sub(of_clients.count()) as f64)
}
