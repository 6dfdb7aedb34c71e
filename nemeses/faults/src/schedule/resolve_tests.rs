//! Whom a role means when a fault fires, and what is done to them when.

use std::time::Duration;

use std::collections::BTreeSet;

use super::Entry;
use super::resolve::Resolved;
use crate::fault::{
    Action, Aim, Clock, ClockError, Clocks, CpuShares, Direction, Disk, DiskFault, Disks, Fault,
    Kill, Killed, Leadership, LinkCondition, Packet, Partition, Pattern, Pause, Power, PowerCut,
    Roles, Shape, Step, Transfer,
};
use crate::grudge::{CLIENTS, Grudge};

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|index| format!("n{index}")).collect()
}

fn entry(fault: Fault, pick: u32) -> Entry {
    let (at, lasts) = (Duration::ZERO, Duration::from_secs(1));
    Entry { id: 1, at, lasts, pick, named: None, on: None, when: None, fault }
}

fn resolve(fault: Fault, pick: u32, nodes: usize, leader: Option<&str>) -> Resolved {
    entry(fault, pick).resolve(&names(nodes), Roles { leader, ..Roles::default() })
}

#[test]
fn a_fault_aimed_at_the_leader_takes_whoever_leads() {
    for pick in 0..20 {
        let kill = resolve(Fault::Kill(Kill::once(Aim::Leader)), pick, 5, Some("n4"));
        assert_eq!(kill.action(), &Action::Kill(Killed(["n4".to_owned()].into())));
        assert_eq!((kill.target.as_deref(), kill.note), (Some("n4"), None));
        let isolate = Fault::Partition(Partition::steady(Shape::IsolateLeader));
        let expected = Action::Partition(Grudge::isolate(&names(5), "n4"));
        assert_eq!(resolve(isolate, pick, 5, Some("n4")).action(), &expected);
    }
}

#[test]
fn an_unknown_leader_is_replaced_by_a_drawn_node_and_the_note_says_so() {
    for leader in [None, Some("elsewhere")] {
        let fault = Fault::Pause(Pause { aim: Aim::Leader });
        let drawn: BTreeSet<_> = (0..100)
            .map(|pick| {
                let resolved = resolve(fault.clone(), pick, 5, leader);
                let target = resolved.target.unwrap();
                assert!(resolved.note.unwrap().contains(&target));
                target
            })
            .collect();
        assert_eq!(drawn.len(), 5, "every node is drawn now and then");
    }
}

#[test]
fn each_aim_takes_as_many_nodes_as_it_says() {
    for nodes in 1..=7 {
        for aim in Aim::ALL {
            for pick in 0..20 {
                let fault = Fault::Kill(Kill::once(aim));
                let resolved = resolve(fault, pick, nodes, Some("n1"));
                let Action::Kill(Killed(killed)) = resolved.action() else {
                    panic!("a kill resolves to a kill")
                };
                assert_eq!(killed.len(), aim.count(nodes), "{aim} of {nodes}");
            }
        }
    }
}

#[test]
fn every_shape_cuts_something_from_its_smallest_cluster_on() {
    for shape in Shape::ALL {
        for nodes in shape.smallest_cluster()..=7 {
            for pick in 0..20 {
                let fault = Fault::Partition(Partition::steady(shape));
                let resolved = resolve(fault, pick, nodes, Some("n1"));
                assert!(!resolved.action().is_empty(), "{shape}, {nodes} nodes");
            }
        }
    }
}

/// Returns true if some node talks with a majority in both directions, itself counted.
fn somebody_has_a_majority(grudge: &Grudge, nodes: &[String]) -> bool {
    nodes.iter().any(|one| {
        let talks = |other: &&String| !grudge.drops(one, other) && !grudge.drops(other, one);
        nodes.iter().filter(talks).count() > nodes.len() / 2
    })
}

#[test]
fn a_shape_takes_the_majority_exactly_when_it_says_so() {
    for shape in Shape::ALL {
        for nodes in shape.smallest_cluster()..=7 {
            let fault = Fault::Partition(Partition::steady(shape));
            let resolved = resolve(fault, 3, nodes, Some("n1"));
            let Action::Partition(grudge) = resolved.action() else { panic!("{shape}") };
            let left = somebody_has_a_majority(grudge, &names(nodes));
            assert_eq!(left, !shape.takes_majority(nodes), "{shape}, {nodes} nodes");
        }
    }
}

#[test]
fn a_leader_in_a_minority_keeps_followers_but_no_majority() {
    let fault = Fault::Partition(Partition::steady(Shape::LeaderInMinority));
    let resolved = resolve(fault, 9, 5, Some("n3"));
    let Action::Partition(grudge) = resolved.action() else {
        panic!("a partition resolves to a grudge")
    };
    let heard = names(5).iter().filter(|node| !grudge.drops("n3", node)).count();
    assert_eq!(heard, 2, "the leader itself and one follower");
}

