//! The knowledge of the oracles about the operations of a counterexample.

use std::collections::BTreeSet;

use super::audit::{AuditReport, AuditViolation, Broken, Wrong};
use super::version::{MutationVersion, ReadVersion, VersionSemantics};
use crate::counterexample::told;
use crate::history::{EventType, OperationRef, Operations};
use crate::verdict::{Counterexample, Operation};
use crate::words::{seconds, tried};

/// Adds to a counterexample what the audit knows of its operations, or else of one before its end
/// that took effect more often than it should have; if it knows of none, what versions show of it.
pub(super) fn join(
    found: &mut Counterexample,
    audit: Option<&AuditReport>,
    claims: Option<VersionSemantics>,
    operations: &Operations,
) {
    let known = audit.and_then(|audit| about(found, &audit.violations));
    if let Some(violation) = known {
        let of_token = operations.iter().find(|it| it.token() == Some(&*violation.token));
        if let Some(operation) = of_token {
            found.sentence.push_str(&format!(
                "; {}, {}: {}{}",
                told(operation),
                finding(violation.wrong),
                violation.evidence,
                tried(&violation.attempts)
            ));
        }
        for (operation, remark) in found.operations.iter().zip(&mut found.remarks) {
            if operation.token.as_deref() == Some(&violation.token) {
                let wrong = violation.wrong.in_words();
                let wrong = wrong.trim_start_matches("but ").trim_start_matches("and ");
                let more = format!("{wrong}: {}", violation.evidence);
                *remark = [std::mem::take(remark), more]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join("; ");
            }
        }
    } else if let Some(clause) = claims.and_then(|claims| applied_again(found, claims)) {
        found.sentence.push_str(&clause);
    }
}

/// A finding about an operation that was told before.
fn finding(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Lost => "but the audit of tokens finds no effect of that",
        Wrong::FalseFailure => {
            "which was said to have failed, but the audit of tokens finds an effect of that"
        }
        Wrong::Repeated => "and the audit of tokens finds that it took effect more than once",
        Wrong::Disagreement => "and the nodes disagree about it",
    }
}

/// The positions of the broken promises that the counterexample may be joined with: those of its
/// operations, and the first by one that is near them.
pub(super) fn about_all<'a>(
    found: &Counterexample,
    broken: &[Broken],
    operation: impl Fn(&Broken) -> OperationRef<'a>,
) -> Vec<usize> {
    let shown: BTreeSet<&str> =
        found.operations.iter().filter_map(|it| it.token.as_deref()).collect();
    let is_shown = |it: &&Broken| operation(it).token().is_some_and(|token| shown.contains(token));
    let is_near = |it: &Broken| {
        let operation = operation(it);
        is_near(found, it.wrong, operation.key(), Some(operation.start()))
    };
    let of_these = broken.iter().enumerate().filter(|(_, it)| is_shown(it)).map(|(at, _)| at);
    of_these.chain(broken.iter().position(is_near)).collect()
}

/// The violation by one of the operations; else by one on the same key that had begun before their
/// end and took effect although it should not have, or once too often.
pub(crate) fn about<'a>(
    found: &Counterexample,
    violations: &'a [AuditViolation],
) -> Option<&'a AuditViolation> {
    let is_shown = |violation: &&AuditViolation| {
        let mut shown = found.operations.iter();
        shown.any(|it| it.token.as_deref() == Some(&violation.token))
    };
    let is_near = |it: &&AuditViolation| {
        let begun = it.attempts.first().map(|first| first.start);
        is_near(found, it.wrong, Some(&it.object), begun)
    };
    violations.iter().find(is_shown).or_else(|| violations.iter().find(is_near))
}

/// Returns whether a broken promise may have led to what was found: one on the same key that had
/// begun before its end and took effect although it should not have, or once too often.
fn is_near(found: &Counterexample, wrong: Wrong, key: Option<&str>, begun: Option<u64>) -> bool {
    let end = found.operations.iter().filter_map(|it| it.end).max();
    matches!(wrong, Wrong::Repeated | Wrong::FalseFailure)
        && found.key.as_deref().is_none_or(|of_found| Some(of_found) == key)
        && begun.is_none_or(|begun| Some(begun) < end)
}

/// A value that stands there at a version above that of the only write of it.
fn applied_again(found: &Counterexample, claims: VersionSemantics) -> Option<String> {
    if claims.reads != ReadVersion::Modification || claims.mutations != MutationVersion::Unique {
        return None;
    }
    let is_write = |it: &&Operation| it.f == "write" && it.outcome != EventType::Fail;
    let all = || found.operations.iter().chain(&found.witnesses).filter(is_write);
    let read = |place: &usize| found.operations.get(*place).filter(|it| it.f == "read");
    found.culprits.iter().filter_map(read).find_map(|read| {
        let mut writes = all().filter(|it| it.input == read.output);
        let (write, None) = (writes.next()?, writes.next()) else { return None };
        let (first, again) = (write.version?, read.version?);
        (first < again).then(|| {
            format!(
                "; what it read was left at version {again}, and the only write of it, by process {} \
                 at {}, was answered at version {first}, so that took effect twice{}",
                write.process,
                seconds(write.start),
                tried(&write.attempts)
            )
        })
    })
}
