//! The protocol between nodes: which request goes to which endpoint, and its bytes.
//!
//! | `POST /raft/…` | request | response |
//! |---|---|---|
//! | `pre-vote`, `request-vote` | `term, candidateId, lastLogIndex, lastLogTerm` | `term, voteGranted, askedTerm` |
//! | `append-entries`, `heartbeat` | `term, leaderId, prevLogIndex, prevLogTerm, entries, leaderCommit, readRound` | `term, success, matchIndex, conflict, readRound, promisedNanos` |
//! | `install-snapshot` | `term, leaderId, lastIncludedIndex, lastIncludedTerm, offset, data, done` | `term, lastIncludedIndex, offset, installed` |
//! | `timeout-now` | `term, leaderId` | `term` |
//! | `read-index` | `term, nodeId, number` | `term, number, readIndex` |
//! | `clock` | `term, nodeId` | `term, life, clockNanos` |
//!
//! A message that no node of the cluster could have sent is refused here, before the core sees it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::{Entry, Payload, Request, Response};

/// The highest term that is believed. No cluster reaches it: at a thousand elections a second it
/// takes 285,000 years. Up to here, terms are exact in programs that read them as JavaScript numbers.
/// Of those below, the core believes none that is far beyond its own.
pub(crate) const TERM_MAX: u64 = (1 << 53) - 1;

/// An endpoint for the other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    PreVote,
    RequestVote,
    AppendEntries,
    Heartbeat,
    InstallSnapshot,
    TimeoutNow,
    ReadIndex,
    Clock,
}

/// The reason for which a message is not one of this protocol.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    /// It is not JSON, or not the JSON of such a message.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The term is not one that can be.
    #[error("term {0} is beyond {TERM_MAX}, which no cluster reaches")]
    Term(u64),
    /// The entries are not a piece of a log.
    #[error("the entries do not follow each other")]
    Gap,
    /// The log of a candidate cannot end as it says.
    #[error("the log of a candidate cannot end there")]
    LogEnd,
    /// There is no such snapshot.
    #[error("no snapshot can end there")]
    SnapshotEnd,
    /// The command of an entry is none.
    #[error("entry {index} has no command: {error}")]
    Command {
        /// The entry.
        index: u64,
        /// The fault of its text.
        error: serde_json::Error,
    },
    /// The configuration of an entry is none.
    #[error("entry {index} has no configuration: some node votes, and none both votes and learns")]
    Configuration {
        /// The entry.
        index: u64,
    },
    /// A heartbeat has entries.
    #[error("a heartbeat has no entries; those go to append-entries")]
    NotAHeartbeat,
}

impl Endpoint {
    /// Every endpoint.
    pub(crate) const ALL: [Endpoint; 8] = [
        Endpoint::PreVote,
        Endpoint::RequestVote,
        Endpoint::AppendEntries,
        Endpoint::Heartbeat,
        Endpoint::InstallSnapshot,
        Endpoint::TimeoutNow,
        Endpoint::ReadIndex,
        Endpoint::Clock,
    ];

    /// The endpoint that a request goes to.
    pub(crate) fn of(request: &Request) -> Endpoint {
        match request {
            Request::PreVote(_) => Endpoint::PreVote,
            Request::Vote(_) => Endpoint::RequestVote,
            Request::Append(append) if append.entries.is_empty() => Endpoint::Heartbeat,
            Request::Append(_) => Endpoint::AppendEntries,
            Request::InstallSnapshot(_) => Endpoint::InstallSnapshot,
            Request::TimeoutNow(_) => Endpoint::TimeoutNow,
            Request::ReadIndex(_) => Endpoint::ReadIndex,
            Request::Clock(_) => Endpoint::Clock,
        }
    }