#[test]
fn without_nodes_there_is_nobody_to_act_on() {
    for shape in Shape::ALL {
        let fault = Fault::Partition(Partition::steady(shape));
        assert!(resolve(fault, 1, 0, None).action().is_empty());
    }
}

#[test]
fn a_follower_never_leads_and_a_former_leader_is_whoever_lost_leadership_last() {
    for pick in 0..50 {
        let pause = |aim| entry(Fault::Pause(Pause { aim }), pick);
        let roles = Roles { former_leader: Some("n4"), ..Roles::led_by("n2") };
        let follower = pause(Aim::Follower).resolve(&names(3), Roles::led_by("n2"));
        assert!(!follower.nodes().contains("n2"));
        assert_eq!((follower.nodes().len(), follower.note), (1, None));
        let followers = pause(Aim::Followers).resolve(&names(4), Roles::led_by("n2"));
        assert!(followers.nodes().iter().eq(["n1", "n3", "n4"]));
        let unknown = pause(Aim::Followers).resolve(&names(4), Roles::default());
        assert_eq!(unknown.nodes().len(), 3);
        assert_eq!(unknown.unknown_role, Some("leader"));
        let note = unknown.note.unwrap();
        assert!(
            note.starts_with("planned: pause all followers; no node was known to lead"),
            "{note}"
        );
        let former = pause(Aim::FormerLeader).resolve(&names(5), roles);
        assert_eq!((former.target.as_deref(), former.note), (Some("n4"), None));
        let unknown = pause(Aim::FormerLeader).resolve(&names(5), Roles::led_by("n2"));
        assert_eq!(unknown.unknown_role, Some("former leader"));
        assert!(unknown.note.unwrap().contains("lost leadership"));
        assert!(unknown.target.is_some());
    }
}

#[test]
fn leadership_is_never_handed_to_who_leads() {
    for pick in 0..50 {
        for to in Aim::ALL {
            for former_leader in [None, Some("n1"), Some("n3")] {
                let roles = Roles { former_leader, ..Roles::led_by("n1") };
                let transfer = entry(Fault::Leadership(Leadership { to }), pick);
                let Action::Leadership(Transfer(to)) =
                    transfer.resolve(&names(3), roles).action().clone()
                else {
                    panic!("there is somebody to hand over to")
                };
                assert_ne!(to, "n1");
            }
        }
    }
    let alone = entry(Fault::Leadership(Leadership { to: Aim::Follower }), 1);
    assert!(alone.resolve(&names(1), Roles::led_by("n1")).action().is_empty());
}

#[test]
fn shapes_that_cut_clients_leave_links_between_nodes_alone() {
    for shape in [Shape::ClientsFromLeader, Shape::ClientsFromOne, Shape::AnswersOfLeader] {
        let resolved = resolve(Fault::Partition(Partition::steady(shape)), 3, 5, Some("n3"));
        let grudge = resolved.action().grudge().unwrap();
        assert!(grudge.links().all(|link| link.from == CLIENTS || link.to == CLIENTS), "{shape}");
        let both = shape != Shape::AnswersOfLeader;
        assert_eq!(grudge.links().count(), 1 + usize::from(both), "{shape}");
        assert!(grudge.drops(resolved.target.as_deref().unwrap(), CLIENTS), "{shape}");
    }
}

fn slow(aim: Aim, direction: Direction, clients: bool, ramp: bool) -> Fault {
    let condition = LinkCondition { delay_ms: 100.0, ..LinkCondition::default() };
    Fault::Packet(Packet { aim, direction, clients, ramp, condition })
}

fn shaped(fault: Fault, nodes: usize) -> Vec<(String, String)> {
    let resolved = resolve(fault, 1, nodes, Some("n1"));
    let Action::Packet(shaping) = resolved.action() else { panic!("a packet fault shapes links") };
    assert!(shaping.links().all(|(_, condition)| condition.delay_ms == 100.0));
    shaping.links().map(|(link, _)| (link.from, link.to)).collect()
}

#[test]
fn packets_are_troubled_in_the_direction_asked_for_and_once() {
    let into = shaped(slow(Aim::Leader, Direction::Into, false, false), 3);
    assert!(into.iter().all(|(_, to)| to == "n1") && into.len() == 2, "{into:?}");
    let out_of = shaped(slow(Aim::Leader, Direction::OutOf, true, false), 3);
    assert!(out_of.iter().all(|(from, _)| from == "n1") && out_of.len() == 3, "{out_of:?}");
    assert_eq!(shaped(slow(Aim::All, Direction::Both, false, false), 3).len(), 6);
    assert_eq!(shaped(slow(Aim::All, Direction::Both, true, false), 3).len(), 12);
}

