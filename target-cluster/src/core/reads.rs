//! Reads at a leader.
//!
//! **ReadIndex** (thesis, §6.4) makes them linearizable without a log entry. A read that arrives waits for a round of heartbeats that begins after it. The round remembers
//! the commit index at which it began; once a majority answered it, no other node led when it began,
//! so everything acknowledged before is at or below that index. One round confirms every read that
//! had gathered before it, and all rounds before it. It begins at once if no other is on its way, else
//! with the next periodic heartbeat: reads cost few messages where answers come fast, and where they
//! take long, no read waits for a round trip before its own. Appends and heartbeats carry the number of
//! the latest round too, so that a lost message only delays it. The questions of followers
//! ([`super::forwarded`]) are reads whose answer is the index.
//!
//! **Leases** ([`super::lease`]) confirm a read at once, or leave it to a round while there is none.
//!
//! **Reads through the log** wait for an entry of their own: those of one turn share one. An entry that
//! was on its way before would not do. It may have been acknowledged before the read came, by a majority
//! that has elected another leader since.

use std::collections::VecDeque;

use super::{Effect, Node, Payload, ReadMode, Refusal, Reply, Role};
use crate::bugs::Bug;
use crate::kv::Query;

/// The reads of a leader that are not answered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    /// The number of the latest round.
    round: u64,
    /// Reads that came after the latest round began.
    gathering: Vec<Waiting>,
    /// The rounds on their way.
    confirming: VecDeque<Round>,
    /// Confirmed rounds, until what they would have to see is applied.
    confirmed: VecDeque<Round>,
    /// The sum of what they cost.
    cost: usize,
}

/// A read that waits for a leader.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Waiting {
    /// A client's, by the driver's number.
    Client { request: u64, query: Query },
    /// A follower's question for the index, by the driver's number and that of the follower.
    Follower { call: u64, number: u64 },
}

impl Waiting {
    /// About how many bytes it takes.
    fn cost(&self) -> usize {
        match self {
            Waiting::Client { query, .. } => query.cost(),
            Waiting::Follower { .. } => size_of::<Waiting>(),
        }
    }
}

/// The most that reads may cost together while they wait, about in bytes. A leader that cannot reach
/// a majority keeps what its clients ask until they give up.
const COST_MAX: usize = 64 * 1024 * 1024;

/// A round on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Round {
    /// Its number.
    number: u64,
    /// The index through which the log was committed when it began.
    read_index: u64,
    /// Its reads.
    reads: Vec<Waiting>,
}

impl Reads {
    /// The number of the latest round.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// All that wait.
    fn into_waiting(self) -> impl Iterator<Item = Waiting> {
        let rounds = self.confirmed.into_iter().chain(self.confirming);
        rounds.flat_map(|round| round.reads).chain(self.gathering)
    }
}

impl Node {
    /// A client asks for something that changes nothing.
    pub(super) fn query(&mut self, request: u64, query: Query) {
        let reads = self.options.settings.reads;
        match &self.role {
            _ if reads == ReadMode::Stale => self.answer_from_state(request, &query),
            Role::Leader(_) if self.has(Bug::StaleRead) => self.answer_from_state(request, &query),
            Role::Leader(leader) if leader.reads.cost + query.cost() > COST_MAX => {
                self.refuse(request, Refusal::Overloaded);
            }
            Role::Leader(_) if reads == ReadMode::Log && self.hands_over() => {
                self.refuse(request, Refusal::Transferring);
            }
            Role::Leader(_) => self.wait_to_read(Waiting::Client { request, query }),
            Role::Follower { leader: Some(_), .. } if reads == ReadMode::Follower => {
                if self.forwarded.cost + query.cost() > COST_MAX {
                    return self.refuse(request, Refusal::Overloaded);
                }
                self.forward_read(request, query);
            }
            _ => {
                let leader = self.standing().leader;
                self.refuse(request, Refusal::NotLeader { leader });
            }
        }
    }

    /// A follower asks which index its reads have to see.
    pub(super) fn read_for_follower(&mut self, call: u64, number: u64) {
        let waiting = Waiting::Follower { call, number };
        match &self.role {
            Role::Leader(leader) if leader.reads.cost + waiting.cost() <= COST_MAX => {
                self.wait_to_read(waiting);
            }
            _ => self.respond_read_index(call, number, None),
        }
    }

    /// A read waits for what confirms it.
    fn wait_to_read(&mut self, waiting: Waiting) {
        let is_confirmed = self.holds_lease();
        let Role::Leader(leader) = &mut self.role else { return };
        let reads = &mut leader.reads;
        reads.cost += waiting.cost();
        if is_confirmed {
            let round = Round { number: 0, read_index: self.commit, reads: vec![waiting] };
            reads.confirmed.push_back(round);
            self.answer_covered_reads();
        } else {
            reads.gathering.push(waiting);
            self.begin_read_round();
        }
    }

    /// True if an entry of the own term is committed. Before that a leader does not know how far
    /// its predecessors' are (etcd#7331).
    pub(super) fn knows_commit(&self) -> bool {
        self.log.term_at(self.commit) == Some(self.term)
    }

