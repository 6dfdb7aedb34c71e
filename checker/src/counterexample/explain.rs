//! A counterexample in one sentence.

use crate::counterexample::case::{Case, Complaint};
use crate::counterexample::core::Core;
use crate::counterexample::words::{in_words, value, when};
use crate::counterexample::{collections, locks, sequences, sums, transactions};
use crate::history::{Datum, EventType, OperationRef};
use crate::model::{Collection, Transition, ValueId, Values};
use crate::partition::Partition;

/// The number of reads in a row that must find a value again before it is said to have stayed.
const STAYED: usize = 3;

/// The explanation of a counterexample. Numbers and remarks are those of the shown operations.
pub(super) struct Explanation {
    pub(super) sentence: String,
    pub(super) culprits: Vec<usize>,
    pub(super) remarks: Vec<String>,
    /// The places of operations that the sentence is about, shown or not.
    pub(super) named: Vec<usize>,
}

/// Says what is wrong. Every clause of the sentence is checked against the whole partition, not
/// only against the operations shown.
pub(super) fn explain(partition: &Partition<'_>, core: &Core, shown: &[usize]) -> Explanation {
    let object = &*partition.object;
    let conflict = Conflict {
        operations: (0..partition.len()).map(|place| partition.operation(place)).collect(),
        transitions: (0..partition.len()).map(|place| object.transition(place)).collect(),
        initial: object.initial_value(),
        core,
    };
    let complaint = complain(partition, &Case::of(partition, shown, core.last));
    let subject = complaint.as_ref().map_or(core.last, |complaint| complaint.subject);
    let last = partition.operation(subject);
    let required = conflict.transitions[core.last].and_then(|transition| transition.requires);
    let reason =
        complaint.map(|it| Reason::of(it, partition, &conflict.operations)).or_else(|| {
            let required = required?;
            let text = value(object.values().value(required));
            let failed = || {
                failed_writes(partition, required).next().map(|write| {
                    format!(
                        "the only write of {text}, by process {} {}, had failed",
                        write.process(),
                        when(write)
                    )
                })
            };
            conflict
                .unwritten(required, &text, failed)
                .or_else(|| conflict.superseded(required, &text))
        });
    let reason = reason.unwrap_or_else(|| conflict.contradiction());

    let mut sentence = format!("{} {}, {}", in_words(last), when(last), reason.clause);
    if core.since.is_some() && reason.is_vague {
        sentence.push_str(", whatever was there before");
    }
    if !core.minimal {
        sentence.push_str(" (fewer operations may show the same; the search for them was cut)");
    }
    let place_of = |operation: usize| shown.iter().position(|place| *place == operation);
    let remarks = shown.iter().map(|place| conflict.remark(*place, &reason, partition)).collect();
    let mut culprits: Vec<usize> = reason.culprits.iter().copied().filter_map(place_of).collect();
    culprits.sort_unstable();
    let named = reason.shown_by.iter().copied().chain(reason.subject).collect();
    Explanation { sentence, culprits, remarks, named }
}

/// Writes of a value to the key that surely did not happen.
fn failed_writes<'a>(
    partition: &'a Partition<'_>,
    wanted: ValueId,
) -> impl Iterator<Item = OperationRef<'a>> {
    let mut values = Values::new();
    let wanted = values.id(partition.object.values().value(wanted));
    partition.history().iter().filter(move |operation| {
        operation.outcome() == EventType::Fail
            && operation.key() == partition.key
            && partition.model.0.leaves(*operation, &mut values) == Some(wanted)
    })
}

/// The second half of the sentence, and the operations to blame.
struct Reason {
    clause: String,
    /// Places in the partition.
    culprits: Vec<usize>,
    /// The operation that shows that another value was in effect.
    evidence: Option<usize>,
    /// The remark at the operation that the sentence begins with.
    remark: String,
    /// The place of that operation; none if it is the one that completed last.
    subject: Option<usize>,
    /// The places of the operations that show it, where a model's own terms say what is wrong.
    shown_by: Vec<usize>,
    /// True if it does not say what is wrong.
    is_vague: bool,
}

