//! Files for CI systems, held against the rules of each form.

use checker::verdict::Verdict;
use serde_json::Value;
use stormproof_results::ci::{CiReport, CiRun, github_annotations, junit, markdown, sarif};
use stormproof_results::conclusion::{Conclusion, Part};
use stormproof_results::night::{Night, State};

use crate::sample::{Options, sample};
use crate::snapshots::matches_snapshot;
use crate::xml::{self, Element};

/// A run of a night, with text that every form has to escape.
fn run(seed: u64, conclusion: Conclusion) -> CiRun {
    CiRun {
        target: "etcd-3.5.1".to_owned(),
        workload: "register".to_owned(),
        profile: "power".to_owned(),
        seed,
        conclusion,
        failed: (conclusion == Conclusion::Invalid).then_some(Part::Safety),
        starved: conclusion == Conclusion::Unknown,
        seconds: 68.25,
        sentence: "process 7 read <nothing> from k|11, 100 % \"sure\" & late".to_owned(),
        details: "n1: \u{1b}[31mfollows\u{1b}[0m\n```\n]]>".to_owned(),
        command: Some(format!("stormproof run --target etcd --seed {seed}")),
        directory: Some(format!("results/nights/latest/runs/{seed}/a run")),
    }
}

fn night(conclusions: &[Conclusion]) -> CiReport {
    CiReport {
        name: "20261129T190000Z-etcd".to_owned(),
        started: "2026-11-29T19:00:00Z".to_owned(),
        seconds: 1_234.567_8,
        runs: (1..).zip(conclusions).map(|(seed, it)| run(seed, *it)).collect(),
        incomplete: None,
        remarks: vec!["shard 2/3 is there twice".to_owned()],
    }
}

const ALL: [Conclusion; 4] =
    [Conclusion::Valid, Conclusion::Unknown, Conclusion::HarnessFailure, Conclusion::Invalid];

