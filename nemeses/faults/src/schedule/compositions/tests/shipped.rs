//! The compositions that come along, each with all that makes it what it is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::Compositions;
use super::support::{drawings, find, limits};
use crate::fault::{
    Abilities, Aim, Clock, ClockError, ClusterLimits, Cpu, Direction, Disk, DiskFault, Family,
    Fault, Kill, Leadership, Packet, Partition, Pattern, Pause, Power, Shape, TimerRange,
};
use crate::schedule::planned::Planned;

#[test]
fn those_that_come_along_pass_the_checks_of_a_users_own() {
    assert_eq!(
        Compositions::read(include_str!("../../compositions.toml")).unwrap(),
        Compositions::shipped()
    );
}

#[test]
fn no_drawing_takes_more_nodes_down_than_the_heaviest_that_was_found() {
    for composition in Compositions::shipped().iter() {
        let (name, nodes) = (composition.name(), composition.smallest_cluster().max(3));
        for drawn in composition.drawings(nodes, 400) {
            for (template, drawn) in composition.faults.iter().zip(drawn.unwrap()) {
                let most = template.heaviest.as_ref().map_or(0, |it| it.nodes_down(nodes));
                assert!(drawn.fault.nodes_down(nodes) <= most, "{name}: {drawn:?}");
            }
        }
    }
}

