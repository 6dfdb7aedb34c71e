//! Operations as messages of the stream.

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;

use super::connection::{Connections, ERRORS, STREAM, Stored};
use super::raft_group::raft_group;
use crate::exit::usage;
use crate::targets::{
    Answer, BoxFuture, Client, ErrorRow, LogProgress, Member, NodeStatus, Refusal, Reply, Request,
};

/// The models whose objects can be kept.
const MODELS: &[&str] = &["append-list", "set", "queue"];

/// The last part of a subject: an element of the object, the marker of a read, or that an element
/// of a queue was taken.
const ELEMENT: &str = "element";
const MARKER: &str = "marker";
const TAKEN: &str = "taken";

/// Between two looks for a marker at a replica that lags behind: about what a message takes to it.
const PAUSE: Duration = Duration::from_millis(5);

/// A client of one cluster.
pub(super) struct NatsClient {
    connections: Connections,
    names: Vec<String>,
    /// Begins every subject behind the stream's.
    run: String,
}

impl NatsClient {
    /// # Errors
    /// When there is no way to keep objects of that model.
    pub(super) fn new(
        connections: Connections,
        cluster: &[Member],
        run: &str,
        model: &str,
    ) -> Result<NatsClient> {
        if !MODELS.contains(&model) {
            return Err(usage(format!(
                "there is no way to keep a {model} in a stream of NATS: --workload append, set \
                 and queue can be had"
            )));
        }
        let names = cluster.iter().map(|member| member.name.clone()).collect();
        Ok(NatsClient { connections, names, run: run.into() })
    }

    /// The subject of messages about that key, of that kind or, for `*`, of any.
    fn subject(&self, key: &str, kind: &str) -> String {
        format!("{STREAM}.{}.{key}.{kind}", self.run)
    }

    async fn act(&self, node: usize, request: &Request) -> Result<Answer, Refusal> {
        match request.f {
            "read" => self.read(node, &request.key).await,
            "dequeue" => self.dequeue(node, request).await,
            _ => {
                let subject = self.subject(&request.key, ELEMENT);
                let payload = request.value.to_string().into_bytes();
                let id = Some(request.token.as_str());
                let done = self.connections.publish(node, subject, id, None, payload).await?;
                Ok(Answer { value: Some(request.value.clone()), version: Some(done.sequence) })
            }
        }
    }

    async fn read(&self, node: usize, key: &str) -> Result<Answer, Refusal> {
        let (messages, marker) = self.messages(node, key).await?;
        let value = elements(&messages, &self.subject(key, ELEMENT))?;
        Ok(Answer { value: Some(value), version: Some(marker) })
    }

    /// Takes the oldest element: notes that it is taken, unless somebody has noted anything since.
    async fn dequeue(&self, node: usize, request: &Request) -> Result<Answer, Refusal> {
        let Request { key, token, .. } = request;
        let (messages, marker) = self.messages(node, key).await?;
        let taken = self.subject(key, TAKEN);
        match next(&messages, &self.subject(key, ELEMENT), &taken, token)? {
            Next::Empty => Ok(Answer { value: None, version: Some(marker) }),
            Next::TakenBefore { sequence, value } => {
                Ok(Answer { value: Some(value), version: Some(sequence) })
            }
            Next::Take { element, value, after } => {
                let note = Taking { token: token.clone(), element };
                let note = serde_json::to_vec(&note).map_err(|_| Refusal::of("unsendable"))?;
                let id = Some(token.as_str());
                let done = self.connections.publish(node, taken, id, Some(after), note).await?;
                if done.is_repeat {
                    // What an earlier request noted, the next one will see.
                    return Err(Refusal::of("moved"));
                }
                Ok(Answer { value: Some(value), version: Some(done.sequence) })
            }
        }
    }

    /// Everything about a key before a marker that is put there now, and the marker's sequence.
    async fn messages(&self, node: usize, key: &str) -> Result<(Vec<Stored>, u64), Refusal> {
        let marker = self.subject(key, MARKER);
        let marker = self.connections.publish(node, marker, None, None, Vec::new()).await?.sequence;
        let everything = self.subject(key, "*");
        // The runner ends this when the attempt's time is over.
        loop {
            let mut messages = self.connections.messages(node, &everything).await?;
            if reaches(&messages, marker) {
                messages.retain(|message| message.sequence < marker);
                return Ok((messages, marker));
            }
            sleep(PAUSE).await;
        }
    }

    /// The stream's Raft group, as a server has it; if it knows none, the stream is made, as a
    /// service does that starts: then it is there soon, and what an earlier one held is missing
    /// from what it answers.
    async fn ask_status(&self, node: usize) -> Option<NodeStatus> {
        let name = &self.names[node];
        if self.names.len() == 1 {
            // A server alone has no Raft group.
            self.connections.make_stream(node).await.ok()?;
            return Some(NodeStatus { leader: Some(name.clone()), term: 0 });
        }
        match raft_group(&self.connections, node).await? {
            Some(group) => Some(group.status(name)),
            None => {
                // Whatever comes of it, the next question tells.
                let _ = self.connections.make_stream(node).await;
                None
            }
        }
    }
}

