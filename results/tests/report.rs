//! The page of made-up runs: complete, self-contained, harmless and not too large.

use std::collections::BTreeSet;

use checker::history::{Event, EventType, History, Process};
use checker::verdict::Verdict;
use faults::coverage::{Cell, Coverage, Missed, Phase, Role};
use faults::fault::Family;
use serde_json::Value;
use stormproof_results::event::{NodeChange, NodeEvent};
use stormproof_results::report::html;
use stormproof_results::summary::Summary;

#[path = "report/elements.rs"]
mod elements;
#[path = "report/oracles.rs"]
mod oracles;
mod sample;

use sample::{Options, Sample, sample, storm};

fn page(run: &Sample) -> String {
    html(&run.summary, &run.history, &run.node_events)
}

fn options(verdict: Verdict) -> Options {
    Options { seconds: 20, rate: 100, faults: true, verdict }
}

/// The data that the script of a page draws.
fn drawn(page: &str) -> Value {
    let (_, data) = page.split_once("id=\"run-data\">").expect("a page has data");
    let (data, _) = data.split_once("</script>").expect("the data end");
    serde_json::from_str(data).expect("the data are JSON")
}

/// Decodes a column as `page/columns.js` does, by other means.
fn decoded(column: &str, rising: bool) -> Vec<u64> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = Vec::new();
    for digit in column.trim_end_matches('=').chars() {
        let value = DIGITS.find(digit).expect("a digit of base64");
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    let bytes: Vec<u64> = bits
        .chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | *bit as u64))
        .collect();
    let mut values: Vec<u64> = Vec::new();
    let (mut value, mut shift) = (0, 0);
    for byte in bytes {
        value |= (byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            let last = values.last().copied().filter(|_| rising).unwrap_or(0);
            values.push(last + value);
            (value, shift) = (0, 0);
        }
    }
    values
}

#[test]
fn a_hundred_thousand_operations_stay_under_five_megabytes() {
    let run = sample(&Options { seconds: 300, rate: 340, faults: true, verdict: Verdict::Valid });
    let invocations = run.history.events.iter().filter(|event| event.kind == EventType::Invoke);
    assert!(invocations.count() > 100_000);
    let size = page(&run).len();
    assert!(size < 5_000_000, "{size} bytes");
}

#[test]
fn a_large_run_with_every_family_and_busy_clocks_stays_under_five_megabytes() {
    let mut run = storm(3_400);
    let invocations = run.history.events.iter().filter(|event| event.kind == EventType::Invoke);
    assert!(invocations.count() > 100_000);
    // As many readings as of five clocks that never stand still, ten times a second for 5 minutes.
    for node in run.summary.run.nodes.clone() {
        for reading in 0..3_000 {
            let time = reading * 10_000_000;
            let wall_offset_ms = (reading * 7_919 % 60_000) as f64 - 30_000.0;
            let change = NodeChange::Clock { wall_offset_ms, monotonic_offset_ms: 0.4 };
            run.node_events.push(NodeEvent { time, node: node.clone(), change });
        }
    }
    run.node_events.sort_by_key(|event| event.time);
    let size = page(&run).len();
    assert!(size < 5_000_000, "{size} bytes");
}

/// One panel of a page.
fn panel<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, panel) = page.split_once(&format!("<section id=\"{id}\"")).expect("the panel");
    panel.split_once("</section>").expect("it ends").0
}

#[test]
fn every_fault_is_told_with_what_was_measured_of_it() {
    let page = page(&storm(50));
    let schedule = panel(&page, "schedule");
    for words in [
        "<td>4 packets dropped, 8 links cut, cut after 11 ms</td>",
        "<td>312 packets dropped, healed after 9.1 ms</td>",
        "one way 50–57 ms, 8,112 packets delayed",
        "<td>wall −5,000 ms, ",
        "fsync 51–60 ms, ",
        "1,204 sectors lost, 3 names lost, 311 sectors kept",
        "<td>37 operations failed</td>",
        "throttled 3.60 s, throttled 388 times",
        "damaged: log/000003.wal, byte 40,961, bit 3",
        "13 steps, from 4.651 s to 7.651 s",
        "more than two of five nodes would be down",
    ] {
        assert!(schedule.contains(words), "{words}");
    }
    assert!(!schedule.contains("nothing was synced yet"), "an effect was seen in the end");
}

