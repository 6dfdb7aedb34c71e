//! Documents: the paths and links in them lead somewhere.

use std::collections::BTreeSet;

use crate::tree::{self, Complaints, File};

/// The documents whose paths in backticks are looked up.
const WITH_PATHS: [&str; 3] = ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md"];

/// Files and folders that a run or a build leaves, by how their paths begin.
const MADE: &[&str] = &[
    "results/runs",
    "results/nights",
    "night.json",
    "ledger.jsonl",
    "detection.jsonl",
    "target/",
    "history.jsonl",
    "run.json",
    "verdict.json",
    "report.html",
    "index.html",
    "plan.toml",
    "target.toml",
    "nodes/<name>/",
];

/// The ends of files' names.
const EXTENSIONS: [&str; 11] =
    [".rs", ".md", ".toml", ".json", ".jsonl", ".html", ".js", ".css", ".snap", ".png", ".lock"];

/// The texts in backticks outside of fenced blocks, each with its line.
pub fn spans(file: &File) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut spans = Vec::new();
    for (line, text) in file.lines() {
        if text.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            spans.extend(text.split('`').skip(1).step_by(2).map(|span| (line, span.to_owned())));
        }
    }
    spans
}

/// The lines of fenced blocks of a kind, such as `sh`.
pub fn blocks<'a>(file: &'a File, kind: &str) -> Vec<(usize, &'a str)> {
    let mut inside = None;
    let mut lines = Vec::new();
    for (line, text) in file.lines() {
        match (text.strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(this), None) => inside = Some(this),
            (None, Some(this)) if this == kind => lines.push((line, text)),
            _ => {}
        }
    }
    lines
}

#[test]
fn named_paths_exist() {
    let mut complaints = Complaints::new(
        "a document names a path that does not exist",
        "name the file by its last parts as they are now; `src/` may be left out",
    );
    // Every end of a path, with `src` and without.
    let mut known = BTreeSet::new();
    for path in tree::paths() {
        for path in [path.clone(), path.replace("/src/", "/")] {
            let path = path.trim_end_matches('/');
            let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
            known.extend(std::iter::once(path).chain(ends).map(str::to_owned));
        }
    }
    for document in WITH_PATHS {
        let file = tree::read(document);
        for (line, span) in spans(&file) {
            let is_name = |it: char| it.is_alphanumeric() || "._-/<>".contains(it);
            let is_path = span.chars().all(is_name)
                && span.contains(char::is_alphabetic)
                && (span.contains('/') || EXTENSIONS.iter().any(|it| span.ends_with(it)));
            let made = MADE.iter().any(|made| span.starts_with(made));
            if is_path && !made && !known.contains(span.trim_end_matches('/')) {
                complaints.at(document, line, span);
            }
        }
    }
    complaints.none();
}

#[test]
fn links_resolve() {
    let mut complaints = Complaints::new(
        "a link leads nowhere",
        "a link is an https address, or a path from the document's own folder",
    );
    let paths: BTreeSet<String> =
        tree::paths().iter().map(|path| path.trim_end_matches('/').into()).collect();
    for file in tree::files(&["md"]) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, text) in file.lines() {
            for (at, _) in text.match_indices("](") {
                let target = text[at + 2..].split(')').next().unwrap_or_default();
                let (target, _) = target.split_once('#').unwrap_or((target, ""));
                let elsewhere = target.starts_with("https://") || target.starts_with("mailto:");
                if !target.is_empty() && !elsewhere && !paths.contains(&joined(folder, target)) {
                    complaints.at(&file.path, line, target);
                }
            }
        }
    }
    complaints.none();
}

fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
