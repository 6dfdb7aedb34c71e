//! What a run's parts add up to.

use std::collections::{BTreeMap, BTreeSet};

use checker::history::{Event, EventType, History, Process};
use checker::verdict::{Analysis, Verdict};
use faults::coverage::Fired;
use faults::schedule::ScheduleOptions;
use results::summary::{Coverage, FaultCoverage, Liveness};
use results::words::counted;

use crate::targets::NONSENSE;

/// Whether the run exercised what its plan asked for: every kind of operation succeeded at least
/// once, and, if faults were planned, at least one took effect, seen at once or over time.
pub fn coverage(history: &History, kinds: &[&str], planned_faults: usize) -> Coverage {
    let mut succeeded: BTreeMap<&str, u64> = BTreeMap::new();
    let mut installed = false;
    for event in &history.events {
        match event.process {
            Process::Client(_) if event.kind == EventType::Ok => {
                *succeeded.entry(&event.f).or_default() += 1;
            }
            Process::Nemesis if event.kind == EventType::Info => {
                // Told at its beginning or, where it takes time to see, at its end.
                installed |= event.value["outcome"] == "installed";
            }
            _ => {}
        }
    }
    let mut gaps: Vec<String> = kinds
        .iter()
        .filter(|kind| !succeeded.contains_key(**kind))
        .map(|kind| format!("no {kind} ever succeeded"))
        .collect();
    if planned_faults > 0 && !installed {
        gaps.push(format!("of {planned_faults} planned faults none was seen to take effect"));
    }
    let verdict = if gaps.is_empty() { Verdict::Valid } else { Verdict::Unknown };
    Coverage { verdict, gaps }
}

/// A kind of operation that was answered, but never so that its client understood it. Refusals are
/// no answers.
pub fn never_understood(history: &History) -> Option<&str> {
    let mut understood: BTreeMap<&str, bool> = BTreeMap::new();
    for event in &history.events {
        if !matches!(event.process, Process::Client(_)) {
            continue;
        }
        for attempt in &event.attempts {
            match attempt.error.as_deref() {
                Some(NONSENSE) => drop(understood.entry(&event.f).or_default()),
                Some(_) => {}
                None => drop(understood.insert(&event.f, true)),
            }
        }
    }
    understood.into_iter().find_map(|(f, understood)| (!understood).then_some(f))
}

/// Which situations the faults that took effect reached, of those that a schedule of `options`
/// could have reached.
pub fn fault_coverage(history: &History, options: &ScheduleOptions) -> FaultCoverage {
    let nemesis =
        |event: &&Event| event.process == Process::Nemesis && event.kind == EventType::Info;
    let events: Vec<&Event> = history.events.iter().filter(nemesis).collect();
    let installed = |event: &&&Event| event.value["outcome"] == "installed";
    let took_effect: BTreeSet<Option<u64>> =
        events.iter().filter(installed).map(|event| event.value["fault"].as_u64()).collect();
    let fired = events.iter().filter_map(|event| {
        took_effect.contains(&event.value["fault"].as_u64()).then_some(())?;
        Some(Fired {
            family: event.f.parse().ok()?,
            nodes: serde_json::from_value(event.value["nodes"].clone()).ok()?,
            // Only the event of the injection has them.
            facts: serde_json::from_value(event.value.get("facts")?.clone()).ok()?,
        })
    });
    let reached = faults::coverage::Coverage::of(&fired.collect::<Vec<_>>(), options);
    let reached = serde_json::to_value(reached).and_then(serde_json::from_value);
    reached.expect("what the report draws has the fields that are counted")
}

/// The worst of the three, and the sentence that a reader should see first.
pub fn merge(safety: &Analysis, liveness: &Liveness, coverage: &Coverage) -> (Verdict, String) {
    let verdict = safety.verdict.max(liveness.verdict).max(coverage.verdict);
    let sentence = if safety.verdict == verdict && verdict != Verdict::Valid {
        safety.sentence().unwrap_or("the checker gave no reason").to_owned()
    } else if liveness.verdict == verdict && verdict != Verdict::Valid {
        liveness.sentence.clone()
    } else if verdict != Verdict::Valid {
        coverage.gaps.join("; ")
    } else {
        format!(
            "{} on {} have a place in one legal order; {}",
            counted(safety.operations, "operation"),
            counted(safety.keys, "key"),
            liveness.sentence
        )
    };
    (verdict, sentence)
}

/// Seconds spent in each phase, from the phases' marks; the last one has not ended yet.
pub fn phases(history: &History) -> Vec<(String, f64)> {
    let marks: Vec<(&str, u64)> = history
        .events
        .iter()
        .filter(|event| event.process == Process::Controller && event.f == "phase")
        .filter_map(|event| Some((event.value.as_str()?, event.time)))
        .collect();
    marks
        .windows(2)
        .map(|pair| (pair[0].0.to_owned(), (pair[1].1 - pair[0].1) as f64 / 1e9))
        .collect()
}

#[cfg(test)]
mod tests {
    use checker::history::Attempt;
    use serde_json::json;

    use super::*;

    fn history(ok: &[&str], outcomes: &[&str]) -> History {
        let operations =
            ok.iter().map(|f| Event::new(Process::Client(1), EventType::Ok, *f, json!(null)));
        let faults = outcomes.iter().map(|outcome| {
            let value = json!({"fault": 0, "stage": "inject", "outcome": outcome});
            Event::new(Process::Nemesis, EventType::Info, "kill", value)
        });
        History { events: operations.chain(faults).collect() }
    }

