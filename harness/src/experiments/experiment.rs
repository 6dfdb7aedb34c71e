//! An experiment: its claim, its arms, how each run is measured, and what decides the claim.

use checker::verdict::Verdict;
use results::experiment::{Check, ExperimentFigures, TableRow};
use results::words::counted;

use super::arm::{Arm, ArmFigures};
use super::figure::Figure;
use super::observed::Observed;

/// A claim about Raft with the runs that put it to the test.
#[derive(Debug)]
pub(crate) struct Experiment {
    /// The name on the command line.
    pub name: &'static str,
    /// The claim in one sentence, without its full stop.
    pub claim: &'static str,
    /// The reason for it and the way in which it is put to the test.
    pub about: &'static str,
    /// The figures of a run; the values of the first are drawn.
    pub figures: &'static [Figure],
    /// The band in which those are expected; none where the arms have none.
    pub band: Option<&'static str>,
    /// True if its figures are times, which a busy machine makes longer.
    pub timed: bool,
    /// The groups of runs that are compared.
    pub arms: fn(Extent) -> Vec<Arm>,
    /// The values of each figure in a run of an arm; none where nothing was to be measured.
    pub measure: fn(&Observed, &Arm) -> Vec<Vec<f64>>,
    /// The parts of the claim, by the figures of all arms.
    pub judge: fn(&[ArmFigures]) -> Vec<Check>,
}

/// The size of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// A minute's worth of runs instead of several minutes'.
    pub quick: bool,
    /// The number of nodes; none for those that the experiment is about.
    pub nodes: Option<usize>,
}

impl Extent {
    /// The sizes of clusters: the one that was asked for, or the usual ones.
    pub fn sizes(self, usual: &[usize]) -> Vec<usize> {
        self.nodes.map_or_else(|| usual.to_vec(), |nodes| vec![nodes])
    }

    /// The number of runs of each arm.
    pub fn runs(self, quick: u64, all: u64) -> u64 {
        if self.quick { quick } else { all }
    }
}

/// The figures of an experiment as they are shown; `uncounted` says why runs do not count.
pub(crate) fn figures(
    experiment: &Experiment,
    arms: &[ArmFigures],
    uncounted: &[String],
    command: String,
) -> ExperimentFigures {
    let checks = (experiment.judge)(arms);
    let runs: u64 = arms.iter().map(|arm| arm.runs.len() as u64).sum();
    let mut said = format!("{} in {}.", counted(runs, "run"), counted(arms.len() as u64, "arm"));
    if !uncounted.is_empty() {
        let more = counted(uncounted.len() as u64, "run");
        said.push_str(&format!(" {more} not counted: {}.", uncounted.join("; ")));
    }
    let row = |arm: &ArmFigures| {
        let cell = |(place, figure): (usize, &Figure)| figure.cell(&arm.values(place));
        let cells = experiment.figures.iter().enumerate().map(cell).collect();
        TableRow { arm: arm.arm.label.clone(), cells }
    };
    ExperimentFigures {
        name: experiment.name.to_owned(),
        claim: experiment.claim.to_owned(),
        about: experiment.about.to_owned(),
        conclusion: conclusion(&checks),
        checks,
        drawn: experiment.figures[0].drawn(),
        plot: arms.iter().map(ArmFigures::plot_row).collect(),
        band: experiment.band.map(str::to_owned),
        heads: experiment.figures.iter().map(|figure| figure.head.to_owned()).collect(),
        table: arms.iter().map(row).collect(),
        runs: said,
        command,
    }
}

/// The conclusion: the part of the claim that decides it; where all of it holds, the first two.
fn conclusion(checks: &[Check]) -> String {
    let worst = checks.iter().map(|check| check.verdict).max();
    let most = if worst == Some(Verdict::Valid) { 2 } else { 1 };
    let deciding = checks.iter().filter(|check| Some(check.verdict) == worst).take(most);
    let sentences: Vec<&str> = deciding.map(|check| check.sentence.as_str()).collect();
    let mut sentence = sentences.join("; ");
    if let Some(first) = sentence.get(..1).map(str::to_uppercase) {
        sentence.replace_range(..1, &first);
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::super::ALL;
    use super::*;
    use crate::plan::Written;

    #[test]
    fn the_part_that_decides_is_the_conclusion() {
        let check = |verdict, sentence: &str| Check { verdict, sentence: sentence.to_owned() };
        let checks = [check(Verdict::Valid, "it is so"), check(Verdict::Invalid, "it is not")];
        assert_eq!(conclusion(&checks), "It is not.");
        assert_eq!(conclusion(&checks[..1]), "It is so.");
    }

    #[test]
    fn every_arm_of_every_experiment_is_a_plan_and_none_is_judged_by_nothing() {
        for experiment in ALL {
            for quick in [true, false] {
                let arms = (experiment.arms)(Extent { quick, nodes: None });
                assert!(arms.len() >= 2, "{} compares nothing", experiment.name);
                for arm in &arms {
                    let plan = Written::from_toml(&arm.plan).and_then(|written| written.resolve());
                    let plan = plan.unwrap_or_else(|error| panic!("{}: {error:#}", arm.label));
                    assert_eq!(plan.nodes, arm.nodes, "{}: {}", experiment.name, arm.label);
                }
                let empty: Vec<ArmFigures> = arms.into_iter().map(ArmFigures::new).collect();
                let shown = figures(experiment, &empty, &[], String::new());
                assert_eq!(shown.verdict(), Verdict::Unknown, "{}", experiment.name);
                assert!(shown.checks.iter().all(|check| check.verdict == Verdict::Unknown));
            }
        }
    }
}
