//! The idempotency audit against a simulated service whose every effect is known.

use std::collections::BTreeMap;
use std::rc::Rc;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use stormproof_checker::history::{Attempt, Process};
use stormproof_checker::model::Collection;
use stormproof_checker::oracle::audit::{
    Applied, AppliedLog, AuditReport, Contents, Mutation, Outcome, Reason, Row, Wrong, audit,
};
use stormproof_checker::verdict::Verdict;

const OBJECTS: [(&str, Collection); 3] =
    [("list", Collection::List), ("queue", Collection::Queue), ("set", Collection::Set)];
const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// An operation of the simulation, with what the service did with it.
#[derive(Debug, Clone)]
struct Done {
    token: String,
    element: String,
    object: usize,
    outcome: Outcome,
    attempts: Vec<Attempt>,
    completed: Option<u64>,
}

/// A run: operations, and the replicated log of (place of operation, took effect).
#[derive(Debug, Clone)]
struct Recording {
    operations: Vec<Done>,
    log: Vec<(usize, bool)>,
    /// The differences of the log of each node.
    differing: BTreeMap<(usize, u64), (usize, bool)>,
    /// Index in the history of the final reads.
    end: u64,
}

/// A run in which attempts get lost on either way, entries are retried and recognised, and a few
/// preconditions fail.
fn record(seed: u64, count: usize) -> Recording {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut log = Vec::new();
    let mut operations = Vec::new();
    for place in 0..count {
        let mut attempts = Vec::new();
        let mut applied = false;
        let holds = rng.random_bool(0.9);
        let mut outcome = Outcome::Fail;
        let begun = place as u64 * 1_000_000;
        for attempt in 0..3 {
            let node = NODES[rng.random_range(0..3)].to_string();
            let (reached, answered) = (rng.random_bool(0.7), rng.random_bool(0.7));
            if reached {
                log.push((place, holds && !applied));
                applied |= holds;
            }
            let error = match (reached, answered) {
                (true, true) => None,
                (false, true) => Some(("not_leader", true)),
                (_, false) => Some(("timeout", false)),
            };
            attempts.push(Attempt {
                node,
                start: begun + attempt,
                end: begun + attempt + 1,
                error: error.map(|(error, _)| error.to_string()),
                definite: error.map(|(_, definite)| definite),
            });
            if reached && answered {
                outcome = if holds { Outcome::Ok } else { Outcome::Fail };
                break;
            }
            if !answered {
                outcome = Outcome::Info;
            }
        }
        operations.push(Done {
            token: format!("r:{place}"),
            element: place.to_string(),
            object: rng.random_range(0..OBJECTS.len()),
            outcome,
            attempts,
            completed: (outcome != Outcome::Info).then_some(place as u64),
        });
    }
    Recording { operations, log, differing: BTreeMap::new(), end: count as u64 }
}

impl Recording {
    fn told(&self) -> Vec<Mutation<'_>> {
        self.operations
            .iter()
            .map(|operation| Mutation {
                token: &operation.token,
                process: Process::Client(4),
                f: "append",
                object: OBJECTS[operation.object].0,
                element: Some(&operation.element),
                outcome: operation.outcome,
                completed: operation.completed,
                end: operation.completed.map_or(0, |completed| completed * 1_000_000),
            })
            .collect()
    }

    /// The contents of the objects at the end.
    fn contents(&self) -> Vec<Contents<'_>> {
        let contents = |(object, &(name, kind)): (usize, &(&'static str, Collection))| {
            let effects = self.log.iter().filter(|(_, took_effect)| *took_effect);
            let put = effects.map(|(place, _)| &self.operations[*place]);
            let mut elements: Vec<&str> = put
                .filter(|operation| operation.object == object)
                .map(|operation| operation.element.as_str())
                .collect();
            if kind == Collection::Set {
                elements.sort_unstable();
                elements.dedup();
            }
            Contents { object: name, kind, elements, as_of: Some(self.end), untraced_removals: 0 }
        };
        OBJECTS.iter().enumerate().map(contents).collect()
    }

    /// The entries that the nodes applied.
    fn logs(&self) -> Vec<AppliedLog<'_>> {
        let log = |(number, &node): (usize, &&'static str)| {
            let entry = |(place, &shared): (usize, &(usize, bool))| {
                let index = place as u64 + 1;
                let own = self.differing.get(&(number, index));
                let (operation, took_effect) = own.copied().unwrap_or(shared);
                Applied { index, token: &self.operations[operation].token, took_effect }
            };
            AppliedLog {
                node,
                from: 1,
                through: self.log.len() as u64,
                entries: Rc::new(self.log.iter().enumerate().map(entry).collect::<Vec<_>>()),
                as_of: Some(self.end),
            }
        };
        NODES.iter().enumerate().map(log).collect()
    }

    /// The number of effects of an operation.
    fn effects(&self, place: usize) -> u64 {
        self.log.iter().filter(|entry| **entry == (place, true)).count() as u64
    }

    /// The first operation that was told `outcome`, acts on one of `kinds` and took effect as
    /// often.
    fn find(&self, outcome: Outcome, kinds: &[Collection], effects: u64) -> Option<usize> {
        (0..self.operations.len()).find(|place| {
            let operation = &self.operations[*place];
            operation.outcome == outcome
                && kinds.contains(&OBJECTS[operation.object].1)
                && self.effects(*place) == effects
        })
    }
}

