//! The verdict of a run from its parts.

use std::collections::{BTreeMap, BTreeSet};

use checker::history::EventType;
use checker::verdict::{Analysis, Verdict};
use faults::coverage::Fired;
use faults::fault::Family;
use faults::schedule::ScheduleOptions;
use results::availability::Availability;
use results::event::Phase;
use results::metrics::{FaultInterval, Planned, RunHistory};
use results::summary::{Coverage, EarlyEnd, EndedEarly, KnownInRun, Liveness};
use results::words::{self, counted};
use workloads::PRECONDITION_FAILED;

use crate::targets::NONSENSE;

/// Judges if the run exercised what its plan asked for: every kind of operation succeeded at least
/// once, and, if faults were planned, at least one took effect, seen at once or over time. Of a run
/// that was cut short, each family that the cut left without a fault is a gap too.
pub fn coverage(
    history: &RunHistory,
    faults: &[FaultInterval],
    kinds: &[&str],
    planned: &Planned,
    ended: Option<&EndedEarly>,
    known: &[KnownInRun],
) -> Coverage {
    let mut gaps: Vec<String> =
        kinds.iter().filter_map(|kind| Attempted::of(history, kind).gap(kind)).collect();
    let count = planned.faults.len();
    if count > 0 && !faults.iter().any(FaultInterval::took_effect) {
        gaps.push(format!(
            "of {} none was seen to take effect",
            counted(count as u64, "planned fault")
        ));
    } else if count == 0 && !planned.drawn_from.is_empty() {
        let families: Vec<String> = planned.drawn_from.iter().map(Family::to_string).collect();
        let families = families.join(", ");
        let room = "so few nodes, or so short a load, have no room for any";
        gaps.push(match known.iter().any(|known| !known.tested) {
            false => format!("not one fault was drawn of {families}: {room}"),
            true => format!(
                "not one fault was drawn of {families}: known failures are avoided, or {room}"
            ),
        });
    } else if ended.is_some_and(|ended| ended.cause.leaves_gaps()) {
        gaps.extend(cut_families(faults, planned));
    }
    let verdict = if gaps.is_empty() { Verdict::Valid } else { Verdict::Unknown };
    Coverage { verdict, gaps, notes: Vec::new() }
}

/// The families of which no fault took effect, and some were never reached.
fn cut_families(faults: &[FaultInterval], planned: &Planned) -> Vec<String> {
    let families: BTreeSet<Family> = planned.faults.values().copied().collect();
    let gap = |family: Family| {
        let of_family = || faults.iter().filter(move |fault| fault.family == family);
        let planned: Vec<u32> =
            planned.faults.iter().filter(|(_, it)| **it == family).map(|(id, _)| *id).collect();
        let reached = planned.iter().filter(|id| of_family().any(|fault| fault.fault == **id));
        let left = planned.len() - reached.count();
        (left > 0 && !of_family().any(FaultInterval::took_effect)).then(|| {
            format!("no {family} fault took effect: {left} of {} were never reached", planned.len())
        })
    };
    families.into_iter().filter_map(gap).collect()
}

/// The outcomes of the operations of one kind.
#[derive(Debug, Default)]
struct Attempted {
    invoked: u64,
    ok: u64,
    /// Answered that the precondition did not hold.
    refuted: u64,
    /// Surely not carried out.
    refused: u64,
}

impl Attempted {
    fn of(history: &RunHistory, kind: &str) -> Attempted {
        let mut counts = Attempted::default();
        for operation in history.operations.iter().filter(|operation| operation.f() == kind) {
            counts.invoked += 1;
            match (operation.outcome(), operation.error()) {
                (EventType::Ok, _) => counts.ok += 1,
                (EventType::Fail, Some(PRECONDITION_FAILED)) => counts.refuted += 1,
                (EventType::Fail, _) => counts.refused += 1,
                (EventType::Info | EventType::Invoke, _) => {}
            }
        }
        counts
    }