impl Reason {
    fn of(
        complaint: Complaint,
        partition: &Partition<'_>,
        operations: &[OperationRef<'_>],
    ) -> Reason {
        let Complaint { subject, clause, shown_by } = complaint;
        // That an addition was acknowledged speaks against a read; it is not what is wrong.
        let is_wrong = |place: &&usize| !matches!(operations[**place].f(), "append" | "put");
        let mut culprits = vec![subject];
        culprits.extend(shown_by.iter().filter(is_wrong));
        let remark = match (partition.model.0.description().name, operations[subject].f()) {
            ("mutex" | "fenced-lock", "acquire" | "release") => "its owner cannot have done this",
            ("counter", "read") => "no additions make this sum",
            _ => "with this, no order is left",
        };
        let (remark, subject) = (remark.to_string(), Some(subject));
        Reason { clause, culprits, evidence: None, remark, subject, shown_by, is_vague: false }
    }
}

/// Complains in the terms of the model that judged; none if it has no such terms, or nothing simple
/// can be said.
fn complain(partition: &Partition<'_>, case: &Case<'_>) -> Option<Complaint> {
    let description = partition.model.0.description();
    match (description.collection, description.name) {
        (Some(Collection::List), _) | (None, "kv-append") => sequences::complain(case),
        (Some(Collection::Set), _) => collections::about_a_set(case),
        (Some(Collection::Queue), _) => collections::about_a_queue(case),
        (None, "counter") => sums::complain(case),
        (None, "mutex" | "fenced-lock") => locks::complain(case),
        (None, "txn") => transactions::complain(case),
        (None, _) => None,
    }
}

/// The operations that the sentence is about.
struct Conflict<'a> {
    operations: Vec<OperationRef<'a>>,
    transitions: Vec<Option<Transition>>,
    initial: Option<ValueId>,
    core: &'a Core,
}

