//! The elements of collections: what was done with them, object by object.

use std::collections::BTreeMap;

use crate::history::{Datum, EventType, OperationRef, Operations};
use crate::model::{AnyModel, Collection, Conventions, ElementEffect};

/// The operations on one collection, by invocation.
pub(crate) struct Ledger<'a> {
    /// The name of the collection; none if the history gives none.
    pub(crate) key: Option<&'a str>,
    pub(crate) kind: Collection,
    /// Insertions with their elements, with any outcome.
    pub(crate) inserts: Vec<(OperationRef<'a>, Datum<'a>)>,
    /// Removals, with any outcome.
    pub(crate) removals: Vec<OperationRef<'a>>,
    /// Answers that show all elements.
    pub(crate) observations: Vec<OperationRef<'a>>,
}

impl<'a> Ledger<'a> {
    /// The collections of a history, by name; none if its model has no collections.
    pub(crate) fn all(
        model: AnyModel<'_>,
        operations: &'a Operations,
        conventions: Conventions,
    ) -> Vec<Ledger<'a>> {
        let Some(kind) = model.description().collection else { return Vec::new() };
        let mut ledgers: BTreeMap<Option<&str>, Ledger<'_>> = BTreeMap::new();
        for operation in operations.iter() {
            let Some(effect) = model.0.element_effect(operation) else { continue };
            let key = operation.key();
            let ledger = ledgers.entry(key).or_insert_with(|| Ledger {
                key,
                kind,
                inserts: Vec::new(),
                removals: Vec::new(),
                observations: Vec::new(),
            });
            match effect {
                ElementEffect::Insert(element) => ledger.inserts.push((operation, element)),
                ElementEffect::Remove => ledger.removals.push(operation),
                ElementEffect::Observe => {
                    if operation.outcome() == EventType::Ok && !conventions.silence(operation) {
                        ledger.observations.push(operation);
                    }
                }
            }
        }
        ledgers.into_values().collect()
    }

    /// The elements that removals answered.
    pub(crate) fn removed(&self) -> impl Iterator<Item = Datum<'a>> {
        self.removals
            .iter()
            .filter(|it| it.outcome() == EventType::Ok)
            .map(|it| it.output())
            .filter(|element| !element.is_null())
    }

    /// The number of removals that may have taken an element away without an answer.
    pub(crate) fn unseen_removals(&self) -> u64 {
        let unseen = |it: &&OperationRef<'_>| it.outcome() == EventType::Info;
        self.removals.iter().filter(unseen).count() as u64
    }

    /// The last removal that found nothing.
    pub(crate) fn found_empty(&self) -> Option<OperationRef<'a>> {
        let found_nothing = |it: &&OperationRef<'_>| match it.outcome() {
            EventType::Ok => it.output().is_null(),
            // Without a reason, a failure may mean anything.
            EventType::Fail => it.was_said_to_be_refuted(),
            EventType::Info | EventType::Invoke => false,
        };
        self.removals.iter().rev().find(found_nothing).copied()
    }

    /// The last observation of everything that is in the collection, or that nothing is.
    pub(crate) fn last_observation(&self) -> Option<OperationRef<'a>> {
        self.observations.last().copied().or_else(|| self.found_empty())
    }
}
