//! The version oracle: judges the revision, index or version that a service returns with each
//! answer.
//!
//! # What is promised
//!
//! The service [claims](Claims) that its state carries a number that never falls, and that each
//! answer carries the number of the state in which the operation took effect or was answered.
//! Whoever promises linearizable operations besides has promised a linearizable object whose state
//! is the pair of data and version: each operation has one point between invocation and completion
//! at which it happens, and an operation that completed before another was invoked has the earlier
//! point. Every rule follows from that.
//!
//! - [`Rule::Below`]. An operation that was invoked after another completed with version r happens
//!   later, and the version never falls: it answers at least r.
//! - [`Rule::NotAbove`]. If each mutation raises the version ([`MutationVersion::Above`]), then one
//!   that was invoked after another operation completed with version r answers more than r.
//! - [`Rule::Shared`]. If it raises it to a version of its own ([`MutationVersion::Unique`]), then
//!   of two mutations the later has the higher version, whether or not they overlap: no two share
//!   one.
//! - [`Rule::TwoValues`]. Then a version names one state as well, in which a key has one value.
//!
//! The first three leave nothing out: where no pair of answers contradicts them, ordering the
//! operations by version, mutations before what was answered at their versions, and else by time,
//! is a legal order of all versions. So pairs are enough, and a running maximum finds them:
//! O(n log n).
//!
//! # What is allowed
//!
//! - A retried mutation may be answered with the version of its first attempt. That lies between
//!   the invocation and the completion of the operation like that of any other attempt.
//! - A failed precondition changes nothing: it is judged as a read, unless the service gives it a
//!   version of its own, as one that puts it through a log does
//!   ([`Claims::failures_are_numbered`]).
//! - Operations of unknown outcome have no version and are not handed in; they excuse nothing here.
//! - What the service gives a version without changing anything (a delete of a key that is absent,
//!   in etcd) is to be handed in as a read.
//! - A read that was allowed to be stale ([`Effect::StaleRead`]) takes no part.
//! - Once a store was wiped or recreated its versions may begin again. A [`Reset`] allows it; see
//!   there for when it is taken to have happened.
//!
//! In a history without concurrency a contradiction means that a new adapter reads the wrong field
//! or claims too much more often than it means a bug: judge a short sequential probe before
//! trusting the claims about a service.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::MAX_KEPT;
use super::eras;
use super::sequence::{Found, Point, Sequence};
use crate::history::Process;
use crate::verdict::Verdict;
use crate::words::{at, counted};

/// How far one sequence of versions reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The whole store: etcd's revision, a log index.
    Store,
    /// Each stream, table or shard.
    Stream,
    /// Each key of a stream.
    Key,
}

/// What a mutation does to the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MutationVersion {
    /// It does not lower it.
    NotBelow,
    /// It raises it, maybe together with others that run at the same time, in a batch.
    Above,
    /// It raises it to a version that no other mutation has.
    Unique,
}

/// What the version of a read tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadVersion {
    /// The version of the state that was read.
    State,
    /// The version of the mutation that left what was read (etcd's `mod_revision`, Consul's
    /// `ModifyIndex`). Mutations of other keys do not move it.
    Modification,
}

/// What a service promises about the versions that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// How far one sequence of versions reaches.
    pub scope: Scope,
    /// What a mutation does to the version.
    pub mutations: MutationVersion,
    /// What the version of a read tells.
    pub reads: ReadVersion,
    /// Whether a failed precondition has a version of its own, as a mutation has. If not, its
    /// version is that of a read.
    pub failures_are_numbered: bool,
}

impl Claims {
    /// A service that answers the index of its log, in which mutations have entries, also those
    /// whose precondition failed, and reads have none. The bundled cluster is one.
    pub const LOG_INDEX: Claims = Claims {
        scope: Scope::Store,
        mutations: MutationVersion::Unique,
        reads: ReadVersion::State,
        failures_are_numbered: true,
    };

    /// Whether `effect` moves the version as a mutation does.
    pub(super) fn numbers(&self, effect: Effect) -> bool {
        match effect {
            Effect::Mutation => true,
            Effect::FailedPrecondition => self.failures_are_numbered,
            Effect::Read | Effect::StaleRead => false,
        }
    }

