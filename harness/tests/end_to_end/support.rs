//! The common parts of whole runs: what they need, what they leave, and how to read it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::common::{Finished, run, stormproof};

/// True if this machine has the namespace lab; prints why not.
pub fn has_namespaces() -> bool {
    let works = doctor()["labs"]["netns"] == true;
    if !works {
        eprintln!("skipped: no namespaces here; stormproof doctor says why");
    }
    works
}

/// True if everything of these names works that the doctor tried; prints what does not.
pub fn can(trials: &[&str]) -> bool {
    let doctor = doctor();
    let probes = doctor["probes"].as_array().expect("the doctor lists what it tried");
    trials.iter().all(|trial| {
        let probe = probes.iter().find(|probe| probe["name"] == *trial);
        let probe = probe.unwrap_or_else(|| panic!("the doctor knows no {trial}"));
        if probe["works"] != true {
            eprintln!("skipped: no {trial} here: {}", probe["detail"]);
        }
        probe["works"] == true
    })
}

/// The doctor's name for the engine of clocks.
pub const CLOCKS: &str = "clocks of its own for a process";
/// The doctor's name for the engine of disks.
pub const DISKS: &str = "disk of its own for a node";

/// Everything that the doctor tried, once for all tests: it takes seconds, and no test changes it.
fn doctor() -> &'static Value {
    static DOCTOR: LazyLock<Value> = LazyLock::new(|| {
        let doctor = run(&["doctor", "--json"]);
        serde_json::from_str(&doctor.out).expect("doctor --json prints JSON")
    });
    &DOCTOR
}

pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// A plan beside the tests.
pub fn plan_file(name: &str) -> String {
    let plans = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    plans.join(name).display().to_string()
}

/// The run directory that `latest` names.
pub fn latest(results: &Path) -> PathBuf {
    results.join("latest").canonicalize().expect("a run leaves a link to itself")
}

/// The `verdict.json` of the newest run.
pub fn verdict(results: &Path) -> Value {
    let text = std::fs::read_to_string(latest(results).join("verdict.json"));
    serde_json::from_str(&text.expect("a run leaves its verdict")).expect("which is JSON")
}

/// Everything in a file of one JSON value a line.
fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("no {}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

/// Every event of the newest run.
pub fn history(results: &Path) -> Vec<Value> {
    lines(&latest(results).join("history.jsonl"))
}

/// The events of a node of the newest run.
pub fn node_events(results: &Path, node: &str) -> Vec<Value> {
    lines(&latest(results).join("nodes").join(node).join("events.jsonl"))
}

/// One fault of a run that ended, as its history tells of it.
#[derive(Debug, Clone)]
pub struct Fault {
    pub family: String,
    /// As a phrase, with its nodes.
    pub name: String,
    /// The nodes it was done to.
    pub nodes: BTreeSet<String>,
    /// When it was injected and when it had been undone, in nanoseconds since the run began.
    pub time: (u64, Option<u64>),
    /// The outcomes when it began, and over its whole life.
    pub outcomes: Vec<String>,
    /// The figures that were measured, from the injection on; later figures replace earlier ones.
    pub effect: BTreeMap<String, Value>,
    /// The event of its injection.
    pub injected: Value,
}

impl Fault {
    /// True if its effect was seen, at once or over time.
    pub fn is_installed(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome == "installed")
    }

    /// A figure that was measured.
    #[track_caller]
    pub fn figure(&self, name: &str) -> f64 {
        let figure = self.effect.get(name).and_then(Value::as_f64);
        figure.unwrap_or_else(|| panic!("no {name} was measured: {self:#?}"))
    }
}

/// The faults of the newest run, in the order in which they were injected.
pub fn faults(results: &Path) -> Vec<Fault> {
    let mut order = Vec::new();
    let mut faults: BTreeMap<u64, Fault> = BTreeMap::new();
    let is_done = |event: &Value| event["process"] == "nemesis" && event["type"] == "info";
    for event in history(results).into_iter().filter(is_done) {
        let value = &event["value"];
        let id = value["fault"].as_u64().expect("every fault has a number");
        let time = event["time"].as_u64().expect("every event has a time");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fault = faults.entry(id).or_insert_with(|| {
            order.push(id);
            let nodes = value["nodes"].as_array().into_iter().flatten();
            Fault {
                family: text(&event["f"]),
                name: text(&value["name"]),
                nodes: nodes.map(text).collect(),
                time: (time, None),
                outcomes: Vec::new(),
                effect: BTreeMap::new(),
                injected: event.clone(),
            }
        });
        if let Some(outcome) = value["outcome"].as_str() {
            fault.outcomes.push(outcome.to_owned());
        }
        let measured = value["effect"].as_object().into_iter().flatten();
        fault.effect.extend(measured.map(|(name, figure)| (name.clone(), figure.clone())));
        if value["stage"] == "undo" {
            fault.time.1 = Some(time);
        }
    }
    order.iter().filter_map(|id| faults.remove(id)).collect()
}

/// A run of eight seconds by the seed 7.
pub fn short_run(results: &Path, more: &[&str]) -> Finished {
    let mut arguments = vec!["--time-limit", "8s", "--seed", "7"];
    arguments.extend(more);
    run_into(results, &arguments)
}

/// A run whose directory goes into `results`.
pub fn run_into(results: &Path, more: &[&str]) -> Finished {
    let results = results.display().to_string();
    let mut arguments = vec!["run", "--results", &results];
    arguments.extend(more);
    run(&arguments)
}

/// A run that must be valid, with everything a user is promised.
#[track_caller]
pub fn assert_a_whole_run(results: &Path, families: &[&str]) {
    let directory = latest(results);
    for file in ["plan.toml", "history.jsonl", "verdict.json", "report.html"] {
        assert!(directory.join(file).is_file(), "no {file} in {}", directory.display());
    }
    let page = std::fs::read_to_string(directory.join("report.html")).expect("readable");
    assert!(page.contains("VALID"), "the page does not tell the verdict");
    let faults = faults(results);
    for family in families {
        let mut of_family = faults.iter().filter(|fault| fault.family == *family);
        assert!(of_family.any(Fault::is_installed), "no {family} installed among {faults:#?}");
    }
}

/// Starts a command, and waits for a line with this text on its standard error, or its end. Returns it
/// with the lines so far, and those to come.
pub fn started_saying(
    arguments: &[&str],
    text: &str,
) -> (Child, Vec<String>, Lines<BufReader<ChildStderr>>) {
    let mut command = stormproof()
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut said = Vec::new();
    let mut lines = BufReader::new(command.stderr.take().expect("it is piped")).lines();
    for line in lines.by_ref().map_while(Result::ok) {
        said.push(line);
        if said.last().is_some_and(|line| line.contains(text)) {
            break;
        }
    }
    (command, said, lines)
}
