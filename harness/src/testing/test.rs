//! One run, described in Rust.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use engines::process_tree::LabContext;
use workloads::Workload;

use super::binary::place;
use crate::cli::run::{MachineFlags, Subject, ToldFlags, carry_out};
use crate::exit::{Exit, of_error, usage};
use crate::plan::{Again, FLAGS, PlanFlags, Written, split};
use crate::printing::err;
use crate::targets::Target;

/// The flags in the environment, which count more than those of the test.
#[derive(Debug, Parser)]
#[command(name = FLAGS, no_binary_name = true)]
struct Flags {
    #[command(flatten)]
    plan: PlanFlags,
    #[command(flatten)]
    machine: MachineFlags,
}

/// A run of stormproof: a target, a workload, and flags of `stormproof run`.
///
/// Everything else has the default that the command has. Flags in the environment variable
/// `STORMPROOF_FLAGS` count more than those of the test: `STORMPROOF_FLAGS="--seed 42" cargo test`.
///
/// ```no_run
/// use std::time::Duration;
/// use stormproof::prelude::*;
/// # use stormproof::targets::Etcd;
///
/// fn main() -> std::process::ExitCode {
///     stormproof::dispatch(); // first of all, before any thread exists
///     Test::new(Etcd::default())
///         .nodes(3)
///         .faults("partition,kill")
///         .time_limit(Duration::from_secs(20))
///         .run()
///         .into()
/// }
/// ```
#[must_use]
pub struct Test {
    target: Arc<dyn Target>,
    workload: Workload,
    own: Written,
    results: Option<PathBuf>,
}

impl Test {
    /// A test of `target` by the workload `register`, for a minute, with every fault that the
    /// target and this machine can have.
    pub fn new(target: impl Target + 'static) -> Test {
        let register = workloads::find("register").expect("the workload of the command line");
        Test {
            target: Arc::new(target),
            workload: *register,
            own: Written::default(),
            results: None,
        }
    }

    /// The operations of the clients: a workload of one's own, or one that [`workload`] finds.
    ///
    /// [`workload`]: crate::prelude::workload
    pub fn workload(mut self, workload: Workload) -> Test {
        self.workload = workload;
        self
    }

    /// The number of nodes.
    pub fn nodes(self, nodes: usize) -> Test {
        self.flag("nodes", nodes)
    }

    /// The families of faults, as `--faults` takes them: `"partition,kill"`, `"all"`, `"none"`.
    pub fn faults(self, families: &str) -> Test {
        self.flag("faults", families)
    }

    /// The roughness of the faults, as `--profile` takes it.
    pub fn profile(self, name: &str) -> Test {
        self.flag("profile", name)
    }

    /// The most nodes that may be down at once: `"2"`, `"minority"` or `"all"`.
    pub fn fault_budget(self, nodes: &str) -> Test {
        self.flag("fault-budget", nodes)
    }

    /// The length of the load.
    pub fn time_limit(self, time: Duration) -> Test {
        self.flag("time-limit", time.as_secs_f64())
    }

    /// Operations a second from all clients together; 0 for as fast as they go.
    pub fn rate(self, rate: f64) -> Test {
        self.flag("rate", rate)
    }

    /// Clients at a time.
    pub fn concurrency(self, clients: usize) -> Test {
        self.flag("concurrency", clients)
    }

    /// Keys in use at a time.
    pub fn keys(self, keys: usize) -> Test {
        self.flag("keys", keys)
    }

    /// The seed of everything random; without it, another one each time.
    pub fn seed(self, seed: u64) -> Test {
        self.flag("seed", seed)
    }

    /// Any other flag of `stormproof run` by its name, such as `flag("start-within", "2s")`. A
    /// value that the flag cannot have ends the run with [`Exit::Usage`].
    ///
    /// # Panics
    /// When there is no such flag.
    #[track_caller]
    pub fn flag(mut self, name: &str, value: impl Display) -> Test {
        self.own.set_long(name, &value.to_string());
        self
    }

    /// The folder of the run directories; without it, `results/runs` of the working directory.
    pub fn results(mut self, folder: impl Into<PathBuf>) -> Test {
        self.results = Some(folder.into());
        self
    }

    /// Carries the run out and returns how it ended. What came of it and errors have been printed
    /// by then. A program carries out one run: in a lab, the controller is the program itself, from
    /// its beginning.
    ///
    /// # Panics
    /// When [`dispatch`](crate::dispatch) was not called first in `main`.
    pub fn run(self) -> Exit {
        self.run_named(place(), None)
    }

    /// The same for one of several tests.
    pub(super) fn run_named(self, place: LabContext, name: Option<&str>) -> Exit {
        self.carry_out(place, name).unwrap_or_else(|error| {
            err!("stormproof: {error:#}");
            of_error(&error)
        })
    }

    fn carry_out(self, place: LabContext, name: Option<&str>) -> Result<Exit> {
        let Test { target, workload, own, results } = self;
        let more = split(&std::env::var(FLAGS).unwrap_or_default());
        let flags = Flags::try_parse_from(more)
            .map_err(|error| usage(format!("{FLAGS}: {}", error.to_string().trim_end())))?;
        let plan = flags.plan.resolve_for(&own, &*target, workload.name)?;
        let by_name = |asked| flags.plan.asks_by_name(asked) || own.names(asked);
        let again = Again::Test {
            program: std::env::current_exe()?.display().to_string(),
            test: name.map(str::to_owned),
            own: own.clone(),
            target: target.clone(),
            workload: workload.name.to_owned(),
        };
        let machine = MachineFlags { results: flags.machine.results.or(results) };
        carry_out(
            place,
            plan,
            Subject { target, workload },
            by_name,
            machine,
            ToldFlags::default(),
            again,
        )
    }
}
