//! One node with its disk, and what becomes of it when something happens.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use cluster::bugs::Bug;
use cluster::core::{
    Effect, Input, Node, NodeId, Options, Proposal, Record, Recovered, Reply, RoleName, Stamp,
};
use cluster::kv::{EncodedCommand, Query};
use cluster::storage::replay;

use super::fingerprint::fingerprint;
use super::message::{Body, Message, position};
use super::panics;
use super::situation::Situation;

/// A node and its disk.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Member {
    /// The node, made relative.
    pub node: Node,
    /// The state that a crash leaves of it.
    pub durable: Recovered,
    /// True if its disk makes nothing durable any more until it crashes.
    pub stalled: bool,
}

/// A member with the number that stands for it.
#[derive(Debug)]
pub(crate) struct Known {
    /// The member.
    pub member: Member,
    /// Stands for it.
    pub fingerprint: u64,
}

impl std::ops::Deref for Known {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.member
    }
}

/// Something that happens to one node.
#[derive(Debug, Hash)]
pub(crate) enum Stimulus {
    /// An election timeout passes.
    ElectionTimeout,
    /// A leader's heartbeat is due, while it hears a majority.
    Heartbeat,
    /// So much time passes that a leader hears no majority.
    Unheard,
    /// It crashes and starts again at once.
    Crash,
    /// A message arrives.
    Message(Arc<Message>),
    /// A client's command arrives.
    Propose { request: u64, command: EncodedCommand },
    /// A client's query arrives.
    Query { request: u64, query: Query },
    /// It is asked to hand over its leadership.
    Transfer { to: NodeId },
}

impl std::hash::Hash for Message {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

/// The outcome of a stimulus.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The node after it.
    pub member: Arc<Known>,
    /// The messages that it sent.
    pub sent: Vec<Arc<Message>>,
    /// The answers to clients, by number of request.
    pub replies: Vec<(u64, Reply)>,
    /// The number of records that it wrote.
    pub records: usize,
    /// The situations that arose, as bits.
    pub situations: u32,
    /// The assertion that failed.
    pub panic: Option<String>,
    /// True if it was leader before and after, in one term, and the log lost entries meanwhile.
    pub overwrote_own_log: bool,
}

/// The traces that one step, or several in a row, of a node left behind.
#[derive(Default)]
struct Gathered {
    records: Vec<(u64, Record)>,
    sent: Vec<Arc<Message>>,
    replies: Vec<(u64, Reply)>,
}

/// Key of what is known: member, stimulus, and after how many records the disk stalls.
type Key = (u64, u64, Option<usize>);

/// The outcomes of what happens to nodes, each case worked out once: far fewer states of one node exist than of a
/// cluster.
#[derive(Debug)]
pub(crate) struct Members {
    options: Vec<Options>,
    known: Vec<Mutex<HashMap<Key, Arc<Outcome>>>>,
}

/// So many parts has the memory, that threads seldom wait for each other.
const SHARDS: u64 = 64;

