//! The loop that owns the core: takes in what gathered, steps, executes the effects in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

use super::events::{Events, say};
use super::failure::Failure;
use super::inbox::{Health, Incoming};
use super::peers::Peers;
use crate::core::{
    Configuration, Disbelief, Displaced, Effect, Input, Node, NodeId, Reply, Response, RoleChange,
    Snapshot, Stamp, Status,
};
use crate::driver::{Account, Batch, Turn};

/// The most events that are taken in between two looks at the clock.
const DRAIN_MAX: usize = 1_024;

/// Runs the node until its disk fails or all that could put something into the inbox is gone.
pub(super) async fn run(
    node: Node,
    mut inbox: mpsc::Receiver<Incoming>,
    disk: std::sync::mpsc::Sender<Batch>,
    snapshots: std::sync::mpsc::Sender<Arc<Snapshot>>,
    peers: Peers,
    events: Events,
) -> Result<(), Failure> {
    let start = Instant::now();
    let account = events.are_wanted().then(Account::default);
    let mut driver = Driver {
        node,
        disk,
        snapshots,
        peers,
        events,
        replies: BTreeMap::new(),
        calls: BTreeMap::new(),
        last_number: 0,
        start,
        account,
        disbelieved: None,
        displaced: None,
        members: Configuration::default(),
    };
    driver.report_role();
    driver.report_members();
    driver.peers.follow(&driver.node, &driver.node.contacts());
    let mut gathered = Vec::with_capacity(DRAIN_MAX);
    loop {
        let deadline = (start + driver.node.next_deadline()).into();
        if let Ok(0) = timeout_at(deadline, inbox.recv_many(&mut gathered, DRAIN_MAX)).await {
            return Ok(());
        }
        // The clock is read after the wait, however long that was, and what arrived meanwhile is
        // taken in before the core looks at its deadlines: a node that was stopped for a while
        // must not depose a leader whose heartbeats are waiting to be read.
        driver.turn(start.elapsed(), &mut gathered)?;
    }
}

/// The core and everything its effects act on.
struct Driver {
    node: Node,
    disk: std::sync::mpsc::Sender<Batch>,
    snapshots: std::sync::mpsc::Sender<Arc<Snapshot>>,
    peers: Peers,
    events: Events,
    /// The receiver of each reply, by the number of the request.
    replies: BTreeMap<u64, oneshot::Sender<Reply>>,
    /// The node that asked and the receiver of each response, by the number of the call.
    calls: BTreeMap<u64, (NodeId, oneshot::Sender<(Stamp, Response)>)>,
    /// The last number given to a request or call.
    last_number: u64,
    /// The time from which the clock counts.
    start: Instant,
    /// The account of it all, if anyone wants to know.
    account: Option<Account>,
    /// The node that was not believed last, and its claim.
    disbelieved: Option<(NodeId, Disbelief)>,
    /// The notice that was reported last.
    displaced: Option<Displaced>,
    /// The members that were reported last.
    members: Configuration,
}

impl Driver {
    /// Steps through everything that gathered, then executes what the core asked for.
    fn turn(&mut self, now: Duration, gathered: &mut Vec<Incoming>) -> Result<(), Failure> {
        // A clock before 1970 counts as 1970; the bug that goes by it is as bad with that.
        let wall = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut turn = Turn::begin(&mut self.node, now, wall);
        for event in gathered.drain(..) {
            let input = match event {
                Incoming::Command { command, reply, .. } => {
                    let request = self.number();
                    self.replies.insert(request, reply);
                    turn.propose(request, command);
                    continue;
                }
                Incoming::Query { query, reply, .. } => {
                    let request = self.number();
                    self.replies.insert(request, reply);
                    Input::Query { request, query }
                }
                Incoming::Transfer { to, reply } => {
                    let request = self.number();
                    self.replies.insert(request, reply);
                    Input::Transfer { request, to }
                }
                Incoming::ChangeMembers { change, reply } => {
                    let request = self.number();
                    self.replies.insert(request, reply);
                    Input::ChangeMembers { request, change }
                }
                Incoming::TakeSnapshot { reply } => {
                    let request = self.number();
                    self.replies.insert(request, reply);
                    Input::TakeSnapshot { request }
                }
                Incoming::HandOver { reply } => {
                    let Some(to) = self.node.best_successor() else { continue };
                    let request = self.number();
                    self.replies.insert(request, reply);
                    Input::Transfer { request, to }
                }
                Incoming::Called { request, stamp, reply } => {
                    let call = self.number();
                    self.calls.insert(call, (request.sender().clone(), reply));
                    if let Some(account) = &mut self.account {
                        let refusal = self.node.refuses_vote_of(now, &request);
                        account.asked(self.start.elapsed(), call, &request, refusal);
                    }
                    self.report_disbelief(
                        request.sender(),
                        self.node.disbelieves_request(&stamp, &request),
                    );
                    Input::Request { call, stamp, request }
                }
                Incoming::Answered { from, sent, stamp, response } => {
                    if let Some(account) = &mut self.account {
                        account.answered(self.start.elapsed(), &from, &response);
                    }
                    let disbelief = self.node.disbelieves_response(&from, &stamp, &response);
                    self.report_disbelief(&from, disbelief);
                    Input::Response { from, sent, stamp, response }
                }
                Incoming::Persisted { through } => Input::Persisted { through },
                Incoming::SnapshotSaved { index } => Input::SnapshotSaved { index },
                Incoming::Status { reply } => {
                    // The one that asked may have gone; then the answer is not needed.
                    let _ = reply.send(self.node.status());
                    continue;
                }
                Incoming::Health { reply } => {
                    let leader = self.node.status().leader;
                    let (can_commit, can_read) = (self.node.can_commit(), self.node.can_read());
                    let _ = reply.send(Health { leader, can_commit, can_read });
                    continue;
                }
                Incoming::Applied { after, limit, reply } => {
                    let _ = reply.send(self.node.applied_after(after, limit));
                    continue;
                }
                Incoming::Contents { after, bytes_max, reply } => {
                    let _ = reply.send(self.node.contents_after(after.as_deref(), bytes_max));
                    continue;
                }
                Incoming::DiskFailed(error) => return Err(Failure::Disk(error)),
            };
            turn.step(&mut self.node, input);
        }
        let effects = turn.end(&mut self.node);
        self.report_members();
        self.report_displacement();
        let contacts = self.node.contacts();
        self.peers.follow(&self.node, &contacts);
        self.execute(now, effects)?;
        self.peers.let_go(&contacts);
        if let Some(account) = &mut self.account {
            account.report(self.start.elapsed(), &self.node.status());
            account.take_lines().for_each(|line| self.events.send(line));
        }
        Ok(())
    }

