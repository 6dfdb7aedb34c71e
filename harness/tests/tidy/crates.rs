//! Crates: which knows which, and what the pure ones do without.

use std::collections::{BTreeMap, BTreeSet};

use crate::rust_source::{sources, test_files};
use crate::tree::{self, Complaints};

/// Names that pure code does without, with the way to do without.
const IMPURE: &[(&str, &str)] = &[
    ("std::fs", "the caller reads and writes files"),
    ("std::net", "the caller has the network"),
    ("std::process", "the caller starts processes"),
    ("std::env", "the caller reads the environment"),
    ("std::thread", "the caller has threads"),
    ("Instant", "time is an argument"),
    ("SystemTime::now", "time is an argument"),
    ("rand::rng(", "randomness is a stream of the seed"),
    ("from_os_rng", "randomness is a stream of the seed"),
    ("println!", "the caller prints"),
    (".await", "what decides waits for nothing"),
];

/// The pure code.
const PURE: [&str; 4] =
    ["checker/src/", "workloads/src/", "nemeses/faults/src/", "target-cluster/src/core/"];

/// The places where pure code does so all the same, with the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("checker/src/parallel.rs", "std::thread", "keys are searched side by side, to one verdict"),
    ("checker/src/options.rs", "std::thread", "as many of those threads as there are processors"),
];

/// The arrows of ARCHITECTURE.md's map: folder of a crate → folders of those it may know.
fn map() -> BTreeMap<String, BTreeSet<String>> {
    let file = tree::read("ARCHITECTURE.md");
    let text = file.text.split("```").nth(1).expect("ARCHITECTURE.md begins with a map");
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let arrow = line.split_once("-> ").map_or("", |(_, known)| known.trim());
        match line.split_once(' ') {
            Some((folder, _)) if !folder.is_empty() => {
                entries.push((folder.trim_end_matches('/').into(), arrow.into()));
            }
            _ => entries.last_mut().expect("the map begins with a crate").1.push_str(arrow),
        }
    }
    let all: BTreeSet<String> = entries.iter().map(|(folder, _)| folder.clone()).collect();
    let known = |(folder, arrow): (String, String)| {
        let known = match arrow.as_str() {
            "nothing of ours" => BTreeSet::new(),
            "all of them" => all.iter().filter(|it| **it != folder).cloned().collect(),
            "" => panic!("ARCHITECTURE.md's map has no arrow for {folder}"),
            names => names.split(", ").map(|name| name.trim_end_matches('/').into()).collect(),
        };
        (folder, known)
    };
    entries.into_iter().map(known).collect()
}

fn manifest(path: &str) -> toml::Table {
    tree::read(path).text.parse().expect("cargo has read it")
}

fn keys(manifest: &toml::Table, table: &str) -> Vec<String> {
    let table = manifest.get(table).and_then(|table| table.as_table());
    table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn crates_know_those_that_the_map_says() {
    let mut complaints = Complaints::new(
        "ARCHITECTURE.md's map and a Cargo.toml differ",
        "turn the dependency around, or move what both need below them; if the map is wrong, mend \
         it and say why in the commit",
    );
    let map = map();
    let root = manifest("Cargo.toml");
    let members = root["workspace"]["members"].as_array().expect("members are a list");
    let members: BTreeSet<String> =
        members.iter().map(|it| it.as_str().expect("a member is a folder").into()).collect();
    assert_eq!(members, map.keys().cloned().collect(), "the map names the members");
    // The name of a dependency, and the folder of it.
    let dependencies = root["workspace"]["dependencies"].as_table().expect("they are a table");
    let ours: BTreeMap<&str, &str> = dependencies
        .iter()
        .filter_map(|(name, it)| Some((name.as_str(), it.get("path")?.as_str()?)))
        .collect();
    for (folder, allowed) in &map {
        let path = format!("{folder}/Cargo.toml");
        let manifest = manifest(&path);
        let known = |table: &str| -> BTreeSet<String> {
            let keys = keys(&manifest, table);
            keys.iter().filter_map(|name| ours.get(name.as_str())).map(|it| (*it).into()).collect()
        };
        if known("dependencies") != *allowed {
            let known = known("dependencies");
            complaints.at(&path, 1, format!("knows {known:?}, and by the map {allowed:?}"));
        }
        for table in ["dev-dependencies", "build-dependencies"] {
            for beyond in known(table).difference(allowed) {
                complaints.at(&path, 1, format!("[{table}] knows {beyond}"));
            }
        }
    }
    complaints.none();
}

#[test]
fn pure_code_has_no_clock_file_network_process_or_thread() {
    let mut complaints = Complaints::new(
        "pure code does what only a thin loop at the edge does",
        "take it as an argument, or return what is to be done",
    );
    let sources = sources();
    let tests = test_files(sources);
    for source in sources {
        if tests.contains(&source.path) || !PURE.iter().any(|it| source.path.starts_with(it)) {
            continue;
        }
        let code = source.without_tests();
        for (line, code) in (1..).zip(code.lines()) {
            for (impure, instead) in IMPURE {
                let excepted =
                    |(path, what, _): &(&str, &str, &str)| *path == source.path && what == impure;
                if has(code, impure) && !EXCEPTIONS.iter().any(excepted) {
                    complaints.at(&source.path, line, format!("{impure}; {instead}"));
                }
            }
        }
    }
    complaints.none();
}

/// True if the code has it, as whole words.
fn has(code: &str, what: &str) -> bool {
    let in_word = |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || it == '_');
    let whole = what.ends_with(|it: char| it.is_alphanumeric());
    code.match_indices(what).any(|(at, _)| {
        let before =
            what.starts_with(char::is_alphanumeric) && in_word(code[..at].chars().next_back());
        let after = whole && in_word(code[at + what.len()..].chars().next());
        !before && !after
    })
}

#[test]
fn exceptions_are_still_needed() {
    for (path, what, reason) in EXCEPTIONS {
        let text = tree::read(path).text;
        assert!(text.contains(what), "{path} has no {what} any more ({reason}): leave it out here");
    }
}
