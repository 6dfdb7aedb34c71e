//! The headers of every message between nodes: which cluster it belongs to, who sends it, and in
//! which version of the protocol. A message without them, or with others, is refused: a node that
//! was set up for another cluster, or by hand, never takes part in this one.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::core::{Incarnation, NodeId, Stamp};

/// The version of the protocol; any change that an older node would misread makes it another one.
const VERSION: &str = "1";

const CLUSTER: HeaderName = HeaderName::from_static("raft-cluster");
const SENDER: HeaderName = HeaderName::from_static("raft-sender");
const PROTOCOL: HeaderName = HeaderName::from_static("raft-version");
/// The incarnation of the sender, and the one that it means as receiver.
const INCARNATION: HeaderName = HeaderName::from_static("raft-incarnation");
const INCARNATION_MEANT: HeaderName = HeaderName::from_static("raft-incarnation-meant");
/// The address at which clients reach the sender; it goes into the hints of those that follow it.
const CLIENTS_AT: HeaderName = HeaderName::from_static("raft-clients-at");

/// The headers that one node sends and expects.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    /// This node.
    node: NodeId,
    /// The id of its cluster.
    cluster: String,
    /// The address at which clients reach it.
    clients_at: String,
}

/// The sender of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sender {
    /// Its name.
    pub(super) node: NodeId,
    /// The address at which clients reach it.
    pub(super) clients_at: String,
    /// The incarnations of both.
    pub(super) stamp: Stamp,
}

/// Adds the incarnations of both nodes to the headers of a message.
pub(super) fn put_stamp(headers: &mut HeaderMap, stamp: Stamp) {
    for (name, incarnation) in [(INCARNATION, stamp.from), (INCARNATION_MEANT, stamp.to)] {
        let text = incarnation.map(|incarnation| incarnation.to_string());
        let value = text.map(|text| HeaderValue::from_str(&text).expect("they are digits"));
        headers.extend(value.map(|value| (name, value)));
    }
}

/// The incarnations in the headers of a message; what is none there counts as if it were not given.
pub(super) fn stamp_of(headers: &HeaderMap) -> Stamp {
    let incarnation = |name| {
        let text = headers.get(name)?.to_str().ok()?;
        text.parse::<Incarnation>().ok()
    };
    Stamp { from: incarnation(INCARNATION), to: incarnation(INCARNATION_MEANT) }
}

/// The reason for which a message is not one of this cluster.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mismatch {
    /// A header is missing.
    #[error("a message between nodes needs the header {0}")]
    Missing(HeaderName),
    /// It is in another version of the protocol.
    #[error("this node speaks version {VERSION} of the protocol, not {0}")]
    Version(String),
    /// It is of another cluster.
    #[error("this node belongs to cluster {ours}, the message to {theirs}")]
    Cluster {
        /// The cluster of this node.
        ours: String,
        /// The cluster of the sender.
        theirs: String,
    },
    /// The sender has the name of this node. Any other may be a member of which this node has not heard.
    #[error("{0} is the name of the node that was asked")]
    OwnName(String),
}

impl Mismatch {
    /// The name in the JSON answer.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Mismatch::Missing(_) => "missing_header",
            Mismatch::Version(_) => "wrong_version",
            Mismatch::Cluster { .. } => "wrong_cluster",
            Mismatch::OwnName(_) => "own_name",
        }
    }
}

/// Refuses a name or address that cannot stand in the headers of messages.
pub(super) fn check_visible(text: &str) -> Result<(), String> {
    match !text.is_empty() && text.chars().all(|letter| letter.is_ascii_graphic()) {
        true => Ok(()),
        false => {
            Err(format!("names and addresses consist of visible ASCII characters, not {text:?}"))
        }
    }
}

impl Envelope {
    /// The headers of `node` of that cluster.
    pub(super) fn new(node: NodeId, cluster: String, clients_at: String) -> Envelope {
        Envelope { node, cluster, clients_at }
    }

    /// The headers of a message that this node sends.
    pub(super) fn headers(&self) -> HeaderMap {
        let value = |text: &str| {
            HeaderValue::from_str(text).expect("names and addresses are checked at the start")
        };
        HeaderMap::from_iter([
            (CLUSTER, value(&self.cluster)),
            (SENDER, value(self.node.as_str())),
            (PROTOCOL, value(VERSION)),
            (CLIENTS_AT, value(&self.clients_at)),
        ])
    }

    /// The sender of a message with these headers.
    pub(super) fn open(&self, headers: &HeaderMap) -> Result<Sender, Mismatch> {
        let text = |name: HeaderName| {
            let value = headers.get(&name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned).ok_or(Mismatch::Missing(name))
        };
        let version = text(PROTOCOL)?;
        if version != VERSION {
            return Err(Mismatch::Version(version));
        }
        let theirs = text(CLUSTER)?;
        if theirs != self.cluster {
            return Err(Mismatch::Cluster { ours: self.cluster.clone(), theirs });
        }
        let name = text(SENDER)?;
        let node = NodeId::from(name.as_str());
        if node == self.node {
            return Err(Mismatch::OwnName(name));
        }
        Ok(Sender { node, clients_at: text(CLIENTS_AT)?, stamp: stamp_of(headers) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(node: &str, cluster: &str) -> Envelope {
        Envelope::new(node.into(), cluster.into(), format!("{node}:7001"))
    }

    #[test]
    fn a_message_of_another_node_of_this_cluster_is_taken() {
        let mut headers = envelope("n2", "c").headers();
        let stamp = Stamp { from: Some(0x17.into()), to: None };
        put_stamp(&mut headers, stamp);
        let sender = envelope("n1", "c").open(&headers);
        assert_eq!(sender, Ok(Sender { node: "n2".into(), clients_at: "n2:7001".into(), stamp }));
    }

    #[test]
    fn any_other_is_refused_with_the_reason() {
        let ours = envelope("n1", "c");
        let others = envelope("n2", "d").headers();
        assert_eq!(ours.open(&others).unwrap_err().name(), "wrong_cluster");
        assert_eq!(ours.open(&ours.headers()), Err(Mismatch::OwnName("n1".into())));
        for header in [CLUSTER, SENDER, PROTOCOL, CLIENTS_AT] {
            let mut headers = envelope("n2", "c").headers();
            headers.remove(&header);
            assert_eq!(ours.open(&headers), Err(Mismatch::Missing(header)));
        }
        let mut headers = envelope("n2", "c").headers();
        headers.insert(PROTOCOL, HeaderValue::from_static("2"));
        assert_eq!(ours.open(&headers), Err(Mismatch::Version("2".into())));
    }
}
