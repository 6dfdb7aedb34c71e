//! A value that was seen before it was written, or that nothing wrote.

use crate::counterexample::case::name;
use crate::counterexample::reason::Reason;
use crate::counterexample::registers::register::Register;
use crate::counterexample::words::when;
use crate::history::{EventType, OperationRef};
use crate::model::{ValueId, Values};
use crate::partition::Partition;

impl Register<'_> {
    /// A value that nothing had left when it was seen, or that was made of one.
    pub(super) fn unwritten(&self, subject: usize) -> Option<Reason> {
        let seen = self.ended(subject);
        let chain = self.chain(self.saw(subject)?);
        let at = chain.values.iter().position(|value| {
            self.initial != Some(*value) && self.sources(*value, seen).next().is_none()
        })?;
        let value = chain.values[at];
        let text = self.text(value);
        let first = self.sources(value, u64::MAX).min_by_key(|place| self.began(*place));
        let (clause, remark) = match first {
            Some(first) => (
                format!(
                    "the first write of {text}, by process {}, only began later",
                    self.operations[first].process()
                ),
                format!("{text} was not written yet"),
            ),
            None => {
                let failed = failed_writes(self.partition, value).next().map(|write| {
                    format!(
                        "the only write of {text}, by process {} {}, had failed",
                        write.process(),
                        when(write)
                    )
                });
                let clause = failed.unwrap_or_else(|| match value {
                    ValueId::ABSENT => "nothing ever deleted it".to_string(),
                    _ => format!("nothing ever wrote {text}"),
                });
                (clause, format!("nothing left {text}"))
            }
        };
        let links = &chain.links[..at];
        let made_of = match links {
            [] => format!("but {clause}"),
            links => {
                let by: Vec<String> =
                    links.iter().rev().map(|it| name(self.operations[*it])).collect();
                format!("which was made of {text} by {}, but {clause}", by.join(", then by "))
            }
        };
        let mut reason = Reason::new(subject, made_of, remark);
        reason.named.extend(links);
        Some(reason)
    }
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
