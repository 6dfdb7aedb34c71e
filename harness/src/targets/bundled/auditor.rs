//! Asks the nodes of the bundled cluster what they applied: `GET /admin/applied`.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::StatusCode;
use results::applied_log::{AppliedEntry, AppliedLog};
use serde::Deserialize;

use crate::targets::{Auditor, BoxFuture, Member};

/// The time that one page may take: a node writes it within milliseconds, but all of them do so at
/// the same time on a machine that may be small.
const PAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the nodes where clients reach them.
pub(super) struct BundledAuditor {
    http: reqwest::Client,
    /// Name and URL of each node.
    nodes: Vec<(String, String)>,
}

/// An element of a page.
#[derive(Deserialize)]
struct Command {
    index: u64,
    token: Option<Box<str>>,
    applied: bool,
}

/// The answer of a node that has forgotten what it was asked for.
#[derive(Deserialize)]
struct Forgotten {
    /// The beginning of what it still knows of.
    first: u64,
}

impl BundledAuditor {
    /// Of these nodes, by that client.
    pub(super) fn new(http: reqwest::Client, cluster: &[Member]) -> Self {
        let node =
            |member: &Member| (member.name.clone(), format!("http://{}", member.for_clients));
        Self { http, nodes: cluster.iter().map(node).collect() }
    }

    async fn read(&self, node: usize) -> anyhow::Result<AppliedLog> {
        let (name, url) = &self.nodes[node];
        let mut log = AppliedLog { node: name.clone(), from: 1, through: 0, entries: Vec::new() };
        loop {
            let url = format!("{url}/admin/applied?after={}", log.through);
            let answer = self.http.get(url).timeout(PAGE_TIMEOUT).send().await?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::GONE => {
                    let Forgotten { first } = answer.json().await?;
                    // Whatever was read before has a gap behind it.
                    log.entries.clear();
                    log.from = first;
                    log.through = first.checked_sub(1).context("indices begin at 1")?;
                    continue;
                }
                other => bail!("it answered {other}"),
            }
            let page: Vec<Command> = answer.json().await?;
            let Some(last) = page.last() else { return Ok(log) };
            if last.index <= log.through {
                bail!("it told of index {} behind {}", last.index, log.through);
            }
            log.through = last.index;
            log.entries.extend(page.into_iter().filter_map(|command| {
                let Command { index, token, applied } = command;
                Some(AppliedEntry { index, token: token?, applied })
            }));
        }
    }
}

impl Auditor for BundledAuditor {
    fn applied(&self, node: usize) -> BoxFuture<'_, anyhow::Result<AppliedLog>> {
        Box::pin(self.read(node))
    }
}
