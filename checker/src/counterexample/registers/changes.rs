//! Compare-and-sets that found the same value, or each other's.

use crate::counterexample::case::name;
use crate::counterexample::reason::Reason;
use crate::counterexample::registers::register::Register;
use crate::counterexample::sequences::times;

impl Register<'_> {
    fn changes(&self, place: usize) -> bool {
        self.saw(place).is_some() && self.leaves(place).is_some()
    }

    /// A value that was changed more often than it was written: an update is lost.
    pub(super) fn changed_twice(&self, subject: usize) -> Option<Reason> {
        let value = self.saw(subject).filter(|_| self.changes(subject))?;
        let others = self.shown.iter().copied().filter(|other| {
            *other != subject && self.changes(*other) && self.saw(*other) == Some(value)
        });
        let others: Vec<usize> = others.collect();
        let end = others.iter().chain([&subject]).map(|it| self.ended(*it)).max()?;
        let written = self.sources(value, end).count() + usize::from(self.initial == Some(value));
        if others.is_empty() || written > others.len() {
            return None;
        }
        let text = self.text(value);
        let told: Vec<String> = others.iter().rev().map(|it| self.told(*it)).collect();
        let there = match (self.initial == Some(value), written) {
            (true, 1) => format!("{text} was only there at first"),
            (true, _) => format!("{text} was there at first and written {}", times(written - 1)),
            (false, _) => format!("{text} was written only {}", times(written)),
        };
        let clause = format!(
            "although {} as well and {there}: one update overwrote the other, which is lost",
            told.join(" and ")
        );
        let remark = format!("{text} was changed by another one");
        let mut reason = Reason::new(subject, clause, remark.clone());
        for other in others {
            reason = reason.or_blame(other).with(other, remark.clone());
        }
        Some(reason)
    }

    /// Compare-and-sets each of which found what only the next one left.
    pub(super) fn circle(&self, subject: usize) -> Option<Reason> {
        let mut links = vec![subject];
        if !self.changes(subject) {
            return None;
        }
        loop {
            let last = links[links.len() - 1];
            let source = self.only_source(self.requires(last)?)?;
            if source == subject {
                break;
            }
            if links.contains(&source) {
                return None;
            }
            links.push(source);
        }
        let found = |place: usize| self.requires(place).map(|it| self.text(it)).unwrap_or_default();
        let steps: Vec<String> = links
            .windows(2)
            .map(|pair| format!("only {} left {}", name(self.operations[pair[1]]), found(pair[0])))
            .collect();
        let last = links[links.len() - 1];
        let clause = format!(
            "although {}, which found {}, which only process {}, with this very change, left",
            steps.join(", which found ").replace(", which found only", ", and only"),
            found(last),
            self.operations[subject].process()
        );
        let remark = "it found what only came of it".to_string();
        let reason = Reason::new(subject, clause, remark);
        Some(links[1..].iter().fold(reason, |reason, link| {
            reason.or_blame(*link).with(*link, "this found what came of it".to_string())
        }))
    }
}
