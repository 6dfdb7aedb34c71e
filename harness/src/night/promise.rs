//! The situations that a plan promises before it is carried out.

use std::collections::BTreeSet;

use faults::coverage::{Role, roles_of};
use faults::fault::Family;
use faults::trigger::TriggerKind;

use crate::plan::Plan;

/// A situation that a planned fault may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promised {
    /// A family hits a role, in one phase or another.
    Hit(Family, Role),
    /// A family strikes at a moment.
    Moment(TriggerKind, Family),
    /// Two families are on at once, the lesser first.
    Pair(Family, Family),
}

/// Everything that a plan promises.
pub(crate) type Promise = BTreeSet<Promised>;

/// The promise of a plan: of each fault whom it may hit and what it waits for, and of each two that
/// overlap by their times.
pub(crate) fn promise(plan: &Plan) -> Promise {
    let mut promise = Promise::new();
    for (at, entry) in plan.schedule.iter().enumerate() {
        let family = entry.fault.family();
        let roles = roles_of(&entry.fault, plan.nodes);
        promise.extend(roles.into_iter().map(|role| Promised::Hit(family, role)));
        if let Some(trigger) = &entry.when {
            promise.insert(Promised::Moment(trigger.observed.kind(), family));
        }
        for later in &plan.schedule[at + 1..] {
            if later.at < entry.ends() && entry.at < later.ends() {
                let other = later.fault.family();
                promise.insert(Promised::Pair(family.min(other), family.max(other)));
            }
        }
    }
    promise
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Written;

    #[test]
    fn a_plan_promises_whom_it_hits_when_and_what_overlaps() {
        let text = "nodes = 3\nseed = 1\ntime_limit = 10\n\
                    [[fault]]\nat = 1\nlasts = 2\nfamily = \"kill\"\naim = \"leader\"\n\
                    [[fault]]\nat = 2\nlasts = 2\nfamily = \"pause\"\naim = \"leader\"\n\
                    when = { seen = \"role\", role = \"leader\" }\n\
                    [[fault]]\nat = 6\nlasts = 1\nfamily = \"kill\"\naim = \"leader\"\n";
        let plan = Written::from_toml(text).and_then(|written| written.resolve());
        let plan = plan.expect("it is a plan");
        let pair = Promised::Pair(Family::Kill.min(Family::Pause), Family::Kill.max(Family::Pause));
        let expected = [
            Promised::Hit(Family::Kill, Role::Leader),
            Promised::Hit(Family::Kill, Role::Candidate),
            Promised::Hit(Family::Pause, Role::Leader),
            Promised::Hit(Family::Pause, Role::Candidate),
            Promised::Moment(TriggerKind::Role, Family::Pause),
            pair,
        ];
        assert_eq!(promise(&plan), expected.into());
    }
}
