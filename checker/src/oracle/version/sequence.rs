//! One sequence of versions, and the sweeps that find what contradicts in it.

use std::collections::BTreeMap;

use super::report::Era;
use super::terms::{Answered, Answers, Effect, ReadVersion, Reset, Rule, Scope, VersionSemantics};
use crate::words::at;

/// The part of an answer that the rules look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimedAnswer {
    /// Its place among all answers.
    pub(super) place: u32,
    pub(super) key: Option<u32>,
    pub(super) effect: Effect,
    pub(super) version: u64,
    pub(super) invoked: u64,
    pub(super) completed: u64,
}

/// A contradiction between two answers, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) rule: Rule,
    pub(super) earlier: u32,
    pub(super) later: u32,
}

/// The answers of one sequence of versions.
pub(super) struct Sequence<'a, 'h> {
    answers: &'a Answers<'a, 'h>,
    claims: &'a VersionSemantics,
    by_invocation: Vec<TimedAnswer>,
    /// Places in `by_invocation`.
    completions: Vec<u32>,
}

impl<'a, 'h> Sequence<'a, 'h> {
    pub(super) fn new(
        answers: &'a Answers<'a, 'h>,
        claims: &'a VersionSemantics,
        points: Vec<TimedAnswer>,
    ) -> Sequence<'a, 'h> {
        let mut by_invocation = points;
        // A history is nearly in order, which these sorts are quick to notice.
        by_invocation.sort_by_key(|point| point.invoked);
        let mut completions: Vec<(u64, u32)> =
            by_invocation.iter().map(|point| point.completed).zip(0..).collect();
        completions.sort_unstable();
        let completions = completions.into_iter().map(|(_, place)| place).collect();
        Sequence { answers, claims, by_invocation, completions }
    }

    fn by_completion(&self) -> impl Iterator<Item = &TimedAnswer> {
        self.completions.iter().map(|place| &self.by_invocation[*place as usize])
    }

