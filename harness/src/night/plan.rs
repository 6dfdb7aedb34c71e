//! The plan of a night, as a person writes it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use results::night::Kept;
use serde::Deserialize;
use toml::{Table, Value};

use super::plan_file::with_plans;
use crate::exit::bad_input;
use crate::plan::{Plan, Written};

/// The plan of a plain `stormproof nightly`.
pub(crate) const SHIPPED: &str = include_str!("../../examples/nights/bundled.toml");

/// The budget of a night that names neither a time nor a number of runs.
const BUDGET: Duration = Duration::from_secs(8 * 3600);

/// The room on the disk that nights take at most, unless their plan says another.
const DISK: u64 = 20_000_000_000;

/// The repeats of a first failure, unless the plan says another number: with so many, one that shows
/// itself in half of the runs is hardly ever taken for one that does not come again.
const REPEATS: u64 = 5;

/// The share of the budget for repeats and shrinking, unless the plan says another.
const SHARE: f64 = 0.2;

/// The plan of a night.
#[derive(Debug, Clone)]
pub(crate) struct NightPlan {
    /// Its name. Nights of one name learn from each other.
    pub name: String,
    /// The time of the night; none if only the number of runs ends it.
    pub budget: Option<Duration>,
    /// The most runs; none if only the time ends it.
    pub runs: Option<u64>,
    /// The runs at a time; none if the machine decides.
    pub jobs: Option<usize>,
    /// Seeds that every cell has a run of, every night, before all others.
    pub seeds: Vec<u64>,
    /// The cells of its matrix.
    pub cells: Vec<CellPlan>,
    /// The repeats of a first failure.
    pub repeats: u64,
    /// The share of the budget for repeats and shrinking.
    pub share: f64,
    /// The room on the disk that nights take at most, in bytes.
    pub disk: u64,
    /// The part of a run that is kept if it passed.
    pub passes: Kept,
    /// The file, with the plans in it that it names.
    pub text: String,
}

/// A cell of the matrix: everything of a run but its seed.
#[derive(Debug, Clone)]
pub(crate) struct CellPlan {
    /// The name of the target in this plan.
    pub target: String,
    /// The workload.
    pub workload: String,
    /// The profile; of faults that are spelled out, their name.
    pub profile: String,
    /// Its share of the runs compared with the others.
    pub weight: f64,
    /// True if its faults are drawn by the profile, and false if they are spelled out.
    is_drawn: bool,
    written: Written,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    budget: Option<String>,
    runs: Option<u64>,
    jobs: Option<usize>,
    #[serde(default)]
    seeds: Vec<u64>,
    workloads: Option<Vec<String>>,
    profiles: Option<Vec<String>>,
    #[serde(default)]
    run: Table,
    target: Option<Vec<OfTarget>>,
    #[serde(default)]
    after_failure: AfterFailure,
    #[serde(default)]
    keep: Keep,
}

/// A target of the file: beside these, every key of a plan.
#[derive(Deserialize)]
struct OfTarget {
    name: Option<String>,
    versions: Option<Vec<String>>,
    weight: Option<f64>,
    workloads: Option<Vec<String>>,
    profiles: Option<Vec<String>>,
    #[serde(flatten)]
    flags: Table,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AfterFailure {
    repeats: Option<u64>,
    share: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keep {
    disk: Option<String>,
    passes: Option<Kept>,
}

impl NightPlan {
    /// Reads the plan at `path`; its name, unless it says one, is that of the file.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn read(path: &Path) -> Result<NightPlan> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| bad_input(format!("cannot read {}: {error}", path.display())))?;
        let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into());
        with_plans(&text)
            .and_then(|text| NightPlan::parse(&text, &name))
            .map_err(|error| bad_input(format!("{}: {error:#}", path.display())))
    }

