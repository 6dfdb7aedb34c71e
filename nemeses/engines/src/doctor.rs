//! What this machine can do: each engine is tried for real, in a throwaway place, with a time
//! limit.
//!
//! The trials run in helper processes: one as the user is, one inside the namespaces of a lab, so
//! that they find what a run would find, need no root, and leave nothing even if they hang.

mod trials;

use std::io::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::process_tree::{Child, Stage, Ties, start_stage};
use trials::{IN_LAB, PLAIN, Trial};

/// What came of trying one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What was tried.
    pub name: String,
    /// Whether it did what it should.
    pub works: bool,
    /// What was seen, or why it failed.
    pub detail: String,
    /// What is lost without it.
    pub costs: String,
    /// What to install or allow.
    pub remedy: String,
}

/// What came of a trial: what was seen, or why it failed. A helper writes one a line, as JSON.
type Finding = Result<String, String>;

/// For one trial. The slowest, iptables-nft, takes a tenth of a second on an idle machine.
const TRIAL_PATIENCE: Duration = Duration::from_secs(5);

/// Tries every engine; about half a second. [`super::process_tree::dispatch`] must come first in
/// `main`.
pub fn examine() -> Vec<Probe> {
    let stages = [(Stage::ProbePlain, PLAIN), (Stage::ProbeLab, IN_LAB)];
    stages.into_iter().flat_map(|(stage, trials)| run_stage(stage, trials)).collect()
}

/// Whether the namespace lab can be had, with the links between its nodes; else why not. A
/// twentieth of a second.
///
/// # Errors
/// What is missing and why.
pub fn try_namespace_lab() -> Result<(), String> {
    let mut helper = start_stage(Stage::ProbeLab, None).map_err(|error| error.to_string())?;
    for trial in &IN_LAB[..trials::LAB_NEEDS] {
        hear(&mut helper)
            .and_then(|finding| finding)
            .map_err(|why| format!("{}: {why}", trial.name))?;
    }
    Ok(())
}

/// Has one helper run its trials. When it hangs or dies, the trial that it was at failed and those
/// after it were not tried.
fn run_stage(stage: Stage, trials: &[Trial]) -> Vec<Probe> {
    let mut helper = start_stage(stage, None).map_err(|error| error.to_string());
    let mut probes = Vec::new();
    for trial in trials {
        let finding = match &mut helper {
            Ok(child) => hear(child).unwrap_or_else(|why| {
                helper =
                    Err(format!("not tried: its helper had ended, since {}: {why}", trial.name));
                Err(why)
            }),
            Err(why) => Err(why.clone()),
        };
        probes.push(trial.probe(finding));
    }
    probes
}

/// The outer error is that the helper itself is no more use.
fn hear(helper: &mut Child) -> Result<Finding, String> {
    let line = helper.report_within(TRIAL_PATIENCE);
    let line = line.ok_or_else(|| "it hung or died, and was ended".to_owned())?;
    serde_json::from_str(&line).map_err(|error| format!("its finding makes no sense: {error}"))
}

/// The helper that runs as the user is.
pub(super) fn probe_plain(ties: Ties) {
    run_trials(PLAIN, ties);
}

/// The helper that runs inside the namespaces of a lab.
pub(super) fn probe_lab(ties: Ties) {
    run_trials(IN_LAB, ties);
}

fn run_trials(trials: &[Trial], mut ties: Ties) {
    for trial in trials {
        let line = serde_json::to_string(&(trial.run)()).expect("a finding is plain data");
        if writeln!(ties.reports, "{line}").is_err() {
            // Whoever asked is gone.
            return;
        }
    }
}
