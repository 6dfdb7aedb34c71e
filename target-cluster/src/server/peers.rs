//! Calls to the other nodes.
//!
//! Each other node has four lanes: votes (and what makes a node ask for them), heartbeats, appends,
//! and questions for read indices or the time. A lane of votes has one call on its way, the others
//! several, each on a connection of its own: on a slow or lossy network the next one must not wait for
//! the answer to the last. A call goes at once if its lane has a place. Of those that come while it is
//! full only the newest is kept. Of votes and heartbeats it says all that the others said; appends are as
//! good as lost by then, and the core sends them again. So a node that does not answer holds up nothing
//! but its own lanes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::config::Config;
use super::envelope::{put_stamp, stamp_of};
use super::events::say;
use super::inbox::{Inbox, Incoming};
use crate::core::{APPENDS_MAX, Node, NodeId, Request, Response, Stamp, Timings};
use crate::wire::{self, Endpoint};

/// The most calls on their way in a lane of heartbeats or appends.
const CALLS_MAX: usize = 8;

/// The most connections to one node.
pub(super) const CONNECTIONS_MAX: usize = 1 + 2 * CALLS_MAX + QUESTIONS_MAX;

/// The most questions on their way: one that is asked anew need not wait for the answer to the last.
const QUESTIONS_MAX: usize = 2;

const _: () = assert!(CALLS_MAX >= APPENDS_MAX, "what the core has on its way has a place");

/// A call, the time of the core at which it was made, and its stamp.
type Call = (Duration, Stamp, Request);

/// The lanes to the other nodes that this one may call.
pub(super) struct Peers {
    lanes: BTreeMap<NodeId, Lanes>,
    /// The addresses that this node was started with.
    addresses: BTreeMap<NodeId, String>,
    /// The nodes that are to be called and whose addresses are not known.
    unknown: BTreeSet<NodeId>,
    /// This node.
    from: NodeId,
    /// The time after which a call is given up.
    timeout: Duration,
    /// The number of calls that may be on their way in a lane of heartbeats or appends.
    width: usize,
    client: reqwest::Client,
    inbox: Inbox,
}

/// The lanes to one other node. They end when this is dropped.
struct Lanes {
    address: String,
    votes: Entrance,
    heartbeats: Entrance,
    questions: Entrance,
    appends: Entrance,
}

/// The beginning of a lane.
struct Entrance {
    lane: Arc<Lane>,
    /// The newest call that found no place.
    waiting: watch::Sender<Option<Call>>,
}

/// A way for calls to one other node.
struct Lane {
    from: NodeId,
    to: NodeId,
    address: String,
    timeout: Duration,
    /// One for each call that may be on its way.
    places: Arc<Semaphore>,
    /// False from a call that failed until one is answered.
    reachable: AtomicBool,
    client: reqwest::Client,
    inbox: Inbox,
}

impl Peers {
    /// No lanes yet.
    pub(super) fn start(config: &Config, inbox: &Inbox) -> Result<Peers> {
        let Timings { heartbeat, election_min, election_max } = config.timings;
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Within one machine or site it takes under a millisecond. What takes this long has
            // lost its first packet, and dialling anew is faster than TCP's retransmission (1 s).
            .connect_timeout(election_min)
            .default_headers(config.envelope().headers())
            .build()
            .context("cannot make the HTTP client")?;
        // A call that takes longer than the core waits for its answer is given up, and with it the
        // connection: after a cut, TCP alone would wait ever longer between its attempts.
        let timeout = election_max;
        // As many as become due in that time; appends follow each other no faster.
        let width = timeout.div_duration_f64(heartbeat).ceil() as usize;
        let width = width.clamp(1, CALLS_MAX);
        let address = |(name, address): &(String, String)| (name.as_str().into(), address.clone());
        Ok(Peers {
            lanes: BTreeMap::new(),
            addresses: config.peers.iter().map(address).collect(),
            unknown: BTreeSet::new(),
            from: config.id.as_str().into(),
            timeout,
            width,
            client,
            inbox: inbox.clone(),
        })
    }

    /// Has lanes to the nodes that `node` may call now, its contacts, at their addresses of now: that of the
    /// configuration, or else the one that this node was started with.
    pub(super) fn follow(&mut self, node: &Node, contacts: &[NodeId]) {
        for id in contacts {
            let known = node.configuration().address(id).or(self.addresses.get(id));
            match (known, self.lanes.get(id)) {
                (Some(address), Some(lanes)) if lanes.address == *address => {}
                // One that leaves is called where it was until it knows.
                (None, Some(_)) => {}
                (Some(address), _) => {
                    let lanes = self.start_lanes(id, address);
                    self.unknown.remove(id);
                    self.lanes.insert(id.clone(), lanes);
                }
                (None, None) => {
                    if self.unknown.insert(id.clone()) {
                        let told = "is not told where to reach";
                        say(&self.from, format_args!("{told} {id} (--peer {id}=HOST:PORT)"));
                    }
                }
            }
        }
    }

    /// Ends the lanes to nodes that are not called any more; what was sent there last still goes.
    pub(super) fn let_go(&mut self, contacts: &[NodeId]) {
        self.lanes.retain(|id, _| contacts.contains(id));
        self.unknown.retain(|id| contacts.contains(id));
    }

    fn start_lanes(&self, to: &NodeId, address: &str) -> Lanes {
        let start = |width| {
            let (waiting, newest) = watch::channel(None);
            let lane = Arc::new(Lane {
                from: self.from.clone(),
                to: to.clone(),
                address: address.to_string(),
                timeout: self.timeout,
                places: Arc::new(Semaphore::new(width)),
                reachable: AtomicBool::new(true),
                client: self.client.clone(),
                inbox: self.inbox.clone(),
            });
            tokio::spawn(Arc::clone(&lane).run(newest));
            Entrance { lane, waiting }
        };
        let address = address.to_string();
        let (votes, questions) = (start(1), start(QUESTIONS_MAX));
        let (heartbeats, appends) = (start(self.width), start(self.width));
        Lanes { address, votes, heartbeats, questions, appends }
    }

