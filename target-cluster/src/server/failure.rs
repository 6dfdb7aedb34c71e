//! The reasons for which a node stops or does not start, and their exit codes, which are those of
//! BSD's `sysexits.h`.

use std::io;
use std::path::PathBuf;

use crate::core::ClockOff;
use crate::storage::{IdentityError, OpenError};

/// The reason for which a node stopped, or did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Reading, writing or syncing failed, at the start or later. After that it is unknown what is
    /// on the disk, so the node neither tries again nor goes on (rostam#94 is what comes of it).
    #[error("the disk failed: {0}; stopping, since what is on disk is unknown")]
    Disk(io::Error),
    /// The log is damaged where it had been durable. Another start will find the same.
    #[error("{}: {error}", .log.display())]
    Corrupt {
        /// The log.
        log: PathBuf,
        /// The place and kind of the damage.
        error: OpenError,
    },
    /// The note beside the log is damaged, or gone.
    #[error("{0}")]
    IdentityDamaged(IdentityError),
    /// The data directory belongs to another node or cluster.
    #[error("{0}")]
    AnothersData(IdentityError),
    /// Another process runs on the same data directory.
    #[error("{0}")]
    InUse(io::Error),
    /// Its clock runs at another rate than those of the others, by more than leases bear.
    #[error("{0}")]
    Clock(ClockOff),
    /// An assertion of the core failed: its inputs cannot be, unless a promise was broken.
    #[error("the raft core failed: {0}")]
    Assertion(String),
    /// Anything else, such as an address that is taken.
    #[error("{0:#}")]
    Other(anyhow::Error),
}

impl Failure {
    /// The exit code of a node whose disk failed: `EX_IOERR`.
    pub const DISK_FAILED: u8 = 74;

    /// The exit code of a node that does not start because its log is damaged: `EX_DATAERR`.
    pub const LOG_CORRUPT: u8 = 65;

    /// The exit code of a node that does not start because its data directory is in use:
    /// `EX_TEMPFAIL`.
    pub const DATA_IN_USE: u8 = 75;

    /// The exit code of a node that does not start because its data directory belongs to another
    /// node or cluster: `EX_CONFIG`.
    pub const ANOTHERS_DATA: u8 = 78;

    /// The exit code of a node whose core found a promise broken: `EX_SOFTWARE`.
    pub const ASSERTION_FAILED: u8 = 70;

    /// The exit code of a node whose clock cannot be trusted: `EX_OSERR`.
    pub const CLOCK_OFF: u8 = 71;

    /// The code that the process should end with, unless any other will do.
    pub fn exit_code(&self) -> Option<u8> {
        match self {
            Failure::Disk(_) => Some(Failure::DISK_FAILED),
            Failure::Corrupt { .. } | Failure::IdentityDamaged(_) => Some(Failure::LOG_CORRUPT),
            Failure::AnothersData(_) => Some(Failure::ANOTHERS_DATA),
            Failure::Clock(_) => Some(Failure::CLOCK_OFF),
            Failure::InUse(_) => Some(Failure::DATA_IN_USE),
            Failure::Assertion(_) => Some(Failure::ASSERTION_FAILED),
            Failure::Other(_) => None,
        }
    }
}

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Failure {
        match error {
            IdentityError::Io(error) => Failure::Disk(error),
            IdentityError::Damaged { .. } => Failure::IdentityDamaged(error),
            IdentityError::Another { .. } => Failure::AnothersData(error),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Other(error)
    }
}
