//! etcd as a target.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use checker::oracle::version::{MutationVersion, ReadVersion, Scope, VersionSemantics};
use engines::node_process::OwnClock;
use faults::fault::{Family, TimerRange};
use faults::host::Administrator;

use super::administrator::EtcdAdministrator;
use super::client::EtcdClient;
use super::dumper::EtcdDumper;
use super::gateway::Gateway;
use crate::targets::program::Program;
use crate::targets::{Client, Dumper, Launch, Member, Target};

const PROGRAM: Program = Program {
    name: "etcd",
    service: "etcd",
    version_after: "etcd Version: ",
    install: "etcd (Debian's package etcd-server)",
};

/// etcd, as it is started with nothing but names and addresses.
#[derive(Debug, Clone, Default)]
pub struct Etcd {
    /// The program or the folder that holds it; without it, the `PATH` is searched.
    pub bin: Option<PathBuf>,
    /// Further arguments of every member, which count more than those that it has anyway.
    pub flags: Vec<String>,
}

/// The folder of a member's data.
pub(super) fn data(member: &Member) -> PathBuf {
    member.data.join("etcd")
}

impl Target for Etcd {
    fn name(&self) -> &str {
        "etcd"
    }

    fn version(&self) -> anyhow::Result<String> {
        PROGRAM.version(self.bin.as_deref())
    }

    fn peer_ports(&self) -> usize {
        1
    }

    fn launch(&self, cluster: &[Member], node: usize) -> Launch {
        let member = &cluster[node];
        let everybody: Vec<String> =
            cluster.iter().map(|it| format!("{}=http://{}", it.name, it.for_peers())).collect();
        let argv = vec![
            PROGRAM.path(self.bin.as_deref()).display().to_string(),
            format!("--name={}", member.name),
            format!("--data-dir={}", data(member).display()),
            format!("--listen-client-urls=http://{}", member.listens),
            format!("--advertise-client-urls=http://{}", member.for_clients),
            format!("--listen-peer-urls=http://{}", member.peers[0].listen),
            format!("--initial-advertise-peer-urls=http://{}", member.for_peers()),
            format!("--initial-cluster={}", everybody.join(",")),
            // Whether members can be spared is looked at by who removes them.
            "--strict-reconfig-check=false".to_owned(),
            "--logger=zap".to_owned(),
        ];
        let argv = [argv, self.flags.clone()].concat();
        // A node that has data goes on with it, whatever this says. One that was removed and is
        // added again has none, and joins the others.
        let state = |state: &str| {
            let state = format!("--initial-cluster-state={state}");
            argv.iter().cloned().chain([state]).collect()
        };
        Launch { again: Some(state("existing")), ..Launch::of(state("new")) }
    }

    fn timers(&self) -> Option<TimerRange> {
        let time = |flag: &str, default: u64| {
            let set = self.flags.iter().rev().find_map(|it| it.strip_prefix(flag)?.parse().ok());
            Duration::from_millis(set.unwrap_or(default))
        };
        let heartbeat = time("--heartbeat-interval=", 100);
        let election = time("--election-timeout=", 1000);
        Some(TimerRange::of(heartbeat, election))
    }

    fn own_clock(&self) -> OwnClock {
        OwnClock::Plain
    }

    fn asked_for(&self, family: Family) -> Option<&'static str> {
        match family {
            Family::Leadership => Some("POST /v3/maintenance/transfer-leadership"),
            Family::Membership => Some("POST /v3/cluster/member/remove, /v3/cluster/member/add"),
            Family::Maintenance => Some("POST /v3/kv/compaction, /v3/maintenance/defragment"),
            _ => None,
        }
    }

    fn administrator(&self, cluster: &[Member]) -> anyhow::Result<Option<Box<dyn Administrator>>> {
        Ok(Some(Box::new(EtcdAdministrator::new(Gateway::new(cluster)?, cluster)?)))
    }

    /// Every answer has the revision of the store; each transaction that changes something raises
    /// it by one, however much it changes.
    fn versions(&self) -> Option<VersionSemantics> {
        Some(VersionSemantics {
            scope: Scope::Store,
            mutations: MutationVersion::Unique,
            reads: ReadVersion::State,
            failures_are_numbered: false,
        })
    }

    fn dumper(&self, cluster: &[Member]) -> anyhow::Result<Option<Arc<dyn Dumper>>> {
        Ok(Some(Arc::new(EtcdDumper::new(Gateway::new(cluster)?, cluster))))
    }

    fn client(
        &self,
        cluster: &[Member],
        run: &str,
        model: &str,
    ) -> anyhow::Result<Arc<dyn Client>> {
        Ok(Arc::new(EtcdClient::new(Gateway::new(cluster)?, cluster, run, model)?))
    }
}
