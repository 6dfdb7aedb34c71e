//! `stormproof doctor`: what this machine can do, tried for real, and what each missing thing
//! costs; with `--clean`, away with what runs left that were killed.

use anyhow::Result;
use clap::Args;
use engines::doctor::{Probe, examine};
use engines::leftovers::{self, Cleaned};
use engines::process_tree::Lab;
use serde_json::json;

use crate::exit::Exit;
use crate::printing::out;
use crate::terminal;

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
    let colour = terminal::colours();
    for line in lines(&probes, colour) {
        out!("{line}");
    }
    let lab = if netns { Lab::Namespaces } else { Lab::Loopback };
    out!("\nA run would take the {lab} lab here.");
    Ok(Exit::Valid)
}

/// The findings, a failure with everything that follows from it.
fn lines(probes: &[Probe], colour: bool) -> Vec<String> {
    let width = probes.iter().map(|probe| probe.name.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for probe in probes.iter().filter(|probe| probe.follows.is_none()) {
        lines.push(format!(
            "{} {:width$}  {}",
            mark(probe.works, colour),
            probe.name,
            probe.detail
        ));
        if probe.works {
            continue;
        }
        let follow: Vec<&Probe> =
            probes.iter().filter(|other| other.follows.as_ref() == Some(&probe.name)).collect();
        let mut line =
            |name: &str, text: &str| lines.push(format!("  {:width$}  {name}: {text}", ""));
        if !follow.is_empty() {
            let names: Vec<&str> = follow.iter().map(|it| it.name.as_str()).collect();
            line("with it", &names.join(", "));
        }
        line("costs", &costs(probe, &follow));
        line("remedy", &probe.remedy);
    }
    lines
}

/// The costs of a failure and of those that follow from it, each once.
fn costs(probe: &Probe, follow: &[&Probe]) -> String {
    let mut costs = vec![probe.costs.as_str()];
    for other in follow.iter().map(|it| it.costs.as_str()) {
        if !other.starts_with("nothing") && !costs.contains(&other) {
            costs.push(other);
        }
    }
    costs.join("; ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_with_all_that_follows_from_it() {
        let probe = |name: &str, works, costs: &str, follows: Option<&str>| Probe {
            name: name.into(),
            works,
            detail: if works { "seen" } else { "not permitted" }.into(),
            costs: costs.into(),
            remedy: format!("remedy of {name}"),
            follows: follows.map(str::to_owned),
        };
        let cause = Some("namespaces");
        let probes = [
            probe("signals", true, "pauses", None),
            probe("namespaces", false, "the lab", None),
            probe("veth", false, "partitions", cause),
            probe("bridge", false, "partitions", cause),
            probe("netem", false, "nothing: the switch does without", cause),
            probe("disk", false, "power", None),
        ];
        assert_eq!(
            lines(&probes, false),
            [
                "✓ signals     seen",
                "✗ namespaces  not permitted",
                "              with it: veth, bridge, netem",
                "              costs: the lab; partitions",
                "              remedy: remedy of namespaces",
                "✗ disk        not permitted",
                "              costs: power",
                "              remedy: remedy of disk",
            ]
        );
    }
}
