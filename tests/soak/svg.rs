//! Plots of lines over time, with the windows of disturbances behind them.

use std::fmt::Write as _;

use crate::windows::Window;

/// A line with its name.
pub(crate) struct Series {
    pub(crate) name: String,
    /// Seconds and values; a gap where there is none.
    pub(crate) points: Vec<(f64, Option<f64>)>,
}

pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    /// Of the vertical axis.
    pub(crate) unit: &'a str,
    /// Whether that one is logarithmic.
    pub(crate) is_logarithmic: bool,
    pub(crate) series: Vec<Series>,
    pub(crate) windows: &'a [Window],
    /// Seconds.
    pub(crate) length: f64,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 40.0;
const COLOURS: [&str; 6] = ["#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a"];

impl Plot<'_> {
    /// The text of the file.
    pub(crate) fn draw(&self) -> String {
        let (low, high) = self.bounds();
        let x = |at: f64| LEFT + at / self.length * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| {
            let (value, low, high) = (self.scale(value), self.scale(low), self.scale(high));
            HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
             <text x=\"{LEFT}\" y=\"18\" font-size=\"14\">{}</text>\n",
            self.title
        );
        for window in self.windows {
            let from = x(window.from.as_secs_f64());
            let until = x(window.until.map_or(self.length, |until| until.as_secs_f64()));
            let (bottom, height) = (HEIGHT - BOTTOM, HEIGHT - TOP - BOTTOM);
            let _ = writeln!(
                svg,
                "<rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{height}\" \
                 fill=\"#eaeef2\"><title>{}</title></rect>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#57606a\" font-size=\"9\">{}</text>",
                (until - from).max(1.0),
                window.name,
                from + 1.0,
                bottom - 3.0,
                window.number
            );
        }
        for value in self.ticks(low, high) {
            let at = y(value);
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#d0d7de\"/>\n\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0
            );
        }
        for minute in 0..=6 {
            let at = self.length * f64::from(minute) / 6.0;
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{:.0} s</text>",
                x(at),
                HEIGHT - BOTTOM + 16.0,
                at
            );
        }
        let _ = writeln!(svg, "<text x=\"6\" y=\"{}\">{}</text>", TOP - 6.0, self.unit);
        for (number, series) in self.series.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let points = series.points.iter();
            let points: Vec<Option<(f64, String)>> = points
                .map(|(at, value)| value.map(|value| (x(*at), format!("{:.1}", y(value.max(low))))))
                .collect();
            let mut path = String::new();
            for (number, point) in points.iter().enumerate() {
                let Some((at, height)) = point else { continue };
                let beside = |number: Option<usize>| points.get(number?)?.as_ref();
                let before = beside(number.checked_sub(1));
                // What is on a level line needs no point of its own.
                let is_level =
                    |other: Option<&(f64, String)>| other.is_some_and(|o| o.1 == *height);
                if !is_level(before) || !is_level(beside(Some(number + 1))) {
                    let command = if before.is_some() { 'L' } else { 'M' };
                    let _ = write!(path, "{command}{at:.1} {height}");
                }
            }
            let _ = writeln!(
                svg,
                "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n\
                 <text x=\"{}\" y=\"34\" fill=\"{colour}\">{}</text>",
                LEFT + 145.0 * number as f64,
                series.name
            );
        }
        svg + "</svg>\n"
    }

    fn scale(&self, value: f64) -> f64 {
        if self.is_logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value }
    }

    fn bounds(&self) -> (f64, f64) {
        let values = || {
            let points = self.series.iter().flat_map(|series| &series.points);
            points.filter_map(|(_, value)| *value)
        };
        let high = values().fold(f64::MIN_POSITIVE, f64::max);
        if self.is_logarithmic {
            let low = values().fold(high, f64::min).max(0.01);
            (10_f64.powf(low.log10().floor()), 10_f64.powf(high.max(low * 10.0).log10().ceil()))
        } else {
            (0.0, if high > 1.0 { high * 1.1 } else { 1.0 })
        }
    }

    fn ticks(&self, low: f64, high: f64) -> Vec<f64> {
        if self.is_logarithmic {
            let powers = low.log10().round() as i32..=high.log10().round() as i32;
            return powers.map(|power| 10_f64.powi(power)).collect();
        }
        let rough = (high / 5.0).max(f64::MIN_POSITIVE);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(power);
        (0..=5).map(|number| f64::from(number) * step).filter(|value| *value <= high).collect()
    }
}
