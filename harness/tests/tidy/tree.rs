//! The files of the tree, and the complaints about them.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the tree.
pub struct File {
    /// Its path below the root.
    pub path: String,
    pub text: String,
}

impl File {
    /// Its lines, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// Folders that commands leave in the root.
const MADE: [&str; 4] =
    ["results/runs", "results/nights", "results/experiments", "results/exercises"];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the root").into()
}

/// The paths of all files and folders below the root, those of folders with a slash behind.
/// Files that builds and runs leave, and hidden ones, are no part of the tree.
pub fn paths() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let built =
            |name: &str| name == "target" && root().join(&folder).join("Cargo.toml").exists();
        for entry in fs::read_dir(root().join(&folder)).expect("a folder of the tree can be read") {
            let entry = entry.expect("a folder of the tree can be read");
            let name = entry.file_name().into_string().expect("names are UTF-8");
            let path = format!("{folder}{name}");
            let made = MADE.contains(&path.as_str());
            if built(&name) || made || name.starts_with('.') && name != ".ci" {
                continue;
            }
            if entry.file_type().expect("a file has a type").is_dir() {
                folders.push(format!("{path}/"));
                found.push(format!("{path}/"));
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub fn read(path: &str) -> File {
    let text = fs::read_to_string(root().join(path));
    let text = text.unwrap_or_else(|error| panic!("{path} cannot be read: {error}"));
    File { path: path.into(), text }
}

/// The files with one of these extensions.
pub fn files(extensions: &[&str]) -> Vec<File> {
    let wanted = |path: &String| {
        path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    };
    let files: Vec<_> = paths().iter().filter(|path| wanted(path)).map(|it| read(it)).collect();
    assert!(!files.is_empty(), "the tree has no file of {extensions:?}: the test looks elsewhere");
    files
}

/// The complaints of one check.
pub struct Complaints {
    check: &'static str,
    remedy: &'static str,
    found: Vec<String>,
}

impl Complaints {
    /// A check by its name, and the remedy for all that it finds.
    pub fn new(check: &'static str, remedy: &'static str) -> Self {
        Self { check, remedy, found: Vec::new() }
    }

    pub fn at(&mut self, path: &str, line: usize, complaint: impl AsRef<str>) {
        self.found.push(format!("{path}:{line}: {}", complaint.as_ref()));
    }

    /// Fails if there are any.
    #[track_caller]
    pub fn none(self) {
        let Self { check, remedy, found } = self;
        let count = found.len();
        assert!(found.is_empty(), "{check}, {count} times:\n{}\n→ {remedy}", found.join("\n"));
    }
}