const ANY: &[Collection] = &[Collection::List, Collection::Queue, Collection::Set];
const REPEATABLE: &[Collection] = &[Collection::List, Collection::Queue];

/// Expects the operation at `place` alone to be found wrong, by either kind of evidence.
fn expect(recording: &Recording, place: usize, wrong: Wrong) {
    let told = recording.told();
    for report in [
        audit(&told, &recording.contents(), &[]),
        audit(&told, &[], &recording.logs()),
        audit(&told, &recording.contents(), &recording.logs()),
    ] {
        assert_eq!(report.verdict(), Verdict::Invalid, "{wrong:?} of {place}");
        assert_eq!(report.broken, 1, "{report}");
        let violation = &report.violations[0];
        assert_eq!((violation.wrong, violation.token.as_str()), (wrong, told[place].token));
        let of = |token: &str| {
            let done = recording.operations.iter().find(|done| done.token == token);
            done.expect("it is one of them").attempts.clone()
        };
        let tried = report.clone().with_attempts(of);
        assert_eq!(tried.violations[0].attempts, recording.operations[place].attempts);
    }
}

#[test]
fn an_honest_service_is_never_accused_and_every_effect_is_counted() {
    for seed in 0..300 {
        let recording = record(seed, 60);
        let told = recording.told();
        let report = audit(&told, &recording.contents(), &recording.logs());
        assert_eq!(report.verdict(), Verdict::Valid, "seed {seed}: {report}");
        for row in report.table {
            let of = |effects| {
                let told = (0..60).filter(|place| told[*place].outcome == row.told);
                told.filter(|place| recording.effects(*place) == effects).count() as u64
            };
            // What has not taken effect and still may is not known.
            let (never, unobservable) = match row.told {
                Outcome::Info => (0, of(0)),
                Outcome::Ok | Outcome::Fail => (of(0), 0),
            };
            let (once, told) = (of(1), row.told);
            let expected = Row { told, never, once, repeatedly: 0, at_least_once: 0, unobservable };
            assert_eq!(row, expected, "seed {seed}");
        }
        for contents_only in [true, false] {
            let (contents, logs) = (recording.contents(), recording.logs());
            let report =
                if contents_only { audit(&told, &contents, &[]) } else { audit(&told, &[], &logs) };
            assert_eq!(report.verdict(), Verdict::Valid, "seed {seed}: {report}");
        }
    }
}

#[test]
fn an_effect_that_came_twice_is_found() {
    let mut found = 0;
    for seed in 0..200 {
        for outcome in [Outcome::Ok, Outcome::Info] {
            let mut recording = record(seed, 60);
            let Some(place) = recording.find(outcome, REPEATABLE, 1) else { continue };
            recording.log.push((place, true));
            expect(&recording, place, Wrong::Repeated);
            found += 1;
        }
    }
    assert!(found > 200, "only {found} repeats could be planted");
}

