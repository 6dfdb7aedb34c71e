//! Nights: killed and gone on with, shared out and merged, and what is kept of their runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use serde_json::Value;

use crate::common::{Finished, finished, run, scratch, stormproof};
use crate::support::{has_namespaces, started_saying};
use crate::turn::{turn, wide_turn};

/// A plan whose runs take two seconds.
const QUICK: &str = "name = \"quick\"\nruns = 4\nworkloads = [\"register\", \"set\"]\n\
    [run]\nfaults = \"none\"\nnodes = 1\ntime_limit = \"1s\"\nrate = 50.0\n";

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("a scratch file can be written");
    path.display().to_string()
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path);
    let text = text.unwrap_or_else(|error| panic!("no {}: {error}", path.display()));
    serde_json::from_str(&text).expect("it is JSON")
}

fn night(folder: &Path) -> Value {
    json(&folder.join("night.json"))
}

/// Starts a night, and returns it once a line of it says this.
fn started(arguments: &[&str], until: &str) -> Child {
    let (command, said, _) = started_saying(arguments, until);
    assert!(said.last().is_some_and(|line| line.contains(until)), "no {until:?}: {said:?}");
    command
}

/// Waits until this is there.
fn wait_for(there: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !there() {
        assert!(began.elapsed().as_secs() < 60, "it never came");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn nightly(plan: &str, folder: &Path, more: &[&str]) -> Finished {
    let folder = folder.display().to_string();
    let arguments = ["nightly", plan, "--seed", "7", "--jobs", "1", "--output", &folder];
    run(&[&arguments[..], more].concat())
}

/// A night without what differs from one time to the next.
fn without_times(mut night: Value) -> Value {
    for field in ["id", "started", "seconds", "environment", "recoveries", "comparison"] {
        night.as_object_mut().expect("an object").remove(field);
    }
    let times = [
        "started",
        "seconds",
        "sentence",
        "recovery_seconds",
        "latency",
        "probe_lateness_seconds",
        "directory",
        "command",
    ];
    for run in night["runs"].as_array_mut().expect("it has runs") {
        let run = run.as_object_mut().expect("an object");
        times.iter().for_each(|field| drop(run.remove(*field)));
    }
    night
}

fn ledger(folder: &Path, kind: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("ledger.jsonl")).expect("a night has a ledger");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["line"] == kind).collect()
}

/// The folders of all runs in a night.
fn directories(folder: &Path) -> Vec<PathBuf> {
    let night = night(folder);
    let runs = night["runs"].as_array().expect("it has runs");
    runs.iter().map(|run| folder.join(run["directory"].as_str().expect("a folder"))).collect()
}

#[test]
fn a_night_that_is_killed_goes_on_without_losing_or_repeating_a_run() {
    let _turn = turn();
    let scratch = scratch("nights-killed");
    let plan = write(&scratch, "quick.toml", QUICK);
    let folder = scratch.join("one").join("killed");
    let shown = folder.display().to_string();
    let command = ["nightly", &plan, "--seed", "7", "--jobs", "1", "--output", &shown];

    // Once in the middle of run 1, once between its verdict and its line in the ledger.
    let mut first = started(&command, "run 0, bundled");
    wait_for(|| folder.join("runs/1/latest/history.jsonl").exists());
    first.kill().expect("it lives");
    first.wait().expect("it was killed");
    assert_eq!(ledger(&folder, "run").len(), 1);
    let before = night(&folder);
    assert_eq!(
        (&before["state"], before["runs"].as_array().map(Vec::len)),
        (&"goes-on".into(), Some(1))
    );

    let mut second = started(&command, "going on after 1 run");
    wait_for(|| folder.join("runs/1/latest/verdict.json").exists());
    second.kill().expect("it lives");
    second.wait().expect("it was killed");

    let third = run(&command).exits(0).says("going on after ");
    third.says("run 1: it was killed with the night, and is made again");
    let mut numbers: Vec<u64> =
        ledger(&folder, "run").iter().filter_map(|run| run["number"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3], "none is lost, and none made twice");
    // What had its verdict was not made again.
    let of_run = |number: u64| {
        let entries = fs::read_dir(folder.join("runs").join(number.to_string()));
        let names = entries.expect("it is there").flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with("20")).count()
    };
    assert_eq!((0..4).map(of_run).collect::<Vec<_>>(), [1; 4]);

    // It came to what an undisturbed night came to.
    // In a folder of its own: it would learn from the other one.
    let whole = scratch.join("other").join("whole");
    nightly(&plan, &whole, &[]).exits(0).says("4 runs in ").says("all its runs were made");
    let (mut killed, whole) = (without_times(night(&folder)), without_times(night(&whole)));
    assert_eq!(killed["remarks"].as_array().map(Vec::len), Some(1));
    killed.as_object_mut().expect("an object").remove("remarks");
    assert_eq!(killed, whole);
    assert_eq!(whole["state"], "ended");

    // It keeps its bounds without being told them.
    assert_eq!(whole["most_runs"], 4);

    // It has ended, and says so again.
    let size = || fs::metadata(folder.join("ledger.jsonl")).expect("it is there").len();
    let before = size();
    run(&command).exits(0).says("going on after 4 runs").says("all its runs were made");
    assert_eq!(size(), before);
}

