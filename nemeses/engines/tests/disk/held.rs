//! Calls to a disk that a watch sees and holds, before they are done or after.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faults::disk_image::Image;
use faults::fault::{DiskCondition, OpCondition, PowerCut};
use faults::host::{Host, HostError};
use faults::trigger::{DiskCall, DiskWatch, Edge, Observation, Watch};
use stormproof_engines::LocalHost;
use stormproof_engines::disk::Disk;
use stormproof_engines::node_process::{NodeOutput, NodeSpec, OwnClock};

use crate::support::{Scratch, own_mounts, skip};

/// Longer than any test holds anything.
const LONG: Duration = Duration::from_secs(60);
/// Nothing that comes by itself takes this long unless it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(30);
/// After this long no answer is on its way.
const SILENCE: Duration = Duration::from_millis(100);

/// A host whose nodes have disks, what they say, and what is seen at them.
struct Nodes {
    host: LocalHost,
    lines: Receiver<String>,
    observations: Receiver<Observation>,
    go: PathBuf,
    // Last: disks are mounted in it.
    _scratch: Scratch,
}

fn set(nodes: &[&str]) -> BTreeSet<String> {
    nodes.iter().map(|node| (*node).to_owned()).collect()
}

impl Nodes {
    /// Each is a shell on its disk, which does `setup` when it is started, and `act` when it is
    /// [let](Nodes::act). None, with the reason on standard error, where no disk can be mounted.
    fn new(nodes: &[&str], setup: &str, act: &str) -> Option<Self> {
        if !own_mounts() {
            return None;
        }
        let scratch = Scratch::new("held");
        let (say, lines) = channel();
        let say = Mutex::new(say);
        let listener = move |_: &str, output| {
            if let NodeOutput::Line(line) = output {
                let _ = say.lock().unwrap().send(line);
            }
        };
        let mut host = LocalHost::new(None, Arc::new(listener)).unwrap();
        let (report, observations) = channel();
        let report = Mutex::new(report);
        host.report_observations(Arc::new(move |seen| {
            let _ = report.lock().unwrap().send(seen);
        }));
        let go = scratch.path().join("go");
        let script = format!(
            "set -e; mkdir elsewhere; {setup}; echo ready; while test ! -e '{}'; do sleep 0.01; done
             if {act}; then echo done; else echo failed; fi; exec sleep 600",
            go.display()
        );
        for node in nodes {
            let data = scratch.path().join(node);
            host.add_node(NodeSpec {
                name: (*node).to_owned(),
                argv: ["sh", "-c", &script].map(Into::into).to_vec(),
                later_argv: None,
                anew_argv: None,
                env: BTreeMap::new(),
                cwd: data.clone(),
                log_path: scratch.path().join(format!("{node}.log")),
                own_clock: OwnClock::No,
            });
            if let Err(error) = host.mount_disk(node, &data, 7) {
                skip(&error.to_string());
                return None;
            }
        }
        Some(Self { host, lines, observations, go, _scratch: scratch })
    }

    /// One that is ready to act, and whose `act` a watch holds at `edge`.
    fn held(case: &Case, edge: Edge, hold: Duration) -> Option<Self> {
        let mut nodes = Self::new(&["n1"], case.setup, case.act)?;
        nodes.host.start(&set(&["n1"]))["n1"].as_ref().unwrap();
        assert_eq!(nodes.line().as_deref(), Ok("ready"));
        nodes.watch(1, &["n1"], case.call, Some(case.files), edge, 1, Some(hold)).unwrap();
        fs::write(&nodes.go, "").unwrap();
        let observation = Observation {
            watch: 1,
            node: "n1".to_owned(),
            receiver: None,
            what: case.what.to_owned(),
            held: true,
        };
        assert_eq!(nodes.observation(), Some(observation), "{edge:?}");
        Some(nodes)
    }

