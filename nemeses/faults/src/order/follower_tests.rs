//! A follower against runs that are the same, that hurry, that have other nodes in the roles, and
//! that do anything at all.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::crossing::{CLIENTS, Crossing, End, FaultPoint};
use super::follower::{Follower, Ticket};
use super::order_log::{FaultOrder, OrderLog};

/// A run as it is written down: of three nodes, the first of which is killed while it replicates.
struct Recorded {
    log: OrderLog,
    append: u16,
    answer: u16,
    vote: u16,
    write: u16,
}

const FAULT: u32 = 1;
const KILLED: u64 = 1_000_000;

fn killed(node: End) -> FaultOrder {
    FaultOrder { hit: [node].into(), ends_them: true, family: 0 }
}

fn message(from: End, to: End, what: u16) -> Crossing {
    Crossing::Message { from, to, what }
}

impl Recorded {
    fn new() -> Self {
        let mut log = OrderLog::new(["n1", "n2", "n3"].map(str::to_owned).into());
        let (append, answer) = (log.word("/append"), log.word("re /append"));
        let (vote, write) = (log.word("/vote"), log.word("write k1"));
        let mut recorded = Self { log, append, answer, vote, write };
        for at in (0..KILLED - 10_000).step_by(8_000) {
            // Too often for a clock's doing.
            recorded.operation(at, 7);
        }
        // Two of the three have it, and its client was not answered.
        recorded.operation(KILLED - 10_000, 4);
        let mut note = |at, gate| recorded.log.note(at, gate);
        note(KILLED, Crossing::Fault { fault: FAULT, moment: FaultPoint::Beginning });
        note(KILLED + 2_000, Crossing::Fault { fault: FAULT, moment: FaultPoint::Begun });
        let (vote, append, answer, what) = (vote, append, answer, write);
        note(KILLED + 400_000, message(2, 3, vote));
        note(KILLED + 401_000, message(2, 3, append));
        // A client is served before the answer comes.
        note(KILLED + 402_000, Crossing::Call { client: 3, node: 2, what });
        note(KILLED + 403_000, Crossing::Answered { client: 3, node: 2, what });
        note(KILLED + 404_000, message(3, 2, answer));
        note(KILLED + 800_000, Crossing::Fault { fault: FAULT, moment: FaultPoint::Ending });
        note(KILLED + 801_000, Crossing::Fault { fault: FAULT, moment: FaultPoint::Ended });
        recorded.log.note_fault(FAULT, killed(1));
        recorded
    }

    /// The first so many gates of a write by the first node.
    fn operation(&mut self, at: u64, gates: usize) {
        let all = self.gates_of_operation(1);
        let times = (at..).step_by(500);
        all[..gates].iter().zip(times).for_each(|(gate, at)| self.log.note(at, *gate));
    }

    fn gates_of_operation(&self, leader: End) -> [Crossing; 7] {
        let others: Vec<End> = (1..=3).filter(|end| *end != leader).collect();
        let what = self.write;
        [
            Crossing::Call { client: 0, node: leader, what },
            Crossing::Sync { node: leader },
            message(leader, others[0], self.append),
            message(leader, others[1], self.append),
            message(others[0], leader, self.answer),
            message(leader, CLIENTS, self.answer),
            Crossing::Answered { client: 0, node: leader, what },
        ]
    }
}

/// A run that is held to the recorded one, up to the time at which the fault is due.
struct Bench {
    recorded: Recorded,
    follower: Follower,
    now: u64,
}

impl Bench {
    fn new(leader: End) -> Self {
        let recorded = Recorded::new();
        let follower = Follower::new(recorded.log.clone());
        let mut bench = Self { recorded, follower, now: 0 };
        for at in (0..KILLED - 10_000).step_by(10_000) {
            for (gate, place) in bench.recorded.gates_of_operation(leader).into_iter().zip(0..) {
                assert_eq!(bench.come(at + place * 500, gate), None);
            }
        }
        bench
    }

    fn come(&mut self, at: u64, gate: Crossing) -> Option<Ticket> {
        self.now = at;
        self.follower.arrive(at, gate)
    }

    fn released(&mut self, at: u64) -> Vec<Ticket> {
        self.now = at;
        self.follower.look(at);
        self.follower.take_released()
    }

