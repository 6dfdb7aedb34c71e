//! Decides a queue whose elements may repeat.
//!
//! A queue is a line: elements come in as they go out. The dequeues are gone through by their
//! returns, and each takes its element as late as can be: when it returns. What was decided by then
//! is a *way*: which enqueues are over and gone again, and which of the dequeues under way took one.
//!
//! When a dequeue returns that took `v`, an enqueue of `v` stands next in the line. In front of it
//! come all enqueues that returned before it was invoked, as far as they are not gone, and nothing
//! else: what else could come there can come right behind it as well. Each of them goes out by a
//! dequeue of its value that is under way, of several by the one that returns first; without one, by
//! one of unknown outcome. All that can be chosen is which enqueue of `v` it was. Of two, the one
//! that was invoked first needs less in front of it; it is the better one, unless the other one
//! returned first, which then has to come before all that was invoked after that. So there is a
//! choice between enqueues of one value of which one lies within the other, the more so between one
//! of unknown outcome and those that came later. Where both need the same in front of them, the one
//! that returned first is better.
//!
//! An observation that the queue was empty takes away at some moment all that had surely come in by
//! then. The moment may be right before any return of an enqueue, as nothing is gained by another
//! one, or when the observation itself returns.
//!
//! Many ways lead to the same, and a way is dropped if another one can do all that it can
//! ([`Line::covers`]): it has less taken out, or has taken an enqueue out that returns first where
//! the other one took one around it. What is left is few, since a way that took a wrong enqueue soon
//! has one in front of all others that no dequeue takes. If they become too many, the best go on;
//! should they lead nowhere, all is tried again with more.

use crate::model::queue::line::{Dequeue, Line};
use crate::model::queue::way::Way;

/// The name in verdicts.
pub(super) const NAME: &str = "queue-line";

/// The end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is a legal order.
    Valid,
    /// There is none of what happened up to this index.
    Invalid(u64),
    /// Neither is known, within the steps.
    Undecided,
}

/// The number of ways that are kept at a time in the first try, and its growth from try to try.
const WIDTH: usize = 16;
const GROWTH: usize = 8;

/// Decides within some steps, and says how many it took.
pub(super) fn decide(line: &Line, most_steps: u64) -> (End, u64) {
    let mut steps = 0;
    let mut width = WIDTH;
    while steps < most_steps {
        let mut sweep = Sweep::new(line, width, most_steps - steps);
        let stop = sweep.run();
        steps = (steps + sweep.steps).min(most_steps);
        match stop {
            Stop::Through => return (End::Valid, steps),
            Stop::DeadEnd(index) if !sweep.was_cut => return (End::Invalid(index), steps),
            // One of those that were left out may have led on.
            Stop::DeadEnd(_) => width = width.saturating_mul(GROWTH),
            Stop::OutOfSteps => break,
        }
    }
    (End::Undecided, steps)
}

/// Steps to find a smaller contradiction: so many times those of the decision, and at most so many.
const TIMES_THE_DECISION: u64 = 64;
const MOST_STEPS_TO_TRY: u64 = 20_000_000;

/// One try gets so many times the steps of the decision, and at least so many.
const TIMES_A_TRY: u64 = 4;
const STEPS_A_TRY: u64 = 10_000;

/// The operations of as few values as can be found that have no legal order up to an index; the
/// decision that there is none took so many steps, and about so many are left. Says how many it took.
pub(super) fn contradiction(
    line: &Line,
    until: u64,
    steps: u64,
    steps_left: u64,
) -> (Vec<usize>, u64) {
    let mut is_believed = vec![true; line.by_value.len()];
    let mut line = line.believing(&is_believed, until);
    let most = MOST_STEPS_TO_TRY.min(TIMES_THE_DECISION * steps).min(steps_left);
    let mut left = most;
    for value in 0..is_believed.len() {
        if line.by_value[value].is_empty() || left == 0 {
            continue;
        }
        is_believed[value] = false;
        let fewer = line.believing(&is_believed, until);
        let (end, steps) = decide(&fewer, left.min(STEPS_A_TRY.max(TIMES_A_TRY * steps)));
        left -= steps.min(left);
        match end {
            End::Invalid(_) => line = fewer,
            End::Valid | End::Undecided => is_believed[value] = true,
        }
    }
    (line.known_by(until), most - left)
}

/// The reason why a sweep stops.
enum Stop {
    /// All was gone through.
    Through,
    /// No way leads past this index.
    DeadEnd(u64),
    OutOfSteps,
}

/// A beginning or a return.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// An enqueue returns.
    Enqueued,
    /// A dequeue with this number begins or returns.
    DequeueBegins(usize),
    Dequeued(usize),
    /// A dequeue without an answer begins.
    UnseenBegins,
    /// An observation that the queue is empty begins or returns.
    EmptyBegins(usize),
    FoundEmpty(usize),
}

