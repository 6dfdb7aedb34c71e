//! A run directory is written as a run writes it, and read back.

use std::fs;
use std::path::{Path, PathBuf};

use checker::history::{Attempt, Event, EventType, Process};
use checker::verdict::Verdict;
use serde_json::{Value, json};
use stormproof_results::applied_log::{
    APPLIED, AppliedEntry, AppliedLogWriter, SavedAppliedLog, open_all,
};
use stormproof_results::event::{NodeChange, NodeEvent, RunEvent};
use stormproof_results::metrics::RunHistory;
use stormproof_results::report;
use stormproof_results::run_directory::{NODES, RunDirectory};
use stormproof_results::timed_logs::TimedLine;

mod sample;

use sample::{Options, Sample, judged, models, sample, storm, with_promises};

/// A folder that is removed again.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("stormproof-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a scratch folder");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn event(index: u64, kind: EventType) -> Event {
    Event {
        index,
        time: index * 1_000,
        process: Process::Client(4),
        kind,
        f: "cas".into(),
        key: Some("k3".into()),
        value: json!([12, 40]),
        token: Some("r7f3:4:9".into()),
        node: None,
        version: None,
        error: None,
        attempts: vec![Attempt {
            node: "n1".into(),
            start: 1,
            end: 2,
            error: Some("timeout".into()),
            definite: Some(false),
        }],
    }
}

fn node_event(time: u64, node: &str) -> NodeEvent {
    let change = NodeChange::Role { role: "leader".into(), term: 4, leader: Some(node.into()) };
    NodeEvent { time, node: node.into(), change, at: None }
}

fn latest(results: &Path) -> PathBuf {
    fs::read_link(results.join("latest")).expect("a link")
}

#[test]
fn what_was_recorded_is_read_back() {
    let scratch = Scratch::new("round-trip");
    let mut run = RunDirectory::create(&scratch.0.join("runs"), "a-run").expect("created");
    let events = vec![event(0, EventType::Invoke), event(1, EventType::Ok)];
    for event in &events {
        run.record(&RunEvent::Operation(event.clone())).expect("recorded");
    }
    run.record(&RunEvent::Note("nothing to save".into())).expect("ignored");
    run.append_node_event(&node_event(7, "n2")).expect("recorded");
    run.append_node_event(&node_event(5, "n1")).expect("recorded");
    run.save_plan("seed = 42\n").expect("saved");

    let loaded = RunDirectory::open(run.path()).expect("opened").load().expect("loaded");
    let operations: Vec<_> = loaded.history.operations.iter().collect();
    let [operation] = operations[..] else { panic!("{operations:?}") };
    assert_eq!((operation.invoked(), operation.completed()), (0, Some(1)));
    assert_eq!((operation.f(), operation.outcome()), (events[0].f.as_str(), EventType::Ok));
    let values = run.operations().expect("readable");
    let value = values.get(0);
    assert_eq!((value.input().to_value(), value.invoked()), (events[0].value.clone(), 0));
    assert_eq!(loaded.node_events, [node_event(5, "n1"), node_event(7, "n2")], "by time");
    assert_eq!(loaded.plan.as_deref(), Some("seed = 42\n"));
    assert_eq!(loaded.summary, None, "it was not judged yet");
    assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
}

#[test]
fn a_saved_run_gives_the_page_that_it_gave_at_first() {
    page_again(
        "page",
        &sample(&Options { seconds: 5, rate: 50, faults: true, verdict: Verdict::Invalid }),
    );
    page_again("page-of-storm", &storm(50));
    let valid = Options { seconds: 5, rate: 50, faults: true, verdict: Verdict::Valid };
    page_again("page-of-promises", &with_promises(sample(&valid)));
    models().for_each(|model| page_again(&format!("page-of-{model}"), &judged(model)));
}

fn page_again(name: &str, run: &Sample) {
    let scratch = Scratch::new(name);
    let mut directory = RunDirectory::create(&scratch.0, "a-run").expect("created");
    for event in &run.history.events {
        directory.append_event(event).expect("recorded");
    }
    for event in &run.node_events {
        directory.append_node_event(event).expect("recorded");
    }
    for log in &run.logs {
        let path = directory.node_directory(&log.node).expect("a folder").join(&log.file);
        let mut text = String::new();
        for TimedLine { time, text: line } in &log.lines {
            text += &format!("{line}\n");
            let change = NodeChange::Logged { file: log.file.clone(), bytes: text.len() as u64 };
            let event = NodeEvent { time: *time, node: log.node.clone(), change, at: None };
            directory.append_node_event(&event).expect("recorded");
        }
        fs::write(path, text).expect("written");
    }
    directory.save_verdict(&run.summary).expect("saved");
    let page =
        report::html(&run.summary, &RunHistory::from(&run.history), &run.node_events, &run.logs);
    let saved = directory.save_report(&page).expect("saved");

    let loaded = RunDirectory::open(&scratch.0.join("latest")).expect("opened").load();
    let loaded = loaded.expect("loaded");
    let logs = loaded.node_logs();
    assert_eq!(logs, run.logs);
    let summary = loaded.summary.expect("it was judged");
    let mut expected = run.summary.clone();
    if let Some(counterexample) = &mut expected.safety.counterexample {
        // They are for the history that `shrink` writes, which is judged anew.
        counterexample.witnesses.clear();
    }
    assert_eq!(summary, expected);
    let again = report::html(&summary, &loaded.history, &loaded.node_events, &logs);
    assert!(again == fs::read_to_string(saved).expect("readable"), "the pages differ");
}

