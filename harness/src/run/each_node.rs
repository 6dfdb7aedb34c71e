//! Tasks that look at the nodes while a run goes on, one for each.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::load::Clients;

/// Starts a task for each node. They end when the value that is returned is dropped.
pub fn watch<F>(clients: &Arc<Clients>, one: impl Fn(Arc<Clients>, usize) -> F) -> JoinSet<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for node in 0..clients.nodes.len() {
        tasks.spawn(one(clients.clone(), node));
    }
    tasks
}
