//! Complaints about what was read of a counter.

use std::collections::BTreeSet;

use crate::counterexample::case::{Case, Complaint, listed};
use crate::counterexample::uncounted::Sum;
use crate::counterexample::words::{value, when};
use crate::history::EventType;

/// Of more sums than this nothing is said.
const MOST_SUMS: usize = 20_000;

/// Of more additions that are not certain neither.
const MOST_POSSIBLE: usize = 256;

/// All choices of so many additions are looked at.
const MOST_CHOICES: usize = 14;

/// Sums that are said one by one.
const SHOWN_SUMS: usize = 6;

/// The additions that may lie between two moments, or between the beginning and a read.
pub(super) struct Between<'a> {
    case: &'a Case<'a>,
    /// Those that surely do.
    pub(super) certain: Vec<usize>,
    /// Those that may.
    pub(super) possible: Vec<usize>,
}

impl<'a> Between<'a> {
    /// Those between the read at `from`, or the beginning, and the read at `to`.
    pub(super) fn of(case: &'a Case<'a>, from: Option<usize>, to: usize) -> Between<'a> {
        let (mut certain, mut possible) = (Vec::new(), Vec::new());
        for (place, addition) in case.called("add") {
            let surely_before =
                from.is_some_and(|from| case.ended(place) < case.operations[from].invoked());
            if surely_before || addition.invoked() > case.ended(to) {
                continue;
            }
            let surely_after = from.is_none_or(|from| addition.invoked() > case.ended(from));
            match surely_after && case.precedes(place, to) {
                true => certain.push(place),
                false => possible.push(place),
            }
        }
        Between { case, certain, possible }
    }

    fn certain_sum(&self) -> Option<i64> {
        let mut amounts = self.certain.iter().map(|it| self.case.amount(*it));
        amounts.try_fold(0_i64, |sum, it| sum.checked_add(it?))
    }

    /// All that they can add up to.
    pub(super) fn sums(&self) -> Option<BTreeSet<i64>> {
        if self.possible.len() > MOST_POSSIBLE {
            return None;
        }
        let mut sums = BTreeSet::from([self.certain_sum()?]);
        for addition in &self.possible {
            let amount = self.case.amount(*addition)?;
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
        return skipped(case, place, seen, &between);
    }
    let acknowledged = between.certain_sum()?;
    let mut clause =
        format!("although the additions that had been acknowledged make {acknowledged}");
    match between.possible.is_empty() {
        true => clause.push_str(" and no other had begun"),
        false => clause.push_str(&format!(
            " and only {} may have been added besides{}",
            case.listed(&between.possible),
            outcomes(&sums)
        )),
    }
    let complaint = |clause: String| Complaint::new(place, clause);
    let read = Sum { case, from: None, read: place, seen };
    if let Some(missing) = read.off_by(1, &between.certain, &sums) {
        return Some(complaint(clause).and(read.without(&missing)));
    }
    let all: Vec<usize> = between.certain.iter().chain(&between.possible).copied().collect();
    if let Some(additions) = read.off_by(-1, &all, &sums) {
        clause.push_str(&format!(", as if {} were in it twice", read.told(&additions)));
    } else if sums.first().is_some_and(|least| seen < *least) {
        return Some(complaint(clause).and(read.short()));
    }
    Some(complaint(clause))
}

/// A read that only one choice of additions explains, which lacks one that was done before another
/// one of them began.
fn skipped(case: &Case<'_>, read: usize, seen: i64, between: &Between<'_>) -> Option<Complaint> {
    let possible = &between.possible;
    let rest = seen.checked_sub(between.certain_sum()?)?;
    let chosen = only_choice(case, possible, rest)?;
    let counted: Vec<usize> = between.certain.iter().chain(&chosen).copied().collect();
    let missing = possible.iter().copied().filter(|it| !chosen.contains(it));
    let (lacking, later) = missing
        .filter_map(|it| Some((it, *counted.iter().find(|later| case.precedes(it, **later))?)))
        .next()?;
    let clause = format!(
        "although the additions that make this sum, of {}, lack that of {}, which was acknowledged \
         before the addition of {} began",
        case.listed(&counted),
        case.listed(&[lacking]),
        case.listed(&[later])
    );
    let complaint = Complaint::new(read, clause);
    Some(complaint.and(Sum { case, from: None, read, seen }.without(&[lacking])))
}

/// Those of some additions that make a sum, if no others of them do.
fn only_choice(case: &Case<'_>, among: &[usize], sum: i64) -> Option<Vec<usize>> {
    if among.len() > MOST_CHOICES {
        return None;
    }
    // The sums of all choices; each bit is an addition.
    let mut sums = vec![0_i64];
    for place in among {
        let amount = case.amount(*place)?;
        let more: Option<Vec<i64>> = sums.iter().map(|sum| sum.checked_add(amount)).collect();
        sums.extend(more?);
    }
    let mut fits = (0..sums.len()).filter(|choice| sums[*choice] == sum);
    let choice = fits.next()?;
    let chosen = among.iter().enumerate().filter(|(bit, _)| choice >> bit & 1 == 1);
    fits.next().is_none().then(|| chosen.map(|(_, place)| *place).collect())
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
            let between = Between::of(case, Some(earlier.0), later.0);
            let sums = between.sums()?;
            let Between { certain, possible, .. } = between;
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
                clause.push_str(&format!(" {} had been added", case.listed(&certain)));
                clause.push_str(if possible.is_empty() { " and nothing else" } else { " and" });
            }
            if !possible.is_empty() {
                let possible = case.listed(&possible);
                clause.push_str(&format!(" only {possible} may have been added"));
            } else if certain.is_empty() {
                clause.push_str(" nothing was added");
            }
            let complaint = Complaint::new(later.0, clause).shown_by(earlier.0);
            let seen = later.1.checked_sub(earlier.1)?;
            let sum = Sum { case, from: Some(earlier.0), read: later.0, seen };
            let held = case.called("add").filter(|(_, it)| it.invoked() < case.ended(earlier.0));
            let held: Vec<usize> = held.map(|(place, _)| place).collect();
            let missing = sum.off_by(1, &certain, &sums).or_else(|| sum.off_by(1, &held, &sums));
            return Some(match missing {
                Some(missing) if ordered => complaint.and(sum.without(&missing)),
                None if ordered && sums.first().is_some_and(|least| seen < *least) => {
                    complaint.and(sum.short())
                }
                _ => complaint,
            });
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
    let shown_by = others.iter().map(|it| it.0);
    (!others.is_empty()).then(|| Complaint::new(last.0, clause).shown_by_all(shown_by))
}
