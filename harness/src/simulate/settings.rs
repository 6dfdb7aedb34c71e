//! The choices that all seeds of a simulation share.

use std::time::Duration;

use cluster::bugs::Bug;
use cluster::core::ReadMode;
use cluster::world::{Fixed, Plan};
use rand::RngExt;
use rand::seq::IndexedRandom;
use workloads::clients::ClientPlan;
use workloads::{ValueSizes, Workload, stream};

/// The choices that are not left to the seed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The number of nodes.
    pub nodes: Option<usize>,
    /// The workload.
    pub workload: Option<&'static Workload>,
    /// The time under faults.
    pub load: Option<Duration>,
    /// Operations a second.
    pub rate: Option<f64>,
    /// The number of clients.
    pub clients: Option<usize>,
    /// The planted bug.
    pub bug: Option<Bug>,
    /// The way in which nodes answer reads.
    pub reads: Option<ReadMode>,
    /// True if nothing goes wrong.
    pub calm: bool,
}

/// The choices of a seed for its clients.
pub(super) struct ClientChoices {
    pub(super) workload: &'static Workload,
    pub(super) plan: ClientPlan,
    /// True if clients ask once for each operation, without a token, as those of a service do that
    /// knows none.
    pub(super) ask_once: bool,
}

impl Settings {
    /// The plan of the cluster and its faults.
    pub(super) fn world_plan(&self, seed: u64) -> Plan {
        let bugs = self.bug.into_iter().collect();
        let Settings { nodes, load, reads, .. } = *self;
        let fixed = Fixed { nodes, load, bugs, reads };
        if self.calm {
            let load = load.unwrap_or(Duration::from_secs(10));
            let mut plan = Plan::calm(seed, nodes.unwrap_or(5), load);
            plan.settings.reads = reads.unwrap_or(plan.settings.reads);
            return Plan { bugs: fixed.bugs, ..plan };
        }
        Plan::draw(seed, &fixed)
    }

    /// The clients of a seed: few, so that a history is soon judged, at a rate of which many
    /// operations meet a fault. How they route and retry is drawn as for a run.
    pub(super) fn clients(&self, seed: u64) -> ClientChoices {
        let mut rng = stream(seed, "simulation: clients");
        let drawn = workloads::ALL.choose(&mut rng).expect("there are workloads");
        let clients = self.clients.unwrap_or_else(|| rng.random_range(2..=6));
        let rate = *[20.0, 60.0, 200.0].choose(&mut rng).expect("there are rates");
        let keys = rng.random_range(1..=3);
        let mut plan = ClientPlan::draw(seed, clients);
        plan.rate = Some(self.rate.unwrap_or(rate));
        plan.values = ValueSizes::Numbers;
        plan.keys = keys;
        let ask_once = !self.calm && rng.random_bool(0.15);
        ClientChoices { workload: self.workload.unwrap_or(drawn), plan, ask_once }
    }
}