    /// The plan in a text.
    ///
    /// # Errors
    /// When it is none: not TOML, a key or a name that there is not, a matrix without a cell.
    pub fn parse(text: &str, name: &str) -> Result<NightPlan> {
        let file: File = toml::from_str(text).map_err(|error| bad_input(error.to_string()))?;
        let name = file.name.unwrap_or_else(|| name.to_owned());
        let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
        if name.is_empty() || !name.chars().all(plain) || name.starts_with('.') || name.len() > 40 {
            return Err(bad_input(format!(
                "the name {name:?} cannot be that of a folder: letters, digits, '-', '_' and '.', \
                 at most 40"
            )));
        }
        let budget = file.budget.as_deref().map(time).transpose()?;
        let budget = budget.or(file.runs.is_none().then_some(BUDGET));
        if file.runs == Some(0) {
            return Err(bad_input("runs = 0: a night has at least one"));
        }
        if file.jobs.is_some_and(|jobs| jobs == 0 || jobs > 256) {
            return Err(bad_input("jobs is 1 to 256"));
        }
        let share = file.after_failure.share.unwrap_or(SHARE);
        if !(0.0..=0.9).contains(&share) {
            return Err(bad_input("after_failure.share is 0 to 0.9"));
        }
        let disk = file.keep.disk.as_deref().map(bytes).transpose()?.unwrap_or(DISK);
        let passes = file.keep.passes.unwrap_or(Kept::Page);
        let base = Written::from_table(&file.run)?;
        let workloads = file.workloads.unwrap_or_else(|| vec!["register".to_owned()]);
        let profiles = file.profiles.unwrap_or_else(|| vec!["nightly".to_owned()]);
        let targets = file.target.unwrap_or_else(|| vec![OfTarget::bundled()]);
        let mut cells = Vec::new();
        for target in targets {
            cells.extend(target.cells(&base, &workloads, &profiles)?);
        }
        if cells.is_empty() {
            return Err(bad_input(
                "the matrix is empty: there is no target, no workload or no profile",
            ));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = cells.iter().find(|cell| !names.insert(cell.name())) {
            return Err(bad_input(format!("{} stands there twice", twice.name())));
        }
        let repeats = file.after_failure.repeats.unwrap_or(REPEATS);
        Ok(NightPlan {
            name,
            budget,
            runs: file.runs,
            jobs: file.jobs,
            seeds: file.seeds,
            cells,
            repeats,
            share,
            disk,
            passes,
            text: text.to_owned(),
        })
    }

    /// Tries every cell, so that a name that there is not is said before the night begins.
    ///
    /// # Errors
    /// When a cell makes no plan, or its target does not offer its workload.
    pub fn check(&self) -> Result<()> {
        for cell in &self.cells {
            let place = |error: anyhow::Error| bad_input(format!("{}: {error:#}", cell.name()));
            let plan = cell.plan(1).map_err(place)?;
            let target = plan.open_target().map_err(place)?;
            let workload = plan.workload().map_err(place)?;
            if workloads::offered(workload, |f| target.offers(workload.model, f)).is_none() {
                return Err(bad_input(format!(
                    "{}: the target lacks operations of the workload",
                    cell.name()
                )));
            }
        }
        Ok(())
    }
}

impl OfTarget {
    fn bundled() -> OfTarget {
        let flags = Table::new();
        OfTarget {
            name: None,
            versions: None,
            weight: None,
            workloads: None,
            profiles: None,
            flags,
        }
    }

