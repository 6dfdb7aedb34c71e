//! From what a person wrote to a plan in which nothing is left to be drawn.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use faults::fault::Family;
use faults::schedule::{Composition, Profile, Schedule};
use faults::trigger::TriggerKind;

use super::clients::Clients;
use super::compositions::read_compositions;
use super::flags::Plan;
use super::labs::LabChoice;
use super::values::{FaultName, Rate, TriggerName};
use super::written::{Written, complaint};
use crate::exit::{bad_input, usage};
use crate::lab::Commands;
use crate::slo::Promised;
use crate::targets::Target;

impl Written {
    /// The plan: what is written, defaults, and what the seed gives.
    ///
    /// # Errors
    /// When a value is none, or values contradict each other.
    pub fn resolve(&self) -> Result<Plan> {
        self.with_schedule(self.resolve_undrawn()?)
    }

    /// The same for a target that has no name, and a workload of that name.
    ///
    /// # Errors
    /// As with [`Written::resolve`].
    pub fn resolve_for(&self, target: &dyn Target, workload: &str) -> Result<Plan> {
        self.with_schedule(self.resolve_undrawn_for(target, workload)?)
    }

    /// The plan without its schedule.
    pub(super) fn resolve_undrawn(&self) -> Result<Plan> {
        let plan = self.parse_whole()?;
        let target = plan.open_target()?;
        self.settle(plan, &*target)
    }

    pub(super) fn resolve_undrawn_for(&self, target: &dyn Target, workload: &str) -> Result<Plan> {
        let mut plan = self.settle(self.parse_whole()?, target)?;
        plan.target = target.name().to_owned();
        plan.workload = workload.to_owned();
        Ok(plan)
    }

    /// The fields as they are written. Nodes that run elsewhere are as many as their addresses.
    fn parse_whole(&self) -> Result<Plan> {
        let mut whole = self.clone();
        if let Some(addresses) = self.values("addresses").map(<[String]>::len) {
            whole.set_if_absent("nodes", &addresses.to_string());
            whole.set_if_absent("lab", "none");
        }
        whole.parse().map_err(|error| usage(complaint(&error)))
    }

    /// Fixes what was left open.
    fn settle(&self, mut plan: Plan, target: &dyn Target) -> Result<Plan> {
        // Of two values for one name the later one counts.
        for pairs in [&mut plan.settings, &mut plan.by] {
            let by_name: BTreeMap<String, String> = pairs.drain(..).collect();
            *pairs = by_name.into_iter().collect();
        }
        plan.slo = read_promises(plan.slo)?;
        let has_compositions = self.read_compositions(&mut plan)?;
        plan.faults = self.families(&plan, target)?.into_iter().map(FaultName::One).collect();
        plan.triggers = self.triggers(&plan, target)?.into_iter().map(TriggerName::One).collect();
        plan.settle_known(target.known_failures(), self.schedule())?;
        let clients = plan.client_plan();
        plan.concurrency = Some(clients.clients());
        plan.keys = Some(clients.keys);
        plan.rate = Rate::PerSecond(clients.rate.unwrap_or(0.0));
        plan.clients = Clients::of(&clients);
        let longest = clients.deadlines.iter().max().copied().unwrap_or_default();
        let timers = target.timers().map(|timers| timers.with_client(longest));
        plan.timers = timers.unwrap_or_default();
        plan.abilities = target.abilities();
        if target.spare() >= plan.nodes {
            let (spare, nodes) = (target.spare(), plan.nodes);
            return Err(usage(format!(
                "{spare} spare nodes of {nodes} leave none that founds the cluster"
            )));
        }
        if has_compositions {
            plan.check_known_compositions()?;
            plan.check_wanted_compositions()?;
        }
        check(&plan)?;
        Ok(plan)
    }

