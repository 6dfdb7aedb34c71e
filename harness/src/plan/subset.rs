//! The flags of a plan as the commands take them: all with a file, or those of the cluster alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{ArgMatches, Args, Command, FromArgMatches};
use results::run_directory::{PLAN, TARGET};

use super::flags::Plan;
use super::values::{Asked, NONE};
use super::written::Written;
use crate::targets::Target;

/// Every flag of a plan, and a file of them.
#[derive(Debug, Clone, Args)]
pub(crate) struct PlanFlags {
    /// Take a plan from a file, such as the plan.toml of an earlier run; flags beside it count more
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    written: Written,
}

impl PlanFlags {
    /// The plan that file and flags ask for.
    ///
    /// # Errors
    /// When a value is impossible or the file cannot be read.
    pub fn resolve(&self) -> Result<Plan> {
        let Some(path) = &self.plan else { return self.written.resolve() };
        let written = self.written.clone().over_file(Written::from_file(path)?);
        written.resolve().with_context(|| self.place(path))
    }

    /// The plan that file and flags ask for over those that a test has of its `own`.
    ///
    /// # Errors
    /// As with [`PlanFlags::resolve`].
    pub fn resolve_for(&self, own: &Written, target: &dyn Target, workload: &str) -> Result<Plan> {
        let Some(path) = &self.plan else {
            return self.written.clone().over(own.clone()).resolve_for(target, workload);
        };
        // A file of an earlier run names both, and they are the test's own.
        let file = Written::from_file_of_a_test(path)?;
        let written = self.written.clone().over_file(file).over(own.clone());
        written.resolve_for(target, workload).with_context(|| self.place(path))
    }

    fn place(&self, path: &Path) -> String {
        match self.written.arguments().join(" ") {
            flags if flags.is_empty() => format!("{} is not a plan", path.display()),
            flags => format!("{} is not a plan with {flags}", path.display()),
        }
    }

    /// Returns true if the command line asks for that by its name, instead of taking all there are.
    pub fn asks_by_name(&self, asked: Asked) -> bool {
        self.written.names(asked)
    }
}

/// Reads the plan of a saved run. The manifest of its target is the one that was saved with it.
///
/// # Errors
/// When there is no such file or it holds no plan.
pub(crate) fn saved(run: &Path) -> Result<Written> {
    let mut written = Written::from_file(&run.join(PLAN))?;
    let manifest = run.join(TARGET);
    if manifest.is_file() {
        written.set("target", &manifest.display().to_string());
    }
    Ok(written)
}

/// The target of a saved run; none if it is one of a user's own program.
///
/// # Errors
/// When the run has no plan that can be read.
pub(crate) fn saved_target(run: &Path) -> Result<Option<Arc<dyn Target>>> {
    let path = run.join(PLAN);
    let own = Written::from_file_of_a_test(&path).is_ok() && Written::from_file(&path).is_err();
    match own && !run.join(TARGET).is_file() {
        true => Ok(None),
        false => saved(run)?.resolve()?.open_target().map(Some),
    }
}

/// The flags that say which cluster there is, for commands that inject no faults.
#[derive(Debug, Clone)]
pub(crate) struct ClusterFlags(Written);

impl ClusterFlags {
    /// The flags of [`Plan`] that it takes. The target stands without its flag.
    const IDS: [&str; 8] =
        ["target", "settings", "bin", "bug", "nodes", "lab", "addresses", "ready_limit"];
    /// The number of nodes where every operation is tried and no fault strikes.
    const NODES: &str = "3";

    /// A plan for such a cluster in which nothing goes wrong.
    ///
    /// # Errors
    /// When a value is impossible.
    pub fn without_faults(&self) -> Result<Plan> {
        let mut written = self.0.clone();
        if written.values("addresses").is_none() {
            written.set_if_absent("nodes", Self::NODES);
        }
        for (id, value) in [("faults", NONE), ("seed", "0"), ("concurrency", "1"), ("rate", "0")] {
            written.set(id, value);
        }
        written.resolve()
    }
}

impl Args for ClusterFlags {
    fn augment_args(command: Command) -> Command {
        let plan = Plan::augment_args(Command::new("plan"));
        let taken = plan.get_arguments().filter(|flag| Self::IDS.contains(&flag.get_id().as_str()));
        let arguments = taken.cloned().map(|flag| {
            let flag = flag.help_heading(None);
            match flag.get_id().as_str() {
                "target" => flag.long(None).index(1).required(true).default_value(None),
                "nodes" => flag.default_value(Self::NODES),
                _ => flag,
            }
        });
        command.args(arguments)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ClusterFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Written::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}
