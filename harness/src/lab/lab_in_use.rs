//! The lab of a run: hosts of their own for the nodes, or ports of this one.

use anyhow::Result;
use engines::engine_for;
use engines::network::{PartitionEngine, choose_engine};
use engines::process_tree::Lab;
use faults::fault::Family;

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