    /// Kills the leader at the moment.
    fn killed(leader: End) -> Self {
        let mut bench = Self::new(leader);
        let gates = bench.recorded.gates_of_operation(leader);
        // A whole one goes by, and then as much of another one as there was.
        for (gate, place) in gates.iter().chain(&gates[..4]).zip(0..) {
            assert!(!bench.follower.may_begin(KILLED + place, FAULT, &FaultOrder::default()));
            assert_eq!(bench.come(KILLED + place, *gate), None);
        }
        let at = KILLED + 20;
        assert!(bench.follower.may_begin(at, FAULT, &FaultOrder::default()));
        let facts = killed(leader);
        bench.follower.begun(at + 100, FAULT, facts);
        bench
    }
}

#[test]
fn a_failure_about_doubt_waits_for_a_client_that_would_be_left_in_it() {
    for (of_doubt, gates, begins) in [(false, 1..4, true), (true, 1..4, false), (true, 0..4, true)]
    {
        let mut bench = Bench::new(1);
        let log = bench.recorded.log.clone().that_failed(KILLED + 500_000, of_doubt);
        bench.follower = Follower::new(log);
        assert!(!bench.follower.may_begin(KILLED, FAULT, &FaultOrder::default()));
        // The client of the operation before was answered.
        let all = bench.recorded.gates_of_operation(1);
        for (gate, place) in all.iter().chain(&all[gates.clone()]).zip(0..) {
            bench.come(KILLED + place, *gate);
        }
        let at = KILLED + 20;
        assert_eq!(
            bench.follower.may_begin(at, FAULT, &FaultOrder::default()),
            begins,
            "{of_doubt} {gates:?}"
        );
    }
}

#[test]
fn a_fault_begins_when_what_came_before_it_has_come_again_whoever_leads() {
    for leader in 1..=3 {
        let bench = Bench::killed(leader);
        let followed = bench.follower.followed();
        assert!(followed.moments[0].met, "n{leader}: {followed}");
    }
}

#[test]
fn what_a_node_sends_while_it_is_killed_is_lost_and_what_clients_do_waits() {
    let mut bench = Bench::new(1);
    assert!(!bench.follower.may_begin(KILLED, FAULT, &FaultOrder::default()));
    let gates = bench.recorded.gates_of_operation(1);
    for (gate, place) in gates.iter().chain(&gates[..4]).zip(0..) {
        assert_eq!(bench.come(KILLED + place, *gate), None);
    }
    assert!(bench.follower.may_begin(KILLED + 20, FAULT, &FaultOrder::default()));
    let answer = bench.come(KILLED + 1_100, gates[5]).expect("it waits");
    let call = bench.come(KILLED + 1_200, gates[0]).expect("it waits");
    let facts = killed(1);
    bench.follower.begun(KILLED + 21_000, FAULT, facts);
    assert_eq!(bench.follower.take_dropped(), [answer]);
    assert_eq!(
        bench.released(KILLED + 22_000),
        Vec::<Ticket>::new(),
        "it is not known yet who will lead"
    );
    assert!(bench.released(KILLED + 22_000 + 800_000).contains(&call));
}

#[test]
fn a_moment_that_never_comes_ends_the_wait_all_the_same() {
    let mut bench = Bench::new(1);
    let begins = (KILLED..KILLED + 3_000_000).step_by(1_000);
    let first = begins
        .clone()
        .find(|at| bench.follower.may_begin(*at, FAULT, &FaultOrder::default()))
        .expect("in the end");
    assert!((KILLED + 2_000_000..KILLED + 2_002_000).contains(&first), "{first}");
    bench.follower.begun(first, FAULT, FaultOrder::default());
    assert!(!bench.follower.followed().moments[0].met);
}

#[test]
fn an_answer_waits_for_the_client_that_was_served_before_it_under_whichever_names() {
    // The other node stands for election here.
    let mut bench = Bench::killed(1);
    let Recorded { append, answer, vote, write: what, .. } = bench.recorded;
    let call = bench.come(KILLED + 100_000, Crossing::Call { client: 5, node: 3, what });
    let call = call.expect("it is not known yet who will lead");
    assert_eq!(bench.come(KILLED + 500_000, message(3, 2, vote)), None);
    assert_eq!(
        bench.released(KILLED + 500_100),
        Vec::<Ticket>::new(),
        "the append comes before it"
    );
    let early = bench.come(KILLED + 500_200, message(2, 3, answer)).expect("it waits");
    assert_eq!(bench.come(KILLED + 500_300, message(3, 2, append)), None);
    assert_eq!(bench.released(KILLED + 500_400), [call]);
    assert_eq!(bench.come(KILLED + 500_500, Crossing::Answered { client: 5, node: 3, what }), None);
    assert_eq!(bench.released(KILLED + 500_600), [early]);
    let followed = bench.follower.followed();
    assert_eq!((followed.gates, followed.in_order), (5, 5), "{followed}");
    assert!(bench.follower.may_end(KILLED + 800_000, FAULT));
}

