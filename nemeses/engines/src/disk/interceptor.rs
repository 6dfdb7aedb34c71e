//! The condition of a disk, which stands between a request and its answer.
//!
//! No thread that serves requests ever waits. A request that a condition or a watch holds back is
//! put aside and answered later, by the delay thread or by the thread that lets go of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fuser::Errno;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::counters::{Counter, OpKind};
use crate::watches::Hold;
use faults::fault::DiskCondition;
use faults::host::DiskSeen;

/// Finishes a request: does what it asks for and answers, or answers with this error only.
type Finish = Box<dyn FnOnce(Option<Errno>) + Send>;

/// Holds requests back, or lets them fail.
pub(super) struct RequestInterceptor {
    shared: Arc<Shared>,
    delay_thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// There is no condition and the power is on: requests pass without a lock.
    open: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    counters: [Counter; 4],
    made: Instant,
    /// Requests from before this many nanoseconds after `made` are not counted.
    counted_since: AtomicU64,
}

struct State {
    condition: DiskCondition,
    power: bool,
    closing: bool,
    random: ChaCha8Rng,
    /// The least is due first.
    delayed: BinaryHeap<Reverse<Held>>,
    stalled: Vec<Held>,
    /// Numbers requests, so that of two that are due at once the earlier goes first.
    next: u64,
    /// When all bytes admitted so far have passed the bandwidth asked for.
    line_free: Option<Instant>,
}

/// A request that waits.
struct Held {
    due: Instant,
    number: u64,
    error: Option<Errno>,
    /// The watches that hold it; none where the condition does.
    holds: Vec<Hold>,
    finish: Finish,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl Held {
    fn finish(self) {
        let error = self.error;
        self.finish_with(error);
    }

    fn finish_with(self, error: Option<Errno>) {
        // They end before what follows is seen.
        drop(self.holds);
        (self.finish)(error);
    }

    fn is_watched(&self) -> bool {
        !self.holds.is_empty()
    }
}

/// The fault, or none, that a request meets.
enum Action {
    Pass,
    Fail(Errno),
    Delay(Instant, Option<Errno>),
    Stall,
}

impl RequestInterceptor {
    /// One without conditions. Chances are drawn from `seed`.
    pub(super) fn new(name: &str, seed: u64) -> std::io::Result<Self> {
        let state = State {
            condition: DiskCondition::default(),
            power: true,
            closing: false,
            random: ChaCha8Rng::seed_from_u64(seed),
            delayed: BinaryHeap::new(),
            stalled: Vec::new(),
            next: 0,
            line_free: None,
        };
        let shared = Arc::new(Shared {
            open: AtomicBool::new(true),
            state: Mutex::new(state),
            changed: Condvar::new(),
            counters: Default::default(),
            made: Instant::now(),
            counted_since: AtomicU64::new(0),
        });
        let for_thread = Arc::clone(&shared);
        let delay_thread = std::thread::Builder::new().name(format!("delays of {name}"));
        let delay_thread = delay_thread.spawn(move || for_thread.answer_when_due())?;
        Ok(Self { shared, delay_thread: Some(delay_thread) })
    }

    /// Has `finish` run now or later, with an error if the request is to fail. `bytes` count
    /// towards the bandwidth.
    pub(super) fn pass(
        &self,
        kind: OpKind,
        bytes: u64,
        finish: impl FnOnce(Option<Errno>) + Send + 'static,
    ) {
        if self.is_open() {
            return finish(None);
        }
        let mut state = self.shared.state();
        match state.decide(kind, bytes, Instant::now()) {
            Action::Pass => {
                drop(state);
                finish(None);
            }
            Action::Fail(error) => {
                drop(state);
                finish(Some(error));
            }
            Action::Delay(due, error) => {
                let held = state.hold(due, error, Box::new(finish));
                state.delayed.push(Reverse(held));
                self.shared.changed.notify_one();
            }
            Action::Stall => {
                let held = state.hold(Instant::now(), None, Box::new(finish));
                state.stalled.push(held);
            }
        }
    }

