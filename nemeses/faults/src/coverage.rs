//! Which situations the faults of a run reached, and which they did not.
//!
//! A situation is whom a fault hit (the role it had at that moment), with what (the family), and
//! what the cluster was doing (the phase). The facts are taken down when a fault fires, before
//! anything is done: the event that tells of its injection carries them in a field `facts`, next to
//! its outcome. Roles are what each node said of itself last; times are the controller's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::{Aim, Family, Fault};
use crate::schedule::{Profile, Schedule, ScheduleOptions};
use crate::trigger::TriggerKind;

/// The state of the cluster, as far as it was known, when a fault fired.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ClusterSnapshot {
    /// The role that each node reported; a node that is down or has said nothing is missing. The
    /// words are the target's: `leader`, `candidate` and `pre-candidate` mean what they say,
    /// everything else counts as a follower.
    pub roles: BTreeMap<String, String>,
    /// The node that led before the present leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_leader: Option<String>,
    /// The time since the newest leader began to lead, in milliseconds; none when no node ever did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_leader_change_ms: Option<u64>,
    /// The time since a fault was last undone, in milliseconds; none when none ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_undo_ms: Option<u64>,
    /// The families of the faults that were on.
    pub others_on: Vec<Family>,
    /// When the fault was planned, in milliseconds after the load began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_ms: Option<u64>,
    /// The time that all faults had waited by then for the service to answer again, which puts off
    /// all plans, in milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub waited_ms: u64,
    /// The time by which it was late beside that, in milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub late_ms: u64,
}

fn is_zero(milliseconds: &u64) -> bool {
    *milliseconds == 0
}

/// A fault that fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    /// Its family.
    pub family: Family,
    /// The nodes that it was done to, of links the node that they were cut from; see
    /// [`Resolved::nodes`](crate::schedule::Resolved::nodes).
    pub nodes: BTreeSet<String>,
    /// The state of the cluster then, as far as it was known.
    pub facts: ClusterSnapshot,
    /// The kind of the event that it waited for, where it waited for one.
    pub trigger: Option<TriggerKind>,
}

/// Whom a fault hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The leader.
    Leader,
    /// One follower.
    Follower,
    /// One node that stood for election, or any one while no node was known to lead.
    Candidate,
    /// The node that lost leadership last, which leads no more.
    FormerLeader,
    /// Several nodes, or the links between halves.
    Several,
}

/// The phase that the cluster was in when a fault hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// One leader for a while, and nothing wrong.
    Steady,
    /// No node led, or one stood for election.
    Election,
    /// The leader was new: less than a second.
    NewLeader,
    /// Another fault was on.
    AnotherFault,
    /// A fault had been undone less than two seconds before.
    Recovering,
}

/// A leader is new for so many milliseconds.
const NEW_LEADER_MS: u64 = 1000;
/// A cluster recovers for so many milliseconds after a fault was undone.
const RECOVERING_MS: u64 = 2000;

impl Role {
    /// Every role, in the order in which to show them.
    pub const ALL: [Self; 5] =
        [Self::Leader, Self::Follower, Self::Candidate, Self::FormerLeader, Self::Several];

    /// The name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::FormerLeader => "former-leader",
            Self::Several => "several",
        }
    }
}

impl Phase {
    /// Every phase, in the order in which to show them.
    pub const ALL: [Self; 5] =
        [Self::Steady, Self::Election, Self::NewLeader, Self::AnotherFault, Self::Recovering];

