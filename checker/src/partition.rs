//! The operations of a history by the part of the object that they touch.

use std::num::NonZeroUsize;

use crate::history::{Datum, EventType, OperationRef, Operations, Place};
use crate::model::{AnyModel, Conventions, Misfit};
use crate::object::{Object, Reader};
use crate::parallel;

/// The history that partitions are made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) history: &'a Operations,
    pub(crate) conventions: Conventions,
    /// The value of every key before the first operation.
    pub(crate) initial: Datum<'a>,
}

/// Operations that are judged together, and by themselves.
pub(crate) struct Partition<'a> {
    pub(crate) model: AnyModel<'a>,
    /// The value of the key before the first operation.
    pub(crate) initial: Datum<'a>,
    history: &'a Operations,
    /// The key; none when the history names none.
    pub(crate) key: Option<&'a str>,
    /// The places in the history of the operations of `object`.
    operations: Vec<Place>,
    /// The same operations in the model's terms.
    pub(crate) object: Box<dyn Object + 'a>,
}

/// The reason why a history cannot be split. What is met first is less.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SplitError {
    /// The initial value does not fit the model.
    Initial(Misfit),
    /// This operation does not.
    Operation(Place, Misfit),
}

/// Splits operations by key, in the order of the keys' names.
///
/// Each of the threads goes through the whole history and takes some of the keys. To go through it
/// is cheap as long as it is done in order: to collect the operations of one key after the other,
/// each from a place far away, takes several times as long.
pub(crate) fn split<'a>(
    model: AnyModel<'a>,
    source: Source<'a>,
    threads: NonZeroUsize,
) -> Result<Vec<Partition<'a>>, SplitError> {
    let keys = source.history.keys().len();
    let shares = threads.get().min(keys).max(1);
    let numbers: Vec<usize> = (0..shares).collect();
    let split = parallel::map(&numbers, threads, |share| share_of(model, source, *share, shares));
    let mut partitions = Vec::with_capacity(keys);
    let mut first_error = None;
    for result in split {
        match result {
            Ok(some) => partitions.extend(some),
            // Of several operations that do not fit, the first is told, no matter which thread met it.
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
fn share_of<'a>(
    model: AnyModel<'a>,
    source: Source<'a>,
    share: usize,
    shares: usize,
) -> Result<Vec<Partition<'a>>, SplitError> {
    let history = source.history;
    let mut unfinished: Vec<Unfinished<'a>> = Vec::new();
    // By the number of the key: where its partition is.
    let mut partition_of_key: Vec<Option<usize>> = vec![None; history.keys().len()];
    let mut partition_without_key = None;
    for (place, operation) in (0..).zip(history.iter()) {
        let number = operation.key_number();
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
                let reader = model.0.open(source.initial, source.conventions);
                let reader = reader.map_err(SplitError::Initial)?;
                unfinished.push(Unfinished { key, operations: Vec::new(), reader });
                *known.insert(unfinished.len() - 1)
            }
        };
        let partition = &mut unfinished[at];
        match partition.reader.push(operation) {
            Ok(true) => partition.operations.push(place),
            Ok(false) => {}
            Err(reason) => return Err(SplitError::Operation(place, reason)),
        }
    }
    let finish = |Unfinished { key, operations, reader }| {
        let object = Reader::finish(reader);
        let initial = source.initial;
        Partition { model, initial, history, key, operations, object }
    };
    Ok(unfinished.into_iter().map(finish).collect())
}

/// A partition whose operations are being read.
struct Unfinished<'a> {
    key: Option<&'a str>,
    operations: Vec<Place>,
    reader: Box<dyn Reader<'a> + 'a>,
}

impl<'a> Partition<'a> {
    /// The number of operations.
    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    /// The operation at this place of the partition.
    pub(crate) fn operation(&self, place: usize) -> OperationRef<'a> {
        self.history.get(self.operations[place])
    }

    /// The history that it is a part of.
    pub(crate) fn history(&self) -> &'a Operations {
        self.history
    }
}
