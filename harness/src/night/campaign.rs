//! A night that is carried out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use checker::verdict::Verdict;
use results::night::{
    Cell, Entry, Ledger, Night, NightDirectory, RunFigures, SCHEMA, Shard, State,
};
use results::run_directory::{REPORT, RunDirectory};
use results::words::counted;

use super::agenda::{Agenda, Part, Weighed};
use super::decide::{Bounds, Known, Step, Why};
use super::entry::entry;
use super::follow_up::{Shrink, Shrinking};
use super::past::Past;
use super::plan::NightPlan;
use super::promise::promise;
use super::retention::{Retention, Space};
use super::sentences::came_to;
use crate::exit::usage;
use crate::plan::Plan;
use crate::repeats::{
    Counted, Failing, Go, Jobs, Pool, RunOutcome, Show, Wanted, block_on, short_hash,
};
use crate::run::environment;
use crate::serve::IndexPage;

/// The wishes of a person about a night, beside its plan.
pub(crate) struct Orders {
    /// The seed of all seeds.
    pub seed: u64,
    /// The part of it that is this machine's.
    pub shard: Option<Shard>,
    /// The nights before it.
    pub past: Past,
    /// The folder of other nights, which the limit on the disk is about as well; none if this night
    /// has a place of its own.
    pub others: Option<std::path::PathBuf>,
    /// The way to shrink a plan.
    pub shrink: Shrink,
}

/// A night, in its folder.
pub(crate) struct Campaign {
    pub(super) plan: NightPlan,
    pub(super) directory: NightDirectory,
    pub(super) ledger: Ledger,
    pub(super) night: Night,
    pub(super) known: Known,
    /// The figures of its runs by their numbers, each with the name of its target.
    pub(super) figures: BTreeMap<u64, (String, RunFigures)>,
    pub(super) bounds: Bounds,
    agenda: Box<dyn Iterator<Item = Part>>,
    /// The next run of this machine.
    upcoming: Option<Part>,
    /// The runs that a process left which was killed, by their folders.
    pub(super) left: BTreeSet<u64>,
    pub(super) retention: Retention,
    pub(super) shrink: Shrink,
    pub(super) index: IndexPage,
    jobs: Jobs,
    began: Instant,
    /// The seconds of the night before this process.
    pub(super) before: f64,
    /// The last time that the clock of this machine showed, in seconds since 1970.
    pub(super) clock: u64,
    tickets: BTreeMap<u64, Ticket>,
    next_ticket: u64,
    /// The last runs in which the harness failed, one after the other.
    failures: usize,
    /// The reason to begin nothing more.
    stop: Option<String>,
    /// An error where none could be returned.
    failure: Option<anyhow::Error>,
}

/// A run that goes on.
#[derive(Debug, Clone, Copy)]
enum Ticket {
    Run(Part),
    Repeat { of: u64, number: u64 },
}

/// The night ends when the harness failed in so many runs, one after the other: something is missing
/// on this machine, and eight hours of it would say no more.
const FAILURES: usize = 5;

/// The seconds by which a clock may go back without a remark: clocks are set right all the time.
pub(super) const SET_RIGHT: u64 = 2;

