//! Results that lie there already, as CI and other tools are given them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{run, scratch};
use crate::{VALID, write};

/// A night of three runs, one of each kind that is no pass and one that is.
fn night(folder: &Path) -> String {
    let run = |number: u64, verdict: &str, more: &str| {
        format!(
            r#"{{"number":{number},"cell":0,"seed":{},"verdict":"{verdict}","safety":"{verdict}","liveness":"valid","sentence":"a sentence","seconds":61.5,"command":"stormproof run --seed {}","kept":"nothing"{more}}}"#,
            number + 70,
            number + 70
        )
    };
    let runs = [
        run(0, "valid", ""),
        run(1, "unknown", ""),
        run(2, "unknown", r#","failure":"no room""#),
        run(3, "invalid", ""),
    ];
    let text = format!(
        r#"{{"schema":1,"id":"a-night","name":"bundled","seed":7,"digest":"d","state":"ended","started":"2026-11-29T19:00:00Z","seconds":123.0,"verdict":"invalid","cells":[{{"target":"bundled","workload":"register","profile":"nightly","weight":1.0,"expected_seconds":60.0}}],"runs":[{}]}}"#,
        runs.join(",")
    );
    fs::create_dir_all(folder).expect("it can be made");
    write(folder, "night.json", &text);
    folder.display().to_string()
}

#[test]
fn a_night_that_is_there_is_told_to_ci() {
    let directory = scratch("ci-night");
    let shown = night(&directory.join("night"));
    let file = |name: &str| directory.join("made").join(name).display().to_string();
    let (junit, sarif, markdown) = (file("night.xml"), file("night.sarif"), file("summary.md"));
    let flags = ["--junit", &junit, "--sarif", &sarif, "--markdown", &markdown];
    let said = run(&[&["report", &shown, "--annotations", "github"], &flags[..]].concat()).exits(0);
    assert_eq!(said.out.lines().count(), 3, "{}", said.out);
    let first = "::error title=INVALID%3A bundled · register · nightly · seed 73::a sentence%0A\
                 again: stormproof run --seed 73";
    assert_eq!(said.out.lines().next(), Some(first));
    let text = |path: &str| fs::read_to_string(path).expect("it was written");
    assert!(text(&junit).contains("tests=\"4\" failures=\"1\" errors=\"2\" skipped=\"0\""));
    let log: Value = serde_json::from_str(&text(&sarif)).expect("it is JSON");
    assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(2));
    assert!(text(&markdown).starts_with("## INVALID: stormproof a-night\n"));
    // Files of results are replaced; a summary is for all steps of a job.
    run(&[&["report", &shown], &flags[..]].concat()).exits(0);
    assert_eq!(text(&junit).matches("<testsuite").count(), 1);
    assert_eq!(text(&markdown).matches("## INVALID: stormproof").count(), 2);
    run(&["report", &shown]).exits(0).says("index.html");
    run(&["report", &shown, "--annotations", "jenkins"]).exits(64).says("github");
}

#[test]
fn a_result_of_earlier_is_not_taken_for_one_of_now() {
    let directory = scratch("ci-earlier");
    let file = |name: &str, text: &str| {
        let path = directory.join(name).display().to_string();
        fs::write(&path, text).expect("it can be written");
        path
    };
    let junit = file("junit.xml", "<testsuite name=\"all passed\"/>");
    let markdown = file("summary.md", "of the step before\n");
    // Neither comes to a run.
    for command in ["nightly", "merge"] {
        let output = directory.join("none").display().to_string();
        let flags = ["--output", &output, "--junit", &junit, "--markdown", &markdown];
        run(&[&[command, "no-such-thing"], &flags[..]].concat()).exits(65);
        let text = fs::read_to_string(&junit).expect("it is there");
        assert!(text.contains("tests=\"1\" failures=\"0\" errors=\"1\""), "{text}");
        assert!(text.contains("stormproof did not come to its end"), "{text}");
    }
    let said = run(&["run", "--nodes", "3", "--workload", "no-such", "--junit", &junit]);
    said.exits(64);
    assert_eq!(fs::read_to_string(&markdown).expect("it is there"), "of the step before\n");
    // Before a night is spent on it.
    let no = directory.join("junit.xml").join("below").display().to_string();
    run(&["nightly", "--junit", &no]).exits(64).says("cannot write");
    run(&["replay", "no-such-run", "--times", "2", "--junit", &no]).exits(64).says("cannot write");
    run(&["run", "--json", "--annotations", "github"]).exits(64).says("cannot be used with");
}

