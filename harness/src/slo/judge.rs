//! The judgement of a run by promises of availability.

use std::time::Duration;

use checker::verdict::Verdict;
use results::availability::{Availability, FaultService, PromiseResult, percentile};
use results::words::counted;

use super::promise::{Figure, Promise};
use crate::run::blame;

/// The value that a limit is about.
struct Measured {
    value: f64,
    /// The fault that shows it, where one does.
    by: Option<String>,
    /// The faults that it was measured on; none of a whole run.
    faults: usize,
}

/// The availability of a run whose figures these are, with a verdict if there are promises. The
/// controller was late by so much under load: if by too much, no service is blamed.
pub(crate) fn judge(
    figures: Availability,
    promises: &[Promise],
    lateness: Duration,
) -> Availability {
    if promises.is_empty() {
        return figures;
    }
    let results: Vec<PromiseResult> =
        promises.iter().map(|promise| result(&figures, promise, lateness)).collect();
    let tested: Vec<&PromiseResult> = results.iter().filter(|it| it.verdict.is_some()).collect();
    let worst = tested.iter().filter_map(|it| it.verdict).max();
    let sentence = match worst {
        None => {
            "no promise of availability was put to the test: no fault that one is about hit while \
                 or after which service was owed"
                .to_owned()
        }
        Some(Verdict::Valid) => {
            format!("{} of availability kept", counted(tested.len() as u64, "promise"))
        }
        Some(worst) => {
            let bad = tested.iter().filter(|it| it.verdict == Some(worst));
            bad.map(|it| it.sentence.as_str()).collect::<Vec<_>>().join("; ")
        }
    };
    Availability {
        verdict: Some(worst.unwrap_or(Verdict::Unknown)),
        sentence: Some(sentence),
        promises: results,
        ..figures
    }
}

fn result(figures: &Availability, promise: &Promise, lateness: Duration) -> PromiseResult {
    let (mut broken, mut kept) = (Vec::new(), Vec::new());
    for (&figure, &limit) in &promise.limits {
        let Some(measured) = measure(figures, promise, figure) else { continue };
        let Measured { value, by, faults } = measured;
        let (bound, breaks) = match figure {
            Figure::Served => ("at least", value < limit),
            _ => ("at most", value > limit),
        };
        let value = figure.shown(value);
        let by = by.map(|by| format!(" ({by})")).unwrap_or_default();
        let over = match faults {
            0 => String::new(),
            faults => format!(" over {}", counted(faults as u64, "fault")),
        };
        let limit = figure.value(limit);
        let words = figure.words();
        match breaks {
            true => broken.push(format!("{words}{over} was {value}{by}, promised {bound} {limit}")),
            false => kept.push(format!("{words}{over} was {value}, promised {bound} {limit}")),
        }
    }
    let (verdict, sentence) = match (broken.is_empty(), kept.is_empty()) {
        (false, _) => {
            let (verdict, sentence) = blame(broken.join(", "), lateness, false);
            (Some(verdict), sentence)
        }
        (true, false) => (Some(Verdict::Valid), kept.join(", ")),
        (true, true) => (None, "not put to the test".to_owned()),
    };
    PromiseResult { promise: promise.to_string(), verdict, sentence }
}

/// The figure over the faults that the promise is about; none if there is none to measure it on.
fn measure(figures: &Availability, promise: &Promise, figure: Figure) -> Option<Measured> {
    let faults: Vec<&FaultService> =
        figures.faults.iter().filter(|fault| promise.is_about(fault)).collect();
    let share = |part: u64| {
        let ended: u64 = faults.iter().map(|fault| fault.ended).sum();
        let value = (ended > 0).then(|| part as f64 / ended as f64)?;
        Some(Measured { value, by: None, faults: faults.len() })
    };
    match figure {
        Figure::RecoveryMedian => of_recoveries(&faults, 50),
        Figure::RecoveryP99 => of_recoveries(&faults, 99),
        Figure::RecoveryMax => of_recoveries(&faults, 100),
        Figure::Unserved => {
            let owed = faults.iter().filter(|fault| fault.recovery_seconds.is_some());
            slowest(owed.map(|fault| (fault.unserved_seconds, *fault)))
        }
        Figure::Election => {
            slowest(faults.iter().filter_map(|fault| Some((fault.election_seconds?, *fault))))
        }
        Figure::Failed => share(faults.iter().map(|fault| fault.failed).sum()),
        Figure::Unknown => share(faults.iter().map(|fault| fault.unknown).sum()),
        Figure::Served => (figures.owed_seconds > 0.0).then(|| {
            let value = 1.0 - figures.unserved_seconds / figures.owed_seconds;
            Measured { value, by: None, faults: 0 }
        }),
    }
}