    fn cells(
        self,
        base: &Written,
        workloads: &[String],
        profiles: &[String],
    ) -> Result<Vec<CellPlan>> {
        let weight = self.weight.unwrap_or(1.0);
        if !(0.001..=1000.0).contains(&weight) {
            return Err(bad_input("a weight is 0.001 to 1000"));
        }
        for key in ["workload", "profile", "seed"] {
            if self.flags.contains_key(key) {
                return Err(bad_input(format!(
                    "a night has many of them: write {key}s instead of {key}"
                )));
            }
        }
        let is_drawn = !self.flags.contains_key("fault");
        let workloads = self.workloads.as_deref().unwrap_or(workloads);
        let spelled_out = [SPELLED_OUT.to_owned()];
        let profiles = if is_drawn { profiles } else { &spelled_out };
        let profiles = self.profiles.as_deref().unwrap_or(profiles);
        if !is_drawn && profiles.len() != 1 {
            return Err(bad_input(
                "faults that are spelled out have one name in place of profiles",
            ));
        }
        let versions = match self.versions {
            Some(versions) => versions.into_iter().map(Some).collect(),
            None => vec![None],
        };
        let mut cells = Vec::new();
        for version in versions {
            let mut flags = Value::Table(self.flags.clone());
            if let Some(version) = &version {
                put_version(&mut flags, version);
            }
            let flags = flags.as_table().expect("it is one");
            let service = flags.get("target").and_then(Value::as_str).unwrap_or("bundled");
            let service = Path::new(service).file_stem().unwrap_or_default().to_string_lossy();
            let name = self.name.clone().unwrap_or_else(|| service.into_owned());
            let target = match &version {
                Some(version) if name.contains(VERSION) => name.replace(VERSION, version),
                Some(version) => format!("{name}-{version}"),
                None => name,
            };
            let written = Written::from_table(flags)?.with_faults(flags)?.over(base.clone());
            for workload in workloads {
                for profile in profiles {
                    let (target, workload) = (target.clone(), workload.clone());
                    let (profile, written) = (profile.clone(), written.clone());
                    cells.push(CellPlan { target, workload, profile, weight, is_drawn, written });
                }
            }
        }
        Ok(cells)
    }
}

/// The name of faults that are spelled out without one.
const SPELLED_OUT: &str = "spelled-out";

/// Stands for the version in the keys of a target.
const VERSION: &str = "{version}";

fn put_version(value: &mut Value, version: &str) {
    match value {
        Value::String(text) => *text = text.replace(VERSION, version),
        Value::Array(values) => values.iter_mut().for_each(|value| put_version(value, version)),
        Value::Table(table) => {
            table.iter_mut().for_each(|(_, value)| put_version(value, version));
        }
        _ => {}
    }
}

impl CellPlan {
    /// Its name, as [`Cell::name`](results::night::Cell::name) has it.
    pub fn name(&self) -> String {
        let CellPlan { target, workload, profile, .. } = self;
        format!("{target} · {workload} · {profile}")
    }