    /// Sends a request at that time of the core; an answer comes back through the inbox, or never.
    pub(super) fn call(&self, to: &NodeId, now: Duration, stamp: Stamp, request: Request) {
        // It is not told where to reach it.
        let Some(lanes) = self.lanes.get(to) else { return };
        let lane = match &request {
            Request::PreVote(_) | Request::Vote(_) | Request::TimeoutNow(_) => &lanes.votes,
            Request::Append(append) if append.entries.is_empty() => &lanes.heartbeats,
            Request::ReadIndex(_) | Request::Clock(_) => &lanes.questions,
            Request::Append(_) | Request::InstallSnapshot(_) => &lanes.appends,
        };
        lane.take((now, stamp, request));
    }
}

impl Entrance {
    /// Sends a call now, or once there is a place, unless another comes before that.
    fn take(&self, call: Call) {
        match Arc::clone(&self.lane.places).try_acquire_owned() {
            Ok(place) => drop(tokio::spawn(Arc::clone(&self.lane).exchange(call, place))),
            Err(_) => drop(self.waiting.send_replace(Some(call))),
        }
    }
}

impl Lane {
    /// Sends what waits for a place.
    async fn run(self: Arc<Lane>, mut newest: watch::Receiver<Option<Call>>) {
        while newest.changed().await.is_ok() {
            let place = Arc::clone(&self.places).acquire_owned().await;
            let call = newest.borrow_and_update().clone();
            if let Some(call) = call {
                tokio::spawn(Arc::clone(&self).exchange(call, place.expect("it is never closed")));
            }
        }
    }

    /// Makes one call and passes its answer on.
    async fn exchange(self: Arc<Lane>, call: Call, _place: OwnedSemaphorePermit) {
        let (sent, stamp, request) = call;
        match self.call(stamp, &request).await {
            Ok((stamp, response)) => {
                self.reachable.store(true, Ordering::Relaxed);
                // A loop that is gone needs no answer.
                let answered = Incoming::Answered { from: self.to.clone(), sent, stamp, response };
                let _ = self.inbox.send(answered).await;
            }
            Err(error) => {
                if self.reachable.swap(false, Ordering::Relaxed) {
                    say(&self.from, format_args!("no answer from {}: {error:#}", self.to));
                }
            }
        }
    }

    async fn call(&self, stamp: Stamp, request: &Request) -> Result<(Stamp, Response)> {
        let endpoint = Endpoint::of(request);
        let mut incarnations = HeaderMap::new();
        put_stamp(&mut incarnations, stamp);
        let response = self
            .client
            .post(format!("http://{}/raft/{}", self.address, endpoint.name()))
            .timeout(self.timeout)
            .header(CONTENT_TYPE, "application/json")
            .headers(incarnations)
            .body(wire::request_body(request))
            .send()
            .await?;
        let (status, stamp) = (response.status(), stamp_of(response.headers()));
        let body = response.bytes().await?;
        if !status.is_success() {
            // It says why: most often that one of the two was set up for another cluster.
            bail!("it refused with {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok((stamp, endpoint.response(&body)?))
    }
}

#[cfg(test)]
mod tests {
    use http::request::Parts;
    use hyper::body::Bytes;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;
    use crate::core::AppendRequest;
    use crate::server::RequestLimits;
    use crate::server::api::Response;
    use crate::server::connections::{Endpoints, serve};
    use crate::server::inbox::inbox;

    /// Far beyond what anything takes: it only ends a test that hangs.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Passes on what it is asked, and never answers.
    #[derive(Clone)]
    struct Silent(mpsc::UnboundedSender<Bytes>);

    impl Endpoints for Silent {
        fn body_max(&self, _path: &str) -> usize {
            1_000
        }

        async fn answer(&self, _head: Parts, body: Bytes) -> Response {
            let _ = self.0.send(body);
            std::future::pending().await
        }
    }

    fn heartbeat(commit: u64) -> Request {
        Request::Append(AppendRequest {
            term: 1,
            leader: "n1".into(),
            previous_index: 0,
            previous_term: 0,
            entries: Vec::new(),
            commit,
            round: 0,
        })
    }

    /// A call that is lost here is missed by the core only after an election timeout: all that it sent
    /// behind that is refused, and no write acknowledged until then.
    #[tokio::test]
    async fn calls_made_in_one_go_all_go_out_as_long_as_there_are_places() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, mut bodies) = mpsc::unbounded_channel();
        let to = NodeId::from("n2");
        let name = to.clone();
        tokio::spawn(async move {
            serve(&name, listener, Silent(asked), RequestLimits::default(), 100).await
        });
        let (inbox, _incoming) = inbox();
        let mut peers = Peers::start(&Config::of_one_node(), &inbox).unwrap();
        let lanes = peers.start_lanes(&to, &address);
        peers.lanes.insert(to.clone(), lanes);
        let places = peers.width as u64;
        for commit in 1..=places {
            peers.call(&to, Duration::ZERO, Stamp::default(), heartbeat(commit));
        }
        let mut arrived = BTreeSet::new();
        for _ in 1..=places {
            let body = tokio::time::timeout(PATIENCE, bodies.recv()).await.expect("all arrive");
            let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
            arrived.insert(body["leaderCommit"].as_u64().unwrap());
        }
        assert_eq!(arrived, (1..=places).collect());
    }
}
