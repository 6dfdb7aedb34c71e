//! Decides a set exactly, in time of the sizes of all reads together.
//!
//! An element is there from the first of its additions on. Of an element's additions the first may
//! take effect at any time between the first invocation of one of them and the first return of one
//! that is known; at every such time the addition that was invoked first is under way, and all
//! others can come later. So the additions of an element are one addition, with this interval.
//!
//! In an order, what is read only grows. Reads of the same elements make a *level*, and levels
//! must contain each other. Between two levels stand the additions of the elements that the greater
//! one has more, and after the last level those of elements that were never read; an addition of
//! unknown outcome that was never read is left out. This says in which of the groups
//!
//! > additions of level 0, reads of level 0, additions of level 1, reads of level 1, …
//!
//! each operation stands, and nothing about the order within a group. Such an order respects time
//! if and only if no operation of a group returned before one of an earlier group was invoked:
//! within a group, any order that respects time will do. One pass over the groups compares each
//! operation with the one of the earlier groups that was invoked last.
//!
//! Lee & Mathur ("Efficient decrease-and-conquer linearizability monitoring", arXiv 2410.04581)
//! decide sets whose operations look at single elements; reads of all elements make it simpler.

use crate::model::set::{Input, Output, Set};
use crate::model::{Call, Calls, Direct, Solver, ValueId};

/// The name in verdicts.
const NAME: &str = "set-levels";

/// The operations on a set.
#[derive(Debug)]
pub(in crate::model) struct Operations<'a> {
    /// By element.
    additions: Vec<Option<Addition>>,
    reads: Vec<Read<'a>>,
    /// The number of elements that were there from the start.
    initial: usize,
}

/// All additions of an element.
#[derive(Debug, Clone, Copy)]
struct Addition {
    /// Index of the first invocation; 0 of elements that were there from the start.
    invoked: u64,
    /// Index of the first return of an addition that is known, and its place.
    returned: Option<(u64, usize)>,
    /// True if a level that was looked at has the element.
    seen: bool,
}

/// A read.
#[derive(Debug)]
pub(in crate::model) struct Read<'a> {
    pub(in crate::model) place: usize,
    pub(in crate::model) invoked: u64,
    pub(in crate::model) returned: u64,
    pub(in crate::model) elements: &'a [ValueId],
}

/// The operation of the groups so far that was invoked last.
#[derive(Debug, Clone, Copy, Default)]
struct Latest {
    invoked: u64,
    /// The read that shows that it stands there.
    shown_by: usize,
}

impl Latest {
    fn consider(&mut self, invoked: u64, shown_by: usize) {
        if invoked > self.invoked {
            *self = Latest { invoked, shown_by };
        }
    }
}

impl Solver<Set> for Set {
    fn decide(&self, calls: &Calls<'_, Self>) -> Option<Direct> {
        Some(decide(calls))
    }
}

fn decide(calls: &Calls<'_, Set>) -> Direct {
    let named = calls.iter().filter_map(|timed| match timed.call {
        Call::Known(Input::Read, Output::Elements(elements)) => elements.last().copied(),
        Call::Known(Input::Add(element), _) | Call::Unknown(Input::Add(element)) => Some(*element),
        _ => None,
    });
    let greatest = named.chain(calls.initial().last().copied()).max();
    let mut operations = Operations::new(greatest.map_or(0, |element| element.0 as usize + 1));
    for element in calls.initial() {
        let addition = Addition { invoked: 0, returned: None, seen: true };
        operations.additions[element.0 as usize] = Some(addition);
        operations.initial += 1;
    }
    for (place, timed) in calls.iter().enumerate() {
        match timed.call {
            Call::Known(Input::Read, Output::Elements(elements)) => operations.reads.push(Read {
                place,
                invoked: timed.invoked,
                returned: timed.returned.unwrap_or(u64::MAX),
                elements,
            }),
            Call::Known(Input::Add(element), _) | Call::Unknown(Input::Add(element)) => {
                operations.add(*element, place, timed.invoked, timed.returned);
            }
            _ => {}
        }
    }
    let mut steps = calls.len() as u64;
    let contradiction = operations.contradiction(&mut steps);
    Direct { algorithm: NAME, steps, contradiction, since: None }
}

