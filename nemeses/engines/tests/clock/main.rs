//! Clocks of real processes: Rust, Python, Java and, as etcd, Go. This program is the tests and
//! one of the nodes: its arguments say which.

mod etcd;
mod node;
mod programs;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use faults::fault::ClockCondition;
use faults::host::{Host, HostError};
use stormproof_engines::LocalHost;
use stormproof_engines::node_process::OwnClock;

use node::{Node, listener, next, spec};
use programs::{Runtime, WAIT, clocks};

/// Passed, or skipped with a reason.
type Ran = Result<(), String>;

type Test = fn() -> Ran;

const TESTS: [(&str, Test); 11] = [
    ("a_jump_is_seen_by_the_node_alone_and_undone", jump),
    ("a_strobe_is_seen_both_ways", strobe),
    ("a_drift_is_followed_by_both_clocks_and_undone", drift),
    ("monotonic_clocks_never_go_backwards", never_backwards),
    ("waits_last_as_long_as_they_should", waits),
    ("a_go_program_has_the_clock_that_it_is_given", etcd::follows),
    ("a_node_starts_with_the_clock_of_its_fault", restarts),
    ("a_program_that_execs_keeps_its_clock", execs),
    ("a_paused_node_can_be_given_another_clock", paused),
    ("a_clock_that_cannot_be_set_says_why", unavailable),
    ("nothing_but_real_clocks_is_asked_for", refused),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    if let [programs::NODE, arguments @ ..] = arguments.as_slice() {
        programs::play(arguments);
        return ExitCode::SUCCESS;
    }
    // What cargo passes to every test program is not for this one.
    let filters: Vec<_> = arguments.iter().filter(|filter| !filter.starts_with('-')).collect();
    let possible = can_be_done();
    for (name, test) in TESTS {
        if !filters.is_empty() && !filters.iter().any(|part| name.contains(**part)) {
            continue;
        }
        match possible.clone().and_then(|()| test()) {
            Ok(()) => println!("test {name} ... ok"),
            Err(why) => eprintln!("test {name} ... skipped: {why}"),
        }
    }
    ExitCode::SUCCESS
}

fn right() -> ClockCondition {
    ClockCondition::default()
}

fn shifted(wall_shift_ms: i64) -> ClockCondition {
    ClockCondition { wall_shift_ms, ..right() }
}

fn drifting(rate: f64) -> ClockCondition {
    ClockCondition { rate, ..right() }
}

/// Tries to patch a child. Only something that the machine lacks is a reason to skip.
fn can_be_done() -> Ran {
    let node = Node::start(vec!["sleep".into(), "60".into()], OwnClock::WithDeadlines, &right());
    match node.process().clocks() {
        Ok(_) => Ok(()),
        Err(HostError::Unavailable(why)) => {
            let may_trace = programs::run(std::process::Command::new("strace").arg("true"));
            // A machine on which others trace is one on which this should work.
            assert!(may_trace.is_err(), "others can trace here, but: {why}");
            Err(why)
        }
        Err(HostError::Failed(why)) => panic!("{why}"),
    }
}

/// Runs a test with each runtime that there is, all at once.
fn with_each(arguments: &[&str], test: impl Fn(Runtime, Vec<std::ffi::OsString>) + Sync) -> Ran {
    let test = &test;
    std::thread::scope(|scope| {
        for runtime in Runtime::ALL {
            match runtime.program(arguments) {
                Ok(argv) => drop(scope.spawn(move || test(runtime, argv))),
                Err(why) => eprintln!("    {runtime:?} skipped: {why}"),
            }
        }
    });
    Ok(())
}

