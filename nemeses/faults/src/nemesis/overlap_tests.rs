//! Faults of every family: how they compose, what proves them, and that they are undone.

use std::time::Duration;

use super::nemesis::Nemesis;
use super::nemesis_tests::{count, inject, kill, names, nemesis, partition, pause, undo};
use super::pretended::Pretended;
use crate::effect::Measurement;
use crate::fault::{
    Action, Aim, Clock, ClockError, Corruption, Cpu, Damage, Direction, Disk, Fault, Kill, Killed,
    Leadership, LinkCondition, Membership, MembershipChange, Packet, Partition, Power, PowerCut,
    Rhythm, Shape, Trouble,
};
use crate::grudge::{CLIENTS, Grudge, Link};
use crate::host::{CpuSeen, DiskSeen, Host, HostError, LinkCounts, NodeState, OpSeen, PowerSeen};
use crate::outcome::Outcome;
use crate::record::Undone;
use crate::schedule::{Entry, Roles};

fn packet(condition: LinkCondition) -> Fault {
    let (aim, direction) = (Aim::Leader, Direction::Into);
    Fault::Packet(Packet { aim, direction, clients: false, ramp: false, condition })
}

fn slow_links() -> Fault {
    packet(LinkCondition { delay_ms: 50.0, ..LinkCondition::default() })
}

fn lossy_links() -> Fault {
    packet(LinkCondition { loss_percent: 10.0, ..LinkCondition::default() })
}

fn power(aim: Aim) -> Fault {
    Fault::Power(Power { aim, cut: PowerCut { keep_percent: 0.0, sector: 512 } })
}

fn disk(trouble: Trouble) -> Fault {
    Fault::Disk(Disk { aim: Aim::Leader, trouble })
}

fn slow_fsync(delay_ms: f64) -> Fault {
    disk(Trouble::SlowFsync { delay_ms, jitter_ms: 0.0 })
}

fn clock(error: ClockError) -> Fault {
    Fault::Clock(Clock { aim: Aim::Leader, error })
}

fn cpu(percent: f64) -> Fault {
    Fault::Cpu(Cpu { aim: Aim::Leader, percent })
}

fn corruption() -> Fault {
    Fault::Corruption(Corruption { aim: Aim::Leader, damage: Damage::BitFlip { file: None } })
}

fn every_fault() -> Vec<Fault> {
    vec![
        partition(Shape::IsolateLeader),
        slow_links(),
        kill(Aim::Leader),
        pause(Aim::Leader),
        cpu(5.0),
        clock(ClockError::Jump { by_ms: -5000 }),
        slow_fsync(50.0),
        power(Aim::Leader),
        corruption(),
        Fault::Leadership(Leadership { to: Aim::Follower }),
        Fault::Membership(Membership { aim: Aim::Follower, change: MembershipChange::Remove }),
    ]
}

/// How a disk answered fsyncs.
fn fsyncs(count: u64, fastest_ms: f64) -> DiskSeen {
    let fsync =
        OpSeen { count, errors: 0, fastest_ms, mean_ms: fastest_ms, slowest_ms: fastest_ms };
    DiskSeen { fsync, ..DiskSeen::default() }
}

fn is_indeterminate(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Indeterminate { .. })
}

/// Whether nothing is left of any fault.
fn check_whole(host: &Pretended) {
    assert!(host.grudge.is_empty() && host.links.is_empty(), "{host:?}");
    assert!(host.cpu.is_empty() && host.clocks.is_empty() && host.disks.is_empty(), "{host:?}");
    assert!(host.members_changed.is_empty(), "{host:?}");
    assert!(host.states.values().all(|state| *state == NodeState::Running), "{host:?}");
}

#[test]
fn any_two_faults_compose_and_are_undone_in_either_order() {
    for first in every_fault() {
        for second in every_fault() {
            for order in [[1, 2], [2, 1]] {
                let mut nemesis = nemesis();
                inject(&mut nemesis, 1, first.clone(), "n3");
                inject(&mut nemesis, 2, second.clone(), "n3");
                for id in order {
                    if let Some(recovery) = nemesis.undo(id) {
                        assert_eq!(recovery.problems, Vec::<String>::new(), "{first}, {second}");
                    }
                }
                check_whole(nemesis.host());
            }
        }
    }
}

