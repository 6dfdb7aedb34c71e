//! The operations on one object in the terms of its model.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use crate::model::{
    Attempt, Call, CallOf, Calls, Growth, Interval, Model, Transition, ValueId, Values,
};
use crate::object::states::States;
use crate::object::{Kept, Object};
use crate::search::{ByValue, Certain, Machine, MaybeApplied, Op, Problem, TimedOp, grouped};

/// The operations on an object of some model.
pub(crate) struct Typed<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) initial: M::State,
    pub(super) values: Cow<'a, Values>,
    pub(super) table: Cow<'a, Table<M>>,
    /// Of a weaker form: what was recorded, and the place there of each operation.
    pub(super) recorded: Option<(&'a Table<M>, Vec<usize>)>,
}

/// Operations with their intervals.
pub(super) struct Table<M: Model> {
    pub(super) calls: Vec<CallOf<M>>,
    pub(super) intervals: Vec<Interval>,
    /// The places of those that the service refused. They did not happen, unless they are held to
    /// be observations.
    pub(super) refused: BTreeSet<usize>,
}

impl<M: Model> Clone for Table<M> {
    fn clone(&self) -> Table<M> {
        Table {
            calls: self.calls.clone(),
            intervals: self.intervals.clone(),
            refused: self.refused.clone(),
        }
    }
}

impl<M: Model> Table<M> {
    pub(super) const EMPTY: Table<M> =
        Table { calls: Vec::new(), intervals: Vec::new(), refused: BTreeSet::new() };

    /// Adds an operation unless it says nothing; returns whether it says something.
    pub(super) fn push(
        &mut self,
        model: &M,
        call: CallOf<M>,
        invoked: u64,
        completed: Option<u64>,
    ) -> bool {
        let returned = match &call {
            Call::Known(..) => completed,
            // Without an answer, what changes nothing says nothing.
            Call::Unknown(input) if model.hints().is_observer(input, None) => return false,
            Call::Unknown(_) => None,
        };
        self.calls.push(call);
        self.intervals.push(Interval::new(invoked, returned));
        true
    }
}

impl<'a, M: Model> Typed<'a, M> {
    /// No operations yet on an object of the model's initial state.
    pub(crate) fn new(model: &'a M) -> Typed<'a, M> {
        Typed {
            model,
            initial: model.initial(),
            values: Cow::Owned(Values::new()),
            table: Cow::Owned(Table::EMPTY),
            recorded: None,
        }
    }

    /// Adds an operation, which was called later than all others, unless it says nothing; returns
    /// whether it says something.
    pub(crate) fn push_call(
        &mut self,
        call: CallOf<M>,
        invoked: u64,
        completed: Option<u64>,
    ) -> bool {
        self.table.to_mut().push(self.model, call, invoked, completed)
    }

    /// The operations as a solver sees them.
    pub(crate) fn calls(&self) -> Calls<'_, M> {
        Calls { initial: &self.initial, calls: &self.table.calls, intervals: &self.table.intervals }
    }

    /// [`Object::weakened`].
    pub(crate) fn weaker(
        &self,
        kept: &dyn Fn(usize) -> Option<Kept>,
    ) -> (Typed<'_, M>, Vec<usize>) {
        let (mut table, mut places, mut origins) = (Table::EMPTY, Vec::new(), Vec::new());
        for place in 0..self.table.calls.len() {
            let Some(kept) = kept(place) else { continue };
            let (recorded, origin) = match &self.recorded {
                Some((table, origins)) => (*table, origins[place]),
                None => (&*self.table, place),
            };
            let call = match (kept, &self.table.calls[place]) {
                (Kept::AsRecorded, _) => recorded.calls[origin].clone(),
                (Kept::Invoked, _) if recorded.refused.contains(&origin) => continue,
                (Kept::Invoked, Call::Known(input, _)) => {
                    Call::Unknown(self.model.hints().retracted(input))
                }
                (Kept::Invoked, unknown) => unknown.clone(),
            };
            let interval = recorded.intervals[origin];
            if table.push(self.model, call, interval.invoked, interval.returned()) {
                places.push(place);
                origins.push(origin);
            }
        }
        let recorded = match &self.recorded {
            Some((table, _)) => *table,
            None => &*self.table,
        };
        let weaker = Typed {
            model: self.model,
            initial: self.initial.clone(),
            values: Cow::Borrowed(&self.values),
            table: Cow::Owned(table),
            recorded: Some((recorded, origins)),
        };
        (weaker, places)
    }

    /// The same from another state.
    fn starting_from(&self, initial: M::State) -> Typed<'_, M> {
        Typed {
            model: self.model,
            initial,
            values: Cow::Borrowed(&self.values),
            table: Cow::Borrowed(&self.table),
            recorded: self.recorded.clone(),
        }
    }
}

