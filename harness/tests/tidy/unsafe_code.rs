//! Unsafe code: only in the engines, file by file, each block with its reason.

use crate::rust_source::sources;
use crate::tree::{self, Complaints};

/// The only crate that may have any.
const ENGINES: &str = "nemeses/engines/";

/// Within so many lines above an unsafe block its reason begins.
const REACH: usize = 12;

#[test]
fn unsafe_code_is_in_the_engines_with_its_reasons() {
    let mut complaints = Complaints::new(
        "unsafe code stands where or how it must not",
        "do it in nemeses/engines, in a file with `#![expect(unsafe_code, reason = …)]`, and say \
         behind SAFETY: why it is sound",
    );
    for source in sources() {
        let comments: Vec<&str> = source.comments.lines().collect();
        let mut any = None;
        for (at, code) in source.code.lines().enumerate() {
            let is_word = |it: char| it.is_alphanumeric() || it == '_';
            let mut words = code.split(|it: char| !is_word(it));
            if !words.any(|word| word == "unsafe") {
                continue;
            }
            any.get_or_insert(at + 1);
            let opens = code.contains("unsafe {") || code.contains("unsafe impl");
            let reasons = &comments[at.saturating_sub(REACH)..=at];
            if opens && !reasons.iter().any(|comment| comment.contains("SAFETY:")) {
                complaints.at(&source.path, at + 1, "no SAFETY: above it");
            }
        }
        let Some(line) = any else { continue };
        if !source.path.starts_with(ENGINES) {
            complaints.at(&source.path, line, "unsafe code outside the engines");
        } else if !expects_unsafe_code(&source.code) {
            complaints.at(&source.path, line, "the file does not say that it expects unsafe code");
        }
    }
    complaints.none();
}

fn expects_unsafe_code(code: &str) -> bool {
    let code: String = code.split_whitespace().collect();
    code.contains("#![expect(unsafe_code,reason")
}

#[test]
fn every_other_crate_forbids_unsafe_code() {
    let mut complaints = Complaints::new(
        "a crate does not forbid unsafe code",
        "say `[lints] workspace = true` in its Cargo.toml; the workspace forbids it",
    );
    let level = |manifest: &toml::Table, path: &[&str]| {
        let start = toml::Value::Table(manifest.clone());
        let end = path.iter().try_fold(start, |value, key| value.get(key).cloned());
        end.map(|level| level.to_string())
    };
    for file in tree::files(&["toml"]).iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let manifest: toml::Table = file.text.parse().expect("cargo has read it");
        let shared = level(&manifest, &["lints", "workspace"]);
        let (place, expected, found) = match file.path.as_str() {
            "Cargo.toml" => {
                let lint = ["workspace", "lints", "rust", "unsafe_code"];
                ("workspace.lints.rust", "\"forbid\"", level(&manifest, &lint))
            }
            path if path.starts_with(ENGINES) => {
                let lint = ["lints", "rust", "unsafe_code"];
                ("lints.rust", "\"deny\"", level(&manifest, &lint))
            }
            // No member of the workspace, but a program of a fuzzer's own.
            "checker/fuzz/Cargo.toml" => continue,
            _ => ("lints", "true", shared),
        };
        if found.as_deref() != Some(expected) {
            complaints.at(&file.path, 1, format!("[{place}] is not {expected}: {found:?}"));
        }
    }
    complaints.none();
}
