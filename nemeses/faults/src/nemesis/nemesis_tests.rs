//! Bookkeeping of overlapping faults, against a world made of plain values.

use std::time::Duration;

use super::nemesis::Nemesis;
use super::pretended::Pretended;
use crate::effect::{Effect, Measurement};
use crate::fault::{Aim, Fault, Kill, Partition, Pause, Shape};
use crate::grudge::{Grudge, Link};
use crate::host::{Host, HostError, NodeState};
use crate::outcome::Outcome;
use crate::record::{Injected, Undone};
use crate::schedule::{Entry, Roles};

pub(super) fn names() -> Vec<String> {
    (1..=5).map(|index| format!("n{index}")).collect()
}

pub(super) fn nemesis() -> Nemesis<Pretended> {
    let states = names().into_iter().map(|node| (node, NodeState::Running)).collect();
    Nemesis::new(Pretended { states, ..Pretended::default() })
}

pub(super) fn kill(aim: Aim) -> Fault {
    Fault::Kill(Kill::once(aim))
}

pub(super) fn pause(aim: Aim) -> Fault {
    Fault::Pause(Pause { aim })
}

pub(super) fn partition(shape: Shape) -> Fault {
    Fault::Partition(Partition::steady(shape))
}

/// Injects a fault when `leader` leads.
pub(super) fn inject(
    nemesis: &mut Nemesis<Pretended>,
    id: u32,
    fault: Fault,
    leader: &str,
) -> Injected {
    let (at, lasts) = (Duration::ZERO, Duration::from_secs(1));
    let entry = Entry { id, at, lasts, pick: id, fault };
    let resolved = entry.resolve(&names(), Roles::led_by(leader));
    nemesis.inject(&entry, resolved)
}

pub(super) fn undo(nemesis: &mut Nemesis<Pretended>, id: u32) -> Undone {
    let recovery = nemesis.undo(id).expect("the fault is on");
    assert_eq!(recovery.problems, Vec::<String>::new());
    recovery
}

pub(super) fn count(effect: &Effect, name: &str) -> u64 {
    effect.count(name).unwrap_or_else(|| panic!("no {name} in {effect:?}"))
}

#[test]
fn a_partition_is_cut_and_healed_and_its_packets_counted() {
    let mut nemesis = nemesis();
    let report = inject(&mut nemesis, 1, partition(Shape::IsolateLeader), "n2");
    assert_eq!(report.outcome, Outcome::Installed);
    assert_eq!(count(&report.effect, "links_cut"), 8);
    assert_eq!(count(&report.effect, "packets_dropped"), 8);
    assert_eq!(nemesis.host().grudge, Grudge::isolate(&names(), "n2"));

    for packets in nemesis.host_mut().dropped.values_mut() {
        *packets += 10;
    }
    let recovery = undo(&mut nemesis, 1);
    assert_eq!(count(&recovery.effect, "packets_dropped"), 88, "since the injection");
    assert!(nemesis.host().grudge.is_empty());
    assert_eq!(nemesis.undo(1), None, "undone is undone");
}

#[test]
fn overlapping_partitions_cut_the_union_and_each_heals_its_own() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, partition(Shape::IntoLeader), "n1");
    inject(&mut nemesis, 2, partition(Shape::IsolateLeader), "n2");
    let mut union = Grudge::into_node(&names(), "n1");
    union.merge(&Grudge::isolate(&names(), "n2"));
    assert_eq!(nemesis.host().grudge, union);
    undo(&mut nemesis, 1);
    assert_eq!(nemesis.host().grudge, Grudge::isolate(&names(), "n2"));
    undo(&mut nemesis, 2);
    assert!(nemesis.host().grudge.is_empty());
}

#[test]
fn a_cut_that_nobody_saw_is_indeterminate_and_undone_all_the_same() {
    let mut nemesis = nemesis();
    let link = Link { from: "n1".to_owned(), to: "n2".to_owned() };
    nemesis.host_mut().unproven.insert(link);
    let report = inject(&mut nemesis, 1, partition(Shape::IntoLeader), "n2");
    let Outcome::Indeterminate { reason } = report.outcome else { panic!("{report:?}") };
    assert!(reason.contains("n1 → n2"), "{reason}");
    undo(&mut nemesis, 1);
    assert!(nemesis.host().grudge.is_empty());
}

#[test]
fn a_killed_node_is_started_when_the_last_fault_that_killed_it_ends() {
    let mut nemesis = nemesis();
    let report = inject(&mut nemesis, 1, kill(Aim::Leader), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    let report = inject(&mut nemesis, 2, kill(Aim::All), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    assert_eq!(count(&report.effect, "nodes_killed"), 4);
    assert_eq!(report.effect.get("already_down"), Some(&Measurement::Text("n3".to_owned())));

    assert_eq!(count(&undo(&mut nemesis, 1).effect, "nodes_started"), 0, "still held down");
    assert_eq!(nemesis.host().state("n3"), NodeState::Stopped);
    assert_eq!(count(&undo(&mut nemesis, 2).effect, "nodes_started"), 5);
    assert!(nemesis.host().states.values().all(|state| *state == NodeState::Running));
}

#[test]
fn a_kill_of_nodes_that_are_down_holds_them_down_but_showed_no_effect() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, kill(Aim::Leader), "n3");
    let report = inject(&mut nemesis, 2, kill(Aim::Leader), "n3");
    assert!(matches!(report.outcome, Outcome::Indeterminate { .. }), "{report:?}");
    undo(&mut nemesis, 1);
    assert_eq!(nemesis.host().state("n3"), NodeState::Stopped);
    undo(&mut nemesis, 2);
    assert_eq!(nemesis.host().state("n3"), NodeState::Running);
}