#[test]
fn all_faults_at_once_are_undone_in_an_order_that_lets_nodes_start_well() {
    let mut nemesis = nemesis();
    for (id, fault) in (1..).zip(every_fault()) {
        inject(&mut nemesis, id, fault, "n3");
    }
    let families: Vec<_> = nemesis.undo_all().into_iter().map(|(id, _)| id).collect();
    // The pause found its node killed and was skipped.
    assert_eq!(families, [1, 2, 7, 6, 5, 3, 8, 9, 10, 11]);
    check_whole(nemesis.host());
}

#[test]
fn conditions_of_one_link_add_up_while_both_last() {
    let mut nemesis = nemesis();
    let report = inject(&mut nemesis, 1, slow_links(), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    assert_eq!(report.effect.get("one_way"), Some(&Measurement::Milliseconds(50.1)));
    inject(&mut nemesis, 2, slow_links(), "n3");
    assert!(nemesis.host().links.values().all(|condition| condition.delay_ms == 100.0));
    undo(&mut nemesis, 1);
    assert!(nemesis.host().links.values().all(|condition| condition.delay_ms == 50.0));
    assert_eq!(nemesis.host().links.len(), 4);
    undo(&mut nemesis, 2);
    assert!(nemesis.host().links.is_empty());
}

#[test]
fn a_delay_that_a_packet_undercut_is_not_installed_whatever_is_counted_later() {
    let mut nemesis = nemesis();
    nemesis.host_mut().early_ms = 1.0;
    let report = inject(&mut nemesis, 1, slow_links(), "n3");
    assert!(is_indeterminate(&report.outcome), "{report:?}");
    count_packets(&mut nemesis, |counts| counts.delayed = 100);
    assert!(is_indeterminate(&undo(&mut nemesis, 1).outcome));
}

fn count_packets(nemesis: &mut Nemesis<Pretended>, change: impl Fn(&mut LinkCounts)) {
    let links: Vec<_> = nemesis.host().links.keys().cloned().collect();
    for link in links {
        change(nemesis.host_mut().shaped.entry(link).or_default());
    }
}

#[test]
fn a_loss_is_judged_by_what_was_counted_when_it_ends() {
    for (lost, installed) in [(3, true), (0, false)] {
        let mut nemesis = nemesis();
        let old = Link { from: "n1".to_owned(), to: "n3".to_owned() };
        let lost_before = LinkCounts { lost: 40, ..LinkCounts::default() };
        nemesis.host_mut().shaped.insert(old, lost_before);
        let report = inject(&mut nemesis, 1, lossy_links(), "n3");
        assert!(is_indeterminate(&report.outcome), "{report:?}");
        count_packets(&mut nemesis, |counts| counts.lost += lost);
        let recovery = undo(&mut nemesis, 1);
        assert_eq!(count(&recovery.effect, "packets_lost"), 4 * lost, "since the injection");
        assert_eq!(recovery.outcome == Outcome::Installed, installed, "{recovery:?}");
    }
}

#[test]
fn a_processor_gets_the_smallest_share_and_was_slow_once_something_was_held_back() {
    let mut nemesis = nemesis();
    assert!(is_indeterminate(&inject(&mut nemesis, 1, cpu(20.0), "n3").outcome));
    inject(&mut nemesis, 2, cpu(5.0), "n3");
    inject(&mut nemesis, 3, cpu(10.0), "n3");
    assert_eq!(nemesis.host().cpu["n3"], 5.0);
    let held_back = CpuSeen { throttled: 7, throttled_ms: 350.0 };
    nemesis.host_mut().throttled.insert("n3".to_owned(), held_back);
    let recovery = undo(&mut nemesis, 2);
    assert_eq!(recovery.outcome, Outcome::Installed);
    assert_eq!(recovery.effect.get("throttled"), Some(&Measurement::Milliseconds(350.0)));
    assert_eq!(nemesis.host().cpu["n3"], 10.0);
    nemesis.host_mut().throttled.clear();
    assert!(is_indeterminate(&undo(&mut nemesis, 1).outcome), "it never wanted more");
    undo(&mut nemesis, 3);
    assert!(nemesis.host().cpu.is_empty());
}

#[test]
fn clocks_are_judged_by_how_far_they_moved_not_by_where_they_are() {
    let mut nemesis = nemesis();
    // As after a drift that is over: what it added stays.
    nemesis.host_mut().astray_ms = 900.0;
    let report = inject(&mut nemesis, 1, clock(ClockError::Jump { by_ms: -5000 }), "n3");
    assert_eq!(report.outcome, Outcome::Installed, "{report:?}");
    assert_eq!(report.effect.get("wall"), Some(&Measurement::Offset(-4100.0)));
    let report = inject(&mut nemesis, 2, clock(ClockError::Drift { rate: 1.05 }), "n3");
    assert_eq!(report.outcome, Outcome::Installed, "{report:?}");
    assert_eq!(report.effect.get("rate"), Some(&Measurement::Rate(1.05)));
    undo(&mut nemesis, 1);
    assert_eq!(nemesis.host().clocks["n3"].wall_shift_ms, 0);
    assert_eq!(nemesis.host().clocks["n3"].rate, 1.05);
    let recovery = undo(&mut nemesis, 2);
    assert_eq!(recovery.effect.get("rate"), Some(&Measurement::Rate(1.05)), "as it was until now");
    assert!(nemesis.host().clocks.is_empty());
}

#[test]
fn a_slow_disk_is_judged_by_what_it_did_when_it_ends() {
    for (seen, installed) in
        [(fsyncs(20, 51.0), true), (fsyncs(20, 3.0), false), (DiskSeen::default(), false)]
    {
        let mut nemesis = nemesis();
        assert!(is_indeterminate(&inject(&mut nemesis, 1, slow_fsync(50.0), "n3").outcome));
        nemesis.host_mut().disks_seen.insert("n3".to_owned(), seen);
        let recovery = undo(&mut nemesis, 1);
        assert_eq!(recovery.outcome == Outcome::Installed, installed, "{recovery:?}");
    }
}

#[test]
fn disks_that_refuse_are_judged_by_the_errors_they_gave() {
    let errors = |errors| OpSeen { count: 9, errors, ..OpSeen::default() };
    for trouble in
        [Trouble::Failing { percent: 5.0 }, Trouble::Full { after_kib: 8 }, Trouble::ReadOnly]
    {
        for refused in [0, 3] {
            let mut nemesis = nemesis();
            inject(&mut nemesis, 1, disk(trouble), "n3");
            assert!(nemesis.may_end("n3") && !nemesis.may_end("n1"), "{trouble}");
            let seen = DiskSeen { write: errors(refused), ..DiskSeen::default() };
            nemesis.host_mut().disks_seen.insert("n3".to_owned(), seen);
            let recovery = undo(&mut nemesis, 1);
            assert_eq!(count(&recovery.effect, "operations_failed"), refused);
            assert_eq!(recovery.outcome == Outcome::Installed, refused > 0, "{trouble}");
            assert!(!nemesis.may_end("n3"));
        }
    }
    // What was written just before cannot be synced any more, and nothing else is tried.
    for (trouble, refuses_fsync) in
        [(Trouble::ReadOnly, true), (Trouble::Full { after_kib: 8 }, false)]
    {
        let mut nemesis = nemesis();
        inject(&mut nemesis, 1, disk(trouble), "n3");
        let seen = DiskSeen { fsync: errors(1), ..DiskSeen::default() };
        nemesis.host_mut().disks_seen.insert("n3".to_owned(), seen);
        assert_eq!(undo(&mut nemesis, 1).outcome == Outcome::Installed, refuses_fsync, "{trouble}");
    }
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, disk(Trouble::StalledFsync), "n3");
    let seen = DiskSeen { stalled: 1, ..DiskSeen::default() };
    nemesis.host_mut().disks_seen.insert("n3".to_owned(), seen);
    assert_eq!(undo(&mut nemesis, 1).outcome, Outcome::Installed);
}

