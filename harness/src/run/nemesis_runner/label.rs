//! The name of a fault in the history, with the nodes that it hits.

use std::collections::BTreeSet;
use std::time::Duration;

use faults::fault::{Family, Fault, Pattern};
use faults::record::{FaultRecord, Happened};
use faults::schedule::{Entry, Resolved};

use super::super::triggers::Sighted;

/// The name of a fault in the history, and whom it hits.
pub(super) struct Label {
    pub(super) fault: u32,
    pub(super) family: Family,
    pub(super) name: String,
    pub(super) nodes: BTreeSet<String>,
    /// Set for a fault that takes nodes down one after the other, each back before the next.
    pub(super) rolls: bool,
    /// The time that it has waited for nodes to be back.
    pub(super) waited: Duration,
}

impl Label {
    pub(super) fn new(entry: &Entry, resolved: &Resolved) -> Self {
        let nodes = resolved.nodes();
        let list = nodes.iter().cloned().collect::<Vec<_>>().join(", ");
        let unknown = resolved.unknown_role.map(|role| format!("no {role} was known"));
        let known: Vec<String> =
            [list].into_iter().filter(|list| !list.is_empty()).chain(unknown).collect();
        let fault = match resolved.unknown_role.and_then(|_| entry.fault.without_roles()) {
            Some(words) => words,
            None => entry.fault.to_string(),
        };
        let name = match known.is_empty() {
            true => fault,
            false => format!("{fault} ({})", known.join("; ")),
        };
        let rolls = matches!(&entry.fault, Fault::Kill(kill) if kill.rhythm == Pattern::Rolling);
        let (fault, family) = (entry.id, entry.fault.family());
        Label { fault, family, name, nodes, rolls, waited: Duration::ZERO }
    }

    /// The name of a fault that was not tried.
    pub(super) fn unresolved(entry: &Entry) -> Self {
        let (fault, family) = (entry.id, entry.fault.family());
        let (name, nodes) = (entry.fault.to_string(), BTreeSet::new());
        Label { fault, family, name, nodes, rolls: false, waited: Duration::ZERO }
    }

    /// The same with the moment that it waited for.
    pub(super) fn at(mut self, sighted: Option<&Sighted>) -> Self {
        if let Some(Sighted { seen, .. }) = sighted {
            let nodes: Vec<_> = seen.nodes.iter().map(String::as_str).collect();
            let place =
                if nodes.is_empty() { String::new() } else { format!(" at {}", nodes.join(", ")) };
            self.name = format!("{}, on {}{place}", self.name, seen.what);
        }
        self
    }

    /// The record that this happened to the fault.
    pub(super) fn record(&self, what: Happened) -> FaultRecord {
        let Self { fault, family, ref name, ref nodes, .. } = *self;
        FaultRecord { fault, family, name: name.clone(), nodes: nodes.clone(), what }
    }
}

#[cfg(test)]
mod tests {
    use faults::fault::{Partition, Shape};
    use faults::schedule::Roles;

    use super::*;

    #[test]
    fn a_fault_whose_role_no_node_has_is_named_by_what_it_hit() {
        let entry = Entry {
            id: 1,
            at: Duration::ZERO,
            lasts: Duration::from_secs(1),
            pick: 7,
            named: None,
            on: None,
            when: None,
            fault: Fault::Partition(Partition::steady(Shape::IsolateLeader)),
        };
        let nodes: Vec<String> = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
        let named = |roles| Label::new(&entry, &entry.resolve(&nodes, roles)).name;
        assert_eq!(named(Roles::led_by("n2")), "partition, isolate the leader (n2)");
        let drawn = entry.resolve(&nodes, Roles::default()).target.expect("one was drawn");
        let expected = format!("partition, isolate a node ({drawn}; no leader was known)");
        assert_eq!(named(Roles::default()), expected);
    }
}
