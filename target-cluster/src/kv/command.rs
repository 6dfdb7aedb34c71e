//! The operations that a client can ask for, as the log holds them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Transaction;

/// A well-formed request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Changes nothing; answered by the leader's state machine without a log entry.
    Query(Query),
    /// Goes through the log.
    Command(Command),
}

/// A request that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Query {
    /// The value of the key; `null` when there is none.
    Read {
        /// The key read.
        key: String,
    },
    /// The value of a counter; 0 when it was never added to.
    Counter {
        /// The key read.
        key: String,
    },
    /// Owner and fencing token of a lock; `null` when it is free.
    Holder {
        /// The key of the lock.
        key: String,
    },
    /// A transaction that only reads.
    Transaction(Transaction),
}

impl Query {
    /// About how many bytes it takes while it waits, with the request that brought it.
    pub(crate) fn cost(&self) -> usize {
        let asked = match self {
            Query::Read { key } | Query::Counter { key } | Query::Holder { key } => key.len(),
            Query::Transaction(transaction) => transaction.bytes(),
        };
        1024 + asked
    }
}

/// A mutation with its idempotency token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    /// The change.
    pub mutation: Mutation,
    /// Makes a retry recognisable; without one, the mutation is always applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// A change of one key, or of several by a transaction. `null` stands for "no value": to write it
/// deletes the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mutation {
    /// Sets the value. Answers `null`.
    Write {
        /// The key written.
        key: String,
        /// Its new value.
        value: Value,
    },
    /// Sets the value if it is `expected` now. Answers `null`, or fails with the actual value.
    Cas {
        /// The key written.
        key: String,
        /// The value that it must have.
        expected: Value,
        /// Its new value.
        new: Value,
    },
    /// Adds an element to the end of a list; the list of an absent key is empty. Answers the new
    /// length, not the list: an answer is kept for each session, so it must stay small.
    Append {
        /// The key of the list.
        key: String,
        /// The new element.
        value: Value,
    },
    /// Removes the key. Answers `null`, whether or not there was a value.
    Delete {
        /// The key removed.
        key: String,
    },
    /// Adds to a counter; an absent counter is 0. Answers the new value.
    Add {
        /// The key of the counter.
        key: String,
        /// The number that is added; may be negative.
        delta: i64,
    },
    /// Puts an element into a set, which keeps one of each. Answers whether it is new.
    Insert {
        /// The key of the set.
        key: String,
        /// The new element.
        element: Value,
    },
    /// Puts an element at the end of a queue. Answers the new length.
    Enqueue {
        /// The key of the queue.
        key: String,
        /// The new element.
        element: Value,
    },
    /// Takes the oldest element out of a queue. Answers it, or fails if there is none.
    Dequeue {
        /// The key of the queue.
        key: String,
    },
    /// Takes a lock that is free. Answers the fencing token, which is the log index: greater than
    /// that of every acquisition before. Fails with the holder if there is one.
    Acquire {
        /// The key of the lock.
        key: String,
        /// The owner that takes it.
        owner: String,
    },
    /// Gives a lock back. Answers `null`, or fails with the holder if that is not `owner`.
    Release {
        /// The key of the lock.
        key: String,
        /// The owner that held it.
        owner: String,
    },
    /// Changes several keys at once. Answers the micro-operations with the reads filled in.
    Transaction(Transaction),
}

/// An idempotency token, written `<session>:<number>`. A session numbers its commands upwards and
/// has one outstanding at a time (Ongaro's thesis, §6.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Token {
    /// The session that sends; everything before the last colon.
    pub session: String,
    /// The number of the command within its session.
    pub number: u64,
}

impl Token {
    /// Splits at the last colon. A token without a number behind it is a session of its own, and
    /// its one command has number 0.
    pub fn parse(token: &str) -> Token {
        if let Some((session, number)) = token.rsplit_once(':')
            && let Ok(number) = number.parse()
        {
            return Token { session: session.to_string(), number };
        }
        Token { session: token.to_string(), number: 0 }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.session, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_split_at_its_last_colon() {
        let token = |session: &str, number| Token { session: session.to_string(), number };
        assert_eq!(Token::parse("r7f3:4:9"), token("r7f3:4", 9));
        assert_eq!(Token::parse("r7f3:4:x"), token("r7f3:4:x", 0));
        assert_eq!(Token::parse("plain"), token("plain", 0));
        assert_eq!(Token::parse(":3"), token("", 3));
        assert_eq!(Token::parse("a:-1"), token("a:-1", 0));
    }
}
