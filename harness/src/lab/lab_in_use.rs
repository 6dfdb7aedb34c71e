//! The lab of a run: hosts of their own for the nodes, or ports of this one.

use anyhow::Result;
use engines::engine_for;
use engines::network::{PartitionEngine, choose_engine};
use engines::process_tree::Lab;
use faults::fault::Family;
use faults::trigger::TriggerKind;

use super::Commands;
use crate::plan::{EngineChoice, LabChoice};
use crate::targets::Target;

/// The lab that a run is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabInUse {
    pub(super) lab: Lab,
    /// True if the cluster runs already, and no node of it is ours.
    pub elsewhere: bool,
    /// The reason why it was chosen.
    pub reason: String,
    /// The engine that cuts links; none where nothing can.
    pub partition_engine: Option<PartitionEngine>,
    /// The reason for that engine.
    pub engine_reason: String,
}

impl LabInUse {
    /// Looks around inside of a lab that `choice` led to.
    ///
    /// # Errors
    /// When the engine that was asked for does not work here.
    pub(super) fn settle(lab: Lab, choice: LabChoice, engine: EngineChoice) -> Result<LabInUse> {
        let reason = match (lab, choice) {
            (Lab::Namespaces, LabChoice::Auto) => {
                "namespaces work here, so every node has a host of its own"
            }
            (Lab::Loopback, LabChoice::Auto) => {
                "nodes cannot have hosts of their own here (stormproof doctor says why)"
            }
            (_, LabChoice::None) => {
                "the cluster runs already; nothing is started or stopped but by commands"
            }
            _ => "asked for",
        };
        let (partition_engine, engine_reason) = match (lab, engine) {
            _ if choice == LabChoice::None => (None, "there are no links of ours".to_owned()),
            (Lab::Loopback, _) => (None, "the loopback lab has proxies".to_owned()),
            (_, EngineChoice::Switch) => (Some(PartitionEngine::Switch), "asked for".to_owned()),
            (_, EngineChoice::Auto | EngineChoice::Iptables) => {
                let chosen = choose_engine();
                if engine == EngineChoice::Iptables && chosen.engine == PartitionEngine::Switch {
                    anyhow::bail!("iptables does not work here: {}", chosen.reason);
                }
                (Some(chosen.engine), chosen.reason)
            }
        };
        let elsewhere = choice == LabChoice::None;
        Ok(LabInUse { lab, elsewhere, reason: reason.into(), partition_engine, engine_reason })
    }

    /// `netns`, `loopback` or `none`.
    pub fn name(&self) -> &'static str {
        if self.elsewhere { "none" } else { self.lab.name() }
    }

    /// Says if events of that kind are seen in this lab.
    ///
    /// # Errors
    /// With the reason why they are not, and what to do.
    pub fn can_see(&self, kind: TriggerKind, target: &dyn Target) -> Result<(), String> {
        let refuse = |reason: &str| Err(reason.to_owned());
        match kind {
            TriggerKind::Acknowledged | TriggerKind::Fault | TriggerKind::Service => Ok(()),
            TriggerKind::Role | TriggerKind::Term if !target.knows_leader() => {
                refuse("the nodes of this target do not say who leads")
            }
            TriggerKind::Role | TriggerKind::Term => Ok(()),
            _ if self.elsewhere => refuse("the nodes are not run by stormproof"),
            TriggerKind::Log => Ok(()),
            TriggerKind::Disk => engine_for(Family::Disk, self.partition_engine).map(drop),
            TriggerKind::Message if self.partition_engine.is_none() => refuse(
                "messages are seen only between hosts of their own; stormproof doctor says what \
                        that takes",
            ),
            TriggerKind::Message => Ok(()),
        }
    }

    /// The engine that does the faults of that family to `target` in this lab. What the target is
    /// asked for is its word; everything else is tried for real.
    ///
    /// # Errors
    /// With the reason why nothing does.
    pub fn engine_for(
        &self,
        family: Family,
        target: &dyn Target,
        commands: &Commands,
    ) -> Result<String, String> {
        match target.asked_for(family) {
            // A member that was removed has to be started again, by whoever started it.
            Some(request) if !self.elsewhere || family != Family::Membership => {
                Ok(request.to_owned())
            }
            _ if self.elsewhere => commands.engine_for(family),
            _ => engine_for(family, self.partition_engine),
        }
    }
}
