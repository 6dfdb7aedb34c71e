//! One fault that waits, and what of the run it waits for.

use std::collections::BTreeSet;

use checker::history::{Event, EventType};
use faults::trigger::{Observed, ServiceChange, Side, Trigger};
use regex::Regex;

/// A fault that waits.
pub(super) struct Waiting {
    pub(super) trigger: Trigger,
    /// The nodes at which it is to be seen; of a message those that send it.
    pub(super) nodes: BTreeSet<String>,
    /// So often it has yet to be seen.
    pub(super) left: u32,
    /// The expression that a line must match.
    line: Option<Regex>,
    /// The fault whose begin or end is waited for.
    fault: Option<u32>,
}

impl Waiting {
    pub(super) fn new(trigger: &Trigger, nodes: BTreeSet<String>, fault: Option<u32>) -> Self {
        let line = match &trigger.observed {
            Observed::Log { line, .. } => Regex::new(line).ok(),
            _ => None,
        };
        Self { trigger: trigger.clone(), nodes, left: trigger.nth, line, fault }
    }

    /// The acknowledgement in words, if it is one that is waited for.
    pub(super) fn of_operation(&self, event: &Event) -> Option<String> {
        let Observed::Acknowledged { f, .. } = &self.trigger.observed else { return None };
        let node = event.node.as_ref()?;
        let meant = event.kind == EventType::Ok
            && f.as_ref().is_none_or(|f| *f == event.f)
            && self.nodes.contains(node);
        let key = event.key.as_ref().map(|key| format!(" of {key}")).unwrap_or_default();
        meant.then(|| format!("acknowledged {}{key}", event.f))
    }

    /// The role or term in words, if it is what is waited for. `role` is none where it is the old
    /// one, `term` where none is later.
    pub(super) fn of_role(
        &self,
        node: &str,
        role: Option<&str>,
        term: Option<u64>,
    ) -> Option<String> {
        if !self.nodes.contains(node) {
            return None;
        }
        match &self.trigger.observed {
            Observed::Role { role: wanted, .. } => {
                role.filter(|role| role == wanted).map(|role| format!("becoming {role}"))
            }
            Observed::Term { .. } => term.map(|term| format!("term {term}")),
            _ => None,
        }
    }

    /// The line, if it is one that is waited for.
    pub(super) fn of_line(&self, node: &str, line: &str) -> Option<String> {
        let meant = self.nodes.contains(node) && self.line.as_ref()?.is_match(line);
        meant.then(|| format!("line {line:?}"))
    }

    /// The begin or end of a fault in words, if it is what is waited for.
    pub(super) fn of_fault(&self, id: u32, side: Side) -> Option<String> {
        let Observed::Fault { named, is, .. } = &self.trigger.observed else { return None };
        let word = match side {
            Side::Begun => "begun",
            Side::Ended => "ended",
        };
        (self.fault == Some(id) && *is == side).then(|| format!("what named {named} has {word}"))
    }

    /// The change of the service in words, if it is what is waited for.
    pub(super) fn of_service(&self, change: ServiceChange) -> Option<String> {
        let wanted = matches!(&self.trigger.observed, Observed::Service { is } if *is == change);
        wanted.then(|| match change {
            ServiceChange::Answering => "the service answers again".to_owned(),
            ServiceChange::Silent => "the service is silent".to_owned(),
        })
    }
}
