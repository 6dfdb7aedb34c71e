//! `stormproof run`.

use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;

use anyhow::{Context, Result};
use checker::verdict::Verdict;
use clap::Args;
use engines::process_tree::Place;
use faults::fault::Family;
use results::run_directory::REPORT;
use results::summary::Summary;
use results::words;
use workloads::Workload;

use crate::exit::Exit;
use crate::lab::{self, Fitted};
use crate::plan::{Again, Plan, PlanFlags};
use crate::printing::{err, out};
use crate::run::{Ended, Setup, execute};
use crate::targets::Target;
use crate::verdict_text;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    plan: PlanFlags,
    #[command(flatten)]
    machine: MachineFlags,
}

/// The folder of the run directories, unless `--results` names another one.
const RUNS: &str = "results/runs";

/// Flags that are no part of a plan, since they say nothing about what happens to the cluster.
#[derive(Debug, Args)]
pub struct MachineFlags {
    /// The folder of the run directories [default: results/runs]
    #[arg(long, value_name = "DIR", help_heading = "This machine")]
    pub results: Option<PathBuf>,
}

pub fn main(place: Place, arguments: Arguments) -> Result<Exit> {
    let plan = arguments.plan.resolve()?;
    let by_name = |family| arguments.plan.asks_by_name(family);
    let subject = Subject::of(&plan)?;
    carry_out(place, plan, subject, by_name, arguments.machine, Again::Run)
}

/// The service under test and its workload.
pub struct Subject {
    /// The service.
    pub target: Arc<dyn Target>,
    /// The operations of its clients.
    pub workload: Workload,
}

impl Subject {
    /// The subject that a plan names.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn of(plan: &Plan) -> Result<Subject> {
        Ok(Subject { target: plan.open_target()?, workload: *plan.workload()? })
    }
}

/// Carries out a plan in a lab. A family that the lab cannot have is left out, with its reason, or
/// refused if it was asked for `by_name`.
pub fn carry_out(
    place: Place,
    plan: Plan,
    subject: Subject,
    by_name: impl Fn(Family) -> bool,
    machine: MachineFlags,
    again: Again,
) -> Result<Exit> {
    let lab = match place {
        Place::Outside => return Ok(exit_of(lab::enter(plan.lab)?)),
        Place::Inside(lab) => lab,
    };
    let Subject { target, workload } = subject;
    let Fitted { plan, version, lab, engines } = lab::fit(plan, lab, &*target, by_name)?;
    let results = machine.results.unwrap_or_else(|| RUNS.into());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let setup = Setup { plan, target, version, workload, lab, engines, results, again };
    let ended = runtime.block_on(execute(setup))?;
    print(&ended);
    Ok(match ended.failure {
        Some(error) => {
            err!("stormproof: {error:#}");
            // What was recorded before the failure proves what it proves.
            match ended.summary.safety.verdict {
                Verdict::Invalid => Exit::Invalid,
                _ => Exit::HarnessFailure,
            }
        }
        None => ended.summary.verdict.into(),
    })
}

/// The controller's exit code is ours; one that was killed failed.
pub fn exit_of(status: ExitStatus) -> Exit {
    if let Some(signal) = status.signal() {
        err!("stormproof: the controller was killed by signal {signal}");
    }
    let known = [Exit::Valid, Exit::Invalid, Exit::Unknown, Exit::Usage, Exit::BadInput];
    let same = |exit: &Exit| status.code() == Some(exit.code().into());
    known.into_iter().find(same).unwrap_or(Exit::HarnessFailure)
}

fn print(ended: &Ended) {
    let Summary { verdict, sentence, safety, liveness, coverage, findings, run, .. } =
        &ended.summary;
    let colour = std::io::stdout().is_terminal();
    out!("\n{}  {sentence}", verdict_text::badge(*verdict, colour));
    if let Some(counterexample) = &safety.counterexample {
        out!("\n{}", verdict_text::counterexample(counterexample));
    }
    let line = |name: &str, text: String| out!("  {name:<10} {text}");
    let counts = &ended.counts;
    line("operations", format!("ok {} · fail {} · info {}", counts.ok, counts.fail, counts.info));
    let outcomes: Vec<String> = counts
        .outcome_counts()
        .iter()
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    if !outcomes.is_empty() {
        line("faults", outcomes.join(" · "));
    }
    line("safety", format!("{} by {}", words::verdict(safety.verdict), safety.algorithm));
    if let Some(versions) = &safety.versions {
        line("versions", verdict_text::versions(versions));
    }
    if let Some(audit) = &safety.audit {
        line("tokens", verdict_text::tokens(audit));
    }
    if let Some(divergence) = &safety.divergence {
        line("members", verdict_text::members(divergence));
    }
    if let Some(accounting) = &safety.accounting {
        line("elements", words::elements(accounting));
    }
    line("liveness", format!("{}: {}", words::verdict(liveness.verdict), liveness.sentence));
    for finding in findings {
        line("finding", finding.text.clone());
    }
    for gap in &coverage.gaps {
        line("untested", gap.clone());
    }
    for (family, engine) in &run.engines {
        line("engine", format!("{family} by {engine}"));
    }
    for (what, reason) in &run.skipped {
        line("left out", format!("{what}: {reason}"));
    }
    line("again", run.command.clone());
    line("report", shortest(&ended.path).join(REPORT).display().to_string());
}

/// The path as seen from the working directory, if it lies below.
fn shortest(path: &Path) -> PathBuf {
    let below = std::env::current_dir()
        .ok()
        .and_then(|here| Some(path.strip_prefix(here).ok()?.to_owned()));
    below.unwrap_or_else(|| path.to_owned())
}
