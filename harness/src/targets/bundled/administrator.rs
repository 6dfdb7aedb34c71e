//! Asks the bundled cluster for what only it can do.

use std::time::Duration;

use anyhow::Context;
use cluster::core::Configuration;
use faults::fault::StoreWork;
use faults::host::{Added, Administrator, HostError, MembersAround};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::target::STATUS_TIMEOUT;
use crate::targets::Member;

/// The time that a leader may take to hand over. It gives up after 1.2 s itself; what is left is
/// for the connection, which faults may make slow.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of times that a transfer is asked for: the second time of the leader that the first
/// one named.
const ATTEMPTS: usize = 2;

/// The time that a snapshot may take.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks the nodes where clients reach them.
pub(super) struct BundledAdministrator {
    pub(super) http: reqwest::Client,
    cluster: Vec<Member>,
    runtime: Handle,
}

/// The status of a node, in its own words.
#[derive(Deserialize)]
pub(super) struct StatusBody {
    pub(super) term: u64,
    pub(super) leader: Option<String>,
    /// Those of its configuration.
    #[serde(flatten)]
    pub(super) members: Configuration,
}

impl BundledAdministrator {
    /// Of these nodes, by that client.
    ///
    /// # Errors
    /// Outside of a runtime.
    pub(super) fn new(http: reqwest::Client, cluster: &[Member]) -> anyhow::Result<Self> {
        let runtime = Handle::try_current().context("no runtime to ask the cluster with")?;
        Ok(Self { http, cluster: cluster.to_vec(), runtime })
    }

    /// The status of every node that answers, by name. All are asked at once, since some may be paused.
    pub(super) async fn statuses(&self) -> Vec<(String, StatusBody)> {
        let mut questions = JoinSet::new();
        for member in &self.cluster {
            let (name, url) = (member.name.clone(), url(member));
            let question = self.http.get(format!("{url}/status")).timeout(STATUS_TIMEOUT).send();
            questions.spawn(async move {
                let status = question.await.ok()?.json::<StatusBody>().await.ok()?;
                Some((name, status))
            });
        }
        questions.join_all().await.into_iter().flatten().collect()
    }

    /// The leader, as far as the nodes say: the one that is named in the highest term.
    async fn leader(&self) -> Option<String> {
        let told = self.statuses().await.into_iter();
        let named = told.filter_map(|(_, status)| Some((status.term, status.leader?)));
        named.max_by_key(|(term, _)| *term).map(|(_, leader)| leader)
    }

    /// The member of that name.
    pub(super) fn member(&self, name: &str) -> Result<&Member, HostError> {
        let member = self.cluster.iter().find(|member| member.name == name);
        member.ok_or_else(|| HostError::Failed(format!("{name} is none of the nodes")))
    }

    /// The URL of the member of that name.
    pub(super) fn url(&self, name: &str) -> Result<String, HostError> {
        self.member(name).map(url)
    }

    async fn transfer_to(&self, to: &str) -> Result<(), HostError> {
        let nobody = || HostError::Unavailable("nobody is known to lead".to_owned());
        let mut leader = self.leader().await.ok_or_else(nobody)?;
        for attempt in 1.. {
            if leader == to {
                return Err(HostError::Unavailable(format!("{to} leads already")));
            }
            let answer = self.ask(&leader, to).await?;
            if answer["type"] == "ok" {
                return Ok(());
            }
            let error = answer["error"].as_str().unwrap_or("nonsense");
            match answer["leader"].as_str() {
                Some(other) if error == "not_leader" && attempt < ATTEMPTS => {
                    leader = other.to_owned();
                }
                // An election is on: whoever led last leads no more, and names nobody.
                None if error == "not_leader" => {
                    return Err(HostError::Unavailable(format!("{leader} leads no more")));
                }
                // Such as that the successor lags: nothing was done.
                _ if answer["definite"] == true => {
                    return Err(HostError::Unavailable(format!("{leader} refused: {error}")));
                }
                _ => return Err(HostError::Failed(format!("{leader} refused: {error}"))),
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn ask(&self, leader: &str, to: &str) -> Result<Value, HostError> {
        let url = self.url(leader)?;
        let sent = self
            .http
            .post(format!("{url}/admin/transfer"))
            .json(&json!({ "to": to }))
            .timeout(TRANSFER_TIMEOUT)
            .send();
        let answered = async { sent.await?.json().await };
        let lost = |error: reqwest::Error| {
            let why =
                if error.is_timeout() { "no answer in time".to_owned() } else { error.to_string() };
            HostError::Failed(format!("{leader} was asked to hand over to {to}: {why}"))
        };
        answered.await.map_err(lost)
    }

    async fn take_snapshot(&self, node: &str) -> Result<(), HostError> {
        let failed = |why: String| HostError::Failed(format!("{node} took no snapshot: {why}"));
        let sent = self.http.post(format!("{}/admin/snapshot", self.url(node)?));
        let answered = async { sent.timeout(SNAPSHOT_TIMEOUT).send().await?.json::<Value>().await };
        let answer = answered.await.map_err(|error| failed(error.to_string()))?;
        match answer["error"].as_str() {
            None if answer["type"] == "ok" => Ok(()),
            error => Err(failed(error.unwrap_or("nonsense").to_owned())),
        }
    }
}

/// The URL at which clients reach a member.
fn url(member: &Member) -> String {
    format!("http://{}", member.for_clients)
}

impl Administrator for BundledAdministrator {
    fn transfer(&self, to: &str) -> Result<(), HostError> {
        self.runtime.block_on(self.transfer_to(to))
    }

    fn maintain(&self, node: &str, work: StoreWork) -> Result<(), HostError> {
        match work {
            StoreWork::Snapshot => self.runtime.block_on(self.take_snapshot(node)),
            StoreWork::Compact | StoreWork::Defragment => Err(HostError::Unavailable(format!(
                "the bundled cluster cannot be asked to {work}"
            ))),
        }
    }

    fn remove(&self, node: &str) -> Result<Option<MembersAround>, HostError> {
        let removed = self.without_vote_of(node, json!({"remove": node}));
        self.runtime.block_on(removed).map(Some)
    }

    fn add(&self, node: &str) -> Result<Added, HostError> {
        self.runtime.block_on(self.add_anew(node))
    }

    fn demote(&self, node: &str) -> Result<Option<MembersAround>, HostError> {
        let demoted = self.without_vote_of(node, json!({"demote": node}));
        self.runtime.block_on(demoted).map(Some)
    }

    fn promote(&self, node: &str) -> Result<Option<MembersAround>, HostError> {
        self.runtime.block_on(self.let_vote(node)).map(Some)
    }
}
