//! A counterexample in one sentence.

use crate::counterexample::case::Case;
use crate::counterexample::core::Core;
use crate::counterexample::reason::Reason;
use crate::counterexample::words::{told, value};
use crate::counterexample::{banks, collections, locks, registers, sequences, sums, transactions};
use crate::history::EventType;
use crate::model::{Collection, Transition};
use crate::partition::Partition;

/// The explanation of a counterexample. Numbers and remarks are those of the shown operations.
pub(super) struct Explanation {
    pub(super) sentence: String,
    pub(super) culprits: Vec<usize>,
    pub(super) remarks: Vec<String>,
    /// The places of operations that the sentence is about, shown or not.
    pub(super) named: Vec<usize>,
}

/// Says what is wrong. Every clause of the sentence is checked against the whole partition, not
/// only against the operations shown.
pub(super) fn explain(partition: &Partition<'_>, core: &Core, shown: &[usize]) -> Explanation {
    let case = Case::of(partition, shown, core.last);
    let reason = complain(partition, &case).unwrap_or_else(|| contradiction(&case));
    let subject = partition.operation(reason.subject);
    let mut sentence = format!("{}, {}", told(subject), reason.clause);
    if core.since.is_some() && reason.is_vague {
        sentence.push_str(", whatever was there before");
    }
    let cut = "fewer operations may show the same; the search for them was cut";
    if !core.minimal && reason.is_vague {
        sentence.push_str(&format!(" ({cut})"));
    }
    let place_of = |operation: usize| shown.iter().position(|place| *place == operation);
    let remark = |place: &usize| {
        let remark = remark(*place, &reason, partition);
        // A sentence that says what is wrong is true however many are shown beside it.
        match *place == reason.subject && !core.minimal && !reason.is_vague {
            true => format!("{remark} ({cut})"),
            false => remark,
        }
    };
    let remarks = shown.iter().map(remark).collect();
    let mut culprits: Vec<usize> = reason.culprits.iter().copied().filter_map(place_of).collect();
    culprits.sort_unstable();
    culprits.dedup();
    let mut named = reason.named;
    named.push(reason.subject);
    Explanation { sentence, culprits, remarks, named }
}

/// Complains in the terms of the model that judged; none if it has no such terms, or nothing simple
/// can be said.
fn complain(partition: &Partition<'_>, case: &Case<'_>) -> Option<Reason> {
    let description = partition.model.0.description();
    let complaint = match (description.collection, description.name) {
        (Some(Collection::List), _) | (None, "kv-append") => sequences::complain(case),
        (Some(Collection::Set), _) => collections::about_a_set(case),
        (Some(Collection::Queue), _) => collections::about_a_queue(case),
        (None, "counter") => sums::complain(case),
        (None, "mutex" | "fenced-lock") => locks::complain(case),
        (None, "txn") => transactions::complain(case),
        (None, "bank") => banks::complain(case, false),
        (None, "overdraft-bank") => banks::complain(case, true),
        (None, _) => None,
    };
    complaint
        .map(|it| Reason::of(it, partition, &case.operations))
        .or_else(|| registers::complain(partition, case))
}

/// A contradiction that has no better name.
fn contradiction(case: &Case<'_>) -> Reason {
    let clause = match &case.latest_first()[1..] {
        [] => "which no order of the operations explains".to_string(),
        [other] => {
            format!("which contradicts that {}", told(case.operations[*other]))
        }
        others => format!(
            "and no order of it and {} other operations explains what they answered",
            others.len()
        ),
    };
    let remark = "with this, no order is left".to_string();
    Reason { is_vague: true, ..Reason::new(case.last, clause, remark) }
}

/// The remark beside a shown operation; empty when its values say it all.
fn remark(place: usize, reason: &Reason, partition: &Partition<'_>) -> String {
    let mut remarks =
        reason.remarks.iter().filter(|(of, remark)| *of == place && !remark.is_empty());
    if let Some((_, remark)) = remarks.next() {
        return remark.clone();
    }
    let transition = |place: usize| -> Option<Transition> { partition.object.transition(place) };
    let required = transition(reason.subject).and_then(|it| it.requires);
    let leaves = transition(place).and_then(|it| it.leaves);
    match leaves.filter(|left| Some(*left) == required) {
        None => String::new(),
        Some(left) => {
            let from = value(partition.object.values().value(left));
            match partition.operation(place).outcome() {
                EventType::Info => format!("{from} may come from here"),
                _ => format!("{from} comes from here"),
            }
        }
    }
}
