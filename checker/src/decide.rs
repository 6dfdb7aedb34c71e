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
    /// True if the model's own algorithm need not be asked again, however many steps there are.
    pub(crate) is_left_to_search: bool,
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
    let (spent, is_left_to_search) = match object.solve(limits.steps) {
        Attempt::Decided(direct) => return Decision::direct(direct),
        Attempt::OutOfSteps(steps) => return Decision::out_of_steps(steps),
        Attempt::LeftToSearch(spent) => (spent, false),
        Attempt::GivenUp(spent) => (spent, true),
    };
    let decision = match spent >= limits.steps && spent > 0 {
        true => Decision::out_of_steps(spent),
        false => {
            let limits = Limits { steps: limits.steps - spent, ..limits };
            let decision = search(object, limits);
            Decision { steps: spent + decision.steps, ..decision }
        }
    };
    Decision { is_left_to_search, ..decision }
}

/// Decides an object of which it is known that the model's own algorithm does not.
pub(crate) fn search(object: &dyn Object, limits: Limits) -> Decision {
    let Some(by_value) = object.by_value() else {
        let (problem, mut machine) = object.problem();
        let decision = wing_gong_lowe::decide(&problem, &mut *machine, limits);
        return Decision {
            outcome: decision.outcome,
            algorithm: wing_gong_lowe::NAME,
            steps: decision.steps,
            evidence: Evidence::None,
            is_left_to_search: true,
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
        steps: judgement.decision.steps,
        evidence: judgement.ended_at.map_or(Evidence::None, Evidence::EndedAt),
        is_left_to_search: true,
    }
}

impl Decision {
    fn out_of_steps(steps: u64) -> Decision {
        let (outcome, evidence) = (Outcome::OutOfSteps, Evidence::None);
        Decision { outcome, algorithm: "none", steps, evidence, is_left_to_search: false }
    }

    fn direct(direct: Direct) -> Decision {
        let Direct { algorithm, steps, contradiction, since } = direct;
        let (outcome, evidence) = match contradiction {
            None => (Outcome::Valid, Evidence::None),
            Some(places) => (Outcome::Invalid, Evidence::Contradiction(places, since)),
        };
        Decision { outcome, algorithm, steps, evidence, is_left_to_search: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Operations;
    use crate::model::{Conventions, Counter, Recorded, Transactions, Values};
    use crate::object::{Reader, TypedReader};

    fn decided_by<M: Recorded>(model: &M, log: &str, limits: Limits) -> [Decision; 2] {
        let reading = crate::history::read(log.as_bytes()).expect("it is a log");
        let operations: Operations = reading.operations;
        let conventions = Conventions::default();
        let mut reader = TypedReader::new(model, conventions, model.initial(), Values::new());
        for operation in operations.iter() {
            reader.push(operation).expect("it fits the model");
        }
        let object = Box::new(reader).finish();
        [decide(&*object, limits), search(&*object, limits)]
    }

    #[test]
    fn an_algorithm_that_gave_up_for_good_need_not_be_asked_again() {
        let added = "0 :invoke :add 3\n0 :ok :add 3\n0 :invoke :add -3\n0 :ok :add -3\n\
                     1 :invoke :read nil\n1 :ok :read 0\n";
        let limits = Limits { steps: 1_000, memory: 1 << 20 };
        let [first, again] = decided_by(&Counter, added, limits);
        assert!(first.is_left_to_search, "{first:?}");
        assert_eq!((first.outcome, again.outcome), (Outcome::Valid, Outcome::Valid));
        assert_eq!(first.steps, again.steps + 3, "its three operations are not looked at again");
        // Elements that are appended twice are left to the search.
        let append = "{:type :invoke, :f :txn, :process 0, :value [[:append 1 1]]}\n\
                      {:type :ok, :f :txn, :process 0, :value [[:append 1 1]]}\n";
        let [first, _] = decided_by(&Transactions, &append.repeat(2), limits);
        assert!(first.is_left_to_search, "{first:?}");
        // What is decided is not left to the search.
        let grows = "0 :invoke :add 3\n0 :ok :add 3\n0 :invoke :add 3\n0 :ok :add 3\n\
                     1 :invoke :read nil\n1 :ok :read 6\n";
        let [first, _] = decided_by(&Counter, grows, limits);
        assert!(!first.is_left_to_search, "{first:?}");
    }
}
