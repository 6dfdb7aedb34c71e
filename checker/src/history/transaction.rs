//! Transactions as values of histories: lists of steps, `[["r","x",null],["w","y",1]]`.

use crate::history::Datum;
use crate::history::event_line::word;

/// The name of the operation.
pub(super) const NAME: &str = "txn";

/// The kind of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepKind {
    Read,
    Write,
    Append,
}

/// A step: its kind, the object, and the value read, written or appended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepParts<'a> {
    pub(crate) kind: StepKind,
    pub(crate) object: Datum<'a>,
    pub(crate) value: Datum<'a>,
}

/// Reads a step. Its name is that of Elle or of Knossos, in JSON with or without the colon of
/// Clojure's keywords. One without a value is a read that was not answered.
pub(crate) fn step(step: Datum<'_>) -> Option<StepParts<'_>> {
    let mut parts = step.as_list()?;
    let name = parts.next()?.as_text()?;
    let kind = match word(&name) {
        "r" | "read" => StepKind::Read,
        "w" | "write" => StepKind::Write,
        "append" => StepKind::Append,
        _ => return None,
    };
    let object = parts.next()?;
    let value = parts.next();
    if parts.next().is_some() || value.is_none() && kind != StepKind::Read {
        return None;
    }
    Some(StepParts { kind, object, value: value.unwrap_or(Datum::Null) })
}

/// Returns whether a value is a list of steps.
pub(super) fn is_transaction(value: Datum<'_>) -> bool {
    value.as_list().is_some_and(|mut steps| steps.all(|it| step(it).is_some()))
}

/// Returns whether a completion with this value can be that of an operation with this argument: it
/// repeats it, or says what the argument left open.
pub(super) fn answers(asked: Datum<'_>, answered: Datum<'_>) -> bool {
    if asked == answered || asked.is_null() {
        return true;
    }
    let (Some(asked), Some(answered)) = (asked.as_list(), answered.as_list()) else { return false };
    let [asked, answered] = [asked, answered].map(|it| it.map(step).collect::<Option<Vec<_>>>());
    let (Some(asked), Some(answered)) = (asked, answered) else { return false };
    asked.len() == answered.len()
        && asked.iter().zip(&answered).all(|(asked, answered)| {
            let is_open = asked.kind == StepKind::Read && asked.value.is_null();
            asked.kind == answered.kind
                && asked.object == answered.object
                && (is_open || asked.value == answered.value)
        })
}
