//! The operations of a history by the part of the object that they touch.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::history::{Datum, EventType, OperationRef, Operations, Place};
use crate::model::{Call, Conventions, Model, Values};
use crate::parallel;
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
    /// Their intervals. The history knows them too, but there the operations of a key are far apart.
    intervals: Vec<Interval>,
    /// The same operations in the model's terms.
    pub(crate) calls: Vec<Call<M::Input, M::Output>>,
    /// The state before all of them.
    pub(crate) initial: M::State,
    /// The values that occur in them. Weaker partitions share them.
    pub(crate) values: Arc<Values>,
}

/// When an operation can have taken effect, by indices of events.
#[derive(Debug, Clone, Copy)]
struct Interval {
    invoked: u64,
    /// [`NEVER`] for an unknown outcome.
    returned: u64,
}

/// After all events.
const NEVER: u64 = u64::MAX;

/// Why a history cannot be split. What is met first is less.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SplitError {
    /// The initial value does not fit the model.
    Initial(String),
    /// This operation does not.
    Operation(Place, String),
}

/// Splits operations by key, in the order of the keys' names.
///
/// Each of the threads goes through the whole history and takes some of the keys. To go through it
/// is cheap as long as it is done in order: to collect the operations of one key after the other,
/// each from a place far away, takes several times as long.
pub(crate) fn split<'a, M: Model>(
    model: &M,
    source: Source<'a>,
    threads: NonZeroUsize,
) -> Result<Vec<Partition<'a, M>>, SplitError> {
    let keys = source.history.keys().len();
    let shares = if model.splits_by_key() { threads.get().min(keys).max(1) } else { 1 };
    let numbers: Vec<usize> = (0..shares).collect();
    let split = parallel::map(&numbers, threads, |share| share_of(model, source, *share, shares));
    let mut partitions = Vec::with_capacity(keys);
    let mut first_error = None;
    for result in split {
        match result {
            Ok(some) => partitions.extend(some),
            // Of several operations that do not fit, the first is told, whoever met it.
            Err(error) if first_error.as_ref().is_none_or(|first| error < *first) => {
                first_error = Some(error);
            }
            Err(_) => {}
        }
    }
    partitions.sort_unstable_by_key(|partition| partition.key);
    first_error.map_or(Ok(partitions), Err)
}

/// The partitions of those keys whose number leaves the remainder `share` when it is divided by
/// `shares`. What has no key is in the first share.
fn share_of<'a, M: Model>(
    model: &M,
    source: Source<'a>,
    share: usize,
    shares: usize,
) -> Result<Vec<Partition<'a, M>>, SplitError> {
    let history = source.history;
    let mut partitions: Vec<Partition<'a, M>> = Vec::new();
    // By the number of the key: where its partition is.
    let mut partition_of_key: Vec<Option<usize>> = vec![None; history.keys().len()];
    let mut partition_without_key = None;
    for (place, operation) in (0..).zip(history.iter()) {
        let number = operation.key_number().filter(|_| model.splits_by_key());
        if number.unwrap_or(0) % shares != share
            || operation.outcome() == EventType::Fail && !operation.was_refuted()
        {
            continue;
        }
        let known = match number {
            Some(number) => &mut partition_of_key[number],
            None => &mut partition_without_key,
        };
        let at = match known {
            Some(at) => *at,
            None => {
                let key = number.and(operation.key());
                partitions.push(Partition::empty(model, source, key).map_err(SplitError::Initial)?);
                *known.insert(partitions.len() - 1)
            }
        };
        partitions[at]
            .push(model, place, operation)
            .map_err(|reason| SplitError::Operation(place, reason))?;
    }
    Ok(partitions)
}

impl<'a, M: Model> Partition<'a, M> {
    fn empty(model: &M, source: Source<'a>, key: Option<&'a str>) -> Result<Self, String> {
        let mut values = Values::new();
        let initial = model.initial(source.initial, &mut values)?;
        Ok(Partition {
            source,
            key,
            operations: Vec::new(),
            intervals: Vec::new(),
            calls: Vec::new(),
            initial,
            values: Arc::new(values),
        })
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
            let operation = self.source.history.get(place);
            let returned = match &call {
                Call::Known(..) => operation.completed().unwrap_or(NEVER),
                Call::Unknown(_) | Call::Silent => NEVER,
            };
            self.operations.push(place);
            self.intervals.push(Interval { invoked: operation.invoked(), returned });
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
        let returned = self.intervals[place].returned;
        (returned != NEVER).then_some(returned)
    }

    /// When the operation at this place was invoked: the index of its invocation.
    pub(crate) fn invoked(&self, place: usize) -> u64 {
        self.intervals[place].invoked
    }

    /// What a search is given.
    pub(crate) fn problem(&self, model: &M) -> Problem<M> {
        let items = (0..self.calls.len()).map(|place| Item {
            invoked: self.invoked(place),
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
            steps.push(Step::new(deed, self.invoked(place), self.returned(place)));
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
            intervals: Vec::new(),
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
