//! `stormproof plan`, and the flags that make a plan, which `run` shares.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;
use faults::fault::Family;
use faults::schedule::{Budget, Profile};
use results::run_directory::{PLAN, TARGET};
use workloads::ValueSizes;
use workloads::clients::{ClientPlan, Fixed, Routing};

use super::names;
use crate::client_mix::ClientMix;
use crate::exit::{Exit, bad_input};
use crate::lab::LabChoice;
use crate::plan::Plan;
use crate::targets::Target;
use crate::targets::registry::{self, Choice};

/// How long the load lasts when nobody says otherwise: long enough for each family to strike
/// several times, short enough to wait for.
const TIME_LIMIT: &str = "60s";

/// Operations a second when nobody says otherwise: the clients keep up with it on a small machine
/// while faults come and go, and the report stays quick.
const RATE: &str = "1000";

/// What `--rate` is given to have it drawn.
const ANY_RATE: &str = "any";

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    flags: PlanFlags,
    /// Print the whole plan as TOML, as run --plan takes it
    #[arg(long)]
    toml: bool,
}

#[derive(Debug, Args)]
pub struct PlanFlags {
    /// Take everything from a plan, such as the plan.toml of an earlier run
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "target", "bin", "settings", "nodes", "workload", "faults", "profile", "fault_budget", "time_limit", "rate", "concurrency", "keys", "seed", "bug",
        "recovery_limit", "start_within", "quick_tcp", "keep_going", "lab", "addresses", "routing", "deadline",
        "attempt_timeout", "values",
    ])]
    plan: Option<PathBuf>,
    /// The service to test: one that stormproof knows, or FILE.toml, a manifest of yours
    #[arg(long, default_value = "bundled", value_parser = names::target())]
    target: String,
    /// Where the target's programs are: the program, or its folder [default: the PATH]
    #[arg(long, value_name = "PATH")]
    bin: Option<PathBuf>,
    /// Tell the target's nodes something besides: what `list targets` names, or a variable of a
    /// manifest
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// How many nodes
    #[arg(long, default_value_t = 5)]
    nodes: usize,
    /// What the clients do
    #[arg(long, default_value = "register", value_parser = names::workload())]
    workload: String,
    /// What goes wrong: families, all or none, separated by commas
    #[arg(long, default_value = "all", value_delimiter = ',', value_parser = names::faults())]
    faults: Vec<String>,
    /// How rough the faults are: gentle, nightly, brutal, composed or, for one family alone and
    /// densely, its name [default: nightly, or that of the only family]
    #[arg(long, value_parser = names::profile())]
    profile: Option<String>,
    /// How many nodes may be down at once: a number, minority or all [default: the profile's]
    #[arg(long, value_name = "NODES")]
    fault_budget: Option<Budget>,
    /// How long the load lasts: 90s, 5m
    #[arg(long, default_value = TIME_LIMIT, value_parser = duration)]
    time_limit: Duration,
    /// Operations a second from all clients together; 0 for as fast as they go, any to draw it
    #[arg(long, default_value = RATE, value_parser = rate)]
    rate: Rate,
    /// Clients at a time [default: two for each node]
    #[arg(long)]
    concurrency: Option<usize>,
    /// Keys in use at a time [default: drawn, 1 to 5 or 20 to 100]
    #[arg(long)]
    keys: Option<usize>,
    /// Which clients begin each operation at a node of their own: half, pinned (all) or roaming
    /// (none) [default: drawn]
    #[arg(long)]
    routing: Option<Routing>,
    /// How long a client keeps trying [default: drawn, 500ms, 3s or 10s for each]
    #[arg(long, value_parser = duration)]
    deadline: Option<Duration>,
    /// How long a client waits for one answer [default: drawn, 200ms, 400ms or 1.2s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    attempt_timeout: Option<Duration>,
    /// What is written: numbers, or strings of up to so many bytes [default: drawn]
    #[arg(long, value_name = "BYTES")]
    values: Option<ValueSizes>,
    /// What everything random is drawn from [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Plant a bug in the bundled cluster; `list bugs` describes them
    #[arg(long, value_parser = names::bug())]
    bug: Option<String>,
    /// How long the healed cluster may take to serve again
    #[arg(long, default_value = "30s", value_parser = duration)]
    recovery_limit: Duration,
    /// Start the nodes one by one over this time, in an order drawn from the seed
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    start_within: Duration,
    /// Let TCP try again at least every second, so that traffic resumes sooner after a long cut
    #[arg(long)]
    quick_tcp: bool,
    /// Go on with the load once what clients saw is known to have no legal order, instead of stopping
    #[arg(long)]
    keep_going: bool,
    /// Where the nodes live: hosts of their own (netns) or ports of this one (loopback)
    #[arg(long, value_enum, default_value = "auto")]
    lab: LabChoice,
    /// Test a cluster that runs already: where clients reach its nodes. Nothing is started; of the
    /// faults, those remain that the service itself is asked for
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = address,
        conflicts_with_all = ["nodes", "bin", "bug", "lab"])]
    addresses: Vec<SocketAddr>,
}

