//! The ends of runs that were cut short.

use super::{count, seconds, share};
use crate::event::Phase;
use crate::summary::{EarlyEnd, EndedEarly};
use crate::words::phase;

/// The end in half a sentence: `interrupted after 23.0 s of 60.0 s of load (38.3 %); 3 of 4 planned
/// faults were never reached`.
pub fn ended_early(end: &EndedEarly) -> String {
    let EndedEarly { load_seconds, planned_load_seconds, .. } = *end;
    let planned = seconds(planned_load_seconds);
    let load = if load_seconds >= planned_load_seconds {
        format!("after all of the {planned} of load")
    } else if load_seconds <= 0.0 {
        format!("before any of the {planned} of load")
    } else {
        let milliseconds = |seconds: f64| (seconds * 1e3) as u64;
        let part = share(milliseconds(load_seconds), milliseconds(planned_load_seconds));
        format!("after {} of {planned} of load ({part})", seconds(load_seconds))
    };
    let what = match end.cause {
        EarlyEnd::Contradiction => "stopped early".to_owned(),
        EarlyEnd::Down => "the service was down for good".to_owned(),
        EarlyEnd::Interrupt => "interrupted".to_owned(),
        EarlyEnd::Failure => "the harness failed".to_owned(),
        EarlyEnd::Kill => format!("the run ended early ({})", during(end.phase)),
    };
    let faults = match end.faults_not_reached {
        0 => String::new(),
        some => {
            let all = count(end.planned_faults);
            let were = if some == 1 { "was" } else { "were" };
            format!("; {} of {all} planned faults {were} never reached", count(some))
        }
    };
    format!("{what} {load}{faults}")
}

/// The phase in which something happened.
fn during(cut: Phase) -> String {
    match cut {
        Phase::Setup => "in setup".to_owned(),
        Phase::Load => "under load".to_owned(),
        Phase::FinalReads => "during the final reads".to_owned(),
        other => phase(other).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_is_told_with_the_share_of_its_plan() {
        let cut = EndedEarly {
            cause: EarlyEnd::Interrupt,
            phase: Phase::Load,
            load_seconds: 23.0,
            planned_load_seconds: 60.0,
            planned_faults: 18,
            faults_not_reached: 7,
        };
        let check = |end: &EndedEarly, text: &str| assert_eq!(ended_early(end), text);
        check(
            &cut,
            "interrupted after 23.0 s of 60.0 s of load (38.3 %); 7 of 18 planned faults were never \
             reached",
        );
        let down = EndedEarly { cause: EarlyEnd::Down, ..cut.clone() };
        check(
            &down,
            "the service was down for good after 23.0 s of 60.0 s of load (38.3 %); 7 of 18 planned \
             faults were never reached",
        );
        let killed = EndedEarly { cause: EarlyEnd::Kill, phase: Phase::Converge, ..cut };
        let killed = EndedEarly { load_seconds: 60.0, faults_not_reached: 0, ..killed };
        check(&killed, "the run ended early (converging) after all of the 60.0 s of load");
        let at_once = EndedEarly { phase: Phase::Setup, load_seconds: 0.0, ..killed };
        let at_once = EndedEarly { planned_faults: 1, faults_not_reached: 1, ..at_once };
        check(
            &at_once,
            "the run ended early (in setup) before any of the 60.0 s of load; 1 of 1 planned faults \
             was never reached",
        );
    }
}
