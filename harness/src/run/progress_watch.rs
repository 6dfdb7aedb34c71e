//! Progress of the logs of nodes that do not print it: each is asked again and again.

use std::sync::Arc;
use std::time::Duration;

use results::event::NodeChange;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::each_node;
use super::load::Clients;
use crate::targets::LogProgress;

/// Between two questions: short beside the time for which a node that was cut off lags, long beside
/// an answer.
const PAUSE: Duration = Duration::from_millis(200);

/// The time that a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks every node until the value that is returned is dropped, and records what changes.
pub fn watch(clients: &Arc<Clients>) -> JoinSet<()> {
    each_node::watch(clients, watch_one)
}

async fn watch_one(clients: Arc<Clients>, node: usize) {
    let mut last = None;
    // A target whose nodes do not say is not asked.
    while let Some(asked) = clients.client.progress(node) {
        if let Ok(Some(told)) = timeout(PATIENCE, asked).await
            && last.replace(told) != Some(told)
        {
            let LogProgress { commit: index, applied } = told;
            let change = NodeChange::Commit { index, applied, last: None };
            clients.recorder.node(&clients.nodes[node], change);
        }
        sleep(PAUSE).await;
    }
}
