//! A run: setup, health, load with faults, recovery, convergence, final reads, verdict, report.

pub(crate) mod cluster;
mod conclude;
pub mod converge;
mod environment;
mod excuses;
mod interrupt;
pub mod judge;
pub mod live;
pub mod load;
pub mod operation;
pub mod recorder;
pub mod storm;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use checker::verdict::Verdict;
use nemeses::host::LocalHost;
use nemeses::nemesis::Nemesis;
use results::event::Phase;
use results::run_directory::RunDirectory;
use results::summary::{Liveness, RunInfo, Summary};
use tokio::sync::watch;
use workloads::{Generator, GeneratorOptions, Load, Workload};

use self::cluster::Cluster;
use self::live::{Live, Snapshot};
use self::load::Clients;
use self::recorder::Recorder;
use self::storm::Storm;
use crate::lab::{Engines, LabInUse};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::target::Target;

/// How long a fresh cluster may take to agree on a leader: generous, for a machine that is busy
/// with other things; a healthy one takes a second.
const HEALTHY_LIMIT: Duration = Duration::from_secs(30);

/// What a run is made from.
pub struct Setup {
    /// What to do.
    pub plan: Plan,
    /// The service to do it to.
    pub target: Arc<dyn Target>,
    /// Where the nodes live.
    pub lab: LabInUse,
    /// What does the faults of each family.
    pub engines: Engines,
    /// Where run directories go.
    pub results: PathBuf,
}

/// What a run came to.
pub struct Ended {
    /// The verdict with all that belongs to it.
    pub summary: Summary,
    /// The run directory.
    pub path: PathBuf,
    /// How many operations and faults came to what.
    pub counts: Snapshot,
    /// What went wrong with the harness itself, if anything did. The verdict is then about what
    /// was recorded before.
    pub failure: Option<anyhow::Error>,
}

/// Carries out a plan from an empty directory to a report.
///
/// # Errors
/// When the lab or the nodes cannot be started: then there is nothing to judge. The message holds
/// the last lines of the log of a node that died. What was recorded stays in the run directory.
pub async fn execute(setup: Setup) -> Result<Ended> {
    let started = SystemTime::now();
    let plan = &setup.plan;
    let directory = RunDirectory::create(&setup.results, &run_id(plan, started))?;
    directory.save_plan(&plan.to_toml()?)?;
    let live = Live::default();
    let progress = Progress::start(live.clone(), plan.load());
    let listeners = vec![live.listener(), progress.listener()];
    let recorder = Arc::new(Recorder::new(directory, listeners));

    let set_up =
        Run::set_up(plan.clone(), setup.target.clone(), &setup.lab, recorder.clone(), live.clone())
            .await;
    let ended = match set_up {
        Ok(run) => {
            let id = recorder.with_directory(|directory| directory.id().to_owned());
            let info = information(&setup, id, started);
            let cluster = run.cluster.clone();
            let tested = run.test().await;
            conclude::conclude(plan, info, tested, &cluster, &recorder, &live).and_then(|ended| {
                // What the nodes stored is of use only to somebody who looks for a fault.
                if ended.failure.is_none() && ended.summary.verdict == Verdict::Valid {
                    cluster.remove_data()?;
                }
                Ok(ended)
            })
        }
        Err(error) => Err(error),
    };
    progress.finish();
    ended.with_context(|| {
        let path = recorder.with_directory(|directory| directory.path().to_owned());
        format!("the run ended without a verdict; what there is of it is in {}", path.display())
    })
}

/// A run whose lab stands and whose cluster serves.
struct Run {
    plan: Plan,
    recorder: Arc<Recorder>,
    clients: Arc<Clients>,
    cluster: Arc<Cluster>,
    storm: Arc<Mutex<Storm<LocalHost>>>,
    stop: watch::Receiver<bool>,
}

impl Run {
    async fn set_up(
        plan: Plan,
        target: Arc<dyn Target>,
        lab: &LabInUse,
        recorder: Arc<Recorder>,
        live: Live,
    ) -> Result<Run> {
        recorder.phase(Phase::Setup)?;
        recorder.note(plan.to_string());
        recorder.note(plan.clients.to_string());
        recorder.note(format!("lab {}: {}", lab.name(), lab.reason));
        if let Some(engine) = lab.partition_engine {
            recorder.note(format!("partitions by {engine}: {}", lab.engine_reason));
        }
        let say = recorder.clone();
        let stop = interrupt::watch_for_interrupts(move |text| say.note(text))?;

        let (cluster, host) = Cluster::build(&plan, target.clone(), lab, &recorder)?;
        let cluster = Arc::new(cluster);
        let nodes = plan.node_names();
        let run_id = token_prefix();
        let client = target.client(&cluster.members, &run_id, plan.workload()?.model)?;
        let clients = Clients::new(
            recorder.clone(),
            client,
            nodes.clone(),
            plan.seed,
            run_id,
            plan.client_plan(),
        );
        let clients = Arc::new(clients);
        let nemesis = Nemesis::new(host).within(plan.most_down());
        let storm = Storm::new(nemesis, recorder.clone(), live, cluster.excuses.clone(), nodes);
        let storm = Arc::new(Mutex::new(storm));
        let starts = plan.starts();
        blocking(&storm, move |storm| storm.start(&starts)).await?;

        recorder.phase(Phase::Healthy)?;
        let everybody: Vec<usize> = (0..plan.nodes).collect();
        tokio::select! {
            leader = converge::agree_on_leader(&clients, &everybody, HEALTHY_LIMIT) => match leader {
                Some(leader) => recorder.note(format!("{leader} leads {} nodes", plan.nodes)),
                None => bail!(cluster.never_healthy(HEALTHY_LIMIT)),
            },
            exit = cluster.unexpected_exit() => bail!(exit.describe()),
        }
        Ok(Run { plan, recorder, clients, cluster, storm, stop })
    }