#[test]
fn what_waits_too_long_goes_on_and_what_it_waited_for_counts_as_missed() {
    let mut bench = Bench::killed(1);
    let Recorded { answer, .. } = bench.recorded;
    let early = bench.come(KILLED + 500_000, message(3, 2, answer)).expect("it waits");
    assert_eq!(bench.released(KILLED + 539_000), Vec::<Ticket>::new());
    assert_eq!(bench.released(KILLED + 540_000), [early]);
    let followed = bench.follower.followed();
    assert_eq!((followed.gates, followed.in_order), (5, 1), "{followed}");
    let first = followed.first_missed.as_deref();
    assert_eq!(first, Some("/vote from n2 to n3, 0.400 s after the beginning of fault 1"));
}

#[test]
fn a_fault_that_the_recorded_run_did_not_come_to_has_the_moment_of_the_last_of_its_family() {
    let mut bench = Bench::new(2);
    let other = FaultOrder { family: 5, ..FaultOrder::default() };
    assert!(bench.follower.may_begin(KILLED, 77, &other), "there is none of its family");
    assert!(!bench.follower.may_begin(KILLED, 78, &FaultOrder::default()));
    let gates = bench.recorded.gates_of_operation(2);
    for (gate, place) in gates.iter().chain(&gates[..4]).zip(0..) {
        assert_eq!(bench.come(KILLED + place, *gate), None);
    }
    assert!(bench.follower.may_begin(KILLED + 20, 78, &FaultOrder::default()));
    bench.follower.begun(KILLED + 20, 78, killed(2));
    assert!(bench.follower.followed().moments[0].met);
    let Recorded { vote, .. } = bench.recorded;
    assert_eq!(bench.come(KILLED + 400_000, message(1, 3, vote)), None);
    assert_eq!(bench.follower.followed().in_order, 1);
}

/// In any run nothing waits for longer than the longest limit, and nothing is
/// let go twice.
#[test]
fn no_run_can_have_anything_wait_for_ever() {
    for seed in 0..300 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let recorded = Recorded::new();
        let mut follower = Follower::new(recorded.log.clone());
        let mut waiting: BTreeMap<Ticket, u64> = BTreeMap::new();
        let mut seen: BTreeSet<Ticket> = BTreeSet::new();
        let (mut now, mut begun) = (random.random_range(0..KILLED), false);
        for _ in 0..2_000 {
            now += random.random_range(0..5_000);
            let node = random.random_range(1..=3);
            let words = [recorded.append, recorded.answer, recorded.vote, recorded.write];
            let what = words[random.random_range(0..words.len())];
            let client = random.random_range(0..4);
            let gate = match random.random_range(0..5) {
                0 => Crossing::Sync { node },
                1 => Crossing::Call { client, node, what: recorded.write },
                2 => Crossing::Answered { client, node, what: recorded.write },
                3 => Crossing::Refused { client, node },
                _ => message(node, random.random_range(0..=3), what),
            };
            if let Some(ticket) = follower.arrive(now, gate) {
                assert!(seen.insert(ticket));
                waiting.insert(ticket, now);
            }
            if !begun && now > KILLED / 2 && follower.may_begin(now, FAULT, &FaultOrder::default())
            {
                begun = true;
                let facts = FaultOrder { ends_them: random.random(), ..killed(node) };
                follower.begun(now, FAULT, facts);
            }
            follower.look(now);
            for ticket in follower.take_released().into_iter().chain(follower.take_dropped()) {
                assert!(waiting.remove(&ticket).is_some(), "seed {seed}: {ticket} goes twice");
            }
            let oldest = waiting.values().min().map_or(0, |since| now - since);
            assert!(oldest <= 950_000, "seed {seed}: one waits for {oldest} µs");
        }
        follower.end(now);
        let last = follower.take_released();
        assert_eq!(last.len(), waiting.len(), "seed {seed}");
    }
}
