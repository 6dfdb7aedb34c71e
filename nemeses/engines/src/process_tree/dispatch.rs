//! The first thing that a program of ours does: find out which part of the process tree it is.
#![expect(unsafe_code, reason = "the environment is changed before any thread exists")]

use super::guard;
use super::lab::LabContext;
use super::parent_link::{ParentLink, take_journal};
use super::role::{Role, VARIABLE};
use crate::doctor;

/// Finds out whether this process is the controller of a lab. Call it first in `main`, before any
/// thread exists: a process that was started as one of the hidden helpers (guard, doctor's probes)
/// does its work here and never returns.
///
/// # Panics
/// When the environment variable `STORMPROOF_ROLE` holds no role: it was set by a stranger.
pub fn dispatch() -> LabContext {
    let Some(value) = std::env::var_os(VARIABLE) else { return LabContext::Outside };
    // SAFETY: `dispatch` is documented to run before any thread exists, so no other code can be
    // reading the environment.
    unsafe { std::env::remove_var(VARIABLE) };
    match value.to_str().and_then(Role::parse) {
        Some((Role::Controller(lab), numbers)) => {
            take_journal(&numbers);
            LabContext::Inside(lab)
        }
        Some((role, numbers)) if numbers.len() >= 2 => {
            let journal = take_journal(&numbers[2..]);
            run_helper(role, ParentLink::take_over(numbers[0], numbers[1], journal));
            std::process::exit(0)
        }
        _ => panic!("the environment variable {VARIABLE} is stormproof's own, not {value:?}"),
    }
}

fn run_helper(role: Role, parent: ParentLink) {
    match role {
        Role::Guard(lab) => guard::run(lab, parent),
        Role::ProbeLab => doctor::probe_lab(parent),
        Role::ProbePlain => doctor::probe_plain(parent),
        Role::Controller(_) => unreachable!("the controller is no helper"),
    }
}
