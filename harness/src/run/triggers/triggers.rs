//! Everything that faults wait for, as the run sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use checker::history::{Event, EventType, Process};
use faults::host::ObservationListener;
use faults::outcome::Outcome;
use faults::record::{Happened, Seen};
use faults::trigger::{Observation, Observed, ServiceChange, Side, Trigger};
use results::event::{FaultEvent, NodeChange, NodeEvent, RunEvent};
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::super::recorder::{Listener, Recorder};
use super::waiting::Waiting;

/// The service is silent when nothing was acknowledged for so long.
const SILENCE: Duration = Duration::from_secs(1);

/// Something that wakes the thread of the faults.
#[derive(Debug)]
pub enum Signal {
    /// The load is over, and so are faults.
    Stop,
    /// The moment of a fault has come.
    Seen(Sighted),
}

/// A moment that a fault waited for.
#[derive(Debug, Clone)]
pub struct Sighted {
    /// The number of the fault.
    pub fault: u32,
    /// When it was seen, on the run's clock.
    pub at: Duration,
    /// The time after that at which the fault is to begin.
    pub after: Duration,
    /// The event itself.
    pub seen: Seen,
    /// Set where it is held back.
    pub held: bool,
}

/// Knows which faults wait for what, hears of everything, and tells when the moment of one has come.
#[derive(Clone)]
pub struct Triggers(Arc<Shared>);

struct Shared {
    /// Set while a fault waits: else events need no look.
    waited_for: AtomicBool,
    inner: Mutex<Inner>,
    /// The processes that may not go on, each until then at the latest, by the fault they wait for.
    held: watch::Sender<BTreeMap<u64, (u32, Instant)>>,
}

#[derive(Default)]
struct Inner {
    signals: Option<Sender<Signal>>,
    waiting: BTreeMap<u32, Waiting>,
    /// The edges that faults have gone through.
    sides: BTreeSet<(u32, Side)>,
    roles: BTreeMap<String, String>,
    /// The latest term of any node.
    term: u64,
    /// When something was acknowledged last, on the run's clock.
    acknowledged: Duration,
    /// Set once the service was found silent, until it answers.
    silent: bool,
}

impl Default for Triggers {
    fn default() -> Self {
        let (held, _) = watch::channel(BTreeMap::new());
        let (waited_for, inner) = (AtomicBool::new(false), Mutex::default());
        Self(Arc::new(Shared { waited_for, inner, held }))
    }
}

impl Triggers {
    /// The listener that hears of everything in the run.
    pub fn listener(&self) -> Listener {
        let triggers = self.clone();
        Box::new(move |event| triggers.hear(event))
    }

    /// The listener that engines report to.
    pub fn observations(&self, recorder: &Arc<Recorder>) -> ObservationListener {
        let (triggers, recorder) = (self.clone(), recorder.clone());
        Arc::new(move |observation| triggers.note_observation(observation, recorder.elapsed()))
    }

    /// Whom to tell from now on; none ends that.
    pub fn tell(&self, signals: Option<Sender<Signal>>) {
        self.inner().signals = signals;
    }

    /// Lets a fault wait for its trigger, at these nodes, or for what happens to `other`.
    pub fn wait(
        &self,
        fault: u32,
        trigger: &Trigger,
        nodes: BTreeSet<String>,
        other: Option<u32>,
        now: Duration,
    ) {
        let mut inner = self.inner();
        inner.waiting.insert(fault, Waiting::new(trigger, nodes, other));
        self.0.waited_for.store(true, Ordering::Release);
        // What it waits for may have been long ago.
        let sides = inner.sides.clone();
        for (other, side) in sides {
            self.see(&mut inner, now, &[], |waiting| waiting.of_fault(other, side));
        }
    }

    /// The nodes at which the trigger of a fault is looked for from now on.
    pub fn move_to(&self, fault: u32, nodes: BTreeSet<String>) {
        if let Some(waiting) = self.inner().waiting.get_mut(&fault) {
            waiting.nodes = nodes;
        }
    }

    /// Lets a fault wait no more, and those go on who were held for it. Returns true if it still
    /// waited.
    pub fn give_up(&self, fault: u32) -> bool {
        let mut inner = self.inner();
        let waited = inner.waiting.remove(&fault).is_some();
        self.0.waited_for.store(!inner.waiting.is_empty(), Ordering::Release);
        drop(inner);
        self.0.held.send_if_modified(|held| {
            let before = held.len();
            held.retain(|_, (holder, _)| *holder != fault);
            held.len() < before
        });
        waited
    }

