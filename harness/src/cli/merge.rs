//! `stormproof merge`: the night that shards make together.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::ci::CiFlags;
use super::nightly::tell;
use super::output::shown;
use super::report::write_index;
use crate::exit::Exit;
use crate::night;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The folders of the shards
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    /// The folder of the night that they make
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    ci: CiFlags,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    arguments.ci.begin("merge")?;
    let night = night::merge(&arguments.shards, &arguments.output)?;
    tell(&night, &shown(&arguments.output));
    let around = Path::new(".").join(arguments.output.parent().unwrap_or(&arguments.output));
    // Beside the others, if it lies among them.
    let folder = if around.join("latest").is_symlink() { &around } else { &arguments.output };
    write_index(folder);
    arguments.ci.tell_night(&night, &arguments.output, night::exit_of(&night))
}
