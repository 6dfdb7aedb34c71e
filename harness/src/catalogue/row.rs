//! The runs of one case, and what they say.

use super::case::Case;
use crate::repeats::{Counted, Failing, Tally};

/// The runs of one case.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The case.
    pub case: Case,
    /// Its runs, by their place among the seeds.
    pub runs: Tally,
}

impl Row {
    /// The heads of the columns.
    pub const HEADS: [&str; 5] = ["bug", "caught", "at 95 %", "seconds", "flags of the runs"];

    /// The case, the runs that failed, the interval of their rate, the seconds until they did (in
    /// the middle of all runs, then the least and the most), and the flags.
    pub fn cells(&self) -> [String; 5] {
        let rate = self.runs.rate(Failing::Either);
        let uncounted = match self.runs.uncounted(Failing::Either) {
            0 => String::new(),
            more => format!(" ({more} not counted)"),
        };
        let (low, high) = rate.percents();
        let mut times: Vec<f64> = self
            .runs
            .in_order()
            .filter(|run| run.counted(Failing::Either) == Counted::Failed)
            .map(|run| run.seconds)
            .collect();
        times.sort_by(f64::total_cmp);
        let seconds = match (times.first(), times.last()) {
            // Those that found nothing would have taken longer than any other.
            (Some(least), Some(most)) => match times.get(rate.runs as usize / 2) {
                Some(median) => format!("{median:.0} ({least:.0}–{most:.0})"),
                None => format!("– ({least:.0}–{most:.0})"),
            },
            _ => String::new(),
        };
        [
            self.case.name().to_owned(),
            format!("{} of {}{uncounted}", rate.failed, rate.runs),
            format!("{low:.0}–{high:.0} %"),
            seconds,
            self.case.flags.clone(),
        ]
    }

    /// True if the bug was caught in at least this share of the runs; of a control, if nothing was.
    pub fn is_as_it_should_be(&self, at_least: f64) -> bool {
        let rate = self.runs.rate(Failing::Either);
        match self.case.bug {
            Some(_) => rate.share().is_some_and(|share| share >= at_least),
            None => rate.failed == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict::{self, Invalid, Unknown, Valid};
    use cluster::bugs::Bug;

    use super::*;
    use crate::repeats::RunOutcome;
    use crate::repeats::tests::outcome;

    fn row(bug: Option<Bug>, runs: &[(Verdict, f64)]) -> Row {
        let mut tally = Tally::default();
        for (number, (safety, seconds)) in (0..).zip(runs) {
            tally.take(number, RunOutcome { seconds: *seconds, ..outcome(*safety, Valid) });
        }
        Row { case: Case { bug, flags: "--faults kill".to_owned() }, runs: tally }
    }

    #[test]
    fn a_row_says_how_often_and_how_soon() {
        let caught = row(
            Some(Bug::StaleRead),
            &[(Invalid, 9.0), (Invalid, 31.4), (Valid, 66.0), (Invalid, 12.2), (Unknown, 66.0)],
        );
        assert_eq!(
            caught.cells(),
            ["stale-read", "3 of 4 (1 not counted)", "19–100 %", "31 (9–31)", "--faults kill"]
        );
        assert!(caught.is_as_it_should_be(0.75) && !caught.is_as_it_should_be(0.8));
        let seldom = row(Some(Bug::StaleRead), &[(Invalid, 9.0), (Valid, 66.0), (Valid, 66.0)]);
        assert_eq!(seldom.cells()[3], "– (9–9)");
        let never = row(Some(Bug::StaleRead), &[(Unknown, 3.0)]);
        assert!(!never.is_as_it_should_be(0.0), "no run that counts shows nothing");
    }

    #[test]
    fn a_control_that_fails_is_a_false_alarm() {
        assert!(row(None, &[(Valid, 66.0), (Unknown, 1.0)]).is_as_it_should_be(0.8));
        assert!(!row(None, &[(Valid, 66.0), (Invalid, 9.0)]).is_as_it_should_be(0.8));
        assert_eq!(row(None, &[(Valid, 66.0)]).cells()[0], "none planted");
    }
}
