//! Puts open operations in the order until one that returns is.
//!
//! Every legal order has the form that is looked for here: an operation comes next only when one
//! returns that is not in the order yet, and then just those come that stand before it. Of these
//! orders, some need not be tried:
//!
//! 1. **Observers at once**, **twins in order of return** and **optional mutations only when
//!    needed**: rules 1 to 3 of the [offline search](crate::search::wing_gong_lowe).
//! 2. **Hidden writes.** A write leaves its value and answers the same whatever was there before.
//!    So every other write that is open when it comes may have come just before, and nobody would
//!    have noticed: these are noted as hidden, instead of trying each set of them. What is hidden
//!    needs no place of its own right before a write.
//! 3. **Only what somebody wants** (models whose state is one value). Of writes and optional
//!    mutations, only those come before the one that returns whose value an open operation found,
//!    directly or through optional mutations. Of any other, nothing that comes next would need it:
//!    it comes later, or is hidden.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::configuration::{Configuration, Configurations};
use super::optional::{Group, Optionals};
use super::{Operation, Returned};
use crate::model::{Model, Transition, ValueId};

/// What the extension of a configuration depends on.
pub(super) struct Extension<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) operations: &'a BTreeMap<u64, Operation<M>>,
    pub(super) optionals: &'a Optionals<M>,
    /// Operations that have been invoked, have not returned, and of which it is known by now what
    /// they answered.
    pub(super) open: &'a BTreeSet<u64>,
    /// The operation that returns.
    pub(super) returning: u64,
    /// Position of the event.
    pub(super) position: u64,
    /// The most configurations to look at.
    pub(super) limit: usize,
}

/// A mutation that came last and whose effect nobody has noticed yet: what comes next must need it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Unnoticed<S> {
    /// There is none.
    Nothing,
    /// A write that returned; if another write came next, it could as well be hidden.
    Write,
    /// One of a group of optional mutations, and the state before it.
    Optional(u64, S),
}

/// A configuration in which the returning operation is not in the order yet.
struct Reached<M: Model> {
    configuration: Configuration<M>,
    unnoticed: Unnoticed<M::State>,
}

