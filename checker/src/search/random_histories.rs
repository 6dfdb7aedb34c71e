//! Random problems for the tests of the searches, and an oracle that tries every order.

use std::collections::HashSet;

use crate::model::register::{Input, Output, Register};
use crate::model::{Call, ValueId};
use crate::object::{Object, Typed};
use crate::search::by_value::{ByValue, Op, TimedOp};
use crate::search::{Limits, Outcome, wing_gong_lowe};

#[expect(dead_code, reason = "only the figures name processes and keys")]
#[path = "../../benches/figures/simulation.rs"]
mod simulation;

pub(crate) use simulation::{Ending, Request, Simulation, simulate};

/// True if a compare-and-set that failed is evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    LeftOut,
    SawAnother,
}

/// The operations of a simulation of one key.
pub(crate) fn problem(simulation: Simulation, failed: Failed) -> ByValue {
    let steps = simulate(simulation).into_iter().filter_map(|operation| {
        let op = match operation.request {
            Request::Read { .. } if operation.ending == Ending::Unknown => return None,
            Request::Read { answer } => Op::Read(answer),
            Request::Write(value) => Op::Write(value),
            Request::CompareAndSet { from, .. } if operation.ending == Ending::Failed => {
                if failed == Failed::LeftOut {
                    return None;
                }
                Op::SawAnother(from)
            }
            Request::CompareAndSet { from, to } if from == to => {
                if operation.ending == Ending::Unknown {
                    return None;
                }
                Op::Read(from)
            }
            Request::CompareAndSet { from, to } => Op::CompareAndSet { from, to },
        };
        let returned = (operation.ending != Ending::Unknown).then_some(operation.returned);
        Some(TimedOp::new(op, operation.invoked, returned))
    });
    ByValue { initial: 0, values: simulation.values + 1, steps: steps.collect() }
}

/// The same as decided by the search of Wing, Gong and Lowe.
pub(crate) fn by_wing_gong_lowe(problem: &ByValue, limits: Limits) -> Outcome {
    let mut register = Typed::new(&Register);
    assert_eq!(problem.initial, ValueId::ABSENT.0, "a register is empty at first");
    for step in &problem.steps {
        let (input, output) = match step.op {
            Op::Read(value) => (Input::Read, Output::Value(ValueId(value))),
            Op::Write(value) => (Input::Write(ValueId(value)), Output::Written),
            Op::CompareAndSet { from, to } => (
                Input::CompareAndSet { from: ValueId(from), to: ValueId(to) },
                Output::Swapped(true),
            ),
            Op::SawAnother(value) => (
                Input::CompareAndSet { from: ValueId(value), to: ValueId(value) },
                Output::Swapped(false),
            ),
        };
        let call = match step.returned() {
            Some(_) => Call::Known(input, output),
            None => Call::Unknown(input),
        };
        register.push_call(call, step.invoked, step.returned());
    }
    let (problem, mut machine) = register.problem();
    wing_gong_lowe::decide(&problem, &mut *machine, limits).outcome
}

/// Returns whether there is a legal order. Tries all of them, but none twice from the same point.
pub(crate) fn oracle(problem: &ByValue) -> bool {
    assert!(problem.steps.len() <= 64, "the oracle is for small histories");
    let mut tried = HashSet::new();
    some_order(problem, 0, problem.initial, &mut tried)
}

fn some_order(problem: &ByValue, placed: u64, value: u32, tried: &mut HashSet<(u64, u32)>) -> bool {
    let left = || problem.steps.iter().enumerate().filter(|(it, _)| placed >> it & 1 == 0);
    let Some(first_return) = left().filter_map(|(_, step)| step.returned()).min() else {
        return true;
    };
    tried.insert((placed, value))
        && left().filter(|(_, step)| step.invoked <= first_return).any(|(place, step)| {
            let after = match step.op {
                Op::Read(seen) => (seen == value).then_some(value),
                Op::Write(left) => Some(left),
                Op::CompareAndSet { from, to } => (from == value).then_some(to),
                Op::SawAnother(other) => (other != value).then_some(value),
            };
            after.is_some_and(|after| some_order(problem, placed | 1 << place, after, tried))
        })
}
