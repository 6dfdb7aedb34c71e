//! Operations in words.

use crate::history::{Datum, EventType, OperationRef, StepKind, transaction_step};
use crate::model::register::swapped;
use crate::words::at;
pub(super) use crate::words::value;

/// An operation with its process: `process 7 read 12 from k3`.
pub(super) fn in_words(operation: OperationRef<'_>) -> String {
    let of = |preposition: &str| match operation.key() {
        Some(key) => format!(" {preposition} {key}"),
        None => String::new(),
    };
    let process = operation.process();
    let (input, output) = (value(operation.input()), value(operation.output()));
    let maybe = if operation.outcome() == EventType::Info { "may have " } else { "" };
    match operation.f() {
        "read" | "get" => format!("process {process} read {output}{}", of("from")),
        "write" | "put" => {
            let verb = if maybe.is_empty() { "wrote" } else { "written" };
            format!("process {process} {maybe}{verb} {input}{}", of("to"))
        }
        "delete" => format!("process {process} {maybe}deleted{}", of("the value of")),
        "append" => format!("process {process} {maybe}appended {input}{}", of("to")),
        "add" => format!("process {process} {maybe}added {input}{}", of("to")),
        "cas" => {
            let object = operation.key().unwrap_or("the value");
            let [from, to] = swapped(operation.input()).unwrap_or([Datum::Null; 2]).map(value);
            format!("process {process} {maybe}changed {object} from {from} to {to}")
        }
        "enqueue" => format!("process {process} {maybe}enqueued {input}{}", of("in")),
        "dequeue" if !maybe.is_empty() => {
            format!("process {process} may have dequeued{}", of("from"))
        }
        "dequeue" if operation.output().is_null() => match operation.key() {
            Some(key) => format!("process {process} found {key} empty"),
            None => format!("process {process} found the queue empty"),
        },
        "dequeue" => format!("process {process} dequeued {output}{}", of("from")),
        "acquire" | "release" => {
            let (verb, lock) = (operation.f(), operation.key().unwrap_or("the lock"));
            let owner = match operation.input() {
                Datum::Null => String::new(),
                _ => format!(" as {input}"),
            };
            let token = match operation.output().as_integer() {
                Some(token) if verb == "acquire" && operation.output() != operation.input() => {
                    format!(" with token {token}")
                }
                _ => String::new(),
            };
            let refused = if operation.was_refuted() { " in vain" } else { "" };
            format!("process {process} {maybe}{verb}d {lock}{owner}{token}{refused}")
        }
        "transfer" => {
            let part = |name| operation.input().member(name).map(value).unwrap_or_default();
            let [from, to, amount] = ["from", "to", "amount"].map(part);
            format!("process {process} {maybe}moved {amount} from {from} to {to}{}", of("in"))
        }
        "txn" => {
            format!("process {process} {maybe}{} in one transaction{}", steps(operation), of("on"))
        }
        other => format!("process {process} did {other} {input}{}", of("on")),
    }
}

/// An operation with its time: `process 7 read 12 from k3 at 1.200 s`.
pub(crate) fn told(operation: OperationRef<'_>) -> String {
    format!("{} {}", in_words(operation), when(operation))
}

/// The effects of a transaction, step by step: `read 1 from x and wrote 2 to y`.
fn steps(transaction: OperationRef<'_>) -> String {
    let known = transaction.outcome() == EventType::Ok;
    let list = if known { transaction.output() } else { transaction.input() };
    let steps: Vec<String> =
        list.as_list().into_iter().flatten().map(|it| step(it, known)).collect();
    match &steps[..] {
        [] => "did nothing".to_string(),
        [step] => step.clone(),
        [steps @ .., last] => format!("{} and {last}", steps.join(", ")),
    }
}

fn step(step: Datum<'_>, known: bool) -> String {
    let Some(parts) = transaction_step(step) else { return format!("did {step}") };
    let content = value(parts.value);
    let object = parts.object.as_name().unwrap_or("nothing".into());
    match parts.kind {
        StepKind::Read if known => format!("read {content} from {object}"),
        StepKind::Read => format!("read {object}"),
        StepKind::Write if known => format!("wrote {content} to {object}"),
        StepKind::Write => format!("written {content} to {object}"),
        StepKind::Append => format!("appended {content} to {object}"),
    }
}

/// When an operation completed, or was invoked if it never did: `at 41.203 s`. Histories without
/// times say `at event 17`.
pub(super) fn when(operation: OperationRef<'_>) -> String {
    match (operation.end(), operation.completed()) {
        (Some(time), Some(index)) => at(time, index),
        _ => at(operation.start(), operation.invoked()),
    }
}
