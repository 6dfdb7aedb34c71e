//! Additions that a sum lacks: counted again by a later read or not, and what may have overwritten
//! them.

use std::collections::BTreeSet;

use crate::counterexample::case::Case;
use crate::counterexample::contents::is_read;
use crate::counterexample::lost::Afterwards;
use crate::counterexample::sums::Between;
use crate::counterexample::words::value;

/// So many later reads are looked at, and those only where so many additions may be in their sums
/// or not.
const MOST_READS: usize = 8;
const MOST_POSSIBLE: usize = 32;

/// Of so many additions that may be missing it is looked at what was under way with them.
const MOST_MISSING: usize = 256;

/// A sum that no choice of additions explains.
pub(super) struct Sum<'a> {
    pub(super) case: &'a Case<'a>,
    /// The place of an earlier read; none for the beginning.
    pub(super) from: Option<usize>,
    /// The place of the read.
    pub(super) read: usize,
    /// The difference of the two sums.
    pub(super) seen: i64,
}

/// The reads after one that lacks something.
enum Later {
    /// One of them, at this place, lacks nothing.
    Right(usize),
    /// The last that is known to say something about it lacks it too.
    Wrong(usize),
    /// It is not known what they lack; the last one is at this place.
    Unclear(usize),
    /// There are none.
    Nothing,
}

