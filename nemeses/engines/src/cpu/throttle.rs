//! A share of a processor without the kernel's help: a node that used more than its share is
//! stopped until it has not.
//!
//! A thread looks every few milliseconds how much processor time each node's process group used, by
//! the clock that the kernel keeps for every process, and stops or continues it by signals. A node
//! that idles is never stopped. If this process dies while a node is stopped, the node dies too, as
//! all do.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::time::ClockId;
use nix::unistd::Pid;

use crate::node_process::{NodeProcess, ProcessGroup};
use crate::proc;
use faults::host::CpuSeen;

/// Between two looks.
const TICK: Duration = Duration::from_millis(2);
/// A share that was not used is kept for this long, so that a node which idled does not get more
/// for it later.
const PERIOD: Duration = Duration::from_millis(10);
/// Between two looks for processes that a node started; they cost a walk through `/proc`.
const LIST_EVERY: Duration = Duration::from_millis(200);

/// The thread and what it goes by. Dropped, it lets every node go.
#[derive(Debug)]
pub(super) struct CpuThrottle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    nodes: BTreeMap<String, ThrottledNode>,
    over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked here left at worst a count that is off.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let mut state = self.state();
        while !state.over {
            state = if state.nodes.is_empty() {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                drop(state);
                std::thread::sleep(TICK);
                self.state()
            };
            state.nodes.values_mut().for_each(ThrottledNode::look);
        }
    }
}

impl CpuThrottle {
    pub(super) fn new() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let watching = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("cpu throttle".to_owned());
        let thread = Some(thread.spawn(move || watching.watch())?);
        Ok(Self { shared, thread })
    }

    pub(super) fn limit(&self, node: &str, percent: f64, process: Option<&NodeProcess>) {
        self.free(node);
        let mut throttled = ThrottledNode::new(percent);
        throttled.usage = process.map(|process| GroupUsage::new(process.group(), true));
        self.shared.state().nodes.insert(node.to_owned(), throttled);
        self.shared.changed.notify_all();
    }

    /// Holds for a new process of a node that is limited.
    pub(super) fn admit(&self, node: &str, process: &NodeProcess) {
        if let Some(node) = self.shared.state().nodes.get_mut(node) {
            node.usage = Some(GroupUsage::new(process.group(), false));
        }
    }

    pub(super) fn free(&self, node: &str) {
        // Dropped, it lets the node go.
        self.shared.state().nodes.remove(node);
    }

    pub(super) fn seen(&self, node: &str) -> CpuSeen {
        self.shared.state().nodes.get(node).map(ThrottledNode::seen).unwrap_or_default()
    }
}

impl Drop for CpuThrottle {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state();
            state.over = true;
            state.nodes.clear();
        }
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It does nothing that panics.
            let _ = thread.join();
        }
    }
}

/// A node that is limited.
#[derive(Debug)]
struct ThrottledNode {
    budget: Budget,
    looked: Instant,
    usage: Option<GroupUsage>,
    held_since: Option<Instant>,
    held: u64,
    held_for: Duration,
}

impl ThrottledNode {
    fn new(percent: f64) -> Self {
        Self {
            budget: Budget::new(percent),
            looked: Instant::now(),
            usage: None,
            held_since: None,
            held: 0,
            held_for: Duration::ZERO,
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        let elapsed = now - std::mem::replace(&mut self.looked, now);
        let Some(usage) = &mut self.usage else { return };
        let overdrawn = self.budget.after(elapsed, usage.used(now));
        if overdrawn {
            // Again and again, since it may have been continued, or have forked as it was stopped.
            let stopped = usage.group.stop();
            if stopped && self.held_since.is_none() {
                self.held_since = Some(now);
                self.held += 1;
            }
        } else if let Some(since) = self.held_since.take() {
            usage.group.go();
            self.held_for += now - since;
        }
    }

    fn seen(&self) -> CpuSeen {
        let now = self.held_since.map(|since| since.elapsed()).unwrap_or_default();
        let throttled_ms = (self.held_for + now).as_secs_f64() * 1e3;
        CpuSeen { throttled: self.held, throttled_ms }
    }
}

impl Drop for ThrottledNode {
    fn drop(&mut self) {
        if let (Some(usage), Some(_)) = (&self.usage, self.held_since) {
            usage.group.go();
        }
    }
}

/// The time that a node may still use, in seconds of a processor; negative when it used more than
/// its share.
#[derive(Debug)]
struct Budget {
    share: f64,
    left: f64,
}

impl Budget {
    fn new(percent: f64) -> Self {
        Self { share: percent / 100.0, left: 0.0 }
    }

    /// Returns whether the node is over its share, after it used `used` in `elapsed`.
    fn after(&mut self, elapsed: Duration, used: Duration) -> bool {
        let most = self.share * PERIOD.as_secs_f64();
        self.left = (self.left + self.share * elapsed.as_secs_f64()).min(most);
        self.left -= used.as_secs_f64();
        self.left < 0.0
    }
}

/// A process of a node, with those of its group, and what each had used when last looked at.
#[derive(Debug)]
struct GroupUsage {
    group: ProcessGroup,
    used: BTreeMap<i32, Duration>,
    listed: Option<Instant>,
}

impl GroupUsage {
    /// Time that it used already counts only when it did not run before.
    fn new(group: ProcessGroup, ran_before: bool) -> Self {
        let mut run = Self { group, used: BTreeMap::new(), listed: None };
        if ran_before {
            run.used(Instant::now());
        }
        run
    }

    /// The processor time that all of them used since the last call.
    fn used(&mut self, now: Instant) -> Duration {
        if self.listed.is_none_or(|listed| now - listed > LIST_EVERY) {
            self.listed = Some(now);
            let members = proc::group_members(self.group.id());
            self.used.retain(|pid, _| members.contains(pid));
            for pid in members {
                self.used.entry(pid).or_default();
            }
        }
        let mut sum = Duration::ZERO;
        for (pid, before) in &mut self.used {
            // None when it is gone.
            if let Some(used) = processor_time(*pid) {
                sum += used.saturating_sub(*before);
                *before = used;
            }
        }
        sum
    }
}

/// The processor time that a process used since it began; none when it is gone.
pub(super) fn processor_time(pid: i32) -> Option<Duration> {
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid)).ok()?;
    Some(clock.now().ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn who_uses_more_than_its_share_is_overdrawn_until_it_has_paid() {
        let mut budget = Budget::new(20.0);
        assert!(!budget.after(10 * MS, 2 * MS), "exactly its share");
        assert!(budget.after(2 * MS, 2 * MS));
        assert!(budget.after(4 * MS, Duration::ZERO));
        assert!(!budget.after(4 * MS, Duration::ZERO), "2 ms used in 10 ms");
    }

    #[test]
    fn who_idled_for_long_has_saved_no_more_than_a_period() {
        let mut budget = Budget::new(50.0);
        assert!(!budget.after(1_000 * MS, Duration::ZERO));
        assert!(budget.after(Duration::ZERO, 6 * MS));
    }

    #[test]
    fn a_process_uses_time_only_while_it_runs() {
        let own = std::process::id() as i32;
        let before = processor_time(own).unwrap();
        let start = Instant::now();
        while start.elapsed() < 5 * MS {}
        assert!(processor_time(own).unwrap() > before);
        // Twice as many as the kernel ever hands out.
        assert_eq!(processor_time(1 << 23), None);
    }
}
