//! A world in which nothing happens by itself: its driver, such as a golden script, says which
//! effect is executed, which packet delivered and which disk synced next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::clock::WALL_AT_START;
use super::describe;
use super::invariants::{Violation, Watch};
use super::message::Message;
use crate::bugs::{Bug, Bugs};
use crate::core::{
    APPLY_ENTRIES_MAX, Effect, Input, MemberChange, Node, NodeId, Options, Proposal, Recovered,
    Settings, SnapshotOptions, Stamp, Time, Timings,
};
use crate::kv::{EncodedCommand, Operation};
use crate::storage::{
    MemoryDisk, OpenError, SnapshotWriter, Started, WriteAheadLog, needs_barrier, recover,
};
use crate::wire::Endpoint;

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// The incarnations of both.
    stamp: Stamp,
    /// Its content.
    message: Message,
}

/// The kind of a message that was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    /// It asks.
    Request,
    /// It answers.
    Response,
}

/// A world driven by hand.
pub struct World {
    now: Time,
    pub(super) hosts: BTreeMap<NodeId, Host>,
    packets: Vec<Packet>,
    /// The sender and receiver between which nothing gets through.
    cuts: BTreeSet<(NodeId, NodeId)>,
    /// The last number given to a client's request or to a call.
    last_number: u64,
    pub(super) trace: Vec<String>,
    watch: Watch,
    violations: Vec<Violation>,
}

/// A machine: what a node is started with, and the node or what its crash left.
pub(super) struct Host {
    pub(super) options: Options,
    state: State,
    /// The time by which its wall clock was set forwards, and back.
    wall_ahead: Time,
    wall_behind: Time,
    /// The time by which its clock that never goes back leapt ahead.
    leapt: Time,
}

enum State {
    Up(Box<RunningNode>),
    Down(MemoryDisk),
}

/// A running node.
struct RunningNode {
    node: Node,
    wal: WriteAheadLog<MemoryDisk>,
    /// The effects that the core asked for and that were not executed yet.
    effects: VecDeque<Effect>,
    /// The sequence number of the last record written, of the last synced, and of the last that was
    /// reported to the core as durable: the same unless a planted bug reports it too early.
    written: u64,
    synced: u64,
    reported: u64,
    /// The snapshot that is written.
    saving: Option<SnapshotWriter>,
    /// The node that waits for the response to a call.
    callers: BTreeMap<u64, (NodeId, Time)>,
}

impl World {
    /// A world of `nodes` nodes n1, n2, … that have just started for the first time; the first
    /// `founders` of them are voters, and the others wait to be members.
    pub fn new(
        nodes: usize,
        founders: usize,
        snapshots: SnapshotOptions,
        timings: Timings,
        settings: &Settings,
        bugs: &Bugs,
    ) -> World {
        let names: Vec<NodeId> = (1..=nodes).map(|n| NodeId::from(&*format!("n{n}"))).collect();
        let mut world = World {
            now: Time::ZERO,
            hosts: BTreeMap::new(),
            packets: Vec::new(),
            cuts: BTreeSet::new(),
            last_number: 0,
            trace: Vec::new(),
            watch: Watch::new(nodes),
            violations: Vec::new(),
        };
        for (position, id) in names.iter().enumerate() {
            let options = Options {
                id: id.clone(),
                voters: names[..if position < founders { founders } else { 0 }]
                    .iter()
                    .cloned()
                    .collect(),
                timings,
                apply_entries_max: APPLY_ENTRIES_MAX,
                snapshots,
                settings: settings.clone(),
                seed: (nodes + position) as u64,
                incarnation: None,
                life: 0,
                bugs: bugs.clone(),
            };
            let host = Host {
                options,
                state: State::Down(MemoryDisk::default()),
                wall_ahead: Time::ZERO,
                wall_behind: Time::ZERO,
                leapt: Time::ZERO,
            };
            world.hosts.insert(id.clone(), host);
            world.start(id);
        }
        world
    }

    /// The time everywhere.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The names of all nodes.
    pub fn names(&self) -> Vec<NodeId> {
        self.hosts.keys().cloned().collect()
    }

