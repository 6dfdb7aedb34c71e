//! A read that a deposed leader answered while another one led.

use super::evidence::{Evidence, at};

/// A leader that was deposed and did not know it, and the one that deposed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TwoLeaders<'a> {
    /// The deposed one.
    pub old: &'a str,
    /// The other one.
    pub new: &'a str,
    /// When both began to lead.
    pub since: u64,
}

impl TwoLeaders<'_> {
    /// The two in words.
    pub fn told(&self) -> String {
        format!("{} since {}, while {} still did", self.new, at(self.since), self.old)
    }
}

/// Two nodes that led at the same time, each in its term; the first such moment.
pub(super) fn two_leaders(run: &Evidence) -> Option<TwoLeaders<'_>> {
    run.roles.iter().filter(|told| told.leads).find_map(|new| {
        let others = run.roles.iter().filter(|told| told.node != new.node);
        let deposed = |old: &&super::evidence::RoleTold| {
            run.leads_at(&old.node, new.time).is_some_and(|term| term < new.term)
        };
        let old = others.filter(|told| told.leads && told.time <= new.time).find(deposed)?;
        Some(TwoLeaders { old: &old.node, new: &new.node, since: new.time })
    })
}

/// The read among the contradicting ones that a deposed leader answered, in words.
pub(super) fn stale_read(run: &Evidence) -> Option<String> {
    run.contradicting.iter().find_map(|read| {
        let own = run.leads_at(&read.node, read.end)?;
        let leader = run.leader(read.end)?;
        let deposed = leader.node != read.node && own < leader.term;
        let (node, other, when) = (&read.node, &leader.node, at(read.end));
        deposed.then(|| format!("{node} answered a read at {when}, and {other} led"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::evidence::ReadOf;
    use super::super::evidence::tests::{s, told};
    use super::*;

    #[test]
    fn a_read_is_stale_only_while_another_node_leads_in_a_later_term() {
        let roles = told(&[(0.0, "n1*", 1), (3.0, "n2*", 2), (4.0, "n1", 2)]);
        let of = |node: &str, end: f64| {
            let read = ReadOf { node: node.to_owned(), end: s(end) };
            stale_read(&Evidence {
                roles: roles.clone(),
                contradicting: vec![read],
                ..Evidence::default()
            })
        };
        assert_eq!(of("n1", 3.5).as_deref(), Some("n1 answered a read at 3.50 s, and n2 led"));
        assert_eq!(of("n1", 2.5), None, "it was the only leader");
        assert_eq!(of("n1", 4.5), None, "it knew that it was deposed");
        assert_eq!(of("n2", 3.5), None, "it was the leader");
    }

    #[test]
    fn two_lead_from_the_moment_at_which_the_second_begins() {
        let roles = told(&[(0.0, "n1*", 1), (3.0, "n2*", 2), (4.0, "n1", 2)]);
        let evidence = Evidence { roles, ..Evidence::default() };
        let two = two_leaders(&evidence).expect("there are two");
        assert_eq!(two.told(), "n2 since 3.00 s, while n1 still did");
        let roles = told(&[(0.0, "n1*", 1), (2.0, "n1", 2), (3.0, "n2*", 2)]);
        assert_eq!(
            two_leaders(&Evidence { roles, ..Evidence::default() }),
            None,
            "one after the other"
        );
    }
}
