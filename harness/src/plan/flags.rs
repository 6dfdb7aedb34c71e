//! The flags of `run`: one field each.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use clap::builder::{RangedU64ValueParser, TypedValueParser};
use faults::fault::{Abilities, Family, TimerRange};
use faults::schedule::{Budget, Compositions, Entry, KnownFailure, Profile};
use faults::trigger::TriggerKind;
use serde::Serialize;

use super::clients::Clients;
use super::labs::{EngineChoice, LabChoice};
use super::values::{
    FaultName, Rate, TriggerName, address, as_table, budget, rate, seconds, setting, word,
};
use crate::names;
use crate::slo::Promised;

/// The groups of flags in `--help`.
const CLUSTER: &str = "The cluster";
const LOAD: &str = "The load";
const FAULTS: &str = "The faults";
const MACHINE: &str = "This machine";

/// The longest load, in seconds: its faults are drawn ahead, and its history is judged in memory.
const LONGEST_LOAD: f64 = 24.0 * 3600.0;

/// The plan of a run. Each field is a flag of `run`, and a key of `plan.toml` under the field's
/// name.
///
/// A field is the only place of its flag: clap reads name, help, default and bounds off it, also
/// for values in files, and serde writes it. An `Option`, an empty list or `any` stands for "drawn"
/// or "derived" until the plan is [resolved](super::Written::resolve).
#[derive(Debug, Clone, PartialEq, Args, Serialize)]
pub(crate) struct Plan {
    /// The service to test: one that stormproof knows, or FILE.toml, a manifest of yours
    #[arg(long, help_heading = CLUSTER, default_value = "bundled", value_parser = names::target())]
    pub target: String,
    /// The target's programs: the program itself, or its folder [default: the PATH]
    #[arg(long, help_heading = CLUSTER, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bin: Option<PathBuf>,
    /// The number of nodes
    #[arg(long, help_heading = CLUSTER, default_value_t = 5, value_parser = count(1, 50))]
    pub nodes: usize,
    /// Test a cluster that runs already: where clients reach its nodes. Nothing is started; of the
    /// faults, those remain that the service itself is asked for and those of --by
    #[arg(long, help_heading = CLUSTER, value_name = "HOST:PORT", value_delimiter = ',',
        value_parser = address)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<SocketAddr>,
    /// Have a command of yours do faults to the nodes of --addresses, such as
    /// kill='docker kill {name}'; start, pause, resume, cut and heal are the others, and reaches
    /// says whether a link passes
    #[arg(long, help_heading = CLUSTER, value_name = "ACT=COMMAND", value_parser = setting)]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_table")]
    pub by: Vec<(String, String)>,
    /// Plant a bug in the bundled cluster; `list bugs` describes them
    #[arg(long, help_heading = CLUSTER, value_parser = names::bug())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// Start the nodes one by one over this time, in an order drawn from the seed
    #[arg(long, help_heading = CLUSTER, value_name = "TIME", default_value = "0s",
        value_parser = seconds(0.0, 60.0))]
    pub start_within: f64,
    /// Let TCP try again at least every second, so that traffic resumes sooner after a long cut
    #[arg(long, help_heading = CLUSTER, num_args = 0..=1, require_equals = true, value_name = "BOOL",
        default_value_t = false, default_missing_value = "true", hide_default_value = true,
        hide_possible_values = true)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quick_tcp: bool,
    /// The time within which a fresh cluster must be ready [default: the target's, mostly 30s]
    #[arg(long, help_heading = CLUSTER, value_name = "TIME", value_parser = seconds(0.001, 3600.0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_limit: Option<f64>,
    /// The time within which the healed cluster must serve again
    #[arg(long, help_heading = CLUSTER, value_name = "TIME", default_value = "30s",
        value_parser = seconds(0.0, 3600.0))]
    pub recovery_limit: f64,

    /// Judge the availability by promises: those of FILE.toml, or one, such as
    /// 'recovery_p99=2s,faults=kill+power,role=leader' or 'served=99.5%'
    #[arg(long, help_heading = CLUSTER, value_name = "PROMISE")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slo: Vec<Promised>,

    /// The operations that the clients do
    #[arg(long, help_heading = LOAD, default_value = "register", value_parser = names::workload())]
    pub workload: String,
    /// The length of the load: 90s, 5m
    // Long enough for each family to strike several times, short enough to wait for.
    #[arg(long, help_heading = LOAD, value_name = "TIME", default_value = "60s",
        value_parser = seconds(0.1, LONGEST_LOAD))]
    pub time_limit: f64,
    /// Operations a second from all clients together; 0 for as fast as they go, any to draw it
    // The clients keep up with it on a small machine while faults come and go.
    #[arg(long, help_heading = LOAD, default_value = "1000", value_parser = rate)]
    pub rate: Rate,
    /// Clients at a time [default: two for each node, at least eight]
    #[arg(long, help_heading = LOAD, value_parser = count(1, 10_000))]
    pub concurrency: Option<usize>,
    /// Keys in use at a time [default: drawn, 1 to 5 or 20 to 100]
    #[arg(long, help_heading = LOAD, value_parser = count(1, 100_000))]
    pub keys: Option<usize>,
    /// The seed of everything random [default: another one each time]
    // TOML has no larger numbers.
    #[arg(long, help_heading = LOAD, default_value_t = seed_of_the_moment(), hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    /// Go on with the load once what clients saw is known to have no legal order, instead of
    /// stopping
    #[arg(long, help_heading = LOAD, num_args = 0..=1, require_equals = true, value_name = "BOOL",
        default_value_t = false, default_missing_value = "true", hide_default_value = true,
        hide_possible_values = true)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keep_going: bool,

    /// The faults: families, all or none, separated by commas
    #[arg(long, help_heading = FAULTS, default_value = "all", value_delimiter = ',',
        value_parser = names::faults().map(word::<Family>))]
    pub faults: Vec<FaultName>,
    /// The events that drawn faults may wait for, a good third of them, to begin at that moment:
    /// kinds, all or none, separated by commas
    #[arg(long, help_heading = FAULTS, default_value = "all", value_delimiter = ',',
        value_parser = names::triggers().map(word::<TriggerKind>))]
    pub triggers: Vec<TriggerName>,
    /// The roughness of the faults: gentle, nightly, brutal, composed or, for one family alone and
    /// densely, its name [default: nightly, or that of the only family]
    #[arg(long, help_heading = FAULTS,
        value_parser = names::profile().try_map(|name| name.parse::<Profile>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Nothing but these compositions, one after the other, separated by commas; `list compositions`
    /// describes them
    #[arg(long, help_heading = FAULTS, value_name = "NAMES", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub composition: Vec<String>,
    /// Draw from the compositions of a file too; `list compositions` names those that come along
    #[arg(long, help_heading = FAULTS, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compositions: Option<PathBuf>,
    /// The most nodes that may be down at once: a number, minority or all [default: the profile's]
    #[arg(long, help_heading = FAULTS, value_name = "NODES", value_parser = budget)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault_budget: Option<Budget>,

    /// Leave out what triggers a failure that is known, and say so: NAME=TRIGGER,… and, as you like,
    /// a sentence behind ': ', such as 'lost-snapshot=power: issue 17'. A trigger is a family, a
    /// composition, or a family with fields, such as 'disk trouble=slow-fsync'
    #[arg(long, help_heading = FAULTS, value_name = "FAILURE")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownFailure>,
    /// Test known failures all the same, by their names or all, to see if they are mended
    #[arg(long, help_heading = FAULTS, value_name = "NAMES", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test_known: Vec<String>,

    /// The lab: hosts of their own for the nodes (netns) or ports of this one (loopback)
    #[arg(long, help_heading = MACHINE, value_enum, default_value = "auto")]
    pub lab: LabChoice,
    /// The engine that cuts the links between nodes
    #[arg(long, help_heading = MACHINE, value_enum, default_value = "auto")]
    pub partition_engine: EngineChoice,

    /// Record the order in which messages between nodes, fsyncs and calls of clients were let
    /// through, so that replay --in-order can hold another run to it
    #[arg(long, help_heading = MACHINE, num_args = 0..=1, require_equals = true, value_name = "BOOL",
        default_value_t = false, default_missing_value = "true", hide_default_value = true,
        hide_possible_values = true)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub record_order: bool,
    /// Hold messages, fsyncs, clients and faults to the order that the run in this directory
    /// recorded
    #[arg(long, help_heading = MACHINE, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_order_of: Option<PathBuf>,

    /// Tell the target's nodes something besides: what `list targets` names, or a variable of a
    /// manifest
    #[arg(long = "set", help_heading = CLUSTER, value_name = "NAME=VALUE", value_parser = setting)]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_table")]
    pub settings: Vec<(String, String)>,
    /// The clients besides their number, rate and keys
    #[command(flatten)]
    pub clients: Clients,
    /// The faults of the run; in TOML each is a table `[[fault]]`. They are no flag: they are
    /// drawn, unless a file spells them out.
    #[arg(skip)]
    #[serde(rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<Entry>,
    /// The compositions that it is drawn from: those that come along and those of the file.
    #[arg(skip)]
    #[serde(skip)]
    pub drawn_from: Compositions,
    /// The range of the target's timers and of its clients' deadlines.
    #[arg(skip)]
    #[serde(skip)]
    pub timers: TimerRange,
    /// The requests that the target understands.
    #[arg(skip)]
    #[serde(skip)]
    pub abilities: Abilities,
}

/// Accepts a number within bounds.
fn count(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

/// A seed that is short enough to say aloud.
pub(crate) fn seed_of_the_moment() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time.as_nanos() as u64 % 1_000_000
}
