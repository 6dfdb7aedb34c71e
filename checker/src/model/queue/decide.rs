//! Decides a queue of unique elements exactly, in time n log n, with dequeues of unknown outcome.
//!
//! **Elements as pairs of intervals.** An element `v` came in within `[E, e]` (the enqueue's
//! invocation and return) and went out within `[D, d]`; unknown ends are infinite. If one of them
//! went out before it came in (`d < E`), there is no order (VFresh). Else let `e` be no later than
//! `d` and `D` no earlier than `E`, which time demands anyway. A queue is a line: in an order,
//! elements come in as they go out. Let `u → v` say that `u` is before `v` in that line. Time
//! demands it if `e(u) < E(v)` or `d(u) < D(v)`. There is an order if and only if these demands
//! have no cycle: along a line that meets them, let every enqueue happen as early and every dequeue
//! as late as the line and the intervals allow. And if they have a cycle, they have one of two
//! elements: in a shortest cycle demands of the two kinds alternate, and of two demands
//! `e(1) < E(2)`, `e(3) < E(4)` one of `e(1) < E(4)`, `e(3) < E(2)` holds as well, which makes a
//! shorter one. So it suffices to look for pairs with `e(u) < E(v)` and `d(v) < D(u)` (VOrd), and
//! there `e(u)` and `D(u)` are the ends as they were recorded. The names, and VRepeat for an
//! element that goes out twice, are those of Henzinger, Sezgin & Vafeiadis ("Aspect-oriented
//! linearizability proofs", CONCUR 2013).
//!
//! **An element of which no dequeue is known** went out at infinity, after all others. If its
//! enqueue is of unknown outcome, it never came in: without it an order stays an order.
//!
//! **Empty queues** (VWit). From `e(v)` to `D(v)`, if `e(v) < D(v)`, the queue surely holds `v`.
//! Where such spans overlap, they join to a longer one. An observation that the queue was empty
//! stands at one point of the line and of time, with every element wholly before or wholly after
//! it. That one element is not after another one's point (`e(w) < D(u)`: `w` comes in before `u`
//! goes out) is transitive along joined spans and nowhere else, so the observation has a place if
//! and only if its interval is not within one joined span. The line's segments between such points
//! are lines of their own, and the demands above never lead from a later segment to an earlier one.
//!
//! **Dequeues of unknown outcome** may each have removed one element that no known dequeue
//! removed, a *stray*, at any time after their invocation. Only the invocation `p` matters: it is
//! the stray's `D`. Let the stray that came in `i`-th (by `e`) have gone out by the dequeue invoked
//! `i`-th, and let strays without a dequeue stay. If any assignment gives an order, this one does:
//! exchanging two dequeues towards it meets the same deadlines (`p < D*(u)`, the first return of
//! the dequeue of an element with `e(u) < E`; strays that came in earlier have earlier ones), and
//! the union of `[e, p]` over all strays only shrinks.
//!
//! **Retractable dequeues** come up when it is asked what follows from some operations alone: a
//! dequeue of unknown outcome that removed its own element, if any. If only such dequeues are of
//! unknown outcome, every stray that has one may be taken to have gone out by it; if one in front
//! of it stayed, the spans are the same as if it had stayed too. If there are others, a first
//! attempt gives the strays without a retractable dequeue those others, which is one possible
//! assignment; a second gives any stray any dequeue, which allows more than is possible. Only where
//! the first finds no order and the second finds one is a search needed.
//!
//! Axioms for histories with pending operations were given wrongly more than once; Abdulla, Atig,
//! Jonsson, Lång & Ngo ("Efficient linearizability monitoring", arXiv 2509.17795) and Lee & Mathur
//! ("Efficient decrease-and-conquer linearizability monitoring", arXiv 2410.04581) treat complete
//! ones. The argument above is tested against the search.

use crate::model::queue::line::Line;
use crate::model::queue::{Found, Input, Output, Queue, counted, repeating};
use crate::model::{Attempt, Call, Calls, Direct, Solver, ValueId};

/// The name in verdicts.
const NAME: &str = "queue-axioms";

/// Stands for what never happened.
const NEVER: u64 = u64::MAX;

/// An operation's interval.
#[derive(Debug, Clone, Copy)]
struct Interval {
    place: usize,
    invoked: u64,
    returned: u64,
}

/// The operations on one value.
#[derive(Debug, Clone, Copy, Default)]
struct Element {
    enqueue: Option<Interval>,
    dequeue: Option<Interval>,
    /// Index of the first invocation of a retractable dequeue of it.
    retractable: Option<u64>,
}

/// An element that surely came in, and when it surely was in the queue.
#[derive(Debug, Clone, Copy)]
struct Stay {
    /// Index of the return of the enqueue.
    from: u64,
    /// Index of the invocation of the dequeue, or [`NEVER`].
    to: u64,
    /// The place of the enqueue.
    enqueue: usize,
    departure: Departure,
}

