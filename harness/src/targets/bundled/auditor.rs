//! Asks the nodes of the bundled cluster what they applied: `GET /admin/applied`.

use std::time::Duration;

use anyhow::bail;
use reqwest::StatusCode;
use results::applied_log::{AppliedEntry, AppliedLogWriter};
use serde::Deserialize;

use crate::targets::{Auditor, BoxFuture, Member};

/// The time that one page may take: a node writes it within milliseconds, but all of them do so at
/// the same time on a machine that may be small.
const PAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the nodes where clients reach them.
pub(super) struct BundledAuditor {
    http: reqwest::Client,
    /// The URL of each node.
    nodes: Vec<String>,
}

/// An element of a page.
#[derive(Deserialize)]
struct Command {
    index: u64,
    token: Option<String>,
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
        let node = |member: &Member| format!("http://{}", member.for_clients);
        Self { http, nodes: cluster.iter().map(node).collect() }
    }

    async fn read(&self, node: usize, log: &mut AppliedLogWriter) -> anyhow::Result<()> {
        loop {
            let url = format!("{}/admin/applied?after={}", self.nodes[node], log.through());
            let answer = self.http.get(url).timeout(PAGE_TIMEOUT).send().await?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::GONE => {
                    let Forgotten { first } = answer.json().await?;
                    log.begin_at(first)?;
                    continue;
                }
                other => bail!("it answered {other}"),
            }
            let page: Vec<Command> = answer.json().await?;
            let Some(last) = page.last().map(|last| last.index) else { return Ok(()) };
            if last <= log.through() {
                bail!("it told of index {last} behind {}", log.through());
            }
            for Command { index, token, applied } in page {
                if let Some(token) = token {
                    log.push(&AppliedEntry { index, token: token.into(), applied })?;
                }
            }
            log.cover(last);
        }
    }
}

impl Auditor for BundledAuditor {
    fn applied<'a>(
        &'a self,
        node: usize,
        log: &'a mut AppliedLogWriter,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.read(node, log))
    }
}
