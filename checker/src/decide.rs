//! The order in which algorithms are asked to decide an object: the first that can, does.

use crate::model::{Attempt, Direct};
use crate::object::Object;
use crate::search::{Limits, Outcome, portfolio, wing_gong_lowe, zones};

/// The decision of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) outcome: Outcome,
    /// The name of the algorithm that decided, or gave up last.
    pub(crate) algorithm: &'static str,
    /// Steps that it took.
    pub(crate) steps: u64,
    /// The reason for an Invalid, as far as it is known.
    pub(crate) evidence: Evidence,
}

/// An algorithm's reason for there being no legal order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing.
    #[default]
    None,
    /// The operations at these places contradict each other, no matter what became of the others.
    /// If there is an index, then also no matter what had returned by then.
    Contradiction(Vec<usize>, Option<u64>),
    /// There is no legal order of what happened up to the completion of the operation at this
    /// place, and there is one of what happened before.
    EndedAt(usize),
}

/// Decides an object: directly where its model can, by zones where every value is written once,
/// else by search.
pub(crate) fn decide(object: &dyn Object, limits: Limits) -> Decision {
    let spent = match object.solve(limits.steps) {
        Attempt::Decided(direct) => return Decision::direct(direct),
        Attempt::OutOfSteps(steps) => return Decision::out_of_steps(steps),
        Attempt::LeftToSearch(spent) if spent >= limits.steps && spent > 0 => {
            return Decision::out_of_steps(spent);
        }
        Attempt::LeftToSearch(spent) => spent,
    };
    let limits = Limits { steps: limits.steps - spent, ..limits };
    let Some(by_value) = object.by_value() else {
        let (problem, mut machine) = object.problem();
        let decision = wing_gong_lowe::decide(&problem, &mut *machine, limits);
        return Decision {
            outcome: decision.outcome,
            algorithm: wing_gong_lowe::NAME,
            steps: spent + decision.steps,
            evidence: Evidence::None,
        };
    };
    if let Some(zones) = zones::decide(&by_value) {
        let contradiction = zones.contradiction.map(|contradiction| contradiction.0);
        let (algorithm, steps) = (zones::NAME, zones.steps);
        return Decision::direct(Direct { algorithm, steps, contradiction, since: None });
    }
    let judgement = portfolio::decide(&by_value, limits);
    Decision {
        outcome: judgement.decision.outcome,
        algorithm: judgement.algorithm,
        steps: spent + judgement.decision.steps,
        evidence: judgement.ended_at.map_or(Evidence::None, Evidence::EndedAt),
    }
}

impl Decision {
    fn out_of_steps(steps: u64) -> Decision {
        let (outcome, evidence) = (Outcome::OutOfSteps, Evidence::None);
        Decision { outcome, algorithm: "none", steps, evidence }
    }

    fn direct(direct: Direct) -> Decision {
        let Direct { algorithm, steps, contradiction, since } = direct;
        let (outcome, evidence) = match contradiction {
            None => (Outcome::Valid, Evidence::None),
            Some(places) => (Outcome::Invalid, Evidence::Contradiction(places, since)),
        };
        Decision { outcome, algorithm, steps, evidence }
    }
}