/// The way in which an element went out.
#[derive(Debug, Clone, Copy)]
enum Departure {
    /// By the dequeue at this place.
    Known(usize),
    /// By its retractable dequeue, or not at all.
    Retractable,
    /// It is the stray with this number, by the return of its enqueue: it went out by the dequeue
    /// of unknown outcome with this number, or not at all.
    Stray(usize),
}

/// Which dequeues of unknown outcome strays go out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Assignment {
    /// Their retractable ones where they have one, the others by those that may remove anything.
    OwnFirst,
    /// Any, as if retractable ones could remove anything too.
    Any,
}

/// The operations of a partition, sorted out.
struct Sorted {
    elements: Vec<Element>,
    /// Observations that the queue was empty.
    empties: Vec<Interval>,
    /// Indices of the invocations of dequeues of unknown outcome, rising. Retractable ones are not
    /// among them.
    pending: Vec<u64>,
}

impl Solver<Queue> for Queue {
    fn decide(&self, calls: &Calls<'_, Self>) -> Option<Direct> {
        decide(calls)
    }

    /// Decides by the line that elements are in where some of them are equal.
    fn attempt(&self, calls: &Calls<'_, Self>, most_steps: u64) -> Attempt {
        if let Some(direct) = decide(calls) {
            return Attempt::Decided(direct);
        }
        let line = Line::of(calls);
        let (end, mut steps) = repeating::decide(&line, most_steps);
        let contradiction = match end {
            repeating::End::Valid => None,
            repeating::End::Invalid(index) => {
                let counted = counted::contradiction(&line, index);
                Some(counted.unwrap_or_else(|| {
                    let left = most_steps - steps;
                    let (places, more) = repeating::contradiction(&line, index, steps, left);
                    steps += more;
                    places
                }))
            }
            repeating::End::Undecided => return Attempt::OutOfSteps(steps),
        };
        Attempt::Decided(Direct { algorithm: repeating::NAME, steps, contradiction, since: None })
    }
}

/// None if a value was enqueued twice, or if a search is needed.
fn decide(calls: &Calls<'_, Queue>) -> Option<Direct> {
    if !calls.initial().is_empty() {
        return None;
    }
    let sorted = match sort(calls)? {
        Ok(sorted) => sorted,
        Err(contradiction) => return Some(direct(calls, Some(contradiction))),
    };
    if let Some(contradiction) = out_before_in(&sorted) {
        return Some(direct(calls, Some(contradiction)));
    }
    let contradiction = |assignment| {
        let stays = stays(&sorted, assignment);
        out_of_order(&sorted, &stays).or_else(|| never_empty(&sorted, &stays))
    };
    match contradiction(Assignment::OwnFirst) {
        Some(_) if sorted.any_retractable() && !sorted.pending.is_empty() => {
            contradiction(Assignment::Any).map(|certain| direct(calls, Some(certain)))
        }
        contradiction => Some(direct(calls, contradiction)),
    }
}

fn direct(calls: &Calls<'_, Queue>, contradiction: Option<Vec<usize>>) -> Direct {
    Direct { algorithm: NAME, steps: calls.len() as u64, contradiction, since: None }
}

/// None if a value was enqueued twice; an error names two dequeues of one element.
fn sort(calls: &Calls<'_, Queue>) -> Option<Result<Sorted, Vec<usize>>> {
    let mut elements = Elements::default();
    let (mut empties, mut pending) = (Vec::new(), Vec::new());
    let mut twice = None;
    for (place, timed) in calls.iter().enumerate() {
        let interval =
            Interval { place, invoked: timed.invoked, returned: timed.returned.unwrap_or(NEVER) };
        let found = match *timed.call {
            Call::Known(Input::Enqueue(element), _) | Call::Unknown(Input::Enqueue(element)) => {
                if elements.of(element).enqueue.replace(interval).is_some() {
                    return None;
                }
                continue;
            }
            Call::Known(Input::Dequeue(_), Output::Dequeued(element)) => Found::Element(element),
            Call::Known(Input::Dequeue(_), _) => Found::Nothing,
            Call::Unknown(Input::Dequeue(found)) => found,
        };
        match found {
            Found::Element(element) if timed.returned.is_none() => {
                elements.of(element).retractable.get_or_insert(timed.invoked);
            }
            Found::Element(element) => {
                if let Some(first) = elements.of(element).dequeue.replace(interval) {
                    twice = twice.or(Some(vec![first.place, place]));
                }
            }
            Found::Nothing => empties.push(interval),
            Found::Anything => pending.push(timed.invoked),
        }
    }
    Some(twice.map_or(Ok(Sorted { elements: elements.0, empties, pending }), Err))
}

/// The elements, by the number of their value.
#[derive(Debug, Default)]
struct Elements(Vec<Element>);

impl Elements {
    fn of(&mut self, ValueId(value): ValueId) -> &mut Element {
        let place = value as usize;
        if place >= self.0.len() {
            self.0.resize(place + 1, Element::default());
        }
        &mut self.0[place]
    }
}

impl Element {
    /// Returns whether it surely came in, and no dequeue of it is known.
    fn is_stray(&self) -> bool {
        self.dequeue.is_none() && self.enqueue.is_some_and(|enqueue| enqueue.returned != NEVER)
    }
}

