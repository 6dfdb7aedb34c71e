//! The services under test: how their nodes are started and how they are spoken to.
//!
//! Each target is one file: its command line, its client, and its error table.

mod auditor;
mod bundled;
mod bundled_administrator;
mod bundled_auditor;
mod bundled_words;
mod client;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use checker::oracle::version::Claims;
use nemeses::fault::Family;
use nemeses::host::node_process::{NodeSpec, OwnClock};
use nemeses::world::Administrator;
use results::event::NodeChange;

pub use auditor::Auditor;
pub use bundled::Bundled;
pub use client::{Answer, BoxFuture, Client, ErrorRow, NodeStatus, Refusal, Reply, Request};

/// One member of a cluster.
#[derive(Debug, Clone)]
pub struct Member {
    /// `n1`, `n2`…
    pub name: String,
    /// Where it listens.
    pub listens: SocketAddr,
    /// Where its peers reach it: elsewhere where a proxy can cut their links.
    pub for_peers: SocketAddr,
    /// Where clients reach it.
    pub for_clients: SocketAddr,
    /// Where it keeps its data; survives restarts.
    pub data: PathBuf,
}

impl Member {
    /// One that everybody reaches where it listens.
    pub fn at(name: &str, address: SocketAddr, data: PathBuf) -> Self {
        let (listens, for_peers, for_clients) = (address, address, address);
        Member { name: name.into(), listens, for_peers, for_clients, data }
    }

    /// How this member's process is started, each time; its standard error goes to `log`.
    ///
    /// # Errors
    /// When the working directory is gone.
    pub fn spec(&self, command: Vec<String>, log: PathBuf) -> anyhow::Result<NodeSpec> {
        Ok(NodeSpec {
            name: self.name.clone(),
            argv: command.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            cwd: std::env::current_dir().context("the working directory is gone")?,
            log_path: log,
            own_clock: OwnClock::No,
        })
    }
}

/// A service that stormproof can start and speak to.
pub trait Target: Send + Sync {
    /// What `--target` calls it.
    fn name(&self) -> &'static str;

    /// The version under test.
    fn version(&self) -> String;

    /// The command line that starts one node, first or again.
    fn command(&self, cluster: &[Member], node: usize) -> Vec<String>;

    /// How its processes can have clocks of their own. Right for every runtime unless it hands the
    /// kernel only relative time-outs, as Go does.
    fn own_clock(&self) -> OwnClock {
        OwnClock::WithDeadlines
    }

    /// Understands a line that a node printed on its standard output.
    fn node_change(&self, line: &str) -> Option<NodeChange>;

    /// What does the faults of a family that only the service itself can do, such as
    /// `POST /admin/transfer`; none where nothing does.
    fn asked_for(&self, _family: Family) -> Option<&'static str> {
        None
    }

    /// Whether it can have the faults of that family: those that need nothing of it, and those that
    /// it can be asked for.
    fn can(&self, family: Family) -> bool {
        !family.needs_target() || self.asked_for(family).is_some()
    }

    /// Who asks the cluster for the faults that it can be [asked for](Target::asked_for). Called
    /// within a runtime.
    ///
    /// # Errors
    /// When the means to ask cannot be made.
    fn administrator(&self, _cluster: &[Member]) -> anyhow::Result<Option<Box<dyn Administrator>>> {
        Ok(None)
    }

    /// What it promises about the versions that it answers; none if it has none.
    fn versions(&self) -> Option<Claims> {
        None
    }

    /// Who asks the nodes what they applied; none where nobody can.
    ///
    /// # Errors
    /// When the means to ask cannot be made.
    fn auditor(&self, _cluster: &[Member]) -> anyhow::Result<Option<Arc<dyn Auditor>>> {
        Ok(None)
    }

    /// A client of the whole cluster. `run` is the run's id, which keys carry on the wire; `model`
    /// is what judges the operations, and so what objects they are about.
    ///
    /// # Errors
    /// When the service has no such objects.
    fn client(&self, cluster: &[Member], run: &str, model: &str)
    -> anyhow::Result<Arc<dyn Client>>;
}
