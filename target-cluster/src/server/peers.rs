//! Calls to the other nodes.
//!
//! Each other node has three lanes: votes (and what makes a node ask for them), heartbeats,
//! appends. A lane has one call on its way; of the calls that come meanwhile only the newest is
//! kept, since it says all that the others said. So a node that does not answer holds up nothing
//! but its own lanes, and costs no more than three connections.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::header::CONTENT_TYPE;
use tokio::sync::watch;

use super::config::Config;
use super::events::say;
use super::inbox::{Inbox, Incoming};
use crate::core::{NodeId, Request, Response};
use crate::wire::{self, Endpoint};

/// The longest time that dialling may take. Within one machine or site it takes under a
/// millisecond; what takes longer has lost its first packet, and dialling anew is faster than
/// TCP's retransmission (1 s).
const CONNECT_TIMEOUT: Duration = Duration::from_millis(250);

/// The lanes to all other nodes.
pub(super) struct Peers(BTreeMap<NodeId, Lanes>);

/// The lanes to one other node, each by its newest call.
struct Lanes {
    votes: watch::Sender<Option<Request>>,
    heartbeats: watch::Sender<Option<Request>>,
    appends: watch::Sender<Option<Request>>,
}

/// The state of a lane's task.
struct Lane {
    from: NodeId,
    to: NodeId,
    address: String,
    timeout: Duration,
    client: reqwest::Client,
    inbox: Inbox,
}

impl Peers {
    /// Starts the lanes. They end when this is dropped.
    pub(super) fn start(config: &Config, inbox: &Inbox) -> Result<Peers> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .default_headers(config.envelope().headers())
            .build()
            .context("cannot make the HTTP client")?;
        // A call that takes longer than the core waits for its answer is given up, and with it the
        // connection: after a cut, TCP alone would wait ever longer between its attempts. Heartbeats
        // give up sooner, so that one lost packet does not cost the whole election timeout.
        let patience = config.timings.election_min;
        let start = |to: &str, address: &String, timeout| {
            let (sender, newest) = watch::channel(None);
            let lane = Lane {
                from: config.id.as_str().into(),
                to: to.into(),
                address: address.clone(),
                timeout,
                client: client.clone(),
                inbox: inbox.clone(),
            };
            tokio::spawn(lane.run(newest));
            sender
        };
        let others = config.peers.iter().filter(|(name, _)| **name != config.id);
        let lanes = others.map(|(name, address)| {
            let lanes = Lanes {
                votes: start(name, address, patience),
                heartbeats: start(name, address, patience / 2),
                appends: start(name, address, patience),
            };
            (NodeId::from(name.as_str()), lanes)
        });
        Ok(Peers(lanes.collect()))
    }

    /// Sends a request; an answer comes back through the inbox, or never.
    pub(super) fn call(&self, to: &NodeId, request: Request) {
        let lanes = self.0.get(to).expect("the core calls voters only");
        let lane = match &request {
            Request::PreVote(_) | Request::Vote(_) | Request::TimeoutNow(_) => &lanes.votes,
            Request::Append(append) if append.entries.is_empty() => &lanes.heartbeats,
            Request::Append(_) => &lanes.appends,
        };
        lane.send_replace(Some(request));
    }
}

impl Lane {
    async fn run(self, mut newest: watch::Receiver<Option<Request>>) {
        let mut reachable = true;
        while newest.changed().await.is_ok() {
            let Some(request) = newest.borrow_and_update().clone() else { continue };
            match self.call(&request).await {
                Ok(response) => {
                    reachable = true;
                    let event = Incoming::Answered { from: self.to.clone(), response };
                    if self.inbox.send(event).await.is_err() {
                        return;
                    }
                }
                Err(error) if reachable => {
                    reachable = false;
                    say(&self.from, format_args!("no answer from {}: {error:#}", self.to));
                }
                Err(_) => {}
            }
        }
    }

    async fn call(&self, request: &Request) -> Result<Response> {
        let endpoint = Endpoint::of(request);
        let response = self
            .client
            .post(format!("http://{}/raft/{}", self.address, endpoint.name()))
            .timeout(self.timeout)
            .header(CONTENT_TYPE, "application/json")
            .body(wire::request_body(request))
            .send()
            .await?;
        let status = response.status();
        let body = response.bytes().await?;
        if !status.is_success() {
            // It says why: most often that one of the two was set up for another cluster.
            bail!("it refused with {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(endpoint.response(&body)?)
    }
}
