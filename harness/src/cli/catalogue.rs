//! `stormproof catalogue`: how often real runs catch the planted bugs, and how often they cry wolf.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use cluster::bugs::Bug;
use results::detection::{self, DetectionRun};
use results::night::Shard;
use results::words::{self, counted};

use super::judging::unreadable;
use super::nightly::shard;
use super::output::{Output, shown};
use super::replay::jobs;
use super::simulate::seeds;
use super::table::Table;
use crate::catalogue::{Case, Row, false_alarms, runs_of};
use crate::exit::{Exit, bad_input, usage};
use crate::printing::{err, out};
use crate::repeats::{
    self, Counted, Failing, Go, Jobs, Ledger, Line, Pool, RunOutcome, Show, block_on,
};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The bugs, separated by commas [default: all that real faults can reach]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = bugs())]
    bug: Vec<String>,
    /// Look for the defects of real services in this file instead, in a version that has each and in
    /// one that has not
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bug", "flags", "controls"])]
    cases: Option<PathBuf>,
    /// Look for every bug in runs with these flags, instead of those that catch it
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    flags: Option<String>,
    /// The seeds, from the first to the one before the last
    #[arg(long, value_name = "A..B", default_value = "1..11", value_parser = seeds)]
    seeds: Range<u64>,
    /// Carry out the same runs without a bug as well, in which all that is found is a false alarm
    #[arg(long)]
    controls: bool,
    /// The share of runs that must catch each bug
    #[arg(long, value_name = "SHARE", default_value = "0.8", value_parser = share)]
    at_least: f64,
    /// So many runs at a time [default: as the processors allow, by what the first one took]
    #[arg(long, value_name = "N", value_parser = jobs())]
    jobs: Option<usize>,
    /// Make only a part of the runs, the I-th of N, for one machine of several; --from joins the parts
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// Make no runs, but one table of the results in these files or folders, of this harness or of
    /// others (docs/detection-format.md)
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["bug", "cases", "flags", "seeds", "controls", "jobs", "shard", "results"])]
    from: Vec<PathBuf>,
    /// Print the table as Markdown
    #[arg(long)]
    markdown: bool,
    /// The folder of the results; where it holds some of the same catalogue, it goes on
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

/// The folder of catalogues, unless `--results` names another one.
const CATALOGUES: &str = "results/catalogues";

/// The results that are known already, one a line.
const LEDGER: &str = "runs.jsonl";

/// The names of the bugs that real faults can reach.
fn bugs() -> clap::builder::PossibleValuesParser {
    let reached = Bug::ALL.into_iter().filter(|bug| Case::of(*bug).is_some());
    reached.map(Bug::name).collect::<Vec<_>>().into()
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "the share is 0 to 1".to_owned())
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    if !arguments.from.is_empty() {
        let mut runs = Vec::new();
        for path in &arguments.from {
            runs.extend(detection::read(path).map_err(unreadable)?);
        }
        if runs.is_empty() {
            return Err(bad_input("there is no run in what --from names"));
        }
        let rows = Row::of(runs);
        print(&rows, arguments.markdown);
        return Ok(exit_of(&rows, arguments.at_least));
    }
    let cases = cases(&arguments)?;
    let seeds = arguments.seeds.clone();
    let shard = arguments.shard.unwrap_or(Shard { index: 1, of: 1 });
    let many = cases.len() as u64 * (seeds.end - seeds.start);
    if many > MOST_RUNS {
        return Err(usage(format!(
            "a catalogue has at most {MOST_RUNS} runs, and this one {many}"
        )));
    }
    let asked: Vec<String> = cases.iter().map(Case::key).collect();
    let part = arguments.shard.map(|it| format!(", shard {}/{}", it.index, it.of));
    let question = format!(
        "# {HARNESS}, seeds {seeds:?}{}\n# {}\n",
        part.unwrap_or_default(),
        asked.join("\n# ")
    );
    let output = Output::of_question(arguments.results, CATALOGUES, seeds.start, &question)?;
    let wanted: Wanted<'_> = cases
        .iter()
        .enumerate()
        .map(|(place, case)| (case, runs_of(place, &seeds, shard)))
        .collect();
    let count = wanted.iter().map(|(_, seeds)| seeds.len() as u64).sum();
    err!("{}, into {}", counted(count, "run"), shown(output.path()));
    let (runs, interrupted) = block_on(carry_out(&wanted, arguments.jobs, &output, seeds.start))?;
    let file = detection::write(output.path(), &runs)?;
    let rows = Row::of(runs);
    print(&rows, arguments.markdown);
    err!("{}", shown(&file));
    if interrupted {
        err!("interrupted; the same command goes on");
        return Ok(Exit::Unknown);
    }
    Ok(exit_of(&rows, arguments.at_least))
}

/// The cases that are asked for.
fn cases(arguments: &Arguments) -> Result<Vec<Case>> {
    if let Some(file) = &arguments.cases {
        return Case::read(file).map_err(unreadable);
    }
    let wanted =
        |bug: &Bug| arguments.bug.is_empty() || arguments.bug.iter().any(|it| it == bug.name());
    let mut cases: Vec<Case> = Bug::ALL.into_iter().filter(wanted).filter_map(Case::of).collect();
    if let Some(flags) = &arguments.flags {
        cases = cases.into_iter().map(|case| case.with_flags(flags)).collect();
    }
    if arguments.controls {
        cases.extend(Case::controls(&cases));
    }
    Ok(cases)
}

