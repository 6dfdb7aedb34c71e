//! Histories of other recorders: what they leave out, and what they say in another way.

use crate::history::event_line::LooseEvent;
use crate::history::pairing::Rules;
use crate::history::reading::in_file;
use crate::history::setting::Setting;
use crate::history::transaction::{self, is_transaction};
use crate::history::{
    Datum, EventType, Format, OperationRef, Operations, Pairing, ReadError, Reading,
};

/// Takes the events of such a history.
pub(super) struct Foreign {
    pairing: Pairing,
    notes: Vec<String>,
}

impl Default for Foreign {
    fn default() -> Foreign {
        Foreign { pairing: Pairing::with(Rules::Tolerant), notes: Vec::new() }
    }
}

impl Foreign {
    pub(super) fn push(&mut self, event: &LooseEvent, line: usize) -> Result<(), ReadError> {
        self.pairing.push(event.parts(), line).map_err(in_file)
    }

    /// Notes that the file ends in the middle of the event on this line.
    pub(super) fn cut_off(&mut self, line: usize) {
        self.notes.push(format!("the file ends within line {line}; what is cut off was left out"));
    }

    /// Notes something else.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn finish(mut self, format: Format) -> Result<Reading, ReadError> {
        let setting = Setting::of(&self.pairing)?;
        if let Some(line) = self.pairing.repeated_index() {
            self.notes.push(format!(
                "the indices repeat from line {line} on; the order of the file counts"
            ));
        }
        if let Some(line) = self.pairing.revived_process() {
            self.notes.push(format!(
                "from line {line} on, processes act again after operations of unknown outcome, \
                 which stay open"
            ));
        }
        let mut operations = self.pairing.finish();
        if are_independent_keys(&operations) {
            operations.split_pairs();
            self.notes.push(
                "every value is a pair, as jepsen.independent writes them: judged as [key value]"
                    .to_string(),
            );
        }
        if are_transactions(&operations) {
            operations.rename_all(transaction::NAME);
            self.notes.push(
                "every value is a transaction: what they are called does not count".to_string(),
            );
        }
        operations.expand_drains();
        Ok(Reading { operations, format, notes: self.notes, setting })
    }
}

/// `jepsen.independent` makes every value a pair of key and value. Whether that is certain: every
/// value of a client is a pair, reads ask with `[key nil]` and cas with `[key [from to]]`, so that
/// no cas of a single register is mistaken for a write of a key.
fn are_independent_keys(operations: &Operations) -> bool {
    let is_pair = |operation: OperationRef<'_>| {
        operation.key().is_none()
            && operation.input().as_pair().is_some()
            && (operation.outcome() != EventType::Ok || operation.output().as_pair().is_some())
    };
    let shows_a_key = |operation: OperationRef<'_>| {
        operation.input().as_pair().is_some_and(|[_, value]| match operation.f() {
            "read" => value.is_null(),
            "cas" => value.as_list().is_some() || value.as_members().is_some(),
            _ => false,
        })
    };
    operations.iter().all(is_pair)
        && operations.iter().filter(|operation| operation.f() == "cas").all(shows_a_key)
        && operations.iter().any(shows_a_key)
}

/// Some tests of Jepsen's call transactions that only read `read`, and others `write`. Returns
/// whether every operation is one, no matter what it is called.
fn are_transactions(operations: &Operations) -> bool {
    let is_called_otherwise = operations.functions().any(|function| function != transaction::NAME);
    let is_one = |value: Datum<'_>| {
        is_transaction(value) && value.as_list().is_some_and(|mut steps| steps.next().is_some())
    };
    is_called_otherwise
        && operations.functions().all(|it| matches!(it, "read" | "write" | transaction::NAME))
        && operations.iter().all(|operation| is_one(operation.input()))
}
