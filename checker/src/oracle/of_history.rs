//! What the oracles are told of a history, for any model.
//!
//! The model says which operations change something ([`Model::is_observer`]) and which of them put
//! elements into an object that keeps them ([`Model::handling`]). Versions and tokens stand in the
//! history. What the nodes applied does not: whoever asked them hands it in as [`Records`].

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::audit::{self, AppliedLog, AuditReport, Kind, Outcome, Told};
use super::divergence::{self, Contents, DivergenceReport};
use super::version::{self, Answered, Claims, Effect, Reset, VersionReport};
use crate::accounting::{self, Accounting};
use crate::check::Options;
use crate::history::{Datum, EventType, OperationRef, Operations, OwnedDatum, Process};
use crate::model::{Call, Conventions, Handling, Model, Values};
use crate::verdict::Analysis;

/// What was recorded besides the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records<'a> {
    /// What the nodes applied.
    pub logs: Vec<AppliedLog<'a>>,
    /// Whether the versions in the history are indices of these logs. Then it is known how far into
    /// the history each of them reaches, and its `as_of` need not be told.
    pub versions_are_indices: bool,
    /// What the members held in the end.
    pub contents: &'a [Contents],
    /// When the store was wiped.
    pub resets: Vec<Reset<'a>>,
}

/// The object of operations that name no key.
const NAMELESS: &str = "the object";

/// Adds what versions, tokens, members and the counts of elements show to what `model` said of the
/// values. A violation makes the analysis Invalid. An analysis of a history that has none of them
/// stays as it is.
pub fn complete<M: Model>(
    mut analysis: Analysis,
    model: &M,
    operations: &Operations,
    options: &Options,
    records: &Records<'_>,
) -> Analysis {
    let deeds = Deeds::new(model, operations, options.conventions);
    analysis.versions = options.versions.and_then(|claims| deeds.versions(&claims, records));
    analysis.audit = deeds.audit(options.initial.is_null(), records);
    analysis.divergence = divergence::compare(records.contents, operations);
    let initial = OwnedDatum::from(&options.initial);
    analysis.accounting = deeds.kind().and_then(|kind| {
        accounting::account(kind, operations, initial.borrow(), options.conventions)
    });
    let versions = analysis.versions.iter().map(VersionReport::verdict);
    let audit = analysis.audit.iter().map(AuditReport::verdict);
    let divergence = analysis.divergence.iter().map(DivergenceReport::verdict);
    let accounting = analysis.accounting.iter().map(Accounting::verdict);
    let found = versions.chain(audit).chain(divergence).chain(accounting);
    analysis.verdict = found.fold(analysis.verdict, Ord::max);
    analysis
}

/// The operations of a history in the terms of its model.
struct Deeds<'a, M> {
    model: &'a M,
    operations: &'a Operations,
    conventions: Conventions,
    /// Whether the operation at each place would change something if it took effect. Often nobody
    /// asks.
    mutates: OnceCell<Vec<bool>>,
}

impl<'a, M: Model> Deeds<'a, M> {
    fn new(model: &'a M, operations: &'a Operations, conventions: Conventions) -> Self {
        Deeds { model, operations, conventions, mutates: OnceCell::new() }
    }

    /// What kind of object keeps the elements; none if none does.
    fn kind(&self) -> Option<Kind> {
        self.operations.iter().find_map(|operation| {
            Some(match self.model.handling(operation)? {
                Handling::Puts(kind, _) | Handling::Shows(kind) => kind,
                Handling::Takes => Kind::Queue,
            })
        })
    }

    /// All operations, each with whether it would change something.
    fn iter(&self) -> impl Iterator<Item = (OperationRef<'a>, bool)> {
        let mutates = self.mutates.get_or_init(|| {
            let mut values = Values::new();
            self.operations.iter().map(|operation| self.mutates(operation, &mut values)).collect()
        });
        self.operations.iter().zip(mutates.iter().copied())
    }

    fn mutates(&self, operation: OperationRef<'_>, values: &mut Values) -> bool {
        match self.model.handling(operation) {
            Some(handling) => !matches!(handling, Handling::Shows(_)),
            // What it asked for tells, whatever came of it.
            None => match self.model.call(operation.as_unknown(), self.conventions, values) {
                Ok(Call::Known(input, _) | Call::Unknown(input)) => {
                    !self.model.is_observer(&input, None)
                }
                Ok(Call::Silent) | Err(_) => false,
            },
        }
    }

