//! Properties that every drawn schedule has, over hundreds of seeds.

use std::collections::BTreeSet;
use std::time::Duration;

use super::draw_schedule::halts;
use super::*;
use crate::fault::{Aim, Disk, DiskFault, Family, Fault, Kill, Pattern, TimerRange};
use crate::trigger::TriggerKind;

const USUAL: [Family; 8] = [
    Family::Partition,
    Family::Packet,
    Family::Kill,
    Family::Pause,
    Family::Cpu,
    Family::Clock,
    Family::Disk,
    Family::Power,
];

pub(super) fn options(profile: Profile, nodes: usize, seed: u64, seconds: u64) -> ScheduleOptions {
    ScheduleOptions {
        nodes,
        families: Family::ALL.into(),
        seed,
        time_limit: Duration::from_secs(seconds),
        profile,
        budget: None,
        compositions: Compositions::default(),
        only: Vec::new(),
        avoided: Vec::new(),
        triggers: BTreeSet::new(),
        timers: Default::default(),
        abilities: Default::default(),
    }
}

/// With triggers of every kind.
fn at_moments(options: ScheduleOptions) -> Vec<Entry> {
    Schedule::draw(&ScheduleOptions { triggers: TriggerKind::ALL.into(), ..options }).entries
}

#[test]
fn a_good_third_of_the_usual_faults_begin_at_a_moment() {
    let (mut all, mut at_a_moment, mut on_seen) = (0, 0, 0);
    for seed in 0..100 {
        let families = USUAL.into();
        let options = ScheduleOptions { families, ..options(Profile::Nightly, 5, seed, 60) };
        let entries = at_moments(options);
        all += entries.len();
        at_a_moment += entries.iter().filter(|entry| entry.when.is_some()).count();
        on_seen += entries.iter().filter(|entry| entry.on.as_deref() == Some("seen")).count();
        for entry in &entries {
            let ends = entry.ends();
            assert!(ends <= Duration::from_secs_f64(57.001), "{entry} ends at {ends:?}");
        }
    }
    let share = at_a_moment as f64 / all as f64;
    assert!((0.33..0.45).contains(&share), "{at_a_moment} of {all}");
    assert!(on_seen * 4 > at_a_moment, "{on_seen} of {at_a_moment}");
    assert!(all > 2400, "there are as many as without: {all}");
}

#[test]
fn leaving_out_a_kind_of_trigger_changes_no_other_fault() {
    for seed in 0..50 {
        let options = || options(Profile::Nightly, 5, seed, 60);
        let all = at_moments(options());
        for kind in TriggerKind::ALL {
            let mut triggers = BTreeSet::from(TriggerKind::ALL);
            triggers.remove(&kind);
            let fewer = Schedule::draw(&ScheduleOptions { triggers, ..options() }).entries;
            assert_eq!(fewer.len(), all.len());
            for (with, without) in all.iter().zip(&fewer) {
                let is_of_kind = with.when.as_ref().is_some_and(|it| it.observed.kind() == kind);
                match is_of_kind {
                    true => {
                        assert_eq!((&with.fault, None), (&without.fault, without.when.as_ref()))
                    }
                    false => assert_eq!(with, without, "without {kind}"),
                }
            }
        }
    }
}

fn draw(profile: Profile, nodes: usize, seed: u64, seconds: u64) -> Vec<Entry> {
    Schedule::draw(&options(profile, nodes, seed, seconds)).entries
}

/// The families that runs have by default.
fn usual(profile: Profile, nodes: usize, seed: u64, seconds: u64) -> Vec<Entry> {
    let families = USUAL.into();
    Schedule::draw(&ScheduleOptions { families, ..options(profile, nodes, seed, seconds) }).entries
}

/// Times are rounded to the millisecond, so that faults which follow each other may overlap by two.
const ROUNDING: Duration = Duration::from_millis(2);

