//! A state that can have been reached, and how.

use std::collections::HashMap;

use super::Returned;
use crate::model::Model;

/// What the operations in the order so far have led to.
#[derive(Debug)]
pub(super) struct Configuration<M: Model> {
    pub(super) state: M::State,
    /// Operations that are in the order and have not returned yet, rising.
    placed: Vec<u64>,
    /// How many of each group of optional mutations are in the order, by rising number.
    used: Vec<(u64, usize)>,
}

impl<M: Model> Clone for Configuration<M> {
    fn clone(&self) -> Configuration<M> {
        Configuration {
            state: self.state.clone(),
            placed: self.placed.clone(),
            used: self.used.clone(),
        }
    }
}

impl<M: Model> Configuration<M> {
    pub(super) fn new(state: M::State) -> Configuration<M> {
        Configuration { state, placed: Vec::new(), used: Vec::new() }
    }

    /// Whether an operation is in the order.
    pub(super) fn has(&self, id: u64) -> bool {
        self.placed.binary_search(&id).is_ok()
    }

    /// How many of a group are in the order.
    pub(super) fn used(&self, group: u64) -> usize {
        let place = self.used.binary_search_by_key(&group, |(number, _)| *number);
        place.map_or(0, |place| self.used[place].1)
    }

    /// Puts an operation next, which leads to `state`.
    pub(super) fn place(&mut self, id: u64, state: M::State) {
        if let Err(place) = self.placed.binary_search(&id) {
            self.placed.insert(place, id);
        }
        self.state = state;
    }

    /// Puts one of a group next, which leads to `state`.
    pub(super) fn use_one(&mut self, group: u64, state: M::State) {
        match self.used.binary_search_by_key(&group, |(number, _)| *number) {
            Ok(place) => self.used[place].1 += 1,
            Err(place) => self.used.insert(place, (group, 1)),
        }
        self.state = state;
    }

    /// Puts an observer next if it answered what the state says: at once, since it changes nothing
    /// for the others. Whether it did.
    pub(super) fn observe(
        &mut self,
        model: &M,
        id: u64,
        input: &M::Input,
        returned: &Returned<M>,
    ) -> bool {
        let fits =
            !self.has(id) && model.step(&self.state, input, Some(&returned.output)).is_some();
        if fits {
            self.place(id, self.state.clone());
        }
        fits
    }

    /// Notes that an operation returned; false if it is not in the order.
    pub(super) fn returned(&mut self, id: u64) -> bool {
        let place = self.placed.binary_search(&id);
        if let Ok(place) = place {
            self.placed.remove(place);
        }
        place.is_ok()
    }

    /// What makes it equal to another.
    pub(super) fn key(&self) -> (M::State, Vec<u64>, Vec<(u64, usize)>) {
        (self.state.clone(), self.placed.clone(), self.used.clone())
    }

    /// Whether every group is used at most as often as in `other`.
    fn uses_no_more_than(&self, other: &Configuration<M>) -> bool {
        self.used.iter().all(|(group, count)| *count <= other.used(*group))
    }
}

/// Configurations in the order in which they were found, none of which makes a later one useless.
pub(super) struct Configurations<M: Model> {
    list: Vec<Configuration<M>>,
    /// Those with the same state and the same operations in the order.
    alike: HashMap<(M::State, Vec<u64>), Vec<usize>>,
    limit: usize,
}

impl<M: Model> Configurations<M> {
    pub(super) fn new(limit: usize) -> Configurations<M> {
        Configurations { list: Vec::new(), alike: HashMap::new(), limit }
    }

    /// Adds a configuration unless one is there that differs only in that more optional mutations
    /// are left to it. None when there are too many.
    pub(super) fn add(&mut self, configuration: Configuration<M>) -> Option<bool> {
        let key = (configuration.state.clone(), configuration.placed.clone());
        let alike = self.alike.entry(key).or_default();
        if alike.iter().any(|place| self.list[*place].uses_no_more_than(&configuration)) {
            return Some(false);
        }
        if self.list.len() == self.limit {
            return None;
        }
        alike.push(self.list.len());
        self.list.push(configuration);
        Some(true)
    }

    pub(super) fn into_list(self) -> Vec<Configuration<M>> {
        self.list
    }
}
