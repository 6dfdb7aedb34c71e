//! The idempotency audit: how often the operation of each token took effect, against what its
//! client was told.
//!
//! A mutation carries a token through all its attempts, so that a service that honours tokens
//! applies it once at most, whatever was retried and whoever led. The client was told `ok` (it took
//! effect), `fail` (it did not and will not) or nothing (`info`). Two kinds of evidence show what
//! really became of it:
//!
//! - **Applied logs** ([`AppliedLog`]): what each node's state machine did with the entries of its
//!   log. They show every effect, and whether the nodes agree on it.
//! - **Contents** ([`Contents`]): what an object held at the end. An element that one operation
//!   alone puts there shows that operation's effects. A list or queue shows an effect twice by
//!   holding the element twice; a set cannot.
//!
//! Evidence bounds the number of effects from below by what it shows. From above it does only as
//! far as it is complete, and what cannot be known is counted as unobservable, with the
//! [`Reason`]. That something is absent shows that it took no effect only if the evidence is of a
//! later time than the operation's completion; of an operation of unknown outcome it shows nothing,
//! as that may take effect later still. Counts are as of the evidence.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::MAX_KEPT;
use super::evidence::{ContentsEvidence, Evidence, Finding, LogEvidence};
use crate::history::{Attempt, Process};
use crate::verdict::Verdict;
use crate::words::{at, counted, seconds};

/// What a client was told of its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect.
    Ok,
    /// It did not take effect and will not.
    Fail,
    /// Nothing: it may take effect at any later time.
    Info,
}

/// A mutation with what its client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'a> {
    /// The token that all its attempts carried.
    pub token: &'a str,
    /// Who invoked it.
    pub process: Process,
    /// Its name: `append`, `enqueue`, `add`…
    pub f: &'a str,
    /// The key or other object that it acts on.
    pub object: &'a str,
    /// The element that it puts into the object, in a form that is the same in [`Contents`]; none
    /// for an operation that leaves no element (a write, a dequeue).
    pub element: Option<&'a str>,
    /// What the client was told.
    pub outcome: Outcome,
    /// Index of the completion in the history; none if it has none.
    pub completed: Option<u64>,
    /// Time of the completion, in nanoseconds since the start; 0 if it has none.
    pub end: u64,
}

/// What an object keeps of the elements put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Each element at its position, as often as it was appended.
    List,
    /// Each element as often as it was put in; taking it out is part of the contents.
    Queue,
    /// Each element once.
    Set,
}

/// What an object was found to hold. One for each object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents<'a> {
    /// The object.
    pub object: &'a str,
    /// What it keeps.
    pub kind: Kind,
    /// The elements, of a list in order; of a queue those that were taken out and those that
    /// remain.
    pub elements: Vec<&'a str>,
    /// Index in the history of the invocation of the linearizable read that gave these contents:
    /// what had completed before is in them. None if the read was not linearizable or is missing.
    pub as_of: Option<u64>,
    /// Operations that may have taken an element away without telling which: dequeues of unknown
    /// outcome, removals from a set, writes over a list.
    pub untraced_removals: u64,
}

/// An entry of a node's log that its state machine applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied<'a> {
    /// Index of the entry.
    pub index: u64,
    /// The token of its command.
    pub token: &'a str,
    /// Whether the command was executed and answered ok: neither its precondition failed nor was it
    /// recognised as one that had been executed before.
    pub took_effect: bool,
}

/// What a node applied without a gap, in one life of its process. A node that was started again
/// may have several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedLog<'a> {
    /// The node.
    pub node: &'a str,
    /// The first index that the log tells of; 1 is the first of all.
    pub from: u64,
    /// The last index that it tells of.
    pub through: u64,
    /// The entries that carry a token, in the order in which they were applied.
    pub entries: Vec<Applied<'a>>,
    /// Index in the history such that what had completed before was applied at `through` or below;
    /// the invocation of an operation that was answered at `through` or below is one. None if not
    /// known.
    pub as_of: Option<u64>,
}