/// The stretches of time in which the same faults are on, in seconds, with these faults.
fn stretches(entries: &[Entry]) -> impl Iterator<Item = (f64, Vec<&Entry>)> {
    let times = entries.iter().flat_map(|entry| [entry.at, entry.ends()]);
    let times: Vec<_> = times.collect::<BTreeSet<_>>().into_iter().collect();
    let pairs = times.windows(2).map(|pair| (pair[0], pair[1] - pair[0])).collect::<Vec<_>>();
    pairs.into_iter().filter(|(_, long)| *long > ROUNDING).map(move |(from, long)| {
        let on = entries.iter().filter(|entry| entry.at <= from && from < entry.ends());
        (long.as_secs_f64(), on.collect())
    })
}

/// The share of the time in which clients can get something done.
fn share_with_progress(entries: &[Entry], nodes: usize, seconds: u64) -> f64 {
    let halted = stretches(entries).filter(|(_, on)| halts(on.iter().map(|e| &e.fault), nodes));
    1.0 - halted.map(|(long, _)| long).sum::<f64>() / seconds as f64
}

#[test]
fn a_minute_has_a_fault_every_two_or_three_seconds_and_every_family() {
    let mut total = 0;
    for seed in 0..300 {
        let entries = usual(Profile::Nightly, 5, seed, 60);
        total += entries.len();
        assert!((12..=42).contains(&entries.len()), "seed {seed}: {}", entries.len());
        for family in USUAL {
            assert!(
                entries.iter().any(|entry| entry.fault.family() == family),
                "seed {seed}: {family}"
            );
        }
    }
    let mean = total as f64 / 300.0;
    assert!((20.0..=35.0).contains(&mean), "{mean} faults a minute");
}

#[test]
fn faults_keep_their_bounds_and_leave_start_and_end_quiet() {
    for profile in Profile::all() {
        for seed in 0..40 {
            for seconds in [5, 10, 60, 300] {
                let entries = draw(profile, 5, seed, seconds);
                let quiet = Duration::from_secs(3).min(Duration::from_secs(seconds) / 5);
                let limit = Duration::from_secs(seconds);
                assert!(entries.is_sorted_by_key(|entry| (entry.at, entry.id)));
                assert!(entries.windows(2).all(|pair| pair[0].id < pair[1].id));
                for entry in &entries {
                    assert!(entry.at >= quiet, "{profile}, seed {seed}, {seconds} s: {entry}");
                    assert!(entry.ends() + quiet <= limit + Duration::from_millis(2), "{entry}");
                    let lasts = entry.lasts.as_secs_f64();
                    let longest = profile.parameters().longest;
                    assert!((0.05..=longest + 0.001).contains(&lasts), "{profile}: {entry}");
                }
            }
        }
    }
}

#[test]
fn a_run_of_a_few_seconds_still_has_faults() {
    for seed in 0..300 {
        assert!(usual(Profile::Nightly, 3, seed, 5).len() >= 2, "seed {seed}");
        assert!(usual(Profile::Nightly, 3, seed, 10).len() >= 3, "seed {seed}");
    }
    assert!(usual(Profile::Nightly, 3, 1, 0).is_empty());
    assert!(usual(Profile::Nightly, 0, 1, 60).is_empty());
}

#[test]
fn the_cluster_can_make_progress_as_much_of_the_time_as_the_profile_says() {
    for seed in 0..60 {
        for profile in Profile::all() {
            for (nodes, seconds) in [(1, 60), (2, 60), (3, 60), (4, 30), (5, 60), (7, 10)] {
                let entries = draw(profile, nodes, seed, seconds);
                let share = share_with_progress(&entries, nodes, seconds);
                // What comes on top is not counted when places are given, and times are rounded.
                let least = profile.parameters().progress_share - 0.15;
                assert!(share >= least, "{profile}, seed {seed}, {nodes} nodes: {share}");
            }
        }
    }
}

