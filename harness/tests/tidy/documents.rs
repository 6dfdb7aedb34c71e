//! Documents: the paths and links in them lead somewhere.

use std::collections::{BTreeMap, BTreeSet};

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

/// The links of a document and its images, each with its line: the paths from the root, or nothing for
/// the document itself, and the anchors behind them.
pub fn links(file: &File) -> Vec<(usize, Option<String>, Option<String>)> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut links = Vec::new();
    for (line, text) in file.lines() {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap_or_default();
            if target.starts_with("https://") || target.starts_with("mailto:") {
                continue;
            }
            let (target, anchor) = match target.split_once('#') {
                Some((target, anchor)) => (target, Some(anchor.to_owned())),
                None => (target, None),
            };
            let path = (!target.is_empty()).then(|| joined(folder, target));
            links.push((line, path, anchor));
        }
    }
    links
}

#[test]
fn links_resolve() {
    let mut complaints = Complaints::new(
        "a link leads nowhere",
        "a link is an https address, or a path from the document's own folder, with the anchor of a \
         heading there",
    );
    let paths: BTreeSet<String> =
        tree::paths().iter().map(|path| path.trim_end_matches('/').into()).collect();
    let documents = tree::files(&["md"]);
    let anchors: BTreeMap<&str, BTreeSet<String>> =
        documents.iter().map(|file| (file.path.as_str(), anchors(file))).collect();
    for file in &documents {
        for (line, path, anchor) in links(file) {
            let path = path.unwrap_or_else(|| file.path.clone());
            if !paths.contains(&path) {
                complaints.at(&file.path, line, path);
            } else if let (Some(anchor), Some(known)) = (anchor, anchors.get(path.as_str()))
                && !known.contains(&anchor)
            {
                complaints.at(&file.path, line, format!("{path}#{anchor}"));
            }
        }
    }
    complaints.none();
}

/// The anchors of a document's headings, as mdBook and GitHub make them.
fn anchors(file: &File) -> BTreeSet<String> {
    let mut fenced = false;
    let mut found = BTreeSet::new();
    for (_, text) in file.lines() {
        fenced ^= text.starts_with("```");
        let heading = text.trim_start_matches('#');
        if fenced || heading == text || !heading.starts_with(' ') {
            continue;
        }
        let kept = |it: &char| it.is_alphanumeric() || "-_ ".contains(*it);
        let anchor: String = heading.trim().chars().filter(kept).collect();
        let anchor = anchor.to_lowercase().replace(' ', "-");
        let names = (0..).map(|copy| match copy {
            0 => anchor.clone(),
            copy => format!("{anchor}-{copy}"),
        });
        let free = names.into_iter().find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

#[test]
fn anchors_are_those_of_mdbook() {
    let text = "# Detection, of `any` harness\n```sh\n# no heading\n```\n## Twice\n## Twice\n";
    let file = File { path: String::new(), text: text.to_owned() };
    let expected = ["detection-of-any-harness", "twice", "twice-1"];
    assert_eq!(anchors(&file), expected.map(str::to_owned).into());
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
