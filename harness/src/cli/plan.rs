//! `stormproof plan`: the faults of a run, before it runs.

use anyhow::Result;
use clap::Args;
use faults::schedule::Entry;
use results::words::known_before;

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
    for known in &plan.known_in_run() {
        out!("{}", known_before(known));
    }
    let knows_leader = plan.open_target()?.knows_leader();
    for entry in &plan.schedule {
        out!("{}", line(entry, knows_leader));
    }
    Ok(Exit::Valid)
}

/// A fault on a line. Where no leader is known, the one aimed at it hits a node that is drawn, and
/// what it waits for is seen at any.
fn line(entry: &Entry, knows_leader: bool) -> String {
    if !knows_leader && let Some(trigger) = &entry.when {
        let anywhere = Entry { when: Some(trigger.clone().without_roles()), ..entry.clone() };
        if anywhere != *entry {
            return line(&anywhere, knows_leader);
        }
    }
    match entry.fault.without_roles() {
        Some(words) if !knows_leader => {
            let words = format!("{words} (no leader is known here)");
            entry.to_string().replace(&entry.fault.to_string(), &words)
        }
        _ => entry.to_string(),
    }
}
