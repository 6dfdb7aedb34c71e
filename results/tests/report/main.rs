//! The page of made-up runs: complete, self-contained, harmless and not too large.

use std::collections::BTreeSet;

use checker::history::{Event, EventType, Process};
use checker::verdict::Verdict;
use serde_json::Value;
use stormproof_results::event::{NodeChange, NodeEvent};
use stormproof_results::metrics::{FaultInterval, FaultIntervals, RunHistory, fault_intervals};
use stormproof_results::report::html;
use stormproof_results::summary::{KnownInRun, Summary};
use stormproof_results::verdict_text::{self, Saved};

mod ci;
mod export;
#[path = "../sample/mod.rs"]
mod sample;
mod snapshots;
mod xml;

use sample::{Options, Sample, elections, judged, models, sample, storm};

fn page(run: &Sample) -> String {
    html(&run.summary, &RunHistory::from(&run.history), &run.node_events, &run.logs)
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
            run.node_events.push(NodeEvent { time, node: node.clone(), change, at: None });
        }
    }
    run.node_events.sort_by_key(|event| event.time);
    let size = page(&run).len();
    assert!(size < 5_000_000, "{size} bytes");
}

#[test]
fn the_player_of_an_hour_with_elections_all_along_takes_less_than_a_megabyte() {
    let mut run = sample(&options(Verdict::Valid));
    run.node_events.clear();
    for second in 1..3_600 {
        let leader = ["n1", "n2"][second as usize % 2];
        let time = second * 1_000_000_000;
        for (role, before) in [("candidate", 120), ("leader", 0)] {
            let change = NodeChange::Role { role: role.to_owned(), term: second, leader: None };
            let (time, node) = (time - before * 1_000_000, leader.to_owned());
            run.node_events.push(NodeEvent { time, node, change, at: None });
        }
        run.node_events.extend(elections::calls(time, second, leader, &["n5"]));
    }
    let data = drawn(&page(&run));
    assert_eq!(data["elections"]["chapters"].as_array().map(Vec::len), Some(3_599));
    let size = data["elections"].to_string().len();
    assert!(size < 1_000_000, "{size} bytes");
    assert!(size > 300_000, "{size} bytes: it is there");
}

/// One panel of a page.
fn panel<'a>(page: &'a str, id: &str) -> &'a str {
    let begin = page.find(&format!("<section id=\"{id}\"")).expect("the panel");
    page[begin..].split_once("</section>").expect("it ends").0
}

/// A run with two failures that were known: one was avoided, and one was tested all the same.
fn with_known_failures(verdict: Verdict) -> Sample {
    let mut run = storm(50);
    run.summary.verdict = verdict;
    let known = |text: &str, tested, faults: &[u32]| KnownInRun {
        failure: text.parse().expect("a known failure"),
        tested,
        faults: faults.to_vec(),
    };
    let faults: Vec<FaultInterval> = fault_intervals(&RunHistory::from(&run.history));
    let effective = faults.iter().filter(|fault| fault.took_effect()).take(2);
    let ids: Vec<u32> = effective.map(|fault| fault.fault).collect();
    run.summary.run.known = vec![
        known("lost=power,disk trouble=slow-fsync: https://example.com/17, since 2.1", false, &[]),
        known("twice=kill", true, &ids),
        known("never=stop", true, &[999]),
    ];
    run
}

#[test]
fn page_terminal_and_file_say_what_known_failures_left_untested() {
    for (verdict, result) in [
        (Verdict::Valid, "twice did not show: 2 faults that can trigger it took effect"),
        (Verdict::Unknown, "twice may be there or not: 2 faults that can trigger it took effect"),
        (
            Verdict::Invalid,
            "twice may be what this run shows: 2 faults that can trigger it took effect",
        ),
    ] {
        let run = with_known_failures(verdict);
        let page = page(&run);
        let left_open = panel(&page, "not-tested");
        let avoided = "lost was avoided, without power faults, and disk faults with \
                       trouble=slow-fsync: what they do was not tested; --test-known lost tests it";
        let link = "(<a href=\"https://example.com/17\">https://example.com/17</a>, since 2.1)";
        let never = "never was not tested after all: no fault that triggers it took effect";
        for text in [&format!("{avoided} {link}"), result, never] {
            assert!(left_open.contains(text), "no {text:?} in\n{left_open}");
        }
        let faults = FaultIntervals::of(&RunHistory::from(&run.history));
        let saved = Saved::default();
        let text = verdict_text::run(&run.summary, [1, 0, 0], &faults, &saved, false);
        for text_of_it in [avoided, result, never] {
            assert!(text.contains(&format!("  known      {text_of_it}")), "{text}");
        }
    }
    let summary = serde_json::to_value(with_known_failures(Verdict::Valid).summary).expect("JSON");
    assert_eq!(
        summary["run"]["known"][0],
        serde_json::json!({
            "name": "lost",
            "about": "https://example.com/17, since 2.1",
            "triggers": ["power", "disk trouble=slow-fsync"],
            "tested": false,
        })
    );
    let read: Summary = serde_json::from_value(summary).expect("its own words");
    assert_eq!(read, with_known_failures(Verdict::Valid).summary);
}

