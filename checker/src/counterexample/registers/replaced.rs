//! A value that another one had replaced.

use crate::counterexample::case::name;
use crate::counterexample::reason::Reason;
use crate::counterexample::registers::register::Register;
use crate::counterexample::words::when;
use crate::model::ValueId;

/// The reason why a value came before another one.
enum Earlier {
    /// All that can have left it had returned before the other one began to be shown.
    Written,
    /// An operation saw it, or one that is of one chain with it, before the other one began to be
    /// shown.
    Seen { by: usize, links: Vec<usize> },
    /// The other one was made of it.
    Origin { links: Vec<usize> },
}

impl Register<'_> {
    /// The operations that had returned before the subject began, and showed another value than it
    /// saw: those that contradict it first, then the others, the latest of each first.
    fn against(&self, subject: usize, value: ValueId) -> Vec<usize> {
        let speaks = |place: &usize| {
            self.precedes(*place, subject) && self.shows(*place).is_some_and(|it| it != value)
        };
        let mut shown: Vec<usize> = self.shown.iter().copied().filter(speaks).collect();
        shown.sort_by_key(|place| std::cmp::Reverse(self.ended(*place)));
        let others = self.places().filter(speaks);
        // Of the others, the one that began last leaves the least time to have written it again.
        shown.extend(others.max_by_key(|place| self.began(*place)));
        shown
    }

    /// The value that the subject saw had been replaced for good.
    pub(super) fn replaced(&self, subject: usize) -> Option<Reason> {
        let value = self.saw(subject)?;
        let seen = self.ended(subject);
        let written_by = self.sources(value, seen).filter(|it| *it != subject);
        let written_by = written_by.map(|it| self.ended(it)).max();
        if written_by.is_none() && self.initial != Some(value) {
            return None;
        }
        let against = self.against(subject, value);
        let earlier = |place: &usize| {
            let written = written_by.is_none_or(|by| by < self.began(*place));
            let reason = match written {
                true => Some(Earlier::Written),
                false => self.earlier(subject, value, *place),
            };
            Some((*place, reason?))
        };
        // What needs no third operation says most.
        let mut proofs: Vec<(usize, Earlier)> = against.iter().filter_map(earlier).collect();
        proofs.sort_by_key(|(_, reason)| !matches!(reason, Earlier::Written));
        let (evidence, reason) = proofs.into_iter().next()?;
        Some(self.replaced_by(subject, value, evidence, &reason))
    }

    /// The reason why the only operation that left a value took effect before what `other` shows.
    fn earlier(&self, subject: usize, value: ValueId, other: usize) -> Option<Earlier> {
        self.only_source(value)?;
        let shown = self.shows(other)?;
        if let Some(links) = self.chain(shown).since(value) {
            return Some(Earlier::Origin { links: links.to_vec() });
        }
        let chain = self.chain(value);
        if chain.values.contains(&shown) {
            return None;
        }
        let is_before = |place: &usize| *place != subject && self.precedes(*place, other);
        let seen = |place: &usize| {
            let own = self.saw(*place).into_iter().chain(self.leaves(*place));
            let links = own.filter_map(|own| chain.since(own)).min_by_key(|links| links.len())?;
            Some((*place, links))
        };
        let (by, links) = (self.places().filter(is_before))
            .filter_map(|place| seen(&place))
            .min_by_key(|(place, links)| (links.len(), self.ended(*place)))?;
        Some(Earlier::Seen { by, links: links.to_vec() })
    }

    fn replaced_by(
        &self,
        subject: usize,
        value: ValueId,
        evidence: usize,
        reason: &Earlier,
    ) -> Reason {
        let text = self.text(value);
        let changed_it = self.saw(evidence) == Some(value);
        let shown = match self.requires(evidence) {
            Some(_) if changed_it => self.told(evidence),
            None if self.operations[evidence].f() == "delete" => {
                format!("its deletion had been acknowledged {}", when(self.operations[evidence]))
            }
            _ => self.shown_value(evidence),
        };
        let mut clause = format!("although {shown}");
        let mut named = Vec::new();
        let made = |links: &[usize]| {
            let by: Vec<String> = links.iter().rev().map(|it| name(self.operations[*it])).collect();
            by.join(", then by ")
        };
        match reason {
            Earlier::Origin { links } if links[..] != [evidence] => {
                let left = self.shows(evidence).map(|it| self.text(it)).unwrap_or_default();
                clause.push_str(&format!(", and {left} was made of {text} by {}", made(links)));
                named.extend(links);
            }
            Earlier::Seen { by, links } => {
                let operation = self.operations[*by];
                let (process, at) = (operation.process(), when(operation));
                let own = self.saw(*by).filter(|it| self.chain(value).since(*it).is_some());
                let own = own.or(self.leaves(*by)).unwrap_or(value);
                let verb = match self.saw(*by) {
                    Some(_) => "had read",
                    None => "had written",
                };
                let made = match links.is_empty() {
                    true => String::new(),
                    false => format!(", of which {text} was made by {}", made(links)),
                };
                clause.push_str(&format!(
                    "; process {process} {verb} {}{made} {at}, before that began,",
                    self.text(own)
                ));
                named.push(*by);
                named.extend(links);
            }
            Earlier::Origin { .. } | Earlier::Written => {}
        }
        clause.push_str(&self.not_again(value));
        let after = self.afterwards(subject, value, evidence);
        clause.push_str(&after.clause);
        let mut reason = Reason::new(subject, clause, self.was_replaced(value));
        if changed_it && self.leaves(evidence).is_some() {
            reason = reason.or_blame(evidence);
        }
        reason = reason.with(evidence, self.in_effect(evidence));
        named.extend(after.named);
        for place in named {
            reason = reason.with(place, String::new());
        }
        reason
    }

    /// Two operations that saw each of two values after the other one had been in effect, each of
    /// which was written once.
    pub(super) fn crossing(&self, subject: usize) -> Option<Reason> {
        let value = self.saw(subject)?;
        let source = self.only_source(value)?;
        let had_it = |place: &usize| {
            *place != subject && (*place == source || self.saw(*place) == Some(value))
        };
        let first = self.places().filter(had_it).min_by_key(|place| self.ended(*place))?;
        let two = self.against(subject, value).into_iter().find_map(|evidence| {
            let other = self.shows(evidence)?;
            self.only_source(other)?;
            if self.chain(other).since(value).is_some() || self.chain(value).since(other).is_some()
            {
                return None;
            }
            let crosses = |place: &usize| {
                self.saw(*place) == Some(other) && *place != subject && self.precedes(first, *place)
            };
            let second = self.shown.iter().copied().find(crosses)?;
            Some((evidence, second))
        });
        let (evidence, second) = two?;
        let (mine, theirs) = ((subject, evidence), (second, first));
        // Who was answered at a lower version than had been answered before is behind.
        let behind = |(reader, before): (usize, usize)| {
            let [own, known] = [reader, before].map(|it| self.operations[it].version());
            own.zip(known).filter(|(own, known)| own < known)
        };
        let by_version = match (behind(mine), behind(theirs)) {
            (Some(versions), None) => Some((mine, theirs, versions)),
            (None, Some(versions)) => Some((theirs, mine, versions)),
            _ => None,
        };
        let ((reader, against), (other_reader, other_against), versions) = match by_version {
            Some((wrong, right, versions)) => (wrong, right, Some(versions)),
            None => (mine, theirs, None),
        };
        let mut clause = format!(
            "although {}, and {}, although {}: each of the two values was written once, so one of \
             them must have replaced the other for good",
            self.shown_value(against),
            self.told(other_reader),
            self.shown_value(other_against)
        );
        if let Some((own, known)) = versions {
            let process = self.operations[reader].process();
            clause.push_str(&format!(
                "; process {process} was answered at version {own}, below {known}, which had been \
                 answered before: its is the wrong one"
            ));
        }
        let replaced = |place: usize| self.saw(place).map(|it| self.was_replaced(it));
        let remark = replaced(reader).unwrap_or_default();
        let mut reason = Reason::new(reader, clause, remark)
            .with(against, self.in_effect(against))
            .with(other_against, self.in_effect(other_against));
        if versions.is_none() {
            let remark = replaced(other_reader).unwrap_or_default();
            reason = reason.or_blame(other_reader).with(other_reader, remark);
        } else {
            reason = reason.with(other_reader, "this is consistent".to_string());
        }
        Some(reason)
    }
}
