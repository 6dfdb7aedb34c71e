//! A world made of plain values, for tests of the bookkeeping: it does what it is asked to, or
//! fails where a test wants it to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use serde::Serialize;

use crate::fault::{
    ClockCondition, Damage, DiskCondition, LinkCondition, MembershipChange, PowerCut,
};
use crate::grudge::{Grudge, Link};
use crate::host::{
    ClockSeen, CpuSeen, DiskSeen, Host, HostError, LinkCounts, LinkSeen, NodeState, PartitionSeen,
    PerNode, PowerSeen, Request,
};

/// The milliseconds by which every pretended delay is longer than asked for.
const LATE_MS: f64 = 0.1;

/// The nodes of the pretended cluster.
pub(super) fn names() -> Vec<String> {
    (1..=5).map(|index| format!("n{index}")).collect()
}

#[derive(Debug)]
pub(super) struct Pretended {
    pub states: BTreeMap<String, NodeState>,
    pub grudge: Grudge,
    pub dropped: BTreeMap<Link, u64>,
    /// Links on which nothing is seen dropped.
    pub unproven: BTreeSet<Link>,
    pub links: BTreeMap<Link, LinkCondition>,
    pub shaped: BTreeMap<Link, LinkCounts>,
    /// The milliseconds by which packets are faster than asked for.
    pub early_ms: f64,
    pub cpu: BTreeMap<String, f64>,
    pub throttled: BTreeMap<String, CpuSeen>,
    pub clocks: BTreeMap<String, ClockCondition>,
    /// The milliseconds by which every wall clock is ahead without a fault.
    pub astray_ms: f64,
    pub disks: BTreeMap<String, DiskCondition>,
    /// The counters of each disk since its condition was last changed.
    pub disks_seen: BTreeMap<String, DiskSeen>,
    pub unsynced: PowerSeen,
    pub leader: String,
    pub members_changed: BTreeMap<String, MembershipChange>,
    /// Set while nodes that were removed cannot be added again.
    pub adds_nobody: bool,
    /// Set while processes do not end when they are asked to.
    pub ends_slowly: bool,
    /// Nodes whose processes were asked to end and have not.
    pub ending: BTreeSet<String>,
    /// Set while the service does not answer what it is asked.
    pub answers_late: bool,
    /// The error that every action returns instead of success.
    pub broken: Option<HostError>,
    /// Set where links cannot be cut.
    pub without_partitions: bool,
    /// The requests, in order.
    pub log: Vec<String>,
}

impl Default for Pretended {
    fn default() -> Self {
        Self {
            states: names().into_iter().map(|node| (node, NodeState::Running)).collect(),
            grudge: Grudge::none(),
            dropped: BTreeMap::new(),
            unproven: BTreeSet::new(),
            links: BTreeMap::new(),
            shaped: BTreeMap::new(),
            early_ms: 0.0,
            cpu: BTreeMap::new(),
            throttled: BTreeMap::new(),
            clocks: BTreeMap::new(),
            astray_ms: 0.0,
            disks: BTreeMap::new(),
            disks_seen: BTreeMap::new(),
            unsynced: PowerSeen::default(),
            leader: String::new(),
            members_changed: BTreeMap::new(),
            adds_nobody: false,
            ends_slowly: false,
            ending: BTreeSet::new(),
            answers_late: false,
            broken: None,
            without_partitions: false,
            log: Vec::new(),
        }
    }
}

/// The nodes, or `none`.
fn words<'a>(nodes: impl IntoIterator<Item = &'a String>) -> String {
    let nodes: Vec<_> = nodes.into_iter().map(String::as_str).collect();
    if nodes.is_empty() { "none".to_owned() } else { nodes.join(" ") }
}

/// One line for each value, in JSON.
fn lines<'a, K: Display + 'a, V: Serialize + 'a>(
    what: &'a str,
    map: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = String> + 'a {
    map.iter().map(move |(key, value)| {
        let value = serde_json::to_string(value).expect("it is plain data");
        format!("{what} {key}: {value}")
    })
}

impl Pretended {
    /// Everything in which it is not as it was at first, a line each; empty when nothing is left
    /// of any fault.
    pub fn differences(&self) -> Vec<String> {
        let changed = self.states.iter().filter(|(_, state)| **state != NodeState::Running);
        let mut all: Vec<_> = changed.map(|(node, state)| format!("{node} {state:?}")).collect();
        if !self.grudge.is_empty() {
            all.push(self.grudge.to_string());
        }
        all.extend(self.links.iter().map(|(link, condition)| format!("{link}: {condition}")));
        all.extend(lines("processor percent of", &self.cpu));
        all.extend(lines("clock of", &self.clocks));
        all.extend(lines("disk of", &self.disks));
        all.extend(self.members_changed.iter().map(|(node, change)| format!("{change} {node}")));
        all
    }

