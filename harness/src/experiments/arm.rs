//! An arm: runs of one plan, which differ in nothing but their seeds.

use results::experiment::{PlotRow, Spread};

use crate::statistics::{Rate, Watched, median};

/// An arm as it is planned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arm {
    /// The arm in a few words.
    pub label: String,
    /// True for the arm with the cure that the claim is about, where there is one.
    pub cured: bool,
    /// The number of nodes.
    pub nodes: usize,
    /// The quantity that the arms differ in; its meaning is the experiment's.
    pub factor: f64,
    /// The band in which the values of the first figure are expected.
    pub band: Option<(f64, f64)>,
    /// The plan of its runs as TOML, without their seeds.
    pub plan: String,
    /// The number of its runs.
    pub runs: u64,
}

/// The figures of the runs of an arm that count.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ArmFigures {
    /// The arm.
    pub arm: Arm,
    /// For each run its number, and the values of each figure.
    pub runs: Vec<(u64, Vec<Vec<f64>>)>,
}

impl ArmFigures {
    /// An arm of which nothing was measured yet.
    pub fn new(arm: Arm) -> ArmFigures {
        ArmFigures { arm, runs: Vec::new() }
    }

    /// The values of the figure at this place, of all runs.
    pub fn values(&self, figure: usize) -> Vec<f64> {
        self.by_run(figure).flat_map(|(_, values)| values.iter().copied()).collect()
    }

    /// The same, run by run with their numbers.
    pub fn by_run(&self, figure: usize) -> impl Iterator<Item = (u64, &[f64])> {
        self.runs.iter().filter_map(move |(run, figures)| Some((*run, &figures.get(figure)?[..])))
    }

    /// The share of the values of a figure of yes and no that are yes.
    pub fn rate(&self, figure: usize) -> Rate {
        rate_of(&self.values(figure))
    }

    /// The median of a figure; none of no values.
    pub fn median(&self, figure: usize) -> Option<Spread> {
        spread(&self.values(figure))
    }

    /// The median of a figure as a number; NaN of no values, which is within no bound.
    pub fn half(&self, figure: usize) -> f64 {
        self.median(figure).map_or(f64::NAN, |median| median.value)
    }

    /// The values of the first figure as they are drawn.
    pub fn plot_row(&self) -> PlotRow {
        PlotRow {
            arm: self.arm.label.clone(),
            values: self.values(0),
            median: self.median(0),
            band: self.arm.band,
        }
    }
}

/// The share of values that are yes, which is 1.
pub(super) fn rate_of(values: &[f64]) -> Rate {
    let yes = values.iter().filter(|value| **value > 0.5).count();
    Rate { failed: yes as u64, runs: values.len() as u64 }
}

/// The median with its interval at 95 %; none of no values.
pub(super) fn spread(values: &[f64]) -> Option<Spread> {
    let each = values.iter().map(|value| Watched { seconds: *value, happened: true });
    let found = median(&each.collect::<Vec<_>>());
    let value = found.seconds?;
    Some(Spread { value, low: found.low.unwrap_or(value).min(value), high: found.high })
}