    /// The reason for which none succeeded, and what helps; none if one did.
    fn gap(&self, kind: &str) -> Option<String> {
        let Attempted { invoked, ok, refuted, refused } = *self;
        if ok > 0 {
            return None;
        }
        let unknown = invoked.saturating_sub(refuted + refused);
        Some(if invoked == 0 {
            format!("no {kind} was ever tried: a longer load or a higher --rate has room for some")
        } else if refuted == invoked {
            format!(
                "no {kind} ever succeeded: each of {} found another state than it expected; fewer \
                 clients (--concurrency) or more keys (--keys) leave one alone with its key",
                counted(invoked, "attempt")
            )
        } else {
            let parts = [
                (refuted, "found another state than they expected"),
                (refused, "were refused"),
                (unknown, "have an unknown outcome"),
            ];
            let parts = parts.iter().filter(|(count, _)| *count > 0);
            let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
            format!(
                "no {kind} ever succeeded: of {} {}; the service hardly served them, and the logs \
                 of its nodes may say why",
                counted(invoked, "attempt"),
                parts.join(", ")
            )
        })
    }
}

/// A kind of operation that was answered, but never so that its client understood it. Refusals are
/// no answers.
pub fn never_understood(history: &RunHistory) -> Option<&str> {
    let mut understood: BTreeMap<&str, bool> = BTreeMap::new();
    for operation in history.operations.iter() {
        for attempt in operation.attempts() {
            match attempt.error {
                Some(NONSENSE) => drop(understood.entry(operation.f()).or_default()),
                Some(_) => {}
                None => drop(understood.insert(operation.f(), true)),
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
        let trigger = fault.trigger.as_ref().map(|seen| seen.kind);
        Some(Fired { family: fault.family, nodes, facts, trigger })
    });
    faults::coverage::Coverage::of(&fired.collect::<Vec<_>>(), options)
}

/// The parts of a verdict.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The judgement of the history.
    pub safety: &'a Analysis,
    /// The judgement of the healed cluster.
    pub liveness: &'a Liveness,
    /// The service around faults; none where it was not measured.
    pub availability: Option<&'a Availability>,
    /// The parts of the plan that were exercised.
    pub coverage: &'a Coverage,
}

/// The worst of the four, and the sentence that a reader should see first. A run that did not get
/// to its end is no pass, nor is it one of the faults that were left out.
pub fn merge(
    parts: Parts<'_>,
    ended: Option<&EndedEarly>,
    known: &[KnownInRun],
) -> (Verdict, String) {
    let Parts { safety, liveness, availability, coverage } = parts;
    let verdict = safety.verdict.max(liveness.verdict).max(coverage.verdict);
    // Where nothing was promised, nothing is broken.
    let promised = availability.and_then(|it| it.verdict.zip(it.sentence.as_deref()));
    let verdict = promised.map_or(verdict, |(promised, _)| verdict.max(promised));
    let cut_off = |ended: &EndedEarly| match ended.cause {
        EarlyEnd::Failure => true,
        // Later than that, all that was planned had been done.
        EarlyEnd::Kill => ended.phase < Phase::Check,
        EarlyEnd::Contradiction | EarlyEnd::Down | EarlyEnd::Interrupt => false,
    };
    let verdict = if ended.is_some_and(cut_off) { verdict.max(Verdict::Unknown) } else { verdict };
    let sentence = if safety.verdict == verdict && verdict != Verdict::Valid {
        safety.sentence().unwrap_or("the checker gave no reason").to_owned()
    } else if liveness.verdict == verdict && verdict != Verdict::Valid {
        liveness.sentence.clone()
    } else if let Some((_, sentence)) =
        promised.filter(|it| it.0 == verdict && it.0 != Verdict::Valid)
    {
        sentence.to_owned()
    } else if coverage.verdict == verdict && verdict != Verdict::Valid {
        coverage.gaps.join("; ")
    } else {
        format!(
            "{} on {} have a place in one legal order; {}",
            counted(safety.operations, "operation"),
            counted(safety.keys, "key"),
            liveness.sentence
        )
    };
    // What is Invalid is so no matter what came, or did not come, afterwards.
    let ended = ended.filter(|ended| verdict != Verdict::Invalid && ended.cause.leaves_gaps());
    let sentence = match ended {
        Some(ended) if ended.cause == EarlyEnd::Kill => {
            format!("{}; {sentence}", words::ended_early(ended))
        }
        Some(ended) => format!("{sentence}; {}", words::ended_early(ended)),
        None => sentence,
    };
    let avoided = words::avoided(known).filter(|_| verdict != Verdict::Invalid);
    let sentence = match avoided {
        Some(avoided) => format!("{sentence}; {avoided}"),
        None => sentence,
    };
    (verdict, sentence)
}