    /// The last part of its path.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Endpoint::PreVote => "pre-vote",
            Endpoint::RequestVote => "request-vote",
            Endpoint::AppendEntries => "append-entries",
            Endpoint::Heartbeat => "heartbeat",
            Endpoint::InstallSnapshot => "install-snapshot",
            Endpoint::TimeoutNow => "timeout-now",
            Endpoint::ReadIndex => "read-index",
            Endpoint::Clock => "clock",
        }
    }

    /// The request with that body.
    pub(crate) fn request(self, body: &[u8]) -> Result<Request, Malformed> {
        let request = match self {
            Endpoint::PreVote => Request::PreVote(parse(body)?),
            Endpoint::RequestVote => Request::Vote(parse(body)?),
            Endpoint::AppendEntries | Endpoint::Heartbeat => Request::Append(parse(body)?),
            Endpoint::InstallSnapshot => Request::InstallSnapshot(parse(body)?),
            Endpoint::TimeoutNow => Request::TimeoutNow(parse(body)?),
            Endpoint::ReadIndex => Request::ReadIndex(parse(body)?),
            Endpoint::Clock => Request::Clock(parse(body)?),
        };
        believable(request.term())?;
        match &request {
            Request::PreVote(vote) | Request::Vote(vote) if !vote.is_well_formed() => {
                return Err(Malformed::LogEnd);
            }
            Request::InstallSnapshot(part) if !part.is_well_formed() => {
                return Err(Malformed::SnapshotEnd);
            }
            Request::Append(append) => {
                if self == Endpoint::Heartbeat && !append.entries.is_empty() {
                    return Err(Malformed::NotAHeartbeat);
                }
                if !append.is_well_formed() {
                    return Err(Malformed::Gap);
                }
                append.entries.iter().try_for_each(|entry| has_content(entry))?;
            }
            _ => {}
        }
        Ok(request)
    }

    /// The response with that body, to a request that went here.
    pub(crate) fn response(self, body: &[u8]) -> Result<Response, Malformed> {
        let response = match self {
            Endpoint::PreVote => Response::PreVote(parse(body)?),
            Endpoint::RequestVote => Response::Vote(parse(body)?),
            Endpoint::AppendEntries | Endpoint::Heartbeat => Response::Append(parse(body)?),
            Endpoint::InstallSnapshot => Response::InstallSnapshot(parse(body)?),
            Endpoint::TimeoutNow => Response::TimeoutNow(parse(body)?),
            Endpoint::ReadIndex => Response::ReadIndex(parse(body)?),
            Endpoint::Clock => Response::Clock(parse(body)?),
        };
        believable(response.term())?;
        Ok(response)
    }
}

/// The body of a request.
pub(crate) fn request_body(request: &Request) -> Vec<u8> {
    match request {
        Request::PreVote(body) | Request::Vote(body) => json(body),
        Request::Append(body) => json(body),
        Request::InstallSnapshot(body) => json(body),
        Request::TimeoutNow(body) => json(body),
        Request::ReadIndex(body) => json(body),
        Request::Clock(body) => json(body),
    }
}

/// The body of a response.
pub(crate) fn response_body(response: &Response) -> Vec<u8> {
    match response {
        Response::PreVote(body) | Response::Vote(body) => json(body),
        Response::Append(body) => json(body),
        Response::InstallSnapshot(body) => json(body),
        Response::TimeoutNow(body) => json(body),
        Response::ReadIndex(body) => json(body),
        Response::Clock(body) => json(body),
    }
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("a message has a JSON form")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    Ok(serde_json::from_slice(body)?)
}

/// Once an entry is in the log, every node that applies it decodes it, and so does its next life.
fn has_content(entry: &Entry) -> Result<(), Malformed> {
    let command = match &entry.payload {
        Payload::Configuration(configuration) if !configuration.is_well_formed() => {
            return Err(Malformed::Configuration { index: entry.index });
        }
        Payload::Configuration(_) | Payload::Noop => return Ok(()),
        Payload::Command(command) => command,
    };
    let checked = command.try_decode().map(drop);
    checked.map_err(|error| Malformed::Command { index: entry.index, error })
}

