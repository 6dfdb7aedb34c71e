//! What became of the commands that this node applied, for whoever audits it from outside: a token
//! whose mutation took effect at two indices was not honoured, an acknowledged one that took effect
//! at none was lost.
//!
//! The log has the tokens already, so all that is kept beside it is one byte an entry. Like the state
//! machine it is made anew after a restart, as the node learns how far its log is committed.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use super::{Entry, Node, Payload};
use crate::kv::{Answer, Applied, Outcome};

/// Of how many entries, up to the last one applied, a node knows what became of them: hours of a
/// busy cluster in two megabytes.
pub const FATES_MAX: usize = 2_000_000;

/// What became of a command when this node applied it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It took effect.
    Ok,
    /// The state machine looked at it and said no; nothing was changed.
    Fail,
    /// It is a retry, recognised by its token, and got the first answer again.
    Duplicate,
    /// Its session is past it, so it was left out.
    Stale,
}

impl Fate {
    /// The fate of the command of the entry at `index`.
    fn of(index: u64, applied: &Applied) -> Fate {
        match applied {
            Applied::StaleToken => Fate::Stale,
            Applied::Answer(Answer { version, .. }) if *version < index => Fate::Duplicate,
            Applied::Answer(Answer { outcome: Outcome::Ok(_), .. }) => Fate::Ok,
            Applied::Answer(_) => Fate::Fail,
        }
    }
}

/// An entry with a command, and what became of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedCommand {
    /// The entry.
    pub entry: Arc<Entry>,
    /// What became of it.
    pub fate: Fate,
}

/// What was asked for lies too far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// The first index of which it is known what became of it.
    pub first: u64,
}

/// The fates of the entries applied last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Fates {
    /// Up to the last entry applied; nothing of an entry that carries no command.
    kept: VecDeque<Option<Fate>>,
    /// The index of the first one kept.
    first: u64,
    /// How many are kept.
    limit: usize,
}

impl Fates {
    /// None yet; later up to `limit`.
    pub(super) fn new(limit: usize) -> Fates {
        assert!(limit > 0, "an audit without memory finds nothing");
        Fates { kept: VecDeque::new(), first: 1, limit }
    }

    /// Notes what became of the entry at `index`, the next one.
    pub(super) fn note(&mut self, index: u64, applied: Option<&Applied>) {
        assert_eq!(index, self.first + self.kept.len() as u64, "entries are applied in order");
        self.kept.push_back(applied.map(|applied| Fate::of(index, applied)));
        if self.kept.len() > self.limit {
            self.kept.pop_front();
            self.first += 1;
        }
    }

    /// Index and fate of the entries with a command behind the one at `after`.
    fn after(&self, after: u64) -> Result<impl Iterator<Item = (u64, Fate)>, Forgotten> {
        let next = after.saturating_add(1);
        if next < self.first {
            return Err(Forgotten { first: self.first });
        }
        let skipped = usize::try_from(next - self.first).unwrap_or(usize::MAX);
        let known = (self.first..).zip(&self.kept).skip(skipped);
        Ok(known.filter_map(|(index, fate)| fate.map(|fate| (index, fate))))
    }
}

impl Node {
    /// The first commands, at most `limit`, that this node applied behind the entry at `after`. None
    /// when it has applied no more. Which they are never changes, but after a restart a node may for
    /// a while know of fewer.
    pub fn applied_after(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommand>, Forgotten> {
        let command = |(index, fate)| {
            let entry = Arc::clone(self.log.get(index).expect("what was applied is in the log"));
            assert!(matches!(entry.payload, Payload::Command(_)), "only commands have fates");
            AppliedCommand { entry, fate }
        };
        Ok(self.fates.after(after)?.take(limit).map(command).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_fate_tells_what_took_effect_from_what_did_not() {
        let answer = |outcome, version| Applied::Answer(Answer { outcome, version });
        for (applied, fate) in [
            (answer(Outcome::Ok(Value::Null), 7), Fate::Ok),
            (answer(Outcome::Empty, 7), Fate::Fail),
            (answer(Outcome::Ok(Value::Null), 6), Fate::Duplicate),
            (answer(Outcome::Empty, 6), Fate::Duplicate),
            (Applied::StaleToken, Fate::Stale),
        ] {
            assert_eq!(Fate::of(7, &applied), fate, "{applied:?}");
        }
    }

    #[test]
    fn the_oldest_fates_are_forgotten_and_that_is_told() {
        let mut fates = Fates::new(3);
        for index in [1, 3, 4] {
            if index == 3 {
                fates.note(2, None);
            }
            fates.note(index, Some(&Applied::StaleToken));
        }
        let after = |index| fates.after(index).map(|known| known.map(|(i, _)| i).collect());
        assert_eq!(after(0), Err(Forgotten { first: 2 }), "1 is forgotten");
        assert_eq!(after(1), Ok(vec![3, 4]), "2 carried no command");
        assert_eq!(after(3), Ok(vec![4]));
        assert_eq!(after(4), Ok(vec![]));
        assert_eq!(after(u64::MAX), Ok(vec![]));
    }
}
