//! A service of a manifest as a target.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use checker::oracle::version::VersionSemantics;
use engines::node_process::OwnClock;
use faults::fault::{Abilities, Family, StoreWork, TimerRange};
use faults::host::Administrator;
use faults::schedule::KnownFailure;

use super::administrator::ManifestAdministrator;
use super::client::ManifestClient;
use super::dumper::{Dump, ManifestDumper};
use super::node::{Node, Version};
use super::operation::{Operation, Operations, Refused};
use super::order::Orders;
use super::schema::Versions;
use super::source::Source;
use super::status::Status;
use super::step::SetUp;
use super::timers;
use crate::exit::{bad_input, usage};
use crate::targets::target::READY_WITHIN;
use crate::targets::{Client, Dumper, Launch, Member, Target};

/// A service that a manifest describes.
#[derive(Debug)]
pub struct Manifest {
    name: String,
    version: Version,
    /// The start of a node; none where the cluster runs already.
    node: Option<Node>,
    claims: Option<VersionSemantics>,
    known: Vec<KnownFailure>,
    timers: Option<TimerRange>,
    pub(super) service: Arc<Service>,
    /// The text of the file.
    text: String,
}

/// The protocol of a running service.
#[derive(Debug)]
pub(super) struct Service {
    /// The manifest's file, for errors.
    pub(super) file: String,
    pub(super) status: Status,
    pub(super) refusals: Vec<Refused>,
    /// By the models that judge them.
    pub(super) models: BTreeMap<&'static str, Operations>,
    pub(super) dump: Option<Dump>,
    /// The set-ups before the first operation.
    pub(super) setup: Vec<SetUp>,
    /// The orders that the cluster can be given.
    pub(super) orders: Orders,
}

/// Returns true if `--target` means a manifest: the name of a TOML file.
pub fn is_manifest(target: &str) -> bool {
    Path::new(target).extension().is_some_and(|extension| extension == "toml")
}

impl Manifest {
    /// Reads a manifest, with `set` in place of what its variables have.
    ///
    /// # Errors
    /// When it cannot be read or makes no sense; the message names the line.
    pub fn open(path: &Path, set: &BTreeMap<String, String>) -> Result<Manifest> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| bad_input(format!("cannot read {}: {error}", path.display())))?;
        Manifest::read(path, text, set)
    }

    pub(super) fn read(
        path: &Path,
        text: String,
        set: &BTreeMap<String, String>,
    ) -> Result<Manifest> {
        let (source, schema) = Source::read(path, &text, set)?;
        let name = schema.name.get_ref();
        let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
        if name.is_empty() || !name.chars().all(plain) || name.starts_with('.') {
            let what = "a name is letters, digits, -, _ and .: it begins run directories";
            return Err(source.error(schema.name.span(), what));
        }
        for (variable, text) in &schema.variables {
            if !super::template::is_name(variable) || super::node::is_taken(variable) {
                let what = format!("a variable cannot be called {variable}");
                return Err(source.error(text.span(), what));
            }
        }
        let (setup, kept) = SetUp::compile_all(&source, &schema.setup)?;
        let orders = Orders::compile(&source, &schema, &setup)?;
        let service = Service {
            file: path.display().to_string(),
            status: Status::compile(&source, &schema.status, &setup)?,
            refusals: Refused::compile_all(&source, &schema.refusals)?,
            models: Operation::compile_all(&source, &schema, &kept)?,
            orders,
            dump: schema
                .dump
                .as_ref()
                .map(|dump| {
                    let names = super::order::names(schema.peer_ports());
                    Dump::compile(&source, dump, &schema.status, &names, &setup)
                })
                .transpose()?,
            setup,
        };
        if service.models.is_empty() {
            let what = "no [workload.…] says what clients can do; see list workloads";
            return Err(source.error(schema.name.span(), what));
        }
        let known = schema.known.iter().map(|failure| {
            let read = failure.get_ref().clone().try_into::<KnownFailure>();
            read.map_err(|error| source.error(failure.span(), error.message()))
        });
        let known = known.collect::<Result<_>>()?;
        Ok(Manifest {
            name: name.clone(),
            version: Version::compile(&source, &schema.version)?,
            node: schema.node.as_ref().map(|node| Node::compile(&source, node)).transpose()?,
            claims: schema.versions.as_ref().map(claims),
            known,
            timers: schema.timers.as_ref().map(|it| timers::range(&source, it)).transpose()?,
            service: Arc::new(service),
            text,
        })
    }
}