/// Seconds spent in each phase; the last one has not ended yet.
pub fn phases(history: &RunHistory) -> Vec<(Phase, f64)> {
    let mut phases = results::metrics::phases(history);
    phases.pop();
    phases.iter().map(|interval| (interval.phase, interval.seconds())).collect()
}

#[cfg(test)]
mod tests {
    use checker::history::{Attempt, Event, Process};
    use faults::coverage::{Phase as ClusterPhase, Role};
    use faults::fault::Family;
    use results::metrics::fault_intervals;
    use serde_json::json;

    use super::*;

    fn history(ok: &[&str], outcomes: &[&str]) -> RunHistory {
        let event = |kind, f: &str| Event::new(Process::Client(1), kind, f, json!(null));
        let operations =
            ok.iter().flat_map(|f| [EventType::Invoke, EventType::Ok].map(|it| event(it, f)));
        let faults = outcomes.iter().enumerate().map(|(number, outcome)| {
            let value = json!({"fault": number, "stage": "inject", "outcome": outcome});
            Event::new(Process::Nemesis, EventType::Info, "kill", value)
        });
        operations.chain(faults).collect()
    }

    fn avoiding(known: &str) -> KnownInRun {
        let failure = known.parse().expect("a known failure");
        KnownInRun { failure, tested: false, faults: Vec::new() }
    }

    fn judged(history: &RunHistory, kinds: &[&str], planned_faults: u32) -> Coverage {
        let faults = (0..planned_faults).map(|number| (number, Family::Kill)).collect();
        let planned = Planned { load_seconds: 60.0, faults, ..Planned::default() };
        coverage(history, &fault_intervals(history), kinds, &planned, None, &[])
    }

    #[test]
    fn a_run_for_which_no_fault_was_drawn_although_some_were_asked_for_is_unknown() {
        let history = history(&["read"], &[]);
        let check = |drawn_from: &[Family], known: &[KnownInRun], gaps: &[&str]| {
            let drawn_from = drawn_from.iter().copied().collect();
            let planned = Planned { load_seconds: 60.0, drawn_from, ..Planned::default() };
            let coverage = coverage(&history, &[], &["read"], &planned, None, known);
            assert_eq!(coverage.gaps, gaps);
            assert_eq!(coverage.verdict == Verdict::Valid, gaps.is_empty());
        };
        check(&[], &[], &[]);
        let none = "not one fault was drawn of partition: so few nodes, or so short a load, have no \
                    room for any";
        check(&[Family::Partition], &[], &[none]);
        let avoided = "not one fault was drawn of partition: known failures are avoided, or so few \
                       nodes, or so short a load, have no room for any";
        check(&[Family::Partition], &[avoiding("lost=partition shape=bridge")], &[avoided]);
    }

    #[test]
    fn a_run_whose_cas_never_succeeded_is_unknown() {
        let coverage = judged(&history(&["read", "write"], &[]), &["read", "write", "cas"], 0);
        assert_eq!(coverage.verdict, Verdict::Unknown);
        assert_eq!(
            coverage.gaps,
            ["no cas was ever tried: a longer load or a higher --rate has room for some"]
        );
    }

