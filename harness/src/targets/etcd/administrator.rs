//! Asks etcd for what only it can do.

use std::path::PathBuf;
use std::time::Duration;

use faults::fault::StoreWork;
use faults::host::{Added, Administrator, HostError, MembersAround};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::gateway::{Gateway, MemberStatus};
use crate::targets::Member;

/// The time that a leader may take to hand over. etcd gives up after its request timeout of 7 s,
/// which faults would outlast.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(3);

/// The time that a member may take to work on its store. The stores of a run are small; a member
/// that other faults keep from answering must not hold up the faults that follow.
const STORE_WORK_TIMEOUT: Duration = Duration::from_secs(3);

/// The time that a change of the members may take: it goes through the log.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(3);

/// The time for which a member is tried to be added again. What keeps it out may be another fault,
/// which would wait for longer as well.
const ADD_TIMEOUT: Duration = Duration::from_secs(2);

/// Between two trials to add it.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks the members where clients reach them.
pub(super) struct EtcdAdministrator {
    gateway: Gateway,
    cluster: Vec<Member>,
    names: Vec<String>,
    runtime: Handle,
}

impl EtcdAdministrator {
    /// # Errors
    /// Outside of a runtime.
    pub(super) fn new(gateway: Gateway, cluster: &[Member]) -> anyhow::Result<Self> {
        let names = cluster.iter().map(|member| member.name.clone()).collect();
        let (cluster, runtime) = (cluster.to_vec(), Handle::try_current()?);
        Ok(EtcdAdministrator { gateway, cluster, names, runtime })
    }

    /// The status of every member that answers.
    async fn statuses(&self) -> Vec<(usize, MemberStatus)> {
        let mut questions = tokio::task::JoinSet::new();
        for node in 0..self.names.len() {
            let gateway = self.gateway.clone();
            questions.spawn(async move { (node, gateway.status(node).await) });
        }
        let told = questions.join_all().await;
        told.into_iter().filter_map(|(node, status)| Some((node, status?))).collect()
    }

    /// The same without that member.
    async fn others(&self, position: usize) -> Vec<(usize, MemberStatus)> {
        let mut told = self.statuses().await;
        told.retain(|(node, _)| *node != position);
        told
    }

    fn position(&self, name: &str) -> Result<usize, HostError> {
        let position = self.names.iter().position(|known| known == name);
        position.ok_or_else(|| HostError::Unavailable(format!("{name} is none of the members")))
    }

    fn peer_url(&self, position: usize) -> String {
        format!("http://{}", self.cluster[position].for_peers())
    }

