//! `stormproof report`: the page of a saved run, written again.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use results::run_directory::RunDirectory;

use super::saved_run::write_page;
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
    let summary = directory.summary().map_err(|error| bad_input(format!("{error:#}")))?;
    let page = match summary {
        Some(summary) => {
            let run = directory.load().map_err(|error| bad_input(format!("{error:#}")))?;
            let logs = run.node_logs();
            let page = results::report::html(&summary, &run.history, &run.node_events, &logs);
            directory.save_report(&page)?
        }
        // It was killed before it was judged.
        None => write_page(&directory)?,
    };
    out!("{}", page.display());
    Ok(Exit::Valid)
}
