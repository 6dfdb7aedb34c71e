//! Marks and places that no source has.

use crate::rust_source::sources;
use crate::tree::{self, Complaints};

#[test]
fn nothing_is_left_for_later_or_allowed() {
    let mut complaints = Complaints::new(
        "a source puts something off",
        "do it now, or leave it out; `#[expect(…, reason = …)]` instead of `allow`; a test that \
         needs something looks for it and says why it is skipped",
    );
    // Texts are not looked at: what mkdtemp takes ends in such letters.
    let marks = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "#[allow(", "#![allow("];
    for source in sources() {
        let lines = source.code.lines().zip(source.comments.lines()).zip(source.text.lines());
        for (line, ((code, comment), text)) in (1..).zip(lines) {
            for mark in marks.iter().filter(|it| code.contains(**it) || comment.contains(**it)) {
                complaints.at(&source.path, line, *mark);
            }
            // A test that another one starts as a program of its own is ignored on its own.
            if code.contains("#[ignore") && !text.contains("\"a helper of ") {
                complaints.at(&source.path, line, text.trim());
            }
        }
    }
    complaints.none();
}

#[test]
fn no_file_names_somebody_s_machine() {
    let mut complaints = Complaints::new(
        "a file names a place or a paper that only its writer has",
        "say it in the words of this repository, and use a temporary directory for files",
    );
    // In two parts each, so that this file does not name them.
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("DESIGN", ".md"),
        concat!("REVIEW", ".md"),
        concat!("CONVENTIONS", ".md"),
    ];
    for file in tree::files(&["rs", "md", "toml", "js", "css", "py", "java"]) {
        for (line, text) in file.lines() {
            for place in places.iter().filter(|place| text.contains(**place)) {
                complaints.at(&file.path, line, *place);
            }
        }
    }
    complaints.none();
}
