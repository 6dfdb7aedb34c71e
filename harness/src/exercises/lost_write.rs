//! Writes that were acknowledged are gone: without fsync, by a power failure.

use std::collections::BTreeSet;

use faults::fault::Family;

use super::evidence::{Evidence, at, names};
use super::exercise::Exercise;

pub(super) const EXERCISE: Exercise = Exercise {
    name: "lost-write",
    goal: "Make a cluster lose writes that it has acknowledged",
    task: "A write is acknowledged once a majority of nodes has it on disk. Or has it? What a process \
           writes lies in the memory of its machine until fsync brings it to the disk.\n\n\
           Leave a safeguard out (docs/operating.md lists them under --off), and then take what the \
           nodes count on. No bug is planted, and nothing that was synced is damaged. Faults like this \
           one are written as below; `stormproof list faults` names the families, and `fault_budget` \
           says how many nodes may be down at once.",
    starter: r#"nodes = 3
workload = "set"
time_limit = 6.0
fault_budget = "all"

[settings]
off = "pre-vote"

[[fault]]
at = 3.0
lasts = 1.0
family = "kill"
aim = "leader"
"#,
    demands: &[
        "no bug is planted, and nothing that was synced is damaged",
        "nodes lost their power",
        "writes that were acknowledged are gone",
    ],
    check,
};

fn check(run: &Evidence, seen: &mut Vec<String>) -> Result<(), String> {
    if let Some(bug) = &run.bug {
        return Err(format!("do it without the planted bug {bug}"));
    }
    if run.faults.iter().any(|fault| fault.family == Family::Corruption) {
        return Err("do it without damage to what lies on disk already".to_owned());
    }
    seen.push("neither".to_owned());

    let off: Vec<_> = run.faults.iter().filter(|fault| fault.family == Family::Power).collect();
    let Some(first) = off.first() else {
        return Err(
            "a process that is killed leaves what it wrote to the operating system, which \
                    still writes it to the disk; what else can go out?"
                .to_owned(),
        );
    };
    seen.push(format!("{} at {}", names(&first.nodes), at(first.from)));

    if run.lost == 0 {
        let together = |time: u64| -> BTreeSet<&String> {
            let on = off.iter().filter(|fault| (fault.from..=fault.to).contains(&time));
            on.flat_map(|fault| &fault.nodes).collect()
        };
        let most = off.iter().map(|fault| together(fault.from).len()).max().unwrap_or(0);
        return Err(match 2 * most > run.nodes {
            false => format!(
                "at most {most} of {} nodes were without power at once, so a majority \
                              kept every write",
                run.nodes
            ),
            true => {
                "all that was acknowledged had been synced: which switch lets a node acknowledge \
                     what is in memory alone?"
                    .to_owned()
            }
        });
    }
    seen.push(format!("{} of them", run.lost));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::fault;
    use super::*;

    #[test]
    fn each_hint_tells_of_the_demand_that_is_missing() {
        let power = |nodes: &[&str]| vec![fault(Family::Power, nodes, 3.0, 3.5)];
        let of = |faults, lost| Evidence { nodes: 3, faults, lost, ..Evidence::default() };
        let missing = |evidence: &Evidence| EXERCISE.answer(evidence).missing.unwrap_or_default();
        assert!(EXERCISE.answer(&of(power(&["n1", "n2"]), 7)).is_solved());
        assert!(missing(&of(power(&["n1", "n2"]), 0)).contains("had been synced"));
        assert!(missing(&of(power(&["n1"]), 0)).contains("at most 1 of 3"));
        assert!(missing(&of(vec![fault(Family::Kill, &["n1"], 1.0, 2.0)], 0)).contains("killed"));
        let bug = Some("ack-before-fsync".to_owned());
        assert!(
            missing(&Evidence { bug, ..of(power(&["n1", "n2"]), 7) }).contains("ack-before-fsync")
        );
        let damaged = vec![fault(Family::Corruption, &["n1"], 1.0, 2.0)];
        assert!(missing(&of(damaged, 7)).contains("without damage"));
    }

    #[test]
    fn two_power_failures_that_overlap_count_together() {
        let one = fault(Family::Power, &["n1"], 3.0, 4.0);
        let two = fault(Family::Power, &["n2"], 3.5, 4.5);
        let evidence = Evidence { nodes: 3, faults: vec![one, two], ..Evidence::default() };
        let missing = EXERCISE.answer(&evidence).missing.unwrap_or_default();
        assert!(missing.contains("had been synced"), "{missing}");
    }
}
