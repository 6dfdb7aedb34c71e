//! Plans in files, which targets of a night name.

use std::path::Path;

use anyhow::Result;
use toml::{Table, Value};

use crate::exit::bad_input;
use crate::plan::Written;

/// The plan of a night with the plans in it that its targets name by `plan = "FILE"`. What a target
/// itself says counts more. The faults that a file spells out are those of every run, under the name
/// of the file in place of a profile.
///
/// All that the night follows from stands in one text then: the night keeps it, and goes on by it
/// though the files may have changed.
///
/// # Errors
/// When a file cannot be read or is no plan, or a target has profiles for faults that are spelled
/// out.
pub(super) fn with_plans(text: &str) -> Result<String> {
    let mut night: Table = toml::from_str(text).map_err(|error| bad_input(error.to_string()))?;
    let mut any = false;
    let targets = night.get_mut("target").and_then(Value::as_array_mut);
    for target in targets.into_iter().flatten().filter_map(Value::as_table_mut) {
        if let Some(plan) = target.remove("plan") {
            let path = plan.as_str().ok_or_else(|| bad_input("plan is the name of a file"))?;
            put(target, Path::new(path))?;
            any = true;
        }
    }
    match any {
        true => toml::to_string(&night).map_err(|error| bad_input(error.to_string())),
        false => Ok(text.to_owned()),
    }
}

/// Puts the plan of a file beneath what a target says.
fn put(target: &mut Table, path: &Path) -> Result<()> {
    Written::from_file(path)?;
    let text = std::fs::read_to_string(path)?;
    let mut plan: Table = toml::from_str(&text)?;
    plan.remove("seed");
    let mut put_one = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            target.entry(name).or_insert_with(|| Value::Array(vec![value]));
        }
    };
    put_one("workloads", plan.remove("workload"));
    let profile = plan.remove("profile");
    if plan.contains_key("fault") {
        if target.contains_key("profiles") {
            return Err(bad_input(format!(
                "{} spells its faults out, so that no profile draws them: leave profiles out",
                path.display()
            )));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        target.insert("profiles".to_owned(), Value::Array(vec![Value::String(name)]));
    } else {
        put_one("profiles", profile);
    }
    for (key, value) in plan {
        target.entry(key).or_insert(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::night::NightPlan;

    /// Writes a plan for a test, and returns the path of it.
    fn written(name: &str, text: &str) -> String {
        let name = format!("stormproof-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("a scratch file can be written");
        path.display().to_string()
    }

    const TWO_KILLS: &str = "workload = \"set\"\nseed = 3\nnodes = 3\ntime_limit = 20.0\n\
        [[fault]]\nat = 2.0\nlasts = 1.0\nfamily = \"kill\"\naim = \"leader\"\n\
        [[fault]]\nat = 9.0\nlasts = 1.0\nfamily = \"kill\"\naim = \"one\"\n";

    #[test]
    fn faults_that_a_file_spells_out_are_those_of_every_run_of_the_cell() {
        let file = written("two-kills", TWO_KILLS);
        let night = format!("[[target]]\nplan = \"{file}\"\nnodes = 5\n[[target]]\n");
        let text = with_plans(&night).expect("it is a plan");
        // The night goes on by what it keeps.
        std::fs::remove_file(&file).expect("it was written");
        assert_eq!(with_plans(&text).expect("it names no file"), text);
        let plan = NightPlan::parse(&text, "test").expect("it is a plan");
        plan.check().expect("both cells are possible");
        let stem = Path::new(&file).file_stem().expect("it has one").to_string_lossy();
        let names: Vec<String> = plan.cells.iter().map(|cell| cell.name()).collect();
        assert_eq!(
            names,
            [format!("bundled · set · {stem}"), "bundled · register · nightly".into()]
        );
        let [one, other] = [7, 8].map(|seed| plan.cells[0].plan(seed).expect("it is possible"));
        assert_eq!((one.seed, one.nodes, one.time_limit, one.schedule.len()), (7, 5, 20.0, 2));
        assert_eq!((other.seed, &other.schedule), (8, &one.schedule));
        let drawn = [7, 8].map(|seed| plan.cells[1].plan(seed).expect("it is possible").schedule);
        assert_ne!(drawn[0], drawn[1]);
    }

    #[test]
    fn a_file_that_is_no_plan_is_refused_and_so_are_profiles_of_faults_spelled_out() {
        let refused = |night: &str, says: &str| {
            let error = format!("{:#}", with_plans(night).expect_err("it is none"));
            assert!(error.contains(says), "no {says:?} in: {error}");
        };
        refused("[[target]]\nplan = \"no/such.toml\"\n", "no/such.toml");
        refused("[[target]]\nplan = 7\n", "the name of a file");
        let file = written("flavour", "flavour = \"mild\"\n");
        refused(&format!("[[target]]\nplan = \"{file}\"\n"), "there is no flavour in a plan");
        std::fs::write(&file, TWO_KILLS).expect("it can be written");
        let night = format!("[[target]]\nplan = \"{file}\"\nprofiles = [\"gentle\"]\n");
        refused(&night, "leave profiles out");
        std::fs::remove_file(&file).expect("it was written");
    }
}
