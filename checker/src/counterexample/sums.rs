//! Complaints about the sum that was read of a counter.

use crate::counterexample::words::{value, when};
use crate::history::{Datum, EventType, OperationRef};

/// The number of additions that a sentence lists.
const LISTED: usize = 8;

/// Complains about a read of a counter that held `initial` at first. `others` contradict it; `all`
/// are the operations on the counter. None if it is no read.
pub(super) fn complain(
    read: OperationRef<'_>,
    others: &[OperationRef<'_>],
    all: &[OperationRef<'_>],
    initial: Datum<'_>,
) -> Option<String> {
    if read.f() != "read" {
        return None;
    }
    let (sum, initial) = (amount(read.output()), amount(initial));
    let by_then = |it: &&OperationRef<'_>| read.completed().is_some_and(|at| it.invoked() < at);
    let begun: Vec<i128> = all
        .iter()
        .filter(|it| it.f() == "add" && it.outcome() != EventType::Fail)
        .filter(by_then)
        .map(|it| amount(it.input()))
        .collect();
    let most = initial + begun.iter().filter(|it| **it > 0).sum::<i128>();
    let least = initial + begun.iter().filter(|it| **it < 0).sum::<i128>();
    if sum > most {
        return Some(format!("but all additions that had begun by then make {most} at most"));
    }
    if sum < least {
        return Some(format!("but all additions that had begun by then make {least} at least"));
    }
    let listed = match begun.len() {
        0 => String::new(),
        count if count <= LISTED => {
            let amounts: Vec<String> = begun.iter().map(ToString::to_string).collect();
            format!(" ({})", amounts.join(", "))
        }
        count => format!(" ({count})"),
    };
    if others.is_empty() {
        return Some(format!(
            "but no choice of the additions that had begun by then{listed} makes {sum}"
        ));
    }
    let named: Vec<String> = others.iter().map(|it| named(*it, read)).collect();
    let named = named.join(" and ");
    let is_certain = |it: &&OperationRef<'_>| {
        it.f() == "add" && it.completed().is_some_and(|at| at < read.invoked())
    };
    if others.iter().all(|it| is_certain(&it)) {
        let certain: i128 = others.iter().map(|it| amount(it.input())).sum();
        let taken: i128 = others.iter().map(|it| amount(it.input())).filter(|it| *it < 0).sum();
        // What is taken away by the others of them is a part of both.
        let at_least = certain - taken + least;
        if sum < at_least {
            return Some(format!("although {named}, which makes {at_least} at least"));
        }
        return Some(format!(
            "although {named}: no choice of the additions that had begun by then{listed} has that \
             in it and makes {sum}"
        ));
    }
    Some(format!(
        "although {named}: no choice of the additions that had begun by then{listed} leads to both"
    ))
}

/// `process 7 had read 12 at 41.203 s`, without `had` if it was not over when the read began.
fn named(operation: OperationRef<'_>, read: OperationRef<'_>) -> String {
    let (process, when) = (operation.process(), when(operation));
    let is_over = operation.completed().is_some_and(|at| at < read.invoked());
    let had = if is_over { "had " } else { "" };
    match operation.f() {
        "read" => format!("process {process} {had}read {} {when}", value(operation.output())),
        _ => format!("process {process} {had}added {} {when}", value(operation.input())),
    }
}

/// A whole number; nil is 0.
fn amount(value: Datum<'_>) -> i128 {
    value.as_integer().unwrap_or_default().into()
}
