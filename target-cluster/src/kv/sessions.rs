//! Client sessions: what makes a retried command take effect once (Ongaro's thesis, §6.3).
//!
//! A session keeps the highest number that it applied and the answer to it. The table is part of
//! the replicated state, so a retry is recognised by whichever node leads when it comes.

use super::shared_map::SharedMap;
use super::{Answer, Token, fnv1a};

/// The most sessions that are remembered. A client retries within seconds; a hundred thousand
/// sessions outlast any such retry by far. Beyond that the session that was not used for the longest
/// time, in log order, is forgotten, on every node at the same entry.
pub const MAX_SESSIONS: usize = 100_000;

/// About how many bytes all sessions with their answers take at most. Answers to commands are short
/// as a rule; those of commands that failed on large values are not, and the oldest are forgotten
/// for them in the same way.
pub const SESSION_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The knowledge of a session about a token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    /// It is new: apply the command.
    No,
    /// The command was applied; this was its answer.
    Answered(Answer),
    /// Another command was applied under this token. This one never was, nor will be.
    Reused,
    /// A later command of the session was applied; of this one nothing is known.
    Stale,
}

/// The session table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Sessions {
    /// By session name.
    sessions: SharedMap<String, Session>,
    /// Session names by the log index of their latest use; an entry uses one session at most.
    by_use: SharedMap<u64, String>,
    /// About how many bytes they take.
    bytes: usize,
    /// The most that are kept.
    limit: usize,
    /// About how many bytes they may take.
    bytes_limit: usize,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Session {
    /// The highest number applied.
    pub(super) number: u64,
    /// The fingerprint of the command with it.
    pub(super) fingerprint: u64,
    /// The answer to it.
    pub(super) answer: Answer,
    /// The log index of the latest command that named this session.
    pub(super) used: u64,
}

impl Sessions {
    /// An empty table that keeps up to `limit` sessions.
    pub(super) fn new(limit: usize, bytes_limit: usize) -> Sessions {
        assert!(limit > 0, "a table without room forgets every token");
        let (sessions, by_use) = (SharedMap::default(), SharedMap::default());
        Sessions { sessions, by_use, bytes: 0, limit, bytes_limit }
    }

    /// About how many bytes they take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The sessions behind the name `after`, or all of them, in the order of their names.
    pub(super) fn after(&self, after: Option<&str>) -> impl Iterator<Item = (&String, &Session)> {
        self.sessions.iter_after(after)
    }

    /// Adds a session, for a state that is read.
    pub(super) fn put(&mut self, name: &str, session: Session) {
        self.bytes += session.bytes(name);
        self.by_use.insert(session.used, name.to_string());
        self.sessions.insert(name.to_string(), session);
    }

    /// A hash of what is remembered of each session.
    pub(super) fn digest(&self) -> u64 {
        let sessions = self.sessions.iter().flat_map(|(name, session)| {
            let numbers = [session.number, session.fingerprint, session.used];
            let numbers = numbers.into_iter().flat_map(u64::to_le_bytes);
            name.bytes().chain([0xff]).chain(numbers)
        });
        fnv1a(sessions)
    }

    /// Looks up the token of the entry at `index`, whose command has that fingerprint.
    pub(super) fn look_up(&mut self, token: &Token, fingerprint: u64, index: u64) -> Known {
        let Some(session) = self.sessions.get_mut(token.session.as_str()) else { return Known::No };
        assert!(index > session.used, "entries are applied in the order of their indices");
        if let Some(name) = self.by_use.remove(&session.used) {
            self.by_use.insert(index, name);
        }
        session.used = index;
        match token.number.cmp(&session.number) {
            std::cmp::Ordering::Greater => Known::No,
            std::cmp::Ordering::Equal if fingerprint != session.fingerprint => Known::Reused,
            std::cmp::Ordering::Equal => Known::Answered(session.answer.clone()),
            std::cmp::Ordering::Less => Known::Stale,
        }
    }

    /// Remembers the answer to `token`, whose command, of that fingerprint, the entry at `index`
    /// applied.
    pub(super) fn remember(&mut self, token: &Token, fingerprint: u64, index: u64, answer: Answer) {
        let session = Session { number: token.number, fingerprint, answer, used: index };
        self.bytes += session.bytes(&token.session);
        match self.sessions.get_mut(token.session.as_str()) {
            // Its use was noted when it was looked up.
            Some(known) if known.used == index => {
                let before = std::mem::replace(known, session);
                self.bytes -= before.bytes(&token.session);
            }
            known => {
                assert!(known.is_none(), "a command is looked up before it is remembered");
                self.sessions.insert(token.session.clone(), session);
                self.by_use.insert(index, token.session.clone());
            }
        }
        // The latest is kept, however large its answer is.
        while (self.sessions.len() > self.limit || self.bytes > self.bytes_limit)
            && self.sessions.len() > 1
            && let Some((_, name)) = self.by_use.pop_first()
            && let Some(oldest) = self.sessions.remove(name.as_str())
        {
            self.bytes -= oldest.bytes(&name);
        }
        assert_eq!(self.sessions.len(), self.by_use.len());
    }
}

impl Session {
    /// About how many bytes it takes in memory under that name, which is kept twice.
    fn bytes(&self, name: &str) -> usize {
        200 + 2 * name.len() + self.answer.memory_bytes()
    }
}
