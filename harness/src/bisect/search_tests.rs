//! Bisections of failures that are made up: how often they are right, and what they cost.
#![expect(clippy::print_stdout, reason = "the figures are looked at")]

use checker::verdict::Verdict;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use workloads::stream;

use super::search::missed;
use super::{Edge, Ended, Known, Question, search};
use crate::repeats::Failing;
use crate::repeats::tests::outcome;
use crate::statistics::Rate;

fn question(count: usize, good: &[usize], bad: usize) -> Question {
    let versions = (0..count).map(|number| format!("1.{number}")).collect();
    let (failing, confidence) = (Failing::Safety, 0.95);
    Question { versions, good: good.to_vec(), bad, failing, confidence }
}

/// Bisects, with runs that fail at the rate of their version.
fn bisect(
    question: &Question,
    lacking: &[usize],
    rate: impl Fn(usize) -> f64,
    random: &mut ChaCha8Rng,
) -> (Ended, usize) {
    let mut known = Known::default();
    for place in lacking {
        known.lacking.insert(question.versions[*place].clone(), "it is gone".to_owned());
    }
    loop {
        match search(question, &known) {
            Ok(ended) => return (ended, known.runs()),
            Err(wish) => {
                let failed = random.random_bool(rate(wish.place));
                let safety = if failed { Verdict::Invalid } else { Verdict::Valid };
                let number = known.of(&wish.version).all().count() as u64;
                known.take(&wish.version, number, outcome(safety, Verdict::Valid));
            }
        }
    }
}

#[test]
fn the_chance_to_pass_by_luck_is_what_can_be_worked_out_by_hand() {
    let check = |failed, runs, passes, expect: f64| {
        let found = missed(Rate { failed, runs }, passes);
        assert!((found - expect).abs() < 1e-12, "{found}, not {expect}");
    };
    // Nothing known: uniform, so n passes have the chance 1 / (n + 1).
    check(0, 0, 1, 1.0 / 2.0);
    check(0, 0, 9, 1.0 / 10.0);
    // Laplace's rule of succession: after four failures of four the next passes one time in six.
    check(4, 4, 1, 1.0 / 6.0);
    // B(5, 4) / B(5, 1) = 5 · 4! · 3! / 8!.
    check(4, 4, 3, 5.0 * 24.0 * 6.0 / 40_320.0);
}

#[test]
fn the_version_in_which_a_failure_came_is_found_as_surely_as_promised() {
    for rate in [1.0, 0.6, 0.3] {
        let mut random = stream(1, "bisections");
        let (tries, mut right, mut runs, mut silent) = (400, 0, 0, 0);
        for _ in 0..tries {
            let first = random.random_range(1..22);
            let question = question(22, &[0], 21);
            let of = |place: usize| if place >= first { rate } else { 0.0 };
            let (ended, made) = bisect(&question, &[], of, &mut random);
            runs += made;
            match ended {
                Ended::Found { edges, .. } => {
                    assert!(edges[0].confidence >= 0.95, "{edges:?}");
                    right += usize::from(edges[0].bad == format!("1.{first}"));
                }
                Ended::NeverFailed(_) => silent += 1,
                ended => panic!("{ended:?}"),
            }
        }
        let mean = runs as f64 / f64::from(tries);
        println!("fails {rate} of the time: {right} of {tries} right, {mean:.0} runs each");
        assert!(right + silent >= 380 && silent < 3, "{right} right, {silent} never failed");
    }
}

#[test]
fn both_ends_are_found_where_a_failure_came_and_went() {
    let question = question(22, &[0, 21], 9);
    let of = |place: usize| if (7..15).contains(&place) { 1.0 } else { 0.0 };
    let (ended, _) = bisect(&question, &[6, 3], of, &mut stream(1, "both"));
    let Ended::Found { edges, rate } = ended else { panic!("{ended:?}") };
    assert_eq!(rate, Rate { failed: 4, runs: 4 });
    // A good version passed five times: 5 · 4! · 5! / 10! = 0.397 % that a bad one would have, at most
    // a sixth of half of 5 %. The first edge took three of them, the second two.
    let words: Vec<String> = edges.iter().map(Edge::to_string).collect();
    assert_eq!(
        words,
        [
            "first bad: 1.7 (last good: 1.5), confidence 98.8 %; between them could not be run: 1.6",
            "last bad: 1.14 (first good: 1.15), confidence 99.2 %",
        ]
    );
}

#[test]
fn ends_that_are_not_what_they_are_said_to_be_are_told() {
    let mut random = stream(1, "ends");
    let (ended, runs) = bisect(&question(5, &[0], 4), &[], |_| 0.0, &mut random);
    assert_eq!((ended, runs), (Ended::NeverFailed(Rate { failed: 0, runs: 20 }), 20));
    let (ended, _) = bisect(&question(5, &[0], 4), &[], |_| 1.0, &mut random);
    assert_eq!(ended, Ended::GoodFails("1.0".to_owned(), Rate { failed: 1, runs: 1 }));
    let (ended, _) = bisect(&question(5, &[0], 4), &[4], |_| 1.0, &mut random);
    assert_eq!(ended, Ended::Lacking("1.4".to_owned(), "it is gone".to_owned()));
}
