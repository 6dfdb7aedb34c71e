//! The file that a manifest is read from, for errors that name its lines.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::path::Path;

use anyhow::Result;

use super::schema::{Schema, Text};
use super::template::{Names, Template};
use crate::exit::bad_input;
use crate::targets::registry::cannot_be_set;

/// A manifest as text.
pub struct Source<'a> {
    /// The file, as the command line names it.
    pub path: &'a Path,
    /// The contents.
    pub text: &'a str,
    /// The values of its variables.
    pub variables: BTreeMap<String, String>,
}

impl<'a> Source<'a> {
    /// Reads the shape of the manifest, and its variables with what is `set` in their place.
    ///
    /// # Errors
    /// When it is not TOML, says too much or too little, or something is set that is none of
    /// its variables.
    pub fn read(
        path: &'a Path,
        text: &'a str,
        set: &BTreeMap<String, String>,
    ) -> Result<(Source<'a>, Schema)> {
        let mut source = Source { path, text, variables: BTreeMap::new() };
        let schema: Schema = toml::from_str(text)
            .map_err(|error| source.error(error.span().unwrap_or_default(), error.message()))?;
        let own = schema.variables.iter();
        source.variables = own.map(|(name, text)| (name.clone(), text.get_ref().clone())).collect();
        for (name, value) in set {
            let Some(variable) = source.variables.get_mut(name) else {
                let names: Vec<&str> = schema.variables.keys().map(String::as_str).collect();
                return Err(cannot_be_set(name, &path.display().to_string(), &names));
            };
            variable.clone_from(value);
        }
        Ok((source, schema))
    }

    /// `file.toml:12`.
    pub fn place(&self, span: &Range<usize>) -> String {
        let before = self.text.get(..span.start).unwrap_or_default();
        format!("{}:{}", self.path.display(), before.matches('\n').count() + 1)
    }

    /// The complaint about a place, with its line.
    pub fn error(&self, span: Range<usize>, what: impl Display) -> anyhow::Error {
        let begin =
            self.text.get(..span.start).unwrap_or_default().rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(begin..).unwrap_or_default().lines().next().unwrap_or_default();
        bad_input(format!("{}: {what}\n  | {}", self.place(&span), line.trim_end()))
    }

    /// A template in which these placeholders may stand, besides the variables.
    ///
    /// # Errors
    /// When there stands another.
    pub fn template(&self, text: &Text, names: &Names<'_>) -> Result<Template> {
        Template::parse(text.get_ref(), names, &self.variables)
            .map_err(|what| self.error(text.span(), what))
    }
}
