//! `stormproof check`: judges a history, or a saved run again.

use std::fs::File;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use checker::verdict::Analysis;
use clap::Args;
use indicatif::ProgressBar;
use results::run_directory::HISTORY;
use serde_json::Value;

use super::names;
use crate::exit::{Exit, bad_input};
use crate::verdict_text;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A history (JSON lines, Jepsen EDN or a plain Jepsen log), or a run directory
    path: PathBuf,
    /// The model to judge by [default: chosen from the operations; says which]
    #[arg(long, value_parser = names::model())]
    model: Option<String>,
    /// What every key holds before the first operation, as JSON [default: null, nothing]
    #[arg(long, value_name = "JSON", value_parser = |json: &str| serde_json::from_str::<Value>(json))]
    initial: Option<Value>,
    /// Operations that the search may try before it answers Unknown
    #[arg(long, value_name = "STEPS")]
    budget: Option<u64>,
    /// How many keys are judged at a time [default: one for each processor]
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
    /// Take a compare-and-set that failed as the observation that another value was there
    #[arg(long)]
    observe_failed_cas: bool,
    /// Print the analysis as JSON
    #[arg(long)]
    json: bool,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let path = match arguments.path.is_dir() {
        true => arguments.path.join(HISTORY),
        false => arguments.path.clone(),
    };
    let unreadable =
        |error: &dyn std::fmt::Display| bad_input(format!("{}: {error}", path.display()));
    let file = File::open(&path).map_err(|error| unreadable(&error))?;
    let bar = progress_bar(file.metadata().map_or(0, |metadata| metadata.len()));
    let reading = checker::history::read(bar.wrap_read(file));
    bar.finish_and_clear();
    let reading = reading.map_err(|error| unreadable(&error))?;
    for note in &reading.notes {
        eprintln!("{}: {note}", path.display());
    }
    let mut options = checker::Options::for_format(reading.format);
    options.model = arguments.model;
    if let Some(steps) = arguments.budget {
        options.budget.steps = steps;
    }
    options.initial = arguments.initial.unwrap_or_default();
    options.threads = arguments.threads.unwrap_or(options.threads);
    options.conventions.observe_failed_cas = arguments.observe_failed_cas;
    if options.model.is_none() && !arguments.json {
        let choice = checker::model::choose(&reading.operations)
            .map_err(|error| unreadable(&error.in_file()))?;
        let model = choice.kind.description().name;
        println!("{}, judged as {model}: {}", reading.format.name(), choice.reason);
    }
    let bar = progress_bar(0);
    let show = |progress: checker::Progress| {
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
    };
    let analysis = checker::check_with_progress(&reading.operations, &options, &show)
        .map_err(|error| unreadable(&error.in_file()))?;
    bar.finish_and_clear();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&analysis)?);
    } else {
        print(&analysis);
    }
    Ok(analysis.verdict.into())
}

/// A bar on a terminal; nothing elsewhere.
fn progress_bar(length: u64) -> ProgressBar {
    match std::io::stderr().is_terminal() {
        true => ProgressBar::new(length),
        false => ProgressBar::hidden(),
    }
}

fn print(analysis: &Analysis) {
    let colour = std::io::stdout().is_terminal();
    let badge = verdict_text::badge(analysis.verdict, colour);
    let scope = format!(
        "{} on {}, {} in {}",
        verdict_text::count(analysis.operations, "operation"),
        verdict_text::count(analysis.keys, "key"),
        analysis.algorithm,
        verdict_text::count(analysis.steps, "step")
    );
    match (&analysis.counterexample, &analysis.reason) {
        (Some(counterexample), _) => {
            println!("{badge}  {}", counterexample.sentence);
            println!("\n{}", verdict_text::counterexample(counterexample));
            println!("  {scope}");
        }
        (None, Some(reason)) => println!("{badge}  {reason} ({scope})"),
        (None, None) => println!("{badge}  {scope}"),
    }
}
