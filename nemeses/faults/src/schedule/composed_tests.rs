//! Schedules of compositions alone.

use std::collections::BTreeSet;

use super::draw_tests::options;
use super::*;
use crate::fault::{Aim, Cpu, Family, Fault, Pause};

#[test]
fn a_composition_that_is_asked_for_comes_alone_and_one_without_weight_only_then() {
    let families: BTreeSet<Family> = Family::ALL.into();
    let named = |only: &[&str]| {
        let options = options(Profile::Composed, 3, 7, 60);
        let only = only.iter().map(|name| (*name).to_owned()).collect();
        Schedule::draw(&ScheduleOptions { only, families: families.clone(), ..options }).entries
    };
    // One fault of one family, though all families are there.
    let parted = named(&["leader-parted-for-an-election"]);
    assert!(parted.len() > 15, "{}", parted.len());
    for entry in &parted {
        assert_eq!(entry.fault.family(), Family::Partition);
        assert!((1.1..=1.8).contains(&entry.lasts.as_secs_f64()), "{entry}");
    }
    let figure = named(&["figure-8"]);
    assert!(figure.len() >= 24 && figure.len().is_multiple_of(3), "{}", figure.len());
    for together in figure.chunks(3) {
        let names = [&together[0], &together[1], &together[2]].map(|it| it.named.as_deref());
        assert!(names.contains(&Some("first")) && names.contains(&Some("second")), "{names:?}");
    }
    let both = named(&["figure-8", "killed-behind-its-answers"]);
    assert!(both.iter().any(|it| it.fault.family() == Family::Kill));
    assert!(both.iter().any(|it| it.named.as_deref() == Some("second")));

    let composed = |seed| Schedule::draw(&options(Profile::Composed, 3, seed, 60)).entries;
    let second = |entry: &Entry| entry.named.as_deref() == Some("second");
    assert!(!(0..50).flat_map(composed).any(|entry| second(&entry)));
}

#[test]
fn a_composed_schedule_has_whole_compositions_of_its_families_and_nothing_else() {
    let composed = |families: &[Family], nodes, seed| {
        let families = families.iter().copied().collect();
        let options = options(Profile::Composed, nodes, seed, 30);
        Schedule::draw(&ScheduleOptions { families, ..options }).entries
    };
    let (mut power_twice, mut torn) = (0, 0);
    for seed in 0..50 {
        let lease = composed(&[Family::Partition, Family::Clock], 5, seed);
        assert!(lease.len() >= 6, "seed {seed}: {} faults", lease.len());
        for pair in lease.chunks(2) {
            assert_eq!(pair[0].fault.family(), Family::Partition, "seed {seed}");
            assert_eq!(pair[1].fault.family(), Family::Clock, "seed {seed}");
        }
        let disk = composed(&[Family::Disk, Family::Power], 5, seed);
        let cuts: Vec<_> = disk.iter().filter(|e| e.fault.family() == Family::Power).collect();
        assert!(!cuts.is_empty(), "seed {seed}");
        power_twice += usize::from(cuts.windows(2).any(|pair| {
            (0.5..4.0).contains(&(pair[1].at.saturating_sub(pair[0].ends())).as_secs_f64())
        }));
        torn +=
            usize::from(cuts.iter().any(
                |cut| matches!(&cut.fault, Fault::Power(power) if power.cut.keep_percent > 0.0),
            ));
        assert!(!composed(&[Family::Pause], 5, seed).is_empty(), "its own faults, seed {seed}");
    }
    assert!(power_twice >= 40 && torn >= 40, "{power_twice} and {torn} of 50");
}

#[test]
fn a_composition_of_a_user_takes_part() {
    let own = "[[composition]]\nname = \"late-and-slow\"\nabout = \"\"\n\
               [[composition.fault]]\nat = \"0.5..1.5\"\nlasts = 2\nfamily = \"pause\"\n\
               aim = \"follower\"\n[[composition.fault]]\nat = 0\nlasts = \"2.0..3.0\"\n\
               family = \"cpu\"\naim = \"leader\"\npercent = 5";
    let compositions = Compositions::read(own).unwrap();
    for seed in 0..20 {
        let families = [Family::Pause, Family::Cpu].into();
        let options = options(Profile::Composed, 5, seed, 30);
        let options = ScheduleOptions { families, compositions: compositions.clone(), ..options };
        let entries = Schedule::draw(&options).entries;
        assert!(entries.len() >= 6, "seed {seed}: {}", entries.len());
        for pair in entries.chunks(2) {
            assert_eq!(pair[0].fault, Fault::Cpu(Cpu { aim: Aim::Leader, percent: 5.0 }));
            assert_eq!(pair[1].fault, Fault::Pause(Pause { aim: Aim::Follower }));
            let after = (pair[1].at - pair[0].at).as_secs_f64();
            assert!((0.499..=1.501).contains(&after), "seed {seed}: {after}");
        }
    }
}
