//! A node that was cut off comes back and deposes a leader that all others hear.

use faults::fault::Family;

use super::evidence::{Evidence, FaultOn, at, names};
use super::exercise::Exercise;

pub(super) const EXERCISE: Exercise = Exercise {
    name: "pre-vote",
    goal: "Let a node that comes back depose a healthy leader",
    task: "A node that hears no leader stands for election, in one term after another. When it comes back \
           its term is the highest, and the leader steps down for it, though all others heard the leader \
           all the time. A safeguard prevents that: leave it out (docs/operating.md lists them under \
           --off).\n\n\
           The partition must cut off a node that does not lead. isolate-one draws one; to be sure, let a \
           fault that does no harm choose it, such as a pause of 20 ms with aim = \"follower\" and \
           as = \"one\", and the partition follow it by on = \"one\". Leave the leader two seconds after \
           the return.",
    starter: r#"nodes = 3
workload = "set"
time_limit = 8.0

[settings]
off = "batching"

[[fault]]
at = 1.0
lasts = 0.3
family = "partition"
shape = "isolate-one"
"#,
    demands: &[
        "a partition cut off a node that did not lead, and it came back",
        "no other fault hit the leader meanwhile",
        "the node was in a later term than the leader by then",
        "the leader stepped down for it",
    ],
    check,
};

/// The time in which a leader hears of a node that is back, in nanoseconds: connections that hung are
/// tried again.
const AFTER: u64 = 2_000_000_000;

/// The return that meets the most demands counts.
fn check(run: &Evidence, seen: &mut Vec<String>) -> Result<(), String> {
    let mut best = Err("no partition cut off a single node in both directions".to_owned());
    for cut in run.faults.iter().filter(|fault| fault.cut_off.is_some()) {
        let mut own = Vec::new();
        let found = of_return(run, cut, &mut own);
        if best.is_err() && (found.is_ok() || own.len() >= seen.len()) {
            (*seen, best) = (own, found);
        }
    }
    best
}

fn of_return(run: &Evidence, cut: &FaultOn, seen: &mut Vec<String>) -> Result<(), String> {
    let node = cut.cut_off.as_deref().ok_or("it cuts off no node")?;
    let leader = run.leader(cut.from).ok_or("no node led when it began")?;
    if leader.node == node {
        return Err(format!("{node} led when it was cut off"));
    }
    seen.push(format!("{node} from {} to {}", at(cut.from), at(cut.to)));

    let until = cut.to + AFTER;
    let other = run.faults.iter().find(|fault| {
        let meanwhile = fault.from <= until && fault.to >= cut.from;
        let hit = match fault.family {
            Family::Partition => fault.cut_off.as_deref() != Some(node),
            _ => fault.nodes.contains(&leader.node),
        };
        meanwhile && hit
    });
    if let Some(other) = other {
        let (family, nodes) = (other.family.name(), names(&other.nodes));
        return Err(format!("{family} hit {nodes} at {}", at(other.from)));
    }
    seen.push(format!("{} led undisturbed", leader.node));

    let (own, led) = (run.term_of(node, cut.to), run.term_of(&leader.node, cut.to));
    if own <= led {
        let stood = "it never stood for election. Was it away for longer than an election timeout, 400 \
                     to 800 ms, and was it free to stand without asking first?";
        return Err(format!(
            "{node} came back in term {own}, and {} led in term {led}: {stood}",
            leader.node
        ));
    }
    seen.push(format!("{node} in term {own}, {} in term {led}", leader.node));

    let stepped_down = run.gives_up(&leader.node, cut.to, until).filter(|told| told.term >= own);
    let Some(told) = stepped_down else {
        return Err("the leader did not, or the load ended too soon".to_owned());
    };
    seen.push(format!("at {}", at(told.time)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{fault, told};
    use super::*;

    fn solved() -> Evidence {
        Evidence {
            faults: vec![fault(Family::Partition, &["n2", "n1", "n3"], 1.0, 3.0)],
            roles: told(&[(0.0, "n1*", 1), (0.0, "n2", 1), (2.5, "n2", 4), (3.2, "n1", 4)]),
            ..Evidence::default()
        }
    }

    #[test]
    fn only_the_term_of_the_one_that_comes_back_deposes() {
        assert!(EXERCISE.answer(&solved()).is_solved(), "{:?}", EXERCISE.answer(&solved()));
        let met = |evidence: Evidence| {
            let answer = EXERCISE.answer(&evidence);
            (answer.seen.len(), answer.missing.unwrap_or_default())
        };
        let with_pre_vote = told(&[(0.0, "n1*", 1), (0.0, "n2", 1), (3.2, "n1", 2)]);
        let (seen, missing) = met(Evidence { roles: with_pre_vote, ..solved() });
        assert!(seen == 2 && missing.contains("n2 came back in term 1"), "{missing}");
        let unmoved = told(&[(0.0, "n1*", 1), (0.0, "n2", 1), (2.5, "n2", 4)]);
        assert_eq!(met(Evidence { roles: unmoved, ..solved() }).0, 3);
        let too_late = told(&[(0.0, "n1*", 1), (2.5, "n2", 4), (5.2, "n1", 4)]);
        assert_eq!(met(Evidence { roles: too_late, ..solved() }).0, 3, "something else deposed it");
    }

    #[test]
    fn a_leader_that_another_fault_hits_is_not_healthy_and_one_that_is_cut_off_is_none() {
        let met = |more: FaultOn| {
            let mut evidence = solved();
            evidence.faults.push(more);
            EXERCISE.answer(&evidence)
        };
        let paused = met(fault(Family::Pause, &["n1"], 2.9, 3.4));
        assert_eq!(
            (paused.seen.len(), paused.missing.as_deref()),
            (1, Some("pause hit n1 at 2.90 s"))
        );
        assert!(met(fault(Family::Pause, &["n2"], 0.9, 1.0)).is_solved(), "it chose the node");
        assert!(met(fault(Family::Pause, &["n1"], 6.0, 7.0)).is_solved(), "it came later");
        let of_leader = Evidence {
            faults: vec![fault(Family::Partition, &["n1", "n2", "n3"], 1.0, 3.0)],
            ..solved()
        };
        let answer = EXERCISE.answer(&of_leader);
        assert_eq!(answer.missing.as_deref(), Some("n1 led when it was cut off"));
    }

    #[test]
    fn the_return_that_meets_the_most_counts() {
        let mut evidence = solved();
        evidence.faults.insert(0, fault(Family::Partition, &["n1", "n2", "n3"], 0.1, 0.2));
        evidence.faults.push(fault(Family::Partition, &["n3", "n1", "n2"], 6.0, 6.2));
        assert!(EXERCISE.answer(&evidence).is_solved(), "{:?}", EXERCISE.answer(&evidence));
    }
}
