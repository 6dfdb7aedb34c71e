//! Values held against schemas.

use serde_json::{Map, Value};

/// Holds a value against a schema, in the part of JSON Schema that ours use. A keyword that is not
/// known here fails, so that nothing is taken for checked that was not.
pub struct Checker {
    root: Value,
}

/// The first rule that a value does not keep, and its place.
pub type Kept = Result<(), String>;

impl Checker {
    /// The schema in a text.
    pub fn of(text: &str) -> Checker {
        Checker { root: serde_json::from_str(text).expect("a schema is JSON") }
    }

    /// Holds a value against the whole schema.
    pub fn check(&self, value: &Value) -> Kept {
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
