//! Linearizable reads without a log entry: ReadIndex (thesis, §6.4).
//!
//! A read that arrives waits for a round of heartbeats that begins after it. The round remembers
//! the commit index at which it began; once a majority answered it, no other node led when it began,
//! so everything acknowledged before is at or below that index. One round confirms every read that
//! had gathered before it, and all rounds before it. It begins at once if no other is on its way, else
//! with the next periodic heartbeat: reads cost few messages where answers come fast, and where they
//! take long, no read waits for a round trip before its own. Appends and heartbeats carry the number of
//! the latest round too, so that a lost message only delays it.

use std::collections::VecDeque;

use super::{Effect, Node, Refusal, Reply, Role};
use crate::bugs::Bug;
use crate::kv::Query;

/// The reads of a leader that are not answered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    /// The number of the latest round.
    round: u64,
    /// Reads that came after the latest round began.
    gathering: Vec<(u64, Query)>,
    /// The rounds on their way.
    confirming: VecDeque<Round>,
    /// Confirmed rounds, until what they would have to see is applied.
    confirmed: VecDeque<Round>,
    /// The sum of what they cost.
    cost: usize,
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
    /// Request number and question of its reads.
    reads: Vec<(u64, Query)>,
}

impl Reads {
    /// The number of the latest round.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// The numbers of all requests that wait.
    pub(super) fn into_requests(self) -> impl Iterator<Item = u64> {
        let rounds = self.confirmed.into_iter().chain(self.confirming);
        rounds.flat_map(|round| round.reads).chain(self.gathering).map(|(request, _)| request)
    }
}

impl Node {
    /// A client asks for something that changes nothing.
    pub(super) fn query(&mut self, request: u64, query: Query) {
        let unasked = self.reads_unasked();
        match &mut self.role {
            Role::Leader(_) if unasked => self.answer_from_state(request, &query),
            Role::Leader(leader) if leader.reads.cost + query.cost() > COST_MAX => {
                self.refuse(request, Refusal::Overloaded);
            }
            Role::Leader(leader) => {
                leader.reads.cost += query.cost();
                leader.reads.gathering.push((request, query));
                self.begin_read_round();
            }
            _ => {
                let leader = self.standing().leader;
                self.refuse(request, Refusal::NotLeader { leader });
            }
        }
    }

    /// True if an entry of the own term is committed. Before that a leader does not know how far
    /// its predecessors' are (etcd#7331).
    pub(super) fn knows_commit(&self) -> bool {
        self.log.term_at(self.commit) == Some(self.term)
    }

    /// True if this node leads, heard a majority lately and has applied what a read would have to see:
    /// a read is answered as soon as a majority confirms it.
    pub(crate) fn can_read(&self) -> bool {
        self.hears_majority() && self.knows_commit() && !self.has_to_apply()
    }

    /// Begins a round for the reads that have gathered, unless one is on its way: then the next
    /// heartbeat does.
    pub(super) fn begin_read_round(&mut self) {
        let is_due = |reads: &Reads| reads.confirming.is_empty() && !reads.gathering.is_empty();
        if self.knows_what_to_read()
            && matches!(&self.role, Role::Leader(leader) if is_due(&leader.reads))
        {
            self.send_heartbeats();
            self.answer_confirmed_reads();
        }
    }

    /// Makes a round of the reads that have gathered, if there are any and it is known what they would
    /// have to see. It is confirmed by what is sent from now on.
    pub(super) fn gather_reads(&mut self) {
        if !self.knows_what_to_read() {
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

    /// Answers the reads of confirmed rounds whose index is applied.
    pub(super) fn answer_covered_reads(&mut self) {
        let applied = match self.has(Bug::ReadBeforeApplied) {
            true => u64::MAX,
            false => self.store.applied(),
        };
        while let Role::Leader(leader) = &mut self.role
            && leader.reads.confirmed.front().is_some_and(|round| round.read_index <= applied)
            && let Some(Round { reads, .. }) = leader.reads.confirmed.pop_front()
        {
            leader.reads.cost -= reads.iter().map(|(_, query)| query.cost()).sum::<usize>();
            for (request, query) in reads {
                self.answer_from_state(request, &query);
            }
        }
    }

    fn answer_from_state(&mut self, request: u64, query: &Query) {
        let answer = self.store.query(query);
        self.effects.push(Effect::Reply { request, reply: Reply::Answer(answer) });
    }
}
