//! The part of the process tree that this process is, set by its parent in an environment variable,
//! so that the arguments stay the user's own.

use std::os::fd::RawFd;
use std::process::Command;

use super::lab::Lab;

/// The environment variable: a role, and the numbers of descriptors that come along. Helpers have
/// two that tie them to their parent; guard and controller may have the journal's besides. It is
/// removed before anything else happens, so that nodes, which may be the same program, are not
/// mistaken for a part of the tree.
pub(super) const VARIABLE: &str = "STORMPROOF_ROLE";

/// A part of the process tree, or a helper of the doctor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Set up the lab, start the controller, outlive it, clean up.
    Guard(Lab),
    /// Be the controller.
    Controller(Lab),
    /// Try the engines that need a namespace lab.
    ProbeLab,
    /// Try the engines that do not.
    ProbePlain,
}

impl Role {
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

    pub(super) fn parse(value: &str) -> Option<(Self, Vec<RawFd>)> {
        let mut words = value.split(' ');
        let name = words.next()?;
        let role = Self::ALL.into_iter().find(|role| role.name() == name)?;
        let numbers = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some((role, numbers))
    }
}

/// Takes the role out of the environment of a command, should it be there.
pub(crate) fn remove_role(command: &mut Command) {
    command.env_remove(VARIABLE);
}