#[test]
fn a_verdict_from_before_coverage_and_findings_were_told_is_read() {
    let scratch = Scratch::new("old-verdict");
    let run = storm(50);
    let directory = RunDirectory::create(&scratch.0, "a-run").expect("created");
    let path = directory.save_verdict(&run.summary).expect("saved");
    let mut json: Value =
        serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
    for name in ["fault_coverage", "findings"] {
        assert!(json.as_object_mut().expect("an object").remove(name).is_some(), "{name}");
    }
    fs::write(&path, json.to_string()).expect("written");
    let summary = directory.load().expect("loaded").summary.expect("a verdict");
    assert_eq!((summary.fault_coverage, summary.findings), (None, Vec::new()));
}

#[test]
fn a_failure_shows_in_the_load_or_after_it() {
    let options = Options { seconds: 5, rate: 50, faults: true, verdict: Verdict::Invalid };
    let mut summary = sample(&options).summary;
    let (before, load) = (summary.phases[0].1 + summary.phases[1].1, summary.phases[2].1);
    let at = |seconds: f64| Some((seconds * 1e9) as u64);
    let mut shown = |seconds: f64| {
        let found = summary.safety.counterexample.as_mut().expect("it is invalid");
        let culprit = found.culprits[0];
        found.operations[culprit].end = at(before + seconds);
        let shown = summary.shown()?;
        assert!(!shown.repeated);
        Some(shown.after.as_millis())
    };
    assert_eq!(shown(2.5), Some(2_500));
    assert_eq!(shown(load + 0.5), None, "any fault may have led to it");
    assert_eq!(shown(load - 0.25), Some(4_750));

    let valid = sample(&Options { verdict: Verdict::Valid, ..options });
    assert_eq!(valid.summary.shown(), None);
}

#[test]
fn an_offset_of_clocks_is_one_line_like_every_change_of_a_node() {
    let change = NodeChange::Clock { wall_offset_ms: -5000.25, monotonic_offset_ms: 0.0 };
    let event = NodeEvent { time: 7, node: "n1".into(), change, at: None };
    let line = serde_json::to_string(&event).expect("JSON");
    let expected = r#"{"time":7,"node":"n1","event":"clock","wall_offset_ms":-5000.25,"monotonic_offset_ms":0.0}"#;
    assert_eq!(line, expected);
    assert_eq!(serde_json::from_str::<NodeEvent>(&line).expect("an event"), event);
}

#[test]
fn an_event_is_on_disk_when_the_call_returns() {
    let scratch = Scratch::new("unbuffered");
    let mut run = RunDirectory::create(&scratch.0, "a-run").expect("created");
    run.append_event(&event(0, EventType::Invoke)).expect("recorded");
    let text = fs::read_to_string(run.path().join("history.jsonl")).expect("readable");
    assert_eq!(text.lines().count(), 1);
    assert!(text.ends_with("}\n"));
}

#[test]
fn a_run_never_overwrites_another_and_latest_follows() {
    let scratch = Scratch::new("suffix");
    let ids: Vec<String> = (0..3)
        .map(|_| RunDirectory::create(&scratch.0, "a-run").expect("created").id().to_owned())
        .collect();
    assert_eq!(ids, ["a-run", "a-run-2", "a-run-3"]);
    assert_eq!(latest(&scratch.0), Path::new("a-run-3"), "a relative link");
    let through_link = RunDirectory::open(&scratch.0.join("latest")).expect("opened");
    assert_eq!(through_link.id(), "a-run-3");
    let left: Vec<_> = fs::read_dir(&scratch.0)
        .expect("readable")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "drafts were left: {left:?}");
}

#[test]
fn errors_name_the_path() {
    let scratch = Scratch::new("errors");
    let file = scratch.0.join("a-file");
    fs::write(&file, "in the way").expect("written");
    let error = RunDirectory::create(&file, "a-run").expect_err("a file is in the way");
    assert!(format!("{error:#}").contains("a-file"), "{error:#}");
    let error = RunDirectory::open(&scratch.0).expect_err("no history");
    assert!(format!("{error:#}").contains("is not a run"), "{error:#}");
}