fn believable(term: u64) -> Result<(), Malformed> {
    if term > TERM_MAX { Err(Malformed::Term(term)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::core::{
        AppendRequest, AppendResponse, AppendResult, ClockRequest, ClockResponse, ReadIndexRequest,
        ReadIndexResponse, TimeoutNowRequest, TimeoutNowResponse, VoteRequest, VoteResponse,
    };
    use crate::kv::{Command, EncodedCommand, Mutation};

    fn vote() -> VoteRequest {
        let (last_index, last_term) = (7, 3);
        let candidate = "n1".into();
        VoteRequest { term: 4, candidate, last_index, last_term, disrupts_leader: false }
    }

    fn append(entries: Vec<Arc<Entry>>) -> Request {
        Request::Append(AppendRequest {
            term: 4,
            leader: "n1".into(),
            previous_index: 7,
            previous_term: 3,
            entries,
            commit: 6,
            round: 2,
        })
    }

    fn entry(index: u64, term: u64) -> Arc<Entry> {
        let mutation = Mutation::Write { key: "k".into(), value: 1.into() };
        let command = EncodedCommand::new(&Command { mutation, token: None });
        Arc::new(Entry { index, term, payload: Payload::Command(command) })
    }

    #[test]
    fn requests_have_the_names_of_the_paper_and_are_read_back() {
        let entries = json!([
            {"index": 8, "term": 4, "payload": {"command": {"mutation": {"write": {"key": "k", "value": 1}}}}},
        ]);
        for (request, name, body) in [
            (
                Request::Vote(vote()),
                "request-vote",
                json!({"term": 4, "candidateId": "n1", "lastLogIndex": 7, "lastLogTerm": 3}),
            ),
            (
                Request::PreVote(vote()),
                "pre-vote",
                json!({"term": 4, "candidateId": "n1", "lastLogIndex": 7, "lastLogTerm": 3}),
            ),
            (
                Request::Vote(VoteRequest { disrupts_leader: true, ..vote() }),
                "request-vote",
                json!({"term": 4, "candidateId": "n1", "lastLogIndex": 7, "lastLogTerm": 3,
                       "disruptsLeader": true}),
            ),
            (
                append(vec![entry(8, 4)]),
                "append-entries",
                json!({"term": 4, "leaderId": "n1", "prevLogIndex": 7, "prevLogTerm": 3,
                       "entries": entries, "leaderCommit": 6, "readRound": 2}),
            ),
            (
                append(vec![]),
                "heartbeat",
                json!({"term": 4, "leaderId": "n1", "prevLogIndex": 7, "prevLogTerm": 3,
                       "entries": [], "leaderCommit": 6, "readRound": 2}),
            ),
            (
                Request::TimeoutNow(TimeoutNowRequest { term: 4, leader: "n1".into() }),
                "timeout-now",
                json!({"term": 4, "leaderId": "n1"}),
            ),
            (
                Request::ReadIndex(ReadIndexRequest { term: 4, node: "n1".into(), number: 7 }),
                "read-index",
                json!({"term": 4, "nodeId": "n1", "number": 7}),
            ),
            (
                Request::Clock(ClockRequest { term: 4, node: "n1".into() }),
                "clock",
                json!({"term": 4, "nodeId": "n1"}),
            ),
        ] {
            let endpoint = Endpoint::of(&request);
            let bytes = request_body(&request);
            assert_eq!(endpoint.name(), name);
            assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), body);
            assert_eq!(endpoint.request(&bytes).unwrap(), request);
        }
    }

    #[test]
    fn responses_have_the_names_of_the_paper_and_are_read_back() {
        let vote = VoteResponse { term: 5, asked: 4, granted: true };
        let appended = |result| {
            let promise = Duration::ZERO;
            Response::Append(AppendResponse { term: 5, round: 2, result, promise })
        };
        for (endpoint, response, body) in [
            (
                Endpoint::RequestVote,
                Response::Vote(vote.clone()),
                json!({"term": 5, "askedTerm": 4, "voteGranted": true}),
            ),
            (
                Endpoint::PreVote,
                Response::PreVote(vote),
                json!({"term": 5, "askedTerm": 4, "voteGranted": true}),
            ),
            (
                Endpoint::AppendEntries,
                appended(AppendResult::Accepted(9)),
                json!({"term": 5, "success": true, "matchIndex": 9, "readRound": 2}),
            ),
            (
                Endpoint::Heartbeat,
                appended(AppendResult::Heard),
                json!({"term": 5, "success": true, "readRound": 2}),
            ),
            (
                Endpoint::AppendEntries,
                appended(AppendResult::Conflict { previous: 7, index: 5, term: Some(2) }),
                json!({"term": 5, "success": false, "readRound": 2, "conflict":
                       {"prevLogIndex": 7, "conflictIndex": 5, "conflictTerm": 2}}),
            ),
            (
                Endpoint::AppendEntries,
                appended(AppendResult::Conflict { previous: 7, index: 5, term: None }),
                json!({"term": 5, "success": false, "readRound": 2, "conflict":
                       {"prevLogIndex": 7, "conflictIndex": 5}}),
            ),
            (
                Endpoint::AppendEntries,
                appended(AppendResult::StaleTerm),
                json!({"term": 5, "success": false, "readRound": 2}),
            ),
            (
                Endpoint::TimeoutNow,
                Response::TimeoutNow(TimeoutNowResponse { term: 5 }),
                json!({"term": 5}),
            ),
            (
                Endpoint::Heartbeat,
                Response::Append(AppendResponse {
                    term: 5,
                    round: 2,
                    result: AppendResult::Heard,
                    promise: Duration::from_millis(400),
                }),
                json!({"term": 5, "success": true, "readRound": 2, "promisedNanos": 400_000_000}),
            ),
            (
                Endpoint::ReadIndex,
                Response::ReadIndex(ReadIndexResponse { term: 5, number: 7, index: Some(6) }),
                json!({"term": 5, "number": 7, "readIndex": 6}),
            ),
            (
                Endpoint::Clock,
                Response::Clock(ClockResponse { term: 5, life: 3, shown: Duration::from_nanos(9) }),
                json!({"term": 5, "life": 3, "clockNanos": 9}),
            ),
        ] {
            let bytes = response_body(&response);
            assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), body);
            assert_eq!(endpoint.response(&bytes).unwrap(), response);
        }
    }

    #[test]
    fn what_no_node_could_have_sent_is_refused_with_the_reason() {
        let mut far = vote();
        far.term = u64::MAX;
        let bytes = |request| request_body(&request);
        let with = |name: &str, value: Value| {
            let mut body: Value = serde_json::from_slice(&bytes(append(vec![]))).unwrap();
            body[name] = value;
            body.to_string().into_bytes()
        };
        for (endpoint, body, complaint) in [
            (
                Endpoint::RequestVote,
                bytes(Request::Vote(far)),
                "term 18446744073709551615 is beyond",
            ),
            (Endpoint::AppendEntries, bytes(append(vec![entry(9, 4)])), "follow each other"),
            (Endpoint::AppendEntries, bytes(append(vec![entry(8, 5)])), "follow each other"),
            (Endpoint::AppendEntries, bytes(append(vec![entry(8, 2)])), "follow each other"),
            (Endpoint::Heartbeat, bytes(append(vec![entry(8, 4)])), "append-entries"),
            (
                Endpoint::PreVote,
                bytes(Request::PreVote(VoteRequest { last_term: 4, ..vote() })),
                "cannot end",
            ),
            (
                Endpoint::RequestVote,
                bytes(Request::Vote(VoteRequest { last_index: 0, ..vote() })),
                "cannot end",
            ),
            (Endpoint::Heartbeat, with("prevLogTerm", 5.into()), "follow each other"),
            (Endpoint::Heartbeat, with("prevLogIndex", 0.into()), "follow each other"),
            (
                Endpoint::AppendEntries,
                with("entries", json!([{"index": 8, "term": 4, "payload": {"command": {"a": 1}}}])),
                "entry 8 has no command",
            ),
            (Endpoint::TimeoutNow, b"{\"term\":1}".to_vec(), "leaderId"),
            (Endpoint::PreVote, b"[".to_vec(), "EOF"),
        ] {
            let refused = endpoint.request(&body).unwrap_err().to_string();
            assert!(refused.contains(complaint), "{refused}");
        }
        let body = json!({"term": TERM_MAX + 1, "success": true}).to_string();
        assert!(Endpoint::Heartbeat.response(body.as_bytes()).is_err());
    }
}
