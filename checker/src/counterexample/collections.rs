//! Complaints about what was read of a set, or taken from a queue.

use std::collections::{HashMap, HashSet};

use crate::counterexample::case::{Case, Complaint, name, without_a_source};
use crate::counterexample::contents::Contents;
use crate::counterexample::lost::{Afterwards, Lost};
use crate::counterexample::sequences::times;
use crate::counterexample::words::{value, when};
use crate::history::{Datum, EventType, OperationRef};

fn is_ok(operation: OperationRef<'_>) -> bool {
    operation.outcome() == EventType::Ok
}

/// Complains about a read of a set.
pub(super) fn about_a_set(case: &Case<'_>) -> Option<Complaint> {
    let reads = case.latest_first().into_iter().filter(|place| {
        let operation = case.operations[*place];
        operation.f() == "read" && is_ok(operation)
    });
    let reads: Vec<usize> = reads.collect();
    reads
        .iter()
        .find_map(|read| about_elements(case, *read))
        .or_else(|| reads.iter().find_map(|read| missing(case, *read)))
        .or_else(|| crossing(case, &reads))
}

fn elements(content: Datum<'_>) -> Vec<Datum<'_>> {
    content.as_list().into_iter().flatten().collect()
}

/// An element that stands twice in a set, or that nothing put there.
fn about_elements(case: &Case<'_>, place: usize) -> Option<Complaint> {
    let read = case.operations[place];
    let seen = elements(read.output());
    let initial = elements(case.initial);
    let mut first_added: HashMap<Datum<'_>, u64> = HashMap::new();
    for (_, addition) in case.called("add") {
        first_added.entry(addition.input()).or_insert(addition.invoked());
    }
    let mut known = HashSet::new();
    for element in &seen {
        if !known.insert(element) {
            let clause = format!("in which {} stands twice", value(*element));
            return Some(Complaint::new(place, clause));
        }
        let is_added = first_added.get(element).is_some_and(|at| *at < case.ended(place));
        if is_added || initial.contains(element) {
            continue;
        }
        let added = case.called("add").map(|(_, it)| it).filter(|it| it.input() == *element);
        let failed = case.failed.iter().copied();
        let failed = failed.filter(|it| it.f() == "add" && it.input() == *element);
        let reason = without_a_source(&value(*element), "added", added, failed, case.ended(place));
        if let Some(reason) = reason {
            let clause = format!("in which {} stands, {reason}", value(*element));
            return Some(Complaint::new(place, clause));
        }
    }
    None
}

/// The fate of an element that a read lacks, and that the operation at `shown` shows.
fn afterwards(case: &Case<'_>, read: usize, element: Datum<'_>, shown: usize) -> Afterwards {
    let seen = case.ended(shown);
    let put = case.called("add").filter(|(_, it)| it.input() == element && it.invoked() < seen);
    let put = put.map(|(place, _)| place).collect();
    let contents = Contents::made_of(std::iter::empty());
    Lost { case, contents: &contents, read, element: element.to_string(), put, needed: 1 }
        .afterwards()
}

/// An element that was there, or before one that is there.
fn missing(case: &Case<'_>, place: usize) -> Option<Complaint> {
    let read = case.operations[place];
    let seen: HashSet<Datum<'_>> = elements(read.output()).into_iter().collect();
    let lacks = |element: &Datum<'_>| !seen.contains(element);
    let others = || case.shown.iter().copied().filter(|other| *other != place);
    let known = |other: usize| -> Vec<Datum<'_>> {
        let operation = case.operations[other];
        match operation.f() {
            _ if !is_ok(operation) => Vec::new(),
            "add" => vec![operation.input()],
            _ => elements(operation.output()),
        }
    };
    for other in others().filter(|other| case.precedes(*other, place)) {
        if let Some(element) = known(other).into_iter().find(lacks) {
            let shown = case.operations[other];
            let how = if shown.f() == "add" { "added" } else { "read" };
            let clause =
                format!("without {}, which had been {how} {}", value(element), when(shown));
            let complaint = Complaint::new(place, clause).shown_by(other);
            return Some(complaint.and(afterwards(case, place, element, other)));
        }
    }
    // Of the elements that it has and that were added once, the one that was added last.
    let initial = elements(case.initial);
    let mut additions: HashMap<Datum<'_>, u32> = HashMap::new();
    for (_, addition) in case.called("add") {
        *additions.entry(addition.input()).or_default() += 1;
    }
    let (later, added) = case
        .called("add")
        .filter(|(_, it)| seen.contains(&it.input()) && additions[&it.input()] == 1)
        .filter(|(_, it)| !initial.contains(&it.input()))
        .max_by_key(|(_, it)| it.invoked())?;
    for other in (0..case.operations.len()).filter(|other| case.precedes(*other, later)) {
        let Some(element) = known(other).into_iter().find(lacks) else { continue };
        let shown = case.operations[other];
        let how = if shown.f() == "add" { "added" } else { "read" };
        let clause = format!(
            "without {}, which {} had {how} before process {} began to add {}, which it shows",
            value(element),
            name(shown),
            added.process(),
            value(added.input())
        );
        let complaint = Complaint::new(place, clause).shown_by(other).shown_by(later);
        return Some(complaint.and(afterwards(case, place, element, other)));
    }
    None
}

