//! `stormproof target check`: whether stormproof and a service understand each other.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use engines::process_tree::{Lab, LabContext};
use results::run_directory::RunDirectory;

use super::run::exit_of;
use crate::exit::Exit;
use crate::lab::{self, Fitted};
use crate::plan::{ClusterFlags, Plan};
use crate::printing::out;
use crate::run::calibrate::calibrate;
use crate::run::recorder::Recorder;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a service and try each of its operations, its tokens, versions and dumps
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    #[command(flatten)]
    cluster: ClusterFlags,
}

pub fn main(place: LabContext, arguments: Arguments) -> Result<Exit> {
    let Command::Check(check) = arguments.command;
    let plan = check.cluster.without_faults()?;
    match place {
        LabContext::Outside => Ok(exit_of(lab::enter(plan.lab)?)),
        LabContext::Inside(lab) => inside(lab, plan),
    }
}

fn inside(lab: Lab, plan: Plan) -> Result<Exit> {
    let target = plan.open_target()?;
    let Fitted { plan, version, lab, .. } = lab::fit(plan, lab, &*target, |_| false)?;
    let say = |what: &str, text: String| out!("  {what:<10} {text}");
    let name = target.name().to_owned();
    out!("{name} {version} · {} nodes", plan.nodes);

    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let folder = std::env::temp_dir().join(format!("stormproof-check-{}", time.as_nanos()));
    let directory = RunDirectory::create(&folder, &name)?;
    let recorder = Arc::new(Recorder::new(directory, Vec::new()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let checked = runtime.block_on(calibrate(&plan, target, &lab, recorder, &say));
    checked.with_context(|| {
        format!(
            "{name} does not do what its description says: either the description is wrong, or the \
             service itself is. Send the request by hand (the nodes' logs are in {}): if the answer \
             is what the service's own documentation promises, the description is wrong. If the \
             check passes with --nodes 1 alone, the description is right, and replicas of the \
             service disagree",
            folder.display()
        )
    })?;
    // What could not be removed is in the temporary directory anyway.
    let _ = std::fs::remove_dir_all(&folder);
    out!("everything means what it is taken to mean");
    Ok(Exit::Valid)
}
