//! The CPU time of a call, as the median of many rounds.

use std::time::Duration;

use crate::cpu_time::cpu;

pub(crate) const ROUNDS: usize = 60;
/// How long a batch takes: long against the clock's resolution, short against a scheduler's slice.
const BATCH: Duration = Duration::from_millis(3);

/// Seconds of CPU for one call, the median of the rounds.
pub(crate) fn median_time(mut call: impl FnMut()) -> f64 {
    let calls = batch(&mut call);
    median((0..ROUNDS).map(|_| time(&mut call, calls)))
}

/// How many calls fill a batch.
pub(crate) fn batch(call: &mut impl FnMut()) -> usize {
    let mut calls = 1;
    loop {
        let each = time(call, calls);
        if each * calls as f64 >= BATCH.as_secs_f64() {
            return calls;
        }
        calls *= 2;
    }
}

/// Seconds of CPU for one call.
pub(crate) fn time(call: &mut impl FnMut(), calls: usize) -> f64 {
    let start = cpu();
    for _ in 0..calls {
        call();
    }
    cpu().saturating_sub(start).as_secs_f64() / calls as f64
}

pub(crate) fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
