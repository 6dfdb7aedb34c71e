//! The elements of what was read: of a set, of a list, or of a text that is appended to.

use std::collections::{BTreeSet, HashSet};

use crate::history::{Datum, EventType, OperationRef};

/// The pieces that texts are made of.
pub(super) struct Contents {
    pieces: HashSet<String>,
    /// In bytes, the longest first.
    lengths: Vec<usize>,
}

/// Returns whether an operation puts an element somewhere.
pub(super) fn is_change(operation: OperationRef<'_>) -> bool {
    matches!(operation.f(), "append" | "put" | "add")
}

/// Returns whether an operation showed all that was there.
pub(super) fn is_read(operation: OperationRef<'_>) -> bool {
    matches!(operation.f(), "read" | "get") && operation.outcome() == EventType::Ok
}

impl Contents {
    /// Contents that were made of these values.
    pub(super) fn made_of<'a>(values: impl Iterator<Item = Datum<'a>>) -> Contents {
        let pieces = values.filter_map(Datum::as_text).map(String::from);
        let pieces: HashSet<String> = pieces.filter(|piece| !piece.is_empty()).collect();
        let lengths: BTreeSet<usize> = pieces.iter().map(String::len).collect();
        Contents { pieces, lengths: lengths.into_iter().rev().collect() }
    }

    /// The elements of a value; a text is taken apart into what was put and appended.
    pub(super) fn elements(&self, content: Datum<'_>) -> Vec<String> {
        if let Some(elements) = content.as_list() {
            return elements.map(|it| it.to_string()).collect();
        }
        let Some(text) = content.as_text() else { return Vec::new() };
        let (mut rest, mut elements, mut strange) = (&*text, Vec::new(), String::new());
        while let Some(next) = rest.chars().next() {
            let mut beginnings = self.lengths.iter().filter_map(|length| rest.get(..*length));
            match beginnings.find(|piece| self.pieces.contains(*piece)) {
                Some(piece) => {
                    if !strange.is_empty() {
                        elements.push(quoted(&std::mem::take(&mut strange)));
                    }
                    elements.push(quoted(piece));
                    rest = &rest[piece.len()..];
                }
                None => {
                    strange.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        if !strange.is_empty() {
            elements.push(quoted(&strange));
        }
        elements
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
