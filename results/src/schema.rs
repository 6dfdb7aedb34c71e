//! The JSON schemas of the files that other programs read: derived from the types that are written,
//! and kept in `docs/schema`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::detection::{self, DetectionRun};
use crate::night::{self, Night};
use crate::summary::{self, Summary};

/// The schema of a form.
#[derive(Debug, Clone)]
pub struct FormSchema {
    /// The name of its file in `docs/schema`.
    pub file: String,
    /// The schema, as text.
    pub text: String,
}

/// The schemas of `verdict.json`, `night.json` and a line of `detection.jsonl`.
pub fn all() -> Vec<FormSchema> {
    vec![
        of::<Summary>("verdict", summary::SCHEMA),
        of::<Night>("night", night::SCHEMA),
        of::<DetectionRun>("detection", detection::SCHEMA),
    ]
}

/// The schema of what is written. Fields that may be left out are not required, and more fields than
/// these may come in a later version of stormproof with the same number.
fn of<T: JsonSchema>(name: &str, version: u32) -> FormSchema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema: Schema = settings.into_generator().into_root_schema_for::<T>();
    if let Some(number) = schema.pointer_mut("/properties/schema") {
        number["const"] = version.into();
    }
    let text = format!("{:#}\n", schema.as_value());
    FormSchema { file: format!("{name}-{version}.schema.json"), text }
}