    /// Holds a request for watches, until all of them let go of it or its time is over. An error
    /// says that the power went off (EIO), or that its process is about to die (EINTR).
    pub(super) fn hold(
        &self,
        mut holds: Vec<Hold>,
        finish: impl FnOnce(Option<Errno>) + Send + 'static,
    ) {
        let mut state = self.shared.state();
        // A watch that has ended since lets go of nothing any more.
        holds.retain(|hold| !hold.has_ended());
        match holds.iter().map(Hold::until).max() {
            Some(due) if state.power => {
                let held = Held { holds, ..state.hold(due, None, Box::new(finish)) };
                state.delayed.push(Reverse(held));
                self.shared.changed.notify_one();
            }
            due => {
                drop(state);
                drop(holds);
                finish(due.map(|_| Errno::EIO));
            }
        }
    }

    /// Lets go of what a watch holds, unless another one holds it too.
    pub(super) fn let_go(&self, watch: u32) {
        let mut state = self.shared.state();
        let mut released = Vec::new();
        for mut held in state.take_delayed(Held::is_watched) {
            held.holds.retain(|hold| hold.watch() != watch);
            match held.holds.iter().map(Hold::until).max() {
                Some(due) => state.delayed.push(Reverse(Held { due, ..held })),
                None => released.push(state.let_go(held)),
            }
        }
        drop(state);
        released.into_iter().for_each(Held::finish);
    }

    /// Returns whether every request passes at once.
    pub(super) fn is_open(&self) -> bool {
        self.shared.open.load(Ordering::Acquire)
    }

    /// Counts an answer that is about to be given to a request that was `received` then, unless the
    /// condition changed meanwhile or it was released: its time says nothing about the condition.
    pub(super) fn record(&self, kind: OpKind, received: Instant, is_error: bool) {
        if self.shared.counts_from(received) {
            self.shared.counters[kind as usize].record(received.elapsed(), is_error);
        }
    }

    /// The counts since the condition was last changed.
    pub(super) fn seen(&self) -> DiskSeen {
        self.shared.seen(Counter::seen, self.shared.state().stalled.len())
    }

    /// Changes the condition, and returns the counts until then. Stalled requests go on when
    /// the new one does not stall; delayed ones when it is none at all.
    pub(super) fn set(&self, condition: &DiskCondition) -> DiskSeen {
        let mut state = self.shared.state();
        self.shared.count_anew(&state);
        let seen = self.shared.seen(Counter::take, state.stalled.len());
        state.condition = *condition;
        state.line_free = None;
        let mut released = Vec::new();
        if !condition.fsync_stalled {
            released.append(&mut state.stalled);
        }
        if condition.is_neutral() {
            released.extend(state.take_delayed(|held| !held.is_watched()));
        }
        self.shared.reopen(&state);
        drop(state);
        released.into_iter().for_each(Held::finish);
        seen
    }

    /// Answers all requests that are held back now, as if their time had come; those that a watch
    /// holds with EINTR, since their process is about to die. The condition stays.
    pub(super) fn release(&self) {
        let mut state = self.shared.state();
        self.shared.count_anew(&state);
        let mut released = std::mem::take(&mut state.stalled);
        released.extend(state.take_delayed(|_| true));
        for held in released.iter_mut().filter(|held| held.is_watched()) {
            held.error = Some(if state.power { Errno::EINTR } else { Errno::EIO });
        }
        drop(state);
        released.into_iter().for_each(Held::finish);
    }