    #[test]
    fn a_kind_that_never_succeeded_is_told_with_its_figures_and_advice() {
        let check = |ends: &[(EventType, Option<&str>)], gap: Option<&str>| {
            let mut events = Vec::new();
            for (process, (kind, error)) in (0..).zip(ends) {
                let event = |kind| Event::new(Process::Client(process), kind, "cas", json!([1, 2]));
                events.push(event(EventType::Invoke));
                let error = error.map(String::from);
                events.push(Event { error, ..event(*kind) });
            }
            let coverage = judged(&events.into_iter().collect(), &["cas"], 0);
            assert_eq!(coverage.gaps.first().map(String::as_str), gap);
        };
        let refuted = (EventType::Fail, Some(PRECONDITION_FAILED));
        check(
            &[refuted, refuted],
            Some(
                "no cas ever succeeded: each of 2 attempts found another state than it expected; \
                 fewer clients (--concurrency) or more keys (--keys) leave one alone with its key",
            ),
        );
        check(
            &[refuted, (EventType::Fail, Some("not_leader")), (EventType::Info, Some("timeout"))],
            Some(
                "no cas ever succeeded: of 3 attempts 1 found another state than they expected, 1 \
                 were refused, 1 have an unknown outcome; the service hardly served them, and the \
                 logs of its nodes may say why",
            ),
        );
        check(&[refuted, (EventType::Ok, None)], None);
    }

    fn cut(cause: EarlyEnd) -> EndedEarly {
        EndedEarly {
            cause,
            phase: Phase::Load,
            load_seconds: 23.0,
            planned_load_seconds: 60.0,
            planned_faults: 3,
            faults_not_reached: 2,
        }
    }

