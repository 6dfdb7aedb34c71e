//! Carrying out the runs of an experiment.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::arm::{Arm, ArmFigures};
use super::experiment::{Experiment, Extent};
use super::observed::Observed;
use crate::plan::Written;
use crate::repeats::{Go, Jobs, Pool, RunOutcome, Show, Wanted};

/// The runs of an experiment that were carried out.
#[derive(Debug)]
pub(crate) struct Carried {
    /// The figures of each arm.
    pub arms: Vec<ArmFigures>,
    /// For each run that does not count, the reason.
    pub uncounted: Vec<String>,
    /// True if a person ended it before all was done.
    pub interrupted: bool,
}

/// Carries out the runs of an experiment in folders below `folder`. The runs of one number have the
/// same seed in all arms, and follow each other: what changes on this machine meanwhile hits all alike.
///
/// # Errors
/// When a plan is none here, or a run cannot be started.
pub(crate) async fn carry_out(
    experiment: &Experiment,
    extent: Extent,
    seed: u64,
    jobs: usize,
    folder: &Path,
) -> Result<Carried> {
    let arms = (experiment.arms)(extent);
    let most = arms.iter().map(|arm| arm.runs).max().unwrap_or(0);
    let in_turns = (0..most).flat_map(|number| {
        let has = move |(_, arm): &(usize, &Arm)| number < arm.runs;
        arms.iter().enumerate().filter(has).map(move |(place, _)| (place, number))
    });
    let runs: Vec<(usize, u64)> = in_turns.collect();
    let mut wanted = Vec::new();
    for (number, (arm, run)) in (0..).zip(&runs) {
        let mut written = Written::from_toml(&arms[*arm].plan)?;
        written.set("seed", &(seed + run).to_string());
        wanted.push(Wanted { name: format!("{arm}-{run}"), number, plan: written.resolve()? });
    }
    let mut wanted = wanted.into_iter();
    let mut carried = Carried {
        arms: arms.iter().cloned().map(ArmFigures::new).collect(),
        uncounted: Vec::new(),
        interrupted: false,
    };
    let mut pool = Pool::new(folder.to_owned(), Jobs::new(Some(jobs)), None)?;
    let show = Show::start(Some(runs.len() as u64));
    let take = |number: u64, outcome: RunOutcome| {
        let (place, run) = runs[number as usize];
        let arm = &mut carried.arms[place];
        let said = match measured(experiment, &arm.arm, &outcome) {
            Ok(figures) => {
                let cells = experiment.figures.iter().zip(&figures);
                let cells = cells
                    .map(|(figure, values)| format!("{} {}", figure.head, figure.cell(values)));
                let cells = cells.collect::<Vec<_>>().join(" · ");
                arm.runs.push((run, figures));
                // They are counted. What cannot be removed does no harm.
                let _ = fs::remove_dir_all(folder.join(format!("{place}-{run}")));
                cells
            }
            Err(reason) => {
                let said = format!("does not count: {reason}");
                carried.uncounted.push(format!("{}: {reason}", arm.arm.label));
                said
            }
        };
        show.line(&format!("{}, {}, run {}: {said}", experiment.name, arm.arm.label, run + 1));
        show.step();
        Ok(Go::On)
    };
    pool.carry_out(&show, || wanted.next(), take).await?;
    carried.interrupted = pool.is_interrupted();
    pool.finish().await;
    for arm in &mut carried.arms {
        // They ended in any order.
        arm.runs.sort_by_key(|(run, _)| *run);
    }
    Ok(carried)
}

/// A controller that was so late, in seconds, was on a machine whose nodes were late as well: an
/// election of theirs says nothing about Raft.
const LATE: f64 = 0.25;

/// The figures of a run, or the reason for which it does not count. A history that breaks a promise
/// counts: an experiment may be about that.
fn measured(
    experiment: &Experiment,
    arm: &Arm,
    outcome: &RunOutcome,
) -> Result<Vec<Vec<f64>>, String> {
    if let Some(failure) = &outcome.failure {
        return Err(failure.clone());
    }
    if outcome.interrupted {
        return Err("it was interrupted".to_owned());
    }
    if outcome.starved {
        return Err("this machine had no time for it".to_owned());
    }
    if let Some((family, reason)) = outcome.left_out.first() {
        return Err(format!("no {family} faults here: {reason}"));
    }
    let run = outcome.run.as_deref().ok_or("it left nothing")?;
    let observed = Observed::read(run).map_err(|error| format!("{error:#}"))?;
    let late = observed.summary.liveness.load_lateness_seconds;
    if experiment.timed && late > LATE {
        return Err(format!("this machine was up to {late:.2} s late"));
    }
    Ok((experiment.measure)(&observed, arm))
}
