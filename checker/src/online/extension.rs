//! Puts open operations in the order until one that returns is.
//!
//! Every legal order has the form that is looked for here: an operation comes next only when one
//! returns that is not in the order yet, and then just those come that stand before it. The rules
//! that leave out orders are those of the [offline search](crate::search::wing_gong_lowe), of the
//! same numbers: observers come at once (1), twins by return (2), and optional mutations only where
//! what follows needs them (3).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::configuration::{Configuration, Configurations};
use super::optional::{Group, Optionals};
use super::{Operation, Returned};
use crate::model::{Model, ValueId};

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

/// A configuration in which the returning operation is not in the order yet.
struct Reached<M: Model> {
    configuration: Configuration<M>,
    /// The optional mutation that came last, unless an observer saw its effect, and the state
    /// before it: what comes next must need it.
    unneeded: Option<(u64, M::State)>,
}

impl<M: Model> Extension<'_, M> {
    /// Adds to `settled` every configuration that `start` leads to in which the operation has just
    /// returned. None when there are too many.
    pub(super) fn extend(
        &self,
        start: Configuration<M>,
        settled: &mut Configurations<M>,
    ) -> Option<()> {
        let mut seen = HashSet::new();
        let mut reached = vec![Reached { configuration: start, unneeded: None }];
        while let Some(from) = reached.pop() {
            for next in self.mutations(&from).into_iter().chain(self.optional_mutations(&from)) {
                let mut configuration = next.configuration;
                if configuration.returned(self.returning) {
                    settled.add(configuration)?;
                    continue;
                }
                let next = Reached { configuration, unneeded: next.unneeded };
                let key = (next.configuration.key(), next.unneeded.clone());
                if seen.insert(key) {
                    if seen.len() > self.limit {
                        return None;
                    }
                    reached.push(next);
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

    /// What each mutation leads to that returned, put next.
    fn mutations(&self, from: &Reached<M>) -> Vec<Reached<M>> {
        let Reached { configuration, unneeded } = from;
        let mut found = Vec::new();
        for (id, operation, returned) in self.known() {
            if returned.observer
                || configuration.has(id)
                || self.has_a_twin_that_returned_first(configuration, operation, returned)
            {
                continue;
            }
            let step = |state| self.model.step(state, &operation.input, Some(&returned.output));
            let Some(after) = step(&configuration.state) else { continue };
            if let Some((last, before)) = unneeded
                && let Some(without) = step(before)
                && (without == after || self.apply(&without, self.group(*last)) == after)
            {
                continue;
            }
            let mut configuration = configuration.clone();
            configuration.place(id, after);
            self.observe(&mut configuration);
            found.push(Reached { configuration, unneeded: None });
        }
        found
    }

    /// What each optional mutation leads to, put next.
    fn optional_mutations(&self, from: &Reached<M>) -> Vec<Reached<M>> {
        let Reached { configuration, unneeded } = from;
        let mut found = Vec::new();
        for number in self.useful_groups(configuration) {
            let group = self.group(number);
            if configuration.used(number) >= group.available_at(self.position) {
                continue;
            }
            let before = configuration.state.clone();
            let after = self.apply(&before, group);
            if after == before {
                continue;
            }
            if let Some((last, before)) = unneeded {
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
            let was_seen = self.observe(&mut configuration);
            found
                .push(Reached { configuration, unneeded: (!was_seen).then_some((number, before)) });
        }
        found
    }

    /// The groups that something may need. For models whose state is one value, those that lead to
    /// a value which an open operation found.
    fn useful_groups(&self, configuration: &Configuration<M>) -> Vec<u64> {
        if self.model.value(&configuration.state).is_none() {
            return self.optionals.numbers();
        }
        let wanted: Vec<ValueId> = self
            .known()
            .filter(|(id, ..)| !configuration.has(*id))
            .filter_map(|(_, _, returned)| returned.requires)
            .collect();
        self.optionals.leading_to(wanted)
    }

    /// Puts every observer next that answered what the state says; whether there was one.
    fn observe(&self, configuration: &mut Configuration<M>) -> bool {
        let mut was_seen = false;
        for (id, operation, returned) in self.known() {
            if returned.observer {
                was_seen |= configuration.observe(self.model, id, &operation.input, returned);
            }
        }
        was_seen
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
        })
    }

    fn group(&self, number: u64) -> &Group<M> {
        self.optionals.group(number)
    }

    fn apply(&self, state: &M::State, group: &Group<M>) -> M::State {
        self.model.apply(state, &group.input).0
    }
}
