//! The evidence that a run leaves for exercises: faults that took effect, roles, and what broke.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use checker::history::EventType;
use checker::oracle::audit::Wrong;
use checker::verdict::Verdict;
use faults::fault::Family;
use faults::grudge::{Grudge, Link};
use results::event::{NodeChange, NodeEvent, Phase};
use results::metrics::{FaultInterval, at_told_times, fault_intervals, phases};
use results::run_directory::RunDirectory;
use results::summary::{STARVED, Summary};

use crate::exit::bad_input;

/// The evidence of a run that ended. Times are nanoseconds since its load began, as in a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Evidence {
    /// The number of nodes.
    pub nodes: usize,
    /// The planted bug.
    pub bug: Option<String>,
    /// The faults that took effect, by the time at which they began.
    pub faults: Vec<FaultOn>,
    /// The roles that nodes told, by time.
    pub roles: Vec<RoleTold>,
    /// The number of mutations that were acknowledged and have no effect.
    pub lost: u64,
    /// The number of mutations that took effect more than once.
    pub repeated: u64,
    /// The number of mutations that were answered after an attempt that may have been done.
    pub asked_again: u64,
    /// True if the history has no legal order.
    pub invalid: bool,
    /// The reads among the operations that contradict each other.
    pub contradicting: Vec<ReadOf>,
    /// The reason for which the run says little about an answer, such as a family that this machine lacks.
    pub excuse: Option<String>,
}

/// A fault that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FaultOn {
    /// Its family.
    pub family: Family,
    /// The nodes that it hit.
    pub nodes: BTreeSet<String>,
    /// Of a partition, the one node that it cuts off; none if there is no such node.
    pub cut_off: Option<String>,
    /// When it was on.
    pub from: u64,
    /// When its undoing began, or the load ended.
    pub to: u64,
}

/// A role of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleTold {
    /// When it took it on.
    pub time: u64,
    /// The node.
    pub node: String,
    /// True if it leads.
    pub leads: bool,
    /// Its term; 0 of a process that ended.
    pub term: u64,
}

/// A read that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadOf {
    /// The node that answered.
    pub node: String,
    /// When the answer came.
    pub end: u64,
}

impl Evidence {
    /// Reads the run in this directory.
    ///
    /// # Errors
    /// When it cannot be read, was not judged, or is none of the bundled cluster.
    pub fn read(path: &Path) -> Result<Evidence> {
        let run = RunDirectory::open(path).and_then(|run| run.load());
        let run = run.map_err(|error| bad_input(format!("{error:#}")))?;
        let not_judged = || bad_input("the run was not judged; `stormproof check DIR` does it");
        let summary = run.summary.ok_or_else(not_judged)?;
        if summary.run.target != "bundled" {
            return Err(bad_input("exercises are about the bundled cluster"));
        }
        let load = phases(&run.history).into_iter().find(|phase| phase.phase == Phase::Load);
        let (began, ended) = load.map_or((0, run.history.end()), |load| (load.start, load.end));
        let since = |time: u64| time.saturating_sub(began);
        let on = |fault: FaultInterval| FaultOn {
            family: fault.family,
            cut_off: fault.grudge.as_ref().and_then(cut_off),
            nodes: fault.nodes,
            from: since(fault.injected.unwrap_or(fault.start)),
            to: since(fault.undo_start.unwrap_or(ended)),
        };
        let tried = fault_intervals(&run.history);
        let in_doubt = run.history.operations.iter().filter(|operation| {
            let doubt = operation.attempts().any(|attempt| attempt.definite == Some(false));
            doubt && operation.outcome() == EventType::Ok && !operation.f().starts_with("read")
        });
        Ok(Evidence {
            nodes: summary.run.nodes.len(),
            bug: summary.run.bug.clone(),
            faults: tried.into_iter().filter(FaultInterval::took_effect).map(on).collect(),
            roles: roles(&at_told_times(&run.node_events), since),
            lost: broken(&summary, Wrong::Lost),
            repeated: broken(&summary, Wrong::Repeated),
            asked_again: in_doubt.count() as u64,
            invalid: summary.safety.verdict == Verdict::Invalid,
            contradicting: contradicting(&summary, since),
            excuse: excuse(&summary),
        })
    }

    /// The node that led in the highest term by then.
    pub fn leader(&self, time: u64) -> Option<&RoleTold> {
        let led = self.roles.iter().filter(|told| told.leads && told.time <= time);
        led.max_by_key(|told| told.term)
    }

    /// The term that a node was in by then; 0 before it told of any.
    pub fn term_of(&self, node: &str, time: u64) -> u64 {
        let told = self.roles.iter().filter(|told| told.node == node && told.time <= time);
        told.map(|told| told.term).max().unwrap_or(0)
    }

    /// The words for the demand that this bug is planted; the error says what is missing.
    pub fn has_bug(&self, bug: &str) -> Result<String, String> {
        match self.bug.as_deref() == Some(bug) {
            true => Ok("it is".to_owned()),
            false => Err(format!("leave bug = \"{bug}\" in the plan")),
        }
    }

    /// The term in which a node leads at a time; none if it does not.
    pub fn leads_at(&self, node: &str, time: u64) -> Option<u64> {
        let mut told = self.roles.iter().filter(|told| told.node == node && told.time <= time);
        told.next_back().filter(|told| told.leads).map(|told| told.term)
    }

