//! Data directories that are lost, and those of before they had incarnations.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stormproof_cluster::server::Config;

use super::{Cluster, PATIENCE};

impl Cluster {
    /// Waits until a node knows that the others count on another directory, and gives what it says.
    async fn displaced(&self, id: &str) -> String {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let status = self.get(id, "/status").await.unwrap_or_default();
            if let Some(told) = status["displaced"].as_str() {
                return told.to_string();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{id} was not refused within {PATIENCE:?}");
    }
}

#[tokio::test]
async fn a_voter_that_lost_its_disk_takes_no_part_until_it_is_removed_and_added() {
    let mut cluster = Cluster::start();
    let leader = cluster.first_leader().await;
    let write = json!({"f": "write", "key": "k", "value": 5, "token": "client:1"});
    assert_eq!(cluster.post(&leader, "/kv", &write).await.0, 200);
    let wiped = cluster.configs.keys().find(|id| **id != leader).unwrap().clone();
    let data = cluster.configs[&wiped].data_dir.clone();
    let moved = data.with_extension("moved");

    cluster.stop_node(&wiped);
    std::fs::rename(&data, &moved).unwrap();
    cluster.restart_node(&wiped);
    let told = cluster.displaced(&wiped).await;
    assert!(told.contains(&format!("{leader} knows {wiped} by the data directory")), "{told}");
    assert!(told.contains(&format!("{{\"remove\":\"{wiped}\"}}")), "{told}");
    let status = cluster.get(&wiped, "/status").await.unwrap();
    assert_eq!((&status["leader"], &status["last_index"]), (&Value::Null, &json!(0)), "{status}");
    assert_eq!(cluster.get(&wiped, "/health").await.unwrap()["healthy"], false);
    assert_eq!(cluster.post(&leader, "/kv", &write).await.0, 200, "the others go on");

    // Its directory is found again.
    cluster.stop_node(&wiped);
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&moved, &data).unwrap();
    cluster.restart_node(&wiped);
    cluster.has(&wiped, "leader", &json!(leader)).await;

    // Or it is lost.
    cluster.stop_node(&wiped);
    std::fs::remove_dir_all(&data).unwrap();
    cluster.restart_node(&wiped);
    cluster.displaced(&wiped).await;
    let address = cluster.configs[&wiped].peer_listen.to_string();
    let (code, refused) =
        cluster.post(&leader, "/admin/members", &json!({"replace": wiped, "by": wiped})).await;
    assert_eq!(code, 400, "{refused}");
    for change in [json!({"remove": wiped}), json!({"add": wiped, "address": address})] {
        let (code, changed) = cluster.post(&leader, "/admin/members", &change).await;
        assert_eq!(code, 200, "{changed}");
    }
    let status = cluster.has(&wiped, "leader", &json!(leader)).await;
    assert_eq!(status["displaced"], Value::Null, "{status}");
    assert_eq!(status["noted"], json!(["n1", "n2", "n3"]), "{status}");
    let (code, moved) = cluster.post(&leader, "/admin/transfer", &json!({"to": wiped})).await;
    assert_eq!(code, 200, "{moved}");
    let read = json!({"f": "read", "key": "k"});
    assert_eq!(cluster.post(&wiped, "/kv", &read).await.1["value"], 5);
}

#[tokio::test]
async fn a_data_directory_of_before_snapshots_and_incarnations_is_read() {
    let mut cluster = Cluster::start();
    for id in ["n1", "n2", "n3"] {
        cluster.stop_node(id);
    }
    let config = cluster.configs["n1"].clone();
    std::fs::remove_dir_all(&config.data_dir).unwrap();
    std::fs::create_dir(&config.data_dir).unwrap();
    for file in std::fs::read_dir(Path::new("tests/data_before_snapshots")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), config.data_dir.join(file.file_name())).unwrap();
    }
    let alone = vec![("n1".to_string(), config.peer_listen.to_string())];
    cluster.configs.insert("n1".into(), Config { peers: alone, ..config });
    let mut incarnations = Vec::new();
    for start in 0..2 {
        cluster.restart_node("n1");
        cluster.has("n1", "leader", &json!("n1")).await;
        let status = cluster.has("n1", "noted", &json!(["n1"])).await;
        incarnations.push(status["incarnation"].as_str().unwrap().to_string());
        for (key, value) in [
            ("register", json!(7)),
            ("list", json!([1, "zwei", 3])),
            ("counter", json!(7)),
            ("set", json!([3])),
            ("queue", json!(["second"])),
            ("lock", json!({"owner": "me", "token": 11})),
            ("gone", Value::Null),
        ] {
            let (code, read) = cluster.post("n1", "/kv", &json!({"f": "read", "key": key})).await;
            assert_eq!((code, &read["value"]), (200, &value), "{key}: {read}");
        }
        let retried = json!({"f": "add", "key": "counter", "value": 2, "token": "old:14"});
        let (code, answer) = cluster.post("n1", "/kv", &retried).await;
        assert_eq!((code, &answer["version"]), (200, &json!(16)), "a retry is still recognised");
        if start == 0 {
            let snapshot = cluster.post("n1", "/admin/snapshot", &Value::Null).await;
            assert_eq!(snapshot.0, 200, "{}", snapshot.1);
        }
        cluster.stop_node("n1");
    }
    assert_eq!(incarnations[0], incarnations[1], "it is noted in the directory");
}