    /// The name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Election => "election",
            Self::NewLeader => "new-leader",
            Self::AnotherFault => "another-fault",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl ClusterSnapshot {
    fn says(&self, node: &str, roles: &[&str]) -> bool {
        self.roles.get(node).is_some_and(|role| roles.contains(&role.as_str()))
    }

    fn somebody(&self, roles: &[&str]) -> bool {
        self.roles.keys().any(|node| self.says(node, roles))
    }

    /// Whom a fault hit that was done to `nodes`.
    pub fn whom(&self, nodes: &BTreeSet<String>) -> Role {
        match nodes.iter().collect::<Vec<_>>()[..] {
            [node] => self.role_of(node),
            _ => Role::Several,
        }
    }

    /// The role of one node.
    fn role_of(&self, node: &str) -> Role {
        if self.says(node, &["leader"]) {
            Role::Leader
        } else if self.says(node, &CANDIDATES) || !self.somebody(&["leader"]) {
            Role::Candidate
        } else if self.former_leader.as_deref() == Some(node) {
            Role::FormerLeader
        } else {
            Role::Follower
        }
    }

    /// Everything that the cluster was doing; several things at once count each.
    fn phases(&self) -> BTreeSet<Phase> {
        let within = |since: Option<u64>, limit| since.is_some_and(|since| since < limit);
        let is = [
            (Phase::Election, !self.somebody(&["leader"]) || self.somebody(&CANDIDATES)),
            (Phase::NewLeader, within(self.since_leader_change_ms, NEW_LEADER_MS)),
            (Phase::AnotherFault, !self.others_on.is_empty()),
            (Phase::Recovering, within(self.since_undo_ms, RECOVERING_MS)),
        ];
        let phases: BTreeSet<_> =
            is.into_iter().filter(|(_, is)| *is).map(|(phase, _)| phase).collect();
        if phases.is_empty() { [Phase::Steady].into() } else { phases }
    }
}

const CANDIDATES: [&str; 2] = ["candidate", "pre-candidate"];

impl Fired {
    fn role(&self) -> Role {
        self.facts.whom(&self.nodes)
    }
}

/// The cells that a run reached and those that it did not. A cell that is neither was out of its
/// reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coverage {
    /// The cells that were reached, by family, role and phase.
    pub cells: Vec<Cell>,
    /// The cells that the plan could have reached and did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Missed>,
    /// The faults that began at a moment, by what they waited for, whom they hit, and their family.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moments: Vec<AtMoment>,
    /// The pairs of families of which one struck while the other was on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Pair>,
}

/// Two families of which one struck while the other was on, the lesser first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pair {
    /// One of them.
    pub one: Family,
    /// The other one, or the same again.
    pub other: Family,
    /// The number of faults.
    pub count: u64,
}

/// Faults that began at a moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AtMoment {
    /// The event that they waited for.
    pub trigger: TriggerKind,
    /// Whom they hit.
    pub role: Role,
    /// With what.
    pub family: Family,
    /// The number of faults.
    pub count: u64,
}

/// A situation that faults reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cell {
    /// With what.
    pub family: Family,
    /// Whom.
    pub role: Role,
    /// When.
    pub phase: Phase,
    /// The number of faults.
    pub count: u64,
}

/// A situation that no fault reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Missed {
    /// With what.
    pub family: Family,
    /// Whom.
    pub role: Role,
    /// When.
    pub phase: Phase,
}

/// Whom a fault of a family hit, and when.
pub type Situation = (Family, Role, Phase);

impl Coverage {
    /// Counts the faults of a run that took effect, and lists what `options` could have drawn
    /// besides.
    pub fn of(fired: &[Fired], options: &ScheduleOptions) -> Self {
        let mut counts: BTreeMap<Situation, u64> = BTreeMap::new();
        for fault in fired {
            for phase in fault.facts.phases() {
                *counts.entry((fault.family, fault.role(), phase)).or_default() += 1;
            }
        }
        let mut moments: BTreeMap<(TriggerKind, Role, Family), u64> = BTreeMap::new();
        for fault in fired {
            if let Some(trigger) = fault.trigger {
                *moments.entry((trigger, fault.role(), fault.family)).or_default() += 1;
            }
        }
        let moments = moments.into_iter();
        let mut pairs: BTreeMap<(Family, Family), u64> = BTreeMap::new();
        for fault in fired {
            let others: BTreeSet<Family> = fault.facts.others_on.iter().copied().collect();
            for other in others {
                let pair = (fault.family.min(other), fault.family.max(other));
                *pairs.entry(pair).or_default() += 1;
            }
        }
        let missed = reachable(options).into_iter().filter(|cell| !counts.contains_key(cell));
        Self {
            missed: missed.map(|(family, role, phase)| Missed { family, role, phase }).collect(),
            cells: counts
                .into_iter()
                .map(|((family, role, phase), count)| Cell { family, role, phase, count })
                .collect(),
            moments: moments
                .map(|((trigger, role, family), count)| AtMoment { trigger, role, family, count })
                .collect(),
            pairs: pairs
                .into_iter()
                .map(|((one, other), count)| Pair { one, other, count })
                .collect(),
        }
    }
}

