//! Readiness of nodes: a process that was started serves only some time later, which its target's
//! own probe tells.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::live::Live;
use super::load::Clients;

/// Between two questions: short beside the time that a node takes to serve.
const PAUSE: Duration = Duration::from_millis(50);

/// The time that a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks every node that was started for its status until it answers and knows a leader, until the
/// value that is returned is dropped.
pub fn watch(clients: &Arc<Clients>, live: &Live) -> JoinSet<()> {
    let mut questions = JoinSet::new();
    for node in 0..clients.nodes.len() {
        questions.spawn(watch_one(clients.clone(), live.clone(), node));
    }
    questions
}

async fn watch_one(clients: Arc<Clients>, live: Live, node: usize) {
    let name = &clients.nodes[node];
    loop {
        if let Some(life) = live.unready_life(name)
            && let Ok(Some(status)) = timeout(PATIENCE, clients.client.status(node)).await
            && (status.leader.is_some() || !clients.knows_leader)
        {
            live.note_ready(name, life);
        }
        sleep(PAUSE).await;
    }
}
