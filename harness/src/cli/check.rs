//! `stormproof check`: judges a history, or a saved run again.

use std::io::IsTerminal;

use anyhow::Result;
use clap::Args;
use results::verdict_text;

use super::judging::{Judged, Judging, judge};
use crate::exit::Exit;
use crate::printing::{out, print_out};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    judging: Judging,
    /// Print the analysis as JSON
    #[arg(long)]
    json: bool,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Judged { analysis, choice, .. } = judge(&arguments.judging)?;
    if arguments.json {
        out!("{}", serde_json::to_string_pretty(&analysis)?);
    } else {
        if let Some(choice) = choice {
            out!("{choice}");
        }
        let colour = std::io::stdout().is_terminal();
        print_out(format_args!("{}", verdict_text::analysis(&analysis, colour)));
    }
    Ok(analysis.verdict.into())
}
