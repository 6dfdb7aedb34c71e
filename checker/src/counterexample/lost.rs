//! The fate of an element that a read lacks, and the operations that may have done away with it.
//!
//! Services lose elements by reading what is there and writing it back with an element of their
//! own: what was put there in between is gone. So an operation can have overwritten an element only
//! if it was under way when that came in, and what it put there itself stayed.

use std::collections::{BTreeMap, BTreeSet};

use crate::counterexample::case::{Case, Complaint};
use crate::counterexample::contents::{Contents, is_change, is_read};
use crate::counterexample::sequences::times;
use crate::history::OperationRef;
use crate::words::shortened;

/// So many reads that lack an element are counted.
const MOST_COUNTED: usize = 8;

/// An element that a read lacks, although it had been put there.
pub(super) struct Lost<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) contents: &'a Contents,
    /// The place of the read.
    pub(super) read: usize,
    pub(super) element: String,
    /// The operations that had put it there.
    pub(super) put: Vec<usize>,
    /// So often it must stand there.
    pub(super) needed: usize,
}

/// An operation that was under way when an element came in, and put another one there.
struct Rival {
    place: usize,
    element: String,
    /// True if no other operation put the same there.
    is_only: bool,
}

/// The words about a fate, and the operations that they rest on.
#[derive(Default)]
pub(super) struct Afterwards {
    pub(super) clause: String,
    pub(super) named: Vec<usize>,
}

impl Complaint {
    /// Adds the fate of what was lost, after the complaint about it.
    pub(super) fn and(mut self, afterwards: Afterwards) -> Complaint {
        self.clause.push_str(&afterwards.clause);
        self.named.extend(afterwards.named);
        self
    }
}

impl Afterwards {
    /// The fate of something that later reads lack, by invocation.
    pub(super) fn not_found_by(case: &Case<'_>, what: &str, lacking: &[usize]) -> Afterwards {
        let Some(last) = lacking.last() else { return Afterwards::default() };
        let by = case.name(*last);
        let clause = match lacking.len() {
            1 => format!("; the one read after that, by {by}, lacks {what} too"),
            reads if reads <= MOST_COUNTED => {
                format!(
                    "; none of the {reads} reads after that found {what} again, the last one by {by}"
                )
            }
            _ => format!(
                "; none of the more than {MOST_COUNTED} reads after that found {what} again, the last \
                 one by {by}"
            ),
        };
        let mut named: Vec<usize> = lacking.iter().copied().take(MOST_COUNTED).collect();
        named.push(*last);
        Afterwards { clause, named }
    }

    /// The fate of something that no read came after.
    pub(super) fn unknown() -> Afterwards {
        Afterwards { clause: "; no read came after that".to_string(), named: Vec::new() }
    }

    /// Adds more words.
    pub(super) fn and(mut self, more: Afterwards) -> Afterwards {
        self.clause.push_str(&more.clause);
        self.named.extend(more.named);
        self
    }
}

