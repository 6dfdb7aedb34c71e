//! The flags that a person wrote, on a command line or in a file, before they are a plan.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use faults::fault::Family;
use faults::schedule::{Entry, KnownFailure, Schedule};
use serde::Deserialize;
use toml::{Table, Value};

use super::flags::Plan;
use super::values::{Asked, NONE};
use crate::exit::{bad_input, usage};
use crate::slo::Promise;

/// A flag of [`Plan`], as clap has read it off its field.
pub(super) struct Flag {
    /// The name of the field, and the key in files.
    pub id: String,
    /// The name on the command line.
    pub long: String,
    /// True if several values are separated by commas.
    is_list: bool,
    /// True if it can stand without a value.
    is_switch: bool,
}

/// Every flag of a plan.
pub(super) static FLAGS: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    let command = Plan::augment_args(Command::new("plan"));
    let flags = command.get_arguments().map(|flag| Flag {
        id: flag.get_id().to_string(),
        long: flag.get_long().expect("a flag of a plan has a long name").to_owned(),
        is_list: flag.get_value_delimiter().is_some(),
        is_switch: flag.get_num_args().is_some_and(|count| count.min_values() == 0),
    });
    flags.collect()
});

/// Flags with their values as text, and the faults of a file. What is absent has its default.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Written {
    values: BTreeMap<String, Vec<String>>,
    schedule: Option<Vec<Entry>>,
}

impl Written {
    /// Everything of a plan but its schedule.
    pub(super) fn of(plan: &Plan) -> Result<Written> {
        let table = Table::try_from(plan).context("a plan is a table")?;
        Written::from_table(&table)
    }

    /// Reads flags as a command line has them.
    ///
    /// # Errors
    /// When one is none, or has a value that is none.
    pub fn from_flags(words: &[String]) -> Result<Written> {
        let command = Written::augment_args(Command::new("plan").no_binary_name(true));
        let matches = command.try_get_matches_from(words);
        let matches = matches.map_err(|error| usage(complaint(&error)))?;
        Ok(Written::from_arg_matches(&matches)?)
    }

    /// Reads a plan that a person or an earlier run wrote.
    ///
    /// # Errors
    /// When it is not TOML, or has a key or a value that is none.
    pub fn from_toml(text: &str) -> Result<Written> {
        let written = Written::unchecked(text)?;
        written.parse().map_err(|error| bad_input(complaint(&error)))?;
        Ok(written)
    }

    fn unchecked(text: &str) -> Result<Written> {
        let bad = |error: toml::de::Error| bad_input(error.to_string());
        let table: Table = toml::from_str(text).map_err(bad)?;
        let mut written = Written::from_table(&table)?;
        if table.contains_key("fault") {
            let schedule: Schedule = toml::from_str(text).map_err(bad)?;
            written.schedule = Some(schedule.entries);
        }
        Ok(written)
    }

    /// Reads the plan in a file.
    ///
    /// # Errors
    /// When there is no such file or it holds no plan.
    pub fn from_file(path: &Path) -> Result<Written> {
        let written = Written::from_toml(&read(path)?);
        written.with_context(|| format!("{} is not a plan", path.display()))
    }

    /// The same without the names of target and workload, which are a test's own.
    ///
    /// # Errors
    /// As with [`Written::from_file`].
    pub fn from_file_of_a_test(path: &Path) -> Result<Written> {
        let written = Written::unchecked(&read(path)?).and_then(|written| {
            let written = written.without("target").without("workload");
            written.parse().map_err(|error| bad_input(complaint(&error)))?;
            Ok(written)
        });
        written.with_context(|| format!("{} is not a plan", path.display()))
    }

