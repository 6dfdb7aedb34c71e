//! A cluster in simulated time: events in order, each a function of the plan and of those before.

use std::collections::BTreeSet;
use std::time::Duration;

use super::accounts::NodeLine;
use super::decisions::{Decision, Decisions};
use super::dice::{Dice, Purpose};
use super::event_queue::{Event, EventQueue, Process, Slots};
use super::faults::AimedFault;
use super::host::{Host, Incoming};
use super::invariants::{Violation, Watch};
use super::message::Message;
use super::network::Network;
use super::plan::Plan;
use super::situations::{Situation, Situations};
use super::{codec, describe};
use crate::core::{Incarnation, Input, NodeId, Options, Stamp, Status, Time};
use crate::kv::{EncodedCommand, Operation};

/// The time that a request of a client takes, and the reply to it.
const CLIENT_LATENCY: std::ops::Range<Duration> =
    Duration::from_micros(50)..Duration::from_micros(500);

/// The most messages that are on their way: hundreds of times of what a busy cluster has.
const MESSAGES_MAX: usize = 100_000;

/// A cluster in simulated time.
pub struct Simulation {
    pub(super) plan: Plan,
    pub(super) dice: Dice,
    pub(super) decisions: Decisions,
    pub(super) now: Time,
    pub(super) queue: EventQueue,
    pub(super) hosts: Vec<Host>,
    pub(super) network: Network,
    pub(super) messages: Slots<Packet>,
    pub(super) requests: Slots<(usize, u64, Operation)>,
    pub(super) replies: Slots<Received>,
    /// The faults of the schedule, and behind them those that followed a situation.
    pub(super) faults: Vec<AimedFault>,
    pub(super) watch: Watch,
    pub(super) situations: Situations,
    /// True once faults are over, but for those of the minority.
    pub(super) healed: bool,
    /// The number of messages to or from clients.
    pub(super) client_messages: u64,
    /// The number of requests of clients.
    last_request: u64,
    violation: Option<Violation>,
    trace: Option<Vec<String>>,
    pub(super) told: Option<Vec<NodeLine>>,
}

/// A message between nodes, on its way.
#[derive(Debug, Clone)]
pub(super) struct Packet {
    from: usize,
    to: usize,
    number: u64,
    stamp: Stamp,
    pub(super) message: Message,
}

/// A call as the node that is asked numbers it: the number says everything about it.
pub(super) struct Call {
    /// The node that asks.
    pub(super) from: usize,
    /// The time at which it did, by its clock.
    pub(super) sent: Time,
}

impl Call {
    /// The number of the call.
    fn number(&self) -> u64 {
        (self.sent.as_nanos() as u64) << 8 | self.from as u64
    }

    /// The call of a number.
    pub(super) fn of(number: u64) -> Call {
        Call { from: (number & 0xff) as usize, sent: Duration::from_nanos(number >> 8) }
    }
}

/// Something that a client hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The number of its request.
    pub request: u64,
    /// The reply.
    pub reply: ClientReply,
}

/// The reply to a client, as its machine sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientReply {
    /// An answer with that body.
    Body(Vec<u8>),
    /// No process listens there.
    ConnectionRefused,
    /// The connection broke after the request was sent.
    ConnectionLost,
}

