//! The contents of each member of etcd: its keys, its revision and its own hash of all that.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use checker::oracle::divergence::{Contents, Held};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::gateway::{Gateway, KeyValue, RangeBody, encode, number};
use crate::targets::{BoxFuture, Dumper, Member, Refusal};

/// The number of keys that one answer may have: some hundred kilobytes of them.
const PAGE: usize = 5_000;

/// The time that one answer may take: a page takes some ten milliseconds, but all members are asked
/// at the same time on a machine that may be small.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks members where clients reach them.
pub(super) struct EtcdDumper {
    gateway: Gateway,
    names: Vec<String>,
}

/// The position of a member in the log.
#[derive(Debug, PartialEq, Eq)]
struct Progress {
    applied: u64,
    revision: u64,
}

impl EtcdDumper {
    pub(super) fn new(gateway: Gateway, cluster: &[Member]) -> Self {
        let names = cluster.iter().map(|member| member.name.clone()).collect();
        EtcdDumper { gateway, names }
    }

    async fn dump(&self, node: usize) -> anyhow::Result<Contents> {
        let before = self.progress(node).await?;
        let mut held = BTreeMap::new();
        // The smallest key of all, and then what follows the last one that was read.
        let mut from = vec![0];
        loop {
            // No revision is asked for: once a member has skipped an entry, one that the others
            // know does not exist there.
            let page = json!({
                "key": encode(&from),
                "range_end": encode([0]),
                "limit": PAGE.to_string(),
                "serializable": true,
            });
            let page: RangeBody = self.call(node, "kv/range", &page).await?;
            let page = page.understood().context("it answered nonsense")?;
            let full = page.len() == PAGE;
            if let Some(last) = page.last() {
                from = last.key.iter().copied().chain([0]).collect();
            }
            held.extend(page.into_iter().map(named));
            if !full {
                break;
            }
        }
        let hash: Hash = self.call(node, "maintenance/hash", &json!({})).await?;
        let after = self.progress(node).await?;
        if before != after {
            bail!("it still applied entries");
        }
        let Progress { applied, revision } = after;
        let node = self.names[node].clone();
        let (position, revision) = (Some(applied), Some(revision));
        Ok(Contents { node, position, revision, digest: Some(hash.hash.to_string()), held })
    }

    async fn progress(&self, node: usize) -> anyhow::Result<Progress> {
        let status: Status = self.call(node, "maintenance/status", &json!({})).await?;
        let known = || {
            let applied = status.applied.as_ref().and_then(number)?;
            Some(Progress { applied, revision: number(&status.header.revision)? })
        };
        known().context("it does not tell how far it is; etcd does since 3.4")
    }

    async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        node: usize,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<T> {
        let refused = |refusal: Refusal| anyhow!("it refused {path}: {}", refusal.error);
        let answer = timeout(PATIENCE, self.gateway.call(node, path, body)).await;
        answer.with_context(|| format!("no answer to {path} in time"))?.map_err(refused)
    }
}

/// A key as the history knows it: without the run that begins it.
fn named(found: KeyValue) -> (String, Held) {
    let key = String::from_utf8_lossy(&found.key).into_owned();
    let name = match key.split_once('/') {
        Some((run, key)) if run != super::client::TOKENS => key.to_owned(),
        _ => key,
    };
    let value = String::from_utf8_lossy(&found.value).into_owned();
    (name, Held { value, version: Some(found.mod_revision) })
}

#[derive(Deserialize)]
struct Status {
    header: StatusHeader,
    #[serde(rename = "raftAppliedIndex")]
    applied: Option<Value>,
}

#[derive(Deserialize)]
struct StatusHeader {
    #[serde(default)]
    revision: Value,
}

#[derive(Deserialize)]
struct Hash {
    #[serde(default)]
    hash: u64,
}

impl Dumper for EtcdDumper {
    fn contents(&self, node: usize) -> BoxFuture<'_, anyhow::Result<Contents>> {
        Box::pin(self.dump(node))
    }
}
