//! The time until something happens, where it did not happen in every run.

use super::rate::Z;

/// A run: how long it was looked at, and whether it ended with what was looked for. Without it, the
/// run is censored: it would have taken longer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Watched {
    /// The time, in seconds.
    pub seconds: f64,
    /// True if it happened then.
    pub happened: bool,
}

/// The median time until it happens, with the interval in which the true one lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Median {
    /// The median; none if it happened in too few runs.
    pub seconds: Option<f64>,
    /// The lower end of its interval; none if not even that is known.
    pub low: Option<f64>,
    /// The upper end; none if it may be beyond all runs.
    pub high: Option<f64>,
}

/// The median by Kaplan and Meier (1958), with the interval of Brookmeyer and Crowley (1982) on the
/// log-log scale, which is fit for few runs.
pub(crate) fn median(runs: &[Watched]) -> Median {
    let curve = curve(runs);
    let at = |holds: &dyn Fn(&Step) -> bool| {
        curve.iter().find(|step| holds(step)).map(|step| step.seconds)
    };
    // A time lies in the interval as long as the curve there is not surely above or below a half.
    let distance = |step: &Step| {
        let scale = |share: f64| (-share.ln()).ln();
        (scale(step.left) - scale(0.5)) / step.error
    };
    Median {
        seconds: at(&|step| step.left <= 0.5),
        low: at(&|step| step.left == 0.0 || distance(step) >= -Z),
        high: at(&|step| step.left == 0.0 || distance(step) > Z),
    }
}

/// A time at which it happened.
struct Step {
    seconds: f64,
    /// The share of runs in which it has not happened by then.
    left: f64,
    /// The standard error of the logarithm of the logarithm of that share.
    error: f64,
}

fn curve(runs: &[Watched]) -> Vec<Step> {
    let mut runs = runs.to_vec();
    runs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let (mut curve, mut left, mut greenwood) = (Vec::new(), 1.0_f64, 0.0);
    let mut from = 0;
    while from < runs.len() {
        let seconds = runs[from].seconds;
        let same = runs[from..].iter().take_while(|run| run.seconds == seconds);
        let (mut count, mut happened) = (0, 0.0);
        for run in same {
            count += 1;
            happened += f64::from(u8::from(run.happened));
        }
        let at_risk = (runs.len() - from) as f64;
        if happened > 0.0 {
            left *= 1.0 - happened / at_risk;
            greenwood += happened / (at_risk * (at_risk - happened));
            let error = greenwood.sqrt() / left.ln().abs();
            curve.push(Step { seconds, left, error });
        }
        from += count;
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(happened: &[u32], censored: &[u32]) -> Vec<Watched> {
        let of = |seconds: &u32, happened| Watched { seconds: f64::from(*seconds), happened };
        let happened = happened.iter().map(|it| of(it, true));
        happened.chain(censored.iter().map(|it| of(it, false))).collect()
    }

    /// Freireich and others (1963), weeks of remission of leukaemia, as in every textbook; the
    /// intervals are those of R's `survfit` with `conf.type = "log-log"`.
    #[test]
    fn the_median_is_that_of_the_textbooks() {
        let treated = watched(
            &[6, 6, 6, 7, 10, 13, 16, 22, 23],
            &[6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35],
        );
        let found = median(&treated);
        assert_eq!((found.seconds, found.low, found.high), (Some(23.0), Some(13.0), None));
        let placebo =
            watched(&[1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], &[]);
        let found = median(&placebo);
        assert_eq!((found.seconds, found.low, found.high), (Some(8.0), Some(4.0), Some(11.0)));
        // The order does not matter.
        let mut backwards = treated.clone();
        backwards.reverse();
        assert_eq!(median(&backwards), median(&treated));
    }

    #[test]
    fn of_runs_in_which_it_seldom_happened_there_is_no_median() {
        let found = median(&watched(&[9], &[66, 66, 66, 66]));
        assert_eq!((found.seconds, found.high), (None, None));
        let never = Median { seconds: None, low: None, high: None };
        assert_eq!(median(&watched(&[], &[66, 66])), never);
        assert_eq!(median(&[]), never);
        // Censored before anything happened: nothing is known of those.
        assert_eq!(median(&watched(&[20], &[5, 5, 5])).seconds, Some(20.0));
    }
}
