//! `verdict.json`: what a run was and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use checker::oracle::audit::Wrong;
use checker::verdict::{Analysis, Verdict};
use faults::schedule::KnownFailure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::availability::Availability;
use crate::conclusion::{Conclusion, Part};
use crate::event::Phase;
use crate::loaded_run::Form;

/// The version of the form of `verdict.json`. A reader refuses others.
///
/// A new field that may be missing leaves it as it is; a field that means something else, or that
/// is gone, raises it.
pub const SCHEMA: u32 = 1;

/// Those that were saved before there was a number have the first form.
fn before_there_was_a_number() -> u32 {
    1
}

/// A controller that is this late itself cannot blame the cluster: ten heartbeats and more have
/// been missed by then on any machine that is as starved.
pub const STARVED: Duration = Duration::from_secs(1);

/// The verdict of a run with everything a reader needs to believe and repeat it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The version of this form.
    #[serde(default = "before_there_was_a_number")]
    pub schema: u32,
    /// The worst of safety, liveness, availability and coverage.
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
    /// The service around each fault, and what was promised of it; none of runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// The situations in which faults hit nodes; none when they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_coverage: Option<faults::coverage::Coverage>,
    /// The latency of the operations that were ok; none when none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Facts about the target that are no part of the verdict, by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The run and its place.
    pub run: RunInfo,
    /// Seconds spent in each phase, in order.
    pub phases: Vec<(Phase, f64)>,
    /// The end of the run before its plan was carried out; none when all of it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<EndedEarly>,
    /// The account of the order of another run that it was held to; none where it was held to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<faults::order::Followed>,
    /// The failure of the harness, if it failed. The verdict is then about what was recorded before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Summary {
    /// The conclusion about the run.
    pub fn conclusion(&self) -> Conclusion {
        Conclusion::of(self.verdict, self.safety.verdict, self.failure.is_some())
    }

    /// The first operation that shows what is wrong; none where safety is not invalid, or where it is
    /// seen after the load alone.
    pub fn shown(&self) -> Option<Shown> {
        let found = self.safety.counterexample.iter();
        let culprits = found.flat_map(|it| it.culprits.iter().map(|at| it.operations.get(*at)));
        let refuted = culprits.filter_map(|operation| operation?.end).min();
        let audit = self.safety.audit.iter().flat_map(|audit| &audit.violations);
        // An effect that is missing was lost at some time after its attempts.
        let repeated = audit.filter(|it| it.wrong == Wrong::Repeated);
        let repeated = repeated.filter_map(|it| Some(it.attempts.last()?.end)).min();
        let shown = Duration::from_nanos(refuted.into_iter().chain(repeated).min()?).as_secs_f64();

        let load = self.phases.iter().position(|(phase, _)| *phase == Phase::Load)?;
        let began: f64 = self.phases[..load].iter().map(|(_, seconds)| seconds).sum();
        let after = (shown - began).max(0.0);
        let is_of_load = after <= self.phases[load].1;
        let after = Duration::from_secs_f64(after);
        is_of_load.then_some(Shown { after, repeated: repeated.is_some() })
    }

    /// The part of the verdict that failed, if one did.
    pub fn failed_part(&self) -> Option<Part> {
        let availability = self.availability.as_ref().and_then(|it| it.verdict);
        let (safety, liveness) = (self.safety.verdict, self.liveness.verdict);
        Part::failed(self.verdict, safety, liveness, availability, self.failure.is_some())
    }
}

impl Form for Summary {
    const SCHEMA: u32 = SCHEMA;
    const BEFORE: Option<u32> = Some(1);

    fn schema(&self) -> u32 {
        self.schema
    }
}

/// The operation by which a failure shows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The time from the beginning of the load to its end.
    pub after: Duration,
    /// True if an operation took effect more than once: one that a fault had left in doubt.
    pub repeated: bool,
}

/// The latency of operations that were ok, with faults and without, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// The latency that half of them did not exceed.
    pub p50_ms: f64,
    /// The latency that 99 of 100 did not exceed.
    pub p99_ms: f64,
}

