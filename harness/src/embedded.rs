//! stormproof within a test of one's own: another target, another workload, the same storm.
//!
//! A team that has written a [`Target`] for its service, and maybe a [`Workload`], runs the storm
//! from `cargo test`, by a test whose `main` is its own:
//!
//! ```toml
//! [[test]]
//! name = "storm"
//! harness = false
//! ```
//!
//! ```no_run
//! use std::process::ExitCode;
//! # use stormproof::targets::Bundled;
//!
//! fn main() -> ExitCode {
//!     // First of all, before any thread exists: this program is started again as the controller
//!     // of the lab, and this call is where it finds out.
//!     let place = stormproof::dispatch();
//!     // Your own target, and a workload of stormproof's or your own.
//!     let target = Bundled::default();
//!     let workload = *workloads::find("register").unwrap();
//!     let flags = ["--nodes", "3", "--faults", "partition,kill", "--time-limit", "20s"];
//!     stormproof::embedded::run(place, target, workload, &flags).into()
//! }
//! ```
//!
//! The flags are those of `stormproof run`; `STORMPROOF_FLAGS="--seed 42"` in the environment adds
//! to them and wins. The run directory lies in `results/runs` of the working directory, unless
//! `--results` says otherwise. `harness/tests/own_service` is a whole example.
//!
//! A test program carries out one run: the controller is the program itself, from its beginning.

use std::ffi::OsString;
use std::sync::Arc;

use clap::Parser;
use engines::process_tree::Place;
use workloads::Workload;

use crate::cli::plan::PlanFlags;
use crate::cli::run::{MachineFlags, Subject, carry_out};
use crate::exit::{self, Exit};
use crate::targets::Target;

/// In the environment: flags that win over those of the program, separated by white space.
pub const FLAGS: &str = "STORMPROOF_FLAGS";

/// The flags of `stormproof run`.
#[derive(Debug, Parser)]
#[command(name = "stormproof run", args_override_self = true)]
struct Flags {
    #[command(flatten)]
    plan: PlanFlags,
    #[command(flatten)]
    machine: MachineFlags,
}

/// Tests `target` by `workload` as `stormproof run` with these flags would, and returns how it ended.
/// Errors have been printed by then. `place` is what [`dispatch`](crate::dispatch) returned.
pub fn run(
    place: Place,
    target: impl Target + 'static,
    workload: Workload,
    flags: &[&str],
) -> Exit {
    let more = std::env::var(FLAGS).unwrap_or_default();
    let name = OsString::from("stormproof run");
    let all = flags.iter().copied().chain(more.split_whitespace()).map(OsString::from);
    let flags = match Flags::try_parse_from([name].into_iter().chain(all)) {
        Ok(flags) => flags,
        Err(error) => {
            // Nothing is left to do if the terminal is gone.
            let _ = error.print();
            return Exit::Usage;
        }
    };
    let ended = flags.plan.resolve().and_then(|mut plan| {
        plan.target = target.name().to_owned();
        plan.workload = workload.name.to_owned();
        let by_name = |family| flags.plan.asks_by_name(family);
        let subject = Subject { target: Arc::new(target), workload };
        carry_out(place, plan, subject, by_name, flags.machine)
    });
    ended.unwrap_or_else(|error| {
        eprintln!("stormproof: {error:#}");
        exit::of_error(&error)
    })
}