/// Two reads that each lack what the other one has.
fn crossing(case: &Case<'_>, reads: &[usize]) -> Option<Complaint> {
    for (number, one) in reads.iter().enumerate() {
        for other in &reads[number + 1..] {
            let [mine, theirs] = [one, other].map(|it| elements(case.operations[*it].output()));
            let only_mine = mine.iter().find(|element| !theirs.contains(element));
            let only_theirs = theirs.iter().find(|element| !mine.contains(element));
            if let (Some(only_mine), Some(only_theirs)) = (only_mine, only_theirs) {
                let clause = format!(
                    "with {} and without {}, although {} read {} and not {}: a set only grows, so one of the two must hold all that the other holds",
                    value(*only_mine),
                    value(*only_theirs),
                    case.name(*other),
                    value(*only_theirs),
                    value(*only_mine)
                );
                let afterwards = afterwards(case, *one, *only_theirs, *other);
                return Some(Complaint::new(*one, clause).shown_by(*other).and(afterwards));
            }
        }
    }
    None
}

/// Operations on a queue.
struct Queue<'a> {
    case: &'a Case<'a>,
    initial: Vec<Datum<'a>>,
}

/// Of more dequeues than the last ones nothing is said.
const MOST_DEQUEUES: usize = 400;

/// Complains about a dequeue.
pub(super) fn about_a_queue(case: &Case<'_>) -> Option<Complaint> {
    let queue = Queue { case, initial: elements(case.initial) };
    let places: Vec<usize> = case.latest_first();
    let is_dequeue = |place: &usize| case.operations[*place].f() == "dequeue";
    let dequeues: Vec<usize> = places.into_iter().filter(is_dequeue).take(MOST_DEQUEUES).collect();
    let each = |complain: &dyn Fn(usize) -> Option<Complaint>| {
        dequeues.iter().find_map(|place| complain(*place))
    };
    each(&|place| queue.strange(place))
        .or_else(|| each(&|place| queue.again(place)))
        .or_else(|| each(&|place| queue.not_empty(place)))
        .or_else(|| each(&|place| queue.overtaken(place)))
}

