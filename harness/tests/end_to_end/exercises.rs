//! Exercises as a learner solves them.

use std::fs;
use std::path::Path;

use crate::common::{Finished, run, scratch};
use crate::support::has_namespaces;
use crate::turn::turn;

/// An answer that is carried out and checked.
fn answered(folder: &Path, exercise: &str, plan: &str) -> Finished {
    let file = folder.join("answer.toml");
    fs::write(&file, plan).expect("the plan can be written");
    let results = folder.join("results").display().to_string();
    let file = file.display().to_string();
    run(&["exercise", exercise, &file, "--results", &results])
}

#[test]
fn a_plan_that_loses_writes_solves_the_exercise_and_one_that_syncs_them_does_not() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let plan = |off: &str| {
        format!(
            "nodes = 3\nworkload = \"set\"\ntime_limit = 3.0\nfault_budget = \"all\"\n\
             [settings]\noff = \"{off}\"\n\
             [[fault]]\nat = 1.5\nlasts = 0.5\nfamily = \"power\"\naim = \"all\"\n"
        )
    };
    let folder = scratch("exercise-solved");
    let solved = answered(&folder, "lost-write", &plan("fsync")).exits(0);
    solved.says("✓ writes that were acknowledged are gone").says("SOLVED");

    // A run that is there is checked as it is, and by what it shows.
    let saved = folder.join("results/lost-write/run/latest").display().to_string();
    run(&["exercise", "lost-write", &saved]).exits(0).says("SOLVED");
    run(&["exercise", "pre-vote", &saved]).exits(1).says("NOT SOLVED: 0 of 4");

    let folder = scratch("exercise-unsolved");
    let unsolved = answered(&folder, "lost-write", &plan("batching")).exits(1);
    unsolved.says("✓ nodes lost their power").says("had been synced").says("NOT SOLVED: 2 of 3");
}
