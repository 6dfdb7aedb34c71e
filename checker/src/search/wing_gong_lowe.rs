//! Depth-first search for a legal order, with a memo.
//!
//! The search of Wing & Gong (J. Parallel Distrib. Comput. 17, 1993) tries, as the next operation,
//! each of those that were called before the first return of what is left. Lowe (Concurrency and
//! Computation 29(4), 2017) remembers the configurations (set of linearized operations, state)
//! that led nowhere. What this module adds are rules about orders that need not be tried. Each
//! rule keeps at least one order if there is any:
//!
//! 1. **Observers at once.** An operation that leaves the state as it is, may come next and
//!    answered what the state says, comes next: moved to the front of any order of the rest, it
//!    stays legal and changes nothing for the others.
//! 2. **Twins in order of return.** Of operations that ask and answer the same, the one that
//!    returned first comes first: exchanging two of them leaves the order legal.
//! 3. **Unknown outcomes only when needed.** Consider the orders with the fewest mutations of
//!    unknown outcome and, among these, those that apply them latest. There, the operation `x` that
//!    follows such a mutation `u` needs it: it is not the case that `x` gives the same state
//!    without `u` (leave `u` out), nor that `u` after `x` gives the same state (apply it later).
//! 4. **Nothing outgrown is seen again** (models whose states grow). No mutation comes next that
//!    leads past the state in which an observer that is left gave its answer, unless something
//!    left starts the state anew below it.

use crate::search::call_list::{CallList, Entry};
use crate::search::fingerprint::{Memo, Seed};
use crate::search::machine::{Chosen, Machine};
use crate::search::problem::Problem;
use crate::search::{Decision, Limits, Outcome};

/// The name in verdicts.
pub(crate) const NAME: &str = "wing-gong-lowe";

/// Two unrelated families of fingerprints.
const SEEDS: [Seed; 2] = [Seed(0x5EED_0000_0000_0001), Seed(0x5EED_FFFF_0000_0002)];

/// Roles of the things that make a fingerprint.
const CERTAIN: u64 = 1;
const MAYBE_APPLIED: u64 = 2;
const STATE: u64 = 3;
const CONTEXT: u64 = 4;

/// To remember a configuration takes as long as to try so many operations: the memo is large.
const STEPS_TO_REMEMBER: u64 = 3;

/// The number of observers left that rule 4 looks at. The next few exclude nearly all that any of
/// them would.
const OBSERVERS_AHEAD: usize = 8;

/// Searches for a legal order. An Invalid that a collision of fingerprints could have caused is
/// confirmed with other fingerprints.
pub(crate) fn decide(problem: &Problem, machine: &mut dyn Machine, limits: Limits) -> Decision {
    let mut first = Search::new(problem, machine, limits, SEEDS[0]);
    let outcome = first.run();
    let steps = first.steps;
    if outcome != Outcome::Invalid || !first.memo.was_hit() {
        return Decision { outcome, steps };
    }
    drop(first);
    // Everything was taken back: the object is in its first state again.
    let mut second = Search::new(problem, machine, limits, SEEDS[1]);
    let outcome = second.run();
    Decision { outcome, steps: steps + second.steps }
}

/// One decision of the search, with what is needed to take it back.
#[derive(Debug)]
struct Frame {
    chosen: Chosen,
    /// The group of the mutation of unknown outcome that came right before, if one did.
    context: Option<usize>,
    /// True if nothing else needs to be tried in this place.
    final_choice: bool,
}

/// The next thing to try in the present configuration.
#[derive(Debug, Clone, Copy)]
enum Cursor {
    /// Look for an observer at this entry and after it.
    Observers(Entry),
    /// Every observer is placed; is this configuration new?
    Arrived,
    /// Try mutations that took effect, from this entry on.
    Mutations(Entry),
    /// Try mutations of unknown outcome, from this group on.
    MaybeApplied(usize),
}

