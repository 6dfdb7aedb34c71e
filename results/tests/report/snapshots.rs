//! Sample runs as people see them, kept beside this test: panels of the page, the data that its
//! script draws, `verdict.json` and the text for terminals.
//!
//! A difference fails. Who wants it writes the files anew and reads the diff like code:
//! `INSTA_UPDATE=always cargo test -p stormproof-results --test report`.

use std::collections::BTreeMap;
use std::rc::Rc;

use checker::history::{Attempt, History, Operations, Process};
use checker::oracle::audit::{Applied, AppliedLog, Mutation, Outcome, audit};
use checker::oracle::divergence::{Contents, Held, compare};
use checker::oracle::version::{Answered, Effect, VersionSemantics, judge};
use checker::verdict::Verdict;
use faults::coverage::{AtMoment, Cell, Coverage, Missed, Phase, Role};
use faults::fault::Family;
use faults::trigger::TriggerKind;
use serde_json::Value;
use stormproof_results::metrics::{FaultIntervals, RunHistory};
use stormproof_results::summary::{EarlyEnd, EndedEarly, NodeAtEnd, NodeLog};
use stormproof_results::{self as results, counterexample_text, verdict_text};

use crate::sample::{Options, Sample, judged, models, sample, storm, with_promises};
use crate::{drawn, options, page, panel};

pub fn matches_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn panel_matches_snapshot(name: &str, run: &Sample, id: &str) {
    let page = page(run);
    matches_snapshot(name, &lines(panel(&page, id)));
}

/// HTML with a line for each row, item and paragraph, so that a difference can be read.
fn lines(html: &str) -> String {
    const FIRST: [&str; 12] =
        ["<h1", "<h2", "<h3", "<p", "<ul", "<ol", "<li", "<dt", "<div", "<table", "<tbody", "<tr"];
    let break_before = |text: String, tag: &&str| text.replace(*tag, &format!("\n{tag}"));
    FIRST.iter().fold(html.to_owned(), break_before)
}

#[test]
fn the_first_screen() {
    for (name, verdict) in
        [("valid", Verdict::Valid), ("unknown", Verdict::Unknown), ("invalid", Verdict::Invalid)]
    {
        header_matches_snapshot(&format!("header-{name}"), &sample(&options(verdict)));
    }
    header_matches_snapshot("header-storm", &storm(50));
    let calm = Options { faults: false, ..options(Verdict::Invalid) };
    let mut calm = sample(&calm);
    calm.summary.run.rate = None;
    calm.summary.run.stopped_early_seconds = Some(7.25);
    header_matches_snapshot("header-without-faults", &calm);
}

#[test]
fn the_service_around_faults_and_what_was_promised() {
    let run = with_promises(sample(&options(Verdict::Valid)));
    panel_matches_snapshot("availability-valid", &run, "availability");
    header_matches_snapshot("header-availability", &run);
    let faults = FaultIntervals::of(&RunHistory::from(&run.history));
    let saved = verdict_text::Saved::default();
    let text = verdict_text::run(&run.summary, [1, 2, 3], &faults, &saved, false);
    matches_snapshot("terminal-run-availability", &text);
}

