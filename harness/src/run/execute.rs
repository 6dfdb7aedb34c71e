//! One run: setup, health, load with faults, recovery, convergence, final reads, verdict, report.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use checker::verdict::Verdict;
use engines::LocalHost;
use engines::order::Gatekeeper;
use faults::host::Host as _;
use faults::nemesis::Nemesis;
use results::event::{Mark, Phase};
use results::run_directory::RunDirectory;
use results::summary::{Account, Degree, EarlyEnd, Liveness, RunInfo, Summary};
use results::verdict_text::Saved;
use results::words::known_before;
use tokio::sync::watch;
use tokio::task::JoinSet;
use workloads::{Generator, GeneratorOptions, Load, Workload};

use super::cluster::Cluster;
use super::converge::ControlProbe;
use super::live::{Live, Snapshot};
use super::load::Clients;
use super::nemesis_runner::NemesisRunner;
use super::online_check::VerdictSoFar;
use super::order::{OrderKeeper, recorded_in};
use super::recorder::Recorder;
use super::triggers::{LogTail, Triggers};
use super::{
    conclude, contents, converge, environment, initial, interrupt, judge, liveness, load,
    log_watch, machine_speed, online_check, progress_watch, ready_watch, role_watch,
};

use crate::lab::{Engines, LabInUse};
use crate::plan::{Again, Plan};
use crate::progress::Progress;
use crate::targets::{NodeStatus, Target};

/// The parts that a run is made from.
pub struct Setup {
    /// The plan.
    pub plan: Plan,
    /// The service to do it to.
    pub target: Arc<dyn Target>,
    /// Its version.
    pub version: String,
    /// The workload of its clients.
    pub workload: Workload,
    /// The lab that the nodes live in.
    pub lab: LabInUse,
    /// The engine of each family of faults.
    pub engines: Engines,
    /// The directory that run directories go to.
    pub results: PathBuf,
    /// The way in which the run is started once more.
    pub again: Again,
}

/// The end of a run.
pub struct Ended {
    /// The verdict with all that belongs to it.
    pub summary: Summary,
    /// The counts of operations and faults by outcome.
    pub counts: Snapshot,
    /// The failure of the harness itself, if anything did. The verdict is then about what
    /// was recorded before.
    pub failure: Option<anyhow::Error>,
    /// The files that came of it.
    pub saved: Saved,
}

