//! The targets by name.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use target_cluster::bugs::Bug;

use super::{Bundled, Etcd, Target, ZooKeeper};
use crate::exit::usage;

/// What a target is opened with besides its name.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The planted bug; the bundled cluster alone has some.
    pub bug: Option<Bug>,
    /// Where its programs are, if they are not to be looked for on the `PATH`: the program itself,
    /// or the folder that holds it.
    pub bin: Option<PathBuf>,
}

/// A target that comes with stormproof.
pub struct Known {
    /// What `--target` calls it.
    pub name: &'static str,
    /// One line for `list targets`.
    pub summary: &'static str,
    open: fn(Choice) -> Arc<dyn Target>,
}

/// Every target that comes with stormproof.
pub const ALL: &[Known] = &[
    Known {
        name: "bundled",
        summary: "the Raft key-value service that comes with stormproof",
        open: |Choice { bug, .. }| Arc::new(Bundled { bug }),
    },
    Known {
        name: "etcd",
        summary: "etcd 3.4 and later by its JSON gateway; Debian's package etcd-server, or --bin",
        open: |Choice { bin, .. }| Arc::new(Etcd { bin }),
    },
    Known {
        name: "zookeeper",
        summary: "ZooKeeper 3.6 and later by its own protocol; Debian's package zookeeper, or --bin",
        open: |Choice { bin, .. }| Arc::new(ZooKeeper { bin, ..ZooKeeper::default() }),
    },
];

/// Each of them, with nothing chosen.
pub fn all_by_default() -> impl Iterator<Item = Arc<dyn Target>> {
    ALL.iter().map(|known| (known.open)(Choice::default()))
}

/// The target of that name. Whether its programs are there is not looked at.
///
/// # Errors
/// When there is none, or it has nothing to do with what was chosen.
pub fn open(name: &str, choice: Choice) -> Result<Arc<dyn Target>> {
    let Some(known) = ALL.iter().find(|known| known.name == name) else {
        let names: Vec<&str> = ALL.iter().map(|known| known.name).collect();
        return Err(usage(format!("there is no target {name}; there are {}", names.join(", "))));
    };
    let bundled = known.name == "bundled";
    if choice.bug.is_some() && !bundled {
        return Err(usage(format!("bugs are planted in the bundled cluster alone, not in {name}")));
    }
    if choice.bin.is_some() && bundled {
        return Err(usage("the bundled cluster is this program itself; it takes no --bin"));
    }
    Ok((known.open)(choice))
}
