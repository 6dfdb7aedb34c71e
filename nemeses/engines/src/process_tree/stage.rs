//! Which part of the process tree this process is, told by its parent in an environment variable,
//! so that the arguments stay the user's own.
#![expect(
    unsafe_code,
    reason = "the environment and inherited descriptors are taken over before any thread exists"
)]

use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::process::Command;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::{Lab, Place, guard};
use crate::doctor;
use crate::journal::Journal;

/// The environment variable: a stage, and the numbers of descriptors that come along. Helpers have
/// two that tie them to their parent; guard and controller may have the journal's besides. It is removed before anything else happens, so that nodes, which may be
/// the same program, are not mistaken for a part of the tree.
pub(super) const VARIABLE: &str = "STORMPROOF_STAGE";

/// A part of the process tree, or a helper of the doctor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Set up the lab, start the controller, outlive it, clean up.
    Guard(Lab),
    /// Be the controller.
    Controller(Lab),
    /// Try the engines that need a namespace lab.
    ProbeLab,
    /// Try the engines that do not.
    ProbePlain,
}

impl Stage {
    const ALL: [Self; 6] = [
        Self::Guard(Lab::Namespaces),
        Self::Guard(Lab::Loopback),
        Self::Controller(Lab::Namespaces),
        Self::Controller(Lab::Loopback),
        Self::ProbeLab,
        Self::ProbePlain,
    ];

    pub(super) fn name(self) -> String {
        match self {
            Self::Guard(lab) => format!("guard-{lab}"),
            Self::Controller(lab) => format!("controller-{lab}"),
            Self::ProbeLab => "probe-lab".to_owned(),
            Self::ProbePlain => "probe-plain".to_owned(),
        }
    }

    fn parse(value: &str) -> Option<(Self, Vec<RawFd>)> {
        let mut words = value.split(' ');
        let name = words.next()?;
        let stage = Self::ALL.into_iter().find(|stage| stage.name() == name)?;
        let numbers = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some((stage, numbers))
    }
}

/// What ties a helper to the process that started it.
pub(crate) struct Ties {
    /// Reads end of file once the parent is gone.
    pub(crate) lifeline: OwnedFd,
    /// What the helper has to tell, one JSON value a line.
    pub(crate) reports: File,
    /// That of the outer process, unless it could not begin one.
    pub(crate) journal: Option<Journal>,
}

/// Takes the stage out of the environment of a command, should it be there.
pub(crate) fn remove_stage(command: &mut Command) {
    command.env_remove(VARIABLE);
}

/// Tells whether this process is the controller of a lab. Call it first in `main`, before any
/// thread exists: a process that was started as one of the hidden helpers (guard, doctor's probes)
/// does its work here and never returns.
///
/// # Panics
/// When the environment variable `STORMPROOF_STAGE` holds no stage: somebody else set it.
pub fn dispatch() -> Place {
    let Some(value) = std::env::var_os(VARIABLE) else { return Place::Outside };
    // SAFETY: `dispatch` is documented to run before any thread exists, so nobody else can be
    // reading the environment.
    unsafe { std::env::remove_var(VARIABLE) };
    match value.to_str().and_then(Stage::parse) {
        Some((Stage::Controller(lab), numbers)) => {
            take_journal(&numbers);
            Place::Inside(lab)
        }
        Some((stage, numbers)) if numbers.len() >= 2 => {
            let journal = take_journal(&numbers[2..]);
            run_helper(stage, ties(numbers[0], numbers[1], journal));
            std::process::exit(0)
        }
        _ => panic!("the environment variable {VARIABLE} is stormproof's own, not {value:?}"),
    }
}

fn run_helper(stage: Stage, ties: Ties) {
    match stage {
        Stage::Guard(lab) => guard::run(lab, ties),
        Stage::ProbeLab => doctor::probe_lab(ties),
        Stage::ProbePlain => doctor::probe_plain(ties),
        Stage::Controller(_) => unreachable!("the controller is no helper"),
    }
}

/// The journal, if its descriptor was passed on.
fn take_journal(numbers: &[RawFd]) -> Option<Journal> {
    let number = numbers.first()?;
    Journal::inherit(take_over(*number))
}

fn ties(lifeline: RawFd, reports: RawFd, journal: Option<Journal>) -> Ties {
    let lifeline = take_over(lifeline);
    let mut reports = File::from(take_over(reports));
    // An empty line: this helper runs.
    if reports.write_all(b"\n").is_err() {
        // The parent was killed meanwhile. Nothing is made yet, and nobody wants it.
        std::process::exit(0);
    }
    Ties { lifeline, reports, journal }
}

/// Takes a descriptor over and keeps it from whatever this process starts.
fn take_over(number: RawFd) -> OwnedFd {
    // SAFETY: the parent passed this descriptor on to this process alone and told its number in a
    // variable that was just removed, so nobody else can take it over.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .expect("the parent passes open descriptors");
    descriptor
}
