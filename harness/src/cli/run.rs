//! `stormproof run`.

use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;

use anyhow::{Context, Result};
use checker::verdict::Verdict;
use clap::Args;
use engines::process_tree::{Lab, Place};
use faults::fault::Family;
use results::run_directory::REPORT;
use results::summary::Summary;
use results::words;
use workloads::Workload;

use super::plan::PlanFlags;
use crate::exit::{Exit, usage};
use crate::lab::{self, EngineChoice, Engines, LabInUse};
use crate::plan::Plan;
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

/// What is no part of a plan, since it says nothing about what happens to the cluster.
#[derive(Debug, Args)]
pub struct MachineFlags {
    /// What cuts the links between nodes
    #[arg(long, value_enum, default_value = "auto")]
    partition_engine: EngineChoice,
    /// Where run directories go
    #[arg(long, value_name = "DIR", default_value = "results/runs")]
    results: PathBuf,
}

pub fn main(place: Place, arguments: Arguments) -> Result<Exit> {
    let plan = arguments.plan.resolve()?;
    let by_name = |family| arguments.plan.asks_by_name(family);
    let subject = Subject::of(&plan)?;
    carry_out(place, plan, subject, by_name, arguments.machine)
}

/// What is tested, and by what.
pub struct Subject {
    /// The service.
    pub target: Arc<dyn Target>,
    /// What its clients do.
    pub workload: Workload,
}

impl Subject {
    /// What a plan names.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn of(plan: &Plan) -> Result<Subject> {
        Ok(Subject { target: plan.open_target()?, workload: *plan.workload()? })
    }
}

/// Carries out a plan in a lab. A family that the lab cannot have is left out, with its reason, or
/// refused where somebody asked for it `by_name`.
pub fn carry_out(
    place: Place,
    plan: Plan,
    subject: Subject,
    by_name: impl Fn(Family) -> bool,
    machine: MachineFlags,
) -> Result<Exit> {
    match place {
        Place::Outside => Ok(exit_of(lab::enter(plan.lab)?)),
        Place::Inside(lab) => inside(lab, plan, subject, by_name, machine),
    }
}

/// The controller's exit code is ours; one that was killed failed.
pub fn exit_of(status: ExitStatus) -> Exit {
    if let Some(signal) = status.signal() {
        eprintln!("stormproof: the controller was killed by signal {signal}");
    }
    let known = [Exit::Valid, Exit::Invalid, Exit::Unknown, Exit::Usage, Exit::BadInput];
    let same = |exit: &Exit| status.code() == Some(exit.code().into());
    known.into_iter().find(same).unwrap_or(Exit::HarnessFailure)
}

fn inside(
    lab: Lab,
    mut plan: Plan,
    subject: Subject,
    by_name: impl Fn(Family) -> bool,
    machine: MachineFlags,
) -> Result<Exit> {
    let lab = LabInUse::settle(lab, plan.lab, machine.partition_engine)?;
    let Subject { target, workload } = subject;
    let version = version_of(&*target, &lab)?;
    let engines = leave_out_what_is_lacking(&mut plan, &lab, &*target, by_name)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(execute(Setup {
        plan,
        target,
        version,
        workload,
        lab,
        engines,
        results: machine.results,
    }))?;
    print(&ended);
    Ok(match ended.failure {
        Some(error) => {
            eprintln!("stormproof: {error:#}");
            // What was recorded before the failure proves what it proves.
            match ended.summary.safety.verdict {
                Verdict::Invalid => Exit::Invalid,
                _ => Exit::HarnessFailure,
            }
        }
        None => ended.summary.verdict.into(),
    })
}

/// The version under test. Of a cluster that runs already nobody tells.
///
/// # Errors
/// When the target's programs are not there.
pub fn version_of(target: &dyn Target, lab: &LabInUse) -> Result<String> {
    match lab.elsewhere {
        true => Ok("unknown: it runs already".to_owned()),
        false => target.version(),
    }
}

/// Families that were not asked for by name are left out where the lab or the target cannot have
/// them.
fn leave_out_what_is_lacking(
    plan: &mut Plan,
    lab: &LabInUse,
    target: &dyn Target,
    by_name: impl Fn(Family) -> bool,
) -> Result<Engines> {
    let mut engines = Engines::default();
    for family in plan.families() {
        match lab.engine_for(family, target) {
            Ok(engine) => drop(engines.found.insert(family.name().into(), engine)),
            Err(reason) if by_name(family) => {
                return Err(usage(format!("no {family} faults here: {reason}")));
            }
            Err(reason) => {
                plan.faults.remove(&family);
                plan.schedule.retain(|entry| entry.fault.family() != family);
                engines.lacking.push((family.name().into(), reason));
            }
        }
    }
    Ok(engines)
}

fn print(ended: &Ended) {
    let Summary { verdict, sentence, safety, liveness, coverage, findings, run, .. } =
        &ended.summary;
    let colour = std::io::stdout().is_terminal();
    println!("\n{}  {sentence}", verdict_text::badge(*verdict, colour));
    if let Some(counterexample) = &safety.counterexample {
        println!("\n{}", verdict_text::counterexample(counterexample));
    }
    let line = |name: &str, text: String| println!("  {name:<10} {text}");
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
