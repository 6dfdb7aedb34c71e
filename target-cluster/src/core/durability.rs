//! The consequences that wait for the disk.
//!
//! Records are numbered as they are emitted. A consequence that rests on them is held back until
//! the driver reports that all records emitted so far are durable.

use std::collections::VecDeque;

use super::{Effect, Node, Record, Response, Role};

/// Something that may happen only once records are durable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Consequence {
    /// The answer to a call: a vote granted, entries accepted.
    Respond { call: u64, response: Response },
    /// A candidate counts its own vote in this term and asks the others for theirs. They are asked
    /// only now: a candidate that forgot its term in a crash could win the same term twice.
    Stand { term: u64 },
    /// A leader counts its own entries of this term through this index.
    OwnEntries { term: u64, through: u64 },
    /// The snapshot that waits is saved: never before the entries in it are durable, nor the term.
    SaveSnapshot,
    /// The vote is written, with the planted bug `term-and-vote-apart`.
    PersistVote,
}

/// Records emitted, records durable, and what waits in between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Durability {
    /// The sequence number of the last record emitted.
    emitted: u64,
    /// The sequence number of the last record known to be durable.
    durable: u64,
    /// The consequences that wait, with the sequence number that each waits for; those never fall
    /// along the queue.
    waiting: VecDeque<(u64, Consequence)>,
}

impl Durability {
    /// Numbers records from 1 again, as after a start. What waits for some that are not durable is
    /// dropped.
    pub(super) fn renumber(&mut self) {
        let all_durable = self.emitted == self.durable;
        *self = Durability { emitted: u64::from(!all_durable), ..Durability::default() };
    }
}

impl Node {
    /// Emits a record.
    pub(super) fn persist(&mut self, record: Record) {
        self.durability.emitted += 1;
        self.effects.push(Effect::Persist { sequence: self.durability.emitted, record });
    }

    /// Lets `consequence` happen once everything emitted so far is durable: now, if it is.
    pub(super) fn once_durable(&mut self, consequence: Consequence) {
        let Durability { emitted, durable, waiting } = &mut self.durability;
        if emitted == durable {
            self.happen(consequence);
        } else {
            waiting.push_back((*emitted, consequence));
        }
    }

    /// The driver reports a barrier.
    pub(super) fn persisted(&mut self, through: u64) {
        assert!(through <= self.durability.emitted, "nothing is durable that was not emitted");
        assert!(through >= self.durability.durable, "what is durable stays durable");
        self.durability.durable = through;
        while let Some((sequence, _)) = self.durability.waiting.front()
            && *sequence <= through
            && let Some((_, consequence)) = self.durability.waiting.pop_front()
        {
            self.happen(consequence);
        }
    }

    pub(super) fn happen(&mut self, consequence: Consequence) {
        match consequence {
            // True even if this node's term has moved on: it was so when the answer was made, as if
            // the network had delayed it.
            Consequence::Respond { call, response } => {
                self.effects.push(Effect::Respond { call, response });
            }
            Consequence::Stand { term } => self.ask_for_votes(term),
            Consequence::SaveSnapshot => self.save_snapshot(),
            Consequence::PersistVote => {
                self.persist(Record::Vote { term: self.term, vote: self.vote.clone() });
            }
            Consequence::OwnEntries { term, through } => {
                if term == self.term
                    && let Role::Leader(leader) = &mut self.role
                {
                    leader.durable = leader.durable.max(through);
                    self.advance_commit();
                    self.replicate();
                }
            }
        }
    }
}
