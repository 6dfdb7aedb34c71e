//! Complaints about what was read of a list, or of a text that is appended to.

use std::collections::BTreeMap;

use crate::counterexample::case::{Case, Complaint, name, without_a_source};
use crate::counterexample::contents::{Contents, is_change, is_read};
use crate::counterexample::lost::{Afterwards, Lost};
use crate::counterexample::words::{value, when};
use crate::history::{EventType, OperationRef};

/// So many elements of a read are compared with each other.
const MOST_COMPARED: usize = 512;

/// An operation that puts an element at the end, or begins anew with it.
struct Change<'a> {
    place: usize,
    operation: OperationRef<'a>,
    element: String,
    anew: bool,
}

/// The elements that a read answered.
struct Read {
    place: usize,
    elements: Vec<String>,
}

/// The facts about one list or text.
struct List<'a> {
    case: &'a Case<'a>,
    contents: Contents,
    changes: Vec<Change<'a>>,
    /// The places in `changes` of those with the same element.
    by_element: BTreeMap<String, Vec<usize>>,
    /// The reads shown, the last one first.
    reads: Vec<Read>,
}

/// Complains about a read.
pub(super) fn complain(case: &Case<'_>) -> Option<Complaint> {
    let inputs = case.operations.iter().chain(&case.failed).filter(|it| is_change(**it));
    let values = inputs.map(|it| it.input()).chain([case.initial]);
    let contents = Contents::made_of(values);
    let changes = case.operations.iter().enumerate().filter(|(_, it)| is_change(**it));
    let changes = changes.map(|(place, operation)| Change {
        place,
        operation: *operation,
        element: operation.input().to_string(),
        anew: operation.f() == "put",
    });
    let initial = contents.elements(case.initial);
    let read = |place: usize| {
        let operation = case.operations[place];
        is_read(operation).then(|| {
            let all = contents.elements(operation.output());
            let elements = all.strip_prefix(&initial[..]).map_or(all.clone(), <[_]>::to_vec);
            Read { place, elements }
        })
    };
    let reads = case.latest_first().into_iter().filter_map(read).collect();
    let changes: Vec<Change<'_>> = changes.collect();
    let mut by_element: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, change) in changes.iter().enumerate() {
        by_element.entry(change.element.clone()).or_default().push(number);
    }
    let list = List { case, contents, changes, by_element, reads };
    list.reads
        .iter()
        .find_map(|read| list.too_many(read).or_else(|| list.missing(read)))
        .or_else(|| list.reads.iter().find_map(|read| list.out_of_order(read)))
        .or_else(|| list.reads.iter().find_map(|read| list.replaced(read)))
        .or_else(|| list.reads.iter().find_map(|read| list.shown_elsewhere(read)))
        .or_else(|| list.against_each_other())
}

