//! The accounts that the nodes of a simulation give of themselves, as those of a server do on their
//! standard output.

use serde_json::{Value, json};

use super::simulation::Simulation;
use crate::core::{Effect, Input, Node, RoleChange, Time};
use crate::driver::Account;

/// A line that a node told.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeLine {
    /// The time, by no node's clock.
    pub time: Time,
    /// The name of the node.
    pub node: String,
    /// The line.
    pub line: Value,
}

/// Notes what a node takes in; `clock` is what its own clock shows.
pub(super) fn takes_in(
    account: &mut Option<Account>,
    node: &Node,
    input: &Input,
    now: Time,
    clock: Time,
) {
    let Some(account) = account else { return };
    match input {
        Input::Request { call, request, .. } => {
            account.asked(now, *call, request, node.refuses_vote_of(clock, request));
        }
        Input::Response { from, response, .. } => account.answered(now, from, response),
        _ => {}
    }
}

impl Simulation {
    /// Everything that the nodes told, if it was to be written down.
    pub fn told(&self) -> &[NodeLine] {
        self.told.as_deref().unwrap_or_default()
    }

    /// A node has just started.
    pub(super) fn tell_start(&mut self, node: usize) {
        if self.told.is_none() {
            return;
        }
        self.tell(node, json!({"event": "started", "pid": node + 1}));
        let now = self.now;
        if let Some(running) = self.hosts[node].running_mut()
            && let Some(account) = &mut running.account
        {
            let status = running.node.status();
            let change =
                RoleChange { role: status.role, term: status.term, leader: status.leader.clone() };
            account.role(now, &change, &status);
        }
        self.take_lines(node);
    }

    /// A node that runs ends.
    pub(super) fn tell_end(&mut self, node: usize) {
        if self.told.is_some() && self.hosts[node].running().is_some() {
            self.take_lines(node);
            self.tell(node, json!({"event": "exited", "status": "stopped"}));
        }
    }

    /// The roles in which a node does what comes of a turn.
    pub(super) fn tell_roles(&mut self, node: usize, effects: &[Effect]) {
        let now = self.now;
        let Some(running) = self.hosts[node].running_mut() else { return };
        let Some(account) = &mut running.account else { return };
        for effect in effects {
            if let Effect::Role(change) = effect {
                account.role(now, change, &running.node.status());
            }
        }
    }

    /// A node sends something.
    pub(super) fn tell_effect(&mut self, node: usize, effect: &Effect) {
        let now = self.now;
        let Some(running) = self.hosts[node].running_mut() else { return };
        let Some(account) = &mut running.account else { return };
        match effect {
            Effect::Call { to, request } => account.asks(now, to, request),
            Effect::Respond { call, response } => account.answers(now, *call, response),
            _ => {}
        }
    }

    /// A turn of a node is over.
    pub(super) fn tell_turn(&mut self, node: usize) {
        let now = self.now;
        if let Some(running) = self.hosts[node].running_mut()
            && let Some(account) = &mut running.account
        {
            account.report(now, &running.node.status());
            self.take_lines(node);
        }
    }

    fn take_lines(&mut self, node: usize) {
        let Some(running) = self.hosts[node].running_mut() else { return };
        let Some(account) = &mut running.account else { return };
        let lines: Vec<Value> = account.take_lines().collect();
        lines.into_iter().for_each(|line| self.tell(node, line));
    }

    fn tell(&mut self, node: usize, line: Value) {
        let (time, name) = (self.now, self.name(node).to_string());
        if let Some(told) = &mut self.told {
            told.push(NodeLine { time, node: name, line });
        }
    }
}