    /// The nodes that run.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.hosts.values().filter_map(|host| match &host.state {
            State::Up(running) => Some(&running.node),
            State::Down(_) => None,
        })
    }

    /// The node, if it runs.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes().find(|node| node.options().id == *id)
    }

    /// The packets on their way, oldest first.
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }

    /// The nodes that have effects to execute.
    pub(crate) fn busy(&self) -> Vec<NodeId> {
        self.those(|running| !running.effects.is_empty())
    }

    /// The nodes in which something waits for a barrier.
    pub(crate) fn waiting_for_barrier(&self) -> Vec<NodeId> {
        self.those(|running| running.written > running.reported)
    }

    /// Takes the trace: a line for everything that happened since it was last taken.
    pub fn take_trace(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
    }

    /// The properties that were broken so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Time passes; no node notices until it is ticked.
    pub fn advance(&mut self, by: Time) {
        self.now += by;
    }

    /// Lets a node look at the clock.
    pub fn tick(&mut self, id: &NodeId) {
        self.step(id, Input::Tick);
    }

    /// A client sends a request to a node; returns its number. Of a node that is down nothing
    /// comes back.
    pub fn submit(&mut self, id: &NodeId, operation: Operation) -> u64 {
        let request = self.number();
        let input = match operation {
            Operation::Query(query) => Input::Query { request, query },
            Operation::Command(command) => {
                let command = EncodedCommand::new(&command);
                Input::Propose(vec![Proposal { request, command }])
            }
        };
        self.step(id, input);
        request
    }

    /// A node is asked to hand leadership to another; returns the request's number.
    pub fn transfer(&mut self, id: &NodeId, to: &NodeId) -> u64 {
        let request = self.number();
        self.step(id, Input::Transfer { request, to: to.clone() });
        request
    }

    /// A node is asked to change the members; returns the request's number.
    pub fn change_members(&mut self, id: &NodeId, change: MemberChange) -> u64 {
        let request = self.number();
        self.step(id, Input::ChangeMembers { request, change });
        request
    }

    /// A node is asked to take a snapshot; returns the request's number.
    pub fn take_snapshot(&mut self, id: &NodeId) -> u64 {
        let request = self.number();
        self.step(id, Input::TakeSnapshot { request });
        request
    }

    /// The nodes that write a snapshot.
    pub(crate) fn saving(&self) -> Vec<NodeId> {
        self.those(|running| running.saving.is_some())
    }

    /// The snapshot that a node writes becomes durable; or so many steps of that are done.
    pub fn save(&mut self, id: &NodeId, steps: usize) {
        let Some(running) = self.running(id) else { return };
        let Some(writer) = &mut running.saving else { return };
        for _ in 0..steps {
            let is_saved = writer.advance(running.wal.disk_mut());
            if is_saved.expect("a disk in memory does not fail") {
                let index = writer.index();
                running.saving = None;
                self.trace.push(format!("{id} saved the snapshot through {index}"));
                return self.step(id, Input::SnapshotSaved { index });
            }
        }
        self.trace.push(format!("{id} is about to save a snapshot"));
    }

    /// Executes the first effect that the node has not executed yet.
    pub fn execute(&mut self, id: &NodeId) {
        let now = self.clock_of(id);
        let Some(running) = self.running(id) else { return };
        let Some(effect) = running.effects.pop_front() else { return };
        let line = describe::effect(id, &effect);
        let from = id.clone();
        match effect {
            Effect::Persist { sequence, record } => {
                running.wal.append([&record]).expect("a disk in memory does not fail");
                running.written = sequence;
                let all_reported = running.reported + 1 == sequence;
                if all_reported && !needs_barrier(&record, &running.node.options().bugs) {
                    running.reported = sequence;
                    self.trace.push(line);
                    return self.step(id, Input::Persisted { through: sequence });
                }
            }
            Effect::SaveSnapshot(snapshot) => running.saving = Some(SnapshotWriter::new(snapshot)),
            Effect::Call { to, request } => {
                let (stamp, message) =
                    (running.node.stamp_for(&to), Message::Request(now, request));
                self.packets.push(Packet { from, to, stamp, message });
            }
            Effect::Respond { call, response } => {
                let (to, sent) = running.callers.remove(&call).expect("a call is answered once");
                let (stamp, message) =
                    (running.node.stamp_for(&to), Message::Response(sent, response));
                self.packets.push(Packet { from, to, stamp, message });
            }
            Effect::Stop(_) => {
                self.trace.push(line);
                return self.stop(id, |_| "ends".to_string());
            }
            Effect::Reply { .. } | Effect::Role(_) => {}
        }
        self.trace.push(line);
    }

    /// Makes durable what the node has written, and reports that to it.
    pub fn sync(&mut self, id: &NodeId) {
        let Some(running) = self.running(id) else { return };
        if running.synced == running.written {
            return;
        }
        running.wal.sync().expect("a disk in memory does not fail");
        running.wal.mark().expect("a disk in memory does not fail");
        self.trace.push(format!("{id} syncs"));
        self.synced(id);
    }

    /// The node takes everything that it has written for durable.
    fn synced(&mut self, id: &NodeId) {
        let Some(running) = self.running(id) else { return };
        let through = running.written;
        running.synced = through;
        if std::mem::replace(&mut running.reported, through) < through {
            self.step(id, Input::Persisted { through });
        }
    }

    /// The node hears that its sync failed, and stops; what it wrote can still be read. With the
    /// planted bug `fsync-error-retried` it tries again, which succeeds.
    pub fn fail_sync(&mut self, id: &NodeId) {
        if let Some(running) = self.running(id)
            && running.node.options().bugs.contains(&Bug::FsyncErrorRetried)
        {
            running.wal.disk_mut().fail_sync();
            running.wal.sync().expect("a disk in memory does not fail");
            self.trace.push(format!("{id} cannot sync and tries again"));
            return self.synced(id);
        }
        self.stop(id, |disk| {
            disk.fail_sync();
            "cannot sync and stops".to_string()
        });
    }

    /// Sets the wall clock of a node's machine.
    pub fn set_wall_clock(&mut self, id: &NodeId, ahead: Time, behind: Time) {
        let host = self.hosts.get_mut(id).expect("it is one of the nodes");
        (host.wall_ahead, host.wall_behind) = (ahead, behind);
        self.trace.push(format!("{id} has its clock set {ahead:?} ahead, {behind:?} behind"));
    }

    /// The clock of a node that never goes back leaps ahead, as if it had run too fast for a moment.
    pub fn leap(&mut self, id: &NodeId, by: Time) {
        self.hosts.get_mut(id).expect("it is one of the nodes").leapt += by;
        self.trace.push(format!("{id} has its clock leap {by:?} ahead"));
    }

    /// The time that the clock of a node shows which never goes back.
    pub fn clock_of(&self, id: &NodeId) -> Time {
        self.now + self.hosts[id].leapt
    }

    /// Delivers a packet, unless the way is cut or the receiver down: then it is lost.
    pub fn deliver(&mut self, position: usize) {
        let Packet { from, to, stamp, message } = self.packets.remove(position);
        if self.cuts.contains(&(from.clone(), to.clone())) || self.running(&to).is_none() {
            self.trace.push(format!("{from}→{to} lost"));
            return;
        }
        let input = match message {
            Message::Request(sent, request) => {
                self.trace.push(format!("{from}→{to} {}", describe::request(&request)));
                let call = self.number();
                if let Some(running) = self.running(&to) {
                    running.callers.insert(call, (from, sent));
                }
                Input::Request { call, stamp, request }
            }
            Message::Response(sent, response) => {
                self.trace.push(format!("{from}→{to} {}", describe::response(&response)));
                Input::Response { from, sent, stamp, response }
            }
        };
        self.step(&to, input);
    }

    /// Loses a packet.
    pub fn drop_packet(&mut self, position: usize) {
        let Packet { from, to, .. } = self.packets.remove(position);
        self.trace.push(format!("{from}→{to} dropped"));
    }

    /// Puts a second copy of a packet on its way.
    pub fn duplicate(&mut self, position: usize) {
        let packet = self.packets[position].clone();
        self.trace.push(format!("{}→{} duplicated", packet.from, packet.to));
        self.packets.push(packet);
    }

    /// Puts a message on its way that its sender never sent: a request to an endpoint, or the response
    /// to one. If no node of the protocol could have sent it, it is refused at once.
    pub fn forge(
        &mut self,
        from: &NodeId,
        to: &NodeId,
        forged: Forged,
        endpoint: &str,
        body: &str,
    ) {
        let named = Endpoint::ALL.into_iter().find(|known| known.name() == endpoint);
        let endpoint = named.expect("it is one of the endpoints");
        let message = match forged {
            Forged::Request => {
                endpoint.request(body.as_bytes()).map(|request| Message::Request(self.now, request))
            }
            Forged::Response => endpoint
                .response(body.as_bytes())
                .map(|response| Message::Response(self.now, response)),
        };
        match message {
            Ok(message) => {
                let (from, to, stamp) = (from.clone(), to.clone(), Stamp::default());
                self.packets.push(Packet { from, to, stamp, message });
            }
            Err(error) => self.trace.push(format!("{from}→{to} refused: {error}")),
        }
    }

    /// Lets nothing through from one group to another. A node in no group talks to all.
    pub fn partition(&mut self, groups: &[Vec<NodeId>]) {
        let group = |id: &NodeId| groups.iter().position(|group| group.contains(id));
        for from in self.names() {
            for to in self.names() {
                if let (Some(one), Some(other)) = (group(&from), group(&to))
                    && one != other
                {
                    self.cut(&from, &to);
                }
            }
        }
    }

    /// Lets nothing through from one node to another; the way back stays open.
    pub fn cut(&mut self, from: &NodeId, to: &NodeId) {
        self.trace.push(format!("{from}→{to} cut"));
        self.cuts.insert((from.clone(), to.clone()));
    }

    /// Lets everything through again.
    pub fn heal(&mut self) {
        self.trace.push("healed".to_string());
        self.cuts.clear();
    }

    /// The node ends, and something happens to its disk.
    pub(super) fn stop(&mut self, id: &NodeId, happen: impl FnOnce(&mut MemoryDisk) -> String) {
        let host = self.hosts.get_mut(id).expect("it is one of the nodes");
        let (was_up, mut disk) =
            match std::mem::replace(&mut host.state, State::Down(MemoryDisk::default())) {
                State::Up(running) => (true, running.wal.into_disk()),
                State::Down(disk) => (false, disk),
            };
        let what = happen(&mut disk);
        host.state = State::Down(disk);
        if was_up {
            self.trace.push(format!("{id} {what}"));
        }
    }

    /// Starts a node that is down, with what is on its disk.
    pub fn start(&mut self, id: &NodeId) {
        self.try_start(id).expect("a crash corrupts nothing");
    }

    /// Starts a node that is down, unless its log is damaged.
    pub fn try_start(&mut self, id: &NodeId) -> Result<(), OpenError> {
        let position = self.hosts.keys().position(|one| one == id);
        let host = self.hosts.get_mut(id).expect("it is one of the nodes");
        let State::Down(disk) = &host.state else { return Ok(()) };
        let opened: Started<MemoryDisk> = recover(disk.clone(), &host.options.bugs)?;
        self.trace.extend(opened.refused.iter().map(|told| format!("{id}: {told}")));
        let Recovered { term, log, snapshot, .. } = &opened.recovered;
        let from = snapshot.as_ref().map(|it| format!(", and a snapshot through {}", it.index()));
        let from = from.unwrap_or_default();
        self.trace
            .push(format!("{id} starts in term {term} with {} entries{from}", log.last_index()));
        host.options.life += 1;
        let now = self.now + host.leapt;
        let node = Node::new(host.options.clone(), opened.recovered, now);
        let judgement = self.watch.started(position.expect("it is one of the nodes"), &node);
        self.violations.extend(judgement.err());
        host.state = State::Up(Box::new(RunningNode {
            node,
            wal: opened.wal,
            effects: VecDeque::new(),
            written: 0,
            synced: 0,
            reported: 0,
            saving: None,
            callers: BTreeMap::new(),
        }));
        Ok(())
    }

    /// Executes, syncs and delivers among these nodes, until nothing is left to do but wait.
    pub fn settle(&mut self, among: &[NodeId]) {
        let first = |names: Vec<NodeId>| names.into_iter().find(|id| among.contains(id));
        loop {
            let inside =
                |packet: &Packet| among.contains(&packet.from) && among.contains(&packet.to);
            if let Some(id) = first(self.busy()) {
                self.execute(&id);
            } else if let Some(id) = first(self.waiting_for_barrier()) {
                self.sync(&id);
            } else if let Some(id) = first(self.saving()) {
                self.save(&id, usize::MAX);
            } else if let Some(position) = self.packets.iter().position(inside) {
                self.deliver(position);
            } else {
                return;
            }
        }
    }

    /// Each entry of a node's log in short, those committed first, then `|` and the others.
    pub fn describe_log(&self, id: &NodeId) -> String {
        let Some(node) = self.node(id) else { return "down".to_string() };
        let commit = node.status().commit;
        let mut text = String::new();
        if node.log().base() > 0 {
            text += &format!("…{} ", node.log().base());
        }
        for entry in node.log().entries() {
            if entry.index == commit + 1 {
                text += "| ";
            }
            text += &format!("{} ", describe::entry(entry));
        }
        text.trim_end().to_string()
    }

    fn those(&self, test: impl Fn(&RunningNode) -> bool) -> Vec<NodeId> {
        let up = |host: &Host| matches!(&host.state, State::Up(running) if test(running));
        self.hosts.iter().filter(|(_, host)| up(host)).map(|(id, _)| id.clone()).collect()
    }

    fn running(&mut self, id: &NodeId) -> Option<&mut RunningNode> {
        match &mut self.hosts.get_mut(id).expect("it is one of the nodes").state {
            State::Up(running) => Some(running),
            State::Down(_) => None,
        }
    }

    fn step(&mut self, id: &NodeId, input: Input) {
        let now = self.clock_of(id);
        let position = self.hosts.keys().position(|one| one == id);
        let host = self.hosts.get_mut(id).expect("it is one of the nodes");
        let wall = (WALL_AT_START + now + host.wall_ahead).saturating_sub(host.wall_behind);
        let State::Up(running) = &mut host.state else { return };
        if running.node.options().bugs.contains(&Bug::WallClockLease) {
            let effects = running.node.step(now, Input::WallClock(wall));
            running.effects.extend(effects);
        }
        let effects = running.node.step(now, input);
        let position = position.expect("it is one of the nodes");
        let judgement = self.watch.turned(position, &running.node, &effects);
        running.effects.extend(effects);
        self.violations.extend(judgement.err());
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}
