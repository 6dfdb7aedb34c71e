//! `stormproof serve`: results in a browser.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::output::shown;
use super::up::stop_signals;
use crate::exit::{Exit, bad_input, usage};
use crate::printing::out;
use crate::serve::open;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A folder with nights or runs
    #[arg(default_value = "results")]
    directory: PathBuf,
    /// The address at which to serve; port 0 takes a free one. Others than this machine see the
    /// results at one that is not its own
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8808")]
    listen: SocketAddr,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let folder = &arguments.directory;
    if !folder.is_dir() {
        return Err(bad_input(format!("{} is no folder of results", folder.display())));
    }
    let stopped = stop_signals()?;
    let address = open(folder, arguments.listen).map_err(|error| usage(format!("{error:#}")))?;
    out!("{} at http://{}/", shown(folder), address);
    out!("A run that goes on: http://{}/live. Ctrl-C ends it.", address);
    // It ends when whoever sends the signal is gone, too.
    let _ = stopped.recv();
    Ok(Exit::Valid)
}