#[test]
fn what_a_disk_did_before_another_fault_changed_it_is_not_forgotten() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, slow_fsync(50.0), "n3");
    nemesis.host_mut().disks_seen.insert("n3".to_owned(), fsyncs(10, 52.0));
    inject(&mut nemesis, 2, slow_fsync(30.0), "n3");
    assert_eq!(nemesis.host().disks["n3"].fsync.delay_ms, 80.0);
    nemesis.host_mut().disks_seen.insert("n3".to_owned(), fsyncs(5, 81.0));
    let second = undo(&mut nemesis, 2);
    assert_eq!(count(&second.effect, "operations"), 5, "the ten were before its time");
    assert_eq!(second.outcome, Outcome::Installed);
    assert!(nemesis.host().disks_seen.is_empty(), "forgotten by the disk");
    let first = undo(&mut nemesis, 1);
    assert_eq!(count(&first.effect, "operations"), 15);
    assert_eq!(first.effect.get("fsync_fastest"), Some(&Measurement::Milliseconds(52.0)));
}

#[test]
fn power_fails_after_the_links_and_comes_back_after_them() {
    let mut nemesis = nemesis();
    nemesis.host_mut().unsynced = PowerSeen { sectors_lost: 12, ..PowerSeen::default() };
    let report = inject(&mut nemesis, 1, power(Aim::Minority), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    assert_eq!(count(&report.effect, "sectors_lost"), 24);
    assert!(nemesis.host().grudge.links().any(|link| link.to == CLIENTS));
    undo(&mut nemesis, 1);
    assert_eq!(nemesis.host().log, ["cut 18", "power off 2", "cut 0", "start 2"]);
    check_whole(nemesis.host());
}

#[test]
fn a_power_failure_that_found_everything_synced_showed_no_effect() {
    let mut nemesis = nemesis();
    let report = inject(&mut nemesis, 1, power(Aim::All), "n3");
    let Outcome::Indeterminate { reason } = &report.outcome else { panic!("{report:?}") };
    assert!(reason.contains("unsynced"), "{reason}");
    undo(&mut nemesis, 1);
    check_whole(nemesis.host());
}

#[test]
fn where_links_cannot_be_cut_power_fails_all_the_same_and_the_note_says_so() {
    let mut nemesis = nemesis();
    nemesis.host_mut().without_partitions = true;
    nemesis.host_mut().unsynced = PowerSeen { names_lost: 1, ..PowerSeen::default() };
    let report = inject(&mut nemesis, 1, power(Aim::Leader), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    assert!(report.note.unwrap().contains("links stayed up"));
    undo(&mut nemesis, 1);
    check_whole(nemesis.host());
}

#[test]
fn a_power_failure_that_this_host_cannot_make_leaves_no_link_cut() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, partition(Shape::IsolateLeader), "n1");
    nemesis.host_mut().broken = Some(HostError::Unavailable("no such disks".to_owned()));
    let report = inject(&mut nemesis, 2, power(Aim::Leader), "n3");
    assert!(matches!(report.outcome, Outcome::Skipped { .. }), "{report:?}");
    assert_eq!(nemesis.active().count(), 1);
    assert_eq!(nemesis.host().grudge, Grudge::isolate(&names(), "n1"));
}

