//! Judging without a run: files in which nothing happened, and directories of runs that ended in
//! every way.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{run, scratch};
use crate::{VALID, write};

/// The directory of a run with these files, below `results/runs` as a run leaves it, with its link.
fn saved_run(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let results = scratch(name);
    let id = "20261120T191500Z-bundled-register-kill-s7";
    let directory = results.join(id);
    for (file, text) in files {
        let path = directory.join(file);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        std::fs::write(path, text).expect("a scratch file can be written");
    }
    std::os::unix::fs::symlink(id, results.join("latest")).expect("a link can be made");
    directory
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("it was written");
    serde_json::from_str(&text).expect("it is JSON")
}

const PLAN: &str = "target = \"bundled\"\nnodes = 3\nworkload = \"register\"\nfaults = [\"kill\"]\n\
                    time_limit = 60.0\nrate = 100.0\nconcurrency = 6\nkeys = 3\nseed = 7\n\
                    [[fault]]\nid = 1\nat = 1.0\nlasts = 1.0\npick = 3\nfamily = \"kill\"\n\
                    aim = \"one\"\n[[fault]]\nid = 2\nat = 30.0\nlasts = 1.0\npick = 3\n\
                    family = \"kill\"\naim = \"one\"\n";

/// A run that was killed after 12.5 s of its load, in the middle of a line.
fn killed_history(stale: bool) -> String {
    let phase = |index: u64, time: u64, name: &str| {
        format!(
            r#"{{"index":{index},"time":{time},"process":"controller","type":"info","f":"phase","value":"{name}"}}"#
        )
    };
    let operation = |index: u64, time: u64, kind: &str, f: &str, value: &str| {
        format!(
            r#"{{"index":{index},"time":{time},"process":1,"type":"{kind}","f":"{f}","key":"k0","value":{value}}}"#
        )
    };
    let read = if stale { "1" } else { "2" };
    let lines = [
        phase(0, 1, "setup"),
        phase(1, 2_000_000_000, "load"),
        operation(2, 2_100_000_000, "invoke", "write", "1"),
        operation(3, 2_200_000_000, "ok", "write", "1"),
        operation(4, 2_300_000_000, "invoke", "write", "2"),
        operation(5, 2_400_000_000, "ok", "write", "2"),
        r#"{"index":6,"time":3000000000,"process":"nemesis","type":"info","f":"kill","value":{"fault":1,"stage":"inject","name":"kill one node (n2)","nodes":["n2"],"outcome":"installed"}}"#.to_owned(),
        operation(7, 14_400_000_000, "invoke", "read", "null"),
        operation(8, 14_500_000_000, "ok", "read", read),
        r#"{"index":9,"time":14600000000,"proc"#.to_owned(),
    ];
    lines.join("\n")
}

#[test]
fn a_history_in_which_nothing_happened_is_unknown() {
    let nothing = "nothing was tested: no client did anything";
    run(&["check", "/dev/null"]).exits(2).says("UNKNOWN").says(nothing);
    let directory = scratch("nothing-happened");
    let nemesis = "{\"index\":0,\"time\":1,\"process\":\"nemesis\",\"type\":\"info\",\"f\":\"kill\",\"value\":null}\n";
    let file = write(&directory, "faults.jsonl", nemesis);
    run(&["check", &file]).exits(2).says(nothing);
    let invoked = VALID.lines().next().expect("it has lines").to_owned() + "\n";
    let file = write(&directory, "invoked.jsonl", &invoked);
    run(&["check", &file]).exits(2).says("the only operation never came back");
    run(&["shrink", &file]).exits(2).says("nothing was tested");
}

