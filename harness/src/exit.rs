//! The end of a command of stormproof.

use std::fmt;
use std::process::ExitCode;

use checker::verdict::Verdict;
use results::conclusion::Conclusion;

/// The exit codes, as the README and `--help` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// 0: every verdict was Valid, or there was nothing to judge.
    Valid,
    /// 1: a verdict was Invalid.
    Invalid,
    /// 2: a verdict was Unknown.
    Unknown,
    /// 3: the harness failed; this says nothing about the service.
    HarnessFailure,
    /// 64: the command line was wrong.
    Usage,
    /// 65: the input could not be read.
    BadInput,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Valid => 0,
            Exit::Invalid => 1,
            Exit::Unknown => 2,
            Exit::HarnessFailure => 3,
            Exit::Usage => 64,
            Exit::BadInput => 65,
        }
    }

    /// The code of several runs together, of which some came to one and some to the other: 1 beats 3
    /// beats 2 beats 0.
    pub(crate) fn or_worse(self, other: Exit) -> Exit {
        let rank = |exit: Exit| match exit {
            Exit::Valid => 0,
            Exit::Unknown => 1,
            Exit::HarnessFailure | Exit::Usage | Exit::BadInput => 2,
            Exit::Invalid => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Exit {
        match verdict {
            Verdict::Valid => Exit::Valid,
            Verdict::Unknown => Exit::Unknown,
            Verdict::Invalid => Exit::Invalid,
        }
    }
}

impl From<Conclusion> for Exit {
    fn from(conclusion: Conclusion) -> Exit {
        match conclusion {
            Conclusion::Valid => Exit::Valid,
            Conclusion::Unknown => Exit::Unknown,
            Conclusion::HarnessFailure => Exit::HarnessFailure,
            Conclusion::Invalid => Exit::Invalid,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An error that ends a command with a code other than 3.
#[derive(Debug)]
pub struct Failure {
    /// The code to end with.
    pub exit: Exit,
    /// The message for the user: what is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// An error about the command line (64).
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Failure { exit: Exit::Usage, message: message.into() }.into()
}

/// An error about the input (65).
pub fn bad_input(message: impl Into<String>) -> anyhow::Error {
    Failure { exit: Exit::BadInput, message: message.into() }.into()
}

/// The code that an error ends the program with: its own, or 3.
pub fn of_error(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Failure>().map_or(Exit::HarnessFailure, |failure| failure.exit)
}
