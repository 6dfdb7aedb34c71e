//! The facts that follow from a plan: nodes, clients, starts, target, and the options of its
//! schedule.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use cluster::bugs::Bug;
use faults::fault::Family;
use faults::schedule::{Profile, Schedule, ScheduleOptions};
use faults::trigger::TriggerKind;
use rand::RngExt;
use rand::seq::SliceRandom;
use results::metrics::Planned;
use results::words::counted;
use workloads::clients::ClientPlan;
use workloads::{Workload, stream};

use super::flags::Plan;
use super::values::{FaultName, NONE, Rate, TriggerName};
use crate::slo::{Promise, Promised};
use crate::targets::Target;
use crate::targets::registry::{self, Choice};

/// The fewest clients unless a number is chosen, also of few nodes: with two, operations hardly
/// overlap, and what eight of them find on one node stays hidden.
const LEAST_CLIENTS: usize = 8;

impl Plan {
    /// The names of the nodes, `n1` first.
    pub fn node_names(&self) -> Vec<String> {
        node_names(self.nodes)
    }

    /// The promises by which its availability is judged.
    pub fn promises(&self) -> Vec<Promise> {
        let promise = |promised: &Promised| match promised {
            Promised::Promise(promise) => Some(promise.clone()),
            // A plan that is resolved has none.
            Promised::File(_) => None,
        };
        self.slo.iter().filter_map(promise).collect()
    }

    /// The families of faults that it asks for.
    pub fn wished_families(&self) -> BTreeSet<Family> {
        self.faults.iter().filter_map(|name| name.one()).collect()
    }

    /// The families of faults that it draws from: without those whose every fault triggers a known
    /// failure that it avoids.
    pub fn drawn_families(&self) -> BTreeSet<Family> {
        let mut families = self.wished_families();
        for avoided in self.avoided() {
            let whole: BTreeSet<Family> = avoided.families().collect();
            families.retain(|family| !whole.contains(family));
        }
        families
    }

    /// The families of faults that it draws from or spells out.
    pub fn families(&self) -> BTreeSet<Family> {
        let spelt_out = self.schedule.iter().map(|entry| entry.fault.family());
        self.drawn_families().into_iter().chain(spelt_out).collect()
    }

    /// The same plan without the faults of a family.
    pub fn without(mut self, family: Family) -> Plan {
        self.faults.retain(|name| *name != FaultName::One(family));
        self.schedule.retain(|entry| entry.fault.family() != family);
        self.tie_up();
        self
    }

    /// The kinds of events that its faults wait for.
    pub fn trigger_kinds(&self) -> BTreeSet<TriggerKind> {
        let triggers = self.schedule.iter().filter_map(|entry| entry.when.as_ref());
        triggers.map(|trigger| trigger.observed.kind()).collect()
    }

    /// Returns true if the order of the run is recorded.
    pub fn keeps_order(&self) -> bool {
        self.record_order || self.in_order_of.is_some()
    }

    /// The kinds of events that its faults could wait for, or do.
    pub fn possible_triggers(&self) -> BTreeSet<TriggerKind> {
        let drawn = self.triggers.iter().filter_map(|name| name.one());
        drawn.chain(self.trigger_kinds()).collect()
    }

    /// The same plan, in which faults that wait for an event of this kind begin at their times.
    pub fn without_trigger(mut self, kind: TriggerKind) -> Plan {
        self.triggers.retain(|name| *name != TriggerName::One(kind));
        for entry in &mut self.schedule {
            entry.when = entry.when.take().filter(|trigger| trigger.observed.kind() != kind);
        }
        self.tie_up();
        self
    }

    /// Lets the rest go without what was left out, as in [`Schedule::tie_up`].
    fn tie_up(&mut self) {
        let mut schedule = Schedule { entries: std::mem::take(&mut self.schedule) };
        schedule.tie_up(self.nodes);
        self.schedule = schedule.entries;
    }

    /// All clients, and what they do: as written, and else as the seed gives it.
    pub fn client_plan(&self) -> ClientPlan {
        let clients = self.concurrency.unwrap_or(LEAST_CLIENTS.max(2 * self.nodes));
        let drawn = ClientPlan::draw(self.seed, clients);
        let rate = match self.rate {
            Rate::PerSecond(rate) => (rate > 0.0).then_some(rate),
            Rate::Any => drawn.rate,
        };
        let keys = self.keys.unwrap_or(drawn.keys);
        self.clients.over(ClientPlan { keys, rate, ..drawn })
    }

    /// The load and the faults, as far as it can be said how much of them there was.
    pub fn planned(&self) -> Planned {
        let faults = self.schedule.iter().map(|entry| (entry.id, entry.fault.family()));
        Planned {
            load_seconds: self.time_limit,
            faults: faults.collect(),
            drawn_from: self.drawn_families(),
        }
    }

    /// The length of the load.
    pub fn load(&self) -> Duration {
        Duration::from_secs_f64(self.time_limit)
    }

    /// The time that a fresh cluster may take to be ready: as the plan says, and else as its target.
    pub fn ready_limit(&self, target: &dyn Target) -> Duration {
        self.ready_limit.map_or_else(|| target.ready_within(), Duration::from_secs_f64)
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
            settings: self.settings.iter().cloned().collect(),
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

    /// The options that its schedule is drawn for.
    pub fn schedule_options(&self) -> ScheduleOptions {
        let families = self.drawn_families();
        ScheduleOptions {
            nodes: self.nodes,
            seed: self.seed,
            time_limit: self.load(),
            // That of the wish: what is avoided leaves gaps, and all else where it was.
            profile: self.profile.unwrap_or_else(|| self.usual_profile()),
            budget: self.fault_budget,
            compositions: self.drawn_from.clone(),
            only: self.composition.clone(),
            avoided: self.avoided().cloned().collect(),
            triggers: self.triggers.iter().filter_map(|name| name.one()).collect(),
            timers: self.timers,
            abilities: self.abilities,
            families,
        }
    }

    /// The profile of a plan that names none.
    fn usual_profile(&self) -> Profile {
        match self.composition.is_empty() {
            true => Profile::for_families(&self.wished_families()),
            false => Profile::Composed,
        }
    }

    /// The most nodes that may be down at once.
    pub fn most_down(&self) -> usize {
        match self.asks_for_each_fault() {
            true => self.nodes,
            false => self.schedule_options().most_down(),
        }
    }

    /// Returns true if its faults are spelled out, without a budget: each is asked for, with what it does.
    pub fn asks_for_each_fault(&self) -> bool {
        self.fault_budget.is_none() && !self.is_drawn()
    }

    /// Returns true if its schedule is the one that the seed gives.
    pub fn is_drawn(&self) -> bool {
        Schedule::draw(&self.schedule_options()).entries == self.schedule
    }

    /// The names of the families that it draws from, joined; `none` for none.
    pub fn fault_names(&self, separator: &str) -> String {
        let names: Vec<&str> = self.drawn_families().into_iter().map(Family::name).collect();
        if names.is_empty() { NONE.into() } else { names.join(separator) }
    }

    /// The plan as `plan.toml` holds it.
    ///
    /// # Errors
    /// Never in practice: every value has a form in TOML.
    pub fn to_toml(&self) -> Result<String> {
        let text = toml::to_string_pretty(self).context("cannot write the plan as TOML")?;
        // Without a word about them, faults are drawn when the plan is read.
        Ok(match self.schedule.is_empty() && !self.is_drawn() {
            true => format!("fault = []\n{text}"),
            false => text,
        })
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

/// `n1`, `n2`… as many as asked for.
pub(crate) fn node_names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}