    /// Whether an answer may not be at `version` after another at `earlier`.
    pub(super) fn contradict(&self, effect: Effect, version: u64, earlier: u64) -> Option<Rule> {
        if version < earlier {
            return Some(Rule::Below);
        }
        let raises = self.mutations >= MutationVersion::Above && self.numbers(effect);
        (raises && version == earlier).then_some(Rule::NotAbove)
    }
}

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It changed the state.
    Mutation,
    /// Its precondition did not hold: it changed nothing.
    FailedPrecondition,
    /// It read.
    Read,
    /// It read, and was allowed to read what is out of date. Left out.
    StaleRead,
}

/// An operation that was answered with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered<'a> {
    /// Who invoked it.
    pub process: Process,
    /// Its name: `read`, `write`, `cas`…
    pub f: &'a str,
    /// The stream, table or shard; empty where the service has one only.
    pub stream: &'a str,
    /// The key; none for an operation on no key or on several, which takes no part in what is
    /// promised for each key.
    pub key: Option<&'a str>,
    /// What it did.
    pub effect: Effect,
    /// The version that it was answered.
    pub version: u64,
    /// A number for what the key held at that version: what was read, or left by a mutation. Equal
    /// values have equal numbers; if different ones share a number, less is found. None if not
    /// known.
    pub value: Option<u64>,
    /// The node that answered.
    pub node: Option<&'a str>,
    /// Index of the invocation in the history.
    pub invoked: u64,
    /// Index of the completion in the history.
    pub completed: u64,
    /// Time of the invocation, in nanoseconds since the start.
    pub start: u64,
    /// Time of the completion, in nanoseconds since the start.
    pub end: u64,
}

/// An event after which versions may lawfully begin again: every copy of the store was wiped, or
/// the stream was deleted and made again. (What happens to a minority of the copies is none.)
///
/// It is taken to have begun a new era only when answers from before contradict answers from
/// after, and the versions did not first go on as before: otherwise the old era continues and what
/// falls in it is a violation. Whatever ran during the reset may belong to either era; when a new
/// one begins, it is left out. [`Rule::Shared`] and [`Rule::TwoValues`] never compare across a
/// reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset<'a> {
    /// The stream; none when it was the whole store.
    pub stream: Option<&'a str>,
    /// What happened, for the report: `the wipe of n1, n2 and n3`.
    pub cause: &'a str,
    /// Index in the history at which it began.
    pub began: u64,
    /// Index in the history at which it was over.
    pub ended: u64,
    /// When it was over, in nanoseconds since the start.
    pub time: u64,
}

/// What a violation violates. The module's page has the argument for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// An operation answered below a version that had been answered before it began.
    Below,
    /// A mutation answered a version that had been answered before it began.
    NotAbove,
    /// Two mutations have one version.
    Shared,
    /// A key had two values at one version.
    TwoValues,
}

/// An answer of a [`Violation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Who invoked it.
    pub process: Process,
    /// The operation's name.
    pub f: String,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it did.
    pub effect: Effect,
    /// The version that it was answered.
    pub version: u64,
    /// The node that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Index of the invocation in the history.
    pub invoked: u64,
    /// Index of the completion in the history.
    pub completed: u64,
    /// Time of the invocation, in nanoseconds since the start.
    pub start: u64,
    /// Time of the completion, in nanoseconds since the start.
    pub end: u64,
}

/// Two answers that cannot both be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What they violate.
    pub rule: Rule,
    /// That in one sentence, which names processes, versions and times.
    pub sentence: String,
    /// The answer that completed first: of all that it could be held against, the one with the
    /// highest version.
    pub earlier: Witness,
    /// The answer that contradicts it.
    pub later: Witness,
}

/// Versions that began again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Era {
    /// Whose versions: `the store`, `stream s`, `key k3`.
    pub of: String,
    /// The highest version that was answered before.
    pub highest_before: u64,
    /// The lowest version that was answered after.
    pub lowest_after: u64,
    /// The reset with its time, and that versions began again, in one sentence.
    pub sentence: String,
}

