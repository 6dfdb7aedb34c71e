//! Runs in processes of their own, several at a time.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use engines::process_tree::{RunProcess, time_of_children};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::jobs::{Jobs, idle_time};
use super::outcome::RunOutcome;
use super::show::Show;
use crate::plan::Plan;

/// The time between two looks at the runs.
const LOOK: Duration = Duration::from_millis(50);

/// A run that is interrupted twice leaves at once if so much time lies between; sooner, the second
/// signal counts as the same wish.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(2_100);

/// The time after which a run that was interrupted twice is killed.
const PATIENCE: Duration = Duration::from_secs(15);

/// A run that is wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The name of its folder; no other has it.
    pub name: String,
    /// Its number among the runs of the same thing.
    pub number: u64,
    /// The plan.
    pub plan: Plan,
}

/// The decision after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Go {
    /// More runs.
    On,
    /// Enough is known: what still runs is ended.
    Stop,
}

/// The runs of one command. Ctrl-C, SIGTERM and the time limit end them, and what is known stays.
pub(crate) struct Pool {
    folder: PathBuf,
    jobs: Jobs,
    running: Vec<Running>,
    /// They were interrupted, and are waited for.
    leaving: Vec<Leaving>,
    signals: [Signal; 2],
    interrupted: bool,
    deadline: Option<Instant>,
    /// True once it was said which faults are left out here.
    said_left_out: bool,
}

struct Running {
    name: String,
    number: u64,
    process: RunProcess,
    began: Instant,
    /// True as long as no other ran beside it.
    alone: bool,
    processor_time: Duration,
    /// The idle time of the processors when it began.
    idle: Option<Duration>,
}

struct Leaving {
    name: String,
    process: RunProcess,
    since: Instant,
    asked_again: bool,
}

/// Does something in this thread: a run dies with the thread that started it.
///
/// # Errors
/// Those of the work, and when there can be no runtime.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(work)
}

impl Pool {
    /// A pool whose runs lie in `folder`. Called inside of [`block_on`].
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub fn new(folder: PathBuf, jobs: Jobs, limit: Option<Duration>) -> Result<Pool> {
        let signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        Ok(Pool {
            folder,
            jobs,
            running: Vec::new(),
            leaving: Vec::new(),
            signals,
            interrupted: false,
            deadline: limit.map(|limit| Instant::now() + limit),
            said_left_out: false,
        })
    }

