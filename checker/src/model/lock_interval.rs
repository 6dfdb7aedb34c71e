//! The times at which a lock was held, where they follow owner by owner.
//!
//! Suppose that no two operations of an owner overlap, and that only the last one of each owner may
//! be of unknown outcome: owners are processes. Then the operations of an owner took effect in the
//! order in which they were invoked, so acquisitions and releases must alternate, and nothing
//! stands between the two of a pair: each pair is a *lock interval*. An owner's last operation
//! needs no search either. An acquisition of unknown outcome is the last operation of all if it
//! took effect, so it may be left out. A release of unknown outcome may be taken to have happened:
//! if the lock stays held without it, it can come last; if its owner holds nothing, it does
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Direct, ValueId};

/// An operation of an owner on a lock, with success or with unknown outcome.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    /// The place of the operation.
    pub(super) place: usize,
    pub(super) owner: ValueId,
    /// True if it gave the lock back.
    pub(super) releases: bool,
    pub(super) invoked: u64,
    /// None if the outcome is unknown.
    pub(super) returned: Option<u64>,
}

/// An acquisition with the release that follows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LockInterval {
    /// The acquisition.
    pub(super) acquisition: Move,
    /// Index of the return of the acquisition: from here on the lock surely was held.
    pub(super) from: u64,
    /// Index of the invocation of the release: up to here the lock surely was held. The greatest
    /// number if there was no release.
    pub(super) to: u64,
}

/// Moves that contradict each other, no matter what had returned before the first of them was
/// invoked.
#[derive(Debug)]
pub(super) struct Clash {
    places: Vec<usize>,
    since: Option<u64>,
}

impl Clash {
    /// Moves of one owner, in its order. What it did before them had returned by then.
    fn of_one_owner(moves: &[&Move]) -> Clash {
        let places = moves.iter().map(|it| it.place).collect();
        Clash { places, since: moves.first().map(|it| it.invoked) }
    }

    /// The decision once lock intervals were compared.
    pub(super) fn decision(clash: Option<Clash>, algorithm: &'static str, moves: usize) -> Direct {
        let since = clash.as_ref().and_then(|clash| clash.since);
        let contradiction = clash.map(|clash| clash.places);
        Direct { algorithm, steps: moves as u64, contradiction, since }
    }
}

/// Those who can hold a lock: owners, and no owner.
pub(super) fn holders(mut owners: Vec<ValueId>) -> Vec<ValueId> {
    if !owners.contains(&ValueId::ABSENT) {
        owners.push(ValueId::ABSENT);
    }
    owners
}

/// The moves of each owner, by invocation.
#[derive(Debug)]
pub(super) struct Owners(BTreeMap<ValueId, Vec<Move>>);

impl Owners {
    /// Sorts the moves of a partition, given by invocation, by owner; none if a search is needed.
    pub(super) fn of(moves: impl Iterator<Item = Move>) -> Option<Owners> {
        let mut owners: BTreeMap<ValueId, Vec<Move>> = BTreeMap::new();
        for next in moves {
            let own = owners.entry(next.owner).or_default();
            if let Some(last) = own.last()
                && last.returned.is_none_or(|returned| returned > next.invoked)
            {
                return None;
            }
            own.push(next);
        }
        Some(Owners(owners))
    }

    /// All lock intervals, by owner.
    ///
    /// # Errors
    /// Moves of an owner that contradict each other.
    pub(super) fn lock_intervals(&self) -> Result<Vec<LockInterval>, Clash> {
        let mut lock_intervals = Vec::new();
        for moves in self.0.values() {
            let mut held: Option<LockInterval> = None;
            for (number, it) in moves.iter().enumerate() {
                match (held, it.releases, it.returned) {
                    (None, false, Some(returned)) => {
                        held =
                            Some(LockInterval { acquisition: *it, from: returned, to: u64::MAX });
                    }
                    (Some(lock_interval), true, _) => {
                        lock_intervals.push(LockInterval { to: it.invoked, ..lock_interval });
                        held = None;
                    }
                    (_, _, None) => {}
                    // An acquisition while it holds the lock, or a release after another one.
                    (Some(_), false, Some(_)) | (None, true, Some(_)) if number > 0 => {
                        return Err(Clash::of_one_owner(&[&moves[number - 1], it]));
                    }
                    // A release of what it never acquired.
                    (_, _, Some(_)) => {
                        return Err(Clash { places: vec![it.place], since: None });
                    }
                }
            }
            lock_intervals.extend(held);
        }
        Ok(lock_intervals)
    }

    /// Two lock intervals that cannot be one before the other. The acquisitions say so by
    /// themselves, since the owners' earlier releases had returned before; a release that had not
    /// when the first of the acquisitions was invoked must be held to be true as well.
    pub(super) fn clash(&self, one: &LockInterval, other: &LockInterval) -> Clash {
        let acquisitions = [one.acquisition, other.acquisition];
        let (mut since, mut moves) = (u64::MAX, acquisitions.to_vec());
        let until = acquisitions.iter().filter_map(|it| it.returned).max().unwrap_or(u64::MAX);
        while let Some(earliest) = moves.iter().map(|it| it.invoked).min().filter(|it| *it < since)
        {
            since = earliest;
            let own = acquisitions.iter().filter_map(|it| self.0.get(&it.owner)).flatten();
            let matters = |it: &&Move| {
                it.releases && it.invoked < until && it.returned.is_some_and(|at| at >= since)
            };
            moves = acquisitions.iter().chain(own.filter(matters)).copied().collect();
        }
        let places: BTreeSet<usize> = moves.into_iter().map(|it| it.place).collect();
        Clash { places: places.into_iter().collect(), since: Some(since) }
    }
}
