//! What became of a fault: whether it took effect, and what was measured.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::schedule::Action;

/// Whether a fault took effect. In JSON a field `outcome` with a field `reason` where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Its effect was seen.
    Installed,
    /// It was not attempted.
    Skipped {
        /// Why not.
        reason: String,
    },
    /// It was attempted, but its effect was not seen, or not all of it.
    Indeterminate {
        /// What was not seen, or what failed.
        reason: String,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => out.write_str("installed"),
            Self::Skipped { reason } => write!(out, "skipped: {reason}"),
            Self::Indeterminate { reason } => write!(out, "indeterminate: {reason}"),
        }
    }
}

impl Outcome {
    /// Of two outcomes of one fault the one that shows more: an effect that was not seen at once
    /// may be seen over time.
    pub fn better(self, other: Self) -> Self {
        let rank = |outcome: &Self| match outcome {
            Self::Installed => 2,
            Self::Indeterminate { .. } => 1,
            Self::Skipped { .. } => 0,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// What was measured of a fault, by name, such as `packets_dropped` → 12. A name that ends in
/// `_ms` is in milliseconds, one that ends in `_percent` of a hundred, `rate` is seconds that pass
/// in a second, and everything else counts or tells.
pub type Effect = BTreeMap<String, Measurement>;

/// One measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measurement {
    /// How many.
    Count(u64),
    /// How much.
    Number(f64),
    /// What.
    Text(String),
}

impl fmt::Display for Measurement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(out, "{count}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// What came of injecting a fault. As JSON it is the value of the history's event:
/// `{"grudge":{"n1":["n2"]},"outcome":"installed","effect":{"packets_dropped":1}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The entry of the schedule.
    pub id: u32,
    /// What was done to which nodes.
    #[serde(flatten)]
    pub action: Action,
    /// Whether it took effect.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What was measured.
    pub effect: Effect,
    /// What a reader should know besides, such as that nobody was known to lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What came of one step of a fault that changes while it lasts. As JSON it is the value of the
/// history's event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// The entry of the schedule.
    pub id: u32,
    /// What the fault does from now on.
    #[serde(flatten)]
    pub action: Action,
    /// What was measured without probing.
    pub effect: Effect,
    /// What was not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// What came of undoing a fault. As JSON it is the value of the history's event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// The entry of the schedule.
    pub id: u32,
    /// What was undone: what the fault did first.
    #[serde(flatten)]
    pub action: Action,
    /// Whether it took effect, judged over its whole life. What was seen at once stays seen; what
    /// can be seen only over time, such as lost packets, failed writes or a processor held back, is
    /// judged now. This is the outcome that counts.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What was measured from the injection until now.
    pub effect: Effect,
    /// What could not be undone; then the fault counts as active still, and undoing it again tries
    /// again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grudge::Grudge;

    #[test]
    fn a_report_is_the_value_of_the_history() {
        let mut grudge = Grudge::none();
        grudge.drop_link("n2", "n1");
        let report = Report {
            id: 3,
            action: Action::Grudge(grudge),
            outcome: Outcome::Installed,
            effect: [("packets_dropped".to_owned(), Measurement::Count(12))].into(),
            note: None,
        };
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(
            text,
            r#"{"id":3,"grudge":{"n1":["n2"]},"outcome":"installed","effect":{"packets_dropped":12}}"#
        );
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }

    #[test]
    fn a_beat_of_nothing_is_the_value_of_the_history() {
        let effect = Effect::new();
        let beat = Beat { id: 3, action: Action::Nothing, effect, problems: Vec::new() };
        let text = serde_json::to_string(&beat).unwrap();
        assert_eq!(text, r#"{"id":3,"nothing":null,"effect":{}}"#);
        assert_eq!(serde_json::from_str::<Beat>(&text).unwrap(), beat);
    }

    #[test]
    fn of_two_outcomes_the_one_that_shows_more_is_better() {
        let reason = || "because".to_owned();
        let skipped = || Outcome::Skipped { reason: reason() };
        let indeterminate = || Outcome::Indeterminate { reason: reason() };
        assert_eq!(indeterminate().better(Outcome::Installed), Outcome::Installed);
        assert_eq!(Outcome::Installed.better(indeterminate()), Outcome::Installed);
        assert_eq!(skipped().better(indeterminate()), indeterminate());
    }

    #[test]
    fn a_skipped_fault_carries_its_reason() {
        let report = Report {
            id: 4,
            action: Action::Kill(["n1".to_owned()].into()),
            outcome: Outcome::Skipped { reason: "n1 is down".to_owned() },
            effect: Effect::new(),
            note: None,
        };
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(value["outcome"], "skipped");
        assert_eq!(value["reason"], "n1 is down");
        assert_eq!(serde_json::from_value::<Report>(value).unwrap(), report);
    }
}
