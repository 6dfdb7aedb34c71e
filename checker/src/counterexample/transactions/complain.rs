//! The complaint about transactions: a read that is wrong by itself, or a cycle.

use std::collections::BTreeSet;

use crate::counterexample::case::{Case, Complaint, ended, name};
use crate::counterexample::transactions::cycle;
use crate::counterexample::transactions::parsed::{Content, Kind, Parsed};
use crate::counterexample::words::{value, when};
use crate::history::{Datum, EventType};

/// Complains about transactions; none if nothing simple can be said.
pub(in crate::counterexample) fn complain(case: &Case<'_>) -> Option<Complaint> {
    let all: Vec<Parsed<'_>> = case.operations.iter().map(|it| Parsed::of(*it)).collect();
    let failed: Vec<Parsed<'_>> = case.failed.iter().map(|it| Parsed::of(*it)).collect();
    let known = |place: &usize| case.operations[*place].outcome() == EventType::Ok;
    let places: Vec<usize> = case.latest_first().into_iter().filter(known).collect();
    let each = |complain: &dyn Fn(usize) -> Option<Complaint>| {
        places.iter().find_map(|place| complain(*place))
    };
    each(&|place| strange(&all, &failed, place))
        .or_else(|| each(&|place| against_itself(&all, place)))
        .or_else(|| each(&|place| intermediate(&all, place)))
        .or_else(|| two_lists(case, &all, &places))
        .or_else(|| cycle::complain(case, &all))
}

/// Complains about the operations on a register, as transactions of one step or two.
pub(in crate::counterexample) fn complain_of_a_register(case: &Case<'_>) -> Option<Complaint> {
    let all: Vec<Parsed<'_>> =
        case.operations.iter().map(|it| Parsed::of_a_register(*it)).collect();
    cycle::complain(case, &all)
}

/// The value or the elements of a content.
fn parts<'a>(content: &Content<'a>) -> Vec<Datum<'a>> {
    match content {
        Content::Nothing => Vec::new(),
        Content::Value(value) => vec![*value],
        Content::List(elements) => elements.clone(),
    }
}

/// A read of what was never written, of what failed, or of what was only written later.
fn strange(all: &[Parsed<'_>], failed: &[Parsed<'_>], place: usize) -> Option<Complaint> {
    let seen = ended(all[place].operation);
    for (number, step) in all[place].steps.iter().enumerate() {
        if step.kind != Kind::Read {
            continue;
        }
        let object = &step.object;
        let content = Content::of(step.value);
        let wrote_the_list = |it: &Parsed<'_>| {
            it.changes(object).any(|it| it.kind == Kind::Write && it.value == step.value)
        };
        if matches!(content, Content::List(..)) && all.iter().any(wrote_the_list) {
            continue;
        }
        let earlier = &all[place].steps[..number];
        for part in parts(&content) {
            let own = earlier
                .iter()
                .any(|it| it.kind != Kind::Read && it.object == *object && it.value == part);
            let mut writers = all
                .iter()
                .enumerate()
                .filter(|(other, it)| *other != place && it.leaves(object, part));
            if own || writers.clone().any(|(_, it)| it.operation.invoked() < seen) {
                continue;
            }
            let (text, read) = (value(part), value(step.value));
            let begins = format!("which read {read} from {object}");
            let aborted =
                failed.iter().find(|it| it.leaves(object, part) && it.operation.invoked() < seen);
            let clause = if let Some(writer) = aborted {
                let verb = verb(writer, object);
                format!(
                    "{begins}, although the transaction of {} that {verb} {text} had failed (an aborted read, G1a)",
                    name(writer.operation)
                )
            } else if let Some((_, writer)) = writers.next() {
                format!(
                    "{begins}, although {text} was first written by process {}, which only began later",
                    writer.operation.process()
                )
            } else if all[place].leaves(object, part) {
                format!("{begins}, although it wrote {text} itself, and only after that (internal)")
            } else {
                format!("{begins}, although no operation ever wrote {text} to {object}")
            };
            return Some(Complaint::new(place, clause));
        }
    }
    None
}