    fn answer(&self, place: u32) -> Answered<'h> {
        (self.answers.get)(place as usize)
    }

    /// Groups the answers of each era by what `group` makes of them, those of a group by completion;
    /// those of which it makes none are left out.
    fn groups<K: Ord + Copy>(
        &self,
        resets: &[Reset<'_>],
        group: impl Fn(&TimedAnswer) -> Option<K>,
        mut take: impl FnMut(&[&TimedAnswer]),
    ) {
        for number in 0..=resets.len() {
            let in_era = self.by_completion().zip(0_u32..).filter_map(|(point, rank)| {
                let key = group(point)?;
                (era(resets, point) == Some(number)).then_some((key, rank))
            });
            let mut in_era: Vec<(K, u32)> = in_era.collect();
            in_era.sort_unstable();
            for group in in_era.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
                let places = group.iter().map(|(_, rank)| self.completions[*rank as usize]);
                let points = places.map(|place| &self.by_invocation[place as usize]);
                take(&points.collect::<Vec<_>>());
            }
        }
    }

    /// The answers among `suspects` that are too low for one among `bearers` that had completed
    /// before they were invoked, each with the highest of these, in order of invocation.
    pub(super) fn falls(
        &self,
        bearers: impl Fn(&TimedAnswer) -> bool,
        suspects: impl Fn(&TimedAnswer) -> bool,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        let mut floors = Floors::default();
        let mut completed = self.by_completion().filter(|point| bearers(point)).peekable();
        for later in self.by_invocation.iter().filter(|point| suspects(point)) {
            while let Some(earlier) = completed.next_if(|point| point.completed < later.invoked) {
                self.raise(&mut floors, earlier);
            }
            let Some(floor) = self.floor(&floors, later) else { continue };
            if let Some(rule) = self.claims.contradict(later.effect, later.version, floor.version) {
                found.push(Found { rule, earlier: floor.place, later: later.place });
            }
        }
        found
    }

    /// The answer below which `point` may not be.
    fn floor(&self, floors: &Floors, point: &TimedAnswer) -> Option<Floor> {
        let follows_all =
            self.claims.reads == ReadVersion::State || self.claims.numbers(point.effect);
        if follows_all { floors.all } else { floors.by_key.get(&point.key?).copied() }
    }

    /// Takes note that the answer `point` has been given.
    fn raise(&self, floors: &mut Floors, point: &TimedAnswer) {
        let TimedAnswer { place, version, .. } = *point;
        let floor = Floor { version, place };
        if floors.all.is_none_or(|all| all.version < version) {
            floors.all = Some(floor);
        }
        // A failed precondition that has a version of its own did not modify the key.
        let modified =
            point.effect != Effect::FailedPrecondition || !self.claims.failures_are_numbered;
        if self.claims.reads == ReadVersion::Modification
            && modified
            && let Some(key) = point.key
        {
            let highest = floors.by_key.entry(key).or_insert(floor);
            if highest.version < version {
                *highest = floor;
            }
        }
    }

    /// Mutations that have the version of one that completed before them.
    pub(super) fn shared(&self, resets: &[Reset<'_>], found: &mut Vec<Found>) {
        let version =
            |point: &TimedAnswer| self.claims.numbers(point.effect).then_some(point.version);
        self.groups(resets, version, |group| {
            let later = group[1..].iter().map(|point| point.place);
            let earlier = group[0].place;
            found.extend(later.map(|later| Found { rule: Rule::Shared, earlier, later }));
        });
    }

    /// Answers that know another value of their key at their version than the first that completed.
    /// Two mutations of one version are left to [`Sequence::shared`].
    pub(super) fn two_values(&self, resets: &[Reset<'_>], found: &mut Vec<Found>) {
        let state = |point: &TimedAnswer| Some((point.version, point.key?));
        self.groups(resets, state, |group| {
            let mut known = group.iter().filter_map(|point| {
                let value = (self.answers.value)(point.place as usize)?;
                Some((value, point.effect == Effect::Mutation, point.place))
            });
            let Some((first, is_mutation, earlier)) = known.next() else { return };
            let others =
                known.filter(|(value, mutates, _)| *value != first && !(is_mutation && *mutates));
            found.extend(others.map(|(_, _, later)| Found {
                rule: Rule::TwoValues,
                earlier,
                later,
            }));
        });
    }

    /// The number of answers that belong to no era.
    pub(super) fn between(&self, boundaries: &[Reset<'_>]) -> u64 {
        let stray = |point: &&TimedAnswer| era(boundaries, point).is_none();
        self.by_completion().filter(stray).count() as u64
    }

    /// The era that `after` begins and `next` ends, when the one before it began at `since`.
    pub(super) fn describe(
        &self,
        since: Option<&Reset<'_>>,
        after: &Reset<'_>,
        next: Option<&Reset<'_>>,
    ) -> Era {
        let old = self.by_completion().filter(|point| {
            point.invoked < after.ended && since.is_none_or(|since| point.invoked > since.ended)
        });
        let new = self.by_completion().filter(|point| {
            point.completed > after.began && next.is_none_or(|next| point.completed < next.began)
        });
        let highest_before = old.map(|point| point.version).max().unwrap_or_default();
        let lowest_after = new.map(|point| point.version).min().unwrap_or_default();
        let any = self.answer(self.by_invocation[0].place);
        let of = match self.claims.scope {
            Scope::Store => "the store".to_string(),
            Scope::Stream => format!("stream {}", any.stream),
            Scope::Key => format!("key {}", any.key.unwrap_or_default()),
        };
        let sentence = format!(
            "after {} {}, the versions of {of} began again: {highest_before} had been answered \
             before, {lowest_after} after",
            after.cause,
            at(after.time, after.ended),
        );
        Era { of, highest_before, lowest_after, sentence }
    }
}

/// The era of an answer when each of `boundaries`, which are in order, began a new one. None if it
/// ran during one of them: it may have happened before or after.
pub(super) fn era(boundaries: &[Reset<'_>], answer: &TimedAnswer) -> Option<usize> {
    let era = boundaries.partition_point(|reset| reset.ended < answer.invoked);
    boundaries.get(era).is_none_or(|next| answer.completed < next.began).then_some(era)
}

/// The resets, in order, that began a new era of the versions of `sequence`.
///
/// A reset did when versions fall across it. No fall that a reset explains is missed: the one that
/// ended last before the lower of two answers could have happened has both of them on its sides.
pub(super) fn boundaries<'r>(sequence: &Sequence<'_, '_>, resets: &[Reset<'r>]) -> Vec<Reset<'r>> {
    let mut boundaries: Vec<Reset<'r>> = Vec::new();
    for (place, reset) in resets.iter().enumerate() {
        let since = boundaries.last().map(|before| before.ended);
        let next = resets.get(place + 1).map(|next| next.began);
        let this_era = |point: &TimedAnswer| since.is_none_or(|since| point.invoked > since);
        let before_the_next = |point: &TimedAnswer| next.is_none_or(|next| point.completed < next);

        let old = |point: &TimedAnswer| this_era(point) && point.invoked < reset.ended;
        let new = |point: &TimedAnswer| {
            this_era(point) && before_the_next(point) && point.completed > reset.began
        };
        let across = sequence.falls(old, new);
        let Some(first) = across.first() else { continue };

        // Had the versions stayed as high as before until this fall, the fall would contradict
        // those answers too, and the reset would be no excuse.
        let floor = sequence.answer(first.earlier).version;
        let went_on = |point: &TimedAnswer| point.invoked > reset.ended && point.version >= floor;
        if sequence.falls(went_on, |point| point.place == first.later).is_empty() {
            boundaries.push(*reset);
        }
    }
    boundaries
}

/// An answer that binds those after it.
#[derive(Debug, Clone, Copy)]
struct Floor {
    version: u64,
    place: u32,
}

/// The highest answers given so far.
#[derive(Debug, Default)]
struct Floors {
    all: Option<Floor>,
    /// Kept only where the version of a read is that of a modification.
    by_key: BTreeMap<u32, Floor>,
}
