//! Folders of results as they lie about: whole, broken, and of other versions.

use std::fs;
use std::path::{Path, PathBuf};

use stormproof_results::index::{Index, Served, find, html, save as save_page};
use stormproof_results::night::NightDirectory;

use crate::nights::season;

/// A folder of its own, removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = format!("stormproof-index-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a scratch folder can be made");
        Scratch(folder)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn save(folder: &Path, nights: u32) {
    for found in season(nights) {
        let directory = NightDirectory::at(&folder.join(&found.folder)).expect("it can be made");
        directory.save(&found.night).expect("it can be written");
    }
}

#[test]
fn what_is_broken_is_an_entry_and_the_rest_is_shown() {
    let scratch = Scratch::new("broken");
    save(&scratch.0, 3);
    let other_version = "{\"schema\": 99}";
    scratch.write("a-other/night.json", other_version);
    scratch.write("b-cut/night.json", "{\"schema\": 1, \"id\": \"b-c");
    scratch.write("c-killed-at-once/ledger.jsonl", "");
    scratch.write("d-run/history.jsonl", "{\"index\":0");
    scratch.write("d-run/verdict.json", "{\"verdict\":");
    scratch.write("e-run/history.jsonl", "");
    scratch.write("e-run/run.json", "no account");
    scratch.write("f-run/history.jsonl", "");
    scratch.write("g-something/else.txt", "hello");
    let found = find(&scratch.0).expect("the folder can be read");
    assert_eq!(found.nights.len(), 3);
    let broken: Vec<&str> = found.unreadable.iter().map(|it| it.place.as_str()).collect();
    assert_eq!(broken, ["a-other", "b-cut", "c-killed-at-once", "d-run", "e-run"]);
    assert_eq!(found.runs.len(), 1, "a run that was killed as it began is one");
    let page = html(&Index::of(found), "broken", Served::No);
    for said in [
        "its form is 99",
        "cannot understand",
        "it holds no night.json yet",
        "it ended before it was judged",
        "The last night, test of 2026-11-03 19:00",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn a_page_is_written_anew_and_something_else_of_that_name_is_left() {
    let scratch = Scratch::new("save");
    let page = html(&Index::default(), "nothing", Served::No);
    let path = save_page(&scratch.0, &page).expect("nothing is there yet");
    save_page(&scratch.0, &page).expect("it is one of ours");
    fs::write(&path, "<h1>mine</h1>").expect("it can be written");
    let error = save_page(&scratch.0, &page).expect_err("it is not");
    assert!(error.to_string().contains("is something else"), "{error}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "<h1>mine</h1>");
}

#[test]
fn a_night_and_a_folder_of_folders_are_indexes_too() {
    let scratch = Scratch::new("depth");
    save(&scratch.0.join("nights"), 2);
    let found = find(&scratch.0).expect("it can be read");
    assert_eq!(found.nights[0].folder, "nights/20261101T190000Z-test");
    let found = find(&scratch.0.join(&found.nights[0].folder)).expect("it can be read");
    assert_eq!((found.nights.len(), found.nights[0].folder.as_str()), (1, ""));
    assert!(find(&scratch.0.join("nothing")).is_err());
}
