//! The findings of the oracles, each in a line.

use checker::accounting::{Accounting, ElementOutcome};
use checker::oracle::audit::{AuditReport, Wrong};
use checker::oracle::divergence::DivergenceReport;
use checker::oracle::version::VersionReport;

use super::{count, counted};

/// The outcomes of elements: `480 elements, 470 acknowledged: 3 lost, 2 never dequeued`.
pub fn elements(accounting: &Accounting) -> String {
    let shown = |fate: ElementOutcome| fate.is_wrong() || fate == ElementOutcome::NeverDequeued;
    let mut fates: Vec<String> = (accounting.fates.iter())
        .filter(|(fate, _)| shown(**fate))
        .map(|(fate, number)| format!("{} {}", count(*number), fate.name()))
        .collect();
    if accounting.wrong() == 0 {
        fates.insert(0, "none lost, duplicated or unexpected".into());
    }
    format!(
        "{}, {} acknowledged: {}",
        counted(accounting.attempted, "element"),
        count(accounting.acknowledged),
        fates.join(", ")
    )
}

/// The versions of answers: `12,345 answers compared, none contradicts another`.
pub fn versions(report: &VersionReport) -> String {
    let compared = format!("{} compared", counted(report.answers, "answer"));
    let eras = match report.new_eras {
        0 => String::new(),
        eras => format!(", {}", counted(eras, "new era")),
    };
    match report.contradictions {
        0 => format!("{compared}, none contradicts another{eras}"),
        some => format!("{compared}, {}{eras}", counted(some, "contradiction")),
    }
}

/// The promises to tokens: `12,345 tokens, none seen to break its promise, 12 not known exactly`, or
/// `12,345 tokens, 3 broke their promise (1 lost, 2 repeated)`.
pub fn tokens(report: &AuditReport) -> String {
    let unknown: u64 = report.unobservable.iter().map(|unobservable| unobservable.tokens).sum();
    let unknown = match unknown {
        0 => String::new(),
        some => format!(", {} not known exactly", count(some)),
    };
    let tokens = counted(report.tokens, "token");
    match report.broken {
        0 => format!("{tokens}, none seen to break its promise{unknown}"),
        broken => {
            let kinds = report.broken_by_kind.iter();
            let kinds = kinds.map(|it| format!("{} {}", count(it.tokens), self::broken(it.wrong)));
            let kinds = match kinds.collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => none,
                some => format!(" ({some})"),
            };
            format!("{tokens}, {} broke their promise{kinds}{unknown}", count(broken))
        }
    }
}

/// The way in which a token broke its promise.
pub fn broken(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Lost => "lost",
        Wrong::FalseFailure => "not failed",
        Wrong::Repeated => "repeated",
        Wrong::Disagreement => "nodes disagree",
    }
}

/// The contents of members: `5 members hold the same under 480 names`, or where they differ.
pub fn members(report: &DivergenceReport) -> String {
    match &report.sentence {
        Some(sentence) => sentence.clone(),
        None => format!(
            "{} hold the same under {}",
            counted(report.members.len() as u64, "member"),
            counted(report.names, "name")
        ),
    }
}
