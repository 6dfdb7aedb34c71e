//! Lists: everything that a user can choose is documented, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use clap::Command;
use faults::fault::Family;
use faults::schedule::Compositions;
use stormproof::internal::grammar;

use crate::tree::{self, Complaints};

const README: &str = "README.md";

/// The values of a flag.
fn values(command: &str, flag: &str) -> BTreeSet<String> {
    let grammar = grammar();
    let command = grammar.find_subcommand(command).expect("there is such a command");
    let flag = command.get_arguments().find(|it| it.get_id() == flag);
    let values = flag.expect("there is such a flag").get_possible_values();
    assert!(!values.is_empty(), "the flag takes names");
    values.iter().map(|value| value.get_name().to_owned()).collect()
}

/// The lines of a section of a document, with their numbers.
fn section(document: &str, heading: &str) -> Vec<(usize, String)> {
    let file = tree::read(document);
    let lines: Vec<_> = file
        .lines()
        .skip_while(|(_, line)| *line != heading)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("## "))
        .map(|(number, line)| (number, line.to_owned()))
        .collect();
    assert!(!lines.is_empty(), "{document} has no section {heading}");
    lines
}

/// Holds the names in the first column of a section's table against a list.
fn same_names(check: &'static str, (document, heading): (&str, &str), listed: &BTreeSet<String>) {
    let mut complaints =
        Complaints::new(check, "one row in the table for each name, and no other row");
    let mut documented = BTreeSet::new();
    for (line, text) in section(document, heading) {
        let Some((cell, _)) = text.strip_prefix("| ").and_then(|row| row.split_once(" |")) else {
            continue;
        };
        for name in cell.split('`').skip(1).step_by(2).filter(|name| !name.starts_with("--")) {
            if !listed.contains(name) {
                complaints.at(document, line, format!("there is no {name}"));
            }
            documented.insert(name.to_owned());
        }
    }
    for missing in listed.difference(&documented) {
        complaints.at(document, section(document, heading)[0].0, format!("{missing} is missing"));
    }
    complaints.none();
}

#[test]
fn workloads_stand_in_the_tables() {
    let check = "README.md's table of workloads is not the list of workloads";
    same_names(check, (README, "## Workloads"), &values("run", "workload"));
    let check = "the table of a manifest's workloads is not the list of workloads";
    let manifests = "harness/examples/targets/README.md";
    same_names(check, (manifests, "## Tables"), &values("run", "workload"));
}

#[test]
fn exercises_stand_in_the_table() {
    let check = "the book's table of exercises is not the list of exercises";
    same_names(check, ("docs/exercises.md", "# Exercises"), &values("exercise", "name"));
}

#[test]
fn families_stand_in_the_table() {
    let offered = values("run", "faults");
    let families: BTreeSet<String> =
        Family::ALL.iter().map(|family| family.name().to_owned()).collect();
    let all: BTreeSet<String> =
        families.iter().cloned().chain(["all".into(), "none".into()]).collect();
    assert_eq!(offered, all, "a family is in the list and cannot be asked for, or the reverse");
    let check = "README.md's table of faults is not the list of families";
    same_names(check, (README, "## Faults"), &families);
}

