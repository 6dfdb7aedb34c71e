//! A state that can have been reached, and how.

use std::collections::HashMap;
use std::hash::Hash;

use super::Returned;
use crate::model::Model;

/// What the operations in the order so far have led to.
#[derive(Debug)]
pub(super) struct Configuration<M: Model> {
    pub(super) state: M::State,
    /// Operations that are in the order and have not returned yet, rising.
    placed: Vec<u64>,
    /// Writes that may be in the order too, rising: they were open when another write came, and
    /// just before that one nobody would have noticed them. Any of them can still be held to be
    /// there or not.
    hidden: Vec<u64>,
    /// How many of each group of optional mutations are in the order, by rising number.
    used: Vec<(u64, usize)>,
}

impl<M: Model> Clone for Configuration<M> {
    fn clone(&self) -> Configuration<M> {
        Configuration {
            state: self.state.clone(),
            placed: self.placed.clone(),
            hidden: self.hidden.clone(),
            used: self.used.clone(),
        }
    }
}

impl<M: Model> Configuration<M> {
    pub(super) fn new(state: M::State) -> Configuration<M> {
        Configuration { state, placed: Vec::new(), hidden: Vec::new(), used: Vec::new() }
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

    /// Whether an operation may be in the order unnoticed.
    pub(super) fn hides(&self, id: u64) -> bool {
        self.hidden.binary_search(&id).is_ok()
    }

    /// Puts an operation next, which leads to `state`.
    pub(super) fn place(&mut self, id: u64, state: M::State) {
        self.unhide(id);
        insert(&mut self.placed, id);
        self.state = state;
    }

    /// Notes that a write may be in the order unnoticed.
    pub(super) fn hide(&mut self, id: u64) {
        insert(&mut self.hidden, id);
    }

    /// Takes back that a write may be in the order unnoticed; whether it was so.
    pub(super) fn unhide(&mut self, id: u64) -> bool {
        remove(&mut self.hidden, id)
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
        remove(&mut self.placed, id)
    }
}

/// Puts a number in its place.
fn insert(rising: &mut Vec<u64>, number: u64) {
    if let Err(place) = rising.binary_search(&number) {
        rising.insert(place, number);
    }
}

/// Removes a number; whether it was there.
fn remove(rising: &mut Vec<u64>, number: u64) -> bool {
    let place = rising.binary_search(&number);
    if let Ok(place) = place {
        rising.remove(place);
    }
    place.is_ok()
}

/// Configurations in the order in which they were found, less those that another makes useless.
///
/// One makes another useless that has the same state and the same operations in the order if it
/// leaves as many optional mutations and hides as many writes: whatever can come after the other
/// can come after it.
pub(super) struct Configurations<M: Model, T> {
    /// What the configurations have in common that are compared with each other: state, operations
    /// in the order and whatever else the caller tells them apart by.
    kinds: Vec<(M::State, Vec<u64>, T)>,
    alike: HashMap<(M::State, Vec<u64>, T), Vec<Alternative>>,
    count: usize,
    limit: usize,
}

/// What is left open by a configuration.
struct Alternative {
    hidden: Vec<u64>,
    used: Vec<(u64, usize)>,
}

impl Alternative {
    fn makes_useless(&self, other: &Alternative) -> bool {
        let uses = |group: &u64| {
            let place = other.used.binary_search_by_key(group, |(number, _)| *number);
            place.map_or(0, |place| other.used[place].1)
        };
        other.hidden.iter().all(|id| self.hidden.binary_search(id).is_ok())
            && self.used.iter().all(|(group, count)| *count <= uses(group))
    }
}

impl<M: Model, T: Clone + Eq + Hash> Configurations<M, T> {
    pub(super) fn new(limit: usize) -> Configurations<M, T> {
        Configurations { kinds: Vec::new(), alike: HashMap::new(), count: 0, limit }
    }

    /// Adds a configuration; false if one is there that makes it useless, none if there are too
    /// many.
    pub(super) fn add(&mut self, configuration: &Configuration<M>, tag: T) -> Option<bool> {
        let Configuration { state, placed, hidden, used } = configuration.clone();
        let kind = (state, placed, tag);
        let alternative = Alternative { hidden, used };
        match self.alike.get_mut(&kind) {
            Some(alike) => {
                if alike.iter().any(|other| other.makes_useless(&alternative)) {
                    return Some(false);
                }
                self.count -= alike.len();
                alike.retain(|other| !alternative.makes_useless(other));
                alike.push(alternative);
                self.count += alike.len();
            }
            None => {
                self.kinds.push(kind.clone());
                self.alike.insert(kind, vec![alternative]);
                self.count += 1;
            }
        }
        (self.count <= self.limit).then_some(true)
    }

    pub(super) fn into_list(mut self) -> Vec<Configuration<M>> {
        let mut list = Vec::with_capacity(self.count);
        for kind in self.kinds {
            let alike = self.alike.remove(&kind).expect("every kind has alternatives");
            let (state, placed, _) = kind;
            list.extend(alike.into_iter().map(|Alternative { hidden, used }| Configuration {
                state: state.clone(),
                placed: placed.clone(),
                hidden,
                used,
            }));
        }
        list
    }
}
