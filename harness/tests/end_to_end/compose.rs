//! The cluster of compose.yaml, started by the same command in the same environment. What containers
//! have of their own is replaced: their addresses by ports of this machine, their volumes by folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::bare_nodes::{Nodes, ask, free_addresses};
use crate::common::{scratch, stormproof};
use crate::turn::turn;

const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// A file of the repository's root.
fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    fs::read_to_string(path).expect("it is there")
}

/// The `key: value` lines below a heading, with the headings that they stand under, such as
/// `services.n1.environment`. As much of YAML as compose.yaml uses.
fn settings(text: &str) -> BTreeMap<String, String> {
    let mut under: Vec<(usize, &str)> = Vec::new();
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        let indent = line.len() - line.trim_start().len();
        under.retain(|(outer, _)| *outer < indent);
        under.push((indent, key));
        let path: Vec<&str> = under.iter().map(|(_, key)| *key).collect();
        found.insert(path.join("."), value.trim().to_owned());
    }
    found
}

/// The environment of a service: its own, and the one that all share.
fn environment(settings: &BTreeMap<String, String>, node: &str) -> BTreeMap<String, String> {
    assert_eq!(settings[&format!("services.{node}.environment.<<")], "*environment");
    let below = |path: String| {
        let own = settings.iter().filter_map(move |(key, value)| {
            Some((key.strip_prefix(&path)?.to_owned(), value.clone()))
        });
        own.filter(|(key, _)| key.starts_with("STORMPROOF_"))
    };
    below("x-environment.".into()).chain(below(format!("services.{node}.environment."))).collect()
}

#[test]
fn the_cluster_of_the_compose_file_serves() {
    let _turn = turn();
    let settings = settings(&file("compose.yaml"));
    assert_eq!(settings["x-node.command"], r#"["node"]"#);
    assert!(file("Dockerfile").contains(r#"ENTRYPOINT ["stormproof"]"#));
    let directory = scratch("compose");
    let mut addresses = free_addresses(6);
    let for_peers = addresses.split_off(3);
    let start = |(number, node): (usize, &&str)| {
        assert_eq!(settings[&format!("services.{node}.<<")], "*node");
        let here = |value: String| {
            let mut value = value
                .replace("0.0.0.0:7001", &addresses[number].to_string())
                .replace("0.0.0.0:7101", &for_peers[number].to_string())
                .replace("/data", &directory.join(node).display().to_string());
            for (other, name) in NODES.iter().enumerate() {
                let port = for_peers[other].port();
                value = value.replace(&format!("{name}:7101"), &format!("localhost:{port}"));
                let (inside, outside) = (7001 + other, addresses[other].port());
                value =
                    value.replace(&format!("localhost:{inside}"), &format!("localhost:{outside}"));
            }
            value
        };
        let environment = environment(&settings, node);
        assert_eq!(environment["STORMPROOF_NODE_ID"], **node);
        stormproof()
            .arg("node")
            .envs(environment.into_iter().map(|(key, value)| (key, here(value))))
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts")
    };
    let processes = NODES.iter().enumerate().map(start).collect();
    let nodes = Nodes { processes, addresses: addresses.clone() };
    let (leader, _) = nodes.leader();
    let write = json!({"f": "write", "key": "k", "value": 1}).to_string();
    assert_eq!(ask(leader, "POST", "/kv", &write).unwrap()["type"], "ok");
    let follower = addresses.iter().find(|address| **address != leader).unwrap();
    let refused = ask(*follower, "POST", "/kv", &write).unwrap();
    assert_eq!(refused["leader_address"], format!("localhost:{}", leader.port()), "{refused}");
    let status = ask(leader, "GET", "/status", "").unwrap();
    assert!(status["cluster"].as_str().unwrap().starts_with("compose"), "{status}");
}

#[test]
fn docker_takes_the_compose_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose.yaml");
    let version = Command::new("docker").args(["compose", "version"]).output();
    if !version.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no docker compose");
        return;
    }
    let mut docker = Command::new("docker");
    let output = docker.args(["compose", "-f"]).arg(path).args(["config", "-q"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
