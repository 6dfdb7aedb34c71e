//! The player of elections in a real browser.

use checker::verdict::Verdict;
use serde_json::json;
use stormproof_results::report;

use crate::devtools::Browser;
use crate::sample::{sample, storm};
use crate::{Page, options};

const MOMENT: &str = "Number(document.getElementById('moment').textContent.split(' ')[0])";
const WHAT_PLAY_DOES: &str = "document.getElementById('play').getAttribute('aria-label')";

fn moment(browser: &mut Browser) -> f64 {
    browser.settle();
    browser.evaluate(MOMENT).as_f64().expect("a number of seconds")
}

fn focus(browser: &mut Browser) {
    browser.evaluate("document.getElementById('cluster').focus()");
}

#[test]
fn keys_step_through_an_election_and_every_event_is_said() {
    let Some(mut browser) = Browser::start("player-keys") else { return };
    let page = Page::of("player-keys", &sample(&options(Verdict::Valid)));
    browser.resize(1400);
    browser.open(&page.address());
    focus(&mut browser);
    let live = browser.evaluate("document.getElementById('said').getAttribute('aria-live')");
    assert_eq!(live, "polite");

    browser.press("Home");
    browser.press("PageDown");
    let mut said = Vec::new();
    let mut times = vec![moment(&mut browser)];
    while !said.last().is_some_and(|last: &String| last.contains("leads term")) {
        assert!(said.len() < 40, "no leader: {said:#?}");
        said.push(browser.text("#said"));
        let listed = browser.text("#calls .now span");
        assert!(said.last().is_some_and(|last| last.ends_with(&listed)), "the list shows {listed}");
        browser.press("ArrowRight");
        times.push(moment(&mut browser));
    }
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    let told = |text: &str| said.iter().any(|it| it.contains(text));
    for text in [
        "asks n1, n3, n4 and n5: would you vote for me in term",
        "would vote for n2",
        "would not vote for n2: its own log reaches further",
        "stands for election in term",
        "for votes in term",
        "n2 has the vote of n3: 3 of 5, a majority",
        "n2 leads term",
    ] {
        assert!(told(text), "{text} in {said:#?}");
    }

    let after = moment(&mut browser);
    browser.press("ArrowRight");
    browser.press("ArrowLeft");
    assert_eq!(moment(&mut browser), after, "one on, one back");
    browser.press("Home");
    assert_eq!(moment(&mut browser), 0.0);
    browser.press("PageDown");
    assert_eq!(moment(&mut browser), times[0], "the first election again");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_table_says_what_each_node_is_at_the_moment() {
    let Some(mut browser) = Browser::start("player-table") else { return };
    let page = Page::of("player-table", &sample(&options(Verdict::Valid)));
    browser.open(&page.address());
    browser.click("#chapter-next");
    for _ in 0..40 {
        if browser.text("#said").contains("leads term") {
            break;
        }
        browser.click("#step-on");
    }
    let row = |node: usize| format!("#states tbody tr:nth-child({node})");
    let cells = |browser: &mut Browser, node| {
        let cells = format!("[...document.querySelectorAll('{} > *')]", row(node));
        browser.evaluate(&format!("{cells}.map((cell) => cell.textContent).slice(0, 5)"))
    };
    let leader = cells(&mut browser, 2);
    assert_eq!(leader[1], "leader");
    assert_eq!((&leader[3], &leader[4]), (&json!("n2"), &json!("4 of 5")));
    let voter = cells(&mut browser, 1);
    assert_eq!((&voter[1], &voter[4]), (&json!("follower"), &json!("–")));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn player_and_timeline_show_the_same_moment_and_scrubbing_moves_both() {
    let Some(mut browser) = Browser::start("player-scrub") else { return };
    let page = Page::of("player-scrub", &storm(50));
    browser.resize(1400);
    browser.open(&page.address());
    browser.click("#step-on");
    let shown = moment(&mut browser);
    let readout = browser.text("#readout");
    assert!(readout.starts_with(&format!("time{shown:.3} s")), "{shown} in {readout}");
    browser.wait_until("location.hash.includes('at=')");

    let scrub = |share: f64| {
        format!(
            "(() => {{ const scrub = document.getElementById('scrub'); scrub.value = {};
                scrub.dispatchEvent(new Event('input')); }})()",
            share * 1e3
        )
    };
    browser.evaluate(&scrub(0.7));
    let late = moment(&mut browser);
    assert!(late > shown, "{late} after {shown}");
    assert!(browser.text("#readout").starts_with(&format!("time{late:.3} s")));
    browser.evaluate(&scrub(0.2));
    assert!(moment(&mut browser) < late);

    browser.evaluate("document.getElementById('stage').focus()");
    browser.press("Home");
    browser.press("ArrowRight");
    let readout = browser.text("#readout");
    let chosen = moment(&mut browser);
    assert!(readout.starts_with(&format!("time{chosen:.3} s")), "{chosen} in {readout}");

    let at = format!("{}#at=7.25", page.address());
    browser.open(&at);
    assert_eq!(moment(&mut browser), 7.25, "as the address says");

    let picture = "document.getElementById('circle').toDataURL()";
    let drawn = browser.evaluate(picture);
    browser.click("#calls li:first-child");
    browser.settle();
    assert_ne!(browser.evaluate(picture), drawn, "an event of the list is shown");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn it_plays_and_pauses_by_key_button_tap_and_election() {
    let Some(mut browser) = Browser::start("player-plays") else { return };
    let page = Page::of("player-plays", &storm(50));
    for width in [390, 1400] {
        browser.resize(width);
        browser.open(&page.address());
        focus(&mut browser);
        assert_eq!(browser.evaluate(WHAT_PLAY_DOES), "play");
        let before = moment(&mut browser);
        browser.press(" ");
        assert_eq!(browser.evaluate(WHAT_PLAY_DOES), "pause");
        browser.wait_until(&format!("{MOMENT} > {before}"));
        browser.press(" ");
        let paused = moment(&mut browser);
        browser.settle();
        assert_eq!(moment(&mut browser), paused, "it stands still");

        let (left, top, wide, high) = browser.place("#cluster");
        let finger = json!([{"x": left + wide / 2.0, "y": top + high / 2.0}]);
        for (kind, fingers) in [("touchStart", finger), ("touchEnd", json!([]))] {
            let touch = json!({"type": kind, "touchPoints": fingers});
            browser.call("Input.dispatchTouchEvent", touch);
        }
        browser.wait_until(&format!("{WHAT_PLAY_DOES} === 'pause'"));
        browser.click("#play");
        assert_eq!(browser.evaluate(WHAT_PLAY_DOES), "play");

        browser.click("button.chapter[data-chapter='1']");
        assert_eq!(browser.evaluate(WHAT_PLAY_DOES), "pause");
        // In true time it ends with the run, and stays there.
        browser.evaluate("document.getElementById('speed').value = 'time ×10'");
        browser.wait_until(&format!("{WHAT_PLAY_DOES} === 'play'"));
        assert_eq!(browser.evaluate("document.getElementById('scrub').value"), "1000");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_simulated_seed_has_a_page_of_its_own_with_the_same_player() {
    let Some(mut browser) = Browser::start("player-simulated") else { return };
    let run = sample(&options(Verdict::Valid));
    let nodes = &run.summary.run.nodes;
    let end = run.node_events.iter().map(|event| event.time).max().unwrap_or(0);
    let again = "stormproof simulate --seeds 7..8";
    let page = report::simulated_html(nodes, &run.node_events, end, again, "No promise is broken");
    let page = Page::written("player-simulated", &page);
    for width in [390, 1400] {
        browser.resize(width);
        browser.open(&page.address());
        focus(&mut browser);
        browser.press("Home");
        browser.press("PageDown");
        for _ in 0..40 {
            browser.press("ArrowRight");
            if browser.text("#said").contains("leads term") {
                break;
            }
        }
        assert!(browser.text("#said").contains("n2 leads term"), "{}", browser.text("#said"));
        assert_eq!(browser.evaluate(crate::TOO_WIDE), json!([]), "at {width}");
    }
    assert!(browser.text("#seed").contains(again));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
