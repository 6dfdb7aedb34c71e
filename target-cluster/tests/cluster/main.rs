//! Three real servers on loopback ports, asked over HTTP as a user would.

mod incarnations;
mod members;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stormproof_cluster::bugs::Bugs;
use stormproof_cluster::core::{ReadMode, Settings, SnapshotOptions, Switch, Timings};
use stormproof_cluster::kv::NESTING_MAX;
use stormproof_cluster::server::{Config, Failure, Listeners, RequestLimits, run_until};
use tokio::sync::oneshot;

/// The time that a cluster may take to do what it should. Generous: it only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough that a machine busy with other things does not depose a leader in the middle of a
/// test, so that the answers in a test do not depend on the machine.
const TIMINGS: Timings = Timings {
    heartbeat: Duration::from_millis(50),
    election_min: Duration::from_millis(1_500),
    election_max: Duration::from_millis(2_500),
};

/// A node that runs in a thread of its own.
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Failure>>,
}

/// Three nodes, and a client to ask them with.
struct Cluster {
    configs: BTreeMap<String, Config>,
    running: BTreeMap<String, Running>,
    client: reqwest::Client,
    directory: PathBuf,
}

/// Ports of the loopback that are free.
fn any_ports() -> Listeners {
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    Listeners { clients: bind(), peers: bind() }
}

