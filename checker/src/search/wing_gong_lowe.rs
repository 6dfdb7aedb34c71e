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
//! 4. **No value is left for good while it is needed** (models whose state is one value). If an
//!    operation that took effect requires the present value and nothing left can bring that value
//!    back, no mutation to another value comes next.
//! 5. **Closed blocks are kept** (the same models). A block is a run of placed operations such that
//!    nothing left requires any of the values before, within and after it. If a configuration has
//!    an order, so has the one with the block placed: take the operations of the block out of the
//!    order and put them in front. Whatever else requires a value found it right after an
//!    operation that is not of the block, and still does. So once a block is closed there is
//!    nothing to try in its stead. Together with rule 4 this decides a partition whose values are
//!    all unique without ever trying two orders of the same blocks.
//! 6. **Nothing outgrown is seen again** (models whose states grow). No mutation comes next that
//!    leads past the state in which an observer that is left gave its answer, unless something
//!    left starts the state anew below it.

use crate::model::{Model, Transition};
use crate::search::call_list::{CallList, Entry};
use crate::search::demand::Demand;
use crate::search::fingerprint::{Memo, Seed};
use crate::search::problem::{Optional, Problem, Settled};
use crate::search::{Decision, Limits, Outcome};

/// The name in verdicts.
pub(crate) const NAME: &str = "wing-gong-lowe";

/// Two unrelated families of fingerprints.
const SEEDS: [Seed; 2] = [Seed(0x5EED_0000_0000_0001), Seed(0x5EED_FFFF_0000_0002)];

/// Roles of the things that make a fingerprint.
const SETTLED: u64 = 1;
const OPTIONAL: u64 = 2;
const STATE: u64 = 3;
const CONTEXT: u64 = 4;

/// How many of the observers that are left rule 6 looks at. The next few exclude nearly all that
/// any of them would.
const OBSERVERS_AHEAD: usize = 8;

/// Searches for a legal order. An Invalid that a collision of fingerprints could have caused is
/// confirmed with other fingerprints.
pub(crate) fn decide<M: Model>(model: &M, problem: &Problem<M>, limits: Limits) -> Decision {
    if problem.saw_a_foreign_value {
        return Decision { outcome: Outcome::Invalid, steps: 0 };
    }
    let mut first = Search::new(model, problem, limits, SEEDS[0]);
    let outcome = first.run();
    if outcome != Outcome::Invalid || !first.memo.was_hit() {
        return Decision { outcome, steps: first.steps };
    }
    let steps = first.steps;
    drop(first);
    let mut second = Search::new(model, problem, limits, SEEDS[1]);
    let outcome = second.run();
    Decision { outcome, steps: steps + second.steps }
}

/// What was put next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    /// An operation that took effect.
    Settled(usize),
    /// The first unused one of a group of mutations of unknown outcome.
    Optional(usize),
}

/// One decision of the search, with what is needed to take it back.
#[derive(Debug)]
struct Frame<M: Model> {
    chosen: Chosen,
    /// The state before.
    state: M::State,
    /// The mutation of unknown outcome that came before, if one did.
    context: Option<Context<M>>,
    /// The block that was open before.
    block: Option<usize>,
    /// Whether nothing else needs to be tried in this place.
    final_choice: bool,
}

/// A mutation of unknown outcome that was just applied, and the state before it.
#[derive(Debug, Clone)]
struct Context<M: Model> {
    group: usize,
    before: M::State,
}

/// What to try next in the present configuration.
#[derive(Debug, Clone, Copy)]
enum Cursor {
    /// Look for an observer at this entry and after it.
    Observers(Entry),
    /// Every observer is placed; is this configuration new?
    Arrived,
    /// Try mutations that took effect, from this entry on.
    Mutations(Entry),
    /// Try mutations of unknown outcome, from this group on.
    Optionals(usize),
}

