//! Mutations that may have taken effect or not: those in flight and those of unknown outcome.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Model, Transition, ValueId};

/// Mutations that ask for the same. They are interchangeable: an order that uses some of them can
/// as well use those that were invoked first.
#[derive(Debug)]
pub(super) struct Group<M: Model> {
    pub(super) input: M::Input,
    pub(super) transition: Option<Transition>,
    /// Positions of the invocations, rising.
    invoked: Vec<u64>,
}

/// All groups. A group's number is never used again.
#[derive(Debug)]
pub(super) struct Optionals<M: Model> {
    groups: BTreeMap<u64, Group<M>>,
    by_input: HashMap<M::Input, u64>,
    /// The groups that leave a value, for models whose state is one value.
    by_value: BTreeMap<ValueId, Vec<u64>>,
    next: u64,
}

impl<M: Model> Default for Optionals<M> {
    fn default() -> Optionals<M> {
        Optionals {
            groups: BTreeMap::new(),
            by_input: HashMap::new(),
            by_value: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<M: Model> Optionals<M> {
    /// Adds a mutation that was invoked at this position, the last of all.
    pub(super) fn add(&mut self, model: &M, input: &M::Input, invoked: u64) {
        let number = *self.by_input.entry(input.clone()).or_insert_with(|| {
            let number = self.next;
            self.next += 1;
            let transition = model.transition(input, None);
            if let Some(value) = transition.and_then(|transition| transition.leaves) {
                self.by_value.entry(value).or_default().push(number);
            }
            let group = Group { input: input.clone(), transition, invoked: Vec::new() };
            self.groups.insert(number, group);
            number
        });
        self.groups.get_mut(&number).expect("it has a number").invoked.push(invoked);
    }

    /// Removes a mutation: it is known by now what became of it. Configurations that used it are
    /// gone once the events since its invocation have been gone through again.
    pub(super) fn remove(&mut self, input: &M::Input, invoked: u64) {
        let number = self.by_input[input];
        let group = self.groups.get_mut(&number).expect("it has a number");
        group.invoked.retain(|position| *position != invoked);
        if group.invoked.is_empty() {
            if let Some(value) = group.transition.and_then(|transition| transition.leaves)
                && let Some(groups) = self.by_value.get_mut(&value)
            {
                groups.retain(|other| *other != number);
                if groups.is_empty() {
                    self.by_value.remove(&value);
                }
            }
            self.groups.remove(&number);
            self.by_input.remove(input);
        }
    }

    /// The group with this number.
    pub(super) fn group(&self, number: u64) -> &Group<M> {
        &self.groups[&number]
    }

    /// The numbers of all groups, rising.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.groups.keys().copied().collect()
    }

    /// Adds the values from which groups lead to one of those `wanted`.
    pub(super) fn trace_back(&self, wanted: &mut Vec<ValueId>) {
        let mut at = 0;
        while let Some(value) = wanted.get(at).copied() {
            for number in self.by_value.get(&value).into_iter().flatten() {
                let requires = self.group(*number).transition.and_then(|it| it.requires);
                wanted.extend(requires.filter(|requires| !wanted.contains(requires)));
            }
            at += 1;
        }
    }

    /// The numbers, rising, of the groups that leave one of these values.
    pub(super) fn leaving(&self, values: &[ValueId]) -> Vec<u64> {
        let groups = values.iter().filter_map(|value| self.by_value.get(value)).flatten();
        let mut numbers: Vec<u64> = groups.copied().collect();
        numbers.sort_unstable();
        numbers
    }
}

impl<M: Model> Group<M> {
    /// How many of the group were invoked before the event at this position.
    pub(super) fn available_at(&self, position: u64) -> usize {
        self.invoked.partition_point(|invoked| *invoked < position)
    }
}
