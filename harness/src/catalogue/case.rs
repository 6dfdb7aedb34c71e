//! One thing that is looked for: a planted bug, or the same runs without it.

use anyhow::Result;
use cluster::bugs::{Bug, Reach};

use crate::plan::{Plan, Written, split};

/// A planted bug and the flags that catch it, or these flags without a bug: a control, in which
/// everything found is a false alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// The bug; none for a control.
    pub bug: Option<Bug>,
    /// The flags of `run`.
    pub flags: String,
}

impl Case {
    /// The bug with its own flags; none if no real fault reaches it.
    pub fn of(bug: Bug) -> Option<Case> {
        match bug.reach() {
            Reach::Faults(flags) => Some(Case { bug: Some(bug), flags: flags.to_owned() }),
            Reach::Simulator => None,
        }
    }

    /// The same bug in runs with other flags.
    pub fn with_flags(self, flags: &str) -> Case {
        Case { flags: flags.to_owned(), ..self }
    }

    /// The controls of some cases: their flags, each once.
    pub fn controls(cases: &[Case]) -> Vec<Case> {
        let mut controls: Vec<Case> = Vec::new();
        for case in cases {
            let control = Case { bug: None, ..case.clone() };
            if !controls.contains(&control) {
                controls.push(control);
            }
        }
        controls
    }

    /// The name, of the bug or `none planted`.
    pub fn name(&self) -> &'static str {
        self.bug.map_or("none planted", Bug::name)
    }

    /// The name and the flags: another for each case.
    pub fn key(&self) -> String {
        format!("{} {}", self.name(), self.flags)
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
            assert!(plan.schedule.len() >= 5, "{}: {} faults", case.key(), plan.schedule.len());
        }
    }
}
