//! A lease that is measured by the wall clock: two leaders, of which both serve.

use faults::fault::Family;

use super::evidence::{Evidence, at, names};
use super::exercise::Exercise;
use super::stale_read::steps_of_a_stale_read;

/// The planted bug: a lease is measured by the wall clock.
const BUG: &str = "wall-clock-lease";

pub(super) const EXERCISE: Exercise = Exercise {
    name: "split-brain",
    goal: "Make two leaders serve at the same time, both sure of their right",
    task: "A leader with a lease answers reads without asking: its voters have promised to elect no other \
           for a while. A cluster that measures the lease by the wall clock is planted here. When the \
           leader is cut off, its lease ends by that clock before another leader can be elected, and all \
           is well.\n\n\
           Let the lease last longer than the promise. A fault may hit the node that an earlier one hit: \
           one has as = \"old\", the other on = \"old\". A wall clock jumps by family = \"clock\", \
           error = \"jump\", by_ms = 5000 (or less than 0) and an aim, such as \"leader\".",
    starter: r#"nodes = 3
workload = "register"
bug = "wall-clock-lease"
time_limit = 8.0

[[fault]]
at = 2.0
lasts = 3.0
family = "partition"
shape = "isolate-leader"
as = "old"
"#,
    demands: &[
        "the planted bug is wall-clock-lease",
        "a wall clock was set wrong",
        "a partition hit the leader",
        "another node led, while the old leader still took itself for the leader",
        "the old leader answered a read that contradicts what was acknowledged",
    ],
    check,
};

fn check(run: &Evidence, seen: &mut Vec<String>) -> Result<(), String> {
    seen.push(run.has_bug(BUG)?);
    let Some(clock) = run.faults.iter().find(|fault| fault.family == Family::Clock) else {
        return Err("all clocks were right, and so were the leases".to_owned());
    };
    seen.push(format!("that of {} at {}", names(&clock.nodes), at(clock.from)));
    steps_of_a_stale_read(run, seen).map_err(|missing| match seen.len() {
        4 if !run.invalid => {
            "the old leader answered nothing wrong: does its lease seem younger by its \
                              clock, or older? And is it the clock of the old leader?"
                .to_owned()
        }
        _ => missing,
    })
}

#[cfg(test)]
mod tests {
    use super::super::evidence::ReadOf;
    use super::super::evidence::tests::{fault, s, told};
    use super::*;

    #[test]
    fn a_clock_that_jumps_the_wrong_way_shows_nothing() {
        let parted = fault(Family::Partition, &["n1", "n2", "n3"], 2.0, 5.0);
        let jump = fault(Family::Clock, &["n1"], 2.1, 5.0);
        let solved = Evidence {
            bug: Some(BUG.to_owned()),
            faults: vec![parted.clone(), jump],
            roles: told(&[(0.0, "n1*", 1), (2.7, "n2*", 2), (5.1, "n1", 2)]),
            invalid: true,
            contradicting: vec![ReadOf { node: "n1".to_owned(), end: s(2.9) }],
            ..Evidence::default()
        };
        assert!(EXERCISE.answer(&solved).is_solved());
        let missing = |evidence: Evidence| EXERCISE.answer(&evidence).missing.unwrap_or_default();
        let wrong_way = Evidence { contradicting: Vec::new(), invalid: false, ..solved.clone() };
        assert!(missing(wrong_way).contains("seem younger"));
        let right_clocks = Evidence { faults: vec![parted], ..solved.clone() };
        assert!(missing(right_clocks).contains("all clocks were right"));
        assert!(missing(Evidence { bug: None, ..solved }).contains(BUG));
    }
}