/// Carries out a plan from an empty directory to a report.
///
/// # Errors
/// When the lab or the nodes cannot be started: then there is nothing to judge. The message holds
/// the last lines of the log of a node that died. What was recorded stays in the run directory.
pub async fn execute(setup: Setup) -> Result<Ended> {
    let started = SystemTime::now();
    let plan = &setup.plan;
    let id = run_id(setup.target.name(), &plan.workload, plan.seed, started);
    let directory = RunDirectory::create(&setup.results, &id)?;
    directory.save_plan(&plan.to_toml()?)?;
    if let Some(manifest) = setup.target.definition() {
        directory.save_target(manifest)?;
    }
    let info = information(&setup, directory.id().to_owned(), started);
    let Workload { model, kinds, .. } = setup.workload;
    directory.save_account(&Account::new(info.clone(), model, kinds))?;
    let live = Live::default();
    let progress = Progress::start(live.clone(), plan.load());
    let (online_check, standing) = online_check::start(setup.workload.model)?;
    let triggers = Triggers::default();
    let listeners = vec![live.listener(), triggers.listener(), progress.listener(), online_check];
    let recorder = Arc::new(Recorder::new(directory, listeners));

    let order = order_keeper(plan)?;
    let kept = order.clone();
    let watched = Watched { live: live.clone(), standing: standing.clone(), triggers, order: kept };
    let set_up = Run::set_up(&setup, recorder.clone(), watched).await;
    let ended = match set_up {
        Ok(run) => {
            let mut info = info;
            let (cluster, stopped_early) = (run.cluster.clone(), run.stopped_early.clone());
            let tested = run.test().await;
            info.stopped_early_seconds = stopped_early.get().copied();
            let contradiction = standing.borrow().illegal_since();
            let ended = conclude::conclude(
                &setup,
                info,
                tested,
                contradiction,
                (&cluster, order.as_deref()),
                &recorder,
                &live,
            );
            ended.and_then(|ended| {
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
        format!(
            "the run ended without a verdict; stormproof check judges what there is of it, in {}",
            path.display()
        )
    })
}

/// A run whose lab stands and whose cluster serves.
struct Run {
    plan: Plan,
    workload: Workload,
    recorder: Arc<Recorder>,
    clients: Arc<Clients>,
    cluster: Arc<Cluster>,
    nemesis: Arc<Mutex<NemesisRunner<LocalHost>>>,
    stop: watch::Receiver<bool>,
    standing: watch::Receiver<VerdictSoFar>,
    /// The tasks that ask the nodes for their roles, where they do not print them; ends with the
    /// run.
    _roles: JoinSet<()>,
    /// The tasks that ask nodes which were started whether they serve.
    _ready: JoinSet<()>,
    /// The tasks that ask nodes how far their logs are; none where they print it.
    _progress: JoinSet<()>,
    /// The task that looks at the nodes' logs; ends with the run.
    _logs: JoinSet<()>,
    /// When the load was ended because the history was known to be Invalid, in seconds.
    stopped_early: Arc<OnceLock<f64>>,
    /// The nodes that had ended by themselves, if the load was ended because of them.
    down: OnceLock<BTreeSet<String>>,
}

/// A run as it is known while it goes on.
struct Watched {
    live: Live,
    triggers: Triggers,
    order: Option<Arc<OrderKeeper>>,
    standing: watch::Receiver<VerdictSoFar>,
}

impl Run {
    async fn set_up(setup: &Setup, recorder: Arc<Recorder>, watched: Watched) -> Result<Run> {
        let Watched { live, standing, triggers, order } = watched;
        let Setup { plan, target, workload, lab, .. } = setup;
        let (plan, workload) = (plan.clone(), *workload);
        recorder.phase(Phase::Setup)?;
        recorder.note(plan.to_string());
        recorder.note(plan.clients.to_string());
        for known in &plan.known_in_run() {
            recorder.note(known_before(known));
        }
        recorder.note(format!("lab {}: {}", lab.name(), lab.reason));
        if let Some(engine) = lab.partition_engine {
            recorder.note(format!("partitions by {engine}: {}", lab.engine_reason));
        }
        let say = recorder.clone();
        let stop = interrupt::watch_for_interrupts(move |text| say.note(text))?;

        let (cluster, mut host) = Cluster::build(&plan, target.clone(), lab, &recorder)?;
        host.report_observations(triggers.observations(&recorder));
        if let Some(order) = &order {
            let keeper: Arc<dyn Gatekeeper> = order.clone();
            host.keep_order(&keeper);
        }
        let cluster = Arc::new(cluster);
        let nodes = plan.node_names();
        let logs = log_watch::watch(&cluster.members, &recorder);
        let run_id = token_prefix();
        let client = target.client(&cluster.members, &run_id, workload.model)?;
        let mut clients = Clients::new(
            recorder.clone(),
            client,
            nodes.clone(),
            plan.seed,
            run_id,
            plan.client_plan(),
        );
        clients.knows_leader = target.knows_leader();
        clients.terms_may_differ = target.terms_may_differ();
        clients.triggers = triggers.clone();
        clients.order = order.clone();
        let clients = Arc::new(clients);
        let nemesis = Nemesis::new(host).within(plan.most_down());
        let nemesis = NemesisRunner::new(
            nemesis,
            recorder.clone(),
            live.clone(),
            cluster.expected.clone(),
            nodes.clone(),
            (triggers, LogTail::new(&cluster.members), target.knows_leader()),
        );
        let nemesis = nemesis.keeping(order);
        let nemesis = Arc::new(Mutex::new(nemesis));
        let founders = plan.nodes - target.spare();
        let starts = if lab.elsewhere { Vec::new() } else { plan.starts() };
        let is_founder = |(_, name): &(Duration, String)| nodes[..founders].contains(name);
        let starts: Vec<_> = starts.into_iter().filter(is_founder).collect();
        blocking(&nemesis, move |nemesis| nemesis.start(&starts)).await?;

        recorder.phase(Phase::Healthy)?;
        cluster.ensure_reachable().await?;
        let ready_limit = plan.ready_limit(&**target);
        let everybody: Vec<usize> = (0..founders).collect();
        tokio::select! {
            agreed = converge::agree_on_leader(&clients, &everybody, ready_limit) => match agreed {
                Ok(NodeStatus { leader: Some(leader), .. }) => {
                    recorder.note(format!("{leader} leads {founders} nodes"))
                }
                Ok(_) => recorder.note(format!("{founders} nodes answer")),
                Err(answers) => {
                    let answers = answers.nodes(clients.knows_leader);
                    bail!(cluster.never_healthy(ready_limit, &answers, &*clients.client))
                }
            },
            exit = cluster.unexpected_exit() => bail!(exit.describe()),
        }
        initial::look(&clients, &workload).await?;
        let roles = match target.prints_roles() || !target.knows_leader() {
            true => JoinSet::new(),
            false => role_watch::watch(&clients),
        };
        let ready = ready_watch::watch(&clients, &live);
        let progress = progress_watch::watch(&clients);
        let stopped_early = Arc::default();
        Ok(Run {
            plan,
            workload,
            recorder,
            clients,
            cluster,
            nemesis,
            stop,
            standing,
            stopped_early,
            down: OnceLock::new(),
            _roles: roles,
            _ready: ready,
            _progress: progress,
            _logs: logs,
        })
    }

    /// Load with faults, recovery, convergence, final reads. What the nodes stored is saved,
    /// however it ends.
    async fn test(self) -> Result<Liveness> {
        let tested = self.carry_out().await;
        let cluster = self.cluster.clone();
        let saved =
            blocking(&self.nemesis, move |nemesis| cluster.save_disks(nemesis.host())).await;
        let liveness = tested?;
        saved?;
        Ok(liveness)
    }

    async fn carry_out(&self) -> Result<Liveness> {
        let workload = &self.workload;
        let mut load = self.generator(workload);

        self.recorder.phase(Phase::Load)?;
        let begin = self.recorder.elapsed();
        let schedule = self.plan.schedule.clone();
        let nemesis = self.nemesis.clone();
        if let Some(order) = &self.clients.order {
            order.begin();
        }
        let stop_faults = blocking(&nemesis, |nemesis| Ok(nemesis.stopper())).await?;
        let faults = tokio::spawn(async move {
            blocking(&nemesis, move |nemesis| nemesis.run(&schedule, begin)).await
        });
        let control = ControlProbe::start();
        let driven = self.drive(&mut *load).await;
        let load_lateness = control.stop();
        if let Some(order) = &self.clients.order {
            order.end();
        }
        stop_faults();
        let injected = faults.await.context("the thread of the faults panicked")?;

        // Undo first, complain afterwards.
        let undone = self.recorder.phase(Phase::Recover);
        let damaged = blocking(&self.nemesis, |nemesis| {
            nemesis.recover()?;
            Ok(nemesis.damaged().clone())
        });
        let damaged = damaged.await?;
        driven.and(injected).and(undone)?;
        self.ensure_understood()?;

        self.recorder.phase(Phase::Converge)?;
        let limit = Duration::from_secs_f64(self.plan.recovery_limit);
        let mut liveness =
            converge::converge(&self.clients, workload.probe, &damaged, limit).await?;
        liveness.load_lateness_seconds = load_lateness.as_secs_f64();
        if let Some(exit) = self.cluster.first_unexpected_exit() {
            liveness.verdict = Verdict::Invalid;
            liveness.sentence = exit.headline();
            if let Some(down) = self.down.get() {
                liveness.sentence = format!(
                    "the service was down for good, since {} of {} nodes ended by themselves: {}",
                    down.len(),
                    self.plan.nodes,
                    liveness.sentence
                );
            }
            // It was started again when everything was undone.
            liveness.degree = liveness.degree.map(|_| Degree::AfterRestart);
        } else if liveness.verdict == Verdict::Invalid {
            liveness.sentence.push_str(&self.led_there()?);
        }
        if liveness.verdict != Verdict::Valid {
            if liveness.nodes.is_empty() {
                liveness.nodes = converge::last_answers(&self.clients).await;
            }
            self.cluster.add_logs(&mut liveness.nodes);
        }
        self.recorder.mark(Mark::Liveness(liveness.clone()))?;

        self.recorder.phase(Phase::FinalReads)?;
        let mut last_look = load.final_phase();
        load::drive(self.clients.clone(), &mut *last_look, std::future::pending()).await?;
        self.cluster.save_applied(&damaged, &self.recorder).await?;
        contents::save(&self.cluster, &damaged, &self.recorder).await?;
        // The very last, since a service that keeps nothing through a restart need not lose it here.
        if liveness.verdict == Verdict::Invalid
            && liveness.degree.is_none()
            && self.plan.addresses.is_empty()
        {
            let degree = self.ask_after_a_restart(damaged, limit).await?;
            liveness.sentence.push_str(liveness::degree_in_words(degree));
            liveness.degree = Some(degree);
            self.recorder.mark(Mark::Liveness(liveness.clone()))?;
        }
        Ok(liveness)
    }

    /// Half a sentence about the fault that led to a cluster which does not serve.
    fn led_there(&self) -> Result<String> {
        let loaded = self.recorder.with_directory(|directory| directory.load())?;
        Ok(liveness::led_there(&loaded.history).unwrap_or_default())
    }

    /// Restarts every process of a cluster that does not serve by itself, and asks once more. What is
    /// asked is not recorded: clients had their last look before.
    async fn ask_after_a_restart(
        &self,
        damaged: BTreeSet<String>,
        limit: Duration,
    ) -> Result<Degree> {
        self.recorder.note("the cluster does not serve: restarting its processes to ask once more");
        let spared = damaged.clone();
        let restarted = blocking(&self.nemesis, move |nemesis| nemesis.restart_all(&spared)).await;
        if let Err(error) = &restarted {
            self.recorder.note(format!("{error:#}"));
        }
        let serves = restarted.is_ok()
            && converge::serves(&self.clients, self.workload.probe, &damaged, limit).await;
        Ok(if serves { Degree::AfterRestart } else { Degree::NotEvenThen })
    }

    /// A service that was not understood was not tested.
    ///
    /// # Errors
    /// When answers to a kind of operation came and none of them could be understood.
    fn ensure_understood(&self) -> Result<()> {
        let Some(misread) = self.clients.client.first_misread() else { return Ok(()) };
        let loaded = self.recorder.with_directory(|directory| directory.load())?;
        match judge::never_understood(&loaded.history) {
            Some(f) => {
                bail!("no answer to a {f} could be understood; the first misread:\n{misread}")
            }
            None => Ok(()),
        }
    }

    fn generator(&self, workload: &Workload) -> Box<dyn Load> {
        let options = GeneratorOptions {
            seed: self.plan.seed,
            hot_keys: self.clients.plan.keys,
            values: self.clients.plan.values,
        };
        (workload.generator)(&options)
    }

    /// The load at the plan's rate, until its time is over, it is known to be Invalid or somebody
    /// interrupts.
    async fn drive(&self, load: &mut dyn Load) -> Result<()> {
        let mut stop = self.stop.clone();
        let interrupted = async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                // Nobody is left who could interrupt.
                std::future::pending().await
            }
        };
        let stopped = async move {
            let cause = tokio::select! {
                () = interrupted => EarlyEnd::Interrupt,
                () = self.contradicted() => EarlyEnd::Contradiction,
                () = self.down_for_good() => EarlyEnd::Down,
            };
            if let Err(error) = self.recorder.mark(Mark::Cut(cause)) {
                self.recorder.note(format!("{error:#}"));
            }
        };
        let mut generator = if let Some(rate) = self.clients.plan.rate {
            let interval = Duration::from_secs_f64(1.0 / rate);
            load.stagger(interval, self.plan.seed).time_limit(self.plan.load()).boxed()
        } else {
            load.time_limit(self.plan.load()).boxed()
        };
        load::drive(self.clients.clone(), &mut *generator, stopped).await
    }
}