    #[expect(clippy::too_many_arguments, reason = "each is one of a watch")]
    fn watch(
        &mut self,
        number: u32,
        nodes: &[&str],
        call: DiskCall,
        files: Option<&str>,
        edge: Edge,
        nth: u32,
        hold: Option<Duration>,
    ) -> Result<(), HostError> {
        let files = files.map(str::to_owned);
        let watch = Watch::Disk(DiskWatch { nodes: set(nodes), call, files, edge });
        self.host.check_watch(&watch)?;
        self.host.watch(number, &watch, nth, hold)
    }

    /// Watches every fsync of a node, before it is done.
    fn watch_fsync(&mut self, number: u32, node: &str, nth: u32, hold: Option<Duration>) {
        self.watch(number, &[node], DiskCall::Fsync, None, Edge::Before, nth, hold).unwrap();
    }

    fn disk(&self, node: &str) -> &Disk {
        self.host.disk(node).unwrap()
    }

    fn file(&self, node: &str) -> File {
        File::create(self.disk(node).path().join("log")).unwrap()
    }

    fn line(&self) -> Result<String, RecvTimeoutError> {
        self.lines.recv_timeout(HANGS_AFTER)
    }

    fn says_nothing(&self) -> bool {
        self.lines.recv_timeout(SILENCE).is_err()
    }

    fn observation(&self) -> Option<Observation> {
        self.observations.recv_timeout(HANGS_AFTER).ok()
    }
}

/// A call of a program, and what shows whether it was done.
#[derive(Clone, Copy)]
struct Case {
    call: DiskCall,
    files: &'static str,
    setup: &'static str,
    act: &'static str,
    what: &'static str,
    /// The files afterwards, as far as they matter, where the call was not done and where it was.
    without: &'static [(&'static str, Option<&'static str>)],
    with: &'static [(&'static str, Option<&'static str>)],
    /// True if only a power failure shows the difference.
    is_barrier: bool,
}

const CASES: [Case; 4] = [
    Case {
        call: DiskCall::Fsync,
        files: "member/*",
        setup: "mkdir member; printf old > member/log; sync member/log; printf ' new' >> member/log",
        act: "sync member/log",
        what: "fsync of member/log",
        without: &[("member/log", Some("old"))],
        with: &[("member/log", Some("old new"))],
        is_barrier: true,
    },
    Case {
        call: DiskCall::Fsync,
        files: "member",
        setup: "mkdir member; sync member; printf x > member/log",
        act: "sync member",
        what: "fsync of member",
        without: &[("member/log", None)],
        with: &[("member/log", Some(""))],
        is_barrier: true,
    },
    Case {
        call: DiskCall::Write,
        files: "*.wal",
        setup: "printf old > 0.wal; sync 0.wal",
        act: "printf ' new' >> 0.wal",
        what: "write to 0.wal",
        without: &[("0.wal", Some("old"))],
        with: &[("0.wal", Some("old new"))],
        is_barrier: false,
    },
    Case {
        call: DiskCall::Rename,
        files: "*.wal",
        setup: "mkdir member; printf x > 0.tmp; sync 0.tmp",
        act: "mv 0.tmp member/0.wal",
        what: "rename of 0.tmp to member/0.wal",
        without: &[("0.tmp", Some("x")), ("member/0.wal", None)],
        with: &[("0.tmp", None), ("member/0.wal", Some("x"))],
        is_barrier: false,
    },
];

const EDGES: [Edge; 2] = [Edge::Before, Edge::After];

impl Case {
    /// Looks whether it was done, or was not.
    fn check(&self, image: &Image, is_done: bool, when: &str) {
        let paths = image.paths();
        for (path, expected) in if is_done { self.with } else { self.without } {
            let found = paths.iter().find(|(found, ..)| found == Path::new(path));
            let content = found.map(|(_, inode, _)| image.read(*inode, 0, u64::MAX).unwrap());
            let content = content.map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(content.as_deref(), *expected, "{} {when}: {path}", self.what);
        }
    }