/// The time to recovery that so many of a hundred do not exceed. One whose end was not seen took
/// longer than any that was as long.
fn of_recoveries(faults: &[&FaultService], percent: usize) -> Option<Measured> {
    let times = faults.iter().filter_map(|fault| Some((fault.recovery_seconds?, *fault)));
    let mut times: Vec<(f64, &FaultService)> = times.collect();
    times.sort_by(|one, other| one.0.total_cmp(&other.0));
    let values: Vec<f64> = times.iter().map(|(time, _)| *time).collect();
    let value = percentile(&values, percent)?;
    let shown = times.iter().find(|(time, _)| *time == value).map(|(_, fault)| *fault);
    Some(Measured { value, by: shown.map(told), faults: times.len() })
}

fn slowest<'a>(times: impl Iterator<Item = (f64, &'a FaultService)>) -> Option<Measured> {
    let times: Vec<(f64, &FaultService)> = times.collect();
    let &(value, fault) = times.iter().max_by(|one, other| one.0.total_cmp(&other.0))?;
    Some(Measured { value, by: Some(told(fault)), faults: times.len() })
}

fn told(fault: &FaultService) -> String {
    let name = &fault.name;
    match (fault.owed, fault.cut_short) {
        (_, true) => format!("“{name}”, and longer: its end was not seen"),
        (true, false) => format!("“{name}”"),
        (false, false) => format!("“{name}”, from when a majority was back"),
    }
}

#[cfg(test)]
mod tests {
    use faults::coverage::Role;
    use faults::fault::Family;

    use super::*;

    fn fault(family: Family, role: Role, recovery: Option<f64>) -> FaultService {
        FaultService {
            fault: 1,
            name: format!("{family} the {role}"),
            family,
            role,
            owed: true,
            first_error_seconds: None,
            unserved_seconds: recovery.unwrap_or(0.0),
            recovery_seconds: recovery,
            cut_short: false,
            ended: 1000,
            failed: 5,
            unknown: 1,
            election_seconds: None,
        }
    }

    fn judged(promises: &[&str], late_ms: u64) -> Availability {
        let figures = Availability {
            owed_seconds: 60.0,
            unserved_seconds: 3.0,
            faults: vec![
                fault(Family::Kill, Role::Leader, Some(0.8)),
                fault(Family::Kill, Role::Leader, Some(2.4)),
                fault(Family::Kill, Role::Follower, Some(0.0)),
                fault(Family::Power, Role::Several, None),
            ],
            ..Availability::default()
        };
        let promises: Vec<Promise> =
            promises.iter().map(|text| text.parse().expect("a promise")).collect();
        judge(figures, &promises, Duration::from_millis(late_ms))
    }

    #[track_caller]
    fn check(promises: &[&str], verdict: Verdict, sentence: &str) {
        let judged = judged(promises, 5);
        let found = (judged.verdict, judged.sentence.unwrap_or_default());
        assert_eq!(found, (Some(verdict), sentence.to_owned()));
    }

    #[test]
    fn every_fault_is_judged_and_the_one_that_breaks_a_promise_is_named() {
        check(
            &["recovery_max=2s,role=leader", "recovery_median=1s"],
            Verdict::Invalid,
            "the slowest recovery over 2 faults was 2.4s (“kill the leader”), promised at most 2s",
        );
        check(
            &["recovery_max=2.4s", "served=95%"],
            Verdict::Valid,
            "2 promises of availability kept",
        );
        check(
            &["served=99%"],
            Verdict::Invalid,
            "the share of the time with service was 95%, promised at least 99%",
        );
        check(
            &["failed=0.1%"],
            Verdict::Invalid,
            "the share of failed operations over 4 faults was 0.5%, promised at most 0.1%",
        );
    }

    #[test]
    fn what_no_fault_put_to_the_test_is_no_pass() {
        let none = judged(&["recovery_max=2s,faults=power"], 5);
        assert_eq!(none.verdict, Some(Verdict::Unknown));
        let some = judged(&["recovery_max=2s,faults=power", "recovery_max=3s"], 5);
        assert_eq!(some.verdict, Some(Verdict::Valid));
        let verdicts: Vec<_> = some.promises.iter().map(|it| it.verdict).collect();
        assert_eq!(verdicts, [None, Some(Verdict::Valid)]);
    }

    #[test]
    fn nothing_promised_is_no_verdict_and_a_starved_machine_blames_nobody() {
        assert_eq!(judged(&[], 5).verdict, None);
        let starved = judged(&["recovery_max=2s"], 1500);
        assert_eq!(starved.verdict, Some(Verdict::Unknown));
        assert!(starved.sentence.expect("one").contains("this machine was starved"));
    }
}
