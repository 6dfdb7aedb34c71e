//! Which links trouble their packets, and how.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::LinkCondition;
use crate::grudge::Link;

/// Which links trouble their packets: each receiver with its senders and what befalls packets from
/// them. What a [`Grudge`](crate::grudge::Grudge) is to a partition this is to packet faults. In
/// JSON: `{"n1":{"n2":{"delay_ms":50.0}}}`: what n1 gets from n2 comes 50 ms late.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shaping {
    links: BTreeMap<String, BTreeMap<String, LinkCondition>>,
}

impl Shaping {
    /// Every packet passes as if there were no fault.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a condition to the link from `from` to `to`. A node's packets to itself meet none.
    pub fn trouble(&mut self, from: &str, to: &str, condition: &LinkCondition) {
        if from == to || condition.is_neutral() {
            return;
        }
        let link = self.links.entry(to.to_owned()).or_default().entry(from.to_owned());
        let link = link.or_default();
        *link = link.and(condition);
    }

    /// Adds every condition of `other`, as when two packet faults overlap.
    pub fn merge(&mut self, other: &Self) {
        for (link, condition) in other.links() {
            self.trouble(&link.from, &link.to, &condition);
        }
    }

    /// Every troubled link with its condition, ordered by receiver and then by sender.
    pub fn links(&self) -> impl Iterator<Item = (Link, LinkCondition)> {
        self.links.iter().flat_map(|(to, senders)| {
            senders
                .iter()
                .map(|(from, condition)| (Link { from: from.clone(), to: to.clone() }, *condition))
        })
    }

    /// The same conditions, each a `part` of what it was, see [`LinkCondition::scaled`].
    pub fn scaled(&self, part: f64) -> Self {
        let mut scaled = Self::none();
        for (link, condition) in self.links() {
            scaled.trouble(&link.from, &link.to, &condition.scaled(part));
        }
        scaled
    }

    /// Returns true if no link troubles its packets.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }
}

impl fmt::Display for Shaping {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return out.write_str("every packet passes");
        }
        let links: Vec<_> =
            self.links().map(|(link, condition)| format!("{link}: {condition}")).collect();
        out.write_str(&links.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_conditions_of_a_link_add_up_and_it_reads_as_a_plain_map() {
        let slow = LinkCondition { delay_ms: 50.0, ..LinkCondition::default() };
        let mut shaping = Shaping::none();
        shaping.trouble("n2", "n1", &slow);
        shaping.trouble("n1", "n1", &slow);
        shaping.trouble("n3", "n1", &LinkCondition::default());
        let text = serde_json::to_string(&shaping).unwrap();
        assert_eq!(text, r#"{"n1":{"n2":{"delay_ms":50.0}}}"#);
        assert_eq!(serde_json::from_str::<Shaping>(&text).unwrap(), shaping);
        shaping.merge(&shaping.clone());
        assert_eq!(shaping.to_string(), "n2 → n1: 100 ms delay");
        assert_eq!(shaping.scaled(0.25).to_string(), "n2 → n1: 25 ms delay");
    }
}
