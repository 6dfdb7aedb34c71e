//! Service that is owed while faults last, not only once they are undone: wherever a majority of
//! nodes is up, none of them is disturbed and all hear each other, a consensus service promises to
//! answer clients that reach them, no matter what becomes of the others (Raft's pre-vote and
//! check-quorum are there for that: thesis, §6.2 and §9.6).
//!
//! It is asked for only of targets that promise it, and only where nothing else is on: a slow disk, a
//! wrong clock or a lossy link suspends it wherever it is, since what they slow down may still lead.

use std::collections::BTreeMap;
use std::time::Duration;

use checker::history::{EventType, REFUTED};
use checker::verdict::Verdict;
use faults::fault::Family;
use results::event::Phase;
use results::metrics::{
    FaultInterval, RunHistory, RunOperation, Stretch, free_of, majorities, parts, phases,
};
use results::summary::Liveness;

use super::liveness::blame;
use crate::plan::Plan;
use crate::targets::Target;

/// Smaller clusters have no majority without each of their nodes.
const FEWEST_NODES: usize = 3;

/// So many attempts in vain show that clients reached the majority, and asked it for this.
const ATTEMPTS: usize = 3;

/// The promise of a target to serve while faults last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owed {
    /// The nodes of the cluster.
    pub nodes: Vec<String>,
    /// The number of the first ones that found it: of the others it is not known when they vote.
    pub founders: usize,
    /// The time within which each kind of operation is answered.
    pub within: Duration,
}

/// A stretch in which service was owed and did not come.
#[derive(Debug, PartialEq, Eq)]
struct Unserved<'a> {
    kind: &'a str,
    stretch: Stretch,
    majority: Vec<&'a str>,
}

impl Owed {
    /// The promise of a target for the nodes of a plan; none if it makes none.
    pub fn of(plan: &Plan, target: &dyn Target) -> Option<Owed> {
        let within = target.serves_within()?;
        let (nodes, founders) = (plan.node_names(), plan.nodes - target.spare());
        Some(Owed { nodes, founders, within })
    }

    /// The liveness of a run, if the promise is taken into account.
    pub fn judge(
        &self,
        history: &RunHistory,
        faults: &[FaultInterval],
        liveness: Liveness,
    ) -> Liveness {
        if liveness.verdict == Verdict::Invalid {
            return liveness;
        }
        let Some(unserved) = self.broken(history, faults) else { return liveness };
        let (from, to) = unserved.stretch;
        let seconds = |time: u64| time as f64 / 1e9;
        let on = faults.iter().filter(|fault| fault.overlaps(from, to));
        let on: Vec<String> = on.map(|fault| format!("“{}”", fault.name)).collect();
        let while_on = match &on[..] {
            [] => String::new(),
            on => format!(" during {}", on.join(" and ")),
        };
        let broken = format!(
            "no {} was answered from {:.1} s to {:.1} s{while_on}, though {} were up and heard each \
             other: the service is owed within {:.1} s",
            unserved.kind,
            seconds(from),
            seconds(to),
            unserved.majority.join(", "),
            self.within.as_secs_f64(),
        );
        let lateness = Duration::from_secs_f64(liveness.load_lateness_seconds);
        let (verdict, sentence) = blame(broken, lateness, false);
        Liveness { verdict, sentence, ..liveness }
    }

    /// The first stretch in which the promise was broken.
    fn broken<'a>(
        &'a self,
        history: &'a RunHistory,
        faults: &[FaultInterval],
    ) -> Option<Unserved<'a>> {
        let load = phases(history).into_iter().find(|phase| phase.phase == Phase::Load)?;
        let within = self.within.as_nanos() as u64;
        if self.nodes.len() < FEWEST_NODES {
            return None;
        }
        let found = |node: &&str| self.nodes[..self.founders].iter().any(|it| it == node);
        let mut majorities = majorities(&self.nodes);
        majorities.retain(|majority| majority.iter().all(&found));
        let mut broken: Vec<Unserved<'a>> = Vec::new();
        for (kind, answers) in answers(history) {
            for gap in gaps(answers, (load.start, load.end), within) {
                let owed = majorities.iter().find_map(|majority| {
                    let owed = free_of(gap, faults, |fault| hinders(fault, majority));
                    let owed = owed.into_iter().find(|(from, to)| to - from > within)?;
                    asked(history, kind, owed, majority).then(|| (owed, majority.clone()))
                });
                if let Some((stretch, majority)) = owed {
                    broken.push(Unserved { kind, stretch, majority });
                }
            }
        }
        broken.into_iter().min_by_key(|unserved| unserved.stretch)
    }
}

