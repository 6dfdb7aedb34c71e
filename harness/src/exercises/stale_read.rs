//! A leader that is cut off answers reads of values that were replaced.

use faults::fault::Family;

use super::evidence::{Evidence, at};
use super::exercise::Exercise;
use super::two_leaders::{stale_read, two_leaders};

/// The planted bug: the leader does not ask a majority if it still leads.
const BUG: &str = "stale-read";

pub(super) const EXERCISE: Exercise = Exercise {
    name: "stale-read",
    goal: "Make a client read a value that was replaced before",
    task: "The planted bug of this cluster is a leader that answers reads from its own memory, without \
           asking a majority if it still leads. As long as all is well nothing comes of it: the leader \
           knows the newest value. Run the plan as it is, and the verdict is valid.\n\n\
           Write the fault after which a client gets an old value. Think of who has to be elected \
           meanwhile, and where the client has to ask. `stormproof list faults` names the families; the \
           shapes of a partition are random-halves, isolate-one, isolate-leader, leader-in-minority, \
           majority-ring, bridge, into-leader, out-of-leader and clients-from-leader.",
    starter: r#"nodes = 3
workload = "register"
bug = "stale-read"
time_limit = 8.0

[[fault]]
at = 2.0
lasts = 3.0
family = "partition"
shape = "clients-from-leader"
"#,
    demands: &[
        "the planted bug is stale-read",
        "a partition hit the leader",
        "another node led, while the old leader still took itself for the leader",
        "the old leader answered a read that contradicts what was acknowledged",
    ],
    check,
};

fn check(run: &Evidence, seen: &mut Vec<String>) -> Result<(), String> {
    seen.push(run.has_bug(BUG)?);
    steps_of_a_stale_read(run, seen)
}

/// The demands after the bug: a partition of the leader, two leaders, a stale read.
pub(super) fn steps_of_a_stale_read(run: &Evidence, seen: &mut Vec<String>) -> Result<(), String> {
    let parted = run.faults.iter().filter(|fault| fault.family == Family::Partition);
    let mut of_leader = parted.filter_map(|fault| {
        let leader = run.leader(fault.from)?;
        fault.nodes.contains(&leader.node).then_some((leader, fault.from))
    });
    let Some((leader, from)) = of_leader.next() else {
        return Err("no partition hit the node that led".to_owned());
    };
    seen.push(format!("{} at {}", leader.node, at(from)));

    let Some(two) = two_leaders(run) else {
        return Err("no other node was elected meanwhile: the others have to miss the leader's \
                    heartbeats for an election timeout, 400 to 800 ms"
            .to_owned());
    };
    seen.push(two.told());

    let Some(read) = stale_read(run) else {
        return Err(match run.invalid {
            true => "the history is invalid, but no read of a deposed leader shows it; try again",
            false => {
                "no client read an old value: the old leader must be reached by clients, while the \
                      other one is given writes, and for longer"
            }
        }
        .to_owned());
    };
    seen.push(read);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::evidence::ReadOf;
    use super::super::evidence::tests::{fault, s, told};
    use super::*;

    fn solved() -> Evidence {
        Evidence {
            nodes: 3,
            bug: Some(BUG.to_owned()),
            faults: vec![fault(Family::Partition, &["n1", "n2", "n3"], 2.0, 5.0)],
            roles: told(&[(0.0, "n1*", 1), (2.7, "n2*", 2), (5.1, "n1", 2)]),
            invalid: true,
            contradicting: vec![ReadOf { node: "n1".to_owned(), end: s(2.9) }],
            ..Evidence::default()
        }
    }

    #[test]
    fn it_takes_the_read_of_a_leader_that_was_deposed() {
        assert!(EXERCISE.answer(&solved()).is_solved(), "{:?}", EXERCISE.answer(&solved()));
        let met = |evidence: Evidence| {
            let answer = EXERCISE.answer(&evidence);
            (answer.seen.len(), answer.missing.unwrap_or_default())
        };
        let (seen, missing) = met(Evidence { contradicting: Vec::new(), ..solved() });
        assert!(seen == 3 && missing.contains("no read of a deposed leader"), "{missing}");
        let silent = Evidence { contradicting: Vec::new(), invalid: false, ..solved() };
        assert!(met(silent).1.contains("reached by clients"));
        let (seen, missing) = met(Evidence { roles: told(&[(0.0, "n1*", 1)]), ..solved() });
        assert!(seen == 2 && missing.contains("no other node was elected"), "{missing}");
        assert_eq!(met(Evidence { faults: Vec::new(), ..solved() }).0, 1);
        assert_eq!(met(Evidence { bug: None, ..solved() }).0, 0);
    }
}