fn verb(writer: &Parsed<'_>, object: &str) -> &'static str {
    match writer.changes(object).last().map(|it| it.kind) {
        Some(Kind::Append) => "appended",
        _ => "wrote",
    }
}

/// A transaction whose own steps contradict each other.
fn against_itself(all: &[Parsed<'_>], place: usize) -> Option<Complaint> {
    let steps = &all[place].steps;
    for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.kind == Kind::Read) {
        let object = &step.object;
        let mut since = Vec::new();
        let mut before = None;
        for earlier in steps[..number].iter().rev().filter(|it| it.object == *object) {
            match earlier.kind {
                Kind::Append => since.insert(0, earlier.value),
                Kind::Read | Kind::Write => {
                    before = Some(earlier);
                    break;
                }
            }
        }
        let seen = Content::of(step.value);
        let read = value(step.value);
        let own_end = || seen.elements().ends_with(&since[..]);
        let writer = |text: &mut String| {
            let by = seen.last().and_then(|last| {
                all.iter()
                    .enumerate()
                    .find(|(other, it)| *other != place && it.leaves(object, last))
            });
            if let Some((_, by)) = by {
                let verb = verb(by, object);
                text.push_str(&format!(
                    ", and {} {verb} {}",
                    name(by.operation),
                    value(seen.last().unwrap_or(Datum::Null))
                ));
            }
        };
        let did = match before.map(|it| (it.kind, Content::of(it.value), it.value)) {
            Some((kind, content, earlier)) => {
                let expected: Vec<Datum<'_>> =
                    content.elements().iter().chain(&since).copied().collect();
                let fits = match since.is_empty() {
                    true => content == seen,
                    false => seen.elements() == &expected[..],
                };
                let did = if kind == Kind::Write { "written" } else { "read" };
                match (fits, since.last()) {
                    (true, _) => continue,
                    (false, None) => format!("it had itself just {did} {} there", value(earlier)),
                    (false, Some(own)) => {
                        format!(
                            "it had itself {did} {} and appended {} there",
                            value(earlier),
                            value(*own)
                        )
                    }
                }
            }
            None if !since.is_empty() && !own_end() => {
                format!("it had itself appended {} there", value(since[since.len() - 1]))
            }
            None => continue,
        };
        let mut clause = format!("which read {read} from {object}, although {did}");
        writer(&mut clause);
        clause.push_str(" (internal)");
        return Some(Complaint::new(place, clause));
    }
    None
}

/// A read of what its writer went on to change, or of a part of what it appended.
fn intermediate(all: &[Parsed<'_>], place: usize) -> Option<Complaint> {
    for (object, content) in all[place].external_reads() {
        let Some(last) = content.last() else { continue };
        let mut writers =
            all.iter().enumerate().filter(|(other, it)| *other != place && it.leaves(object, last));
        if writers.clone().any(|(_, it)| it.leaves_last(object, last)) {
            continue;
        }
        let (other, writer) = writers.next()?;
        let next = writer.changes(object).skip_while(|it| it.value != last).nth(1)?;
        let went_on = match next.kind {
            Kind::Append => format!("appended {} as well", value(next.value)),
            _ => format!("overwrote it with {}", value(next.value)),
        };
        let clause = format!(
            "which read {} from {object}, although {}, which {} it, {went_on} in the same transaction (an intermediate read, G1b)",
            value(last),
            name(writer.operation),
            verb(writer, object)
        );
        return Some(Complaint::new(place, clause).shown_by(other));
    }
    None
}

/// Two lists of which neither continues the other, or one with an element twice.
fn two_lists(case: &Case<'_>, all: &[Parsed<'_>], places: &[usize]) -> Option<Complaint> {
    let lists: Vec<(usize, &str, Content<'_>)> = places
        .iter()
        .flat_map(|place| all[*place].external_reads().into_iter().map(|(o, c)| (*place, o, c)))
        .collect();
    for (place, object, content) in &lists {
        let overwritten = all.iter().any(|it| it.changes(object).any(|it| it.kind == Kind::Write));
        let mut seen = BTreeSet::new();
        for element in content.elements() {
            let appended =
                all.iter().flat_map(|it| it.changes(object)).filter(|it| it.value == *element);
            if !seen.insert(element.to_string()) && !overwritten && appended.count() == 1 {
                let clause = format!(
                    "which read a list from {object} in which {} stands twice, although it was appended only once",
                    value(*element)
                );
                return Some(Complaint::new(*place, clause));
            }
        }
        if overwritten {
            continue;
        }
        for (other, same, theirs) in &lists {
            if other == place || same != object {
                continue;
            }
            let (one, two) = (content.elements(), theirs.elements());
            let Some(at) = one.iter().zip(two).position(|(one, two)| one != two) else { continue };
            let clause = format!(
                "which read {} in {object} where process {} read {} {}, so neither list continues the other (incompatible orders)",
                value(one[at]),
                case.operations[*other].process(),
                value(two[at]),
                when(case.operations[*other])
            );
            return Some(Complaint::new(*place, clause).shown_by(*other));
        }
    }
    None
}
