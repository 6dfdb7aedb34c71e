//! The versions that a read may have seen, as far as real time tells.

use std::collections::HashMap;

use crate::model::transactions::Content;
use crate::model::transactions::Transactions;
use crate::model::transactions::versions::{Origin, Origins, Touch, Unclear};
use crate::model::{Calls, ValueId};

/// The version that a read saw.
#[derive(Debug)]
pub(super) enum Source {
    /// That of the transaction at this place; none if it is what was there at first.
    One(Option<usize>),
    /// One of these, of the same content.
    Among(Vec<Option<usize>>),
}

/// A transaction that was answered and changes an object.
#[derive(Debug, Clone, Copy)]
struct Change {
    place: usize,
    invoked: u64,
}

/// The transactions that can have left what was read.
pub(super) struct Candidates<'a> {
    calls: &'a Calls<'a, Transactions>,
    origins: &'a Origins,
    /// For each object its changes in the order of their returns, each with the one of it and the
    /// earlier ones that was invoked last.
    changes: HashMap<ValueId, Vec<(u64, Change)>>,
    /// For each content that was written more than once, or that objects hold at first.
    writers: HashMap<(ValueId, Content), Writers>,
}

/// The transactions that leave a content.
#[derive(Debug, Default)]
struct Writers {
    /// The places of those that were answered, in the order of invocation, each with the last
    /// return of it and the earlier ones.
    known: Vec<(usize, u64)>,
    /// The places of the others, in the same order.
    unknown: Vec<usize>,
}

impl<'a> Candidates<'a> {
    pub(super) fn of(
        calls: &'a Calls<'a, Transactions>,
        touches: &[Vec<Touch>],
        origins: &'a Origins,
    ) -> Candidates<'a> {
        let mut changes: HashMap<ValueId, Vec<(u64, Change)>> = HashMap::new();
        for (place, touched) in touches.iter().enumerate() {
            let timed = calls.get(place);
            let Some(returned) = timed.returned else { continue };
            let change = Change { place, invoked: timed.invoked };
            for touch in touched.iter().filter(|touch| touch.written.is_some()) {
                changes.entry(touch.object).or_default().push((returned, change));
            }
        }
        for row in changes.values_mut() {
            row.sort_unstable_by_key(|(returned, _)| *returned);
            for at in 1..row.len() {
                if row[at - 1].1.invoked > row[at].1.invoked {
                    row[at].1 = row[at - 1].1;
                }
            }
        }
        let mut writers = HashMap::new();
        for (content, origins) in &origins.written {
            if origins.len() < 2 && content.1 != Content::NOTHING {
                continue;
            }
            let Writers { mut known, mut unknown } = Writers::default();
            let mut last = 0;
            for Origin { place, .. } in origins.iter().filter(|origin| origin.last) {
                match calls.get(*place).returned {
                    None => unknown.push(*place),
                    Some(returned) => {
                        last = last.max(returned);
                        known.push((*place, last));
                    }
                }
            }
            writers.insert(content.clone(), Writers { known, unknown });
        }
        Candidates { calls, origins, changes, writers }
    }

    /// The version that a transaction read.
    ///
    /// # Errors
    /// When it can be none.
    pub(super) fn source(
        &self,
        reader: usize,
        object: ValueId,
        content: &Content,
    ) -> Result<Source, Unclear> {
        let key = (object, content.clone());
        let Some(Writers { known, unknown }) = self.writers.get(&key) else {
            return match self.origins.written.get(&key).map(Vec::as_slice) {
                Some([origin]) if origin.last && origin.place != reader => {
                    Ok(Source::One(Some(origin.place)))
                }
                None if *content == Content::NOTHING => Ok(Source::One(None)),
                // Never written, overwritten by the same transaction, or written later by the
                // reader.
                _ => Err(Unclear::Contradiction(vec![reader])),
            };
        };
        let interval = self.calls.get(reader);
        let between = self.last_invoked_before(object, interval.invoked);
        let since = between.map_or(0, |between| between.invoked);
        let mut among = Vec::new();
        // What returned before `between` was invoked, was overwritten before the read.
        let by_then =
            |place: usize| interval.returned.is_none_or(|end| self.calls.get(place).invoked < end);
        let known = &known[..known.partition_point(|(place, _)| by_then(*place))];
        for (place, last_return) in known.iter().rev() {
            if *last_return < since {
                break;
            }
            if *place != reader && self.calls.get(*place).returned > Some(since) {
                among.push(Some(*place));
            }
        }
        let unknown = unknown.iter().take_while(|place| by_then(**place));
        among.extend(unknown.map(|place| Some(*place)).filter(|place| *place != Some(reader)));
        if *content == Content::NOTHING && between.is_none() {
            among.push(None);
        }
        if !among.is_empty() {
            return Ok(Source::Among(among));
        }
        // Each one was overwritten too early, or invoked too late.
        let places = known.iter().map(|(place, _)| *place).filter(|place| *place != reader);
        let places = places.chain(between.map(|between| between.place)).chain([reader]);
        Err(Unclear::Contradiction(places.collect()))
    }

    /// Of the changes of an object that returned before an index, the one that was invoked last.
    fn last_invoked_before(&self, object: ValueId, index: u64) -> Option<Change> {
        let row = self.changes.get(&object)?;
        let returned = row.partition_point(|(returned, _)| *returned < index);
        Some(row[returned.checked_sub(1)?].1)
    }
}
