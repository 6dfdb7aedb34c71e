//! Many clients through an election: each that fails asks again, sooner or later.

use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::{Observed, nanoseconds, seconds};
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "retry-storm",
    claim: "While there is no leader, clients without backoff load the nodes with many times the requests \
            of those with it; and without jitter those that failed together wait together, also when \
            there is a leader again",
    about: "The leader is killed while a thousand clients wait for it, so that all fail at the same \
            moment. Until another one leads, each asks again: after 10 ms every time, or after a wait \
            that doubles up to 2 s, the same for all or drawn from its upper half. Requests are counted \
            from half a second after the kill until the next leader, and so is the peak, the most of \
            them that come within 10 ms. Service is back with the first tenth of a second that has \
            half of the writes of before. Without backoff so many clients ask for more than two \
            processors carry: what is counted is what they carry.",
    figures: &[
        Figure { head: "requests a second without a leader", unit: Unit::Number },
        Figure { head: "peak, of the mean", unit: Unit::Number },
        Figure { head: "until a new leader", unit: Unit::Seconds },
        Figure { head: "from there until service is back", unit: Unit::Seconds },
    ],
    band: None,
    // The storm makes the controller late: that is what it is about.
    timed: false,
    arms,
    measure,
    judge,
};

/// The ways of backing off, as `--backoff` has them, in words.
const WAYS: [(&str, &str); 3] =
    [("random", "backoff with jitter"), ("even", "backoff without jitter"), ("none", "no backoff")];

/// The clients. Twice as many ask for more than two processors carry, with any backoff.
const CLIENTS: usize = 1000;

/// The shortest election timeout, for which the storm lasts at least; and the longest wait of a client, in
/// seconds.
const TIMEOUT: &str = "2s";
const LONGEST_WAIT: f64 = 2.0;

/// The kills in a run, the seconds from one to the next, and for which the process stays dead.
const KILLS: u32 = 2;
const APART: f64 = 7.5;
const DEAD: f64 = 5.0;

/// The time after a kill that is left out, in nanoseconds: the first waits are short for all.
const FIRST: u64 = 500_000_000;

/// The time before a kill in which the usual number of writes is counted, that in which they are counted
/// later, and that of a peak, in nanoseconds.
const BEFORE: u64 = 1_000_000_000;
const TENTH: u64 = 100_000_000;
const PEAK: u64 = 10_000_000;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |(way, label): (&str, &str)| {
        let plan = RunPlan::new(nodes, "set", 1.5 + f64::from(KILLS) * APART);
        let plan = plan.line("rate = 0.0").line(&format!("concurrency = {CLIENTS}"));
        let plan = plan.client(&format!("backoff = \"{way}\"")).client("attempt_timeout = 2.0");
        let plan = plan.client(&format!("longest_backoff = {LONGEST_WAIT:?}"));
        let plan = plan.set("election_timeout", TIMEOUT);
        let kill = "family = \"kill\"\naim = \"leader\"";
        let plan = (0..KILLS)
            .fold(plan, |plan, kills| plan.fault(1.5 + f64::from(kills) * APART, DEAD, kill));
        Arm {
            label: label.to_owned(),
            cured: way == "random",
            nodes,
            factor: 0.0,
            band: None,
            plan: plan.toml(),
            runs: extent.runs(2, 5),
        }
    };
    WAYS.into_iter().map(of).collect()
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let mut figures = vec![Vec::new(); 4];
    for (place, kill) in run.faults.iter().enumerate() {
        let until = run.next_fault(place);
        let (Some(killed), Some(leader)) = (kill.injected, run.next_leader(kill.start, until))
        else {
            continue;
        };
        let (from, to) = (killed + FIRST, kill.start + (leader * 1e9) as u64);
        if kill.family != Family::Kill || to < from + nanoseconds(1) / 2 {
            continue;
        }
        let asked = run.requests(from, to);
        figures[0].push(asked.len() as f64 / seconds(to - from));
        figures[1].push(peak(&asked, from, to));
        figures[2].push(leader);
        let usual = run.acknowledged(kill.start.saturating_sub(BEFORE), kill.start) as f64;
        let usual = usual * seconds(TENTH) / seconds(BEFORE);
        let tenths = (to..until).step_by(TENTH as usize / 10);
        let mut served =
            tenths.filter(|at| run.acknowledged(*at, at + TENTH) as f64 >= usual / 2.0);
        figures[3].extend(served.next().map(|at| seconds(at + TENTH - to)));
    }
    figures
}

