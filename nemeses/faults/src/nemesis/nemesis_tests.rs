//! Tests of what holds for faults of every family.

use std::collections::BTreeSet;
use std::time::Duration;

use super::nemesis::Nemesis;
use super::pretended::{Pretended, names};
use crate::fault::{
    Action, Aim, Clock, ClockError, Corruption, Cpu, Damage, Direction, Disk, DiskFault, Family,
    Fault, Kill, Leadership, LinkCondition, Maintenance, Membership, MembershipChange, Packet,
    Partition, Pattern, Pause, Power, PowerCut, Shape, Stop, StoreWork,
};
use crate::host::{CpuSeen, DiskSeen, HostError, LinkCounts, OpSeen};
use crate::outcome::Outcome;
use crate::record::Injected;
use crate::schedule::{Entry, Resolved, Roles};

/// Injects a fault when n3 leads.
fn inject(nemesis: &mut Nemesis<Pretended>, id: u32, fault: Fault) -> Injected {
    let (entry, resolved) = resolve(id, fault);
    nemesis.inject(&entry, resolved)
}

/// The same; returns the steps that it has yet to do.
fn inject_with_steps(nemesis: &mut Nemesis<Pretended>, id: u32, fault: Fault) -> Vec<Action> {
    let (entry, resolved) = resolve(id, fault);
    let steps = resolved.steps.iter().skip(1).map(|step| step.action.clone()).collect();
    nemesis.inject(&entry, resolved);
    steps
}

fn resolve(id: u32, fault: Fault) -> (Entry, Resolved) {
    let (at, lasts) = (Duration::ZERO, Duration::from_secs(1));
    let entry = Entry { id, at, lasts, pick: id, named: None, on: None, when: None, fault };
    let resolved = entry.resolve(&names(), Roles::led_by("n3"));
    (entry, resolved)
}

/// One fault of each family.
fn every_fault() -> Vec<Fault> {
    let aim = Aim::Leader;
    let faults = Family::ALL.map(|family| match family {
        Family::Partition => Fault::Partition(Partition::steady(Shape::IsolateLeader)),
        Family::Packet => {
            let condition = LinkCondition { delay_ms: 50.0, ..LinkCondition::default() };
            let direction = Direction::Into;
            Fault::Packet(Packet { aim, direction, clients: false, ramp: false, condition })
        }
        Family::Kill => Fault::Kill(Kill::once(aim)),
        Family::Pause => Fault::Pause(Pause { aim }),
        Family::Cpu => Fault::Cpu(Cpu { aim, percent: 5.0 }),
        Family::Clock => Fault::Clock(Clock { aim, error: ClockError::Jump { by_ms: -5000 } }),
        Family::Disk => {
            let trouble = DiskFault::SlowFsync { delay_ms: 50.0, jitter_ms: 0.0 };
            Fault::Disk(Disk { aim, trouble })
        }
        Family::Power => {
            Fault::Power(Power { aim, cut: PowerCut { keep_percent: 0.0, sector: 512 } })
        }
        Family::Corruption => {
            Fault::Corruption(Corruption { aim, damage: Damage::BitFlip { file: None } })
        }
        Family::Leadership => Fault::Leadership(Leadership { to: Aim::Follower }),
        Family::Membership => {
            let change = MembershipChange::Remove;
            Fault::Membership(Membership { aim: Aim::Follower, change })
        }
        Family::Stop => Fault::Stop(Stop { aim }),
        Family::Maintenance => Fault::Maintenance(Maintenance { aim, work: StoreWork::Compact }),
    });
    faults.into()
}

/// Every fault, those of families with more than one kind of work in each.
fn every_kind_of_fault() -> Vec<Fault> {
    let aim = Aim::Leader;
    let disk = |trouble| Fault::Disk(Disk { aim, trouble });
    let more = [
        Fault::Kill(Kill { aim, rhythm: Pattern::Loop }),
        Fault::Kill(Kill { aim: Aim::All, rhythm: Pattern::Rolling }),
        Fault::Membership(Membership { aim, change: MembershipChange::Remove }),
        Fault::Membership(Membership { aim, change: MembershipChange::Replace }),
        disk(DiskFault::StalledFsync),
        disk(DiskFault::FailingFsync { percent: 10.0 }),
        disk(DiskFault::ReadOnly),
        Fault::Partition(Partition {
            cut_ms: 50,
            whole_ms: 50,
            ..Partition::steady(Shape::RandomHalves)
        }),
    ];
    every_fault().into_iter().chain(more).collect()
}