#[test]
fn the_timeline_is_given_labels_letters_steps_clocks_and_findings() {
    let drawn = drawn(&page(&storm(50)));
    let faults = drawn["faults"].as_array().expect("faults");
    let named = |name: &str| {
        let fault = faults.iter().find(|f| f["name"].as_str().is_some_and(|n| n.contains(name)));
        fault.expect("the fault")
    };
    let labels = [
        ("flaky", "312 packets dropped"),
        ("-5000 ms", "wall −5,000 ms"),
        ("fsync", "fsync 51–60 ms"),
        ("minority", "1,204 sectors lost"),
        ("crash loop", ""),
    ];
    for (name, label) in labels {
        assert_eq!(named(name)["label"], label, "{name}");
    }
    let letters: BTreeSet<&str> = faults.iter().filter_map(|f| f["letter"].as_str()).collect();
    assert_eq!(letters.len(), 11, "{letters:?}");
    let flaky = named("flaky");
    assert_eq!(flaky["stepCount"], 13);
    assert_eq!(flaky["steps"].as_array().map(Vec::len), Some(13));
    assert_eq!(flaky["steps"][0], 4_651_000);
    assert_eq!(drawn["findings"][0]["node"], "n2");
    assert_eq!(drawn["findings"][0]["time"], 19_640_000);

    let clocks = drawn["clocks"].as_array().expect("clocks");
    let n1 = clocks.iter().find(|clock| clock["node"] == "n1").expect("its clocks were read");
    let column = |name: &str, rising| decoded(n1[name].as_str().expect("a column"), rising);
    let (time, wall) = (column("time", true), column("wall", false));
    assert_eq!(n1["count"], time.len());
    // Zigzag: −5,000,020 µs.
    let jump = wall.iter().position(|&wall| wall == 2 * 5_000_020 - 1).expect("the jump");
    assert_eq!((time[jump - 1], time[jump]), (6_300_000, 6_400_000), "it is as steep as it was");
    assert!(time.len() < 12, "what did not change is thinned: {}", time.len());
}

#[test]
fn a_strobe_of_thousands_of_steps_gets_as_many_ticks_as_a_screen_shows() {
    let mut run = storm(50);
    let events = &mut run.history.events;
    let step = events.iter().find(|event| event.value["stage"] == "step");
    let step = step.expect("a step").clone();
    let done = |number| Event { time: step.time + number, kind: EventType::Info, ..step.clone() };
    events.extend((0..5_000).map(done));
    let drawn = drawn(&page(&run));
    let counts = drawn["faults"].as_array().expect("faults").iter().map(|fault| {
        let ticks = fault["steps"].as_array().map_or(0, Vec::len);
        (fault["stepCount"].as_u64().unwrap_or(0), ticks)
    });
    let (steps, ticks) = counts.max().expect("faults");
    assert_eq!(steps, 5_013);
    assert!((200..=300).contains(&ticks), "{ticks}");
}

#[test]
fn a_finding_stands_on_the_page_with_its_log() {
    let run = storm(50);
    let page = page(&run);
    let findings = panel(&page, "findings");
    for text in [
        "stopped by itself while its disk failed",
        "19.640 s",
        "last 3 lines of its log",
        "stopping\nexit code 74",
    ] {
        assert!(findings.contains(text), "{text}");
    }
    let places = ["id=\"findings\"", "id=\"schedule\""].map(|id| page.find(id));
    assert!(places[0].is_some() && places[0] < places[1], "above the schedule");
    let calm = self::page(&sample(&options(Verdict::Valid)));
    assert!(!calm.contains("id=\"findings\"") && !calm.contains("href=\"#findings\""));
}

