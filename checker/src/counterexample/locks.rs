//! Complaints about who held a lock.

use std::cmp::Reverse;

use crate::counterexample::case::{Case, Complaint, name};
use crate::counterexample::words::{value, when};
use crate::history::{Datum, EventType, OperationRef};

/// So many of the latest operations before are looked at.
const MOST_BEFORE: usize = 64;

/// The owner in whose name an operation acts on a lock.
fn owner(operation: OperationRef<'_>) -> String {
    match operation.input() {
        Datum::Null => format!("process {}", operation.process()),
        input => value(input),
    }
}

fn token(operation: OperationRef<'_>) -> Option<i64> {
    operation.output().as_integer().filter(|_| operation.output() != operation.input())
}

fn done(operation: OperationRef<'_>, f: &str) -> bool {
    operation.f() == f && operation.outcome() == EventType::Ok
}

/// Complains about an acquisition or a release.
pub(super) fn complain(case: &Case<'_>) -> Option<Complaint> {
    let places = case.latest_first();
    about_tokens(case, &places)
        .or_else(|| places.iter().find_map(|place| about(case, *place)))
        .or_else(|| both_hold(case, &places))
}

/// A token that is not greater than that of an acquisition before.
fn about_tokens(case: &Case<'_>, places: &[usize]) -> Option<Complaint> {
    let with_tokens: Vec<(usize, OperationRef<'_>, i64)> = places
        .iter()
        .map(|place| (*place, case.operations[*place]))
        .filter(|(_, it)| done(*it, "acquire"))
        .filter_map(|(place, it)| Some((place, it, token(it)?)))
        .collect();
    for (place, _, own) in &with_tokens {
        for (other, it, given) in &with_tokens {
            let by = name(*it);
            if place == other {
                continue;
            }
            let clause = if own == given {
                format!("although {by} had been given the same token")
            } else if own < given && case.precedes(*other, *place) {
                format!("although {by} had been given the greater token {given} before")
            } else {
                continue;
            };
            return Some(Complaint::new(*place, clause).shown_by(*other));
        }
    }
    None
}

/// Something that may have happened in the name of an owner between two operations.
fn may_lie_between(case: &Case<'_>, f: &str, of: &str, from: usize, to: usize) -> bool {
    case.called(f).any(|(place, it)| {
        place != from
            && place != to
            && it.outcome() != EventType::Fail
            && owner(it) == of
            && case.ended(place) > case.operations[from].invoked()
            && it.invoked() < case.ended(to)
    })
}

fn about(case: &Case<'_>, place: usize) -> Option<Complaint> {
    let operation = case.operations[place];
    let own = owner(operation);
    let before = |f: &'static str| {
        let mut before: Vec<usize> = case
            .called(f)
            .filter(|(other, it)| done(*it, f) && case.precedes(*other, place))
            .map(|(other, _)| other)
            .collect();
        before.sort_by_key(|other| Reverse(case.ended(*other)));
        before.truncate(MOST_BEFORE);
        before
    };
    if done(operation, "acquire") {
        let holder = before("acquire").into_iter().find(|held| {
            !may_lie_between(case, "release", &owner(case.operations[*held]), *held, place)
        })?;
        let clause = format!(
            "although {} had acquired it and {} had not released it since",
            case.name(holder),
            owner(case.operations[holder])
        );
        return Some(Complaint::new(place, clause).shown_by(holder));
    }
    if !done(operation, "release") {
        return about_a_refusal(case, place);
    }
    let mut acquisitions = case
        .called("acquire")
        .filter(|(_, it)| owner(*it) == own && it.outcome() != EventType::Fail);
    if case.initial.is_null() && !acquisitions.any(|(_, it)| it.invoked() < case.ended(place)) {
        let refused = case.failed.iter().rev().find(|it| {
            it.f() == "acquire" && owner(**it) == own && it.invoked() < operation.invoked()
        });
        let clause = match refused {
            Some(refused) => format!(
                "although {own} had never acquired it: the acquisition by {} had been refused",
                name(*refused)
            ),
            None => format!("although {own} had never acquired it"),
        };
        return Some(Complaint::new(place, clause));
    }
    let free = |other: &usize| !may_lie_between(case, "acquire", &own, *other, place);
    if let Some(released) = before("release").into_iter().find(free) {
        let clause = format!(
            "although {} had released it and {own} had not acquired it since",
            case.name(released)
        );
        return Some(Complaint::new(place, clause).shown_by(released));
    }
    let other = before("acquire")
        .into_iter()
        .find(|other| owner(case.operations[*other]) != own && free(other))?;
    let clause = format!(
        "although {} had acquired it and {own} had not acquired it since",
        case.name(other)
    );
    Some(Complaint::new(place, clause).shown_by(other))
}

/// Refused although nothing stood against it.
fn about_a_refusal(case: &Case<'_>, place: usize) -> Option<Complaint> {
    let operation = case.operations[place];
    let refused = operation.was_refuted() && operation.f() == "acquire";
    let released =
        case.shown.iter().copied().find(|other| {
            done(case.operations[*other], "release") && case.precedes(*other, place)
        })?;
    refused.then(|| {
        let clause = format!(
            "although {} had released it and none had acquired it since",
            case.name(released)
        );
        Complaint::new(place, clause).shown_by(released)
    })
}

/// Two acquisitions that overlap, with no release between them.
fn both_hold(case: &Case<'_>, places: &[usize]) -> Option<Complaint> {
    let mut acquisitions = places.iter().filter(|it| case.operations[**it].f() == "acquire");
    let (place, other) = (*acquisitions.next()?, *acquisitions.next()?);
    let [own, its] = [place, other].map(|it| owner(case.operations[it]));
    // In neither order of the two.
    if may_lie_between(case, "release", &its, other, place)
        || may_lie_between(case, "release", &own, place, other)
    {
        return None;
    }
    let released = case
        .called("release")
        .filter(|(_, it)| it.outcome() != EventType::Fail && owner(*it) == its)
        .filter(|(release, _)| case.ended(*release) > case.operations[other].invoked())
        .min_by_key(|(_, it)| it.invoked());
    let until = match released {
        Some((_, release)) => format!("released it only later, {}", when(release)),
        None => "never released it".to_string(),
    };
    let clause = format!("although {} had acquired it and {its} {until}", case.name(other));
    Some(Complaint::new(place, clause).shown_by(other))
}
