//! The book: `docs/SUMMARY.md` has every page, its pages link to each other, and its measured parts are
//! those that the figures beside them make.
//!
//! A figure in the middle of a text stands between `<!-- figure: NAME / ARM / HEAD -->` and `<!-- / -->`.
//!
//! `STORMPROOF_WRITE=1 cargo test -p stormproof --test tidy book` writes the measured parts anew, as
//! `docs/make` does after it has measured.

use std::collections::BTreeSet;
use std::fs;

use results::experiment::MeasuredExperiment;
use stormproof::internal::grammar;

use crate::documents::links;
use crate::tree::{self, Complaints, File, root};

const BOOK: &str = "docs/";
const SUMMARY: &str = "docs/SUMMARY.md";

/// The figures of experiments, and the pictures that are made of them.
const MEASURED: &str = "docs/measured/";

/// The lines between which an experiment's measured part stands.
const BEGIN: &str = "<!-- measured: ";
const END: &str = "<!-- end -->";

/// The marks before and behind the cell of an experiment's table, in the middle of a text.
const BEGIN_CELL: &str = "<!-- figure: ";
const END_CELL: &str = "<!-- / -->";

/// The pages of the book.
pub fn pages() -> Vec<File> {
    let is_page = |file: &File| file.path.starts_with(BOOK) && file.path != SUMMARY;
    tree::files(&["md"]).into_iter().filter(is_page).collect()
}

#[test]
fn every_page_stands_in_the_summary_once() {
    let mut complaints = Complaints::new(
        "the summary of the book is not the list of its pages",
        "one line in docs/SUMMARY.md for each page in docs/",
    );
    let pages: BTreeSet<String> = pages().into_iter().map(|page| page.path).collect();
    let mut listed = BTreeSet::new();
    for (line, path, _) in links(&tree::read(SUMMARY)) {
        let path = path.unwrap_or_default();
        if !pages.contains(&path) {
            complaints.at(SUMMARY, line, format!("{path} is no page"));
        }
        if !listed.insert(path.clone()) {
            complaints.at(SUMMARY, line, format!("{path} stands here twice"));
        }
    }
    for missing in pages.difference(&listed) {
        complaints.at(SUMMARY, 1, format!("{missing} is missing"));
    }
    complaints.none();
}

#[test]
fn pages_link_to_the_book_alone() {
    let mut complaints = Complaints::new(
        "a page of the book links out of it, where a built book has nothing",
        "name the file in backticks, as a path of the repository",
    );
    for page in pages() {
        for (line, path, _) in links(&page) {
            if let Some(path) = path.filter(|path| !path.starts_with(BOOK)) {
                complaints.at(&page.path, line, path);
            }
        }
    }
    complaints.none();
}

#[test]
fn every_experiment_has_a_chapter() {
    let mut complaints = Complaints::new(
        "the book does not tell of an experiment",
        "show its command in the chapter about its claim",
    );
    let grammar = grammar();
    let command = grammar.find_subcommand("experiment").expect("there is such a command");
    let name = command.get_arguments().find(|it| it.get_id() == "name").expect("it takes a name");
    let text: String = pages().into_iter().map(|page| page.text).collect();
    for experiment in name.get_possible_values() {
        let shown = format!("stormproof experiment {}", experiment.get_name());
        let told = text.match_indices(&shown).any(|(at, _)| {
            !text[at + shown.len()..].starts_with(|it: char| it.is_alphanumeric() || it == '-')
        });
        if !told {
            complaints.at(SUMMARY, 1, shown);
        }
    }
    complaints.none();
}

/// A page with its measured parts as the figures make them; `complain` takes what is wrong, with its line.
fn with_measured(
    page: &File,
    measured: impl Fn(&str) -> Option<MeasuredExperiment>,
    mut complain: impl FnMut(usize, String),
) -> String {
    let up = "../".repeat(page.path.matches('/').count() - BOOK.matches('/').count());
    let mut text = String::new();
    // The line of a part that has begun.
    let mut begun = None;
    for (line, shown) in page.lines() {
        let name = shown.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(" -->"));
        if begun.is_none() || shown == END {
            let complain = |what| complain(line, what);
            text.push_str(&with_cells(shown, &measured, complain));
            text.push('\n');
        }
        if shown == END {
            begun = None;
        }
        let Some(name) = name else { continue };
        if begun.replace(line).is_some() {
            complain(line, "a part begins before the last one ended".to_owned());
        }
        match measured(name) {
            Some(it) => {
                let picture = format!("{up}measured/{name}.svg");
                text.push_str(&format!("\n{}\n", it.markdown(&picture)));
            }
            None => complain(line, format!("{MEASURED}{name}.json is missing")),
        }
    }
    if let Some(line) = begun {
        complain(line, format!("no {END} ends this part"));
    }
    text
}

