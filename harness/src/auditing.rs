//! What is handed to the checker besides the history: which versions a target promises, and what
//! its nodes applied.

use std::path::Path;

use anyhow::Result;
use checker::oracle::audit::{Applied, AppliedLog};
use checker::oracle::of_history::Records;
use checker::oracle::version::Claims;
use results::applied_log;

/// What the nodes of a saved run applied.
pub struct Saved(Vec<applied_log::AppliedLog>);

impl Saved {
    /// Of a bare history nobody knows.
    pub fn nothing() -> Saved {
        Saved(Vec::new())
    }

    /// Reads what the run at `run` left of it.
    ///
    /// # Errors
    /// When a file cannot be read or understood.
    pub fn read(run: &Path) -> Result<Saved> {
        applied_log::read_all(run).map(Saved)
    }

    /// The same for the checker. A service that claims that its versions are log indices means the
    /// indices of these logs.
    pub fn records(&self, versions: Option<Claims>) -> Records<'_> {
        let logs = self.0.iter().map(|log| AppliedLog {
            node: &log.node,
            from: log.from,
            through: log.through,
            entries: log
                .entries
                .iter()
                .map(|entry| Applied {
                    index: entry.index,
                    token: &entry.token,
                    took_effect: entry.applied,
                })
                .collect(),
            as_of: None,
        });
        Records {
            logs: logs.collect(),
            versions_are_indices: versions == Some(Claims::LOG_INDEX),
            // No fault that stormproof knows wipes every copy of a store.
            resets: Vec::new(),
        }
    }
}
