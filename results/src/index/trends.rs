//! Figures night by night.

use super::model::{IndexNight, IndexRun, Series};

/// The most nights whose figures are held side by side: of more, no line is to be seen.
const NIGHTS: usize = 120;

/// A figure over the last nights of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// The name of the figure.
    pub name: &'static str,
    /// The sentence that says what it is, for those who meet it first.
    pub about: &'static str,
    /// Its lines, such as the median and the slowest tenth.
    pub lines: Vec<TrendLine>,
}

/// A line of a trend.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendLine {
    /// The name.
    pub name: &'static str,
    /// The value of each night, in seconds; none of one without such runs.
    pub seconds: Vec<Option<f64>>,
}

/// The trends of a series, without those that no night has a value of.
///
/// Another figure of nights is one more of these.
pub fn trends(series: &Series) -> Vec<Trend> {
    let mut trends = vec![
        Trend {
            name: "Time to recovery",
            about: "from the last undo to the last node’s answer",
            lines: vec![
                line(series, "median", 50, |run| run.recovery_seconds),
                line(series, "slowest tenth", 90, |run| run.recovery_seconds),
            ],
        },
        Trend {
            name: "Latency",
            about: "of operations that were ok, faults included; the median of the runs",
            lines: vec![
                line(series, "p50", 50, |run| Some(run.latency?.p50_ms / 1e3)),
                line(series, "p99", 50, |run| Some(run.latency?.p99_ms / 1e3)),
            ],
        },
    ];
    let has_values =
        |trend: &Trend| trend.lines.iter().any(|it| it.seconds.iter().any(Option::is_some));
    trends.retain(has_values);
    trends
}

fn line(
    series: &Series,
    name: &'static str,
    percent: usize,
    of: impl Fn(&IndexRun) -> Option<f64>,
) -> TrendLine {
    let seconds = last(series).iter().map(|night| of_night(night, percent, &of)).collect();
    TrendLine { name, seconds }
}

/// The nights that a trend is about.
pub(super) fn last(series: &Series) -> &[IndexNight] {
    &series.nights[series.nights.len().saturating_sub(NIGHTS)..]
}

/// The value of a night that so many percent of its runs do not exceed. Runs for which the machine
/// had no time are left out.
pub(super) fn of_night(
    night: &IndexNight,
    percent: usize,
    of: impl Fn(&IndexRun) -> Option<f64>,
) -> Option<f64> {
    let counted = night.runs.iter().filter(|run| run.uncounted.is_none());
    let mut values: Vec<f64> = counted.filter_map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}
