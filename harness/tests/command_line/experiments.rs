//! The experiments as the command line offers them.

use crate::common::run;

#[test]
fn experiments_are_listed_with_their_claims() {
    let listed = run(&["list", "experiments"]).exits(0);
    insta::assert_snapshot!(listed.out);
}

#[test]
fn an_experiment_that_there_is_not_is_refused_and_the_nearest_is_named() {
    run(&["experiment", "leader-crsh"]).exits(64).says("leader-crash");
    run(&["experiment", "quorum", "--nodes", "2"]).exits(64).says("3..=9");
    run(&["experiment"]).exits(64);
}
