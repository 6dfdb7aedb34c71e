//! The source that a field of a composition is drawn from.

use std::collections::BTreeMap;

use rand::rngs::ChaCha8Rng;
use serde_json::Value;

use super::expression::{Expression, Rounding};
use crate::fault::weighted;

/// The source that one value is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    /// Always the same, or drawn anew.
    One(Source),
    /// One of several, each as often as its weight says.
    Choice(Vec<(Source, u32)>),
}

/// The kinds of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// A word, or true or false.
    Literal(Value),
    /// A number.
    Number(Expression),
    /// A value that is drawn once for the composition, be it a number or not.
    Name(String),
}

/// The values that are drawn already, by name.
pub(super) type Names<'a> = BTreeMap<&'a str, Value>;

/// The largest weight: a slip of the pen is beyond.
const MOST_WEIGHT: u64 = 1_000_000;

impl Field {
    /// Reads one.
    ///
    /// # Errors
    /// When it is nothing that can be drawn.
    pub fn read(written: &Value) -> Result<Self, String> {
        match written {
            Value::Number(_) | Value::Bool(_) => Ok(Self::One(Source::Literal(written.clone()))),
            Value::String(text) => Source::read(text).map(Self::One),
            Value::Object(table) if !table.is_empty() => {
                // In an order that does not depend on how the file was read.
                let table: BTreeMap<_, _> = table.iter().collect();
                let choices = table.into_iter().map(|(text, weight)| {
                    let weight = weight.as_u64().filter(|it| (1..=MOST_WEIGHT).contains(it));
                    let weight = weight.ok_or_else(|| {
                        format!("the weight of {text:?} is a whole number, 1 to {MOST_WEIGHT}")
                    })?;
                    Ok((Source::read(text)?, weight as u32))
                });
                choices.collect::<Result<_, String>>().map(Self::Choice)
            }
            _ => Err("it is a number, true or false, a text, or a table of such with the weight \
                      of each"
                .to_owned()),
        }
    }

    /// Everything that it may be.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let (one, choice) = match self {
            Self::One(one) => (Some(one), &[][..]),
            Self::Choice(choice) => (None, &choice[..]),
        };
        one.into_iter().chain(choice.iter().map(|(source, _)| source))
    }

    /// The words among them.
    pub fn words(&self) -> impl Iterator<Item = &Value> {
        self.sources().filter_map(Source::word)
    }

    /// The name that it always is the value of.
    pub fn as_name(&self) -> Option<&str> {
        match self {
            Self::One(Source::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// The same with each choice as likely as any other.
    pub fn even(&self) -> Self {
        match self {
            Self::One(_) => self.clone(),
            Self::Choice(choice) => {
                Self::Choice(choice.iter().map(|(source, _)| (source.clone(), 1)).collect())
            }
        }
    }

    /// Draws it, of words only one that `fits`, if any does. Numbers have three decimals at most.
    ///
    /// # Errors
    /// When it refers to what is not there, or no number comes of it.
    pub fn draw(
        &self,
        rounding: Rounding,
        names: &Names,
        fits: impl Fn(&Value) -> bool,
        random: &mut ChaCha8Rng,
    ) -> Result<Value, String> {
        let source = match self {
            Self::One(source) => source,
            Self::Choice(choice) => {
                let fits = |source: &Source| source.word().is_none_or(&fits);
                let any = choice.iter().any(|(source, _)| fits(source));
                let choice: Vec<_> = choice.iter().map(|(source, it)| (source, *it)).collect();
                weighted(&choice, |source| !any || fits(source), random)
            }
        };
        source.draw(rounding, names, random)
    }
}

impl Source {
    fn read(text: &str) -> Result<Self, String> {
        match (text, Expression::read(text)) {
            ("true" | "false", _) => Ok(Self::Literal((text == "true").into())),
            (_, None) => Ok(Self::Literal(text.into())),
            (_, Some(expression)) => expression.map(|expression| match expression.as_name() {
                Some(name) => Self::Name(name.to_owned()),
                None => Self::Number(expression),
            }),
        }
    }

    /// The names in it.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Number(expression) => expression.names().collect(),
            Self::Name(name) => vec![name],
        }
    }

    fn word(&self) -> Option<&Value> {
        match self {
            Self::Literal(word) => Some(word),
            _ => None,
        }
    }

    fn draw(
        &self,
        rounding: Rounding,
        names: &Names,
        random: &mut ChaCha8Rng,
    ) -> Result<Value, String> {
        let named = |name: &str| names.get(name).ok_or_else(|| unknown(name, names));
        let expression = match self {
            Self::Literal(word) => return Ok(word.clone()),
            Self::Name(name) => return named(name).cloned(),
            Self::Number(expression) => expression,
        };
        let number_named =
            |name: &str| named(name)?.as_f64().ok_or_else(|| format!("${name} is no number"));
        let value = expression.draw(rounding, &number_named, random)?;
        let value = (value * 1e3).round() / 1e3;
        // What counts things is whole where it is read.
        if value.fract() == 0.0 && value.abs() < i64::MAX as f64 {
            return Ok((value as i64).into());
        }
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| "no number can be so large".to_owned())
    }
}

fn unknown(name: &str, names: &Names) -> String {
    let known: Vec<_> = names.keys().map(|name| format!("${name}")).collect();
    format!("there is no ${name}; there are {}", known.join(", "))
}