#[test]
fn a_killed_run_gets_its_verdict_and_its_page_from_whatever_it_left() {
    for command in ["check", "report"] {
        let directory = saved_run(
            &format!("killed-{command}"),
            &[
                ("plan.toml", PLAN),
                ("history.jsonl", &killed_history(false)),
                ("nodes/n1/stderr.log", "panicked at main.rs:7\n"),
            ],
        );
        let said = run(&[command, &text(&directory)]);
        let share = "the run ended early (under load) after 12.5 s of 60.0 s of load (20.8 %); 1 of \
                     2 planned faults was never reached";
        match command {
            "check" => said.exits(2).says("UNKNOWN").says(share).says("panicked at main.rs:7"),
            _ => said.exits(0).says("report.html"),
        };
        let verdict = json(&directory.join("verdict.json"));
        assert_eq!(verdict["verdict"], "unknown");
        assert_eq!(verdict["ended_early"]["cause"], "kill");
        assert_eq!(verdict["ended_early"]["phase"], "load");
        assert_eq!(verdict["ended_early"]["faults_not_reached"], 1);
        assert_eq!(verdict["run"]["started"], "2026-11-20T19:15:00Z");
        let page = std::fs::read_to_string(directory.join("report.html")).expect("written");
        assert!(page.contains("the run ended early (under load)"), "the page says where");
        assert!(page.contains("panicked at main.rs:7"), "the page shows the log");
        // Again, by the link.
        let latest = text(&directory.with_file_name("latest"));
        run(&["check", &latest]).exits(2).says(share);
        run(&["report", &latest]).exits(0).says("report.html");
    }
}

#[test]
fn a_killed_run_that_had_seen_a_contradiction_is_invalid() {
    let stale = killed_history(true);
    let directory = saved_run("killed-invalid", &[("plan.toml", PLAN), ("history.jsonl", &stale)]);
    run(&["check", &text(&directory)]).exits(1).says("INVALID").says("process 1 read 1");
    assert_eq!(json(&directory.join("verdict.json"))["verdict"], "invalid");
    // A bare file is judged, and nothing is written beside it.
    let file = write(&scratch("bare-file"), "history.jsonl", &stale);
    run(&["check", &file]).exits(1);
    assert!(!Path::new(&file).with_file_name("verdict.json").exists());
}

#[test]
fn a_run_of_which_only_the_plan_is_left_has_ended_in_its_setup() {
    let directory = saved_run("only-plan", &[("plan.toml", PLAN)]);
    let said = run(&["check", &text(&directory)]).exits(2);
    said.says("ended early (in setup) before any of the 60.0 s of load").says("nothing was tested");
    assert!(directory.join("report.html").is_file());
}

#[test]
fn a_killed_run_that_is_judged_in_another_way_is_left_as_it_is() {
    let history = killed_history(false);
    let directory = saved_run("killed-model", &[("plan.toml", PLAN), ("history.jsonl", &history)]);
    run(&["check", &text(&directory), "--initial", "7"]).exits(2);
    assert!(!directory.join("verdict.json").exists());
}

#[test]
fn a_page_that_could_not_be_written_is_not_named_as_if_it_were_there() {
    let history = killed_history(false);
    let directory = saved_run("no-page", &[("plan.toml", PLAN), ("history.jsonl", &history)]);
    // As on a disk that is full, also for root.
    std::fs::create_dir(directory.join(".report.html.draft")).expect("a folder can be made");
    let said = run(&["check", &text(&directory)]).exits(2);
    assert!(!said.out.contains("  report "), "{}", said.out);
    said.says("UNKNOWN").says("not saved  cannot write").says("report.html");
    run(&["report", &text(&directory)]).exits(3).says("cannot write");
}

#[test]
fn a_directory_without_a_run_is_refused_with_the_runs_in_it() {
    let directory = saved_run("results-folder", &[("plan.toml", PLAN)]);
    let results = directory.parent().expect("it has one");
    let id = directory.file_name().and_then(|id| id.to_str()).expect("text").to_owned();
    run(&["check", &text(results)]).exits(65).says("is not a run").says(&id);
    // A report is made of many runs as well, but never in the place of something else.
    run(&["report", &text(results)]).exits(0).says("index.html");
    std::fs::write(results.join("index.html"), "<h1>mine</h1>").expect("it can be written");
    run(&["report", &text(results)]).exits(3).says("is something else");
    let above = scratch("above");
    std::fs::rename(results, above.join("runs")).expect("it can be moved");
    run(&["check", &text(&above)]).exits(65).says("is not a run").says(&id);
    std::fs::remove_dir_all(above.join("runs")).expect("it can be removed");
    run(&["check", &text(&above)]).exits(65).says("is not a run: it has no history.jsonl");
}