impl<'a> Lost<'a> {
    fn operation(&self, place: usize) -> OperationRef<'a> {
        self.case.operations[place]
    }

    /// All that put something there, also with unknown outcome.
    fn changes(&self) -> impl Iterator<Item = usize> + '_ {
        let places = 0..self.case.operations.len();
        places.filter(|place| is_change(self.operation(*place)))
    }

    fn reads(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.case.operations.len()).filter(|place| is_read(self.operation(*place)))
    }

    fn elements(&self, read: usize) -> Vec<String> {
        self.contents.elements(self.operation(read).output())
    }

    /// The element in words. A long one is not said twice in a sentence.
    fn text(&self) -> String {
        let text = shortened(&self.element);
        if text == self.element { text } else { "it".to_string() }
    }

    fn element_of(&self, change: usize) -> String {
        self.operation(change).input().to_string()
    }

    /// Says whether it was seen again, and if it was not, what may have overwritten it.
    pub(super) fn afterwards(&self) -> Afterwards {
        let again =
            |place: &usize| !self.put.contains(place) && self.element_of(*place) == self.element;
        let puts_it_again: Vec<usize> = self.changes().filter(again).collect();
        let until = puts_it_again.iter().map(|it| self.operation(*it).invoked()).min();
        let anew = self.begun_anew();
        let is_untouched = |place: &usize| {
            let over = self.case.ended(*place);
            until.is_none_or(|until| over < until) && anew.is_none_or(|anew| over < anew)
        };
        let after: Vec<usize> =
            self.reads().filter(|it| self.case.precedes(self.read, *it)).collect();
        let later: Vec<usize> = after.iter().copied().filter(is_untouched).collect();
        let finds = |place: &&usize| {
            self.elements(**place).iter().filter(|it| **it == self.element).count() >= self.needed
        };
        if let Some(found) = later.iter().find(finds) {
            let (element, by) = (self.text(), self.case.name(*found));
            let clause = match self.needed {
                1 => format!("; {element} was seen again by {by}"),
                needed => format!("; {element} was seen {} by {by}", times(needed)),
            };
            return Afterwards { clause, named: vec![*found] };
        }
        let afterwards = match after.first() {
            None => Afterwards::unknown(),
            // There was one, which says nothing about it.
            Some(first) if later.is_empty() => {
                Afterwards { clause: String::new(), named: vec![*first] }
            }
            Some(_) => Afterwards::not_found_by(self.case, &self.text(), &later),
        };
        match self.put[..] {
            [put] if puts_it_again.is_empty() => afterwards.and(self.overwritten(put)),
            _ => afterwards,
        }
    }

    /// When something may have begun anew, after which it need not be there.
    fn begun_anew(&self) -> Option<u64> {
        let since = self.put.iter().map(|it| self.operation(*it).invoked()).min().unwrap_or(0);
        let begins_anew = |place: &usize| {
            self.operation(*place).f() == "put"
                && !self.put.contains(place)
                && self.case.ended(*place) > since
        };
        self.changes().filter(begins_anew).map(|it| self.operation(it).invoked()).min()
    }

    /// Names the operations that may have overwritten the element, which only `put` put there.
    fn overwritten(&self, put: usize) -> Afterwards {
        let (began, done) = (self.operation(put).invoked(), self.case.ended(put));
        let over = self.case.ended(self.read);
        let overlaps = |from: u64, to: u64, place: usize| {
            self.operation(place).invoked() < to && self.case.ended(place) > from
        };
        let others = self.changes().filter(|it| *it != put);
        let mut rivals: Vec<Rival> = others
            .filter(|it| overlaps(began, done.min(over), *it))
            .map(|place| Rival {
                place,
                element: self.element_of(place),
                is_only: self.is_only(place),
            })
            .collect();
        // When it came in at the latest, and until when it was there at least.
        let (mut in_by, mut stayed) = ((done.min(over), None), (began, None));
        let mut named = Vec::new();
        for read in self.reads() {
            let seen: BTreeSet<String> = self.elements(read).into_iter().collect();
            let found = seen.contains(&self.element);
            let (invoked, ended) = (self.operation(read).invoked(), self.case.ended(read));
            if found && ended < in_by.0 {
                in_by = (ended, Some(read));
            }
            if found && invoked > stayed.0 {
                stayed = (invoked, Some(read));
            }
            if found || ended < began {
                let before = rivals.len();
                rivals.retain(|it| !it.is_only || !seen.contains(&it.element));
                named.extend(Some(read).filter(|_| rivals.len() < before));
            }
        }
        let ((in_by, first), (stayed, last)) = (in_by, stayed);
        named.extend(first.into_iter().chain(last));
        let shown = self.elements(self.read);
        let settled = self.settled(&shown, began);
        rivals.retain(|it| {
            overlaps(stayed, in_by, it.place) && !(it.is_only && settled.contains(&it.element))
        });
        let there = rivals.iter().filter(|it| shown.contains(&it.element));
        let there: Vec<usize> = there.map(|it| it.place).collect();
        let rivals: Vec<usize> = rivals.into_iter().map(|it| it.place).collect();
        let told = |places: &[usize]| self.case.listed(places);
        let element = self.text();
        let clause = match (&there[..], &rivals[..]) {
            ([], []) => {
                format!(
                    "; nothing that was under way when {element} came in can have overwritten it"
                )
            }
            ([], [one]) => format!(
                "; {} was under way when {element} came in, and is not there either",
                told(&[*one])
            ),
            ([], several) => format!(
                "; {} were under way when {element} came in, and are not there either",
                told(several)
            ),
            ([one], _) => format!(
                "; {} was under way when {element} came in and is there, as if it had overwritten it",
                told(&[*one])
            ),
            (several, _) => format!(
                "; {} were under way when {element} came in and are there, as if one of them had \
                 overwritten it",
                told(several)
            ),
        };
        named.extend(rivals);
        Afterwards { clause, named }
    }

    /// Returns whether no other operation puts the same element there.
    fn is_only(&self, change: usize) -> bool {
        let input = self.operation(change).input();
        self.changes().filter(|it| self.operation(*it).input() == input).nth(1).is_none()
    }

    /// The elements of a list that were there when an operation began: those that stand before one
    /// that was done by then.
    fn settled<'e>(&self, shown: &'e [String], began: u64) -> BTreeSet<&'e String> {
        let mut done: BTreeMap<String, bool> = BTreeMap::new();
        for change in self.changes().filter(|it| self.operation(*it).f() != "add") {
            let is_done = self.case.ended(change) < began;
            // Of equal elements it is not known which one stands where.
            done.entry(self.element_of(change)).and_modify(|it| *it = false).or_insert(is_done);
        }
        let last = shown.iter().rposition(|it| done.get(it) == Some(&true)).unwrap_or(0);
        shown[..last].iter().filter(|it| done.contains_key(*it)).collect()
    }
}
