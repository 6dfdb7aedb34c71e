//! The inputs of the oracles, made of a history of any model.
//!
//! The model says which operations change something ([`Hints::is_observer`]) and which of them put
//! elements into an object that keeps them ([`Recorded::element_effect`]). Versions and tokens
//! stand in the history. What the nodes applied does not: it is handed in as [`Records`].
//!
//! [`Hints::is_observer`]: crate::model::Hints::is_observer
//! [`Recorded::element_effect`]: crate::model::Recorded::element_effect

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::audit::{self, AppliedLog, AuditReport, Broken, Mutation, Mutations, Outcome};
use super::divergence::{self, Contents, DivergenceReport};
use super::joined;
use super::version::{self, Answered, Answers, Effect, Reset, VersionReport, VersionSemantics};
use crate::accounting::{self, Accounting};
use crate::history::{Attempt, EventType, OperationRef, Operations, OwnedDatum, Place, Process};
use crate::ledger::Ledger;
use crate::model::{AnyModel, Conventions, ElementEffect, Values};
use crate::options::Options;
use crate::verdict::{Analysis, Counterexample};

/// The records besides the history.
#[derive(Debug, Clone, Default)]
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
    let counterexample = analysis.counterexample.as_ref();
    analysis.audit = meanings.audit(options.initial.is_null(), records, counterexample);
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
        self.operations.iter().zip(self.mutates().iter().copied())
    }

    /// True for each operation that would change something if it took effect.
    fn mutates(&self) -> &[bool] {
        self.mutates.get_or_init(|| {
            let mut values = Values::new();
            self.operations.iter().map(|it| self.model.0.mutates(it, &mut values)).collect()
        })
    }

    /// None if no answer has a version.
    fn versions(&self, claims: &VersionSemantics, records: &Records<'_>) -> Option<VersionReport> {
        // Of a long history all answers at once would take more room than the history.
        let answered = |(place, (operation, mutates)): (Place, (OperationRef<'a>, bool))| {
            answer(operation, mutates).map(|_| place)
        };
        let places: Vec<Place> = (0..).zip(self.iter()).filter_map(answered).collect();
        let values = RefCell::new(Values::new());
        let answer = |at: usize| {
            let place = places[at];
            let answer = answer(self.operations.get(place), self.mutates()[place as usize]);
            answer.expect("it is one of those that were answered")
        };
        let value =
            |at: usize| self.value(self.operations.get(places[at]), &mut values.borrow_mut());
        let answers = Answers { count: places.len(), get: &answer, value: &value };
        (!places.is_empty()).then(|| version::judge_each(&answers, claims, &records.resets))
    }

    /// The content of its key afterwards, for models whose state is one value.
    fn value(&self, operation: OperationRef<'_>, values: &mut Values) -> Option<u64> {
        let transition = self.model.0.transition(operation, self.conventions, values)?;
        transition.leaves.or(transition.requires).map(|value| value.0.into())
    }

    /// None if no mutation has a token, or nothing shows what became of any. What objects hold
    /// shows nothing unless they were `empty_at_first`. Of the operations of the counterexample
    /// everything is told.
    fn audit(
        &self,
        empty_at_first: bool,
        records: &Records<'_>,
        counterexample: Option<&Counterexample>,
    ) -> Option<AuditReport> {
        let objects: Vec<&Ledger<'_>> = match empty_at_first {
            true => self.ledgers.iter().filter(|ledger| shows_effects(ledger)).collect(),
            false => Vec::new(),
        };
        if records.logs.is_empty() && objects.is_empty() {
            return None;
        }
        let audited = |(place, (operation, mutates)): (Place, (OperationRef<'a>, bool))| {
            (mutates && operation.token().is_some()).then_some(place)
        };
        let places: Vec<Place> = (0..).zip(self.iter()).filter_map(audited).collect();
        if places.is_empty() {
            return None;
        }
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
        let elements = match contents.is_empty() {
            true => Vec::new(),
            false => places.iter().map(|it| self.element(self.operations.get(*it))).collect(),
        };
        let audited = Audited { operations: self.operations, places, elements };
        let logs: Vec<AppliedLog<'_>> =
            records.logs.iter().map(|log| self.dated(log, records)).collect();
        let about = |broken: &[Broken]| match counterexample {
            Some(found) => joined::about_all(found, broken, |it| audited.operation(it.place)),
            None => Vec::new(),
        };
        let report = audit::audit_telling(&&audited, &contents, &logs, &about);
        let told = report.violations.iter().map(|it| it.token.as_str()).collect::<BTreeSet<_>>();
        let of_token = self.operations.iter().filter_map(|operation| {
            let token = operation.token().filter(|token| told.contains(token))?;
            Some((token, operation.attempts()))
        });
        let attempts: BTreeMap<&str, Vec<Attempt>> = of_token.collect();
        Some(report.with_attempts(|token| attempts.get(token).cloned().unwrap_or_default()))
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

/// The mutations that carry tokens.
struct Audited<'a> {
    operations: &'a Operations,
    places: Vec<Place>,
    /// The element that each puts into its object, in words; empty if no object is looked at.
    elements: Vec<Option<String>>,
}

impl<'a> Audited<'a> {
    fn operation(&self, place: usize) -> OperationRef<'a> {
        self.operations.get(self.places[place])
    }
}

impl<'a> Mutations<'a> for &'a Audited<'_> {
    fn count(&self) -> usize {
        self.places.len()
    }

    fn get(&self, place: usize) -> Mutation<'a> {
        let operation = self.operation(place);
        Mutation {
            token: operation.token().expect("those without are left out"),
            process: Process::Client(operation.process()),
            f: operation.f(),
            object: operation.key().unwrap_or(NAMELESS),
            element: self.elements.get(place).and_then(Option::as_deref),
            outcome: match operation.outcome() {
                EventType::Ok => Outcome::Ok,
                EventType::Fail => Outcome::Fail,
                EventType::Info | EventType::Invoke => Outcome::Info,
            },
            completed: operation.completed(),
            end: operation.end().unwrap_or(0),
        }
    }
}

/// The answer without its value; none if the service did not answer, or without a version.
fn answer(operation: OperationRef<'_>, mutates: bool) -> Option<Answered<'_>> {
    Some(Answered {
        process: Process::Client(operation.process()),
        f: operation.f(),
        stream: "",
        key: operation.key(),
        effect: match operation.outcome() {
            EventType::Ok if mutates => Effect::Mutation,
            EventType::Ok => Effect::Read,
            EventType::Fail if operation.was_refuted() && mutates => Effect::FailedPrecondition,
            EventType::Fail if operation.was_refuted() => Effect::Read,
            _ => return None,
        },
        version: operation.version()?,
        value: None,
        node: operation.node(),
        invoked: operation.invoked(),
        completed: operation.completed()?,
        start: operation.start(),
        end: operation.end()?,
    })
}
