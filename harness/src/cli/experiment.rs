//! `stormproof experiment`: claims about Raft, measured on real processes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::PossibleValuesParser;
use results::experiment::{ExperimentFigures, MeasuredExperiment, claim_word, html};

use super::output::{Output, shown};
use super::replay;
use crate::exit::Exit;
use crate::experiments::{ALL, Experiment, Extent, carry_out, figures};
use crate::plan::seed_of_the_moment;
use crate::printing::{err, out};
use crate::repeats::block_on;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The experiment, or all; `list experiments` tells their claims
    #[arg(value_parser = names())]
    name: String,
    /// The number of nodes [default: the experiment's]
    #[arg(long, value_parser = clap::value_parser!(u16).range(3..=9))]
    nodes: Option<u16>,
    /// Fewer runs: a minute for each experiment instead of several
    #[arg(long)]
    quick: bool,
    /// The seed of the first run of each arm [default: another one each time]
    #[arg(long, default_value_t = seed_of_the_moment(), hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(..=MOST_SEED))]
    seed: u64,
    /// So many runs at a time [default: one for each processor, at most 4]
    #[arg(long, value_name = "N", value_parser = replay::jobs())]
    jobs: Option<usize>,
    /// The folder of the page, of the figures as JSON and of runs that do not count [default: one in results/experiments]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

/// The name that stands for every experiment.
const EVERY: &str = "all";

/// Runs have seeds from it on, and a plan has none beyond TOML's numbers.
const MOST_SEED: u64 = 1 << 62;

/// The folder of experiments, unless `--results` names another one.
const EXPERIMENTS: &str = "results/experiments";

/// The page in that folder.
const PAGE: &str = "experiment.html";

/// More runs at a time would disturb each other's times.
const MOST_JOBS: usize = 4;

fn names() -> PossibleValuesParser {
    ALL.iter().map(|it| it.name).chain([EVERY]).collect::<Vec<_>>().into()
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Arguments { name, nodes, quick, seed, jobs, results } = arguments;
    let wanted = ALL.iter().filter(|it| name == EVERY || it.name == name);
    let output = match results {
        Some(path) => Output::at(path)?,
        None => Output::fresh(Path::new(EXPERIMENTS), &format!("{name}-s{seed}"))?,
    };
    let extent = Extent { quick, nodes: nodes.map(usize::from) };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = jobs.unwrap_or(processors.min(MOST_JOBS));
    let mut made: Vec<ExperimentFigures> = Vec::new();
    let mut exit = Exit::Valid;
    for experiment in wanted {
        err!("{}: {}", experiment.name, experiment.claim);
        let folder = Output::at(output.path().join(experiment.name))?;
        let carried = block_on(carry_out(experiment, extent, seed, jobs, folder.path()))?;
        // Runs that count are gone; what is not empty stays.
        let _ = fs::remove_dir(folder.path());
        let command = command(experiment, extent, seed);
        let figures = figures(experiment, &carried.arms, &carried.uncounted, command);
        print(&figures);
        exit = exit.or_worse(figures.verdict().into());
        let measured = MeasuredExperiment { figures, machine: machine(jobs) };
        keep(&measured, &output.path().join(format!("{}.json", experiment.name)))?;
        made.push(measured.figures);
        if carried.interrupted {
            err!("interrupted");
            exit = exit.or_worse(Exit::Unknown);
            break;
        }
    }
    if exit == Exit::Invalid {
        err!("beside other work claims about rates fail: if there was some, try again without");
    }
    let page = output.path().join(PAGE);
    fs::write(&page, html(&made, &machine(jobs)))
        .with_context(|| format!("cannot write {}", page.display()))?;
    out!("page: {}", shown(&page));
    Ok(exit)
}

/// Writes the figures down for those who draw or compare them, such as the book.
fn keep(measured: &MeasuredExperiment, path: &Path) -> Result<()> {
    let mut text = serde_json::to_string(measured)?;
    text.push('\n');
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The command that carries out an experiment again.
fn command(experiment: &Experiment, extent: Extent, seed: u64) -> String {
    let mut words = format!("stormproof experiment {}", experiment.name);
    if let Some(nodes) = extent.nodes {
        words.push_str(&format!(" --nodes {nodes}"));
    }
    if extent.quick {
        words.push_str(" --quick");
    }
    format!("{words} --seed {seed}")
}

/// The place at which it was measured.
fn machine(jobs: usize) -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "Measured by stormproof {} on {processors} processors, {jobs} runs at a time, on the bundled \
         cluster. Intervals are at 95 % confidence: of medians Brookmeyer and Crowley's, of shares \
         Wilson's, of differences of shares Newcombe's; p is that of a permutation test of ranks within \
         seeds.",
        env!("CARGO_PKG_VERSION")
    )
}

/// Prints the figures of each arm, the parts of the claim, and what comes of it.
fn print(figures: &ExperimentFigures) {
    let width = figures.table.iter().map(|row| row.arm.chars().count()).max().unwrap_or(0);
    out!("{}: {}", figures.name, figures.claim);
    for row in &figures.table {
        let cells = figures.heads.iter().zip(&row.cells);
        let cells = cells.map(|(head, cell)| format!("{head} {cell}")).collect::<Vec<_>>();
        out!("  {:width$}  {}", row.arm, cells.join(" · "));
    }
    for check in &figures.checks {
        out!("  {}: {}", claim_word(check.verdict), check.sentence);
    }
    out!("  {}", figures.runs);
    out!("{} {}\n", figures.name, claim_word(figures.verdict()).to_uppercase());
}
