//! The clients: each has one operation, which it sends until it is answered or gives up. What they
//! saw is judged by the checker's own register, through stateright's tester.

use std::sync::Arc;

use checker::model::register::{Input, Output, Register};
use checker::model::sequential_spec::Sequential;
use checker::model::{Model, ValueId};
use cluster::core::{Refusal, Reply};
use cluster::kv::{Answer, Command, EncodedCommand, Mutation, OperationResult, Query, Token};
use serde_json::Value;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use super::bounds::OperationKind;
use super::fingerprint::fingerprint;
use super::member::Stimulus;

/// The key that all operations are about.
const KEY: &str = "x";

/// The attempts that a number of a request tells apart.
const ATTEMPTS_MAX: u64 = 16;

/// An operation of one client, in the words of the service and in those of the checker.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Its kind.
    pub kind: OperationKind,
    /// The request to a register.
    input: Input,
    /// The same as the log holds it, with its token; none of a read.
    pub command: Option<EncodedCommand>,
}

impl Operation {
    /// The operation of the client at `position`.
    pub(crate) fn new(kind: OperationKind, position: usize) -> Operation {
        let value = position as u32 + 1;
        let key = KEY.to_owned();
        let (input, mutation) = match kind {
            OperationKind::Write => {
                (Input::Write(ValueId(value)), Some(Mutation::Write { key, value: value.into() }))
            }
            OperationKind::CompareAndSet => (
                Input::CompareAndSet { from: ValueId::ABSENT, to: ValueId(value) },
                Some(Mutation::Cas { key, expected: Value::Null, new: value.into() }),
            ),
            OperationKind::Read => (Input::Read, None),
        };
        let token = Token { session: format!("c{value}"), number: 1 };
        let command =
            mutation.map(|mutation| EncodedCommand::new(&Command { mutation, token: Some(token) }));
        Operation { kind, input, command }
    }

    /// The request as it arrives at a node in that attempt.
    pub(crate) fn stimulus(&self, position: usize, attempt: u8) -> Stimulus {
        let request = position as u64 * ATTEMPTS_MAX + u64::from(attempt);
        match &self.command {
            Some(command) => Stimulus::Propose { request, command: command.clone() },
            None => Stimulus::Query { request, query: Query::Read { key: KEY.to_owned() } },
        }
    }
}

/// The stage of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Progress {
    /// The client has that attempt yet to make; before the first one, the operation has not begun.
    Ready { attempt: u8 },
    /// The client waits for an answer of that node.
    Waiting { attempt: u8, node: usize },
    /// The client gave up: nothing is known of the outcome.
    Abandoned,
    /// The operation was answered.
    Answered,
}

/// All clients, and what they saw.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// The stages of the operations.
    pub progress: Vec<Progress>,
    /// The history that they saw.
    history: LinearizabilityTester<usize, Sequential<Register>>,
    /// True if that is linearizable.
    pub linearizable: bool,
    /// The answers seen, for people.
    pub seen: Vec<Option<Output>>,
    /// Stands for all of the above.
    pub fingerprint: u64,
}

impl Clients {
    /// Clients of which none has begun.
    pub(crate) fn new(count: usize) -> Arc<Clients> {
        let initial = Sequential { model: Register, state: Register.initial() };
        let clients = Clients {
            progress: vec![Progress::Ready { attempt: 1 }; count],
            history: LinearizabilityTester::new(initial),
            linearizable: true,
            seen: vec![None; count],
            fingerprint: 0,
        };
        Arc::new(clients.identified())
    }

    fn identified(mut self) -> Clients {
        self.fingerprint = fingerprint(&(&self.progress, &self.history));
        self
    }

    fn with(&self, position: usize, progress: Progress) -> Clients {
        let mut clients = self.clone();
        clients.progress[position] = progress;
        clients
    }

    /// The operation is sent to a node.
    pub(crate) fn sent(&self, position: usize, node: usize, operation: &Operation) -> Arc<Clients> {
        let Progress::Ready { attempt } = self.progress[position] else {
            unreachable!("who sends is ready to")
        };
        let mut clients = self.with(position, Progress::Waiting { attempt, node });
        if attempt == 1 {
            let invoked = clients.history.on_invoke(position, operation.input);
            invoked.expect("each client has one operation");
        }
        Arc::new(clients.identified())
    }

    /// A client waits no longer, or its connection broke.
    pub(crate) fn gave_up(&self, position: usize, attempts: u8) -> Arc<Clients> {
        let next = match self.progress[position] {
            Progress::Waiting { attempt, .. } if attempt < attempts => {
                Progress::Ready { attempt: attempt + 1 }
            }
            _ => Progress::Abandoned,
        };
        Arc::new(self.with(position, next).identified())
    }

    /// A node answers a request. None if no client waits for that any more.
    pub(crate) fn replied(
        &self,
        request: u64,
        reply: &Reply,
        operations: &[Operation],
        attempts: u8,
    ) -> Option<Arc<Clients>> {
        let position = (request / ATTEMPTS_MAX) as usize;
        match self.progress.get(position)? {
            Progress::Waiting { attempt, .. } if u64::from(*attempt) == request % ATTEMPTS_MAX => {}
            _ => return None,
        }
        let Reply::Answer(Answer { result, .. }) = reply else {
            return Some(self.gave_up(position, attempts));
        };
        let output = output(operations[position].kind, result);
        let mut clients = self.with(position, Progress::Answered);
        clients.seen[position] = Some(output);
        clients.history.on_return(position, output).expect("it was invoked");
        clients.linearizable = clients.history.is_consistent();
        Some(Arc::new(clients.identified()))
    }
}

/// True if a refusal leaves open whether the command takes effect.
pub(crate) fn leaves_open(reply: &Reply) -> bool {
    matches!(reply, Reply::Refused(Refusal::LeadershipLost))
}

fn output(kind: OperationKind, result: &OperationResult) -> Output {
    match (kind, result) {
        (OperationKind::Read, OperationResult::Ok(value)) => {
            Output::Value(match value.to_value() {
                Value::Null => ValueId::ABSENT,
                value => ValueId(value.as_u64().expect("only numbers are written") as u32),
            })
        }
        (OperationKind::Write, OperationResult::Ok(_)) => Output::Written,
        (OperationKind::CompareAndSet, OperationResult::Ok(_)) => Output::Swapped(true),
        (OperationKind::CompareAndSet, OperationResult::PreconditionFailed { .. }) => {
            Output::Swapped(false)
        }
        (kind, result) => unreachable!("a {kind:?} is not answered by {result:?}"),
    }
}
