//! The bundled cluster: how to start it and how to speak to it.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Member, NODES, free_addresses};

/// Starts a fresh cluster below `directory`.
pub fn start(directory: &Path) -> Result<Cluster> {
    let directory = directory.join("bundled");
    let addresses = free_addresses(NODES)?;
    let name = |node: usize| format!("n{}", node + 1);
    let peers: Vec<String> =
        (0..NODES).map(|node| format!("--peer={}={}", name(node), addresses[node])).collect();
    let member = |node: usize| {
        let name = name(node);
        let mut command = vec![env!("CARGO_BIN_EXE_stormproof").to_owned(), "node".to_owned()];
        command.push(format!("--id={name}"));
        command.push(format!("--listen={}", addresses[node]));
        command.push(format!("--data={}", directory.join(&name).display()));
        command.extend(peers.iter().cloned());
        let command = command.into_iter().map(Into::into).collect();
        Member { name, address: addresses[node].clone(), command }
    };
    let members = (0..NODES).map(member).collect();
    Cluster::start(directory, members)
}

/// Whether the node at `address` leads.
pub async fn leads(http: &reqwest::Client, address: &str) -> Result<bool> {
    let response = http.get(format!("http://{address}/status")).send().await?;
    let status: Value = response.json().await?;
    Ok(status["role"] == "leader")
}

/// One write.
pub async fn write(
    http: &reqwest::Client,
    leader: &str,
    key: &str,
    value: &str,
    token: &str,
) -> Result<()> {
    let body = json!({"f": "write", "key": key, "value": value, "token": token});
    ask(http, leader, &body).await.map(drop)
}

/// The value of a key.
pub async fn read(http: &reqwest::Client, leader: &str, key: &str) -> Result<String> {
    let body = ask(http, leader, &json!({"f": "read", "key": key})).await?;
    let answer: Value = serde_json::from_slice(&body)?;
    Ok(answer["value"].as_str().context("the value is no text")?.to_owned())
}

async fn ask(http: &reqwest::Client, leader: &str, body: &Value) -> Result<bytes::Bytes> {
    let response = http.post(format!("http://{leader}/kv")).json(body).send().await?;
    Ok(response.error_for_status()?.bytes().await?)
}
