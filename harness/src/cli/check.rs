//! `stormproof check`: judges a history, or a saved run again.

use std::io::IsTerminal;

use anyhow::Result;
use checker::verdict::Analysis;
use clap::Args;
use results::words;

use super::judging::{Judged, Judging, judge};
use crate::exit::Exit;
use crate::printing::out;
use crate::verdict_text;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    judging: Judging,
    /// Print the analysis as JSON
    #[arg(long)]
    json: bool,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Judged { analysis, choice } = judge(&arguments.judging)?;
    if arguments.json {
        out!("{}", serde_json::to_string_pretty(&analysis)?);
    } else {
        if let Some(choice) = choice {
            out!("{choice}");
        }
        print(&analysis);
    }
    Ok(analysis.verdict.into())
}

fn print(analysis: &Analysis) {
    let colour = std::io::stdout().is_terminal();
    let badge = verdict_text::badge(analysis.verdict, colour);
    let scope = format!(
        "{} on {}, {} in {}",
        words::counted(analysis.operations, "operation"),
        words::counted(analysis.keys, "key"),
        analysis.algorithm,
        words::counted(analysis.steps, "step")
    );
    match (&analysis.counterexample, analysis.sentence()) {
        (Some(counterexample), Some(sentence)) => {
            out!("{badge}  {sentence}");
            out!("\n{}", verdict_text::counterexample(counterexample));
            out!("  {scope}");
        }
        (_, Some(sentence)) => out!("{badge}  {sentence} ({scope})"),
        (_, None) => out!("{badge}  {scope}"),
    }
    if let Some(versions) = &analysis.versions {
        out!("  {versions}");
    }
    if let Some(audit) = &analysis.audit {
        out!("  {audit}");
    }
    if let Some(divergence) = &analysis.divergence {
        out!("  {divergence}");
    }
    if let Some(accounting) = &analysis.accounting {
        out!("  {}", words::elements(accounting));
    }
}
