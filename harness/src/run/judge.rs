//! The verdict of a run from its parts.

use std::collections::{BTreeMap, BTreeSet};

use checker::history::{Event, EventType, History, Process};
use checker::verdict::{Analysis, Verdict};
use faults::coverage::Fired;
use faults::schedule::ScheduleOptions;
use results::event::Phase;
use results::metrics::FaultInterval;
use results::summary::{Coverage, Liveness};
use results::words::counted;

use crate::targets::NONSENSE;

/// Judges if the run exercised what its plan asked for: every kind of operation succeeded at least
/// once, and, if faults were planned, at least one took effect, seen at once or over time.
pub fn coverage(
    history: &History,
    faults: &[FaultInterval],
    kinds: &[&str],
    planned_faults: usize,
) -> Coverage {
    let ok =
        |event: &&Event| matches!(event.process, Process::Client(_)) && event.kind == EventType::Ok;
    let succeeded: BTreeSet<&str> =
        history.events.iter().filter(ok).map(|event| event.f.as_str()).collect();
    let installed = faults.iter().any(FaultInterval::took_effect);
    let mut gaps: Vec<String> = kinds
        .iter()
        .filter(|kind| !succeeded.contains(**kind))
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

/// The situations that the faults which took effect reached, of those that a schedule of `options`
/// could have reached.
pub fn fault_coverage(
    faults: &[FaultInterval],
    options: &ScheduleOptions,
) -> faults::coverage::Coverage {
    let fired = faults.iter().filter(|fault| fault.took_effect()).filter_map(|fault| {
        let (nodes, facts) = (fault.nodes.clone(), fault.facts.clone()?);
        Some(Fired { family: fault.family, nodes, facts })
    });
    faults::coverage::Coverage::of(&fired.collect::<Vec<_>>(), options)
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

/// Seconds spent in each phase; the last one has not ended yet.
pub fn phases(history: &History) -> Vec<(Phase, f64)> {
    let mut phases = results::metrics::phases(history);
    phases.pop();
    phases.iter().map(|interval| (interval.phase, interval.seconds())).collect()
}

#[cfg(test)]
mod tests {
    use checker::history::Attempt;
    use faults::coverage::{Phase, Role};
    use faults::fault::Family;
    use results::metrics::fault_intervals;
    use serde_json::json;

    use super::*;

    fn history(ok: &[&str], outcomes: &[&str]) -> History {
        let operations =
            ok.iter().map(|f| Event::new(Process::Client(1), EventType::Ok, *f, json!(null)));
        let faults = outcomes.iter().enumerate().map(|(number, outcome)| {
            let value = json!({"fault": number, "stage": "inject", "outcome": outcome});
            Event::new(Process::Nemesis, EventType::Info, "kill", value)
        });
        History { events: operations.chain(faults).collect() }
    }

    fn judged(history: &History, kinds: &[&str], planned_faults: usize) -> Coverage {
        coverage(history, &fault_intervals(history), kinds, planned_faults)
    }

    #[test]
    fn a_run_whose_cas_never_succeeded_is_unknown() {
        let coverage = judged(&history(&["read", "write"], &[]), &["read", "write", "cas"], 0);
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
        let vacuous = judged(&history(&["read"], &["skipped", "indeterminate"]), &["read"], 2);
        assert_eq!(vacuous.verdict, Verdict::Unknown);
        let seen_at_its_end = {
            let mut history = history(&["read"], &["indeterminate"]);
            let value = json!({"fault": 0, "stage": "undo", "outcome": "installed"});
            history.events.push(Event::new(Process::Nemesis, EventType::Info, "disk", value));
            judged(&history, &["read"], 1)
        };
        assert_eq!(seen_at_its_end.verdict, Verdict::Valid);
        let one = judged(&history(&["read"], &["skipped", "installed"]), &["read"], 2);
        assert_eq!(one.verdict, Verdict::Valid);
        let none_asked_for = judged(&history(&["read"], &[]), &["read"], 0);
        assert_eq!(none_asked_for.verdict, Verdict::Valid);
    }

    #[test]
    fn an_effect_that_was_seen_only_over_time_counts() {
        let mut events = history(&["read"], &["indeterminate"]).events;
        let value = json!({"fault": 0, "stage": "undo", "outcome": "installed"});
        events.push(Event::new(Process::Nemesis, EventType::Info, "packet", value));
        assert_eq!(judged(&History { events }, &["read"], 1).verdict, Verdict::Valid);
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
            families: [Family::Pause].into(),
            seed: 1,
            time_limit: std::time::Duration::from_secs(60),
            profile: faults::schedule::Profile::Nightly,
            budget: None,
            compositions: faults::schedule::Compositions::default(),
        };
        let coverage = fault_coverage(&fault_intervals(&History { events }), &options);
        let [cell] = &coverage.cells[..] else { panic!("{coverage:?}") };
        assert_eq!((cell.family, cell.role), (Family::Pause, Role::Leader));
        assert_eq!((cell.phase, cell.count), (Phase::Steady, 2));
        assert!(coverage.missed.iter().any(|missed| missed.role == Role::Follower));
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
