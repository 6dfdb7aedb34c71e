//! The audit of all tokens.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::evidence::{ContentsEvidence, Effects, Evidence, LogEvidence};
use super::report::{AuditReport, AuditViolation, BrokenOf, Row, Unobservable, Wrong};
use super::terms::{AppliedLog, Contents, Mutation, Mutations, Outcome, Reason};
use crate::words::at;

/// The number of broken promises that are told of in any case; all of them are counted. Each brings
/// its requests and its places in the logs along, which is as much as a person will go through; a
/// broken service makes one with nearly every operation.
pub(crate) const MAX_TOLD: usize = 100;

/// Counts how often each mutation took effect. Elements and tokens that none of them put there are
/// passed over.
pub fn audit(
    mutations: &[Mutation<'_>],
    contents: &[Contents<'_>],
    logs: &[AppliedLog<'_>],
) -> AuditReport {
    audit_telling(&mutations, contents, logs, &|_| Vec::new())
}

/// A mutation that broke its promise, by its place among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) place: usize,
    pub(crate) wrong: Wrong,
}

/// The same; `wanted` names, by their positions in the list that it is shown, broken promises that
/// are told of even if they are not among the first.
pub(crate) fn audit_telling<'h>(
    mutations: &dyn Mutations<'h>,
    contents: &[Contents<'h>],
    logs: &[AppliedLog<'h>],
    wanted: &dyn Fn(&[Broken]) -> Vec<usize>,
) -> AuditReport {
    let row =
        |told| Row { told, never: 0, once: 0, repeatedly: 0, at_least_once: 0, unobservable: 0 };
    let mut table = [row(Outcome::Ok), row(Outcome::Fail), row(Outcome::Info)];
    let mut reasons: BTreeMap<Reason, (u64, usize)> = BTreeMap::new();
    let mut broken = Vec::new();

    // Only looked up, never iterated.
    let count = mutations.count();
    let mut by_token: HashMap<&str, usize> = HashMap::with_capacity(count);
    let mut shared_token = vec![false; count];
    for place in 0..count {
        let first = *by_token.entry(mutations.get(place).token).or_insert(place);
        if first != place {
            shared_token[first] = true;
            shared_token[place] = true;
        }
    }
    let from_logs = LogEvidence::new(mutations, &by_token, logs);
    let from_contents = ContentsEvidence::new(mutations, contents);
    let evidence: [&dyn Evidence; 2] = [&from_logs, &from_contents];
    for (place, shared_token) in shared_token.into_iter().enumerate() {
        let mutation = mutations.get(place);
        let findings = if shared_token {
            [Some(Effects::unknown(Reason::SharedToken)), None]
        } else {
            evidence.map(|evidence| evidence.find(place))
        };
        let wrong = findings.iter().zip(0..).find_map(|(finding, evidence)| {
            let finding = (*finding)?;
            Some((wrong(mutation.outcome, &finding)?, finding.at_least, evidence))
        });
        if let Some((wrong, effects, evidence)) = wrong {
            let order = (mutation.completed.is_none(), mutation.completed, wrong);
            broken.push((order, Broken { place, wrong }, effects, evidence));
        }

        let finding = best(findings).unwrap_or_else(|| {
            let nothing_to_find = mutation.element.is_none() && !contents.is_empty();
            Effects::unknown(if nothing_to_find { Reason::NoElement } else { Reason::NoEvidence })
        });
        let row = &mut table[mutation.outcome as usize];
        let column = match (finding.at_least, finding.gap) {
            (0, None) => &mut row.never,
            (1, None) => &mut row.once,
            (0, Some(_)) => &mut row.unobservable,
            (1, Some(_)) => &mut row.at_least_once,
            (2.., _) => &mut row.repeatedly,
        };
        *column += 1;
        if let Some(reason) = finding.gap.filter(|_| finding.at_least < 2) {
            reasons.entry(reason).or_insert((0, place)).0 += 1;
        }
    }

    broken.sort_by_key(|(order, ..)| *order);
    let of_kind = |wrong| {
        let tokens = broken.iter().filter(|(_, broken, ..)| broken.wrong == wrong).count() as u64;
        (tokens > 0).then_some(BrokenOf { wrong, tokens })
    };
    let all: Vec<Broken> = broken.iter().map(|(_, broken, ..)| *broken).collect();
    let mut told: BTreeSet<usize> = (0..all.len().min(MAX_TOLD)).collect();
    told.extend(wanted(&all));
    let describe = |position: usize| {
        let (_, Broken { place, wrong }, effects, by) = broken[position];
        let trace = evidence[by].trace(place);
        violation(&mutations.get(place), wrong, effects, &trace)
    };
    let unobservable = |(reason, (tokens, example)): (Reason, (u64, usize))| Unobservable {
        reason,
        tokens,
        example: mutations.get(example).token.to_string(),
    };
    AuditReport {
        tokens: count as u64,
        table,
        unobservable: reasons.into_iter().map(unobservable).collect(),
        broken: broken.len() as u64,
        broken_by_kind: Wrong::ALL.into_iter().filter_map(of_kind).collect(),
        violations: told.into_iter().map(describe).collect(),
    }
}

/// The broken promise if an operation whose client was told `outcome` did what was found.
fn wrong(outcome: Outcome, finding: &Effects) -> Option<Wrong> {
    if finding.gap == Some(Reason::NodesDisagree) {
        return Some(Wrong::Disagreement);
    }
    match (outcome, finding.at_least) {
        (_, 2..) => Some(Wrong::Repeated),
        (Outcome::Fail, 1) => Some(Wrong::FalseFailure),
        (Outcome::Ok, 0) if finding.gap.is_none() => Some(Wrong::Lost),
        _ => None,
    }
}

/// The finding that knows most: an exact one, else the one that shows more effects. Logs come
/// before contents.
fn best(findings: [Option<Effects>; 2]) -> Option<Effects> {
    // Of equals the first is the least.
    findings
        .into_iter()
        .flatten()
        .min_by_key(|finding| (finding.gap.is_some(), std::cmp::Reverse(finding.at_least)))
}

fn violation(mutation: &Mutation<'_>, wrong: Wrong, effects: u64, trace: &str) -> AuditViolation {
    let Mutation { process, f, object, token, .. } = mutation;
    let operation = format!("{f} on {object} by process {process} (token {token})");
    let when = mutation.completed.map(|completed| format!(" {}", at(mutation.end, completed)));
    let when = when.unwrap_or_default();
    let answer = match mutation.outcome {
        Outcome::Ok => format!("was acknowledged{when}"),
        Outcome::Fail => format!("was said to have failed{when}"),
        Outcome::Info => "had an unknown outcome".to_string(),
    };
    let sentence = format!("{operation} {answer}, {}: {trace}", wrong.in_words());
    AuditViolation {
        wrong,
        token: token.to_string(),
        process: *process,
        f: f.to_string(),
        object: object.to_string(),
        told: mutation.outcome,
        effects,
        evidence: trace.to_string(),
        sentence,
        attempts: Vec::new(),
    }
}