#[test]
fn shards_make_the_night_that_one_machine_would_have_made() {
    let _turn = turn();
    let scratch = scratch("nights-shards");
    let plan = write(&scratch, "quick.toml", &QUICK.replace("runs = 4", "runs = 6"));
    let whole = scratch.join("whole");
    nightly(&plan, &whole, &[]).exits(0);
    let shards: Vec<PathBuf> = (1..=3).map(|it| scratch.join(format!("shard-{it}"))).collect();
    for (shard, folder) in ["1/3", "2/3", "3/3"].iter().zip(&shards) {
        nightly(&plan, folder, &["--shard", shard]).exits(0).says(&format!("shard {shard}"));
    }
    let shown: Vec<String> = shards.iter().map(|folder| folder.display().to_string()).collect();
    let merge = |shards: &[&str], output: &Path| {
        let output = output.display().to_string();
        run(&[&["merge"], shards, &["--output", &output]].concat())
    };
    let merged = scratch.join("merged");
    let [one, two, three] = [&shown[0], &shown[1], &shown[2]].map(String::as_str);
    // In whichever order.
    merge(&[three, one, two], &merged).exits(0).says("6 runs in ");
    let junit = scratch.join("night.xml").display().to_string();
    run(&["report", &merged.display().to_string(), "--junit", &junit]).exits(0);
    let xml = fs::read_to_string(&junit).expect("it was written");
    assert!(xml.contains("tests=\"6\" failures=\"0\" errors=\"0\""), "{xml}");
    for run in night(&merged)["runs"].as_array().expect("it has runs") {
        assert_eq!(xml.matches(&format!("seed {}\"", run["seed"])).count(), 1, "{xml}");
    }
    assert_eq!(without_times(night(&merged)), without_times(night(&whole)));
    let seeds: BTreeSet<u64> =
        ledger(&merged, "run").iter().filter_map(|run| run["seed"].as_u64()).collect();
    assert_eq!(seeds.len(), 6);
    for directory in directories(&merged) {
        assert!(directory.join("report.html").is_file(), "{}", directory.display());
    }
    // It is a night like any other.
    let shown = merged.display().to_string();
    run(&["nightly", "--output", &shown]).exits(0).says("going on after 6 runs");

    let partly = scratch.join("partly");
    merge(&[one, three], &partly).exits(2).says("shard 2/3 is missing");
    assert_eq!(night(&partly)["state"], "interrupted");
    merge(&[one, two], &partly).exits(64).says("is there already");
    merge(&[one, one], &scratch.join("twice")).exits(65).says("shard 1/3 is there twice");
    merge(&[one, &whole.display().to_string()], &scratch.join("no")).exits(65).says("is no shard");
    let other = scratch.join("other");
    let folder = other.display().to_string();
    run(&["nightly", &plan, "--seed", "8", "--shard", "2/3", "--jobs", "1", "--output", &folder])
        .exits(0);
    merge(&[one, &folder], &scratch.join("no")).exits(65).says("are no shards of one night");
}

#[test]
fn a_failure_is_kept_whole_and_followed_up_and_a_pass_leaves_its_page() {
    let _turn = wide_turn();
    if !has_namespaces() {
        return;
    }
    let scratch = scratch("nights-failure");
    let plan = write(
        &scratch,
        "failing.toml",
        "runs = 4\nworkloads = [\"append\"]\nprofiles = [\"kill\"]\n[run]\nnodes = 3\n\
         time_limit = \"4s\"\nclients = { attempt_timeout = 0.005 }\n[[target]]\n[[target]]\nname = \"doubling\"\nbug = \"ignore-tokens\"\n\
         [after_failure]\nrepeats = 1\nshare = 0.3\n",
    );
    let folder = scratch.join("night");
    let done = nightly(&plan, &folder, &[]).exits(1).says("doubling · append · kill: INVALID");
    done.says("failed again in ");
    let whole = night(&folder);
    assert_eq!(whole["verdict"], "invalid");
    let runs = whole["runs"].as_array().expect("it has runs");
    let failed: Vec<&Value> = runs.iter().filter(|run| run["verdict"] == "invalid").collect();
    assert!(failed.iter().all(|run| run["cell"] == 1), "{runs:?}");
    assert!(failed[0]["follow_up"]["repeats"].as_u64() >= Some(1));
    assert!(failed[1..].iter().all(|run| run["follow_up"].is_null()), "the first alone");
    let directory = |run: &Value| folder.join(run["directory"].as_str().expect("a folder"));
    for run in runs.iter().filter(|run| run["verdict"] == "valid") {
        assert_eq!(run["kept"], "page");
        assert!(directory(run).join("report.html").is_file());
        assert!(!directory(run).join("nodes").exists());
        assert!(!directory(run).join("history.jsonl.gz").exists());
    }
    let kept = directory(failed[0]);
    assert_eq!(failed[0]["kept"], "everything");
    assert!(kept.join("history.jsonl.gz").is_file() && !kept.join("history.jsonl").exists());
    assert!(kept.join("nodes/n1/events.jsonl.gz").is_file());
    // It is read as it is.
    let kept = kept.display().to_string();
    run(&["check", &kept]).exits(1).says("INVALID");
    run(&["report", &kept]).exits(0).says("report.html");
    // What faults reached is known for the nights to come.
    assert!(!whole["reached"]["bundled"]["cells"].as_array().expect("a list").is_empty());

    // The next night begins with what failed in this one.
    let next = scratch.join("next");
    nightly(&plan, &next, &["--runs", "1"]).says("beside 1 night before, of ");
    let next = night(&next);
    assert_eq!(next["cells"][1]["weight"], 4.0);
    assert_eq!(next["cells"][1]["because"], "it failed in the night before");
    assert_eq!(next["runs"][0]["cell"], 1);
    assert_eq!(next["comparison"]["nights"][0], whole["id"]);
    let compared = next["comparison"]["compared"].as_array().expect("a list");
    assert!(compared.iter().all(|it| it["worse"] == false), "one run proves nothing: {compared:?}");
}