    /// The first role other than leader that a node takes on after a time, by another.
    pub fn gives_up(&self, node: &str, from: u64, until: u64) -> Option<&RoleTold> {
        let later = |told: &&RoleTold| (from..=until).contains(&told.time) && told.node == node;
        self.roles.iter().filter(later).find(|told| !told.leads)
    }
}

/// Nanoseconds in words: `1.52 s`.
pub(super) fn at(time: u64) -> String {
    format!("{:.2} s", time as f64 / 1e9)
}

/// Names in words: `n1, n2`.
pub(super) fn names(nodes: &BTreeSet<String>) -> String {
    nodes.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The node that is one end of each cut link, where links are cut in both directions.
fn cut_off(grudge: &Grudge) -> Option<String> {
    let links: Vec<Link> = grudge.links().collect();
    let Link { from, to } = links.first()?;
    let is_end_of_all = |node: &&String| links.iter().all(|it| [&it.from, &it.to].contains(node));
    let both_ways = links.iter().all(|link| grudge.drops(&link.to, &link.from));
    [from, to].into_iter().filter(|_| both_ways).find(is_end_of_all).cloned()
}

fn roles(events: &[NodeEvent], since: impl Fn(u64) -> u64) -> Vec<RoleTold> {
    let told = events.iter().filter_map(|event| {
        let (leads, term) = match &event.change {
            NodeChange::Role { role, term, .. } => (role == "leader", *term),
            NodeChange::Exited { .. } => (false, 0),
            _ => return None,
        };
        Some(RoleTold { time: since(event.time), node: event.node.clone(), leads, term })
    });
    told.collect()
}

/// The number of tokens that broke their promise in one way.
fn broken(summary: &Summary, wrong: Wrong) -> u64 {
    let kinds = summary.safety.audit.iter().flat_map(|audit| &audit.broken_by_kind);
    kinds.filter(|kind| kind.wrong == wrong).map(|kind| kind.tokens).sum()
}

fn contradicting(summary: &Summary, since: impl Fn(u64) -> u64) -> Vec<ReadOf> {
    let shown = summary.safety.counterexample.iter().flat_map(|it| &it.operations);
    let reads = shown
        .filter(|operation| operation.f == "read")
        .filter_map(|read| Some(ReadOf { node: read.node.clone()?, end: since(read.end?) }));
    reads.collect()
}

/// The reason for which a run that shows too little says nothing about the answer.
fn excuse(summary: &Summary) -> Option<String> {
    let lacking = summary.run.skipped.first();
    let lacking = lacking.map(|(family, reason)| format!("no {family} faults here: {reason}"));
    let starved = summary.liveness.probe_lateness_seconds > STARVED.as_secs_f64();
    lacking.or(starved.then(|| "this machine had no time for the run; try it again".to_owned()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Seconds as nanoseconds.
    pub(in super::super) fn s(seconds: f64) -> u64 {
        (seconds * SECOND as f64) as u64
    }

    /// A fault at these nodes; of a partition, the first of them is cut off.
    pub(in super::super) fn fault(family: Family, nodes: &[&str], from: f64, to: f64) -> FaultOn {
        let cut_off = (family == Family::Partition).then(|| nodes[0].to_owned());
        let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
        FaultOn { family, nodes, cut_off, from: s(from), to: s(to) }
    }

    /// Roles in the order in which they are told; a node that leads has a star.
    pub(in super::super) fn told(roles: &[(f64, &str, u64)]) -> Vec<RoleTold> {
        let role = |(time, node, term): &(f64, &str, u64)| RoleTold {
            time: s(*time),
            node: node.trim_end_matches('*').to_owned(),
            leads: node.ends_with('*'),
            term: *term,
        };
        roles.iter().map(role).collect()
    }

    #[test]
    fn a_node_is_cut_off_if_every_cut_link_is_its_own_in_both_directions() {
        let mut one = Grudge::none();
        for other in ["n2", "n3"] {
            one.drop_link("n1", other);
            one.drop_link(other, "n1");
        }
        assert_eq!(cut_off(&one).as_deref(), Some("n1"));
        let mut halves = one.clone();
        halves.drop_link("n2", "n3");
        halves.drop_link("n3", "n2");
        assert_eq!(cut_off(&halves), None);
        let mut deaf = Grudge::none();
        deaf.drop_link("n2", "n1");
        deaf.drop_link("n3", "n1");
        assert_eq!(cut_off(&deaf), None, "it is heard");
        assert_eq!(cut_off(&Grudge::none()), None);
    }

    #[test]
    fn of_two_that_lead_the_one_with_the_higher_term_is_the_leader() {
        let roles = told(&[(0.0, "n1*", 1), (2.0, "n2*", 2), (3.0, "n1", 2), (4.0, "n2", 0)]);
        let evidence = Evidence { roles, ..Evidence::default() };
        assert_eq!(evidence.leader(s(1.0)).map(|told| &told.node[..]), Some("n1"));
        assert_eq!(evidence.leader(s(2.5)).map(|told| &told.node[..]), Some("n2"));
        assert_eq!(
            (evidence.leads_at("n1", s(2.5)), evidence.leads_at("n1", s(3.5))),
            (Some(1), None)
        );
        assert_eq!(evidence.gives_up("n1", s(2.0), s(9.0)).map(|told| told.time), Some(s(3.0)));
        assert_eq!(evidence.gives_up("n1", s(2.0), s(2.9)), None);
        assert_eq!((evidence.term_of("n1", s(1.0)), evidence.term_of("n2", s(9.0))), (1, 2));
    }
}
