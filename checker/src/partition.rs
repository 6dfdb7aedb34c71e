//! The operations of a history by the part of the object that they touch.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::history::{Datum, EventType, OperationRef, Operations, Place};
use crate::model::{Call, Conventions, Model, Values};
use crate::search::{ByValue, Deed, Item, Problem, Step};

/// What the partitions of a history are made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) history: &'a Operations,
    pub(crate) conventions: Conventions,
    /// What every key holds before the first operation.
    pub(crate) initial: Datum<'a>,
}

/// Operations that are judged together, and by themselves.
#[derive(Debug)]
pub(crate) struct Partition<'a, M: Model> {
    source: Source<'a>,
    /// The key; none when the history names none, or the model does not split by key.
    pub(crate) key: Option<&'a str>,
    /// The operations, by invocation. Those that say nothing are not among them.
    pub(crate) operations: Vec<Place>,
    /// The same operations in the model's terms.
    pub(crate) calls: Vec<Call<M::Input, M::Output>>,
    /// The state before all of them.
    pub(crate) initial: M::State,
    /// The values that occur in them. Weaker partitions share them.
    pub(crate) values: Arc<Values>,
}

/// Why a history cannot be split.
#[derive(Debug)]
pub(crate) enum SplitError {
    /// This operation does not fit the model.
    Operation(Place, String),
    /// The initial value does not.
    Initial(String),
}

/// Splits operations by key, in the order of the keys' names.
pub(crate) fn split<'a, M: Model>(
    model: &M,
    source: Source<'a>,
) -> Result<Vec<Partition<'a, M>>, SplitError> {
    let history = source.history;
    let mut numbers: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let mut partitions: Vec<Partition<'a, M>> = Vec::new();
    // By the number of the key: where its partition is.
    let mut partition_of_key: Vec<Option<usize>> = vec![None; history.keys().len()];
    let mut partition_without_key = None;
    for (place, operation) in (0..).zip(history.iter()) {
        if operation.outcome() == EventType::Fail && !operation.was_refuted() {
            continue;
        }
        let number = operation.key_number().filter(|_| model.splits_by_key());
        let known = match number {
            Some(number) => &mut partition_of_key[number],
            None => &mut partition_without_key,
        };
        let at = match known {
            Some(at) => *at,
            None => {
                let key = number.and(operation.key());
                *numbers.entry(key).or_default() = partitions.len();
                partitions.push(Partition::empty(model, source, key).map_err(SplitError::Initial)?);
                *known.insert(partitions.len() - 1)
            }
        };
        partitions[at]
            .push(model, place, operation)
            .map_err(|reason| SplitError::Operation(place, reason))?;
    }
    let mut in_order: Vec<Option<Partition<'a, M>>> = partitions.into_iter().map(Some).collect();
    Ok(numbers.into_values().filter_map(|at| in_order[at].take()).collect())
}

impl<'a, M: Model> Partition<'a, M> {
    fn empty(model: &M, source: Source<'a>, key: Option<&'a str>) -> Result<Self, String> {
        let mut values = Values::new();
        let initial = model.initial(source.initial, &mut values)?;
        let (operations, calls, values) = (Vec::new(), Vec::new(), Arc::new(values));
        Ok(Partition { source, key, operations, calls, initial, values })
    }

    /// Adds an operation unless it says nothing.
    fn push(&mut self, model: &M, place: Place, operation: OperationRef<'_>) -> Result<(), String> {
        let values = Arc::make_mut(&mut self.values);
        let call = model.call(operation, self.source.conventions, values)?;
        self.push_call(model, place, call);
        Ok(())
    }

    /// Adds what an operation says, which may be less than was recorded, unless that is nothing;
    /// whether it is something.
    fn push_call(&mut self, model: &M, place: Place, call: Call<M::Input, M::Output>) -> bool {
        let says_something = match &call {
            Call::Known(..) => true,
            // Without an answer, what changes nothing says nothing.
            Call::Unknown(input) => !model.is_observer(input, None),
            Call::Silent => false,
        };
        if says_something {
            self.operations.push(place);
            self.calls.push(call);
        }
        says_something
    }

