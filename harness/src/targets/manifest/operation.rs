//! Operations: what is sent for each, and what its answers mean.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;
use toml::Spanned;
use workloads::{Object, Workload};

use super::answer::{Place, Reading, Test};
use super::request::{HttpResponse, Parts, Question};
use super::schema::{self, Schema, Text};
use super::source::Source;
use super::template::Form;
use crate::targets::http::TRANSPORT_ERRORS;
use crate::targets::{ErrorRow, NONSENSE, row};

/// The placeholders where an operation is sent.
pub const OPERATION: [&str; 4] = ["run", "key", "token", VALUE];

/// The argument of an operation.
const VALUE: &str = "value";

/// The same with the form that the value has in operations of that name.
fn names(f: &str) -> [(&'static str, Form); OPERATION.len()] {
    let value = match f {
        "read" | "dequeue" => Form::Nothing,
        "cas" => Form::List(2),
        "txn" => Form::Lists,
        _ => Form::Scalar,
    };
    OPERATION.map(|name| (name, if name == VALUE { value } else { Form::Scalar }))
}

/// Operations whose answer has a value that no client knew before, by the models that want it. Of
/// all others the history keeps what was asked.
const ANSWERED: &[(&str, &str)] = &[
    ("register", "read"),
    ("append-list", "read"),
    ("set", "read"),
    ("counter", "read"),
    ("queue", "dequeue"),
    ("fenced-lock", "acquire"),
    ("txn", "txn"),
];

/// One operation of a workload.
#[derive(Debug)]
pub struct Operation {
    /// The request.
    pub question: Question,
    /// True if the service applies its token once.
    pub honours_token: bool,
    ok: Test,
    failed: Option<Test>,
    nothing: Option<(Test, Value)>,
    value: Option<Reading>,
    version: Option<Place>,
}

/// The operations of one workload, by name.
pub type Operations = BTreeMap<String, Operation>;

/// The meaning of an answer.
#[derive(Debug, PartialEq)]
pub enum Meaning {
    /// The operation was done: its value, none if that is what was asked.
    Done(Option<Value>),
    /// Its precondition did not hold.
    Failed,
}

impl Operation {
    /// Understands the operations of every workload, by the models that judge them.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile_all(
        source: &Source<'_>,
        schema: &Schema,
    ) -> Result<BTreeMap<&'static str, Operations>> {
        let known = |name: &Text| {
            workloads::find(name.get_ref()).ok_or_else(|| {
                let names: Vec<&str> = workloads::ALL.iter().map(|known| known.name).collect();
                let what = format!("unknown workload {name}; there are {}", names.join(", "));
                source.error(name.span(), what)
            })
        };
        // A misspelt name is told before the operation that it leaves another workload without.
        schema.workload.keys().try_for_each(|name| known(name).map(drop))?;
        let mut models = BTreeMap::new();
        for (name, operations) in &schema.workload {
            let workload = known(name)?;
            let compiled = Operation::compile_workload(source, schema, workload, name, operations)?;
            models.insert(workload.model, compiled);
        }
        Ok(models)
    }

    fn compile_workload(
        source: &Source<'_>,
        schema: &Schema,
        workload: &Workload,
        name: &Text,
        operations: &BTreeMap<Text, schema::Operation>,
    ) -> Result<Operations> {
        let has: BTreeSet<&str> = operations.keys().map(|f| f.get_ref().as_str()).collect();
        let kinds = workload.kinds;
        if let Some(f) = operations.keys().find(|f| !kinds.contains(&f.get_ref().as_str())) {
            let what = format!("{name} has no operation {f}; it has {}", kinds.join(", "));
            return Err(source.error(f.span(), what));
        }
        let lacking = kinds.iter().find(|kind| !has.contains(*kind));
        if let Some(lacking) = lacking
            && workloads::offered(workload, |f| has.contains(f)).is_none()
        {
            let what = format!(
                "[workload.{name}.{lacking}] is missing: a run of {name} makes all of {}",
                kinds.join(", ")
            );
            return Err(source.error(name.span(), what));
        }
        let compile = |(f, operation): (&Text, &schema::Operation)| {
            let compiled = Operation::compile(source, schema, workload.model, f, operation)?;
            Ok((f.get_ref().clone(), compiled))
        };
        operations.iter().map(compile).collect()
    }

    fn compile(
        source: &Source<'_>,
        schema: &Schema,
        model: &str,
        f: &Text,
        operation: &schema::Operation,
    ) -> Result<Operation> {
        let schema::Operation { request, headers, json, body, honours_token, .. } = operation;
        let parts = Parts { request, headers, json, body };
        let question = Question::compile(source, &parts, &names(f.get_ref()))?;
        if *honours_token && !question.mentions("token") {
            let what = "honours_token, but no {token} is sent";
            return Err(source.error(f.span(), what));
        }
        let common = &schema.answers;
        let test = |own: &Option<Spanned<toml::Table>>, common: &Option<Spanned<toml::Table>>| {
            let test = own.as_ref().or(common.as_ref());
            test.map(|test| Test::compile(source, test)).transpose()
        };
        let answers = ANSWERED.contains(&(model, f.get_ref().as_str()));
        let value = match (answers, &operation.value, &common.value) {
            (true, Some(value), _) | (true, None, Some(value)) => {
                Some(Reading::compile(source, value)?)
            }
            (true, None, None) => {
                let what = format!(
                    "value is missing: a {f} answers one, so say where, such as value = \"/value\""
                );
                return Err(source.error(f.span(), what));
            }
            (false, Some(value), _) => {
                let what = format!("the value of a {f} is what was asked; none is read");
                return Err(source.error(value.span(), what));
            }
            (false, None, _) => None,
        };
        // What a read of an object answers that nobody touched. Only what answers a value and
        // changes nothing can come upon nothing.
        let fresh = match f.get_ref().as_str() {
            "read" if answers => {
                Object::of(model).and_then(|mut it| it.serve("read", &Value::Null))
            }
            _ => None,
        };
        let nothing = match (&operation.nothing, fresh) {
            (Some(test), None) => {
                let what = format!("nothing is for reads; a {f} that finds nothing has failed");
                return Err(source.error(test.span(), what));
            }
            (_, None) => None,
            (own, Some(fresh)) => test(own, &common.nothing)?.map(|test| (test, fresh)),
        };
        let version = match (&operation.version, &schema.versions) {
            (Some(own), None) => {
                let what = "a version of which [versions] does not say what it means";
                return Err(source.error(own.span(), what));
            }
            (Some(own), Some(_)) => Some(Place::compile(source, own)?),
            (None, Some(common)) => Some(Place::compile(source, &common.at)?),
            (None, None) => None,
        };
        Ok(Operation {
            question,
            honours_token: *honours_token,
            ok: test(&operation.ok, &common.ok)?.unwrap_or_else(Test::success),
            failed: test(&operation.failed, &common.failed)?,
            nothing,
            value,
            version,
        })
    }

    /// The meaning of an answer that is no refusal.
    ///
    /// # Errors
    /// The reason why it means nothing.
    pub fn understand(&self, heard: &HttpResponse) -> Result<Meaning, String> {
        if self.failed.as_ref().is_some_and(|failed| failed.holds(heard)) {
            return Ok(Meaning::Failed);
        }
        if let Some((nothing, fresh)) = &self.nothing
            && nothing.holds(heard)
        {
            return Ok(Meaning::Done(Some(fresh.clone())));
        }
        if !self.ok.holds(heard) {
            return Err("it is neither ok nor failed nor any refusal of the manifest".into());
        }
        let value = self.value.as_ref().map(|value| value.read(heard));
        value
            .transpose()
            .map(Meaning::Done)
            .map_err(|why| format!("it is ok, but its value: {why}"))
    }

    /// The version at which it was answered; none if the manifest says of none.
    ///
    /// # Errors
    /// When there is none where the manifest says.
    pub fn version(&self, heard: &HttpResponse) -> Result<Option<u64>, String> {
        let Some(place) = &self.version else { return Ok(None) };
        let lacks = || format!("it has no version: there is no number at {}", place.name());
        place.number(heard).map(Some).ok_or_else(lacks)
    }
}