impl Run {
    /// Until the load is to be stopped because the service cannot come back.
    async fn down_for_good(&self) {
        let down = self.cluster.down_for_good(&self.recorder).await;
        let now = self.recorder.elapsed().as_secs_f64();
        let names: Vec<&str> = down.iter().map(String::as_str).collect();
        self.recorder.note(format!(
            "{now:.1} s: the load ends early, since {} ended by themselves and no majority is left",
            names.join(", ")
        ));
        let _ = self.down.set(down);
    }

    /// Until the load is to be stopped because the history is known to be Invalid.
    async fn contradicted(&self) {
        let mut standing = self.standing.clone();
        let known = standing.wait_for(|standing| *standing != VerdictSoFar::Open).await;
        let known = known.map(|known| known.clone());
        let now = self.recorder.elapsed().as_secs_f64();
        match known {
            Ok(VerdictSoFar::Illegal { key, index }) => {
                let of_key = key.map_or_else(String::new, |key| format!(" of {key}"));
                let what = format!(
                    "{now:.1} s: the operations{of_key} have no legal order since event {index}"
                );
                if !self.plan.keep_going {
                    let _ = self.stopped_early.set(now);
                    self.recorder.note(format!("stopped early at {what}"));
                    return;
                }
                self.recorder.note(format!("going on at {what}"));
            }
            Ok(VerdictSoFar::FellBehind) => self.recorder.note(format!(
                "{now:.1} s: the check does not keep up with the run; it is left for the end"
            )),
            // The check has ended, which is told where it was done.
            Ok(VerdictSoFar::Open) | Err(_) => {}
        }
        std::future::pending().await
    }
}