impl<M: Model> Object for Typed<'_, M> {
    fn intervals(&self) -> &[Interval] {
        &self.table.intervals
    }

    fn completed(&self, place: usize) -> Option<u64> {
        match &self.recorded {
            Some((table, origins)) => table.intervals[origins[place]].returned(),
            None => self.table.intervals[place].returned(),
        }
    }

    fn values(&self) -> &Values {
        &self.values
    }

    fn is_observer(&self, place: usize) -> bool {
        let (input, output) = self.table.calls[place].parts();
        self.model.hints().is_observer(input, output)
    }

    fn transition(&self, place: usize) -> Option<Transition> {
        let (input, output) = self.table.calls[place].parts();
        self.model.hints().transition(input, output)
    }

    fn initial_value(&self) -> Option<ValueId> {
        self.model.hints().value(&self.initial)
    }

    fn by_value(&self) -> Option<ByValue> {
        let hints = self.model.hints();
        let initial = hints.value(&self.initial)?;
        let mut problem = ByValue::with_capacity(initial.0, self.table.calls.len());
        for (call, interval) in self.table.calls.iter().zip(&self.table.intervals) {
            let (input, output) = call.parts();
            let op = match hints.excludes(input, output) {
                Some(value) => Op::SawAnother(value.0),
                None => Op::of(hints.transition(input, output)?)?,
            };
            problem.push(TimedOp::new(op, interval.invoked, interval.returned()));
        }
        Some(problem.without_gaps())
    }

    fn solve(&self, most_steps: u64) -> Attempt {
        match self.model.solver() {
            Some(solver) => solver.attempt(&self.calls(), most_steps),
            None => Attempt::GivenUp(0),
        }
    }

    fn problem(&self) -> (Problem, Box<dyn Machine + '_>) {
        let (model, hints) = (self.model, self.model.hints());
        let mut states = States::new(model, self.initial.clone());
        let (mut certain, mut unknown) = (Vec::new(), Vec::new());
        let (mut class_of, mut class_sizes) = (HashMap::new(), Vec::new());
        for (call, interval) in self.table.calls.iter().zip(&self.table.intervals) {
            let (input, output) = call.parts();
            let invoked = interval.invoked;
            match (output, interval.returned()) {
                (Some(known), Some(returned)) => {
                    let class = *class_of.entry((input, known)).or_insert_with(|| {
                        class_sizes.push(0);
                        class_sizes.len() - 1
                    });
                    class_sizes[class] += 1;
                    let observer = hints.is_observer(input, output);
                    certain.push(Certain { invoked, returned, observer, class });
                    states.certain.push((input, known));
                }
                _ => unknown.push((input, invoked)),
            }
        }
        let mut maybe_applied = Vec::new();
        for (input, invoked) in grouped(unknown) {
            states.maybe_applied.push(input);
            maybe_applied.push(MaybeApplied { invoked });
        }
        let revivals = self.revivals(&certain, &states);
        (Problem { certain, class_sizes, maybe_applied, revivals }, Box::new(states))
    }

    fn weakened(&self, kept: &dyn Fn(usize) -> Option<Kept>) -> (Box<dyn Object + '_>, Vec<usize>) {
        let (weaker, places) = self.weaker(kept);
        (Box::new(weaker), places)
    }

    fn starts(&self, most: usize) -> Option<Vec<Box<dyn Object + '_>>> {
        let states = self.model.solver()?.beginnings(&self.calls())?;
        let object = |state| Box::new(self.starting_from(state)) as Box<dyn Object + '_>;
        (states.len() <= most).then(|| states.into_iter().map(object).collect())
    }
}

impl<M: Model> Typed<'_, M> {
    /// For each observer, the certain operations after which its answer is possible again once the
    /// state has grown past it (see [`Hints::outgrew`]). None for what is no observer, and when a
    /// mutation of unknown outcome could make the answer possible at any time. Empty when a
    /// mutation may do anything.
    ///
    /// [`Hints::outgrew`]: crate::model::Hints::outgrew
    fn revivals(&self, certain: &[Certain], states: &States<'_, M>) -> Vec<Option<Vec<usize>>> {
        let hints = self.model.hints();
        let mut fresh_starts = Vec::new();
        let mutations = certain.iter().enumerate().filter(|(_, operation)| !operation.observer);
        for (place, input) in mutations
            .map(|(place, _)| (Some(place), states.certain[place].0))
            .chain(states.maybe_applied.iter().map(|input| (None, *input)))
        {
            match hints.growth(input) {
                Some(Growth::Forward) => {}
                Some(Growth::Anew(state)) => fresh_starts.push((place, state)),
                None => return Vec::new(),
            }
        }
        let revivals_of = |place: usize| {
            let (input, output) = states.certain[place];
            certain[place].observer.then_some(())?;
            fresh_starts
                .iter()
                .filter(|(_, state)| !hints.outgrew(state, input, output))
                .map(|(place, _)| *place)
                .collect()
        };
        (0..certain.len()).map(revivals_of).collect()
    }
}
