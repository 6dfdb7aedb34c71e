//! The audit of all tokens.

use std::collections::{BTreeMap, HashMap};

use super::evidence::{ContentsEvidence, Effects, Evidence, LogEvidence};
use super::report::{AuditReport, AuditViolation, Row, Unobservable, Wrong};
use super::terms::{AppliedLog, Contents, Mutation, Outcome, Reason};
use crate::oracle::kept::MAX_KEPT;
use crate::words::at;

/// Counts how often each mutation took effect. Elements and tokens that none of them put there are
/// passed over.
pub fn audit(
    mutations: &[Mutation<'_>],
    contents: &[Contents<'_>],
    logs: &[AppliedLog<'_>],
) -> AuditReport {
    let row =
        |told| Row { told, never: 0, once: 0, repeatedly: 0, at_least_once: 0, unobservable: 0 };
    let mut table = [row(Outcome::Ok), row(Outcome::Fail), row(Outcome::Info)];
    let mut reasons: BTreeMap<Reason, (u64, usize)> = BTreeMap::new();
    let mut broken = Vec::new();

    // Only looked up, never iterated.
    let mut by_token: HashMap<&str, usize> = HashMap::with_capacity(mutations.len());
    let mut shared_token = vec![false; mutations.len()];
    for (place, mutation) in mutations.iter().enumerate() {
        let first = *by_token.entry(mutation.token).or_insert(place);
        if first != place {
            shared_token[first] = true;
            shared_token[place] = true;
        }
    }
    let from_logs = LogEvidence::new(mutations, &by_token, logs);
    let from_contents = ContentsEvidence::new(mutations, contents);
    let evidence: [&dyn Evidence; 2] = [&from_logs, &from_contents];
    for (place, mutation) in mutations.iter().enumerate() {
        let findings = if shared_token[place] {
            [Some(Effects::unknown(Reason::SharedToken)), None]
        } else {
            evidence.map(|evidence| evidence.find(place))
        };
        let wrong = findings.iter().zip(evidence).find_map(|(finding, evidence)| {
            let finding = (*finding)?;
            Some((wrong(mutation.outcome, &finding)?, finding, evidence))
        });
        if let Some((wrong, finding, evidence)) = wrong {
            broken.push((place, wrong, finding.at_least, evidence));
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

    broken.sort_by_key(|(place, wrong, ..)| {
        (mutations[*place].completed.is_none(), mutations[*place].completed, *wrong)
    });
    let describe = |&(place, wrong, effects, evidence): &(usize, Wrong, u64, &dyn Evidence)| {
        violation(&mutations[place], wrong, effects, &evidence.trace(place))
    };
    let unobservable = |(reason, (tokens, example)): (Reason, (u64, usize))| Unobservable {
        reason,
        tokens,
        example: mutations[example].token.to_string(),
    };
    AuditReport {
        tokens: mutations.len() as u64,
        table,
        unobservable: reasons.into_iter().map(unobservable).collect(),
        broken: broken.len() as u64,
        violations: broken.iter().take(MAX_KEPT).map(describe).collect(),
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
