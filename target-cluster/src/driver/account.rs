//! The account that a node gives of itself to those who watch: its role, its votes and its messages, a line
//! of JSON each, with the time at which it was by the node's clock.
//!
//! Votes are rare and told one by one. Appends and heartbeats come by the thousand, and are told as sums,
//! none of which goes over a change of role or term: the first message of a leader is the first of its sum.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::core::{
    AppendResult, NodeId, Request, Response, RoleChange, Status, Time, VoteRefusal, VoteRequest,
};

/// The shortest time between two sums, and between two reports of the commit index: often enough to draw
/// them, rare enough to cost nothing.
const INTERVAL: Duration = Duration::from_millis(100);

/// The account of a node.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The lines that were not taken yet.
    lines: Vec<Value>,
    /// The appends since the last report, by the other node.
    appends: BTreeMap<(Direction, NodeId), Sum>,
    /// The requests for this node's vote that are not answered yet, by the number of the call.
    asked: BTreeMap<u64, Asked>,
    /// The commit, applied and last indices reported last.
    reported: (u64, u64, u64),
    /// The time of the last report.
    when: Time,
}

/// The direction of messages, seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    To,
    From,
}

/// Appends, with the times of the first and of the last.
#[derive(Debug)]
struct Sum {
    first: Time,
    last: Time,
    appends: Appends,
}

/// The messages that a leader sends another node all the time. Fields that are 0 are left out.
#[derive(Debug, Default, Serialize)]
struct Appends {
    /// So long before the report the first of them was, in microseconds.
    since: u64,
    /// So long before the report the last of them was, in microseconds.
    until: u64,
    /// Appends that carried entries.
    #[serde(skip_serializing_if = "is_zero")]
    calls: u64,
    /// Their entries, those sent again included.
    #[serde(skip_serializing_if = "is_zero")]
    entries: u64,
    /// Appends without entries.
    #[serde(skip_serializing_if = "is_zero")]
    heartbeats: u64,
    /// Parts of snapshots.
    #[serde(skip_serializing_if = "is_zero")]
    parts: u64,
    /// Appends that the other node accepted.
    #[serde(skip_serializing_if = "is_zero")]
    answers: u64,
    /// The index through which the other node answered that it has the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<u64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A request for this node's vote.
#[derive(Debug)]
struct Asked {
    candidate: NodeId,
    term: u64,
    pre: bool,
    /// The reason for which it will be refused, if it will and was believed.
    refusal: Option<VoteRefusal>,
    when: Time,
}

impl Account {
    /// Takes the lines that were told since, in order.
    pub(crate) fn take_lines(&mut self) -> std::vec::Drain<'_, Value> {
        self.lines.drain(..)
    }

    /// Role, term or leader changed; `status` is that of the node now.
    pub(crate) fn role(&mut self, now: Time, change: &RoleChange, status: &Status) {
        self.report_now(now, status);
        let RoleChange { role, term, leader } = change;
        self.tell(now, json!({"event": "role", "role": role, "term": term, "leader": leader}));
    }

    /// This node asks another one.
    pub(crate) fn asks(&mut self, now: Time, to: &NodeId, request: &Request) {
        match vote(request) {
            Some((pre, VoteRequest { term, .. })) => {
                let line = json!({"event": "vote-asked", "of": to, "term": term, "pre": pre});
                self.tell(now, line);
            }
            None => self.sent(now, Direction::To, to, request),
        }
    }

    /// Another node answered this one.
    pub(crate) fn answered(&mut self, now: Time, from: &NodeId, response: &Response) {
        let (pre, vote) = match response {
            Response::PreVote(vote) => (true, vote),
            Response::Vote(vote) => (false, vote),
            Response::Append(append) => {
                if let AppendResult::Accepted(through) = append.result {
                    let appends = &mut self.sum(now, Direction::To, from).appends;
                    appends.answers += 1;
                    appends.accepted = appends.accepted.max(Some(through));
                }
                return;
            }
            Response::InstallSnapshot(_)
            | Response::TimeoutNow(_)
            | Response::ReadIndex(_)
            | Response::Clock(_) => return,
        };
        let event = if vote.granted { "vote-received" } else { "vote-not-received" };
        self.tell(now, json!({"event": event, "from": from, "term": vote.asked, "pre": pre}));
    }

    /// Another node asks this one, which refuses a vote for that reason, if it does.
    pub(crate) fn asked(
        &mut self,
        now: Time,
        call: u64,
        request: &Request,
        refusal: Option<VoteRefusal>,
    ) {
        match vote(request) {
            Some((pre, VoteRequest { term, candidate, .. })) => {
                let asked =
                    Asked { candidate: candidate.clone(), term: *term, pre, refusal, when: now };
                self.asked.insert(call, asked);
            }
            None => self.sent(now, Direction::From, request.sender(), request),
        }
    }