    /// True if a person wants it to end.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// True if its time is over, or a person wants it to end.
    pub fn is_over(&self) -> bool {
        self.interrupted || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Carries out what `next` wants until it wants nothing more and all have ended, or `ended`
    /// says that enough is known, or it is over.
    ///
    /// # Errors
    /// When a run cannot be started, and those of `ended`.
    pub async fn carry_out(
        &mut self,
        show: &Show,
        mut next: impl FnMut() -> Option<Wanted>,
        mut ended: impl FnMut(u64, RunOutcome) -> Result<Go>,
    ) -> Result<()> {
        let mut all_wanted = false;
        let mut go = Go::On;
        while go == Go::On && !self.is_over() {
            while !all_wanted && self.running.len() < self.jobs.now() {
                match next() {
                    Some(wanted) => self.start(wanted)?,
                    None => all_wanted = true,
                }
            }
            if self.running.is_empty() {
                break;
            }
            self.look().await;
            for (number, outcome) in self.collect(show)? {
                // What it came to may make more wanted.
                all_wanted = false;
                if ended(number, outcome)? == Go::Stop {
                    go = Go::Stop;
                }
            }
            let longest = self.running.iter().map(|run| run.began.elapsed().as_secs()).max();
            if let Some(seconds) = longest {
                show.state(format!("{} running, for {seconds} s", self.running.len()));
            }
        }
        for Running { name, process, .. } in self.running.drain(..) {
            process.interrupt();
            let since = Instant::now();
            self.leaving.push(Leaving { name, process, since, asked_again: false });
        }
        Ok(())
    }

    /// Waits until those are gone that were not needed any more; returns how many there may be at a
    /// time, as far as that is known by now.
    pub async fn finish(mut self) -> Jobs {
        while !self.leaving.is_empty() {
            self.look().await;
        }
        self.jobs
    }

    /// The folder of a run.
    pub fn folder_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn start(&mut self, wanted: Wanted) -> Result<()> {
        let Wanted { name, number, plan } = wanted;
        let folder = self.folder_of(&name);
        let cannot = || format!("cannot make {}", folder.display());
        if folder.exists() {
            // It was interrupted, or its process killed, before anything was known of it.
            fs::remove_dir_all(&folder).with_context(cannot)?;
        }
        fs::create_dir_all(&folder).with_context(cannot)?;
        let file = folder.join(PLAN);
        fs::write(&file, plan.to_toml()?).with_context(cannot)?;
        let output = File::create(folder.join(LOG)).with_context(cannot)?;
        let arguments = ["run".as_ref(), "--plan".as_ref(), file.as_os_str()];
        let results = ["--results".as_ref(), folder.as_os_str()];
        let process = RunProcess::start(arguments.into_iter().chain(results), output);
        let process = process.context("cannot start a run")?;
        let alone = self.running.is_empty() && self.leaving.is_empty();
        self.running.iter_mut().for_each(|run| run.alone = false);
        let (began, processor_time, idle) = (Instant::now(), time_of_children(), idle_time());
        self.running.push(Running { name, number, process, began, alone, processor_time, idle });
        Ok(())
    }

    /// Waits a moment, hears signals, and sees to those that are leaving.
    async fn look(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        let heard = tokio::select! {
            _ = interrupt.recv() => true,
            _ = terminate.recv() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        if heard {
            if self.interrupted {
                // A second time: at once. They are killed as they are dropped.
                self.running.clear();
                self.leaving.clear();
            }
            self.interrupted = true;
        }
        let folder = &self.folder;
        self.leaving.retain_mut(|run| {
            let waited = run.since.elapsed();
            if waited > BETWEEN_SIGNALS && !run.asked_again {
                run.asked_again = true;
                run.process.interrupt();
            }
            // One whose end cannot be seen is killed as it is dropped.
            let gone = run.process.has_ended().unwrap_or(true) || waited > PATIENCE;
            if gone {
                // Nothing in it counts; what cannot be removed does no harm.
                let _ = fs::remove_dir_all(folder.join(&run.name));
            }
            !gone
        });
    }

    fn collect(&mut self, show: &Show) -> Result<Vec<(u64, RunOutcome)>> {
        let mut ended = Vec::new();
        let mut at = 0;
        while at < self.running.len() {
            if !self.running[at].process.has_ended().context("cannot wait for a run")? {
                at += 1;
                continue;
            }
            let run = self.running.swap_remove(at);
            let took = run.began.elapsed();
            let folder = self.folder_of(&run.name);
            let outcome = RunOutcome::read(&folder, &folder.join(LOG), took.as_secs_f64());
            if !std::mem::replace(&mut self.said_left_out, true) {
                for (family, reason) in &outcome.left_out {
                    show.line(&format!("without {family} faults here: {reason}"));
                }
            }
            let mut said = None;
            if outcome.starved {
                said = self.jobs.lower();
            } else if run.alone {
                let idle =
                    idle_time().zip(run.idle).map(|(now, before)| now.saturating_sub(before));
                said = self.jobs.measured(time_of_children() - run.processor_time, took, idle);
            }
            if let Some(said) = said {
                show.line(&said);
            }
            ended.push((run.number, outcome));
        }
        Ok(ended)
    }
}

/// The plan of a run in its folder. It has another name than in the directory of a run, which that
/// folder is not.
const PLAN: &str = "asked.toml";

/// The output of a run in its folder.
const LOG: &str = "output.log";
