//! The state before the load: it is read, not assumed.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use workloads::Workload;

use super::load::Clients;
use crate::targets::{Reply, Request};

/// The time that the first read may take: a cluster that has just agreed on a leader may still
/// refuse.
const LIMIT: Duration = Duration::from_secs(10);

/// The time that one attempt may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads an object that no client has touched, where the workload has reads, and is content if it
/// holds nothing: the models take every object to be empty at first.
///
/// # Errors
/// When it holds something, so that objects of this run could be taken for those of another, or
/// when no node answers.
pub async fn look(clients: &Clients, workload: &Workload) -> Result<()> {
    if !workload.kinds.contains(&"read") {
        return Ok(());
    }
    let request = Request {
        f: "read",
        key: "untouched".into(),
        value: Value::Null,
        mutates: false,
        token: format!("{}:initial", clients.run),
    };
    let deadline = Instant::now() + LIMIT;
    for node in (0..clients.nodes.len()).cycle() {
        let name = &clients.nodes[node];
        let why = match timeout(PATIENCE, clients.client.attempt(node, &request)).await {
            Ok(Reply::Answer(answer)) => {
                let value = answer.value.unwrap_or_default();
                if [json!(null), json!([]), json!(0)].contains(&value) {
                    return Ok(());
                }
                bail!("{name} answers {value} for an object that this run has not touched");
            }
            Ok(Reply::Refusal(refusal)) => refusal.error,
            Err(_) => "timeout".into(),
        };
        if Instant::now() > deadline {
            let misread = clients.client.first_misread();
            let misread =
                misread.map_or_else(String::new, |it| format!("; the first misread:\n{it}"));
            bail!(
                "no node answers the first read within {} s; the last one: {why}{misread}",
                LIMIT.as_secs()
            );
        }
        sleep(PAUSE).await;
    }
    Ok(())
}