#[test]
fn never_are_more_nodes_down_than_the_budget_says() {
    for seed in 0..100 {
        for nodes in [1, 2, 3, 4, 5, 7] {
            for (profile, budget) in [
                (Profile::Gentle, None),
                (Profile::Nightly, None),
                (Profile::Brutal, Some(Budget::Minority)),
                (Profile::Brutal, Some(Budget::Nodes(1))),
                (Profile::Only(Family::Kill), Some(Budget::Minority)),
                (Profile::Only(Family::Power), Some(Budget::Nodes(1))),
            ] {
                let options = ScheduleOptions { budget, ..options(profile, nodes, seed, 60) };
                let families = USUAL.into();
                let entries = Schedule::draw(&ScheduleOptions { families, ..options.clone() });
                for (_, on) in stretches(&entries.entries) {
                    let down: usize = on.iter().map(|entry| entry.fault.nodes_down(nodes)).sum();
                    assert!(down <= options.most_down(), "{profile}, {nodes} nodes, seed {seed}");
                }
            }
        }
    }
}

#[test]
fn only_a_brutal_schedule_takes_majorities_and_whole_clusters_down() {
    let takes = |profile, aim: Aim| {
        (0..100).any(|seed| {
            let entries = usual(profile, 5, seed, 60);
            entries
                .iter()
                .any(|entry| entry.fault.nodes_down(5) > 1 && entry.fault.aim() == Some(aim))
        })
    };
    for aim in [Aim::Majority, Aim::All] {
        assert!(takes(Profile::Brutal, aim), "{aim}");
        assert!(takes(Profile::Only(Family::Power), aim), "{aim}");
        assert!(!takes(Profile::Nightly, aim), "{aim}");
    }
    assert!(takes(Profile::Nightly, Aim::Minority));
    assert!(!takes(Profile::Gentle, Aim::Minority));
}

#[test]
fn a_gentle_schedule_has_one_fault_of_one_node_at_a_time() {
    for seed in 0..100 {
        let entries = usual(Profile::Gentle, 5, seed, 60);
        assert!(entries.len() >= 8, "seed {seed}: {}", entries.len());
        assert!(stretches(&entries).all(|(_, on)| on.len() <= 1), "seed {seed}");
        for entry in &entries {
            match &entry.fault {
                Fault::Partition(partition) => assert!(partition.shape.is_about_one(), "{entry}"),
                fault => assert_eq!(fault.aim().unwrap().count(5), 1, "{entry}"),
            }
        }
    }
}

#[test]
fn nightly_faults_overlap_and_at_most_four_do() {
    let mut overlaps = 0;
    for seed in 0..100 {
        let entries = usual(Profile::Nightly, 5, seed, 60);
        let most = stretches(&entries).map(|(_, on)| on.len()).max().unwrap_or(0);
        assert!(most <= 4, "seed {seed}: {most}");
        overlaps += usize::from(most >= 2);
    }
    assert!(overlaps >= 95, "{overlaps} of 100 schedules");
}

#[test]
fn leaving_a_family_out_removes_only_its_own_faults() {
    // What `composed` has depends on all its families.
    for profile in [Profile::Gentle, Profile::Nightly, Profile::Brutal] {
        for seed in 0..30 {
            let all = draw(profile, 5, seed, 60);
            for left_out in Family::ALL {
                let mut families: BTreeSet<_> = Family::ALL.into();
                families.remove(&left_out);
                let options = ScheduleOptions { families, ..options(profile, 5, seed, 60) };
                let mut expected = Schedule { entries: all.clone() };
                expected.entries.retain(|entry| entry.fault.family() != left_out);
                // What goes by a name that only such a fault gives goes by its aim.
                expected.tie_up(5);
                assert!(Schedule::draw(&options) == expected, "seed {seed} without {left_out}");
            }
        }
    }
}

