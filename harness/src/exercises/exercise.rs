//! An exercise: its task, the plan that it begins with, and the demands on a run.

use std::fmt::Write as _;

use super::evidence::Evidence;

/// A task for somebody who learns, with the check of an answer.
#[derive(Debug)]
pub(crate) struct Exercise {
    /// The name on the command line.
    pub name: &'static str,
    /// The effect that is to be shown, in one sentence without its full stop.
    pub goal: &'static str,
    /// The story and the rules, in paragraphs of plain text.
    pub task: &'static str,
    /// The plan to begin with, which does not solve it.
    pub starter: &'static str,
    /// The demands on a run, in the order in which they are looked at.
    pub demands: &'static [&'static str],
    /// Adds, for each demand that the run meets, what was seen of it; the error says what is missing for
    /// the first that it does not meet.
    pub check: fn(&Evidence, &mut Vec<String>) -> Result<(), String>,
}

/// The outcome of an exercise, by what a run shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// For each demand that is met, what was seen.
    pub seen: Vec<String>,
    /// The hint for the first that is not met; none if it is solved.
    pub missing: Option<String>,
}

/// The longest line of a task.
const WIDTH: usize = 96;

impl Exercise {
    /// Checks a run.
    ///
    /// # Panics
    /// When the exercise meets other demands than it names.
    pub fn answer(&self, evidence: &Evidence) -> Answer {
        let mut seen = Vec::new();
        let missing = (self.check)(evidence, &mut seen).err();
        let met = seen.len();
        match missing.is_none() {
            true => assert_eq!(met, self.demands.len(), "{}: solved", self.name),
            false => assert!(met < self.demands.len(), "{}: not solved", self.name),
        }
        Answer { seen, missing }
    }

    /// The task as comments, and behind it the plan to begin with: a whole plan file.
    pub fn sheet(&self) -> String {
        let mut sheet = String::new();
        let mut comment = |line: &str| {
            let _ = writeln!(sheet, "{}", format!("# {line}").trim_end());
        };
        comment(&format!("{}: {}.", self.name, self.goal));
        for paragraph in self.task.split("\n\n") {
            comment("");
            wrapped(paragraph).iter().for_each(|line| comment(line));
        }
        comment("");
        comment("It is solved when the run shows that");
        for (number, demand) in (1..).zip(self.demands) {
            comment(&format!("  {number}. {demand}"));
        }
        comment("");
        comment("Write faults below, and see what is missing yet:");
        comment(&format!("  stormproof exercise {} FILE", self.name));
        sheet.push('\n');
        sheet.push_str(self.starter);
        sheet
    }
}

impl Answer {
    /// True if every demand is met.
    pub fn is_solved(&self) -> bool {
        self.missing.is_none()
    }

    /// The demands of the exercise, each with a sign, and what was seen or is missing.
    pub fn lines(&self, exercise: &Exercise) -> Vec<String> {
        let mut lines = Vec::new();
        for (place, demand) in exercise.demands.iter().enumerate() {
            match (self.seen.get(place), &self.missing) {
                (Some(seen), _) => lines.push(format!("✓ {demand}: {seen}")),
                (None, Some(missing)) if place == self.seen.len() => {
                    lines.push(format!("✗ {demand}"));
                    lines.push(format!("  missing: {missing}"));
                }
                _ => lines.push(format!("· {demand}")),
            }
        }
        lines
    }
}

/// The words of a paragraph in lines.
fn wrapped(paragraph: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        let line = lines.last_mut().expect("there is one");
        if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::ALL;
    use super::*;
    use crate::plan::Written;

    #[test]
    fn every_sheet_is_a_plan_and_a_run_without_events_meets_no_exercise() {
        for exercise in ALL {
            let sheet = exercise.sheet();
            let plan = Written::from_toml(&sheet).and_then(|written| written.resolve());
            let plan = plan.unwrap_or_else(|error| panic!("{}: {error:#}", exercise.name));
            assert!(plan.time_limit <= 15.0, "{} takes long", exercise.name);
            assert!(sheet.lines().all(|line| line.chars().count() <= WIDTH + 2), "{sheet}");
            let answer = exercise.answer(&Evidence::default());
            assert!(!answer.is_solved(), "{} is solved by nothing", exercise.name);
        }
    }

    #[test]
    fn an_answer_tells_what_was_seen_and_what_is_missing_first() {
        let exercise = &ALL[0];
        let answer = Answer { seen: vec!["none".to_owned()], missing: Some("power".to_owned()) };
        let lines = answer.lines(exercise);
        assert!(lines[0].starts_with("✓ ") && lines[0].ends_with(": none"), "{lines:?}");
        assert!(lines[1].starts_with("✗ ") && lines[2] == "  missing: power", "{lines:?}");
        assert!(lines[3].starts_with("· "), "{lines:?}");
    }
}
