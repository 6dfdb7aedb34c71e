//! `stormproof report`: the page of a saved run, written again.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use results::run_directory::RunDirectory;

use crate::exit::{Exit, bad_input};
use crate::printing::out;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A run directory, such as results/runs/latest
    directory: PathBuf,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let directory = RunDirectory::open(&arguments.directory)
        .map_err(|error| bad_input(format!("{error:#}")))?;
    let run = directory.load().map_err(|error| bad_input(format!("{error:#}")))?;
    let summary = run.summary.with_context(|| {
        format!("{} has no verdict yet; judge it with stormproof check", directory.path().display())
    })?;
    let page = results::report::html(&summary, &run.history, &run.node_events);
    out!("{}", directory.save_report(&page)?.display());
    Ok(Exit::Valid)
}