    /// This node answers another one.
    pub(crate) fn answers(&mut self, now: Time, call: u64, response: &Response) {
        if let Response::PreVote(answer) | Response::Vote(answer) = response
            && let Some(Asked { candidate, term, pre, refusal, when }) = self.asked.remove(&call)
        {
            let event = if answer.granted { "vote-granted" } else { "vote-refused" };
            let after = micros(now.saturating_sub(when));
            let mut line = json!({"event": event, "to": candidate, "term": term, "pre": pre,
                "after": after});
            if !answer.granted
                && let Some(refusal) = refusal
            {
                line["reason"] = json!(refusal);
            }
            self.tell(now, line);
        }
    }

    /// Reports appends, and how far the log goes, is committed and applied, if it is time and there is news.
    pub(crate) fn report(&mut self, now: Time, status: &Status) {
        if now.saturating_sub(self.when) >= INTERVAL {
            self.report_now(now, status);
        }
    }

    fn report_now(&mut self, now: Time, status: &Status) {
        let Status { commit, applied, last_index, .. } = *status;
        // A node that was just started does not know yet how far its log is committed.
        let progressed = commit > 0 && (commit, applied, last_index) != self.reported;
        if !progressed && self.appends.is_empty() {
            return;
        }
        self.when = now;
        for ((direction, other), Sum { first, last, mut appends }) in
            std::mem::take(&mut self.appends)
        {
            [appends.since, appends.until] =
                [first, last].map(|time| micros(now.saturating_sub(time)));
            self.tell(now, directed(direction, "append", &other, json!(appends)));
        }
        if progressed {
            self.reported = (commit, applied, last_index);
            let line = json!({"event": "commit", "index": commit, "applied": applied,
                "last": last_index});
            self.tell(now, line);
        }
    }

    /// A request that is no request for a vote goes to another node or comes from one.
    fn sent(&mut self, now: Time, direction: Direction, other: &NodeId, request: &Request) {
        match request {
            Request::TimeoutNow(request) => {
                let rest = json!({"term": request.term});
                return self.tell(now, directed(direction, "timeout-now", other, rest));
            }
            Request::Append(_) | Request::InstallSnapshot(_) => {}
            _ => return,
        }
        let Sum { last, appends, .. } = self.sum(now, direction, other);
        *last = now;
        match request {
            Request::Append(append) if append.entries.is_empty() => appends.heartbeats += 1,
            Request::Append(append) => {
                appends.calls += 1;
                appends.entries += append.entries.len() as u64;
            }
            _ => appends.parts += 1,
        }
    }

    fn sum(&mut self, now: Time, direction: Direction, other: &NodeId) -> &mut Sum {
        let begin = || Sum { first: now, last: now, appends: Appends::default() };
        self.appends.entry((direction, other.clone())).or_insert_with(begin)
    }

    fn tell(&mut self, now: Time, mut line: Value) {
        line["at"] = json!(micros(now));
        self.lines.push(line);
    }
}

fn micros(time: Time) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A line about what went to or came from another node, with the fields of `rest`.
fn directed(direction: Direction, event: &str, other: &NodeId, rest: Value) -> Value {
    let preposition = match direction {
        Direction::To => "to",
        Direction::From => "from",
    };
    let mut line = json!({"event": event, preposition: other});
    if let (Value::Object(line), Value::Object(rest)) = (&mut line, rest) {
        line.extend(rest);
    }
    line
}