/// Returns true if a replica that said this had everything up to that sequence.
fn reaches(messages: &[Stored], sequence: u64) -> bool {
    messages.last().is_some_and(|last| last.sequence >= sequence)
}

/// The elements among these messages.
fn elements(messages: &[Stored], subject: &str) -> Result<Value, Refusal> {
    let of_subject = messages.iter().filter(|message| message.subject == subject);
    of_subject.map(understood).collect::<Result<Vec<Value>, _>>().map(Value::from)
}

fn understood<T: for<'a> Deserialize<'a>>(message: &Stored) -> Result<T, Refusal> {
    serde_json::from_slice(&message.payload).map_err(|_| Refusal::of("nonsense"))
}

/// That an element of a queue is taken.
#[derive(Serialize, Deserialize)]
struct Taking {
    /// The token of the operation that took it.
    token: String,
    /// The sequence of the element.
    element: u64,
}

/// The finding of a dequeue.
#[derive(Debug, PartialEq)]
enum Next {
    Empty,
    /// An earlier request of the same operation took an element, and noted it there.
    TakenBefore {
        sequence: u64,
        value: Value,
    },
    /// The oldest element, if the last note is still the one at `after`; 0 if there is none.
    Take {
        element: u64,
        value: Value,
        after: u64,
    },
}

/// The finding of a dequeue of that token in everything about a queue. Elements are taken in order,
/// so that the last note tells how far.
fn next(messages: &[Stored], elements: &str, notes: &str, token: &str) -> Result<Next, Refusal> {
    let of = |subject| move |message: &&Stored| message.subject == subject;
    let (mut taken, mut after) = (0, 0);
    for note in messages.iter().filter(of(notes)) {
        let taking: Taking = understood(note)?;
        if taking.token == token {
            let element = messages.iter().find(|message| message.sequence == taking.element);
            let value = understood(element.ok_or_else(|| Refusal::of("nonsense"))?)?;
            return Ok(Next::TakenBefore { sequence: note.sequence, value });
        }
        (taken, after) = (taking.element, note.sequence);
    }
    match messages.iter().filter(of(elements)).find(|element| element.sequence > taken) {
        None => Ok(Next::Empty),
        Some(oldest) => {
            let value = understood(oldest)?;
            Ok(Next::Take { element: oldest.sequence, value, after })
        }
    }
}

impl Client for NatsClient {
    fn attempt<'a>(&'a self, node: usize, request: &'a Request) -> BoxFuture<'a, Reply> {
        Box::pin(async move { self.act(node, request).await.into() })
    }

    fn status(&self, node: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(self.ask_status(node))
    }

    fn progress(&self, node: usize) -> Option<BoxFuture<'_, Option<LogProgress>>> {
        let asked = async move { raft_group(&self.connections, node).await??.progress() };
        // A server alone has no Raft group.
        (self.names.len() > 1).then(|| Box::pin(asked) as BoxFuture<'_, _>)
    }

    fn errors(&self) -> &[ErrorRow] {
        &ERRORS
    }

    fn honours_token(&self, _f: &str) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(sequence: u64, kind: &str, payload: &str) -> Stored {
        Stored { subject: format!("l.{kind}"), sequence, payload: payload.into() }
    }

    #[test]
    fn a_read_has_what_stands_before_its_marker() {
        let messages = [
            message(2, ELEMENT, "7"),
            message(4, MARKER, ""),
            message(5, ELEMENT, r#""x""#),
            message(6, MARKER, ""),
            message(9, ELEMENT, "8"),
        ];
        assert_eq!(elements(&messages[..2], "l.element"), Ok(json!([7])));
        assert_eq!(elements(&messages[..4], "l.element"), Ok(json!([7, "x"])));
        assert!(reaches(&messages, 9) && !reaches(&messages, 10));
        assert!(!reaches(&[], 1), "an empty replica has no marker");
        assert!(elements(&messages, "l.marker").is_err(), "a marker is no element");
    }

    #[test]
    fn a_dequeue_finds_the_oldest_element_that_nobody_took() {
        let note = |sequence, element: u64, token: &str| {
            message(sequence, TAKEN, &json!({"token": token, "element": element}).to_string())
        };
        let mut messages = vec![message(2, ELEMENT, "7"), message(3, ELEMENT, "8")];
        let find = |messages: &[Stored], token| next(messages, "l.element", "l.taken", token);
        let take =
            |element, value: u64, after| Ok(Next::Take { element, value: json!(value), after });
        assert_eq!(find(&messages, "a"), take(2, 7, 0));
        messages.push(note(5, 2, "a"));
        assert_eq!(find(&messages, "b"), take(3, 8, 5));
        let taken = Next::TakenBefore { sequence: 5, value: json!(7) };
        assert_eq!(find(&messages, "a"), Ok(taken));
        messages.push(note(6, 3, "b"));
        assert_eq!(find(&messages, "c"), Ok(Next::Empty));
    }
}
