//! The elections of a run as experiments count them.

use std::collections::BTreeMap;

use results::event::NodeChange;

use super::observed::Observed;

impl Observed {
    /// The terms after that of the last leader before a time in which nodes stood for election by `until`;
    /// each with true if one of them won.
    pub fn elections(&self, from: u64, until: u64) -> Vec<(u64, bool)> {
        let before = self.term_by(from);
        let mut tried: BTreeMap<u64, bool> = BTreeMap::new();
        for event in self.events.iter().filter(|it| (from..=until).contains(&it.time)) {
            let NodeChange::Role { role, term, .. } = &event.change else { continue };
            if *term > before && matches!(role.as_str(), "candidate" | "leader") {
                *tried.entry(*term).or_default() |= role == "leader";
            }
        }
        tried.into_iter().collect()
    }
}
