//! Porcupine's operations: a JSON array that Go's `encoding/json` reads into `[]porcupine.Operation`
//! as it is.
//!
//! Porcupine saves no histories. Its `CheckOperations` takes `Operation{ClientId, Input, Call,
//! Output, Return}`, so those are the members, with times in nanoseconds. (Its other JSON, in the
//! pages of `Visualize`, holds a verdict with partial orders, which only Porcupine itself can make.)
//! `Input` is `{"f", "key", "value"}`; `Output` is `{"value"}`, with the version if the service said
//! one, and `{"unknown": true}` of an operation of unknown outcome, which returns when the history
//! ends: a model takes it with any result. One that failed did not happen and is left out.

use checker::history::{Event, EventType};
use serde_json::{Value, json};

use super::Form;
use super::pairs::Pairs;

/// Writes a history as operations of Porcupine.
#[derive(Debug, Default)]
pub struct Porcupine {
    pairs: Pairs,
    /// The invocations of unknown outcome.
    unknown: Vec<Event>,
    written: bool,
    end: u64,
}

impl Porcupine {
    fn operation(&mut self, invocation: &Event, output: Value, end: u64) -> String {
        let process = match invocation.process {
            checker::history::Process::Client(number) => number,
            _ => 0,
        };
        let operation = json!({
            "ClientId": process,
            "Input": {
                "f": invocation.f,
                "key": invocation.key,
                "value": invocation.value,
            },
            "Call": invocation.time,
            "Output": output,
            "Return": end,
        });
        let comma = if std::mem::replace(&mut self.written, true) { ",\n" } else { "\n" };
        format!("{comma}{operation}")
    }
}

impl Form for Porcupine {
    fn begin(&mut self) -> String {
        "[".to_owned()
    }

    fn event(&mut self, event: &Event) -> String {
        self.end = self.end.max(event.time);
        let Some((invocation, completion)) = self.pairs.take(event) else { return String::new() };
        match completion.kind {
            EventType::Ok => {
                let mut output = json!({ "value": completion.value });
                if let Some(version) = completion.version {
                    output["version"] = version.into();
                }
                self.operation(&invocation, output, completion.time)
            }
            EventType::Fail => String::new(),
            EventType::Info | EventType::Invoke => {
                self.unknown.push(invocation);
                String::new()
            }
        }
    }

    fn end(&mut self) -> String {
        let mut unknown = std::mem::take(&mut self.unknown);
        unknown.extend(self.pairs.left());
        unknown.sort_by_key(|invocation| invocation.index);
        // Behind all others: it may take effect at any later time.
        let end = self.end + 1;
        let operations = unknown
            .iter()
            .map(|invocation| self.operation(invocation, json!({ "unknown": true }), end));
        operations.collect::<String>() + "\n]\n"
    }
}