/// A line with the cells in it as the figures make them.
fn with_cells(
    line: &str,
    measured: impl Fn(&str) -> Option<MeasuredExperiment>,
    mut complain: impl FnMut(String),
) -> String {
    let mut pieces = line.split(BEGIN_CELL);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str(BEGIN_CELL);
        let parts = piece.split_once(" -->").and_then(|(name, rest)| {
            let (there, behind) = rest.split_once(END_CELL)?;
            Some((name, there, behind))
        });
        let Some((name, there, behind)) = parts else {
            complain(format!("no {END_CELL} ends this figure"));
            text.push_str(piece);
            continue;
        };
        let cell = match name.split(" / ").collect::<Vec<_>>()[..] {
            [name, arm, head] => measured(name).and_then(|it| it.cell(arm, head)),
            _ => None,
        };
        if cell.is_none() {
            complain(format!("{name} is no experiment, arm and head of its table"));
        }
        let cell = cell.as_deref().unwrap_or(there);
        text.push_str(&format!("{name} -->{cell}{END_CELL}{behind}"));
    }
    text
}

/// The figures of an experiment.
fn measured(name: &str) -> Option<MeasuredExperiment> {
    let text = fs::read_to_string(root().join(format!("{MEASURED}{name}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}.json: {error}")))
}

#[test]
fn measured_parts_are_made_of_their_figures() {
    let mut complaints = Complaints::new(
        "a measured part of the book is not what its figures make",
        "`docs/make NAME` measures it again; STORMPROOF_WRITE=1 with this test writes pictures and \
         parts of the figures that are there",
    );
    let write = std::env::var_os("STORMPROOF_WRITE").is_some();
    let mut keep = |path: &str, there: Option<&str>, made: &str| match there == Some(made) {
        true => {}
        false if write => {
            fs::write(root().join(path), made).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
        false => complaints.at(path, 1, "is another one"),
    };
    let mut wrong = Vec::new();
    for page in pages() {
        let made = with_measured(&page, measured, |line, what| {
            wrong.push((page.path.clone(), line, what));
        });
        keep(&page.path, Some(&page.text), &made);
    }
    for path in tree::paths() {
        let name = path.strip_prefix(MEASURED).and_then(|name| name.strip_suffix(".json"));
        let Some(name) = name else { continue };
        let picture = format!("{MEASURED}{name}.svg");
        let there = fs::read_to_string(root().join(&picture)).ok();
        let made = measured(name).expect("it is there").picture();
        keep(&picture, there.as_deref(), &made);
    }
    for (path, line, what) in wrong {
        complaints.at(&path, line, what);
    }
    complaints.none();
}

#[test]
fn a_part_is_filled_and_what_is_around_it_kept() {
    let page = |text: &str| File { path: "docs/raft/x.md".to_owned(), text: text.to_owned() };
    let filled = |text: &str, there: bool| {
        let mut wrong = Vec::new();
        let known = |_: &str| measured("quorum").filter(|_| there);
        let text = with_measured(&page(text), known, |line, what| wrong.push((line, what)));
        (text, wrong)
    };
    let empty = "before\n<!-- measured: quorum -->\n<!-- end -->\nbehind\n";
    let (once, wrong) = filled(empty, true);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(once.contains("](../measured/quorum.svg)") && once.ends_with("<!-- end -->\nbehind\n"));
    assert_eq!(filled(&once, true).0, once, "a part that is there is replaced");
    assert_eq!(filled(empty, false).1, [(2, "docs/measured/quorum.json is missing".to_owned())]);
    let open = filled("<!-- measured: quorum -->\nbehind\n", true).1;
    assert_eq!(open, [(1, "no <!-- end --> ends this part".to_owned())]);
}

#[test]
fn a_figure_in_a_text_is_that_of_the_table() {
    let filled = |line: &str| {
        let mut wrong = Vec::new();
        (with_cells(line, measured, |what| wrong.push(what)), wrong)
    };
    let with = |cell: &str| {
        let name = "figure: quorum / 3 of 5 nodes down / writes a second while nodes are down";
        format!("before <!-- {name} -->{cell}<!-- / -->, <!-- {name} -->{cell}<!-- / --> behind")
    };
    let cell = "0.0 (0.0–0.0, of 4)";
    assert_eq!(filled(&with("17")), (with(cell), Vec::new()));
    for wrong in
        ["<!-- figure: quorum / 3 of 5 nodes down / x -->17<!-- / -->", "<!-- figure: quorum -->"]
    {
        let (text, complaints) = filled(wrong);
        assert_eq!((text.as_str(), complaints.len()), (wrong, 1));
    }
}
