//! The leader of the stream: its Raft group, as each server has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::connection::Connections;
use super::target::ACCOUNT;
use crate::targets::{LogProgress, NodeStatus};

/// The beginning of the name of the Raft group of a stream.
const STREAM_GROUP: &str = "S-";

/// Raft groups by account and name, as `RAFTZ` tells of them. Of an account without any there is
/// nothing.
type Accounts = BTreeMap<String, BTreeMap<String, Group>>;

/// A Raft group, as one of its members sees it.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    id: String,
    #[serde(default)]
    leader: String,
    #[serde(default)]
    term: u64,
    committed: Option<u64>,
    applied: Option<u64>,
    /// All members but this one, by their ids.
    #[serde(default)]
    peers: BTreeMap<String, Peer>,
}

#[derive(Debug, Deserialize)]
struct Peer {
    name: Option<String>,
}

/// The stream's group at that server, or that it knows of none; none when it says nothing.
pub(super) async fn raft_group(connections: &Connections, node: usize) -> Option<Option<Group>> {
    let question = json!({"account": ACCOUNT});
    let told = connections.told_by_server::<Accounts>(node, "RAFTZ", &question).await;
    let groups = told?.remove(ACCOUNT).unwrap_or_default();
    // There is one stream, without consumers. One that was made anew may have a second group for
    // a moment.
    let of_streams = groups.into_iter().filter(|(name, _)| name.starts_with(STREAM_GROUP));
    Some(of_streams.map(|(_, group)| group).max_by_key(|group| group.term))
}

impl Group {
    /// The meaning of it from the member of that name.
    pub(super) fn status(&self, name: &str) -> NodeStatus {
        let leader = match self.leader == self.id {
            true => Some(name.to_owned()),
            false => self.peers.get(&self.leader).and_then(|peer| peer.name.clone()),
        };
        NodeStatus { leader, term: self.term }
    }

    /// The progress of the member's log, if it tells.
    pub(super) fn progress(&self) -> Option<LogProgress> {
        Some(LogProgress { commit: self.committed?, applied: self.applied })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_names_the_leader_by_what_it_knows_of_its_peers() {
        let group = |leader: &str| Group {
            id: "a".into(),
            leader: leader.into(),
            term: 3,
            committed: None,
            applied: None,
            peers: [("b".to_owned(), Peer { name: Some("n2".into()) })].into(),
        };
        let leader = |id: &str| group(id).status("n1").leader;
        assert_eq!(leader("a").as_deref(), Some("n1"));
        assert_eq!(leader("b").as_deref(), Some("n2"));
        assert_eq!(leader(""), None);
    }
}
