//! A write is tried again after its answer was lost, and done twice.

use super::evidence::Evidence;
use super::exercise::Exercise;

/// The planted bug: the cluster ignores the tokens of writes.
const BUG: &str = "ignore-tokens";

pub(super) const EXERCISE: Exercise = Exercise {
    name: "doubled-write",
    goal: "Make a cluster do a write twice, though its client asked for it once",
    task: "Clients send each write with a token, and try again with the same token until they have an \
           answer. This cluster ignores tokens: that is its planted bug. Nothing comes of it as long as \
           every answer arrives.\n\n\
           So let answers get lost, and only answers: what was asked for has to happen. Then give the \
           client a reason to ask another node. The shapes of a partition are random-halves, \
           isolate-one, isolate-leader, leader-in-minority, majority-ring, bridge, into-leader, \
           out-of-leader, clients-from-leader, clients-from-one and answers-of-leader. A fault may hit \
           the node that an earlier one hit: one has as = \"mute\", the other on = \"mute\".",
    starter: r#"nodes = 3
workload = "append"
bug = "ignore-tokens"
time_limit = 6.0

[[fault]]
at = 2.0
lasts = 1.0
family = "partition"
shape = "clients-from-leader"
"#,
    demands: &[
        "the planted bug is ignore-tokens",
        "clients asked again for writes that may have been done",
        "writes were done twice",
    ],
    check,
};

fn check(run: &Evidence, seen: &mut Vec<String>) -> Result<(), String> {
    seen.push(run.has_bug(BUG)?);
    if run.asked_again == 0 {
        return Err("every client knew what became of its writes: none waited in vain".to_owned());
    }
    seen.push(format!("for {} of them", run.asked_again));
    if run.repeated == 0 {
        return Err(
            "of these, none had been done before: their requests were lost, not their answers, \
                    or the leader that knew of them had no time to pass them on"
                .to_owned(),
        );
    }
    seen.push(format!("{} of them", run.repeated));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_request_is_no_lost_answer() {
        let bug = Some(BUG.to_owned());
        let of = |asked_again, repeated| {
            EXERCISE.answer(&Evidence {
                bug: bug.clone(),
                asked_again,
                repeated,
                ..Evidence::default()
            })
        };
        assert!(of(5, 2).is_solved());
        assert_eq!((of(5, 0).seen.len(), of(0, 0).seen.len()), (2, 1));
        assert!(
            !EXERCISE
                .answer(&Evidence { asked_again: 5, repeated: 2, ..Evidence::default() })
                .is_solved()
        );
    }
}
