//! Roles of nodes that do not tell of them: each is asked for its status again and again.

use std::sync::Arc;
use std::time::Duration;

use results::event::NodeChange;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::each_node;
use super::load::Clients;
use crate::targets::NodeStatus;

/// Between two questions: short beside an election timeout, so that a fault that is aimed at the
/// leader finds it; long beside an answer.
const PAUSE: Duration = Duration::from_millis(100);

/// The time that a node may take to answer. One that hangs has the role that it had.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks every node until the value that is returned is dropped, and records what changes.
pub fn watch(clients: &Arc<Clients>) -> JoinSet<()> {
    each_node::watch(clients, watch_one)
}

async fn watch_one(clients: Arc<Clients>, node: usize) {
    let name = &clients.nodes[node];
    let mut last = None;
    loop {
        let answer = timeout(PATIENCE, clients.client.status(node)).await;
        if let Ok(None) = answer {
            // Its process may be another one when it answers again.
            last = None;
        }
        if let Ok(Some(status)) = answer
            && last.as_ref() != Some(&status)
        {
            let NodeStatus { leader, term } = status.clone();
            let role = if leader.as_ref() == Some(name) { "leader" } else { "follower" };
            clients.recorder.node(name, NodeChange::Role { role: role.into(), term, leader });
            last = Some(status);
        }
        sleep(PAUSE).await;
    }
}
