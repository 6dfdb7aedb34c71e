//! Who held a lock when, where that can be told owner by owner.
//!
//! Suppose that no two operations of an owner overlap, and that only the last one of each owner may
//! be of unknown outcome: owners are processes. Then the operations of an owner took effect in the
//! order in which they were invoked, so acquisitions and releases must alternate, and nothing
//! stands between the two of a pair: each pair is a *possession*. An owner's last operation needs
//! no search either. An acquisition of unknown outcome is the last operation of all if it took
//! effect, so it may be left out. A release of unknown outcome may be taken to have happened: if
//! the lock stays held without it, it can come last; if its owner holds nothing, it does nothing.

use std::collections::BTreeMap;

use crate::model::ValueId;

/// What an owner did to a lock, with success or with unknown outcome.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    /// The place of the operation.
    pub(super) place: usize,
    pub(super) owner: ValueId,
    /// Whether it gave the lock back.
    pub(super) releases: bool,
    pub(super) invoked: u64,
    /// None if the outcome is unknown.
    pub(super) returned: Option<u64>,
}

/// An acquisition with the release that follows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Possession {
    pub(super) owner: ValueId,
    /// The place of the acquisition.
    pub(super) acquisition: usize,
    /// Index of the return of the acquisition: from here on the lock surely was held.
    pub(super) from: u64,
    /// Index of the invocation of the release: up to here the lock surely was held. The greatest
    /// number if there was no release.
    pub(super) to: u64,
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

    /// All possessions, by owner.
    ///
    /// # Errors
    /// The places of an owner's operations that contradict each other.
    pub(super) fn possessions(&self) -> Result<Vec<Possession>, Vec<usize>> {
        let mut possessions = Vec::new();
        for moves in self.0.values() {
            let mut held: Option<Possession> = None;
            for (number, it) in moves.iter().enumerate() {
                match (held, it.releases, it.returned) {
                    (None, false, Some(returned)) => {
                        held = Some(Possession {
                            owner: it.owner,
                            acquisition: it.place,
                            from: returned,
                            to: u64::MAX,
                        });
                    }
                    (Some(possession), true, _) => {
                        possessions.push(Possession { to: it.invoked, ..possession });
                        held = None;
                    }
                    (_, _, None) => {}
                    // Up to here there is one more of them than alternate with the others, whenever
                    // those took effect.
                    (Some(_), false, Some(_)) | (None, true, Some(_)) => {
                        let same = |other: &&Move| other.releases == it.releases;
                        let places = moves[..=number].iter().filter(same);
                        return Err(places.map(|same| same.place).collect());
                    }
                }
            }
            possessions.extend(held);
        }
        Ok(possessions)
    }

    /// The places of an owner's releases that were invoked before an index. With them, nothing is
    /// left that could have ended a later possession of the owner before then.
    pub(super) fn releases(&self, owner: ValueId, before: u64) -> impl Iterator<Item = usize> {
        let moves = self.0.get(&owner).into_iter().flatten();
        moves.filter(move |it| it.releases && it.invoked < before).map(|release| release.place)
    }
}