/// The elements and attributes that Surefire's schema (surefire-test-report.xsd) and that of
/// Jenkins' xUnit plugin (junit-10.xsd) both allow: a name, the attributes that it must have and may
/// have, and the children in their order.
type Rule =
    (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const RULES: [Rule; 7] = [
    (
        "testsuite",
        &["name", "tests", "failures", "errors", "skipped"],
        &["time"],
        &["properties", "testcase"],
    ),
    ("properties", &[], &[], &["property"]),
    ("property", &["name", "value"], &[], &[]),
    ("testcase", &["name", "time"], &["classname"], &["failure", "skipped", "error", "system-out"]),
    ("failure", &["type"], &["message"], &[]),
    ("error", &["type"], &["message"], &[]),
    ("system-out", &[], &[], &[]),
];

fn check_junit(element: &Element) {
    let rule = RULES.iter().find(|(name, ..)| *name == element.name);
    let (name, must, may, children) = rule.unwrap_or_else(|| panic!("<{}>", element.name));
    for attribute in *must {
        assert!(element.attributes.contains_key(*attribute), "<{name}> without {attribute}");
    }
    for attribute in element.attributes.keys() {
        let known = must.iter().chain(*may).any(|it| it == attribute);
        assert!(known, "<{name}> with {attribute}");
    }
    if let Some(time) = element.attributes.get("time") {
        // SUREFIRE_TIME: three decimals at most.
        let (whole, decimals) = time.split_once('.').expect("with decimals");
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        assert!(digits(whole) && digits(decimals) && decimals.len() == 3, "{time}");
    }
    let mut from = 0;
    for child in &element.children {
        let place = children[from..].iter().position(|it| *it == child.name);
        from += place.unwrap_or_else(|| panic!("<{}> in <{name}>, or too late", child.name));
        check_junit(child);
    }
}

fn checked_junit(report: &CiReport) -> Element {
    let suite = xml::parse(&junit(report));
    assert_eq!(suite.name, "testsuite");
    check_junit(&suite);
    let cases = || suite.children.iter().filter(|child| child.name == "testcase");
    let with = |name: &str| cases().filter(|case| case.children[0].name == name).count();
    for (count, found) in [
        ("tests", cases().count()),
        ("failures", with("failure")),
        ("errors", with("error")),
        ("skipped", with("skipped")),
    ] {
        assert_eq!(suite.attributes[count], found.to_string(), "{count}");
    }
    suite
}

#[test]
fn junit_has_a_case_for_each_run_and_no_unknown_passes() {
    let suite = checked_junit(&night(&ALL));
    assert_eq!(suite.attributes["failures"], "1");
    assert_eq!(suite.attributes["errors"], "2");
    assert_eq!(suite.attributes["skipped"], "0");
    let cases: Vec<&Element> =
        suite.children.iter().filter(|child| child.name == "testcase").collect();
    for (case, run) in cases.iter().zip(night(&ALL).runs) {
        assert_eq!(case.attributes["classname"], "stormproof.etcd-3_5_1.register");
        assert_eq!(case.attributes["name"], format!("power · seed {}", run.seed));
        assert_eq!(case.attributes["time"], "68.250");
        let ended = &case.children[0];
        let again = format!("again: {}\n", run.command.expect("it has one"));
        assert!(ended.text.contains(&again), "{}", ended.text);
        if run.conclusion != Conclusion::Valid {
            // What is escaped comes back.
            assert!(ended.attributes["message"].starts_with(&run.sentence), "{ended:?}");
            assert!(ended.text.contains("n1: \u{fffd}[31mfollows"), "{}", ended.text);
        }
    }
    let kinds = cases.iter().skip(1).map(|case| case.children[0].attributes["type"].as_str());
    assert_eq!(kinds.collect::<Vec<_>>(), ["unknown", "harness failure", "safety"]);
}

#[test]
fn what_has_not_ended_is_no_pass_in_any_form() {
    let report = CiReport::unfinished("nightly");
    let suite = checked_junit(&report);
    assert_eq!((&*suite.attributes["tests"], &*suite.attributes["errors"]), ("1", "1"));
    let text = markdown(&report);
    assert!(
        text.starts_with("## UNKNOWN: stormproof nightly\n\nNot all runs were made: "),
        "{text}"
    );
    let text = github_annotations(&report);
    assert!(text.starts_with("::warning title=nightly::stormproof did not come"), "{text}");
    let log: Value = serde_json::from_str(&sarif(&report)).expect("it is JSON");
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn a_night_of_which_runs_are_missing_is_unknown_although_all_others_passed() {
    let text = include_str!("../saved/night.json");
    let mut night: Night = serde_json::from_str(text).expect("it is a night");
    night.runs[0].verdict = Verdict::Valid;
    night.runs[0].safety = Verdict::Valid;
    assert_eq!(night.state, State::Interrupted);
    let report = |night: &Night| CiReport::of_night(night, "here", |_| None);
    assert_eq!(report(&night).conclusion(), Conclusion::Unknown);
    let suite = checked_junit(&report(&night));
    assert_eq!((&*suite.attributes["tests"], &*suite.attributes["errors"]), ("2", "1"));
    assert_eq!(github_annotations(&report(&night)).lines().count(), 1);
    night.state = State::Ended;
    assert_eq!(report(&night).conclusion(), Conclusion::Valid);
    assert_eq!(checked_junit(&report(&night)).attributes["errors"], "0");
    assert_eq!(report(&night).remarks, [night.ended.clone().expect("it says why")]);
    night.runs.clear();
    assert_eq!(report(&night).conclusion(), Conclusion::Unknown);
    assert_eq!(checked_junit(&report(&night)).attributes["errors"], "1");
}

#[test]
fn sarif_has_what_did_not_pass_and_a_failed_harness_is_no_result() {
    let log: Value = serde_json::from_str(&sarif(&night(&ALL))).expect("it is JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|rule| rule["id"].as_str().expect("a name"))
        .collect();
    let results = run["results"].as_array().expect("a list");
    let told: Vec<_> = results.iter().map(|it| (&it["ruleId"], &it["level"])).collect();
    assert_eq!(told, [(&"safety".into(), &"error".into()), (&"unknown".into(), &"warning".into())]);
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("a place") as usize;
        assert_eq!(result["ruleId"], rules[index]);
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        let uri = uri.as_str().expect("a text");
        assert!(uri.ends_with("/a%20run/verdict.json"), "{uri}");
    }
    let print = &results[0]["partialFingerprints"]["stormproofCell/v1"];
    assert_eq!(print, "etcd-3.5.1/register/power/safety", "no seed: the same in every night");
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().expect("a list");
    assert_eq!(notes.len(), 1);
}

#[test]
fn annotations_come_one_a_line_and_the_worst_first() {
    let text = github_annotations(&night(&ALL));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    let title = "etcd-3.5.1 · register · power · seed 4";
    let sentence = "process 7 read <nothing> from k|11, 100 %25 \"sure\" & late";
    assert_eq!(
        lines[0],
        format!(
            "::error title=INVALID%3A {title}::{sentence}%0A\
             again: stormproof run --target etcd --seed 4"
        )
    );
    assert!(lines[1].starts_with("::error title=HARNESS FAILURE%3A "), "{}", lines[1]);
    assert!(lines[2].starts_with("::warning title=UNKNOWN%3A "), "{}", lines[2]);
    assert_eq!(github_annotations(&night(&[Conclusion::Valid])), "");
}

#[test]
fn a_summary_in_markdown() {
    matches_snapshot("ci-markdown", &markdown(&night(&ALL)));
}

#[test]
fn a_summary_of_a_great_night_stays_within_what_github_shows() {
    let mut report = night(&[Conclusion::Invalid; 500]);
    report.runs.iter_mut().for_each(|run| run.details = "x".repeat(100_000));
    let text = markdown(&report);
    assert!(text.len() < 1 << 20, "{} bytes", text.len());
    assert!(text.contains("and 480 more that did not pass"));
}

#[test]
fn a_run_by_itself_is_told_with_its_counterexample() {
    let invalid =
        sample(&Options { seconds: 30, rate: 50, faults: true, verdict: Verdict::Invalid });
    let report = CiReport::of_run(&invalid.summary, "results/runs/latest");
    let suite = checked_junit(&report);
    let case = &suite.children[1];
    assert_eq!(case.children[0].name, "failure");
    assert_eq!(case.children[0].attributes["message"], invalid.summary.sentence);
    let counterexample = invalid.summary.safety.counterexample.expect("it has one");
    for operation in &counterexample.operations {
        let process = format!("{}", operation.process);
        assert!(case.children[0].text.contains(&process), "{}", case.children[0].text);
    }
    assert!(case.children[0].text.contains(&format!("again: {}", invalid.summary.run.command)));
    let valid = sample(&Options { seconds: 5, rate: 50, faults: false, verdict: Verdict::Valid });
    let suite = checked_junit(&CiReport::of_run(&valid.summary, "results/runs/latest"));
    assert_eq!(suite.children[1].children[0].name, "system-out");
}