/// So many schedules are drawn to see what a profile can draw.
const SAMPLES: u64 = 40;
/// Each as long as this, in seconds.
const SAMPLE_SECONDS: u64 = 120;

/// The situations that faults of a profile can reach: the families and roles that it aims at, each
/// in every phase, but for overlaps where the profile has none. Whether a phase, such as an
/// election, is ever on when a fault fires is up to the cluster.
fn reachable(options: &ScheduleOptions) -> BTreeSet<Situation> {
    let time_limit = std::time::Duration::from_secs(SAMPLE_SECONDS);
    let mut aimed: BTreeSet<(Family, Role)> = BTreeSet::new();
    for seed in 0..SAMPLES {
        let sample = Schedule::draw(&ScheduleOptions { seed, time_limit, ..options.clone() });
        for entry in &sample.entries {
            let family = entry.fault.family();
            aimed.extend(
                roles_of(&entry.fault, options.nodes).into_iter().map(|role| (family, role)),
            );
        }
    }
    let overlaps = options.profile != Profile::Gentle;
    let phases = Phase::ALL.into_iter().filter(|phase| overlaps || *phase != Phase::AnotherFault);
    let phases: Vec<_> = phases.collect();
    let cells = aimed.iter().flat_map(|(family, role)| {
        // While somebody stands for election no one is a steady candidate.
        let possible = |phase: &&Phase| *role != Role::Candidate || **phase != Phase::Steady;
        phases.iter().filter(possible).map(|phase| (*family, *role, *phase))
    });
    cells.collect()
}