/// What the versions of a history show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionReport {
    /// What the service promises.
    pub claims: Claims,
    /// Answers that were judged.
    pub answers: u64,
    /// Sequences of versions that they belong to.
    pub sequences: u64,
    /// Answers not judged: stale by request, or without the key that the scope asks for.
    pub left_out: u64,
    /// Answers not judged because they may belong to the era before or after a reset.
    pub between_eras: u64,
    /// How often versions began again.
    pub new_eras: u64,
    /// The first of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eras: Vec<Era>,
    /// How many answers contradict an earlier one, for each rule that they violate.
    pub contradictions: u64,
    /// The first of these by completion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
}

impl VersionReport {
    /// Invalid if two answers contradict one another.
    pub fn verdict(&self) -> Verdict {
        if self.contradictions == 0 { Verdict::Valid } else { Verdict::Invalid }
    }
}

impl fmt::Display for VersionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers = counted(self.answers, "answer");
        match (self.answers, self.contradictions) {
            (0, _) => f.write_str("versions: no answer had one, nothing was compared")?,
            (_, 0) => write!(f, "versions: {answers}, none contradicts another")?,
            (_, count) => write!(f, "versions: {answers}, {}", counted(count, "contradiction"))?,
        }
        if let Some(era) = self.eras.first() {
            write!(f, "\n  {}", era.sentence)?;
            if self.new_eras > 1 {
                write!(f, " (one of {} new eras)", self.new_eras)?;
            }
        }
        for violation in self.violations.iter().take(MAX_SHOWN) {
            write!(f, "\n  {}", violation.sentence)?;
        }
        Ok(())
    }
}

/// How many violations are shown to people at once.
const MAX_SHOWN: usize = 3;

/// Judges the versions of a history's answers, in any order.
///
/// # Panics
///
/// If an answer completed before it was invoked, or a reset ended before it began.
pub fn judge(answers: &[Answered<'_>], claims: &Claims, resets: &[Reset<'_>]) -> VersionReport {
    assert!(answers.iter().all(|answer| answer.invoked < answer.completed));
    assert!(resets.iter().all(|reset| reset.began <= reset.ended));
    let mut report = VersionReport {
        claims: *claims,
        answers: 0,
        sequences: 0,
        left_out: 0,
        between_eras: 0,
        new_eras: 0,
        eras: Vec::new(),
        contradictions: 0,
        violations: Vec::new(),
    };
    let (mut keys, mut streams) = (Numbers::default(), Numbers::default());
    let mut sequences: BTreeMap<(u32, Option<u32>), Vec<Point>> = BTreeMap::new();
    for (place, answer) in answers.iter().enumerate() {
        let stream = streams.number(answer.stream);
        let key = answer.key.map(|key| keys.number((stream, key)));
        if answer.effect == Effect::StaleRead || wants_key(claims, answer) && key.is_none() {
            report.left_out += 1;
            continue;
        }
        let sequence = match claims.scope {
            Scope::Store => (0, None),
            Scope::Stream => (stream, None),
            Scope::Key => (stream, key),
        };
        let Answered { effect, version, invoked, completed, .. } = *answer;
        let point = Point { place, key, effect, version, invoked, completed };
        sequences.entry(sequence).or_default().push(point);
        report.answers += 1;
    }
    report.sequences = sequences.len() as u64;

    let mut found = Vec::new();
    for points in sequences.into_values() {
        let stream = answers[points[0].place].stream;
        let sequence = Sequence::new(answers, claims, points);
        let applicable = |reset: &&Reset<'_>| {
            claims.scope == Scope::Store || reset.stream.is_none_or(|reset| reset == stream)
        };
        let mut resets: Vec<Reset<'_>> = resets.iter().filter(applicable).copied().collect();
        resets.sort_by_key(|reset| reset.began);

        let contradictions = sequence.falls(|_| true, |_| true);
        if contradictions.is_empty() || resets.is_empty() {
            found.extend(contradictions);
        } else {
            let boundaries = eras::boundaries(&sequence, &resets);
            for (era, after) in boundaries.iter().enumerate() {
                report.new_eras += 1;
                if report.eras.len() < MAX_KEPT {
                    let since = era.checked_sub(1).map(|before| &boundaries[before]);
                    let next = boundaries.get(era + 1);
                    report.eras.push(sequence.describe(since, after, next));
                }
            }
            report.between_eras += sequence.between(&boundaries);
            for era in 0..=boundaries.len() {
                let within = |point: &Point| eras::era(&boundaries, point) == Some(era);
                found.extend(sequence.falls(within, within));
            }
        }
        if claims.mutations == MutationVersion::Unique {
            sequence.shared(&resets, &mut found);
            sequence.two_values(&resets, &mut found);
        }
    }
    found.sort_by_key(|found| (answers[found.later].completed, found.rule, found.later));
    report.contradictions = found.len() as u64;
    let kept = found.iter().take(MAX_KEPT);
    report.violations = kept.map(|found| found.violation(answers)).collect();
    report
}