    /// Waits until a process that was held is let go, or its time is up.
    pub async fn pass(&self, process: u64) {
        let until = |held: &BTreeMap<u64, (u32, Instant)>| held.get(&process).map(|held| held.1);
        let Some(limit) = until(&self.0.held.borrow()) else { return };
        let mut held = self.0.held.subscribe();
        let free = held.wait_for(|held| until(held).is_none());
        // Too long, or the run is over: either way it goes on.
        let _ = timeout_at(limit.into(), free).await;
    }

    /// Looks at what only time tells.
    pub fn look(&self, now: Duration) {
        let mut inner = self.inner();
        if !inner.silent && now.saturating_sub(inner.acknowledged) >= SILENCE {
            inner.silent = true;
        }
        if inner.silent {
            let silent = |waiting: &Waiting| waiting.of_service(ServiceChange::Silent);
            self.see(&mut inner, now, &[], silent);
        }
    }

    /// Takes a line of the log of a node.
    pub fn hear_line(&self, node: &str, line: &str, now: Duration) {
        self.see(&mut self.inner(), now, &[node], |waiting| waiting.of_line(node, line));
    }

    fn hear(&self, event: &RunEvent) {
        match event {
            RunEvent::Operation(event) => self.hear_operation(event),
            RunEvent::Node(event) => self.hear_node(event),
            RunEvent::Fault(event) => self.hear_fault(event),
            RunEvent::Phase(_) | RunEvent::Mark(_) | RunEvent::Note(_) => {}
        }
    }

    fn hear_operation(&self, event: &Event) {
        if event.kind != EventType::Ok {
            return;
        }
        let now = Duration::from_nanos(event.time);
        let mut inner = self.inner();
        let silent = now.saturating_sub(inner.acknowledged) >= SILENCE;
        inner.acknowledged = now;
        inner.silent = false;
        if !self.0.waited_for.load(Ordering::Acquire) {
            return;
        }
        if silent {
            let answers = |waiting: &Waiting| waiting.of_service(ServiceChange::Answering);
            self.see(&mut inner, now, &[], answers);
        }
        let node: Vec<&str> = event.node.iter().map(String::as_str).collect();
        let held = self.see(&mut inner, now, &node, |waiting| waiting.of_operation(event));
        if let (Some((fault, time)), Process::Client(process)) = (held, event.process) {
            let limit = Instant::now() + time;
            self.0.held.send_modify(|held| {
                held.insert(process, (fault, limit));
            });
        }
    }

    fn hear_node(&self, event: &NodeEvent) {
        let now = Duration::from_nanos(event.time);
        let mut inner = self.inner();
        match &event.change {
            NodeChange::Role { role, term, .. } => {
                let old = inner.roles.insert(event.node.clone(), role.clone());
                let new_role = (old.as_ref() != Some(role)).then_some(role.as_str());
                let later = (*term > inner.term).then_some(*term);
                inner.term = inner.term.max(*term);
                let of_role = |waiting: &Waiting| waiting.of_role(&event.node, new_role, later);
                self.see(&mut inner, now, &[&event.node], of_role);
            }
            NodeChange::Exited { .. } => drop(inner.roles.remove(&event.node)),
            _ => {}
        }
    }

    fn hear_fault(&self, event: &FaultEvent) {
        let side = match &event.record.what {
            Happened::Injected(injected) => match injected.outcome {
                Outcome::Skipped { .. } => return,
                _ => Side::Begun,
            },
            Happened::Undone(_) => Side::Ended,
            Happened::Intended(..) | Happened::Stepped(_) => return,
        };
        let (now, fault) = (Duration::from_nanos(event.time), event.record.fault);
        let mut inner = self.inner();
        inner.sides.insert((fault, side));
        self.see(&mut inner, now, &[], |waiting| waiting.of_fault(fault, side));
    }

    /// Takes what an engine saw, which counts by itself.
    fn note_observation(&self, observation: Observation, now: Duration) {
        let mut inner = self.inner();
        let Observation { watch, node, receiver, what, held } = observation;
        let Some(waiting) = inner.waiting.remove(&watch) else { return };
        let kind = waiting.trigger.observed.kind().to_owned();
        let nodes = [node].into();
        let seen = Seen { kind, what, nodes, receiver, applied_after_us: 0, held_us: None };
        inner.tell(Sighted { fault: watch, at: now, after: Duration::ZERO, seen, held });
    }

