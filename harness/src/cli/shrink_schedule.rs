//! `stormproof shrink --schedule`: the plan of a run that failed, with few faults on a small cluster.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use checker::verdict::Verdict;
use clap::Args;
use results::event::Phase;
use results::metrics::{RunHistory, fault_intervals, phases};
use results::run_directory::{PLAN, RunDirectory, TARGET};
use results::summary::Summary;
use results::words::counted;

use super::judging::unreadable;
use super::output::{Output, shown};
use super::replay;
use crate::exit::{Exit, bad_input};
use crate::plan::{Plan, quoted, saved};
use crate::printing::{err, out};
use crate::repeats::{Failing, Go, Jobs, Ledger, Line, Pool, RunOutcome, Show, Wanted, block_on};
use crate::shrink::{Found, Known, Problem, Reduced, Wish, search};

/// The runs that `--schedule` makes.
#[derive(Debug, Args)]
pub struct Runs {
    /// So many runs at a time [default: as the processors allow, by what the first one took]
    #[arg(long, value_name = "N", requires = "schedule", help_heading = "With --schedule",
        value_parser = replay::jobs())]
    jobs: Option<usize>,
    /// End after this time with the smallest plan so far; the same command goes on from there
    #[arg(long, value_name = "TIME", requires = "schedule", help_heading = "With --schedule",
        value_parser = humantime::parse_duration)]
    limit: Option<Duration>,
    /// Keep this rate of failures, between 0 and 1 [default: half of the rate that the plan has]
    #[arg(long, value_name = "RATE", requires = "schedule", help_heading = "With --schedule",
        value_parser = rate)]
    at_least: Option<f64>,
}

/// Accepts a rate that can be tested.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=0.95).contains(&rate) => Ok(rate),
        Ok(_) => Err("it is 0.001 to 0.95".to_owned()),
        Err(_) => Err("it is a number".to_owned()),
    }
}

/// The folder of shrinks, unless `--output` names another one.
const SHRINKS: &str = "results/shrinks";

/// The results of all runs, in that folder.
const LEDGER: &str = "results.jsonl";

/// The time that the load goes on after the last fault: what it broke must be seen.
const AFTER: Duration = Duration::from_secs(4);

pub fn main(directory: &Path, output: Option<PathBuf>, runs: Runs) -> Result<Exit> {
    let Runs { jobs, limit, at_least } = runs;
    Ok(shrink(directory, output, jobs, limit, at_least)?.exit)
}

/// The end of a shrink.
pub struct Shrunk {
    /// The exit code of a command that was this alone.
    pub exit: Exit,
    /// True if nothing smaller was left to try.
    pub finished: bool,
    /// True if a person wanted it to end.
    pub interrupted: bool,
}

/// Shrinks the plan of a saved run into a folder, within a time if there is a limit.
pub fn shrink(
    directory: &Path,
    output: Option<PathBuf>,
    jobs: Option<usize>,
    limit: Option<Duration>,
    at_least: Option<f64>,
) -> Result<Shrunk> {
    let run = RunDirectory::open(directory).map_err(unreadable)?;
    let plan = saved(run.path())?.resolve()?;
    let Some(summary) = run.summary().map_err(unreadable)? else {
        let shown = directory.display();
        return Err(bad_input(format!("{shown} has no verdict; stormproof check makes one")));
    };
    let Some(failing) = Failing::of(&summary) else {
        return Err(bad_input(format!(
            "{} did not fail: {}",
            directory.display(),
            summary.sentence
        )));
    };
    let history = run.load().map_err(unreadable)?.history;
    let problem = Problem {
        original: Reduced::of(&plan),
        failing,
        reached: reached(&summary, &history),
        at_least,
        after: AFTER,
    };
    let output = Output::of_question(output, SHRINKS, plan.seed, &plan.to_toml()?)?;
    let shrink = Shrink { plan, problem, folder: output.path().to_owned() };
    let manifest = run.path().join(TARGET);
    if manifest.is_file() {
        fs::copy(&manifest, shrink.folder.join(TARGET)).context("cannot copy the manifest")?;
    }
    shrink.carry_out(jobs, limit)
}