fn jump() -> Ran {
    with_each(&[], |_, argv| {
        let node = Node::start(argv.clone(), OwnClock::WithDeadlines, &right());
        let other = Node::start(argv, OwnClock::Plain, &right());
        node.assert_ahead(0);
        for milliseconds in [5_000, -86_400_000, 1, 30_000] {
            let seen = node.set(&shifted(milliseconds));
            assert_eq!(seen.wall_offset_ms, milliseconds as f64);
            assert_eq!((seen.monotonic_offset_ms, seen.rate), (0.0, 1.0));
            node.assert_ahead(milliseconds);
            other.assert_ahead(0);
        }
        assert_eq!(node.set(&right()).wall_offset_ms, 0.0);
        node.assert_ahead(0);
    })
}

fn strobe() -> Ran {
    with_each(&[], |_, argv| {
        let node = Node::start(argv, OwnClock::Plain, &right());
        for _ in 0..10 {
            node.set(&shifted(200));
            node.assert_ahead(200);
            node.set(&right());
            node.assert_ahead(0);
        }
    })
}

fn drift() -> Ran {
    with_each(&[], |_, argv| {
        let node = Node::start(argv, OwnClock::WithDeadlines, &right());
        // Faster and slower by as much leaves the monotonic clock near the machine's.
        for (rate, direction) in [(1.1, 1.0), (0.9, -1.0)] {
            let start = node.process().clocks().expect("its clocks are read").monotonic_offset_ms;
            assert_eq!((node.set(&drifting(rate)).rate * 1e6).round(), rate * 1e6);
            let begun = Instant::now();
            std::thread::sleep(Duration::from_millis(200));
            let least = begun.elapsed().as_secs_f64() * 99.0;
            let seen = node.process().clocks().expect("its clocks are read");
            let gained = (seen.monotonic_offset_ms - start) * direction;
            assert!(gained >= least, "rate {rate}: {gained} ms, not {least}");
            // What it says now was not yet seen, so it is at most this old.
            node.forget();
            let (wall, monotonic) = clocks();
            let tick = node.next("T");
            let ahead = [tick[0] - wall, tick[1] - monotonic].map(|by| by as f64 / 1e6);
            println!("    rate {rate}: gained {gained:.1} ms, shows {ahead:.1?} ms ahead");
        }
        let seen = node.set(&right());
        assert_eq!((seen.wall_offset_ms, seen.rate), (0.0, 1.0));
        assert_ne!(seen.monotonic_offset_ms, 0.0, "it never steps");
        // The wall clock is right again, seen from outside only once the node says so.
        let before = clocks().0 - 1_000_000;
        while node.next("T")[0] < before {}
        let shown = node.next("T")[0];
        assert!((before..=clocks().0).contains(&shown));
    })
}

fn never_backwards() -> Ran {
    const CHANGES: usize = 5000;
    let node = Node::start(Runtime::Rust.program(&["watch"])?, OwnClock::Plain, &right());
    let begin = node.next("R")[0];
    for change in 0..CHANGES {
        let rate = [1.1, 0.9, 1.0, 0.95][change % 4];
        node.set(&ClockCondition { wall_shift_ms: change as i64 % 7 * 1000, rate });
    }
    node.set(&right());
    let after = Instant::now();
    let mut seen = node.next("R");
    while after.elapsed() < Duration::from_millis(100) {
        seen = node.next("R");
    }
    println!("    {CHANGES} changes, {} reads", seen[0] - begin);
    assert!(seen[0] - begin > CHANGES as i64, "it hardly read at all: {seen:?}");
    assert_eq!(seen[1], 0, "a clock went backwards");
    Ok(())
}

fn waits() -> Ran {
    with_each(&["wait"], |runtime, argv| {
        let node = Node::start(argv, OwnClock::WithDeadlines, &right());
        node.next("W");
        // A clock that lost a part of the wait would end it early by as much.
        node.set(&drifting(0.9));
        while node.process().clocks().expect("its clocks are read").monotonic_offset_ms > -100.0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        node.set(&right());
        // Java's wall clock has milliseconds. It shows this only once it is right again.
        let set = clocks().0 - 1_000_000;
        let begun = loop {
            let wall = node.next("T")[0];
            if wall >= set {
                break wall;
            }
        };
        let (shown, shown_next) = (node.next("W")[0], node.next("W")[0]);
        let took = node.next("T")[0] - begun;
        println!("    {runtime:?}: {:.1} ms by its clock", shown as f64 / 1e6);
        let least = WAIT.as_nanos() as i64;
        assert!(shown >= least && shown_next >= least, "{shown} and {shown_next} ns");
        assert!(took + 1_000_000 >= 2 * least, "two waits in {took} ns of the machine");
    })
}

