//! Changes of the bundled cluster's members: `POST /admin/members`, asked of the node that leads until it is
//! done. Each of them can be asked for again: a cluster that has got there already says so.

use std::time::Duration;

use cluster::core::Configuration;
use faults::host::{Added, HostError, MembersAround};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::administrator::{BundledAdministrator, StatusBody};

/// The time for which a change is asked for. What keeps it from being done may be another fault, which
/// would go on for longer as well.
const PATIENCE: Duration = Duration::from_secs(4);

/// The time that one answer may take: the change has to be committed, twice, and a node that is to vote
/// has to catch up before.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// Between two trials.
const PAUSE: Duration = Duration::from_millis(50);

/// The reason why a change was not seen to be done.
struct NotDone {
    why: String,
    /// True if this trial surely did nothing.
    definite: bool,
    /// True if no other trial could do more.
    hopeless: bool,
}

impl NotDone {
    fn yet(why: impl Into<String>) -> NotDone {
        NotDone { why: why.into(), definite: true, hopeless: false }
    }
}

impl BundledAdministrator {
    /// Takes a voter out of the voters, by that change.
    pub(super) async fn without_vote_of(
        &self,
        node: &str,
        change: Value,
    ) -> Result<MembersAround, HostError> {
        self.change(|leader| {
            // Without a majority of those that are left it would hang until some come back, and all
            // writes with it.
            let left = leader.status.members.voters().iter().filter(|it| it.as_str() != node);
            let left: Vec<&str> = left.map(|id| id.as_str()).collect();
            let answer = left.iter().filter(|id| leader.answering.iter().any(|it| it == *id));
            match 2 * answer.count() > left.len() {
                true => Ok(change.clone()),
                false => Err(NotDone::yet("no majority of the other voters answers")),
            }
        })
        .await
    }

    /// Adds a member again, as a learner that has never stored anything; one that is still there in its
    /// life before is removed first.
    pub(super) async fn add_anew(&self, node: &str) -> Result<Added, HostError> {
        let member = self.member(node)?;
        self.change(|_| Ok(json!({"remove": node}))).await.map_err(unavailable)?;
        let address = member.for_peers().to_string();
        let add = json!({"add": node, "address": address, "learner": true});
        self.change(|_| Ok(add.clone())).await.map_err(unavailable)?;
        Ok(Added { left: member.data.clone(), learns: true })
    }

    /// Has a node vote that runs.
    pub(super) async fn let_vote(&self, node: &str) -> Result<MembersAround, HostError> {
        let address = self.member(node)?.for_peers().to_string();
        self.change(|leader| {
            let is_member = leader.status.members.is_member(&node.into());
            Ok(match is_member {
                true => json!({"promote": node}),
                false => json!({"add": node, "address": address}),
            })
        })
        .await
    }

    /// Asks for a change that follows from what the leader says, until it is done.
    async fn change(
        &self,
        wanted: impl Fn(&Leader) -> Result<Value, NotDone>,
    ) -> Result<MembersAround, HostError> {
        let end = Instant::now() + PATIENCE;
        let (mut before, mut may_be_done) = (None, None);
        loop {
            let failed = match self.try_change(&wanted, &mut before).await {
                Ok(after) => {
                    let before = before.unwrap_or_default();
                    return Ok(MembersAround { before, after });
                }
                Err(failed) => failed,
            };
            let NotDone { why, definite, hopeless } = failed;
            if !definite {
                may_be_done = Some(why.clone());
            }
            if hopeless || Instant::now() >= end {
                return Err(may_be_done.map_or(HostError::Unavailable(why), HostError::Failed));
            }
            sleep(PAUSE).await;
        }
    }

    /// One trial; returns the members in the end. `before` is set to those before the first one.
    async fn try_change(
        &self,
        wanted: &impl Fn(&Leader) -> Result<Value, NotDone>,
        before: &mut Option<String>,
    ) -> Result<String, NotDone> {
        let leader = self.find_leader().await?;
        let change = wanted(&leader)?;
        before.get_or_insert_with(|| leader.status.members.to_string());
        let lost = |why: String| NotDone { why, definite: false, hopeless: false };
        let url = self.url(&leader.name).map_err(|error| NotDone::yet(error.to_string()))?;
        let sent = self.http.post(format!("{url}/admin/members")).json(&change);
        let answered = async { sent.timeout(ANSWER_TIMEOUT).send().await?.json::<Value>().await };
        let answer = answered.await.map_err(|error| {
            let why =
                if error.is_timeout() { "no answer in time".into() } else { error.to_string() };
            lost(format!("{} was asked to {change}: {why}", leader.name))
        })?;
        if answer["type"] == "ok" {
            let members = serde_json::from_value(answer["members"].clone());
            let members: Configuration =
                members.map_err(|error| lost(format!("it told no members: {error}")))?;
            return Ok(members.to_string());
        }
        let error = answer["error"].as_str().unwrap_or("nonsense");
        let reason = answer["reason"].as_str().map(|it| format!(", {it}")).unwrap_or_default();
        Err(NotDone {
            why: format!("{} refused to {change}: {error}{reason}", leader.name),
            definite: answer["definite"] == true,
            hopeless: error == "bad_change" || error == "bad_request",
        })
    }

    /// The node that leads, as it says itself and in the highest term that anybody knows of.
    async fn find_leader(&self) -> Result<Leader, NotDone> {
        let mut told = self.statuses().await;
        let answering = told.iter().map(|(name, _)| name.clone()).collect();
        let highest = told.iter().map(|(_, status)| status.term).max();
        told.retain(|(name, status)| {
            Some(status.term) == highest && status.leader.as_deref() == Some(name)
        });
        let (name, status) = told.pop().ok_or_else(|| NotDone::yet("nobody says it leads"))?;
        Ok(Leader { name, status, answering })
    }
}

/// The node that leads.
struct Leader {
    name: String,
    status: StatusBody,
    /// The nodes that answer, it among them.
    answering: Vec<String>,
}

/// The same error as something that keeps a node out at the moment, for it is asked for again.
fn unavailable(error: HostError) -> HostError {
    HostError::Unavailable(error.to_string())
}