/// A row of the error table, and how it is known.
#[derive(Debug)]
pub struct Refused {
    /// The row.
    pub row: ErrorRow,
    /// True if what was refused is not sent again.
    pub is_final: bool,
    when: Test,
    leader: Option<Place>,
}

/// The error that no row of the manifest names.
pub static SERVER_ERROR: ErrorRow =
    row("server_error", false, "an answer of status 5xx that no other row names");
/// The errors that the manifest does not name.
pub static MISREAD: ErrorRow = row(NONSENSE, false, "the answer could not be understood");

impl Refused {
    /// Understands every `[[refusal]]`.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile_all(source: &Source<'_>, refusals: &[schema::Refusal]) -> Result<Vec<Refused>> {
        let mut compiled: Vec<Refused> = Vec::new();
        let known = TRANSPORT_ERRORS.into_iter().chain([SERVER_ERROR.clone(), MISREAD.clone()]);
        let known: Vec<ErrorRow> = known.collect();
        for refusal in refusals {
            let schema::Refusal { error, when, definite, leader, meaning, retry } = refusal;
            let mut rows = compiled.iter().map(|refused| &refused.row).chain(&known);
            let other = rows.find(|row| row.name == *error.get_ref());
            if other.is_some_and(|row| row.definite != *definite) {
                let what = format!("there is another refusal {error} that is not as definite");
                return Err(source.error(error.span(), what));
            }
            compiled.push(Refused {
                row: ErrorRow {
                    name: Cow::Owned(error.get_ref().clone()),
                    definite: *definite,
                    meaning: Cow::Owned(meaning.clone()),
                },
                is_final: !*retry,
                when: Test::compile(source, when)?,
                leader: leader.as_ref().map(|place| Place::compile(source, place)).transpose()?,
            });
        }
        Ok(compiled)
    }

    /// Returns true if an answer is this refusal.
    pub fn is(&self, heard: &HttpResponse) -> bool {
        self.when.holds(heard)
    }

    /// The leader, as the answer says.
    pub fn leader(&self, heard: &HttpResponse) -> Option<Value> {
        self.leader.as_ref()?.find(heard)
    }
}
