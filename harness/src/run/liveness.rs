//! The judgement of liveness: from what the healed cluster did, and when, to a verdict.

use std::time::Duration;

use checker::history::EventType;
use checker::verdict::Verdict;
use results::event::Phase;
use results::metrics::{RunHistory, fault_intervals, phases};
use results::summary::{Degree, NodeAtEnd, STARVED};

use crate::targets::NodeStatus;

/// The reaction of a healed cluster to the demand that it serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The part that it did not do by the time that it was given up, such as `no write through n1
    /// succeeded`; none if it did everything.
    pub broken: Option<String>,
    /// The time until it had done everything, or was given up.
    pub took: Duration,
    /// The greatest lateness of the controller itself meanwhile.
    pub lateness: Duration,
}

impl Reaction {
    /// The verdict and its sentence. `done` is what the cluster did if it did everything, such as
    /// `every node served again`. The limit is a limit: what was done later is not done.
    pub fn judge(&self, done: &str, limit: Duration) -> (Verdict, String) {
        let Reaction { broken, took, lateness } = self;
        let over = took.saturating_sub(limit);
        let (what, starved) = match broken {
            None if over.is_zero() => {
                let seconds = took.as_secs_f64();
                return (Verdict::Valid, format!("healed, {done} within {seconds:.2} s"));
            }
            None => {
                let (took, limit) = (words(*took), words(limit));
                (format!("{done} only after {took} instead of within {limit}"), *lateness >= over)
            }
            Some(broken) => (format!("{broken} within {}", words(limit)), false),
        };
        blame(format!("healed, {what}"), *lateness, starved)
    }
}

/// The verdict of a cluster that did not do what it owed, and its sentence: Invalid, unless this
/// machine had no time for it, as is known or as the lateness of the controller says.
pub(crate) fn blame(what: String, lateness: Duration, starved: bool) -> (Verdict, String) {
    if !starved && lateness <= STARVED {
        return (Verdict::Invalid, what);
    }
    let lateness = words(lateness);
    let sentence = format!(
        "{what}, but the controller itself was {lateness} late: this machine was starved, so the \
         cluster cannot be blamed"
    );
    (Verdict::Unknown, sentence)
}

/// The effort that it took, as it continues the sentence about a cluster that did not serve.
pub fn degree_in_words(degree: Degree) -> &'static str {
    match degree {
        Degree::ByItself => "; it served again by itself",
        Degree::AfterRestart => "; it served again only after its processes had been restarted",
        Degree::NotEvenThen => "; it did not serve even after its processes had been restarted",
    }
}

/// A pause in service that is longer than any single operation takes to be given up.
const SILENCE: u64 = 5_000_000_000;

/// The fault that led to a cluster which does not serve in the end, as it continues the sentence
/// about that: the one that was on when the last operation of the load succeeded, if the load went
/// on in vain for long, and else the last one. None if there was no fault.
pub fn led_there(history: &RunHistory) -> Option<String> {
    let phases = phases(history);
    let load = phases.iter().find(|phase| phase.phase == Phase::Load)?;
    let faults = fault_intervals(history);
    let attempted = || faults.iter().filter(|fault| fault.was_attempted());
    let oks = history.operations.iter().filter(|it| it.outcome() == EventType::Ok);
    let succeeded = oks.filter_map(|operation| operation.end());
    let last_success = succeeded.filter(|time| *time <= load.end).max().unwrap_or(load.start);
    let seconds = |time: u64| format!("{:.1} s", time as f64 / 1e9);
    if load.end.saturating_sub(last_success) > SILENCE {
        let on = attempted().filter(|fault| fault.start <= last_success);
        let fault = on.max_by_key(|fault| fault.start).or_else(|| attempted().next())?;
        let state = match fault.overlaps(last_success, last_success) {
            true => "with",
            false => "after",
        };
        let last_success = seconds(last_success);
        return Some(format!(
            "; no operation succeeded after {last_success}, {state} “{}”",
            fault.name
        ));
    }
    let last = attempted().max_by_key(|fault| fault.start)?;
    Some(format!("; the last fault was “{}”, from {} on", last.name, seconds(last.start)))
}

