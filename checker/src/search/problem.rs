//! What is to be ordered, after everything that cannot matter is dropped.

use std::collections::HashMap;

use crate::model::{Call, Growth, Model, Transition};

/// One operation of a partition.
#[derive(Debug, Clone)]
pub(crate) struct Item<M: Model> {
    /// Index of the invocation in the history.
    pub(crate) invoked: u64,
    /// Index of the completion; none if the operation never ended.
    pub(crate) completed: Option<u64>,
    /// What it did.
    pub(crate) call: Call<M::Input, M::Output>,
}

/// An operation that surely took effect.
#[derive(Debug, Clone)]
pub(super) struct Settled<M: Model> {
    pub(super) input: M::Input,
    /// None for an operation of unknown outcome whose effect was seen.
    pub(super) output: Option<M::Output>,
    pub(super) invoked: u64,
    /// By when it had taken effect.
    pub(super) returned: u64,
    pub(super) observer: bool,
    pub(super) transition: Option<Transition>,
    /// Operations of one class ask and answer the same.
    pub(super) class: usize,
}

/// Mutations of unknown outcome that ask for the same. They are interchangeable: an order that
/// uses `n` of them can as well use the `n` that were invoked first, in the order of invocation.
#[derive(Debug, Clone)]
pub(super) struct Optional<M: Model> {
    pub(super) input: M::Input,
    pub(super) transition: Option<Transition>,
    /// Indices of the invocations, rising.
    pub(super) invoked: Vec<u64>,
}

/// A partition, ready to be searched.
#[derive(Debug, Clone)]
pub(crate) struct Problem<M: Model> {
    pub(super) initial: M::State,
    pub(super) settled: Vec<Settled<M>>,
    /// How many settled operations each class has.
    pub(super) class_sizes: Vec<usize>,
    pub(super) optional: Vec<Optional<M>>,
    /// Whether every operation is a transition between values, so that the rules about values
    /// hold.
    pub(super) by_value: bool,
    /// For each settled operation, what makes its answer possible again once the state has grown
    /// past it; none when there is no telling. Empty when there is no telling for any.
    pub(super) revivals: Vec<Option<Vec<usize>>>,
    /// Whether an operation saw a value that nothing can have left: there is no order then.
    pub(super) saw_a_foreign_value: bool,
    /// One more than the greatest number of a value.
    pub(super) values: usize,
}

impl<M: Model> Problem<M> {
    /// Sorts the operations of a partition into those that happened and those that may have.
    pub(crate) fn new(
        model: &M,
        initial: M::State,
        values: usize,
        items: impl IntoIterator<Item = Item<M>>,
    ) -> Problem<M> {
        let mut settled = Vec::new();
        let mut unknown: Vec<(M::Input, u64, Option<Transition>)> = Vec::new();
        for Item { invoked, completed, call } in items {
            match (call, completed) {
                (Call::Silent, _) => {}
                (Call::Known(input, output), Some(returned)) => {
                    let transition = model.transition(&input, Some(&output));
                    settled.push(Settled {
                        observer: model.is_observer(&input, Some(&output)),
                        input,
                        output: Some(output),
                        invoked,
                        returned,
                        transition,
                        class: 0,
                    });
                }
                (Call::Unknown(input) | Call::Known(input, _), _) => {
                    // Without an answer, what changes nothing says nothing.
                    if !model.is_observer(&input, None) {
                        let transition = model.transition(&input, None);
                        unknown.push((input, invoked, transition));
                    }
                }
            }
        }

        let by_value = model.value(&initial).is_some()
            && settled.iter().all(|operation| operation.transition.is_some())
            && unknown.iter().all(|(_, _, transition)| transition.is_some());
        let mut saw_a_foreign_value = false;
        if by_value {
            let mut tags = Tags::new(model, &initial, values, &settled, &unknown);
            tags.trace_back(&settled, &unknown);
            let mut position = 0;
            unknown.retain(|(input, invoked, transition)| {
                let fate = tags.fates[position];
                position += 1;
                if let Fate::SeenBy(returned) = fate {
                    settled.push(Settled {
                        input: input.clone(),
                        output: None,
                        invoked: *invoked,
                        returned,
                        observer: false,
                        transition: *transition,
                        class: 0,
                    });
                }
                fate == Fate::Open
            });
            saw_a_foreign_value = tags.saw_a_foreign_value(&settled);
        }

        let revivals = revivals(model, &settled, &unknown);
        let class_sizes = classify(&mut settled);
        let optional = group(unknown);
        Problem {
            initial,
            settled,
            class_sizes,
            optional,
            by_value,
            revivals,
            saw_a_foreign_value,
            values,
        }
    }
}

/// For each observer, the settled operations after which its answer is possible again once the
/// state has grown past it (see [`Model::outgrew`]). None for what is no observer, and when a
/// mutation of unknown outcome could make the answer possible at any time. Empty when a mutation
/// may do anything.
fn revivals<M: Model>(
    model: &M,
    settled: &[Settled<M>],
    unknown: &[(M::Input, u64, Option<Transition>)],
) -> Vec<Option<Vec<usize>>> {
    let mut fresh_starts = Vec::new();
    let mutations = settled.iter().enumerate().filter(|(_, operation)| !operation.observer);
    for (place, input) in mutations
        .map(|(place, operation)| (Some(place), &operation.input))
        .chain(unknown.iter().map(|(input, _, _)| (None, input)))
    {
        match model.growth(input) {
            Some(Growth::Forward) => {}
            Some(Growth::Anew(state)) => fresh_starts.push((place, state)),
            None => return Vec::new(),
        }
    }
    let revivals_of = |observer: &Settled<M>| {
        let output = observer.output.as_ref().filter(|_| observer.observer)?;
        fresh_starts
            .iter()
            .filter(|(_, state)| !model.outgrew(state, &observer.input, output))
            .map(|(place, _)| *place)
            .collect()
    };
    settled.iter().map(revivals_of).collect()
}

