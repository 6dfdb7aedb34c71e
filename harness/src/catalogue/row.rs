//! The runs of one case by one harness, and what they say.

use results::detection::DetectionRun;

use crate::statistics::{Rate, Watched, median};

/// The runs of one case by one harness, with the same settings.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    runs: Vec<DetectionRun>,
}

impl Row {
    /// The heads of the columns.
    pub const HEADS: [&str; 6] = ["case", "harness", "found", "at 95 %", "median seconds", "how"];

    /// The rows of runs, in the order in which their cases come first. A run that stands twice counts
    /// once.
    pub fn of(runs: Vec<DetectionRun>) -> Vec<Row> {
        let mut cases: Vec<String> = Vec::new();
        let mut rows: Vec<Row> = Vec::new();
        for run in runs {
            if !cases.contains(&run.case) {
                cases.push(run.case.clone());
            }
            match rows.iter_mut().find(|row| row.takes(&run)) {
                Some(row) if row.runs.contains(&run) => {}
                Some(row) => row.runs.push(run),
                None => rows.push(Row { runs: vec![run] }),
            }
        }
        // Harnesses stand beside each other.
        rows.sort_by_key(|row| cases.iter().position(|case| *case == row.runs[0].case));
        rows
    }

    fn takes(&self, run: &DetectionRun) -> bool {
        let key = |run: &DetectionRun| {
            let DetectionRun { harness, target, case, defect, how, .. } = run.clone();
            (harness, target, case, defect, how)
        };
        key(&self.runs[0]) == key(run)
    }

    /// True if the defect was there.
    pub fn is_of_defect(&self) -> bool {
        self.runs[0].defect
    }

    /// The harness with its version, and the service with its version.
    pub fn parties(&self) -> (&str, &str) {
        (&self.runs[0].harness, &self.runs[0].target)
    }

    /// The days on which the runs began, as far as it is known.
    pub fn days(&self) -> impl Iterator<Item = &str> {
        let started = self.runs.iter().filter_map(|run| run.started.as_deref());
        started.filter_map(|started| started.get(..10))
    }

    /// The rate of runs that found something.
    pub fn rate(&self) -> Rate {
        let counted = self.runs.iter().filter_map(|run| run.found);
        counted.fold(Rate::default(), |rate, found| Rate {
            failed: rate.failed + u64::from(found),
            runs: rate.runs + 1,
        })
    }

    /// The cells of the row: the case, the harness, the runs that found something, the interval of
    /// their rate, the median of the seconds until they did with its interval, and the settings.
    pub fn cells(&self) -> [String; 6] {
        let rate = self.rate();
        let uncounted = match self.runs.len() as u64 - rate.runs {
            0 => String::new(),
            more => format!(" ({more} not counted)"),
        };
        let (low, high) = rate.percents();
        let runs: Vec<Watched> = self
            .runs
            .iter()
            .filter_map(|run| Some(Watched { seconds: run.seconds, happened: run.found? }))
            .collect();
        let time = median(&runs);
        let number = |time: Option<f64>| time.map(|time| format!("{time:.0}"));
        let seconds = match (rate.failed, number(time.seconds), number(time.high)) {
            (0, ..) => String::new(),
            (_, median, high) => format!(
                "{} ({}–{})",
                median.as_deref().unwrap_or("not reached"),
                number(time.low).unwrap_or_default(),
                high.unwrap_or_default()
            ),
        };
        let run = &self.runs[0];
        [
            run.case.clone(),
            run.harness.clone(),
            format!("{} of {}{uncounted}", rate.failed, rate.runs),
            format!("{low:.0}–{high:.0} %"),
            seconds,
            run.how.clone(),
        ]
    }

    /// True if the defect was found in at least this share of the runs; of a control, if nothing was.
    pub fn is_as_it_should_be(&self, at_least: f64) -> bool {
        let rate = self.rate();
        match self.is_of_defect() {
            true => rate.share().is_some_and(|share| share >= at_least),
            false => rate.failed == 0,
        }
    }
}

