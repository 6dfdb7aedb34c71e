//! How many nodes may be down at once.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Resolved, Step};

/// How many nodes may be down at once: killed, paused, without power, with a disk that takes no
/// writes. In files and on the command line a number, `minority` or `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub enum Budget {
    /// So many.
    Nodes(usize),
    /// As many as a majority can do without, but at least one: else the faults of a small cluster
    /// would be none.
    Minority,
    /// Every one.
    All,
}

impl Budget {
    /// How many of `nodes` that is.
    pub fn limit(self, nodes: usize) -> usize {
        match self {
            Self::Nodes(count) => count.min(nodes),
            Self::Minority => (nodes.saturating_sub(1) / 2).max(1).min(nodes),
            Self::All => nodes,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(count) => count.fmt(out),
            Self::Minority => out.pad("minority"),
            Self::All => out.pad("all"),
        }
    }
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "minority" => Ok(Self::Minority),
            "all" => Ok(Self::All),
            _ => text.parse().map(Self::Nodes).map_err(|_| {
                format!("{text:?} is no budget: it is a number of nodes, minority or all")
            }),
        }
    }
}

/// A budget in a file.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Count(usize),
    Word(String),
}

impl From<Budget> for Written {
    fn from(budget: Budget) -> Self {
        match budget {
            Budget::Nodes(count) => Self::Count(count),
            word => Self::Word(word.to_string()),
        }
    }
}

impl TryFrom<Written> for Budget {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Count(count) => Ok(Self::Nodes(count)),
            Written::Word(word) => word.parse(),
        }
    }
}

impl Resolved {
    /// The most nodes that are down at once because of it.
    pub fn most_down(&self) -> usize {
        self.steps.iter().map(|step| step.action.takes_down().len()).max().unwrap_or(0)
    }

    /// Every node that is down at some time because of it.
    pub fn takes_down(&self) -> BTreeSet<String> {
        self.steps.iter().flat_map(|step| step.action.takes_down()).collect()
    }

    /// What of it may be done when the nodes `down` are down already and no more than `limit` may
    /// be at once: a fault of several nodes is done to as many of them as there is room for, and
    /// the note says so.
    ///
    /// # Errors
    /// When there is room for none: the reason for which it is skipped.
    pub fn within(mut self, down: &BTreeSet<String>, limit: usize) -> Result<Self, String> {
        let takes_down = self.takes_down();
        let room = limit.saturating_sub(down.len());
        let fits = |step: &Step| step.action.takes_down().difference(down).count() <= room;
        if self.steps.iter().all(fits) {
            return Ok(self);
        }
        let more = takes_down.difference(down).take(room);
        let kept: BTreeSet<_> = takes_down.intersection(down).chain(more).cloned().collect();
        if room == 0 || kept.is_empty() {
            let down: Vec<_> = down.iter().map(String::as_str).collect();
            return Err(format!(
                "budget: of at most {limit} nodes {} are down already ({})",
                down.len(),
                down.join(", ")
            ));
        }
        let left_out: Vec<_> = takes_down.difference(&kept).map(String::as_str).collect();
        let spared = format!("spared for the budget of {limit}: {}", left_out.join(", "));
        self.note = Some(self.note.map_or(spared.clone(), |note| format!("{note}; {spared}")));
        self.target = self.target.filter(|target| kept.contains(target));
        let all = std::mem::take(&mut self.steps);
        self.steps =
            all.into_iter().map(|step| Step { action: step.action.only(&kept), ..step }).collect();
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::{Action, CpuShares, Killed};

    fn set(nodes: &[&str]) -> BTreeSet<String> {
        nodes.iter().map(|node| (*node).to_owned()).collect()
    }

    fn kill(nodes: &[&str]) -> Resolved {
        let step = Step { after: Duration::ZERO, action: Action::Kill(Killed(set(nodes))) };
        Resolved { steps: vec![step], target: None, note: None }
    }

    #[test]
    fn a_minority_is_what_a_majority_can_do_without_but_never_nobody() {
        let limits = [0, 1, 2, 3, 4, 5, 7].map(|nodes| Budget::Minority.limit(nodes));
        assert_eq!(limits, [0, 1, 1, 1, 1, 2, 3]);
        assert_eq!(Budget::Nodes(9).limit(5), 5);
    }

    #[test]
    fn a_budget_is_written_as_people_say_it() {
        for (budget, text) in
            [(Budget::Nodes(2), "2"), (Budget::Minority, "\"minority\""), (Budget::All, "\"all\"")]
        {
            assert_eq!(serde_json::to_string(&budget).unwrap(), text);
            assert_eq!(serde_json::from_str::<Budget>(text).unwrap(), budget);
            assert_eq!(budget.to_string().parse(), Ok(budget));
        }
        assert!("some".parse::<Budget>().unwrap_err().contains("minority or all"));
    }

    #[test]
    fn a_fault_is_done_to_as_many_nodes_as_there_is_room_for() {
        let whole = kill(&["n1", "n2"]);
        assert_eq!(whole.clone().within(&set(&[]), 2), Ok(whole.clone()));
        assert_eq!(whole.clone().within(&set(&["n1"]), 2), Ok(whole.clone()), "n1 is down anyway");
        let less = whole.clone().within(&set(&["n3"]), 2).unwrap();
        assert_eq!(less.action(), &Action::Kill(Killed(set(&["n1"]))));
        assert_eq!(less.note.as_deref(), Some("spared for the budget of 2: n2"));
        let reason = whole.within(&set(&["n3", "n4"]), 2).unwrap_err();
        assert_eq!(reason, "budget: of at most 2 nodes 2 are down already (n3, n4)");
    }

    #[test]
    fn what_takes_nobody_down_needs_no_room() {
        let slow = Action::Cpu(CpuShares([("n1".to_owned(), 5.0)].into()));
        let step = Step { after: Duration::ZERO, action: slow };
        let resolved = Resolved { steps: vec![step], target: None, note: None };
        assert_eq!(resolved.clone().within(&set(&["n2", "n3"]), 2), Ok(resolved));
    }
}
