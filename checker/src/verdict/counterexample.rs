//! A counterexample in a form that is saved, printed and drawn.

use serde::{Deserialize, Serialize};

use crate::history::{Event, EventType, History, Operation, Process};

/// The error of an operation whose failure says that its precondition was unmet.
const REFUTED: &str = "precondition_failed";

/// The error of an operation whose failure says only that it did not happen.
const FAILED: &str = "failed";

/// A smallest set of operations that no legal order explains: take any of them away, and one does.
///
/// To take a write away means to no longer believe that it was acknowledged: it may have taken
/// effect at any time since, or never. (If it were simply deleted, a read of its value would be a
/// contradiction by itself.) Where an operation saw a value, an operation that left it is among
/// them, and the two go together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counterexample {
    /// The key whose operations conflict, for models that split by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The contradiction in one sentence that names processes, values and times.
    pub sentence: String,
    /// The conflicting operations, by time of invocation.
    pub operations: Vec<Operation>,
    /// Indices of `operations` whose result contradicts the others.
    pub culprits: Vec<usize>,
    /// For each of `operations`, a short remark for the reader; may be empty.
    pub remarks: Vec<String>,
    /// Other operations of the same key close to the conflict, for context.
    #[serde(default)]
    pub neighbourhood: Vec<Operation>,
    /// Operations that the sentence relies on although they are not in conflict, such as other
    /// writes, and those that failed. They are not saved: only the history is to have them.
    #[serde(skip)]
    pub witnesses: Vec<Operation>,
}

impl Counterexample {
    /// The conflicting operations as a history of their own, with the witnesses. It is invalid by
    /// itself.
    pub fn history(&self) -> History {
        let mut events = Vec::new();
        let mut fresh = self.fresh_process();
        let conflicting = self.operations.iter().map(|operation| (operation, REFUTED));
        let witnesses = self.witnesses.iter().map(|operation| (operation, FAILED));
        for (operation, failure) in conflicting.chain(witnesses) {
            let mut process = operation.process;
            if operation.completed.is_none() && self.acts_later(operation) {
                // One that did not come back cannot act again in a history of ours.
                process = Process::Client(fresh);
                fresh += 1;
            }
            let invocation = Event {
                index: operation.invoked,
                time: operation.start,
                key: operation.key.clone(),
                token: operation.token.clone(),
                ..Event::new(process, EventType::Invoke, &operation.f, operation.input.clone())
            };
            if let (Some(index), Some(time)) = (operation.completed, operation.end) {
                let failed = operation.outcome == EventType::Fail;
                events.push(Event {
                    index,
                    time,
                    kind: operation.outcome,
                    value: if failed { operation.input.clone() } else { operation.output.clone() },
                    node: operation.node.clone(),
                    version: operation.version,
                    error: failed.then(|| failure.to_string()),
                    attempts: operation.attempts.clone(),
                    ..invocation.clone()
                });
            }
            events.push(invocation);
        }
        events.sort_by_key(|event| event.index);
        History { events }
    }

    fn all(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().chain(&self.witnesses)
    }

    fn acts_later(&self, than: &Operation) -> bool {
        self.all().any(|it| it.process == than.process && it.invoked > than.invoked)
    }

    /// A number that no process has.
    fn fresh_process(&self) -> u64 {
        let numbers = self.all().map(|operation| match operation.process {
            Process::Client(number) => number,
            Process::Nemesis | Process::Controller => 0,
        });
        numbers.max().map_or(0, |most| most + 1)
    }
}