#[test]
fn these_come_along() {
    use Family::*;
    let all = Compositions::shipped();
    let listed: Vec<_> = all.iter().map(|it| (it.name(), it.weight(), it.families())).collect();
    let expected: [(&str, u32, &[Family]); 38] = [
        ("power-fails-in-slow-fsync", 3, &[Disk, Power]),
        ("power-fails-after-acknowledgement", 2, &[Power]),
        ("killed-in-slow-write", 1, &[Disk, Kill]),
        ("slow-leader-paused", 2, &[Packet, Leadership, Pause]),
        ("parted-leader-out-of-time", 3, &[Partition, Clock]),
        ("killed-in-election", 2, &[Partition, Kill]),
        ("power-fails-in-election", 3, &[Partition, Power]),
        ("power-fails-again", 3, &[Disk, Power]),
        ("election-forgotten", 5, &[Partition, Disk, Power]),
        ("former-leader-paused", 2, &[Partition, Pause]),
        ("asleep-through-a-term", 1, &[Partition, Kill, Pause]),
        ("leader-parted-after-acknowledgement", 2, &[Partition]),
        ("message-cut-off", 2, &[Partition]),
        ("leader-killed-in-membership-change", 1, &[Kill, Membership]),
        ("leader-parted-in-membership-change", 1, &[Partition, Membership]),
        ("removed-while-cut-off", 1, &[Partition, Membership]),
        ("slow-voter-demoted", 1, &[Disk, Membership]),
        ("halved-with-a-learner", 1, &[Partition, Membership]),
        ("crash-loop-behind-flaky-links", 1, &[Partition, Kill]),
        ("stalled-leader-parted", 2, &[Disk, Partition]),
        ("ramp-and-strobe", 1, &[Packet, Clock]),
        ("leader-killed-among-slow-followers", 1, &[Cpu, Kill]),
        ("rolling-restart-over-lossy-links", 1, &[Packet, Kill]),
        ("killed-on-full-disk", 1, &[Disk, Kill]),
        ("power-fails-after-eio", 3, &[Disk, Power]),
        ("killed-after-eio", 1, &[Disk, Kill]),
        ("leader-parted-for-an-election", 2, &[Partition]),
        ("leader-unheard-in-slow-fsync", 2, &[Partition, Disk]),
        ("power-fails-at-slow-majority", 2, &[Disk, Power, Pause]),
        ("followers-damaged-behind-parted-leader", 1, &[Partition, Corruption]),
        ("followers-cut-short-behind-parted-leader", 1, &[Partition, Corruption]),
        ("handed-over-to-parted-follower", 0, &[Partition, Leadership]),
        ("killed-behind-its-answers", 2, &[Partition, Kill]),
        ("figure-8", 0, &[Partition]),
        ("voter-killed-between-candidates", 0, &[Partition, Packet, Kill, Pause, Disk]),
        ("killed-while-snapshot-is-saved", 0, &[Kill]),
        ("killed-while-snapshot-is-installed", 0, &[Partition, Kill]),
        ("killed-while-snapshot-is-sent", 0, &[Partition, Kill]),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(name, weight, families)| (name, weight, families.iter().copied().collect()))
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn a_cluster_gets_those_that_make_sense_in_it() {
    let fitting = |nodes, most_down| -> Vec<String> {
        let all = Compositions::shipped();
        let fits = all.iter().filter(|it| it.fits(&limits(nodes, most_down)));
        fits.map(|it| it.name().to_owned()).collect()
    };
    let without_elections =
        ["power-fails-in-slow-fsync", "power-fails-after-acknowledgement", "killed-in-slow-write"];
    let on_bad_disks = ["killed-on-full-disk", "power-fails-after-eio", "killed-after-eio"];
    assert_eq!(
        fitting(1, 1),
        [&without_elections[..], &["power-fails-again"], &on_bad_disks].concat()
    );
    assert_eq!(fitting(2, 1), [&without_elections[..], &on_bad_disks].concat());
    assert_eq!(fitting(2, 2), fitting(1, 1));
    assert_eq!((fitting(3, 1).len(), fitting(5, 2).len()), (32, 33));
    // What a majority kept cannot be lost, and who elected was all but one.
    for (nodes, most_down, again, forgotten) in
        [(3, 1, false, false), (3, 2, true, true), (5, 2, false, false), (5, 3, true, false)]
    {
        let fitting = fitting(nodes, most_down);
        let fits = |name: &str| fitting.iter().any(|it| it == name);
        assert_eq!(fits("power-fails-again"), again, "{nodes} nodes, {most_down} down");
        assert_eq!(fits("election-forgotten"), forgotten, "{nodes} nodes, {most_down} down");
    }
    assert_eq!(fitting(5, 5).len(), 38);
}

#[test]
fn a_service_gets_those_that_it_can_be_asked_for() {
    let fits =
        |name: &str, abilities| find(name).fits(&ClusterLimits { abilities, ..limits(5, 2) });
    let demotes = limits(5, 2).abilities;
    assert!(fits("slow-voter-demoted", demotes));
    assert!(!fits("slow-voter-demoted", Abilities::default()));
    // Of several changes some remain.
    assert!(fits("removed-while-cut-off", Abilities::default()));
    let without = ClusterLimits { abilities: Abilities::default(), ..limits(5, 2) };
    for drawn in drawings(&find("removed-while-cut-off"), without, 1, 100) {
        let demotes = |planned: &Planned| planned.fault.to_string().contains("demote");
        assert!(!drawn.iter().any(demotes), "{drawn:?}");
    }
}

#[test]
fn of_whom_a_fault_takes_down_there_are_no_more_than_the_budget_allows() {
    for composition in Compositions::shipped().iter() {
        for (nodes, most_down) in [(1, 1), (3, 1), (5, 2), (5, 3), (7, 3)] {
            let limits = limits(nodes, most_down);
            if !composition.fits(&limits) {
                continue;
            }
            for planned in drawings(composition, limits, 1, 200).iter().flatten() {
                let down = planned.fault.nodes_down(nodes);
                assert!(down <= most_down, "{}: {}", composition.name(), planned.fault);
                let aimed = planned.fault.aim().map_or(1, |aim| aim.count(nodes));
                assert!(aimed >= 1, "{}: {}", composition.name(), planned.fault);
            }
        }
    }
}

/// Draws a composition often for five nodes of which any may be down, and counts what `describe`
/// says of each drawing; it panics at a drawing that is not what it should be.
fn check<const N: usize>(
    name: &str,
    describe: impl Fn(&[Planned; N]) -> &'static str,
    shares: &[(&'static str, f64)],
) {
    let mut counts = BTreeMap::new();
    const COUNT: usize = 2000;
    for drawn in drawings(&find(name), limits(5, 5), 1, COUNT) {
        let drawn: [Planned; N] = drawn.try_into().expect(name);
        *counts.entry(describe(&drawn)).or_insert(0.0) += 1.0 / COUNT as f64;
    }
    assert_eq!(counts.len(), shares.len(), "{name}: {counts:?}");
    for (what, share) in shares {
        let drawn = counts.get(what).copied().unwrap_or(0.0);
        assert!((drawn - share).abs() < 0.05, "{name}, {what}: {drawn}, not {share}");
    }
}

fn within(value: f64, least: f64, most: f64) {
    // Times are to the millisecond.
    assert!((least - 0.002..=most + 0.002).contains(&value), "{value}, not {least} to {most}");
}

/// The second begins so late after the first, and while that lasts.
fn follows(first: &Planned, second: &Planned, least: f64, most: f64) {
    within(second.begins - first.begins, least, most);
    assert!(second.begins < first.begins + first.lasts, "{first:?}, {second:?}");
}

/// The second begins after such a part of the first.
fn follows_in(first: &Planned, second: &Planned, least: f64, most: f64) {
    follows(first, second, least * first.lasts, most * first.lasts);
}

fn shape(planned: &Planned) -> &'static str {
    match planned.fault {
        Fault::Partition(Partition { shape, cut_ms: 0, whole_ms: 0 }) => match shape {
            Shape::IsolateLeader => "isolated",
            Shape::IntoLeader => "deaf",
            other => panic!("{other}"),
        },
        _ => panic!("{planned:?}"),
    }
}

const PARTED: [(&str, f64); 2] = [("isolated", 0.6), ("deaf", 0.4)];
const VOTERS: [(&str, f64); 4] =
    [("follower", 3.0 / 9.0), ("minority", 3.0 / 9.0), ("majority", 2.0 / 9.0), ("all", 1.0 / 9.0)];

fn aim(aim: Aim) -> &'static str {
    match aim {
        Aim::One => "one",
        Aim::Minority => "minority",
        Aim::Majority => "majority",
        Aim::Leader => "leader",
        Aim::Follower => "follower",
        Aim::All => "all",
        aim => panic!("{aim}"),
    }
}

fn is_killed_leader(planned: &Planned) {
    assert_eq!(planned.fault, Fault::Kill(Kill::once(Aim::Leader)));
}

fn is_slow_fsync(planned: &Planned, least: f64, most: f64) -> Aim {
    let Fault::Disk(Disk { aim, trouble: DiskFault::SlowFsync { delay_ms, jitter_ms: 0.0 } }) =
        planned.fault
    else {
        panic!("{planned:?}")
    };
    assert_eq!(delay_ms.fract(), 0.0);
    within(delay_ms, least, most);
    aim
}

fn power(planned: &Planned) -> Power {
    let Fault::Power(power) = planned.fault else { panic!("{planned:?}") };
    power
}

fn is_delay(planned: &Planned) -> (f64, bool) {
    let Fault::Packet(packet) = planned.fault else { panic!("{planned:?}") };
    let Packet { aim: Aim::Leader, direction: Direction::Into, clients: false, .. } = packet else {
        panic!("{packet}")
    };
    let (delay, jitter) = (packet.condition.delay_ms, packet.condition.jitter_ms);
    assert!(packet.condition.is_delay() && delay.fract() == 0.0 && jitter.fract() == 0.0);
    within(delay, 50.0, 5000.0);
    within(jitter, 0.0, (delay * 0.5).round());
    (jitter, packet.ramp)
}

#[test]
fn power_fails_while_fsync_is_slow() {
    let describe = |[disk, cut]: &[Planned; 2]| {
        within(disk.lasts, 1.0, 4.0);
        assert!([Aim::All, Aim::Majority].contains(&is_slow_fsync(disk, 5.0, 500.0)));
        follows_in(disk, cut, 0.3, 0.95);
        within(cut.lasts, 0.2, 1.5);
        aim(power(cut).aim)
    };
    let shares =
        [("leader", 2.0), ("one", 1.0), ("minority", 2.0), ("majority", 3.0), ("all", 3.0)];
    check("power-fails-in-slow-fsync", describe, &shares.map(|(aim, of)| (aim, of / 11.0)));
    let keeps = |[_, cut]: &[Planned; 2]| match (power(cut).cut.keep_percent, power(cut).cut.sector)
    {
        (0.0, _) => "none",
        (10.0 | 50.0 | 90.0, 512) => "some of 512",
        (10.0 | 50.0 | 90.0, 4096) => "some of 4096",
        other => panic!("{other:?}"),
    };
    let shares = [("none", 0.5), ("some of 512", 0.25), ("some of 4096", 0.25)];
    check("power-fails-in-slow-fsync", keeps, &shares);
}

#[test]
fn a_leader_is_killed_in_a_slow_write_and_on_a_full_disk() {
    let describe = |[disk, kill]: &[Planned; 2]| {
        let Fault::Disk(Disk { aim: Aim::Leader, trouble }) = disk.fault else { panic!() };
        let DiskFault::Slow { delay_ms, jitter_ms } = trouble else { panic!("{trouble}") };
        within(delay_ms, 1.0, 50.0);
        within(jitter_ms, 0.0, delay_ms);
        within(disk.lasts, 1.0, 3.0);
        is_killed_leader(kill);
        follows_in(disk, kill, 0.3, 0.95);
        within(kill.lasts, 0.1, 1.0);
        if delay_ms < 5.0 {
            "fast"
        } else if jitter_ms == 0.0 {
            "steady"
        } else {
            "jittery"
        }
    };
    check("killed-in-slow-write", describe, &[("fast", 0.38), ("steady", 0.32), ("jittery", 0.3)]);
    let describe = |[disk, kill]: &[Planned; 2]| {
        let Fault::Disk(Disk { aim: Aim::Leader, trouble }) = disk.fault else { panic!() };
        let DiskFault::Full { after_kib } = trouble else { panic!("{trouble}") };
        within(after_kib as f64, 1.0, 128.0);
        within(disk.lasts, 0.5, 2.0);
        is_killed_leader(kill);
        follows_in(disk, kill, 0.5, 0.95);
        within(kill.lasts, 0.1, 1.0);
        "full"
    };
    check("killed-on-full-disk", describe, &[("full", 1.0)]);
}

#[test]
fn a_slow_leader_hands_over_and_is_paused() {
    let describe = |[packet, hand_over, pause]: &[Planned; 3]| {
        within(packet.lasts, 1.5, 4.0);
        let (_, ramp) = is_delay(packet);
        assert_eq!(hand_over.fault, Fault::Leadership(Leadership { to: Aim::Follower }));
        follows_in(packet, hand_over, 0.2, 0.5);
        within(hand_over.lasts, 0.1, 0.1);
        assert_eq!(pause.fault, Fault::Pause(Pause { aim: Aim::Leader }));
        assert_eq!((packet.named.as_deref(), pause.on.as_deref()), (Some("slow"), Some("slow")));
        within(pause.begins - hand_over.begins, 0.02, 0.5);
        within(pause.lasts, 0.05, 5.0);
        if ramp { "ramps" } else { "sudden" }
    };
    check("slow-leader-paused", describe, &[("ramps", 0.3), ("sudden", 0.7)]);
    let jitter = |[packet, ..]: &[Planned; 3]| match is_delay(packet) {
        (0.0, _) => "steady",
        _ => "jittery",
    };
    // Of the shortest delays half is nothing.
    check("slow-leader-paused", jitter, &[("steady", 0.54), ("jittery", 0.46)]);
}

#[test]
fn a_leader_hears_later_and_later_while_its_clock_strobes() {
    let describe = |[packet, clock]: &[Planned; 2]| {
        within(packet.lasts, 2.0, 5.0);
        assert!(is_delay(packet).1);
        let Fault::Clock(Clock { aim, error: ClockError::Strobe { by_ms, every_ms } }) =
            clock.fault
        else {
            panic!("{clock:?}")
        };
        within(by_ms.abs() as f64, 50.0, 5000.0);
        within(every_ms.into(), 50.0, 1000.0);
        follows(packet, clock, 0.1, 0.5);
        assert_eq!(clock.lasts, packet.lasts);
        match (aim, by_ms > 0) {
            (Aim::Leader, true) => "leader forwards",
            (Aim::Leader, false) => "leader back",
            (Aim::All, true) => "all forwards",
            (Aim::All, false) => "all back",
            other => panic!("{other:?}"),
        }
    };
    let third = 1.0 / 3.0;
    let shares = [("leader forwards", third), ("leader back", third)];
    let all = [("all forwards", third / 2.0), ("all back", third / 2.0)];
    check("ramp-and-strobe", describe, &[shares, all].concat());
}

#[test]
fn the_clock_of_a_parted_leader_jumps_mostly_back() {
    let parted = |[parted, clock]: &[Planned; 2]| {
        within(parted.lasts, 2.5, 5.0);
        assert_eq!(clock.lasts, parted.lasts);
        follows(parted, clock, 0.03, 0.3);
        shape(parted)
    };
    check("parted-leader-out-of-time", parted, &PARTED);
    let jumps = |[_, clock]: &[Planned; 2]| {
        let Fault::Clock(Clock { aim: Aim::Leader, error: ClockError::Jump { by_ms } }) =
            clock.fault
        else {
            panic!("{clock:?}")
        };
        within(by_ms.abs() as f64, 2_000.0, 60_000.0);
        if by_ms < 0 { "back" } else { "forwards" }
    };
    check("parted-leader-out-of-time", jumps, &[("back", 0.75), ("forwards", 0.25)]);
}

#[test]
fn nodes_are_killed_and_lose_power_while_they_elect() {
    for name in ["killed-in-election", "power-fails-in-election"] {
        check(name, |[parted, _]: &[Planned; 2]| shape(parted), &PARTED);
        let describe = |[parted, down]: &[Planned; 2]| {
            within(parted.lasts, 0.8, 2.5);
            follows(parted, down, 0.05, 0.6);
            match down.fault {
                Fault::Kill(Kill { aim: at, rhythm: Pattern::Once }) => {
                    within(down.lasts, 0.05, 0.8);
                    aim(at)
                }
                Fault::Power(power) => {
                    within(down.lasts, 0.1, 0.8);
                    assert!([0.0, 10.0, 50.0, 90.0].contains(&power.cut.keep_percent));
                    aim(power.aim)
                }
                _ => panic!("{down:?}"),
            }
        };
        check(name, describe, &VOTERS);
    }
}

#[test]
fn power_fails_again_at_the_same_nodes_when_they_are_back() {
    let describe = |[disk, torn, lost]: &[Planned; 3]| {
        assert_eq!(is_slow_fsync(disk, 1500.0, 3000.0), Aim::All);
        within(disk.lasts, 1.2, 2.4);
        follows_in(disk, torn, 0.5, 0.95);
        within(torn.lasts, 0.1, 0.4);
        assert_eq!(lost.lasts, torn.lasts);
        within(lost.begins - torn.begins - torn.lasts, 1.2, 2.5);
        let (torn, lost) = (power(torn), power(lost));
        assert!(torn.cut.keep_percent > 0.0 && lost.cut.keep_percent == 0.0);
        assert_eq!((torn.aim, torn.cut.sector), (lost.aim, lost.cut.sector));
        match (torn.aim, torn.cut.keep_percent) {
            (Aim::All, 20.0) => "all keep 20",
            (Aim::All, 50.0) => "all keep 50",
            (Aim::All, 80.0) => "all keep 80",
            (Aim::Majority, 20.0 | 50.0 | 80.0) => "majority",
            other => panic!("{other:?}"),
        }
    };
    let all = 3.0 / 16.0;
    let shares = [("all keep 20", all), ("all keep 50", 2.0 * all), ("all keep 80", all)];
    check("power-fails-again", describe, &[&shares[..], &[("majority", 0.25)]].concat());
}

#[test]
fn the_vote_of_a_forgotten_election_is_asked_for_again_without_the_elected() {
    let describe = |[parted, disk, cut, again, later]: &[Planned; 5]| {
        for isolated in [parted, again, later] {
            assert_eq!(shape(isolated), "isolated");
        }
        within(cut.begins - parted.begins, 1.3, 1.8);
        within(parted.lasts - cut.begins, 0.1, 0.1);
        assert_eq!(is_slow_fsync(disk, 1500.0, 3000.0), Aim::All);
        follows(parted, disk, 0.2, 0.3);
        within(disk.lasts - cut.begins, -0.1, -0.1);
        let Power { aim: Aim::Followers, cut: kept } = power(cut) else { panic!("{cut:?}") };
        assert_eq!(kept.keep_percent, 0.0);
        within(cut.lasts, 0.2, 0.4);
        follows(disk, cut, 1.0, 1.6);
        follows(cut, again, 0.02, 0.02);
        within(again.lasts - cut.lasts, 1.5, 2.0);
        within(later.begins - again.begins - again.lasts, 0.2, 0.2);
        within(later.lasts, 1.0, 1.3);
        if kept.sector == 512 { "512" } else { "4096" }
    };
    check("election-forgotten", describe, &[("512", 0.5), ("4096", 0.5)]);
}

#[test]
fn a_former_leader_is_paused_before_it_hears_of_it() {
    let describe = |[parted, pause]: &[Planned; 2]| {
        within(parted.lasts, 1.5, 3.0);
        assert_eq!(pause.fault, Fault::Pause(Pause { aim: Aim::FormerLeader }));
        // From the begin on another's election is waited for.
        let elected = pause.when.as_ref().expect("it waits");
        assert_eq!(elected.to_string(), "any node becoming leader");
        within(elected.within.as_secs_f64(), parted.lasts, parted.lasts);
        follows(parted, pause, 0.02, 0.02);
        within(pause.lasts, 0.05, 5.0);
        shape(parted)
    };
    check("former-leader-paused", describe, &[("isolated", 1.0)]);
}

#[test]
fn a_node_crashes_again_and_again_behind_flaky_links() {
    let describe = |[flaky, kill]: &[Planned; 2]| {
        within(flaky.lasts, 1.5, 4.0);
        let Fault::Partition(Partition { shape: Shape::IsolateOne, cut_ms, whole_ms }) =
            flaky.fault
        else {
            panic!("{flaky:?}")
        };
        within(cut_ms.into(), 30.0, 300.0);
        within(whole_ms.into(), 30.0, 300.0);
        follows(flaky, kill, 0.05, 0.5);
        assert_eq!(kill.lasts, flaky.lasts);
        let Fault::Kill(Kill { aim: at, rhythm: Pattern::Loop }) = kill.fault else { panic!() };
        aim(at)
    };
    let shares = [("follower", 2.0 / 3.0), ("leader", 1.0 / 3.0)];
    check("crash-loop-behind-flaky-links", describe, &shares);
}

#[test]
fn a_leader_whose_disk_stalls_is_parted() {
    let describe = |[disk, parted]: &[Planned; 2]| {
        let stalled = Disk { aim: Aim::Leader, trouble: DiskFault::StalledFsync };
        assert_eq!(disk.fault, Fault::Disk(stalled));
        within(disk.lasts, 1.0, 3.0);
        follows(disk, parted, 0.1, 0.8);
        within(parted.lasts, 1.0, 3.0);
        shape(parted)
    };
    check("stalled-leader-parted", describe, &PARTED);
}

#[test]
fn a_leader_is_killed_among_slow_followers_and_nodes_roll_over_lossy_links() {
    let describe = |[cpu, kill]: &[Planned; 2]| {
        let Fault::Cpu(Cpu { aim: Aim::All, percent }) = cpu.fault else { panic!() };
        within(percent, 2.0, 20.0);
        within(cpu.lasts, 1.5, 4.0);
        is_killed_leader(kill);
        follows_in(cpu, kill, 0.2, 0.7);
        within(kill.lasts, 0.1, 1.5);
        "slow"
    };
    check("leader-killed-among-slow-followers", describe, &[("slow", 1.0)]);
    let describe = |[lossy, kill]: &[Planned; 2]| {
        let Fault::Packet(packet) = lossy.fault else { panic!() };
        assert_eq!((packet.aim, packet.direction), (Aim::All, Direction::Both));
        within(packet.condition.loss_percent, 1.0, 20.0);
        within(lossy.lasts, 0.4 * 5.0, 0.8 * 5.0);
        assert_eq!(kill.fault, Fault::Kill(Kill { aim: Aim::All, rhythm: Pattern::Rolling }));
        follows(lossy, kill, 0.05, 0.05);
        assert_eq!(kill.lasts, lossy.lasts);
        "lossy"
    };
    check("rolling-restart-over-lossy-links", describe, &[("lossy", 1.0)]);
}

#[test]
fn an_error_of_fsync_is_followed_by_the_end_of_the_same_nodes() {
    let is_eio = |disk: &Planned, after: &Planned| {
        within(disk.lasts, 0.3, 2.0);
        assert_eq!(
            (disk.named.as_deref(), after.on.as_deref()),
            (Some("failing"), Some("failing"))
        );
        assert_eq!(disk.fault.aim(), after.fault.aim());
        let Fault::Disk(Disk { trouble, .. }) = disk.fault else { panic!("{disk:?}") };
        match trouble {
            DiskFault::FailingFsync { percent } => {
                within(percent, 5.0, 60.0);
                "fsync"
            }
            DiskFault::Failing { percent } => {
                within(percent, 5.0, 60.0);
                "everything"
            }
            other => panic!("{other}"),
        }
    };
    let shares = [("fsync", 0.75), ("everything", 0.25)];
    // The service must have had time to ask again.
    let power = |[disk, power]: &[Planned; 2]| {
        within(power.begins - disk.lasts, 0.05, 1.5);
        assert_eq!(power.fault.family(), Family::Power);
        is_eio(disk, power)
    };
    check("power-fails-after-eio", power, &shares);
    let kill = |[disk, kill]: &[Planned; 2]| {
        within(kill.begins / disk.lasts, 0.498, 1.202);
        assert_eq!(kill.fault, Fault::Kill(Kill::once(kill.fault.aim().unwrap())));
        is_eio(disk, kill)
    };
    check("killed-after-eio", kill, &shares);
}

/// Most delays and pauses are longer than an election timeout, and those about a heartbeat are no
/// exception either.
#[test]
fn delays_and_pauses_lie_between_a_heartbeat_and_several_election_timeouts() {
    let drawn = |name: &str, timers: TimerRange| -> Vec<f64> {
        let limits = ClusterLimits { timers, ..limits(3, 3) };
        let milliseconds = |planned: &Vec<Planned>| {
            let pause = planned.last().expect("it has faults");
            match (name, planned[0].fault.clone()) {
                ("former-leader-paused", _) => vec![pause.lasts * 1e3],
                ("ramp-and-strobe", Fault::Packet(packet)) => vec![packet.condition.delay_ms],
                (_, Fault::Packet(packet)) => vec![packet.condition.delay_ms, pause.lasts * 1e3],
                _ => panic!("{planned:?}"),
            }
        };
        drawings(&find(name), limits, 1, 1000).iter().flat_map(milliseconds).collect()
    };
    let ms = Duration::from_millis;
    let known = TimerRange::of(ms(100), ms(500)).with_client(ms(3000));
    for (timers, shortest, election, longest) in
        [(TimerRange::default(), 50.0, 500.0, 5000.0), (known, 100.0, 500.0, 4000.0)]
    {
        for name in ["slow-leader-paused", "former-leader-paused", "ramp-and-strobe"] {
            let drawn = drawn(name, timers);
            let share = |is: &dyn Fn(f64) -> bool| {
                drawn.iter().filter(|time| is(**time)).count() as f64 / drawn.len() as f64
            };
            assert_eq!(share(&|time| (shortest..=longest).contains(&time)), 1.0, "{name}");
            assert!(share(&|time| time > election) > 0.6, "{name}");
            assert!(share(&|time| time > longest / 2.0) > 0.3, "{name}");
            assert!(share(&|time| time < 3.0 * shortest) > 0.1, "{name}");
        }
    }
}