/// Binds a port that was given back. Meanwhile it may serve some other connection of the machine for
/// a moment.
fn bind_again(address: SocketAddr) -> TcpListener {
    let start = Instant::now();
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Cluster {
    fn start() -> Cluster {
        Cluster::with(SnapshotOptions::DEFAULT, Settings::default())
    }

    fn with(snapshots: SnapshotOptions, settings: Settings) -> Cluster {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(format!("stormproof-{}-{}", unique.0, unique.1));
        let listeners: BTreeMap<String, Listeners> =
            ["n1", "n2", "n3"].map(|id| (id.to_string(), any_ports())).into();
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let peers: Vec<(String, String)> =
            listeners.iter().map(|(id, l)| (id.clone(), address(&l.peers).to_string())).collect();
        let config = |(id, listeners): (&String, &Listeners)| {
            let config = Config {
                cluster: "test".into(),
                id: id.clone(),
                listen: address(&listeners.clients),
                advertise: None,
                join: None,
                peer_listen: address(&listeners.peers),
                peers: peers.clone(),
                data_dir: directory.join(id),
                timings: TIMINGS,
                snapshots,
                settings: settings.clone(),
                limits: RequestLimits::default(),
                bugs: Bugs::new(),
                events: true,
            };
            (id.clone(), config)
        };
        let mut cluster = Cluster {
            configs: listeners.iter().map(config).collect(),
            running: BTreeMap::new(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            directory: directory.clone(),
        };
        for (id, listener) in listeners {
            cluster.start_node(&id, listener);
        }
        cluster
    }

    fn start_node(&mut self, id: &str, listeners: Listeners) {
        let config = self.configs[id].clone();
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let thread = std::thread::spawn(move || run_until(config, listeners, stopped));
        self.running.insert(id.to_string(), Running { stop, thread });
    }

    fn stop_node(&mut self, id: &str) {
        let Running { stop, thread } = self.running.remove(id).unwrap();
        stop.send(()).unwrap();
        thread.join().unwrap().unwrap();
    }

    fn restart_node(&mut self, id: &str) {
        let Config { listen, peer_listen, .. } = self.configs[id];
        let again = Listeners { clients: bind_again(listen), peers: bind_again(peer_listen) };
        self.start_node(id, again);
    }

    fn url(&self, id: &str, path: &str) -> String {
        format!("http://{}{path}", self.configs[id].listen)
    }

    async fn get(&self, id: &str, path: &str) -> Option<Value> {
        let response = self.client.get(self.url(id, path)).send().await.ok()?;
        response.json().await.ok()
    }

    async fn post(&self, id: &str, path: &str, body: &Value) -> (u16, Value) {
        let response = self.client.post(self.url(id, path)).json(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A leader without the wait for the first election timeout: n1 is asked to stand at once, as by
    /// a leader that hands over.
    async fn first_leader(&self) -> String {
        let body = json!({"term": 0, "leaderId": "n2"});
        let (code, answer) = self.raft("n1", "timeout-now", &self.headers("n2").await, &body).await;
        assert_eq!(code, 200, "{answer}");
        self.has("n1", "noted", &json!(["n1", "n2", "n3"])).await;
        self.leader().await
    }

    /// The headers of a message of that node to the others.
    async fn headers(&self, sender: &str) -> BTreeMap<&'static str, String> {
        let id = self.get("n1", "/status").await.unwrap()["cluster"].as_str().unwrap().to_string();
        [
            ("raft-cluster", id),
            ("raft-sender", sender.to_string()),
            ("raft-version", "1".to_string()),
            ("raft-clients-at", self.configs[sender].listen.to_string()),
        ]
        .into()
    }

    /// Sends a message between nodes.
    async fn raft(
        &self,
        to: &str,
        endpoint: &str,
        headers: &BTreeMap<&'static str, String>,
        body: &Value,
    ) -> (u16, Value) {
        let url = format!("http://{}/raft/{endpoint}", self.configs[to].peer_listen);
        let mut request = self.client.post(url).json(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Waits until a node has applied as much, and gives its status.
    async fn has_applied(&self, id: &str, applied: &Value) -> Value {
        self.has(id, "applied", applied).await
    }

    /// Waits until the status of a node has a field with that value, and gives it.
    async fn has(&self, id: &str, field: &str, value: &Value) -> Value {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let status = self.get(id, "/status").await.unwrap_or_default();
            if status[field] == *value {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{id} did not tell {field} {value} within {PATIENCE:?}");
    }

    /// Waits until every running node agrees on a leader that is running, and gives its name.
    async fn leader(&self) -> String {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let mut leaders = Vec::new();
            for id in self.running.keys() {
                let status = self.get(id, "/status").await.unwrap_or_default();
                leaders.push(status["leader"].as_str().unwrap_or("").to_string());
            }
            leaders.dedup();
            if let [leader] = &leaders[..]
                && self.running.contains_key(leader)
            {
                return leader.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no leader within {PATIENCE:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for id in self.running.keys().cloned().collect::<Vec<_>>() {
            self.stop_node(&id);
        }
        std::fs::remove_dir_all(&self.directory).unwrap();
    }
}

#[tokio::test]
async fn a_cluster_answers_over_plain_http() {
    let cluster = Cluster::start();
    let leader = cluster.first_leader().await;
    let ask = async |body: Value| {
        let (code, mut answer) = cluster.post(&leader, "/kv", &body).await;
        let version = answer.as_object_mut().unwrap().remove("version");
        (code, answer, version)
    };
    let write = json!({"f": "write", "key": "k3", "value": 12, "token": "r7f3:4:9"});
    let first = ask(write.clone()).await;
    assert_eq!(first.0, 200);
    assert_eq!(first.1, json!({"type": "ok", "value": null}));
    let read = ask(json!({"f": "read", "key": "k3"})).await;
    assert_eq!((read.0, read.1), (200, json!({"type": "ok", "value": 12})));
    assert_eq!(read.2, first.2, "nothing was applied in between");

    let cas = ask(json!({"f": "cas", "key": "k3", "value": [12, 40]})).await;
    assert_eq!(cas.0, 200);
    let cas = ask(json!({"f": "cas", "key": "k3", "value": [12, 41]})).await;
    assert_eq!(cas.0, 412);
    assert_eq!(cas.1, json!({"type": "fail", "error": "precondition_failed", "value": 40}));

    assert_eq!(ask(write).await, first, "a retry gets the first answer");
    assert_eq!(ask(json!({"f": "read", "key": "k3"})).await.1["value"], 40);
    let stale = json!({"f": "write", "key": "k3", "value": 1, "token": "r7f3:4:8"});
    let refused = json!({"type": "refused", "error": "stale_token", "definite": false});
    let (code, answer, _) = ask(stale).await;
    assert_eq!((code, answer), (409, refused));

    let (code, answer, _) = ask(json!({"f": "put", "key": "k3"})).await;
    assert_eq!(code, 400);
    assert_eq!((&answer["error"], &answer["definite"]), (&json!("bad_request"), &json!(true)));
    let (code, answer, _) = ask(json!({"f": "write", "key": "x".repeat(2_000_000)})).await;
    assert_eq!((code, &answer["definite"]), (400, &json!(true)), "too large a body");
}

#[tokio::test]
async fn what_was_read_is_what_every_leader_compares_with_also_after_a_restart() {
    let mut cluster = Cluster::start();
    let mut leader = cluster.first_leader().await;
    let nested = "[".repeat(NESTING_MAX) + &"]".repeat(NESTING_MAX);
    let values: Vec<Value> =
        ["1.1180277063001198e-38", "0.1", "5e-324", "1e300", "-0.0", "9007199254740993.5", &nested]
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect();
    for (number, value) in values.iter().enumerate() {
        let write = json!({"f": "write", "key": format!("k{number}"), "value": value});
        assert_eq!(cluster.post(&leader, "/kv", &write).await.0, 200, "{value}");
    }
    for round in 0..3 {
        for (number, value) in values.iter().enumerate() {
            let read = json!({"f": "read", "key": format!("k{number}")});
            let (_, answer) = cluster.post(&leader, "/kv", &read).await;
            assert_eq!(answer["value"].to_string(), value.to_string(), "round {round}");
            let cas = json!({"f": "cas", "key": format!("k{number}"), "value": [value, value]});
            assert_eq!(cluster.post(&leader, "/kv", &cas).await.0, 200, "{value} in {round}");
        }
        if round == 0 {
            let successor = cluster.configs.keys().find(|id| **id != leader).unwrap().clone();
            let transfer = json!({"to": successor});
            assert_eq!(cluster.post(&leader, "/admin/transfer", &transfer).await.0, 200);
            leader = successor;
        } else if round == 1 {
            for id in ["n1", "n2", "n3"] {
                cluster.stop_node(id);
            }
            for id in ["n1", "n2", "n3"] {
                cluster.restart_node(id);
            }
            leader = cluster.leader().await;
        }
    }
    let deeper = json!({"f": "write", "key": "k", "value": [values.last()]});
    let (code, answer) = cluster.post(&leader, "/kv", &deeper).await;
    assert_eq!((code, &answer["error"]), (400, &json!("bad_request")), "{answer}");
}

#[tokio::test]
async fn a_follower_refuses_at_once_and_names_the_leader() {
    let cluster = Cluster::start();
    let leader = cluster.first_leader().await;
    let follower = cluster.configs.keys().find(|id| **id != leader).unwrap();
    for body in [json!({"f": "read", "key": "k"}), json!({"f": "write", "key": "k", "value": 1})] {
        let (code, answer) = cluster.post(follower, "/kv", &body).await;
        let refused = json!({
            "type": "refused", "error": "not_leader", "definite": true,
            "leader": leader, "leader_address": cluster.configs[&leader].listen.to_string(),
        });
        assert_eq!((code, answer), (421, refused));
    }
    let status = cluster.get(follower, "/status").await.unwrap();
    assert_eq!((&status["id"], &status["role"]), (&json!(follower), &json!("follower")));
    assert_eq!(status["voters"], json!(["n1", "n2", "n3"]));
    assert_eq!(cluster.get(follower, "/health").await.unwrap()["healthy"], true);
}

#[tokio::test]
async fn each_way_of_reading_is_shown_and_answered_by_those_who_may() {
    for reads in ReadMode::ALL {
        let settings = Settings { reads, off: [Switch::Fsync].into(), ..Settings::default() };
        let cluster = Cluster::with(SnapshotOptions::DEFAULT, settings);
        let leader = cluster.first_leader().await;
        let write = json!({"f": "write", "key": "k", "value": 1});
        assert_eq!(cluster.post(&leader, "/kv", &write).await.0, 200);
        for id in ["n1", "n2", "n3"] {
            let status = cluster.get(id, "/status").await.unwrap();
            assert_eq!((&status["reads"], &status["off"]), (&json!(reads), &json!(["fsync"])));
            let (_, answer) = cluster.post(id, "/kv", &json!({"f": "read", "key": "k"})).await;
            match reads {
                ReadMode::Follower => assert_eq!(answer["value"], 1, "{id}: {answer}"),
                ReadMode::Stale => assert_eq!(answer["type"], "ok", "{id}: {answer}"),
                _ if id == leader => assert_eq!(answer["value"], 1, "{id}: {answer}"),
                _ => assert_eq!(answer["error"], "not_leader", "{id}: {answer}"),
            }
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_leader_and_a_retry_is_recognised_by_the_next() {
    let mut cluster = Cluster::start();
    let first = cluster.leader().await;
    let add = json!({"f": "add", "key": "c", "value": 5, "token": "client:1"});
    let (_, answer) = cluster.post(&first, "/kv", &add).await;
    assert_eq!(answer["value"], 5);

    cluster.stop_node(&first);
    let second = cluster.leader().await;
    assert_ne!(first, second);
    assert_eq!(cluster.post(&second, "/kv", &add).await.1, answer);

    cluster.restart_node(&first);
    cluster.leader().await;
    for id in ["n1", "n2", "n3"] {
        cluster.stop_node(id);
    }
    for id in ["n1", "n2", "n3"] {
        cluster.restart_node(id);
    }
    let third = cluster.leader().await;
    let counter = json!({"f": "counter", "key": "c"});
    assert_eq!(cluster.post(&third, "/kv", &counter).await.1["value"], 5);
}

#[tokio::test]
async fn leadership_goes_where_it_is_asked_to_and_nothing_is_lost() {
    let cluster = Cluster::start();
    let first = cluster.first_leader().await;
    let others: Vec<_> = cluster.configs.keys().filter(|id| **id != first).cloned().collect();
    let [to, other] = &others[..] else { panic!("three nodes") };
    let add = json!({"f": "add", "key": "c", "value": 5, "token": "client:1"});
    let (_, added) = cluster.post(&first, "/kv", &add).await;
    let transfer = async |from: &str, to: &str| {
        cluster.post(from, "/admin/transfer", &json!({"to": to})).await
    };

    let (code, refused) = transfer(other, to).await;
    assert_eq!((code, &refused["error"]), (421, &json!("not_leader")));
    assert_eq!(refused["leader"], json!(first));
    let (code, refused) = transfer(&first, "n9").await;
    assert_eq!((code, &refused["reason"]), (400, &json!("n9 is not a voter")));

    let before = cluster.get(&first, "/status").await.unwrap();
    let (code, answer) = transfer(&first, to).await;
    assert_eq!((code, &answer["leader"]), (200, &json!(to)), "{answer}");
    assert!(answer["term"].as_u64() > before["term"].as_u64());
    // The answer was given when the other one led, so it takes commands at once.
    assert_eq!(cluster.post(to, "/kv", &add).await, (200, added));
    let (code, again) = transfer(to, to).await;
    assert_eq!((code, &again["term"]), (200, &answer["term"]), "there is nothing to do");
}

#[tokio::test]
async fn answers_to_failed_preconditions_can_be_distinguished() {
    let cluster = Cluster::start();
    let leader = cluster.first_leader().await;
    for (body, code, expected) in [
        (json!({"f": "insert", "key": "s", "value": 1}), 200, json!({"type": "ok", "value": true})),
        (
            json!({"f": "dequeue", "key": "q"}),
            412,
            json!({"type": "fail", "error": "empty", "value": null}),
        ),
        (
            json!({"f": "release", "key": "l", "value": "p1"}),
            412,
            json!({"type": "fail", "error": "precondition_failed", "value": null}),
        ),
        (
            json!({"f": "acquire", "key": "s", "value": "p1"}),
            412,
            json!({"type": "fail", "error": "wrong_type", "value": [1]}),
        ),
        (
            json!({"f": "txn", "value": [["append", "x", 7], ["r", "x", null]]}),
            200,
            json!({"type": "ok", "value": [["append", "x", 7], ["r", "x", [7]]]}),
        ),
    ] {
        let (got, mut answer) = cluster.post(&leader, "/kv", &body).await;
        let version = answer.as_object_mut().unwrap().remove("version");
        assert_eq!((got, &answer), (code, &expected), "{body}");
        assert!(version.is_some_and(|version| version.is_u64()), "{body}");
    }
    let acquire = json!({"f": "acquire", "key": "l", "value": "p1"});
    let (_, answer) = cluster.post(&leader, "/kv", &acquire).await;
    assert_eq!(answer["value"], answer["version"], "the fencing token is the log index");
}

/// Waits until the node has applied the entry at `index`, and returns all that it lists.
async fn applied(cluster: &Cluster, id: &str, index: u64) -> Vec<Value> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let status = cluster.get(id, "/status").await.unwrap_or_default();
        if status["applied"].as_u64() >= Some(index) {
            let page = cluster.get(id, "/admin/applied?after=0").await.unwrap();
            return serde_json::from_value(page).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{id} did not apply {index} within {PATIENCE:?}");
}

#[tokio::test]
async fn large_values_reach_every_node() {
    let cluster = Cluster::start();
    let leader = cluster.first_leader().await;
    let large = "x".repeat(200_000);
    let mut last = 0;
    // More than one append carries.
    for _ in 0..8 {
        let append = json!({"f": "append", "key": "l", "value": large});
        let (code, answer) = cluster.post(&leader, "/kv", &append).await;
        assert_eq!(code, 200, "{answer}");
        last = answer["version"].as_u64().unwrap();
    }
    let (_, answer) = cluster.post(&leader, "/kv", &json!({"f": "read", "key": "l"})).await;
    assert_eq!(answer["value"], json!(vec![large; 8]));
    for id in ["n1", "n2", "n3"] {
        assert_eq!(applied(&cluster, id, last).await.len(), 8, "{id}");
    }
    // What is kept for retries must not bring large values along.
    let cas = json!({"f": "cas", "key": "l", "value": [1, 2], "token": "a:1"});
    let (code, answer) = cluster.post(&leader, "/kv", &cas).await;
    assert_eq!((code, answer.get("value")), (412, None));
}

#[tokio::test]
async fn every_node_lists_the_result_of_each_token() {
    let mut cluster = Cluster::start();
    let leader = cluster.first_leader().await;
    let mut indices = Vec::new();
    for (f, value, token) in [
        ("add", json!(1), "a:1"),
        ("add", json!(1), "a:1"),
        ("add", json!(1), "a:2"),
        ("add", json!(1), "a:1"),
        ("cas", json!([5, 6]), "b:1"),
    ] {
        let body = json!({"f": f, "key": "k", "value": value, "token": token});
        cluster.post(&leader, "/kv", &body).await;
        let status = cluster.get(&leader, "/status").await.unwrap();
        indices.push(status["applied"].as_u64().unwrap());
    }
    let listed = |position: usize, token: &str, result: &str| {
        let applied = result == "ok";
        json!({"index": indices[position], "token": token, "applied": applied, "result": result})
    };
    let expected = [
        listed(0, "a:1", "ok"),
        listed(1, "a:1", "duplicate"),
        listed(2, "a:2", "ok"),
        listed(3, "a:1", "stale"),
        listed(4, "b:1", "fail"),
    ];
    let last = *indices.last().unwrap();
    for id in ["n1", "n2", "n3"] {
        assert_eq!(applied(&cluster, id, last).await, expected, "{id}");
        let path = format!("/admin/applied?after={}", indices[2]);
        assert_eq!(cluster.get(id, &path).await, Some(json!(expected[3..])), "{id}");
        let path = format!("/admin/applied?after={last}");
        assert_eq!(cluster.get(id, &path).await, Some(json!([])), "{id}");
        let refused = cluster.get(id, "/admin/applied?before=3").await.unwrap();
        assert_eq!(refused["error"], "bad_request");
    }
    cluster.stop_node("n2");
    cluster.restart_node("n2");
    assert_eq!(applied(&cluster, "n2", last).await, expected, "made anew by replay");
}

#[tokio::test]
async fn a_raft_request_that_no_voter_of_this_cluster_could_have_sent_is_refused() {
    let cluster = Cluster::start();
    let leader = cluster.first_leader().await;
    let follower = cluster.configs.keys().find(|id| **id != leader).unwrap();
    let before = cluster.get(follower, "/status").await.unwrap();
    let sender = cluster.configs.keys().find(|id| *id != follower).unwrap();
    let headers = cluster.headers(sender).await;
    let heartbeat = json!({"term": u64::MAX, "leaderId": sender, "prevLogIndex": 0,
        "prevLogTerm": 0, "entries": [], "leaderCommit": 0});
    let vote = json!({"term": 99, "candidateId": sender, "lastLogIndex": 9, "lastLogTerm": 9});
    let no_command = json!({"term": 1, "leaderId": sender, "prevLogIndex": 0, "prevLogTerm": 0,
        "entries": [{"index": 1, "term": 1, "payload": {"command": 5}}], "leaderCommit": 1});
    let without = |name: &str| {
        let mut headers = headers.clone();
        headers.remove(name);
        headers
    };
    let with = |name: &'static str, value: &str| {
        let mut headers = headers.clone();
        headers.insert(name, value.into());
        headers
    };
    for (headers, endpoint, body, code, error) in [
        (headers.clone(), "heartbeat", &heartbeat, 400, "bad_request"),
        (headers.clone(), "append-entries", &no_command, 400, "bad_request"),
        (without("raft-cluster"), "request-vote", &vote, 403, "missing_header"),
        (without("raft-sender"), "request-vote", &vote, 403, "missing_header"),
        (without("raft-version"), "request-vote", &vote, 403, "missing_header"),
        (with("raft-cluster", "other"), "request-vote", &vote, 403, "wrong_cluster"),
        (with("raft-version", "2"), "request-vote", &vote, 403, "wrong_version"),
        (with("raft-sender", follower), "request-vote", &vote, 403, "own_name"),
        (headers.clone(), "elect-me", &vote, 404, "bad_request"),
    ] {
        let (status, answer) = cluster.raft(follower, endpoint, &headers, body).await;
        assert_eq!((status, &answer["error"]), (code, &json!(error)), "{answer}");
    }
    let (code, _) = cluster.post(follower, "/raft/request-vote", &vote).await;
    assert_eq!(code, 404, "clients have no such endpoint");
    let after = cluster.get(follower, "/status").await.unwrap();
    assert_eq!(after["term"], before["term"], "nothing was disturbed");
    let (code, answer) = cluster.raft(follower, "request-vote", &headers, &vote).await;
    assert_eq!((code, &answer["askedTerm"]), (200, &json!(99)), "{answer}");
}

#[tokio::test]
async fn a_node_that_was_away_gets_what_the_others_have_cut_from_their_logs() {
    let often = SnapshotOptions { entries: 10, ..SnapshotOptions::DEFAULT };
    let mut cluster = Cluster::with(often, Settings::default());
    let leader = cluster.first_leader().await;
    let away = ["n1", "n2", "n3"].into_iter().find(|id| *id != leader).unwrap();
    cluster.stop_node(away);
    for number in 0..60 {
        let key = format!("k{}", number % 3);
        let write =
            json!({"f": "write", "key": key, "value": number, "token": format!("s:{number}")});
        assert_eq!(cluster.post(&leader, "/kv", &write).await.0, 200);
    }
    let led = cluster.get(&leader, "/status").await.unwrap();
    assert!(led["base"].as_u64() >= Some(10), "{led}");
    // The first time it gets the state from the leader, the second time from its own disk.
    for _ in 0..2 {
        cluster.restart_node(away);
        let status = cluster.has_applied(away, &led["applied"]).await;
        assert!(status["base"].as_u64() >= Some(10), "{status}");
        for path in ["/admin/contents", "/admin/applied"] {
            let (own, expected) = (cluster.get(away, path).await, cluster.get(&leader, path).await);
            assert_eq!(own, expected, "{path}");
        }
        let (code, taken) = cluster.post(away, "/admin/snapshot", &json!(null)).await;
        assert_eq!((code, &taken["index"]), (200, &led["applied"]), "{taken}");
        let files = std::fs::read_dir(cluster.directory.join(away)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert!(names.filter(|name| name.starts_with("snapshot-")).count() <= 2);
        cluster.stop_node(away);
    }
}