    /// The same of what a power failure would leave; of what is no barrier, of what is there.
    fn check_now(&self, disk: &Disk, is_done: bool, when: &str) {
        let mut image = disk.snapshot();
        if self.is_barrier {
            use rand::SeedableRng;
            let mut random = rand::rngs::ChaCha8Rng::seed_from_u64(0);
            image.crash(&loses_all(), &mut random);
        }
        self.check(&image, is_done, when);
    }
}

fn loses_all() -> PowerCut {
    PowerCut { keep_percent: 0.0, sector: 512 }
}

#[test]
fn a_call_is_held_at_its_moment_and_goes_on_when_its_watch_ends() {
    for (case, edge) in CASES.iter().flat_map(|case| EDGES.map(|edge| (case, edge))) {
        let Some(mut nodes) = Nodes::held(case, edge, LONG) else { return };
        assert!(nodes.says_nothing(), "{}: its answer is held", case.what);
        case.check_now(nodes.disk("n1"), edge == Edge::After, "held");
        // Others pass it by, where the kernel asks for them: a directory waits for its rename.
        let elsewhere = nodes.disk("n1").path().join("elsewhere");
        fs::write(elsewhere.join("a"), "x").unwrap();
        fs::rename(elsewhere.join("a"), elsewhere.join("b")).unwrap();
        File::open(elsewhere.join("b")).unwrap().sync_all().unwrap();
        assert!(nodes.observations.try_recv().is_err(), "it is seen once");
        let held = nodes.host.end_watch(1).expect("it was held");
        assert!(held >= SILENCE && held < HANGS_AFTER, "{held:?}");
        assert_eq!(nodes.line().as_deref(), Ok("done"));
        case.check_now(nodes.disk("n1"), true, "let go");
        assert_eq!(nodes.host.end_watch(1), None, "it has ended");
    }
}

#[test]
fn a_power_failure_takes_what_was_held_before_and_leaves_what_was_held_after() {
    for (case, edge) in CASES.iter().flat_map(|case| EDGES.map(|edge| (case, edge))) {
        let start = Instant::now();
        let Some(mut nodes) = Nodes::held(case, edge, LONG) else { return };
        let lost = nodes.host.cut_power(&set(&["n1"]), &loses_all(), 1).remove("n1").unwrap();
        if let Err(HostError::Unavailable(why)) = &lost {
            return skip(why);
        }
        lost.unwrap();
        let cut = start.elapsed();
        assert!(cut < LONG, "{cut:?}");
        assert!(nodes.says_nothing(), "it was never answered");
        // Only what is a barrier, or was synced, is left by this one.
        if case.is_barrier {
            let is_done = edge == Edge::After;
            case.check(&nodes.disk("n1").snapshot(), is_done, "after a power failure");
        } else {
            case.check(&nodes.disk("n1").snapshot(), false, "after a power failure");
        }
        let held = nodes.host.end_watch(1).expect("it was held");
        assert!(held <= cut, "until the power failed: {held:?}");
    }
}

#[test]
fn a_killed_process_does_not_hang_and_its_call_was_made_or_was_not() {
    for (case, edge) in CASES.iter().flat_map(|case| EDGES.map(|edge| (case, edge))) {
        let Some(mut nodes) = Nodes::held(case, edge, LONG) else { return };
        let took = nodes.host.kill(&set(&["n1"])).remove("n1").unwrap().unwrap();
        assert!(took < HANGS_AFTER, "{took:?}");
        case.check_now(nodes.disk("n1"), edge == Edge::After, "killed");
        nodes.host.end_watch(1).expect("it was held");
    }
}

/// Its first thread syncs a file while its second one says that it lives.
const TWO_THREADS: &str = "\
import os, threading, time
def tick():
    while True:
        print('tick', flush=True)
        time.sleep(0.002)
threading.Thread(target=tick, daemon=True).start()
os.fsync(os.open('member/log', os.O_RDWR))
";