/// The sentence about the false alarms of a harness, by its controls among these rows; none without
/// a control.
pub(crate) fn false_alarms(rows: &[Row], harness: &str) -> Option<String> {
    let controls = rows.iter().filter(|row| !row.is_of_defect() && row.parties().0 == harness);
    let all = controls.map(Row::rate).reduce(|one, other| Rate {
        failed: one.failed + other.failed,
        runs: one.runs + other.runs,
    })?;
    let bound = 100.0 * all.at_most();
    let times = if all.failed == 1 { "time" } else { "times" };
    Some(format!(
        "{harness}: {} {times} a false alarm in {} controls: in at most {bound:.1} % of such runs, at \
         95 % confidence",
        all.failed, all.runs
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(case: &str, defect: bool, runs: &[(Option<bool>, f64)]) -> Vec<DetectionRun> {
        let of = |(run, (found, seconds)): (u64, &(Option<bool>, f64))| DetectionRun {
            schema: results::detection::SCHEMA,
            harness: "stormproof 0.1.0".to_owned(),
            target: "bundled 0.1.0".to_owned(),
            case: case.to_owned(),
            defect,
            how: "--faults kill".to_owned(),
            run,
            found: *found,
            seconds: *seconds,
            started: Some("2026-11-29T19:00:00Z".to_owned()),
            note: None,
        };
        (0..).zip(runs).map(of).collect()
    }

    fn row(defect: bool, found: &[(Option<bool>, f64)]) -> Row {
        Row::of(runs("stale-read", defect, found)).remove(0)
    }

    const FOUND: Option<bool> = Some(true);
    const NOT: Option<bool> = Some(false);

    #[test]
    fn a_row_says_how_often_and_how_soon() {
        let found =
            row(true, &[(FOUND, 9.0), (FOUND, 31.4), (NOT, 66.0), (FOUND, 12.2), (None, 66.0)]);
        assert_eq!(
            found.cells(),
            [
                "stale-read",
                "stormproof 0.1.0",
                "3 of 4 (1 not counted)",
                "30–96 %",
                "12 (9–)",
                "--faults kill"
            ]
        );
        assert!(found.is_as_it_should_be(0.75) && !found.is_as_it_should_be(0.8));
        assert_eq!(found.days().next(), Some("2026-11-29"));
        let seldom = row(true, &[(FOUND, 9.0), (NOT, 66.0), (NOT, 66.0)]);
        assert_eq!(seldom.cells()[4], "not reached (9–)");
        let never = row(true, &[(None, 3.0)]);
        assert!(!never.is_as_it_should_be(0.0), "no run that counts shows nothing");
        assert_eq!(never.cells()[4], "");
    }

    #[test]
    fn a_control_that_fails_is_a_false_alarm() {
        assert!(row(false, &[(NOT, 66.0), (None, 1.0)]).is_as_it_should_be(0.8));
        assert!(!row(false, &[(NOT, 66.0), (FOUND, 9.0)]).is_as_it_should_be(0.8));
        let rows = [
            row(false, &[(NOT, 66.0); 200]),
            row(true, &[(FOUND, 9.0)]),
            row(false, &[(NOT, 66.0); 100]),
        ];
        assert_eq!(
            false_alarms(&rows, "stormproof 0.1.0").expect("it has controls"),
            "stormproof 0.1.0: 0 times a false alarm in 300 controls: in at most 1.0 % of such runs, \
             at 95 % confidence"
        );
        assert_eq!(false_alarms(&rows, "another"), None);
    }

    #[test]
    fn harnesses_stand_beside_each_other_and_no_run_counts_twice() {
        let ours = [runs("b", true, &[(FOUND, 9.0), (NOT, 66.0)]), runs("a", true, &[(NOT, 66.0)])];
        let mut theirs = runs("b", true, &[(FOUND, 99.0)]);
        theirs[0].harness = "another 2".to_owned();
        let all = [&ours.concat()[..], &theirs, &ours[0]].concat();
        let rows = Row::of(all);
        let told: Vec<_> = rows.iter().map(|row| row.cells()[..3].join(", ")).collect();
        assert_eq!(
            told,
            ["b, stormproof 0.1.0, 1 of 2", "b, another 2, 1 of 1", "a, stormproof 0.1.0, 0 of 1"]
        );
    }
}
