//! The plan of a saved run, as far as judging the run again needs it.

use std::path::Path;

use faults::schedule::{KnownFailure, Schedule};
use results::metrics::Planned;
use results::run_directory::PLAN;
use results::summary::RunInfo;
use serde::Deserialize;

use super::derived::node_names;
use super::known;

/// A `plan.toml` that an earlier run saved, of this version or another one. It is resolved, so that
/// nothing of it is drawn again; what it does not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct SavedPlan {
    target: String,
    bug: Option<String>,
    nodes: usize,
    /// The name of the workload, which may be one of a user's own program.
    pub workload: String,
    faults: Vec<String>,
    time_limit: f64,
    rate: f64,
    concurrency: u32,
    seed: u64,
    known: Vec<KnownFailure>,
    test_known: Vec<String>,
    #[serde(skip)]
    schedule: Schedule,
}

impl SavedPlan {
    /// Reads the plan of the run at `run`; an empty one where there is none that can be read.
    pub fn of(run: &Path) -> SavedPlan {
        let text = std::fs::read_to_string(run.join(PLAN)).unwrap_or_default();
        SavedPlan::from_toml(&text)
    }

    fn from_toml(text: &str) -> SavedPlan {
        let plan: SavedPlan = toml::from_str(text).unwrap_or_default();
        SavedPlan { schedule: toml::from_str(text).unwrap_or_default(), ..plan }
    }

    /// The load and the faults.
    pub fn planned(&self) -> Planned {
        let faults = self.schedule.entries.iter().map(|entry| (entry.id, entry.fault.family()));
        Planned {
            load_seconds: self.time_limit,
            faults: faults.collect(),
            drawn_from: self.faults.iter().filter_map(|name| name.parse().ok()).collect(),
        }
    }

    /// The account of the run `id` below `results`, where it saved none itself.
    pub fn account(&self, id: &str, run: &Path) -> RunInfo {
        let not_recorded = || "not recorded".to_owned();
        let named = |name: &str| if name.is_empty() { not_recorded() } else { name.to_owned() };
        RunInfo {
            id: id.to_owned(),
            started: started(id).unwrap_or_else(not_recorded),
            target: named(&self.target),
            target_version: not_recorded(),
            bug: self.bug.clone(),
            nodes: node_names(self.nodes),
            workload: named(&self.workload),
            faults: self.faults.clone(),
            skipped: Vec::new(),
            known: known::in_run(&self.known, &self.test_known, &self.schedule.entries),
            seed: self.seed,
            time_limit_seconds: self.time_limit,
            stopped_early_seconds: None,
            rate: (self.rate > 0.0).then_some(self.rate),
            concurrency: self.concurrency,
            lab: not_recorded(),
            engines: Default::default(),
            command: format!("stormproof run --plan {}", run.join(PLAN).display()),
            environment: Default::default(),
            machine_ms: None,
        }
    }
}

/// When a run started, by its name: `20261120T191500Z-…`.
fn started(id: &str) -> Option<String> {
    let (time, _) = id.split_once('-')?;
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    (digits(date, 8) && digits(clock, 6)).then(|| {
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let (hour, minute, second) = (&clock[..2], &clock[2..4], &clock[4..]);
        format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")
    })
}

#[cfg(test)]
mod tests {
    use faults::fault::Family;

    use super::*;

    #[test]
    fn the_plan_of_a_run_tells_what_it_was_to_do() {
        let text = "target = \"bundled\"\nnodes = 2\nworkload = \"set\"\ntime_limit = 30.0\n\
                    seed = 7\nnew_key = true\n[[fault]]\nid = 3\nat = 1.0\nlasts = 2.0\n\
                    family = \"kill\"\naim = \"one\"\n";
        let plan = SavedPlan::from_toml(text);
        let planned = plan.planned();
        assert_eq!(planned.load_seconds, 30.0);
        assert_eq!(planned.faults.into_iter().collect::<Vec<_>>(), [(3, Family::Kill)]);
        let info = plan.account("20261120T191500Z-bundled-set-kill-s7", Path::new("runs/a"));
        assert_eq!(info.started, "2026-11-20T19:15:00Z");
        assert_eq!((info.nodes.len(), info.seed, info.workload.as_str()), (2, 7, "set"));
        assert_eq!(info.command, "stormproof run --plan runs/a/plan.toml");
        let nothing = SavedPlan::from_toml("").account("a-run", Path::new("a-run"));
        assert_eq!(
            (nothing.started.as_str(), nothing.target.as_str()),
            ("not recorded", "not recorded")
        );
    }
}