#[test]
fn a_node_without_power_loses_every_link_and_no_other_node_does() {
    let cut = PowerCut { keep_percent: 0.0, sector: 512 };
    let fault = Fault::Power(Power { aim: Aim::Minority, cut });
    let resolved = resolve(fault, 4, 5, Some("n2"));
    let Action::Power(failure) = resolved.action() else { panic!("it is a power failure") };
    assert_eq!(failure.nodes.len(), 2);
    let everybody = names(5).into_iter().chain([CLIENTS.to_owned()]);
    for from in everybody.clone() {
        for to in everybody.clone().filter(|to| *to != from) {
            let off = failure.nodes.contains(&from) || failure.nodes.contains(&to);
            assert_eq!(failure.links.drops(&from, &to), off, "{from} → {to}");
        }
    }
}

/// Steps begin with the fault, ascend, and end with it.
fn check_times(resolved: &Resolved, lasts: Duration) {
    assert_eq!(resolved.steps[0].after, Duration::ZERO);
    assert!(resolved.steps.windows(2).all(|pair| pair[0].after < pair[1].after), "{resolved:?}");
    assert!(resolved.steps.iter().all(|step| step.after < lasts), "{resolved:?}");
}

#[test]
fn flaky_links_are_cut_and_whole_by_turns() {
    let flaky = Partition { cut_ms: 80, whole_ms: 120, ..Partition::steady(Shape::IsolateOne) };
    let resolved = resolve(Fault::Partition(flaky), 1, 3, Some("n1"));
    check_times(&resolved, Duration::from_secs(1));
    let times: Vec<_> = resolved.steps.iter().map(|step| step.after.as_millis()).collect();
    assert_eq!(times, [0, 80, 200, 280, 400, 480, 600, 680, 800, 880]);
    for pair in resolved.steps.chunks(2) {
        assert!(matches!(pair[0].action, Action::Partition(_)));
        assert_eq!(pair[1].action, Action::Nothing);
    }
}

#[test]
fn a_strobing_clock_jumps_to_and_fro() {
    let error = ClockError::Strobe { by_ms: 500, every_ms: 250 };
    let fault = Fault::Clock(Clock { aim: Aim::Leader, error });
    let resolved = resolve(fault, 1, 3, Some("n1"));
    check_times(&resolved, Duration::from_secs(1));
    let on: Vec<_> =
        resolved.steps.iter().map(|step| matches!(step.action, Action::Clock(_))).collect();
    assert_eq!(on, [true, false, true, false]);
}

#[test]
fn a_crash_loop_kills_the_same_node_again_and_again() {
    for pick in 0..50 {
        let fault = Fault::Kill(Kill { aim: Aim::Leader, rhythm: Pattern::Loop });
        let resolved = resolve(fault.clone(), pick, 3, Some("n1"));
        check_times(&resolved, Duration::from_secs(1));
        assert_eq!(resolve(fault, pick, 3, Some("n1")), resolved, "equal arguments");
        let alive: Duration = resolved
            .steps
            .windows(2)
            .filter(|pair| pair[0].action == Action::Nothing)
            .map(|pair| pair[1].after - pair[0].after)
            .sum();
        assert!(alive < Duration::from_secs(1));
        for (index, step) in resolved.steps.iter().enumerate() {
            let expected = if index % 2 == 0 {
                Action::Kill(Killed(["n1".to_owned()].into()))
            } else {
                Action::Nothing
            };
            assert_eq!(step.action, expected);
        }
    }
}

#[test]
fn a_rolling_restart_takes_each_node_down_once_and_never_two() {
    let fault = Fault::Kill(Kill { aim: Aim::All, rhythm: Pattern::Rolling });
    let resolved = resolve(fault.clone(), 1, 5, Some("n1"));
    check_times(&resolved, Duration::from_secs(1));
    assert_eq!((resolved.nodes().len(), resolved.most_down()), (5, 1));
    assert_eq!(fault.nodes_down(5), 1);
    assert_eq!(resolved.steps.len(), 10);
    assert!(resolved.steps.iter().skip(1).step_by(2).all(|step| step.action == Action::Nothing));
}

