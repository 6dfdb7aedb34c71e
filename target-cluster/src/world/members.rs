//! Changes of the members in a simulation, and the faults that a cluster can bear while they go on.

use super::faults::ChangeKind;
use super::host::Incoming;
use super::message::Message;
use super::node_turns::{Before, TRANSFER};
use super::simulation::Simulation;
use super::situations::Situation;
use crate::core::{
    Configuration, Effect, Input, MemberChange, Node, NodeId, Payload, Record, Request, RoleName,
};

impl Simulation {
    /// A node is asked to change the members, so that the change has something to do by what the node
    /// knows; but never so that only damaged nodes could serve.
    pub(super) fn change_members(&mut self, node: usize, kind: ChangeKind, pick: u32) {
        let Some(running) = self.hosts[node].running() else { return };
        let now = running.node.configuration().clone();
        let Some(change) = self.change_of(&now, kind, pick as usize) else { return };
        if now.is_joint() {
            self.situations.note(Situation::ChangeRefused);
        } else if let Ok(target) = change.target(&now) {
            let is_sound = |id: &NodeId| self.hosts[self.position(id)].damaged.is_none();
            if !target.has_quorum(is_sound) {
                return;
            }
            // It counts from now on, though the node takes it in with its next turn.
            self.hosts[node].configurations.push(target);
        }
        self.say(|world| format!("{} is asked for {change:?}", world.name(node)));
        let input = Input::ChangeMembers { request: TRANSFER, change };
        self.put_in(node, Incoming::Input(input));
    }

    /// A change of that kind, of members that there are.
    fn change_of(
        &self,
        now: &Configuration,
        kind: ChangeKind,
        pick: usize,
    ) -> Option<MemberChange> {
        let one_of = |choices: Vec<NodeId>| {
            let count = choices.len();
            choices.into_iter().nth(pick % count.max(1))
        };
        let strangers = self.hosts.iter().map(|host| host.id()).filter(|id| !now.is_member(id));
        let stranger = one_of(strangers.cloned().collect());
        let voter = one_of(now.voters().iter().cloned().collect());
        let learner = one_of(now.learners().iter().cloned().collect());
        let address = None;
        Some(match kind {
            ChangeKind::Add => MemberChange::Add { node: stranger?, address, learner: false },
            ChangeKind::AddLearner => MemberChange::Add { node: stranger?, address, learner: true },
            ChangeKind::Remove => MemberChange::Remove { node: voter.or(learner)? },
            ChangeKind::Replace => {
                MemberChange::Replace { node: voter?, by: learner.or(stranger)?, address }
            }
            ChangeKind::Demote => MemberChange::Demote { node: voter? },
            ChangeKind::Promote => MemberChange::Promote { node: learner? },
        })
    }

    /// True if each configuration that some node may go by has a quorum besides the nodes for which
    /// `gone` is true.
    pub(super) fn can_do_without(&self, gone: impl Fn(usize) -> bool) -> bool {
        self.any_configurations()
            .all(|configuration| configuration.has_quorum(|id| !gone(self.position(id))))
    }

    /// The configurations that some node may go by: those that they have, and those on their way to them.
    /// A leader may have sent one on that its own disk did not take.
    fn any_configurations(&self) -> impl Iterator<Item = &Configuration> {
        let hosts = self.hosts.iter().filter(|host| host.damaged.is_none());
        let known = hosts.flat_map(|host| host.configurations.iter().filter(|it| it.is_known()));
        let on_way = self.messages.iter().filter_map(|packet| match &packet.message {
            Message::Request(_, request) => Some(request),
            Message::Response(..) => None,
        });
        let inboxes = self.hosts.iter().filter_map(|host| host.running());
        let arrived = inboxes.flat_map(|running| &running.inbox).filter_map(|one| match one {
            Incoming::Input(Input::Request { request, .. }) => Some(request),
            _ => None,
        });
        let appends = on_way.chain(arrived).filter_map(|request| match request {
            Request::Append(append) => Some(&append.entries),
            _ => None,
        });
        let sent = appends.flatten().filter_map(|entry| match &entry.payload {
            Payload::Configuration(configuration) => Some(configuration),
            _ => None,
        });
        known.chain(sent)
    }

