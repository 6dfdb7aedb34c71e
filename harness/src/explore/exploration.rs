//! The cluster with its clients as a model of stateright's.

use std::sync::Arc;

use cluster::core::{
    APPLY_ENTRIES_MAX, NodeId, Options, RoleName, Settings, SnapshotOptions, Timings,
};
use stateright::{Model, Property};

use super::action::{Action, What};
use super::bounds::Bounds;
use super::clients::{Clients, Operation, Progress, leaves_open};
use super::member::{Known, Members, Outcome, Stimulus};
use super::message::{Message, name};
use super::situation::Situation;
use super::state::{Breach, State, leads};

/// The cluster and its clients within bounds.
#[derive(Debug)]
pub(crate) struct Exploration {
    bounds: Bounds,
    members: Members,
    operations: Vec<Operation>,
    names: Vec<NodeId>,
}

impl Exploration {
    /// Everything that may happen within these bounds.
    pub(crate) fn new(bounds: Bounds) -> Exploration {
        let names: Vec<NodeId> =
            (0..bounds.nodes).map(|node| NodeId::from(name(node).as_str())).collect();
        let options = |id: &NodeId| Options {
            id: id.clone(),
            voters: names.iter().cloned().collect(),
            timings: Timings::default(),
            apply_entries_max: APPLY_ENTRIES_MAX,
            snapshots: SnapshotOptions::NEVER,
            settings: Settings { append_entries: bounds.batch, ..Settings::default() },
            seed: 0,
            incarnation: None,
            life: 0,
            bugs: bounds.bugs.clone(),
        };
        let members = Members::new(names.iter().map(options).collect());
        let operations = bounds.operations.iter().enumerate();
        let operations =
            operations.map(|(position, kind)| Operation::new(*kind, position)).collect();
        Exploration { bounds, members, operations, names }
    }

    /// The outcome for the node to which it happens. None if it cannot happen, or changes nothing.
    fn outcome(&self, state: &State, action: &Action) -> Option<Arc<Outcome>> {
        let node = action.what.node()?;
        let member = &state.members[node];
        let stimulus = match &action.what {
            What::ElectionTimeout { .. } => {
                return self.election_timeout(state, node, action.stall);
            }
            What::Heartbeat { .. } => Stimulus::Heartbeat,
            What::Unheard { .. } => Stimulus::Unheard,
            What::Crash { .. } => Stimulus::Crash,
            What::Arrival { message } => Stimulus::Message(Arc::clone(message)),
            What::Send { client, .. } => {
                let Progress::Ready { attempt } = state.clients.progress[*client] else {
                    return None;
                };
                self.operations[*client].stimulus(*client, attempt)
            }
            What::Transfer { to, .. } => Stimulus::Transfer { to: self.names[*to].clone() },
            What::GiveUp { .. } => return None,
        };
        Some(self.members.outcome(node, member, &stimulus, action.stall))
    }

    /// A node asks for pre-votes, and is answered, all in one: pre-votes change no voter, and what
    /// a late answer would allow is allowed by an early one. Those who would vote for it answer
    /// first, so that it stands if it may.
    fn election_timeout(
        &self,
        state: &State,
        node: usize,
        stall: Option<usize>,
    ) -> Option<Arc<Outcome>> {
        let member = &state.members[node];
        let asked = self.members.outcome(node, member, &Stimulus::ElectionTimeout, stall);
        if asked.panic.is_some() || role(&asked.member) != RoleName::PreCandidate {
            return Some(asked);
        }
        let mut answers = Vec::new();
        for request in asked.sent.iter().filter(|message| message.is_pre_vote()) {
            let voter = &state.members[request.to];
            let stimulus = Stimulus::Message(Arc::clone(request));
            let answered = self.members.outcome(request.to, voter, &stimulus, None);
            answers.extend(answered.sent.iter().cloned());
        }
        answers.sort_by_key(|answer| !answer.grants());
        let mut candidate = Arc::clone(&asked.member);
        for answer in answers {
            let stimulus = Stimulus::Message(answer);
            let outcome = self.members.outcome(node, &candidate, &stimulus, stall);
            if outcome.panic.is_some() || role(&outcome.member) != RoleName::PreCandidate {
                return Some(outcome);
            }
            candidate = Arc::clone(&outcome.member);
        }
        None
    }

    /// Offers a step, and the same with the disk stalling, unless it changes nothing.
    fn offer(&self, state: &State, what: What, actions: &mut Vec<Action>) {
        let action = Action { what, stall: None };
        let Some(outcome) = self.outcome(state, &action) else { return };
        let node = action.what.node().expect("it has an outcome for one");
        let is_known = |message| state.network.holds(message);
        let changes_nothing = outcome.member.fingerprint == state.members[node].fingerprint
            && outcome.panic.is_none()
            && outcome.replies.is_empty()
            && outcome.sent.iter().all(is_known);
        if changes_nothing {
            return;
        }
        let what = action.what.clone();
        actions.push(action);
        if !state.members[node].stalled && state.stalled() < usize::from(state.crashes) {
            let stalls = (0..outcome.records).map(Some);
            actions.extend(stalls.map(|stall| Action { what: what.clone(), stall }));
        }
    }