impl<'a> Queue<'a> {
    fn element(&self, place: usize) -> Option<Datum<'a>> {
        let operation = self.case.operations[place];
        (is_ok(operation) && !operation.output().is_null()).then(|| operation.output())
    }

    fn enqueues(
        &self,
        element: Datum<'a>,
    ) -> impl Iterator<Item = (usize, OperationRef<'a>)> + Clone + '_ {
        let all = self.case.operations.iter().copied().enumerate();
        all.filter(move |(_, it)| it.f() == "enqueue" && it.input() == element)
    }

    /// Dequeues that took this element.
    fn dequeues(&self, element: Datum<'a>) -> impl Iterator<Item = (usize, OperationRef<'a>)> + '_ {
        self.case.called("dequeue").filter(move |(place, _)| self.element(*place) == Some(element))
    }

    /// Dequeues without an answer, any of which may have taken anything, that began by then.
    fn unseen(&self, until: u64) -> usize {
        let unseen = self.case.called("dequeue").filter(|(_, it)| it.outcome() == EventType::Info);
        unseen.filter(|(_, it)| it.invoked() < until).count()
    }

    fn strange(&self, place: usize) -> Option<Complaint> {
        let element = self.element(place)?;
        if self.initial.contains(&element) {
            return None;
        }
        let failed = self.case.failed.iter().copied();
        let failed = failed.filter(|it| it.f() == "enqueue" && it.input() == element);
        let sources = self.enqueues(element).map(|(_, it)| it);
        let seen = self.case.ended(place);
        let clause = without_a_source(&value(element), "enqueued", sources, failed, seen)?;
        Some(Complaint::new(place, clause))
    }

    /// An element that was taken more often than it was put in.
    fn again(&self, place: usize) -> Option<Complaint> {
        let element = self.element(place)?;
        let seen = self.case.ended(place);
        let put: Vec<OperationRef<'_>> =
            self.enqueues(element).map(|(_, it)| it).filter(|it| it.invoked() < seen).collect();
        let at_first = self.initial.iter().filter(|it| **it == element).count();
        let others: Vec<(usize, OperationRef<'_>)> = self
            .dequeues(element)
            .filter(|(other, _)| *other != place && self.case.ended(*other) <= seen)
            .collect();
        if others.len() < put.len() + at_first {
            return None;
        }
        let (other, first) = *others.last()?;
        let (process, at) = (first.process(), when(first));
        let clause = match (&put[..], at_first) {
            ([_], 0) => format!("although process {process} dequeued it {at}"),
            _ => format!(
                "although it was enqueued only {} and had been dequeued {} before, the last time by process {process} {at}",
                times(put.len() + at_first),
                times(others.len())
            ),
        };
        Some(Complaint::new(place, clause).shown_by(other))
    }

    /// The elements that were surely put in before an operation began, more often than they can
    /// have been taken by the time it was over, with the enqueue that shows it.
    fn left_over(&self, before: u64, until: u64) -> Vec<(usize, Datum<'a>)> {
        let mut taken: HashMap<Datum<'a>, usize> = HashMap::new();
        for (place, dequeue) in self.case.called("dequeue") {
            if let Some(element) = self.element(place)
                && dequeue.invoked() < until
            {
                *taken.entry(element).or_default() += 1;
            }
        }
        let at_first = self.initial.iter().map(|element| (None, *element));
        let put = self
            .case
            .called("enqueue")
            .filter(|(place, it)| is_ok(*it) && self.case.ended(*place) < before);
        let put = put.map(|(place, it)| (Some(place), it.input()));
        let (mut left, mut known) = (Vec::new(), HashSet::new());
        for (place, element) in at_first.chain(put) {
            if let Some(taken) = taken.get_mut(&element).filter(|taken| **taken > 0) {
                *taken -= 1;
            } else if let Some(place) = place
                && known.insert(element)
            {
                left.push((place, element));
            }
        }
        left
    }

    /// Found empty although something was in it.
    fn not_empty(&self, place: usize) -> Option<Complaint> {
        let operation = self.case.operations[place];
        if operation.outcome() == EventType::Info || self.element(place).is_some() {
            return None;
        }
        let seen = self.case.ended(place);
        let left = self.left_over(operation.invoked(), seen);
        let unseen = self.unseen(seen);
        if left.len() > unseen {
            let (enqueue, element) = *left.first()?;
            let first = self.dequeues(element).find(|(_, it)| it.invoked() > seen);
            let several = self.enqueues(element).nth(1).is_some();
            let until = match first {
                _ if several => "not dequeued as often as it had been enqueued".to_string(),
                Some((_, it)) => format!("dequeued only later, by {}", name(it)),
                None => "not dequeued".to_string(),
            };
            let afterwards = match first {
                None => self.afterwards(place, element),
                Some((later, _)) => Afterwards { clause: String::new(), named: vec![later] },
            };
            let put = self.case.operations[enqueue];
            let mut clause = format!(
                "although {} had been enqueued by {} and was {until}",
                value(element),
                name(put)
            );
            if unseen > 0 {
                clause.push_str(&format!(
                    "; so were {} others, and only {unseen} dequeues without an answer had begun",
                    left.len() - 1
                ));
            }
            return Some(Complaint::new(place, clause).shown_by(enqueue).and(afterwards));
        }
        let put = self.case.called("enqueue").filter(|(it, _)| self.case.precedes(*it, place));
        let put = put.count() + self.initial.len();
        let taken = self.case.called("dequeue").filter(|(it, operation)| {
            operation.invoked() < seen
                && (self.element(*it).is_some() || operation.outcome() == EventType::Info)
        });
        let taken = taken.count();
        (put > taken).then(|| {
            Complaint::new(
                place,
                format!("although {put} elements had been enqueued and only {taken} dequeues had begun that can have taken one"),
            )
        })
    }

    /// An element that can have been enqueued only after another one that was still there.
    fn overtaken(&self, place: usize) -> Option<Complaint> {
        let element = self.element(place)?;
        let seen = self.case.ended(place);
        // Of the enqueues of equal elements, one of these dequeues took this one or a later one.
        let dequeues = self.dequeues(element).filter(|(it, _)| self.case.ended(*it) <= seen);
        let at_first = self.initial.iter().filter(|it| **it == element).count();
        let number = dequeues.count().checked_sub(at_first).filter(|number| *number > 0)?;
        let put = self.enqueues(element).map(|(_, it)| it.invoked()).nth(number - 1)?;
        if put > seen {
            return None;
        }
        let left = self.left_over(put, seen);
        let left: Vec<_> = left.into_iter().filter(|(_, it)| *it != element).collect();
        let unseen = self.unseen(seen);
        let (earlier, first) = *left.first().filter(|_| left.len() > unseen)?;
        let clause = match unseen {
            0 if number > 1 => {
                let (name, dequeue) = (value(first), number + at_first);
                let before = |(it, _): &(usize, OperationRef<'_>)| self.case.ended(*it) < put;
                let put_in = times(self.enqueues(first).filter(before).count());
                let taken = self.dequeues(first).filter(|(_, it)| it.invoked() < seen).count();
                let taken = match taken {
                    0 => "not dequeued".to_string(),
                    some => format!("dequeued {} at most", times(some)),
                };
                format!(
                    "its dequeue number {dequeue}, although its enqueue number {number} only began \
                     when {name} had been enqueued {put_in}, and {name} was {taken}"
                )
            }
            0 => {
                format!("although {} had been enqueued before it and was still there", value(first))
            }
            _ => format!(
                "although {} elements that were not seen again had been enqueued before it, {} among them, and at most {unseen} of them can have been taken by dequeues without an answer",
                left.len(),
                value(first)
            ),
        };
        Some(Complaint::new(place, clause).shown_by(earlier).and(self.afterwards(place, first)))
    }

    /// Says whether an element that was left over by the end of a dequeue was dequeued later. Of
    /// equal elements it is not known which one was.
    fn afterwards(&self, place: usize, element: Datum<'a>) -> Afterwards {
        let at_first = self.initial.iter().filter(|it| **it == element).count();
        if self.enqueues(element).count() + at_first > 1 {
            return Afterwards::default();
        }
        let known = |(_, it): &(usize, OperationRef<'_>)| it.outcome() != EventType::Info;
        let dequeues = self.case.called("dequeue").filter(known).map(|(place, _)| place);
        let after: Vec<usize> = dequeues.filter(|it| self.case.precedes(place, *it)).collect();
        let text = value(element);
        if let Some(later) = after.iter().find(|it| self.element(**it) == Some(element)) {
            let clause = format!("; {text} was dequeued later, by {}", self.case.name(*later));
            return Afterwards { clause, named: vec![*later] };
        }
        let clause = match after.last() {
            None => "; no dequeue came after that".to_string(),
            Some(last) => format!(
                "; no dequeue after that returned {text}, the last one by {}",
                self.case.name(*last)
            ),
        };
        Afterwards { clause, named: after.last().copied().into_iter().collect() }
    }
}
