//! Asks the stream's leader to step down for another.

use std::time::Duration;

use faults::host::{Administrator, HostError};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::connection::Connections;
use super::raft_group::raft_group;
use crate::targets::Member;

/// The time that a leader may take to hand over: a follower that is told to campaign has votes
/// within milliseconds.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(3);

/// Between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks members where clients reach them.
pub(super) struct NatsAdministrator {
    connections: Connections,
    names: Vec<String>,
    runtime: Handle,
}

impl NatsAdministrator {
    /// # Errors
    /// Outside of a runtime.
    pub(super) fn new(connections: Connections, cluster: &[Member]) -> anyhow::Result<Self> {
        let names = cluster.iter().map(|member| member.name.clone()).collect();
        Ok(NatsAdministrator { connections, names, runtime: Handle::try_current()? })
    }

    /// The request reaches the leader through any server that is asked, so it is sent by way of the
    /// one that shall lead.
    async fn transfer_to(&self, to: &str) -> Result<(), HostError> {
        let unavailable = |what: String| Err(HostError::Unavailable(what));
        let Some(node) = self.names.iter().position(|name| name == to) else {
            return unavailable(format!("there is no {to}"));
        };
        let Some(Some(group)) = raft_group(&self.connections, node).await else {
            return unavailable(format!("{to} does not answer"));
        };
        match group.status(to).leader {
            None => return unavailable("nobody leads".into()),
            Some(leader) if leader == to => return unavailable(format!("{to} leads already")),
            Some(_) => {}
        }
        self.connections.step_down(node, to).await.map_err(|refusal| {
            let error = refusal.error;
            HostError::Failed(format!("the leader was asked to hand over to {to}: {error}"))
        })?;
        let leads = async {
            loop {
                if let Some(Some(group)) = raft_group(&self.connections, node).await
                    && group.status(to).leader.as_deref() == Some(to)
                {
                    break;
                }
                sleep(PAUSE).await;
            }
        };
        let late = || HostError::Failed(format!("{to} did not take over in time"));
        timeout(TRANSFER_TIMEOUT, leads).await.map_err(|_| late())
    }
}

impl Administrator for NatsAdministrator {
    fn transfer(&self, to: &str) -> Result<(), HostError> {
        self.runtime.block_on(self.transfer_to(to))
    }
}
