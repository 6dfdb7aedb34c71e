//! The panels of tokens and versions.

use checker::history::{Attempt, Process};
use checker::oracle::audit::{Applied, AppliedLog, Outcome, Told, audit};
use checker::oracle::version::{Answered, Claims, Effect, judge};
use checker::verdict::Verdict;
use stormproof_results::report::html;

use crate::sample::{Options, sample};

#[test]
fn a_run_without_either_has_neither_panel() {
    let options = Options { seconds: 5, rate: 50, faults: false, verdict: Verdict::Valid };
    let run = sample(&options);
    let page = html(&run.summary, &run.history, &run.node_events);
    assert!(!page.contains("<section id=\"tokens\"") && !page.contains("<section id=\"versions\""));
}

#[test]
fn tokens_and_versions_have_panels_that_name_what_is_wrong() {
    let options = Options { seconds: 5, rate: 50, faults: false, verdict: Verdict::Valid };
    let mut run = sample(&options);
    let told = ["r:1:0", "r:<2>:0"].map(|token| Told {
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
    let log = AppliedLog { node: "n1", from: 1, through: 5, entries, as_of: Some(10) };
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
    let versions = judge(&[answer(1, 1_812, 3), answer(2, 1_811, 7)], &Claims::LOG_INDEX, &[]);
    let safety = &mut run.summary.safety;
    safety.verdict = Verdict::Invalid;
    (safety.audit, safety.versions) = (Some(audit), Some(versions));
    let page = html(&run.summary, &run.history, &run.node_events);
    for words in [
        "<section id=\"tokens\"",
        "2 tokens: 1 broke their promise.",
        "<b>repeated</b> write on k3 by process 1 (token r:&lt;2&gt;:0)",
        "n2 1.500 s: timeout",
        "--from:80.0%;--share:20.0%",
        "<section id=\"versions\"",
        "2 answers compared: 1 contradiction.",
        "<b>went back</b> process 2 read k3 at version 1811",
        "#7–8",
        // The verdict on safety tells what is wrong, as there is no counterexample.
        "process 2 read k3 at version 1811",
    ] {
        assert!(page.contains(words), "no {words:?} in the page");
    }
}