    /// Only while all the others serve: without one that has not joined yet, or never comes back,
    /// the rest might be no majority for ever. etcd itself would ask that they have been connected
    /// for seconds, which in a storm they never are, so it is started without that check.
    async fn remove_member(&self, name: &str) -> Result<(), HostError> {
        let position = self.position(name)?;
        let unavailable = |why: &str| HostError::Unavailable(format!("{name} stays: {why}"));
        let others = self.others(position).await;
        let other = following(&others);
        let other = other.ok_or_else(|| unavailable("no other member follows a leader"))?;
        let listed = self.gateway.listed(other).await.map_err(|it| unavailable(&it.error))?;
        let all_joined = listed.iter().all(|member| !member.name.is_empty());
        if !all_joined || others.len() + 1 < self.names.len() {
            return Err(unavailable("not all the others serve"));
        }
        let url = self.peer_url(position);
        let member = listed.into_iter().find(|member| member.peer_urls.contains(&url));
        let member = member.ok_or_else(|| unavailable("it is no member"))?;
        let wanted = json!({"ID": member.id});
        let removing = self.gateway.call::<Value>(other, "cluster/member/remove", &wanted);
        match timeout(CHANGE_TIMEOUT, removing).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(refusal)) if Gateway::is_definite(&refusal) => Err(unavailable(&refusal.error)),
            Ok(Err(refusal)) => {
                Err(HostError::Failed(format!("{name} may be removed yet: {}", refusal.error)))
            }
            Err(_) => Err(HostError::Failed(format!("{name} was not removed in time"))),
        }
    }

    /// Adds a member again; one that is still there in its life before, since no answer came when
    /// it was to be removed, is removed first.
    async fn add_member(&self, name: &str) -> Result<PathBuf, HostError> {
        let position = self.position(name)?;
        let url = self.peer_url(position);
        let adding = async {
            loop {
                if self.try_to_add(position, &url).await.is_some() {
                    return;
                }
                sleep(PAUSE).await;
            }
        };
        match timeout(ADD_TIMEOUT, adding).await {
            Ok(()) => Ok(super::target::data(&self.cluster[position])),
            Err(_) => Err(HostError::Unavailable(format!("{name} was not added again in time"))),
        }
    }

    /// One trial; none if it is not known to be a new member now.
    async fn try_to_add(&self, position: usize, url: &str) -> Option<()> {
        let other = following(&self.others(position).await)?;
        let listed = self.gateway.listed(other).await.ok()?;
        let known = listed.into_iter().find(|member| member.peer_urls.iter().any(|it| it == url));
        match known {
            // It was added by a trial whose answer was lost: nobody has started under that id.
            Some(member) if member.name.is_empty() => Some(()),
            Some(member) => {
                let wanted = json!({"ID": member.id});
                let _ = self.gateway.call::<Value>(other, "cluster/member/remove", &wanted).await;
                None
            }
            None => {
                let wanted = json!({"peerURLs": [url]});
                self.gateway.call::<Value>(other, "cluster/member/add", &wanted).await.ok()?;
                Some(())
            }
        }
    }

    async fn transfer_to(&self, to: &str) -> Result<(), HostError> {
        let unavailable = |what: String| Err(HostError::Unavailable(what));
        let told = self.statuses().await;
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
    async fn work_on_store(&self, node: &str, work: StoreWork) -> Result<(), HostError> {
        let failed = |why: &str| HostError::Failed(format!("{node} did not {work}: {why}"));
        let position = self.position(node)?;
        let compacts = match work {
            StoreWork::Compact => true,
            StoreWork::Defragment => false,
            StoreWork::Snapshot => {
                return Err(HostError::Unavailable(format!("etcd cannot be asked to {work}")));
            }
        };
        let working = async {
            let (path, wanted) = match compacts {
                true => {
                    let (revision, _) = self.gateway.range(position, "any key", None).await?;
                    let compact = json!({"revision": revision.to_string(), "physical": true});
                    ("kv/compaction", compact)
                }
                false => ("maintenance/defragment", json!({})),
            };
            self.gateway.call::<Value>(position, path, &wanted).await
        };
        match timeout(STORE_WORK_TIMEOUT, working).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(refusal)) => Err(failed(&refusal.error)),
            Err(_) => Err(failed("no answer in time")),
        }
    }
}

/// One of them that follows a leader, and so can ask for changes.
fn following(told: &[(usize, MemberStatus)]) -> Option<usize> {
    told.iter().find(|(_, status)| status.leader.is_some()).map(|(node, _)| *node)
}

impl Administrator for EtcdAdministrator {
    fn remove(&self, node: &str) -> Result<Option<MembersAround>, HostError> {
        self.runtime.block_on(self.remove_member(node)).map(|()| None)
    }

    fn add(&self, node: &str) -> Result<Added, HostError> {
        let left = self.runtime.block_on(self.add_member(node))?;
        Ok(Added { left, learns: false })
    }

    fn maintain(&self, node: &str, work: StoreWork) -> Result<(), HostError> {
        self.runtime.block_on(self.work_on_store(node, work))
    }

    fn transfer(&self, to: &str) -> Result<(), HostError> {
        self.runtime.block_on(self.transfer_to(to))
    }
}