/// A length of time to the millisecond, without zeros behind it: `30 s`, `1.25 s`, `0.036 s`.
fn words(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 1e3).round() / 1e3)
}

/// The last answer of each node, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(pub Vec<(String, Option<NodeStatus>)>);

impl Answers {
    /// The answer of all nodes, if they say the same: who leads in which term or, where it cannot be
    /// known who leads, that they answer.
    pub fn agreed(&self, knows_leader: bool) -> Option<NodeStatus> {
        let (_, first) = self.0.first()?;
        let first = first.clone()?;
        let agreed = self.0.iter().all(|(_, answer)| answer.as_ref() == Some(&first));
        (agreed && (first.leader.is_some() || !knows_leader)).then_some(first)
    }

    /// The same as if all had been given in the highest term of any.
    pub fn in_the_highest_term(mut self) -> Answers {
        let terms = self.0.iter().filter_map(|(_, answer)| Some(answer.as_ref()?.term));
        let highest = terms.max().unwrap_or_default();
        self.0.iter_mut().filter_map(|(_, it)| it.as_mut()).for_each(|it| it.term = highest);
        self
    }

    /// The reason for which they do not agree.
    pub fn disagreement(&self, knows_leader: bool) -> &'static str {
        let answered = || self.0.iter().filter_map(|(_, answer)| answer.as_ref());
        let mut leaders: Vec<_> = answered().map(|answer| &answer.leader).collect();
        leaders.dedup();
        if answered().count() < self.0.len() {
            "not every node answered"
        } else if knows_leader && matches!(leaders[..], [Some(_)]) {
            "the nodes named one leader, but in different terms"
        } else {
            "the nodes did not agree on one leader"
        }
    }

    /// The same as a report shows it.
    pub fn nodes(&self, knows_leader: bool) -> Vec<NodeAtEnd> {
        let node = |(node, answer): &(String, Option<NodeStatus>)| NodeAtEnd {
            node: node.clone(),
            answer: Some(in_words(node, answer.as_ref(), knows_leader)),
            logs: Vec::new(),
        };
        self.0.iter().map(node).collect()
    }
}

/// The answer of a node to the question who leads.
fn in_words(node: &str, answer: Option<&NodeStatus>, knows_leader: bool) -> String {
    match answer {
        None => "did not answer".to_owned(),
        Some(_) if !knows_leader => "answered".to_owned(),
        Some(NodeStatus { leader: None, term }) => format!("knew no leader in term {term}"),
        Some(NodeStatus { leader: Some(leader), term }) if leader == node => {
            format!("said that it leads in term {term}")
        }
        Some(NodeStatus { leader: Some(leader), term }) => {
            format!("named {leader} as the leader in term {term}")
        }
    }
}

#[cfg(test)]
mod tests {
    use checker::history::{Event, Process};
    use serde_json::json;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[track_caller]
    fn check(reaction: (Option<&str>, u64, u64), limit: u64, verdict: Verdict, sentence: &str) {
        let (broken, took, lateness) = reaction;
        let broken = broken.map(str::to_owned);
        let reaction = Reaction { broken, took: MS(took), lateness: MS(lateness) };
        let judged = reaction.judge("every node served again", MS(limit));
        assert_eq!((judged.0, judged.1.as_str()), (verdict, sentence));
    }

    #[test]
    fn a_limit_is_a_limit() {
        let (valid, invalid) = (Verdict::Valid, Verdict::Invalid);
        check((None, 1_310, 4), 30_000, valid, "healed, every node served again within 1.31 s");
        check(
            (None, 36, 0),
            1,
            invalid,
            "healed, every node served again only after 0.036 s instead of within 0.001 s",
        );
        check((None, 1, 0), 1, valid, "healed, every node served again within 0.00 s");
        let no_write = Some("no write through n1 succeeded");
        let sentence = "healed, no write through n1 succeeded within 30 s";
        check((no_write, 31_000, 4), 30_000, invalid, sentence);
    }