    /// Executes effects in order; records go to the disk thread together. A receiver that is gone
    /// is a client or node that did not wait: its answer is dropped, as the network might do.
    fn execute(&mut self, now: Duration, effects: Vec<Effect>) -> Result<(), Failure> {
        // Of a step, its role comes last; told first, it stands before what the node does in that role.
        for effect in &effects {
            if let Effect::Role(change) = effect {
                self.report_change(change);
            }
        }
        let mut batch = Batch::default();
        for effect in effects {
            match effect {
                Effect::Persist { sequence, record } => batch.push(sequence, record),
                Effect::SaveSnapshot(snapshot) => {
                    let sent = self.snapshots.send(snapshot);
                    sent.map_err(|_| anyhow!("the thread that writes snapshots is gone"))?;
                }
                Effect::Call { to, request } => {
                    if let Some(account) = &mut self.account {
                        account.asks(self.start.elapsed(), &to, &request);
                    }
                    self.peers.call(&to, now, self.node.stamp_for(&to), request);
                }
                Effect::Respond { call, response } => {
                    if let Some(account) = &mut self.account {
                        account.answers(self.start.elapsed(), call, &response);
                    }
                    if let Some((to, reply)) = self.calls.remove(&call) {
                        let _ = reply.send((self.node.stamp_for(&to), response));
                    }
                }
                Effect::Reply { request, reply } => {
                    if let Some(receiver) = self.replies.remove(&request) {
                        let _ = receiver.send(reply);
                    }
                }
                Effect::Role(_) => {}
                Effect::Stop(reason) => return Err(Failure::Clock(reason)),
            }
        }
        if !batch.is_empty() {
            self.disk.send(batch).map_err(|_| anyhow!("the disk thread is gone"))?;
        }
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Says that a message of `from` is not believed, if it is not; once for each such claim.
    fn report_disbelief(&mut self, from: &NodeId, disbelief: Option<Disbelief>) {
        let Some(disbelief) = disbelief else { return };
        // It has a report of its own, which says what to do.
        if matches!(disbelief, Disbelief::Receiver { .. }) {
            return;
        }
        let is_known = |(node, known): &(NodeId, Disbelief)| {
            node == from && known.is_about_the_same(&disbelief)
        };
        if !self.disbelieved.as_ref().is_some_and(is_known) {
            self.disbelieved = Some((from.clone(), disbelief));
            say(&self.node.options().id, format_args!("does not believe {from} {disbelief}"));
        }
    }

    /// Says that the others count on another data directory, or do not any more, if that has changed.
    fn report_displacement(&mut self) {
        let displaced = self.node.displaced();
        if self.displaced.as_ref() == displaced {
            return;
        }
        self.displaced = displaced.cloned();
        let id = &self.node.options().id;
        match &self.displaced {
            Some(displaced) => say(id, format_args!("takes no part: {}", displaced.advice(id))),
            None => say(id, "takes part again"),
        }
    }

    /// Says who the members are, if that has changed.
    fn report_members(&mut self) {
        let members = self.node.configuration();
        if !self.members.has_the_members_of(members) {
            self.members = members.clone();
            say(&self.node.options().id, format_args!("the members are {members}"));
        }
    }

    fn report_role(&mut self) {
        let Status { role, term, leader, .. } = self.node.status();
        self.report_change(&RoleChange { role, term, leader });
    }

    fn report_change(&mut self, change: &RoleChange) {
        if let Some(account) = &mut self.account {
            account.role(self.start.elapsed(), change, &self.node.status());
            account.take_lines().for_each(|line| self.events.send(line));
        }
        let leader = change.leader.as_ref().map_or("nobody", NodeId::as_str);
        let id = &self.node.options().id;
        say(id, format_args!("{} in term {}, led by {leader}", change.role, change.term));
    }
}