#[test]
fn a_history_goes_to_edn_and_back_with_its_verdict() {
    let directory = scratch("export");
    let history = write(&directory, "history.jsonl", VALID);
    let edn = directory.join("history.edn").display().to_string();
    run(&["export", &history, "--format", "edn", "--output", &edn]).exits(0);
    run(&["check", &edn]).exits(0).says("VALID");
    let stale = VALID.to_owned()
        + &["invoke", "ok"]
            .iter()
            .enumerate()
            .map(|(at, kind)| {
                let (index, time) = (900 + at, 900_000_000_000_u64 + at as u64);
                format!(
                    "{{\"index\":{index},\"time\":{time},\"process\":99,\"type\":\"{kind}\",\"f\":\"read\",\"key\":\"k0\",\"value\":{}}}\n",
                    if at == 0 { "null" } else { "4711" }
                )
            })
            .collect::<String>();
    let history = write(&directory, "stale.jsonl", &stale);
    run(&["export", &history, "--format", "edn", "-o", &edn]).exits(0);
    run(&["check", &edn]).exits(1).says("4711");

    let said = run(&["export", &history, "--format", "porcupine"]).exits(0);
    let operations: Value = serde_json::from_str(&said.out).expect("it is JSON");
    let last = operations.as_array().and_then(|all| all.last()).expect("it has operations");
    assert_eq!((&last["ClientId"], &last["Output"]["value"]), (&99.into(), &4711.into()));
    let said = run(&["export", &history, "--format", "otel"]).exits(0);
    for line in said.out.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"].is_string());
    }

    // A file that was there stays for an input that is none.
    let before = fs::read_to_string(&edn).expect("it is there");
    run(&["export", "/nowhere", "--format", "edn", "-o", &edn]).exits(65).says("/nowhere");
    assert_eq!(fs::read_to_string(&edn).expect("it is there"), before);
    let letter = write(&directory, "letter.txt", "dear diary\n");
    run(&["export", &letter, "--format", "edn"]).exits(65).says("line 1 is no event");
    run(&["export", &history, "--format", "xml"]).exits(64).says("porcupine");
}

#[test]
fn one_table_is_made_of_the_results_of_several_harnesses() {
    let directory = scratch("detection");
    let line = |harness: &str, defect: bool, run: u64, found: &str| {
        format!(
            "{{\"schema\":1,\"harness\":\"{harness}\",\"target\":\"etcd 3.5.1\",\"case\":\"etcd#13766\",\
             \"defect\":{defect},\"how\":\"kill\",\"run\":{run},\"found\":{found},\"seconds\":{run}0}}\n"
        )
    };
    let ours: String = (1..=4).map(|run| line("stormproof 0.1.0", true, run, "true")).collect();
    let control: String =
        (1..=9).map(|run| line("stormproof 0.1.0", false, run, "false")).collect();
    let ours = write(&directory, "ours.jsonl", &(ours + &control));
    let theirs = line("jepsen 0.3.9", true, 1, "true") + &line("jepsen 0.3.9", true, 2, "null");
    let theirs = write(&directory, "theirs.jsonl", &theirs);
    let said = run(&["catalogue", "--from", &ours, &theirs, "--markdown"]).exits(0);
    let rows: Vec<Vec<&str>> = said
        .out
        .lines()
        .filter(|line| line.contains("13766"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows[0][2..6], ["stormproof 0.1.0", "4 of 4", "51–100 %", "20 (10–40)"]);
    assert_eq!(rows[1][2..6], ["stormproof 0.1.0", "0 of 9", "0–30 %", ""]);
    assert_eq!(rows[2][2..6], ["jepsen 0.3.9", "1 of 1 (1 not counted)", "20–100 %", "10 (10–10)"]);
    said.says("0 times a false alarm in 9 controls: in at most 28.3 % of such runs");

    let alarm = write(&directory, "alarm.jsonl", &line("stormproof 0.1.0", false, 10, "true"));
    run(&["catalogue", "--from", &ours, &alarm]).exits(1).says("1 time a false alarm in 10");
    run(&["catalogue", "--from", &theirs, "--seeds", "1..3"]).exits(64).says("cannot be used with");
    let no = write(&directory, "no.jsonl", "{\"schema\":2}\n");
    run(&["catalogue", "--from", &no]).exits(65).says("no.jsonl, line 1");
    let empty = write(&directory, "empty.jsonl", "");
    run(&["catalogue", "--from", &empty]).exits(65).says("no run");
    let cases = write(&directory, "cases.toml", "[[case]]\nname = \"x\"\n");
    run(&["catalogue", "--cases", &cases]).exits(65).says("cases.toml").says("flags");
    run(&["catalogue", "--shard", "4/3"]).exits(64).says("counted from 1");
}
