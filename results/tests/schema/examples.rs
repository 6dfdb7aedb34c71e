//! The examples for other programs: read as these read them, and held against what they take.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::checker::Checker;
use crate::yaml::read;

/// The part of the schema of Kubernetes' `batch/v1` that a Job like ours may use, by its API's
/// reference. A field that is not there is an error.
const JOB: &str = include_str!("job.schema.json");

/// An example of a night.
fn example(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/examples/nights");
    let text = fs::read_to_string(folder.join(name)).expect("it is there");
    read(&text).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[test]
fn the_manifest_is_a_job_of_kubernetes() {
    let job = example("kubernetes.yaml");
    let checker = Checker::of(JOB);
    checker.check(&job).unwrap_or_else(|why| panic!("kubernetes.yaml: {why}"));
    // As many pods as the night has shards, and each finds what it mounts.
    let shards = json!(job["spec"]["completions"]);
    assert_eq!(job["spec"]["parallelism"], shards);
    let pod = &job["spec"]["template"]["spec"];
    let command = pod["containers"][0]["args"][0].as_str().expect("a text");
    assert!(command.contains(&format!("JOB_COMPLETION_INDEX + 1))/{shards}")), "{command}");
    let names = |list: &Value| -> Vec<Value> {
        list.as_array().into_iter().flatten().map(|it| it["name"].clone()).collect()
    };
    assert_eq!(names(&pod["containers"][0]["volumeMounts"]), names(&pod["volumes"]));
    // And the schema sees what is wrong.
    for (place, wrong) in [
        ("/spec/completionMode", json!("Indexd")),
        ("/spec/completions", json!("4")),
        ("/spec/template/spec/restartPolicy", json!("Always")),
        ("/spec/template/spec/containers", json!([])),
        ("/spec/template/spec/volumes/0", json!({ "name": "nights", "claim": "x" })),
    ] {
        let mut other = job.clone();
        *other.pointer_mut(place).expect("it is there") = wrong;
        assert!(checker.check(&other).is_err(), "{place}");
    }
}

#[test]
fn the_workflow_is_read_as_it_is_meant() {
    let workflow = example("github.yml");
    let shard = &workflow["jobs"]["shard"];
    assert_eq!(shard["strategy"]["matrix"]["shard"], json!([1, 2, 3, 4]));
    assert_eq!(workflow["jobs"]["night"]["needs"], "shard");
    for (name, job) in workflow["jobs"].as_object().expect("jobs") {
        assert!(job["runs-on"].is_string(), "{name}");
        for step in job["steps"].as_array().expect("steps") {
            // A step either uses an action or runs a command.
            assert!(step["uses"].is_string() != step["run"].is_string(), "{name}: {step}");
        }
    }
    let steps = shard["steps"].as_array().expect("steps");
    let run = steps.iter().filter_map(|step| step["run"].as_str());
    let command = run.filter(|it| it.contains("nightly")).collect::<Vec<_>>();
    assert!(command[0].contains("--shard \"${{ matrix.shard }}/4\""), "{command:?}");
}

#[test]
fn what_is_not_read_is_an_error() {
    let wrong = ["a: 1\na: 2", "a: 1\n  b: 2", "a:\n\tb: 1", "a: {b: 1}", "no key", "a: &x 1"];
    for text in wrong {
        assert!(read(text).is_err(), "{text:?}: {:?}", read(text));
    }
    let right = "a:\n- b: 1\n  c: { d: x, e: \"1\" }\n- 2\nf: >-\n  one\n  two\ng:";
    let value =
        json!({ "a": [{ "b": 1, "c": { "d": "x", "e": "1" } }, 2], "f": "one two", "g": null });
    assert_eq!(read(right).expect("it is read"), value);
}