#[test]
fn a_ramp_climbs_to_the_whole_and_descends_again_in_steps_below_an_election() {
    let resolved = resolve(slow(Aim::Leader, Direction::Into, false, true), 1, 3, Some("n1"));
    check_times(&resolved, Duration::from_secs(1));
    let delays: Vec<_> = resolved
        .steps
        .iter()
        .map(|step| match &step.action {
            Action::Packet(shaping) => shaping.links().next().unwrap().1.delay_ms,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(delays, [25.0, 50.0, 75.0, 100.0, 75.0, 50.0, 25.0]);
    let times: Vec<_> = resolved.steps.iter().map(|step| step.after.as_millis()).collect();
    assert_eq!(times, [0, 100, 200, 300, 700, 800, 900]);
}

#[test]
fn disks_and_clocks_get_the_condition_that_was_asked_for() {
    let fault = Fault::Disk(Disk { aim: Aim::All, trouble: DiskFault::StalledFsync });
    let resolved = resolve(fault, 1, 3, Some("n1"));
    let Action::Disk(Disks(disks)) = resolved.action() else { panic!("it is a disk fault") };
    assert!(disks.len() == 3 && disks.values().all(|condition| condition.fsync_stalled));
    let fault = Fault::Clock(Clock { aim: Aim::One, error: ClockError::Drift { rate: 1.05 } });
    let resolved = resolve(fault, 1, 3, Some("n1"));
    let Action::Clock(Clocks(clocks)) = resolved.action() else { panic!("it is a clock fault") };
    assert!(clocks.len() == 1 && clocks.values().all(|condition| condition.rate == 1.05));
}

fn set(nodes: &[&str]) -> BTreeSet<String> {
    nodes.iter().map(|node| (*node).to_owned()).collect()
}

fn kill(nodes: &[&str]) -> Resolved {
    let step = Step { after: Duration::ZERO, action: Action::Kill(Killed(set(nodes))) };
    Resolved { steps: vec![step], target: None, note: None, unknown_role: None }
}

#[test]
fn a_fault_is_done_to_as_many_nodes_as_there_is_room_for() {
    let whole = kill(&["n1", "n2"]);
    assert_eq!(whole.clone().within(&set(&[]), 2), Ok(whole.clone()));
    assert_eq!(whole.clone().within(&set(&["n1"]), 2), Ok(whole.clone()), "n1 is down anyway");
    let less = whole.clone().within(&set(&["n3"]), 2).unwrap();
    assert_eq!(less.action(), &Action::Kill(Killed(set(&["n1"]))));
    assert_eq!(less.note.as_deref(), Some("spared for the budget of 2: n2"));
    let reason = whole.within(&set(&["n3", "n4"]), 2).unwrap_err();
    assert_eq!(reason, "budget: of at most 2 nodes 2 are down already (n3, n4)");
}

#[test]
fn what_takes_nobody_down_needs_no_room() {
    let slow = Action::Cpu(CpuShares([("n1".to_owned(), 5.0)].into()));
    let step = Step { after: Duration::ZERO, action: slow };
    let resolved = Resolved { steps: vec![step], target: None, note: None, unknown_role: None };
    assert_eq!(resolved.clone().within(&set(&["n2", "n3"]), 2), Ok(resolved));
}

#[test]
fn a_fault_on_what_an_earlier_one_hit_hits_just_that_whoever_leads_by_then() {
    let nodes = names(5);
    let hit: BTreeSet<String> = ["n4".to_owned()].into();
    let several: BTreeSet<String> = ["n2".to_owned(), "n5".to_owned()].into();
    let on = |fault: Fault| Entry { on: Some("slow".to_owned()), ..entry(fault, 7) };
    for aim in [Aim::Leader, Aim::One, Aim::Follower, Aim::FormerLeader, Aim::Majority] {
        let pause = on(Fault::Pause(Pause { aim }));
        let roles = Roles { hit: Some(&hit), ..Roles::led_by("n1") };
        let resolved = pause.resolve(&nodes, roles);
        assert_eq!(resolved.nodes(), hit, "{aim}");
        assert_eq!(resolved.note.as_deref(), Some("n4 was named slow"));
        assert_eq!(resolved.unknown_role, None);
        let roles = Roles { hit: Some(&several), ..Roles::led_by("n1") };
        assert_eq!(pause.resolve(&nodes, roles).nodes(), several, "{aim}");
    }
    let isolate = on(Fault::Partition(Partition::steady(Shape::IsolateLeader)));
    let roles = Roles { hit: Some(&hit), ..Roles::led_by("n1") };
    assert_eq!(isolate.resolve(&nodes, roles).target.as_deref(), Some("n4"));
    // Its own aim counts when the other fault hit nothing.
    let alone = on(Fault::Pause(Pause { aim: Aim::Leader })).resolve(&nodes, Roles::led_by("n1"));
    assert_eq!(alone.nodes(), ["n1".to_owned()].into());
    assert_eq!(alone.note.as_deref(), Some("no node was named slow"));
}