/// When operations of each kind were answered. A kind that never was may be impossible; that is for
/// coverage to say.
fn answers(history: &RunHistory) -> BTreeMap<&str, Vec<u64>> {
    let said_no = |it: &RunOperation<'_>| it.error().is_some_and(|error| REFUTED.contains(&error));
    let mut answers: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for operation in history.operations.iter() {
        if let Some(end) = operation.end()
            && (operation.outcome() == EventType::Ok || said_no(&operation))
        {
            answers.entry(operation.f()).or_default().push(end);
        }
    }
    answers
}

/// The stretches of the load, longer than `within`, in which nothing was answered.
fn gaps(mut answers: Vec<u64>, (from, to): Stretch, within: u64) -> Vec<Stretch> {
    answers.retain(|time| (from..=to).contains(time));
    answers.extend([from, to]);
    answers.sort_unstable();
    let pairs = answers.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.filter(|(from, to)| to - from > within).collect()
}

/// True if `nodes` owe nothing while the fault is on.
fn hinders(fault: &FaultInterval, nodes: &[&str]) -> bool {
    // Of one that changes while it lasts, the nodes that it hits are not known for each moment.
    if !fault.steps.is_empty() {
        return true;
    }
    match fault.family {
        // Of the nodes without the one that leaves or learns, a majority of all is one as well.
        Family::Kill | Family::Pause | Family::Power | Family::Stop | Family::Membership => {
            fault.nodes.iter().any(|node| nodes.contains(&node.as_str()))
        }
        Family::Partition => parts(fault, nodes),
        // A hand-over ends within an election, or is given up.
        Family::Leadership => false,
        _ => true,
    }
}

/// True if clients asked the majority for this, in the second half of the stretch as well.
fn asked(history: &RunHistory, kind: &str, (from, to): Stretch, majority: &[&str]) -> bool {
    let half = from + (to - from) / 2;
    let operations = history.operations.iter().filter(|operation| operation.f() == kind);
    let attempts = operations.flat_map(RunOperation::attempts);
    let in_vain =
        attempts.filter(|it| (half..to).contains(&it.start) && majority.contains(&it.node));
    in_vain.take(ATTEMPTS).count() == ATTEMPTS
}

#[cfg(test)]
mod tests {
    use checker::history::{Attempt, Event, Process};
    use results::metrics::fault_intervals;
    use serde_json::json;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn phase(time: u64, phase: &str) -> Event {
        let event = Event::new(Process::Controller, EventType::Info, "phase", json!(phase));
        Event { time: time * SECOND, ..event }
    }

    /// A fault of a family from one second to another.
    fn fault(
        family: &str,
        name: &str,
        (from, to): (u64, u64),
        state: serde_json::Value,
    ) -> [Event; 4] {
        let event = |time: u64, kind, stage: &str, outcome: Option<&str>| {
            let mut value = json!({"fault": 1, "stage": stage, "name": name, "nodes": ["n1"]});
            let fields = value.as_object_mut().expect("it is one");
            fields.extend(state.as_object().expect("it is one").clone());
            if let Some(outcome) = outcome {
                fields.insert("outcome".into(), outcome.into());
                fields.insert("effect".into(), json!({}));
            }
            Event { time: time * SECOND, ..Event::new(Process::Nemesis, kind, family, value) }
        };
        [
            event(from, EventType::Invoke, "inject", None),
            event(from, EventType::Info, "inject", Some("installed")),
            event(to, EventType::Invoke, "undo", None),
            event(to, EventType::Info, "undo", Some("installed")),
        ]
    }

    /// A load of 60 s in which a client writes every second, and is answered but for one stretch.
    fn run(silent: (u64, u64), faults: &[Event]) -> RunHistory {
        let mut events = vec![phase(0, "load"), phase(60, "recover")];
        for second in 1..60 {
            let write = |time, kind| {
                let event = Event::new(Process::Client(0), kind, "write", json!(1));
                Event { time, ..event }
            };
            let time = second * SECOND;
            let answered = !(silent.0..silent.1).contains(&second);
            let end = if answered { EventType::Ok } else { EventType::Fail };
            let error = (!answered).then(|| "not_leader".to_owned());
            let tries = ["n2", "n3"].map(|node| Attempt {
                node: node.into(),
                start: time + 1,
                end: time + 2,
                error: error.clone(),
                definite: Some(true),
            });
            events.push(write(time, EventType::Invoke));
            events.push(Event {
                error: error.clone(),
                attempts: tries.into(),
                ..write(time + 3, end)
            });
        }
        events.extend_from_slice(faults);
        events.sort_by_key(|event| event.time);
        events.into_iter().collect()
    }