impl List<'_> {
    fn operation(&self, read: &Read) -> OperationRef<'_> {
        self.case.operations[read.place]
    }

    fn of(&self, element: &str) -> impl Iterator<Item = &Change<'_>> {
        let places = self.by_element.get(element).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|place| &self.changes[*place])
    }

    /// The fate of an element that a read lacks, and that each of these operations had put there.
    fn afterwards(&self, read: &Read, element: &str, put: Vec<usize>) -> Afterwards {
        let (needed, element) = (put.len().max(1), element.to_string());
        let Read { place: read, .. } = *read;
        Lost { case: self.case, contents: &self.contents, read, element, put, needed }.afterwards()
    }

    /// The only operation that put the element there.
    fn only(&self, element: &str) -> Option<&Change<'_>> {
        let mut changes = self.of(element);
        let only = changes.next()?;
        changes.next().is_none().then_some(only)
    }

    /// Returns whether something may have begun anew after an operation and before a read was over.
    fn may_be_anew(&self, since: u64, read: &Read) -> bool {
        self.changes.iter().any(|it| {
            it.anew
                && self.case.ended(it.place) > since
                && it.operation.invoked() < self.case.ended(read.place)
        })
    }

    /// By when all had ended that can have put the first element of a read there; none if it is
    /// not known that anything did.
    fn begun_by(&self, read: &Read) -> Option<u64> {
        let sources = self
            .of(read.elements.first()?)
            .filter(|it| it.operation.invoked() < self.case.ended(read.place));
        sources.map(|it| self.case.ended(it.place)).max()
    }

    /// An element that another read shows after the same beginning, and that had been added.
    fn shown_elsewhere(&self, read: &Read) -> Option<Complaint> {
        let beginning = read.elements.first()?;
        let put = self.only(beginning)?;
        for other in &self.reads {
            let same = other.place != read.place && other.elements.first() == Some(beginning);
            for element in other.elements.iter().skip(1).filter(|_| same) {
                let Some(addition) = self.only(element) else { continue };
                if read.elements.contains(element)
                    || !self.case.precedes(addition.place, read.place)
                {
                    continue;
                }
                let clause = format!(
                    "without {element}, which had been appended {} and which {} read after the same \
                     {beginning}, put only once, by {}",
                    when(addition.operation),
                    self.case.name(other.place),
                    name(put.operation)
                );
                let afterwards = self.afterwards(read, element, vec![addition.place]);
                let complaint = Complaint::new(read.place, clause).shown_by(addition.place);
                return Some(complaint.shown_by(other.place).and(afterwards));
            }
        }
        None
    }

    /// An element that stands there although nothing put it there, or more often than it was put.
    fn too_many(&self, read: &Read) -> Option<Complaint> {
        let seen = self.case.ended(read.place);
        let mut stands_there: BTreeMap<&String, usize> = BTreeMap::new();
        for element in &read.elements {
            *stands_there.entry(element).or_default() += 1;
        }
        for (element, stands) in stands_there {
            let failed = self.case.failed.iter().copied();
            let failed = failed.filter(|it| is_change(*it) && it.input().to_string() == *element);
            let sources = self.of(element).map(|it| it.operation);
            if let Some(clause) = without_a_source(element, "appended", sources, failed, seen) {
                let clause = format!("in which {element} stands, {clause}");
                return Some(Complaint::new(read.place, clause));
            }
            let put: Vec<&Change<'_>> =
                self.of(element).filter(|it| it.operation.invoked() < seen).collect();
            if stands > put.len() {
                let by: Vec<String> = put.iter().map(|it| name(it.operation)).collect();
                let clause = format!(
                    "in which {element} stands {}, although it was appended only {}, by {}",
                    times(stands),
                    times(put.len()),
                    by.join(" and by ")
                );
                let put = put.iter().map(|it| it.place);
                return Some(Complaint::new(read.place, clause).shown_by_all(put));
            }
        }
        None
    }

    /// An element that was acknowledged, or that one that is there comes after, and is not there.
    fn missing(&self, read: &Read) -> Option<Complaint> {
        // Of the elements that stand there and were put there once, the one that was put last.
        let latest = read.elements.iter().filter_map(|it| self.only(it));
        let latest = latest.max_by_key(|it| it.operation.invoked());
        for (element, changes) in &self.by_element {
            // Those that nothing can have done away with.
            let stays = |it: &&Change<'_>| {
                it.operation.outcome() == EventType::Ok
                    && (!self.may_be_anew(it.operation.invoked(), read)
                        || !it.anew
                            && self.begun_by(read).is_some_and(|by| by < it.operation.invoked()))
            };
            let changes: Vec<&Change<'_>> =
                changes.iter().map(|it| &self.changes[*it]).filter(stays).collect();
            let Some(change) = changes.last() else { continue };
            let stands = read.elements.iter().filter(|it| *it == element).count();
            let before =
                |index: u64| changes.iter().filter(|it| self.case.ended(it.place) < index).count();
            let acknowledged = before(self.operation(read).invoked());
            if stands < acknowledged {
                let how = if change.anew { "put" } else { "appended" };
                let clause = match stands {
                    0 => {
                        let first =
                            changes.iter().find(|it| self.case.precedes(it.place, read.place))?;
                        let after = match self.may_be_anew(first.operation.invoked(), read) {
                            false => String::new(),
                            true => format!(
                                " after {}, with which this begins, had been there, and nothing put \
                                 that again",
                                read.elements[0]
                            ),
                        };
                        format!(
                            "without {element}, which had been {how} {}{after}",
                            when(first.operation)
                        )
                    }
                    _ => format!(
                        "in which {element} stands only {}, although it had been {how} {}",
                        times(stands),
                        times(acknowledged)
                    ),
                };
                let shown_by = changes.iter().filter(|it| self.case.precedes(it.place, read.place));
                let shown_by: Vec<usize> = shown_by.map(|it| it.place).collect();
                let afterwards = self.afterwards(read, element, shown_by.clone());
                return Some(
                    Complaint::new(read.place, clause).shown_by_all(shown_by).and(afterwards),
                );
            }
            let Some(latest) = latest else { continue };
            if stands == 0 && before(latest.operation.invoked()) > 0 {
                let clause = format!(
                    "without {element}, which {} had appended before process {} began to append {}, which it shows",
                    name(changes[0].operation),
                    latest.operation.process(),
                    latest.element
                );
                let complaint = Complaint::new(read.place, clause).shown_by(changes[0].place);
                let afterwards = self.afterwards(read, element, vec![changes[0].place]);
                return Some(complaint.shown_by(latest.place).and(afterwards));
            }
        }
        None
    }

    /// Elements in another order than that of their additions.
    fn out_of_order(&self, read: &Read) -> Option<Complaint> {
        let known: Vec<&String> = read.elements.iter().take(MOST_COMPARED).collect();
        for (number, later) in known.iter().enumerate().skip(1) {
            for earlier in &known[..number] {
                let (Some(first), Some(second)) = (self.only(earlier), self.only(later)) else {
                    continue;
                };
                if self.case.precedes(second.place, first.place) {
                    let clause = format!(
                        "in which {earlier} stands before {later}, although {} had appended {later} before process {} began to append {earlier}",
                        name(second.operation),
                        first.operation.process()
                    );
                    let complaint = Complaint::new(read.place, clause).shown_by(first.place);
                    return Some(complaint.shown_by(second.place));
                }
            }
        }
        None
    }

    /// A content that another one had replaced.
    fn replaced(&self, read: &Read) -> Option<Complaint> {
        let puts = self.changes.iter().filter(|it| it.operation.outcome() == EventType::Ok);
        let mut puts: Vec<&Change<'_>> =
            puts.filter(|it| self.case.precedes(it.place, read.place)).collect();
        puts.sort_by_key(|it| std::cmp::Reverse(self.case.ended(it.place)));
        let clause = |put: &Change<'_>| {
            let verb = if put.anew { "put" } else { "appended" };
            format!(
                "although process {} had {verb} {} {}",
                put.operation.process(),
                put.element,
                when(put.operation)
            )
        };
        let Some(first) = read.elements.first() else {
            let empties = self.changes.iter().any(|it| it.element == "\"\"");
            let put = puts.first().filter(|_| !empties)?;
            let afterwards = self.afterwards(read, &put.element, vec![put.place]);
            return Some(
                Complaint::new(read.place, clause(put)).shown_by(put.place).and(afterwards),
            );
        };
        let put = puts.into_iter().find(|put| {
            let mut others =
                self.of(first).filter(|it| it.operation.invoked() < self.case.ended(read.place));
            put.anew
                && put.element != *first
                && others.all(|it| self.case.precedes(it.place, put.place))
        })?;
        let clause =
            format!("{}, and {first}, with which this begins, had been there before", clause(put));
        let afterwards = self.afterwards(read, &put.element, vec![put.place]);
        Some(Complaint::new(read.place, clause).shown_by(put.place).and(afterwards))
    }

    /// Two reads of which neither continues the other.
    fn against_each_other(&self) -> Option<Complaint> {
        for (number, later) in self.reads.iter().enumerate() {
            for earlier in &self.reads[number + 1..] {
                let since = self.operation(earlier).invoked().min(self.operation(later).invoked());
                let same_beginning = later.elements.first().is_some_and(|first| {
                    earlier.elements.first() == Some(first) && self.only(first).is_some()
                });
                let two = [earlier, later];
                let anew = two.iter().any(|read| self.may_be_anew(since, read));
                if anew && !same_beginning && self.changes.iter().any(|it| it.anew) {
                    continue;
                }
                let (long, short) = match later.elements.len() >= earlier.elements.len() {
                    true => (later, earlier),
                    false => (earlier, later),
                };
                let read = self.operation(earlier);
                let (process, output, at) = (read.process(), value(read.output()), when(read));
                let had = if self.case.precedes(earlier.place, later.place) {
                    "had read"
                } else {
                    "read"
                };
                let differs =
                    short.elements.iter().zip(&long.elements).position(|(one, other)| one != other);
                let (clause, missing) = match differs {
                    Some(at_element) => {
                        let two = [later, earlier].map(|read| &read.elements[at_element]);
                        let clause = format!(
                            "although process {process} {had} {output} {at}: the one has {} where \
                             the other has {}, so neither continues the other",
                            two[0], two[1]
                        );
                        (clause, Some(two[1]).filter(|it| !later.elements.contains(*it)))
                    }
                    None if long.place == earlier.place
                        && self.case.precedes(earlier.place, later.place)
                        && long.elements.len() > short.elements.len() =>
                    {
                        let missing = &long.elements[short.elements.len()];
                        (format!("without {missing}, which had been read {at}"), Some(missing))
                    }
                    None => continue,
                };
                let complaint = Complaint::new(later.place, clause).shown_by(earlier.place);
                let Some(missing) = missing else { return Some(complaint) };
                let put = self.only(missing).map(|it| it.place).into_iter().collect();
                return Some(complaint.and(self.afterwards(later, missing, put)));
            }
        }
        None
    }
}

/// `once`, `twice`, `3 times`
pub(super) fn times(count: usize) -> String {
    match count {
        1 => "once".to_string(),
        2 => "twice".to_string(),
        count => format!("{count} times"),
    }
}