/// Does something slow with the nemesis outside of the asynchronous threads.
async fn blocking<T: Send + 'static>(
    nemesis: &Arc<Mutex<NemesisRunner<LocalHost>>>,
    act: impl FnOnce(&mut NemesisRunner<LocalHost>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let nemesis = nemesis.clone();
    let acting = tokio::task::spawn_blocking(move || {
        // One that panicked with it in hand left what is on noted, so that it can be undone.
        act(&mut nemesis.lock().unwrap_or_else(PoisonError::into_inner))
    });
    acting.await.context("the thread of the faults panicked")?
}

/// The keeper of the order of a run, if its plan asks for one.
fn order_keeper(plan: &Plan) -> Result<Option<Arc<OrderKeeper>>> {
    if !plan.keeps_order() {
        return Ok(None);
    }
    let follows = plan.in_order_of.as_deref().map(recorded_in).transpose()?;
    Ok(Some(OrderKeeper::new(&plan.node_names(), follows)))
}

/// The report's account of the run before anything came of it.
fn information(setup: &Setup, id: String, started: SystemTime) -> RunInfo {
    let Setup { plan, target, version, lab, engines, .. } = setup;
    RunInfo {
        started: humantime::format_rfc3339_seconds(started).to_string(),
        target: target.name().into(),
        target_version: version.clone(),
        bug: plan.bug.clone(),
        nodes: plan.node_names(),
        workload: plan.workload.clone(),
        faults: plan.drawn_families().iter().map(|family| family.name().into()).collect(),
        skipped: engines.lacking.clone(),
        known: plan.known_in_run(),
        seed: plan.seed,
        time_limit_seconds: plan.time_limit,
        stopped_early_seconds: None,
        rate: plan.client_plan().rate,
        concurrency: plan.client_plan().clients() as u32,
        lab: format!("{}: {}", lab.name(), lab.reason),
        engines: engines.found.clone(),
        command: setup.again.command(plan, &setup.results, &id),
        environment: environment::describe(),
        machine_ms: Some(machine_speed::work_ms()),
        id,
    }
}

/// The most letters of a target's name in the name of a run directory.
const TARGET_LETTERS: usize = 20;

/// `20261120T191500Z-bundled-register-s42`. It is short: services make unix sockets below it, whose
/// paths have 107 bytes. All else that there is to know of the run stands in its files.
fn run_id(target: &str, workload: &str, seed: u64, started: SystemTime) -> String {
    let time = humantime::format_rfc3339_seconds(started).to_string().replace(['-', ':'], "");
    let target: String = target.chars().take(TARGET_LETTERS).collect();
    format!("{time}-{target}-{workload}-s{seed}")
}

/// The begin of every token and every key of this run on the wire, so that an earlier run on the
/// same cluster, or one at the same time, is never mistaken for this one.
pub(super) fn token_prefix() -> String {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("r{:x}-{:x}", time.as_millis(), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_directories_have_short_names_whatever_the_target_is_called() {
        let id = |target: &str| run_id(target, "register", 42, SystemTime::UNIX_EPOCH);
        assert_eq!(id("bundled"), "19700101T000000Z-bundled-register-s42");
        let long = id("a-replicated-store-with-a-very-long-name");
        assert_eq!(long, "19700101T000000Z-a-replicated-store-w-register-s42");
    }
}
