//! The way in which a history is to be judged, as its file says it.
//!
//! A history that was taken out of another one may no longer show by which model it is to be
//! judged. It begins with an event of the controller that says so:
//!
//! ```json
//! {"process":"controller","type":"info","f":"judging","value":{"model":"queue","initial":null,"nil_reads":"absent","observe_failures":false}}
//! ```
//!
//! Each member may be missing; then it is as if the file said nothing about it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::history::pairing::{Pairing, SETTING};
use crate::history::reading::Format;
use crate::history::{Datum, ReadError};
use crate::model::NilReads;
use crate::options::Options;

/// The model, initial state and conventions that a file names for its judging.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The name of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The content of every key before the first operation.
    #[serde(default)]
    pub initial: Value,
    /// The meaning of a read that answered nil.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nil_reads: Option<NilReads>,
    /// True if a failure without a reason is held to be an observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observe_failures: Option<bool>,
}

impl Setting {
    /// The setting in which a history is judged with these options.
    pub fn of_options(options: &Options) -> Setting {
        Setting {
            model: options.model.clone(),
            initial: options.initial.clone(),
            nil_reads: Some(options.conventions.nil_reads),
            observe_failures: Some(options.conventions.observe_failures),
        }
    }

    /// The options for a history of this format that says this.
    pub fn options(&self, format: Format) -> Options {
        let mut options = Options::for_format(format);
        options.model = self.model.clone();
        options.initial = self.initial.clone();
        let conventions = &mut options.conventions;
        conventions.nil_reads = self.nil_reads.unwrap_or(conventions.nil_reads);
        conventions.observe_failures =
            self.observe_failures.unwrap_or(conventions.observe_failures);
        options
    }

    /// The event that says it, as a line of a `history.jsonl`.
    pub fn line(&self) -> String {
        json!({"process": "controller", "type": "info", "f": SETTING, "value": self}).to_string()
    }

    /// The setting that the events named.
    pub(super) fn of(pairing: &Pairing) -> Result<Setting, ReadError> {
        let Some((line, setting)) = pairing.setting() else { return Ok(Setting::default()) };
        let value = Datum::to_value(setting);
        serde_json::from_value(value).map_err(|error| {
            ReadError::on_line(line, format!("this says not how the history is judged: {error}"))
        })
    }
}
