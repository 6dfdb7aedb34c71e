//! `stormproof plan`: the faults of a run, before it runs.

use anyhow::Result;
use clap::Args;

use crate::exit::Exit;
use crate::plan::PlanFlags;
use crate::printing::out;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    flags: PlanFlags,
    /// Print the whole plan as TOML, as run --plan takes it
    #[arg(long)]
    toml: bool,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let plan = arguments.flags.resolve()?;
    if arguments.toml {
        out!("{}", plan.to_toml()?.trim_end());
        return Ok(Exit::Valid);
    }
    out!("{plan}");
    out!("{}", plan.clients);
    for entry in &plan.schedule {
        out!("{entry}");
    }
    Ok(Exit::Valid)
}