impl Members {
    /// Nodes with these options, of which nothing is known.
    pub(crate) fn new(options: Vec<Options>) -> Members {
        panics::keep_quiet();
        Members { options, known: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// The nodes as they start for the first time.
    pub(crate) fn first(&self) -> Vec<Arc<Known>> {
        let start = |options: &Options| start(options, Recovered::default());
        self.options.iter().map(start).collect()
    }

    /// The outcome of `stimulus` for the node at `position`. Its disk stalls after `stall` of the records
    /// that this writes, or makes all of them durable at once.
    pub(crate) fn outcome(
        &self,
        position: usize,
        member: &Arc<Known>,
        stimulus: &Stimulus,
        stall: Option<usize>,
    ) -> Arc<Outcome> {
        let key = (member.fingerprint, fingerprint(stimulus), stall);
        let shard = &self.known[((key.0 ^ key.1) % SHARDS) as usize];
        let locked = || shard.lock().expect("no thread panics while it holds it");
        if let Some(outcome) = locked().get(&key) {
            return Arc::clone(outcome);
        }
        let outcome = Arc::new(self.work_out(position, member, stimulus, stall));
        locked().insert(key, Arc::clone(&outcome));
        outcome
    }

    fn work_out(
        &self,
        position: usize,
        member: &Arc<Known>,
        stimulus: &Stimulus,
        stall: Option<usize>,
    ) -> Outcome {
        let options = &self.options[position];
        let happen = || match stimulus {
            Stimulus::Crash => crash(options, member),
            stimulus => step(options, position, member, stimulus, stall),
        };
        panics::expected(|| catch_unwind(AssertUnwindSafe(happen))).unwrap_or_else(|panic| {
            Outcome {
                member: Arc::clone(member),
                sent: Vec::new(),
                replies: Vec::new(),
                records: 0,
                situations: 0,
                panic: Some(panics::text(&*panic)),
                overwrote_own_log: false,
            }
        })
    }
}

fn start(options: &Options, durable: Recovered) -> Arc<Known> {
    let mut node = Node::new(options.clone(), durable.clone(), std::time::Duration::ZERO);
    node.make_relative();
    known(Member { node, durable, stalled: false })
}

fn known(member: Member) -> Arc<Known> {
    let fingerprint = fingerprint(&member);
    Arc::new(Known { member, fingerprint })
}

fn crash(options: &Options, member: &Member) -> Outcome {
    let lost = member.stalled;
    Outcome {
        member: start(options, member.durable.clone()),
        sent: Vec::new(),
        replies: Vec::new(),
        records: 0,
        situations: if lost { Situation::RecordsLost.bit() } else { 0 },
        panic: None,
        overwrote_own_log: false,
    }
}

fn step(
    options: &Options,
    position: usize,
    before: &Member,
    stimulus: &Stimulus,
    stall: Option<usize>,
) -> Outcome {
    let Member { mut node, mut durable, mut stalled } = before.clone();
    let timings = options.timings;
    let (later, input) = match stimulus {
        Stimulus::Crash => unreachable!("a crash is no input"),
        Stimulus::ElectionTimeout | Stimulus::Unheard => (timings.election_max, Input::Tick),
        Stimulus::Heartbeat => (timings.heartbeat, Input::Tick),
        Stimulus::Message(message) => (std::time::Duration::ZERO, arrival(options, message, &node)),
        Stimulus::Propose { request, command } => {
            let proposal = Proposal { request: *request, command: command.clone() };
            (std::time::Duration::ZERO, Input::Propose(vec![proposal]))
        }
        Stimulus::Query { request, query } => {
            let (request, query) = (*request, query.clone());
            (std::time::Duration::ZERO, Input::Query { request, query })
        }
        Stimulus::Transfer { to } => {
            (std::time::Duration::ZERO, Input::Transfer { request: NO_REQUEST, to: to.clone() })
        }
    };
    let now = node.now() + later;
    let mut gathered = Gathered::default();
    gathered.take(position, node.step(now, input));
    let records = gathered.records.len();
    while let Some((sequence, _)) = gathered.records.last() {
        let (last, first) = (*sequence, gathered.records[0].0);
        let mut through = 0;
        if stalled {
            if acknowledges_early(options, &gathered.records, first) {
                through = last;
            }
        } else {
            let kept = stall.unwrap_or(gathered.records.len());
            for (sequence, record) in &gathered.records[..kept] {
                replay(&mut durable, record.clone()).expect("records follow each other");
                through = *sequence;
            }
            stalled = stall.is_some();
            if stalled && acknowledges_early(options, &gathered.records, first) {
                through = last;
            }
        }
        gathered.records.clear();
        if through > 0 {
            gathered.take(position, node.step(now, Input::Persisted { through }));
        }
    }
    let situations = situations(before, &node, &gathered);
    let overwrote_own_log = overwrote_own_log(before, &node);
    node.make_relative();
    let Gathered { sent, replies, .. } = gathered;
    let member = known(Member { node, durable, stalled });
    Outcome { member, sent, replies, records, situations, panic: None, overwrote_own_log }
}

/// The number of requests whose answers nothing waits for.
const NO_REQUEST: u64 = u64::MAX;

/// The arrival of a message as the node takes it in.
fn arrival(options: &Options, message: &Message, node: &Node) -> Input {
    match &message.body {
        // Answers go back by the asker's position: they say themselves what they answer.
        Body::Request(request) => {
            let (call, stamp) = (message.from as u64, Stamp::default());
            Input::Request { call, stamp, request: request.clone() }
        }
        Body::Response(response) => {
            let from = options.voters.iter().find(|id| self::position(id) == message.from);
            let from = from.expect("messages come from voters").clone();
            let (sent, stamp) = (node.now(), Stamp::default());
            Input::Response { from, sent, stamp, response: response.clone() }
        }
    }
}

/// True if the planted bugs let the driver report as durable what is not: the records of this step,
/// of which the first has that number. It has 1 unless others wait already.
fn acknowledges_early(options: &Options, records: &[(u64, Record)], first: u64) -> bool {
    let votes_only = || records.iter().all(|(_, record)| matches!(record, Record::Vote { .. }));
    options.bugs.contains(&Bug::AckBeforeFsync)
        || (options.bugs.contains(&Bug::VoteNotDurable) && first == 1 && votes_only())
}

impl Gathered {
    fn take(&mut self, from: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist { sequence, record } => self.records.push((sequence, record)),
                Effect::Call { to, request } => {
                    let message = Message::new(from, position(&to), Body::Request(request));
                    self.sent.push(Arc::new(message));
                }
                Effect::Respond { call, response } => {
                    let message = Message::new(from, call as usize, Body::Response(response));
                    self.sent.push(Arc::new(message));
                }
                Effect::SaveSnapshot(_) => unreachable!("no snapshot is ever due"),
                Effect::Stop(_) => unreachable!("without leases no clock is looked at"),
                Effect::Reply { request: NO_REQUEST, .. } | Effect::Role(_) => {}
                Effect::Reply { request, reply } => self.replies.push((request, reply)),
            }
        }
    }
}

fn situations(before: &Member, after: &Node, gathered: &Gathered) -> u32 {
    let (old, new) = (before.node.status(), after.status());
    let mut arisen = 0;
    let mut note = |situation: Situation, is_so: bool| {
        if is_so {
            arisen |= situation.bit();
        }
    };
    let leads = new.role == RoleName::Leader;
    note(Situation::LeaderElected, leads && old.role != RoleName::Leader);
    note(Situation::EntryCommitted, new.commit > old.commit);
    let newly = after.committed_after(old.commit);
    let earlier = newly.iter().any(|entry| entry.term < new.term);
    note(Situation::EarlierTermCommitted, leads && earlier);
    note(Situation::ConflictTruncated, lost_entries(&before.node, after));
    let answered = gathered.replies.iter().any(|(_, reply)| matches!(reply, Reply::Answer(_)));
    note(Situation::ReadAfterChange, leads && answered && new.term > 1 && new.commit == old.commit);
    arisen
}

/// True if the log does not begin with all that it held before.
fn lost_entries(before: &Node, after: &Node) -> bool {
    !after.log().entries().starts_with(before.log().entries())
}

fn overwrote_own_log(before: &Member, after: &Node) -> bool {
    let (old, new) = (before.node.status(), after.status());
    old.role == RoleName::Leader
        && new.role == RoleName::Leader
        && old.term == new.term
        && lost_entries(&before.node, after)
}