    /// True if neither a message nor its answer would change a node. That stays so, in a term, as long
    /// as no crash takes anything from the receiver.
    fn changes_nothing(&self, members: &[Arc<Known>], message: &Arc<Message>) -> bool {
        let receiver = &members[message.to];
        let arrival = |message: &Arc<Message>| {
            let stimulus = Stimulus::Message(Arc::clone(message));
            self.members.outcome(message.to, &members[message.to], &stimulus, None)
        };
        let leaves_alone = |message: &Arc<Message>, outcome: &Outcome| {
            outcome.panic.is_none()
                && outcome.replies.is_empty()
                && outcome.member.fingerprint == members[message.to].fingerprint
        };
        if receiver.stalled {
            return false;
        }
        let outcome = arrival(message);
        leaves_alone(message, &outcome)
            && outcome.sent.iter().all(|answer| {
                let answered = arrival(answer);
                leaves_alone(answer, &answered) && answered.sent.is_empty()
            })
    }

    /// Takes the outcome for one node into the state.
    fn take(&self, state: &mut State, node: usize, outcome: &Outcome) {
        let before = std::mem::replace(&mut state.members[node], Arc::clone(&outcome.member));
        state.touched = state.touched.max(node + 1);
        state.situations |= outcome.situations;
        if let Some(panic) = &outcome.panic {
            state.note(Breach::Assertion, true);
            state.panic = Some(panic.as_str().into());
        }
        state.note(Breach::LeaderAppendOnly, outcome.overwrote_own_log);
        self.judge(state, node, &before);
        for (request, reply) in &outcome.replies {
            if leaves_open(reply) {
                state.situations |= Situation::OutcomeUnknown.bit();
            }
            let attempts = self.bounds.attempts;
            if let Some(clients) =
                state.clients.replied(*request, reply, &self.operations, attempts)
            {
                state.clients = clients;
            }
        }
        let members = &state.members;
        let is_spent = |message: &Arc<Message>| {
            !self.bounds.keeps_spent
                && (message.is_spent(members)
                    || ([message.from, message.to].contains(&node)
                        && state.crashes == 0
                        && self.changes_nothing(members, message)))
        };
        state.network = state.network.with(&outcome.sent, is_spent);
    }

    /// The state in which the first node leads, and every node has and knows as committed what it
    /// began with. All else that was sent is lost.
    fn settled(&self, first: State) -> State {
        let mut state = first;
        let pass = |state: &mut State, what: What| {
            *state = self.next_state(state, Action { what, stall: None }).expect("it is possible");
        };
        pass(&mut state, What::ElectionTimeout { node: 0 });
        // All that was sent arrives, in rounds; then the heartbeat that says what is committed.
        for _ in 0..2 {
            for _ in 0..4 {
                for message in std::mem::take(&mut state.network).messages.clone() {
                    pass(&mut state, What::Arrival { message });
                }
            }
            state.heartbeats += 1;
            pass(&mut state, What::Heartbeat { node: 0 });
        }
        state.network = Arc::default();
        state.situations = 0;
        // The others are alike still.
        state.touched = 1;
        state
    }

    /// Judges the node that changed by Raft's five promises.
    fn judge(&self, state: &mut State, node: usize, before: &Known) {
        let member = Arc::clone(&state.members[node]);
        let (old, new) = (before.node.status(), member.node.status());
        let term = new.term;
        if leads(&member) && (old.term, old.role) != (term, RoleName::Leader) {
            let at = term as usize - 1;
            state.leaders.resize(state.leaders.len().max(at + 1), None);
            let leader = state.leaders[at].get_or_insert(node as u8);
            let is_second = usize::from(*leader) != node;
            state.note(Breach::ElectionSafety, is_second);
            state.note(Breach::LeaderCompleteness, lacks(&state.committed.entries, &member));
            let others = state.members.iter().filter(|other| leads(other));
            if others.count() > 1 {
                state.situations |= Situation::TwoLeaders.bit();
            }
            if state.leaders.len() > 1 && state.transfers < self.bounds.transfers {
                state.situations |= Situation::Transferred.bit();
            }
        }
        if new.commit != old.commit {
            let known = &state.committed.entries;
            let own = member.node.committed_after(0);
            let differs = own.iter().zip(known).any(|(own, (known, _))| own != known);
            let more = own.get(known.len()..).unwrap_or_default();
            if more.is_empty() {
                state.note(Breach::StateMachineSafety, differs);
            } else {
                state.committed = state.committed.with(more, term);
                state.note(Breach::StateMachineSafety, differs);
                let committed = Arc::clone(&state.committed);
                let mut leaders = state.members.iter().filter(|it| leads(it));
                let lack = leaders.any(|it| lacks(&committed.entries, it));
                state.note(Breach::LeaderCompleteness, lack);
                if is_twice(own) {
                    state.situations |= Situation::RetryRecognised.bit();
                }
            }
        }
        if member.node.log() != before.node.log() {
            let matches = state.members.iter().all(|other| logs_match(&member, other));
            state.note(Breach::LogMatching, !matches);
        }
    }
}

