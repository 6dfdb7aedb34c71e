//! The first look at a cluster that runs already: whether anything listens where it is said to be.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::targets::Member;

/// The time that a connection may take to open, over any network.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects to every member once.
///
/// # Errors
/// Those to which there is no connection, each with the reason.
pub async fn ensure_reachable(members: &[Member]) -> Result<()> {
    let mut connections = JoinSet::new();
    for (position, member) in members.iter().enumerate() {
        let (name, address) = (member.name.clone(), member.for_clients);
        connections.spawn(async move {
            let why = match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(_)) => return None,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no connection within {} s", PATIENCE.as_secs()),
            };
            Some((position, format!("{address} ({name}): {why}")))
        });
    }
    let mut lacking: Vec<(usize, String)> =
        connections.join_all().await.into_iter().flatten().collect();
    lacking.sort();
    if lacking.is_empty() {
        return Ok(());
    }
    let lacking: Vec<String> = lacking.into_iter().map(|(_, why)| why).collect();
    bail!("the cluster of --addresses has to run already, but {}", lacking.join("; "))
}
