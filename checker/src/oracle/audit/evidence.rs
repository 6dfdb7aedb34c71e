//! The evidence of contents and applied logs about one operation.

use std::collections::HashMap;

use super::seen::{Seen, SeenEffects};
use super::terms::{AppliedLog, Contents, Mutation, Mutations, Outcome, Reason};
use crate::model::Collection;

/// The number of effects of an operation, as far as some evidence shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effects {
    /// So many effects are seen.
    pub(super) at_least: u64,
    /// The reason why there may be more; none if there are not.
    pub(super) gap: Option<Reason>,
}

impl Effects {
    /// Nothing is known.
    pub(super) fn unknown(reason: Reason) -> Effects {
        Effects { at_least: 0, gap: Some(reason) }
    }
}

/// Something that shows effects. Operations are named by their place among those audited.
pub(super) trait Evidence {
    /// The number of effects of an operation. None if this evidence is not about it at all.
    fn find(&self, place: usize) -> Option<Effects>;

    /// The evidence in words.
    fn trace(&self, place: usize) -> String;
}

/// An operation that is absent from evidence of `as_of`.
fn absent(
    mutation: &Mutation<'_>,
    as_of: Option<u64>,
    no_time: Reason,
    too_early: Reason,
) -> Effects {
    let gap = match (mutation.outcome, as_of, mutation.completed) {
        (Outcome::Info, _, _) => Some(Reason::MayStillCome),
        (_, None, _) => Some(no_time),
        (_, Some(as_of), Some(completed)) if completed < as_of => None,
        _ => Some(too_early),
    };
    Effects { at_least: 0, gap }
}

/// The contents of the objects.
pub(super) struct ContentsEvidence<'a, 'h> {
    mutations: &'a dyn Mutations<'h>,
    contents: &'a [Contents<'h>],
    /// For each operation: the contents of its object, if it puts an element there.
    object: Vec<Option<usize>>,
    /// The positions at which the elements of operations are, by operation.
    positions: Grouped<usize>,
    /// True if another operation puts the same element there.
    shared: Vec<bool>,
}

impl<'a, 'h> ContentsEvidence<'a, 'h> {
    pub(super) fn new(mutations: &'a dyn Mutations<'h>, contents: &'a [Contents<'h>]) -> Self {
        // These maps are only looked up, never iterated.
        let objects: HashMap<&str, usize> =
            contents.iter().enumerate().map(|(place, contents)| (contents.object, place)).collect();
        assert_eq!(objects.len(), contents.len(), "one object has one contents");

        let count = if contents.is_empty() { 0 } else { mutations.count() };
        let mut by_element: HashMap<(usize, &str), usize> = HashMap::with_capacity(count);
        let mut shared = vec![false; count];
        let mut object = vec![None; count];
        for place in 0..count {
            let mutation = mutations.get(place);
            let (Some(&at), Some(element)) = (objects.get(mutation.object), mutation.element)
            else {
                continue;
            };
            object[place] = Some(at);
            let first = *by_element.entry((at, element)).or_insert(place);
            if first != place {
                shared[first] = true;
                shared[place] = true;
            }
        }
        let mut positions = Vec::new();
        for (at, contents) in contents.iter().enumerate() {
            for (position, element) in contents.elements.iter().enumerate() {
                if let Some(&place) = by_element.get(&(at, *element)) {
                    positions.push((place, position));
                }
            }
        }
        let positions = Grouped::new(count, positions);
        ContentsEvidence { mutations, contents, object, positions, shared }
    }
}

impl Evidence for ContentsEvidence<'_, '_> {
    fn find(&self, place: usize) -> Option<Effects> {
        let contents = &self.contents[(*self.object.get(place)?)?];
        if self.shared[place] {
            return Some(Effects::unknown(Reason::SharedElement));
        }
        let positions = self.positions.of(place);
        let removed = (contents.untraced_removals > 0).then_some(Reason::UntracedRemoval);
        if positions.is_empty() {
            let mut finding = absent(
                &self.mutations.get(place),
                contents.as_of,
                Reason::NoFinalRead,
                Reason::ReadTooEarly,
            );
            finding.gap = finding.gap.or(removed);
            return Some(finding);
        }
        if contents.kind == Collection::Set {
            // What is listed twice is still one element.
            return Some(Effects { at_least: 1, gap: Some(Reason::SetHidesRepeats) });
        }
        let unsettled = contents.as_of.is_none().then_some(Reason::NoFinalRead);
        Some(Effects { at_least: positions.len() as u64, gap: unsettled.or(removed) })
    }

    fn trace(&self, place: usize) -> String {
        let Mutation { object, element, .. } = self.mutations.get(place);
        let element = element.unwrap_or("its element");
        let Some(Some(contents)) = self.object.get(place).copied() else { return String::new() };
        match (self.positions.of(place), self.contents[contents].kind) {
            ([], _) => format!("{object} does not hold {element}"),
            (positions, Collection::List) => {
                let numbers: Vec<String> = positions.iter().map(usize::to_string).collect();
                let plural = if positions.len() == 1 { "" } else { "s" };
                format!("{object} holds {element} at position{plural} {}", numbers.join(" and "))
            }
            (_, Collection::Set) | ([_], _) => format!("{object} holds {element}"),
            (positions, Collection::Queue) => {
                format!("{element} came out of {object} or is in it {} times", positions.len())
            }
        }
    }
}