#[test]
fn a_limit_on_the_disk_is_kept_by_dropping_what_is_missed_least() {
    let _turn = turn();
    let scratch = scratch("nights-disk");
    let limited =
        |disk: &str| format!("{QUICK}[keep]\npasses = \"everything\"\ndisk = \"{disk}\"\n");
    let size = |folder: &Path| results::night::bytes_below(folder);
    let plan = write(&scratch, "quick.toml", &limited("2.5 MB"));
    let folder = scratch.join("night");
    nightly(&plan, &folder, &["--runs", "6"]).exits(0).says("6 runs in ");
    assert!(size(&folder) <= 2_500_000, "{}", size(&folder));
    let whole = night(&folder);
    let runs = whole["runs"].as_array().expect("it has runs");
    assert_eq!(runs.len(), 6, "a line of each stays");
    assert_eq!(runs[5]["kept"], "everything", "the newest goes last: {runs:?}");
    assert_ne!(runs[0]["kept"], "everything", "the oldest goes first: {runs:?}");
    // Where not even that is enough, the night ends.
    let plan = write(&scratch, "small.toml", &limited("60 kB").replace("quick", "small"));
    let small = scratch.join("small");
    nightly(&plan, &small, &[]).exits(2).says("the limit on the disk is reached");
    assert!(size(&small) <= 60_000, "{}", size(&small));
}

#[test]
fn two_nights_in_one_folder_are_one_too_many() {
    let _turn = turn();
    let scratch = scratch("nights-two");
    let plan = write(&scratch, "quick.toml", QUICK);
    let folder = scratch.join("night");
    let shown = folder.display().to_string();
    let command = ["nightly", &plan, "--seed", "7", "--jobs", "1", "--output", &shown];
    let mut first = started(&command, "into ");
    run(&command).exits(64).says("a night goes on in ").says("in another process");
    run(&["merge", &shown, "--output", &scratch.join("merged").display().to_string()])
        .exits(64)
        .says("goes on; merge it when it has ended");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(first.id() as i32),
        nix::sys::signal::Signal::SIGINT,
    )
    .expect("it lives");
    first.wait().expect("it ends");
    assert_eq!(night(&folder)["state"], "interrupted");
    let output = stormproof().args(command).output().expect("the binary starts");
    finished(output).exits(0).says("going on after ");
    assert_eq!(night(&folder)["runs"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_clock_that_went_back_is_said_and_loses_nothing() {
    let _turn = turn();
    let scratch = scratch("nights-clock");
    let plan = write(&scratch, "quick.toml", &QUICK.replace("runs = 4", "runs = 1"));
    let folder = scratch.join("night");
    nightly(&plan, &folder, &[]).exits(0);
    // As if the clock had been ahead by some centuries, and the night killed before its end.
    let path = folder.join("ledger.jsonl");
    let ledger = fs::read_to_string(&path).expect("a night has a ledger");
    let clock = ledger.find("\"clock\":").expect("a run has a time") + "\"clock\":".len();
    let end = ledger.find("{\"line\":\"end\"").expect("it ended");
    let ahead = format!("{}9{}", &ledger[..clock], &ledger[clock..end]);
    fs::write(&path, ahead).expect("it can be written");
    let again = nightly(&plan, &folder, &[]).exits(0).says("going on after 1 run");
    again.says("the clock of this machine went back, to 20");
    assert_eq!(night(&folder)["runs"].as_array().map(Vec::len), Some(1));
}
