//! The things that a run can leave, and their owner.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::proc::Stat;

/// The beginning of the names of all that outlives processes.
pub(crate) const PREFIX: &str = "stormproof-";

/// Something that stays when every process of a run is gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Leftover {
    /// A directory of a cgroup hierarchy. Its name begins with `stormproof-`.
    Cgroup {
        /// Its path.
        path: PathBuf,
    },
    /// A mount in the mount namespace in which the run was started.
    Mount {
        /// The directory at which it is mounted.
        path: PathBuf,
    },
    /// Every loop device that is backed by this file.
    LoopDevice {
        /// The file.
        image: PathBuf,
    },
}

impl fmt::Display for Leftover {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cgroup { path } => write!(out, "cgroup {}", path.display()),
            Self::Mount { path } => write!(out, "mount {}", path.display()),
            Self::LoopDevice { image } => write!(out, "loop device of {}", image.display()),
        }
    }
}

/// The process that a run was started as. Written `PID-STARTED`, as in the names of what it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// Its id in the pid namespace that it was started in.
    pub pid: i32,
    /// When it was started, in clock ticks since the machine was.
    pub started: u64,
}

impl Owner {
    /// This process.
    pub(crate) fn own() -> io::Result<Self> {
        // Not `getpid`: other processes look for this one in the same `/proc`.
        let pid = fs::read_link("/proc/self")?.to_string_lossy().parse().unwrap_or_default();
        let stat = Stat::of(pid).ok_or_else(|| io::Error::other("/proc does not know us"))?;
        Ok(Self { pid, started: stat.started })
    }

    /// Returns whether that process still runs, and is not another one with the same id.
    pub(crate) fn lives(self) -> bool {
        Stat::of(self.pid).is_some_and(|stat| stat.started == self.started && !stat.is_dead())
    }

    /// The owner in a name like `stormproof-4711-8471-n1`.
    pub(crate) fn in_name(name: &str) -> Option<Self> {
        name.strip_prefix(PREFIX)?.parse().ok()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.pid, self.started)
    }
}

impl FromStr for Owner {
    type Err = ();

    /// Text after another hyphen or a dot is ignored.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(['-', '.']);
        let mut next = || parts.next().ok_or(());
        let pid = next()?.parse().map_err(|_| ())?;
        Ok(Self { pid, started: next()?.parse().map_err(|_| ())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_told_from_another_with_its_id() {
        let own = Owner::own().unwrap();
        assert!(own.lives());
        assert!(!Owner { started: own.started + 1, ..own }.lives());
        assert_eq!(Owner::in_name(&format!("stormproof-{own}-n1")), Some(own));
        assert_eq!(format!("{own}-2.jsonl").parse(), Ok(own));
        assert_eq!(Owner::in_name("stormproof-disk.img"), None);
        assert_eq!(Owner::in_name("other-1-2"), None);
    }
}