struct Search<'a, M: Model> {
    model: &'a M,
    problem: &'a Problem<M>,
    limits: Limits,
    seed: Seed,
    memo: Memo,
    steps: u64,
    list: CallList,
    frames: Vec<Frame<M>>,
    state: M::State,
    context: Option<Context<M>>,
    /// The fingerprint of the set of operations that were placed.
    placed: u128,
    /// For each group of `problem.optional`, how many were used.
    used: Vec<usize>,
    /// For each settled operation, whether it was placed.
    is_placed: Vec<bool>,
    /// For each class, how many operations are left.
    class_left: Vec<usize>,
    demand: Demand,
    /// The index of the frame at which the open block began (rule 5).
    block: Option<usize>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M, problem: &'a Problem<M>, limits: Limits, seed: Seed) -> Search<'a, M> {
        let intervals: Vec<(u64, u64)> = problem
            .settled
            .iter()
            .map(|operation| (operation.invoked, operation.returned))
            .collect();
        Search {
            model,
            problem,
            limits,
            seed,
            memo: Memo::default(),
            steps: 0,
            list: CallList::new(&intervals),
            frames: Vec::new(),
            state: problem.initial.clone(),
            context: None,
            placed: 0,
            used: vec![0; problem.optional.len()],
            is_placed: vec![false; problem.settled.len()],
            class_left: problem.class_sizes.clone(),
            demand: Demand::new(problem),
            block: None,
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
                    if self.problem.settled[operation].observer && self.after(operation).is_some() {
                        self.steps += 1;
                        let state = self.state.clone();
                        self.place(Chosen::Settled(operation), state);
                        self.frames.last_mut().expect("just placed").final_choice = true;
                    }
                    Cursor::Observers(self.list.after(operation))
                }
                Cursor::Observers(Entry::Return(_) | Entry::End) => Cursor::Arrived,
                Cursor::Arrived => {
                    if self.memo.next_size() > self.limits.memory {
                        return Outcome::OutOfMemory;
                    }
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
                    if self.try_settled(operation) {
                        Cursor::Observers(self.list.first())
                    } else {
                        Cursor::Mutations(self.list.after(operation))
                    }
                }
                Cursor::Mutations(Entry::Return(_) | Entry::End) => Cursor::Optionals(0),
                Cursor::Optionals(group) if group < self.problem.optional.len() => {
                    if !self.count_step() {
                        return Outcome::OutOfSteps;
                    }
                    if self.try_optional(group) {
                        Cursor::Observers(self.list.first())
                    } else {
                        Cursor::Optionals(group + 1)
                    }
                }
                Cursor::Optionals(_) => match self.take_back() {
                    Some(cursor) => cursor,
                    None => return Outcome::Invalid,
                },
            };
        }
    }

    fn count_step(&mut self) -> bool {
        self.steps += 1;
        self.steps <= self.limits.steps
    }

    /// The state after an operation that took effect, if it can come next.
    fn after(&self, operation: usize) -> Option<M::State> {
        let operation = &self.problem.settled[operation];
        self.step_settled(&self.state, operation)
    }

    fn step_settled(&self, state: &M::State, operation: &Settled<M>) -> Option<M::State> {
        // An operation without output is known by its effect: it did find what it requires.
        if let Some(required) = operation.transition.and_then(|transition| transition.requires)
            && self.model.value(state).is_some_and(|value| value != required)
        {
            return None;
        }
        self.model.step(state, &operation.input, operation.output.as_ref())
    }

    fn step_optional(&self, state: &M::State, group: &Optional<M>) -> M::State {
        self.model
            .step(state, &group.input, None)
            .expect("an operation without an answer can be applied in every state")
    }

    /// Places a mutation that took effect, unless a rule says that it need not be tried.
    fn try_settled(&mut self, index: usize) -> bool {
        let operation = &self.problem.settled[index];
        if operation.observer || self.has_a_twin_that_returned_first(index) {
            return false;
        }
        let Some(after) = self.after(index) else { return false };
        if let Some(context) = &self.context {
            let group = &self.problem.optional[context.group];
            if let Some(without) = self.step_settled(&context.before, operation)
                && (without == after || self.step_optional(&without, group) == after)
            {
                return false;
            }
        }
        if self.problem.by_value {
            self.demand.take(operation);
            let strands = self.strands_the_present_value(&after);
            self.demand.give_back(operation);
            if strands {
                return false;
            }
        }
        if self.outgrows_an_observer(&after, Some(index)) {
            return false;
        }
        self.place(Chosen::Settled(index), after);
        true
    }

    /// Rule 2.
    fn has_a_twin_that_returned_first(&self, index: usize) -> bool {
        let operation = &self.problem.settled[index];
        if self.class_left[operation.class] < 2 {
            return false;
        }
        self.list.enabled().any(|other| {
            let twin = &self.problem.settled[other];
            twin.class == operation.class && (twin.returned, other) < (operation.returned, index)
        })
    }

    /// Rule 4, once the demand no longer counts the operation that leads to `after`.
    fn strands_the_present_value(&self, after: &M::State) -> bool {
        *after != self.state
            && self.model.value(&self.state).is_some_and(|value| {
                let value = value.0 as usize;
                self.demand.surely[value] > 0 && self.demand.leavers[value] == 0
            })
    }

    /// Rule 6, for the state after `placed`.
    fn outgrows_an_observer(&self, after: &M::State, placed: Option<usize>) -> bool {
        if self.problem.revivals.is_empty() {
            return false;
        }
        let stays_possible = |revivals: &[usize]| {
            revivals.iter().any(|place| Some(*place) != placed && !self.is_placed[*place])
        };
        self.list
            .calls()
            .filter_map(|place| {
                let revivals = self.problem.revivals[place].as_deref()?;
                Some((&self.problem.settled[place], revivals))
            })
            .take(OBSERVERS_AHEAD)
            .any(|(observer, revivals)| {
                let outgrown = |output| self.model.outgrew(after, &observer.input, output);
                observer.output.as_ref().is_some_and(outgrown) && !stays_possible(revivals)
            })
    }

    /// Applies the next mutation of a group, unless a rule says that it need not be tried.
    fn try_optional(&mut self, index: usize) -> bool {
        let group = &self.problem.optional[index];
        let Some(&invoked) = group.invoked.get(self.used[index]) else { return false };
        let first_return =
            self.list.first_to_return().map_or(0, |first| self.problem.settled[first].returned);
        if invoked > first_return {
            return false;
        }
        let after = self.step_optional(&self.state, group);
        if after == self.state {
            return false;
        }
        if let Some(context) = &self.context {
            let last = &self.problem.optional[context.group];
            let without = self.step_optional(&context.before, group);
            if without == after
                // Two that commute come in the order of their groups.
                || index < context.group && self.step_optional(&without, last) == after
            {
                return false;
            }
        }
        if self.problem.by_value {
            self.demand.take_optional(group);
            let pointless = self.strands_the_present_value(&after) || !self.is_needed(&after);
            self.demand.give_back_optional(group);
            if pointless {
                return false;
            }
        }
        if self.outgrows_an_observer(&after, None) {
            return false;
        }
        self.place(Chosen::Optional(index), after);
        true
    }

    /// Whether an operation that may come next requires the value of `state` (rule 3: otherwise
    /// the mutation that leads there could be left out).
    fn is_needed(&self, state: &M::State) -> bool {
        let value = self.model.value(state);
        let requires = |transition: Option<Transition>| {
            transition.and_then(|transition| transition.requires) == value
        };
        self.list.enabled().any(|operation| requires(self.problem.settled[operation].transition))
            || self
                .problem
                .optional
                .iter()
                .zip(&self.used)
                .any(|(group, used)| *used < group.invoked.len() && requires(group.transition))
    }

    /// Puts an operation next.
    fn place(&mut self, chosen: Chosen, after: M::State) {
        let frame = self.frames.len();
        let before = std::mem::replace(&mut self.state, after);
        let block = self.block;
        if self.problem.by_value {
            self.block = self.block_with(chosen, &before, frame);
        }
        self.toggle(chosen);
        let context = match chosen {
            Chosen::Settled(operation) => {
                self.list.lift(operation);
                self.is_placed[operation] = true;
                self.class_left[self.problem.settled[operation].class] -= 1;
                self.demand.take(&self.problem.settled[operation]);
                None
            }
            Chosen::Optional(group) => {
                self.used[group] += 1;
                self.demand.take_optional(&self.problem.optional[group]);
                Some(Context { group, before: before.clone() })
            }
        };
        let context = std::mem::replace(&mut self.context, context);
        self.frames.push(Frame { chosen, state: before, context, block, final_choice: false });
        self.close_block();
    }

    /// The block that is open once `chosen` is placed, before the demand is told of it (rule 5).
    fn block_with(&self, chosen: Chosen, before: &M::State, frame: usize) -> Option<usize> {
        let transition = match chosen {
            Chosen::Settled(operation) => self.problem.settled[operation].transition,
            Chosen::Optional(group) => self.problem.optional[group].transition,
        }?;
        if transition.leaves.is_none() {
            return self.block;
        }
        let left_behind = self.model.value(before)?;
        let own = usize::from(transition.requires == Some(left_behind));
        let required_by_others = self.demand.total[left_behind.0 as usize] > own;
        (!required_by_others).then(|| self.block.unwrap_or(frame))
    }

    /// Makes the choices of the open block final if nothing left requires the present value.
    fn close_block(&mut self) {
        if let Some(start) = self.block
            && self.context.is_none()
            && let Some(value) = self.model.value(&self.state)
            && self.demand.total[value.0 as usize] == 0
        {
            for frame in &mut self.frames[start..] {
                frame.final_choice = true;
            }
            self.block = None;
        }
    }

    /// Takes back choices up to the last one that has an alternative, and tells where to go on;
    /// none when every order was tried.
    fn take_back(&mut self) -> Option<Cursor> {
        loop {
            let frame = self.frames.pop()?;
            let cursor = match frame.chosen {
                Chosen::Settled(operation) => {
                    self.list.unlift(operation);
                    self.is_placed[operation] = false;
                    self.class_left[self.problem.settled[operation].class] += 1;
                    self.demand.give_back(&self.problem.settled[operation]);
                    Cursor::Mutations(self.list.after(operation))
                }
                Chosen::Optional(group) => {
                    self.used[group] -= 1;
                    self.demand.give_back_optional(&self.problem.optional[group]);
                    Cursor::Optionals(group + 1)
                }
            };
            self.state = frame.state;
            self.context = frame.context;
            self.block = frame.block;
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
            Chosen::Settled(operation) => self.seed.of(SETTLED, &operation),
            Chosen::Optional(group) => self.seed.of(OPTIONAL, &(group, self.used[group])),
        };
    }

    /// The fingerprint of the present configuration. After a mutation of unknown outcome, rule 3
    /// forbids some continuations; what it forbids is part of the configuration.
    fn fingerprint(&self) -> u128 {
        let state = self.seed.of(STATE, &self.state);
        let context = match &self.context {
            Some(context) => self.seed.of(CONTEXT, &(context.group, &context.before)),
            None => 0,
        };
        self.placed ^ state ^ context
    }
}