#[test]
fn avoiding_a_known_failure_removes_only_what_triggers_it() {
    let known: KnownFailure = "lost=power,disk trouble=slow-fsync".parse().expect("it is one");
    let composed: KnownFailure = "lost=kill,killed-in-election".parse().expect("it is one");
    let mut of_the_composition = 0;
    for profile in Profile::MIXED {
        for seed in 0..30 {
            let all = draw(profile, 5, seed, 60);
            let without = |avoided: &KnownFailure| {
                let avoided = vec![avoided.clone()];
                Schedule::draw(&ScheduleOptions { avoided, ..options(profile, 5, seed, 60) })
                    .entries
            };
            let expected: Vec<_> = all
                .iter()
                .filter(|entry| match &entry.fault {
                    Fault::Power(_) => false,
                    Fault::Disk(disk) => !matches!(disk.trouble, DiskFault::SlowFsync { .. }),
                    _ => true,
                })
                .cloned()
                .collect();
            let mut expected = Schedule { entries: expected };
            // What goes by a name that only such a fault gives goes by its aim.
            expected.tie_up(5);
            assert_eq!(without(&known), expected.entries);
            // The composition takes partitions besides, of which others come alone.
            let kept = without(&composed);
            assert!(kept.iter().all(|entry| all.contains(entry)));
            let gone = all.iter().filter(|entry| !kept.contains(entry));
            of_the_composition +=
                gone.filter(|entry| entry.fault.family() == Family::Partition).count();
            assert!(kept.iter().all(|entry| entry.fault.family() != Family::Kill));
            let partitions = |entries: &[Entry]| {
                entries.iter().filter(|entry| entry.fault.family() == Family::Partition).count()
            };
            assert!(profile == Profile::Composed || partitions(&kept) > 0);
        }
    }
    assert!(of_the_composition > 0);
}

/// A delay, a stall or a pause finds most when it is about as long as something that waits for it.
#[test]
fn delays_stalls_and_pauses_are_drawn_from_a_heartbeat_to_several_elections() {
    let ms = Duration::from_millis;
    let drawn = |family, timers: TimerRange| -> Vec<f64> {
        let schedules = (0..100).map(|seed| {
            let families = [family].into();
            let options = options(Profile::Only(family), 5, seed, 60);
            Schedule::draw(&ScheduleOptions { families, timers, ..options })
        });
        let entries = schedules.flat_map(|schedule| schedule.entries);
        let milliseconds = |entry: Entry| match entry.fault {
            Fault::Pause(_) => Some(entry.lasts.as_secs_f64() * 1e3),
            Fault::Disk(Disk { trouble: DiskFault::StalledFsync, .. })
                if family == Family::Disk =>
            {
                Some(entry.lasts.as_secs_f64() * 1e3)
            }
            Fault::Packet(packet) => {
                Some(packet.condition.delay_ms).filter(|delay_ms| *delay_ms > 0.0)
            }
            _ => None,
        };
        entries.filter_map(milliseconds).collect()
    };
    let share = |all: &[f64], is: &dyn Fn(f64) -> bool| {
        all.iter().filter(|time| is(**time)).count() as f64 / all.len() as f64
    };
    for family in [Family::Disk, Family::Pause, Family::Packet] {
        let bundled = TimerRange::of(ms(50), ms(400)).with_client(ms(3000));
        for timers in [TimerRange::default(), bundled] {
            let all = drawn(family, timers);
            assert!(all.len() > 100, "{family}: {}", all.len());
            let (long, short) = (
                share(&all, &|time| time > timers.election_ms),
                share(&all, &|time| time < 3.0 * timers.shortest_ms),
            );
            assert!(long >= 0.25 && short >= 0.1, "{family}: {long} and {short}");
        }
        let slow = share(&drawn(family, TimerRange::of(ms(1000), ms(4000))), &|time| time < 900.0);
        assert!(slow < 0.1, "{family}: {slow}");
    }
}