impl<M: Model> Extension<'_, M> {
    /// Adds to `settled` every configuration that `start` leads to in which the operation has just
    /// returned. None when there are too many.
    pub(super) fn extend(
        &self,
        start: Configuration<M>,
        settled: &mut Configurations<M, ()>,
    ) -> Option<()> {
        let mut seen = Configurations::new(self.limit);
        let mut reached =
            VecDeque::from([Reached { configuration: start, unnoticed: Unnoticed::Nothing }]);
        while let Some(from) = reached.pop_front() {
            let wanted = self.wanted(&from.configuration);
            let mut found = self.mutations(&from, wanted.as_deref());
            found.extend(self.optional_mutations(&from, wanted.as_deref()));
            for mut next in found {
                if next.configuration.returned(self.returning) {
                    settled.add(&next.configuration, ())?;
                } else if seen.add(&next.configuration, next.unnoticed.clone())? {
                    reached.push_back(next);
                }
            }
        }
        Some(())
    }

    /// The open operations of which it is known what they answered.
    fn known(&self) -> impl Iterator<Item = (u64, &Operation<M>, &Returned<M>)> {
        self.open.iter().map(|id| {
            let operation = &self.operations[id];
            (*id, operation, operation.returned.as_ref().expect("it is known what it answered"))
        })
    }

    /// The values that open operations found, directly or through optional mutations. None when
    /// there is no telling.
    fn wanted(&self, configuration: &Configuration<M>) -> Option<Vec<ValueId>> {
        self.model.value(&configuration.state)?;
        let mut wanted = Vec::new();
        for (_, _, returned) in self.known().filter(|(id, ..)| !configuration.has(*id)) {
            wanted.extend(returned.transition?.requires);
        }
        self.optionals.trace_back(&mut wanted);
        Some(wanted)
    }

    /// What each mutation leads to that returned, put next.
    fn mutations(&self, from: &Reached<M>, wanted: Option<&[ValueId]>) -> Vec<Reached<M>> {
        let Reached { configuration, unnoticed } = from;
        let mut found = Vec::new();
        for (id, operation, returned) in self.known() {
            let written = written_by(returned.transition);
            let is_wanted = |value: ValueId| wanted.is_none_or(|wanted| wanted.contains(&value));
            if returned.observer
                || configuration.has(id)
                || id != self.returning && !written.is_none_or(is_wanted)
                || written.is_some() && *unnoticed == Unnoticed::Write
                || self.has_a_twin_that_returned_first(configuration, operation, returned)
            {
                continue;
            }
            let step = |state| self.model.step(state, &operation.input, Some(&returned.output));
            let Some(after) = step(&configuration.state) else { continue };
            if let Unnoticed::Optional(last, before) = unnoticed
                && let Some(without) = step(before)
                && (without == after || self.apply(&without, self.group(*last)) == after)
            {
                continue;
            }
            let mut configuration = configuration.clone();
            configuration.place(id, after);
            if written.is_some() {
                self.hide_open_writes(&mut configuration);
            }
            let is_noticed = self.observe(&mut configuration);
            let unnoticed = match written {
                Some(_) if !is_noticed => Unnoticed::Write,
                _ => Unnoticed::Nothing,
            };
            found.push(Reached { configuration, unnoticed });
        }
        found
    }

    /// What each optional mutation leads to, put next.
    fn optional_mutations(&self, from: &Reached<M>, wanted: Option<&[ValueId]>) -> Vec<Reached<M>> {
        let Reached { configuration, unnoticed } = from;
        let groups = match wanted {
            Some(values) => self.optionals.leaving(values),
            None => self.optionals.numbers(),
        };
        let mut found = Vec::new();
        for number in groups {
            let group = self.group(number);
            let written = written_by(group.transition);
            if configuration.used(number) >= group.available_at(self.position)
                || written.is_some() && *unnoticed == Unnoticed::Write
            {
                continue;
            }
            let before = configuration.state.clone();
            let after = self.apply(&before, group);
            if after == before {
                continue;
            }
            if let Unnoticed::Optional(last, before) = unnoticed {
                let without = self.apply(before, group);
                if without == after
                    // Two that commute come in the order of their groups.
                    || number < *last && self.apply(&without, self.group(*last)) == after
                {
                    continue;
                }
            }
            let mut configuration = configuration.clone();
            configuration.use_one(number, after);
            if written.is_some() {
                self.hide_open_writes(&mut configuration);
            }
            let unnoticed = match self.observe(&mut configuration) {
                true => Unnoticed::Nothing,
                false => Unnoticed::Optional(number, before),
            };
            found.push(Reached { configuration, unnoticed });
        }
        found
    }

    /// Puts every observer next that answered what the state says; whether there was one.
    fn observe(&self, configuration: &mut Configuration<M>) -> bool {
        let mut was_there_one = false;
        for (id, operation, returned) in self.known() {
            if returned.observer {
                was_there_one |= configuration.observe(self.model, id, &operation.input, returned);
            }
        }
        was_there_one
    }

    /// Notes that the writes left may have come just before the one that came.
    fn hide_open_writes(&self, configuration: &mut Configuration<M>) {
        for (id, _, returned) in self.known() {
            if written_by(returned.transition).is_some() && !configuration.has(id) {
                configuration.hide(id);
            }
        }
    }

    /// Whether an operation that asks and answers the same, and returned before, is left.
    fn has_a_twin_that_returned_first(
        &self,
        configuration: &Configuration<M>,
        operation: &Operation<M>,
        returned: &Returned<M>,
    ) -> bool {
        self.known().any(|(id, other, other_returned)| {
            other_returned.at < returned.at
                && other.input == operation.input
                && other_returned.output == returned.output
                && !configuration.has(id)
                && !configuration.hides(id)
        })
    }

    fn group(&self, number: u64) -> &Group<M> {
        self.optionals.group(number)
    }

    fn apply(&self, state: &M::State, group: &Group<M>) -> M::State {
        self.model.apply(state, &group.input).0
    }
}

/// The value that a write leaves; none for what is no write: what depends on the value before.
fn written_by(transition: Option<Transition>) -> Option<ValueId> {
    transition.filter(|transition| transition.requires.is_none())?.leaves
}
