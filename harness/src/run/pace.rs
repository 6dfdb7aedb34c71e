//! The pace of a run: the share of its load in which the service served, and the faults that came
//! too late. What strikes while nothing is served tests nothing, and a composition is only what it
//! says when its offsets hold.

use checker::history::EventType;
use results::event::Phase;
use results::metrics::{FaultInterval, RunHistory, phases};

/// The share of faults that may be late on a machine that has other things to do.
const LATE_SHARE: f64 = 0.1;

/// The figures of a run, one sentence each: the share of time with service always, the rest where
/// there is something to say. A fault was late that came more than `limit_ms` after its time.
pub(super) fn notes(history: &RunHistory, faults: &[FaultInterval], limit_ms: u64) -> Vec<String> {
    [served(history), late(faults, limit_ms), waited(faults)].into_iter().flatten().collect()
}

/// In how many seconds of the load at least one operation succeeded.
fn served(history: &RunHistory) -> Option<String> {
    const SECOND: u64 = 1_000_000_000;
    let load = phases(history).into_iter().find(|interval| interval.phase == Phase::Load)?;
    let seconds = ((load.end - load.start) / SECOND) as usize;
    if seconds == 0 {
        return None;
    }
    let mut served = vec![false; seconds];
    let oks = history.operations.iter().filter(|operation| operation.outcome() == EventType::Ok);
    for end in oks.filter_map(|operation| operation.end()) {
        let second = end.checked_sub(load.start).map(|time| (time / SECOND) as usize);
        if let Some(served) = second.and_then(|second| served.get_mut(second)) {
            *served = true;
        }
    }
    let count = served.into_iter().filter(|served| *served).count();
    let percent = 100 * count / seconds;
    Some(format!("operations succeeded in {count} of {seconds} s of load ({percent} %)"))
}

fn late(faults: &[FaultInterval], limit_ms: u64) -> Option<String> {
    let times = faults.iter().filter_map(|fault| fault.facts.as_ref());
    let times: Vec<u64> = times.filter(|it| it.planned_ms.is_some()).map(|it| it.late_ms).collect();
    let late = times.iter().filter(|late| **late > limit_ms).count();
    let most = times.iter().max()?;
    (late as f64 > LATE_SHARE * times.len() as f64).then(|| {
        format!(
            "{late} of {} faults came more than {limit_ms} ms after their time, one {:.1} s: this \
             machine is too busy for what the plan means",
            times.len(),
            *most as f64 / 1e3
        )
    })
}

fn waited(faults: &[FaultInterval]) -> Option<String> {
    let waited = faults.iter().filter_map(|fault| Some(fault.facts.as_ref()?.waited_ms)).max()?;
    (waited > 0).then(|| {
        let seconds = waited as f64 / 1e3;
        format!("faults waited {seconds:.1} s in all for the service to answer again")
    })
}

#[cfg(test)]
mod tests {
    use checker::history::{Event, Process};
    use results::metrics::fault_intervals;
    use serde_json::json;

    use super::*;

    fn event(
        process: Process,
        kind: EventType,
        f: &str,
        value: serde_json::Value,
        ms: u64,
    ) -> Event {
        Event { time: ms * 1_000_000, ..Event::new(process, kind, f, value) }
    }

    #[test]
    fn the_share_of_time_with_service_counts_seconds_of_load() {
        let phase =
            |name: &str, ms| event(Process::Controller, EventType::Info, "phase", json!(name), ms);
        let read = |kind, ms| {
            let client = |kind| event(Process::Client(1), kind, "read", json!(1), ms);
            [client(EventType::Invoke), client(kind)]
        };
        let ok = |ms| read(EventType::Ok, ms);
        // The first is before the load, two are in its first second, one in its fourth.
        let mut events = vec![phase("setup", 0)];
        events.extend(ok(500));
        events.push(phase("load", 1000));
        events.extend([ok(1100), ok(1900), read(EventType::Fail, 4100), ok(4500)].concat());
        events.push(phase("recover", 6000));
        events.extend(ok(6100));
        let notes = notes(&events.into_iter().collect(), &[], 100);
        assert_eq!(notes, ["operations succeeded in 2 of 5 s of load (40 %)"]);
    }

    #[test]
    fn faults_are_told_as_late_when_more_than_a_tenth_is() {
        let notes_of = |late: &[u64], limit_ms| {
            let fault = |(number, late): (usize, &u64)| {
                let facts = json!({"planned_ms": 5000, "late_ms": late, "waited_ms": 2500});
                let value = json!({"fault": number, "stage": "inject", "outcome": "installed",
                                   "facts": facts});
                Event::new(Process::Nemesis, EventType::Info, "kill", value)
            };
            let intervals = fault_intervals(&late.iter().enumerate().map(fault).collect());
            notes(&RunHistory::default(), &intervals, limit_ms)
        };
        let waited = "faults waited 2.5 s in all for the service to answer again";
        assert_eq!(notes_of(&[0, 3, 99, 2, 5, 8, 13, 1, 1, 2600], 100), [waited]);
        let late = "2 of 10 faults came more than 100 ms after their time, one 2.6 s: this machine is \
                    too busy for what the plan means";
        assert_eq!(notes_of(&[0, 3, 101, 2, 5, 8, 13, 1, 1, 2600], 100), [late, waited]);
        // An election of that service takes longer.
        assert_eq!(notes_of(&[0, 3, 101, 2, 5, 8, 13, 1, 1, 2600], 800), [waited]);
    }
}