    fn works(&self) -> Result<(), HostError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn change(
        &mut self,
        nodes: &BTreeSet<String>,
        from: impl Fn(NodeState) -> bool,
        to: NodeState,
    ) -> PerNode<Duration> {
        let works = self.works();
        let mut result = |node: &String| {
            works.clone()?;
            let state = self.states.get_mut(node).expect("the node is known");
            if from(*state) {
                *state = to;
            }
            Ok(Duration::from_millis(2))
        };
        nodes.iter().map(|node| (node.clone(), result(node))).collect()
    }

    fn of_each<T, C>(
        &self,
        nodes: &BTreeMap<String, C>,
        seen: impl Fn(&str, &C) -> T,
    ) -> PerNode<T> {
        let result =
            |(node, told): (&String, &C)| (node.clone(), self.works().map(|()| seen(node, told)));
        nodes.iter().map(result).collect()
    }
}

impl Host for Pretended {
    fn state(&self, node: &str) -> NodeState {
        self.states[node]
    }

    fn partition(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        self.works()?;
        if self.without_partitions {
            return Err(HostError::Unavailable("there are no links to cut".to_owned()));
        }
        self.log.push(format!("cut {} links", grudge.links().count()));
        self.grudge = grudge.clone();
        let mut seen = PartitionSeen { unproven: self.unproven.clone(), ..Default::default() };
        for link in grudge.links() {
            if !self.unproven.contains(&link) {
                *self.dropped.entry(link.clone()).or_default() += 1;
                seen.dropped.insert(link, 1);
            }
        }
        Ok(seen)
    }

    fn dropped(&mut self) -> Result<BTreeMap<Link, u64>, HostError> {
        Ok(self.dropped.clone())
    }

    fn stop(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.log.push(format!("stop {}", words(nodes)));
        if self.ends_slowly {
            self.ending.extend(nodes.iter().cloned());
            let late = HostError::Failed("it has not ended yet".to_owned());
            return nodes.iter().map(|node| (node.clone(), Err(late.clone()))).collect();
        }
        self.change(nodes, |_| true, NodeState::Stopped)
    }

    fn is_ending(&self, node: &str) -> bool {
        self.ending.contains(node)
    }

    fn is_member(&self, node: &str) -> bool {
        !self.members_changed.contains_key(node)
    }

    fn kill(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.ending.retain(|node| !nodes.contains(node));
        self.log.push(format!("kill {}", words(nodes)));
        self.change(nodes, |_| true, NodeState::Stopped)
    }

    fn start(&mut self, nodes: &BTreeSet<String>) -> PerNode<u32> {
        self.log.push(format!("start {}", words(nodes)));
        let out = |node: &String| self.members_changed.contains_key(node);
        let kept_out: BTreeSet<String> =
            nodes.iter().filter(|node| self.adds_nobody && out(node)).cloned().collect();
        let free = nodes - &kept_out;
        self.members_changed.retain(|node, _| !free.contains(node));
        let started = self.change(&free, |state| state == NodeState::Stopped, NodeState::Running);
        let started = started.into_iter().map(|(node, result)| (node, result.map(|_| 7)));
        let late = HostError::Unavailable("it cannot be added yet".to_owned());
        started.chain(kept_out.into_iter().map(|node| (node, Err(late.clone())))).collect()
    }

    fn pause(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.log.push(format!("pause {}", words(nodes)));
        self.change(nodes, |state| state == NodeState::Running, NodeState::Paused)
    }

    fn resume(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.log.push(format!("resume {}", words(nodes)));
        self.change(nodes, |state| state == NodeState::Paused, NodeState::Running)
    }

    fn shape(
        &mut self,
        links: &BTreeMap<Link, LinkCondition>,
        look: bool,
    ) -> Result<BTreeMap<Link, LinkSeen>, HostError> {
        self.works()?;
        self.log.push(format!(
            "shape {} links, {}",
            links.len(),
            if look { "looking" } else { "not looking" }
        ));
        self.links = links.clone();
        let seen = |condition: &LinkCondition| {
            let fastest = condition.delay_ms + LATE_MS - self.early_ms;
            LinkSeen { sent: 5, arrived: 5, fastest_ms: Some(fastest) }
        };
        let looked = links.iter().filter(|_| look);
        Ok(looked.map(|(link, condition)| (link.clone(), seen(condition))).collect())
    }

