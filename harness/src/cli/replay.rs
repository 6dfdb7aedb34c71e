//! `stormproof replay`: the plan of a saved run, carried out again.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use engines::process_tree::LabContext;

use super::plan::read_saved_plan;
use super::run::{MachineFlags, Subject, carry_out};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory of the run, such as results/runs/latest
    directory: PathBuf,
    #[command(flatten)]
    machine: MachineFlags,
}

/// The same faults at the same times against a new cluster, and the same streams of operations.
/// Real processes do not repeat themselves, so the verdict may be another.
pub fn main(place: LabContext, arguments: Arguments) -> Result<Exit> {
    let plan = read_saved_plan(&arguments.directory)?;
    // Whoever made the run knew what its machine could do; this one may be able to do less.
    let subject = Subject::of(&plan)?;
    carry_out(place, plan, subject, |_| false, arguments.machine)
}
