//! The evidence for the checker besides the history: which versions a target promises, and what
//! its nodes applied.

use std::path::Path;

use anyhow::Result;
use checker::oracle::audit::{Applied, AppliedLog};
use checker::oracle::divergence::Contents;
use checker::oracle::of_history::Records;
use checker::oracle::version::VersionSemantics;
use results::{applied_log, member_contents};

/// The commands that the nodes of a saved run applied, and what they held in the end.
#[derive(Default)]
pub struct Saved {
    logs: Vec<applied_log::AppliedLog>,
    contents: Vec<Contents>,
}

impl Saved {
    /// Nothing is known of a bare history.
    pub fn nothing() -> Saved {
        Saved::default()
    }

    /// Reads what the run at `run` left of it.
    ///
    /// # Errors
    /// When a file cannot be read or understood.
    pub fn read(run: &Path) -> Result<Saved> {
        let contents = member_contents::read_all(run)?;
        Ok(Saved { logs: applied_log::read_all(run)?, contents })
    }

    /// The same for the checker. A service that claims that its versions are log indices means the
    /// indices of these logs.
    pub fn records(&self, versions: Option<VersionSemantics>) -> Records<'_> {
        let logs = self.logs.iter().map(|log| AppliedLog {
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
            versions_are_indices: versions == Some(VersionSemantics::LOG_INDEX),
            contents: &self.contents,
            // No fault that stormproof knows wipes every copy of a store.
            resets: Vec::new(),
        }
    }
}