impl Sum<'_> {
    /// Those of some additions each of which alone, once more in the sum or not in it, would
    /// explain it; none if they do not all add the same.
    pub(super) fn off_by(
        &self,
        sign: i64,
        among: &[usize],
        sums: &BTreeSet<i64>,
    ) -> Option<Vec<usize>> {
        let fits = |place: &usize| {
            let amount = self.case.amount(*place);
            let right = amount.and_then(|amount| self.seen.checked_add(sign * amount));
            amount != Some(0) && right.is_some_and(|right| sums.contains(&right))
        };
        let fits: Vec<usize> = among.iter().copied().filter(fits).collect();
        let first = self.case.amount(*fits.first()?);
        fits.iter().all(|it| self.case.amount(*it) == first).then_some(fits)
    }

    /// `the addition of 5 (process 1 at 0.100 s)`, or of several `an addition of 5`.
    pub(super) fn told(&self, additions: &[usize]) -> String {
        match additions {
            [one] => format!("the addition of {}", self.case.listed(&[*one])),
            [first, ..] => {
                format!("an addition of {}", value(self.case.operations[*first].input()))
            }
            [] => "no addition".to_string(),
        }
    }

    /// Says that one of these additions, all of the same number, is missing, and what became of it.
    pub(super) fn without(&self, additions: &[usize]) -> Afterwards {
        let clause = format!(", as if {} were missing", self.told(additions));
        let missing = Afterwards { clause, named: additions.to_vec() };
        let Some(amount) = additions.first().and_then(|it| self.case.amount(*it)) else {
            return missing;
        };
        let later = self.later(|seen, sums| {
            let lacks_it = sums.contains(&seen.checked_add(amount)?);
            (sums.contains(&seen) != lacks_it).then_some(!lacks_it)
        });
        let (clause, named) = match later {
            Later::Right(read) => {
                let clause = format!("; {} counted it", self.case.name(read));
                return missing.and(Afterwards { clause, named: vec![read] });
            }
            Later::Wrong(read) => {
                (format!("; the read of {} lacks it too", self.case.name(read)), vec![read])
            }
            Later::Unclear(read) => (String::new(), vec![read]),
            Later::Nothing => {
                return missing.and(Afterwards::unknown()).and(self.overwritten(additions));
            }
        };
        missing.and(Afterwards { clause, named }).and(self.overwritten(additions))
    }

    /// Says what became of additions of which it is not known which are missing.
    pub(super) fn short(&self) -> Afterwards {
        let later = self.later(|seen, sums| match sums.contains(&seen) {
            true => Some(true),
            false => (seen < *sums.first()?).then_some(false),
        });
        let read = |place: usize| {
            let operation = self.case.operations[place];
            format!("{} by {}", value(operation.output()), self.case.name(place))
        };
        match later {
            Later::Right(place) => {
                let clause = format!("; what was read later, {}, lacks nothing", read(place));
                Afterwards { clause, named: vec![place] }
            }
            Later::Wrong(place) => {
                let clause =
                    format!("; what was read later, {}, is too little as well", read(place));
                Afterwards { clause, named: vec![place] }
            }
            Later::Nothing => Afterwards::unknown(),
            Later::Unclear(read) => Afterwards { clause: String::new(), named: vec![read] },
        }
    }

    /// Looks for a later read that is `right`: all that it should count is in it. `right` is given
    /// what was seen and the sums that it can be.
    fn later(&self, right: impl Fn(i64, &BTreeSet<i64>) -> Option<bool>) -> Later {
        let sum = |place: usize| self.case.operations[place].output().as_integer();
        let before = match self.from {
            None => self.case.initial.as_integer().unwrap_or(0),
            Some(from) => sum(from).unwrap_or(0),
        };
        let after: Vec<usize> = (0..self.case.operations.len())
            .filter(|it| is_read(self.case.operations[*it]) && self.case.precedes(self.read, *it))
            .collect();
        let Some(last) = after.last() else { return Later::Nothing };
        let mut wrong = None;
        for later in after.iter().take(MOST_READS).chain([last]).copied() {
            let between = Between::of(self.case, self.from, later);
            if between.possible.len() > MOST_POSSIBLE {
                continue;
            }
            let Some(sums) = between.sums() else { continue };
            match sum(later).and_then(|it| right(it.checked_sub(before)?, &sums)) {
                Some(true) => return Later::Right(later),
                Some(false) => wrong = Some(later),
                None => {}
            }
        }
        wrong.map_or(Later::Unclear(*last), Later::Wrong)
    }

    /// Names the additions that were under way when a missing one was added.
    fn overwritten(&self, missing: &[usize]) -> Afterwards {
        let over = self.case.ended(self.read);
        let began = |place: usize| self.case.operations[place].invoked();
        let counted_before = self.from.map_or(0, began);
        let rivals = |one: usize| -> Vec<usize> {
            let done = self.case.ended(one).min(over);
            let from = began(one).max(counted_before);
            let others = self.case.called("add").map(|(place, _)| place).filter(|it| *it != one);
            let overlaps = |it: &usize| began(*it) < done && self.case.ended(*it) > from;
            others.filter(overlaps).filter(|it| self.may_be_counted(*it, one)).collect()
        };
        let latest = missing.iter().rev().take(MOST_MISSING);
        let found = latest.map(|it| (*it, rivals(*it))).find(|(_, it)| !it.is_empty());
        let Some((one, rivals)) = found else {
            let clause = match missing.len() {
                1 => "; nothing that was under way when it was added can have overwritten it",
                more if more > MOST_MISSING => "",
                _ => "; nothing was under way with any of them that can have overwritten it",
            };
            return Afterwards { clause: clause.to_string(), named: Vec::new() };
        };
        let example = match missing.len() {
            1 => "when it was added".to_string(),
            _ => format!("when, for example, {} was added", self.case.listed(&[one])),
        };
        let told = self.case.listed(&rivals);
        let clause = match rivals.len() {
            1 => format!("; {told} was under way {example}, as if that had overwritten it"),
            _ => format!("; {told} were under way {example}, as if one of them had overwritten it"),
        };
        Afterwards { clause, named: rivals }
    }

    /// Returns whether an addition may be in the sum that lacks another one.
    fn may_be_counted(&self, addition: usize, missing: usize) -> bool {
        let mut between = Between::of(self.case, self.from, self.read);
        if !between.possible.contains(&addition) || between.possible.len() > MOST_POSSIBLE {
            return true;
        }
        between.possible.retain(|it| *it != addition);
        between.certain.push(addition);
        let lacks = self.case.amount(missing).and_then(|amount| self.seen.checked_add(amount));
        between.sums().zip(lacks).is_none_or(|(sums, lacks)| sums.contains(&lacks))
    }
}