fn restarts() -> Ran {
    let (listener, lines) = listener();
    let mut host = LocalHost::new(None, listener).expect("threads start");
    host.add_node(spec(Runtime::Rust.program(&[])?, OwnClock::Plain));
    let node = || "n1".to_owned();
    let one = [node()].into();
    let hour = BTreeMap::from([(node(), shifted(3_600_000))]);
    assert!(host.set_clocks(&hour).is_empty(), "there is no clock yet");
    for _ in 0..2 {
        let before = clocks().0;
        host.start(&one)["n1"].as_ref().expect("it starts");
        let first = next(&lines, "T")[0];
        assert!(first >= before + 3_600_000_000_000, "its first look at the clock");
        let read = host.clocks()["n1"].clone().expect("its clocks are read");
        assert_eq!(read.wall_offset_ms, 3_600_000.0);
        host.kill(&one)["n1"].as_ref().expect("it dies");
        while lines.try_recv().is_ok() {}
        assert!(host.set_clocks(&hour).is_empty(), "there is no clock any more");
    }
    host.start(&one)["n1"].as_ref().expect("it starts");
    let healed = host.set_clocks(&BTreeMap::new());
    assert_eq!(healed["n1"].clone().expect("it is healed").wall_offset_ms, 0.0);
    assert!(host.set_clocks(&BTreeMap::new()).is_empty(), "nothing is left to heal");
    Ok(())
}

fn execs() -> Ran {
    let program = Runtime::Rust.program(&[])?;
    let mut argv: Vec<_> = ["sh", "-c", "sleep 0.2; exec \"$@\"", "sh"].map(Into::into).to_vec();
    argv.extend(program);
    let node = Node::start(argv, OwnClock::WithDeadlines, &shifted(5_000));
    node.next("T");
    // It is another program now. One look, and it has the clock of the first.
    let seen = node.process().clocks().expect("the new program is patched");
    assert_eq!(seen.wall_offset_ms, 5_000.0);
    node.assert_ahead(5_000);
    node.set(&shifted(-5_000));
    node.assert_ahead(-5_000);
    Ok(())
}

fn paused() -> Ran {
    let node = Node::start(Runtime::Rust.program(&[])?, OwnClock::Plain, &right());
    node.next("T");
    node.process().pause().expect("it stops");
    node.set(&shifted(7_000));
    node.process().resume().expect("it goes on");
    node.assert_ahead(7_000);
    Ok(())
}

fn unavailable() -> Ran {
    let node = Node::start(Runtime::Rust.program(&[])?, OwnClock::No, &shifted(1_000));
    let refused = node.process().set_clocks(&shifted(1_000));
    assert!(matches!(refused, Err(HostError::Unavailable(_))), "{refused:?}");
    node.assert_ahead(0);
    let node = Node::start(vec!["true".into()], OwnClock::WithDeadlines, &right());
    node.process().wait_until_dead().expect("it ends");
    let dead = node.process().set_clocks(&shifted(1_000));
    assert!(matches!(dead, Err(HostError::Failed(_))), "{dead:?}");
    Ok(())
}

fn refused() -> Ran {
    let node = Node::start(Runtime::Rust.program(&[])?, OwnClock::Plain, &right());
    for wrong in
        [drifting(0.0), drifting(-1.0), drifting(f64::NAN), drifting(2.0), shifted(i64::MIN)]
    {
        let refused = node.process().set_clocks(&wrong);
        assert!(matches!(refused, Err(HostError::Failed(_))), "{wrong:?}: {refused:?}");
    }
    node.assert_ahead(0);
    Ok(())
}