impl Conflict<'_> {
    fn last(&self) -> OperationRef<'_> {
        self.operations[self.core.last]
    }

    /// The operations that leave a value.
    fn sources(&self, value: ValueId) -> impl Iterator<Item = usize> {
        (0..self.operations.len()).filter(move |place| {
            self.transitions[*place].is_some_and(|transition| transition.leaves == Some(value))
        })
    }

    /// A value that nothing had left when it was seen.
    fn unwritten(
        &self,
        required: ValueId,
        text: &str,
        failed: impl FnOnce() -> Option<String>,
    ) -> Option<Reason> {
        if self.initial == Some(required) {
            return None;
        }
        let seen = self.last().completed().unwrap_or(u64::MAX);
        let first = self.sources(required).min_by_key(|place| self.operations[*place].invoked());
        let (clause, remark) = match first {
            None => {
                let clause = failed().unwrap_or_else(|| format!("nothing ever wrote {text}"));
                (format!("but {clause}"), format!("nothing left {text}"))
            }
            Some(first) if self.operations[first].invoked() > seen => {
                let source = self.operations[first];
                let clause = format!(
                    "but the first write of {text}, by process {}, only began later",
                    source.process()
                );
                (clause, format!("{text} was not written yet"))
            }
            Some(_) => return None,
        };
        let culprits = vec![self.core.last];
        let (evidence, subject, is_vague) = (None, None, false);
        Some(Reason { clause, culprits, evidence, remark, subject, shown_by: Vec::new(), is_vague })
    }

    /// A value that another one had replaced.
    fn superseded(&self, required: ValueId, text: &str) -> Option<Reason> {
        let began = self.last().invoked();
        // The last operation of the core that completed before and shows another value.
        let shows_another = |place: &usize| {
            self.transitions[*place].is_some_and(|transition| {
                transition.leaves.or(transition.requires).is_some_and(|value| value != required)
            })
        };
        let evidence = self
            .core
            .shown
            .iter()
            .copied()
            .filter(|place| self.operations[*place].completed().is_some_and(|at| at < began))
            .filter(shows_another)
            .max_by_key(|place| self.operations[*place].completed())?;
        let shown = self.operations[evidence];
        let transition = self.transitions[evidence]?;

        let mut culprits = vec![self.core.last];
        let mut clause = match (transition.requires, transition.leaves) {
            (Some(from), Some(_)) if from == required => {
                culprits.push(evidence);
                format!("although {} {}", in_words(shown), when(shown))
            }
            (None, Some(_)) if shown.f() == "delete" => {
                format!("although its deletion had been acknowledged {}", when(shown))
            }
            (None, Some(_)) => {
                format!("although {} had been acknowledged {}", value(shown.input()), when(shown))
            }
            (Some(_), Some(_)) => format!(
                "although the change to {} had been acknowledged {}",
                value(shown.input().as_pair().map_or(Datum::Null, |[_, to]| to)),
                when(shown)
            ),
            _ => format!(
                "although process {} had read {} {}",
                shown.process(),
                value(shown.output()),
                when(shown)
            ),
        };
        if !self.may_have_come_back(required, shown) {
            match text {
                "nothing" => clause.push_str(" and nothing deleted it"),
                _ => clause.push_str(&format!(" and nothing wrote {text} again")),
            }
            if self.stayed(required) && self.initial != Some(required) {
                clause.push_str(&format!(
                    "; {text} was still there afterwards, as if its write had been applied twice"
                ));
            }
        }
        let remark = match text {
            "nothing" => "there was a value by then".to_string(),
            _ => format!("{text} had been replaced"),
        };
        let (evidence, subject, is_vague) = (Some(evidence), None, false);
        Some(Reason { clause, culprits, evidence, remark, subject, shown_by: Vec::new(), is_vague })
    }

    /// Returns whether an operation can have left `value` after `other` showed another value and
    /// before the last operation of the core answered.
    fn may_have_come_back(&self, value: ValueId, other: OperationRef<'_>) -> bool {
        let seen = self.last().completed().unwrap_or(u64::MAX);
        let sources: Vec<usize> = self.sources(value).collect();
        let was_seen_before = |place: usize| {
            self.transitions[place].is_some_and(|transition| transition.requires == Some(value))
                && self.operations[place].completed().is_some_and(|at| at < other.invoked())
        };
        // The only source of a value that was seen has taken effect, however long it lasted.
        if sources.len() == 1 && (0..self.operations.len()).any(was_seen_before) {
            return false;
        }
        sources.into_iter().any(|place| {
            let source = self.operations[place];
            source.invoked() < seen && source.completed().is_none_or(|at| at > other.invoked())
        })
    }

    /// Returns whether the next operations that saw a value, after the last one of the core, all
    /// saw this one. A single one may have asked the same outdated node.
    fn stayed(&self, value: ValueId) -> bool {
        let Some(seen) = self.last().completed() else { return false };
        let mut later: Vec<_> = (0..self.operations.len())
            .filter(|place| self.operations[*place].outcome() == EventType::Ok)
            .filter(|place| self.operations[*place].invoked() > seen)
            .filter_map(|place| {
                let required = self.transitions[place]?.requires?;
                Some((self.operations[place].completed(), required))
            })
            .collect();
        later.sort_unstable_by_key(|(completed, _)| *completed);
        later.len() >= STAYED && later[..STAYED].iter().all(|(_, required)| *required == value)
    }

    /// A contradiction that has no better name.
    fn contradiction(&self) -> Reason {
        let others = self.core.shown.len() - 1;
        let clause = match others {
            0 => "which no order of the operations explains".to_string(),
            1 => {
                let other = self.core.shown.iter().find(|place| **place != self.core.last);
                match other.map(|place| self.operations[*place]) {
                    Some(other) => {
                        format!("which contradicts that {} {}", in_words(other), when(other))
                    }
                    None => "which no order of the operations explains".to_string(),
                }
            }
            others => format!(
                "and no order of it and {others} other operations explains what they answered"
            ),
        };
        Reason {
            clause,
            culprits: vec![self.core.last],
            evidence: None,
            remark: "with this, no order is left".to_string(),
            subject: None,
            shown_by: Vec::new(),
            is_vague: true,
        }
    }

    /// The remark beside a shown operation; empty when its values say it all.
    fn remark(&self, place: usize, reason: &Reason, partition: &Partition<'_>) -> String {
        let required = self.transitions[self.core.last].and_then(|it| it.requires);
        let leaves = self.transitions[place].and_then(|it| it.leaves);
        let text = |value: Option<Datum<'_>>| value.map(self::value).unwrap_or_default();
        if place == reason.subject.unwrap_or(self.core.last) {
            reason.remark.clone()
        } else if reason.shown_by.contains(&place) {
            let remark = match self.operations[place].f() {
                "acquire" => "held from here on",
                "release" => "free from here on",
                _ => "this speaks against it",
            };
            remark.to_string()
        } else if Some(place) == reason.evidence {
            let shown = leaves.or(self.transitions[place].and_then(|it| it.requires));
            format!(
                "{} was in effect by then",
                text(shown.map(|id| partition.object.values().value(id)))
            )
        } else if leaves.is_some() && leaves == required {
            let from = text(leaves.map(|id| partition.object.values().value(id)));
            match self.operations[place].outcome() {
                EventType::Info => format!("{from} may come from here"),
                _ => format!("{from} comes from here"),
            }
        } else {
            String::new()
        }
    }
}
