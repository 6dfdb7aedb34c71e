//! Asks etcd for what only it can do.

use std::time::Duration;

use nemeses::fault::Upkeep;
use nemeses::world::{Administrator, HostError};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::gateway::{Gateway, MemberStatus};
use crate::target::Member;

/// How long a leader may take to hand over. etcd gives up after its request timeout of 7 s, which
/// faults would outlast.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a member may take to tend its store. The stores of a run are small; a member that other
/// faults keep from answering must not hold up the faults that follow.
const UPKEEP_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks the members where clients reach them.
pub(super) struct EtcdAdministrator {
    gateway: Gateway,
    names: Vec<String>,
    runtime: Handle,
}

impl EtcdAdministrator {
    /// # Errors
    /// Outside of a runtime.
    pub(super) fn new(gateway: Gateway, cluster: &[Member]) -> anyhow::Result<Self> {
        let names = cluster.iter().map(|member| member.name.clone()).collect();
        Ok(EtcdAdministrator { gateway, names, runtime: Handle::try_current()? })
    }

    async fn transfer_to(&self, to: &str) -> Result<(), HostError> {
        let unavailable = |what: String| Err(HostError::Unavailable(what));
        let mut questions = tokio::task::JoinSet::new();
        for node in 0..self.names.len() {
            let gateway = self.gateway.clone();
            questions.spawn(async move { (node, gateway.status(node).await) });
        }
        let told: Vec<(usize, MemberStatus)> = questions
            .join_all()
            .await
            .into_iter()
            .filter_map(|(node, status)| Some((node, status?)))
            .collect();
        let leads = |status: &MemberStatus| status.leader.as_ref() == Some(&status.id);
        let leader = told.iter().filter(|(_, it)| leads(it)).max_by_key(|(_, it)| it.term);
        let Some((leader, _)) = leader else { return unavailable("nobody says it leads".into()) };
        if self.names[*leader] == to {
            return unavailable(format!("{to} leads already"));
        }
        let target = told.iter().find(|(node, _)| self.names[*node] == to);
        let Some((_, target)) = target else { return unavailable(format!("{to} does not answer")) };
        let wanted = json!({"targetID": target.id});
        let path = "maintenance/transfer-leadership";
        let name = &self.names[*leader];
        match timeout(TRANSFER_TIMEOUT, self.gateway.call::<Value>(*leader, path, &wanted)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(refusal)) => {
                let error = refusal.error;
                Err(HostError::Failed(format!("{name} was asked to hand over to {to}: {error}")))
            }
            Err(_) => Err(HostError::Failed(format!("{name} did not hand over to {to} in time"))),
        }
    }

    /// Compaction forgets everything before the revision at which the member is; it goes through the
    /// log, so all members do it. Defragmentation is the member's own affair.
    async fn tend(&self, node: &str, work: Upkeep) -> Result<(), HostError> {
        let failed = |why: &str| HostError::Failed(format!("{node} did not {work}: {why}"));
        let position = self.names.iter().position(|name| name == node);
        let position = position.ok_or_else(|| failed("it is none of the members"))?;
        let tending = async {
            let (path, wanted) = match work {
                Upkeep::Compact => {
                    let (revision, _) = self.gateway.range(position, "any key", None).await?;
                    let compact = json!({"revision": revision.to_string(), "physical": true});
                    ("kv/compaction", compact)
                }
                Upkeep::Defragment => ("maintenance/defragment", json!({})),
            };
            self.gateway.call::<Value>(position, path, &wanted).await
        };
        match timeout(UPKEEP_TIMEOUT, tending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(refusal)) => Err(failed(&refusal.error)),
            Err(_) => Err(failed("no answer in time")),
        }
    }
}

impl Administrator for EtcdAdministrator {
    fn maintain(&self, node: &str, work: Upkeep) -> Result<(), HostError> {
        self.runtime.block_on(self.tend(node, work))
    }

    fn transfer(&self, to: &str) -> Result<(), HostError> {
        self.runtime.block_on(self.transfer_to(to))
    }
}
