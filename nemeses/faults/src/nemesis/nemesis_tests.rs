//! Tests of what holds for faults of every family.

use std::time::Duration;

use super::nemesis::Nemesis;
use super::pretended::{Pretended, names};
use crate::fault::{
    Aim, Clock, ClockError, Corruption, Cpu, Damage, Direction, Disk, DiskFault, Family, Fault,
    Kill, Leadership, LinkCondition, Maintenance, Membership, MembershipChange, Packet, Partition,
    Pause, Power, PowerCut, Shape, Stop, StoreWork,
};
use crate::host::HostError;
use crate::outcome::Outcome;
use crate::record::Injected;
use crate::schedule::{Entry, Roles};

/// Injects a fault when n3 leads.
fn inject(nemesis: &mut Nemesis<Pretended>, id: u32, fault: Fault) -> Injected {
    let (at, lasts) = (Duration::ZERO, Duration::from_secs(1));
    let entry = Entry { id, at, lasts, pick: id, named: None, on: None, fault };
    let resolved = entry.resolve(&names(), Roles::led_by("n3"));
    nemesis.inject(&entry, resolved)
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

#[test]
fn any_two_faults_compose_and_are_undone_in_either_order() {
    for first in every_fault() {
        for second in every_fault() {
            for order in [[1, 2], [2, 1]] {
                let mut nemesis = Nemesis::new(Pretended::default());
                inject(&mut nemesis, 1, first.clone());
                inject(&mut nemesis, 2, second.clone());
                for id in order {
                    if let Some(undone) = nemesis.undo(id) {
                        assert_eq!(undone.problems, Vec::<String>::new(), "{first}, {second}");
                    }
                }
                assert_eq!(nemesis.host().differences(), Vec::<String>::new(), "{first}, {second}");
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
