//! `sync(2)` and `syncfs(2)` of a node and of the programs that it starts reach its disk.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use faults::disk_image::Unsynced;
use faults::fault::{ClockCondition, DiskCondition, OpCondition};
use stormproof_engines::disk::Disk;
use stormproof_engines::node_process::{
    NodeListener, NodeOutput, NodeProcess, NodeSpec, OwnClock, Spawner,
};

use crate::support::{Scratch, disk, skip};

/// A shell whose directory is the disk. Each step waits until the test has made a file of its
/// number, elsewhere, and then says how it ended.
const SCRIPT: &str = r#"
    step() {
        while test ! -e "$0/$1"; do sleep 0.01; done
        shift
        "$@" && echo ok || echo "failed"
    }
    step 1 cp /proc/self/stat written
    step 2 sync
    step 3 cp /proc/self/stat again
    step 4 sync -f "$0"
    step 5 sync -f written
    step 6 cp /proc/self/stat "once more"
    step 7 sync -f written
    step 8 sync
    step 9 true
"#;

struct Shell {
    process: NodeProcess,
    lines: Receiver<String>,
    elsewhere: Scratch,
    // Last: what it started dies with it.
    _spawner: Spawner,
}

impl Shell {
    fn start(disk: &Disk, own_clock: OwnClock) -> Self {
        let elsewhere = Scratch::new("steps");
        let argv = ["sh", "-c", SCRIPT, &elsewhere.path().display().to_string()];
        let spec = NodeSpec {
            name: "n1".to_owned(),
            argv: argv.map(Into::into).to_vec(),
            later_argv: None,
            anew_argv: None,
            env: BTreeMap::new(),
            cwd: disk.path().to_owned(),
            log_path: elsewhere.path().join("log"),
            own_clock,
        };
        let (say, lines) = channel();
        let say = Mutex::new(say);
        let listener: NodeListener = Arc::new(move |_: &str, output| {
            if let NodeOutput::Line(line) = output {
                let _ = say.lock().unwrap().send(line);
            }
        });
        let spawner = Spawner::new().unwrap();
        let clocks = ClockCondition::default();
        let process =
            NodeProcess::start(&spec, None, &clocks, Some(disk), &spawner, &listener).unwrap();
        Self { process, lines, elsewhere, _spawner: spawner }
    }

    fn begin(&self, number: u32) {
        fs::write(self.elsewhere.path().join(number.to_string()), "").unwrap();
    }

    /// Has it take a step, and returns how that ended.
    fn step(&self, number: u32) -> String {
        self.begin(number);
        let log = || fs::read_to_string(self.elsewhere.path().join("log")).unwrap_or_default();
        let line = self.lines.recv_timeout(Duration::from_secs(30));
        line.unwrap_or_else(|_| panic!("step {number} never ended: {}", log()))
    }
}

fn is_durable(disk: &Disk) -> bool {
    disk.unsynced() == Unsynced::default()
}

#[test]
fn what_a_program_syncs_without_naming_a_file_is_durable() {
    for own_clock in [OwnClock::No, OwnClock::Plain, OwnClock::WithDeadlines] {
        let Some((_scratch, disk)) = disk("synced") else { return };
        let shell = Shell::start(&disk, own_clock);
        if let Err(why) = shell.process.barriers() {
            return skip(why);
        }
        assert_eq!(shell.step(1), "ok");
        assert!(!is_durable(&disk), "a file was written");
        assert_eq!(shell.step(2), "ok");
        assert!(is_durable(&disk), "sync, with clocks {own_clock:?}");
        assert_eq!(shell.step(3), "ok");
        assert_eq!(shell.step(4), "ok");
        assert!(!is_durable(&disk), "syncfs of another file system");
        assert_eq!(shell.step(5), "ok");
        assert!(is_durable(&disk), "syncfs, with clocks {own_clock:?}");
        // The condition of fsync is theirs as well. Only syncfs can tell of an error.
        assert_eq!(shell.step(6), "ok");
        let fsync = OpCondition { error_percent: 100.0, ..OpCondition::default() };
        disk.set(&DiskCondition { fsync, ..DiskCondition::default() });
        assert_eq!(shell.step(7), "failed");
        assert!(!is_durable(&disk), "its syncfs failed");
        disk.set(&DiskCondition { fsync_stalled: true, ..DiskCondition::default() });
        shell.begin(8);
        let early = shell.lines.recv_timeout(Duration::from_millis(300));
        assert!(early.is_err(), "its sync has to wait: {early:?}");
        let seen = disk.set(&DiskCondition::default());
        assert_eq!(seen.stalled, 1, "{seen:?}");
        let late = shell.lines.recv_timeout(Duration::from_secs(30));
        assert_eq!(late.as_deref(), Ok("ok"));
        assert!(is_durable(&disk), "the stall is over");
    }
}