/// Numbers the classes of equal operations; answers how many operations each has.
fn classify<M: Model>(settled: &mut [Settled<M>]) -> Vec<usize> {
    let mut classes = HashMap::new();
    let mut sizes = Vec::new();
    for operation in settled {
        let what = (operation.input.clone(), operation.output.clone());
        operation.class = *classes.entry(what).or_insert_with(|| {
            sizes.push(0);
            sizes.len() - 1
        });
        sizes[operation.class] += 1;
    }
    sizes
}

/// Groups equal mutations of unknown outcome, in the order of the first invocation of each.
fn group<M: Model>(unknown: Vec<(M::Input, u64, Option<Transition>)>) -> Vec<Optional<M>> {
    let mut groups: Vec<Optional<M>> = Vec::new();
    let mut group_of = HashMap::new();
    for (input, invoked, transition) in unknown {
        let group = *group_of.entry(input.clone()).or_insert_with(|| {
            groups.push(Optional { input, transition, invoked: Vec::new() });
            groups.len() - 1
        });
        groups[group].invoked.push(invoked);
    }
    for group in &mut groups {
        group.invoked.sort_unstable();
    }
    groups
}

/// What the values of a partition tell about a mutation of unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nobody can have seen it: it may be taken never to have happened.
    ///
    /// An order that uses it can do without. Say it leaves `v`. What comes next in the order
    /// either requires `v`, or does not care (a write), or is nothing. Nothing that took effect
    /// requires `v`, so only another such mutation can require it (a cas of unknown outcome from
    /// `v`), and what *that* leaves is required by nothing that took effect either. Leave the
    /// whole chain out: the next operation does not care, and every answer stays as it was.
    Unseen,
    /// It may have taken effect or not.
    Open,
    /// It is the only operation that leaves a value which somebody saw, so it happened, and it had
    /// happened when that somebody's operation completed, at this index.
    SeenBy(u64),
}

/// Which operations leave a value and which require it.
struct Tags {
    /// For each value: how many operations leave it, the initial state included.
    leavers: Vec<usize>,
    /// For each value: the mutations of unknown outcome that leave it.
    unknown_leavers: Vec<Vec<usize>>,
    /// For each mutation of unknown outcome.
    fates: Vec<Fate>,
}

impl Tags {
    fn new<M: Model>(
        model: &M,
        initial: &M::State,
        values: usize,
        settled: &[Settled<M>],
        unknown: &[(M::Input, u64, Option<Transition>)],
    ) -> Tags {
        let mut leavers = vec![0; values];
        let mut unknown_leavers = vec![Vec::new(); values];
        if let Some(value) = model.value(initial) {
            leavers[value.0 as usize] += 1;
        }
        for operation in settled {
            if let Some(value) = operation.transition.and_then(|transition| transition.leaves) {
                leavers[value.0 as usize] += 1;
            }
        }
        for (position, (_, _, transition)) in unknown.iter().enumerate() {
            if let Some(value) = transition.and_then(|transition| transition.leaves) {
                leavers[value.0 as usize] += 1;
                unknown_leavers[value.0 as usize].push(position);
            }
        }
        Tags { leavers, unknown_leavers, fates: vec![Fate::Unseen; unknown.len()] }
    }

    fn saw_a_foreign_value<M: Model>(&self, settled: &[Settled<M>]) -> bool {
        settled
            .iter()
            .filter_map(|operation| operation.transition.and_then(|it| it.requires))
            .any(|value| self.leavers[value.0 as usize] == 0)
    }

    /// Follows what was seen back to what left it.
    fn trace_back<M: Model>(
        &mut self,
        settled: &[Settled<M>],
        unknown: &[(M::Input, u64, Option<Transition>)],
    ) {
        // Values that were required, with the completion by which they were there. A requirement
        // of a mutation that may not have happened has none.
        let mut required: Vec<(usize, Option<u64>)> = settled
            .iter()
            .filter_map(|operation| {
                let value = operation.transition?.requires?;
                Some((value.0 as usize, Some(operation.returned)))
            })
            .collect();
        while let Some((value, by)) = required.pop() {
            for &position in &self.unknown_leavers[value] {
                let fate = match by {
                    Some(returned) if self.leavers[value] == 1 => Fate::SeenBy(returned),
                    _ => Fate::Open,
                };
                let known = self.fates[position];
                if fate.says_more_than(known) {
                    self.fates[position] = fate;
                    let requires = unknown[position].2.and_then(|transition| transition.requires);
                    if let Some(value) = requires {
                        let by = match fate {
                            Fate::SeenBy(returned) => Some(returned),
                            Fate::Unseen | Fate::Open => None,
                        };
                        required.push((value.0 as usize, by));
                    }
                }
            }
        }
    }
}

impl Fate {
    /// Every order that `other` allows and that explains the history, this fate allows too.
    fn says_more_than(self, other: Fate) -> bool {
        match (self, other) {
            (Fate::Unseen, _) | (Fate::Open, Fate::Open | Fate::SeenBy(_)) => false,
            (Fate::Open, Fate::Unseen) | (Fate::SeenBy(_), Fate::Unseen | Fate::Open) => true,
            (Fate::SeenBy(earlier), Fate::SeenBy(returned)) => earlier < returned,
        }
    }
}