    /// Reads the compositions of a file besides those that come along; false if they are not needed
    /// and cannot be read.
    fn read_compositions(&self, plan: &mut Plan) -> Result<bool> {
        match plan.compositions.as_deref().map(read_compositions).transpose() {
            Ok(own) => plan.drawn_from = own.unwrap_or_default(),
            // Nothing is to be drawn, and the file may be that of another machine.
            Err(_) if self.schedule().is_some() => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// The families to draw from. Faults that are spelled out need no further ones, and a family's
    /// own profile says which are meant.
    fn families(&self, plan: &Plan, target: &dyn Target) -> Result<BTreeSet<Family>> {
        let written = self.values("faults").is_some();
        if let (false, Some(schedule)) = (written, self.schedule()) {
            return Ok(schedule.iter().map(|entry| entry.fault.family()).collect());
        }
        let named: BTreeSet<Family> = plan.faults.iter().filter_map(|name| name.one()).collect();
        let all = plan.faults.contains(&FaultName::All);
        if plan.faults.contains(&FaultName::None) && plan.faults.len() > 1 {
            return Err(usage("--faults none stands alone: it means that there are no faults"));
        }
        match plan.profile {
            _ if all && !plan.composition.is_empty() => {
                let wanted = plan.wanted_compositions();
                Ok(wanted.flat_map(Composition::families).collect())
            }
            Some(Profile::Only(family)) if all => Ok([family].into()),
            Some(Profile::Only(family)) if named.iter().any(|other| *other != family) => {
                Err(usage(format!(
                    "--profile {family} brings no other faults than {family}; leave --faults out"
                )))
            }
            _ if all => {
                let can = |family: &Family| family.within_fault_model() && target.can(*family);
                Ok(Family::ALL.into_iter().filter(can).chain(named).collect())
            }
            _ => Ok(named),
        }
    }

    /// The kinds of events that faults may wait for. Faults that are spelled out need no further ones.
    fn triggers(&self, plan: &Plan, target: &dyn Target) -> Result<BTreeSet<TriggerKind>> {
        let written = self.values("triggers").is_some();
        if let (false, Some(schedule)) = (written, self.schedule()) {
            let triggers = schedule.iter().filter_map(|entry| entry.when.as_ref());
            return Ok(triggers.map(|trigger| trigger.observed.kind()).collect());
        }
        if plan.triggers.contains(&TriggerName::None) && plan.triggers.len() > 1 {
            return Err(usage("--triggers none stands alone: every fault begins at its time"));
        }
        let named = plan.triggers.iter().filter_map(|name| name.one());
        if !plan.triggers.contains(&TriggerName::All) {
            return Ok(named.collect());
        }
        let can = |kind: &TriggerKind| {
            target.knows_leader() || !matches!(kind, TriggerKind::Role | TriggerKind::Term)
        };
        Ok(TriggerKind::ALL.into_iter().filter(can).chain(named).collect())
    }

    fn with_schedule(&self, mut plan: Plan) -> Result<Plan> {
        plan.schedule = match self.schedule() {
            Some(written) => written.to_vec(),
            None => Schedule::draw(&plan.schedule_options()).entries,
        };
        let schedule = Schedule { entries: plan.schedule.clone() };
        schedule.validate(plan.nodes).map_err(|nonsense| bad_input(nonsense.to_string()))?;
        Ok(plan)
    }
}

/// The promises, with those of files in place of the files: a plan is judged alike wherever it goes.
fn read_promises(slo: Vec<Promised>) -> Result<Vec<Promised>> {
    let mut all = Vec::new();
    for promised in slo {
        match promised {
            Promised::File(path) => {
                all.extend(crate::slo::read(&path)?.into_iter().map(Promised::Promise));
            }
            promise => all.push(promise),
        }
    }
    Ok(all)
}

/// Refuses values that contradict each other.
fn check(plan: &Plan) -> Result<()> {
    let elsewhere = !plan.addresses.is_empty();
    if (plan.lab == LabChoice::None) != elsewhere {
        return Err(usage("--lab none and --addresses go together"));
    }
    if elsewhere && plan.addresses.len() != plan.nodes {
        return Err(usage("there must be as many --addresses as --nodes"));
    }
    if !elsewhere && !plan.by.is_empty() {
        return Err(usage("--by is for the nodes of --addresses; those of a lab need no commands"));
    }
    Commands::of(&plan.by)?;
    if elsewhere && (plan.bin.is_some() || plan.bug.is_some()) {
        return Err(usage("--addresses start nothing, so there is no use for --bin and --bug"));
    }
    Ok(())
}
