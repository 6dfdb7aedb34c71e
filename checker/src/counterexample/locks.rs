//! Complaints about who held a lock.

use std::cmp::Reverse;
use std::collections::BTreeMap;

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
        .or_else(|| out_of_balance(case, &places))
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

/// More acquisitions in a time than releases that belong to them, or the other way round: between
/// two of them the lock changes hands.
fn out_of_balance(case: &Case<'_>, places: &[usize]) -> Option<Complaint> {
    for last in places {
        for first in places
            .iter()
            .filter(|first| case.operations[**first].invoked() <= case.operations[*last].invoked())
        {
            for [f, other] in [["acquire", "release"], ["release", "acquire"]] {
                let complaint = Span { case, first: *first, last: *last }.complain(f, other);
                if complaint.is_some() {
                    return complaint;
                }
            }
        }
    }
    None
}

/// The time from the invocation of one operation to the completion of another.
struct Span<'a> {
    case: &'a Case<'a>,
    first: usize,
    last: usize,
}

impl<'a> Span<'a> {
    /// The operations of a name that surely lie in it, or that may.
    fn called(&self, f: &str, surely: bool) -> Vec<usize> {
        let Span { case, first, last } = *self;
        let (from, to) = (case.operations[first].invoked(), case.ended(last));
        let lies = |(place, it): &(usize, OperationRef<'_>)| match surely {
            true => done(*it, f) && it.invoked() >= from && case.ended(*place) <= to,
            false => {
                it.outcome() != EventType::Fail && case.ended(*place) > from && it.invoked() < to
            }
        };
        case.called(f).filter(lies).map(|(place, _)| place).collect()
    }

    /// Complains if more of `f` surely lie in it than of `other` may, of the same owners.
    fn complain(&self, f: &str, other: &str) -> Option<Complaint> {
        let Span { case, first, last } = *self;
        let surely = self.called(f, true);
        let may: Vec<usize> = self.called(other, false);
        // The last acquisition needs no release, nor the first release an acquisition; unless one
        // of the others stands at that end.
        let at_end = if f == "acquire" { last } else { first };
        let bounded = done(case.operations[at_end], other)
            && surely.iter().all(|place| match f {
                "acquire" => case.precedes(*place, at_end),
                _ => case.precedes(at_end, *place),
            });
        let mut owners: BTreeMap<String, [usize; 2]> = BTreeMap::new();
        for (number, places) in [&surely, &may].into_iter().enumerate() {
            for place in places {
                owners.entry(owner(case.operations[*place])).or_default()[number] += 1;
            }
        }
        let without: usize = owners.values().map(|[f, other]| f.saturating_sub(*other)).sum();
        if without <= usize::from(!bounded) {
            return None;
        }
        let names = |places: &[usize]| -> Vec<String> {
            let of = |place: &usize| {
                let operation = case.operations[*place];
                format!("as {} by {}", owner(operation), name(operation))
            };
            places.iter().map(of).collect()
        };
        // Those of the owners who lack one.
        let lacks = |place: &usize| {
            owners.get(&owner(case.operations[*place])).is_some_and(|[f, other]| f > other)
        };
        let surely: Vec<usize> = surely.into_iter().filter(lacks).collect();
        let may: Vec<usize> = may.into_iter().filter(lacks).collect();
        let subject = *surely.iter().max_by_key(|place| case.ended(**place))?;
        let others: Vec<usize> = surely.iter().copied().filter(|it| *it != subject).collect();
        let [does, does_other] = [f, other].map(|f| format!("{f}d"));
        let mut clause = "although ".to_string();
        match &others[..] {
            [] => clause.push_str("in that time "),
            others => clause.push_str(&format!(
                "it was {does} {} as well, and in that time ",
                names(others).join(" and ")
            )),
        }
        match &may[..] {
            [] => clause.push_str(&format!("it was not {does_other} by any of these owners")),
            may => clause.push_str(&format!(
                "it can have been {does_other} by these owners only {}",
                names(may).join(" and ")
            )),
        }
        let mut complaint = Complaint::new(subject, clause);
        if bounded {
            complaint.clause.push_str(&format!(
                "; it was {does_other} by {} {}",
                case.name(at_end),
                if f == "acquire" { "after that" } else { "before that" }
            ));
            complaint = complaint.shown_by(at_end);
        }
        Some(others.into_iter().chain(may).fold(complaint, Complaint::shown_by))
    }
}