    /// Counts for every fault that waits for something which `of` puts into words, and tells when
    /// it was the last that was wanting. Returns the fault that holds it, and for how long.
    fn see(
        &self,
        inner: &mut Inner,
        now: Duration,
        nodes: &[&str],
        of: impl Fn(&Waiting) -> Option<String>,
    ) -> Option<(u32, Duration)> {
        if !self.0.waited_for.load(Ordering::Acquire) {
            return None;
        }
        let mut come = Vec::new();
        for (fault, waiting) in &mut inner.waiting {
            if let Some(what) = of(waiting) {
                waiting.left -= 1;
                if waiting.left == 0 {
                    come.push((*fault, what));
                }
            }
        }
        let mut holder = None;
        for (fault, what) in come {
            let Some(Waiting { trigger, .. }) = inner.waiting.remove(&fault) else { continue };
            let after = match trigger.observed {
                Observed::Fault { after: Some(after), .. } => Duration::from_secs_f64(after),
                _ => Duration::ZERO,
            };
            let held = trigger.hold().map(|time| (fault, time));
            let seen = Seen {
                kind: trigger.observed.kind().to_owned(),
                what,
                nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
                receiver: None,
                applied_after_us: 0,
                held_us: None,
            };
            inner.tell(Sighted { fault, at: now, after, seen, held: held.is_some() });
            holder = holder.or(held);
        }
        holder
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing here is half done when a listener elsewhere panics.
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn tell(&self, sighted: Sighted) {
        if let Some(signals) = &self.signals {
            // The thread of the faults is gone when the load is over.
            let _ = signals.send(Signal::Seen(sighted));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use serde_json::json;

    use super::*;

    struct Bench {
        triggers: Triggers,
        signals: Receiver<Signal>,
    }

    impl Bench {
        fn new() -> Self {
            let (signal, signals) = channel();
            let triggers = Triggers::default();
            triggers.tell(Some(signal));
            Self { triggers, signals }
        }

        fn wait(&self, fault: u32, trigger: &str, nodes: &[&str], other: Option<u32>) {
            let trigger: Trigger = toml::from_str(trigger).expect(trigger);
            let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
            self.triggers.wait(fault, &trigger, nodes, other, Duration::ZERO);
        }

        /// The faults whose moment has come, each with what was seen.
        fn come(&self) -> Vec<(u32, String)> {
            let signals = self.signals.try_iter();
            let seen = signals.map(|signal| match signal {
                Signal::Seen(sighted) => (sighted.fault, sighted.seen.what),
                Signal::Stop => panic!("it is not over"),
            });
            seen.collect()
        }

        fn acknowledge(&self, process: u64, node: &str, f: &str, milliseconds: u64) {
            let mut event =
                Event::new(Process::Client(process), EventType::Ok, f, serde_json::Value::Null);
            event.node = Some(node.to_owned());
            event.time = milliseconds * 1_000_000;
            self.triggers.hear(&RunEvent::Operation(event));
        }

        fn role(&self, node: &str, role: &str, term: u64) {
            let change = NodeChange::Role { role: role.to_owned(), term, leader: None };
            self.triggers.hear(&RunEvent::Node(NodeEvent {
                time: 0,
                node: node.to_owned(),
                change,
                at: None,
            }));
        }

        fn fault(&self, fault: u32, stage: &str, outcome: &str) {
            let value = json!({"fault": fault, "stage": stage, "outcome": outcome});
            let record = faults::record::FaultRecord::from_value("kill", false, &value);
            let record = record.expect("a record");
            self.triggers.hear(&RunEvent::Fault(FaultEvent { index: 0, time: 0, record }));
        }
    }

    #[test]
    fn acknowledgements_are_counted_by_kind_and_node() {
        let bench = Bench::new();
        bench.wait(7, "seen = \"acknowledged\"\nf = \"write\"\nnth = 2", &["n1"], None);
        for (node, f) in [("n1", "write"), ("n2", "write"), ("n1", "read")] {
            bench.acknowledge(1, node, f, 1);
        }
        assert_eq!(bench.come(), []);
        // The leader is another by now; what was counted stays counted.
        bench.triggers.move_to(7, ["n2".to_owned()].into());
        bench.acknowledge(1, "n1", "write", 2);
        assert_eq!(bench.come(), []);
        bench.acknowledge(1, "n2", "write", 3);
        assert_eq!(bench.come(), [(7, "acknowledged write".to_owned())]);
        bench.acknowledge(1, "n2", "write", 4);
        assert_eq!(bench.come(), [], "it came once");
    }

    #[tokio::test]
    async fn the_client_whose_answer_was_seen_is_held_until_the_fault_is_applied_and_no_other() {
        let bench = Bench::new();
        bench.wait(7, "seen = \"acknowledged\"\nhold_ms = 60000", &["n1"], None);
        bench.acknowledge(3, "n1", "write", 1);
        bench.triggers.pass(4).await;
        let held = bench.triggers.clone();
        let mut passing = tokio::spawn(async move { held.pass(3).await });
        let early = tokio::time::timeout(Duration::from_millis(20), &mut passing).await;
        assert!(early.is_err(), "it is held");
        assert!(!bench.triggers.give_up(7), "it waits no more");
        passing.await.expect("it was let go");
    }

    #[tokio::test]
    async fn a_hold_ends_by_itself() {
        let bench = Bench::new();
        bench.wait(7, "seen = \"acknowledged\"\nhold_ms = 10", &["n1"], None);
        bench.acknowledge(3, "n1", "write", 1);
        bench.triggers.pass(3).await;
        assert_eq!(bench.come().len(), 1);
    }

    #[test]
    fn a_role_is_seen_when_it_changes_and_a_term_when_it_is_the_latest() {
        let bench = Bench::new();
        bench.role("n1", "leader", 3);
        bench.wait(1, "seen = \"role\"\nrole = \"leader\"", &["n1", "n2"], None);
        bench.wait(2, "seen = \"term\"", &["n1", "n2"], None);
        bench.role("n1", "leader", 3);
        bench.role("n2", "leader", 2);
        assert_eq!(bench.come(), [(1, "becoming leader".to_owned())]);
        bench.role("n3", "follower", 5);
        bench.role("n2", "follower", 5);
        assert_eq!(bench.come(), [], "n3 was first, and is not looked at");
        bench.role("n1", "follower", 6);
        assert_eq!(bench.come(), [(2, "term 6".to_owned())]);
    }

    #[test]
    fn a_fault_is_seen_to_begin_and_end_even_before_it_is_waited_for() {
        let bench = Bench::new();
        let begun = "seen = \"fault\"\nnamed = \"x\"\nis = \"begun\"";
        let ended = "seen = \"fault\"\nnamed = \"x\"\nis = \"ended\"";
        bench.fault(4, "inject", "skipped");
        bench.wait(1, begun, &[], Some(4));
        bench.wait(2, ended, &[], Some(4));
        assert_eq!(bench.come(), []);
        bench.fault(5, "inject", "installed");
        bench.fault(4, "inject", "installed");
        assert_eq!(bench.come(), [(1, "what named x has begun".to_owned())]);
        bench.fault(4, "undo", "installed");
        assert_eq!(bench.come(), [(2, "what named x has ended".to_owned())]);
        bench.wait(3, ended, &[], Some(4));
        assert_eq!(bench.come(), [(3, "what named x has ended".to_owned())]);
    }

    #[test]
    fn the_service_is_silent_after_a_second_and_answers_again() {
        let bench = Bench::new();
        let ms = Duration::from_millis;
        bench.acknowledge(1, "n1", "read", 5000);
        bench.wait(1, "seen = \"service\"\nis = \"silent\"", &[], None);
        bench.wait(2, "seen = \"service\"\nis = \"answering\"", &[], None);
        bench.triggers.look(ms(5999));
        bench.acknowledge(1, "n1", "read", 5999);
        bench.triggers.look(ms(6998));
        assert_eq!(bench.come(), []);
        bench.triggers.look(ms(6999));
        assert_eq!(bench.come(), [(1, "the service is silent".to_owned())]);
        bench.acknowledge(1, "n1", "read", 8000);
        assert_eq!(bench.come(), [(2, "the service answers again".to_owned())]);
    }

    #[test]
    fn a_line_is_seen_at_its_node_where_it_matches() {
        let bench = Bench::new();
        bench.wait(1, "seen = \"log\"\nline = 'elected leader \\d+'", &["n2"], None);
        for (node, line) in [("n1", "elected leader 7"), ("n2", "elected leader x")] {
            bench.triggers.hear_line(node, line, Duration::ZERO);
        }
        assert_eq!(bench.come(), []);
        bench.triggers.hear_line("n2", "raft: elected leader 12", Duration::ZERO);
        assert_eq!(bench.come(), [(1, "line \"raft: elected leader 12\"".to_owned())]);
    }
}