    fn judged(history: &RunHistory, late: f64) -> (Verdict, String) {
        judged_of(3, history, late)
    }

    /// The same of a cluster that only the first nodes found.
    fn judged_of(founders: usize, history: &RunHistory, late: f64) -> (Verdict, String) {
        let nodes = ["n1", "n2", "n3"].map(str::to_owned).into();
        let owed = Owed { nodes, founders, within: Duration::from_secs(6) };
        let liveness = Liveness {
            verdict: Verdict::Valid,
            sentence: "healed".to_owned(),
            recovery_seconds: None,
            probe_lateness_seconds: 0.0,
            load_lateness_seconds: late,
            degree: None,
            nodes: Vec::new(),
        };
        let judged = owed.judge(history, &fault_intervals(history), liveness);
        (judged.verdict, judged.sentence)
    }

    const INTO_N1: &str = "partition, cut every link into the leader (n1)";

    fn into_n1(from: u64, to: u64) -> [Event; 4] {
        fault("partition", INTO_N1, (from, to), json!({"grudge": {"n1": ["n2", "n3"]}}))
    }

    #[test]
    fn a_majority_that_hears_itself_owes_service() {
        let (verdict, sentence) = judged(&run((20, 30), &into_n1(20, 31)), 0.01);
        assert_eq!(verdict, Verdict::Invalid);
        assert_eq!(
            sentence,
            "no write was answered from 19.0 s to 30.0 s during “partition, cut every link into the \
             leader (n1)”, though n2, n3 were up and heard each other: the service is owed within 6.0 s"
        );
        let (verdict, sentence) = judged(&run((20, 30), &into_n1(20, 31)), 1.5);
        assert_eq!(verdict, Verdict::Unknown);
        assert!(sentence.ends_with("this machine was starved, so the cluster cannot be blamed"));
    }

    #[test]
    fn it_is_owed_within_its_time_and_only_to_who_asks_and_only_by_who_can() {
        let check = |silent, faults: &[Event]| {
            assert_eq!(judged(&run(silent, faults), 0.0), (Verdict::Valid, "healed".to_owned()));
        };
        // An election takes its time, and so does one after another.
        check((20, 25), &into_n1(20, 31));
        // In no part of the silence had the others been up for so long.
        let killed = fault("kill", "kill", (24, 26), json!({"kill": ["n2"]}));
        let killed = killed.map(|mut event| {
            event.value["nodes"] = json!(["n2"]);
            event.value["fault"] = json!(2);
            event
        });
        check((20, 31), &[into_n1(20, 31), killed].concat());
        // What is slow somewhere may still lead.
        let slow = json!({"disks": {"n1": {"fsync": {"delay_ms": 500.0}}}});
        check((20, 30), &fault("disk", "slow", (20, 31), slow));
        // Who was damaged may stay down for good, and rightly so.
        let damage = json!({"nodes": ["n3"], "damage": "bit-flip", "seed": 1});
        check((20, 30), &fault("corruption", "flip a bit", (15, 16), json!({"corrupt": damage})));
        // No client may reach the leader, which is not deposed for that.
        let clients = json!({"grudge": {"n1": ["clients"]}});
        check((20, 30), &fault("partition", "clients", (20, 31), clients));
        // All links between n2 and n3 one way, and n1 alone: no two hear each other.
        let ring = json!({"grudge": {"n1": ["n2", "n3"], "n2": ["n3"]}});
        check((20, 30), &fault("partition", "ring", (20, 31), ring));
    }

    #[test]
    fn who_votes_all_the_time_owes_it_while_others_leave_or_join() {
        let change = json!({"membership": {"nodes": ["n1"], "change": "remove"}});
        let history = run((20, 30), &fault("membership", "remove n1", (20, 31), change));
        let (verdict, sentence) = judged(&history, 0.0);
        assert_eq!(verdict, Verdict::Invalid);
        assert!(sentence.contains("though n2, n3 were up"), "{sentence}");
        // Since when n3 votes is not known, and n1 does not all the time.
        assert_eq!(judged_of(2, &history, 0.0), (Verdict::Valid, "healed".to_owned()));
    }

    #[test]
    fn without_any_fault_it_is_owed_as_well() {
        let (verdict, sentence) = judged(&run((20, 30), &[]), 0.0);
        assert_eq!(verdict, Verdict::Invalid);
        assert!(sentence.contains("from 19.0 s to 30.0 s, though n1, n2 were up"), "{sentence}");
    }
}