    /// True if a node would be refused by so many that lost their disks that the others decide nothing with
    /// it: those that hold its incarnation durably, in a configuration that is never undone.
    pub(super) fn is_noted(&self, node: usize) -> bool {
        let takes_it = |one: usize| {
            one == node || self.hosts[one].damaged.is_some() || !self.holds_note(one, node)
        };
        self.any_configurations()
            .all(|configuration| !configuration.has_quorum(|id| takes_it(self.position(id))))
    }

    /// True if a node that runs has synced all, and goes by no configuration without the incarnation of
    /// another one as a voter.
    fn holds_note(&self, holder: usize, of: usize) -> bool {
        let Some(running) = self.hosts[holder].running() else { return false };
        let (id, incarnation) = (self.name(of), self.hosts[of].options.incarnation);
        let has_note = |it: &Configuration| !it.is_voter(id) || it.incarnation(id) == incarnation;
        running.writing.is_none()
            && running.queued.is_empty()
            && running.node.possible_configurations().all(has_note)
    }

    /// Notes the configurations that a node may go by from now on, after a crash too.
    pub(super) fn note_configurations(&mut self, node: usize) {
        let host = &mut self.hosts[node];
        let Some(running) = host.running() else { return };
        if !running.node.possible_configurations().eq(&host.configurations) {
            host.configurations = running.node.possible_configurations().cloned().collect();
        }
    }

    /// Notes the situations around changes of the members that the effects of a turn show.
    pub(super) fn note_members(&mut self, node: usize, before: &Before, effects: &[Effect]) {
        let founded = node < self.plan.founders;
        let running = self.hosts[node].running();
        if !before.displaced && running.is_some_and(|it| it.node.displaced().is_some()) {
            self.note(node, Situation::DisplacedRefused);
        }
        for effect in effects {
            let Some(running) = self.hosts[node].running() else { return };
            let core = &running.node;
            let situation = match effect {
                Effect::Persist { record: Record::Truncate { from }, .. }
                    if *from <= before.configured_at =>
                {
                    Situation::ConfigurationUndone
                }
                Effect::Persist { record: Record::Base { index, dropped, .. }, .. }
                    if *dropped > 0 && index == dropped && !founded =>
                {
                    Situation::NewcomerInstalled
                }
                Effect::Persist { record: Record::Entry(entry), .. } => match &entry.payload {
                    Payload::Configuration(configuration) if core.leads() == Some(entry.term) => {
                        match configuration.is_joint() {
                            true => Situation::JointAppended,
                            false if before.is_joint && !before.changes => {
                                Situation::JointTakenOver
                            }
                            false => continue,
                        }
                    }
                    _ => continue,
                },
                Effect::Role(change) if change.role == RoleName::Leader && !founded => {
                    Situation::NewcomerElected
                }
                Effect::Role(change)
                    if before.role == RoleName::Leader
                        && change.role == RoleName::Follower
                        && change.term == before.term
                        && !core.configuration().is_voter(&core.options().id) =>
                {
                    Situation::LeaderRetired
                }
                _ => continue,
            };
            self.note(node, situation);
        }
    }
}

/// The members of a node before a turn, and what it was about to do with them.
impl Before {
    pub(super) fn of(node: &Node) -> Before {
        Before {
            role: node.role(),
            term: node.term(),
            commit: node.commit(),
            is_joint: node.configuration().is_joint(),
            configured_at: node.configuration_index(),
            changes: node.wanted_configuration().is_some(),
            displaced: node.displaced().is_some(),
        }
    }
}
