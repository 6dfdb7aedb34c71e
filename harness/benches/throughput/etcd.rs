//! etcd: how to start it, and how to speak to it through its JSON gateway and through gRPC.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use engines::node_process::OwnClock;
use h2::client::SendRequest;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::cluster::{Cluster, Member, NODES, free_addresses};

/// The program, looked up on the PATH.
const PROGRAM: &str = "etcd";

/// The version, such as `3.4.23`; none where there is no etcd.
pub fn version() -> Option<String> {
    let output = Command::new(PROGRAM).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find_map(|line| line.strip_prefix("etcd Version: ")).map(str::to_owned)
}

/// Starts a fresh cluster below `directory`. Every setting that is not named here keeps its
/// default; the log is quieted, as a user who cares for speed would do.
pub fn start(directory: &Path) -> Result<Cluster> {
    let directory = directory.join("etcd");
    let addresses = free_addresses(2 * NODES)?;
    let (clients, peers) = addresses.split_at(NODES);
    let name = |node: usize| format!("n{}", node + 1);
    let everybody: Vec<String> =
        (0..NODES).map(|node| format!("{}=http://{}", name(node), peers[node])).collect();
    let member = |node: usize| {
        let (client, peer) = (&clients[node], &peers[node]);
        let command = [
            PROGRAM.to_owned(),
            format!("--name={}", name(node)),
            format!("--data-dir={}", directory.join(name(node)).display()),
            format!("--listen-client-urls=http://{client}"),
            format!("--advertise-client-urls=http://{client}"),
            format!("--listen-peer-urls=http://{peer}"),
            format!("--initial-advertise-peer-urls=http://{peer}"),
            format!("--initial-cluster={}", everybody.join(",")),
            "--initial-cluster-state=new".to_owned(),
            "--logger=zap".to_owned(),
            "--log-level=error".to_owned(),
        ];
        Member {
            name: name(node),
            address: client.clone(),
            command: command.map(Into::into).into(),
            disk: None,
            own_clock: OwnClock::No,
        }
    };
    let members = (0..NODES).map(member).collect();
    Cluster::start(directory, members)
}

/// True if the member at `address` leads.
pub async fn leads(http: &reqwest::Client, address: &str) -> Result<bool> {
    let body = ask(http, address, "maintenance/status", &json!({})).await?;
    let status: Value = serde_json::from_slice(&body)?;
    Ok(status["leader"].is_string() && status["leader"] == status["header"]["member_id"])
}

/// The value of a key.
pub async fn read(http: &reqwest::Client, leader: &str, key: &str) -> Result<String> {
    let question = json!({"key": BASE64_STANDARD.encode(key)});
    let body = ask(http, leader, "kv/range", &question).await?;
    let answer: Value = serde_json::from_slice(&body)?;
    let value = answer["kvs"][0]["value"].as_str().context("etcd does not know the key")?;
    Ok(String::from_utf8(BASE64_STANDARD.decode(value)?)?)
}

/// One put through the JSON gateway.
pub async fn put_json(http: &reqwest::Client, leader: &str, key: &str, value: &str) -> Result<()> {
    let body = json!({
        "key": BASE64_STANDARD.encode(key),
        "value": BASE64_STANDARD.encode(value),
    });
    ask(http, leader, "kv/put", &body).await.map(drop)
}

async fn ask(http: &reqwest::Client, address: &str, call: &str, body: &Value) -> Result<Bytes> {
    let response = http.post(format!("http://{address}/v3/{call}")).json(body).send().await?;
    Ok(response.error_for_status()?.bytes().await?)
}

/// Opens an HTTP/2 connection for gRPC; clones share it.
pub async fn connect(address: &str) -> Result<SendRequest<Bytes>> {
    let stream = TcpStream::connect(address).await.context("cannot connect to etcd")?;
    stream.set_nodelay(true)?;
    let (client, connection) = h2::client::handshake(stream).await?;
    // When it breaks, whoever waits for an answer gets the error.
    tokio::spawn(connection);
    Ok(client)
}

/// One put through gRPC: `etcdserverpb.KV/Put`.
pub async fn put_grpc(connection: &SendRequest<Bytes>, key: &str, value: &str) -> Result<()> {
    let mut connection = connection.clone().ready().await?;
    let request = http::Request::post("http://etcd/etcdserverpb.KV/Put")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())?;
    let (response, mut sending) = connection.send_request(request, false)?;
    sending.send_data(put_request(key, value), true)?;
    let response = response.await?;
    ensure!(response.status() == 200, "etcd answered {}", response.status());
    // An error before any data comes with the headers instead of trailers.
    let refused = response.headers().get("grpc-status").cloned();
    let mut answer = response.into_body();
    while let Some(data) = answer.data().await {
        answer.flow_control().release_capacity(data?.len())?;
    }
    let status = match answer.trailers().await? {
        Some(trailers) => trailers.get("grpc-status").cloned(),
        None => refused,
    };
    ensure!(status.as_ref().is_some_and(|it| it == "0"), "etcd answered gRPC status {status:?}");
    Ok(())
}

/// A gRPC frame (a zero for "not compressed", the length) around a `PutRequest` of key (field 1)
/// and value (field 2), which is simple enough to need no protocol compiler.
fn put_request(key: &str, value: &str) -> Bytes {
    const LENGTH_DELIMITED: u8 = 2;
    let mut message = BytesMut::new();
    for (field, text) in [(1_u8, key), (2, value)] {
        assert!(text.len() < 128, "a longer text needs a length of several bytes");
        message.put_u8(field << 3 | LENGTH_DELIMITED);
        message.put_u8(text.len() as u8);
        message.put_slice(text.as_bytes());
    }
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(&message);
    frame.freeze()
}