    /// With the power off every request fails with EIO at once under any condition, those held back
    /// included, and none of them is counted. Those that a watch holds fail when they are let go of
    /// or [released](Self::release): a node without power is not to hear of it before it dies.
    pub(super) fn set_power(&self, power: bool) {
        let mut state = self.shared.state();
        state.power = power;
        self.shared.count_anew(&state);
        self.shared.reopen(&state);
        let mut released = Vec::new();
        if !power {
            released.append(&mut state.stalled);
            released.extend(state.take_delayed(|held| !held.is_watched()));
        }
        drop(state);
        released.into_iter().for_each(|held| held.finish_with(Some(Errno::EIO)));
    }
}

impl Drop for RequestInterceptor {
    fn drop(&mut self) {
        self.set_power(false);
        self.shared.state().closing = true;
        self.shared.changed.notify_one();
        // A request that it has just answered may have held the last reference to the interceptor:
        // then it is the delay thread itself that runs this, and it ends by itself.
        if let Some(delay_thread) = self.delay_thread.take()
            && delay_thread.thread().id() != std::thread::current().id()
        {
            // Its panic was reported when it happened.
            let _ = delay_thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked here left nothing half-done that a later one could trip over.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Returns whether a request that was received then is counted.
    fn counts_from(&self, received: Instant) -> bool {
        let since = Duration::from_nanos(self.counted_since.load(Ordering::Relaxed));
        received.saturating_duration_since(self.made) >= since
    }

    /// Requests that are under way are not counted, nor is any while the power is off.
    fn count_anew(&self, state: &State) {
        let now = u64::try_from(self.made.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let since = if state.power { now } else { u64::MAX };
        self.counted_since.store(since, Ordering::Relaxed);
    }

    fn reopen(&self, state: &State) {
        self.open.store(state.power && state.condition.is_neutral(), Ordering::Release);
    }

    fn seen(&self, of: fn(&Counter) -> faults::host::OpSeen, stalled: usize) -> DiskSeen {
        let [read, write, fsync, metadata] = &self.counters;
        DiskSeen {
            read: of(read),
            write: of(write),
            fsync: of(fsync),
            metadata: of(metadata),
            stalled: stalled as u64,
        }
    }

    /// The life of the delay thread.
    fn answer_when_due(&self) {
        let mut state = self.state();
        while !state.closing {
            let wait = state
                .delayed
                .peek()
                .map(|Reverse(first)| first.due.saturating_duration_since(Instant::now()));
            state = match wait {
                Some(Duration::ZERO) => {
                    let due = state.delayed.pop().map(|Reverse(held)| state.let_go(held));
                    drop(state);
                    if let Some(held) = due {
                        held.finish();
                    }
                    self.state()
                }
                Some(time) => {
                    let waited = self.changed.wait_timeout(state, time);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
                None => self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner()),
            };
        }
    }
}

impl State {
    fn decide(&mut self, kind: OpKind, bytes: u64, now: Instant) -> Action {
        if !self.power {
            return Action::Fail(Errno::EIO);
        }
        if self.condition.read_only && kind != OpKind::Read {
            return Action::Fail(Errno::EROFS);
        }
        if self.condition.fsync_stalled && kind == OpKind::Fsync {
            return Action::Stall;
        }
        let of_kind = match kind {
            OpKind::Read => self.condition.read,
            OpKind::Write => self.condition.write,
            OpKind::Fsync => self.condition.fsync,
            OpKind::Metadata => self.condition.metadata,
        };
        let fails = self.random.random_range(0.0..100.0) < of_kind.error_percent;
        let error = fails.then_some(Errno::EIO);
        let jitter = of_kind.jitter_ms * self.random.random::<f64>();
        let mut due = now + milliseconds(of_kind.delay_ms + jitter);
        if matches!(kind, OpKind::Read | OpKind::Write)
            && let Some(kib) = self.condition.kib_per_second
        {
            let time = bytes as f64 / (kib.max(1) * 1024) as f64;
            let free = self.line_free.map_or(now, |free| free.max(now));
            let free = free + Duration::from_secs_f64(time);
            self.line_free = Some(free);
            due = due.max(free);
        }
        match error {
            _ if due > now => Action::Delay(due, error),
            Some(error) => Action::Fail(error),
            None => Action::Pass,
        }
    }

    fn hold(&mut self, due: Instant, error: Option<Errno>, finish: Finish) -> Held {
        let number = self.next;
        self.next += 1;
        Held { due, number, error, holds: Vec::new(), finish }
    }

    /// A request whose time has come, or its end if the power went off meanwhile.
    fn let_go(&self, held: Held) -> Held {
        let error = if self.power { held.error } else { Some(Errno::EIO) };
        Held { error, ..held }
    }

    /// Those held back for a time that are meant, in the order in which they are due.
    fn take_delayed(&mut self, is_meant: impl Fn(&Held) -> bool) -> Vec<Held> {
        let delayed = std::mem::take(&mut self.delayed).into_sorted_vec();
        let delayed = delayed.into_iter().rev().map(|Reverse(held)| held);
        let (taken, left): (Vec<_>, Vec<_>) = delayed.partition(is_meant);
        self.delayed = left.into_iter().map(Reverse).collect();
        taken
    }
}

/// The time that a plan asks for; more than a day is a mistake of the plan, and must not panic.
fn milliseconds(time: f64) -> Duration {
    Duration::try_from_secs_f64(time.clamp(0.0, 86_400_000.0) / 1e3).unwrap_or_default()
}
