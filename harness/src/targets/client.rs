//! The client of a service, whichever protocol it speaks.

use std::borrow::Cow;
use std::pin::Pin;

use serde_json::Value;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One request of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `read`, `write`, `cas`…
    pub f: &'static str,
    /// The key, as the history names it.
    pub key: String,
    /// The argument; null for a read.
    pub value: Value,
    /// True if it could change anything.
    pub mutates: bool,
    /// The idempotency token of the operation: the same for each of its requests.
    pub token: String,
}

/// The outcome of one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The word of the service's state machine about the token; it settles the operation.
    Answer(Answer),
    /// Anything else; it settles this request alone.
    Refusal(Refusal),
}

impl From<Result<Answer, Refusal>> for Reply {
    fn from(came_of_it: Result<Answer, Refusal>) -> Reply {
        came_of_it.map_or_else(Reply::Refusal, Reply::Answer)
    }
}

/// The word of the state machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The value, for the history; none when a precondition failed.
    pub value: Option<Value>,
    /// The version at which the service answered, if it tells.
    pub version: Option<u64>,
}

/// The reason why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The name of a row of the client's error table.
    pub error: Cow<'static, str>,
    /// The position of the node that was named as the leader.
    pub leader: Option<usize>,
}

/// One row of a client's error table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRow {
    /// The error's name in histories.
    pub name: Cow<'static, str>,
    /// True if it proves that the request had and will have no effect.
    pub definite: bool,
    /// When it occurs.
    pub meaning: Cow<'static, str>,
}

/// A row of an error table; `definite` means that the request had and will have no effect.
pub const fn row(name: &'static str, definite: bool, meaning: &'static str) -> ErrorRow {
    ErrorRow { name: Cow::Borrowed(name), definite, meaning: Cow::Borrowed(meaning) }
}

/// The error of an answer that could not be understood.
pub const NONSENSE: &str = "nonsense";

/// A request that came to nothing, without a hint who leads.
pub fn refusal(error: &'static str) -> Reply {
    Reply::Refusal(Refusal::of(error))
}

impl Refusal {
    /// Without a hint who leads.
    pub fn of(error: &'static str) -> Refusal {
        Refusal { error: error.into(), leader: None }
    }
}

/// The status of a node, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// The name of the leader it follows, or its own.
    pub leader: Option<String>,
    /// Its current term.
    pub term: u64,
}

/// The progress of a node's log, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogProgress {
    /// The highest committed index that it knows.
    pub commit: u64,
    /// The highest index that it has applied, if it says so.
    pub applied: Option<u64>,
}

/// Speaks to one cluster.
pub trait Client: Send + Sync {
    /// Sends one request to one node and waits for what comes of it. The runner drops the future
    /// when the attempt's time is over.
    fn attempt<'a>(&'a self, node: usize, request: &'a Request) -> BoxFuture<'a, Reply>;

    /// Asks a node what it believes; none when it does not answer.
    fn status(&self, node: usize) -> BoxFuture<'_, Option<NodeStatus>>;

    /// Asks a node how far its log is committed; none where nodes do not say, and within, when this
    /// one does not answer.
    fn progress(&self, _node: usize) -> Option<BoxFuture<'_, Option<LogProgress>>> {
        None
    }

    /// Every error the client reports. `timeout` must be among them: the runner reports it.
    fn errors(&self) -> &[ErrorRow];

    /// Returns true if an operation that came to that error is not sent again.
    fn is_final(&self, _error: &str) -> bool {
        false
    }

    /// Returns true if the service applies the token of a mutation of that name once, however often
    /// it is sent. If not, it is sent again only after a definite refusal.
    fn honours_token(&self, f: &str) -> bool;

    /// The last request with what came back, for people, where the client keeps it.
    fn last_exchange(&self) -> Option<String> {
        None
    }

    /// The first answer to an operation that could not be understood, with its request and what is
    /// missing, where the client keeps it.
    fn first_misread(&self) -> Option<String> {
        None
    }

    /// Returns true if that error proves that nothing happened. An error that the table does not
    /// know proves nothing.
    fn is_definite(&self, error: &str) -> bool {
        self.errors().iter().any(|row| row.name == error && row.definite)
    }
}
