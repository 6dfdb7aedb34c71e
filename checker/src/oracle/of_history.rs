//! The inputs of the oracles, made of a history of any model.
//!
//! The model says which operations change something ([`Hints::is_observer`]) and which of them put
//! elements into an object that keeps them ([`Recorded::element_effect`]). Versions and tokens
//! stand in the history. What the nodes applied does not: it is handed in as [`Records`].
//!
//! [`Hints::is_observer`]: crate::model::Hints::is_observer
//! [`Recorded::element_effect`]: crate::model::Recorded::element_effect

use std::cell::OnceCell;

use super::audit::{self, AppliedLog, AuditReport, Mutation, Outcome};
use super::divergence::{self, Contents, DivergenceReport};
use super::joined;
use super::version::{self, Answered, Effect, Reset, VersionReport, VersionSemantics};
use crate::accounting::{self, Accounting};
use crate::history::{EventType, OperationRef, Operations, OwnedDatum, Process};
use crate::ledger::Ledger;
use crate::model::{AnyModel, Conventions, ElementEffect, Values};
use crate::options::Options;
use crate::verdict::Analysis;

/// The records besides the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records<'a> {
    /// The entries that the nodes applied.
    pub logs: Vec<AppliedLog<'a>>,
    /// True if the versions in the history are indices of these logs. Then it is known how far into
    /// the history each of them reaches, and its `as_of` need not be told.
    pub versions_are_indices: bool,
    /// The contents of the members in the end.
    pub contents: &'a [Contents],
    /// When the store was wiped.
    pub resets: Vec<Reset<'a>>,
}

/// The object of operations that name no key.
const NAMELESS: &str = "the object";

/// Adds what versions, tokens, members and the counts of elements show to what `model` said of the
/// values. A violation makes the analysis Invalid. An analysis of a history that has none of them
/// stays as it is.
pub(crate) fn complete(
    mut analysis: Analysis,
    model: AnyModel<'_>,
    operations: &Operations,
    options: &Options,
    records: &Records<'_>,
) -> Analysis {
    let meanings = Meanings::new(model, operations, options.conventions);
    analysis.versions = options.versions.and_then(|claims| meanings.versions(&claims, records));
    analysis.audit = meanings.audit(options.initial.is_null(), records);
    analysis.divergence = divergence::compare(records.contents, operations);
    let initial = OwnedDatum::from(&options.initial);
    analysis.accounting = accounting::account(&meanings.ledgers, initial.borrow());
    if let Some(found) = &mut analysis.counterexample {
        joined::join(found, analysis.audit.as_ref(), options.versions, operations);
    }
    let versions = analysis.versions.iter().map(VersionReport::verdict);
    let audit = analysis.audit.iter().map(AuditReport::verdict);
    let divergence = analysis.divergence.iter().map(DivergenceReport::verdict);
    let accounting = analysis.accounting.iter().map(Accounting::verdict);
    let found = versions.chain(audit).chain(divergence).chain(accounting);
    analysis.verdict = found.fold(analysis.verdict, Ord::max);
    analysis
}

/// The operations of a history in the terms of its model.
struct Meanings<'a> {
    model: AnyModel<'a>,
    operations: &'a Operations,
    conventions: Conventions,
    ledgers: Vec<Ledger<'a>>,
    /// True if the operation at each place would change something if it took effect. Often this
    /// is not asked for.
    mutates: OnceCell<Vec<bool>>,
}

impl<'a> Meanings<'a> {
    fn new(model: AnyModel<'a>, operations: &'a Operations, conventions: Conventions) -> Self {
        let ledgers = Ledger::all(model, operations, conventions);
        Meanings { model, operations, conventions, ledgers, mutates: OnceCell::new() }
    }

    /// All operations, each with whether it would change something.
    fn iter(&self) -> impl Iterator<Item = (OperationRef<'a>, bool)> {
        let mutates = self.mutates.get_or_init(|| {
            let mut values = Values::new();
            self.operations.iter().map(|it| self.model.0.mutates(it, &mut values)).collect()
        });
        self.operations.iter().zip(mutates.iter().copied())
    }

    /// None if no answer has a version.
    fn versions(&self, claims: &VersionSemantics, records: &Records<'_>) -> Option<VersionReport> {
        let mut values = Values::new();
        let answers: Vec<Answered<'_>> = self
            .iter()
            .filter_map(|(operation, mutates)| self.answer(operation, mutates, &mut values))
            .collect();
        (!answers.is_empty()).then(|| version::judge(&answers, claims, &records.resets))
    }