impl Sorted {
    fn retractable(&self) -> impl Iterator<Item = u64> + '_ {
        self.elements.iter().filter(|element| element.is_stray()).filter_map(|it| it.retractable)
    }

    fn any_retractable(&self) -> bool {
        self.retractable().next().is_some()
    }
}

/// The elements that surely came in, by the return of their enqueue.
fn stays(sorted: &Sorted, assignment: Assignment) -> Vec<Stay> {
    let mut pending = sorted.pending.clone();
    if assignment == Assignment::Any {
        pending.extend(sorted.retractable());
        pending.sort_unstable();
    }
    let mut stays: Vec<Stay> = sorted
        .elements
        .iter()
        .filter_map(|element| {
            let enqueue = element.enqueue.filter(|enqueue| enqueue.returned != NEVER)?;
            let (to, departure) = match (element.dequeue, element.retractable) {
                (Some(dequeue), _) => (dequeue.invoked, Departure::Known(dequeue.place)),
                (None, Some(retractable)) if assignment == Assignment::OwnFirst => {
                    (retractable, Departure::Retractable)
                }
                (None, _) => (NEVER, Departure::Stray(0)),
            };
            Some(Stay { from: enqueue.returned, to, enqueue: enqueue.place, departure })
        })
        .collect();
    stays.sort_unstable_by_key(|stay| stay.from);
    let mut strays = 0;
    for stay in &mut stays {
        if let Departure::Stray(number) = &mut stay.departure {
            *number = strays;
            stay.to = pending.get(strays).copied().unwrap_or(NEVER);
            strays += 1;
        }
    }
    stays
}

/// The operations that say when an element went out. Nothing but the number of strays that came
/// in by then says that more of them did than dequeues of unknown outcome were invoked.
fn witnesses(stays: &[Stay], stay: &Stay) -> Vec<usize> {
    match stay.departure {
        Departure::Known(dequeue) => vec![stay.enqueue, dequeue],
        Departure::Retractable => vec![stay.enqueue],
        Departure::Stray(last) => stays
            .iter()
            .filter(|stay| matches!(stay.departure, Departure::Stray(number) if number <= last))
            .map(|stay| stay.enqueue)
            .collect(),
    }
}

/// VFresh.
fn out_before_in(sorted: &Sorted) -> Option<Vec<usize>> {
    sorted.elements.iter().find_map(|element| {
        let dequeue = element.dequeue?;
        let came_in = element.enqueue.is_some_and(|enqueue| enqueue.invoked < dequeue.returned);
        (!came_in).then(|| vec![dequeue.place])
    })
}

/// VOrd: an element that surely was still in the queue when one behind it went out.
fn out_of_order(sorted: &Sorted, stays: &[Stay]) -> Option<Vec<usize>> {
    let mut behind: Vec<(u64, Interval)> = sorted
        .elements
        .iter()
        .filter_map(|element| Some((element.enqueue?.invoked, element.dequeue?)))
        .collect();
    behind.sort_unstable_by_key(|(came_in, _)| *came_in);
    // Of the elements in front of the present one, that which was there longest.
    let mut longest: Option<&Stay> = None;
    let mut in_front = stays.iter().peekable();
    for (came_in, dequeue) in behind {
        while let Some(stay) = in_front.next_if(|stay| stay.from < came_in) {
            if longest.is_none_or(|longest| longest.to < stay.to) {
                longest = Some(stay);
            }
        }
        if let Some(longest) = longest.filter(|longest| dequeue.returned < longest.to) {
            let mut contradiction = witnesses(stays, longest);
            contradiction.push(dequeue.place);
            return Some(contradiction);
        }
    }
    None
}

/// VWit: an observation that the queue was empty while it surely was not.
fn never_empty(sorted: &Sorted, stays: &[Stay]) -> Option<Vec<usize>> {
    let held = || stays.iter().filter(|stay| stay.from < stay.to);
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for stay in held() {
        match spans.last_mut() {
            Some((_, to)) if stay.from < *to => *to = stay.to.max(*to),
            _ => spans.push((stay.from, stay.to)),
        }
    }
    let is_within = |empty: &&Interval| {
        let before = spans.partition_point(|(from, _)| *from < empty.invoked);
        before > 0 && empty.returned < spans[before - 1].1
    };
    let empty = sorted.empties.iter().find(is_within)?;

    // The fewest elements whose stays cover the observation, from its beginning on.
    let mut contradiction = vec![empty.place];
    let mut covered = empty.invoked;
    let mut stays_by_start = held().peekable();
    let mut longest: Option<&Stay> = None;
    while covered < empty.returned {
        while let Some(stay) = stays_by_start.next_if(|stay| stay.from < covered) {
            if longest.is_none_or(|longest| longest.to < stay.to) {
                longest = Some(stay);
            }
        }
        let longest = longest.expect("the observation lies within a joined span");
        covered = longest.to;
        contradiction.extend(witnesses(stays, longest));
    }
    contradiction.sort_unstable();
    contradiction.dedup();
    Some(contradiction)
}
