//! The application of what is committed, and its results, for an audit from outside: a token whose
//! mutation took effect at two indices was not honoured, an acknowledged one that took effect at
//! none was lost.
//!
//! It outlives the entries: what is known of the commands applied last goes into snapshots, and so it
//! is the same on every node that has applied as much. Beyond that a digest tells of all commands
//! ever.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Effect, Node, Payload, Refusal, Reply, Role};
use crate::kv::{Answer, Applied, OperationResult, SharedMap, Token, fnv1a};

/// The most commands, up to the last one applied, of which a node knows the results: some minutes of a
/// busy cluster in some tens of megabytes.
const APPLY_RESULTS_MAX: usize = 200_000;

/// The result of a command when this node applied it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ApplyResult {
    /// It took effect.
    Ok,
    /// The state machine refused it; nothing was changed.
    Fail,
    /// It is a retry, recognised by its token, and got the first answer again.
    Duplicate,
    /// Its token is that of another command, so it was left out.
    Reused,
    /// Its session is past it, so it was left out.
    Stale,
}

impl ApplyResult {
    /// The result of the command of the entry at `index`.
    fn of(index: u64, applied: &Applied) -> ApplyResult {
        match applied {
            Applied::TokenReused => ApplyResult::Reused,
            Applied::StaleToken => ApplyResult::Stale,
            Applied::Answer(Answer { version, .. }) if *version < index => ApplyResult::Duplicate,
            Applied::Answer(Answer { result: OperationResult::Ok(_), .. }) => ApplyResult::Ok,
            Applied::Answer(_) => ApplyResult::Fail,
        }
    }
}

/// A command that was applied, and the result of that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AppliedCommand {
    /// The index of its entry.
    pub index: u64,
    /// Its token, if it has one.
    pub token: Option<Token>,
    /// The result.
    pub result: ApplyResult,
}

/// The commands that were asked for lie too far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// The first index of which the result is known.
    pub first: u64,
}

/// The results of the commands applied last. A copy shares all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApplyResults {
    /// By the index of their entries.
    kept: SharedMap<u64, AppliedCommand>,
    /// The index from which on all are kept.
    first: u64,
    /// A digest of all there ever were.
    digest: u64,
    /// The most that are kept.
    limit: usize,
}

impl Default for ApplyResults {
    /// None yet.
    fn default() -> ApplyResults {
        ApplyResults { kept: SharedMap::default(), first: 1, digest: 0, limit: APPLY_RESULTS_MAX }
    }
}

impl Hash for ApplyResults {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.first, self.digest).hash(state);
    }
}

impl ApplyResults {
    /// None yet, of which those from `first` on will be known.
    pub(super) fn known_from(first: u64, digest: u64) -> ApplyResults {
        ApplyResults { first, digest, ..ApplyResults::default() }
    }

    /// The index from which on all are known.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// A digest of all there ever were.
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// Notes the result of the command of the entry at `index`, which is behind all others.
    pub(super) fn note(&mut self, index: u64, token: Option<Token>, applied: &Applied) {
        let result = ApplyResult::of(index, applied);
        let number = token.as_ref().map_or(0, |it| it.number);
        let session = token.as_ref().map_or("", |token| token.session.as_str());
        let session = fnv1a(session.bytes());
        // FNV-1a over words instead of bytes.
        self.digest = [index, result as u64, session, number]
            .into_iter()
            .fold(self.digest, |digest, word| {
                (digest ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29)
            });
        self.remember(AppliedCommand { index, token, result });
    }

    /// Keeps a result, and forgets the first if there are too many.
    pub(super) fn remember(&mut self, command: AppliedCommand) {
        self.kept.insert(command.index, command);
        if self.kept.len() > self.limit
            && let Some((forgotten, _)) = self.kept.pop_first()
        {
            self.first = forgotten + 1;
        }
    }

    /// The commands behind the entry at `after` that are kept.
    pub(super) fn commands_after(&self, after: u64) -> impl Iterator<Item = &AppliedCommand> {
        self.kept.iter_after(Some(&after)).map(|(_, command)| command)
    }

    /// The commands behind the entry at `after`.
    fn after(&self, after: u64) -> Result<impl Iterator<Item = &AppliedCommand>, Forgotten> {
        if after.saturating_add(1) < self.first {
            return Err(Forgotten { first: self.first });
        }
        Ok(self.commands_after(after))
    }
}

/// The most entries that are applied from one tick to the next as a rule, and about how many bytes of them, but
/// for the last: some milliseconds of work, and some tens where the bytes are arrays of digits. What is
/// committed beyond that is applied behind the next ticks, between which messages are answered and
/// heartbeats sent. A node that restarts applies a whole log.
pub const APPLY_ENTRIES_MAX: usize = 1024;
const APPLY_BYTES_MAX: usize = 512 * 1024;

/// The work that was done since the last tick.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct ApplyWork {
    /// The number of entries applied.
    entries: usize,
    /// About how many bytes they have.
    bytes: usize,
}