/// The most requests within the time of a peak, of the mean number in such a time.
fn peak(asked: &[u64], from: u64, to: u64) -> f64 {
    let mut bins = vec![0_u32; ((to - from) / PEAK + 1) as usize];
    asked.iter().for_each(|time| bins[((time - from) / PEAK) as usize] += 1);
    let most = bins.iter().max().copied().unwrap_or(0);
    f64::from(most) * bins.len() as f64 / (asked.len() as f64).max(1.0)
}

/// The least kills of an arm that decide something.
const LEAST: usize = 3;

/// The storm has so many times the requests.
const MORE: f64 = 3.0;

/// The time after a leader within which clients with jitter are back, in seconds: so many of them are drawn
/// all over half of the longest wait; and the tenth in which it is seen.
const BACK: f64 = LONGEST_WAIT / 2.0 + 0.1;

/// Without jitter they take so many times as long.
const LATER: f64 = 2.0;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let [random, even, none] = arms else { return Vec::new() };
    vec![
        of_arm(random, 0, LEAST, |_| of_arm(none, 0, LEAST, |_| storms(random, none))),
        is_higher(none, random, 0, "requests a second without a leader"),
        of_arm(random, 3, LEAST, is_back),
        of_arm(random, 3, LEAST, |_| of_arm(even, 3, LEAST, |_| is_later(random, even))),
    ]
}

fn storms(random: &ArmFigures, none: &ArmFigures) -> Check {
    let (calm, storm) = (random.half(0), none.half(0));
    let said = format!(
        "{storm:.0} requests a second without backoff, {calm:.0} with it: {:.1} times as many",
        storm / calm.max(1.0)
    );
    check(storm >= MORE * calm, said)
}

fn is_back(arm: &ArmFigures) -> Check {
    let (label, back) = (&arm.arm.label, arm.half(3));
    let said = format!("{label}: half of the times service was back {back:.2} s after a leader");
    check(back <= BACK, said)
}

fn is_later(random: &ArmFigures, even: &ArmFigures) -> Check {
    let (spread, together) = (random.half(3), even.half(3));
    let said = format!(
        "half of the times service was back {together:.2} s after a leader without jitter, \
         {spread:.2} s with it"
    );
    check(together >= LATER * spread, said)
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn clients_that_come_back_together_have_a_peak() {
        let spread: Vec<u64> = (0..100).map(|at| at * PEAK).collect();
        assert_eq!(peak(&spread, 0, 100 * PEAK - 1), 1.0);
        let together = [5 * PEAK; 100];
        assert_eq!(peak(&together, 0, 100 * PEAK - 1), 100.0);
    }

    #[test]
    fn backoff_that_saves_nothing_refutes_the_claim_as_jitter_does_that_brings_none_back_sooner() {
        let worst = |storm: f64, together: f64, back: f64| {
            let of = |rate: f64, back: f64| {
                let spread = [0.97, 0.99, 1.01, 1.03];
                let (rates, backs) = (spread.map(|it| it * rate), spread.map(|it| it * back));
                arm("", &[&rates, &[3.0; 4], &[2.4; 4], &backs])
            };
            let checks = judge(&[of(900.0, back), of(900.0, together), of(storm, 0.1)]);
            checks.iter().map(|check| check.verdict).max()
        };
        assert_eq!(worst(7000.0, 2.0, 0.3), Some(Verdict::Valid));
        assert_eq!(worst(1000.0, 2.0, 0.3), Some(Verdict::Invalid), "no storm");
        assert_eq!(worst(7000.0, 0.3, 0.3), Some(Verdict::Invalid), "as soon without jitter");
        assert_eq!(worst(7000.0, 3.0, 2.0), Some(Verdict::Invalid), "back too late");
    }
}