/// Reads the plan in a file.
///
/// # Errors
/// When there is no such file or it holds no plan.
pub fn read_plan(path: &Path) -> Result<Plan> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| bad_input(format!("cannot read {}: {error}", path.display())))?;
    Plan::from_toml(&text).with_context(|| format!("{} is not a plan", path.display()))
}

/// Reads the plan of a saved run. The manifest of its target is the one that was saved with it.
///
/// # Errors
/// When there is no such file or it holds no plan.
pub fn read_saved_plan(run: &Path) -> Result<Plan> {
    let mut plan = read_plan(&run.join(PLAN))?;
    let manifest = run.join(TARGET);
    if manifest.is_file() {
        plan.target = manifest.display().to_string();
    }
    Ok(plan)
}

/// What `--rate` asks for.
#[derive(Debug, Clone, Copy)]
enum Rate {
    /// Operations a second; 0 for a closed loop.
    Fixed(f64),
    /// Whatever the seed gives.
    Drawn,
}

fn rate(text: &str) -> Result<Rate, String> {
    match text.parse() {
        _ if text == ANY_RATE => Ok(Rate::Drawn),
        Ok(rate) => Ok(Rate::Fixed(rate)),
        Err(_) => Err(format!("not a number, and not {ANY_RATE}")),
    }
}

/// Accepts `HOST:PORT`.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "it has no address".to_owned())
}

/// Accepts `NAME=VALUE`.
pub fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        None => humantime::parse_duration(text).map_err(|error| error.to_string()),
    }
}

impl PlanFlags {
    /// The plan that the flags ask for.
    ///
    /// # Errors
    /// When a figure is impossible or a plan cannot be read.
    pub fn resolve(&self) -> Result<Plan> {
        if let Some(path) = &self.plan {
            return read_plan(path);
        }
        let bug = self.bug.as_ref().map(|bug| bug.parse()).transpose()?;
        let settings: BTreeMap<_, _> = self.settings.iter().cloned().collect();
        let choice = Choice { bug, bin: self.bin.clone(), settings: settings.clone() };
        let target = registry::open(&self.target, choice)?;
        let asked_for = |profile: &Profile| self.profile.as_deref() == Some(profile.name());
        let profile = names::offered_profiles().find(asked_for);
        // A family's own profile says which faults are meant.
        let faults = match profile {
            Some(Profile::Only(family)) => [family].into(),
            _ => families(&self.faults, &*target),
        };
        let seed = self.seed.unwrap_or_else(seed_of_the_moment);
        let nodes = if self.addresses.is_empty() { self.nodes } else { self.addresses.len() };
        let concurrency = self.concurrency.unwrap_or(2 * nodes);
        let clients = ClientPlan::draw(seed, concurrency, &self.fixed());
        let mut plan = Plan {
            target: self.target.clone(),
            nodes,
            workload: self.workload.clone(),
            faults,
            profile,
            fault_budget: self.fault_budget,
            time_limit: self.time_limit.as_secs_f64(),
            rate: clients.rate.unwrap_or(0.0),
            concurrency,
            keys: clients.keys,
            seed,
            recovery_limit: self.recovery_limit.as_secs_f64(),
            start_within: self.start_within.as_secs_f64(),
            quick_tcp: self.quick_tcp,
            keep_going: self.keep_going,
            lab: if self.addresses.is_empty() { self.lab } else { LabChoice::None },
            addresses: self.addresses.clone(),
            bin: self.bin.clone(),
            settings,
            bug: self.bug.clone(),
            clients: ClientMix::of(&clients),
            schedule: Vec::new(),
        };
        plan.validate()?;
        plan.draw_schedule();
        Ok(plan)
    }

    /// What about the clients is not drawn.
    fn fixed(&self) -> Fixed {
        Fixed {
            routing: self.routing,
            deadline: self.deadline,
            attempt_timeout: self.attempt_timeout,
            keys: self.keys,
            values: self.values,
            rate: match self.rate {
                Rate::Fixed(rate) => Some((rate != 0.0).then_some(rate)),
                Rate::Drawn => None,
            },
        }
    }

    /// Whether the command line names that family, instead of taking all there are.
    pub fn asks_by_name(&self, family: Family) -> bool {
        let named = self.faults.iter().chain(&self.profile).any(|name| name == family.name());
        self.plan.is_none() && named
    }
}

/// The families of these names; `all` are those that the target can have.
fn families(names: &[String], target: &dyn Target) -> BTreeSet<Family> {
    let mut families = BTreeSet::new();
    for name in names {
        match name.as_str() {
            "all" => {
                let promised =
                    |family: &&Family| family.within_fault_model() && target.can(**family);
                families.extend(Family::ALL.iter().filter(promised))
            }
            "none" => {}
            name => families.extend(Family::ALL.iter().filter(|family| family.name() == name)),
        }
    }
    families
}

/// A seed that is short enough to say aloud.
fn seed_of_the_moment() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time.as_nanos() as u64 % 1_000_000
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let plan = arguments.flags.resolve()?;
    if arguments.toml {
        print!("{}", plan.to_toml()?);
        return Ok(Exit::Valid);
    }
    println!("{plan}");
    println!("{}", plan.clients);
    for entry in &plan.schedule {
        println!("{entry}");
    }
    Ok(Exit::Valid)
}
