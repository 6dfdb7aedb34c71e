//! Operations as messages of the stream.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tokio::time::sleep;

use super::connection::{Connections, ERRORS, STREAM, Stored};
use super::raft_group::raft_group;
use crate::exit::usage;
use crate::target::{
    Answer, BoxFuture, Client, ErrorRow, Member, NodeStatus, Refusal, Reply, Request,
};

/// The models whose objects can be kept: everything that is only added to.
const MODELS: &[&str] = &["append-list", "set"];

/// The last part of a subject: an element of the object, or the marker of a read.
const ELEMENT: &str = "element";
const MARKER: &str = "marker";

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
                "a stream of NATS only grows, so there is no way to keep a {model} in it: \
                 --workload append and --workload set can be had"
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
        if !request.mutates {
            return self.read(node, &request.key).await;
        }
        let subject = self.subject(&request.key, ELEMENT);
        let payload = request.value.to_string().into_bytes();
        let id = Some(request.token.as_str());
        let sequence = self.connections.publish(node, subject, id, payload).await?;
        Ok(Answer { value: Some(request.value.clone()), version: Some(sequence) })
    }

    /// Everything that was added to a key before a marker of this read.
    async fn read(&self, node: usize, key: &str) -> Result<Answer, Refusal> {
        let marker = self.subject(key, MARKER);
        let marker = self.connections.publish(node, marker, None, Vec::new()).await?;
        let everything = self.subject(key, "*");
        // The runner ends this when the attempt's time is over.
        let messages = loop {
            let messages = self.connections.messages(node, &everything).await?;
            if reaches(&messages, marker) {
                break messages;
            }
            sleep(PAUSE).await;
        };
        let elements = self.subject(key, ELEMENT);
        let value = elements_before(&messages, &elements, marker)?;
        Ok(Answer { value: Some(value), version: Some(marker) })
    }

    /// What a server says of the stream's Raft group; if it knows none, the stream is made, as a
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

/// Whether a replica that told these had everything up to that sequence.
fn reaches(messages: &[Stored], sequence: u64) -> bool {
    messages.last().is_some_and(|last| last.sequence >= sequence)
}

/// The elements among these messages that stand before that sequence.
fn elements_before(messages: &[Stored], subject: &str, sequence: u64) -> Result<Value, Refusal> {
    messages
        .iter()
        .filter(|message| message.sequence < sequence && message.subject == subject)
        .map(|message| serde_json::from_slice::<Value>(&message.payload))
        .collect::<Result<_, _>>()
        .map_err(|_| Refusal::of("nonsense"))
}

impl Client for NatsClient {
    fn attempt<'a>(&'a self, node: usize, request: &'a Request) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            match self.act(node, request).await {
                Ok(answer) => Reply::Answer(answer),
                Err(refusal) => Reply::Refusal(refusal),
            }
        })
    }

    fn status(&self, node: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(self.ask_status(node))
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
        let read = |marker| elements_before(&messages, "l.element", marker);
        assert_eq!(read(4), Ok(json!([7])));
        assert_eq!(read(6), Ok(json!([7, "x"])));
        assert!(reaches(&messages, 9) && !reaches(&messages, 10));
        assert!(!reaches(&[], 1), "an empty replica has no marker");
        assert!(elements_before(&messages, "l.marker", 5).is_err(), "a marker is no element");
    }
}
