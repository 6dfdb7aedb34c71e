//! A client's way to nodes that run in this process, and what they take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::nodes::Node;

/// The most that anything may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(600);

/// The way to the nodes.
#[derive(Debug)]
pub struct Cluster {
    client: reqwest::Client,
    urls: Vec<String>,
}

impl Cluster {
    /// The way to these.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn of(nodes: &[Node]) -> Result<Arc<Cluster>> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let urls = nodes.iter().map(|node| node.url.clone()).collect();
        Ok(Arc::new(Cluster { client, urls }))
    }

    /// The status of the node at this address.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self, url: &str) -> Result<Value> {
        Ok(self.client.get(format!("{url}/status")).send().await?.json().await?)
    }

    /// Waits until the node at this address tells its status.
    ///
    /// # Errors
    /// When it does not for too long.
    pub async fn answers(&self, url: &str) -> Result<()> {
        let start = Instant::now();
        while let Err(error) = self.status(url).await {
            ensure!(start.elapsed() < PATIENCE, "no answer within {PATIENCE:?}: {error:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Waits for a leader that can commit, and gives its address.
    ///
    /// # Errors
    /// When there is none for too long.
    pub async fn leader(&self) -> Result<String> {
        let start = Instant::now();
        loop {
            for url in &self.urls {
                let health = self.client.get(format!("{url}/health")).send().await;
                let is_leader =
                    async || Ok::<_, anyhow::Error>(self.status(url).await?["role"] == "leader");
                if health.is_ok_and(|it| it.status().is_success()) && is_leader().await? {
                    return Ok(url.clone());
                }
            }
            ensure!(start.elapsed() < PATIENCE, "no leader within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asks a node for something, once.
    ///
    /// # Errors
    /// When it does not answer, or refuses.
    pub async fn ask(&self, url: &str, path: &str, body: Value) -> Result<Value> {
        let request = self.client.post(format!("{url}{path}")).json(&body).timeout(PATIENCE);
        let answer: Value = request.send().await?.json().await?;
        ensure!(answer["type"] != "refused", "{path} of {url}: {answer}");
        Ok(answer)
    }

    /// Asks for something that may take longer than a request, again and again until it is done.
    ///
    /// # Errors
    /// What it said last, when it is not done for too long.
    pub async fn insist(&self, url: &str, path: &str, body: Value) -> Result<()> {
        let start = Instant::now();
        loop {
            match self.ask(url, path, body.clone()).await {
                Ok(_) => return Ok(()),
                Err(refused) if start.elapsed() >= PATIENCE => return Err(refused),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

/// The body of a write.
pub fn write(key: &str, value: &str) -> Value {
    json!({"f": "write", "key": key, "value": value})
}

/// The memory that this process has, in MB.
///
/// # Errors
/// When the system does not say.
pub fn resident_megabytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).context("VmRSS")?;
    Ok(kilobytes.trim().parse::<u64>()? * 1024 / 1_000_000)
}
