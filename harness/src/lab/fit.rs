//! A plan and a machine: what of the plan can be carried out here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use engines::process_tree::Lab;
use faults::trigger::TriggerKind;

use super::{Commands, LabInUse};
use crate::exit::usage;
use crate::plan::{Asked, Plan};
use crate::targets::Target;

/// A plan that can be carried out in the lab that this process is in.
pub(crate) struct Fitted {
    /// The plan without the families that are lacking.
    pub plan: Plan,
    /// The version of the target.
    pub version: String,
    /// The lab.
    pub lab: LabInUse,
    /// The engine of each family, and what is left out.
    pub engines: Engines,
}

/// The faults of a plan, as far as a lab can do them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engines {
    /// The engine of each family, by its name.
    pub found: BTreeMap<String, String>,
    /// Families that are left out, each with the reason.
    pub lacking: Vec<(String, String)>,
}

/// Fits a plan to this machine: settles the lab, and leaves out the families that lab or target
/// cannot have.
///
/// # Errors
/// When the target's programs are missing, the engine that was asked for does not work, or a family
/// that is lacking was asked for `by_name`.
pub(crate) fn fit(
    mut plan: Plan,
    lab: Lab,
    target: &dyn Target,
    by_name: impl Fn(Asked) -> bool,
) -> Result<Fitted> {
    let lab = LabInUse::settle(lab, plan.lab, plan.partition_engine)?;
    // A cluster that runs already does not say.
    let version = match lab.elsewhere {
        true => "unknown: it runs already".to_owned(),
        false => target.version()?,
    };
    let commands = Commands::of(&plan.by)?;
    let mut engines = Engines::default();
    for family in plan.families() {
        match lab.engine_for(family, target, &commands) {
            Ok(engine) => drop(engines.found.insert(family.name().into(), engine)),
            // A composition is not itself without one of its families.
            Err(reason) if by_name(Asked::Family(family)) || !plan.composition.is_empty() => {
                return Err(usage(format!("no {family} faults here: {reason}")));
            }
            Err(reason) => {
                plan = plan.without(family);
                engines.lacking.push((family.name().into(), reason));
            }
        }
    }
    // Those that a person spelled out are asked for.
    let spelled_out = if plan.is_drawn() { BTreeSet::new() } else { plan.trigger_kinds() };
    let is_asked_for = |kind| spelled_out.contains(&kind) || by_name(Asked::Trigger(kind));
    for kind in plan.possible_triggers() {
        match lab.can_see(kind, target) {
            Ok(()) => {}
            Err(reason) if is_asked_for(kind) => {
                return Err(usage(format!(
                    "no fault can wait for a {kind} trigger here: {reason}"
                )));
            }
            Err(reason) => {
                plan = plan.without_trigger(kind);
                engines.lacking.push((format!("{kind} triggers"), reason));
            }
        }
    }
    if plan.keeps_order()
        && let Err(reason) = lab.can_see(TriggerKind::Message, target)
    {
        return Err(usage(format!("the order of a run is not seen here: {reason}")));
    }
    Ok(Fitted { plan, version, lab, engines })
}
