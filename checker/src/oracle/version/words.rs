//! Contradictions between versions in words.

use super::report::{Violation, Witness};
use super::sequence::Found;
use super::terms::{Answered, Answers, Effect, Rule};
use crate::words::at;

impl Found {
    pub(super) fn violation(&self, answers: &Answers<'_, '_>) -> Violation {
        let answer = |place: u32| (answers.get)(place as usize);
        let (earlier, later) = (&answer(self.earlier), &answer(self.later));
        let told = told(later);
        let process = earlier.process;
        let version = earlier.version;
        let when = at(earlier.end, earlier.completed);
        let sentence = match self.rule {
            Rule::Below => format!(
                "{told}, although process {process} had been answered at version {version} {when}"
            ),
            Rule::NotAbove => format!(
                "{told}, although process {process} had been answered at that version {when}, \
                 before it began"
            ),
            Rule::Shared => {
                format!("{told}, the version at which {} {when}", in_words(earlier))
            }
            Rule::TwoValues => format!(
                "{told}, but {} had another value when {} at that version {when}",
                object(later),
                in_words(earlier)
            ),
        };
        Violation {
            rule: self.rule,
            sentence,
            earlier: Witness::from(earlier),
            later: Witness::from(later),
        }
    }
}

impl From<&Answered<'_>> for Witness {
    fn from(answer: &Answered<'_>) -> Witness {
        Witness {
            process: answer.process,
            f: answer.f.to_string(),
            key: answer.key.map(str::to_string),
            effect: answer.effect,
            version: answer.version,
            node: answer.node.map(str::to_string),
            invoked: answer.invoked,
            completed: answer.completed,
            start: answer.start,
            end: answer.end,
        }
    }
}

/// The object of an operation: `k3`.
fn object<'a>(answer: &Answered<'a>) -> &'a str {
    match (answer.key, answer.stream) {
        (Some(key), _) => key,
        (None, "") => "the store",
        (None, stream) => stream,
    }
}

/// `process 7 read k3`.
fn in_words(answer: &Answered<'_>) -> String {
    let (process, object) = (answer.process, object(answer));
    match answer.effect {
        Effect::FailedPrecondition => {
            format!("process {process} failed a {} of {object}", answer.f)
        }
        _ => format!("process {process} {}", past_tense(answer.f, object)),
    }
}

/// The effect of an operation that took effect: `wrote k3`.
fn past_tense(f: &str, object: &str) -> String {
    match f {
        "read" | "get" => format!("read {object}"),
        "write" | "put" => format!("wrote {object}"),
        "cas" => format!("changed {object}"),
        "delete" => format!("deleted {object}"),
        "append" => format!("appended to {object}"),
        "add" => format!("added to {object}"),
        "enqueue" => format!("enqueued in {object}"),
        "dequeue" => format!("dequeued from {object}"),
        "acquire" | "release" => format!("{f}d {object}"),
        "txn" => format!("carried out a transaction on {object}"),
        other => format!("did {other} on {object}"),
    }
}

/// `process 7 read k3 at version 812 at 12.410 s`.
fn told(answer: &Answered<'_>) -> String {
    let when = at(answer.end, answer.completed);
    format!("{} at version {} {when}", in_words(answer), answer.version)
}
