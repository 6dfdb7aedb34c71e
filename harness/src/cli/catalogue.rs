//! `stormproof catalogue`: how often real runs catch the planted bugs, and how often they cry wolf.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use cluster::bugs::Bug;
use results::words::{self, counted};

use super::output::{Output, shown};
use super::replay::jobs;
use super::simulate::seeds;
use super::table::Table;
use crate::catalogue::{Case, Row};
use crate::exit::{Exit, usage};
use crate::printing::err;
use crate::repeats::{Go, Jobs, Ledger, Line, Pool, RunOutcome, Show, Tally, Wanted, block_on};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The bugs, separated by commas [default: all that real faults can reach]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = bugs())]
    bug: Vec<String>,
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
    let wanted =
        |bug: &Bug| arguments.bug.is_empty() || arguments.bug.iter().any(|it| it == bug.name());
    let mut cases: Vec<Case> = Bug::ALL.into_iter().filter(wanted).filter_map(Case::of).collect();
    if let Some(flags) = &arguments.flags {
        cases = cases.into_iter().map(|case| case.with_flags(flags)).collect();
    }
    if arguments.controls {
        cases.extend(Case::controls(&cases));
    }
    let seeds = arguments.seeds.clone();
    let many = cases.len() as u64 * (seeds.end - seeds.start);
    if many > MOST_RUNS {
        return Err(usage(format!(
            "a catalogue has at most {MOST_RUNS} runs, and this one {many}"
        )));
    }
    let asked: Vec<String> = cases.iter().map(Case::key).collect();
    let question = format!(
        "# {} {}, seeds {seeds:?}\n# {}\n",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
        asked.join("\n# ")
    );
    let output = Output::of_question(arguments.results, CATALOGUES, seeds.start, &question)?;
    err!("{}, into {}", counted(many, "run"), shown(output.path()));
    let (rows, interrupted) = block_on(carry_out(&cases, &seeds, arguments.jobs, &output))?;
    let table = Table { heads: Row::HEADS, widths: WIDTHS, markdown: arguments.markdown };
    table.head();
    rows.iter().for_each(|row| table.row(&row.cells()));
    if interrupted {
        err!("interrupted; the same command goes on");
        return Ok(Exit::Unknown);
    }
    let good = rows.iter().all(|row| row.is_as_it_should_be(arguments.at_least));
    Ok(if good { Exit::Valid } else { Exit::Invalid })
}

/// More would take weeks, and are a slip of the pen.
const MOST_RUNS: u64 = 100_000;

const WIDTHS: [usize; 5] = [28, 10, 10, 12, 20];

/// Carries out the runs that are not known yet. Those that ended as they should are not kept.
async fn carry_out(
    cases: &[Case],
    seeds: &Range<u64>,
    jobs: Option<usize>,
    output: &Output,
) -> Result<(Vec<Row>, bool)> {
    let (mut ledger, known) = Ledger::open(&output.path().join(LEDGER))?;
    let mut rows: Vec<Row> =
        cases.iter().map(|case| Row { case: case.clone(), runs: Tally::default() }).collect();
    let of_key: BTreeMap<String, usize> = cases.iter().map(Case::key).zip(0..).collect();
    for line in known {
        if let Some(row) = of_key.get(&line.of) {
            rows[*row].runs.take(line.number, line.outcome);
        }
    }
    let is_known = |row: usize, number| rows[row].runs.all().any(|(known, _)| known == number);
    let numbers = 0..seeds.end - seeds.start;
    let left = numbers.flat_map(|number| (0..cases.len()).map(move |row| (row, number)));
    let left: Vec<(usize, u64)> = left.filter(|(row, number)| !is_known(*row, *number)).collect();
    let folder_of = |row: usize, number: u64| format!("{row}-{number}");
    let wanted = left.iter().zip(0..).map(|((row, number), place)| {
        let plan = cases[*row].plan(seeds.start + number)?;
        Ok(Wanted { name: folder_of(*row, *number), number: place, plan })
    });
    let mut wanted = wanted.collect::<Result<Vec<Wanted>>>()?.into_iter();
    let mut pool = Pool::new(output.path().to_owned(), Jobs::new(jobs), None)?;
    let show = Show::start(Some(left.len() as u64));
    let ended = |place: u64, outcome: RunOutcome| {
        let (row, number) = left[place as usize];
        let case = &cases[row];
        let verdict = words::verdict(outcome.verdict).to_uppercase();
        let (seconds, seed) = (outcome.seconds, seeds.start + number);
        let clause = outcome.first_clause();
        show.line(&format!(
            "{}, seed {seed}: {verdict} after {seconds:.0} s: {clause}",
            case.name()
        ));
        show.step();
        let line = Line { of: case.key(), number, outcome };
        ledger.add(&line)?;
        if (line.outcome.exit() == Exit::Invalid) == case.bug.is_some() {
            // What cannot be removed does no harm.
            let _ = fs::remove_dir_all(output.path().join(folder_of(row, number)));
        }
        rows[row].runs.take(number, line.outcome);
        Ok(Go::On)
    };
    pool.carry_out(&show, || wanted.next(), ended).await?;
    let interrupted = pool.is_interrupted();
    pool.finish().await;
    Ok((rows, interrupted))
}
