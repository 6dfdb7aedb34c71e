//! The figures of an experiment, from which its page and its lines on a terminal are made.

use checker::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// An experiment with the place at which it was carried out: what `NAME.json` beside its page holds, and
/// what its part of the book is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredExperiment {
    /// The figures.
    pub figures: ExperimentFigures,
    /// The machine and the methods, in words.
    pub machine: String,
}

/// An experiment that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentFigures {
    /// Its name, as the command line has it.
    pub name: String,
    /// The claim in one sentence.
    pub claim: String,
    /// The reason for the claim and the way in which it is put to the test, in a few sentences.
    pub about: String,
    /// The outcome in one sentence.
    pub conclusion: String,
    /// The parts of the claim, each with what was found.
    pub checks: Vec<Check>,
    /// The meaning of the values that are drawn, with their unit.
    pub drawn: String,
    /// The values of each arm.
    pub plot: Vec<PlotRow>,
    /// The band that each arm's values are expected in, in words; none where there is no such band.
    pub band: Option<String>,
    /// The heads of the table's columns behind the arms' names.
    pub heads: Vec<String>,
    /// Its rows, one for each arm.
    pub table: Vec<TableRow>,
    /// The runs that count, and those that do not with their reasons, in words.
    pub runs: String,
    /// The command that makes all of it again.
    pub command: String,
}

/// A part of a claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Valid if it holds, Invalid if it does not, Unknown if too little was measured.
    pub verdict: Verdict,
    /// The part with the figures that decide it.
    pub sentence: String,
}

/// The values of one arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlotRow {
    /// The arm.
    pub arm: String,
    /// Every value.
    pub values: Vec<f64>,
    /// Their median; none of none.
    pub median: Option<Spread>,
    /// The band that they are expected in.
    pub band: Option<(f64, f64)>,
}

/// A figure with the interval in which the true one lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The figure.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end; none if it may be beyond all values.
    pub high: Option<f64>,
}

/// The figures of one arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// The arm.
    pub arm: String,
    /// A cell for each head.
    pub cells: Vec<String>,
}

impl ExperimentFigures {
    /// The worst verdict of its checks; Unknown without any.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.checks.iter().map(|check| check.verdict);
        verdicts.max().unwrap_or(Verdict::Unknown)
    }
}

/// The word for a claim, or a part of one, of this verdict.
pub fn claim_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "holds",
        Verdict::Invalid => "does not hold",
        Verdict::Unknown => "too little measured",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_holds_only_if_all_of_it_does() {
        let of = |verdicts: &[Verdict]| {
            let check = |verdict: &Verdict| Check { verdict: *verdict, sentence: String::new() };
            let mut figures = super::super::document::tests::sample();
            figures.checks = verdicts.iter().map(check).collect();
            figures.verdict()
        };
        assert_eq!(of(&[Verdict::Valid, Verdict::Valid]), Verdict::Valid);
        assert_eq!(of(&[Verdict::Valid, Verdict::Unknown]), Verdict::Unknown);
        assert_eq!(of(&[Verdict::Unknown, Verdict::Invalid]), Verdict::Invalid);
        assert_eq!(of(&[]), Verdict::Unknown, "nothing was asserted");
    }
}
