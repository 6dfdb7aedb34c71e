//! The index of a folder of nights, and two runs side by side.

use std::fs;

use stormproof_results::comparison::{self, FlagDifference, Side};
use stormproof_results::index::{Found, Index, Served, Unreadable, html};
use stormproof_results::night::Kept;
use stormproof_results::run_directory::{HISTORY, NODES, RunDirectory};

use crate::devtools::Browser;
use crate::nights::{index, season};
use crate::sample::{sample, storm};
use crate::{BROKEN_REFERENCES, ESCAPED, FAINT, PAPER, Page, TOO_WIDE, options};

/// The width of a small telephone, of half a screen and of a laptop.
const WIDTHS: [u32; 3] = [390, 800, 1400];

/// Pages of every kind that are drawn without a run's own script.
fn pages() -> Vec<(&'static str, Page)> {
    let broken = Unreadable { place: "a-long-name-".repeat(9), why: "its form is 9".to_owned() };
    let found = Found { nights: season(40), unreadable: vec![broken], ..Found::default() };
    let season = html(&Index::of(found), "nights", Served::At("nights/"));
    let empty = html(&Index::default(), "nothing", Served::No);
    vec![
        ("season", Page::written("season", &season)),
        ("empty", Page::written("empty", &empty)),
        ("comparison", Page::written("comparison", &compared(Kept::Everything))),
        ("half-kept", Page::written("half-kept", &compared(Kept::Page))),
    ]
}

/// A run that failed, of which a night kept that much, beside a stormy one.
fn compared(kept: Kept) -> String {
    let runs = [sample(&options(checker::verdict::Verdict::Invalid)), storm(20)];
    let pages = [Page::of("compared-a", &runs[0]), Page::of("compared-b", &runs[1])];
    if kept == Kept::Page {
        let run = pages[0].0.join("run");
        fs::remove_file(run.join(HISTORY)).expect("it was there");
        fs::remove_dir_all(run.join(NODES)).expect("they were there");
    }
    let loaded = pages.each_ref().map(|page| {
        let run = RunDirectory::open(&page.0.join("run")).expect("it was made");
        run.load().expect("it can be read")
    });
    let [one, other] = &loaded;
    let (one, other) = (Side { address: "/a/", run: one }, Side { address: "/b/", run: other });
    let flag =
        FlagDifference { flag: "bug".to_owned(), one: None, other: Some("\"x\"".to_owned()) };
    comparison::html(&one, &other, &[flag])
}

#[test]
fn every_page_is_whole_at_every_width_and_on_paper_and_can_be_read() {
    let Some(mut browser) = Browser::start("index-whole") else { return };
    for (name, page) in pages() {
        browser.resize(1400);
        browser.open(&page.address());
        let broken = browser.evaluate(BROKEN_REFERENCES);
        assert_eq!(broken, serde_json::json!([]), "{name} refers to what is not there");
        for (media, widths) in [("screen", &WIDTHS[..]), ("print", &[PAPER])] {
            browser.show_as(media, "light");
            for &width in widths {
                browser.resize(width);
                for (what, expression) in [("too wide", TOO_WIDE), ("escaped", ESCAPED)] {
                    let found = browser.evaluate(expression);
                    assert_eq!(
                        found,
                        serde_json::json!([]),
                        "{name}, {what} at {width} on {media}"
                    );
                }
            }
        }
        browser.resize(1400);
        for scheme in ["light", "dark"] {
            browser.show_as("screen", scheme);
            browser.open(&page.address());
            assert_eq!(browser.evaluate(FAINT), serde_json::json!([]), "{name}, {scheme}");
        }
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn cells_and_nights_lead_to_their_runs_by_mouse_keyboard_and_address() {
    let Some(mut browser) = Browser::start("index-runs") else { return };
    let page = Page::written("runs", &html(&index(season(40)), "nights", Served::No));
    browser.resize(1400);
    browser.open(&page.address());
    let rows = "document.querySelectorAll('#rows tr').length";
    assert_eq!(browser.text("#chosen"), "200 runs");
    assert_eq!(browser.evaluate(rows), 100);
    browser.click("#more");
    assert_eq!(browser.evaluate(rows), 200);

    browser.click("#failures a.pick");
    assert_eq!(browser.text("#chosen"), "2 runs");
    let in_sight = "document.getElementById('runs').getBoundingClientRect().top < innerHeight";
    browser.wait_until(in_sight);
    assert!(browser.text("#rows").contains("process 7 read 12 from k40"));
    let links = browser
        .evaluate("[...document.querySelectorAll('#rows a')].map((it) => it.getAttribute('href'))");
    let place = "20261210T190000Z-test/runs/1/20261210T190100Z-a-set-s1001/report.html";
    assert_eq!(links[0], place);

    // The first cell of the matrix, by keyboard.
    browser.evaluate("document.querySelector('#matrix-0 a.pick').focus()");
    browser.press("Enter");
    browser.wait_until("document.activeElement.id === 'runs'");
    assert_eq!(browser.text("#chosen"), "120 runs");
    browser.evaluate("document.getElementById('show').value = 'starved'");
    browser.evaluate("document.getElementById('show').dispatchEvent(new Event('change'))");
    assert_eq!(browser.text("#chosen"), "40 runs");

    browser.open(&format!("{}#night=39&show=failed", page.address()));
    assert_eq!(browser.text("#chosen"), "1 run of 20261210T190000Z-test");
    browser.click("#all-nights");
    assert_eq!(browser.text("#chosen"), "15 runs");
    browser.evaluate("document.getElementById('words').value = 'k40 '");
    browser.evaluate("document.getElementById('words').dispatchEvent(new Event('input'))");
    assert_eq!(browser.text("#chosen"), "1 run");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_cursor_reads_both_runs_at_once() {
    let Some(mut browser) = Browser::start("comparison") else { return };
    let page = Page::written("cursor", &compared(Kept::Everything));
    browser.resize(1400);
    browser.open(&page.address());
    browser.evaluate("document.getElementById('both').focus()");
    browser.press("ArrowRight");
    let first = browser.text("#reading");
    assert!(first.contains("s of the load\nA: ") && first.contains("\nB: "), "{first}");
    let (left, top, width, height) = browser.place("#both .track");
    browser.mouse("mouseMoved", (left + width * 0.6, top + height / 2.0), false);
    browser.settle();
    assert_ne!(browser.text("#reading"), first);
    assert!(browser.text("#flags").contains("bug"));
    assert!(browser.text("#faults").contains("none"), "the runs have other faults");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_run_of_which_the_page_alone_is_kept_has_a_verdict_and_no_figures_that_are_none() {
    let Some(mut browser) = Browser::start("half-kept") else { return };
    let page = Page::written("half-kept-cursor", &compared(Kept::Page));
    browser.resize(1400);
    browser.open(&page.address());
    assert!(browser.text("#verdicts td.invalid").contains("invalid"));
    assert!(browser.text("h1").contains("their faults cannot be compared"));
    assert!(browser.text("#both").contains("AIts history is not kept"), "A has no lanes");
    assert_eq!(browser.evaluate("document.querySelectorAll('#both .empty').length"), 1);
    assert!(browser.text("#faults td.muted").contains("not kept"));
    assert_eq!(browser.evaluate("document.querySelectorAll('#faults .differs').length"), 0);
    browser.evaluate("document.getElementById('both').focus()");
    browser.press("ArrowRight");
    let reading = browser.text("#reading");
    assert!(
        reading.contains("\nA: not kept\nB: ") && reading.contains(" ok a second"),
        "{reading}"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