impl Campaign {
    /// Begins a night in a folder, or goes on with the one that is there.
    ///
    /// # Errors
    /// When files cannot be read or written, or hold something else, or the time is too short for a
    /// run.
    pub fn open(plan: NightPlan, directory: NightDirectory, orders: Orders) -> Result<Campaign> {
        let (ledger, entries) = Ledger::open(&directory.ledger())?;
        let Orders { seed, shard, past, others, shrink } = orders;
        let past = match directory.past()? {
            Some(saved) => saved,
            None => {
                directory.save_past(&past)?;
                past
            }
        };
        let folder = others.as_deref().unwrap_or(directory.path());
        let index = IndexPage::of(&directory, others.as_deref(), plan.disk);
        let mut retention = Retention::new(folder, others.is_some(), plan.disk, plan.passes);
        let mut cells = Vec::new();
        for cell in &plan.cells {
            let one = cell.plan(1)?;
            retention.expect(&one);
            let (weight, because) = past.weight(&cell.name());
            cells.push(Cell {
                target: cell.target.clone(),
                workload: cell.workload.clone(),
                profile: cell.profile.clone(),
                weight: weight * cell.weight,
                because,
                expected_seconds: past.expected_seconds(&cell.name(), one.time_limit),
            });
        }
        let weighed = cells.iter().map(|cell| Weighed {
            target: cell.target.clone(),
            weight: cell.weight,
            expected_seconds: cell.expected_seconds,
        });
        let plans = plan.cells.clone();
        // One that makes no plan for a seed promises nothing; it is said when it is to run.
        let promise = move |cell: usize, seed| {
            plans[cell].plan(seed).map(|plan| promise(&plan)).unwrap_or_default()
        };
        let reached = past.reached.clone();
        let seeds = plan.seeds.clone();
        let agenda = Agenda::new(weighed.collect(), seeds, seed, reached, shard, promise);
        let past = serde_json::to_string(&past).context("it is plain data")?;
        let version = env!("CARGO_PKG_VERSION");
        let digest = short_hash(&format!("{version}\n{seed}\n{}\n{past}", plan.text));
        let saved = directory.night()?;
        let started = saved.map(|night| night.started).unwrap_or_else(|| now().1);
        let night = Night {
            schema: SCHEMA,
            id: directory.id(),
            name: plan.name.clone(),
            seed,
            shard,
            digest,
            budget_seconds: plan.budget.map(|budget| budget.as_secs_f64()),
            most_runs: plan.runs,
            state: State::GoesOn,
            ended: None,
            started,
            seconds: 0.0,
            verdict: Verdict::Unknown,
            environment: environment::describe(),
            cells,
            runs: Vec::new(),
            reached: BTreeMap::new(),
            recoveries: Vec::new(),
            comparison: None,
            remarks: Vec::new(),
        };
        let bounds = Bounds {
            seconds: plan.budget.map(|budget| budget.as_secs_f64()),
            runs: plan.runs,
            repeats: plan.repeats,
            share: plan.share,
        };
        let jobs = Jobs::new(plan.jobs);
        let mut campaign = Campaign {
            plan,
            directory,
            ledger,
            night,
            known: Known::default(),
            figures: BTreeMap::new(),
            bounds,
            agenda: Box::new(agenda),
            upcoming: None,
            left: BTreeSet::new(),
            retention,
            shrink,
            index,
            jobs,
            began: Instant::now(),
            before: 0.0,
            clock: 0,
            tickets: BTreeMap::new(),
            next_ticket: 0,
            failures: 0,
            stop: None,
            failure: None,
        };
        campaign.remember(entries)?;
        Ok(campaign)
    }

