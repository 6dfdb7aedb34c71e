//! The exercises as the command line offers them.

use std::fs;

use crate::common::{run, scratch};

#[test]
fn exercises_are_listed_with_their_goals() {
    let listed = run(&["list", "exercises"]).exits(0);
    insta::assert_snapshot!(listed.out);
}

#[test]
fn a_task_is_a_plan_with_its_rules_as_comments() {
    let sheet = run(&["exercise", "lost-write"]).exits(0);
    insta::assert_snapshot!(sheet.out);
    let file = scratch("exercise-sheet").join("answer.toml");
    fs::write(&file, &sheet.out).expect("it can be written");
    let plan = run(&["plan", "--plan", file.to_str().expect("a path of UTF-8")]).exits(0);
    plan.says("kill the leader");
}

#[test]
fn answers_that_cannot_be_carried_out_are_refused() {
    run(&["exercise", "lost-wrte"]).exits(64).says("lost-write");
    run(&["exercise", "lost-write", "nowhere.toml"]).exits(65).says("nowhere.toml");
    run(&["exercise", "lost-write", "--results", "here"]).exits(64);
    let empty = scratch("exercise-no-run");
    let empty = empty.to_str().expect("a path of UTF-8");
    run(&["exercise", "lost-write", empty]).exits(65);
    let file = scratch("exercise-bad").join("answer.toml");
    fs::write(&file, "nodes = 3\nfaults = [\"kil\"]\n").expect("it can be written");
    run(&["exercise", "lost-write", file.to_str().expect("a path of UTF-8")])
        .exits(65)
        .says("kill");
}
