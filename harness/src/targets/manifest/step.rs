//! Requests that go before others: what an operation begins with, and what is made once before the
//! first operation. They leave values, such as a session or an `ETag`, for requests that follow.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;
use toml::Spanned;

use super::answer::{Reading, Test};
use super::request::{HttpResponse, Parts, Question};
use super::schema::{self, Each};
use super::source::Source;
use super::template::{Form, Scope, Template, is_name};

/// The values that requests left, by the names of their placeholders.
pub type Kept = BTreeMap<String, Value>;

/// Placeholders with their forms, some of which requests leave.
pub type Known = Vec<(String, Form)>;

/// A request that goes before others.
#[derive(Debug)]
pub struct Step {
    /// The request.
    pub question: Question,
    ok: Test,
    failed: Option<Test>,
    expected: Option<(Reading, Template)>,
    keep: Vec<(String, Reading)>,
}

/// The meaning of an answer to a step.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// The next request can be sent, with these values.
    On(Kept),
    /// The operation that it begins has failed.
    Failed,
}

impl Step {
    /// Understands a step where the placeholders `names` may stand; what it keeps is added to them.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    fn compile(source: &Source<'_>, step: &schema::Step, names: &mut Known) -> Result<Step> {
        let schema::Step { request, headers, json, body, expected, .. } = step;
        let known: Vec<(&str, Form)> =
            names.iter().map(|(name, form)| (name.as_str(), *form)).collect();
        let question = Question::compile(source, &Parts { request, headers, json, body }, &known)?;
        let test = |test: &Option<Spanned<toml::Table>>| {
            test.as_ref().map(|test| Test::compile(source, test)).transpose()
        };
        let expected = match (expected, &step.value) {
            (Some(expected), Some(value)) => {
                let template = Template::parse_value(expected.get_ref(), &known, &source.variables);
                let template = template.map_err(|what| source.error(expected.span(), what))?;
                Some((Reading::compile(source, value)?, template))
            }
            (Some(one), None) => {
                let what = "expected is compared with a value: say where that is";
                return Err(source.error(one.span(), what));
            }
            (None, Some(one)) => {
                let what = "a value is read here only if something is expected of it";
                return Err(source.error(one.span(), what));
            }
            (None, None) => None,
        };
        let mut keep = Vec::new();
        for (name, value) in &step.keep {
            let name_of = name.get_ref();
            if !is_name(name_of)
                || super::node::is_taken(name_of)
                || source.variables.contains_key(name_of)
            {
                return Err(source.error(name.span(), format!("nothing can be kept as {name_of}")));
            }
            keep.push((name_of.clone(), Reading::compile(source, value)?));
        }
        names.extend(keep.iter().map(|(name, _)| (name.clone(), Form::Scalar)));
        Ok(Step {
            question,
            ok: test(&step.ok)?.unwrap_or_else(Test::success),
            failed: test(&step.failed)?,
            expected,
            keep,
        })
    }

    /// The steps that an operation, an order or a dump begins with.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile_first(
        source: &Source<'_>,
        steps: &[schema::Step],
        names: &mut Known,
    ) -> Result<Vec<Step>> {
        let step = |step: &schema::Step| {
            let wrong = step.each.as_ref().map(Spanned::span);
            if let Some(span) = wrong.or(step.again.as_ref().map(Spanned::span)) {
                return Err(source.error(span, "each and again are for [[setup]]"));
            }
            Step::compile(source, step, names)
        };
        steps.iter().map(step).collect()
    }

    /// The meaning of an answer that is no refusal, to a question in that scope.
    ///
    /// # Errors
    /// The reason why it means nothing.
    pub fn understand(&self, heard: &HttpResponse, scope: &Scope<'_>) -> Result<Taken, String> {
        if self.failed.as_ref().is_some_and(|failed| failed.holds(heard)) {
            return Ok(Taken::Failed);
        }
        if !self.ok.holds(heard) {
            return Err("it is neither ok nor failed nor any refusal of the manifest".into());
        }
        if let Some((value, expected)) = &self.expected
            && value.read(heard)? != expected.value(scope)
        {
            return Ok(Taken::Failed);
        }
        let keep = |(name, reading): &(String, Reading)| match reading.read(heard)? {
            Value::Array(_) | Value::Object(_) | Value::Null => {
                Err(format!("{name} is kept from it, but is no text or number there"))
            }
            kept => Ok((name.clone(), kept)),
        };
        self.keep.iter().map(keep).collect::<Result<Kept, _>>().map(Taken::On)
    }
}

/// Something that is made before the first operation.
#[derive(Debug)]
pub struct SetUp {
    /// The request.
    pub step: Step,
    /// The times that it is made.
    pub each: Each,
    again: Option<Test>,
}

impl SetUp {
    /// Understands every `[[setup]]`; returns with them the placeholders that they leave.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile_all(source: &Source<'_>, steps: &[schema::Step]) -> Result<(Vec<SetUp>, Known)> {
        let mut left: Known = Vec::new();
        let mut compiled = Vec::new();
        for step in steps {
            let each = step.each.as_ref().map(|each| *each.get_ref()).unwrap_or_default();
            if let Some(failed) = &step.failed {
                let what = "a set-up is done or not; what is done already is ok";
                return Err(source.error(failed.span(), what));
            }
            if let Some(expected) = &step.expected {
                return Err(source.error(expected.span(), "a set-up expects nothing"));
            }
            // Those of a key may know which it is, and what is made for all before.
            let own: &[&str] = if each == Each::Key { &["run", "key"] } else { &["run"] };
            let mut names: Known =
                own.iter().map(|name| ((*name).to_owned(), Form::Scalar)).collect();
            names.extend(left.iter().cloned());
            let known = names.len();
            let again = step.again.as_ref().map(|test| Test::compile(source, test)).transpose()?;
            compiled.push(SetUp { step: Step::compile(source, step, &mut names)?, each, again });
            left.extend(names.drain(known..));
        }
        Ok((compiled, left))
    }

    /// The placeholders that set-ups leave for requests which are about no key.
    pub fn kept_without_key(set_ups: &[SetUp]) -> Vec<(&str, Form)> {
        let for_all = set_ups.iter().filter(|set_up| set_up.each != Each::Key);
        let names = for_all.flat_map(|set_up| &set_up.step.keep);
        names.map(|(name, _)| (name.as_str(), Form::Scalar)).collect()
    }

    /// The positions of those whose values something sends that `mentions` their placeholders, and of
    /// those that they need themselves.
    pub fn needed_by(set_ups: &[SetUp], mentions: impl Fn(&str) -> bool) -> BTreeSet<usize> {
        let mut needed = BTreeSet::new();
        for (position, set_up) in set_ups.iter().enumerate().rev() {
            let later = |name: &str| {
                needed.iter().any(|later: &usize| set_ups[*later].step.question.mentions(name))
            };
            let mut names = set_up.step.keep.iter().map(|(name, _)| name);
            if names.any(|name| mentions(name) || later(name)) {
                needed.insert(position);
            }
        }
        needed
    }

    /// Returns true if an answer to an operation says that it has to be made again.
    pub fn is_void_by(&self, heard: &HttpResponse) -> bool {
        self.again.as_ref().is_some_and(|again| again.holds(heard))
    }
}
