//! The nodes that a client asks.
//!
//! Some clients roam: they stay with the node that answered last and go elsewhere on trouble. Others
//! are pinned: each of their operations begins at their own node, even if they have learned of
//! another leader, so that a deposed leader and every follower keep being asked. Both follow a
//! refusal's hint for the rest of the operation.

use rand::{Rng, RngExt};

/// The way in which one client picks nodes, by position.
#[derive(Debug, Clone)]
pub struct Route {
    nodes: usize,
    /// The node at which every operation begins, for a pinned client.
    pinned: Option<usize>,
    /// The node to ask next.
    current: usize,
}

impl Route {
    /// The route of a client each of whose operations begins at `node`, of `nodes`.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn pinned(node: usize, nodes: usize) -> Self {
        assert!(node < nodes, "node {node} of {nodes} does not exist");
        Route { nodes, pinned: Some(node), current: node }
    }

    /// The route of a client that asks `first`, of `nodes`, and then the node that answered last.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn roaming(first: usize, nodes: usize) -> Self {
        Route { pinned: None, ..Route::pinned(first, nodes) }
    }

    /// The node at which every operation begins, for a pinned client.
    pub fn home(&self) -> Option<usize> {
        self.pinned
    }

    /// Begins an operation.
    pub fn begin(&mut self) -> usize {
        if let Some(node) = self.pinned {
            self.current = node;
        }
        self.current
    }

    /// The node to ask after `current` refused or was silent: the leader it named, else any other.
    pub fn after_error(&mut self, hint: Option<usize>, rng: &mut impl Rng) -> usize {
        self.current = match hint {
            Some(node) if node != self.current => node,
            _ if self.nodes == 1 => 0,
            _ => (self.current + rng.random_range(1..self.nodes)) % self.nodes,
        };
        self.current
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::stream;

    #[test]
    fn a_pinned_client_returns_to_its_node_and_a_roaming_one_stays() {
        let mut rng = stream(1, "test");
        let mut pinned = Route::pinned(1, 5);
        assert_eq!(pinned.begin(), 1);
        assert_eq!(pinned.after_error(Some(4), &mut rng), 4);
        assert_eq!(pinned.begin(), 1);
        let mut roaming = Route::roaming(1, 5);
        assert_eq!(roaming.begin(), 1);
        assert_eq!(roaming.after_error(Some(4), &mut rng), 4);
        assert_eq!(roaming.begin(), 4);
    }

    #[test]
    fn without_a_hint_every_other_node_is_asked_at_some_time() {
        let mut rng = stream(1, "test");
        let mut asked = BTreeSet::new();
        let mut route = Route::roaming(0, 5);
        for _ in 0..100 {
            let before = route.current;
            let after = route.after_error(None, &mut rng);
            assert_ne!(before, after);
            asked.insert(after);
        }
        assert_eq!(asked.len(), 5);
        assert_eq!(Route::roaming(0, 1).after_error(None, &mut rng), 0);
    }
}
