//! Complaints about who held a lock.

use crate::counterexample::collections::Complaint;
use crate::counterexample::words::{value, when};
use crate::history::{EventType, OperationRef};
use crate::words::at;

/// Complains about an operation on a lock, with the place of each of `others`, which contradict it.
/// `all` are the operations on the lock. None if nothing simple can be said.
pub(super) fn complain(
    last: OperationRef<'_>,
    others: &[(usize, OperationRef<'_>)],
    all: &[OperationRef<'_>],
) -> Option<Complaint> {
    match last.f() {
        "release" => Some(about_a_release(last, others)),
        "acquire" => others.iter().find_map(|(place, other)| {
            let clause = about_two_holders(last, *other, all)?;
            Some(Complaint { clause, shown_by: Some(*place) })
        }),
        _ => None,
    }
}

fn about_a_release(last: OperationRef<'_>, others: &[(usize, OperationRef<'_>)]) -> Complaint {
    let owner = match last.input().is_null() {
        true => "its process".to_string(),
        false => value(last.input()),
    };
    let is_own = |other: &&(usize, OperationRef<'_>)| {
        other.1.f() == "release" && other.1.input() == last.input()
    };
    match others.iter().find(is_own) {
        Some((place, other)) => Complaint {
            clause: format!(
                "although it had been released {} and {owner} had not acquired it since",
                when(*other)
            ),
            shown_by: Some(*place),
        },
        None => {
            Complaint { clause: format!("but {owner} did not hold it by then"), shown_by: None }
        }
    }
}

fn about_two_holders(
    last: OperationRef<'_>,
    other: OperationRef<'_>,
    all: &[OperationRef<'_>],
) -> Option<String> {
    let completed = last.completed()?;
    other.completed().filter(|at| *at < completed)?;
    if other.f() != "acquire" || other.outcome() != EventType::Ok {
        return None;
    }
    let process = other.process();
    if let (Some(token), Some(other_token)) = tokens(last, other) {
        if token == other_token {
            return Some(format!("although process {process} had got that token {}", when(other)));
        }
        if token < other_token {
            return Some(format!(
                "although process {process} had got the higher token {other_token} {}",
                when(other)
            ));
        }
    }
    let is_release = |it: &&OperationRef<'_>| {
        it.f() == "release" && it.input() == other.input() && it.outcome() != EventType::Fail
    };
    // Owners may be shared: one that was going on when the lock was acquired counts too.
    let may_follow = |it: &&OperationRef<'_>| it.completed().is_none_or(|at| at > other.invoked());
    let releases = || all.iter().filter(is_release).filter(may_follow);
    let held = format!("although process {process} had acquired it {}", when(other));
    match releases().min_by_key(|it| it.invoked()) {
        None => Some(format!("{held} and not released it")),
        Some(release) if release.invoked() > completed => {
            let from = at(release.start(), release.invoked());
            Some(format!("{held} and began to release it only {from}"))
        }
        Some(_) => None,
    }
}

/// The tokens of two acquisitions, if they are such as come with one.
fn tokens(one: OperationRef<'_>, other: OperationRef<'_>) -> (Option<i64>, Option<i64>) {
    let token =
        |it: OperationRef<'_>| it.output().as_integer().filter(|_| it.output() != it.input());
    (token(one), token(other))
}