    #[test]
    fn a_controller_that_was_late_itself_blames_no_cluster() {
        let unknown = Verdict::Unknown;
        check(
            (None, 36, 35),
            1,
            unknown,
            "healed, every node served again only after 0.036 s instead of within 0.001 s, but the \
             controller itself was 0.035 s late: this machine was starved, so the cluster cannot be \
             blamed",
        );
        check(
            (None, 36, 34),
            1,
            Verdict::Invalid,
            "healed, every node served again only after 0.036 s instead of within 0.001 s",
        );
        check(
            (Some("not every node answered"), 31_000, 1_500),
            30_000,
            unknown,
            "healed, not every node answered within 30 s, but the controller itself was 1.5 s late: \
             this machine was starved, so the cluster cannot be blamed",
        );
    }

    #[test]
    fn the_fault_that_led_to_silence_is_named() {
        let at = |second: u64, event: Event| Event { time: second * 1_000_000_000, ..event };
        let phase = |second: u64, phase| {
            results::event::PhaseEvent { index: 0, time: second * 1_000_000_000, phase }
                .to_history()
        };
        let fault = |second, number: u32, name: &str, stage: &str| {
            let value = json!({
                "fault": number, "stage": stage, "name": name, "outcome": "installed"
            });
            at(second, Event::new(Process::Nemesis, EventType::Info, "kill", value))
        };
        let read =
            |second, kind| at(second, Event::new(Process::Client(1), kind, "read", json!(1)));
        let check = |last_success, expect: &str| {
            let events = vec![
                phase(0, Phase::Load),
                fault(3, 1, "kill n1", "inject"),
                fault(5, 1, "kill n1", "undo"),
                fault(20, 2, "pause n2", "inject"),
                fault(21, 2, "pause n2", "undo"),
                read(last_success, EventType::Invoke),
                read(last_success, EventType::Ok),
                phase(30, Phase::Recover),
            ];
            assert_eq!(led_there(&events.into_iter().collect()).as_deref(), Some(expect));
        };
        check(4, "; no operation succeeded after 4.0 s, with “kill n1”");
        check(12, "; no operation succeeded after 12.0 s, after “kill n1”");
        check(29, "; the last fault was “pause n2”, from 20.0 s on");
        assert_eq!(led_there(&[phase(0, Phase::Load)].into_iter().collect()), None);
    }

    fn answers(of: &[Option<(Option<&str>, u64)>]) -> Answers {
        let status = |(leader, term): (Option<&str>, u64)| NodeStatus {
            leader: leader.map(str::to_owned),
            term,
        };
        let named = of.iter().zip(1..).map(|(it, number)| (format!("n{number}"), it.map(status)));
        Answers(named.collect())
    }

    #[test]
    fn nodes_agree_when_they_name_one_leader_in_one_term() {
        let same = answers(&[Some((Some("n2"), 4)), Some((Some("n2"), 4))]);
        assert_eq!(same.agreed(true).and_then(|status| status.leader).as_deref(), Some("n2"));
        let terms = answers(&[Some((Some("n2"), 4)), Some((Some("n2"), 5))]);
        assert_eq!(terms.agreed(true), None);
        let agreed = terms.clone().in_the_highest_term().agreed(true).expect("on one leader");
        assert_eq!((agreed.leader.as_deref(), agreed.term), (Some("n2"), 5));
        assert_eq!(terms.disagreement(true), "the nodes named one leader, but in different terms");
        let shown = terms.nodes(true).into_iter().filter_map(|node| node.answer);
        let shown: Vec<String> = shown.collect();
        assert_eq!(shown, ["named n2 as the leader in term 4", "said that it leads in term 5"]);
        let nobody = answers(&[Some((None, 4)), Some((None, 4))]);
        assert_eq!(nobody.disagreement(true), "the nodes did not agree on one leader");
        assert!(nobody.agreed(true).is_none() && nobody.agreed(false).is_some());
        assert_eq!(
            answers(&[Some((None, 1)), None]).disagreement(false),
            "not every node answered"
        );
    }
}
