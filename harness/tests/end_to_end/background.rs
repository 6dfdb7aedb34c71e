//! Runs in the background, and the processes they are made of.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{scratch, stormproof};

/// A run in the background.
pub struct Running {
    pub child: Child,
    pub results: PathBuf,
}

impl Running {
    /// Starts a run that lasts a minute and waits until its clients are at work.
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        let results = scratch(name);
        let child = stormproof()
            .args(["run", "--results"])
            .arg(&results)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let running = Running { child, results };
        running.wait_for("a read that succeeded", |history| history.contains(r#""type":"ok""#));
        running
    }

    pub fn wait_for(&self, what: &str, seen: impl Fn(&str) -> bool) {
        let begin = Instant::now();
        loop {
            let history = self.results.join("latest/history.jsonl");
            if std::fs::read_to_string(history).is_ok_and(|history| seen(&history)) {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "never saw {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The run's processes: the one we started and everything below it.
    pub fn tree(&self) -> Vec<i32> {
        let mut tree = vec![self.child.id() as i32];
        let mut next = 0;
        while next < tree.len() {
            tree.extend(children(tree[next]));
            next += 1;
        }
        tree
    }
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie is dead; only its parent has not looked yet.
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// The network namespaces that these processes are in, besides our own. They are held open: the
/// kernel gives the number of one that is gone to the next, which may be of another test's run.
pub fn network_namespaces(pids: impl IntoIterator<Item = i32>) -> BTreeMap<PathBuf, File> {
    let of = |pid: &str| {
        let held = File::open(format!("/proc/{pid}/ns/net")).ok()?;
        let name = std::fs::read_link(format!("/proc/self/fd/{}", held.as_raw_fd())).ok()?;
        Some((name, held))
    };
    let mut all: BTreeMap<_, _> = pids.into_iter().filter_map(|pid| of(&pid.to_string())).collect();
    if let Some((ours, _)) = of("self") {
        all.remove(&ours);
    }
    all
}

pub fn all_processes() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

pub fn signal(pid: i32, signal: &str) {
    let status = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status();
    assert!(status.is_ok_and(|status| status.success()), "cannot signal {pid}");
}