#[test]
fn a_node_without_power_stays_off_until_the_last_fault_that_holds_it_down_ends() {
    for order in [[1, 2], [2, 1]] {
        let mut nemesis = nemesis();
        inject(&mut nemesis, 1, kill(Aim::Leader), "n3");
        inject(&mut nemesis, 2, power(Aim::Leader), "n3");
        undo(&mut nemesis, order[0]);
        assert_eq!(nemesis.host().state("n3"), NodeState::Stopped);
        undo(&mut nemesis, order[1]);
        check_whole(nemesis.host());
    }
}

#[test]
fn files_are_damaged_while_their_node_is_down() {
    let mut nemesis = nemesis();
    let report = inject(&mut nemesis, 7, corruption(), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    let told = Measurement::Text("n3: flip a bit of the largest file by 7".to_owned());
    assert_eq!(report.effect.get("damaged"), Some(&told));
    undo(&mut nemesis, 7);
    assert_eq!(nemesis.host().log, ["kill 1", "damage n3", "start 1"]);
    assert!(nemesis.may_end("n3"), "it may notice later, too");
    assert!(!nemesis.may_end("n1"));
}

#[test]
fn leadership_goes_to_another_and_members_come_back() {
    let mut nemesis = nemesis();
    let transfer = Fault::Leadership(Leadership { to: Aim::Follower });
    let report = inject(&mut nemesis, 1, transfer, "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    assert_ne!(nemesis.host().leader, "n3");
    let remove = Membership { aim: Aim::Leader, change: MembershipChange::Remove };
    let report = inject(&mut nemesis, 2, Fault::Membership(remove), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    assert_eq!(nemesis.host().members_changed["n3"], MembershipChange::Remove);
    nemesis.undo_all();
    check_whole(nemesis.host());
}

#[test]
fn what_this_host_cannot_do_of_any_family_is_skipped_and_leaves_nothing() {
    for fault in every_fault() {
        let mut nemesis = nemesis();
        nemesis.host_mut().broken = Some(HostError::Unavailable("no such thing".to_owned()));
        let report = inject(&mut nemesis, 1, fault.clone(), "n3");
        assert!(matches!(report.outcome, Outcome::Skipped { .. }), "{fault}: {report:?}");
        assert_eq!(nemesis.active().count(), 0, "{fault}");
    }
}

/// Goes through all steps of a fault, and undoes it.
fn live(
    nemesis: &mut Nemesis<Pretended>,
    id: u32,
    fault: Fault,
    check: impl Fn(&Pretended, &Action),
) -> Undone {
    let (at, lasts) = (Duration::ZERO, Duration::from_secs(1));
    let entry = Entry { id, at, lasts, pick: id, fault };
    let resolved = entry.resolve(&names(), Roles::led_by("n3"));
    let steps = resolved.steps.clone();
    nemesis.inject(&entry, resolved);
    check(nemesis.host(), &steps[0].action);
    for step in &steps[1..] {
        let beat = nemesis.step(id, step.action.clone()).expect("the fault is on");
        assert_eq!(beat.problems, Vec::<String>::new());
        check(nemesis.host(), &step.action);
    }
    undo(nemesis, id)
}

#[test]
fn flaky_links_are_cut_and_healed_beat_by_beat_beside_a_steady_partition() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, partition(Shape::IntoLeader), "n1");
    let steady = Grudge::into_node(&names(), "n1");
    let flaky = Partition { cut_ms: 80, whole_ms: 120, ..Partition::steady(Shape::IsolateLeader) };
    let recovery = live(&mut nemesis, 2, Fault::Partition(flaky), |host, action| {
        let mut expected = steady.clone();
        if let Action::Partition(grudge) = action {
            expected.merge(grudge);
        }
        assert_eq!(host.grudge, expected);
    });
    assert_eq!(recovery.outcome, Outcome::Installed);
    assert_eq!(count(&recovery.effect, "steps"), 9);
    assert!(matches!(recovery.action, Action::Partition(_)), "what it was, not where it ended");
    assert_eq!(nemesis.host().grudge, steady);
}

#[test]
fn a_rolling_restart_and_a_crash_loop_leave_alone_whom_others_hold_down() {
    for rhythm in [Rhythm::Rolling, Rhythm::Loop] {
        let mut nemesis = nemesis();
        inject(&mut nemesis, 1, kill(Aim::Leader), "n1");
        let fault = Fault::Kill(Kill { aim: Aim::All, rhythm });
        live(&mut nemesis, 2, fault, |host, action| {
            for (node, state) in &host.states {
                let down = node == "n1" || action.nodes().contains(node);
                assert_eq!(*state == NodeState::Stopped, down, "{node} when {action}");
            }
        });
        assert_eq!(nemesis.host().state("n1"), NodeState::Stopped);
        undo(&mut nemesis, 1);
        check_whole(nemesis.host());
    }
}

#[test]
fn a_strobe_and_a_jump_of_one_clock_add_up() {
    let mut nemesis = nemesis();
    inject(&mut nemesis, 1, clock(ClockError::Jump { by_ms: 1000 }), "n3");
    let strobe = clock(ClockError::Strobe { by_ms: 300, every_ms: 100 });
    let recovery = live(&mut nemesis, 2, strobe, |host, action| {
        let expected = if *action == Action::Nothing { 1000 } else { 1300 };
        assert_eq!(host.clocks["n3"].wall_shift_ms, expected);
    });
    assert_eq!(recovery.outcome, Outcome::Installed);
    undo(&mut nemesis, 1);
    check_whole(nemesis.host());
}

#[test]
fn a_step_of_a_fault_that_is_not_on_does_nothing() {
    let mut nemesis = nemesis();
    assert_eq!(nemesis.step(1, Action::Kill(Killed(["n1".to_owned()].into()))), None);
    check_whole(nemesis.host());
}

#[test]
fn the_budget_spares_nodes_and_skips_what_has_no_room() {
    let mut nemesis = nemesis().within(2);
    inject(&mut nemesis, 1, pause(Aim::Leader), "n3");
    let report = inject(&mut nemesis, 2, kill(Aim::All), "n3");
    assert_eq!(report.outcome, Outcome::Installed);
    assert_eq!(report.action.nodes().len(), 2, "n3 is down anyway, and one more may be");
    assert!(report.action.nodes().contains("n3"));
    assert!(report.note.unwrap().contains("budget"));
    let report = inject(&mut nemesis, 3, power(Aim::Majority), "n3");
    let Outcome::Skipped { reason } = report.outcome else { panic!("there is no room") };
    assert!(reason.starts_with("budget"), "{reason}");
    assert_eq!(inject(&mut nemesis, 4, slow_links(), "n1").outcome, Outcome::Installed);
    nemesis.undo_all();
    check_whole(nemesis.host());
    assert_eq!(count(&inject(&mut nemesis, 5, kill(Aim::All), "n3").effect, "nodes_killed"), 2);
}

#[test]
fn the_budget_keeps_a_place_for_a_crash_loop_between_two_crashes() {
    let mut nemesis = nemesis().within(1);
    let fault = Fault::Kill(Kill { aim: Aim::Leader, rhythm: Rhythm::Loop });
    inject(&mut nemesis, 1, fault, "n3");
    nemesis.step(1, Action::Nothing);
    let report = inject(&mut nemesis, 2, pause(Aim::Leader), "n1");
    assert!(matches!(report.outcome, Outcome::Skipped { .. }), "{report:?}");
}

#[test]
fn nodes_that_the_budget_spared_stay_spared_in_later_steps() {
    let mut nemesis = nemesis().within(1);
    let fault = Fault::Kill(Kill { aim: Aim::All, rhythm: Rhythm::Loop });
    let report = inject(&mut nemesis, 1, fault, "n3");
    assert_eq!(report.action.nodes().len(), 1);
    nemesis.step(1, Action::Nothing);
    let beat = nemesis.step(1, Action::Kill(Killed(names().into_iter().collect()))).unwrap();
    assert_eq!(beat.action, report.action);
    let down = nemesis.host().states.values().filter(|state| **state == NodeState::Stopped);
    assert_eq!(down.count(), 1);
    undo(&mut nemesis, 1);
    check_whole(nemesis.host());
}

#[test]
fn a_node_with_damaged_files_counts_as_down_for_good() {
    let mut nemesis = nemesis().within(2);
    inject(&mut nemesis, 1, corruption(), "n3");
    undo(&mut nemesis, 1);
    let report = inject(&mut nemesis, 2, kill(Aim::Minority), "n1");
    assert_eq!(report.action.nodes().len(), 1, "{report:?}");
}
