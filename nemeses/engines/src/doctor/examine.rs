//! The helpers that try the engines, and the process that asks them.

use std::io::Write;
use std::time::Duration;

use nix::unistd::geteuid;

use super::probe::{Probe, TrialResult};
use super::trials::{self, IN_LAB, PLAIN, Trial};
use crate::process_tree::{Helper, ParentLink, Role, start_helper};

/// For one trial. The slowest, iptables-nft, takes a tenth of a second on an idle machine.
const TRIAL_PATIENCE: Duration = Duration::from_secs(5);

/// Tries every engine; about half a second. [`dispatch`](crate::process_tree::dispatch) must come
/// first in `main`.
pub fn examine() -> Vec<Probe> {
    let mut probes = run_role(Role::ProbePlain, PLAIN, None);
    let no_namespace = probes.iter().find(|it| it.name == trials::USER_NAMESPACE && !it.works);
    // Root has a lab without.
    let cause = no_namespace.filter(|_| !geteuid().is_root()).map(|it| it.name.clone());
    probes.extend(run_role(Role::ProbeLab, IN_LAB, cause));
    probes
}

/// Tries the namespace lab, with the links between its nodes. It takes a
/// twentieth of a second.
///
/// # Errors
/// The first thing that is missing, and the reason.
pub fn try_namespace_lab() -> Result<(), String> {
    let mut helper = start_helper(Role::ProbeLab, None).map_err(|error| error.to_string())?;
    for trial in &IN_LAB[..trials::LAB_NEEDS] {
        hear(&mut helper)
            .and_then(|result| result)
            .map_err(|why| format!("{}: {why}", trial.name))?;
    }
    Ok(())
}

/// Has one helper run its trials. When it hangs or dies, the trial that it was at failed and those
/// after it were not tried. When it cannot be started, none is, by the failure of the trial `cause`
/// where there is one, and else of the first.
fn run_role(role: Role, trials: &[Trial], mut cause: Option<String>) -> Vec<Probe> {
    let mut helper = start_helper(role, None).map_err(|error| error.to_string());
    let mut probes = Vec::new();
    for trial in trials {
        let follows = cause.clone().filter(|_| helper.is_err());
        let result = match &mut helper {
            Ok(child) => hear(child).unwrap_or_else(|why| {
                helper =
                    Err(format!("not tried: its helper had ended, since {}: {why}", trial.name));
                cause = Some(trial.name.to_owned());
                Err(why)
            }),
            Err(why) => {
                cause.get_or_insert_with(|| trial.name.to_owned());
                Err(why.clone())
            }
        };
        probes.push(Probe { follows, ..trial.probe(result) });
    }
    probes
}

/// The outer error is that the helper itself is no more use.
fn hear(helper: &mut Helper) -> Result<TrialResult, String> {
    let line = helper.report_within(TRIAL_PATIENCE);
    let line = line.ok_or_else(|| "it hung or died, and was ended".to_owned())?;
    serde_json::from_str(&line).map_err(|error| format!("its result makes no sense: {error}"))
}

/// The helper that runs as the user is.
pub(crate) fn probe_plain(parent: ParentLink) {
    run_trials(PLAIN, parent);
}

/// The helper that runs inside the namespaces of a lab.
pub(crate) fn probe_lab(parent: ParentLink) {
    run_trials(IN_LAB, parent);
}

fn run_trials(trials: &[Trial], mut parent: ParentLink) {
    for trial in trials {
        let line = serde_json::to_string(&(trial.run)()).expect("a result is plain data");
        if writeln!(parent.reports, "{line}").is_err() {
            // The process that asked is gone.
            return;
        }
    }
}
