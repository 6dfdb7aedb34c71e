//! Client sessions: what makes a retried command take effect once (Ongaro's thesis, §6.3).
//!
//! A session keeps the highest number that it applied and the answer to it. The table is part of
//! the replicated state, so a retry is recognised by whichever node leads when it comes.

use std::collections::BTreeMap;

use super::{Answer, Token};

/// The most sessions that are remembered. A client retries within seconds; a hundred thousand
/// sessions outlast any such retry by far and cost some tens of megabytes, since answers to commands
/// are short as a rule, and never longer than [`super::ANSWER_BYTES_MAX`]. Beyond that the session
/// that was not used for the longest time, in log order, is forgotten, on every node at the same
/// entry.
pub const MAX_SESSIONS: usize = 100_000;

/// The knowledge of a session about a token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    /// It is new: apply the command.
    No,
    /// The command was applied; this was its answer.
    Answered(Answer),
    /// A later command of the session was applied; of this one nothing is known.
    Stale,
}

/// The session table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Sessions {
    /// By session name.
    sessions: BTreeMap<String, Session>,
    /// Session names by the log index of their latest use; an entry uses one session at most.
    by_use: BTreeMap<u64, String>,
    /// The most that are kept.
    limit: usize,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Session {
    /// The highest number applied.
    number: u64,
    /// The answer to it.
    answer: Answer,
    /// The log index of the latest command that named this session.
    used: u64,
}

impl Sessions {
    /// An empty table that keeps up to `limit` sessions.
    pub(super) fn new(limit: usize) -> Sessions {
        assert!(limit > 0, "a table without room forgets every token");
        Sessions { sessions: BTreeMap::new(), by_use: BTreeMap::new(), limit }
    }

    /// Looks up the token of the entry at `index`.
    pub(super) fn look_up(&mut self, token: &Token, index: u64) -> Known {
        let Some(session) = self.sessions.get_mut(&token.session) else { return Known::No };
        assert!(index > session.used, "entries are applied in the order of their indices");
        if let Some(name) = self.by_use.remove(&session.used) {
            self.by_use.insert(index, name);
        }
        session.used = index;
        match token.number.cmp(&session.number) {
            std::cmp::Ordering::Greater => Known::No,
            std::cmp::Ordering::Equal => Known::Answered(session.answer.clone()),
            std::cmp::Ordering::Less => Known::Stale,
        }
    }

    /// Remembers the answer to `token`, whose command the entry at `index` applied.
    pub(super) fn remember(&mut self, token: &Token, index: u64, answer: Answer) {
        let session = Session { number: token.number, answer, used: index };
        self.sessions.insert(token.session.clone(), session);
        self.by_use.insert(index, token.session.clone());
        if self.sessions.len() > self.limit
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.sessions.remove(&oldest);
        }
        assert_eq!(self.sessions.len(), self.by_use.len());
    }
}
