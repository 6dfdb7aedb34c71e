//! `ledger.jsonl`: everything that a night came to know, a line each.

use faults::coverage::Coverage;
use serde::{Deserialize, Serialize};

use super::figures::RunFigures;
use super::form::{NightRun, Remark, Shrunk};

/// A line of a ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "line")]
pub enum Entry {
    /// A run ended.
    Run {
        /// The run.
        #[serde(flatten)]
        run: Box<NightRun>,
        /// The situations that its faults reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reached: Option<Coverage>,
        /// The figures by which nights are compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        figures: Option<RunFigures>,
        /// The seconds of the night by then, without the time between an interruption and going on.
        at: f64,
        /// When that was, in seconds since 1970, by the clock of this machine.
        clock: u64,
    },
    /// A repeat of a run ended.
    Repeat {
        /// The number of the run.
        of: u64,
        /// The number of the repeat, from 0.
        number: u64,
        /// True if it failed like the run; none if it counts neither way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<bool>,
        /// The seconds that it took.
        seconds: f64,
        /// The seconds of the night by then.
        at: f64,
    },
    /// The plan of a run was shrunk, or its time for that was over.
    Shrunk {
        /// The number of the run.
        of: u64,
        /// The smaller plan; none if no smaller one is known to fail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Shrunk>,
        /// The seconds that it took.
        seconds: f64,
        /// The seconds of the night by then.
        at: f64,
    },
    /// Something that a reader should know.
    Remark {
        /// The remark.
        #[serde(flatten)]
        remark: Remark,
    },
    /// The night ended, or was interrupted.
    End {
        /// True if it ended and does not go on.
        whole: bool,
        /// The reason.
        why: String,
        /// The seconds of the night by then.
        at: f64,
    },
}

/// The ledger of a night.
pub type Ledger = crate::ledger::Ledger<Entry>;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("stormproof-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    fn repeat(number: u64) -> Entry {
        Entry::Repeat { of: 3, number, failed: Some(true), seconds: 1.5, at: 9.0 }
    }

    #[test]
    fn half_a_line_is_cut_off_and_no_other_process_writes() {
        let path = scratch("night-ledger");
        let (mut ledger, before) = Ledger::open(&path).expect("a scratch file can be made");
        assert_eq!(before, []);
        assert!(Ledger::is_open(&path));
        let error = Ledger::open(&path).expect_err("it is locked");
        assert!(error.to_string().contains("in another process"), "{error}");
        ledger.add(&repeat(0)).expect("it can be written");
        ledger.add(&repeat(1)).expect("it can be written");
        drop(ledger);
        assert!(!Ledger::is_open(&path));
        let text = std::fs::read_to_string(&path).expect("it can be read");
        assert!(text.starts_with(
            "{\"line\":\"repeat\",\"of\":3,\"number\":0,\"failed\":true,\"seconds\":1.5,\"at\":9.0}\n"
        ));
        std::fs::write(&path, &text[..text.len() - 9]).expect("it can be cut");
        assert_eq!(Ledger::read(&path).expect("it can be read"), [repeat(0)]);
        let (mut ledger, lines) = Ledger::open(&path).expect("half a line is no failure");
        assert_eq!(lines, [repeat(0)]);
        ledger.add(&repeat(1)).expect("it can be written");
        assert_eq!(std::fs::read_to_string(&path).expect("it can be read"), text);
        std::fs::remove_file(&path).expect("it can be removed");
    }

    #[test]
    fn what_is_no_line_is_an_error_with_its_place() {
        let path = scratch("no-ledger");
        std::fs::write(&path, "{\"line\":\"end\",\"whole\":true,\"why\":\"all\",\"at\":1}\n{}\n")
            .expect("it can be written");
        let error = format!("{:#}", Ledger::read(&path).expect_err("the second line is none"));
        assert!(error.contains("line 2, is none of a ledger"), "{error}");
        std::fs::remove_file(&path).expect("it can be removed");
    }
}
