//! Two runs of a folder, side by side.

use std::collections::BTreeSet;

use anyhow::Result;
use results::comparison::{FlagDifference, Side, html};
use results::loaded_run::LoadedRun;
use results::run_directory::RunDirectory;

/// The keys of a plan that are no flags: the faults, which have a table of their own.
const NO_FLAGS: [&str; 2] = ["fault", "schedule"];

/// The page of two runs, each with its address.
///
/// # Errors
/// When a file of either cannot be read.
pub(super) fn comparison(
    one: (String, RunDirectory),
    other: (String, RunDirectory),
) -> Result<String> {
    let runs = [one.1.load()?, other.1.load()?];
    let [first, second] = [&runs[0], &runs[1]].map(flags);
    let sides = [&one.0, &other.0].into_iter().zip(&runs);
    let sides: Vec<Side<'_>> = sides.map(|(address, run)| Side { address, run }).collect();
    Ok(html(&sides[0], &sides[1], &differences(&first, &second)))
}

/// The flags of a run; none of one whose plan cannot be understood.
fn flags(run: &LoadedRun) -> toml::Table {
    run.plan.as_deref().and_then(|plan| plan.parse().ok()).unwrap_or_default()
}

fn differences(one: &toml::Table, other: &toml::Table) -> Vec<FlagDifference> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let names = names.into_iter().filter(|name| !NO_FLAGS.contains(&name.as_str()));
    let value = |of: &toml::Table, name: &str| of.get(name).map(toml::Value::to_string);
    names
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| FlagDifference {
            flag: name.clone(),
            one: value(one, name),
            other: value(other, name),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_differ_by_value_and_by_being_there() {
        let table = |text: &str| text.parse::<toml::Table>().expect("it is TOML");
        let one = table("seed = 1\nnodes = 3\nbug = \"stale-read\"\n[[fault]]\nat = 1.0\n");
        let other = table("seed = 2\nnodes = 3\n[[fault]]\nat = 2.0\n");
        let found = differences(&one, &other);
        let rows: Vec<_> =
            found.iter().map(|it| (&*it.flag, it.one.as_deref(), it.other.as_deref())).collect();
        assert_eq!(rows, [("bug", Some("\"stale-read\""), None), ("seed", Some("1"), Some("2"))]);
        assert_eq!(differences(&one, &one), []);
    }
}