#[test]
fn an_acknowledged_element_that_is_lost_is_found() {
    for seed in 0..200 {
        let mut recording = record(seed, 60);
        let place = recording.find(Outcome::Ok, ANY, 1).unwrap();
        for entry in &mut recording.log {
            entry.1 &= entry.0 != place;
        }
        expect(&recording, place, Wrong::Lost);
    }
}

#[test]
fn a_failure_that_took_effect_is_found() {
    let mut found = 0;
    for seed in 0..200 {
        let mut recording = record(seed, 60);
        let Some(place) = recording.find(Outcome::Fail, ANY, 0) else { continue };
        recording.log.push((place, true));
        expect(&recording, place, Wrong::FalseFailure);
        found += 1;
    }
    assert!(found > 100, "only {found} false failures could be planted");
}

#[test]
fn nodes_that_disagree_are_found() {
    for seed in 0..200 {
        let mut recording = record(seed, 60);
        let place = recording.find(Outcome::Ok, ANY, 1).unwrap();
        let index = recording.log.iter().position(|entry| *entry == (place, true)).unwrap() as u64;
        recording.differing.insert((2, index + 1), (place, false));
        let report = audit(&recording.told(), &recording.contents(), &recording.logs());
        assert_eq!(report.broken, 1, "seed {seed}: {report}");
        assert_eq!(report.violations[0].wrong, Wrong::Disagreement);
        let expected = format!("n1 has its effect at index {}, and n3 has not", index + 1);
        assert!(report.violations[0].sentence.contains(&expected), "{report}");
    }
}

#[test]
fn a_repeat_is_told_from_what_different_nodes_know() {
    let told = [operation("t", Outcome::Ok, Some("7"), Some(3))];
    let entry = |index| Applied { index, token: "t", took_effect: true };
    let log = |node, from, through, entries: Vec<Applied<'static>>| {
        let entries = Rc::new(entries);
        AppliedLog { node, from, through, entries, as_of: Some(10) }
    };
    // n2 lost its memory at index 5, and n1 stopped there.
    let logs = [log("n1", 1, 5, vec![entry(4)]), log("n2", 6, 9, vec![entry(8)])];
    let report = audit(&told, &[], &logs);
    assert_eq!(report.violations[0].wrong, Wrong::Repeated);
    assert!(
        report.violations[0].sentence.contains("at index 4 on n1 and at index 8 on n2"),
        "{report}"
    );
    // One node that applies one entry twice.
    let logs = [log("n1", 1, 5, vec![entry(4), entry(4)])];
    assert_eq!(audit(&told, &[], &logs).violations[0].wrong, Wrong::Repeated);
}

/// An append to `k3` by process 4.
fn operation<'a>(
    token: &'a str,
    outcome: Outcome,
    element: Option<&'a str>,
    completed: Option<u64>,
) -> Mutation<'a> {
    Mutation {
        token,
        process: Process::Client(4),
        f: "append",
        object: "k3",
        element,
        outcome,
        completed,
        end: completed.map_or(0, |completed| completed * 1_000_000_000),
    }
}