/// Whether an answer says nothing unless its key is known.
fn wants_key(claims: &Claims, answer: &Answered<'_>) -> bool {
    let about_a_key = claims.reads == ReadVersion::Modification && !claims.numbers(answer.effect);
    claims.scope == Scope::Key || about_a_key
}

/// Numbers names by their first appearance.
struct Numbers<T> {
    /// Only looked up, never iterated.
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Numbers<T> {
        Numbers { numbers: HashMap::new() }
    }
}

impl<T: Eq + Hash> Numbers<T> {
    fn number(&mut self, name: T) -> u32 {
        let next = u32::try_from(self.numbers.len()).expect("no history has that many names");
        *self.numbers.entry(name).or_insert(next)
    }
}

impl Found {
    fn violation(&self, answers: &[Answered<'_>]) -> Violation {
        let (earlier, later) = (&answers[self.earlier], &answers[self.later]);
        let told = told(later);
        let process = earlier.process;
        let version = earlier.version;
        let when = at(earlier.end, earlier.completed);
        let sentence = match self.rule {
            Rule::Below => format!(
                "{told}, although process {process} had been answered at version {version} {when}"
            ),
            Rule::NotAbove => format!(
                "{told}, although process {process} had been answered at that version {when}, \
                 before it began"
            ),
            Rule::Shared => {
                format!("{told}, the version at which {} {when}", act(earlier))
            }
            Rule::TwoValues => format!(
                "{told}, but {} had another value when {} at that version {when}",
                object(later),
                act(earlier)
            ),
        };
        Violation {
            rule: self.rule,
            sentence,
            earlier: Witness::from(earlier),
            later: Witness::from(later),
        }
    }
}

impl From<&Answered<'_>> for Witness {
    fn from(answer: &Answered<'_>) -> Witness {
        Witness {
            process: answer.process,
            f: answer.f.to_string(),
            key: answer.key.map(str::to_string),
            effect: answer.effect,
            version: answer.version,
            node: answer.node.map(str::to_string),
            invoked: answer.invoked,
            completed: answer.completed,
            start: answer.start,
            end: answer.end,
        }
    }
}

/// What an operation acted on: `k3`.
fn object<'a>(answer: &Answered<'a>) -> &'a str {
    match (answer.key, answer.stream) {
        (Some(key), _) => key,
        (None, "") => "the store",
        (None, stream) => stream,
    }
}

/// `process 7 read k3`.
fn act(answer: &Answered<'_>) -> String {
    let (process, object) = (answer.process, object(answer));
    match answer.effect {
        Effect::FailedPrecondition => {
            format!("process {process} failed a {} of {object}", answer.f)
        }
        _ => format!("process {process} {}", deed(answer.f, object)),
    }
}

/// What an operation that took effect did: `wrote k3`.
fn deed(f: &str, object: &str) -> String {
    match f {
        "read" | "get" => format!("read {object}"),
        "write" | "put" => format!("wrote {object}"),
        "cas" => format!("changed {object}"),
        "delete" => format!("deleted {object}"),
        "append" => format!("appended to {object}"),
        "add" => format!("added to {object}"),
        "enqueue" => format!("enqueued in {object}"),
        "dequeue" => format!("dequeued from {object}"),
        "acquire" | "release" => format!("{f}d {object}"),
        "txn" => format!("carried out a transaction on {object}"),
        other => format!("did {other} on {object}"),
    }
}

/// `process 7 read k3 at version 812 at 12.410 s`.
fn told(answer: &Answered<'_>) -> String {
    let when = at(answer.end, answer.completed);
    format!("{} at version {} {when}", act(answer), answer.version)
}