/// The quick ones let what is not durable be many and steady, the slow ones meet the service's own
/// timers, whichever it has.
#[test]
fn slow_fsyncs_take_from_those_of_a_good_disk_to_several_elections() {
    let ms = Duration::from_millis;
    for timers in [TimerRange::default(), TimerRange::of(ms(100), ms(1000)).with_client(ms(20_000))]
    {
        let schedules = (0..200).map(|seed| {
            let options = options(Profile::Only(Family::Disk), 5, seed, 60);
            Schedule::draw(&ScheduleOptions { timers, ..options })
        });
        let entries: Vec<Entry> = schedules.flat_map(|schedule| schedule.entries).collect();
        let delay = |entry: &Entry| match entry.fault {
            Fault::Disk(Disk { trouble: DiskFault::SlowFsync { delay_ms, .. }, .. }) => {
                Some(delay_ms)
            }
            _ => None,
        };
        let all: Vec<f64> = entries.iter().filter_map(delay).collect();
        let share = |is: &dyn Fn(f64) -> bool| {
            all.iter().filter(|delay| is(**delay)).count() as f64 / all.len() as f64
        };
        assert!(all.len() > 300, "{}", all.len());
        assert_eq!(share(&|delay| (5.0..=timers.longest_ms).contains(&delay)), 1.0);
        let (quick, long) =
            (share(&|it| it < timers.shortest_ms), share(&|it| it > timers.election_ms));
        assert!((0.25..0.5).contains(&quick), "{quick}");
        assert!(long >= 0.25, "{long}");
    }
}

#[test]
fn equal_options_give_equal_schedules_and_other_seeds_others() {
    for profile in Profile::all() {
        assert_eq!(draw(profile, 5, 7, 60), draw(profile, 5, 7, 60));
        assert_ne!(draw(profile, 5, 7, 60), draw(profile, 5, 8, 60));
    }
}

#[test]
fn leaders_are_aimed_at_most() {
    let entries: Vec<_> = (0..100).flat_map(|seed| usual(Profile::Nightly, 5, seed, 60)).collect();
    let aimed = entries.iter().filter(|entry| entry.fault.to_string().contains("leader"));
    let share = aimed.count() as f64 / entries.len() as f64;
    assert!((0.35..0.75).contains(&share), "{share}");
}

#[test]
fn nearly_every_minute_parts_a_leader_from_its_majority_undisturbed_for_seconds() {
    let mut without = 0;
    for seed in 0..500 {
        let entries = usual(Profile::Nightly, 5, seed, 60);
        let parted = entries.iter().any(|entry| match &entry.fault {
            Fault::Partition(partition) if partition.shape.parts_leader() => {
                let begins_alone =
                    entries.iter().all(|other| other.at >= entry.at || other.ends() <= entry.at);
                begins_alone && !partition.is_flaky() && entry.lasts.as_secs_f64() >= 2.499
            }
            _ => false,
        });
        without += u32::from(!parted);
    }
    assert!(without <= 10, "{without} of 500 schedules");
}

#[test]
fn one_family_alone_fills_its_time() {
    for family in Family::ALL {
        let mut busy = 0.0;
        for seed in 0..50 {
            let entries = draw(Profile::Only(family), 5, seed, 60);
            assert!(entries.iter().all(|entry| entry.fault.family() == family), "{family}");
            assert!(entries.len() >= 6, "{family}, seed {seed}: {}", entries.len());
            let on = stretches(&entries).filter(|(_, on)| !on.is_empty());
            busy += on.map(|(long, _)| long).sum::<f64>() / 54.0 / 50.0;
        }
        let moments = [Family::Leadership, Family::Corruption, Family::Maintenance];
        assert!(busy >= 0.4 || moments.contains(&family), "{family}: {busy}");
    }
}