fn role(member: &Known) -> RoleName {
    member.node.status().role
}

/// True if the log lacks something that was committed in a term before the node's.
fn lacks(committed: &[(Arc<cluster::core::Entry>, u64)], member: &Known) -> bool {
    let term = member.node.status().term;
    let must_hold = committed.iter().filter(|(_, committed_in)| *committed_in < term);
    must_hold.into_iter().any(|(entry, _)| member.node.log().get(entry.index) != Some(entry))
}

/// True if some command is committed twice.
fn is_twice(committed: &[Arc<cluster::core::Entry>]) -> bool {
    let commands = || committed.iter().map(|it| &it.payload).filter(|it| is_command(it));
    commands().enumerate().any(|(at, command)| commands().skip(at + 1).any(|it| it == command))
}

fn is_command(payload: &cluster::core::Payload) -> bool {
    matches!(payload, cluster::core::Payload::Command(_))
}

/// True if two logs that agree in the term at an index agree in all entries through it.
fn logs_match(a: &Known, b: &Known) -> bool {
    let pairs = a.node.log().entries().iter().zip(b.node.log().entries());
    let agree = pairs.clone().rposition(|(a, b)| a.term == b.term);
    agree.is_none_or(|last| pairs.take(last + 1).all(|(a, b)| a == b))
}

impl Model for Exploration {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let clients = Clients::new(self.operations.len());
        let Bounds { crashes, heartbeats, step_downs, transfers, .. } = self.bounds;
        let budgets = [crashes, heartbeats, step_downs, transfers];
        let first = State::first(self.members.first(), clients, budgets);
        vec![if self.bounds.settled { self.settled(first) } else { first }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.panic.is_some() {
            return;
        }
        // Nodes to which nothing has happened yet are alike: the first of them is as good as any.
        let may_act = |node: &usize| *node <= state.touched;
        for node in (0..self.bounds.nodes).filter(may_act) {
            let member = &state.members[node];
            if leads(member) {
                if state.heartbeats > 0 {
                    self.offer(state, What::Heartbeat { node }, actions);
                }
                if state.step_downs > 0 {
                    self.offer(state, What::Unheard { node }, actions);
                }
                if state.transfers > 0 {
                    let others = (0..self.bounds.nodes).filter(may_act).filter(|to| *to != node);
                    others.for_each(|to| self.offer(state, What::Transfer { node, to }, actions));
                }
            } else if node < self.bounds.candidates && member.node.status().term < self.bounds.terms
            {
                self.offer(state, What::ElectionTimeout { node }, actions);
            }
            if state.crashes > 0 && node < state.touched {
                self.offer(state, What::Crash { node }, actions);
            }
        }
        for message in state.network.messages.iter().filter(|message| may_act(&message.to)) {
            self.offer(state, What::Arrival { message: Arc::clone(message) }, actions);
        }
        for (client, operation) in self.operations.iter().enumerate() {
            match state.clients.progress[client] {
                Progress::Ready { .. } => {
                    let takes = |node: &usize| {
                        let member = &state.members[*node];
                        let room = member.node.log().last_index() < self.bounds.entries;
                        leads(member) && (room || !operation.kind.is_command())
                    };
                    for node in (0..self.bounds.nodes).filter(takes) {
                        self.offer(state, What::Send { client, node }, actions);
                    }
                }
                Progress::Waiting { attempt, .. } if attempt < self.bounds.attempts => {
                    actions.push(Action { what: What::GiveUp { client }, stall: None });
                }
                _ => {}
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        state.situations = 0;
        if let What::GiveUp { client } = action.what {
            state.clients = state.clients.gave_up(client, self.bounds.attempts);
            return Some(state);
        }
        let outcome = self.outcome(last, &action)?;
        let node = action.what.node()?;
        match action.what {
            What::Send { client, node } => {
                state.clients = state.clients.sent(client, node, &self.operations[client]);
            }
            What::Heartbeat { .. } => state.heartbeats -= 1,
            What::Unheard { .. } => state.step_downs -= 1,
            What::Transfer { .. } => state.transfers -= 1,
            What::Crash { .. } => {
                state.crashes -= 1;
                for client in 0..self.operations.len() {
                    let progress = state.clients.progress[client];
                    if matches!(progress, Progress::Waiting { node: at, .. } if at == node) {
                        state.clients = state.clients.gave_up(client, self.bounds.attempts);
                    }
                }
            }
            _ => {}
        }
        self.take(&mut state, node, &outcome);
        Some(state)
    }

    fn within_boundary(&self, state: &State) -> bool {
        let fits = |member: &Arc<Known>| {
            let status = member.node.status();
            status.term <= self.bounds.terms && status.last_index <= self.bounds.entries
        };
        state.members.iter().all(fits)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn properties(&self) -> Vec<Property<Exploration>> {
        super::properties::all(&self.bounds)
    }
}
