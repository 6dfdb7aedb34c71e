//! `verdict.json`: what a run was and what came of it.

use std::collections::BTreeMap;

use checker::verdict::{Analysis, Verdict};
use serde::{Deserialize, Serialize};

use crate::event::Phase;

/// The verdict of a run with everything a reader needs to believe and repeat it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The worst of safety, liveness and coverage.
    pub verdict: Verdict,
    /// The verdict in one sentence.
    pub sentence: String,
    /// Did the history have a legal order?
    pub safety: Analysis,
    /// Did the cluster answer again in time once healed?
    pub liveness: Liveness,
    /// Did the run test anything? Unknown when a kind of operation never succeeded, or when no
    /// fault took effect.
    pub coverage: Coverage,
    /// The situations in which faults hit nodes; none when they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_coverage: Option<faults::coverage::Coverage>,
    /// Facts about the target that are no part of the verdict, by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The run and its place.
    pub run: RunInfo,
    /// Seconds spent in each phase, in order.
    pub phases: Vec<(Phase, f64)>,
}

/// The liveness half of a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Liveness {
    /// Valid, Invalid, or Unknown (starved machine, or the load was interrupted).
    pub verdict: Verdict,
    /// The demand on the cluster, and its reaction.
    pub sentence: String,
    /// Seconds from the last undo to the last node's answer; none when it never came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_seconds: Option<f64>,
    /// The greatest lateness of the controller's own control probe, in seconds.
    pub probe_lateness_seconds: f64,
}

/// The coverage of a run: the parts of its plan that it did not exercise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Valid or Unknown.
    pub verdict: Verdict,
    /// The gaps, one sentence each.
    pub gaps: Vec<String>,
}

/// A fact about the target that a person should know, apart from the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The node that it is about.
    pub node: String,
    /// When it was noticed, in seconds since the start of the run.
    pub seconds: f64,
    /// The event in words, such as `n2 stopped by itself while its disk failed (exit code 74)`.
    pub text: String,
    /// The last lines of the node's log until then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// The run and its place: target, workload, faults, machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The name of the run directory.
    pub id: String,
    /// When it started, in UTC, as RFC 3339.
    pub started: String,
    /// The target's name, such as `bundled`.
    pub target: String,
    /// The target's version.
    pub target_version: String,
    /// The planted bug that was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// The names of the nodes, in order.
    pub nodes: Vec<String>,
    /// The workload's name.
    pub workload: String,
    /// The fault families that took part.
    pub faults: Vec<String>,
    /// Families or engines that were left out, with the reason.
    pub skipped: Vec<(String, String)>,
    /// The seed of schedule and generators.
    pub seed: u64,
    /// The length of the load, in seconds.
    pub time_limit_seconds: f64,
    /// When the load was ended before its time, because the history was known to be Invalid; in
    /// seconds since the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_early_seconds: Option<f64>,
    /// Operations per second asked for; none for a closed loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Clients at a time.
    pub concurrency: u32,
    /// Which lab, and why it was chosen.
    pub lab: String,
    /// The engine of each fault family, such as `partition` → `iptables-nft`.
    pub engines: BTreeMap<String, String>,
    /// The command that makes the same run again.
    pub command: String,
    /// The machine: kernel, processors, memory, version of stormproof.
    pub environment: BTreeMap<String, String>,
}