    /// The operation at this place of the partition.
    pub(crate) fn operation(&self, place: usize) -> OperationRef<'a> {
        self.source.history.get(self.operations[place])
    }

    /// The history that it is a part of.
    pub(crate) fn history(&self) -> &'a Operations {
        self.source.history
    }

    /// When the operation at this place was known to have taken effect: the index of its
    /// completion; none for an unknown outcome.
    pub(crate) fn returned(&self, place: usize) -> Option<u64> {
        match &self.calls[place] {
            Call::Known(..) => self.operation(place).completed(),
            Call::Unknown(_) | Call::Silent => None,
        }
    }

    /// What a search is given.
    pub(crate) fn problem(&self, model: &M) -> Problem<M> {
        let items = (0..self.calls.len()).map(|place| Item {
            invoked: self.operation(place).invoked(),
            completed: self.returned(place),
            call: self.calls[place].clone(),
        });
        Problem::new(model, self.initial.clone(), self.values.count(), items)
    }

    /// The same for deciders of a state that is one value, every operation at its place; none if the
    /// model's state is not.
    pub(crate) fn by_value(&self, model: &M) -> Option<ByValue> {
        let initial = model.value(&self.initial)?.0;
        let mut steps = Vec::with_capacity(self.calls.len());
        for (place, call) in self.calls.iter().enumerate() {
            let (input, output) = match call {
                Call::Known(input, output) => (input, Some(output)),
                Call::Unknown(input) => (input, None),
                Call::Silent => continue,
            };
            let deed = Deed::of(model, input, output)?;
            let operation = self.operation(place);
            steps.push(Step { deed, invoked: operation.invoked(), returned: self.returned(place) });
        }
        let values = u32::try_from(self.values.count()).expect("fewer than 2^32 values");
        Some(ByValue { initial, values, steps })
    }

    /// Whether the operation at this place only looks.
    pub(crate) fn is_observer(&self, model: &M, place: usize) -> bool {
        match &self.calls[place] {
            Call::Known(input, output) => model.is_observer(input, Some(output)),
            Call::Unknown(input) => model.is_observer(input, None),
            Call::Silent => true,
        }
    }

    /// A weaker partition: `claim` says what is still held of the operation at each place; none
    /// leaves it out. Answers also the place here of each of its operations.
    pub(crate) fn weakened(
        &self,
        model: &M,
        claim: impl Fn(usize) -> Option<Claim>,
    ) -> (Partition<'a, M>, Vec<usize>) {
        let mut weaker = Partition {
            operations: Vec::new(),
            calls: Vec::new(),
            initial: self.initial.clone(),
            values: Arc::clone(&self.values),
            ..*self
        };
        let mut origins = Vec::new();
        for place in 0..self.operations.len() {
            let call = match claim(place) {
                Some(Claim::AsRecorded) => self.recorded(model, place),
                Some(Claim::Invoked) => match &self.calls[place] {
                    // What failed did not happen.
                    _ if self.operation(place).outcome() == EventType::Fail => continue,
                    Call::Known(input, _) => Call::Unknown(model.doubted(input)),
                    unknown => unknown.clone(),
                },
                None => continue,
            };
            if weaker.push_call(model, self.operations[place], call) {
                origins.push(place);
            }
        }
        (weaker, origins)
    }

    /// The call of an operation as the history has it; the partition may be a weaker one.
    fn recorded(&self, model: &M, place: usize) -> Call<M::Input, M::Output> {
        let (call, operation) = (&self.calls[place], self.operation(place));
        if matches!(call, Call::Unknown(_)) && operation.outcome() != EventType::Info {
            let mut values = Values::clone(&self.values);
            let recorded = model.call(operation, self.source.conventions, &mut values);
            return recorded.expect("the operation fitted the model before");
        }
        call.clone()
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