/// The faults that were attempted before the run was known to have failed.
fn reached(summary: &Summary, history: &RunHistory) -> BTreeSet<u32> {
    let failed = match summary.safety.verdict {
        Verdict::Invalid => summary.run.stopped_early_seconds,
        _ => None,
    };
    let load = phases(history).into_iter().find(|phase| phase.phase == Phase::Load);
    let end = failed.map(|seconds| (seconds * 1e9) as u64).or(load.map(|load| load.end));
    let before = |start: u64| end.is_none_or(|end| start <= end);
    let faults = fault_intervals(history).into_iter();
    faults.filter(|it| it.was_attempted() && before(it.start)).map(|it| it.fault).collect()
}

struct Shrink {
    plan: Plan,
    problem: Problem,
    folder: PathBuf,
}

impl Shrink {
    fn carry_out(&self, jobs: Option<usize>, limit: Option<Duration>) -> Result<Shrunk> {
        let (mut ledger, lines) = Ledger::open(&self.folder.join(LEDGER))?;
        let mut known = Known::default();
        for Line { of, number, outcome } in lines {
            known.take(&of, number, outcome);
        }
        let before = known.runs();
        err!("{}", self.plan);
        err!(
            "{} failed by {}; results in {}",
            "the saved run",
            self.problem.failing.words(),
            shown(&self.folder)
        );
        if before > 0 {
            err!("going on after {}", counted(before as u64, "run"));
        }
        let ended = block_on(async {
            let mut pool = Pool::new(self.folder.clone(), Jobs::new(jobs), limit)?;
            let show = Show::start(None);
            let mut said = Said::default();
            let ended = loop {
                let wish = match search(&self.problem, &mut known) {
                    Ok(found) => break Ok(found),
                    Err(wish) => wish,
                };
                if said.best(&wish.best, &self.problem.original) {
                    self.write(&wish.best)?;
                    self.forget_all_but(&wish.best);
                    show.line(&format!("kept: {}", size(&wish.best)));
                }
                if pool.is_over() {
                    break Err(wish);
                }
                self.ask(&wish, &mut pool, &show, &mut known, &mut ledger).await?;
            };
            let interrupted = pool.is_interrupted();
            pool.finish().await;
            Ok((ended, interrupted))
        })?;
        let made = known.runs() - before;
        let (ended, interrupted) = ended;
        let finished = ended.is_ok();
        let exit = match ended {
            Ok(found) => self.tell(&found, made)?,
            Err(wish) => self.tell_unfinished(&wish, made)?,
        };
        Ok(Shrunk { exit, finished, interrupted })
    }

    /// Runs a candidate until the search needs something else.
    async fn ask(
        &self,
        wish: &Wish,
        pool: &mut Pool,
        show: &Show,
        known: &mut Known,
        ledger: &mut Ledger,
    ) -> Result<()> {
        let (candidate, of) = (&wish.candidate, wish.candidate.name());
        let plan = candidate.plan(&self.plan);
        let size = size(candidate);
        // Both closures look at it in turn.
        let running: std::cell::RefCell<Vec<u64>> = Default::default();
        let tally = std::cell::RefCell::new(known.of(candidate));
        let next = || {
            let number = tally.borrow().next_number(&running.borrow());
            running.borrow_mut().push(number);
            let name = format!("{of}-{number}");
            Some(Wanted { name, number, plan: plan.repeat(number) })
        };
        let folder = self.folder.clone();
        let ended = |number: u64, outcome: RunOutcome| {
            running.borrow_mut().retain(|it| *it != number);
            tally.borrow_mut().take(number, outcome.clone());
            known.take(&of, number, outcome.clone());
            ledger.add(&Line { of: of.clone(), number, outcome: outcome.clone() })?;
            let rate = tally.borrow().rate(self.problem.failing);
            show.line(&format!(
                "  {}, {size}: {} ({} of {} failed)",
                wish.reason,
                results::words::verdict(outcome.verdict).to_uppercase(),
                rate.failed,
                rate.runs
            ));
            if outcome.verdict != Verdict::Invalid {
                // Nothing more will be asked of it. What cannot be removed does no harm.
                let _ = fs::remove_dir_all(folder.join(format!("{of}-{number}")));
            }
            let goes_on = wish.goes_on(&tally.borrow(), self.problem.failing)
                || matches!(search(&self.problem, known), Err(next) if next.candidate == *candidate);
            Ok(if goes_on { Go::On } else { Go::Stop })
        };
        pool.carry_out(show, next, ended).await
    }

