//! The evidence for the checker besides the history: which versions a target promises, and what
//! its nodes applied.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use anyhow::Result;
use checker::history::{HistoryError, Operations};
use checker::oracle::audit::{Applied, AppliedLog, Entries};
use checker::oracle::divergence::Contents;
use checker::oracle::of_history::Records;
use checker::oracle::version::VersionSemantics;
use checker::verdict::Analysis;
use checker::{Options, Progress};
use results::applied_log::{self, SavedAppliedLog};
use results::member_contents;

/// The commands that the nodes of a saved run applied, and what they held in the end.
#[derive(Default)]
pub struct Saved {
    logs: Vec<SavedAppliedLog>,
    contents: Vec<Contents>,
}

impl Saved {
    /// Nothing is known of a bare history.
    pub fn nothing() -> Saved {
        Saved::default()
    }

    /// Finds what the run at `run` left of it. Logs are read when they are held against a history.
    ///
    /// # Errors
    /// When a file cannot be read or understood.
    pub fn read(run: &Path) -> Result<Saved> {
        let contents = member_contents::read_all(run)?;
        Ok(Saved { logs: applied_log::open_all(run)?, contents })
    }

    /// Judges a history and holds all of this against it. A service that claims that its versions
    /// are log indices means the indices of these logs.
    ///
    /// # Errors
    /// When a log cannot be read or understood; and within, when the history cannot be judged.
    pub fn check(
        &self,
        operations: &Operations,
        options: &Options,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Result<Analysis, HistoryError>> {
        let failure = RefCell::new(None);
        let logs = self.logs.iter().map(|log| AppliedLog {
            node: &log.node,
            from: log.from,
            through: log.through,
            entries: Rc::new(FromDisk { log, failure: &failure }),
            as_of: None,
        });
        let records = Records {
            logs: logs.collect(),
            versions_are_indices: options.versions == Some(VersionSemantics::LOG_INDEX),
            contents: &self.contents,
            // No fault that stormproof knows wipes every copy of a store.
            resets: Vec::new(),
        };
        let analysis = checker::check_with_records(operations, options, &records, progress);
        drop(records);
        // A verdict by half of a log would be none.
        failure.into_inner().map_or(Ok(analysis), Err)
    }
}

/// The entries of a log, read anew from its file: those of five nodes take more room than the
/// history.
#[derive(Debug)]
struct FromDisk<'a> {
    log: &'a SavedAppliedLog,
    /// The first error of any log.
    failure: &'a RefCell<Option<anyhow::Error>>,
}

impl Entries for FromDisk<'_> {
    fn each(&self, show: &mut dyn FnMut(Applied<'_>)) {
        let read = self.log.each(|entry| {
            show(Applied { index: entry.index, token: &entry.token, took_effect: entry.applied });
        });
        if let Err(error) = read {
            self.failure.borrow_mut().get_or_insert(error);
        }
    }
}
