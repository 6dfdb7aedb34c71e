//! The end of a run that was cut short, read off its history.

use std::collections::{BTreeMap, BTreeSet};

use faults::fault::Family;

use super::{RunHistory, fault_intervals, phases};
use crate::event::{Mark, MarkEvent, Phase};
use crate::summary::{EarlyEnd, EndedEarly, Liveness};

/// The load and the faults of a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planned {
    /// The length of the load, in seconds.
    pub load_seconds: f64,
    /// The family of each fault, by the numbers of the faults.
    pub faults: BTreeMap<u32, Family>,
    /// The families that faults were to be drawn from.
    pub drawn_from: BTreeSet<Family>,
}

/// The end of a run before its plan was carried out. `failed` is the reason that is not on record:
/// the harness failed, or the run was killed. None for a run that went to its end.
pub fn ended_early(
    history: &RunHistory,
    planned: &Planned,
    failed: Option<EarlyEnd>,
) -> Option<EndedEarly> {
    let cut = history.events.iter().filter_map(MarkEvent::of_history).find_map(|event| {
        let Mark::Cut(cause) = event.mark else { return None };
        Some((cause, event.time))
    });
    let cause = failed.or(cut.map(|(cause, _)| cause))?;
    let phases = phases(history);
    let load = phases.iter().find(|phase| phase.phase == Phase::Load);
    let end_of_load = |end: u64| cut.map_or(end, |(_, time)| time.min(end));
    let load_seconds = load.map_or(0.0, |load| {
        let nanoseconds = end_of_load(load.end).saturating_sub(load.start);
        (nanoseconds as f64 / 1e9).min(planned.load_seconds)
    });
    // Checking comes after a failure too.
    let last = match cause {
        EarlyEnd::Contradiction | EarlyEnd::Down | EarlyEnd::Interrupt => Some(Phase::Load),
        EarlyEnd::Kill => phases.last().map(|phase| phase.phase),
        EarlyEnd::Failure => phases.iter().map(|it| it.phase).rfind(|it| *it < Phase::Check),
    };
    let reached: BTreeSet<u32> = fault_intervals(history).iter().map(|fault| fault.fault).collect();
    Some(EndedEarly {
        cause,
        phase: last.unwrap_or(Phase::Setup),
        load_seconds,
        planned_load_seconds: planned.load_seconds,
        planned_faults: planned.faults.len() as u64,
        faults_not_reached: planned.faults.keys().filter(|id| !reached.contains(id)).count() as u64,
    })
}

/// The answer to the question for liveness, if it is on record.
pub fn recorded_liveness(history: &RunHistory) -> Option<Liveness> {
    history.events.iter().filter_map(MarkEvent::of_history).rev().find_map(|event| {
        let Mark::Liveness(liveness) = event.mark else { return None };
        Some(liveness)
    })
}

#[cfg(test)]
mod tests {
    use checker::history::{Event, EventType, Process};
    use serde_json::json;

    use super::*;
    use crate::event::PhaseEvent;

    const SECOND: u64 = 1_000_000_000;

    fn history(events: Vec<Event>) -> RunHistory {
        events.into_iter().collect()
    }

    fn phase(second: u64, phase: Phase) -> Event {
        PhaseEvent { index: 0, time: second * SECOND, phase }.to_history()
    }

    fn mark(second: u64, mark: Mark) -> Event {
        MarkEvent { index: 0, time: second * SECOND, mark }.to_history()
    }

    fn fault(second: u64, number: u32) -> Event {
        let value = json!({"fault": number, "stage": "inject"});
        let event = Event::new(Process::Nemesis, EventType::Info, "kill", value);
        Event { time: second * SECOND, ..event }
    }

    #[test]
    fn a_cut_run_tells_which_share_of_its_plan_there_was() {
        let faults = (1..=4).map(|number| (number, Family::Kill)).collect();
        let planned = Planned { load_seconds: 60.0, faults, ..Planned::default() };
        let mut events = vec![
            phase(0, Phase::Setup),
            phase(2, Phase::Load),
            fault(5, 1),
            mark(25, Mark::Cut(EarlyEnd::Interrupt)),
            phase(26, Phase::Recover),
            phase(27, Phase::Check),
        ];
        let cut = ended_early(&history(events.clone()), &planned, None);
        let expected = EndedEarly {
            cause: EarlyEnd::Interrupt,
            phase: Phase::Load,
            load_seconds: 23.0,
            planned_load_seconds: 60.0,
            planned_faults: 4,
            faults_not_reached: 3,
        };
        assert_eq!(cut, Some(expected.clone()));
        events.truncate(3);
        let killed = ended_early(&history(events.clone()), &planned, Some(EarlyEnd::Kill));
        let expected = EndedEarly { cause: EarlyEnd::Kill, load_seconds: 3.0, ..expected };
        assert_eq!(killed, Some(expected));
        assert_eq!(ended_early(&history(events), &planned, None), None, "it went to its end");
    }

    #[test]
    fn a_run_of_which_nothing_is_left_ended_in_its_setup() {
        let planned = Planned { load_seconds: 60.0, ..Planned::default() };
        let nothing = ended_early(&history(Vec::new()), &planned, Some(EarlyEnd::Kill));
        let nothing = nothing.expect("it was killed");
        assert_eq!((nothing.phase, nothing.load_seconds), (Phase::Setup, 0.0));
    }

    #[test]
    fn a_mark_is_an_event_of_the_controller() {
        let event = mark(1, Mark::Cut(EarlyEnd::Interrupt));
        let line = serde_json::to_string(&event).expect("JSON");
        assert_eq!(
            line,
            r#"{"index":0,"time":1000000000,"process":"controller","type":"info","f":"cut","value":"interrupt"}"#
        );
        let read = MarkEvent::of_history(&event).expect("a mark");
        assert_eq!(read.mark, Mark::Cut(EarlyEnd::Interrupt));
        assert_eq!(MarkEvent::of_history(&phase(1, Phase::Load)), None);
    }
}