/// Why it is not known how often an operation took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// There are neither applied logs nor contents of its object.
    NoEvidence,
    /// It leaves no element of its own, and there are no applied logs.
    NoElement,
    /// Another operation puts the same element into the object.
    SharedElement,
    /// Another operation has the same token.
    SharedToken,
    /// A set holds an element once however often it was added.
    SetHidesRepeats,
    /// No linearizable read gave the contents.
    NoFinalRead,
    /// The read of the contents was invoked before the operation completed.
    ReadTooEarly,
    /// An operation may have taken the element away without telling.
    UntracedRemoval,
    /// The logs begin late or have a gap between them.
    LogIncomplete,
    /// It is not known that the logs reach as far as the operation's completion.
    LogTooShort,
    /// The nodes' logs contradict one another.
    NodesDisagree,
    /// It has not taken effect so far, and its outcome is unknown: it still may.
    MayStillCome,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::NoEvidence => "nothing shows what became of them",
            Reason::NoElement => "they leave no element of their own, and there are no logs",
            Reason::SharedElement => "several put the same element",
            Reason::SharedToken => "several have the same token",
            Reason::SetHidesRepeats => "a set does not show repeats",
            Reason::NoFinalRead => "no linearizable final read",
            Reason::ReadTooEarly => "the final read began before they completed",
            Reason::UntracedRemoval => "elements may have been taken away unseen",
            Reason::LogIncomplete => "the logs begin late or have a gap",
            Reason::LogTooShort => "the logs may end before they completed",
            Reason::NodesDisagree => "the nodes disagree",
            Reason::MayStillCome => "unknown outcome, no effect so far",
        })
    }
}

/// How many tokens took effect how often, of those whose clients were told the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What the clients were told.
    pub told: Outcome,
    /// Surely never.
    pub never: u64,
    /// Exactly once.
    pub once: u64,
    /// At least twice.
    pub repeatedly: u64,
    /// Once, or more often: the evidence does not show repeats, or is not complete.
    pub at_least_once: u64,
    /// Not known.
    pub unobservable: u64,
}

/// How many tokens are not known exactly, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unobservable {
    /// Why.
    pub reason: Reason,
    /// How many tokens.
    pub tokens: u64,
    /// One of them.
    pub example: String,
}

/// How an operation broke the promise of its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It was acknowledged and took no effect, or its effect was lost.
    Lost,
    /// It was said to have failed and took effect.
    FalseFailure,
    /// It took effect more than once.
    Repeated,
    /// One node has it at an index at which another has it not.
    Disagreement,
}

/// An operation that broke the promise of its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditViolation {
    /// How.
    pub wrong: Wrong,
    /// The token.
    pub token: String,
    /// Who invoked it.
    pub process: Process,
    /// The operation's name.
    pub f: String,
    /// What it acted on.
    pub object: String,
    /// What its client was told.
    pub told: Outcome,
    /// How many effects the evidence shows.
    pub effects: u64,
    /// What is wrong and what shows it, in one sentence, with the attempts if they are known.
    pub sentence: String,
    /// Every request that was made for it, in order; see [`AuditReport::with_attempts`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// What the audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Mutations audited.
    pub tokens: u64,
    /// For `ok`, `fail` and `info`, in that order.
    pub table: [Row; 3],
    /// What is not known, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unobservable: Vec<Unobservable>,
    /// How many tokens broke their promise.
    pub broken: u64,
    /// The first of these by completion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<AuditViolation>,
}

impl AuditReport {
    /// Invalid if a token broke its promise. What is unobservable says nothing either way.
    pub fn verdict(&self) -> Verdict {
        if self.broken == 0 { Verdict::Valid } else { Verdict::Invalid }
    }

    /// The same with the requests that were made for the operation of each token that broke its
    /// promise. Of the others nobody wants to know, and there are many.
    pub fn with_attempts(mut self, attempts: impl Fn(&str) -> Vec<Attempt>) -> AuditReport {
        for violation in &mut self.violations {
            violation.attempts = attempts(&violation.token);
            violation.sentence.push_str(&tried(&violation.attempts));
        }
        self
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = counted(self.tokens, "token");
        match self.broken {
            0 => write!(f, "idempotency: {tokens}, none seen to break its promise")?,
            broken => write!(f, "idempotency: {tokens}, {broken} broke their promise")?,
        }
        for row in &self.table {
            let told = match row.told {
                Outcome::Ok => "ok",
                Outcome::Fail => "fail",
                Outcome::Info => "info",
            };
            let columns = [
                (row.never, "never"),
                (row.once, "once"),
                (row.repeatedly, "repeatedly"),
                (row.at_least_once, "at least once"),
                (row.unobservable, "unobservable"),
            ];
            let cells: Vec<String> = columns
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, column)| format!("{count} {column}"))
                .collect();
            if !cells.is_empty() {
                write!(f, "\n  told {told}: took effect {}", cells.join(", "))?;
            }
        }
        for unobservable in &self.unobservable {
            write!(f, "\n  not known exactly: {} ({})", unobservable.tokens, unobservable.reason)?;
        }
        for violation in self.violations.iter().take(MAX_SHOWN) {
            write!(f, "\n  {}", violation.sentence)?;
        }
        Ok(())
    }
}

/// How many violations are shown to people at once.
const MAX_SHOWN: usize = 3;

/// How many attempts of an operation a sentence tells of.
const MAX_ATTEMPTS_TOLD: usize = 4;

