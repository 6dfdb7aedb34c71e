//! All that a member holds.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use checker::oracle::divergence::{Contents, Held};
use tokio::time::timeout;

use super::client::TOKENS;
use super::messages::{Answer, NO_NODE, Outcome, Request};
use super::session::Ensemble;
use crate::targets::{BoxFuture, Dumper, Member, Refusal};

/// The number of znodes that are read at once: their paths are far shorter than the megabyte that
/// servers take, and what they hold is some hundred kilobytes.
const PAGE: usize = 2_000;

/// The time that one answer may take: a page takes some ten milliseconds, but all members are asked
/// at the same time on a machine that may be small.
const PATIENCE: Duration = Duration::from_secs(10);

/// The place of what is the servers' own: quotas and the configuration.
const SYSTEM: &str = "zookeeper";

/// Asks members where clients reach them, without `sync`, so that each answers what it has.
pub(super) struct ZooKeeperDumper {
    ensemble: Ensemble,
    names: Vec<String>,
}

impl ZooKeeperDumper {
    pub(super) fn new(cluster: &[Member]) -> Self {
        let names = cluster.iter().map(|member| member.name.clone()).collect();
        ZooKeeperDumper { ensemble: Ensemble::new(cluster), names }
    }

    async fn dump(&self, node: usize) -> anyhow::Result<Contents> {
        let mut progress = Progress::default();
        let mut held = BTreeMap::new();
        // The tree has two levels, so what is left to look into is short.
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let path = if folder.is_empty() { "/" } else { &folder };
            let names = self.ask(node, Request::Children(path), &mut progress).await?;
            let names = names.children().context("it answered nonsense")?;
            let names = names.into_iter().filter(|name| !folder.is_empty() || name != SYSTEM);
            let paths: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
            for page in paths.chunks(PAGE) {
                let read = self.ask(node, Request::Read(page), &mut progress).await?;
                let outcomes = read.outcomes().context("it answered nonsense")?;
                for (path, outcome) in page.iter().zip(outcomes) {
                    match outcome {
                        Outcome::Found(znode) => {
                            let value = String::from_utf8_lossy(&znode.data).into_owned();
                            let version = Some(znode.mzxid);
                            held.insert(name_of(path), Held { value, version });
                        }
                        Outcome::Failed(NO_NODE) => bail!("{path} went away meanwhile"),
                        _ => bail!("it answered nonsense about {path}"),
                    }
                }
            }
            if folder.is_empty() {
                folders = paths;
            }
        }
        let node = self.names[node].clone();
        Ok(Contents { node, position: progress.zxid, held, ..Contents::default() })
    }

    async fn ask(
        &self,
        node: usize,
        request: Request<'_>,
        progress: &mut Progress,
    ) -> anyhow::Result<Answer> {
        let refused = |refusal: Refusal| anyhow!("it refused: {}", refusal.error);
        let requests = [request];
        let asked = timeout(PATIENCE, self.ensemble.ask(node, &requests)).await;
        let answers = asked.context("no answer in time")?.map_err(refused)?;
        let answer = answers.into_iter().next().context("it did not answer")?;
        progress.at(answer.zxid)?;
        Ok(answer)
    }
}

/// The position of a member, which must stay the same while it is asked.
#[derive(Debug, Default)]
struct Progress {
    zxid: Option<u64>,
}

impl Progress {
    fn at(&mut self, zxid: u64) -> anyhow::Result<()> {
        if *self.zxid.get_or_insert(zxid) != zxid {
            bail!("it still applied transactions");
        }
        Ok(())
    }
}

/// A znode as the history knows it: a document without the run above it.
fn name_of(path: &str) -> String {
    match path[1..].split_once('/') {
        Some((_, key)) if !path.starts_with(TOKENS) => key.to_owned(),
        _ => path[1..].to_owned(),
    }
}

impl Dumper for ZooKeeperDumper {
    fn contents(&self, node: usize) -> BoxFuture<'_, anyhow::Result<Contents>> {
        Box::pin(self.dump(node))
    }
}