    /// The plan of its run of this seed.
    ///
    /// # Errors
    /// When its values contradict each other, or one is none.
    pub fn plan(&self, seed: u64) -> Result<Plan> {
        let mut own = Written::default();
        own.set("workload", &self.workload);
        if self.is_drawn {
            own.set("profile", &self.profile);
        }
        own.set("seed", &seed.to_string());
        own.over(self.written.clone()).resolve()
    }
}

/// A time in words.
fn time(text: &str) -> Result<Duration> {
    humantime::parse_duration(text).map_err(|error| bad_input(format!("budget {text:?}: {error}")))
}

/// The units of sizes, the longer name first.
const UNITS: [(&str, u64); 5] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

/// A size in words: `20 GB`, `500MB`.
pub(crate) fn bytes(text: &str) -> Result<u64> {
    let bad = || bad_input(format!("{text:?} is no size, such as 20 GB or 500 MB"));
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))
        .ok_or_else(bad)?;
    let number: f64 = number.trim().parse().map_err(|_| bad())?;
    match (0.0..=1e6).contains(&number) {
        true => Ok((number * unit as f64) as u64),
        false => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, says: &str) {
        let plan = NightPlan::parse(text, "test").and_then(|plan| plan.check());
        let error = format!("{:#}", plan.expect_err("it is no plan"));
        assert!(error.contains(says), "no {says:?} in: {error}");
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        refused("wrokloads = []", "unknown field `wrokloads`");
        refused("workloads = []", "the matrix is empty");
        refused("target = []", "the matrix is empty");
        refused("workloads = [\"regitser\"]", "register");
        refused("profiles = [\"rough\"]", "rough");
        refused("[[target]]\ntarget = \"etdc\"", "etcd");
        refused("[[target]]\nflavour = \"mild\"", "there is no flavour in a plan");
        refused("[[target]]\nworkload = \"set\"", "write workloads instead of workload");
        refused("[[target]]\n[[target]]", "bundled · register · nightly stands there twice");
        refused("budget = \"a while\"", "budget \"a while\"");
        refused("runs = 0", "at least one");
        refused("[keep]\ndisk = \"much\"", "\"much\" is no size");
        refused("name = \"a/b\"", "cannot be that of a folder");
        refused("[run]\ntime_limit = \"-3s\"", "bundled · register · nightly: ");
    }

    #[test]
    fn a_matrix_is_targets_by_versions_by_workloads_by_profiles() {
        let plan = NightPlan::parse(
            "workloads = [\"register\", \"set\"]\nprofiles = [\"gentle\", \"power\"]\n\
             [run]\ntime_limit = \"5s\"\nnodes = 3\n\
             [[target]]\nbug = \"stale-read\"\nname = \"stale\"\nworkloads = [\"register\"]\n\
             [[target]]\ntarget = \"etcd\"\nversions = [\"3.4.23\", \"3.5.1\"]\n\
             bin = \"bin/etcd-{version}\"\nprofiles = [\"nightly\"]\nnodes = 5\n",
            "test",
        );
        let plan = plan.expect("it is a plan");
        let names: Vec<String> = plan.cells.iter().map(CellPlan::name).collect();
        assert_eq!(
            names,
            [
                "stale · register · gentle",
                "stale · register · power",
                "etcd-3.4.23 · register · nightly",
                "etcd-3.4.23 · set · nightly",
                "etcd-3.5.1 · register · nightly",
                "etcd-3.5.1 · set · nightly",
            ]
        );
        let stale = plan.cells[1].plan(7).expect("it is possible");
        assert_eq!((stale.seed, stale.nodes, stale.time_limit), (7, 3, 5.0));
        assert_eq!(stale.bug.as_deref(), Some("stale-read"));
        let etcd = plan.cells[5].plan(8).expect("it is possible");
        assert_eq!((etcd.nodes, etcd.workload.as_str()), (5, "set"));
        assert_eq!(etcd.bin.as_deref(), Some(Path::new("bin/etcd-3.5.1")));
    }

    #[test]
    fn the_plan_that_ships_makes_sense() {
        let plan = NightPlan::parse(SHIPPED, "bundled").expect("it is a plan");
        plan.check().expect("every cell is possible");
        assert_eq!((plan.name.as_str(), plan.budget), ("bundled", Some(BUDGET)));
        assert!(plan.cells.len() >= 8);
    }

    #[test]
    fn the_examples_make_sense() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nights");
        let mut checked = 0;
        for entry in std::fs::read_dir(folder).expect("there are examples") {
            let path = entry.expect("it can be read").path();
            let is_nats = path.ends_with("nats.toml");
            if path.extension().is_none_or(|end| end != "toml")
                || is_nats && !cfg!(feature = "nats")
            {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("it can be read");
            // Paths are those of who stands in the repository's own folder.
            let text = text.replace("\"harness/", concat!("\"", env!("CARGO_MANIFEST_DIR"), "/"));
            let plan = NightPlan::parse(&text, "example").and_then(|plan| plan.check());
            plan.unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
            checked += 1;
        }
        assert!(checked >= 3, "only {checked} plans were found");
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, expect) in [("20 GB", 20_000_000_000), ("1.5MB", 1_500_000), ("7B", 7)] {
            assert_eq!(bytes(text).expect("it is a size"), expect);
        }
        for text in ["20", "GB", "-1 GB", "1 GiB", "nan MB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
