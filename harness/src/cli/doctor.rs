//! `stormproof doctor`: what this machine can do, tried for real, and what each missing thing
//! costs; with `--clean`, away with what runs left that were killed.

use std::io::IsTerminal;

use anyhow::Result;
use clap::Args;
use engines::doctor::{Probe, examine};
use engines::leftovers::{self, Cleaned};
use engines::process_tree::Lab;
use serde_json::json;

use crate::exit::Exit;
use crate::printing::out;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Remove what runs left that are no more, instead of trying anything
    #[arg(long)]
    clean: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// The needs of the namespace lab, by the names of the doctor's trials.
const NAMESPACE_LAB: [&str; 3] = ["network, mount and pid namespaces", "veth", "pause and kill"];

pub fn main(arguments: Arguments) -> Result<Exit> {
    if arguments.clean {
        return clean(arguments.json);
    }
    let probes = examine();
    let netns = works_all(&probes, &NAMESPACE_LAB);
    if arguments.json {
        let labs = json!({ Lab::Namespaces.name(): netns, Lab::Loopback.name(): true });
        let findings = json!({ "labs": labs, "probes": probes });
        out!("{}", serde_json::to_string_pretty(&findings)?);
        return Ok(Exit::Valid);
    }
    let colour = std::io::stdout().is_terminal();
    let width = probes.iter().map(|probe| probe.name.len()).max().unwrap_or(0);
    for probe in &probes {
        out!("{} {:width$}  {}", mark(probe.works, colour), probe.name, probe.detail);
        if !probe.works {
            out!("  {:width$}  costs: {}", "", probe.costs);
            out!("  {:width$}  remedy: {}", "", probe.remedy);
        }
    }
    let lab = if netns { Lab::Namespaces } else { Lab::Loopback };
    out!("\nA run would take the {lab} lab here.");
    Ok(Exit::Valid)
}

/// Leaves alone what belongs to a run that goes on.
fn clean(as_json: bool) -> Result<Exit> {
    let Cleaned { removed, kept } = leftovers::clean();
    if as_json {
        let kept: Vec<_> =
            kept.iter().map(|(found, why)| json!({ "found": found, "why": why })).collect();
        let findings = json!({ "removed": removed, "kept": kept });
        out!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for found in &removed {
            out!("removed {found}");
        }
        for (found, why) in &kept {
            out!("cannot remove {found}: {why}");
        }
        if removed.is_empty() && kept.is_empty() {
            out!("nothing left");
        }
    }
    Ok(if kept.is_empty() { Exit::Valid } else { Exit::HarnessFailure })
}

fn works_all(probes: &[Probe], names: &[&str]) -> bool {
    names.iter().all(|name| {
        let probe = probes.iter().find(|probe| probe.name == *name);
        probe.expect("the doctor tries everything that a lab needs").works
    })
}

fn mark(works: bool, colour: bool) -> &'static str {
    match (works, colour) {
        (true, true) => "\x1b[32m✓\x1b[0m",
        (false, true) => "\x1b[31m✗\x1b[0m",
        (true, false) => "✓",
        (false, false) => "✗",
    }
}
