//! Files: how long they are, and how modules lie in them.

use std::collections::BTreeSet;

use crate::rust_source::{Source, sources};
use crate::tree::{self, Complaints};

/// The most lines of a file.
const LONGEST: usize = 600;

#[test]
fn no_file_is_longer_than_600_lines() {
    let mut complaints =
        Complaints::new("a file is too long", "it holds two ideas: split it where they part");
    for file in tree::files(&["rs", "js", "css"]) {
        let lines = file.text.lines().count();
        if lines > LONGEST {
            complaints.at(&file.path, lines, format!("{lines} lines, {LONGEST} are the most"));
        }
    }
    complaints.none();
}

#[test]
fn a_module_with_a_folder_lies_in_it() {
    let mut complaints = Complaints::new(
        "a module lies beside its own folder",
        "move x.rs to x/mod.rs, and its code to files with names; a test x.rs to x/main.rs",
    );
    let sources = sources();
    let folders: BTreeSet<&str> = sources.iter().map(Source::folder).collect();
    for source in sources {
        let folder = format!("{}/", source.path.trim_end_matches(".rs"));
        if folders.contains(folder.as_str()) {
            complaints.at(&source.path, 1, format!("{folder} has sources too"));
        }
    }
    complaints.none();
}

#[test]
fn a_mod_rs_holds_modules_and_re_exports_only() {
    let mut complaints = Complaints::new(
        "a mod.rs or lib.rs holds code",
        "move it to a file that is named after it; `mod`, `use` and docs remain",
    );
    for source in sources() {
        if matches!(source.name(), "mod.rs" | "lib.rs")
            && let Some((line, item)) = first_code(&source.code)
        {
            complaints.at(&source.path, line, item);
        }
    }
    complaints.none();
}

/// The first item that is neither a module nor a re-export, with its line.
fn first_code(code: &str) -> Option<(usize, String)> {
    let mut rest = code.trim_start();
    // A document whose examples are tested hangs on a struct of no other use.
    let mut of_docs = false;
    while !rest.is_empty() {
        let after = rest.strip_prefix("pub").map_or(rest, |rest| match rest.strip_prefix('(') {
            Some(scope) => scope.split_once(')').map_or(scope, |(_, rest)| rest),
            None => rest,
        });
        let item = after.trim_start();
        let word = item.split(|it: char| !it.is_alphanumeric()).next().unwrap_or_default();
        let end = match word {
            _ if rest.starts_with('#') => matching(rest, '[', ']'),
            // The end of an inline module.
            _ if rest.starts_with('}') => Some(1),
            "struct" if of_docs => rest.find(';').map(|at| at + 1),
            "mod" => rest.find([';', '{']).map(|at| at + 1),
            "use" | "extern" => rest.find(';').map(|at| at + 1),
            _ => None,
        };
        let Some(end) = end else {
            let line = code[..code.len() - rest.len()].matches('\n').count() + 1;
            return Some((line, rest.lines().next().unwrap_or_default().to_owned()));
        };
        let attribute = rest.starts_with('#');
        of_docs = attribute && (of_docs || rest[..end].contains("cfg(doctest)"));
        rest = rest[end..].trim_start();
    }
    None
}

/// The end of the first pair of brackets.
fn matching(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, character)| {
        depth += i32::from(character == open) - i32::from(character == close);
        (character == close && depth == 0).then_some(at + 1)
    })
}

#[test]
fn code_in_a_mod_rs_is_found() {
    let fine = "#![warn(x)]\nmod a;\npub(crate) mod b;\npub mod c { pub use d::{e, f}; }\nuse g;\n";
    assert_eq!(first_code(fine), None);
    let code = first_code("mod a;\n\npub fn f() {}\n");
    assert_eq!(code, Some((3, "pub fn f() {}".into())));
}

#[test]
fn a_path_attribute_names_a_file_that_is_shared() {
    let mut complaints = Complaints::new(
        "a #[path] names a file that could be found without it",
        "let the module lie where its name says; only a file of another folder is shared",
    );
    for source in sources() {
        for (line, (text, code)) in (1..).zip(source.text.lines().zip(source.code.lines())) {
            if code.contains("#[path") && !text.contains("\"../") {
                complaints.at(&source.path, line, text.trim());
            }
        }
    }
    complaints.none();
}