impl<'a> Operations<'a> {
    /// None, on a set that is empty. Elements are less than `elements`.
    pub(in crate::model) fn new(elements: usize) -> Operations<'a> {
        Operations { additions: vec![None; elements], reads: Vec::new(), initial: 0 }
    }

    /// Adds an addition; they come by invocation.
    pub(in crate::model) fn add(
        &mut self,
        element: ValueId,
        place: usize,
        invoked: u64,
        returned: Option<u64>,
    ) {
        let first = Addition { invoked, returned: None, seen: false };
        let addition = self.additions[element.0 as usize].get_or_insert(first);
        if let Some(returned) = returned
            && addition.returned.is_none_or(|(first, _)| returned < first)
        {
            addition.returned = Some((returned, place));
        }
    }

    /// Adds a read, whose elements are in the order of their numbers.
    pub(in crate::model) fn read(&mut self, read: Read<'a>) {
        self.reads.push(read);
    }

    /// Operations that contradict each other, no matter what became of the others; none if there is
    /// a legal order. Steps are added to `steps`.
    pub(in crate::model) fn contradiction(self, steps: &mut u64) -> Option<Vec<usize>> {
        let Operations { additions, mut reads, initial } = self;
        reads.sort_by_key(|read| read.elements.len());
        contradiction(additions, &reads, initial, steps)
    }
}

/// Expects the reads by size.
fn contradiction(
    mut additions: Vec<Option<Addition>>,
    reads: &[Read<'_>],
    mut size: usize,
    steps: &mut u64,
) -> Option<Vec<usize>> {
    let (mut last_read, mut last_addition) = (Latest::default(), Latest::default());
    // The last read of the levels below the present one.
    let mut lower_read = Latest::default();
    let mut previous: Option<usize> = None;
    for read in reads {
        *steps += read.elements.len() as u64;
        if read.elements.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some(vec![read.place]);
        }
        let seen = |element: &&ValueId| {
            additions[element.0 as usize].is_some_and(|addition| addition.seen)
        };
        if read.elements.iter().filter(seen).count() < size {
            // It lacks an element of the level below, which has no more elements than it: each of
            // the two reads has one that the other lacks. Or it lacks what was there from the start.
            return Some(previous.into_iter().chain([read.place]).collect());
        }
        if read.elements.len() > size {
            lower_read = last_read;
            let lower_addition = last_addition;
            size = read.elements.len();
            for element in read.elements {
                let Some(addition) = &mut additions[element.0 as usize] else {
                    // Nothing ever added it.
                    return Some(vec![read.place]);
                };
                if addition.seen {
                    continue;
                }
                addition.seen = true;
                if let Some(both) = too_early(addition, lower_read, lower_addition) {
                    return Some(both);
                }
                last_addition.consider(addition.invoked, read.place);
            }
        }
        if read.returned < last_addition.invoked {
            return Some(vec![read.place]);
        }
        if read.returned < lower_read.invoked {
            return Some(vec![lower_read.shown_by, read.place]);
        }
        last_read.consider(read.invoked, read.place);
        previous = Some(read.place);
    }
    additions
        .iter()
        .flatten()
        .filter(|addition| !addition.seen)
        .find_map(|addition| too_early(addition, last_read, last_addition))
}

/// An addition that returned before something of an earlier group was invoked. A read there lacks
/// the element. An addition there is of an element that some read has without having this one:
/// that read came after the other's invocation, so after this addition, and lacks its element.
fn too_early(addition: &Addition, reads: Latest, additions: Latest) -> Option<Vec<usize>> {
    let (returned, place) = addition.returned?;
    [reads, additions]
        .into_iter()
        .find(|earlier| returned < earlier.invoked)
        .map(|earlier| vec![place, earlier.shown_by])
}