/// The content of a list by a final read at index 10.
fn list(elements: &[&'static str]) -> Contents<'static> {
    Contents {
        object: "k3",
        kind: Collection::List,
        elements: elements.to_vec(),
        as_of: Some(10),
        untraced_removals: 0,
    }
}

fn reasons(report: &AuditReport) -> Vec<Reason> {
    report.unobservable.iter().map(|unobservable| unobservable.reason).collect()
}

#[test]
fn what_cannot_be_known_is_said_to_be_unobservable() {
    let lost = operation("t", Outcome::Ok, Some("7"), Some(3));
    let log =
        |from, as_of| AppliedLog { node: "n1", from, through: 9, entries: Rc::new(vec![]), as_of };
    let cases: Vec<(Mutation<'_>, Vec<Contents<'_>>, Vec<AppliedLog<'_>>, Reason)> = vec![
        (lost, vec![], vec![], Reason::NoEvidence),
        (Mutation { object: "other", ..lost }, vec![list(&[])], vec![], Reason::NoEvidence),
        (Mutation { element: None, ..lost }, vec![list(&[])], vec![], Reason::NoElement),
        (lost, vec![Contents { as_of: None, ..list(&[]) }], vec![], Reason::NoFinalRead),
        (lost, vec![Contents { as_of: None, ..list(&["7"]) }], vec![], Reason::NoFinalRead),
        (Mutation { completed: Some(12), ..lost }, vec![list(&[])], vec![], Reason::ReadTooEarly),
        (
            lost,
            vec![Contents { untraced_removals: 1, ..list(&[]) }],
            vec![],
            Reason::UntracedRemoval,
        ),
        (
            Mutation { outcome: Outcome::Info, completed: None, ..lost },
            vec![list(&[])],
            vec![],
            Reason::MayStillCome,
        ),
        (
            Mutation { outcome: Outcome::Info, completed: None, ..lost },
            vec![],
            vec![log(1, Some(10))],
            Reason::MayStillCome,
        ),
        (
            lost,
            vec![Contents { kind: Collection::Set, ..list(&["7"]) }],
            vec![],
            Reason::SetHidesRepeats,
        ),
        (lost, vec![], vec![log(2, Some(10))], Reason::LogIncomplete),
        (lost, vec![], vec![log(1, None)], Reason::LogTooShort),
        (lost, vec![], vec![log(1, Some(2))], Reason::LogTooShort),
    ];
    for (told, contents, logs, reason) in cases {
        let report = audit(&[told], &contents, &logs);
        assert_eq!(report.verdict(), Verdict::Valid, "{reason:?}: {report}");
        assert_eq!(reasons(&report), [reason], "{report}");
        assert_eq!(report.unobservable[0].example, "t");
        let text = report.to_string();
        assert!(text.ends_with(&format!("not known exactly: 1 ({reason})")), "{text}");
    }

    let other = Mutation { token: "u", ..lost };
    assert_eq!(reasons(&audit(&[lost, other], &[list(&[])], &[])), [Reason::SharedElement]);
    assert_eq!(reasons(&audit(&[lost, lost], &[list(&[])], &[])), [Reason::SharedToken]);
}

#[test]
fn evidence_that_is_complete_decides_where_the_other_is_not() {
    let told = [operation("t", Outcome::Ok, Some("7"), Some(3))];
    let entries = vec![Applied { index: 8, token: "t", took_effect: true }];
    let log =
        AppliedLog { node: "n1", from: 5, through: 9, entries: Rc::new(entries), as_of: Some(10) };
    let report = audit(&told, &[list(&["7"])], &[log]);
    assert_eq!((report.table[0].once, reasons(&report)), (1, vec![]));
}

#[test]
fn a_violation_says_what_happened_and_what_was_tried() {
    let attempt = |node: &str, start, error: Option<&str>| Attempt {
        node: node.to_string(),
        start,
        end: start + 1,
        error: error.map(str::to_string),
        definite: error.map(|_| false),
    };
    let attempts =
        [attempt("n1", 1_203_000_000, Some("timeout")), attempt("n2", 1_206_000_000, None)];
    let told = [
        operation("r:4:9", Outcome::Ok, Some("17"), Some(3)),
        operation("r:4:8", Outcome::Ok, Some("16"), Some(2)),
    ];
    let report = audit(&told, &[list(&["17", "1", "17"])], &[])
        .with_attempts(|token| if token == "r:4:9" { attempts.to_vec() } else { Vec::new() });
    let expected = [
        "idempotency: 2 tokens, 2 broke their promise",
        "  told ok: took effect 1 never, 1 repeatedly",
        "  append on k3 by process 4 (token r:4:8) was acknowledged at 2.000 s, but has no effect: \
         k3 does not hold 16",
        "  append on k3 by process 4 (token r:4:9) was acknowledged at 3.000 s, and took effect more \
         than once: k3 holds 17 at positions 0 and 2; asked n1 at 1.203 s (timeout), n2 at 1.206 s \
         (answered)",
    ];
    assert_eq!(report.to_string().lines().collect::<Vec<_>>(), expected);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<AuditReport>(&json).unwrap(), report);
}