#[test]
fn a_process_is_paused_while_its_call_is_held() {
    if let Err(error) = Command::new("python3").arg("--version").output() {
        return skip(&format!("no python3: {error}"));
    }
    let act = format!("python3 -c \"{TWO_THREADS}\"");
    let case = Case { act: act.leak(), ..CASES[0] };
    for edge in EDGES {
        let Some(mut nodes) = Nodes::held(&case, edge, LONG) else { return };
        let n1 = set(&["n1"]);
        assert_eq!(nodes.line().as_deref(), Ok("tick"));
        nodes.host.pause(&n1).remove("n1").unwrap().unwrap();
        // What it said before.
        while nodes.lines.recv_timeout(SILENCE).is_ok() {}
        nodes.host.end_watch(1).expect("it was held");
        assert!(nodes.says_nothing(), "it stops before it has its answer");
        nodes.host.resume(&n1).remove("n1").unwrap().unwrap();
        let done = || nodes.line().as_deref() == Ok("done");
        assert!((0..1_000).any(|_| done()), "it goes on");
        case.check_now(nodes.disk("n1"), true, "resumed");
    }
}

#[test]
fn a_hold_that_runs_out_lets_go_by_itself() {
    let hold = Duration::from_secs(1);
    for edge in EDGES {
        let start = Instant::now();
        let Some(mut nodes) = Nodes::held(&CASES[0], edge, hold) else { return };
        assert!(nodes.says_nothing());
        assert_eq!(nodes.line().as_deref(), Ok("done"));
        let answered = start.elapsed();
        std::thread::sleep(SILENCE);
        let held = nodes.host.end_watch(1).expect("it was held");
        assert!(held >= hold && held <= answered, "as long as it was: {held:?}");
    }
}

#[test]
fn what_goes_on_meets_the_condition_of_the_disk_by_then() {
    let Some(mut nodes) = Nodes::held(&CASES[0], Edge::Before, LONG) else { return };
    let fsync = OpCondition { error_percent: 100.0, ..OpCondition::default() };
    let condition = DiskCondition { fsync, ..DiskCondition::default() };
    nodes.host.set_disks(&[("n1".to_owned(), condition)].into());
    assert!(nodes.says_nothing(), "a condition does not let go of it");
    nodes.host.end_watch(1).expect("it was held");
    assert_eq!(nodes.line().as_deref(), Ok("failed"));
    CASES[0].check_now(nodes.disk("n1"), false, "failed");

    let Some(mut nodes) = Nodes::held(&CASES[0], Edge::Before, LONG) else { return };
    let condition = DiskCondition { fsync_stalled: true, ..DiskCondition::default() };
    nodes.host.set_disks(&[("n1".to_owned(), condition)].into());
    nodes.host.end_watch(1).expect("it was held");
    assert!(nodes.says_nothing(), "it is stalled now");
    let seen = nodes.host.set_disks(&BTreeMap::new()).remove("n1").unwrap().unwrap();
    assert_eq!(seen.stalled, 1);
    assert_eq!(nodes.line().as_deref(), Ok("done"));

    let Some(mut nodes) = Nodes::held(&CASES[0], Edge::Before, LONG) else { return };
    let slow = OpCondition { delay_ms: 1.0, ..OpCondition::default() };
    let condition = DiskCondition { write: slow, ..DiskCondition::default() };
    nodes.host.set_disks(&[("n1".to_owned(), condition)].into());
    nodes.host.set_disks(&BTreeMap::new());
    assert!(nodes.says_nothing(), "a disk that is healed does not let go of it");
    nodes.host.end_watch(1).expect("it was held");
    assert_eq!(nodes.line().as_deref(), Ok("done"));
}