/// The roles that those may have whom a fault is aimed at.
pub fn roles_of(fault: &Fault, nodes: usize) -> Vec<Role> {
    let one_of_many = || vec![Role::Leader, Role::Follower, Role::Candidate, Role::FormerLeader];
    let Some(aim) = fault.spec().hits() else { return vec![Role::Several] };
    match aim {
        Aim::Leader => vec![Role::Leader, Role::Candidate],
        Aim::Follower => vec![Role::Follower, Role::Candidate, Role::FormerLeader],
        Aim::FormerLeader => vec![Role::FormerLeader, Role::Candidate],
        aim if aim.count(nodes) > 1 => vec![Role::Several],
        _ if nodes == 1 => vec![Role::Leader, Role::Candidate],
        _ => one_of_many(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::schedule::Compositions;

    fn facts(roles: &[(&str, &str)]) -> ClusterSnapshot {
        let roles = roles.iter().map(|(node, role)| ((*node).to_owned(), (*role).to_owned()));
        ClusterSnapshot { roles: roles.collect(), ..ClusterSnapshot::default() }
    }

    const STEADY: [(&str, &str); 3] = [("n1", "leader"), ("n2", "follower"), ("n3", "follower")];

    fn fired(nodes: &[&str], facts: ClusterSnapshot) -> Fired {
        let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
        Fired { family: Family::Kill, nodes, facts, trigger: None }
    }

    fn options(profile: Profile) -> ScheduleOptions {
        ScheduleOptions {
            nodes: 3,
            families: [Family::Kill, Family::Partition].into(),
            seed: 1,
            time_limit: Duration::from_secs(60),
            profile,
            budget: None,
            compositions: Compositions::default(),
            only: Vec::new(),
            avoided: Vec::new(),
            triggers: TriggerKind::ALL.into(),
            timers: Default::default(),
            abilities: Default::default(),
        }
    }

    fn cells(fired: Fired) -> Vec<(Role, Phase)> {
        let coverage = Coverage::of(&[fired], &options(Profile::Nightly));
        assert!(coverage.cells.iter().all(|cell| cell.count == 1));
        coverage.cells.iter().map(|cell| (cell.role, cell.phase)).collect()
    }

    #[test]
    fn a_fault_counts_for_whom_it_hit_and_when() {
        let steady = || facts(&STEADY);
        assert_eq!(cells(fired(&["n1"], steady())), [(Role::Leader, Phase::Steady)]);
        assert_eq!(cells(fired(&["n2"], steady())), [(Role::Follower, Phase::Steady)]);
        assert_eq!(cells(fired(&["n1", "n2"], steady())), [(Role::Several, Phase::Steady)]);
        assert_eq!(cells(fired(&[], steady())), [(Role::Several, Phase::Steady)]);
        let deposed = ClusterSnapshot {
            former_leader: Some("n2".to_owned()),
            since_leader_change_ms: Some(300),
            ..steady()
        };
        assert_eq!(cells(fired(&["n2"], deposed)), [(Role::FormerLeader, Phase::NewLeader)]);
        let nobody = facts(&[("n1", "follower"), ("n2", "candidate")]);
        assert_eq!(cells(fired(&["n1"], nobody)), [(Role::Candidate, Phase::Election)]);
    }

    #[test]
    fn phases_that_fall_together_count_each() {
        let busy = ClusterSnapshot {
            since_leader_change_ms: Some(5000),
            since_undo_ms: Some(100),
            others_on: vec![Family::Clock],
            ..facts(&STEADY)
        };
        let expected = [(Role::Leader, Phase::AnotherFault), (Role::Leader, Phase::Recovering)];
        let kill = fired(&["n1"], busy);
        let pairs = Coverage::of(&[kill.clone(), kill.clone()], &options(Profile::Nightly)).pairs;
        assert_eq!(pairs, [Pair { one: Family::Kill, other: Family::Clock, count: 2 }]);
        assert_eq!(cells(kill), expected);
        let calm = ClusterSnapshot { since_undo_ms: Some(2000), ..facts(&STEADY) };
        assert_eq!(cells(fired(&["n1"], calm)), [(Role::Leader, Phase::Steady)]);
    }

    #[test]
    fn what_was_within_reach_is_reached_or_missed_and_nothing_twice() {
        let everything: Vec<_> = ["n1", "n2"].map(|node| fired(&[node], facts(&STEADY))).into();
        let coverage = Coverage::of(&everything, &options(Profile::Nightly));
        for cell in &coverage.cells {
            let same = |missed: &&Missed| {
                (missed.family, missed.role, missed.phase) == (cell.family, cell.role, cell.phase)
            };
            assert_eq!(coverage.missed.iter().filter(same).count(), 0, "{cell:?}");
        }
        assert!(coverage.missed.iter().any(|missed| missed.family == Family::Partition));
        assert!(coverage.missed.iter().all(|missed| missed.family != Family::Clock));
    }

    #[test]
    fn a_gentle_profile_misses_no_overlaps_and_no_groups() {
        let coverage = Coverage::of(&[], &options(Profile::Gentle));
        assert!(!coverage.missed.is_empty());
        for missed in &coverage.missed {
            assert_ne!(missed.phase, Phase::AnotherFault);
            assert_ne!(missed.role, Role::Several);
        }
        let brutal = Coverage::of(&[], &options(Profile::Brutal)).missed;
        assert!(brutal.iter().any(|missed| missed.role == Role::Several));
        assert!(brutal.iter().any(|missed| missed.phase == Phase::AnotherFault));
    }

    #[test]
    fn coverage_and_facts_are_plain_objects_in_files() {
        let coverage = Coverage::of(
            &[fired(&["n1"], facts(&STEADY))],
            &ScheduleOptions { families: BTreeSet::new(), ..options(Profile::Nightly) },
        );
        let text = serde_json::to_string(&coverage).unwrap();
        assert_eq!(
            text,
            r#"{"cells":[{"family":"kill","role":"leader","phase":"steady","count":1}]}"#
        );
        assert_eq!(serde_json::from_str::<Coverage>(&text).unwrap(), coverage);
        let facts = ClusterSnapshot { others_on: vec![Family::Disk], ..facts(&[("n1", "leader")]) };
        let text = serde_json::to_string(&facts).unwrap();
        assert_eq!(text, r#"{"roles":{"n1":"leader"},"others_on":["disk"]}"#);
        assert_eq!(serde_json::from_str::<ClusterSnapshot>(&text).unwrap(), facts);
    }
}