/// A run that was killed while it converged.
fn killed() -> Sample {
    let mut run = sample(&options(Verdict::Unknown));
    let log = |file: &str, lines: &[&str]| NodeLog {
        file: file.into(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let node = |node: &str, answer: Option<&str>, logs| NodeAtEnd {
        node: node.into(),
        answer: answer.map(str::to_owned),
        logs,
    };
    run.summary.liveness.nodes = vec![
        node("n1", Some("follows n2 in term 4"), vec![log("stderr.log", &["one", "two"])]),
        node("n2", None, Vec::new()),
    ];
    run.summary.ended_early = Some(EndedEarly {
        cause: EarlyEnd::Kill,
        phase: results::event::Phase::Load,
        load_seconds: 12.3,
        planned_load_seconds: 60.0,
        planned_faults: 18,
        faults_not_reached: 11,
    });
    run
}

#[test]
fn a_run_that_was_killed_says_so_and_shows_its_nodes() {
    let run = killed();
    header_matches_snapshot("header-killed", &run);
    panel_matches_snapshot("nodes-killed", &run, "nodes-at-end");
    let saved = verdict_text::Saved {
        page: None,
        unwritten: vec!["cannot write report.html: No space left on device".into()],
    };
    let faults = FaultIntervals::of(&RunHistory::from(&run.history));
    let text = verdict_text::run(&run.summary, [1_804, 93, 2], &faults, &saved, false);
    matches_snapshot("terminal-run-killed", &text);
}

fn header_matches_snapshot(name: &str, run: &Sample) {
    let page = page(run);
    let (_, header) = page.split_once("<header>").expect("a header");
    let (header, _) = header.split_once("</header>").expect("it ends");
    matches_snapshot(name, &lines(header));
}

#[test]
fn the_counterexample_on_the_page_and_on_a_terminal() {
    let invalid = sample(&options(Verdict::Invalid));
    counterexample_matches_snapshot("sample", &invalid);
    for model in models() {
        let run = judged(model);
        assert_eq!(run.summary.verdict, Verdict::Invalid, "{model}");
        counterexample_matches_snapshot(model, &run);
    }
}

fn counterexample_matches_snapshot(name: &str, run: &Sample) {
    panel_matches_snapshot(&format!("counterexample-{name}"), run, "counterexample");
    let counterexample = run.summary.safety.counterexample.as_ref().expect("it is invalid");
    let faults = FaultIntervals::of(&RunHistory::from(&run.history));
    let text = counterexample_text::counterexample(counterexample, Some(&faults));
    matches_snapshot(&format!("terminal-{name}"), &text);
}

#[test]
fn the_panels_about_faults() {
    let storm = storm(50);
    for id in ["recovery", "not-tested", "schedule", "environment", "findings"] {
        panel_matches_snapshot(&format!("{id}-storm"), &storm, id);
    }
    let invalid = sample(&options(Verdict::Invalid));
    for id in ["recovery", "not-tested", "schedule", "environment", "operations"] {
        panel_matches_snapshot(&format!("{id}-invalid"), &invalid, id);
    }
    let calm = sample(&Options { faults: false, ..options(Verdict::Unknown) });
    for id in ["recovery", "not-tested", "schedule", "environment", "operations"] {
        panel_matches_snapshot(&format!("{id}-without-faults"), &calm, id);
    }
}

#[test]
fn the_elections_in_words() {
    panel_matches_snapshot("elections-storm", &storm(50), "elections");
}

#[test]
fn what_was_reached_what_was_not_and_what_could_not_be() {
    panel_matches_snapshot("not-tested-coverage", &partly_covered(), "not-tested");
}

/// A run of which a few situations were counted.
fn partly_covered() -> Sample {
    let mut run = storm(50);
    let family = Family::Kill;
    run.summary.fault_coverage = Some(Coverage {
        moments: vec![
            AtMoment {
                trigger: TriggerKind::Disk,
                role: Role::Leader,
                family: Family::Kill,
                count: 2,
            },
            AtMoment {
                trigger: TriggerKind::Disk,
                role: Role::Leader,
                family: Family::Power,
                count: 1,
            },
            AtMoment {
                trigger: TriggerKind::Role,
                role: Role::Several,
                family: Family::Partition,
                count: 1,
            },
        ],
        cells: vec![
            Cell { family, role: Role::Follower, phase: Phase::Election, count: 2 },
            Cell { family, role: Role::Leader, phase: Phase::Steady, count: 3 },
        ],
        missed: vec![
            Missed { family, role: Role::Leader, phase: Phase::Election },
            Missed { family, role: Role::FormerLeader, phase: Phase::Steady },
        ],
        pairs: Vec::new(),
    });
    run
}

#[test]
fn the_panels_about_elements_tokens_and_versions() {
    for model in ["set", "queue"] {
        let run = judged(model);
        for id in ["elements", "tokens", "versions"] {
            panel_matches_snapshot(&format!("{id}-{model}"), &run, id);
        }
    }
}

#[test]
fn a_token_that_took_effect_twice_and_a_version_that_went_back() {
    let options = Options { seconds: 5, rate: 50, faults: false, verdict: Verdict::Valid };
    let mut run = sample(&options);
    let told = ["r:1:0", "r:<2>:0"].map(|token| Mutation {
        token,
        process: Process::Client(1),
        f: "write",
        object: "k3",
        element: None,
        outcome: Outcome::Ok,
        completed: Some(3),
        end: 2_000_000_000,
    });
    let entry = |index, token| Applied { index, token, took_effect: true };
    let entries = vec![entry(1, "r:1:0"), entry(2, "r:<2>:0"), entry(5, "r:<2>:0")];
    let log =
        AppliedLog { node: "n1", from: 1, through: 5, entries: Rc::new(entries), as_of: Some(10) };
    let attempt = |start, error: Option<&str>| Attempt {
        node: "n2".into(),
        start,
        end: start + 100_000_000,
        error: error.map(str::to_owned),
        definite: error.map(|_| false),
    };
    let attempts = vec![attempt(1_500_000_000, Some("timeout")), attempt(1_900_000_000, None)];
    let audit = audit(&told, &[], &[log]).with_attempts(|_| attempts.clone());
    let answer = |process, version, invoked| Answered {
        process: Process::Client(process),
        f: "read",
        stream: "",
        key: Some("k3"),
        effect: Effect::Read,
        version,
        value: None,
        node: Some("n4"),
        invoked,
        completed: invoked + 1,
        start: invoked * 1_000_000,
        end: (invoked + 1) * 1_000_000,
    };
    let versions =
        judge(&[answer(1, 1_812, 3), answer(2, 1_811, 7)], &VersionSemantics::LOG_INDEX, &[]);
    let safety = &mut run.summary.safety;
    safety.verdict = Verdict::Invalid;
    (safety.audit, safety.versions) = (Some(audit), Some(versions));
    panel_matches_snapshot("tokens-repeated", &run, "tokens");
    panel_matches_snapshot("versions-went-back", &run, "versions");
    // The verdict on safety says what is wrong, as there is no counterexample.
    header_matches_snapshot("header-without-counterexample", &run);
}

#[test]
fn members_that_differ_and_members_that_hold_the_same() {
    let mut run = sample(&options(Verdict::Valid));
    let long = "\"a value of which a cell of a table shows no more than both ends\"";
    let contents = |node: &str, held: &[(&str, &str, u64)]| {
        let held = held.iter().map(|&(name, value, version)| {
            (name.to_owned(), Held { value: value.to_owned(), version: Some(version) })
        });
        let held: BTreeMap<_, _> = held.collect();
        Contents { node: node.into(), position: Some(9), revision: Some(9), digest: None, held }
    };
    let same = [("k1", "4", 3), ("k2", long, 9)];
    let nothing = Operations::of(&History::default()).expect("no operation");
    for (name, last) in [("same", &same[..]), ("differ", &[("k1", "4", 3), ("k2", "7", 8)])] {
        let members = [contents("n1", &same), contents("n2", &same), contents("n3", last)];
        run.summary.safety.divergence = compare(&members, &nothing);
        panel_matches_snapshot(&format!("members-{name}"), &run, "members");
    }
}

#[test]
fn the_faults_that_the_script_draws() {
    let mut drawn = drawn(&page(&storm(50)));
    let drawn: Vec<Value> = ["phases", "nodes", "faults", "findings"]
        .iter()
        .flat_map(|name| drawn[*name].take().as_array().expect("a list").clone())
        .collect();
    let drawn: Vec<String> = drawn.iter().map(Value::to_string).collect();
    matches_snapshot("drawn-storm", &drawn.join("\n"));
}

#[test]
fn the_verdict_file() {
    for (name, run) in [
        ("invalid", sample(&options(Verdict::Invalid))),
        ("storm", partly_covered()),
        ("queue", judged("queue")),
    ] {
        let json = serde_json::to_string_pretty(&run.summary).expect("JSON");
        matches_snapshot(&format!("verdict-{name}"), &json);
    }
}

#[test]
fn the_text_of_a_run_and_of_a_history_on_a_terminal() {
    let calm = sample(&Options { faults: false, ..options(Verdict::Unknown) });
    for (name, run) in [
        ("invalid", sample(&options(Verdict::Invalid))),
        ("unknown", calm),
        ("storm", storm(50)),
        ("queue", judged("queue")),
    ] {
        let faults = FaultIntervals::of(&RunHistory::from(&run.history));
        let page = Some("results/runs/a-run/report.html".into());
        let saved = verdict_text::Saved { page, unwritten: Vec::new() };
        let text = verdict_text::run(&run.summary, [1_804, 93, 2], &faults, &saved, false);
        matches_snapshot(&format!("terminal-run-{name}"), &text);
        let text = verdict_text::analysis(&run.summary.safety, false);
        matches_snapshot(&format!("terminal-check-{name}"), &text);
    }
}

#[test]
fn the_badge_has_a_colour_on_a_terminal_alone() {
    assert_eq!(verdict_text::badge(Verdict::Invalid, true), "\u{1b}[1;31mINVALID\u{1b}[0m");
    assert_eq!(verdict_text::badge(Verdict::Unknown, false), "UNKNOWN");
}
