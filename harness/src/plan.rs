//! The plan of a run: everything that was decided before it began.
//!
//! Flags are resolved into a plan once; `plan.toml` holds it, and the same plan gives the same
//! faults at the same times and the same stream of operations.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use cluster::bugs::Bug;
use faults::fault::Family;
use faults::schedule::{Budget, Entry, Profile, Schedule, ScheduleOptions, read_entries};
use rand::RngExt;
use rand::seq::SliceRandom;
use results::run_directory::PLAN;
use serde::{Deserialize, Serialize};
use workloads::clients::{ClientPlan, Fixed};
use workloads::{Workload, stream};

use crate::client_mix::ClientMix;
use crate::exit::{bad_input, usage};
use crate::lab::LabChoice;
use crate::targets::Target;
use crate::targets::registry::{self, Choice};
use results::words::counted;

/// What a run will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The target's name, or the file of its manifest.
    pub target: String,
    /// How many nodes.
    pub nodes: usize,
    /// The workload's name.
    pub workload: String,
    /// The fault families to draw from.
    pub faults: BTreeSet<Family>,
    /// How rough the faults are; without it, one family alone comes densely and several come as
    /// `nightly` has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// How many nodes may be down at once, if the profile does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_budget: Option<Budget>,
    /// How long the load lasts, in seconds.
    pub time_limit: f64,
    /// Operations a second from all clients together; 0 means as fast as they go.
    pub rate: f64,
    /// Clients at a time.
    pub concurrency: usize,
    /// Keys in use at a time.
    pub keys: usize,
    /// What everything random is drawn from.
    pub seed: u64,
    /// How long the healed cluster may take to serve again, in seconds.
    pub recovery_limit: f64,
    /// Over how many seconds the nodes are started one by one, in an order drawn from the seed;
    /// 0 starts all at once.
    #[serde(default)]
    pub start_within: f64,
    /// Whether TCP tries again at least every second, in the lab with hosts of their own: after a
    /// long cut traffic resumes sooner than with the kernel's own backoff.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quick_tcp: bool,
    /// Whether the load goes on once the history is known to be Invalid.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_going: bool,
    /// Which lab.
    pub lab: LabChoice,
    /// Where the nodes are reached, of a cluster that runs already; its lab is `none`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<SocketAddr>,
    /// Where the target's programs are, if not on the `PATH`: the program, or its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<PathBuf>,
    /// What the target's nodes are told besides, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// What the clients are like.
    #[serde(default)]
    pub clients: ClientMix,
    /// The faults, drawn ahead; in TOML each is a table `[[fault]]`.
    #[serde(
        default,
        rename = "fault",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "read_entries"
    )]
    pub schedule: Vec<Entry>,
}

impl Plan {
    /// The names of the nodes, `n1` first.
    pub fn node_names(&self) -> Vec<String> {
        node_names(self.nodes)
    }

    /// The families of faults that it draws from or spells out.
    pub fn families(&self) -> BTreeSet<Family> {
        let spelt_out = self.schedule.iter().map(|entry| entry.fault.family());
        self.faults.iter().copied().chain(spelt_out).collect()
    }

    /// All clients, and what they do.
    pub fn client_plan(&self) -> ClientPlan {
        ClientPlan {
            routing: self.clients.routing,
            deadlines: self.clients.deadlines(self.concurrency),
            attempt_timeout: Duration::from_secs_f64(self.clients.attempt_timeout),
            keys: self.keys,
            values: self.clients.values,
            rate: (self.rate > 0.0).then_some(self.rate),
        }
    }

    /// How long the load lasts.
    pub fn load(&self) -> Duration {
        Duration::from_secs_f64(self.time_limit)
    }

