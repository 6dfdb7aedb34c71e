//! The page of made-up runs: complete, self-contained, harmless and not too large.

use checker::history::{Event, EventType, History, Process};
use checker::verdict::Verdict;
use results::event::{NodeChange, NodeEvent};
use results::report::html;
use results::summary::Summary;
use serde_json::Value;

mod sample;

use sample::{Options, Sample, sample};

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
fn the_same_run_gives_the_same_page() {
    for verdict in [Verdict::Valid, Verdict::Unknown, Verdict::Invalid] {
        let [one, other] = [0, 1].map(|_| page(&sample(&options(verdict))));
        assert!(one == other, "two pages of one {verdict:?} run differ");
    }
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
        assert!(link == "data:," || beside.contains(&link), "{link}");
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
    let run = sample(&options(Verdict::Invalid));
    let tame = page(&run);
    // Names that the types or the metrics must know stay as they are.
    let keep = ["verdict", "type", "process", "stage", "outcome", "event"];
    let summary: Summary = poisoned(&run.summary, &keep);
    let events: Vec<Event> =
        run.history.events.iter().map(|event| poisoned(event, &keep)).collect();
    let node_events: Vec<NodeEvent> =
        run.node_events.iter().map(|event| poisoned(event, &keep)).collect();
    assert!(
        matches!(&node_events[5].change, NodeChange::Role { role, .. } if role.contains("alert"))
    );

    let page = html(&summary, &History { events }, &node_events);
    for tag in ["<script", "</script", "<style", "<!--"] {
        assert_eq!(page.matches(tag).count(), tame.matches(tag).count(), "{tag}");
    }
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;img"), "it is still shown");
    let drawn = drawn(&page);
    assert!(drawn["nodes"][0]["name"].as_str().is_some_and(|name| name.ends_with(HOSTILE)));
}