struct Search<'a> {
    problem: &'a Problem,
    machine: &'a mut dyn Machine,
    limits: Limits,
    seed: Seed,
    memo: Memo,
    steps: u64,
    list: CallList,
    frames: Vec<Frame>,
    /// The group of the mutation of unknown outcome that was just applied.
    context: Option<usize>,
    /// The fingerprint of the set of operations that were placed.
    placed: u128,
    /// For each group of `problem.maybe_applied`, the number used.
    used: Vec<usize>,
    /// For each certain operation, whether it was placed.
    is_placed: Vec<bool>,
    /// For each class, the number of operations left.
    class_left: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(
        problem: &'a Problem,
        machine: &'a mut dyn Machine,
        limits: Limits,
        seed: Seed,
    ) -> Search<'a> {
        let intervals: Vec<(u64, u64)> = problem
            .certain
            .iter()
            .map(|operation| (operation.invoked, operation.returned))
            .collect();
        Search {
            problem,
            machine,
            limits,
            seed,
            memo: Memo::default(),
            steps: 0,
            list: CallList::new(&intervals),
            frames: Vec::new(),
            context: None,
            placed: 0,
            used: vec![0; problem.maybe_applied.len()],
            is_placed: vec![false; problem.certain.len()],
            class_left: problem.class_sizes.clone(),
        }
    }

    fn run(&mut self) -> Outcome {
        let mut cursor = Cursor::Observers(self.list.first());
        loop {
            if self.list.first() == Entry::End {
                return Outcome::Valid;
            }
            cursor = match cursor {
                Cursor::Observers(Entry::Call(operation)) => {
                    let chosen = Chosen::Certain(operation);
                    if self.problem.certain[operation].observer {
                        self.steps += 1;
                        if self.machine.try_next(chosen) {
                            self.place(chosen, true);
                        }
                    }
                    Cursor::Observers(self.list.after(operation))
                }
                Cursor::Observers(Entry::Return(_) | Entry::End) => Cursor::Arrived,
                Cursor::Arrived => {
                    if self.memo.next_size() > self.limits.memory {
                        return Outcome::OutOfMemory;
                    }
                    self.steps += STEPS_TO_REMEMBER;
                    if self.memo.insert(self.fingerprint()) {
                        Cursor::Mutations(self.list.first())
                    } else {
                        match self.take_back() {
                            Some(cursor) => cursor,
                            None => return Outcome::Invalid,
                        }
                    }
                }
                Cursor::Mutations(Entry::Call(operation)) => {
                    if !self.count_step() {
                        return Outcome::OutOfSteps;
                    }
                    if self.try_certain(operation) {
                        Cursor::Observers(self.list.first())
                    } else {
                        Cursor::Mutations(self.list.after(operation))
                    }
                }
                Cursor::Mutations(Entry::Return(_) | Entry::End) => Cursor::MaybeApplied(0),
                Cursor::MaybeApplied(group) if group < self.problem.maybe_applied.len() => {
                    if !self.count_step() {
                        return Outcome::OutOfSteps;
                    }
                    if self.try_maybe_applied(group) {
                        Cursor::Observers(self.list.first())
                    } else {
                        Cursor::MaybeApplied(group + 1)
                    }
                }
                Cursor::MaybeApplied(_) => match self.take_back() {
                    Some(cursor) => cursor,
                    None => return Outcome::Invalid,
                },
            };
        }
    }

    fn count_step(&mut self) -> bool {
        self.steps += self.machine.cost();
        self.steps <= self.limits.steps
    }

    /// Places a mutation that took effect, unless a rule says that it need not be tried.
    fn try_certain(&mut self, index: usize) -> bool {
        let chosen = Chosen::Certain(index);
        let need_not_be_tried = self.problem.certain[index].observer
            || self.has_a_twin_that_returned_first(index)
            || !self.machine.try_next(chosen)
            || self.context.is_some_and(|last| self.machine.can_do_without(last, chosen, true))
            || self.outgrows_an_observer(Some(index));
        if !need_not_be_tried {
            self.place(chosen, false);
        }
        !need_not_be_tried
    }

    /// Rule 2.
    fn has_a_twin_that_returned_first(&self, index: usize) -> bool {
        let operation = &self.problem.certain[index];
        if self.class_left[operation.class] < 2 {
            return false;
        }
        self.list.enabled().any(|other| {
            let twin = &self.problem.certain[other];
            twin.class == operation.class && (twin.returned, other) < (operation.returned, index)
        })
    }

    /// Rule 4, for the state after `placed`, which was tried last.
    fn outgrows_an_observer(&self, placed: Option<usize>) -> bool {
        if self.problem.revivals.is_empty() {
            return false;
        }
        let stays_possible = |revivals: &[usize]| {
            revivals.iter().any(|place| Some(*place) != placed && !self.is_placed[*place])
        };
        self.list
            .calls()
            .filter_map(|place| Some((place, self.problem.revivals[place].as_deref()?)))
            .take(OBSERVERS_AHEAD)
            .any(|(observer, revivals)| {
                self.machine.outgrows(observer) && !stays_possible(revivals)
            })
    }

    /// Applies the next mutation of a group, unless a rule says that it need not be tried.
    fn try_maybe_applied(&mut self, index: usize) -> bool {
        let group = &self.problem.maybe_applied[index];
        let Some(&invoked) = group.invoked.get(self.used[index]) else { return false };
        let first_return =
            self.list.first_to_return().map_or(0, |first| self.problem.certain[first].returned);
        let chosen = Chosen::MaybeApplied(index);
        let need_not_be_tried = invoked > first_return
            || !self.machine.try_next(chosen)
            || self.machine.changes_nothing()
            // Two that commute come in the order of their groups.
            || self
                .context
                .is_some_and(|last| self.machine.can_do_without(last, chosen, index < last))
            || self.outgrows_an_observer(None);
        if !need_not_be_tried {
            self.place(chosen, false);
        }
        !need_not_be_tried
    }

    /// Puts the operation next that was tried last.
    fn place(&mut self, chosen: Chosen, final_choice: bool) {
        self.machine.advance();
        self.toggle(chosen);
        let context = match chosen {
            Chosen::Certain(operation) => {
                self.list.lift(operation);
                self.is_placed[operation] = true;
                self.class_left[self.problem.certain[operation].class] -= 1;
                None
            }
            Chosen::MaybeApplied(group) => {
                self.used[group] += 1;
                Some(group)
            }
        };
        let context = std::mem::replace(&mut self.context, context);
        self.frames.push(Frame { chosen, context, final_choice });
    }

    /// Takes back choices up to the last one that has an alternative, and returns where to go on;
    /// none when every order was tried.
    fn take_back(&mut self) -> Option<Cursor> {
        loop {
            let frame = self.frames.pop()?;
            let cursor = match frame.chosen {
                Chosen::Certain(operation) => {
                    self.list.unlift(operation);
                    self.is_placed[operation] = false;
                    self.class_left[self.problem.certain[operation].class] += 1;
                    Cursor::Mutations(self.list.after(operation))
                }
                Chosen::MaybeApplied(group) => {
                    self.used[group] -= 1;
                    Cursor::MaybeApplied(group + 1)
                }
            };
            self.machine.go_back();
            self.context = frame.context;
            self.toggle(frame.chosen);
            if !frame.final_choice {
                return Some(cursor);
            }
        }
    }

    /// Adds an operation to the set of those placed, or removes it. For a group of unknown
    /// outcomes, before the use is counted or after it was discounted.
    fn toggle(&mut self, chosen: Chosen) {
        self.placed ^= match chosen {
            Chosen::Certain(operation) => self.seed.of(CERTAIN, &operation),
            Chosen::MaybeApplied(group) => self.seed.of(MAYBE_APPLIED, &(group, self.used[group])),
        };
    }

    /// The fingerprint of the present configuration. After a mutation of unknown outcome, rule 3
    /// forbids some continuations; what it forbids is part of the configuration.
    fn fingerprint(&self) -> u128 {
        let state = self.machine.fingerprint(self.seed, STATE);
        let context = match self.context {
            Some(group) => self.machine.fingerprint_before(self.seed, CONTEXT, group),
            None => 0,
        };
        self.placed ^ state ^ context
    }
}
