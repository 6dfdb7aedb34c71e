//! The command that runs a plan again.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use results::run_directory::PLAN;

use super::flags::Plan;
use super::written::Written;
use crate::targets::Target;

/// In the environment of a test: flags over its own, separated by white space as in a shell.
pub(crate) const FLAGS: &str = "STORMPROOF_FLAGS";

/// The way in which a run is started: by the command line, or by a program of somebody's own that
/// has flags of its own.
pub(crate) enum Again {
    /// `stormproof run`.
    Run,
    /// A test of a user's program.
    Test {
        /// The program, as a shell finds it.
        program: String,
        /// The test's name, if it is one of several.
        test: Option<String>,
        /// The flags that the test has of its own.
        own: Written,
        /// The service under test.
        target: Arc<dyn Target>,
        /// The name of its workload.
        workload: String,
    },
}

impl Again {
    /// The command that makes a run of the same plan: the fewest flags that say it, where flags
    /// can; else the plan's file, which the run `id` left below `results`.
    pub fn command(&self, plan: &Plan, results: &Path, id: &str) -> String {
        let flags = self.flags(plan).unwrap_or_else(|| {
            let file = results.join(id).join(PLAN);
            vec!["--plan".to_owned(), file.display().to_string()]
        });
        let flags: Vec<String> = flags.iter().map(|word| quoted(word)).collect();
        let flags = flags.join(" ");
        match self {
            Again::Run => format!("stormproof run {flags}"),
            Again::Test { program, test, .. } => {
                let one = test.as_ref().map(|test| format!(" --exact {}", quoted(test)));
                let (program, one) = (quoted(program), one.unwrap_or_default());
                match flags.is_empty() {
                    true => format!("{program}{one}"),
                    false => format!("{FLAGS}={} {program}{one}", quoted(&flags)),
                }
            }
        }
    }

    /// The fewest flags that make the same plan; none where flags cannot.
    fn flags(&self, plan: &Plan) -> Option<Vec<String>> {
        if !plan.is_drawn() {
            return None;
        }
        let wanted = Plan { schedule: Vec::new(), ..plan.clone() };
        let same = |written: &Written| self.resolve(written).is_ok_and(|plan| plan == wanted);
        let mut kept = Written::of(&wanted).ok()?;
        if let Again::Test { .. } = self {
            // They are the test's own, and no flag says them.
            kept = kept.without("target").without("workload");
        }
        for id in kept.ids() {
            let fewer = kept.clone().without(&id);
            if same(&fewer) {
                kept = fewer;
            }
        }
        same(&kept).then(|| kept.arguments())
    }

    /// The plan that these flags would make, without its schedule.
    fn resolve(&self, written: &Written) -> Result<Plan> {
        let (whole, test) = match self {
            Again::Run => (written.clone(), None),
            Again::Test { own, target, workload, .. } => {
                (written.clone().over(own.clone()), Some((target, workload)))
            }
        };
        // It has no default: another process draws another one.
        ensure!(whole.values("seed").is_some(), "a seed is said");
        match test {
            None => whole.resolve_undrawn(),
            Some((target, workload)) => whole.resolve_undrawn_for(&**target, workload),
        }
    }
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./=:,+@%".contains(it);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The words of a text that is written as for a shell, quotes and backslashes included.
pub(crate) fn split(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let (mut quotes, mut escaped) = (false, false);
    for it in text.chars() {
        match it {
            it if escaped => {
                word.get_or_insert_default().push(it);
                escaped = false;
            }
            '\\' if !quotes => escaped = true,
            '\'' => {
                word.get_or_insert_default();
                quotes = !quotes;
            }
            it if it.is_whitespace() && !quotes => words.extend(word.take()),
            it => word.get_or_insert_default().push(it),
        }
    }
    words.extend(word);
    words
}