/// Ends a fault as a run does: once its answers have come, and again until it is wholly undone.
/// Returns its outcome, if it was on.
fn end(nemesis: &mut Nemesis<Pretended>, id: u32) -> Option<Outcome> {
    for _ in 0..5 {
        nemesis.proceed();
        if !nemesis.is_ready_to_end(id) {
            nemesis.host_mut().answers_late = false;
            continue;
        }
        match nemesis.undo(id) {
            Some(undone) if !undone.problems.is_empty() => {}
            undone => return undone.map(|undone| undone.outcome),
        }
    }
    panic!("it never ends");
}

/// In each order, with a service that answers at once, in between or only when all is to end, and
/// with steps of the first in between.
#[test]
fn any_two_faults_compose_and_leave_the_world_as_it_was_in_either_order() {
    let faults = every_kind_of_fault();
    for (first, second) in faults.iter().flat_map(|it| faults.iter().map(move |other| (it, other)))
    {
        for order in [[1, 2], [2, 1]] {
            for answers in 0..3 {
                let mut nemesis = Nemesis::new(Pretended::default());
                nemesis.host_mut().answers_late = answers > 0;
                let steps = inject_with_steps(&mut nemesis, 1, first.clone());
                inject(&mut nemesis, 2, second.clone());
                for step in steps {
                    nemesis.step(1, step);
                    nemesis.host_mut().answers_late &= answers > 1;
                    nemesis.proceed();
                }
                nemesis.host_mut().answers_late &= answers > 1;
                order.iter().for_each(|id| drop(end(&mut nemesis, *id)));
                nemesis.host_mut().answers_late = false;
                nemesis.proceed();
                let left = nemesis.host().differences();
                assert_eq!(left, Vec::<String>::new(), "{first}, {second}, {order:?}, {answers}");
                assert_eq!(nemesis.active().count(), 0, "{first}, {second}");
            }
        }
    }
}

#[test]
fn a_fault_of_any_family_that_this_host_cannot_do_is_skipped_and_leaves_nothing() {
    for fault in every_fault() {
        let mut nemesis = Nemesis::new(Pretended::default());
        nemesis.host_mut().broken = Some(HostError::Unavailable("no such thing".to_owned()));
        let report = inject(&mut nemesis, 1, fault.clone());
        assert!(matches!(report.outcome, Outcome::Skipped { .. }), "{fault}: {report:?}");
        assert_eq!(nemesis.active().count(), 0, "{fault}");
    }
}

/// The measurements that a pretended host shows.
type Pretence = fn(&mut Pretended);

