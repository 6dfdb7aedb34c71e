//! Members that come and go, asked for over HTTP.

use std::net::TcpListener;

use serde_json::{Value, json};
use stormproof_cluster::server::Config;

use super::{Cluster, any_ports};

impl Cluster {
    /// Starts a node that joins the cluster, and gives the address at which the others reach it.
    async fn start_newcomer(&mut self, id: &str) -> String {
        let listeners = any_ports();
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let status = self.get("n1", "/status").await.unwrap();
        let config = Config {
            id: id.into(),
            listen: address(&listeners.clients),
            peer_listen: address(&listeners.peers),
            join: Some(status["cluster"].as_str().unwrap().to_string()),
            data_dir: self.directory.join(id),
            ..self.configs["n1"].clone()
        };
        let for_peers = config.peer_listen.to_string();
        self.configs.insert(id.to_string(), config);
        self.start_node(id, listeners);
        for_peers
    }
}

#[tokio::test]
async fn members_come_and_go_and_nothing_is_lost() {
    let mut cluster = Cluster::start();
    let leader = cluster.first_leader().await;
    let change = async |cluster: &Cluster, body: Value| {
        let leader = cluster.leader().await;
        cluster.post(&leader, "/admin/members", &body).await
    };
    let write = json!({"f": "write", "key": "k", "value": 5, "token": "client:1"});
    assert_eq!(cluster.post(&leader, "/kv", &write).await.0, 200);

    let address = cluster.start_newcomer("n4").await;
    // It hears of no leader before.
    let add = json!({"add": "n4", "address": address});
    let (code, added) = cluster.post(&leader, "/admin/members", &add).await;
    assert_eq!((code, &added["members"]["voters"]), (200, &json!(["n1", "n2", "n3", "n4"])));
    let again = change(&cluster, add).await;
    assert_eq!(again, (200, added), "there is nothing to do");
    let (code, demoted) = change(&cluster, json!({"demote": "n2"})).await;
    assert_eq!((code, &demoted["members"]["learners"]), (200, &json!(["n2"])), "{demoted}");
    // The leader hands over when it is removed.
    let (code, removed) = change(&cluster, json!({"remove": leader})).await;
    assert_eq!(code, 200, "{removed}");
    cluster.stop_node(&leader);
    let next = cluster.leader().await;
    assert_ne!(next, leader);
    let read = json!({"f": "read", "key": "k"});
    assert_eq!(cluster.post(&next, "/kv", &read).await.1["value"], 5);
    let status = cluster.get(&next, "/status").await.unwrap();
    assert_eq!(status["voters"], removed["members"]["voters"], "{status}");

    let (code, refused) = change(&cluster, json!({"promote": "n9"})).await;
    assert_eq!((code, &refused["reason"]), (400, &json!("n9 is not a member")), "{refused}");
    let follower = cluster.running.keys().find(|id| **id != next).unwrap();
    let (code, refused) = cluster.post(follower, "/admin/members", &json!({"remove": "n4"})).await;
    assert_eq!((code, &refused["leader"]), (421, &json!(next)), "{refused}");
    let (code, refused) = change(&cluster, json!({"remove": "n4", "demote": "n2"})).await;
    assert_eq!((code, &refused["error"]), (400, &json!("bad_request")), "{refused}");

    // Those that came by a change know each other from the log alone, after a restart too.
    cluster.stop_node("n4");
    cluster.restart_node("n4");
    let status = cluster.has("n4", "voters", &status["voters"]).await;
    assert_eq!(status["cluster"], cluster.get(&next, "/status").await.unwrap()["cluster"]);
}
