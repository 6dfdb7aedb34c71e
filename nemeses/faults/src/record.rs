//! The record of a fault: everything that happens to it, as the history, the progress line, the
//! verdict, the coverage, the metrics and the page know it.
//!
//! Six things can happen to a fault: the nemesis is about to inject it and has, is about to let it
//! step and has, is about to undo it and has. In the history each is an event of process `nemesis`,
//! an `invoke` before and an `info` after, whose `f` is the family and whose value is the rest:
//!
//! ```json
//! {"fault":3,"stage":"inject","name":"isolate the leader (n1)","nodes":["n1"],
//!  "grudge":{"n1":["n2"]},"outcome":"installed","effect":{"packets_dropped":1}}
//! ```

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::coverage::ClusterSnapshot;
use crate::effect::Effect;
use crate::fault::{Action, Family};
use crate::outcome::Outcome;
use crate::trigger::TriggerKind;

/// Something that happened to a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRecord {
    /// The number of the fault in its schedule, see [`Entry::id`](crate::schedule::Entry::id).
    pub fault: u32,
    /// Its family.
    pub family: Family,
    /// The fault in words, with the nodes that it hits: `pause the leader (n2)`.
    pub name: String,
    /// The nodes that it hits; of links the node that they are cut from, where it is one.
    pub nodes: BTreeSet<String>,
    /// The event.
    pub what: Happened,
}

/// An event in the life of a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// The nemesis is about to do this, for this stage of the fault's life.
    Intended(FaultStage, Action),
    /// It was injected.
    Injected(Injected),
    /// It went on to its next step.
    Stepped(Stepped),
    /// It was undone.
    Undone(Undone),
}

/// A stage in the life of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultStage {
    /// It begins.
    Inject,
    /// It changes while it lasts.
    Step,
    /// It ends.
    Undo,
}

/// The result of injecting a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Injected {
    /// The action, with the nodes that it was done to.
    pub action: Action,
    /// The outcome: it took effect, or not.
    pub outcome: Outcome,
    /// The measurements.
    pub effect: Effect,
    /// A note for readers, such as that no node was known to lead.
    pub note: Option<String>,
    /// The state of the cluster before anything was done, as far as it was known.
    pub facts: Option<ClusterSnapshot>,
    /// The event that it waited for, where it waited for one and that came.
    pub trigger: Option<Box<Seen>>,
}

/// An event that a fault waited for, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its kind.
    pub kind: TriggerKind,
    /// The event in words: `fsync of raft/log`.
    pub what: String,
    /// The nodes at which it was seen; none for what is seen at no node.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub nodes: BTreeSet<String>,
    /// The node that a message was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// The time from then until the fault was applied, in microseconds.
    #[serde(default)]
    pub applied_after_us: u64,
    /// The time for which it was held back, in microseconds; none where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_us: Option<u64>,
}

/// The result of one step of a fault that changes while it lasts.
#[derive(Debug, Clone, PartialEq)]
pub struct Stepped {
    /// The action of the fault from now on.
    pub action: Action,
    /// The measurements, taken without probing.
    pub effect: Effect,
    /// The parts that were not done.
    pub problems: Vec<String>,
}

/// The result of undoing a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Undone {
    /// The action that was undone: the first of the fault.
    pub action: Action,
    /// The outcome, judged over its whole life. What was seen at once stays seen; what
    /// can be seen only over time, such as lost packets, failed writes or a processor held back, is
    /// judged now. This is the outcome that counts.
    pub outcome: Outcome,
    /// The measurements from the injection until now.
    pub effect: Effect,
    /// The parts that could not be undone; then the fault counts as active still, and undoing it
    /// again tries again.
    pub problems: Vec<String>,
}

impl Happened {
    /// The stage of the fault's life that it belongs to.
    pub fn stage(&self) -> FaultStage {
        match self {
            Self::Intended(stage, _) => *stage,
            Self::Injected(_) => FaultStage::Inject,
            Self::Stepped(_) => FaultStage::Step,
            Self::Undone(_) => FaultStage::Undo,
        }
    }

    /// Returns true if it is about what will be done, not what was.
    pub fn is_intent(&self) -> bool {
        matches!(self, Self::Intended(..))
    }

    /// The state of nodes and links that it is about.
    pub fn action(&self) -> &Action {
        match self {
            Self::Intended(_, action) => action,
            Self::Injected(injected) => &injected.action,
            Self::Stepped(stepped) => &stepped.action,
            Self::Undone(undone) => &undone.action,
        }
    }

    /// The outcome, of the two stages that have one.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Intended(..) | Self::Stepped(_) => None,
            Self::Injected(injected) => Some(&injected.outcome),
            Self::Undone(undone) => Some(&undone.outcome),
        }
    }
}

/// The value of a history's event, in which every field but the first two may be missing.
#[derive(Serialize, Deserialize)]
struct Stored {
    fault: u32,
    stage: FaultStage,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    nodes: BTreeSet<String>,
    #[serde(flatten)]
    action: Option<Action>,
    #[serde(flatten)]
    outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effect: Option<Effect>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    facts: Option<ClusterSnapshot>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trigger: Option<Box<Seen>>,
}