#[test]
fn a_malformed_line_is_named() {
    let scratch = Scratch::new("malformed");
    let mut run = RunDirectory::create(&scratch.0, "a-run").expect("created");
    run.append_event(&event(0, EventType::Invoke)).expect("recorded");
    let path = run.path().join("history.jsonl");
    let text = fs::read_to_string(&path).expect("readable") + "{\"index\":\"one\"}\n";
    fs::write(&path, text).expect("written");
    let error = format!("{:#}", run.load().expect_err("not an event"));
    assert!(error.contains("history.jsonl, line 2"), "{error}");
}

#[test]
fn a_last_line_that_was_cut_off_is_left_out_and_noted() {
    let scratch = Scratch::new("cut-off");
    let mut run = RunDirectory::create(&scratch.0, "a-run").expect("created");
    run.append_event(&event(0, EventType::Invoke)).expect("recorded");
    let path = run.path().join("history.jsonl");
    let text = fs::read_to_string(&path).expect("readable") + "{\"index\":1,\"ti";
    fs::write(&path, text).expect("written");
    let loaded = run.load().expect("loaded");
    assert_eq!(loaded.history.operations.iter().len(), 1);
    assert_eq!(loaded.notes.len(), 1);
    assert!(loaded.notes[0].contains("cut off"), "{:?}", loaded.notes);
}

/// A node that applied commands: its name, the first and the last index, and the commands.
type Log = (&'static str, u64, u64, Vec<(u64, &'static str, bool)>);

fn write(folder: &Path, (node, from, through, entries): &Log) -> AppliedLogWriter {
    fs::create_dir_all(folder).expect("a folder");
    let mut log = AppliedLogWriter::create(folder, node).expect("it can be written");
    // What was read before a gap counts for nothing.
    log.push(&AppliedEntry { index: 1, token: "lost".into(), applied: true }).expect("written");
    log.begin_at(*from).expect("an index");
    for &(index, token, applied) in entries {
        log.push(&AppliedEntry { index, token: token.into(), applied }).expect("written");
    }
    log.cover(*through);
    log
}

fn read(log: &SavedAppliedLog) -> anyhow::Result<Vec<(u64, String, bool)>> {
    let mut entries = Vec::new();
    log.each(|it| entries.push((it.index, it.token.into_owned(), it.applied)))?;
    Ok(entries)
}

#[test]
fn what_was_saved_is_read_again_by_the_names_of_the_nodes() {
    let run = Scratch::new("applied-X");
    assert!(open_all(&run.0).expect("no node told").is_empty());
    let logs: [Log; 2] = [
        ("n1", 5, 10, vec![(5, "r:1:0", true), (9, "with \"quotes\"", false)]),
        ("n2", 1, 0, vec![]),
    ];
    let folder = |node: &str| run.0.join(NODES).join(node);
    for log in logs.iter().rev() {
        write(&folder(log.0), log).save().expect("it can be written");
    }
    // One that was not told to its end is as none.
    drop(write(&folder("n3"), &logs[0]));
    assert_eq!(fs::read_dir(folder("n3")).expect("a folder").count(), 0);
    let first = fs::read_to_string(folder("n1").join(APPLIED)).expect("it was just written");
    assert_eq!(
        first,
        "{\"node\":\"n1\",\"from\":5,\"through\":10}\n\
         {\"index\":5,\"token\":\"r:1:0\",\"applied\":true}\n\
         {\"index\":9,\"token\":\"with \\\"quotes\\\"\",\"applied\":false}\n"
    );
    let saved = open_all(&run.0).expect("it was just written");
    assert_eq!(saved.len(), logs.len());
    for (saved, (node, from, through, entries)) in saved.iter().zip(&logs) {
        assert_eq!((&*saved.node, saved.from, saved.through), (*node, *from, *through));
        let read = read(saved).expect("it was just written");
        let read = read.iter().map(|(index, token, applied)| (*index, &**token, *applied));
        assert_eq!(&read.collect::<Vec<_>>(), entries);
    }
}

#[test]
fn a_file_that_is_no_log_is_named() {
    let run = Scratch::new("applied-Y");
    let folder = run.0.join(NODES).join("n1");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(APPLIED), "{\"node\":\"n1\",\"from\":1,\"through\":3}\nno\n")
        .expect("it can be written");
    let logs = open_all(&run.0).expect("the first line is understood");
    let error = format!("{:#}", read(&logs[0]).expect_err("the second line is none"));
    assert!(error.contains("applied.jsonl, line 2"), "{error}");
}
