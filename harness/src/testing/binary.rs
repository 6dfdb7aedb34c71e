//! A test binary of runs, which speaks the protocol of libtest: `cargo test`, `cargo nextest run`,
//! `--list`, filters and `--exact` find each run by its name.
//!
//! ```text
//! test binary       libtest's protocol; what a run printed is shown when it fails
//!  └ the same       STORMPROOF_TEST names one run: the outer process of its lab
//!     └ guard, controller, nodes…
//! ```
//!
//! A run needs a process of its own, since its controller is the program itself from its beginning.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use engines::process_tree::{self, LabContext};
use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::getppid;

use super::Test;
use crate::exit::Exit;
use crate::printing::err;

/// In the environment of a run's own process: its name, and the process that waits for it.
const TEST: &str = "STORMPROOF_TEST";
const WAITS: &str = "STORMPROOF_TEST_OF";

/// The place that [`dispatch`] found.
static PLACE: OnceLock<LabContext> = OnceLock::new();

/// Finds out where this process runs. Call it first in `main`, before any thread exists: a process
/// that was started as one of stormproof's helpers does its work here and never returns.
///
/// # Panics
/// When the environment variable `STORMPROOF_STAGE` holds something else than stormproof's own.
pub fn dispatch() {
    PLACE.get_or_init(process_tree::dispatch);
}

/// The place that [`dispatch`] found.
///
/// # Panics
/// When it was not called.
pub(crate) fn place() -> LabContext {
    *PLACE.get().expect("stormproof::dispatch() comes first in main")
}

/// The main function of a test binary of runs, each with its name. Runs follow one another, unless
/// `--test-threads` says otherwise: each of them wants the machine for itself.
///
/// ```toml
/// [[test]]
/// name = "storms"
/// harness = false
/// ```
///
/// # Panics
/// When [`dispatch`] was not called first in `main`.
pub fn test_main<N: Into<String>>(tests: impl IntoIterator<Item = (N, Test)>) -> ExitCode {
    let place = place();
    let tests = tests.into_iter().map(|(name, test)| (name.into(), test));
    if let Ok(name) = std::env::var(TEST) {
        let mut tests: BTreeMap<String, Test> = tests.collect();
        let Some(test) = tests.remove(&name) else {
            err!("stormproof: there is no test {name}");
            return Exit::Usage.into();
        };
        if place == LabContext::Outside {
            end_with_parent();
        }
        return test.run_named(place, Some(&name)).into();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(1);
    let shown = arguments.nocapture;
    let trials = tests.map(|(name, _)| {
        let of_its_own = name.clone();
        Trial::test(name, move || run_in_a_process(&of_its_own, shown))
    });
    let trials = trials.collect();
    // A terminal's Ctrl-C goes to the run as well, which ends early and says what came of it.
    let interrupt = SigSet::from_iter([Signal::SIGINT]);
    // It cannot fail with a valid set.
    let _ = interrupt.thread_block();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let _ = interrupt.thread_unblock();
    conclusion.exit_code()
}

/// Ends this process with the one that waits for it.
fn end_with_parent() {
    // It cannot fail with a valid signal.
    let _ = set_pdeathsig(Signal::SIGKILL);
    let waits = std::env::var(WAITS).unwrap_or_default();
    if waits != getppid().to_string() {
        std::process::exit(Exit::HarnessFailure.code().into());
    }
    let _ = SigSet::from_iter([Signal::SIGINT]).thread_unblock();
}

/// Carries out one run in a process of its own. What it prints is shown at once, or when it fails.
fn run_in_a_process(name: &str, shown: bool) -> Result<(), Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    command.args(arguments).env(TEST, name).env(WAITS, std::process::id().to_string());
    command.stdin(Stdio::null());
    let (code, printed) = match shown {
        true => (command.status()?, String::new()),
        false => {
            let output = command.output()?;
            let (out, err) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            (output.status, format!("\n{err}{out}"))
        }
    };
    match code.success() {
        true => Ok(()),
        false => Err(format!("the run ended with {code}{printed}").into()),
    }
}