#[test]
fn families_have_letters_and_clocks_are_thinned() {
    let drawn = drawn(&page(&storm(50)));
    let faults = drawn["faults"].as_array().expect("faults");
    let letters: BTreeSet<&str> = faults.iter().filter_map(|f| f["letter"].as_str()).collect();
    assert_eq!(letters.len(), 11, "{letters:?}");

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
fn a_run_has_only_the_panels_that_say_something_about_it() {
    const ORDER: [&str; 13] = [
        "timeline",
        "counterexample",
        "elections",
        "recovery",
        "operations",
        "elements",
        "tokens",
        "versions",
        "members",
        "not-tested",
        "findings",
        "schedule",
        "environment",
    ];
    let always = [
        "timeline",
        "elections",
        "recovery",
        "operations",
        "not-tested",
        "schedule",
        "environment",
    ];
    let check = |run: &Sample, more: &[&str]| {
        let page = page(run);
        let ids = page.split("<section id=\"").skip(1);
        let ids: Vec<&str> = ids.map(|id| id.split('"').next().unwrap_or_default()).collect();
        let wanted = |id: &&str| always.contains(id) || more.contains(id);
        assert_eq!(ids, ORDER.into_iter().filter(wanted).collect::<Vec<_>>());
    };
    let calm = sample(&options(Verdict::Valid));
    check(&calm, &[]);
    assert!(!page(&calm).contains("href=\"#findings\""));
    check(&sample(&options(Verdict::Invalid)), &["counterexample"]);
    check(&storm(50), &["findings"]);
    for model in models() {
        let run = judged(model);
        let elements = ["set", "queue"].contains(&model).then_some("elements");
        let tokens = run.summary.safety.audit.as_ref().map(|_| "tokens");
        let more = [Some("counterexample"), Some("versions"), elements, tokens];
        check(&run, &more.into_iter().flatten().collect::<Vec<_>>());
    }
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
        let within = link == "#findings" || link.starts_with("#from=");
        assert!(link == "data:," || within || beside.contains(&link), "{link}");
    }
    assert!(page.contains("default-src 'none'"), "the browser is told so too");
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
fn the_progress_and_the_logs_of_nodes_are_on_the_page_with_their_times() {
    let run = sample(&options(Verdict::Valid));
    let drawn = drawn(&page(&run));
    let n3 = drawn["commits"].as_array().expect("a list").iter().find(|it| it["node"] == "n3");
    let n3 = n3.expect("it told of its progress");
    let column = |name: &str, rising| decoded(n3[name].as_str().expect("a column"), rising);
    let (time, commit, applied) =
        (column("time", true), column("commit", false), column("applied", false));
    assert_eq!((time[4], commit[4], applied[4]), (2_500_000, 104, 64));
    assert_eq!(n3["count"], time.len());

    let log = &drawn["logs"][1];
    assert_eq!((&log["node"], &log["file"]), (&"n2".into(), &"stderr.log".into()));
    assert_eq!(log["lines"][1], "n2: pre-candidate in term 0");
    assert_eq!(decoded(log["time"].as_str().expect("a column"), true)[1], 440_000);
}

#[test]
fn a_stack_trace_stands_below_the_headline() {
    let mut run = sample(&options(Verdict::Unknown));
    let trace = (0..15).map(|frame| format!("  {frame}: std::panicking")).collect::<Vec<_>>();
    let text = format!("n1 ended by itself at 12.3 s:\n{}", trace.join("\n"));
    run.summary.liveness.sentence = text.clone();
    run.summary.sentence = text;
    let page = page(&run);
    assert!(page.contains("<h1>n1 ended by itself at 12.3 s</h1>"));
    assert!(page.contains("<p>n1 ended by itself at 12.3 s</p>"));
    let below =
        "<details class=\"excerpt\"><summary>15 more lines</summary><pre>  0: std::panicking\n";
    assert_eq!(page.matches(below).count(), 2);
}

#[test]
fn an_empty_history_has_a_page() {
    let run = sample(&options(Verdict::Unknown));
    let page = html(&run.summary, &RunHistory::default(), &[], &[]);
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
    let of_coverage = ["family", "role", "phase", "phases"];
    let summary: Summary = poisoned(&run.summary, &[&keep[..], &of_coverage].concat());
    let of_faults = [&keep[..], &["f"]].concat();
    let poisoned_event = |event: &Event| match event.process {
        Process::Nemesis => poisoned(event, &of_faults),
        Process::Client(_) | Process::Controller => poisoned(event, &keep),
    };
    let events: Vec<Event> = run.history.events.iter().map(poisoned_event).collect();
    let node_events: Vec<NodeEvent> =
        run.node_events.iter().map(|event| poisoned(event, &keep)).collect();
    let mut logs = run.logs.clone();
    for log in &mut logs {
        log.node.push_str(HOSTILE);
        log.lines.iter_mut().for_each(|line| line.text.push_str(HOSTILE));
    }
    let poisoned_role = |change: &NodeChange| matches!(change, NodeChange::Role { role, .. } if role.contains("alert"));
    assert!(node_events.iter().any(|event| poisoned_role(&event.change)));

    let page = html(&summary, &events.into_iter().collect(), &node_events, &logs);
    for tag in ["<script", "</script", "<style", "<!--"] {
        assert_eq!(page.matches(tag).count(), tame.matches(tag).count(), "{tag}");
    }
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;img"), "it is still shown");
    let drawn = drawn(&page);
    assert!(drawn["nodes"][0]["name"].as_str().is_some_and(|name| name.ends_with(HOSTILE)));
}