#[test]
fn none_of_a_thousand_watches_misses_its_event() {
    let Some(mut nodes) = Nodes::new(&["n1"], "true", "true") else { return };
    let file = nodes.file("n1");
    // Before any call is made, so that each call is known by its number. Each is held until the
    // next watch waits for the next call.
    let (watches, nth) = (1_000, |number: u32| 1 + number % 3);
    nodes.watch_fsync(1, "n1", nth(1), Some(LONG));
    let calls: u32 = (1..=watches).map(nth).sum();
    let syncs = std::thread::spawn(move || {
        for _ in 0..calls {
            file.sync_data().unwrap();
        }
    });
    for number in 1..=watches {
        let seen = nodes.observation().unwrap_or_else(|| panic!("watch {number} saw nothing"));
        assert_eq!((seen.watch, seen.what.as_str()), (number, "fsync of log"));
        // The held call counts for no later watch.
        if number < watches {
            nodes.watch_fsync(number + 1, "n1", nth(number + 1), Some(LONG));
        }
        let so_far = nodes.disk("n1").seen().fsync.count;
        assert_eq!(so_far, u64::from((1..=number).map(nth).sum::<u32>()) - 1, "watch {number}");
        nodes.host.end_watch(number).expect("it was held");
    }
    syncs.join().unwrap();
    assert!(nodes.observations.try_recv().is_err(), "each is seen once");
}

#[test]
fn a_watch_that_looks_elsewhere_goes_on_counting() {
    let Some(mut nodes) = Nodes::new(&["n1", "n2"], "true", "true") else { return };
    let (first, second) = (nodes.file("n1"), nodes.file("n2"));
    nodes.watch_fsync(7, "n1", 3, None);
    for file in [&first, &second, &first] {
        file.sync_data().unwrap();
    }
    nodes.watch_fsync(7, "n2", 3, None);
    first.sync_data().unwrap();
    assert!(nodes.observations.try_recv().is_err(), "n1 is not watched any more");
    second.sync_data().unwrap();
    let seen = nodes.observations.try_recv().expect("before it was answered");
    assert_eq!((seen.watch, seen.node.as_str(), seen.held), (7, "n2", false));
    second.sync_data().unwrap();
    assert!(nodes.observations.try_recv().is_err(), "a watch sees once");
    assert_eq!(nodes.host.end_watch(7), None, "nothing was held");
    second.sync_data().unwrap();
}

#[test]
fn a_call_that_two_watches_hold_waits_for_both() {
    let Some(mut nodes) = Nodes::new(&["n1"], "true", "true") else { return };
    let file = nodes.file("n1");
    for number in [1, 2] {
        nodes.watch_fsync(number, "n1", 1, Some(LONG));
    }
    let (say, said) = channel();
    let sync = std::thread::spawn(move || {
        file.sync_data().unwrap();
        say.send(()).unwrap();
    });
    let mut seen: Vec<_> = (0..2).filter_map(|_| nodes.observation()).map(|it| it.watch).collect();
    seen.sort_unstable();
    assert_eq!(seen, [1, 2]);
    nodes.host.end_watch(1).expect("it was held");
    assert!(said.recv_timeout(SILENCE).is_err(), "the other one still holds it");
    nodes.host.end_watch(2).expect("it was held");
    said.recv_timeout(HANGS_AFTER).expect("it goes on");
    sync.join().unwrap();
}

#[test]
fn a_host_that_is_dropped_lets_go_and_one_that_cannot_see_says_so() {
    let Some(mut nodes) = Nodes::held(&CASES[0], Edge::After, LONG) else { return };
    let elsewhere = std::env::temp_dir();
    nodes.host.add_node(NodeSpec {
        name: "n2".to_owned(),
        argv: vec!["true".into()],
        later_argv: None,
        anew_argv: None,
        env: BTreeMap::new(),
        cwd: elsewhere.clone(),
        log_path: elsewhere.join("unused.log"),
        own_clock: OwnClock::No,
    });
    nodes.host.add_foreign_node("n3");
    for (node, because) in [("n2", "machine's"), ("n3", "not run by us")] {
        let error = nodes.watch(9, &["n1", node], DiskCall::Fsync, None, Edge::Before, 1, None);
        let Err(HostError::Unavailable(why)) = error else { panic!("{node}: {error:?}") };
        assert!(why.contains(because), "{why}");
    }
    let start = Instant::now();
    drop(nodes);
    // A process that hangs is given up after 5 s.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}
