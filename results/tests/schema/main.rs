//! The schemas of what other programs read are those of the types, and real files keep to them.
//!
//! `STORMPROOF_WRITE=1 cargo test -p stormproof-results --test schema` writes them anew after a
//! change; a change that a reader of the old form cannot take raises the form's number as well.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use stormproof_results::schema;

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

/// Holds a value against a schema, in the part of JSON Schema that ours use. A keyword that is not
/// known here fails, so that nothing is taken for checked that was not.
struct Checker {
    root: Value,
}

/// The first rule that a value does not keep, and its place.
type Kept = Result<(), String>;

impl Checker {
    fn of(file: &str) -> Checker {
        Checker { root: json(&folder().join(file)) }
    }

    fn check(&self, value: &Value) -> Kept {
        self.holds(&self.root, value, "")
    }

    fn holds(&self, schema: &Value, value: &Value, at: &str) -> Kept {
        match schema {
            Value::Object(rules) => {
                rules.iter().try_for_each(|(rule, says)| self.keeps(rules, (rule, says), value, at))
            }
            Value::Bool(true) => Ok(()),
            _ => Err(format!("{at}: nothing may be here")),
        }
    }

    fn keeps(
        &self,
        rules: &Map<String, Value>,
        (rule, says): (&str, &Value),
        value: &Value,
        at: &str,
    ) -> Kept {
        let must = |holds: bool| match holds {
            true => Ok(()),
            false => Err(format!("{at}: {rule} {says}, not {value}")),
        };
        let schemas = || says.as_array().expect("a list of schemas").iter();
        let elements = || value.as_array().into_iter().flatten().enumerate();
        let element = |says: &Value, (place, element): (usize, &Value)| {
            self.holds(says, element, &format!("{at}/{place}"))
        };
        match rule {
            "$schema" | "$defs" | "title" | "description" | "default" => Ok(()),
            "format" => {
                let known = ["uint", "uint32", "uint64", "int64", "double"];
                assert!(known.contains(&says.as_str().unwrap_or_default()), "a format {says}");
                Ok(())
            }
            "$ref" => {
                let path = says.as_str().and_then(|path| path.strip_prefix('#'));
                let found = path.and_then(|path| self.root.pointer(path));
                self.holds(found.unwrap_or_else(|| panic!("no {says}")), value, at)
            }
            "type" => {
                let kinds = says.as_array().cloned().unwrap_or_else(|| vec![says.clone()]);
                must(kinds.iter().any(|kind| is_a(kind.as_str().unwrap_or_default(), value)))
            }
            "const" => must(says == value),
            "enum" => must(schemas().any(|one| one == value)),
            "minimum" => must(value.as_f64().is_none_or(|it| Some(it) >= says.as_f64())),
            "maximum" => must(value.as_f64().is_none_or(|it| Some(it) <= says.as_f64())),
            "required" => must(value.as_object().is_none_or(|members| {
                schemas().all(|name| members.contains_key(name.as_str().expect("a name")))
            })),
            "properties" => self.members(value, at, |name| says.get(name)),
            "additionalProperties" => self.members(value, at, |name| {
                let named = rules.get("properties").is_some_and(|named| named.get(name).is_some());
                (!named).then_some(says)
            }),
            "items" => {
                let first = rules.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                elements().skip(first).try_for_each(|it| element(says, it))
            }
            "prefixItems" => schemas().zip(elements()).try_for_each(|(says, it)| element(says, it)),
            "minItems" => {
                must(!value.is_array() || Some(elements().count() as u64) >= says.as_u64())
            }
            "maxItems" => {
                must(!value.is_array() || Some(elements().count() as u64) <= says.as_u64())
            }
            "allOf" => schemas().try_for_each(|one| self.holds(one, value, at)),
            "anyOf" => must(schemas().any(|one| self.holds(one, value, at).is_ok())),
            "oneOf" => {
                must(schemas().filter(|one| self.holds(one, value, at).is_ok()).count() == 1)
            }
            other => panic!("{other} is not checked here; teach it to this test"),
        }
    }

    fn members<'a>(
        &self,
        value: &Value,
        at: &str,
        says: impl Fn(&str) -> Option<&'a Value>,
    ) -> Kept {
        let members = value.as_object().into_iter().flatten();
        let mut ruled = members.filter_map(|(name, member)| Some((name, member, says(name)?)));
        ruled.try_for_each(|(name, it, says)| self.holds(says, it, &format!("{at}/{name}")))
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("there is no type {other}"),
    }
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
    let checker = Checker::of("verdict-1.schema.json");
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
    let checker = Checker::of("night-1.schema.json");
    checker.check(&night).unwrap_or_else(|why| panic!("{why}"));
    let mut other = night;
    other["runs"][0]["kept"] = "some".into();
    assert!(checker.check(&other).is_err());
    // Those that the page of the form shows.
    let page = fs::read_to_string(folder().join("../detection-format.md")).expect("it is there");
    let checker = Checker::of("detection-1.schema.json");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("{\"schema\"")).collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let run: Value = serde_json::from_str(line).expect("it is JSON");
        checker.check(&run).unwrap_or_else(|why| panic!("{why}"));
    }
}

#[test]
fn what_is_of_another_form_does_not_keep_to_the_schema() {
    let checker = Checker::of("verdict-1.schema.json");
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
