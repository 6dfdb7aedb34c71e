//! The searches that decide a register, and their turns.
//!
//! Neither wins everywhere: depth first is the fastest if there is an order, a beam if there is
//! none. They take turns with growing shares of the steps, always in the same order, so that the
//! verdict and who found it depend on the history alone.

use crate::search::by_value::ByValue;
use crate::search::{Decision, Limits, Outcome, just_in_time};

/// Steps of each search in the first round. A history of few clients is decided within them.
const FIRST_SHARE: u64 = 4_096;

/// Steps for each operation in the first round: a search that never errs takes about one.
const SHARE_OF_AN_OPERATION: u64 = 4;

/// The growth of the shares from round to round. The rounds before the last cost a third of it.
const GROWTH: u64 = 4;

/// The width of the beam, which widens by itself where it has to.
const WIDTH: usize = 64;

/// A decision, and who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The end. The steps are those of all searches.
    pub(crate) decision: Decision,
    /// The search that decided; of an undecided history, the last that tried.
    pub(crate) algorithm: &'static str,
    /// If Invalid, and known: the place of the step up to whose completion no order explains the
    /// history.
    pub(crate) ended_at: Option<usize>,
}

/// Decides a register.
pub(crate) fn decide(problem: &ByValue, limits: Limits) -> Judgement {
    let mut share = FIRST_SHARE.max(SHARE_OF_AN_OPERATION * problem.steps.len() as u64);
    let mut spent = 0;
    let mut searches = vec![Search::DepthFirst, Search::Beam];
    loop {
        let mut tired = Vec::new();
        for search in std::mem::take(&mut searches) {
            let limits = Limits { steps: share.min(limits.steps - spent), ..limits };
            let finding = match search {
                Search::DepthFirst => just_in_time::depth_first(problem, limits),
                Search::Beam => just_in_time::beam(problem, WIDTH, limits),
            };
            // A search that is stopped has counted the step that it was not given.
            spent += finding.decision.steps.min(limits.steps);
            let outcome = finding.decision.outcome;
            let judgement = Judgement {
                decision: Decision { outcome, steps: spent },
                algorithm: search.name(),
                ended_at: finding.ended_at,
            };
            match outcome {
                Outcome::Valid | Outcome::Invalid => return judgement,
                Outcome::OutOfSteps => searches.push(search),
                Outcome::OutOfMemory => {}
            }
            tired.push(judgement);
        }
        if spent >= limits.steps || searches.is_empty() {
            return tired.pop().expect("some search took part in the round");
        }
        share = share.saturating_mul(GROWTH);
    }
}

/// Those that take turns.
#[derive(Debug, Clone, Copy)]
enum Search {
    DepthFirst,
    Beam,
}

impl Search {
    fn name(self) -> &'static str {
        match self {
            Search::DepthFirst => just_in_time::NAME,
            Search::Beam => just_in_time::BEAM_NAME,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::random_histories::{Failed, Simulation, oracle, problem};

    const LIMITS: Limits = Limits { steps: 100_000_000, memory: 256 << 20 };

    #[test]
    fn small_histories_are_judged_as_the_oracle_judges_them() {
        for seed in 0..10_000 {
            let simulation = Simulation {
                seed,
                operations: 4 + (seed % 11) as usize,
                clients: 2 + (seed % 5) as usize,
                values: 2 + (seed % 3) as u32,
                unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
                deletions: 0.1,
                stale: (seed % 8) as usize,
                ..Simulation::default()
            };
            let steps = problem(simulation, Failed::LeftOut);
            let expected = if oracle(&steps) { Outcome::Valid } else { Outcome::Invalid };
            assert_eq!(decide(&steps, LIMITS).decision.outcome, expected, "{simulation:?}");
        }
    }

    #[test]
    fn the_steps_of_all_searches_together_stay_within_the_limit() {
        let simulation =
            Simulation { operations: 2000, clients: 60, unknown: 0.05, ..Simulation::default() };
        let steps = problem(simulation, Failed::LeftOut);
        for limit in [0, 1, 100, 5000] {
            let limits = Limits { steps: limit, ..LIMITS };
            let judgement = decide(&steps, limits);
            assert!(judgement.decision.steps <= limit, "{judgement:?}");
        }
    }

    #[test]
    fn many_unknown_outcomes_of_many_clients_take_few_steps() {
        for seed in 0..5 {
            for unknown in [0.01, 0.03, 0.05, 0.1] {
                let (operations, clients) = (3_000, 100);
                let simulation =
                    Simulation { seed, operations, clients, unknown, ..Simulation::default() };
                let decision = decide(&problem(simulation, Failed::LeftOut), LIMITS).decision;
                assert_eq!(decision.outcome, Outcome::Valid, "{simulation:?}");
                assert!(decision.steps < 4 * operations as u64, "{decision:?} {simulation:?}");
            }
        }
    }

    #[test]
    fn without_memory_nothing_is_decided() {
        let simulation = Simulation { clients: 30, ..Simulation::default() };
        let steps = problem(simulation, Failed::LeftOut);
        let judgement = decide(&steps, Limits { memory: 100, ..LIMITS });
        assert_eq!(judgement.decision.outcome, Outcome::OutOfMemory);
    }

    #[test]
    fn the_same_history_gets_the_same_judgement() {
        let simulation =
            Simulation { clients: 20, unknown: 0.02, stale: 100, ..Simulation::default() };
        let steps = problem(simulation, Failed::SawAnother);
        assert_eq!(decide(&steps, LIMITS), decide(&steps, LIMITS));
    }
}