impl Simulation {
    /// A cluster whose nodes have just started. Of the faults by chance only those of `only` happen,
    /// if it is given. With `trace`, everything that happens is written down.
    pub fn new(plan: Plan, only: Option<BTreeSet<Decision>>, trace: bool) -> Simulation {
        let names: Vec<NodeId> =
            (1..=plan.nodes).map(|number| NodeId::from(&*format!("n{number}"))).collect();
        let host = |(position, id): (usize, &NodeId)| {
            let options = Options {
                id: id.clone(),
                voters: names[..if position < plan.founders { plan.founders } else { 0 }]
                    .iter()
                    .cloned()
                    .collect(),
                timings: plan.timings,
                apply_entries_max: plan.apply_entries_max,
                snapshots: plan.snapshots,
                settings: plan.settings.clone(),
                seed: plan.seed.wrapping_mul(64).wrapping_add(position as u64),
                incarnation: Some(Incarnation::from(position as u64 + 1)),
                life: 0,
                bugs: plan.bugs.clone(),
            };
            Host::new(options, plan.rates[position])
        };
        let dice = Dice::new(plan.seed);
        let mut simulation = Simulation {
            dice,
            decisions: Decisions::new(dice, only),
            now: Time::ZERO,
            queue: EventQueue::default(),
            hosts: names.iter().enumerate().map(host).collect(),
            network: Network::new(plan.nodes),
            messages: Slots::default(),
            requests: Slots::default(),
            replies: Slots::default(),
            faults: plan.schedule.iter().map(|(_, fault)| *fault).collect(),
            watch: Watch::new(plan.nodes),
            situations: Situations::default(),
            healed: false,
            client_messages: 0,
            last_request: 0,
            violation: None,
            trace: trace.then(Vec::new),
            told: trace.then(Vec::new),
            plan,
        };
        for node in 0..simulation.plan.nodes {
            simulation.start(node);
        }
        for number in 0..simulation.plan.schedule.len() {
            simulation.queue.push(simulation.plan.schedule[number].0, Event::Fault(number));
        }
        simulation
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The property that was broken, if one was. Nothing happens after that.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The faults by chance that happened.
    pub fn decisions(&self) -> &[Decision] {
        self.decisions.made()
    }

    /// The situations that were reached.
    pub fn situations(&self) -> &Situations {
        &self.situations
    }

    /// A situation that only the clients know of.
    pub fn note_of_clients(&mut self, situation: Situation) {
        self.situations.note(situation);
    }

    /// Everything that happened, a line each, if it was to be written down.
    pub fn trace(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// The status of each node that runs.
    pub fn statuses(&self) -> impl Iterator<Item = (usize, Status)> {
        let running = |(node, host): (usize, &Host)| Some((node, host.running()?.node.status()));
        self.hosts.iter().enumerate().filter_map(running)
    }

    /// The number of requests of clients that nodes which run have not replied to.
    pub fn pending_requests(&self) -> usize {
        let running = self.hosts.iter().filter_map(Host::running);
        running.map(|running| running.requests.len()).sum()
    }

    /// True if the node refuses to start, since its log is damaged, or is refused, since its disk is gone.
    pub fn is_damaged(&self, node: usize) -> bool {
        self.hosts[node].damaged.is_some()
    }

    /// A client sends the body of a request to a node; returns its number.
    pub fn submit(&mut self, node: usize, body: &[u8]) -> u64 {
        let asked = codec::asked(body);
        let command = u64::from(matches!(asked, Ok(Operation::Command(_))));
        self.last_request += 2;
        let request = self.last_request | command;
        let operation = match asked {
            Ok(operation) => operation,
            Err(error) => {
                let detail = format!("what a client sends is refused: {error}");
                self.judge(Err(Violation::new("codec", "kv/request.rs", detail)));
                return request;
            }
        };
        if let Some(time) = self.client_message() {
            let place = self.requests.put((node, request, operation));
            self.queue.push(time, Event::Request(place));
        }
        request
    }

    /// Lets time pass, until then or until a client hears something, or a property is broken.
    pub fn advance(&mut self, until: Time) -> Option<Received> {
        while self.violation.is_none() {
            let Some((time, event)) = self.queue.pop(until) else {
                self.now = self.now.max(until);
                return None;
            };
            self.now = time;
            self.bound_messages();
            match event {
                Event::Delivery(place) => self.deliver(place),
                Event::Request(place) => self.request_arrives(place),
                Event::Reply(place) => return Some(self.replies.take(place)),
                Event::Turn(process) => self.turn(process),
                Event::Timer(process) => self.timer(process),
                Event::Barrier(process) => self.barrier_ends(process),
                Event::Deferred(process) => self.deferred(process),
                Event::Save(process) => self.save(process),
                Event::Start(process) => self.restart(process),
                Event::Fault(number) => self.fault_begins(number),
                Event::FaultEnds(number) => self.fault_ends(number),
            }
        }
        None
    }

    /// A cluster sends about as much as it has to do, however much is lost or comes twice.
    fn bound_messages(&mut self) {
        if self.messages.len() > MESSAGES_MAX {
            let detail = format!("more than {MESSAGES_MAX} messages are on their way");
            self.judge(Err(Violation::new("bounded messages", "of the simulator", detail)));
        }
    }

    /// Writes down what happens, if anyone wants to read it.
    pub(super) fn say(&mut self, sentence: impl FnOnce(&Simulation) -> String) {
        if let Some(mut trace) = self.trace.take() {
            trace.push(format!("{:>12.6} {}", self.now.as_secs_f64(), sentence(self)));
            self.trace = Some(trace);
        }
    }

    /// A property is broken, unless it holds.
    pub(super) fn judge(&mut self, judgement: Result<(), Violation>) {
        if let Err(violation) = judgement
            && self.violation.is_none()
        {
            self.say(|_| format!("VIOLATION of {violation}"));
            self.violation = Some(violation);
        }
    }

    pub(super) fn process(&self, node: usize) -> Process {
        Process { node: node as u32, life: self.hosts[node].life }
    }

    /// The name of the node at that position.
    pub fn name(&self, node: usize) -> &NodeId {
        self.hosts[node].id()
    }

    pub(super) fn position(&self, id: &NodeId) -> usize {
        let found = self.hosts.iter().position(|host| host.id() == id);
        found.expect("it is one of the nodes")
    }

    /// Puts a message on its way.
    pub(super) fn send(&mut self, from: usize, to: usize, message: Message) {
        let link = self.network.link(from, to);
        let number = self.network.send(link);
        if self.network.is_cut(link) {
            return self.lost(from, to, Situation::MessageCutOff);
        }
        let network = &self.plan.network;
        let (loss, late, repeat) = if self.healed {
            (0.0, 0.0, 0.0)
        } else {
            (network.loss, network.late, network.repeat)
        };
        if self.decisions.happens(loss, Purpose::Loss, link, number) {
            return self.lost(from, to, Situation::MessageLost);
        }
        let network = &self.plan.network;
        let latency = self.dice.time(&network.latency, Purpose::Latency, link, number)
            + self.hosts[from].sends_late_by;
        let is_late = self.decisions.happens(late, Purpose::Late, link, number);
        let comes_twice = self.decisions.happens(repeat, Purpose::Repeat, link, number);
        let lateness = match is_late || comes_twice {
            true => self.dice.time(&network.lateness, Purpose::Lateness, link, number),
            false => Duration::ZERO,
        };
        let message = match if self.plan.codec { codec::through(&message) } else { Ok(message) } {
            Ok(message) => message,
            Err(error) => {
                let detail = format!("what a node sends is refused: {error}");
                return self.judge(Err(Violation::new("codec", "wire.rs", detail)));
            }
        };
        let sender = self.hosts[from].running().map(|running| &running.node);
        let stamp = sender.map(|node| node.stamp_for(self.name(to))).unwrap_or_default();
        let packet = Packet { from, to, number, stamp, message };
        if comes_twice {
            self.situations.note(Situation::MessageRepeated);
            self.say(|world| format!("{}→{} will come twice", world.name(from), world.name(to)));
            let place = self.messages.put(packet.clone());
            self.queue.push(self.now + latency + lateness, Event::Delivery(place));
        }
        let place = self.messages.put(packet);
        let late_by = if is_late { lateness } else { Duration::ZERO };
        self.queue.push(self.now + latency + late_by, Event::Delivery(place));
    }

    fn lost(&mut self, from: usize, to: usize, how: Situation) {
        self.situations.note(how);
        self.say(|world| format!("{}→{} {}", world.name(from), world.name(to), how.name()));
    }

    fn deliver(&mut self, place: usize) {
        let Packet { from, to, number, stamp, message } = self.messages.take(place);
        let link = self.network.link(from, to);
        if self.network.is_cut(link) {
            return self.lost(from, to, Situation::MessageCutOff);
        }
        if self.hosts[to].running().is_none() {
            return;
        }
        if self.network.arrives(link, number) {
            self.situations.note(Situation::MessageOvertaken);
        }
        self.say(|world| {
            let text = match &message {
                Message::Request(_, request) => describe::request(request),
                Message::Response(_, response) => describe::response(response),
            };
            format!("{}→{} {text}", world.name(from), world.name(to))
        });
        let input = match message {
            Message::Request(sent, request) => {
                Input::Request { call: Call { from, sent }.number(), stamp, request }
            }
            Message::Response(sent, response) => {
                Input::Response { from: self.name(from).clone(), sent, stamp, response }
            }
        };
        self.put_in(to, Incoming::Input(input));
    }

    /// Puts something into the inbox of a node that runs.
    pub(super) fn put_in(&mut self, node: usize, incoming: Incoming) {
        let process = self.process(node);
        let host = &mut self.hosts[node];
        let paused_until = host.paused_until;
        let turns = host.turns;
        let Some(running) = host.running_mut() else { return };
        running.inbox.push(incoming);
        if !std::mem::replace(&mut running.turn_due, true) {
            let wait = self.dice.time(&self.plan.turn, Purpose::Turn, node, turns);
            self.queue.push((self.now + wait).max(paused_until), Event::Turn(process));
        }
    }

    /// The time at which a request of a client, or the reply to one, arrives; none if it is lost.
    fn client_message(&mut self) -> Option<Time> {
        self.client_messages += 1;
        let number = self.client_messages;
        let loss = if self.healed { 0.0 } else { self.plan.network.client_loss };
        let lost = self.decisions.happens(loss, Purpose::ClientLoss, 0, number);
        let latency = self.dice.time(&CLIENT_LATENCY, Purpose::ClientLatency, 0, number);
        (!lost).then_some(self.now + latency)
    }

    fn request_arrives(&mut self, place: usize) {
        let (node, request, operation) = self.requests.take(place);
        let Some(running) = self.hosts[node].running_mut() else {
            return self.reply(request, ClientReply::ConnectionRefused);
        };
        running.requests.insert(request);
        self.say(|world| format!("#{request} {} is asked: {operation:?}", world.name(node)));
        self.put_in(
            node,
            match operation {
                Operation::Query(query) => Incoming::Input(Input::Query { request, query }),
                Operation::Command(command) => {
                    Incoming::Command(request, EncodedCommand::new(&command))
                }
            },
        );
    }

    /// Puts a reply to a client on its way.
    pub(super) fn reply(&mut self, request: u64, reply: ClientReply) {
        if let Some(time) = self.client_message() {
            let place = self.replies.put(Received { request, reply });
            self.queue.push(time, Event::Reply(place));
        }
    }
}
