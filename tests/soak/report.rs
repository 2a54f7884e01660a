//! The report of a run: tables in Markdown, plots in SVG.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    fleet::INSTANCES,
    record::{Inner, percentile},
    requests::{SERVICES, Service},
    sampler::Sample,
    settings::Settings,
    svg::{Plot, Series},
    trend::{PER_HOUR, SHORT, Trend},
    windows::Window,
};

pub(crate) struct Report<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) seen: &'a Inner,
    pub(crate) samples: &'a [Sample],
    pub(crate) windows: &'a [Window],
    pub(crate) trends: &'a [Trend],
    pub(crate) starved_seconds: usize,
    pub(crate) length: f64,
}

/// The plot of each service.
const LATENCY_PLOTS: [&str; SERVICES.len()] =
    ["latency.svg", "latency-sessions.svg", "latency-receivers.svg"];

/// Before and after a disturbance, in its row.
const BESIDE: f64 = 10.0;

impl Report<'_> {
    /// Writes all of it into a folder.
    pub(crate) fn write(&self, folder: &Path) {
        fs::write(folder.join("report.md"), self.text()).unwrap();
        for (service, file) in SERVICES.iter().zip(LATENCY_PLOTS) {
            fs::write(folder.join(file), self.latency(*service)).unwrap();
        }
        let memory = self.of_processes("Resident memory", "MiB", |s| s.resident_kib / 1024.0);
        fs::write(folder.join("memory.svg"), memory).unwrap();
        let files = self.of_processes("Open file descriptors", "number", |s| s.files);
        fs::write(folder.join("files.svg"), files).unwrap();
    }

    fn text(&self) -> String {
        let Self { settings, seen, .. } = self;
        let answers: u64 = seen.answers.values().sum();
        let mut text = format!(
            "# Endurance run\n\n\
             {:.0} s (warm-up {} s), seed {}, {} requests a second.\n\n\
             - {answers} answers; {} of them allowed only by a window.\n\
             - {} violations.\n\
             - {} answers of 503 while the machine did not get to run, which was the case in {} seconds.\n\
             - {} requests not sent, because too many waited.\n\n",
            self.length,
            settings.warm_up().as_secs(),
            settings.seed,
            settings.rate,
            seen.excused,
            seen.violation_count,
            seen.starved,
            self.starved_seconds,
            seen.not_sent,
        );
        text += "## Violations\n\n";
        if seen.violations.is_empty() {
            text += "None.\n";
        }
        for violation in &seen.violations {
            let _ = writeln!(text, "- {violation}");
        }
        text += &self.latency_table();
        text += &self.trend_table();
        text += &self.answer_table();
        text
    }

    /// Latencies while nothing disturbs, and before, during and after each disturbance.
    fn latency_table(&self) -> String {
        let mut text = String::from(
            "\n## Latencies\n\nMilliseconds of good tokens, p50 / p99: the ten seconds before, during the \
             window, the ten seconds after.\n\n\
             | | disturbance | from | until | resource-server before | during | after | session-app before \
             | during | after | event receiver before | during | after |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for window in self.windows {
            let from = window.from.as_secs_f64();
            let until = window.until.map_or(self.length, |until| until.as_secs_f64());
            let _ = write!(
                text,
                "| {} | {} | {from:.0} s | {until:.0} s |",
                window.number, window.name
            );
            for service in SERVICES {
                for (from, until) in [(from - BESIDE, from), (from, until), (until, until + BESIDE)]
                {
                    let sorted = self.seen.sorted(service, from, until);
                    let cell = |percent| {
                        percentile(&sorted, percent).map_or("–".into(), |ms| format!("{ms:.1}"))
                    };
                    let _ = write!(text, " {} / {} |", cell(50), cell(99));
                }
            }
            text.push('\n');
        }
        text
    }

    fn trend_table(&self) -> String {
        let bound = if self.settings.is_long() {
            format!("at most {PER_HOUR} % an hour")
        } else if self.settings.is_judged() {
            format!("at most {SHORT} % in all: the run is too short for a slope per hour")
        } else {
            "not judged: the run is too short".to_owned()
        };
        let mut text = format!(
            "\n## Memory and files\n\nAfter the warm-up, while nothing disturbs, of the instances that were not restarted; \
             {bound}. Files without the connections of clients.\n\n\
             | instance | memory at first | at last | in all | an hour | files at first | at last |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for trend in self.trends {
            let (memory, files) = (trend.memory, trend.files);
            let _ = writeln!(
                text,
                "| {} | {:.1} MiB | {:.1} MiB | {:+.2} % | {:+.2} % | {:.1} | {:.1} |",
                trend.instance.name(),
                memory.first / 1024.0,
                memory.last / 1024.0,
                memory.percent(),
                memory.percent_per_hour(),
                files.first,
                files.last,
            );
        }
        text
    }

    fn answer_table(&self) -> String {
        let mut text = String::from(
            "\n## Answers\n\n`none` is a connection that ended without an answer.\n\n\
             | request | answers |\n| --- | --- |\n",
        );
        let mut row = None;
        for ((kind, status), number) in &self.seen.answers {
            if row == Some(*kind) {
                text.truncate(text.len() - " |\n".len());
                text += ", ";
            } else {
                let _ = write!(text, "| {} | ", kind.name());
                row = Some(*kind);
            }
            let status = if *status == 0 { "none".to_owned() } else { status.to_string() };
            let _ = writeln!(text, "{number} × {status} |");
        }
        text
    }

    /// Percentiles of ten seconds each.
    fn latency(&self, service: Service) -> String {
        let series = [(50, "p50"), (99, "p99")].map(|(percent, name)| {
            let steps = (self.length / 10.0) as usize;
            let points = (0..steps).map(|step| {
                let from = step as f64 * 10.0;
                let sorted = self.seen.sorted(service, from, from + 10.0);
                (from + 5.0, percentile(&sorted, percent))
            });
            Series { name: name.into(), points: points.collect() }
        });
        let title = format!("Latency of good tokens, {}", service.name());
        Plot {
            title: &title,
            unit: "ms",
            is_logarithmic: true,
            series: series.into(),
            windows: self.windows,
            length: self.length,
        }
        .draw()
    }

    fn of_processes(&self, title: &str, unit: &str, of: fn(&Sample) -> f64) -> String {
        let series = INSTANCES.map(|instance| {
            let mut points: Vec<(f64, Option<f64>)> = Vec::new();
            let mut id = 0;
            for sample in self.samples.iter().filter(|sample| sample.instance == instance) {
                if sample.id != id && id != 0 {
                    points.push((sample.at, None));
                }
                id = sample.id;
                points.push((sample.at, Some(of(sample))));
            }
            Series { name: instance.name().into(), points }
        });
        Plot {
            title,
            unit,
            is_logarithmic: false,
            series: series.into(),
            windows: self.windows,
            length: self.length,
        }
        .draw()
    }
}