/// The least that a sound service shows under a fault, with which it is proven: of most nothing, since
/// what a fault does to nodes and links is seen without it. A disk, a processor or a link that spares
/// most packets is seen only when it is used.
#[test]
fn a_sound_service_that_does_little_proves_every_fault() {
    let aim = Aim::Leader;
    let nothing: Pretence = |_| {};
    let late: Pretence = |host| host.answers_late = false;
    let mut rows: Vec<(Fault, Pretence)> = vec![
        (Fault::Partition(Partition::steady(Shape::IsolateLeader)), nothing),
        (Fault::Kill(Kill::once(aim)), nothing),
        (Fault::Pause(Pause { aim }), nothing),
        (Fault::Clock(Clock { aim, error: ClockError::Jump { by_ms: -5000 } }), nothing),
        (Fault::Clock(Clock { aim, error: ClockError::Drift { rate: 1.05 } }), nothing),
        // All that it had written was synced.
        (Fault::Power(Power { aim, cut: PowerCut { keep_percent: 0.0, sector: 512 } }), nothing),
        (Fault::Corruption(Corruption { aim, damage: Damage::BitFlip { file: None } }), nothing),
        // It takes its time to end.
        (Fault::Stop(Stop { aim }), nothing),
        (Fault::Leadership(Leadership { to: Aim::Follower }), late),
        (Fault::Maintenance(Maintenance { aim, work: StoreWork::Defragment }), late),
        (Fault::Membership(Membership { aim, change: MembershipChange::Remove }), late),
        (Fault::Membership(Membership { aim, change: MembershipChange::Replace }), late),
        (Fault::Cpu(Cpu { aim, percent: 5.0 }), |host| {
            let seen = CpuSeen { throttled: 1, throttled_ms: 0.1 };
            host.throttled.insert("n3".to_owned(), seen);
        }),
    ];
    let packets: [(LinkCondition, Pretence); 6] = [
        (LinkCondition { delay_ms: 50.0, ..none() }, nothing),
        (LinkCondition { loss_percent: 1.0, ..none() }, |host| one_packet(host).lost = 1),
        (LinkCondition { duplicate_percent: 5.0, ..none() }, |host| {
            one_packet(host).duplicated = 1
        }),
        (LinkCondition { reorder_percent: 5.0, ..none() }, |host| one_packet(host).reordered = 1),
        (LinkCondition { corrupt_percent: 1.0, ..none() }, |host| one_packet(host).corrupted = 1),
        (LinkCondition { rate_kbit: Some(8000), ..none() }, |host| one_packet(host).delayed = 1),
    ];
    rows.extend(packets.map(|(condition, shown)| {
        let direction = Direction::Into;
        (Fault::Packet(Packet { aim, direction, clients: false, ramp: false, condition }), shown)
    }));
    let (delay_ms, jitter_ms, percent) = (50.0, 0.0, 5.0);
    let disks: [(DiskFault, Pretence); 8] = [
        (DiskFault::Slow { delay_ms, jitter_ms }, |host| one(host, |seen| &mut seen.read, 50.0, 0)),
        (DiskFault::SlowFsync { delay_ms, jitter_ms }, |host| {
            one(host, |seen| &mut seen.fsync, 50.0, 0);
        }),
        (DiskFault::StalledFsync, |host| disk(host).stalled = 1),
        (DiskFault::Narrow { kib_per_second: 64 }, |host| {
            one(host, |seen| &mut seen.write, 16.0, 0);
        }),
        (DiskFault::Failing { percent }, |host| one(host, |seen| &mut seen.read, 0.0, 1)),
        (DiskFault::FailingFsync { percent }, |host| one(host, |seen| &mut seen.fsync, 0.0, 1)),
        (DiskFault::Full { after_kib: 64 }, |host| one(host, |seen| &mut seen.metadata, 0.0, 1)),
        // What it had written before is refused its fsync, and its process ends.
        (DiskFault::ReadOnly, |host| one(host, |seen| &mut seen.fsync, 0.0, 1)),
    ];
    rows.extend(disks.map(|(trouble, shown)| (Fault::Disk(Disk { aim, trouble }), shown)));
    let families: BTreeSet<Family> = rows.iter().map(|(fault, _)| fault.family()).collect();
    assert_eq!(families, Family::ALL.into());
    for (fault, shown) in rows {
        let mut nemesis = Nemesis::new(Pretended::default());
        nemesis.host_mut().answers_late = true;
        nemesis.host_mut().ends_slowly = true;
        inject(&mut nemesis, 1, fault.clone());
        shown(nemesis.host_mut());
        let outcome = end(&mut nemesis, 1);
        assert_eq!(outcome, Some(Outcome::Installed), "{fault}");
    }
}

fn none() -> LinkCondition {
    LinkCondition::default()
}

fn one_packet(host: &mut Pretended) -> &mut LinkCounts {
    let link = host.links.keys().next().expect("a link is troubled").clone();
    host.shaped.entry(link).or_default()
}

fn disk(host: &mut Pretended) -> &mut DiskSeen {
    host.disks_seen.entry("n3".to_owned()).or_default()
}

/// One operation of a disk took so long.
fn one(host: &mut Pretended, of: fn(&mut DiskSeen) -> &mut OpSeen, ms: f64, errors: u64) {
    let seen = OpSeen { count: 1, errors, fastest_ms: ms, mean_ms: ms, slowest_ms: ms };
    *of(disk(host)) = seen;
}