    /// Load with faults, recovery, convergence, final reads. What the nodes stored is saved, however
    /// it ends.
    async fn test(self) -> Result<Liveness> {
        let tested = self.carry_out().await;
        let cluster = self.cluster.clone();
        let saved = blocking(&self.storm, move |storm| cluster.save_disks(storm.host())).await;
        let liveness = tested?;
        saved?;
        Ok(liveness)
    }

    async fn carry_out(&self) -> Result<Liveness> {
        let workload = self.plan.workload()?;
        let mut load = self.generator(workload);

        self.recorder.phase(Phase::Load)?;
        let begin = self.recorder.elapsed();
        let (storm_goes_on, storm_stops) = mpsc::channel();
        let schedule = self.plan.schedule.clone();
        let storm = self.storm.clone();
        let blow = async move {
            blocking(&storm, move |storm| storm.blow(&schedule, begin, &storm_stops)).await
        };
        let blowing = tokio::spawn(blow);
        let driven = self.drive(&mut *load).await;
        drop(storm_goes_on);
        let blown = blowing.await.context("the thread of the faults panicked")?;

        // Undo first, complain afterwards.
        let undone = self.recorder.phase(Phase::Recover);
        let damaged = blocking(&self.storm, |storm| {
            storm.recover()?;
            Ok(storm.damaged().clone())
        });
        let damaged = damaged.await?;
        driven.and(blown).and(undone)?;

        self.recorder.phase(Phase::Converge)?;
        let limit = Duration::from_secs_f64(self.plan.recovery_limit);
        let mut liveness =
            converge::converge(&self.clients, workload.probe, &damaged, limit).await?;
        if let Some(exit) = self.cluster.first_unexpected_exit() {
            liveness.verdict = Verdict::Invalid;
            liveness.sentence = exit.describe();
        }

        self.recorder.phase(Phase::FinalReads)?;
        let mut last_look = load.final_phase();
        load::drive(self.clients.clone(), &mut *last_look, std::future::pending()).await?;
        self.cluster.save_applied(&damaged, &self.recorder).await?;
        Ok(liveness)
    }

    fn generator(&self, workload: &Workload) -> Box<dyn Load> {
        let options = GeneratorOptions {
            seed: self.plan.seed,
            hot_keys: self.plan.keys,
            values: self.plan.clients.values,
        };
        (workload.generator)(&options)
    }

    /// The load at the plan's rate, until its time is over or somebody interrupts.
    async fn drive(&self, load: &mut dyn Load) -> Result<()> {
        let mut stop = self.stop.clone();
        let stopped = async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                // Nobody is left who could interrupt.
                std::future::pending().await
            }
        };
        let mut generator = if self.plan.rate > 0.0 {
            let interval = Duration::from_secs_f64(1.0 / self.plan.rate);
            load.stagger(interval, self.plan.seed).time_limit(self.plan.load()).boxed()
        } else {
            load.time_limit(self.plan.load()).boxed()
        };
        load::drive(self.clients.clone(), &mut *generator, stopped).await
    }
}

/// Does something slow to the storm outside of the asynchronous threads.
async fn blocking<T: Send + 'static>(
    storm: &Arc<Mutex<Storm<LocalHost>>>,
    act: impl FnOnce(&mut Storm<LocalHost>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let storm = storm.clone();
    let acting = tokio::task::spawn_blocking(move || {
        // One that panicked with it in hand left what is on noted, so that it can be undone.
        act(&mut storm.lock().unwrap_or_else(PoisonError::into_inner))
    });
    acting.await.context("the thread of the faults panicked")?
}

/// What the report says of the run before anything came of it.
fn information(setup: &Setup, id: String, started: SystemTime) -> RunInfo {
    let Setup { plan, target, lab, engines, .. } = setup;
    RunInfo {
        started: humantime::format_rfc3339_seconds(started).to_string(),
        target: target.name().into(),
        target_version: target.version(),
        bug: plan.bug.clone(),
        nodes: plan.node_names(),
        workload: plan.workload.clone(),
        faults: plan.faults.iter().map(|family| family.name().into()).collect(),
        skipped: engines.lacking.clone(),
        seed: plan.seed,
        time_limit_seconds: plan.time_limit,
        rate: (plan.rate > 0.0).then_some(plan.rate),
        concurrency: plan.concurrency as u32,
        lab: format!("{}: {}", lab.name(), lab.reason),
        engines: engines.found.clone(),
        command: plan.command(&setup.results, &id),
        environment: environment::describe(),
        id,
    }
}

/// `20261120T191500Z-bundled-register-partition+kill-s42`.
fn run_id(plan: &Plan, started: SystemTime) -> String {
    let time = humantime::format_rfc3339_seconds(started).to_string().replace(['-', ':'], "");
    let faults = plan.fault_names("+");
    format!("{time}-{}-{}-{faults}-s{}", plan.target, plan.workload, plan.seed)
}

/// What begins every token and every key of this run on the wire, so that an earlier run on the
/// same cluster is never mistaken for this one.
fn token_prefix() -> String {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("r{:x}", time.as_millis())
}