    /// Reads flags off a table. Their values are looked at when it is resolved.
    ///
    /// # Errors
    /// When a key is none.
    pub fn from_table(table: &Table) -> Result<Written> {
        let mut written = Written::default();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("fault", _) => {}
                ("clients", Value::Table(clients)) => {
                    clients.iter().try_for_each(|(key, value)| written.read(key, value))?;
                }
                ("settings" | "by", Value::Table(settings)) => {
                    let words = settings.iter().map(|(name, value)| {
                        Ok(format!("{name}={}", scalar(&format!("{key}.{name}"), value)?))
                    });
                    written.values.insert(key.clone(), words.collect::<Result<_>>()?);
                }
                ("known", Value::Array(failures)) => {
                    for (failure, place) in failures.iter().zip(1..) {
                        let failure: KnownFailure =
                            failure.clone().try_into().map_err(|error| {
                                let error: toml::de::Error = error;
                                bad_input(format!("known failure {place}: {}", error.message()))
                            })?;
                        written.add(key, &failure.to_string());
                    }
                }
                ("slo", Value::Array(promises)) => {
                    for (promise, place) in promises.iter().zip(1..) {
                        let text = match promise {
                            Value::Table(table) => {
                                let promise =
                                    Promise::deserialize(table.clone()).map_err(|error| {
                                        bad_input(format!("promise {place}: {}", error.message()))
                                    })?;
                                promise.to_string()
                            }
                            other => scalar(key, other)?,
                        };
                        written.add(key, &text);
                    }
                }
                _ => written.read(key, value)?,
            }
        }
        Ok(written)
    }

    /// The flags with the faults that a table spells out, if it does.
    ///
    /// # Errors
    /// When what stands there is no fault.
    pub fn with_faults(mut self, table: &Table) -> Result<Written> {
        if table.contains_key("fault") {
            let faults: Result<Schedule, toml::de::Error> = table.clone().try_into();
            let faults = faults.map_err(|error| bad_input(error.message().to_owned()))?;
            self.schedule = Some(faults.entries);
        }
        Ok(self)
    }

    /// Takes a key of a file.
    fn read(&mut self, key: &str, value: &Value) -> Result<()> {
        if !FLAGS.iter().any(|flag| flag.id == key) {
            let known: Vec<&str> = FLAGS.iter().map(|flag| flag.id.as_str()).collect();
            let known = known.join(", ");
            return Err(bad_input(format!(
                "there is no {key} in a plan; there are {known} and [[fault]]"
            )));
        }
        let values = match value {
            Value::Array(none) if none.is_empty() && ["faults", "triggers"].contains(&key) => {
                vec![NONE.to_owned()]
            }
            Value::Array(values) => {
                values.iter().map(|value| scalar(key, value)).collect::<Result<_>>()?
            }
            value => vec![scalar(key, value)?],
        };
        match values.is_empty() {
            true => drop(self.values.remove(key)),
            false => drop(self.values.insert(key.to_owned(), values)),
        }
        Ok(())
    }

    /// The values of a flag, if it is written.
    pub(super) fn values(&self, id: &str) -> Option<&[String]> {
        self.values.get(id).map(Vec::as_slice)
    }

    /// The faults that are spelled out, if any are.
    pub(super) fn schedule(&self) -> Option<&[Entry]> {
        self.schedule.as_deref()
    }

    /// The flags that are written.
    pub(super) fn ids(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    /// Returns true if the command line asks for that by its name, instead of taking all there are.
    pub fn names(&self, asked: Asked) -> bool {
        let (flags, name): (&[&str], _) = match asked {
            Asked::Family(family) => (&["faults", "profile"], family.name()),
            Asked::Trigger(kind) => (&["triggers"], kind.name()),
        };
        let values = flags.iter().filter_map(|id| self.values(id)).flatten();
        values.into_iter().any(|value| value == name)
    }

    /// Writes a flag, over what was written before.
    ///
    /// # Panics
    /// When there is no such flag.
    pub fn set(&mut self, id: &str, value: &str) {
        let flag = FLAGS.iter().find(|flag| flag.id == id).expect("a plan has that flag");
        let values = match flag.is_list {
            true => value.split(',').map(str::to_owned).collect(),
            false => vec![value.to_owned()],
        };
        self.values.insert(id.to_owned(), values);
    }

    /// Writes a flag by its name on the command line.
    ///
    /// # Panics
    /// When there is no such flag.
    #[track_caller]
    pub fn set_long(&mut self, long: &str, value: &str) {
        let Some(flag) = FLAGS.iter().find(|flag| flag.long == long) else {
            panic!("stormproof run has no flag --{long}");
        };
        self.set(&flag.id, value);
    }

    /// Writes a flag, unless it is written.
    pub fn set_if_absent(&mut self, id: &str, value: &str) {
        if self.values(id).is_none() {
            self.set(id, value);
        }
    }

    /// Adds a value to those that a flag has.
    pub fn add(&mut self, id: &str, value: &str) {
        self.values.entry(id.to_owned()).or_default().push(value.to_owned());
    }

    /// The same without a flag.
    pub fn without(mut self, id: &str) -> Written {
        self.values.remove(id);
        self
    }

    /// The flags that are written here, and those written `beneath` for the rest. Addresses bring
    /// their number of nodes, faults and a family's own profile replace each other, and either of
    /// them the faults that a file spells out. Known failures are added to those beneath.
    pub fn over(mut self, mut beneath: Written) -> Written {
        if self.values("addresses").is_some() {
            beneath = beneath.without("nodes").without("lab");
        }
        let family = |written: &Written| {
            let profile = written.values("profile").and_then(<[String]>::first);
            profile.is_some_and(|name| name.parse::<Family>().is_ok())
        };
        if family(&self) {
            beneath = beneath.without("faults");
        }
        if self.values("faults").is_some() && family(&beneath) {
            beneath = beneath.without("profile");
        }
        if self.values("faults").or(self.values("profile")).is_some() {
            beneath.schedule = None;
        }
        // To name one more failure is not to forget the others.
        if let (Some(own), Some(before)) = (self.values.get_mut("known"), beneath.values("known")) {
            own.splice(0..0, before.iter().cloned());
        }
        for (id, values) in beneath.values {
            self.values.entry(id).or_insert(values);
        }
        self.schedule = self.schedule.or(beneath.schedule);
        self
    }

    /// The flags over those of a plan's file. Faults that were drawn for the file's own flags are
    /// drawn again; those that a person spelled out stay.
    pub fn over_file(self, mut file: Written) -> Written {
        if !self.values.is_empty() && file.resolve().is_ok_and(|plan| plan.is_drawn()) {
            file.schedule = None;
        }
        self.over(file)
    }

    /// The flags as a command line has them, in the order of the help.
    pub fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        for Flag { id, long, is_list, is_switch } in FLAGS.iter() {
            let values = match self.values(id) {
                Some(values) if *is_list => vec![values.join(",")],
                values => values.unwrap_or_default().to_vec(),
            };
            for value in values {
                match value.as_str() {
                    "true" if *is_switch => words.push(format!("--{long}")),
                    text if *is_switch || text.starts_with('-') => {
                        words.push(format!("--{long}={text}"));
                    }
                    _ => words.extend([format!("--{long}"), value]),
                }
            }
        }
        words
    }

    /// The plan as it is written, with defaults. Nothing is drawn yet.
    ///
    /// # Errors
    /// When a value is none, or out of bounds.
    pub(super) fn parse(&self) -> Result<Plan, clap::Error> {
        let arguments = FLAGS.iter().flat_map(|Flag { id, long, .. }| {
            let values = self.values(id).unwrap_or_default();
            values.iter().map(move |value| format!("--{long}={value}"))
        });
        let command = Plan::augment_args(Command::new("plan").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments)?;
        Plan::from_arg_matches(&matches)
    }
}