impl FaultRecord {
    /// The value of its event in a history; [`family`](Self::family) and
    /// [`is_intent`](Happened::is_intent) are the event's own.
    ///
    /// # Panics
    /// Never: a record is plain data.
    pub fn to_value(&self) -> Value {
        let mut stored = Stored {
            fault: self.fault,
            stage: self.what.stage(),
            name: Some(self.name.clone()),
            nodes: self.nodes.clone(),
            action: Some(self.what.action().clone()),
            outcome: self.what.outcome().cloned(),
            effect: None,
            note: None,
            problems: Vec::new(),
            facts: None,
            trigger: None,
        };
        match &self.what {
            Happened::Intended(..) => {}
            Happened::Injected(injected) => {
                stored.effect = Some(injected.effect.clone());
                stored.note.clone_from(&injected.note);
                stored.facts.clone_from(&injected.facts);
                stored.trigger.clone_from(&injected.trigger);
            }
            Happened::Stepped(Stepped { effect, problems, .. })
            | Happened::Undone(Undone { effect, problems, .. }) => {
                stored.effect = Some(effect.clone());
                stored.problems.clone_from(problems);
            }
        }
        serde_json::to_value(stored).expect("a record is plain data")
    }

    /// Reads the value of a history's event. A field that is missing is taken as empty, and an
    /// outcome that is missing or unknown as indeterminate: a fault half described is worth more
    /// than none. None for what is about no fault of a schedule.
    pub fn from_value(family: &str, is_intent: bool, value: &Value) -> Option<Self> {
        let family: Family = family.parse().ok()?;
        let stored = Stored::deserialize(value).ok()?;
        let Stored { fault, stage, name, nodes, .. } = stored;
        let action = stored.action.unwrap_or(Action::Nothing);
        let outcome = stored.outcome.unwrap_or(Outcome::Indeterminate { reason: String::new() });
        let effect = stored.effect.unwrap_or_default();
        let problems = stored.problems;
        let what = match stage {
            _ if is_intent => Happened::Intended(stage, action),
            FaultStage::Inject => {
                let Stored { note, facts, trigger, .. } = stored;
                Happened::Injected(Injected { action, outcome, effect, note, facts, trigger })
            }
            FaultStage::Step => Happened::Stepped(Stepped { action, effect, problems }),
            FaultStage::Undo => Happened::Undone(Undone { action, outcome, effect, problems }),
        };
        let name = name.unwrap_or_else(|| family.name().to_owned());
        Some(Self { fault, family, name, nodes, what })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grudge::Grudge;

    fn record(what: Happened) -> FaultRecord {
        let nodes = ["n1".to_owned()].into();
        let name = "isolate the leader (n1)".to_owned();
        FaultRecord { fault: 3, family: Family::Partition, name, nodes, what }
    }

    fn grudge() -> Action {
        let mut grudge = Grudge::none();
        grudge.drop_link("n2", "n1");
        Action::Partition(grudge)
    }

    #[track_caller]
    fn check(what: Happened, rest: &str) {
        let record = record(what);
        let about = r#""fault":3,"stage""#;
        let text = serde_json::to_string(&record.to_value()).unwrap();
        assert_eq!(text, format!("{{{about}:{rest}}}"));
        let value = serde_json::from_str(&text).unwrap();
        let read = FaultRecord::from_value("partition", record.what.is_intent(), &value);
        assert_eq!(read, Some(record));
    }

    #[test]
    fn a_record_is_the_value_of_an_event_of_the_history() {
        const WHO: &str = r#""name":"isolate the leader (n1)","nodes":["n1"]"#;
        check(
            Happened::Intended(FaultStage::Inject, grudge()),
            &format!(r#""inject",{WHO},"grudge":{{"n1":["n2"]}}"#),
        );
        let injected = Injected {
            action: grudge(),
            outcome: Outcome::Installed,
            effect: Effect::new().counting("packets_dropped", 12),
            note: None,
            facts: None,
            trigger: None,
        };
        check(
            Happened::Injected(injected),
            &format!(
                r#""inject",{WHO},"grudge":{{"n1":["n2"]}},"outcome":"installed","effect":{{"packets_dropped":12}}"#
            ),
        );
        let seen = Seen {
            kind: TriggerKind::Disk,
            what: "fsync of log".to_owned(),
            nodes: ["n1".to_owned()].into(),
            receiver: None,
            applied_after_us: 300,
            held_us: Some(900),
        };
        let at_a_moment = Injected {
            action: Action::Nothing,
            outcome: Outcome::Installed,
            effect: Effect::new(),
            note: None,
            facts: None,
            trigger: Some(Box::new(seen)),
        };
        check(
            Happened::Injected(at_a_moment),
            &format!(
                r#""inject",{WHO},"nothing":null,"outcome":"installed","effect":{{}},"trigger":{{"kind":"disk","what":"fsync of log","nodes":["n1"],"applied_after_us":300,"held_us":900}}"#
            ),
        );
        let stepped =
            Stepped { action: Action::Nothing, effect: Effect::new(), problems: Vec::new() };
        check(Happened::Stepped(stepped), &format!(r#""step",{WHO},"nothing":null,"effect":{{}}"#));
        let undone = Undone {
            action: grudge(),
            outcome: Outcome::Indeterminate { reason: "no packet came".to_owned() },
            effect: Effect::new(),
            problems: vec!["n2 is gone".to_owned()],
        };
        check(
            Happened::Undone(undone),
            &format!(
                r#""undo",{WHO},"grudge":{{"n1":["n2"]}},"outcome":"indeterminate","reason":"no packet came","effect":{{}},"problems":["n2 is gone"]"#
            ),
        );
    }

    #[test]
    fn half_a_record_is_read_and_what_is_about_no_fault_is_not() {
        let read = |value| FaultRecord::from_value("kill", false, &value);
        let bare = read(json!({"fault": 1, "stage": "inject"})).unwrap();
        assert_eq!((bare.name.as_str(), bare.what.action()), ("kill", &Action::Nothing));
        assert_eq!(bare.what.outcome().unwrap().name(), "indeterminate");
        assert_eq!(read(json!("not about a fault")), None);
        let value = json!({"fault": 1, "stage": "inject"});
        assert_eq!(FaultRecord::from_value("quantum", false, &value), None);
    }
}
