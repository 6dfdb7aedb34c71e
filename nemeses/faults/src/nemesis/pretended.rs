//! A world made of plain values, for tests of the bookkeeping: it does what it is asked to, or
//! fails where a test wants it to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use serde::Serialize;

use crate::fault::{ClockCondition, Damage, DiskCondition, LinkCondition, PowerCut};
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
    /// The nodes that were taken out of the cluster, or are about to be.
    pub out: BTreeSet<String>,
    /// The members that do not vote, or are about to.
    pub learners: BTreeSet<String>,
    /// Set where nodes that join do not vote until they are promoted.
    pub joins_as_learner: bool,
    /// The requests of membership that were made.
    pub asked: BTreeSet<Request>,
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
            out: BTreeSet::new(),
            learners: BTreeSet::new(),
            joins_as_learner: false,
            asked: BTreeSet::new(),
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
        all.extend(self.out.iter().map(|node| format!("{node} is out")));
        all.extend(self.learners.iter().map(|node| format!("{node} does not vote")));
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

    fn former_members(&self) -> BTreeSet<String> {
        self.out.clone()
    }

    fn learners(&self) -> BTreeSet<String> {
        self.learners.clone()
    }

    fn kill(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.ending.retain(|node| !nodes.contains(node));
        self.log.push(format!("kill {}", words(nodes)));
        self.change(nodes, |_| true, NodeState::Stopped)
    }

    fn start(&mut self, nodes: &BTreeSet<String>) -> PerNode<u32> {
        self.log.push(format!("start {}", words(nodes)));
        let stopped = |node: &&String| self.states[*node] == NodeState::Stopped;
        let down: BTreeSet<String> = nodes.iter().filter(stopped).cloned().collect();
        let mut errors = BTreeMap::new();
        for node in &down & &self.out {
            let add = Request::Add(node.clone());
            let answer = self.answer(&add).or_else(|_| self.ask(&add));
            let late = || HostError::Unavailable("it is being added".to_owned());
            if let Err(error) = answer.and_then(|answer| answer.ok_or_else(late)) {
                errors.insert(node.clone(), error);
            }
        }
        let free: BTreeSet<String> =
            nodes.iter().filter(|node| !errors.contains_key(*node)).cloned().collect();
        let joined = &(&self.out & &down) & &free;
        if self.joins_as_learner {
            self.learners.extend(joined.iter().cloned());
        }
        self.out.retain(|node| !joined.contains(node));
        let started = self.change(&free, |state| state == NodeState::Stopped, NodeState::Running);
        let started = started.into_iter().map(|(node, result)| (node, result.map(|_| 7)));
        started.chain(errors.into_iter().map(|(node, error)| (node, Err(error)))).collect()
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
            Request::Maintain(node, work) => format!("{work} {node}"),
            other => other.to_string(),
        });
        self.asked.insert(request.clone());
        match request {
            Request::Transfer(to) => self.leader = to.clone(),
            Request::Remove(node) => {
                self.out.insert(node.clone());
                self.asked.remove(&Request::Add(node.clone()));
                self.asked.remove(&Request::Promote(node.clone()));
            }
            Request::Demote(node) => {
                self.learners.insert(node.clone());
                self.asked.remove(&Request::Promote(node.clone()));
            }
            Request::Add(_) | Request::Promote(_) | Request::Maintain(..) => {}
        }
        self.answer(request)
    }

    fn answer(&mut self, request: &Request) -> Result<Option<Duration>, HostError> {
        self.works()?;
        if !self.asked.contains(request) {
            return Err(HostError::Failed("nothing asked for it".to_owned()));
        }
        if self.answers_late {
            return Ok(None);
        }
        match request {
            Request::Remove(node) if self.out.contains(node) => {
                self.states.insert(node.clone(), NodeState::Stopped);
            }
            Request::Promote(node) => drop(self.learners.remove(node)),
            Request::Add(_) if self.adds_nobody => {
                return Err(HostError::Unavailable("it cannot be added yet".to_owned()));
            }
            _ => {}
        }
        Ok(Some(Duration::from_millis(30)))
    }
}