/// A request for a vote, and true if it is for a pre-vote.
fn vote(request: &Request) -> Option<(bool, &VoteRequest)> {
    match request {
        Request::PreVote(request) => Some((true, request)),
        Request::Vote(request) => Some((false, request)),
        Request::Append(_)
        | Request::InstallSnapshot(_)
        | Request::TimeoutNow(_)
        | Request::ReadIndex(_)
        | Request::Clock(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{
        AppendRequest, AppendResponse, Configuration, Entry, Payload, RoleName, TimeoutNowRequest,
        VoteResponse,
    };

    const MS: Duration = Duration::from_millis(1);

    fn append(entries: usize) -> Request {
        let entry = Entry { index: 1, term: 1, payload: Payload::Noop };
        Request::Append(AppendRequest {
            term: 1,
            leader: "n1".into(),
            previous_index: 0,
            previous_term: 0,
            entries: vec![entry.into(); entries],
            commit: 0,
            round: 0,
        })
    }

    fn request(candidate: &str) -> VoteRequest {
        VoteRequest {
            term: 3,
            candidate: candidate.into(),
            last_index: 0,
            last_term: 0,
            disrupts_leader: false,
        }
    }

    fn status(commit: u64) -> Status {
        Status {
            role: RoleName::Leader,
            term: 1,
            leader: None,
            commit,
            applied: commit,
            last_index: 9,
            base: 0,
            snapshot: 0,
            configuration: Configuration::default(),
            incarnation: None,
            displaced: None,
        }
    }

    fn lines(account: &mut Account) -> Vec<Value> {
        account.take_lines().collect()
    }

    #[test]
    fn votes_are_told_one_by_one_with_who_gave_them_to_whom_and_why_not() {
        let mut account = Account::default();
        let granted = VoteResponse { term: 3, asked: 3, granted: true };
        let refused = VoteResponse { granted: false, ..granted.clone() };
        account.asks(MS, &"n2".into(), &Request::PreVote(request("n1")));
        account.answered(2 * MS, &"n2".into(), &Response::PreVote(granted.clone()));
        account.answered(2 * MS, &"n3".into(), &Response::Vote(refused.clone()));
        account.asked(3 * MS, 7, &Request::Vote(request("n3")), None);
        account.answers(5 * MS, 7, &Response::Vote(granted));
        let refusal = Some(VoteRefusal::LogBehind);
        account.asked(6 * MS, 8, &Request::PreVote(request("n3")), refusal);
        account.answers(6 * MS, 8, &Response::PreVote(refused));
        let expected = [
            json!({"event": "vote-asked", "of": "n2", "term": 3, "pre": true, "at": 1_000}),
            json!({"event": "vote-received", "from": "n2", "term": 3, "pre": true, "at": 2_000}),
            json!({"event": "vote-not-received", "from": "n3", "term": 3, "pre": false,
                "at": 2_000}),
            json!({"event": "vote-granted", "to": "n3", "term": 3, "pre": false, "after": 2_000,
                "at": 5_000}),
            json!({"event": "vote-refused", "to": "n3", "term": 3, "pre": true, "after": 0,
                "reason": "log-behind", "at": 6_000}),
        ];
        assert_eq!(lines(&mut account), expected);
    }

    #[test]
    fn appends_are_told_as_sums_when_it_is_time() {
        let mut account = Account::default();
        for (time, entries) in [(1, 0), (2, 2), (3, 3)] {
            account.asks(time * MS, &"n3".into(), &append(entries));
            account.asked(time * MS, 8, &append(entries), None);
        }
        let result = AppendResult::Accepted(5);
        let accepted = AppendResponse { term: 1, round: 0, result, promise: Duration::ZERO };
        account.answered(4 * MS, &"n3".into(), &Response::Append(accepted));
        account.report(50 * MS, &status(5));
        assert!(lines(&mut account).is_empty(), "they wait for their time");
        for _ in 0..2 {
            account.report(103 * MS, &status(5));
        }
        let expected = [
            json!({"event": "append", "to": "n3", "since": 102_000, "until": 100_000, "calls": 2,
                "entries": 5, "heartbeats": 1, "answers": 1, "accepted": 5, "at": 103_000}),
            json!({"event": "append", "from": "n1", "since": 102_000, "until": 100_000,
                "calls": 2, "entries": 5, "heartbeats": 1, "at": 103_000}),
            json!({"event": "commit", "index": 5, "applied": 5, "last": 9, "at": 103_000}),
        ];
        assert_eq!(lines(&mut account), expected);
    }

    #[test]
    fn a_change_of_role_ends_every_sum_before_it_is_told() {
        let mut account = Account::default();
        account.asks(MS, &"n2".into(), &append(0));
        let hand_over = TimeoutNowRequest { term: 1, leader: "n1".into() };
        account.asks(2 * MS, &"n2".into(), &Request::TimeoutNow(hand_over));
        let change = RoleChange { role: RoleName::Follower, term: 2, leader: Some("n2".into()) };
        account.role(9 * MS, &change, &status(0));
        let expected = [
            json!({"event": "timeout-now", "to": "n2", "term": 1, "at": 2_000}),
            json!({"event": "append", "to": "n2", "since": 8_000, "until": 8_000,
                "heartbeats": 1, "at": 9_000}),
            json!({"event": "role", "role": "follower", "term": 2, "leader": "n2", "at": 9_000}),
        ];
        assert_eq!(lines(&mut account), expected);
    }
}