    #[test]
    fn a_run_whose_cas_never_succeeded_is_unknown() {
        let coverage = coverage(&history(&["read", "write"], &[]), &["read", "write", "cas"], 0);
        assert_eq!(coverage.verdict, Verdict::Unknown);
        assert_eq!(coverage.gaps, ["no cas ever succeeded"]);
    }

    #[test]
    fn a_kind_is_understood_once_an_answer_to_it_is() {
        let event = |f: &str, errors: &[Option<&str>]| {
            let mut event = Event::new(Process::Client(1), EventType::Info, f, json!(null));
            let attempt = |error: &Option<&str>| Attempt {
                node: "n1".into(),
                start: 1,
                end: 2,
                error: error.map(String::from),
                definite: None,
            };
            event.attempts = errors.iter().map(attempt).collect();
            event
        };
        let read = event("read", &[None, Some("nonsense")]);
        let check = |errors: &[Option<&str>], expect: Option<&str>| {
            let events = vec![read.clone(), event("write", errors)];
            assert_eq!(never_understood(&History { events }), expect);
        };
        check(&[Some("nonsense"), Some("timeout"), Some("not_leader")], Some("write"));
        check(&[Some("nonsense"), None], None);
        check(&[Some("timeout")], None);
    }

    #[test]
    fn a_run_whose_faults_did_nothing_is_unknown() {
        let vacuous = coverage(&history(&["read"], &["skipped", "indeterminate"]), &["read"], 2);
        assert_eq!(vacuous.verdict, Verdict::Unknown);
        let seen_at_its_end = {
            let mut history = history(&["read"], &["indeterminate"]);
            let value = json!({"fault": 0, "stage": "undo", "outcome": "installed"});
            history.events.push(Event::new(Process::Nemesis, EventType::Info, "disk", value));
            coverage(&history, &["read"], 1)
        };
        assert_eq!(seen_at_its_end.verdict, Verdict::Valid);
        let one = coverage(&history(&["read"], &["skipped", "installed"]), &["read"], 2);
        assert_eq!(one.verdict, Verdict::Valid);
        let none_asked_for = coverage(&history(&["read"], &[]), &["read"], 0);
        assert_eq!(none_asked_for.verdict, Verdict::Valid);
    }

    #[test]
    fn an_effect_that_was_seen_only_over_time_counts() {
        let mut events = history(&["read"], &["indeterminate"]).events;
        let value = json!({"fault": 0, "stage": "undo", "outcome": "installed"});
        events.push(Event::new(Process::Nemesis, EventType::Info, "packet", value));
        assert_eq!(coverage(&History { events }, &["read"], 1).verdict, Verdict::Valid);
    }

    #[test]
    fn a_fault_that_took_effect_is_counted_where_it_hit_and_another_is_not() {
        let fault = |number: u64, stage: &str, outcome: &str| {
            let facts = json!({
                "roles": {"n1": "leader", "n2": "follower"},
                "since_leader_change_ms": 5000,
                "others_on": [],
            });
            let mut value =
                json!({"fault": number, "stage": stage, "outcome": outcome, "nodes": ["n1"]});
            if stage == "inject" {
                value["facts"] = facts;
            }
            Event::new(Process::Nemesis, EventType::Info, "pause", value)
        };
        let events = vec![
            fault(1, "inject", "installed"),
            fault(2, "inject", "indeterminate"),
            fault(3, "inject", "indeterminate"),
            fault(3, "undo", "installed"),
        ];
        let options = ScheduleOptions {
            nodes: 3,
            families: [faults::fault::Family::Pause].into(),
            seed: 1,
            time_limit: std::time::Duration::from_secs(60),
            profile: faults::schedule::Profile::Nightly,
            budget: None,
        };
        let coverage = fault_coverage(&History { events }, &options);
        let [cell] = &coverage.cells[..] else { panic!("{coverage:?}") };
        assert_eq!((cell.family.as_str(), cell.role.as_str()), ("pause", "leader"));
        assert_eq!((cell.phase.as_str(), cell.count), ("steady", 2));
        assert!(coverage.missed.iter().any(|missed| missed.role == "follower"));
    }

    #[test]
    fn the_worst_part_decides_and_speaks() {
        let analysis = |verdict, reason: Option<&str>| Analysis {
            verdict,
            model: "register".into(),
            algorithm: "wing-gong-lowe".into(),
            operations: 7,
            keys: 1,
            steps: 0,
            reason: reason.map(String::from),
            counterexample: None,
            versions: None,
            audit: None,
            divergence: None,
            accounting: None,
        };
        let liveness = |verdict| Liveness {
            verdict,
            sentence: "no leader".into(),
            recovery_seconds: None,
            probe_lateness_seconds: 0.0,
        };
        let covered = Coverage { verdict: Verdict::Valid, gaps: Vec::new() };
        let (verdict, sentence) = merge(
            &analysis(Verdict::Unknown, Some("budget")),
            &liveness(Verdict::Invalid),
            &covered,
        );
        assert_eq!((verdict, sentence.as_str()), (Verdict::Invalid, "no leader"));
        let (verdict, sentence) =
            merge(&analysis(Verdict::Unknown, Some("budget")), &liveness(Verdict::Valid), &covered);
        assert_eq!((verdict, sentence.as_str()), (Verdict::Unknown, "budget"));
        let (verdict, _) =
            merge(&analysis(Verdict::Valid, None), &liveness(Verdict::Valid), &covered);
        assert_eq!(verdict, Verdict::Valid);
    }
}
