//! What the checker says, in a form that is saved, printed and drawn.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounting::Accounting;
use crate::history::{Attempt, Event, EventType, History, Process};
use crate::oracle::audit::AuditReport;
use crate::oracle::divergence::DivergenceReport;
use crate::oracle::version::VersionReport;

/// The judgement of a history or a run. `Invalid > Unknown > Valid` when merged, which is the
/// derived order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Some legal order explains everything that was seen.
    Valid,
    /// Not decided; never a pass.
    Unknown,
    /// No legal order explains what was seen.
    Invalid,
}

/// An operation as the checker sees it: an invocation with its completion, if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The process that invoked it.
    pub process: Process,
    /// Its name: `read`, `write`, `cas`…
    pub f: String,
    /// The key it acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The argument.
    pub input: Value,
    /// The result, when the outcome is `ok`.
    #[serde(default)]
    pub output: Value,
    /// `ok` or `info`; operations that failed are not part of the analysis.
    pub outcome: EventType,
    /// Index of the invocation in the history.
    pub invoked: u64,
    /// Index of the completion; none for an operation that never ended (`info` counts as never).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<u64>,
    /// Time of the invocation, in nanoseconds since the start.
    pub start: u64,
    /// Time of the completion, in nanoseconds since the start; none when it never ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// The node that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The idempotency token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The version at which the service answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Every request that was made for it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

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
    /// What is wrong, in one sentence that names processes, values and times.
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

/// What the checker found in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// The worst judgement of values, versions, tokens and elements.
    pub verdict: Verdict,
    /// The name of the model that judged.
    pub model: String,
    /// The algorithm that decided, such as `zones`. If several decided keys of a valid history, all,
    /// each with the number of its keys: `zones (34), just-in-time (2)`.
    pub algorithm: String,
    /// Operations judged: those that were ok, and mutations of unknown outcome.
    pub operations: u64,
    /// Keys judged.
    pub keys: u64,
    /// Search steps spent.
    pub steps: u64,
    /// Why the verdict is Unknown: which budget ran out, and on which keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The proof, when the values have no legal order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterexample: Option<Counterexample>,
    /// What the versions of the answers show; none if there are none, or nobody said what they mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionReport>,
    /// How often each token took effect; none if nothing shows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditReport>,
    /// Whether the members held the same in the end; none if they were not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<DivergenceReport>,
    /// What became of the elements of sets and queues; none for other models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounting: Option<Accounting>,
}

impl Analysis {
    /// What is wrong or not known, in a sentence; none if the verdict is Valid.
    pub fn sentence(&self) -> Option<&str> {
        let counterexample = || Some(&*self.counterexample.as_ref()?.sentence);
        let version = || Some(&*self.versions.as_ref()?.violations.first()?.sentence);
        let token = || Some(&*self.audit.as_ref()?.violations.first()?.sentence);
        let members = || self.divergence.as_ref()?.sentence.as_deref();
        let element = || Some(&*self.accounting.as_ref()?.findings.first()?.sentence);
        let sees = || members().or_else(version).or_else(token).or_else(element);
        match self.verdict {
            Verdict::Valid => None,
            Verdict::Unknown => self.reason.as_deref().or_else(members),
            Verdict::Invalid => counterexample().or_else(sees),
        }
    }
}
