//! The contents of the stream at each server: its messages, by key and sequence.
//!
//! A server that is asked for messages answers from its own replica once that serves, because it
//! prefers who asks for nothing over a route; how far it is, it tells of itself.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use checker::oracle::divergence::{Contents, Held};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::connection::{Connections, STREAM, Stored};
use super::target::ACCOUNT;
use crate::targets::{BoxFuture, Dumper, Member, Refusal};

/// The time that a server may take to hand out everything: some ten thousand messages in a second,
/// and all servers are asked at the same time on a machine that may be small.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks members where clients reach them.
pub(super) struct NatsDumper {
    connections: Connections,
    names: Vec<String>,
}

/// The store of a server, as `JSZ` has it.
#[derive(Debug, Deserialize)]
struct Storage {
    #[serde(default)]
    account_details: Vec<Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    #[serde(default)]
    stream_detail: Vec<Stream>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    name: String,
    state: State,
}

/// The position of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct State {
    messages: u64,
    last_seq: u64,
}

impl NatsDumper {
    pub(super) fn new(connections: Connections, cluster: &[Member]) -> Self {
        let names = cluster.iter().map(|member| member.name.clone()).collect();
        NatsDumper { connections, names }
    }

    async fn dump(&self, node: usize) -> anyhow::Result<Contents> {
        let before = self.state(node).await?;
        let everything = format!("{STREAM}.>");
        let refused =
            |refusal: Refusal| anyhow!("it does not tell its messages: {}", refusal.error);
        let messages = timeout(PATIENCE, self.connections.messages(node, &everything)).await;
        let messages =
            messages.context("it did not tell its messages in time")?.map_err(refused)?;
        let State { messages: count, last_seq } = self.state(node).await?;
        if before != (State { messages: count, last_seq }) {
            bail!("it still stored messages");
        }
        Ok(Contents {
            node: self.names[node].clone(),
            position: Some(last_seq),
            revision: Some(count),
            digest: None,
            held: messages.into_iter().map(named).collect(),
        })
    }

    async fn state(&self, node: usize) -> anyhow::Result<State> {
        let question = json!({"acc": ACCOUNT, "streams": true});
        let told = self.connections.told_by_server::<Storage>(node, "JSZ", &question);
        let storage = told.await.context("it does not tell how far it is")?;
        let streams = storage.account_details.into_iter().flat_map(|it| it.stream_detail);
        let stream = streams.into_iter().find(|stream| stream.name == STREAM);
        Ok(stream.context("it has no replica of the stream")?.state)
    }
}

/// A message as the history knows it: by its key and its sequence, without stream and run.
fn named(message: Stored) -> (String, Held) {
    let Stored { subject, sequence, payload } = message;
    let name = subject.splitn(3, '.').last().unwrap_or_default();
    let value = String::from_utf8_lossy(&payload).into_owned();
    (format!("{name} {sequence}"), Held { value, version: Some(sequence) })
}

impl Dumper for NatsDumper {
    fn contents(&self, node: usize) -> BoxFuture<'_, anyhow::Result<Contents>> {
        Box::pin(self.dump(node))
    }
}
