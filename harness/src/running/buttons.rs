//! The buttons of the page of a running cluster, each a fault of one family.

use std::time::Duration;

use faults::fault::{
    Aim, Disk, DiskFault, Fault, Kill, Leadership, Membership, MembershipChange, Partition, Pause,
    Shape,
};
use faults::schedule::Entry;
use results::report;

/// The time that an fsync of a slow disk takes longer, in milliseconds: as an old disk does that others
/// use as well.
const SLOW_FSYNC_MS: f64 = 300.0;

/// A button, of which each node has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Button {
    /// Its process is killed, and starts again.
    Kill,
    /// Its process is stopped, and continued.
    Pause,
    /// It hears no other node, and is heard by none.
    Cut,
    /// Its fsyncs take long.
    SlowDisk,
    /// The leader hands over to it.
    Lead,
    /// It leaves the cluster, and joins it again.
    Remove,
}

impl Button {
    pub(super) const ALL: [Self; 6] =
        [Self::Kill, Self::Pause, Self::Cut, Self::SlowDisk, Self::Lead, Self::Remove];

    /// The button of that name.
    pub(super) fn named(name: &str) -> Option<Button> {
        Self::ALL.into_iter().find(|button| button.name() == name)
    }

    /// Its name in requests.
    pub(super) fn name(self) -> &'static str {
        self.on_page().name
    }

    /// The button as the page shows it.
    pub(super) fn on_page(self) -> report::Button<'static> {
        let (name, word, undo, about) = match self {
            Self::Kill => ("kill", "kill", "start", "kill its process with SIGKILL"),
            Self::Pause => ("pause", "pause", "continue", "stop its process with SIGSTOP"),
            Self::Cut => ("cut", "cut off", "heal", "cut its links to all other nodes"),
            Self::SlowDisk => {
                ("slow-disk", "slow disk", "cure disk", "each fsync takes 300 ms longer")
            }
            Self::Lead => ("lead", "let lead", "hands over", "the leader hands over to it"),
            Self::Remove => ("remove", "remove", "add", "take it out of the cluster"),
        };
        report::Button { name, word, undo, about }
    }

    /// The fault in words.
    pub(super) fn told(self, node: &str) -> String {
        match self {
            Self::Kill => format!("kill {node}"),
            Self::Pause => format!("pause {node}"),
            Self::Cut => format!("cut {node} off"),
            Self::SlowDisk => format!("slow the disk of {node}"),
            Self::Lead => format!("hand leadership to {node}"),
            Self::Remove => format!("remove {node}"),
        }
    }

    /// The fault, aimed at no node yet.
    fn fault(self) -> Fault {
        let aim = Aim::One;
        match self {
            Self::Kill => Fault::Kill(Kill::once(aim)),
            Self::Pause => Fault::Pause(Pause { aim }),
            Self::Cut => Fault::Partition(Partition::steady(Shape::IsolateOne)),
            Self::SlowDisk => {
                let trouble = DiskFault::SlowFsync { delay_ms: SLOW_FSYNC_MS, jitter_ms: 0.0 };
                Fault::Disk(Disk { aim, trouble })
            }
            Self::Lead => Fault::Leadership(Leadership { to: Aim::Follower }),
            Self::Remove => Fault::Membership(Membership { aim, change: MembershipChange::Remove }),
        }
    }

    /// The entry of a schedule that it would be: fault number `id`, which lasts until it is undone.
    pub(super) fn entry(self, id: u32) -> Entry {
        let (at, lasts) = (Duration::ZERO, Duration::MAX);
        Entry { id, at, lasts, pick: id, named: None, on: None, when: None, fault: self.fault() }
    }

    /// True if its node does not run while it is on, so that nothing else may start it.
    pub(super) fn holds_down(self) -> bool {
        matches!(self, Self::Kill | Self::Remove)
    }
}

/// A button that was pressed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Press {
    pub(super) button: Button,
    pub(super) node: String,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use faults::fault::Action;
    use faults::schedule::Roles;

    use super::*;

    #[test]
    fn every_button_hits_its_node_and_no_other() {
        let nodes: Vec<String> = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
        let hit = BTreeSet::from(["n2".to_owned()]);
        for button in Button::ALL {
            for leader in ["n1", "n2"] {
                let roles = Roles { hit: Some(&hit), ..Roles::led_by(leader) };
                let resolved = button.entry(7).resolve(&nodes, roles);
                assert_eq!(resolved.nodes(), hit, "{button:?}, {leader} leads");
                assert_eq!(resolved.steps.len(), 1);
                if let Action::Partition(grudge) = resolved.action() {
                    assert_eq!(grudge.links().count(), 4, "both ways to both others");
                }
            }
            assert_eq!(Button::named(button.name()), Some(button));
        }
        assert_eq!(Button::named("explode"), None);
    }
}
