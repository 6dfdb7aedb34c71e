//! Effects and messages as one short line each, for traces and golden scripts.

use std::sync::Arc;

use crate::core::{
    AppendResult, Effect, Entry, NodeId, Payload, ReadIndexResponse, Record, Reply, Request,
    Response, Time,
};
use crate::kv::{
    Answer, Command, MicroFunction, MicroOperation, Mutation, OperationResult, SharedValue,
};

/// The sentence about `node` that an effect makes.
pub(super) fn effect(node: &NodeId, effect: &Effect) -> String {
    match effect {
        Effect::Persist { record, .. } => format!("{node} writes {}", self::record(record)),
        Effect::SaveSnapshot(snapshot) => {
            format!("{node} saves a snapshot through {}@{}", snapshot.index(), snapshot.term())
        }
        Effect::Call { to, request } => format!("{node} asks {to}: {}", self::request(request)),
        Effect::Respond { response, .. } => {
            format!("{node} responds: {}", self::response(response))
        }
        Effect::Reply { request, reply } => {
            format!("{node} replies to #{request}: {}", self::reply(reply))
        }
        Effect::Stop(reason) => format!("{node} stops: {reason}"),
        Effect::Role(change) => {
            let leader = change.leader.as_ref().map_or("nobody", NodeId::as_str);
            format!("{node} is {} in term {}, led by {leader}", change.role, change.term)
        }
    }
}

/// A question between nodes.
pub(super) fn request(request: &Request) -> String {
    match request {
        Request::PreVote(vote) | Request::Vote(vote) => format!(
            "{} term={} last={}@{}",
            if matches!(request, Request::Vote(_)) { "vote" } else { "pre-vote" },
            vote.term,
            vote.last_index,
            vote.last_term
        ),
        Request::Append(append) => format!(
            "{} term={} previous={}@{} commit={}{}",
            if append.entries.is_empty() { "heartbeat" } else { "append" },
            append.term,
            append.previous_index,
            append.previous_term,
            append.commit,
            entries(&append.entries)
        ),
        Request::InstallSnapshot(part) => format!(
            "snapshot term={} last={}@{} offset={} bytes={}{}",
            part.term,
            part.index,
            part.last_term,
            part.offset,
            part.data.len(),
            if part.done { " done" } else { "" }
        ),
        Request::TimeoutNow(timeout_now) => format!("timeout-now term={}", timeout_now.term),
        Request::ReadIndex(asked) => format!("read-index number={}", asked.number),
        Request::Clock(_) => "clock".to_string(),
    }
}

/// An answer between nodes.
pub(super) fn response(response: &Response) -> String {
    match response {
        Response::PreVote(vote) | Response::Vote(vote) => format!(
            "{} for term {} {} (term {})",
            if matches!(response, Response::Vote(_)) { "vote" } else { "pre-vote" },
            vote.asked,
            if vote.granted { "granted" } else { "refused" },
            vote.term
        ),
        Response::Append(append) => {
            let result = match &append.result {
                AppendResult::Accepted(through) => format!("accepted through {through}"),
                AppendResult::Heard => "heard".to_string(),
                AppendResult::Conflict { previous, index, term: Some(term) } => {
                    format!("conflict at {previous}, term {term} begins at {index}")
                }
                AppendResult::Conflict { previous, index, term: None } => {
                    format!("nothing at {previous}, log ends before {index}")
                }
                AppendResult::StaleTerm => "your term is over".to_string(),
            };
            let promise = match append.promise {
                Time::ZERO => String::new(),
                promise => format!(", bound for {promise:?}"),
            };
            format!("{result} (term {}){promise}", append.term)
        }
        Response::InstallSnapshot(part) => {
            let (index, term) = (part.index, part.term);
            match part.installed {
                true => format!("snapshot through {index} installed (term {term})"),
                false => format!("{} bytes of snapshot through {index} (term {term})", part.offset),
            }
        }
        Response::TimeoutNow(timeout_now) => format!("told in term {}", timeout_now.term),
        Response::ReadIndex(ReadIndexResponse { number, index: Some(index), .. }) => {
            format!("read index {index} for {number}")
        }
        Response::ReadIndex(response) => format!("no read index for {}", response.number),
        Response::Clock(response) => format!("clock {:?}", response.shown),
    }
}