#[test]
fn what_was_reached_what_was_not_and_what_could_not_be_are_told_apart() {
    let mut run = storm(50);
    let family = Family::Kill;
    run.summary.fault_coverage = Some(Coverage {
        cells: vec![
            Cell { family, role: Role::Follower, phase: Phase::Election, count: 2 },
            Cell { family, role: Role::Leader, phase: Phase::Steady, count: 3 },
        ],
        missed: vec![
            Missed { family, role: Role::Leader, phase: Phase::Election },
            Missed { family, role: Role::FormerLeader, phase: Phase::Steady },
        ],
    });
    let page = page(&run);
    let panel = panel(&page, "not-tested");
    assert!(panel.contains("this plan can reach, 2 were reached and 2 not."), "{panel}");
    for title in [
        "kill, leader, steady: 3 faults",
        "kill, follower, election: 2 faults",
        "kill, leader, election: not reached",
        "kill, former-leader, steady: not reached",
        "kill, follower, steady: out of this plan’s reach",
    ] {
        assert!(panel.contains(&format!("title=\"{title}\"")), "{title}");
    }
    let roles = [">leader</th>", ">follower</th>", ">former-leader</th>"];
    let places = roles.map(|role| panel.find(role).expect("a heading"));
    assert!(places.is_sorted(), "the mightiest first");
    assert!(!panel.contains("Whom the faults hit"), "which tells less");
}

#[test]
fn the_recovery_panel_tells_how_long_nodes_were_down() {
    let page = page(&storm(50));
    let recovery = panel(&page, "recovery");
    let (_, loop_row) = recovery.split_once("crash loop (n1)").expect("the crash loop");
    let (loop_row, _) = loop_row.split_once("</tr>").expect("it ends");
    // 380 + 390 + 390 + 600 ms.
    assert!(loop_row.contains("1.76 s<small>n1, 4 times"), "{loop_row}");
}

#[test]
fn the_same_run_gives_the_same_page() {
    for verdict in [Verdict::Valid, Verdict::Unknown, Verdict::Invalid] {
        let [one, other] = [0, 1].map(|_| page(&sample(&options(verdict))));
        assert!(one == other, "two pages of one {verdict:?} run differ");
    }
    assert!(page(&storm(50)) == page(&storm(50)));
}

#[test]
fn nothing_is_fetched_from_anywhere() {
    let page = page(&sample(&options(Verdict::Invalid)));
    for reference in ["http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest"]
    {
        assert!(!page.contains(reference), "{reference}");
    }
    let links = page.split("href=\"").skip(1).map(|link| link.split('"').next().unwrap_or(""));
    for link in links {
        let beside = ["history.jsonl", "nodes", "verdict.json", "plan.toml"];
        assert!(link == "data:," || link == "#findings" || beside.contains(&link), "{link}");
    }
    assert!(page.contains("default-src 'none'"), "the browser is told so too");
}

#[test]
fn the_first_screen_names_verdict_reason_and_command() {
    for (verdict, word) in
        [(Verdict::Valid, "valid"), (Verdict::Unknown, "unknown"), (Verdict::Invalid, "invalid")]
    {
        let run = sample(&options(verdict));
        let page = page(&run);
        let (_, header) = page.split_once("<header>").expect("a header");
        let (header, _) = header.split_once("</header>").expect("a header");
        assert!(header.contains(&format!("decision {word}")), "{verdict:?}");
        for text in [&run.summary.sentence, &run.summary.run.command] {
            assert!(header.contains(text.as_str()), "{text}");
        }
        assert!(header.contains("wing-gong-lowe"));
    }
}

#[test]
fn an_invalid_run_says_which_fault_was_on() {
    let page = page(&sample(&options(Verdict::Invalid)));
    assert!(page.contains("Fault at that time: “isolate the leader n2” (event "), "{page:.3000}");
    assert!(page.contains("class=\"row culprit\""));
    assert!(page.contains("older value, after 19 was seen"));
}

#[test]
fn an_invalid_run_without_faults_says_that_none_was_on() {
    let run = sample(&Options { faults: false, ..options(Verdict::Invalid) });
    assert!(page(&run).contains("No fault had been on before that time."));
}

