//! The endurance run: real instances of `resource-server` and `session-app` with a real Redis under load,
//! while everything around them is disturbed. `run.sh` builds and starts it; [Endurance] says what holds.
//!
//! Environment: `DURATION` (seconds), `RATE` (requests a second), `SEED`, `ONLY` (names of disturbances,
//! separated by commas), `OUTPUT` (the folder of the report). It ends with 1 where something was violated, and
//! with 2 where the machine was too busy to tell.
//!
//! [Endurance]: ../../docs/operations/endurance.md
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a tool for a script, which stops where it cannot go on"
)]

mod arena;
mod client;
mod disturbances;
mod events;
mod fleet;
mod hostile;
mod issuer;
mod load;
mod random;
mod record;
mod redis_pair;
mod report;
mod requests;
mod sampler;
mod sessions;
mod settings;
mod svg;
mod trend;
mod windows;

use std::{env, path::PathBuf, process::ExitCode, sync::Arc, thread};

use arena::Arena;
use disturbances::{DISTURBANCES, Disturbance};
use fleet::INSTANCES;
use load::MIX;
use random::Random;
use report::Report;
use settings::Settings;
use trend::Trend;

/// A run in which more than one of so many answers was due to a busy machine says nothing.
const STARVED: u64 = 1000;

fn main() -> ExitCode {
    let settings = Settings::from_env();
    let folder = PathBuf::from(env::var("OUTPUT").unwrap_or_else(|_| "target/soak".into()));
    std::fs::create_dir_all(&folder).unwrap();
    let tasks = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let tasks = tasks.unwrap();
    let arena = Arc::new(Arena::start(&settings, &folder));
    tasks.block_on(load::sign_up(&arena));

    let samples = thread::spawn({
        let arena = arena.clone();
        move || sampler::sample(&arena)
    });
    let watchers = sampler::watch_machine(&arena);
    let load = tasks.spawn(load::run(arena.clone(), settings.rate));
    let bursts = tasks.spawn(load::burst(arena.clone()));
    disturb(&arena, &settings, tasks.handle());
    arena.end();
    tasks.block_on(async { (load.await.unwrap(), bursts.await.unwrap()) });
    let samples = samples.join().unwrap();
    for watcher in watchers {
        watcher.join().unwrap();
    }

    let trends = Trend::all(&samples, &arena.windows.all(), &settings);
    for violation in trends.iter().flat_map(|trend| trend.violations(&settings)) {
        arena.record.violate(violation);
    }
    for instance in INSTANCES.into_iter().filter(|instance| arena.fleet.has_panicked(*instance)) {
        arena.record.violate(format!("{} has panicked", instance.name()));
    }
    for violation in without_effect(&arena) {
        arena.record.violate(violation);
    }
    let seen = arena.record.take();
    let length = arena.windows.elapsed().as_secs_f64();
    let starved_seconds = arena.starvation.seconds();
    let report = Report {
        settings: &settings,
        seen: &seen,
        samples: &samples,
        windows: &arena.windows.all(),
        trends: &trends,
        starved_seconds,
        length,
    };
    report.write(&folder);
    println!("{}: {} violations", folder.join("report.md").display(), seen.violation_count);
    if seen.violation_count > 0 {
        return ExitCode::FAILURE;
    }
    if seen.starved * STARVED > seen.answers.values().sum() {
        println!("the machine was too busy: {} answers of 503 are due to it", seen.starved);
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

/// Returns where the run shows nothing: disturbances that changed no answer and, if all disturbances were
/// run, kinds of requests that were never sent.
fn without_effect(arena: &Arena) -> Vec<String> {
    let seen = arena.record.take();
    let windows = arena.windows.all();
    let unnoticed = windows
        .iter()
        .filter(|window| window.has_to_be_noticed() && !seen.noticed.contains(&window.number))
        .map(|window| format!("{} at {} s had no effect", window.name, window.from.as_secs()));
    let mut possible = DISTURBANCES.iter().filter(|one| one.is_possible(arena));
    let is_complete = possible.all(|one| windows.iter().any(|window| window.name == one.name()));
    let unsent = MIX
        .iter()
        .filter(|(kind, _)| is_complete && !seen.answers.keys().any(|(sent, _)| sent == kind))
        .map(|(kind, _)| format!("no request was sent: {}", kind.name()));
    unnoticed.chain(unsent).collect()
}

/// Runs the disturbances one after the other, all of them again in another order while there is time.
fn disturb(arena: &Arc<Arena>, settings: &Settings, tasks: &tokio::runtime::Handle) {
    let random = Random::new(settings.seed);
    println!("seed {}, warm-up {} s", settings.seed, settings.warm_up().as_secs());
    if !arena.fleet.has_clock() {
        println!("libfaketime is not installed: no clock jumps");
    }
    if settings.is_judged() {
        // Before memory counts.
        let hostile = [Disturbance::HangUps, Disturbance::SlowClients, Disturbance::NeverRead];
        for next in hostile.into_iter().cycle() {
            if arena.windows.elapsed() + next.takes(settings) > settings.warm_up() {
                break;
            }
            next.run(arena, settings, tasks);
        }
    }
    thread::sleep(settings.warm_up().saturating_sub(arena.windows.elapsed()));
    let end = settings.duration.saturating_sub(settings.cool_down());
    let mut planned: Vec<Disturbance> = Vec::new();
    loop {
        if planned.is_empty() {
            planned = DISTURBANCES.to_vec();
            planned.retain(|disturbance| {
                settings.only.is_empty() || settings.only.iter().any(|n| n == disturbance.name())
            });
            planned.retain(|disturbance| disturbance.is_possible(arena));
            random.shuffle(&mut planned);
            let names: Vec<_> = planned.iter().rev().map(|planned| planned.name()).collect();
            println!("disturbances: {}", names.join(", "));
        }
        let Some(next) = planned.pop() else { break };
        if arena.windows.elapsed() + next.takes(settings) > end {
            // Perhaps a shorter one.
            if planned.is_empty() {
                break;
            }
            continue;
        }
        println!("{:.0} s: {}", arena.windows.elapsed().as_secs_f64(), next.name());
        next.run(arena, settings, tasks);
        thread::sleep(settings.pause());
    }
    thread::sleep(settings.duration.saturating_sub(arena.windows.elapsed()));
}