fn entries(entries: &[Arc<Entry>]) -> String {
    entries.iter().map(|entry| format!(" {}", self::entry(entry))).collect()
}

/// An entry: `index@term:payload`.
pub(super) fn entry(entry: &Entry) -> String {
    let Entry { index, term, payload } = entry;
    match payload {
        Payload::Noop => format!("{index}@{term}:noop"),
        Payload::Command(encoded) => format!("{index}@{term}:{}", command(&encoded.decode())),
        Payload::Configuration(configuration) => format!("{index}@{term}:[{configuration}]"),
    }
}

fn command(Command { mutation, token }: &Command) -> String {
    let text = match mutation {
        Mutation::Write { key, value } => format!("{key}={value}"),
        Mutation::Cas { key, expected, new } => format!("{key}={expected}→{new}"),
        Mutation::Append { key, value } => format!("{key}+=[{value}]"),
        Mutation::Delete { key } => format!("{key}=gone"),
        Mutation::Add { key, delta } => format!("{key}+={delta}"),
        Mutation::Insert { key, element } => format!("{key}∪{{{element}}}"),
        Mutation::Enqueue { key, element } => format!("{key}.enqueue[{element}]"),
        Mutation::Dequeue { key } => format!("{key}.dequeue"),
        Mutation::Acquire { key, owner } => format!("{key}.acquire[{owner}]"),
        Mutation::Release { key, owner } => format!("{key}.release[{owner}]"),
        Mutation::Transaction(transaction) => {
            let step = |(operation, key): (&MicroOperation, String)| {
                let MicroOperation(f, _, value) = operation;
                match f {
                    MicroFunction::Read => format!("{key}?"),
                    MicroFunction::Write => format!("{key}={value}"),
                    MicroFunction::Append => format!("{key}+=[{value}]"),
                }
            };
            format!("{{{}}}", transaction.steps().map(step).collect::<Vec<_>>().join(" "))
        }
    };
    token.as_ref().map_or(text.clone(), |token| format!("{text}({token})"))
}

fn record(record: &Record) -> String {
    match record {
        Record::Vote { term, vote } => {
            let vote = vote.as_ref().map_or("nobody", NodeId::as_str);
            format!("term {term}, vote for {vote}")
        }
        Record::Entry(entry) => self::entry(entry),
        Record::Truncate { from } => format!("truncation from {from}"),
        Record::Base { index, term, dropped: 0 } => format!("base {index}@{term}"),
        Record::Base { index, term, dropped } => {
            format!("base {index}@{term}, through {dropped} dropped")
        }
    }
}

fn found(value: Option<&SharedValue>) -> String {
    value.map_or("too large to tell".to_string(), SharedValue::to_string)
}

fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Answer(Answer { result, version }) => match result {
            OperationResult::Ok(value) => format!("{value} at {version}"),
            OperationResult::PreconditionFailed { actual } => {
                format!("failed, is {} at {version}", found(actual.as_ref()))
            }
            OperationResult::WrongType { actual } => {
                format!("wrong type, is {} at {version}", found(actual.as_ref()))
            }
            OperationResult::Empty => format!("empty at {version}"),
            OperationResult::TooLarge => format!("too large at {version}"),
        },
        Reply::SnapshotTaken { index } => format!("snapshot through {index}"),
        Reply::Transferred { leader, term } => format!("{leader} leads term {term}"),
        Reply::Configured { configuration } => format!("members are {configuration}"),
        Reply::Refused(refusal) => {
            let kind = if refusal.is_definite() { "definite" } else { "indefinite" };
            format!("{} ({kind})", refusal.name())
        }
    }
}