/// Counts how often each mutation took effect. Elements and tokens that none of them put there are
/// passed over.
pub fn audit(told: &[Told<'_>], contents: &[Contents<'_>], logs: &[AppliedLog<'_>]) -> AuditReport {
    let row =
        |told| Row { told, never: 0, once: 0, repeatedly: 0, at_least_once: 0, unobservable: 0 };
    let mut table = [row(Outcome::Ok), row(Outcome::Fail), row(Outcome::Info)];
    let mut reasons: BTreeMap<Reason, (u64, usize)> = BTreeMap::new();
    let mut broken = Vec::new();

    // Only looked up, never iterated.
    let mut by_token: HashMap<&str, usize> = HashMap::with_capacity(told.len());
    let mut shared_token = vec![false; told.len()];
    for (place, told) in told.iter().enumerate() {
        let first = *by_token.entry(told.token).or_insert(place);
        if first != place {
            shared_token[first] = true;
            shared_token[place] = true;
        }
    }
    let from_logs = LogEvidence::new(told, &by_token, logs);
    let from_contents = ContentsEvidence::new(told, contents);
    let evidence: [&dyn Evidence; 2] = [&from_logs, &from_contents];
    for (place, told) in told.iter().enumerate() {
        let findings = if shared_token[place] {
            [Some(Finding::unknown(Reason::SharedToken)), None]
        } else {
            evidence.map(|evidence| evidence.find(place))
        };
        let wrong = findings.iter().zip(evidence).find_map(|(finding, evidence)| {
            let finding = (*finding)?;
            Some((wrong(told.outcome, &finding)?, finding, evidence))
        });
        if let Some((wrong, finding, evidence)) = wrong {
            broken.push((place, wrong, finding.at_least, evidence));
        }

        let finding = best(findings).unwrap_or_else(|| {
            let nothing_to_find = told.element.is_none() && !contents.is_empty();
            Finding::unknown(if nothing_to_find { Reason::NoElement } else { Reason::NoEvidence })
        });
        let row = &mut table[told.outcome as usize];
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
        (told[*place].completed.is_none(), told[*place].completed, *wrong)
    });
    let describe = |&(place, wrong, effects, evidence): &(usize, Wrong, u64, &dyn Evidence)| {
        violation(&told[place], wrong, effects, &evidence.trace(place))
    };
    let unobservable = |(reason, (tokens, example)): (Reason, (u64, usize))| Unobservable {
        reason,
        tokens,
        example: told[example].token.to_string(),
    };
    AuditReport {
        tokens: told.len() as u64,
        table,
        unobservable: reasons.into_iter().map(unobservable).collect(),
        broken: broken.len() as u64,
        violations: broken.iter().take(MAX_KEPT).map(describe).collect(),
    }
}

/// What is wrong if an operation whose client was told `outcome` did what was found.
fn wrong(outcome: Outcome, finding: &Finding) -> Option<Wrong> {
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
fn best(findings: [Option<Finding>; 2]) -> Option<Finding> {
    // Of equals the first is the least.
    findings
        .into_iter()
        .flatten()
        .min_by_key(|finding| (finding.gap.is_some(), std::cmp::Reverse(finding.at_least)))
}

fn violation(told: &Told<'_>, wrong: Wrong, effects: u64, trace: &str) -> AuditViolation {
    let Told { process, f, object, token, .. } = told;
    let operation = format!("{f} on {object} by process {process} (token {token})");
    let when = told.completed.map(|completed| format!(" {}", at(told.end, completed)));
    let when = when.unwrap_or_default();
    let answer = match told.outcome {
        Outcome::Ok => format!("was acknowledged{when}"),
        Outcome::Fail => format!("was said to have failed{when}"),
        Outcome::Info => "had an unknown outcome".to_string(),
    };
    let finding = match wrong {
        Wrong::Lost => "but has no effect",
        Wrong::FalseFailure => "but took effect",
        Wrong::Repeated => "and took effect more than once",
        Wrong::Disagreement => "and the nodes disagree about it",
    };
    let sentence = format!("{operation} {answer}, {finding}: {trace}");
    AuditViolation {
        wrong,
        token: token.to_string(),
        process: *process,
        f: f.to_string(),
        object: object.to_string(),
        told: told.outcome,
        effects,
        sentence,
        attempts: Vec::new(),
    }
}

/// `; asked n1 at 1.203 s (timeout), n2 at 1.206 s (answered)`.
fn tried(attempts: &[Attempt]) -> String {
    if attempts.is_empty() {
        return String::new();
    }
    let attempt = |attempt: &Attempt| {
        let met = attempt.error.as_deref().unwrap_or("answered");
        format!("{} at {} ({met})", attempt.node, seconds(attempt.start))
    };
    let told: Vec<String> = attempts.iter().take(MAX_ATTEMPTS_TOLD).map(attempt).collect();
    let more = match attempts.len() - told.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; asked {}{more}", told.join(", "))
}
