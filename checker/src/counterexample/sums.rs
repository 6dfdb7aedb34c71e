//! Complaints about what was read of a counter.

use std::collections::BTreeSet;

use crate::counterexample::case::{Case, Complaint, listed};
use crate::counterexample::words::{value, when};
use crate::history::{EventType, OperationRef};

/// Of more sums than this nothing is said.
const MOST_SUMS: usize = 20_000;

/// Of more additions that are not certain neither.
const MOST_POSSIBLE: usize = 256;

/// Sums that are said one by one.
const SHOWN_SUMS: usize = 6;

/// The additions that may lie between two moments, or between the beginning and a read.
struct Between<'a> {
    /// Those that surely do.
    certain: Vec<OperationRef<'a>>,
    /// Those that may.
    possible: Vec<OperationRef<'a>>,
}

impl<'a> Between<'a> {
    /// Those between the read at `from`, or the beginning, and the read at `to`.
    fn of(case: &Case<'a>, from: Option<usize>, to: usize) -> Between<'a> {
        let (mut certain, mut possible) = (Vec::new(), Vec::new());
        for (place, addition) in case.called("add") {
            let surely_before =
                from.is_some_and(|from| case.ended(place) < case.operations[from].invoked());
            if surely_before || addition.invoked() > case.ended(to) {
                continue;
            }
            let surely_after = from.is_none_or(|from| addition.invoked() > case.ended(from));
            match surely_after && case.precedes(place, to) {
                true => certain.push(addition),
                false => possible.push(addition),
            }
        }
        Between { certain, possible }
    }

    fn certain_sum(&self) -> Option<i64> {
        self.certain.iter().try_fold(0_i64, |sum, it| sum.checked_add(it.input().as_integer()?))
    }

    /// All that they can add up to.
    fn sums(&self) -> Option<BTreeSet<i64>> {
        if self.possible.len() > MOST_POSSIBLE {
            return None;
        }
        let mut sums = BTreeSet::from([self.certain_sum()?]);
        for addition in &self.possible {
            let amount = addition.input().as_integer()?;
            let more: Option<Vec<i64>> = sums.iter().map(|sum| sum.checked_add(amount)).collect();
            sums.extend(more?);
            if sums.len() > MOST_SUMS {
                return None;
            }
        }
        Some(sums)
    }
}

/// Complains about a read of a sum.
pub(super) fn complain(case: &Case<'_>) -> Option<Complaint> {
    let read = |place: &usize| {
        let operation = case.operations[*place];
        let known = operation.f() == "read" && operation.outcome() == EventType::Ok;
        known.then(|| (*place, operation.output().as_integer().unwrap_or(0)))
    };
    let reads: Vec<(usize, i64)> = case.latest_first().iter().filter_map(read).collect();
    let initial = case.initial.as_integer().unwrap_or(0);
    reads
        .iter()
        .find_map(|(place, seen)| about_one(case, *place, seen.checked_sub(initial)?))
        .or_else(|| about_two(case, &reads))
        .or_else(|| about_all(case, &reads))
}

/// A read that no choice of additions explains.
fn about_one(case: &Case<'_>, place: usize, seen: i64) -> Option<Complaint> {
    let between = Between::of(case, None, place);
    let sums = between.sums()?;
    if sums.contains(&seen) {
        return None;
    }
    let acknowledged = between.certain_sum()?;
    let mut clause =
        format!("although the additions that had been acknowledged make {acknowledged}");
    match between.possible.is_empty() {
        true => clause.push_str(" and no other had begun"),
        false => clause.push_str(&format!(
            " and only {} may have been added besides{}",
            listed(between.possible.iter().copied()),
            outcomes(&sums)
        )),
    }
    let off_by = |sign: i64, among: &[OperationRef<'_>]| {
        let mut fits = among.iter().copied().filter(|it| {
            let amount = it.input().as_integer();
            let right = amount.and_then(|amount| seen.checked_add(sign * amount));
            amount != Some(0) && right.is_some_and(|right| sums.contains(&right))
        });
        let first = fits.next()?;
        let others = fits.any(|other| other.input() != first.input());
        (!others).then(|| match among.iter().filter(|it| it.input() == first.input()).count() {
            1 => format!("the addition of {}", listed(std::iter::once(first))),
            _ => format!("an addition of {}", value(first.input())),
        })
    };
    let all: Vec<OperationRef<'_>> =
        between.certain.iter().chain(&between.possible).copied().collect();
    if let Some(addition) = off_by(1, &between.certain) {
        clause.push_str(&format!(", as if {addition} were missing"));
    } else if let Some(addition) = off_by(-1, &all) {
        clause.push_str(&format!(", as if {addition} were in it twice"));
    }
    Some(Complaint::new(place, clause))
}

/// `: 3, 4 or 6`
fn outcomes(sums: &BTreeSet<i64>) -> String {
    let sums: Vec<String> = sums.iter().map(i64::to_string).collect();
    match &sums[..] {
        [but @ .., last] if !but.is_empty() && sums.len() <= SHOWN_SUMS => {
            format!(", which makes {} or {last}", but.join(", "))
        }
        _ => String::new(),
    }
}

/// Two reads whose difference no choice of additions between them explains.
fn about_two(case: &Case<'_>, reads: &[(usize, i64)]) -> Option<Complaint> {
    for (number, later) in reads.iter().enumerate() {
        for earlier in &reads[number + 1..] {
            let explains = |from: &(usize, i64), to: &(usize, i64)| {
                let difference = to.1.checked_sub(from.1);
                let sums = Between::of(case, Some(from.0), to.0).sums();
                Some(
                    difference
                        .is_some_and(|it| sums.as_ref().is_some_and(|sums| sums.contains(&it))),
                )
                .filter(|_| sums.is_some())
            };
            if explains(earlier, later)? {
                continue;
            }
            let ordered = case.precedes(earlier.0, later.0);
            if !ordered && explains(later, earlier)? {
                continue;
            }
            let Between { certain, possible } = Between::of(case, Some(earlier.0), later.0);
            let read = case.operations[earlier.0];
            let (had, order) = match ordered {
                true => ("had read", "in between"),
                false => ("read", "between the two, whichever came first,"),
            };
            let mut clause = format!(
                "although process {} {had} {} {} and {order}",
                read.process(),
                value(read.output()),
                when(read)
            );
            if !certain.is_empty() {
                clause.push_str(&format!(" {} had been added", listed(certain.iter().copied())));
                clause.push_str(if possible.is_empty() { " and nothing else" } else { " and" });
            }
            if !possible.is_empty() {
                let possible = listed(possible.iter().copied());
                clause.push_str(&format!(" only {possible} may have been added"));
            } else if certain.is_empty() {
                clause.push_str(" nothing was added");
            }
            return Some(Complaint::new(later.0, clause).shown_by(earlier.0));
        }
    }
    None
}

/// Several reads, each of which would be possible without the others.
fn about_all(case: &Case<'_>, reads: &[(usize, i64)]) -> Option<Complaint> {
    let (last, others) = reads.split_first()?;
    let first = reads.iter().map(|read| case.operations[read.0].invoked()).min()?;
    let additions = case
        .called("add")
        .filter(|(place, it)| case.ended(*place) > first && it.invoked() < case.ended(last.0));
    let others_read: Vec<String> =
        others.iter().map(|it| format!("{} read {}", case.name(it.0), it.1)).collect();
    let clause = format!(
        "although {}: no order of the additions that were under way, {}, passes through all of these sums",
        others_read.join(" and "),
        listed(additions.map(|(_, it)| it))
    );
    (!others.is_empty()).then(|| Complaint {
        subject: last.0,
        clause,
        shown_by: others.iter().map(|it| it.0).collect(),
    })
}