#[test]
fn a_culprit_that_does_not_exist_is_no_panic() {
    let mut run = sample(&options(Verdict::Invalid));
    let counterexample = run.summary.safety.counterexample.as_mut().expect("an invalid run");
    counterexample.culprits = vec![99];
    counterexample.remarks.clear();
    assert!(!page(&run).contains("row culprit"));
}

#[test]
fn an_empty_history_has_a_page() {
    let run = sample(&options(Verdict::Unknown));
    let page = html(&run.summary, &History::default(), &[]);
    assert!(page.contains("No client invoked an operation."));
    assert_eq!(drawn(&page)["operations"]["count"], 0);
}

#[test]
fn every_operation_is_drawn_with_its_time_latency_and_indices() {
    let run = sample(&options(Verdict::Valid));
    let operations = &drawn(&page(&run))["operations"];
    let column = |name: &str, rising| {
        decoded(operations["columns"][name].as_str().expect("a column"), rising)
    };
    let (start, index) = (column("start", true), column("index", true));
    let (latency, completion) = (column("latency", false), column("completion", false));
    let events = &run.history.events;
    let invocations: Vec<&Event> =
        events.iter().filter(|event| event.kind == EventType::Invoke).collect();
    let clients: Vec<&&Event> =
        invocations.iter().filter(|event| matches!(event.process, Process::Client(_))).collect();
    assert_eq!(operations["count"], clients.len() as u64);
    assert_eq!(start.len(), clients.len());
    for (row, invocation) in clients.into_iter().enumerate() {
        assert_eq!(start[row], invocation.time / 1_000);
        assert_eq!(index[row], invocation.index);
        let completed = &events[(index[row] + completion[row]) as usize];
        assert_eq!(completed.process, invocation.process);
        assert_eq!(latency[row], (completed.time - invocation.time) / 1_000);
    }
}

/// Text that does harm wherever it is not escaped.
const HOSTILE: &str =
    "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{data}}<!--";

/// Puts hostile text into every string of a value, names of fields aside.
fn poison(value: &mut Value, keep: &[&str]) {
    match value {
        Value::String(text) => text.push_str(HOSTILE),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, keep)),
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(name, _)| !keep.contains(&name.as_str()))
            .for_each(|(_, item)| poison(item, keep)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn poisoned<T: serde::Serialize + serde::de::DeserializeOwned>(from: &T, keep: &[&str]) -> T {
    let mut value = serde_json::to_value(from).expect("JSON");
    poison(&mut value, keep);
    serde_json::from_value(value).expect("still of its type")
}

#[test]
fn hostile_text_stays_text() {
    let mut run = storm(50);
    let invalid = sample(&options(Verdict::Invalid));
    run.summary.safety = invalid.summary.safety;
    let tame = page(&run);
    // Names that the types or the metrics must know stay as they are.
    let keep = ["verdict", "type", "process", "stage", "outcome", "event"];
    let of_coverage = ["family", "role", "phase"];
    let summary: Summary = poisoned(&run.summary, &[&keep[..], &of_coverage].concat());
    let of_faults = [&keep[..], &["f"]].concat();
    let poisoned_event = |event: &Event| match event.process {
        Process::Nemesis => poisoned(event, &of_faults),
        Process::Client(_) | Process::Controller => poisoned(event, &keep),
    };
    let events: Vec<Event> = run.history.events.iter().map(poisoned_event).collect();
    let node_events: Vec<NodeEvent> =
        run.node_events.iter().map(|event| poisoned(event, &keep)).collect();
    let poisoned_role = |change: &NodeChange| matches!(change, NodeChange::Role { role, .. } if role.contains("alert"));
    assert!(node_events.iter().any(|event| poisoned_role(&event.change)));

    let page = html(&summary, &History { events }, &node_events);
    for tag in ["<script", "</script", "<style", "<!--"] {
        assert_eq!(page.matches(tag).count(), tame.matches(tag).count(), "{tag}");
    }
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;img"), "it is still shown");
    let drawn = drawn(&page);
    assert!(drawn["nodes"][0]["name"].as_str().is_some_and(|name| name.ends_with(HOSTILE)));
}
