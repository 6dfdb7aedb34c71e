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
use super::step::{Known, Step};
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
    /// The requests before it.
    pub first: Vec<Step>,
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
        kept: &[(String, Form)],
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
            let compile = |(f, operation): (&Text, &schema::Operation)| {
                let compiled =
                    Operation::compile(source, schema, kept, workload.model, f, operation)?;
                Ok((f.get_ref().clone(), compiled))
            };
            Operation::require_all(source, workload, name, operations)?;
            let compiled = operations.iter().map(compile).collect::<Result<Operations>>()?;
            models.insert(workload.model, compiled);
        }
        Ok(models)
    }

    /// Refuses operations that the workload has not, and too few of it.
    fn require_all(
        source: &Source<'_>,
        workload: &Workload,
        name: &Text,
        operations: &BTreeMap<Text, schema::Operation>,
    ) -> Result<()> {
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
        Ok(())
    }

    fn compile(
        source: &Source<'_>,
        schema: &Schema,
        kept: &[(String, Form)],
        model: &str,
        f: &Text,
        operation: &schema::Operation,
    ) -> Result<Operation> {
        let schema::Operation { request, headers, json, body, honours_token, .. } = operation;
        let own = names(f.get_ref()).map(|(name, form)| (name.to_owned(), form));
        let mut names: Known = own.into_iter().chain(kept.iter().cloned()).collect();
        let first = Step::compile_first(source, &operation.first, &mut names)?;
        let names: Vec<(&str, Form)> =
            names.iter().map(|(name, form)| (name.as_str(), *form)).collect();
        let parts = Parts { request, headers, json, body };
        let question = Question::compile(source, &parts, &names)?;
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
            first,
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
    leader: Option<Reading>,
}

/// The error that no row of the manifest names.
pub static SERVER_ERROR: ErrorRow =
    row("server_error", false, "an answer of status 5xx that no other row names");
/// The error of an operation that begins with a read, and came no further.
pub static NOT_SENT: ErrorRow =
    row("not_sent", true, "a read that goes before it came to nothing, so it was not sent");
/// The error of an operation that found no set-up.
pub static NOT_SET_UP: ErrorRow =
    row("not_set_up", true, "what [[setup]] is to make is not there, so it was not sent or done");

/// The errors of every manifest.
pub fn common_errors() -> impl Iterator<Item = ErrorRow> {
    let own = [&SERVER_ERROR, &MISREAD, &NOT_SENT, &NOT_SET_UP].map(ErrorRow::clone);
    TRANSPORT_ERRORS.into_iter().chain(own)
}

/// The errors that the manifest does not name.
pub static MISREAD: ErrorRow = row(NONSENSE, false, "the answer could not be understood");

impl Refused {
    /// Understands every `[[refusal]]`.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile_all(source: &Source<'_>, refusals: &[schema::Refusal]) -> Result<Vec<Refused>> {
        let mut compiled: Vec<Refused> = Vec::new();
        let known: Vec<ErrorRow> = common_errors().collect();
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
                leader: leader.as_ref().map(|it| Reading::compile(source, it)).transpose()?,
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
