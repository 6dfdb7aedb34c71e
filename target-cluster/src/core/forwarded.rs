//! Reads at followers: ReadIndex asked for by another node (thesis, §6.4).
//!
//! A follower asks its leader for the index that its reads have to see. The leader takes the question
//! for a read, whose round a majority confirms, and answers the index at which that round began. The
//! follower answers its reads once it has applied as much. The index stays good, also when another node leads by then.
//!
//! One question is on its way at a time, and serves all reads that had gathered before it. Where it gets
//! no answer within the shortest election timeout, it is asked again when a leader is heard. A follower
//! that loses its leader refuses what waits.

use std::collections::VecDeque;

use super::{
    Effect, Node, ReadIndexRequest, ReadIndexResponse, Refusal, Request, Response, Role, Time,
};
use crate::kv::Query;

/// A read that waits: the driver's number and the question.
pub(super) type Read = (u64, Query);

/// The reads of a follower that are not answered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Forwarded {
    /// The number of the latest question. No other life of this node has the same.
    number: u64,
    /// The reads that came after it.
    gathering: Vec<Read>,
    /// The time of the question on its way, and the reads that it serves.
    asked: Option<(Time, Vec<Read>)>,
    /// Reads with the index that they have to see.
    covered: VecDeque<(u64, Vec<Read>)>,
    /// The sum of what they cost.
    pub(super) cost: usize,
}

impl Forwarded {
    /// Nothing was asked yet in that life of the node.
    pub(super) fn new(life: u32) -> Forwarded {
        Forwarded { number: u64::from(life) << 32, ..Forwarded::default() }
    }
}

impl Node {
    /// A client asks a follower that knows its leader.
    pub(super) fn forward_read(&mut self, request: u64, query: Query) {
        self.forwarded.cost += query.cost();
        self.forwarded.gathering.push((request, query));
        self.ask_for_read_index();
    }

    /// Asks the leader which index the reads have to see, unless a question is on its way that may still
    /// be answered.
    pub(super) fn ask_for_read_index(&mut self) {
        let Role::Follower { leader: Some(leader), .. } = &self.role else { return };
        let forwarded = &mut self.forwarded;
        let patience = self.options.timings.election_min;
        if forwarded.asked.as_ref().is_some_and(|(sent, _)| self.now < *sent + patience) {
            return;
        }
        let mut reads = forwarded.asked.take().map(|(_, reads)| reads).unwrap_or_default();
        reads.append(&mut forwarded.gathering);
        if reads.is_empty() {
            return;
        }
        forwarded.number += 1;
        forwarded.asked = Some((self.now, reads));
        let (term, number, to) = (self.term, forwarded.number, leader.clone());
        let node = self.options.id.clone();
        let request = Request::ReadIndex(ReadIndexRequest { term, node, number });
        self.effects.push(Effect::Call { to, request });
    }

    /// A leader's side of that question.
    pub(super) fn read_index_requested(&mut self, call: u64, request: &ReadIndexRequest) {
        if request.term > self.term {
            self.adopt_term(request.term);
        }
        self.read_for_follower(call, request.number);
    }

    /// Answers a question for the index that reads have to see; without one if that is not known.
    pub(super) fn respond_read_index(&mut self, call: u64, number: u64, index: Option<u64>) {
        let index = index.map(|index| self.read_index_to_tell(index));
        let response = ReadIndexResponse { term: self.term, number, index };
        self.effects.push(Effect::Respond { call, response: Response::ReadIndex(response) });
    }

    /// The leader answered. What is no answer to the question on its way says nothing.
    pub(super) fn read_index_answered(&mut self, response: &ReadIndexResponse) {
        if response.term > self.term {
            self.adopt_term(response.term);
        }
        let forwarded = &mut self.forwarded;
        if response.number != forwarded.number {
            return;
        }
        let Some((sent, reads)) = forwarded.asked.take() else { return };
        match response.index {
            Some(index) => {
                forwarded.covered.push_back((index, reads));
                self.ask_for_read_index();
            }
            // It leads no more. The next leader is asked when it is heard.
            None => forwarded.asked = Some((sent, reads)),
        }
    }

    /// Answers the reads whose index is applied.
    pub(super) fn answer_forwarded_reads(&mut self) {
        let applied = self.store.applied();
        while self.forwarded.covered.front().is_some_and(|(index, _)| *index <= applied)
            && let Some((_, reads)) = self.forwarded.covered.pop_front()
        {
            for (request, query) in reads {
                self.forwarded.cost -= query.cost();
                self.answer_from_state(request, &query);
            }
        }
    }

    /// This node has heard no leader for too long: refuses all that waits, that with an index too. If it is
    /// a member no more, whether it knows that or not, it may never get the log so far.
    pub(super) fn give_forwarded_reads_up(&mut self) {
        self.refuse_forwarded_reads();
        let covered = std::mem::take(&mut self.forwarded.covered);
        for (request, query) in covered.into_iter().flat_map(|(_, reads)| reads) {
            self.forwarded.cost -= query.cost();
            self.refuse(request, Refusal::NoQuorumForRead);
        }
    }

    /// Refuses what waits for a leader, since this node stands for election. Reads whose index is known wait
    /// on.
    pub(super) fn refuse_forwarded_reads(&mut self) {
        let forwarded = &mut self.forwarded;
        let asked = forwarded.asked.take().map(|(_, reads)| reads).unwrap_or_default();
        for (request, query) in asked.into_iter().chain(std::mem::take(&mut forwarded.gathering)) {
            self.forwarded.cost -= query.cost();
            self.refuse(request, Refusal::NoQuorumForRead);
        }
    }
}
