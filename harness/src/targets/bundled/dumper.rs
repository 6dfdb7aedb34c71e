//! Asks the nodes of the bundled cluster for all that they hold: `GET /admin/contents`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use checker::oracle::divergence::{Contents, Held};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use crate::targets::{BoxFuture, Dumper, Member};

/// The time that one page may take: a node takes it out within milliseconds, but all of them are
/// asked at the same time on a machine that may be small.
const PAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the nodes where clients reach them.
pub(super) struct BundledDumper {
    http: reqwest::Client,
    /// Name and URL of each node.
    nodes: Vec<(String, String)>,
}

/// A page of the contents.
#[derive(Deserialize)]
struct Page {
    applied: u64,
    /// Key, kind and value.
    items: Vec<(String, String, Value)>,
    more: bool,
    /// On the last page.
    sessions: Option<String>,
}

impl BundledDumper {
    /// Of these nodes, by that client.
    pub(super) fn new(http: reqwest::Client, cluster: &[Member]) -> Self {
        let node =
            |member: &Member| (member.name.clone(), format!("http://{}", member.for_clients));
        Self { http, nodes: cluster.iter().map(node).collect() }
    }

    async fn dump(&self, node: usize) -> anyhow::Result<Contents> {
        let (name, url) = &self.nodes[node];
        let (mut held, mut applied) = (BTreeMap::new(), None);
        let mut last: Option<String> = None;
        loop {
            let mut url = Url::parse(&format!("{url}/admin/contents"))?;
            if let Some(key) = &last {
                url.query_pairs_mut().append_pair("after", key);
            }
            let answer = self.http.get(url).timeout(PAGE_TIMEOUT).send().await?;
            let page: Page = answer.error_for_status()?.json().await?;
            if *applied.get_or_insert(page.applied) != page.applied {
                bail!("it still applied entries");
            }
            last = page.items.last().map(|(key, ..)| key.clone());
            held.extend(page.items.into_iter().map(named));
            if !page.more {
                let (node, digest) = (name.clone(), page.sessions);
                return Ok(Contents { node, position: applied, revision: None, digest, held });
            }
        }
    }
}

/// A key as the history knows it: without the run that begins it.
fn named((key, kind, value): (String, String, Value)) -> (String, Held) {
    let name = key.split_once('/').map_or(key.as_str(), |(_, key)| key).to_owned();
    let value = if kind == "value" { value.to_string() } else { format!("{kind} {value}") };
    (name, Held { value, version: None })
}

impl Dumper for BundledDumper {
    fn contents(&self, node: usize) -> BoxFuture<'_, anyhow::Result<Contents>> {
        Box::pin(self.dump(node))
    }
}
