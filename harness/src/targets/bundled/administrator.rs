//! Asks the bundled cluster for what only it can do.

use std::time::Duration;

use anyhow::Context;
use faults::host::{Administrator, HostError};
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

/// Asks the nodes where clients reach them.
pub(super) struct BundledAdministrator {
    http: reqwest::Client,
    /// Name and URL of each node.
    nodes: Vec<(String, String)>,
    runtime: Handle,
}

/// The status of a node, in its own words.
#[derive(Deserialize)]
struct StatusBody {
    term: u64,
    leader: Option<String>,
}

impl BundledAdministrator {
    /// Of these nodes, by that client.
    ///
    /// # Errors
    /// Outside of a runtime.
    pub(super) fn new(http: reqwest::Client, cluster: &[Member]) -> anyhow::Result<Self> {
        let node =
            |member: &Member| (member.name.clone(), format!("http://{}", member.for_clients));
        let runtime = Handle::try_current().context("no runtime to ask the cluster with")?;
        Ok(Self { http, nodes: cluster.iter().map(node).collect(), runtime })
    }

    /// The leader, as far as the nodes say: the one that is named in the highest term. All are
    /// asked at once, since some may be paused.
    async fn leader(&self) -> Option<String> {
        let mut questions = JoinSet::new();
        for (_, url) in &self.nodes {
            let question = self.http.get(format!("{url}/status")).timeout(STATUS_TIMEOUT).send();
            questions.spawn(async move { question.await.ok()?.json::<StatusBody>().await.ok() });
        }
        let told = questions.join_all().await.into_iter().flatten();
        let named = told.filter_map(|status| Some((status.term, status.leader?)));
        named.max_by_key(|(term, _)| *term).map(|(_, leader)| leader)
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
        let unknown = || HostError::Failed(format!("{leader} leads, and is none of the nodes"));
        let (_, url) = self.nodes.iter().find(|(name, _)| name == leader).ok_or_else(unknown)?;
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
}

impl Administrator for BundledAdministrator {
    fn transfer(&self, to: &str) -> Result<(), HostError> {
        self.runtime.block_on(self.transfer_to(to))
    }
}
