//! Transactions step by step.

use crate::history::{Datum, EventType, OperationRef};
use crate::model::register::swapped;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    Append,
}

#[derive(Debug, Clone)]
pub(super) struct Step<'a> {
    pub(super) kind: Kind,
    pub(super) object: String,
    /// The value written or appended, or the content read.
    pub(super) value: Datum<'a>,
}

/// A transaction.
#[derive(Debug, Clone)]
pub(super) struct Parsed<'a> {
    pub(super) operation: OperationRef<'a>,
    pub(super) steps: Vec<Step<'a>>,
}

impl<'a> Parsed<'a> {
    pub(super) fn of(operation: OperationRef<'a>) -> Parsed<'a> {
        let known = operation.outcome() == EventType::Ok;
        let list = if known { operation.output() } else { operation.input() };
        let step = |step: Datum<'a>| {
            let mut parts = step.as_list()?;
            let (f, object) = (parts.next()?, parts.next()?);
            let kind = match f.as_text().as_deref() {
                Some("r") => Kind::Read,
                Some("w") => Kind::Write,
                _ => Kind::Append,
            };
            let object = object.as_text().map_or_else(|| object.to_string(), Into::into);
            Some(Step { kind, object, value: parts.next().unwrap_or(Datum::Null) })
        };
        let steps = list.as_list().into_iter().flatten();
        let steps = steps.filter_map(step).filter(|step| known || step.kind != Kind::Read);
        Parsed { operation, steps: steps.collect() }
    }

    /// An operation on a register; one that it does not know does nothing.
    pub(super) fn of_a_register(operation: OperationRef<'a>) -> Parsed<'a> {
        let known = operation.outcome() == EventType::Ok;
        let object = operation.key().unwrap_or("the register");
        let step = |kind, value| Step { kind, object: object.to_string(), value };
        let steps = match operation.f() {
            "read" if known => vec![step(Kind::Read, operation.output())],
            "write" => vec![step(Kind::Write, operation.input())],
            "delete" => vec![step(Kind::Write, Datum::Null)],
            "cas" => match swapped(operation.input()) {
                Some([from, to]) if known => vec![step(Kind::Read, from), step(Kind::Write, to)],
                Some([_, to]) => vec![step(Kind::Write, to)],
                None => Vec::new(),
            },
            _ => Vec::new(),
        };
        Parsed { operation, steps }
    }

    /// Its reads of what others left: the object and the content, without its own additions.
    pub(super) fn external_reads(&self) -> Vec<(&str, Content<'a>)> {
        let mut reads: Vec<(&str, Content<'a>)> = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            let own: Vec<&Step<'a>> =
                self.steps[..number].iter().filter(|it| it.object == step.object).collect();
            let written = own.iter().any(|it| it.kind == Kind::Write);
            let known = reads.iter().any(|(object, _)| *object == step.object);
            if step.kind != Kind::Read || written || known {
                continue;
            }
            let mut content = Content::of(step.value);
            let appended = own.iter().filter(|it| it.kind == Kind::Append).count();
            if let Content::List(elements) = &mut content {
                elements.truncate(elements.len().saturating_sub(appended));
            }
            reads.push((&step.object, content));
        }
        reads
    }

    /// Its writes and appends to an object, in order.
    pub(super) fn changes<'b>(&'b self, object: &'b str) -> impl Iterator<Item = &'b Step<'a>> {
        self.steps.iter().filter(move |it| it.kind != Kind::Read && it.object == object)
    }

    /// The place of the change of an object that leaves this value or element.
    pub(super) fn leaves(&self, object: &str, value: Datum<'_>) -> bool {
        self.changes(object).any(|it| it.value == value)
    }

    /// Returns whether it is the last change of an object that leaves this.
    pub(super) fn leaves_last(&self, object: &str, value: Datum<'_>) -> bool {
        self.changes(object).last().is_some_and(|it| it.value == value)
    }
}

/// The content of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content<'a> {
    Nothing,
    Value(Datum<'a>),
    List(Vec<Datum<'a>>),
}

impl<'a> Content<'a> {
    pub(super) fn of(value: Datum<'a>) -> Content<'a> {
        match value.as_list().map(Iterator::collect::<Vec<_>>) {
            Some(elements) if elements.is_empty() => Content::Nothing,
            Some(elements) => Content::List(elements),
            None if value.is_null() => Content::Nothing,
            None => Content::Value(value),
        }
    }

    /// The value, or the last element, by which its writer is known.
    pub(super) fn last(&self) -> Option<Datum<'a>> {
        match self {
            Content::Nothing => None,
            Content::Value(value) => Some(*value),
            Content::List(elements) => elements.last().copied(),
        }
    }

    pub(super) fn elements(&self) -> &[Datum<'a>] {
        match self {
            Content::List(elements) => elements,
            _ => &[],
        }
    }
}
