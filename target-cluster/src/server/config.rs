//! The configuration of a node.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::envelope::{Envelope, check_visible};
use super::limits::RequestLimits;
use crate::bugs::Bugs;
use crate::core::{
    APPLY_ENTRIES_MAX, Incarnation, NodeId, Options, Settings, SnapshotOptions, Timings,
};
use crate::storage::Identity;

/// The configuration of one node.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name of the cluster: its nodes talk to no node of another one.
    pub cluster: String,
    /// The name of this node, such as `n1`.
    pub id: String,
    /// The address at which it serves clients.
    pub listen: SocketAddr,
    /// The `host:port` at which clients reach it, if that is not `listen`: other nodes send them
    /// there.
    pub advertise: Option<String>,
    /// The address at which it serves the other nodes.
    pub peer_listen: SocketAddr,
    /// The id of the cluster that this node joins, as `cluster` in the others' `/status`; none if it founds
    /// one. One that joins waits until it is made a member.
    pub join: Option<String>,
    /// Every founder, this node among them, with the `host:port` at which the others reach it. A host
    /// name is looked up again whenever a connection is opened. Of a node that joins, the members that it
    /// is told of no other way.
    pub peers: Vec<(String, String)>,
    /// The directory of its log; made if missing.
    pub data_dir: PathBuf,
    /// The times that nodes wait for each other.
    pub timings: Timings,
    /// The times at which it takes snapshots.
    pub snapshots: SnapshotOptions,
    /// The way in which it answers reads, and the switches that are off.
    pub settings: Settings,
    /// The limits of the requests of clients.
    pub limits: RequestLimits,
    /// Planted bugs that are switched on.
    pub bugs: Bugs,
    /// True if it writes the event stream to stdout.
    pub events: bool,
}

impl Config {
    /// Refuses values that make no sense, before anything is opened.
    pub(super) fn check(&self) -> Result<()> {
        let Timings { heartbeat, election_min, election_max } = self.timings;
        ensure!(!heartbeat.is_zero(), "the heartbeat interval must be longer than nothing");
        ensure!(
            heartbeat < election_min && election_min < election_max,
            "the heartbeat interval ({heartbeat:?}) must be shorter than the shortest election \
             timeout ({election_min:?}), and that shorter than the longest ({election_max:?})"
        );
        let SnapshotOptions { entries, bytes, interval, part_bytes, bytes_per_second } =
            self.snapshots;
        ensure!(
            entries > 0
                && bytes > 0
                && part_bytes > 0
                && bytes_per_second > 0
                && !interval.is_zero(),
            "a snapshot is taken after at least one entry, one byte, and some time, and sent at a byte \
             a second at least"
        );
        ensure!(self.settings.append_entries > 0, "an append carries one entry at least");
        let drift = self.settings.drift_percent;
        ensure!(
            (1..=50).contains(&drift),
            "the clock of one node may run 1 to 50 % faster than another's, not {drift} %"
        );
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for (name, address) in &self.peers {
            ensure!(names.insert(name), "two of the peers are called {name}");
            ensure!(addresses.insert(address), "two of the peers are at {address}");
        }
        ensure!(
            self.join.is_some() || names.contains(&self.id),
            "the peers must be all members of the cluster, {} included",
            self.id
        );
        for text in names
            .into_iter()
            .chain(addresses)
            .chain([&self.id, &self.cluster, &self.clients_at()])
            .chain(&self.join)
        {
            check_visible(text).map_err(anyhow::Error::msg)?;
        }
        self.limits.check()
    }

    /// Its settings with what planted bugs choose.
    pub(super) fn settings(&self) -> Settings {
        self.settings.clone().with(&self.bugs)
    }

    /// The options of the core. The seed comes from the operating system's randomness: nodes that
    /// start at the same instant must not draw the same timeouts.
    pub(super) fn options(&self, incarnation: Incarnation) -> Options {
        Options {
            id: self.id.as_str().into(),
            voters: self.founders(),
            timings: self.timings,
            apply_entries_max: APPLY_ENTRIES_MAX,
            snapshots: self.snapshots,
            settings: self.settings(),
            seed: RandomState::new().hash_one(&self.id),
            incarnation: Some(incarnation),
            life: RandomState::new().hash_one(&self.id) as u32,
            bugs: self.bugs.clone(),
        }
    }

    /// The voters with which the cluster began; none for a node that joins it.
    fn founders(&self) -> BTreeSet<NodeId> {
        let founders = self.peers.iter().filter(|_| self.join.is_none());
        founders.map(|(name, _)| name.as_str().into()).collect()
    }

    /// The incarnation of a data directory that is made now.
    pub(super) fn fresh_incarnation(&self) -> Incarnation {
        RandomState::new().hash_one(&self.id).into()
    }

    /// The owner of the data directory that this node needs.
    pub(super) fn identity(&self) -> Identity {
        match &self.join {
            Some(cluster_id) => Identity::joining(&self.cluster, &self.id, cluster_id),
            None => {
                let voters = self.peers.iter().map(|(name, _)| name.clone());
                Identity::new(&self.cluster, &self.id, voters)
            }
        }
    }

    /// The headers of its messages.
    pub(super) fn envelope(&self) -> Envelope {
        let cluster = self.identity().cluster_id();
        Envelope::new(self.id.as_str().into(), cluster, self.clients_at())
    }

    /// The address at which clients reach it.
    pub(super) fn clients_at(&self) -> String {
        self.advertise.clone().unwrap_or_else(|| self.listen.to_string())
    }
}

#[cfg(test)]
impl Config {
    /// A configuration for tests that open nothing.
    pub(super) fn of_one_node() -> Config {
        Config {
            cluster: "c".into(),
            id: "n1".into(),
            listen: ([127, 0, 0, 1], 7001).into(),
            advertise: None,
            peer_listen: ([127, 0, 0, 1], 7101).into(),
            join: None,
            peers: vec![("n1".into(), "localhost:7101".into())],
            data_dir: "/nowhere".into(),
            timings: Timings::default(),
            snapshots: SnapshotOptions::DEFAULT,
            settings: Settings::default(),
            limits: RequestLimits::default(),
            bugs: Bugs::new(),
            events: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(peers: &[(&str, &str)]) -> Config {
        let owned = |(name, address): &(&str, &str)| (name.to_string(), address.to_string());
        Config { peers: peers.iter().map(owned).collect(), ..Config::of_one_node() }
    }

    #[test]
    fn members_that_contradict_each_other_are_refused() {
        config(&[("n1", "a:1"), ("n2", "b:1")]).check().unwrap();
        for (peers, complaint) in [
            (&[("n1", "a:1"), ("n1", "b:1")][..], "two of the peers are called n1"),
            (&[("n1", "a:1"), ("n2", "a:1")], "two of the peers are at a:1"),
            (&[("n2", "a:1")], "n1 included"),
            (&[("n1", "a:1"), ("n 2", "b:1")], "visible ASCII characters, not \"n 2\""),
        ] {
            let refused = config(peers).check().unwrap_err().to_string();
            assert!(refused.contains(complaint), "{refused}");
        }
    }
}
