//! The lengths of the nodes' logs over time, so that every line has a time on the controller's clock:
//! a node's own may be wrong, and many logs have no times.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use results::event::NodeChange;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::recorder::Recorder;
use crate::targets::Member;

/// Between two looks: a log that is looked at is as exact as the eye needs it.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks at the logs of every member until the value that is returned is dropped, and records how
/// they grow.
pub fn watch(members: &[Member], recorder: &Arc<Recorder>) -> JoinSet<()> {
    let (members, recorder) = (members.to_vec(), recorder.clone());
    let mut watching = JoinSet::new();
    watching.spawn(async move {
        let mut lengths: BTreeMap<(usize, String), u64> = BTreeMap::new();
        loop {
            for (position, member) in members.iter().enumerate() {
                for (file, bytes) in logs(&member.folder) {
                    let known = lengths.entry((position, file.clone())).or_default();
                    if *known != bytes {
                        *known = bytes;
                        recorder.node(&member.name, NodeChange::Logged { file, bytes });
                    }
                }
            }
            sleep(PAUSE).await;
        }
    });
    watching
}

/// The logs in the folder of a member, with their lengths; none while it cannot be read.
pub(super) fn logs(folder: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let log = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let bytes = name.ends_with(".log").then(|| entry.metadata().ok()).flatten()?.len();
        Some((name, bytes))
    };
    let mut logs: Vec<_> = entries.filter_map(log).collect();
    logs.sort();
    logs
}