    /// None if the service did not answer, or without a version.
    fn answer(
        &self,
        operation: OperationRef<'a>,
        mutates: bool,
        values: &mut Values,
    ) -> Option<Answered<'a>> {
        let effect = match operation.outcome() {
            EventType::Ok if mutates => Effect::Mutation,
            EventType::Ok => Effect::Read,
            EventType::Fail if operation.was_refuted() && mutates => Effect::FailedPrecondition,
            EventType::Fail if operation.was_refuted() => Effect::Read,
            _ => return None,
        };
        Some(Answered {
            process: Process::Client(operation.process()),
            f: operation.f(),
            stream: "",
            key: operation.key(),
            effect,
            version: operation.version()?,
            value: self.value(operation, values),
            node: operation.node(),
            invoked: operation.invoked(),
            completed: operation.completed()?,
            start: operation.start(),
            end: operation.end()?,
        })
    }

    /// The content of its key afterwards, for models whose state is one value.
    fn value(&self, operation: OperationRef<'_>, values: &mut Values) -> Option<u64> {
        let transition = self.model.0.transition(operation, self.conventions, values)?;
        transition.leaves.or(transition.requires).map(|value| value.0.into())
    }

    /// None if no mutation has a token, or nothing shows what became of any. What objects hold
    /// shows nothing unless they were `empty_at_first`.
    fn audit(&self, empty_at_first: bool, records: &Records<'_>) -> Option<AuditReport> {
        let objects: Vec<&Ledger<'_>> = match empty_at_first {
            true => self.ledgers.iter().filter(|ledger| shows_effects(ledger)).collect(),
            false => Vec::new(),
        };
        if records.logs.is_empty() && objects.is_empty() {
            return None;
        }
        let mutations: Vec<OperationRef<'a>> =
            self.iter().filter(|(_, mutates)| *mutates).map(|(operation, _)| operation).collect();
        if mutations.iter().all(|operation| operation.token().is_none()) {
            return None;
        }
        let logs: Vec<AppliedLog<'_>> =
            records.logs.iter().map(|log| self.dated(log, records)).collect();
        let kept: Vec<Vec<String>> = objects.iter().map(|it| elements(it)).collect();
        let contents: Vec<audit::Contents<'_>> = objects
            .iter()
            .zip(&kept)
            .map(|(ledger, elements)| audit::Contents {
                object: ledger.key.unwrap_or(NAMELESS),
                kind: ledger.kind,
                elements: elements.iter().map(String::as_str).collect(),
                as_of: ledger.last_observation().map(OperationRef::invoked),
                untraced_removals: ledger.unseen_removals(),
            })
            .collect();
        let put: Vec<Option<String>> = mutations.iter().map(|it| self.element(*it)).collect();
        let audited: Vec<Mutation<'_>> = mutations
            .iter()
            .zip(&put)
            .filter_map(|(operation, element)| audited(*operation, element.as_deref()))
            .collect();
        let report = audit::audit(&audited, &contents, &logs);
        Some(report.with_attempts(|token| {
            let operation = mutations.iter().find(|operation| operation.token() == Some(token));
            operation.map(|operation| operation.attempts()).unwrap_or_default()
        }))
    }

    /// The element that the operation puts into its object.
    fn element(&self, operation: OperationRef<'_>) -> Option<String> {
        match self.model.0.element_effect(operation)? {
            ElementEffect::Insert(element) => Some(element.to_string()),
            ElementEffect::Remove | ElementEffect::Observe => None,
        }
    }

    /// A log that knows how far into the history it reaches.
    fn dated<'l>(&self, log: &AppliedLog<'l>, records: &Records<'_>) -> AppliedLog<'l> {
        // Reads are left out: one that is stale reaches less far than it seems.
        let reaches = || {
            let answered = self.iter().filter(|(operation, mutates)| {
                *mutates && operation.version().is_some_and(|version| version <= log.through)
            });
            answered.map(|(operation, _)| operation.invoked()).max()
        };
        let as_of = log.as_of.or_else(|| records.versions_are_indices.then(reaches).flatten());
        AppliedLog { as_of, ..log.clone() }
    }
}

/// Returns whether a collection shows which of its insertions took effect: it was looked at, and no
/// element was put in or taken out without a token, which could be taken for another operation's.
fn shows_effects(ledger: &Ledger<'_>) -> bool {
    let changes = ledger.inserts.iter().map(|(it, _)| it).chain(&ledger.removals);
    let was_looked_at = !ledger.observations.is_empty() || !ledger.removals.is_empty();
    was_looked_at && changes.into_iter().all(|operation| operation.token().is_some())
}

/// The elements that a collection shows to have come in, of a list in order.
fn elements(ledger: &Ledger<'_>) -> Vec<String> {
    let last = ledger.observations.last().map(|it| it.output());
    let shown = last.and_then(|it| it.as_list()).into_iter().flatten();
    ledger.removed().chain(shown).map(|element| element.to_string()).collect()
}

fn audited<'a>(operation: OperationRef<'a>, element: Option<&'a str>) -> Option<Mutation<'a>> {
    Some(Mutation {
        token: operation.token()?,
        process: Process::Client(operation.process()),
        f: operation.f(),
        object: operation.key().unwrap_or(NAMELESS),
        element,
        outcome: match operation.outcome() {
            EventType::Ok => Outcome::Ok,
            EventType::Fail => Outcome::Fail,
            EventType::Info | EventType::Invoke => Outcome::Info,
        },
        completed: operation.completed(),
        end: operation.end().unwrap_or(0),
    })
}