    fn shaped(&mut self) -> Result<BTreeMap<Link, LinkCounts>, HostError> {
        self.works()?;
        Ok(self.shaped.clone())
    }

    fn limit_cpu(&mut self, percent: &BTreeMap<String, f64>) -> PerNode<CpuSeen> {
        self.log.push(format!("limit processors of {}", words(percent.keys())));
        self.cpu = percent.clone();
        self.of_each(percent, |node, _| self.throttled.get(node).copied().unwrap_or_default())
    }

    fn set_clocks(&mut self, clocks: &BTreeMap<String, ClockCondition>) -> PerNode<ClockSeen> {
        self.log.push(format!("set clocks of {}", words(clocks.keys())));
        let told = clocks.iter().filter(|(_, condition)| !condition.is_neutral());
        self.clocks = told.map(|(node, condition)| (node.clone(), *condition)).collect();
        self.of_each(clocks, |_, condition| ClockSeen {
            wall_offset_ms: condition.wall_shift_ms as f64 + self.astray_ms,
            monotonic_offset_ms: 0.0,
            rate: condition.rate,
        })
    }

    fn set_disks(&mut self, disks: &BTreeMap<String, DiskCondition>) -> PerNode<DiskSeen> {
        self.log.push(format!("set disks of {}", words(disks.keys())));
        let old = std::mem::replace(&mut self.disks, disks.clone());
        self.disks_seen.retain(|node, _| old.get(node) == disks.get(node));
        self.of_each(disks, |_, _| DiskSeen::default())
    }

    fn disks(&mut self) -> PerNode<DiskSeen> {
        self.disks_seen.iter().map(|(node, seen)| (node.clone(), Ok(*seen))).collect()
    }

    fn cut_power(
        &mut self,
        nodes: &BTreeSet<String>,
        _cut: &PowerCut,
        _seed: u64,
    ) -> PerNode<PowerSeen> {
        self.log.push(format!("power off {}", words(nodes)));
        let off = self.change(nodes, |_| true, NodeState::Stopped);
        let unsynced = self.unsynced;
        off.into_iter().map(|(node, result)| (node, result.map(|_| unsynced))).collect()
    }

    fn damage(&mut self, node: &str, damage: &Damage, seed: u64) -> Result<String, HostError> {
        self.works()?;
        assert_eq!(self.states[node], NodeState::Stopped, "{node} still has its files open");
        self.log.push(format!("damage {node}"));
        Ok(format!("{damage} by {seed}"))
    }

    fn ask(&mut self, request: &Request) -> Result<Option<Duration>, HostError> {
        self.works()?;
        self.log.push(match request {
            Request::Transfer(_) => request.to_string(),
            Request::Maintain(node, work) => format!("{work} {node}"),
        });
        if let Request::Transfer(to) = request {
            self.leader = to.clone();
        }
        self.answer(request)
    }

    fn answer(&mut self, _: &Request) -> Result<Option<Duration>, HostError> {
        self.works()?;
        Ok((!self.answers_late).then_some(Duration::from_millis(30)))
    }

    fn change_membership(
        &mut self,
        node: &str,
        change: MembershipChange,
    ) -> Result<Duration, HostError> {
        self.works()?;
        self.log.push(format!("{change} {node}"));
        if change == MembershipChange::Replace && !self.adds_nobody {
            self.states.insert(node.to_owned(), NodeState::Running);
            return Ok(Duration::from_millis(30));
        }
        self.members_changed.insert(node.to_owned(), change);
        self.states.insert(node.to_owned(), NodeState::Stopped);
        match change {
            MembershipChange::Remove => Ok(Duration::from_millis(30)),
            MembershipChange::Replace => {
                Err(HostError::Failed("it was removed and cannot be added yet".to_owned()))
            }
        }
    }

    fn restore_membership(
        &mut self,
        node: &str,
        _: MembershipChange,
    ) -> Result<Duration, HostError> {
        self.works()?;
        self.log.push(format!("restore {node}"));
        if self.adds_nobody && self.members_changed.contains_key(node) {
            return Err(HostError::Unavailable("it cannot be added yet".to_owned()));
        }
        self.members_changed.remove(node);
        self.states.insert(node.to_owned(), NodeState::Running);
        Ok(Duration::from_millis(30))
    }
}
