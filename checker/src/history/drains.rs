//! Drains of a queue as the dequeues that they are made of.
//!
//! A drain dequeues until the queue is empty, and answers all that it found. It is no atomic
//! operation: others may come between its dequeues. So each element is a dequeue of its own, and a
//! last one found nothing. If nothing else began or ended meanwhile, they are known to have come one
//! after the other. Else each may have come at any time while the drain lasted, in any order, which
//! allows more than can have been: a queue is never blamed for what a drain leaves open.

use crate::history::operations::{Operations, Row};
use crate::history::{Datum, EventType, OwnedDatum};

/// The name of the operation, and of those that it is made of.
const DRAIN: &str = "drain";
const DEQUEUE: &str = "dequeue";
const ENQUEUE: &str = "enqueue";

/// The operations that are put in the place of one.
enum Expansion {
    /// It is no drain that can be taken apart.
    Itself,
    /// It is an operation of another name, and did not happen.
    Failed,
    /// It dequeued these, and nothing in the end.
    Known(Vec<OwnedDatum>),
    /// It dequeued so many at most.
    Unknown(usize),
}

impl Operations {
    /// Takes all drains apart. Indices grow where dequeues come in.
    pub(super) fn expand_drains(&mut self) {
        if !self.functions().any(|function| function == DRAIN) {
            return;
        }
        let expansions: Vec<Expansion> =
            (0..self.len()).map(|place| self.expansion(place as u32)).collect();
        // By index: invocation or completion, of the operation at this place.
        let mut ends: Vec<(u64, bool, usize)> = Vec::new();
        for (place, operation) in self.iter().enumerate() {
            ends.push((operation.invoked(), false, place));
            ends.extend(operation.completed().map(|index| (index, true, place)));
        }
        ends.sort_unstable();
        let old = std::mem::take(&mut self.rows);
        let was_named = std::mem::take(&mut self.functions);
        // The dequeues of each drain, and the row of each operation, by its place before.
        let mut rows_of: Vec<std::ops::Range<usize>> = vec![0..0; old.len()];
        let mut shift = 0;
        for (at, (index, is_completion, place)) in ends.iter().copied().enumerate() {
            let begin = index + shift;
            if is_completion {
                // In the order of the invocations, if they may have come in any order.
                let rows = rows_of[place].clone();
                let count = rows.len() as u64;
                for (number, row) in (0..).zip(&mut self.rows[rows]) {
                    let is_known = row.completed != Row::NEVER;
                    if !is_known || number + 1 == count {
                        row.completed = begin + number;
                    }
                }
                shift += count.saturating_sub(1);
                continue;
            }
            let row = &old[place];
            let first = self.rows.len();
            match &expansions[place] {
                Expansion::Itself => {
                    let name = was_named.name(row.function).expect("every operation has one");
                    let function = self.functions.number(name);
                    self.rows.push(row.at(function, begin, Row::NEVER));
                }
                Expansion::Failed => {
                    let function = self.functions.number(DEQUEUE);
                    self.rows.push(row.at(function, begin, Row::NEVER).not_refuted());
                }
                Expansion::Unknown(most) => {
                    let function = self.functions.number(DEQUEUE);
                    for number in 0..*most as u64 {
                        self.rows.push(row.at(function, begin + number, Row::NEVER));
                    }
                    shift += (*most as u64).saturating_sub(1);
                }
                Expansion::Known(elements) => {
                    let in_order = ends.get(at + 1).is_some_and(|(_, _, next)| *next == place);
                    let function = self.functions.number(DEQUEUE);
                    let nothing = OwnedDatum::Plain(Datum::Null);
                    let step = if in_order { 2 } else { 1 };
                    for (number, found) in (0..).zip(elements.iter().chain([&nothing])) {
                        let invoked = begin + step * number;
                        let completed = if in_order { invoked + 1 } else { Row::NEVER };
                        let output = self.texts.keep_datum(found.borrow());
                        let row = row.at(function, invoked, completed);
                        self.rows.push(row.with_output(output));
                    }
                    shift += step * elements.len() as u64;
                }
            }
            rows_of[place] = first..self.rows.len();
        }
    }

    fn expansion(&self, place: u32) -> Expansion {
        let drain = self.get(place);
        if drain.f() != DRAIN {
            return Expansion::Itself;
        }
        match (drain.outcome(), drain.output()) {
            (EventType::Fail, _) => Expansion::Failed,
            (EventType::Ok, Datum::Null) => Expansion::Known(Vec::new()),
            (EventType::Ok, found) => match found.as_list() {
                Some(found) => Expansion::Known(found.map(Datum::to_owned).collect()),
                None => Expansion::Itself,
            },
            _ => {
                let may_have_come_in = self.iter().filter(|it| {
                    it.f() == ENQUEUE && it.key() == drain.key() && it.outcome() != EventType::Fail
                });
                Expansion::Unknown(may_have_come_in.count())
            }
        }
    }
}
