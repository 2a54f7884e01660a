//! Whether memory and open files stay where they are: a line through the samples of each process that was
//! there from the end of the warm-up to the end.

use crate::{
    fleet::{INSTANCES, Instance},
    sampler::Sample,
    settings::Settings,
    windows::Window,
};

/// A line through samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Where it begins and ends.
    pub(crate) first: f64,
    pub(crate) last: f64,
    /// Seconds between the two.
    pub(crate) span: f64,
}

impl Line {
    /// By least squares, through the medians of so many seconds each: what a disturbance costs for a moment is
    /// not a slope.
    fn through(samples: &[(f64, f64)], bucket: f64) -> Option<Self> {
        let begin = samples.first()?.0;
        let mut points: Vec<(f64, f64)> = Vec::new();
        let mut rest = samples;
        while let Some((at, _)) = rest.first() {
            let end = begin + (((at - begin) / bucket).floor() + 1.0) * bucket;
            let length = rest.partition_point(|(at, _)| *at < end);
            let (here, later) = rest.split_at(length);
            let mut values: Vec<f64> = here.iter().map(|(_, value)| *value).collect();
            values.sort_by(f64::total_cmp);
            points.push((end - bucket / 2.0, values[values.len() / 2]));
            rest = later;
        }
        let number = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / number;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let squares: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        if points.len() < 3 || squares == 0.0 {
            return None;
        }
        let slope = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / squares;
        let end = samples.last()?.0;
        let on_line = |at: f64| y + slope * (at - x);
        Some(Self { first: on_line(begin), last: on_line(end), span: end - begin })
    }

    /// How much it rises in an hour, in percent of where it begins.
    pub(crate) fn percent_per_hour(&self) -> f64 {
        self.percent() * 3600.0 / self.span
    }

    /// How much it has risen, in percent of where it begins.
    pub(crate) fn percent(&self) -> f64 {
        (self.last - self.first) / self.first * 100.0
    }
}

/// Both lines of a process that was there all the time.
pub(crate) struct Trend {
    pub(crate) instance: Instance,
    pub(crate) memory: Line,
    pub(crate) files: Line,
}

/// Until connections that a disturbance has ended are open again, in seconds.
const AFTERWARDS: f64 = 3.0;

/// Most that a line may rise: in an hour in a long run, and in the whole of a short one, which is too short to
/// tell a slope of one percent an hour from what the allocator does.
pub(crate) const PER_HOUR: f64 = 1.0;
pub(crate) const SHORT: f64 = 5.0;

impl Trend {
    /// Of the instances that stay, while nothing disturbs.
    pub(crate) fn all(samples: &[Sample], windows: &[Window], settings: &Settings) -> Vec<Self> {
        let from = settings.warm_up().as_secs_f64();
        let bucket = if settings.is_long() { 60.0 } else { 10.0 };
        let lines = INSTANCES.into_iter().filter(|instance| instance.stays()).map(|instance| {
            let is_calm = |at: f64| {
                windows.iter().all(|window| {
                    let until = window.until.map_or(f64::MAX, |until| until.as_secs_f64());
                    !(window.from.as_secs_f64()..=until + AFTERWARDS).contains(&at)
                })
            };
            let own = || {
                let own = samples.iter().filter(|s| s.instance == instance && s.at >= from);
                own.filter(|sample| is_calm(sample.at))
            };
            let line = |of: fn(&Sample) -> f64| {
                let values: Vec<_> = own().map(|sample| (sample.at, of(sample))).collect();
                Line::through(&values, bucket)
            };
            let (memory, files) = (line(|s| s.resident_kib)?, line(|s| s.files)?);
            Some(Self { instance, memory, files })
        });
        lines.flatten().collect()
    }

    /// The lines that rise more than they may.
    pub(crate) fn violations(&self, settings: &Settings) -> Vec<String> {
        if !settings.is_judged() {
            return Vec::new();
        }
        let lines = [("memory", self.memory), ("open files", self.files)];
        let rises = |line: &Line| {
            if settings.is_long() {
                line.percent_per_hour() > PER_HOUR
            } else {
                line.percent() > SHORT
            }
        };
        let rising = lines.into_iter().filter(|(_, line)| rises(line));
        rising
            .map(|(what, line)| {
                format!(
                    "{} of {} rises by {:.2} % in {:.0} s",
                    what,
                    self.instance.name(),
                    line.percent(),
                    line.span
                )
            })
            .collect()
    }
}
