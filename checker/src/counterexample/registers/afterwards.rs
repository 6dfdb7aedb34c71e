//! The fate of the two values after a read that contradicts an acknowledged one.

use crate::counterexample::case::name;
use crate::counterexample::registers::register::Register;
use crate::model::ValueId;
use crate::words::tried;

/// The number of reads in a row that must find a value again before it is said to have stayed.
const STAYED: usize = 3;

/// The events afterwards, and the operations that show them.
#[derive(Default)]
pub(super) struct Afterwards {
    pub(super) clause: String,
    pub(super) named: Vec<usize>,
}

impl Register<'_> {
    /// Says what became of the value that `evidence` shows, and of the one that the subject saw.
    pub(super) fn afterwards(&self, subject: usize, value: ValueId, evidence: usize) -> Afterwards {
        let Some(replacement) = self.shows(evidence) else { return Afterwards::default() };
        let (text, seen) = (self.text(replacement), self.ended(subject));
        let finds = |place: &usize| self.saw(*place).is_some();
        let mut later: Vec<usize> =
            self.places().filter(finds).filter(|it| self.began(*it) > seen).collect();
        later.sort_by_key(|place| self.ended(*place));
        let stayed = later.len() >= STAYED
            && later[..STAYED].iter().all(|place| self.saw(*place) == Some(value));
        let node = |place: &usize| self.operations[*place].node();
        if stayed
            && let Some(stale) = node(&subject)
            && later[..STAYED].iter().all(|place| node(place) == Some(stale))
        {
            // One node that is behind says nothing about the others.
            let clause = format!(
                "; {stale} answered {} to the {STAYED} reads after that, too",
                self.text(value)
            );
            return Afterwards { clause, named: later[..STAYED].to_vec() };
        }
        if stayed && let Some(source) = self.only_source(value) {
            let was_seen = self.places().any(|it| self.saw(it) == Some(replacement));
            let or_else = match was_seen {
                true => String::new(),
                false => format!(", or that of {text} never"),
            };
            let old = self.text(value);
            let mut clause = format!(
                "; {old} was still there afterwards, as if its write had been applied twice{or_else}"
            );
            let attempts = self.operations[source].attempts();
            if attempts.len() > 1 {
                let process = self.operations[source].process();
                clause.push_str(&format!(
                    " ({old} was written by process {process}{})",
                    tried(&attempts).replacen("; asked", ", who asked", 1)
                ));
            }
            let mut named = later[..STAYED].to_vec();
            named.push(source);
            return Afterwards { clause, named };
        }
        if let Some(again) = later.iter().copied().find(|it| self.saw(*it) == Some(replacement)) {
            let clause = format!("; {text} was seen again by {}", name(self.operations[again]));
            return Afterwards { clause, named: vec![again] };
        }
        // Only before something else may have been written, it must have been there.
        let may_replace = |place: &usize| {
            self.leaves(*place).is_some_and(|left| left != replacement)
                && self.ended(*place) > self.ended(evidence)
        };
        let until = self.places().filter(may_replace).map(|it| self.began(it)).min();
        let untouched = |place: &usize| until.is_none_or(|until| self.ended(*place) < until);
        let lacking: Vec<usize> = later.into_iter().filter(untouched).collect();
        let clause = match lacking.len() {
            0 => String::new(),
            1 => format!("; the one read after that, before another write, lacks {text} too"),
            reads => format!(
                "; none of the {reads} reads after that, before another write, found {text}"
            ),
        };
        Afterwards { clause, named: lacking }
    }
}