    /// The seconds of the night so far.
    pub(super) fn at(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    /// The night as it is.
    pub fn night(&self) -> &Night {
        &self.night
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Carries out what is left of it. Returns the night, and the index that shows it, to be written
    /// once more when it is known how the night compares.
    ///
    /// # Errors
    /// When runs cannot be started, or nothing can be written.
    pub fn carry_out(mut self) -> Result<(Night, IndexPage)> {
        if self.night.state == State::Ended {
            return Ok((self.night, self.index));
        }
        (self.night.state, self.night.ended) = (State::GoesOn, None);
        self.began = Instant::now();
        if let Some(next) = self.upcoming()? {
            let step = self.known.next(&self.bounds, self.at(), Some(next));
            if step == Step::Wait(Why::Time) && self.known.runs.is_empty() {
                return Err(usage(format!(
                    "the budget is too short for a run, which takes about {:.0} s",
                    next.1
                )));
            }
        }
        self.save()?;
        let (mut interrupted, mut why) = (false, None);
        while !interrupted {
            (interrupted, why) = self.make_runs()?;
            let to_shrink = self.known.to_shrink(&self.bounds);
            match to_shrink.filter(|_| !interrupted && self.stop.is_none()) {
                Some(run) => match self.shrink_run(run)? {
                    Shrinking::Over => {}
                    Shrinking::NoTime => break,
                    Shrinking::Interrupted => interrupted = true,
                },
                None => break,
            }
        }
        // What was lacking may be there the next time.
        let whole = !interrupted && self.stop.is_none();
        let why = match (interrupted, self.stop.take(), why) {
            (true, ..) => "it was interrupted; the same command goes on".to_owned(),
            (_, Some(stop), _) => stop,
            (_, _, Some(Why::Time)) => "its time was used".to_owned(),
            (_, _, Some(Why::Runs) | None) => "all its runs were made".to_owned(),
        };
        let at = self.at();
        self.index.look_around();
        self.record(Entry::End { whole, why, at })?;
        Ok((self.night, self.index))
    }

    /// Makes runs and repeats until nothing more is to be begun; returns true if a person wants it to
    /// end, and else why nothing more is to be begun.
    fn make_runs(&mut self) -> Result<(bool, Option<Why>)> {
        let jobs = self.jobs.clone();
        let folder = self.directory.path().to_owned();
        let why = RefCell::new(None);
        let (interrupted, jobs) = block_on(async {
            let mut pool = Pool::new(folder, jobs, None)?;
            // Of shards each makes its own part, and how large that is shows in the end.
            let show = Show::start(self.bounds.runs.filter(|_| self.night.shard.is_none()));
            self.known.runs.keys().for_each(|_| show.step());
            let this = RefCell::new(&mut *self);
            let next = || this.borrow_mut().next(&mut why.borrow_mut());
            let ended = |ticket, outcome| {
                let mut this = this.borrow_mut();
                let before = this.known.runs.len();
                let line = this.ended(ticket, outcome)?;
                show.line(&line);
                (before..this.known.runs.len()).for_each(|_| show.step());
                this.tickets.remove(&ticket);
                show.before(this.progress());
                Ok(Go::On)
            };
            pool.carry_out(&show, next, ended).await?;
            Ok((pool.is_interrupted(), pool.finish().await))
        })?;
        self.jobs = jobs;
        // They were interrupted with the night, and nothing is known of them.
        self.tickets.clear();
        self.known.running.clear();
        self.known.repeating.clear();
        self.failure.take().map_or(Ok(()), Err)?;
        Ok((interrupted, why.into_inner()))
    }

    /// The next run of this machine, and how long it takes.
    fn upcoming(&mut self) -> Result<Option<(u64, f64)>> {
        let of = |night: &Night, part: Part| (part.number, night.cells[part.cell].expected_seconds);
        if let Some(part) = self.upcoming {
            return Ok(Some(of(&self.night, part)));
        }
        loop {
            let Some(part) = self.agenda.next() else { return Ok(None) };
            let past_all = self.bounds.runs.is_some_and(|most| part.number >= most);
            if past_all || part.ours && !self.known.runs.contains_key(&part.number) {
                if self.left.remove(&part.number) && self.salvage(part)? {
                    continue;
                }
                self.upcoming = Some(part);
                return Ok(Some(of(&self.night, part)));
            }
        }
    }

    /// Takes in a run that had its verdict when the night was killed; false if it had none, and is to
    /// be made again.
    fn salvage(&mut self, part: Part) -> Result<bool> {
        let folder = self.directory.run(part.number);
        let run = RunDirectory::open(&folder.join("latest"));
        let summary = run.as_ref().ok().and_then(|run| run.summary().ok().flatten());
        let (Ok(run), Some(summary)) = (run, summary) else {
            let text = "it was killed with the night, and is made again".to_owned();
            self.remark(Some(part.number), text)?;
            return Ok(false);
        };
        let seconds = summary.phases.iter().map(|(_, seconds)| seconds).sum();
        let outcome = RunOutcome::of(&summary, seconds, Some(run.path().to_owned()));
        if outcome.interrupted {
            let text = "it was interrupted with the night, and is made again".to_owned();
            self.remark(Some(part.number), text)?;
            return Ok(false);
        }
        if !run.path().join(REPORT).is_file() {
            let loaded = run.load()?;
            let logs = loaded.node_logs();
            let page = results::report::html(&summary, &loaded.history, &loaded.node_events, &logs);
            run.save_report(&page)?;
        }
        self.run_ended(part, &outcome)?;
        Ok(true)
    }

    /// The next thing to start.
    fn next(&mut self, why: &mut Option<Why>) -> Option<Wanted> {
        if self.failure.is_some() || self.stop.is_some() {
            return None;
        }
        self.next_or_error(why).unwrap_or_else(|error| {
            self.failure = Some(error);
            None
        })
    }

    fn next_or_error(&mut self, why: &mut Option<Why>) -> Result<Option<Wanted>> {
        let next = self.upcoming()?;
        let step = self.known.next(&self.bounds, self.at(), next);
        if let Step::Wait(reason) = step {
            *why = Some(reason);
            return Ok(None);
        }
        let running = self.tickets.len();
        let room = self.retention.make_room(&self.directory, &mut self.night.runs, running)?;
        if let Space::Lacking(reason) = room {
            if running == 0 {
                self.remark(None, reason.clone())?;
                self.stop = Some(reason);
            }
            return Ok(None);
        }
        let number = self.next_ticket;
        let (ticket, name, plan) = match step {
            Step::Repeat { of, number } => {
                self.known.repeating.insert((of, number));
                let run = self.night.runs.iter().find(|run| run.number == of);
                let run = run.context("the run of a repeat is known")?;
                let plan = self.plan.cells[run.cell].plan(run.seed)?.repeat(number);
                (Ticket::Repeat { of, number }, format!("repeats/{of}/{number}"), plan)
            }
            Step::Again(number) => {
                let run = self.night.runs.iter().find(|run| run.number == number);
                let run = run.context("a run that is made once more is known")?;
                let (cell, seed) = (run.cell, run.seed);
                self.run_of(Part { number, cell, seed, ours: true })?
            }
            Step::Run | Step::Wait(_) => {
                let part = self.upcoming.take().context("a run is upcoming")?;
                self.run_of(part)?
            }
        };
        self.next_ticket += 1;
        self.tickets.insert(number, ticket);
        Ok(Some(Wanted { name, number, plan }))
    }

    /// A run that is to be started: its ticket, its folder and its plan.
    fn run_of(&mut self, part: Part) -> Result<(Ticket, String, Plan)> {
        self.known.running.insert(part.number);
        let plan = self.plan.cells[part.cell].plan(part.seed)?;
        Ok((Ticket::Run(part), format!("runs/{}", part.number), plan))
    }

    /// Takes in what a process came to; returns a line about it.
    fn ended(&mut self, ticket: u64, outcome: RunOutcome) -> Result<String> {
        match self.tickets[&ticket] {
            Ticket::Run(part) => {
                self.known.running.remove(&part.number);
                self.run_ended(part, &outcome)
            }
            Ticket::Repeat { of, number } => {
                self.known.repeating.remove(&(of, number));
                self.repeat_ended(of, number, &outcome)
            }
        }
    }

    fn run_ended(&mut self, part: Part, outcome: &RunOutcome) -> Result<String> {
        let (run, reached, figures) = entry(&self.directory, part, outcome);
        self.failures = if run.failure.is_some() { self.failures + 1 } else { 0 };
        if self.failures == FAILURES {
            let failure = outcome.first_clause();
            self.stop = Some(format!(
                "the harness failed in {FAILURES} runs, one after the other: {failure}"
            ));
        }
        let (clock, time) = now();
        if clock + SET_RIGHT < self.clock {
            self.remark(
                Some(run.number),
                format!("the clock of this machine went back, to {time}"),
            )?;
            self.clock = clock;
        }
        let (number, cell, at) = (run.number, self.night.cells[run.cell].name(), self.at());
        let before = self.night.runs.iter().find(|run| run.number == number);
        let before = before.map(|run| run.directory.clone());
        self.note(Entry::Run { run: Box::new(run), reached, figures, at, clock })?;
        if let Some(before) = &before {
            let text = "this machine was starved when it was made first; it was made once more";
            self.remark(Some(number), text.to_owned())?;
            if let Some(directory) = before {
                // It says nothing. What cannot be removed does no harm.
                let _ = std::fs::remove_dir_all(self.directory.path().join(directory));
            }
        }
        // The result is safe; now what it takes on the disk.
        let run = self.night.runs.iter_mut().find(|run| run.number == number);
        let seen_to = self.retention.see_to(&self.directory, run.context("it was recorded")?);
        if let Err(error) = seen_to {
            self.remark(Some(number), format!("{error:#}"))?;
        }
        self.save()?;
        let again = if before.is_some() { " once more" } else { "" };
        Ok(format!("run {number}{again}, {cell}: {}", came_to(outcome)))
    }

    fn repeat_ended(&mut self, of: u64, number: u64, outcome: &RunOutcome) -> Result<String> {
        let run = self.run_mut(of).context("the run of a repeat is known")?;
        // The same part of the verdict as that of the run.
        let failing = match (run.safety, run.liveness) {
            (Verdict::Invalid, _) => Failing::Safety,
            (_, Verdict::Invalid) => Failing::Liveness,
            _ => Failing::Availability,
        };
        let failed = match outcome.counted(failing) {
            Counted::Failed => Some(true),
            Counted::Passed => Some(false),
            Counted::Not(_) => None,
        };
        let (seconds, at) = (outcome.seconds, self.at());
        self.record(Entry::Repeat { of, number, failed, seconds, at })?;
        if failed != Some(true) {
            // It is counted. What cannot be removed does no harm.
            let folder = self.directory.repeats().join(of.to_string()).join(number.to_string());
            let _ = std::fs::remove_dir_all(folder);
        } else if let Some(run) = &outcome.run {
            results::compressed::compress_run(run)?;
        }
        Ok(format!("  run {of} again: {}", came_to(outcome)))
    }

    /// `41 runs, 2 failed, 3h 12m left · `.
    fn progress(&self) -> String {
        let runs = counted(self.known.runs.len() as u64, "run");
        let failed = self.known.runs.values().filter(|run| run.failure.is_some()).count();
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        let left = self.bounds.seconds.map(|most| (most - self.at()).max(0.0) as u64 / 60 * 60);
        let left = left.map(|left| {
            format!(", {} left", humantime::format_duration(Duration::from_secs(left)))
        });
        format!("{runs}{failed}{} · ", left.unwrap_or_default())
    }
}

/// The time by the clock of this machine: seconds since 1970, and RFC 3339.
pub(super) fn now() -> (u64, String) {
    let now = SystemTime::now();
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    (seconds, humantime::format_rfc3339_seconds(now).to_string())
}
