//! The operations of a history by the part of the object that they touch.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value;

use crate::model::{Call, Model, NilReads, Values};
use crate::search::{Item, Problem};
use crate::verdict::Operation;

/// Operations that are judged together, and by themselves.
#[derive(Debug)]
pub(crate) struct Partition<'a, M: Model> {
    /// The key; none when the history names none.
    pub(crate) key: Option<&'a str>,
    /// The operations, by invocation. Those that say nothing are not among them.
    pub(crate) operations: Vec<&'a Operation>,
    /// The same operations in the model's terms.
    pub(crate) calls: Vec<Call<M::Input, M::Output>>,
    /// The state before all of them.
    pub(crate) initial: M::State,
    /// The values that occur in them.
    pub(crate) values: Values,
}

/// Why a history cannot be split.
#[derive(Debug)]
pub(crate) enum SplitError {
    /// The operation with this place in the list does not fit the model.
    Operation(usize, String),
    /// The initial value does not.
    Initial(String),
}

/// Splits operations by key, in the order of the keys' names.
pub(crate) fn split<'a, M: Model>(
    model: &M,
    operations: &'a [Operation],
    nil_reads: NilReads,
    initial: &Value,
) -> Result<Vec<Partition<'a, M>>, SplitError> {
    let mut partitions: BTreeMap<Option<&str>, Partition<'a, M>> = BTreeMap::new();
    for (place, operation) in operations.iter().enumerate() {
        let key = model.partition(operation);
        let partition = match partitions.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let mut values = Values::new();
                let initial = model.initial(initial, &mut values).map_err(SplitError::Initial)?;
                entry.insert(Partition {
                    key,
                    operations: Vec::new(),
                    calls: Vec::new(),
                    initial,
                    values,
                })
            }
        };
        let call = model
            .call(operation, nil_reads, &mut partition.values)
            .map_err(|reason| SplitError::Operation(place, reason))?;
        if call != Call::Silent {
            partition.operations.push(operation);
            partition.calls.push(call);
        }
    }
    Ok(partitions.into_values().collect())
}

impl<M: Model> Partition<'_, M> {
    /// What a search is given.
    pub(crate) fn problem(&self, model: &M) -> Problem<M> {
        self.problem_of(model, |_| Some(Claim::AsRecorded))
    }

    /// Whether the operation at this place only looks.
    pub(crate) fn is_observer(&self, model: &M, place: usize) -> bool {
        match &self.calls[place] {
            Call::Known(input, output) => model.is_observer(input, Some(output)),
            Call::Unknown(input) => model.is_observer(input, None),
            Call::Silent => true,
        }
    }

    /// A weaker problem: `claim` says what is still held of each operation; none leaves it out.
    pub(crate) fn problem_of(
        &self,
        model: &M,
        claim: impl Fn(usize) -> Option<Claim>,
    ) -> Problem<M> {
        let items = (0..self.calls.len()).filter_map(|place| {
            let operation = self.operations[place];
            let call = self.calls[place].clone();
            Some(match claim(place)? {
                Claim::AsRecorded => {
                    Item { invoked: operation.invoked, completed: operation.completed, call }
                }
                Claim::Invoked => {
                    let call = match call {
                        Call::Known(input, _) => Call::Unknown(input),
                        call => call,
                    };
                    Item { invoked: operation.invoked, completed: None, call }
                }
            })
        });
        Problem::new(model, self.initial.clone(), self.values.count(), items)
    }
}

/// How much of an operation is held to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// All that the history says.
    AsRecorded,
    /// Only that it was invoked: a read says nothing then, a mutation may have taken effect at any
    /// time since, or never.
    Invoked,
}
