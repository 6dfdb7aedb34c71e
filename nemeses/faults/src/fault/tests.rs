//! Phrases of faults, and whom they take down.
use super::*;
use crate::grudge::Grudge;

#[test]
fn a_fault_reads_as_a_phrase() {
    let check = |fault: Fault, phrase: &str| assert_eq!(fault.to_string(), phrase);
    let into_leader = Partition::steady(Shape::IntoLeader);
    check(Fault::Partition(into_leader), "partition, cut every link into the leader");
    let flaky = Partition { cut_ms: 80, whole_ms: 120, ..into_leader };
    check(
        Fault::Partition(flaky),
        "flaky links, cut every link into the leader, 80 ms cut and 120 ms whole",
    );
    let slow = Packet {
        aim: Aim::Leader,
        direction: Direction::Into,
        clients: false,
        ramp: false,
        condition: LinkCondition { delay_ms: 50.0, ..LinkCondition::default() },
    };
    check(Fault::Packet(slow), "50 ms delay into the leader");
    let all = Packet { clients: true, ramp: true, ..slow };
    check(Fault::Packet(all), "50 ms delay into the leader, clients too, ramping up and down");
    check(Fault::Kill(Kill::once(Aim::All)), "kill all nodes");
    check(
        Fault::Kill(Kill { aim: Aim::All, rhythm: Pattern::Rolling }),
        "rolling restart of all nodes",
    );
    check(
        Fault::Kill(Kill { aim: Aim::Leader, rhythm: Pattern::Loop }),
        "crash loop of the leader",
    );
    check(
        Fault::Power(Power {
            aim: Aim::Majority,
            cut: PowerCut { keep_percent: 0.0, sector: 512 },
        }),
        "power failure of a majority, losing what was not synced",
    );
    check(
        Fault::Disk(Disk {
            aim: Aim::One,
            trouble: DiskFault::SlowFsync { delay_ms: 50.0, jitter_ms: 10.0 },
        }),
        "fsync 50 to 60 ms slower at one node",
    );
    check(Fault::Cpu(Cpu { aim: Aim::One, percent: 5.0 }), "5 % of a processor for one node");
    check(
        Fault::Clock(Clock { aim: Aim::Leader, error: ClockError::Jump { by_ms: -5000 } }),
        "wall clock jumps by -5000 ms at the leader",
    );
    check(Fault::Leadership(Leadership { to: Aim::Follower }), "hand leadership to a follower");
}

#[test]
fn without_a_known_leader_a_fault_is_told_of_a_node() {
    let check = |fault: Fault, phrase: Option<&str>| {
        assert_eq!(fault.without_roles().as_deref(), phrase, "{fault}");
    };
    let cut = |shape| Fault::Partition(Partition::steady(shape));
    check(cut(Shape::IsolateLeader), Some("partition, isolate a node"));
    check(cut(Shape::LeaderInMinority), Some("partition, leave a node a minority"));
    check(cut(Shape::AnswersOfLeader), Some("partition, cut a node's answers to clients"));
    check(cut(Shape::Bridge), None);
    check(Fault::Kill(Kill::once(Aim::FormerLeader)), Some("kill a node"));
    check(Fault::Kill(Kill::once(Aim::Followers)), Some("kill all nodes but one"));
    check(Fault::Kill(Kill::once(Aim::Majority)), None);
    for shape in Shape::ALL {
        assert_eq!(cut(shape).without_roles().is_some(), shape.is_about_leader(), "{shape}");
    }
    for aim in Aim::ALL {
        let about_roles = aim.is_role() || aim == Aim::Followers;
        let words = Fault::Pause(Pause { aim }).without_roles();
        assert_eq!(words.is_some(), about_roles, "{aim}");
        assert!(!words.is_some_and(|words| words.contains("leader") || words.contains("follower")));
    }
}

#[test]
fn what_takes_nodes_down_is_counted_and_what_is_only_slow_is_not() {
    let check = |fault: Fault, down: usize| assert_eq!(fault.nodes_down(5), down, "{fault}");
    check(Fault::Kill(Kill::once(Aim::Majority)), 3);
    check(Fault::Kill(Kill { aim: Aim::All, rhythm: Pattern::Loop }), 5);
    check(Fault::Kill(Kill { aim: Aim::All, rhythm: Pattern::Rolling }), 1);
    check(Fault::Pause(Pause { aim: Aim::Minority }), 2);
    check(Fault::Disk(Disk { aim: Aim::All, trouble: DiskFault::StalledFsync }), 5);
    let slow = DiskFault::SlowFsync { delay_ms: 50.0, jitter_ms: 0.0 };
    check(Fault::Disk(Disk { aim: Aim::All, trouble: slow }), 0);
    check(Fault::Partition(Partition::steady(Shape::IsolateLeader)), 0);
    check(Fault::Cpu(Cpu { aim: Aim::All, percent: 5.0 }), 0);
}

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|index| format!("n{index}")).collect()
}

#[test]
fn of_a_power_failure_the_links_of_the_nodes_that_stay_are_left_alone() {
    let nodes = names(3);
    let mut links = Grudge::isolate(&nodes, "n1");
    links.merge(&Grudge::isolate(&nodes, "n2"));
    let failure = PowerFailure {
        nodes: ["n1".to_owned(), "n2".to_owned()].into(),
        cut: PowerCut { keep_percent: 0.0, sector: 512 },
        seed: 1,
        links,
    };
    let Action::Power(less) = Action::Power(failure).only(&["n1".to_owned()].into()) else {
        panic!("it stays a power failure")
    };
    assert_eq!(less.links, Grudge::isolate(&nodes, "n1"));
    assert_eq!(less.nodes, ["n1".to_owned()].into());
}

#[test]
fn any_node_may_end_of_clocks_that_drift_and_none_of_one_that_jumps() {
    let clocks =
        |error: ClockError| Action::Clock(Clocks([("n1".to_owned(), error.condition())].into()));
    assert!(clocks(ClockError::Drift { rate: 0.95 }).may_end("n1"));
    assert!(clocks(ClockError::Drift { rate: 0.95 }).may_end("n2"));
    assert!(!clocks(ClockError::Jump { by_ms: -5000 }).may_end("n1"));
}

#[test]
fn a_node_may_end_of_a_disk_that_refuses_and_not_of_one_that_is_slow() {
    let disks =
        |trouble: DiskFault| Action::Disk(Disks([("n1".to_owned(), trouble.condition())].into()));
    assert!(disks(DiskFault::ReadOnly).may_end("n1"));
    assert!(disks(DiskFault::Failing { percent: 1.0 }).may_end("n1"));
    assert!(!disks(DiskFault::ReadOnly).may_end("n2"));
    assert!(!disks(DiskFault::StalledFsync).may_end("n1"));
    assert!(!Action::Kill(Killed(["n1".to_owned()].into())).may_end("n1"), "that is our doing");
    assert_eq!(disks(DiskFault::StalledFsync).takes_down().len(), 1);
}