/// A copy of the run that is saved beside the tests of the results.
fn every_family(name: &str, change: impl Fn(&mut Value)) -> PathBuf {
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/saved/every-family");
    let copy = scratch(name);
    for file in ["plan.toml", "history.jsonl"] {
        std::fs::copy(saved.join(file), copy.join(file)).expect("it can be copied");
    }
    let mut verdict = json(&saved.join("verdict.json"));
    change(&mut verdict);
    std::fs::write(copy.join("verdict.json"), verdict.to_string()).expect("it can be written");
    copy
}

#[test]
fn a_saved_run_that_is_judged_again_keeps_what_its_history_cannot_tell() {
    let valid = every_family("again-valid", |_| {});
    run(&["check", &text(&valid)]).exits(0).says("VALID").says("had said the same: VALID");
    assert!(!valid.join("report.html").exists(), "nothing is written of a run that was judged");

    let not_live = every_family("again-not-live", |verdict| {
        verdict["verdict"] = "invalid".into();
        verdict["sentence"] = "healed, no write through n2 succeeded within 30 s".into();
        verdict["liveness"]["verdict"] = "invalid".into();
        verdict["liveness"]["sentence"] = verdict["sentence"].clone();
    });
    let again = run(&["check", &text(&not_live)]).exits(1);
    let again = again.says("INVALID  healed, no write through n2 succeeded within 30 s");
    again.says("safety     valid").says("had said the same: INVALID");
    let as_json = run(&["check", &text(&not_live), "--json"]).exits(1);
    let as_json: Value = serde_json::from_str(&as_json.out).expect("JSON");
    assert_eq!(as_json["verdict"], "invalid");
    assert_eq!(as_json["safety"]["verdict"], "valid");
    assert_eq!(as_json["operations"], 320, "the analysis is there as it is of a file");

    let uncovered = every_family("again-uncovered", |verdict| {
        verdict["verdict"] = "unknown".into();
        verdict["sentence"] = "no cas ever succeeded".into();
        verdict["coverage"]["verdict"] = "unknown".into();
        verdict["coverage"]["gaps"] = serde_json::json!(["no cas ever succeeded"]);
    });
    run(&["check", &text(&uncovered)]).exits(2).says("UNKNOWN  no cas ever succeeded");

    let failed = every_family("again-failed", |verdict| {
        verdict["failure"] = "the lab is not sound".into();
    });
    run(&["check", &text(&failed)]).exits(3).says("the lab is not sound");
}

#[test]
fn a_target_without_leaders_is_planned_with_nodes_that_are_drawn() {
    let directory = scratch("leaderless");
    let readme = include_str!("../../../README.md");
    let begin = readme.find("name = \"setd\"").expect("the README has a manifest");
    let manifest = &readme[begin..];
    let manifest = &manifest[..manifest.find("```").expect("it ends")];
    let with_leader = write(&directory, "setd.toml", manifest);
    let leaderless: String = manifest
        .lines()
        .filter(|line| !line.starts_with("leader ="))
        .map(|it| format!("{it}\n"))
        .collect();
    let leaderless = write(&directory, "leaderless.toml", &leaderless);
    let plan = |target: &str| {
        run(&[
            "plan",
            "--target",
            target,
            "--workload",
            "set",
            "--faults",
            "partition",
            "--seed",
            "1",
        ])
        .exits(0)
    };
    let known = plan(&with_leader);
    assert!(known.out.contains("the leader") && !known.out.contains("no leader is known here"));
    let drawn = plan(&leaderless).says("isolate a node (no leader is known here)");
    assert!(!drawn.out.contains("the leader"), "{}", drawn.out);
    assert_eq!(known.out.lines().count(), drawn.out.lines().count());
}
