//! `stormproof report`: a saved run or night told of again, and the index of many.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use results::ci::CiReport;
use results::night::{Night, NightDirectory};
use results::run_directory::RunDirectory;

use super::ci::CiFlags;
use super::judging::unreadable;
use super::output::shown;
use super::saved_run::write_page;
use crate::exit::Exit;
use crate::printing::{err, out};
use crate::serve;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A run directory, such as results/runs/latest, whose page is written again; or a folder of
    /// nights or runs, whose index is; or the folder of a night, with a flag for CI
    directory: PathBuf,
    #[command(flatten)]
    ci: CiFlags,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Arguments { directory, ci } = arguments;
    if ci.any()
        && let Some(night) = night_in(&directory)?
    {
        return ci.tell_night(&night, &directory, Exit::Valid);
    }
    let is_of_many = NightDirectory::is_one(&directory) || !RunDirectory::is_one(&directory);
    if !ci.any() && directory.is_dir() && is_of_many {
        let index = serve::read(&directory).map_err(unreadable)?;
        if !index.is_empty() {
            out!("{}", shown(&serve::save(&directory, &index)?));
            return Ok(Exit::Valid);
        }
    }
    let run = RunDirectory::open(&directory).map_err(unreadable)?;
    let summary = run.summary().map_err(unreadable)?;
    let page = match &summary {
        Some(summary) => {
            let left = run.load().map_err(unreadable)?;
            let logs = left.node_logs();
            let page = results::report::html(summary, &left.history, &left.node_events, &logs);
            run.save_report(&page)?
        }
        // It was killed before it was judged.
        None => write_page(&run)?,
    };
    out!("{}", page.display());
    let summary = summary.map_or_else(|| run.summary().map_err(unreadable), |it| Ok(Some(it)))?;
    let report = summary.map(|summary| CiReport::of_run(&summary, &shown(run.path())));
    Ok(report.map_or(Exit::Valid, |report| ci.tell(&report, Exit::Valid)))
}

/// The night in a folder; none if it holds none.
fn night_in(folder: &Path) -> Result<Option<Night>> {
    match folder.is_dir() {
        true => NightDirectory::at(folder)?.night().map_err(unreadable),
        false => Ok(None),
    }
}

/// Writes the index of a folder of nights, and names it. That it cannot be written takes nothing from
/// what the nights came to.
pub fn write_index(folder: &Path) {
    match serve::write(folder) {
        Ok(page) => out!("{}", shown(&page)),
        Err(error) => err!("no index is written: {error:#}"),
    }
}
