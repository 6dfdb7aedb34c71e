//! `stormproof run`.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use engines::process_tree::LabContext;
use results::ci::CiReport;
use results::verdict_text;
use workloads::Workload;

use super::ci::CiFlags;
use super::output::shown;
use crate::exit::Exit;
use crate::lab::{self, Fitted};
use crate::plan::{Again, Asked, Plan, PlanFlags};
use crate::printing::{err, out, print_out};
use crate::run::{Ended, Setup, execute};
use crate::targets::Target;
use crate::terminal;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    plan: PlanFlags,
    #[command(flatten)]
    machine: MachineFlags,
    #[command(flatten)]
    told: ToldFlags,
}

/// Forms in which a run is told of, beside the text for a person.
#[derive(Debug, Clone, Default, Args)]
pub struct ToldFlags {
    /// Print the verdict as JSON, and nothing else on the standard output
    #[arg(long, help_heading = "For CI", conflicts_with = "annotations")]
    pub json: bool,
    #[command(flatten)]
    pub ci: CiFlags,
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

pub fn main(place: LabContext, arguments: Arguments) -> Result<Exit> {
    let Arguments { plan: flags, machine, told } = arguments;
    if matches!(place, LabContext::Outside) {
        told.ci.begin("run")?;
    }
    let plan = flags.resolve()?;
    let by_name = |asked| flags.asks_by_name(asked);
    let subject = Subject::of(&plan)?;
    carry_out(place, plan, subject, by_name, machine, told, Again::Run)
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
    place: LabContext,
    plan: Plan,
    subject: Subject,
    by_name: impl Fn(Asked) -> bool,
    machine: MachineFlags,
    told: ToldFlags,
    again: Again,
) -> Result<Exit> {
    let lab = match place {
        LabContext::Outside => return Ok(exit_of(lab::enter(plan.lab)?)),
        LabContext::Inside(lab) => lab,
    };
    let Subject { target, workload } = subject;
    let workload = workloads::offered(&workload, |f| target.offers(workload.model, f));
    let workload = workload.context("the target lacks operations of the workload")?;
    let Fitted { plan, version, lab, engines } = lab::fit(plan, lab, &*target, by_name)?;
    let results: PathBuf = machine.results.unwrap_or_else(|| RUNS.into());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let setup =
        Setup { plan, target, version, workload, lab, engines, results: results.clone(), again };
    let ended = runtime.block_on(execute(setup))?;
    print(&ended, told.json)?;
    if let Some(error) = &ended.failure {
        err!("stormproof: {error:#}");
    }
    let directory = shown(&results.join(&ended.summary.run.id));
    let report = CiReport::of_run(&ended.summary, &directory);
    Ok(told.ci.tell(&report, ended.summary.conclusion().into()))
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

fn print(ended: &Ended, json: bool) -> Result<()> {
    if json {
        out!("{}", serde_json::to_string_pretty(&ended.summary)?);
        return Ok(());
    }
    let counts = &ended.counts;
    let operations = [counts.ok, counts.fail, counts.info];
    let page = ended.saved.page.as_deref().map(shortest);
    let saved = verdict_text::Saved { page, ..ended.saved.clone() };
    let colour = terminal::colours();
    let text = verdict_text::run(&ended.summary, operations, &counts.faults, &saved, colour);
    print_out(format_args!("\n{text}"));
    Ok(())
}

/// The path as seen from the working directory, if it lies below.
pub(super) fn shortest(path: &Path) -> PathBuf {
    let below = std::env::current_dir()
        .ok()
        .and_then(|here| Some(path.strip_prefix(here).ok()?.to_owned()));
    below.unwrap_or_else(|| path.to_owned())
}
