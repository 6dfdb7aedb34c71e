//! Real process trees, networks and nodes. This program is test runner, outer process and
//! controller in one: what it is, its arguments say.

mod inside;
mod leaving;
mod messages;
mod packets;
mod peers;
mod tests;
mod watching;

use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;

use stormproof_engines::process_tree::{Lab, LabContext, dispatch, relaunch};
use stormproof_engines::{doctor, leftovers};

/// Leads the arguments of an outer process: then a lab, a role, and the role's own.
const OUTER: &str = "--outer";

/// Stands for `stormproof doctor`.
const DOCTOR: &str = "--doctor";

/// Stands for `stormproof doctor --clean`.
const CLEAN: &str = "--clean";

fn main() -> ExitCode {
    let place = dispatch();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match (place, arguments.as_slice()) {
        (LabContext::Inside(lab), [OUTER, _, role, arguments @ ..]) => {
            inside::play(lab, role, arguments)
        }
        (LabContext::Inside(_), other) => {
            panic!("a controller is started with its role, not {other:?}")
        }
        (LabContext::Outside, [OUTER, lab, ..]) => run_outer(lab.parse().expect("a lab's name")),
        (LabContext::Outside, [DOCTOR]) => examine(),
        (LabContext::Outside, [peers::NODE, listen, peers @ ..]) => {
            peers::serve(listen, peers);
            ExitCode::SUCCESS
        }
        (LabContext::Outside, [CLEAN]) => clean(),
        (LabContext::Outside, filters) => tests::run(filters),
    }
}

/// Ends as the controller did.
fn run_outer(lab: Lab) -> ExitCode {
    match relaunch(lab) {
        Ok(status) => {
            let signal = status.signal().map(|number| 128 + number);
            let code = status.code().or(signal).expect("it ended by code or by signal");
            ExitCode::from(code as u8)
        }
        Err(error) => {
            eprintln!("no lab: {error}");
            ExitCode::from(NO_LAB)
        }
    }
}

/// Prints what this machine can do, one probe a line.
fn examine() -> ExitCode {
    for probe in doctor::examine() {
        println!("{}", serde_json::to_string(&probe).expect("a probe is plain data"));
    }
    ExitCode::SUCCESS
}

/// Prints what it removed, one thing a line.
fn clean() -> ExitCode {
    let cleaned = leftovers::clean();
    cleaned.removed.iter().for_each(|found| println!("{found}"));
    assert!(cleaned.kept.is_empty(), "everything can be removed: {:?}", cleaned.kept);
    // Whose owner was still dying, and held its journal, may be found only now.
    let again = leftovers::find().into_iter().filter(|found| cleaned.removed.contains(found));
    assert_eq!(again.collect::<Vec<_>>(), [], "what was removed is not found again");
    ExitCode::SUCCESS
}

/// The exit code of an outer process that could not start a lab.
const NO_LAB: u8 = 99;
