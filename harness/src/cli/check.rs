//! `stormproof check`: judges a history, or a saved run again.

use anyhow::Result;
use clap::Args;
use results::summary::Summary;
use results::verdict_text;
use serde_json::Value;

use super::judging::{Judged, Judging, judge};
use super::saved_run::{JudgedAgain, judge_again};
use crate::exit::Exit;
use crate::printing::{out, print_out};
use crate::terminal;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    judging: Judging,
    /// Print the analysis as JSON; of a run, with liveness, coverage and the verdict of all
    #[arg(long)]
    json: bool,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Arguments { judging, json } = arguments;
    if judging.path().is_dir() {
        let JudgedAgain { summary, text } = judge_again(&judging)?;
        match json {
            true => out!("{}", serde_json::to_string_pretty(&whole_verdict(&summary)?)?),
            false => print_out(format_args!("{text}")),
        }
        return Ok(summary.conclusion().into());
    }
    let Judged { analysis, choice, .. } = judge(&judging)?;
    if json {
        out!("{}", serde_json::to_string_pretty(&analysis)?);
    } else {
        if let Some(choice) = choice {
            out!("{choice}");
        }
        let colour = terminal::colours();
        print_out(format_args!("{}", verdict_text::analysis(&analysis, colour)));
    }
    Ok(analysis.verdict.into())
}

/// The verdict of a run, whose fields go before those of the same name in the analysis of its history.
fn whole_verdict(summary: &Summary) -> Result<Value> {
    let mut whole = serde_json::to_value(summary)?;
    let analysis = serde_json::to_value(&summary.safety)?;
    if let (Value::Object(whole), Value::Object(analysis)) = (&mut whole, analysis) {
        for (name, value) in analysis {
            whole.entry(name).or_insert(value);
        }
    }
    Ok(whole)
}
