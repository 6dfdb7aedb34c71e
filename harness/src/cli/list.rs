//! `stormproof list`: what a flag can be given.

use anyhow::Result;
use clap::{Args, ValueEnum};
use faults::schedule::Compositions;

use super::bugs;
use crate::exercises;
use crate::exit::Exit;
use crate::experiments;
use crate::names;
use crate::printing::out;
use crate::targets::registry;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The list to print
    #[arg(value_enum)]
    what: What,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// For --workload
    Workloads,
    /// For --faults
    Faults,
    /// For --profile
    Profiles,
    /// Drawn by the profiles besides single faults; --compositions takes more
    Compositions,
    /// For --bug
    Bugs,
    /// For --target
    Targets,
    /// For check --model
    Models,
    /// For experiment
    Experiments,
    /// For exercise
    Exercises,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let rows: Vec<(String, String)> = match arguments.what {
        What::Workloads => workloads::ALL
            .iter()
            .map(|workload| {
                (
                    workload.name.into(),
                    format!("{} (judged by {})", workload.summary, workload.model),
                )
            })
            .collect(),
        What::Profiles => names::offered_profiles()
            .map(|profile| (profile.name().into(), profile.description().into()))
            .collect(),
        What::Faults => names::offered_families()
            .map(|family| (family.name().into(), family.description().into()))
            .collect(),
        What::Compositions => Compositions::shipped()
            .iter()
            .map(|composition| {
                let families: Vec<_> = composition.families().iter().map(|it| it.name()).collect();
                let (families, weight) = (families.join("+"), composition.weight());
                let about = composition.about();
                (composition.name().into(), format!("{about} ({families}; weight {weight})"))
            })
            .collect(),
        What::Bugs => {
            out!("{}", bugs::table());
            return Ok(Exit::Valid);
        }
        What::Targets => registry::ALL
            .iter()
            .map(|target| (target.name.into(), target.summary.into()))
            .chain([("FILE.toml".into(), "any other service, by a manifest of yours".into())])
            .collect(),
        What::Models => checker::model::ALL
            .iter()
            .map(|model| model.description())
            .map(|model| (model.name.into(), model.summary.into()))
            .collect(),
        What::Experiments => experiments::ALL
            .iter()
            .map(|experiment| (experiment.name.into(), experiment.claim.into()))
            .collect(),
        What::Exercises => exercises::ALL
            .iter()
            .map(|exercise| (exercise.name.into(), exercise.goal.into()))
            .collect(),
    };
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, summary) in rows {
        out!("{name:width$}  {summary}");
    }
    Ok(Exit::Valid)
}