    /// True if this node answers reads: it leads, heard a majority lately and has applied what a read would
    /// have to see; or it answers as follower, and heard its leader.
    pub(crate) fn can_read(&self) -> bool {
        match (self.options.settings.reads, &self.role) {
            (ReadMode::Stale, _) => true,
            (ReadMode::Follower, Role::Follower { leader: Some(_), heard, .. }) => {
                self.now < *heard + self.options.timings.election_min
            }
            _ => self.hears_majority() && self.knows_commit() && !self.has_to_apply(),
        }
    }

    /// True if the reads of this node wait for entries, not for rounds.
    fn reads_through_log(&self) -> bool {
        self.options.settings.reads == ReadMode::Log
    }

    /// Appends an entry for the reads that came since the last tick, if they are read through the log.
    pub(super) fn append_for_reads(&mut self) {
        let through_log = self.reads_through_log();
        let Role::Leader(leader) = &mut self.role else { return };
        if !through_log || leader.reads.gathering.is_empty() {
            return;
        }
        let reads = std::mem::take(&mut leader.reads.gathering);
        let read_index = self.append_own(Payload::Noop);
        let Role::Leader(leader) = &mut self.role else { return };
        leader.reads.confirmed.push_back(Round { number: 0, read_index, reads });
    }

    /// This node leads no more: what waits is refused.
    pub(super) fn refuse_reads(&mut self, reads: Reads) {
        for waiting in reads.into_waiting() {
            match waiting {
                Waiting::Client { request, .. } => self.refuse(request, Refusal::NoQuorumForRead),
                Waiting::Follower { call, number } => self.respond_read_index(call, number, None),
            }
        }
    }

    /// Begins a round for the reads that have gathered, unless one is on its way: then the next
    /// heartbeat does.
    pub(super) fn begin_read_round(&mut self) {
        let is_due = |reads: &Reads| reads.confirming.is_empty() && !reads.gathering.is_empty();
        if self.knows_what_to_read()
            && !self.reads_through_log()
            && matches!(&self.role, Role::Leader(leader) if is_due(&leader.reads))
        {
            self.send_heartbeats();
            self.answer_confirmed_reads();
        }
    }

    /// Makes a round of the reads that have gathered, if there are any and it is known what they would
    /// have to see. It is confirmed by what is sent from now on.
    pub(super) fn gather_reads(&mut self) {
        if !self.knows_what_to_read() || self.reads_through_log() {
            return;
        }
        let Role::Leader(leader) = &mut self.role else { return };
        let reads = &mut leader.reads;
        if !reads.gathering.is_empty() {
            reads.round += 1;
            let gathered = std::mem::take(&mut reads.gathering);
            let round = Round { number: reads.round, read_index: self.commit, reads: gathered };
            reads.confirming.push_back(round);
        }
    }

    /// True if everything that a read would have to see is known to be committed.
    fn knows_what_to_read(&self) -> bool {
        self.knows_commit() || self.has(Bug::ReadIndexTooEarly)
    }

    /// Answers the reads of the rounds that a majority confirmed.
    pub(super) fn answer_confirmed_reads(&mut self) {
        let Role::Leader(leader) = &mut self.role else { return };
        let (reads, peers) = (&mut leader.reads, &leader.peers);
        let is_confirmed = |round: &Round| {
            self.configuration.has_quorum(|id| {
                *id == self.options.id
                    || peers.get(id).is_some_and(|peer| peer.round >= round.number)
            })
        };
        while reads.confirming.front().is_some_and(is_confirmed)
            && let Some(round) = reads.confirming.pop_front()
        {
            reads.confirmed.push_back(round);
        }
        self.answer_covered_reads();
        self.begin_read_round();
    }

    /// Answers the reads of confirmed rounds whose index is applied. A round of followers alone need not
    /// wait for that: they apply it themselves.
    pub(super) fn answer_covered_reads(&mut self) {
        let applied = match self.has(Bug::ReadBeforeApplied) {
            true => u64::MAX,
            false => self.store.applied(),
        };
        let is_forwarded = |it: &Waiting| matches!(it, Waiting::Follower { .. });
        let is_covered =
            |round: &Round| round.read_index <= applied || round.reads.iter().all(is_forwarded);
        while let Role::Leader(leader) = &mut self.role
            && leader.reads.confirmed.front().is_some_and(is_covered)
            && let Some(Round { read_index, reads, .. }) = leader.reads.confirmed.pop_front()
        {
            leader.reads.cost -= reads.iter().map(Waiting::cost).sum::<usize>();
            for waiting in reads {
                match waiting {
                    Waiting::Client { request, query } => self.answer_from_state(request, &query),
                    Waiting::Follower { call, number } => {
                        self.respond_read_index(call, number, Some(read_index));
                    }
                }
            }
        }
    }

    pub(super) fn answer_from_state(&mut self, request: u64, query: &Query) {
        let answer = self.store.query(query);
        self.effects.push(Effect::Reply { request, reply: Reply::Answer(answer) });
    }
}