fn claims(versions: &Versions) -> VersionSemantics {
    let Versions { scope, mutations, reads, failures_are_numbered, .. } = *versions;
    VersionSemantics { scope, mutations, reads, failures_are_numbered }
}

impl Target for Manifest {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> Result<String> {
        let node = self.node.as_ref().ok_or_else(|| {
            let file = &self.service.file;
            usage(format!(
                "{file} has no [node], so no node of {} can be started: say by --addresses where \
                 its nodes run already, or how one is started",
                self.name
            ))
        })?;
        node.find_program()?;
        self.version.find()
    }

    fn definition(&self) -> Option<&str> {
        Some(&self.text)
    }

    fn peer_ports(&self) -> usize {
        self.node.as_ref().map_or(0, |node| node.peer_ports)
    }

    fn prepare(&self, cluster: &[Member], node: usize) -> Result<()> {
        self.node.as_ref().map_or(Ok(()), |start| start.prepare(cluster, node))
    }

    fn launch(&self, cluster: &[Member], node: usize) -> Launch {
        let start = self.node.as_ref().expect("the version is asked for before anything starts");
        start.launch(cluster, node)
    }

    fn ready_within(&self) -> Duration {
        self.service.status.ready_within.unwrap_or(READY_WITHIN)
    }

    fn timers(&self) -> Option<TimerRange> {
        self.timers
    }

    fn known_failures(&self) -> &[KnownFailure] {
        &self.known
    }

    fn knows_leader(&self) -> bool {
        self.service.status.knows_leader()
    }

    fn terms_may_differ(&self) -> bool {
        self.service.status.terms_may_differ
    }

    fn offers(&self, model: &str, f: &str) -> bool {
        self.service.models.get(model).is_none_or(|operations| operations.contains_key(f))
    }

    fn abilities(&self) -> Abilities {
        let orders = &self.service.orders;
        let usual = Abilities::default();
        let work: &[StoreWork] = match (&orders.compact, &orders.defragment) {
            (Some(_), None) => &[StoreWork::Compact],
            (None, Some(_)) => &[StoreWork::Defragment],
            _ => usual.work,
        };
        Abilities { work, ..usual }
    }

    fn asked_for(&self, family: Family) -> Option<&'static str> {
        let orders = &self.service.orders;
        let has = match family {
            Family::Leadership => orders.transfer.is_some(),
            Family::Membership => orders.membership.is_some(),
            Family::Maintenance => orders.compact.is_some() || orders.defragment.is_some(),
            _ => false,
        };
        has.then_some("as its manifest says")
    }

    fn administrator(&self, cluster: &[Member]) -> Result<Option<Box<dyn Administrator>>> {
        if self.service.orders.are_none() {
            return Ok(None);
        }
        Ok(Some(Box::new(ManifestAdministrator::new(self.service.clone(), cluster)?)))
    }

    fn own_clock(&self) -> OwnClock {
        self.node.as_ref().map_or(OwnClock::No, |node| node.own_clock)
    }

    fn versions(&self) -> Option<VersionSemantics> {
        self.claims
    }

    fn dumper(&self, cluster: &[Member]) -> Result<Option<Arc<dyn Dumper>>> {
        if self.service.dump.is_none() {
            return Ok(None);
        }
        Ok(Some(Arc::new(ManifestDumper::new(self.service.clone(), cluster)?)))
    }

    fn client(&self, cluster: &[Member], run: &str, model: &str) -> Result<Arc<dyn Client>> {
        Ok(Arc::new(ManifestClient::new(self.service.clone(), cluster, run, model)?))
    }
}