/// Items that belong to operations, in one piece of memory.
struct Grouped<T> {
    items: Vec<T>,
    /// The items of the operation at `place` begin at `begins[place]`.
    begins: Vec<usize>,
}

impl<T: Copy + Ord> Grouped<T> {
    /// Groups `pairs` of operation and item, for as many operations.
    fn new(operations: usize, mut pairs: Vec<(usize, T)>) -> Grouped<T> {
        pairs.sort();
        let mut begins = Vec::with_capacity(operations + 1);
        let mut items = pairs.iter().peekable();
        let mut begin = 0;
        for place in 0..operations {
            begins.push(begin);
            while items.next_if(|(of, _)| *of == place).is_some() {
                begin += 1;
            }
        }
        begins.push(begin);
        Grouped { items: pairs.into_iter().map(|(_, item)| item).collect(), begins }
    }

    /// The items of an operation, in order.
    fn of(&self, place: usize) -> &[T] {
        &self.items[self.begins[place]..self.begins[place + 1]]
    }
}

/// The entries that the nodes applied.
pub(super) struct LogEvidence<'a, 'h> {
    mutations: &'a dyn Mutations<'h>,
    logs: &'a [AppliedLog<'h>],
    seen: SeenEffects,
    /// True if the logs together tell of every index up to their highest.
    complete: bool,
    /// The latest time of which a log tells everything.
    as_of: Option<u64>,
}

impl<'a, 'h> LogEvidence<'a, 'h> {
    /// `by_token` has the place of the operation of each token.
    pub(super) fn new(
        mutations: &'a dyn Mutations<'h>,
        by_token: &HashMap<&str, usize>,
        logs: &'a [AppliedLog<'h>],
    ) -> Self {
        let mut seen = SeenEffects::new(if logs.is_empty() { 0 } else { mutations.count() });
        for (log, AppliedLog { entries, .. }) in logs.iter().enumerate() {
            entries.each(&mut |entry| {
                if let (true, Some(&place)) = (entry.took_effect, by_token.get(entry.token)) {
                    seen.push(place, Seen { index: entry.index, log });
                }
            });
        }
        seen.sort();

        let mut spans: Vec<(u64, u64)> = logs.iter().map(|log| (log.from, log.through)).collect();
        spans.sort_unstable();
        let covered =
            spans.iter().fold(
                0,
                |covered, &(from, through)| {
                    if from <= covered + 1 { through.max(covered) } else { covered }
                },
            );
        let complete = logs.iter().all(|log| log.through <= covered);
        let as_of = logs.iter().filter_map(|log| log.as_of).max();
        LogEvidence { mutations, logs, seen, complete, as_of }
    }

    /// The log that tells of the index of an effect, but not of the effect.
    fn denial(&self, seen: &[Seen], index: u64) -> Option<usize> {
        (0..self.logs.len()).find(|log| {
            let AppliedLog { from, through, .. } = self.logs[*log];
            (from..=through).contains(&index) && !seen.contains(&Seen { index, log: *log })
        })
    }
}

impl Evidence for LogEvidence<'_, '_> {
    fn find(&self, place: usize) -> Option<Effects> {
        if self.logs.is_empty() {
            return None;
        }
        let seen = self.seen.of(place);
        let incomplete = (!self.complete).then_some(Reason::LogIncomplete);
        if seen.is_empty() {
            let too_short = Reason::LogTooShort;
            let mutation = self.mutations.get(place);
            let mut finding = absent(&mutation, self.as_of, too_short, too_short);
            finding.gap = finding.gap.or(incomplete);
            return Some(finding);
        }
        let mut agreed: u64 = 0;
        let mut disagree = None;
        for group in seen.chunk_by(|a, b| a.index == b.index) {
            match self.denial(&seen, group[0].index) {
                None => agreed += 1,
                Some(_) => disagree = Some(Reason::NodesDisagree),
            }
        }
        // One state machine may apply one entry twice.
        let of_one_log = |log| seen.iter().filter(|seen| seen.log == log).count() as u64;
        let at_least = (0..self.logs.len()).map(of_one_log).max().unwrap_or(0).max(agreed);
        Some(Effects { at_least, gap: disagree.or(incomplete) })
    }

    fn trace(&self, place: usize) -> String {
        let seen = self.seen.of(place);
        let node = |log: usize| self.logs[log].node;
        if seen.is_empty() {
            let mut nodes: Vec<&str> = self.logs.iter().map(|log| log.node).collect();
            nodes.dedup();
            return format!("the log of {} shows none", nodes.join(", "));
        }
        let denied =
            seen.iter().find_map(|seen_at| Some((*seen_at, self.denial(&seen, seen_at.index)?)));
        if let Some((Seen { index, log }, denier)) = denied {
            let (node, denier) = (node(log), node(denier));
            return format!("{node} has its effect at index {index}, and {denier} has not");
        }
        let groups = seen.chunk_by(|a, b| a.index == b.index);
        let places: Vec<String> = groups
            .map(|group| {
                let nodes: Vec<&str> = group.iter().map(|seen| node(seen.log)).collect();
                format!("index {} on {}", group[0].index, nodes.join(", "))
            })
            .collect();
        format!("at {}", places.join(" and at "))
    }
}