/// The end of a run before its plan was carried out, and the share of the plan that was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndedEarly {
    /// The reason.
    pub cause: EarlyEnd,
    /// The phase that was cut short.
    pub phase: Phase,
    /// The seconds of load that there were.
    pub load_seconds: f64,
    /// The seconds of load that were planned.
    pub planned_load_seconds: f64,
    /// The number of planned faults.
    pub planned_faults: u64,
    /// The number of planned faults whose time never came.
    pub faults_not_reached: u64,
}

/// The reason for which a run ended before its plan was carried out.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyEnd {
    /// The history was known to be Invalid.
    Contradiction,
    /// So many processes of the service had ended by themselves that it could not serve again.
    Down,
    /// A person or a program interrupted it.
    Interrupt,
    /// The harness failed.
    Failure,
    /// It was killed, so that it could neither undo its faults nor judge anything.
    Kill,
}

impl EarlyEnd {
    /// Returns true if nothing is known that would excuse what was left out.
    pub fn leaves_gaps(self) -> bool {
        self != EarlyEnd::Contradiction
    }
}

/// `run.json`: a run before anything came of it, so that all that it leaves can be judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The run and its place.
    #[serde(flatten)]
    pub run: RunInfo,
    /// The model that judges its operations.
    pub model: String,
    /// Every kind of operation that its workload makes.
    pub kinds: Vec<String>,
}

impl Account {
    /// The account of a run whose operations, of these `kinds`, are judged by `model`.
    pub fn new(run: RunInfo, model: &str, kinds: &[&str]) -> Account {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        Account { run, model: model.to_owned(), kinds }
    }
}

/// The liveness half of a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Liveness {
    /// Valid, Invalid, or Unknown (starved machine, or the cluster was never asked).
    pub verdict: Verdict,
    /// The demand on the cluster, and its reaction.
    pub sentence: String,
    /// Seconds from the last undo to the last node's answer; none when it never came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_seconds: Option<f64>,
    /// The greatest lateness of the controller's own control probe, in seconds.
    pub probe_lateness_seconds: f64,
    /// The same while the load lasted.
    #[serde(default)]
    pub load_lateness_seconds: f64,
    /// The effort that it took until the cluster served again; none when it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degree: Option<Degree>,
    /// The nodes in the end, in order, when it is not Valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeAtEnd>,
}

/// The effort that it took until a healed cluster served again, in time or too late.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Degree {
    /// It served again by itself.
    ByItself,
    /// It served again only after its processes had been restarted.
    AfterRestart,
    /// It did not serve even then.
    NotEvenThen,
}

/// The last that was heard of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeAtEnd {
    /// The node.
    pub node: String,
    /// Its last answer in words, such as `follows n2 in term 4`; none when it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The last lines of each of its logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<NodeLog>,
}

/// The last lines of one log of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeLog {
    /// The name of its file in the folder of the node.
    pub file: String,
    /// Its last lines.
    pub lines: Vec<String>,
}

/// The coverage of a run: the parts of its plan that it did not exercise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Valid or Unknown.
    pub verdict: Verdict,
    /// The gaps, one sentence each.
    pub gaps: Vec<String>,
    /// Figures of how the plan was exercised, one sentence each: the share of the time with service,
    /// faults that came late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A fact about the target that a person should know, apart from the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// A failure of the service that was known before the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownInRun {
    /// Its name, a sentence about it, and what triggers it.
    #[serde(flatten)]
    pub failure: KnownFailure,
    /// False if it was avoided: its triggers were left out, so nothing is known of what they do.
    pub tested: bool,
    /// The planned faults that trigger it, by their numbers in the schedule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<u32>,
}

/// The run and its place: target, workload, faults, machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// The failures of the service that were known before, each avoided or tested all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownInRun>,
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
    /// The milliseconds that a fixed piece of work took on this machine as the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_ms: Option<f64>,
}