#[test]
fn a_paused_node_continues_when_the_last_fault_that_paused_it_ends() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, pause(Aim::Leader), "n3");
    inject(&mut nemesis, 2, pause(Aim::All), "n3");
    undo(&mut nemesis, 2);
    assert_eq!(nemesis.host().state("n3"), NodeState::Paused);
    assert_eq!(nemesis.host().state("n1"), NodeState::Running);
    undo(&mut nemesis, 1);
    assert_eq!(nemesis.host().state("n3"), NodeState::Running);
}

#[test]
fn a_node_killed_while_paused_comes_back_running_whichever_ends_first() {
    for first in [1, 2] {
        let mut nemesis = nemesis();
        inject(&mut nemesis, 1, pause(Aim::Leader), "n3");
        let report = inject(&mut nemesis, 2, kill(Aim::Leader), "n3");
        assert_eq!(report.outcome, Outcome::Installed);
        undo(&mut nemesis, first);
        let expected = if first == 1 { NodeState::Stopped } else { NodeState::Running };
        assert_eq!(nemesis.host().state("n3"), expected);
        undo(&mut nemesis, 3 - first);
        assert_eq!(nemesis.host().state("n3"), NodeState::Running);
    }
}

#[test]
fn a_pause_of_a_node_that_is_down_is_skipped_and_leaves_nothing_to_undo() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, kill(Aim::Leader), "n3");
    let report = inject(&mut nemesis, 2, pause(Aim::Leader), "n3");
    assert!(matches!(report.outcome, Outcome::Skipped { .. }), "{report:?}");
    assert_eq!(nemesis.undo(2), None);
    let report = inject(&mut nemesis, 3, pause(Aim::All), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    assert_eq!(count(&report.effect, "nodes_paused"), 4);
}

#[test]
fn a_fault_that_is_on_is_not_injected_again() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, pause(Aim::Leader), "n3");
    let report = inject(&mut nemesis, 1, kill(Aim::Leader), "n3");
    assert!(matches!(report.outcome, Outcome::Skipped { .. }), "{report:?}");
    assert_eq!(nemesis.host().state("n3"), NodeState::Paused);
    undo(&mut nemesis, 1);
}

#[test]
fn what_this_host_cannot_do_is_skipped_and_what_fails_is_indeterminate() {
    for fault in [partition(Shape::IsolateLeader), kill(Aim::Leader), pause(Aim::Leader)] {
        let mut nemesis = nemesis();
        nemesis.host_mut().broken = Some(HostError::Unavailable("no such thing".to_owned()));
        let report = inject(&mut nemesis, 1, fault.clone(), "n3");
        assert!(matches!(report.outcome, Outcome::Skipped { .. }), "{report:?}");
        assert_eq!(nemesis.active().count(), 0);

        nemesis.host_mut().broken = Some(HostError::Failed("it broke".to_owned()));
        let report = inject(&mut nemesis, 2, fault, "n3");
        assert!(matches!(report.outcome, Outcome::Indeterminate { .. }), "{report:?}");
        assert_eq!(nemesis.active().count(), 1, "whatever it left behind must be undone");
    }
}

#[test]
fn a_fault_that_cannot_be_undone_stays_on_and_is_tried_again() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, kill(Aim::Leader), "n3");
    nemesis.host_mut().broken = Some(HostError::Failed("the program is gone".to_owned()));
    let recovery = nemesis.undo(1).expect("the fault is on");
    assert_eq!(recovery.problems, ["n3: the program is gone"]);
    assert_eq!(nemesis.active().count(), 1);
    nemesis.host_mut().broken = None;
    let recoveries = nemesis.undo_all();
    assert_eq!(recoveries.len(), 1);
    assert_eq!(nemesis.host().state("n3"), NodeState::Running);
}

#[test]
fn after_undoing_all_the_world_is_as_it_was() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, kill(Aim::Minority), "n1");
    inject(&mut nemesis, 2, partition(Shape::MajorityRing), "n1");
    inject(&mut nemesis, 3, pause(Aim::All), "n1");
    inject(&mut nemesis, 4, partition(Shape::Bridge), "n1");
    let order: Vec<_> = nemesis.undo_all().into_iter().map(|(id, _)| id).collect();
    assert_eq!(order, [2, 4, 3, 1], "links first, starts last");
    assert!(nemesis.host().grudge.is_empty());
    assert!(nemesis.host().states.values().all(|state| *state == NodeState::Running));
    assert!(nemesis.undo_all().is_empty());
}