    /// The planted bug, if the plan names one.
    ///
    /// # Errors
    /// When there is no bug of that name.
    pub fn planted_bug(&self) -> Result<Option<Bug>> {
        let Some(name) = &self.bug else { return Ok(None) };
        let bug = Bug::ALL.iter().find(|bug| bug.name() == name);
        bug.copied().map(Some).with_context(|| format!("there is no bug named {name}"))
    }

    /// The service to test.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn open_target(&self) -> Result<Arc<dyn Target>> {
        let choice = Choice {
            bug: self.planted_bug()?,
            bin: self.bin.clone(),
            settings: self.settings.clone(),
        };
        registry::open(&self.target, choice)
    }

    /// The workload.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn workload(&self) -> Result<&'static Workload> {
        workloads::find(&self.workload)
            .with_context(|| format!("there is no workload named {}", self.workload))
    }

    /// The order in which the nodes are started, each with its time after the first one.
    pub fn starts(&self) -> Vec<(Duration, String)> {
        let mut random = stream(self.seed, "starts");
        let mut order = self.node_names();
        let mut times: Vec<f64> =
            order.iter().map(|_| random.random_range(0.0..=self.start_within)).collect();
        if self.start_within > 0.0 {
            order.shuffle(&mut random);
        }
        times.sort_by(f64::total_cmp);
        let first = times.first().copied().unwrap_or(0.0);
        times.into_iter().map(|at| Duration::from_secs_f64(at - first)).zip(order).collect()
    }

    /// What its schedule is drawn for.
    pub fn schedule_options(&self) -> ScheduleOptions {
        ScheduleOptions {
            nodes: self.nodes,
            families: self.faults.clone(),
            seed: self.seed,
            time_limit: self.load(),
            profile: self.profile.unwrap_or_else(|| Profile::for_families(&self.faults)),
            budget: self.fault_budget,
        }
    }

    /// How many nodes may be down at once.
    pub fn most_down(&self) -> usize {
        // Whoever spells faults out asks for what they do.
        match (self.fault_budget, self.is_drawn()) {
            (None, false) => self.nodes,
            _ => self.schedule_options().most_down(),
        }
    }

    /// Whether its schedule is the one that the seed gives.
    fn is_drawn(&self) -> bool {
        Schedule::draw(&self.schedule_options()).entries == self.schedule
    }

    /// Draws the schedule from the seed.
    pub fn draw_schedule(&mut self) {
        self.schedule = Schedule::draw(&self.schedule_options()).entries;
    }

    /// The command that makes a run of the same plan: flags, where flags say it all; else the
    /// plan's file, which the run `id` left below `results`.
    pub fn command(&self, results: &Path, id: &str) -> String {
        let drawn = ClientPlan::draw(self.seed, self.concurrency, &Fixed::default());
        let client_flags = self.clients.flags(&ClientMix::of(&drawn));
        let (true, Some(client_flags)) = (self.is_drawn(), client_flags) else {
            return format!("stormproof run --plan {}", results.join(id).join(PLAN).display());
        };
        let faults = self.fault_names(",");
        let Plan { target, nodes, workload, time_limit, rate, concurrency, keys, seed, .. } = self;
        let target = match target.as_str() {
            "bundled" => String::new(),
            other => format!(" --target {}", quoted(other)),
        };
        let nodes = match self.addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>() {
            none if none.is_empty() => format!("--nodes {nodes}"),
            addresses => format!("--addresses {}", addresses.join(",")),
        };
        let mut command = format!(
            "stormproof run{target} {nodes} --workload {workload} --faults {faults} \
             --time-limit {time_limit} --rate {rate} --concurrency {concurrency} --keys {keys} \
             --seed {seed}{client_flags}"
        );
        if let Some(profile) = self.profile {
            command.push_str(&format!(" --profile {profile}"));
        }
        if let Some(budget) = self.fault_budget {
            command.push_str(&format!(" --fault-budget {budget}"));
        }
        if self.start_within > 0.0 {
            command.push_str(&format!(" --start-within {}", self.start_within));
        }
        if self.quick_tcp {
            command.push_str(" --quick-tcp");
        }
        if self.keep_going {
            command.push_str(" --keep-going");
        }
        if let Some(bin) = &self.bin {
            command.push_str(&format!(" --bin {}", bin.display()));
        }
        for (name, value) in &self.settings {
            command.push_str(&format!(" --set {}", quoted(&format!("{name}={value}"))));
        }
        if let Some(bug) = &self.bug {
            command.push_str(&format!(" --bug {bug}"));
        }
        command
    }

    /// The families of faults, joined; `none` for none.
    pub fn fault_names(&self, separator: &str) -> String {
        let names: Vec<&str> = self.faults.iter().map(|family| family.name()).collect();
        if names.is_empty() { "none".into() } else { names.join(separator) }
    }

    /// Reads a plan that a person or an earlier run wrote.
    ///
    /// # Errors
    /// When it is not TOML, has a field too many or too few, or asks for what cannot be.
    pub fn from_toml(text: &str) -> Result<Plan> {
        let plan: Plan = toml::from_str(text).map_err(|error| bad_input(error.to_string()))?;
        plan.validate()?;
        Ok(plan)
    }

    /// The plan as `plan.toml` holds it.
    ///
    /// # Errors
    /// Never in practice; TOML cannot hold numbers beyond 63 bits.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).context("cannot write the plan as TOML")
    }

    /// Says what cannot be about a plan.
    ///
    /// # Errors
    /// On the first impossible figure.
    pub fn validate(&self) -> Result<()> {
        let refuse = |what: &str| Err(usage(what));
        match self {
            Plan { lab, addresses, .. } if (*lab == LabChoice::None) == addresses.is_empty() => {
                refuse("--lab none and --addresses go together")
            }
            Plan { addresses, nodes, .. } if ![0, *nodes].contains(&addresses.len()) => {
                refuse("there must be as many --addresses as nodes")
            }
            Plan { nodes: 0, .. } => refuse("--nodes must be at least 1"),
            Plan { nodes: 51.., .. } => refuse("--nodes is at most 50 on one machine"),
            Plan { concurrency: 0, .. } => refuse("--concurrency must be at least 1"),
            Plan { keys: 0, .. } => refuse("--keys must be at least 1"),
            Plan { rate, .. } if !(rate.is_finite() && *rate >= 0.0) => {
                refuse("--rate must be 0 or more")
            }
            Plan { start_within, .. } if !(0.0..=60.0).contains(start_within) => {
                refuse("--start-within is 0 to 60 s")
            }
            Plan { time_limit, .. } if !(time_limit.is_finite() && *time_limit > 0.0) => {
                refuse("--time-limit must be longer than 0 s")
            }
            Plan { fault_budget: Some(Budget::Nodes(0)), .. } => {
                refuse("--fault-budget must be at least 1; --faults none has no faults")
            }
            _ => {
                self.clients.validate()?;
                let schedule = Schedule { entries: self.schedule.clone() };
                schedule.validate(self.nodes).map_err(|nonsense| bad_input(nonsense.to_string()))
            }
        }
    }
}

/// `bundled · 5 nodes · register · partition+kill · 15 faults in 60 s · seed 42`.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { target, workload, time_limit, seed, .. } = self;
        let nodes = counted(self.nodes as u64, "node");
        let faults = counted(self.schedule.len() as u64, "fault");
        let families = self.fault_names("+");
        write!(f, "{target} · {nodes} · {workload} · {families} · ")?;
        write!(f, "{faults} in {time_limit} s · seed {seed}")?;
        for (name, value) in &self.settings {
            write!(f, " · {name}={value}")?;
        }
        self.bug.as_ref().map_or(Ok(()), |bug| write!(f, " · planted bug {bug}"))
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./=:,+@%".contains(it);
    match word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// `n1`, `n2`… as many as asked for.
pub fn node_names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}