#[test]
fn settings_of_a_node_stand_on_the_operators_page() {
    let (page, heading) = ("docs/operating.md", "## Settings");
    let mut complaints = Complaints::new(
        "the operator's table of settings is not the list of a node's flags",
        "one row for each flag, with the default that `stormproof node --help` tells, and no other row",
    );
    let mut rows = BTreeMap::new();
    for (line, text) in section(page, heading) {
        let cells: Vec<&str> = text.split('|').map(str::trim).collect();
        if let [_, flag, default, ..] = cells[..]
            && let Some(flag) = flag.strip_prefix("`--").and_then(|it| it.strip_suffix('`'))
        {
            rows.insert(flag.to_owned(), (line, default.to_owned()));
        }
    }
    let grammar = grammar();
    let node = grammar.find_subcommand("node").expect("there is such a command");
    for flag in node.get_arguments() {
        let Some(name) = flag.get_long() else { continue };
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        let told = help.split_once("[default: ").map(|(_, told)| told.trim_end_matches(']'));
        let values = flag.get_default_values().iter().filter_map(|it| it.to_str());
        let default = told.map_or_else(|| values.collect(), str::to_owned);
        match rows.remove(name) {
            Some((line, shown)) if shown != default => {
                complaints.at(page, line, format!("--{name} is {default:?} by default"));
            }
            Some(_) => {}
            None => complaints.at(page, 1, format!("--{name} is missing")),
        }
    }
    for (name, (line, _)) in rows {
        complaints.at(page, line, format!("there is no --{name}"));
    }
    complaints.none();
}

#[test]
fn profiles_targets_and_commands_are_told_of() {
    let mut complaints = Complaints::new(
        "README.md does not tell of something that can be asked for",
        "add it where its likes stand",
    );
    let readme = tree::read(README).text;
    let has = |text: &str| {
        readme.match_indices(text).any(|(at, _)| {
            let after = readme[at + text.len()..].chars().next();
            !after.is_some_and(|it| it.is_alphanumeric() || it == '-')
        })
    };
    let families: BTreeSet<String> = Family::ALL.iter().map(|it| it.name().to_owned()).collect();
    for profile in values("run", "profile").difference(&families) {
        if !["--profile ", "|"].iter().any(|before| has(&format!("{before}{profile}"))) {
            complaints.at(README, 1, format!("--profile {profile}"));
        }
    }
    for target in values("run", "target") {
        if target != "bundled" && !has(&format!("--target {target}")) {
            complaints.at(README, 1, format!("--target {target}"));
        }
    }
    let grammar = grammar();
    for command in grammar.get_subcommands().filter(|command| !command.is_hide_set()) {
        if !has(&format!("stormproof {}", command.get_name())) {
            complaints.at(README, 1, format!("stormproof {}", command.get_name()));
        }
    }
    for list in values("list", "what") {
        if !has(&format!("list {list}")) && !has(&format!("|{list}")) {
            complaints.at(README, 1, format!("stormproof list {list}"));
        }
    }
    complaints.none();
}

#[test]
fn everything_has_a_sentence_where_it_is_listed() {
    let mut complaints = Complaints::new(
        "something is listed without a word about it",
        "a flag and a command have a doc comment, everything else a summary",
    );
    let mut check = |what: String, about: &str| {
        if about.split_whitespace().count() < 2 {
            complaints.at("harness/src/cli", 1, format!("{what}: {about:?}"));
        }
    };
    fn each(command: &Command, path: &str, check: &mut impl FnMut(String, &str)) {
        for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()) {
            let help = flag.get_help().map(|help| help.to_string()).unwrap_or_default();
            check(format!("{path} --{}", flag.get_id()), &help);
        }
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            let path = format!("{path} {}", inner.get_name());
            let about = inner.get_about().map(|about| about.to_string()).unwrap_or_default();
            check(path.clone(), &about);
            each(inner, &path, check);
        }
    }
    each(&grammar(), "stormproof", &mut check);
    for workload in workloads::ALL {
        check(format!("workload {}", workload.name), workload.summary);
    }
    for family in Family::ALL {
        check(format!("family {}", family.name()), family.description());
    }
    for bug in cluster::bugs::Bug::ALL {
        check(format!("bug {}", bug.name()), bug.summary());
        assert!(!bug.source().is_empty(), "{} has no source", bug.name());
    }
    for model in checker::model::ALL {
        let description = model.description();
        check(format!("model {}", description.name), description.summary);
    }
    for composition in Compositions::shipped().iter() {
        check(format!("composition {}", composition.name()), composition.about());
    }
    complaints.none();
}
