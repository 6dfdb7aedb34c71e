//! The addresses at which clients reach the nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::core::NodeId;

/// The addresses that are known: this node's own, and those that others sent along with their
/// messages. A leader's is among them before any client is sent there, since a node hears of a
/// leader by such a message only.
#[derive(Debug, Clone)]
pub(super) struct Addresses(Arc<Mutex<BTreeMap<NodeId, String>>>);

impl Addresses {
    /// Knows where clients reach this node.
    pub(super) fn new(own: NodeId, address: String) -> Addresses {
        Addresses(Arc::new(Mutex::new(BTreeMap::from([(own, address)]))))
    }

    /// Notes where clients reach `node`.
    pub(super) fn learn(&self, node: NodeId, address: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(node, address);
    }

    /// The address of `node`, if it is known.
    pub(super) fn of(&self, node: &NodeId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(node).cloned()
    }
}