struct Sweep<'a> {
    line: &'a Line,
    width: usize,
    most_steps: u64,
    steps: u64,
    was_cut: bool,
    ways: Vec<Way>,
    now: Now,
}

/// The operations under way.
#[derive(Debug, Default)]
pub(super) struct Now {
    pub(super) index: u64,
    /// For each value, the dequeues of it, by return.
    pub(super) dequeues: Vec<Vec<usize>>,
    /// The number of dequeues without an answer that have begun.
    pub(super) unseen: usize,
    /// Observations that the queue is empty.
    pub(super) empties: Vec<usize>,
}

impl<'a> Sweep<'a> {
    fn new(line: &'a Line, width: usize, most_steps: u64) -> Sweep<'a> {
        let now = Now { dequeues: vec![Vec::new(); line.by_value.len()], ..Now::default() };
        let ways = vec![Way::default()];
        Sweep { line, width, most_steps, steps: 0, was_cut: false, ways, now }
    }

    fn run(&mut self) -> Stop {
        for (index, change) in changes(self.line) {
            self.now.index = index;
            match change {
                Change::DequeueBegins(number) => {
                    let Dequeue { value, returned, .. } = self.line.dequeues[number];
                    let line = self.line;
                    let open = &mut self.now.dequeues[value];
                    let at = open.partition_point(|it| line.dequeues[*it].returned < returned);
                    open.insert(at, number);
                }
                Change::UnseenBegins => self.now.unseen += 1,
                Change::EmptyBegins(number) => self.now.empties.push(number),
                Change::Dequeued(number) => self.dequeued(number),
                Change::Enqueued => self.may_be_empty(),
                Change::FoundEmpty(number) => self.found_empty(number),
            }
            if self.ways.is_empty() {
                return Stop::DeadEnd(index);
            }
            if self.steps > self.most_steps {
                return Stop::OutOfSteps;
            }
        }
        Stop::Through
    }

    fn dequeued(&mut self, number: usize) {
        let mut ways = Vec::new();
        for way in std::mem::take(&mut self.ways) {
            self.steps += 1;
            if way.has_taken(number) {
                let mut way = way;
                way.forget_dequeue(number);
                ways.push(way);
            } else {
                self.line.take(&way, number, &self.now, &mut ways, &mut self.steps);
            }
        }
        let Dequeue { value, .. } = self.line.dequeues[number];
        self.now.dequeues[value].retain(|it| *it != number);
        self.keep(ways);
    }

    /// Tries to have the queue empty right before an enqueue returns.
    fn may_be_empty(&mut self) {
        if self.now.empties.is_empty() {
            return;
        }
        let mut ways = Vec::new();
        for mut way in std::mem::take(&mut self.ways) {
            if way.has_found_empty(&self.now.empties) {
                ways.push(way);
                continue;
            }
            match self.line.empty(&way, &self.now, &mut self.steps) {
                Some((_, 0)) => way.find_empty(&self.now.empties),
                Some((empty, _)) => ways.push(empty),
                None => {}
            }
            ways.push(way);
        }
        self.keep(ways);
    }

    fn found_empty(&mut self, number: usize) {
        let mut ways = Vec::new();
        for mut way in std::mem::take(&mut self.ways) {
            if way.has_found_empty(&[number]) {
                way.forget_empty(number);
                ways.push(way);
            } else if let Some((mut way, _)) = self.line.empty(&way, &self.now, &mut self.steps) {
                way.forget_empty(number);
                ways.push(way);
            }
        }
        self.now.empties.retain(|it| *it != number);
        self.keep(ways);
    }

    /// Goes on with the best of some ways that no other one covers.
    fn keep(&mut self, mut ways: Vec<Way>) {
        if ways.len() > 1 {
            ways.sort_by_cached_key(|way| (way.cost(), way.clone()));
            ways.dedup();
        }
        for way in ways {
            let Sweep { line, steps, .. } = self;
            if self.ways.iter().any(|other| line.covers(other, &way, steps)) {
                continue;
            }
            if self.ways.len() == self.width {
                self.was_cut = true;
                break;
            }
            self.ways.push(way);
        }
    }
}

/// All that happens, in its order.
fn changes(line: &Line) -> Vec<(u64, Change)> {
    let mut changes = Vec::new();
    changes.extend(line.enqueues.iter().map(|it| (it.returned, Change::Enqueued)));
    for (number, it) in line.dequeues.iter().enumerate() {
        changes.push((it.invoked, Change::DequeueBegins(number)));
        changes.push((it.returned, Change::Dequeued(number)));
    }
    changes.extend(line.unseen.iter().map(|invoked| (*invoked, Change::UnseenBegins)));
    for (number, it) in line.empties.iter().enumerate() {
        changes.push((it.invoked, Change::EmptyBegins(number)));
        changes.push((it.returned, Change::FoundEmpty(number)));
    }
    changes.sort_unstable_by_key(|(index, _)| *index);
    changes
}