    /// Removes the runs of all other plans: those that failed hold what their nodes stored.
    fn forget_all_but(&self, kept: &Reduced) {
        let kept = kept.name();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let is_kept = entry.file_name().to_string_lossy().starts_with(&kept);
            if entry.path().is_dir() && !is_kept {
                // What cannot be removed does no harm.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn write(&self, reduced: &Reduced) -> Result<()> {
        let text = reduced.clone().numbered_anew().plan(&self.plan).to_short_toml()?;
        let file = self.folder.join(PLAN);
        fs::write(&file, text).with_context(|| format!("cannot write {}", shown(&file)))
    }

    fn tell(&self, found: &Found, made: usize) -> Result<Exit> {
        let Some(at_least) = found.at_least else {
            out!("the plan did not fail again: {}", found.before);
            out!("nothing to shrink by; stormproof replay --times N looks longer");
            return Ok(Exit::Unknown);
        };
        self.write(&found.smallest)?;
        out!("{}", found.smallest.sentence());
        out!("fails {}", found.after);
        let size = |reduced: &Reduced| counted(reduced.faults.len() as u64, "fault");
        out!(
            "{} instead of {}, {} instead of {}; the plan failed {}; kept was what fails at least \
             {:.0} % of the time, at 95 % confidence each; {}",
            size(&found.smallest),
            size(&self.problem.original),
            seconds(found.smallest.load),
            seconds(self.problem.original.load),
            found.before,
            100.0 * at_least,
            counted(made as u64, "run"),
        );
        self.tell_how();
        Ok(Exit::Invalid)
    }

    fn tell_unfinished(&self, wish: &Wish, made: usize) -> Result<Exit> {
        out!(
            "not finished after {}; the same command goes on from here",
            counted(made as u64, "run")
        );
        if wish.best == self.problem.original {
            out!("nothing smaller is known yet to fail");
            return Ok(Exit::Unknown);
        }
        self.write(&wish.best)?;
        out!("so far: {}", wish.best.sentence());
        self.tell_how();
        Ok(Exit::Invalid)
    }

    fn tell_how(&self) {
        out!("plan: {}", shown(&self.folder.join(PLAN)));
        out!("again: stormproof replay {} --times 20", quoted(&shown(&self.folder)));
    }
}

/// The things that were said already.
#[derive(Default)]
struct Said {
    best: Option<Reduced>,
}

impl Said {
    /// Returns true if this plan is smaller than the original and was not said.
    fn best(&mut self, best: &Reduced, original: &Reduced) -> bool {
        let is_new = best != original && self.best.as_ref() != Some(best);
        self.best = Some(best.clone());
        is_new
    }
}

/// `2 faults in 9.5 s, 3 nodes`.
fn size(reduced: &Reduced) -> String {
    let faults = counted(reduced.faults.len() as u64, "fault");
    let Reduced { nodes, clients, keys, rate, .. } = reduced;
    let load = seconds(reduced.load);
    format!("{faults} in {load}, {nodes} nodes, {clients} clients, {keys} keys, {rate}/s")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
