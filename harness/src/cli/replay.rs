//! `stormproof replay`: the plan of a saved run, carried out again, once or many times.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use engines::process_tree::LabContext;
use results::ci::CiReport;
use results::run_directory::RunDirectory;
use results::summary::Summary;
use results::words::{self, counted};

use super::ci::CiFlags;
use super::output::{Output, shown};
use super::run::{MachineFlags, Subject, ToldFlags, carry_out};
use crate::exit::{Exit, usage};
use crate::plan::{Again, Plan, Written, saved};
use crate::printing::{err, out};
use crate::repeats::{Failing, Go, Jobs, Pool, RunOutcome, Show, Tally, Wanted, block_on};
use crate::run::order::recorded_in;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory of the run, such as results/runs/latest
    directory: PathBuf,
    /// Carry it out so many times, each with streams of operations of its own, and say how often it
    /// fails
    #[arg(long, value_name = "N", help_heading = "Many times",
        value_parser = clap::value_parser!(u64).range(1..=100_000))]
    times: Option<u64>,
    /// So many at a time [default: as the processors allow, by what the first one took]
    #[arg(long, value_name = "N", requires = "times", help_heading = "Many times", value_parser = jobs())]
    jobs: Option<usize>,
    /// End as soon as one has failed
    #[arg(long, requires = "times", help_heading = "Many times")]
    until_failure: bool,
    /// Hold messages between nodes, fsyncs and clients back where they come earlier than in the
    /// recorded run, and let faults come at the same moments, to make its failure certain. The run
    /// has to have been recorded with --record-order
    #[arg(long, help_heading = "In order")]
    in_order: bool,
    #[command(flatten)]
    flags: Written,
    #[command(flatten)]
    machine: MachineFlags,
    #[command(flatten)]
    ci: CiFlags,
}

/// Accepts a number of runs at a time.
pub fn jobs() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=256)
}

/// The folder of repeated runs, unless `--results` names another one.
const REPEATS: &str = "results/repeats";

/// The same faults at the same times against a new cluster, and the same streams of operations.
/// Real processes do not repeat themselves, so the verdict may be another.
pub fn main(place: LabContext, arguments: Arguments) -> Result<Exit> {
    let (flags, ci) = (arguments.flags, arguments.ci);
    if matches!(place, LabContext::Outside) {
        ci.begin("replay")?;
    }
    let mut plan = flags.clone().over_file(saved(&arguments.directory)?).resolve()?;
    if arguments.in_order {
        let directory = arguments.directory.canonicalize()?;
        recorded_in(&directory)?;
        plan.in_order_of = Some(directory);
    }
    let plan = plan;
    // The saved run was possible on its machine; this one may be able to do less.
    let subject = Subject::of(&plan)?;
    if let Some(times) = arguments.times {
        if !plan.addresses.is_empty() && arguments.jobs.is_some_and(|jobs| jobs > 1) {
            return Err(usage("a cluster that runs already takes one run at a time"));
        }
        // Those of a cluster that runs already would meet in it.
        let jobs = arguments.jobs.or((!plan.addresses.is_empty()).then_some(1));
        let folder = arguments.machine.results.unwrap_or_else(|| REPEATS.into());
        let output = Output::fresh(&folder, &format!("s{}", plan.seed))?;
        return many(&plan, times, jobs, arguments.until_failure, &output, &ci);
    }
    let told = ToldFlags { ci, ..ToldFlags::default() };
    let by_name = |asked| flags.names(asked);
    carry_out(place, plan, subject, by_name, arguments.machine, told, Again::Run)
}

fn many(
    plan: &Plan,
    times: u64,
    jobs: Option<usize>,
    until_failure: bool,
    output: &Output,
    ci: &CiFlags,
) -> Result<Exit> {
    let folder = output.path();
    err!("{plan}");
    err!("{} of it, into {}", counted(times, "run"), shown(folder));
    let (tally, interrupted) = block_on(async {
        let mut tally = Tally::default();
        let mut pool = Pool::new(folder.to_owned(), Jobs::new(jobs), None)?;
        let show = Show::start(Some(times));
        let mut numbers = 0..times;
        let next = || {
            let number = numbers.next()?;
            // What clients do is a part of the order.
            let plan = match plan.in_order_of {
                Some(_) => plan.clone(),
                None => plan.repeat(number),
            };
            Some(Wanted { name: number.to_string(), number, plan })
        };
        let ended = |number: u64, outcome: RunOutcome| {
            show.line(&line(number, &outcome));
            show.step();
            let failed = outcome.exit() == Exit::Invalid;
            tally.take(number, outcome);
            Ok(if failed && until_failure { Go::Stop } else { Go::On })
        };
        pool.carry_out(&show, next, ended).await?;
        let interrupted = pool.is_interrupted();
        pool.finish().await;
        Ok((tally, interrupted))
    })?;
    out!("{}", tally.text());
    if interrupted {
        out!("  interrupted after {} of {times}", tally.all().count());
    }
    let failed = tally.all().find(|(_, outcome)| outcome.exit() == Exit::Invalid);
    if let Some(run) = failed.and_then(|(_, outcome)| outcome.run.as_deref()) {
        out!("the first that failed: {}", shown(run));
        if tally.rate(Failing::Either).failed < tally.rate(Failing::Either).runs {
            out!("set apart from those that did not: stormproof explain {}", shown(folder));
        }
    }
    let known = tally.all().count() as u64;
    let exit = if known > 0 { tally.exit() } else { Exit::Unknown };
    if !ci.any() {
        return Ok(exit);
    }
    let wanted = if until_failure { known } else { times };
    Ok(ci.tell(&report(&shown(folder), &tally, wanted), exit))
}

/// The report of the runs for CI, of which so many were wanted.
fn report(name: &str, tally: &Tally, wanted: u64) -> CiReport {
    let of = |outcome: &RunOutcome| -> Option<(Summary, String)> {
        let run = RunDirectory::open(outcome.run.as_deref()?).ok()?;
        Some((run.summary().ok()??, shown(run.path())))
    };
    let runs: Vec<_> = tally.all().filter_map(|(_, outcome)| of(outcome)).collect();
    let missing = wanted.saturating_sub(runs.len() as u64);
    let missing = (missing > 0).then(|| format!("{} left no verdict", counted(missing, "run")));
    CiReport::of_runs(name, runs.iter().map(|(summary, run)| (summary, &**run)), missing)
}

/// `run 3: INVALID after 14.2 s: process 7 read nothing from k11 at 3.842 s`.
fn line(number: u64, outcome: &RunOutcome) -> String {
    let verdict = words::verdict(outcome.verdict).to_uppercase();
    let starved = if outcome.starved { " (this machine was starved)" } else { "" };
    let (seconds, sentence) = (outcome.seconds, outcome.first_clause());
    format!("run {number}: {verdict}{starved} after {seconds:.1} s: {sentence}")
}