#[test]
fn a_family_alone_has_all_its_kinds() {
    let phrases = |family| -> BTreeSet<String> {
        let entries = (0..50).flat_map(|seed| draw(Profile::Only(family), 5, seed, 60));
        entries.map(|entry| entry.fault.to_string()).collect()
    };
    let has = |family, parts: &[&str]| {
        let phrases = phrases(family);
        for part in parts {
            assert!(phrases.iter().any(|phrase| phrase.contains(part)), "{family}: {part}");
        }
    };
    let aims = ["leader", "follower", "one node", "minority", "majority", "all nodes"];
    for family in [Family::Kill, Family::Pause, Family::Disk, Family::Power] {
        has(family, &aims);
    }
    has(Family::Kill, &["crash loop", "rolling restart"]);
    has(Family::Partition, &["flaky", "ring", "bridge", "clients", "isolate the leader"]);
    has(Family::Packet, &["delay", "loss", "duplicates", "reordered", "corrupted", "kbit", "ramp"]);
    has(Family::Clock, &["jumps by +", "jumps by -", "and back", "rate 0.9", "rate 1.0"]);
    has(Family::Disk, &["fsync", "stalled", "KiB/s", "fail", "full", "read-only", "every disk"]);
    has(Family::Power, &["losing", "keeping", "512", "4096"]);
    has(Family::Corruption, &["flip", "cut off"]);
    has(Family::Membership, &["remove", "replace"]);
    has(Family::Maintenance, &["compact", "defragment", "leader", "follower"]);
}

#[test]
fn compositions_follow_each_other_within_an_election() {
    let schedules: Vec<_> = (0..100).map(|seed| usual(Profile::Brutal, 5, seed, 60)).collect();
    let follows = |first: &dyn Fn(&Fault) -> bool, then: &dyn Fn(&Fault) -> bool, within: f64| {
        schedules.iter().any(|entries| {
            entries.iter().filter(|entry| first(&entry.fault)).any(|one| {
                entries.iter().filter(|entry| then(&entry.fault)).any(|other| {
                    let after = other.at.as_secs_f64() - one.at.as_secs_f64();
                    after > 0.0 && after <= within && other.at < one.ends()
                })
            })
        })
    };
    let parts = |fault: &Fault| matches!(fault, Fault::Partition(cut) if cut.shape.parts_leader());
    let power = |fault: &Fault| fault.family() == Family::Power;
    let slow_fsync = |fault: &Fault| {
        matches!(fault, Fault::Disk(Disk { trouble: DiskFault::SlowFsync { .. }, .. }))
    };
    let stall =
        |fault: &Fault| matches!(fault, Fault::Disk(Disk { trouble: DiskFault::StalledFsync, .. }));
    let crash_loop =
        |fault: &Fault| matches!(fault, Fault::Kill(Kill { rhythm: Pattern::Loop, .. }));
    let flaky = |fault: &Fault| matches!(fault, Fault::Partition(cut) if cut.is_flaky());
    assert!(follows(&parts, &power, 0.6));
    assert!(follows(&parts, &|fault| fault.family() == Family::Kill, 0.6));
    assert!(follows(&parts, &|fault| fault.family() == Family::Clock, 0.3));
    assert!(follows(&slow_fsync, &power, 4.0));
    assert!(follows(&stall, &parts, 0.8));
    assert!(follows(&flaky, &crash_loop, 0.5));
    assert!(follows(&|f| f.family() == Family::Packet, &|f| f.family() == Family::Pause, 2.5));
}

#[test]
fn a_small_cluster_gets_what_makes_sense_for_it() {
    for seed in 0..100 {
        let alone = usual(Profile::Nightly, 1, seed, 60);
        assert!(alone.len() >= 8, "seed {seed}: {}", alone.len());
        // Its only links are those with clients.
        let parted = draw(Profile::Only(Family::Partition), 1, seed, 60);
        assert!(parted.len() >= 8, "seed {seed}: {}", parted.len());
        for entry in parted {
            let Fault::Partition(partition) = entry.fault else { panic!("{entry}") };
            assert_eq!(partition.shape.smallest_cluster(), 1, "{entry}");
        }
        for entry in draw(Profile::Only(Family::Partition), 2, seed, 60) {
            let Fault::Partition(partition) = entry.fault else { panic!("{entry}") };
            assert!(partition.shape.smallest_cluster() <= 2, "{entry:?}");
        }
        // Two nodes have no majority without any one of them, so they must rest more.
        for (nodes, least) in [(2, 5), (3, 8), (4, 8), (7, 8)] {
            let entries = usual(Profile::Nightly, nodes, seed, 60);
            assert!(entries.len() >= least, "{nodes} nodes, seed {seed}: {}", entries.len());
        }
    }
}