    #[test]
    fn a_family_that_a_cut_left_without_a_fault_is_a_gap() {
        let one_kill = history(&["read"], &["installed"]);
        let faults: BTreeMap<u32, Family> =
            [(0, Family::Kill), (1, Family::Pause), (2, Family::Kill)].into();
        let planned = Planned { load_seconds: 60.0, faults, ..Planned::default() };
        let check = |ended: Option<EarlyEnd>, gaps: &[&str]| {
            let ended = ended.map(cut);
            let intervals = fault_intervals(&one_kill);
            let coverage =
                coverage(&one_kill, &intervals, &["read"], &planned, ended.as_ref(), &[]);
            assert_eq!(coverage.gaps, gaps);
            assert_eq!(coverage.verdict == Verdict::Valid, gaps.is_empty());
        };
        let never = "no pause fault took effect: 1 of 1 were never reached";
        check(Some(EarlyEnd::Interrupt), &[never]);
        check(Some(EarlyEnd::Kill), &[never]);
        check(Some(EarlyEnd::Contradiction), &[]);
        check(None, &[]);
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
            let ends = [read.clone(), event("write", errors)];
            let began = |end: &Event| Event::new(end.process, EventType::Invoke, &end.f, json!(1));
            let history: RunHistory = ends.into_iter().flat_map(|end| [began(&end), end]).collect();
            assert_eq!(never_understood(&history), expect);
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
            history.push(Event::new(Process::Nemesis, EventType::Info, "disk", value));
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
        let mut history = history(&["read"], &["indeterminate"]);
        let value = json!({"fault": 0, "stage": "undo", "outcome": "installed"});
        history.push(Event::new(Process::Nemesis, EventType::Info, "packet", value));
        assert_eq!(judged(&history, &["read"], 1).verdict, Verdict::Valid);
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
            only: Vec::new(),
            avoided: Vec::new(),
            triggers: std::collections::BTreeSet::new(),
            timers: faults::fault::TimerRange::default(),
            abilities: faults::fault::Abilities::default(),
        };
        let coverage = fault_coverage(&fault_intervals(&events.into_iter().collect()), &options);
        let [cell] = &coverage.cells[..] else { panic!("{coverage:?}") };
        assert_eq!((cell.family, cell.role), (Family::Pause, Role::Leader));
        assert_eq!((cell.phase, cell.count), (ClusterPhase::Steady, 2));
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
            load_lateness_seconds: 0.0,
            degree: None,
            nodes: Vec::new(),
        };
        let covered = Coverage { verdict: Verdict::Valid, gaps: Vec::new(), notes: Vec::new() };
        let with = |safety: &Analysis,
                    live,
                    availability: Option<&Availability>,
                    ended: Option<&EndedEarly>,
                    known: &[KnownInRun]| {
            let liveness = &liveness(live);
            merge(Parts { safety, liveness, availability, coverage: &covered }, ended, known)
        };
        let merged = |safety: &Analysis, live, ended: Option<&EndedEarly>, known: &[KnownInRun]| {
            with(safety, live, None, ended, known)
        };
        let unsure = || analysis(Verdict::Unknown, Some("budget"));
        let check = |safety, live, ended: Option<EndedEarly>, expect: Verdict, sentence: &str| {
            let merged = merged(&safety, live, ended.as_ref(), &[]);
            assert_eq!((merged.0, merged.1.as_str()), (expect, sentence));
        };
        check(unsure(), Verdict::Invalid, None, Verdict::Invalid, "no leader");
        check(unsure(), Verdict::Valid, None, Verdict::Unknown, "budget");
        let valid = || analysis(Verdict::Valid, None);
        let passed = "7 operations on 1 key have a place in one legal order; no leader";
        check(valid(), Verdict::Valid, None, Verdict::Valid, passed);
        let share = "after 23.0 s of 60.0 s of load (38.3 %); 2 of 3 planned faults were never \
                     reached";
        let interrupted = format!("{passed}; interrupted {share}");
        let cut_off = |cause| Some(cut(cause));
        check(valid(), Verdict::Valid, cut_off(EarlyEnd::Interrupt), Verdict::Valid, &interrupted);
        let killed = format!("the run ended early (under load) {share}; {passed}");
        check(valid(), Verdict::Valid, cut_off(EarlyEnd::Kill), Verdict::Unknown, &killed);
        // What is Invalid stays so, and its sentence is its proof.
        let live = Verdict::Invalid;
        check(valid(), live, cut_off(EarlyEnd::Kill), Verdict::Invalid, "no leader");
        let checking = EndedEarly { phase: Phase::Check, ..cut(EarlyEnd::Kill) };
        let checked = merged(&valid(), Verdict::Valid, Some(&checking), &[]);
        assert_eq!(checked.0, Verdict::Valid, "all that was planned had been done");
        // A promise of availability breaks what is else whole, and comes behind what else is broken.
        let promised = |verdict| Availability {
            verdict,
            sentence: Some("2.4s".to_owned()),
            ..Availability::default()
        };
        let slow = promised(Some(Verdict::Invalid));
        let judged = |live, slow| with(&valid(), live, Some(slow), None, &[]);
        assert_eq!(judged(Verdict::Valid, &slow), (Verdict::Invalid, "2.4s".to_owned()));
        assert_eq!(judged(Verdict::Invalid, &slow).1, "no leader");
        assert_eq!(judged(Verdict::Valid, &promised(None)).0, Verdict::Valid);
        // What was left out for a known failure is no pass of it.
        let known = [avoiding("lost=power")];
        let merged = |safety, live| merged(&safety, live, None, &known);
        let avoided = "tested without power faults, which trigger the known failure lost";
        assert_eq!(
            merged(valid(), Verdict::Valid),
            (Verdict::Valid, format!("{passed}; {avoided}"))
        );
        assert_eq!(merged(unsure(), Verdict::Valid).1, format!("budget; {avoided}"));
        assert_eq!(merged(valid(), Verdict::Invalid).1, "no leader");
    }
}
