//! `stormproof target check`: whether stormproof and a service understand each other.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use engines::process_tree::{Lab, LabContext};
use results::run_directory::RunDirectory;
use workloads::clients::{ClientPlan, Fixed};

use super::names;
use super::plan::{address, setting};
use super::run::{exit_of, version_of};
use crate::client_mix::ClientMix;
use crate::exit::Exit;
use crate::lab::{self, EngineChoice, LabChoice, LabInUse};
use crate::plan::Plan;
use crate::run::calibrate::calibrate;
use crate::run::recorder::Recorder;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a service and try each of its operations, its tokens, versions and dumps
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    /// The service: one that stormproof knows, or FILE.toml, a manifest of yours
    #[arg(value_parser = names::target())]
    target: String,
    /// Give a variable of the manifest another value
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Where the target's programs are: the program, or its folder [default: the PATH]
    #[arg(long, value_name = "PATH")]
    bin: Option<PathBuf>,
    /// Plant a bug in the bundled cluster; `list bugs` describes them
    #[arg(long, value_parser = names::bug())]
    bug: Option<String>,
    /// How many nodes
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Where the nodes live: hosts of their own (netns) or ports of this one (loopback)
    #[arg(long, value_enum, default_value = "auto")]
    lab: LabChoice,
    /// Try a cluster that runs already: where clients reach its nodes
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = address,
        conflicts_with_all = ["nodes", "bin", "bug", "lab"])]
    addresses: Vec<SocketAddr>,
}

pub fn main(place: LabContext, arguments: Arguments) -> Result<Exit> {
    let Command::Check(check) = arguments.command;
    let plan = check.plan();
    plan.validate()?;
    plan.open_target()?;
    match place {
        LabContext::Outside => Ok(exit_of(lab::enter(plan.lab)?)),
        LabContext::Inside(lab) => inside(lab, &plan),
    }
}

fn inside(lab: Lab, plan: &Plan) -> Result<Exit> {
    let lab = LabInUse::settle(lab, plan.lab, EngineChoice::Auto)?;
    let target = plan.open_target()?;
    let say = |what: &str, text: String| println!("  {what:<10} {text}");
    let name = target.name().to_owned();
    println!("{name} {} · {} nodes", version_of(&*target, &lab)?, plan.nodes);

    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let folder = std::env::temp_dir().join(format!("stormproof-check-{}", time.as_nanos()));
    let directory = RunDirectory::create(&folder, &name)?;
    let recorder = Arc::new(Recorder::new(directory, Vec::new()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let checked = runtime.block_on(calibrate(plan, target, &lab, recorder, &say));
    checked.with_context(|| {
        format!("{name} does not pass its check, whose files are in {}", folder.display())
    })?;
    // What could not be removed is in the temporary directory anyway.
    let _ = std::fs::remove_dir_all(&folder);
    println!("everything means what it is taken to mean");
    Ok(Exit::Valid)
}

impl Check {
    /// A plan in which nothing goes wrong.
    fn plan(&self) -> Plan {
        let seed = 0;
        let clients = ClientPlan::draw(seed, 1, &Fixed::default());
        let elsewhere = !self.addresses.is_empty();
        Plan {
            target: self.target.clone(),
            nodes: if elsewhere { self.addresses.len() } else { self.nodes },
            workload: workloads::ALL[0].name.into(),
            faults: BTreeSet::new(),
            profile: None,
            fault_budget: None,
            time_limit: 1.0,
            rate: 0.0,
            concurrency: 1,
            keys: clients.keys,
            seed,
            recovery_limit: 0.0,
            start_within: 0.0,
            quick_tcp: false,
            keep_going: false,
            lab: if elsewhere { LabChoice::None } else { self.lab },
            addresses: self.addresses.clone(),
            bin: self.bin.clone(),
            settings: self.settings.iter().cloned().collect(),
            bug: self.bug.clone(),
            clients: ClientMix::of(&clients),
            schedule: Vec::new(),
        }
    }
}
