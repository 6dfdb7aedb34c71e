//! A counterexample in a form that is saved, printed and drawn.

use serde::{Deserialize, Serialize};

use crate::history::{Event, EventType, History, Operation};

/// A smallest set of operations that no legal order explains: take any of them away, and one does.
///
/// To take a write away means to no longer believe that it was acknowledged: it may have taken
/// effect at any time since, or never. (If it were simply deleted, a read of its value would be a
/// contradiction by itself.) Where an operation saw a value, an operation that left it is among
/// them, and the two go together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Counterexample {
    /// The conflicting operations as a history of their own. It is invalid by itself.
    pub fn history(&self) -> History {
        let mut events = Vec::new();
        for operation in &self.operations {
            let invocation = Event {
                index: operation.invoked,
                time: operation.start,
                key: operation.key.clone(),
                token: operation.token.clone(),
                ..Event::new(
                    operation.process,
                    EventType::Invoke,
                    &operation.f,
                    operation.input.clone(),
                )
            };
            if let (Some(index), Some(time)) = (operation.completed, operation.end) {
                let refuted = operation.outcome == EventType::Fail;
                events.push(Event {
                    index,
                    time,
                    kind: operation.outcome,
                    value: if refuted { operation.input.clone() } else { operation.output.clone() },
                    node: operation.node.clone(),
                    version: operation.version,
                    error: refuted.then(|| "precondition_failed".to_string()),
                    attempts: operation.attempts.clone(),
                    ..invocation.clone()
                });
            }
            events.push(invocation);
        }
        events.sort_by_key(|event| event.index);
        History { events }
    }
}