fn read(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| bad_input(format!("cannot read {}: {error}", path.display())))?;
    // A run reads its plan twice, outside and inside of the lab, and a pipe only once.
    match text.trim().is_empty() {
        true => Err(bad_input(format!("{} is empty; a plan is read from a file", path.display()))),
        false => Ok(text),
    }
}

/// A single value of a file as text.
fn scalar(key: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Datetime(time) => Ok(time.to_string()),
        Value::Array(_) | Value::Table(_) => {
            Err(bad_input(format!("{key} takes no {}", value.type_str())))
        }
    }
}

/// The complaint of clap without what belongs to a command line.
pub(super) fn complaint(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    text.split("\n\nUsage:")
        .flat_map(|text| text.split("\n\nFor more"))
        .next()
        .unwrap_or(text)
        .into()
}

/// The flags of a plan on a command line. Those that are not written are absent.
impl Args for Written {
    fn augment_args(command: Command) -> Command {
        Plan::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Plan::augment_args(command)
    }
}

impl FromArgMatches for Written {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut written = Written::default();
        for Flag { id, .. } in FLAGS.iter() {
            // A command may have some of the flags only.
            let known = matches.try_contains_id(id).unwrap_or(false);
            if !known || matches.value_source(id) != Some(ValueSource::CommandLine) {
                continue;
            }
            for value in matches.get_raw(id).into_iter().flatten() {
                let text = value.to_str().ok_or_else(|| {
                    clap::Error::raw(
                        clap::error::ErrorKind::InvalidUtf8,
                        format!("--{id} takes text, not {}\n", value.display()),
                    )
                })?;
                written.add(id, text);
            }
        }
        Ok(written)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Written::from_arg_matches(matches)?.over(std::mem::take(self));
        Ok(())
    }
}
