//! Nights that cannot be, as a user meets them.

use crate::common::{run, scratch};
use crate::write;

const SHORT: &str = "[run]\nfaults = \"none\"\nnodes = 1\ntime_limit = \"1s\"\n";

#[test]
fn a_plan_that_is_none_is_refused_with_the_place() {
    let directory = scratch("nights-plans");
    let refused = |text: &str, says: &str| {
        let plan = write(&directory, "night.toml", text);
        let output = directory.join("night").display().to_string();
        run(&["nightly", &plan, "--output", &output]).exits(65).says("night.toml").says(says);
        assert!(!directory.join("night").exists(), "nothing was begun");
    };
    refused("workloads = [\n", "night.toml");
    refused("workload = \"register\"\n", "unknown field `workload`");
    refused("workloads = []\n", "the matrix is empty");
    refused("profiles = [\"nighly\"]\n", "nightly");
    refused("[[target]]\ntarget = \"bundeld\"\n", "bundled");
    refused("[run]\nfualts = \"none\"\n", "there is no fualts in a plan");
    run(&["nightly", "no-such.toml"]).exits(65).says("cannot read no-such.toml");
}

#[test]
fn flags_that_make_no_night_are_refused() {
    run(&["nightly", "--shard", "1/3"]).exits(64).says("--seed");
    run(&["nightly", "--seed", "1", "--shard", "4/3"]).exits(64).says("counted from 1");
    run(&["nightly", "--seed", "1", "--shard", "0/3"]).exits(64).says("counted from 1");
    run(&["nightly", "--seed", "1", "--shard", "one"]).exits(64).says("I/N");
    run(&["nightly", "--budget", "soon"]).exits(64).says("--budget");
    run(&["nightly", "--runs", "0"]).exits(64).says("--runs");
    run(&["nightly", "--past", "no-such-folder"]).exits(65).says("no-such-folder");
    let directory = scratch("nights-budget");
    let plan = write(&directory, "night.toml", SHORT);
    let output = directory.join("night").display().to_string();
    run(&["nightly", &plan, "--budget", "3s", "--output", &output])
        .exits(64)
        .says("the budget is too short for a run, which takes about 13 s");
}

#[test]
fn a_night_in_which_the_harness_fails_again_and_again_ends_and_says_why() {
    let directory = scratch("nights-lacking");
    let text = "runs = 500\n[[target]]\ntarget = \"etcd\"\nbin = \"no-such-folder\"\n";
    let plan = write(&directory, "night.toml", text);
    let output = directory.join("night").display().to_string();
    let night = ["nightly", &plan, "--seed", "1", "--jobs", "1", "--output", &output];
    let night = run(&night).exits(3).says("5 runs in ");
    let night = night.says("the harness failed in 5 runs, one after the other: cannot start ");
    // It does once that is mended.
    night.says("goes on with: stormproof nightly --output ");
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let directory = scratch("nights-folders");
    let plan = write(&directory, "night.toml", &format!("runs = 1\n{SHORT}"));
    let folder = directory.join("mine");
    std::fs::create_dir(&folder).expect("it can be made");
    let shown = folder.display().to_string();
    write(&folder, "letter.txt", "dear diary");
    run(&["nightly", &plan, "--output", &shown])
        .exits(64)
        .says("holds something else than a night");
    std::fs::remove_file(folder.join("letter.txt")).expect("it can be removed");

    // That of another version of stormproof, and one that is damaged.
    write(&folder, "night.toml", &format!("runs = 1\n{SHORT}"));
    write(&folder, "night.json", "{\"schema\": 99, \"runs\": \"elsewhere\"}");
    run(&["nightly", &plan, "--output", &shown]).exits(65).says("another version of stormproof");
    let output = directory.join("merged").display().to_string();
    run(&["merge", &shown, "--output", &output]).exits(65).says("its form is 99");
    write(&folder, "night.json", "{\"schema\": 1}");
    run(&["nightly", &plan, "--output", &shown]).exits(65).says("cannot understand");
    write(&folder, "night.json", "half of it");
    run(&["nightly", &plan, "--output", &shown]).exits(65).says("cannot understand");
    let kept = std::fs::read_to_string(folder.join("night.json")).expect("it is there");
    assert_eq!(kept, "half of it", "what was there is not lost");

    run(&["merge", "no-such-night", "--output", &output]).exits(65).says("no-such-night");
    let empty = directory.join("empty");
    std::fs::create_dir(&empty).expect("it can be made");
    let empty = empty.display().to_string();
    run(&["merge", &empty, "--output", &output]).exits(65).says("holds no night");
}