/// Prints the table, and below it what it says as a whole.
fn print(rows: &[Row], markdown: bool) {
    let table = Table { heads: Row::HEADS, widths: WIDTHS, markdown };
    table.head();
    rows.iter().for_each(|row| table.row(&row.cells()));
    let harnesses: BTreeSet<&str> = rows.iter().map(|row| row.parties().0).collect();
    out!("");
    for harness in harnesses {
        let own = || rows.iter().filter(|row| row.parties().0 == harness);
        let targets: BTreeSet<&str> = own().map(|row| row.parties().1).collect();
        let targets: Vec<&str> = targets.into_iter().collect();
        let days: BTreeSet<&str> = own().flat_map(Row::days).collect();
        let when = match (days.first(), days.last()) {
            (Some(first), Some(last)) if first == last => format!(", on {first}"),
            (Some(first), Some(last)) => format!(", from {first} to {last}"),
            _ => String::new(),
        };
        out!("{harness}: {}{when}", targets.join(", "));
        if let Some(sentence) = false_alarms(rows, harness) {
            out!("{sentence}");
        }
    }
}

/// Invalid if a defect was found too seldom, or something in a control.
fn exit_of(rows: &[Row], at_least: f64) -> Exit {
    match rows.iter().all(|row| row.is_as_it_should_be(at_least)) {
        true => Exit::Valid,
        false => Exit::Invalid,
    }
}

/// More would take weeks, and are a slip of the pen.
const MOST_RUNS: u64 = 100_000;

const WIDTHS: [usize; 6] = [28, 16, 10, 10, 14, 20];

/// This harness, as its results name it.
const HARNESS: &str = concat!("stormproof ", env!("CARGO_PKG_VERSION"));

/// Cases with the seeds that are wanted of each.
type Wanted<'a> = Vec<(&'a Case, Vec<u64>)>;

/// Carries out the runs that are not known yet, and returns all by case. Those that ended as they
/// should are not kept. Of each case only the runs before the first that did not end count: those
/// that find something end sooner, so the others would be no fair sample.
async fn carry_out(
    wanted: &Wanted<'_>,
    jobs: Option<usize>,
    output: &Output,
    first: u64,
) -> Result<(Vec<DetectionRun>, bool)> {
    let (mut ledger, known) = Ledger::open(&output.path().join(LEDGER))?;
    let of_key: BTreeMap<String, usize> =
        wanted.iter().map(|(case, _)| case.key()).zip(0..).collect();
    let mut ended: BTreeMap<(usize, u64), RunOutcome> = BTreeMap::new();
    for line in known {
        if let Some(row) = of_key.get(&line.of) {
            ended.insert((*row, first + line.number), line.outcome);
        }
    }
    let most = wanted.iter().map(|(_, seeds)| seeds.len()).max().unwrap_or_default();
    let in_turns = (0..most).flat_map(|turn| {
        let of = move |(row, (_, seeds)): (usize, &(&Case, Vec<u64>))| {
            seeds.get(turn).map(|seed| (row, *seed))
        };
        wanted.iter().enumerate().filter_map(of)
    });
    let left: Vec<(usize, u64)> = in_turns.filter(|run| !ended.contains_key(run)).collect();
    let folder_of = |row: usize, seed: u64| format!("{row}-{}", seed - first);
    let plans = left.iter().zip(0..).map(|((row, seed), place)| {
        let plan = wanted[*row].0.plan(*seed)?;
        Ok(repeats::Wanted { name: folder_of(*row, *seed), number: place, plan })
    });
    let mut plans = plans.collect::<Result<Vec<_>>>()?.into_iter();
    let mut pool = Pool::new(output.path().to_owned(), Jobs::new(jobs), None)?;
    let show = Show::start(Some(left.len() as u64));
    let take = |place: u64, outcome: RunOutcome| {
        let (row, seed) = left[place as usize];
        let case = wanted[row].0;
        let verdict = words::verdict(outcome.verdict).to_uppercase();
        let (seconds, clause) = (outcome.seconds, outcome.first_clause());
        show.line(&format!("{}, seed {seed}: {verdict} after {seconds:.0} s: {clause}", case.name));
        show.step();
        let line = Line { of: case.key(), number: seed - first, outcome };
        ledger.add(&line)?;
        if (line.outcome.exit() == Exit::Invalid) == case.defect {
            // What cannot be removed does no harm.
            let _ = fs::remove_dir_all(output.path().join(folder_of(row, seed)));
        }
        ended.insert((row, seed), line.outcome);
        Ok(Go::On)
    };
    pool.carry_out(&show, || plans.next(), take).await?;
    let interrupted = pool.is_interrupted();
    pool.finish().await;
    let mut runs = Vec::new();
    for (row, (case, seeds)) in wanted.iter().enumerate() {
        let in_order = seeds.iter().map_while(|seed| Some((*seed, ended.get(&(row, *seed))?)));
        // One that ended before it was known is of the same target as the others.
        let target = seeds.iter().find_map(|seed| ended.get(&(row, *seed))?.target.clone());
        let target = target.unwrap_or_default();
        runs.extend(in_order.map(|(seed, outcome)| detected(case, &target, seed, outcome)));
    }
    Ok((runs, interrupted))
}

/// A run in the open form.
fn detected(case: &Case, target: &str, seed: u64, outcome: &RunOutcome) -> DetectionRun {
    DetectionRun {
        schema: detection::SCHEMA,
        harness: HARNESS.to_owned(),
        target: target.to_owned(),
        case: case.name.clone(),
        defect: case.defect,
        how: case.flags.clone(),
        run: seed,
        found: match outcome.counted(Failing::Either) {
            Counted::Failed => Some(true),
            Counted::Passed => Some(false),
            Counted::Not(_) => None,
        },
        seconds: outcome.seconds,
        started: outcome.started.clone(),
        note: Some(outcome.first_clause()),
    }
}
