//! One thing that is looked for: a defect, or the same runs without it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cluster::bugs::{Bug, Reach};
use serde::Deserialize;

use crate::plan::{Plan, Written, split};

/// A defect and the flags that catch it, or such flags without it: a control, in which everything
/// found is a false alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// The name of the defect; of controls, another.
    pub name: String,
    /// True if the defect is there.
    pub defect: bool,
    /// The flags of `run`.
    pub flags: String,
    /// The planted bug, if it is one.
    bug: Option<Bug>,
}

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<FileCase>,
}

/// A defect of a real service: the flags of all runs, and those by which the version that has it is
/// told from one that has not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCase {
    name: String,
    flags: String,
    broken: String,
    fixed: Option<String>,
}

impl Case {
    /// The planted bug with its own flags; none if no real fault reaches it.
    pub fn of(bug: Bug) -> Option<Case> {
        match bug.reach() {
            Reach::Faults(flags) => Some(Case {
                name: bug.name().to_owned(),
                defect: true,
                flags: flags.to_owned(),
                bug: Some(bug),
            }),
            Reach::Simulator => None,
        }
    }

    /// The cases in a TOML file, each with its control behind it if it has one.
    ///
    /// # Errors
    /// When it cannot be read, or its flags make no plans.
    pub fn read(path: &Path) -> Result<Vec<Case>> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let file: File = toml::from_str(&text).with_context(|| shown.to_string())?;
        let mut cases = Vec::new();
        for FileCase { name, flags, broken, fixed } in file.case {
            let of = |name: String, defect, more: &str| Case {
                name,
                defect,
                flags: format!("{flags} {more}").trim().to_owned(),
                bug: None,
            };
            let control = fixed.map(|fixed| of(format!("{name}, fixed"), false, &fixed));
            cases.push(of(name, true, &broken));
            cases.extend(control);
        }
        for case in &cases {
            case.plan(1).with_context(|| format!("{shown}: case {:?}", case.name))?;
        }
        Ok(cases)
    }

    /// The same in runs with other flags.
    pub fn with_flags(self, flags: &str) -> Case {
        Case { flags: flags.to_owned(), ..self }
    }

    /// The controls of planted bugs: their flags, each once.
    pub fn controls(cases: &[Case]) -> Vec<Case> {
        let mut controls: Vec<Case> = Vec::new();
        for case in cases {
            let name = "none planted".to_owned();
            let control = Case { name, defect: false, bug: None, ..case.clone() };
            if !controls.contains(&control) {
                controls.push(control);
            }
        }
        controls
    }

    /// The name and the flags: another for each case.
    pub fn key(&self) -> String {
        format!("{} {}", self.name, self.flags)
    }

    /// The plan with this seed.
    ///
    /// # Errors
    /// When the flags make no plan.
    pub fn plan(&self, seed: u64) -> Result<Plan> {
        let mut written = Written::from_flags(&split(&self.flags))?;
        if let Some(bug) = self.bug {
            written.set("bug", bug.name());
        }
        written.set("seed", &seed.to_string());
        written.resolve()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_every_bug_make_plans_with_faults() {
        let cases: Vec<Case> = Bug::ALL.into_iter().filter_map(Case::of).collect();
        let controls = Case::controls(&cases);
        assert!(controls.len() > 5 && controls.len() < cases.len());
        for case in cases.iter().chain(&controls) {
            let plan = case.plan(7).expect(&case.flags);
            assert_eq!((plan.bug.as_deref(), plan.seed), (case.bug.map(Bug::name), 7));
            assert_eq!(case.bug.is_some(), case.defect);
            assert!(plan.schedule.len() >= 5, "{}: {} faults", case.key(), plan.schedule.len());
        }
    }

    #[test]
    fn a_file_pairs_versions_with_a_defect_and_without() {
        let path = std::env::temp_dir().join(format!("stormproof-cases-{}", std::process::id()));
        let read = |text: &str| {
            fs::write(&path, text).expect("a scratch file can be written");
            Case::read(&path)
        };
        let cases = read(
            "[[case]]\nname = \"a lost write\"\nflags = \"--faults kill\"\nbroken = \"--nodes 3\"\n\
             fixed = \"--nodes 5\"\n[[case]]\nname = \"other\"\nflags = \"\"\nbroken = \"--nodes 1\"\n",
        );
        let cases = cases.expect("they are cases");
        let told: Vec<_> =
            cases.iter().map(|it| (it.name.as_str(), it.defect, it.flags.as_str())).collect();
        assert_eq!(
            told,
            [
                ("a lost write", true, "--faults kill --nodes 3"),
                ("a lost write, fixed", false, "--faults kill --nodes 5"),
                ("other", true, "--nodes 1"),
            ]
        );
        let error = read("[[case]]\nname = \"x\"\nflags = \"--nodse 3\"\nbroken = \"\"\n");
        let error = format!("{:#}", error.expect_err("there is no such flag"));
        assert!(error.contains("case \"x\"") && error.contains("--nodse"), "{error}");
        let error = format!("{:#}", read("[[case]]\nnmae = \"x\"\n").expect_err("a slip"));
        assert!(error.contains("nmae"), "{error}");
        fs::remove_file(&path).expect("it is ours");
    }
}