    /// None if no answer has a version.
    fn versions(&self, claims: &Claims, records: &Records<'_>) -> Option<VersionReport> {
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

    /// What its key held afterwards, for models whose state is one value.
    fn value(&self, operation: OperationRef<'_>, values: &mut Values) -> Option<u64> {
        if operation.outcome() != EventType::Ok || self.model.handling(operation).is_some() {
            return None;
        }
        let call = self.model.call(operation, self.conventions, values).ok()?;
        let Call::Known(input, output) = call else { return None };
        let transition = self.model.transition(&input, Some(&output))?;
        transition.leaves.or(transition.requires).map(|value| value.0.into())
    }

    /// None if no mutation has a token, or nothing shows what became of any. What objects hold shows
    /// nothing unless they were `empty_at_first`.
    fn audit(&self, empty_at_first: bool, records: &Records<'_>) -> Option<AuditReport> {
        let keepers = match empty_at_first {
            true => self.keepers(),
            false => BTreeMap::new(),
        };
        if records.logs.is_empty() && keepers.is_empty() {
            return None;
        }
        let mutations: Vec<OperationRef<'a>> =
            self.iter().filter(|(_, mutates)| *mutates).map(|(operation, _)| operation).collect();
        if mutations.iter().all(|operation| operation.token().is_none()) {
            return None;
        }
        let logs: Vec<AppliedLog<'_>> =
            records.logs.iter().map(|log| self.dated(log, records)).collect();
        let kept: Vec<Vec<String>> = keepers.values().map(Keeper::elements).collect();
        let contents: Vec<audit::Contents<'_>> = keepers
            .iter()
            .zip(&kept)
            .map(|((object, keeper), elements)| keeper.contents(object, elements))
            .collect();
        let put: Vec<Option<String>> = mutations.iter().map(|it| self.element(*it)).collect();
        let told: Vec<Told<'_>> = mutations
            .iter()
            .zip(&put)
            .filter_map(|(operation, element)| told(*operation, element.as_deref()))
            .collect();
        let report = audit::audit(&told, &contents, &logs);
        Some(report.with_attempts(|token| {
            let operation = mutations.iter().find(|operation| operation.token() == Some(token));
            operation.map(|operation| operation.attempts()).unwrap_or_default()
        }))
    }

    /// The element that the operation puts into its object.
    fn element(&self, operation: OperationRef<'_>) -> Option<String> {
        match self.model.handling(operation)? {
            Handling::Puts(_, element) => Some(element.to_string()),
            Handling::Takes | Handling::Shows(_) => None,
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

    /// What is known of the objects that keep elements, by name. An object into which somebody put
    /// elements without a token is left out: they could be taken for another operation's.
    fn keepers(&self) -> BTreeMap<&'a str, Keeper<'a>> {
        let mut keepers: BTreeMap<&str, Keeper<'_>> = BTreeMap::new();
        let mut unclear: BTreeSet<&str> = BTreeSet::new();
        for operation in self.operations.iter() {
            let Some(handling) = self.model.handling(operation) else { continue };
            let object = operation.key().unwrap_or(NAMELESS);
            if !matches!(handling, Handling::Shows(_)) && operation.token().is_none() {
                unclear.insert(object);
            }
            let silent = self.conventions.silence(operation);
            match (handling, operation.outcome()) {
                (Handling::Shows(kind), EventType::Ok) if !silent => {
                    // They come in the order of their invocations: the last one stays.
                    let keeper = keepers.entry(object).or_insert_with(|| Keeper::new(kind));
                    keeper.as_of = Some(operation.invoked());
                    keeper.shown = operation.output();
                }
                (Handling::Takes, outcome) => {
                    let keeper = keepers.entry(object).or_insert_with(|| Keeper::new(Kind::Queue));
                    keeper.take(operation, outcome);
                }
                _ => {}
            }
        }
        keepers.retain(|object, _| !unclear.contains(object));
        keepers
    }
}

fn told<'a>(operation: OperationRef<'a>, element: Option<&'a str>) -> Option<Told<'a>> {
    Some(Told {
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

/// What is known of an object that keeps elements.
struct Keeper<'a> {
    kind: Kind,
    /// Invocation of the last read; of a queue, of the last look that found it empty.
    as_of: Option<u64>,
    /// What that read showed.
    shown: Datum<'a>,
    /// What was taken out.
    taken: Vec<String>,
    untraced_removals: u64,
}

impl Keeper<'_> {
    fn new(kind: Kind) -> Self {
        Keeper { kind, as_of: None, shown: Datum::Null, taken: Vec::new(), untraced_removals: 0 }
    }

    /// All that it shows to have come in, of a list in order.
    fn elements(&self) -> Vec<String> {
        let shown = self.shown.as_list().into_iter().flatten();
        self.taken.iter().cloned().chain(shown.map(|element| element.to_string())).collect()
    }

    fn contents<'e>(&self, object: &'e str, elements: &'e [String]) -> audit::Contents<'e> {
        audit::Contents {
            object,
            kind: self.kind,
            elements: elements.iter().map(String::as_str).collect(),
            as_of: self.as_of,
            untraced_removals: self.untraced_removals,
        }
    }

    fn take(&mut self, operation: OperationRef<'_>, outcome: EventType) {
        match outcome {
            EventType::Ok if !operation.output().is_null() => {
                self.taken.push(operation.output().to_string());
            }
            EventType::Info | EventType::Invoke => self.untraced_removals += 1,
            EventType::Fail if !operation.was_refuted() => {}
            // It was empty: whatever had come in before had gone out.
            EventType::Ok | EventType::Fail => self.as_of = Some(operation.invoked()),
        }
    }
}
