//! The schemas of what other programs read are those of the types, and real files keep to them.
//!
//! `STORMPROOF_WRITE=1 cargo test -p stormproof-results --test schema` writes them anew after a
//! change; a change that a reader of the old form cannot take raises the form's number as well.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stormproof_results::schema;

mod checker;
mod examples;
mod yaml;

use checker::Checker;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema")
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let write = std::env::var_os("STORMPROOF_WRITE").is_some();
    for form in schema::all() {
        let path = folder().join(&form.file);
        if write {
            fs::write(&path, &form.text).expect("it can be written");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == form.text,
            "docs/schema/{} is not that of the type: write it anew by STORMPROOF_WRITE=1 cargo test \
             -p stormproof-results --test schema",
            form.file
        );
    }
}

/// The checker of a schema that is kept.
fn of_file(file: &str) -> Checker {
    Checker::of(&fs::read_to_string(folder().join(file)).expect("it is there"))
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The `verdict.json` of sample runs: one with a counterexample first.
fn verdicts() -> Vec<(String, Value)> {
    let snapshot = |name: &str| {
        let path = tests().join(format!("snapshots/verdict-{name}.snap"));
        let text = fs::read_to_string(&path).expect("it is there");
        let json = text.split_once("\n{\n").expect("a snapshot has a head").1;
        let value = serde_json::from_str(&format!("{{{json}")).expect("it is JSON");
        (format!("the snapshot {name}"), value)
    };
    ["invalid", "queue", "storm"].map(snapshot).into()
}

#[test]
fn verdicts_keep_to_the_schema() {
    let checker = of_file("verdict-1.schema.json");
    for (name, verdict) in verdicts() {
        checker.check(&verdict).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
    // A run that an earlier version saved, before there were these two.
    let mut saved = json(&tests().join("saved/every-family/verdict.json"));
    let why = checker.check(&saved).expect_err("it has no number");
    assert!(why.contains("required"), "{why}");
    saved["schema"] = 1.into();
    saved["liveness"]["load_lateness_seconds"] = 0.0.into();
    checker.check(&saved).expect("all else is of this form");
}

#[test]
fn nights_and_detections_keep_to_their_schemas() {
    let night = json(&tests().join("saved/night.json"));
    let checker = of_file("night-1.schema.json");
    checker.check(&night).unwrap_or_else(|why| panic!("{why}"));
    let mut other = night;
    other["runs"][0]["kept"] = "some".into();
    assert!(checker.check(&other).is_err());
    // Those that the page of the form shows.
    let page = fs::read_to_string(folder().join("../detection-format.md")).expect("it is there");
    let checker = of_file("detection-1.schema.json");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("{\"schema\"")).collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let run: Value = serde_json::from_str(line).expect("it is JSON");
        checker.check(&run).unwrap_or_else(|why| panic!("{why}"));
    }
}

#[test]
fn what_is_of_another_form_does_not_keep_to_the_schema() {
    let checker = of_file("verdict-1.schema.json");
    let (_, verdict) = verdicts().remove(0);
    for (path, value) in [
        ("/schema", Value::from(2)),
        ("/verdict", "maybe".into()),
        ("/run/seed", (-1).into()),
        ("/run/nodes", "n1".into()),
        ("/phases/0/0", "sleep".into()),
        ("/safety/counterexample/operations/0/process", "god".into()),
        ("/safety/counterexample/operations/0/outcome", Value::Null),
    ] {
        let mut other = verdict.clone();
        *other.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
        assert!(checker.check(&other).is_err(), "{path}");
    }
}
