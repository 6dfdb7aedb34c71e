//! `stormproof replay`: the plan of a saved run, carried out again.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use engines::process_tree::LabContext;

use super::run::{MachineFlags, Subject, carry_out};
use crate::exit::Exit;
use crate::plan::{Again, Written, saved};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory of the run, such as results/runs/latest
    directory: PathBuf,
    #[command(flatten)]
    flags: Written,
    #[command(flatten)]
    machine: MachineFlags,
}

/// The same faults at the same times against a new cluster, and the same streams of operations.
/// Real processes do not repeat themselves, so the verdict may be another.
pub fn main(place: LabContext, arguments: Arguments) -> Result<Exit> {
    let flags = arguments.flags;
    let plan = flags.clone().over_file(saved(&arguments.directory)?).resolve()?;
    // The saved run was possible on its machine; this one may be able to do less.
    let subject = Subject::of(&plan)?;
    let by_name = |asked| flags.names(asked);
    carry_out(place, plan, subject, by_name, arguments.machine, Again::Run)
}
