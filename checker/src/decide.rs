//! Who decides a partition: the first of the algorithms that can.

use crate::model::{Calls, Model};
use crate::partition::Partition;
use crate::search::{Limits, Outcome, wing_gong_lowe, zones};

/// How a partition was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Whether there is a legal order.
    pub(crate) outcome: Outcome,
    /// The name of the algorithm that decided, or gave up last.
    pub(crate) algorithm: &'static str,
    /// Steps that it took.
    pub(crate) steps: u64,
    /// Of an Invalid, places of operations that contradict each other, whatever became of the
    /// others, if the algorithm knows such.
    pub(crate) contradiction: Option<Vec<usize>>,
}

/// Decides a partition: directly where the model can, by zones where every value is written once,
/// else by search.
pub(crate) fn decide<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    limits: Limits,
) -> Decision {
    if let Some(direct) = model.decide_directly(&Calls::of(partition)) {
        return Decision::direct(direct.algorithm, direct.steps, direct.contradiction);
    }
    if let Some(problem) = partition.by_value(model)
        && let Some(zones) = zones::decide(&problem)
    {
        let contradiction = zones.contradiction.map(|contradiction| contradiction.0);
        return Decision::direct(zones::NAME, zones.steps, contradiction);
    }
    let decision = wing_gong_lowe::decide(model, &partition.problem(model), limits);
    Decision {
        outcome: decision.outcome,
        algorithm: wing_gong_lowe::NAME,
        steps: decision.steps,
        contradiction: None,
    }
}

impl Decision {
    fn direct(algorithm: &'static str, steps: u64, contradiction: Option<Vec<usize>>) -> Decision {
        let outcome = match contradiction {
            None => Outcome::Valid,
            Some(_) => Outcome::Invalid,
        };
        Decision { outcome, algorithm, steps, contradiction }
    }
}