impl Node {
    /// Applies what is committed, or as much of it as may be before the next tick; a leader answers the
    /// clients that wait for it.
    pub(super) fn apply(&mut self) {
        let most = self.options.apply_entries_max;
        while self.has_to_apply()
            && self.apply_work.entries < most
            && self.apply_work.bytes < APPLY_BYTES_MAX
        {
            let index = self.store.applied() + 1;
            let entry = Arc::clone(self.log.get(index).expect("what is committed is in the log"));
            self.apply_work.entries += 1;
            self.apply_work.bytes += entry.bytes();
            self.snapshots.count(entry.bytes());
            let Payload::Command(command) = &entry.payload else {
                self.store.skip(index);
                continue;
            };
            let (applied, token) = self.store.apply(index, command);
            self.apply_results.note(index, token, &applied);
            if let Applied::Answer(answer) = &applied {
                self.keep_answer(command, answer);
            }
            let request = match &mut self.role {
                Role::Leader(leader) => leader.waiting.remove(&index),
                _ => self.kept_request(index),
            };
            if let Some(request) = request {
                let reply = match applied {
                    Applied::Answer(answer) => Reply::Answer(answer),
                    Applied::TokenReused => Reply::Refused(Refusal::TokenReused),
                    Applied::StaleToken => Reply::Refused(Refusal::StaleToken),
                };
                self.effects.push(Effect::Reply { request, reply });
            }
        }
        self.answer_covered_reads();
        self.answer_forwarded_reads();
    }

    /// True if something is committed that is not applied.
    pub(crate) fn has_to_apply(&self) -> bool {
        self.store.applied() < self.commit
    }

    /// The first commands, at most `limit`, that this node applied behind the entry at `after`. None
    /// when it has applied no more. Which they are never changes, but after a restart a node may for
    /// a while know of fewer.
    pub(crate) fn applied_after(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommand>, Forgotten> {
        Ok(self.apply_results.after(after)?.take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::bugs::Bugs;
    use crate::core::{
        AppendRequest, Entry, Input, Log, Options, Recovered, Request, Settings, SnapshotOptions,
        Stamp, Time, Timings,
    };

    /// A follower that was restarted with that many entries of term 1.
    fn restarted(entries: u64) -> Node {
        let mut log = Log::default();
        for index in 1..=entries {
            log.append(Arc::new(Entry { index, term: 1, payload: Payload::Noop }));
        }
        let options = Options {
            id: "n1".into(),
            voters: ["n1", "n2", "n3"].map(Into::into).into(),
            timings: Timings::default(),
            apply_entries_max: APPLY_ENTRIES_MAX,
            snapshots: SnapshotOptions::NEVER,
            settings: Settings::default(),
            seed: 1,
            incarnation: None,
            life: 1,
            bugs: Bugs::new(),
        };
        Node::new(options, Recovered { term: 1, vote: None, log, snapshot: None }, Time::ZERO)
    }

    #[test]
    fn a_long_log_is_applied_in_parts_between_which_messages_are_answered() {
        let entries = 5 * APPLY_ENTRIES_MAX as u64 / 2;
        let mut node = restarted(entries);
        let heartbeat = Request::Append(AppendRequest {
            term: 1,
            leader: "n2".into(),
            previous_index: entries,
            previous_term: 1,
            entries: Vec::new(),
            commit: entries,
            round: 0,
        });
        // However many messages there are in a turn, they are answered before the next part.
        for call in 1..=3 {
            let request = heartbeat.clone();
            let heard =
                node.step(Time::ZERO, Input::Request { call, stamp: Stamp::default(), request });
            let is_answer =
                |effect: &Effect| matches!(effect, Effect::Respond { call: to, .. } if *to == call);
            assert!(heard.iter().any(is_answer));
        }
        let part = APPLY_ENTRIES_MAX as u64;
        for applied in [part, 2 * part, entries] {
            assert_eq!((node.status().commit, node.status().applied), (entries, applied));
            assert_eq!(node.next_deadline() == Time::ZERO, applied < entries);
            node.step(Time::ZERO, Input::Tick);
        }
    }

    #[test]
    fn the_fate_tells_what_took_effect_from_what_did_not() {
        let answer = |result, version| Applied::Answer(Answer { result, version });
        for (applied, result) in [
            (answer(OperationResult::Ok(Value::Null.into()), 7), ApplyResult::Ok),
            (answer(OperationResult::Empty, 7), ApplyResult::Fail),
            (answer(OperationResult::Ok(Value::Null.into()), 6), ApplyResult::Duplicate),
            (answer(OperationResult::Empty, 6), ApplyResult::Duplicate),
            (Applied::StaleToken, ApplyResult::Stale),
            (Applied::TokenReused, ApplyResult::Reused),
        ] {
            assert_eq!(ApplyResult::of(7, &applied), result, "{applied:?}");
        }
    }

    #[test]
    fn the_oldest_results_are_forgotten_and_that_is_reported() {
        let mut apply_results = ApplyResults { limit: 3, ..ApplyResults::default() };
        for index in [1, 3, 4, 6] {
            apply_results.note(index, None, &Applied::StaleToken);
        }
        let after =
            |index| apply_results.after(index).map(|known| known.map(|it| it.index).collect());
        assert_eq!(after(0), Err(Forgotten { first: 2 }), "1 is forgotten");
        assert_eq!(after(1), Ok(vec![3, 4, 6]), "2 carried no command");
        assert_eq!(after(3), Ok(vec![4, 6]));
        assert_eq!(after(6), Ok(vec![]));
        assert_eq!(after(u64::MAX), Ok(vec![]));
    }
}
