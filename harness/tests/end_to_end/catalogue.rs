//! The catalogue: its runs shared out, gone on with, and joined.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{Finished, run, scratch};
use crate::support::has_namespaces;
use crate::turn::wide_turn;

fn detections(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("detection.jsonl")).expect("it was written");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn shards_of_a_catalogue_are_joined_to_the_table_of_all() {
    let _turn = wide_turn();
    if !has_namespaces() {
        return;
    }
    let scratch = scratch("catalogue-shards");
    let shard = |index: u64| -> Finished {
        let folder = scratch.join(index.to_string()).display().to_string();
        let part = format!("{index}/2");
        let flags = "--faults partition --nodes 3 --time-limit 10s";
        let asked = ["catalogue", "--bug", "stale-read", "--seeds", "1..3", "--flags", flags];
        run(&[&asked[..], &["--jobs", "1", "--shard", &part, "--results", &folder]].concat())
    };
    for (index, seed) in [(1, 1), (2, 2)] {
        let done = shard(index);
        assert!(matches!(done.code, Some(0 | 1)), "{}", done.err);
        done.says("1 run, into");
        let runs = detections(&scratch.join(index.to_string()));
        assert_eq!(runs.len(), 1);
        assert_eq!((&runs[0]["run"], &runs[0]["case"]), (&seed.into(), &"stale-read".into()));
        assert_eq!(runs[0]["defect"], true);
        assert!(runs[0]["target"].as_str().is_some_and(|it| it.starts_with("bundled ")));
        assert!(runs[0]["started"].as_str().is_some_and(|it| it.ends_with('Z')));
    }
    // What is known is not made again.
    let before = detections(&scratch.join("1"));
    let done = shard(1);
    assert!(!done.err.contains("seed 1:"), "{}", done.err);
    assert_eq!(detections(&scratch.join("1")), before);
    let [one, two] = ["1", "2"].map(|folder| scratch.join(folder).display().to_string());
    let joined = run(&["catalogue", "--from", &one, &two, "--at-least", "0"]);
    let found: Vec<Value> = [before, detections(&scratch.join("2"))].concat();
    let caught = found.iter().filter(|run| run["found"] == true).count();
    let counted = found.iter().filter(|run| !run["found"].is_null()).count();
    joined.says(&format!("{caught} of {counted}"));
    // A folder holds the results of one question.
    run(&["catalogue", "--bug", "stale-read", "--results", &one])
        .exits(64)
        .says("holds the results of another plan");
}
