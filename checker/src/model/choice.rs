//! Which model judges a history.

use std::collections::BTreeSet;

use crate::history::{HistoryError, Operations};
use crate::model::{AppendList, Counter, KvAppend, Model, Register, Transactions};

/// What users are told about a model.
#[derive(Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name on the command line and in verdicts.
    pub name: &'static str,
    /// Other names it is found by.
    pub aliases: &'static [&'static str],
    /// One line that says what the model promises.
    pub summary: &'static str,
    /// The names of its operations.
    pub functions: &'static [&'static str],
}

impl Description {
    /// What to say of an operation that the model does not have.
    pub(crate) fn lacks(&self, function: &str) -> String {
        format!("there is no operation `{function}`, only {}", self.functions.join(", "))
    }
}

/// One of the models that come with the checker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Register`].
    Register,
    /// [`KvAppend`].
    KvAppend,
    /// [`Counter`].
    Counter,
    /// [`AppendList`].
    AppendList,
    /// [`Transactions`].
    Transactions,
}

/// Every model that comes with the checker.
pub const ALL: &[Kind] =
    &[Kind::Register, Kind::KvAppend, Kind::Counter, Kind::AppendList, Kind::Transactions];

impl Kind {
    /// What users are told about it.
    pub fn description(self) -> &'static Description {
        match self {
            Kind::Register => Register.description(),
            Kind::KvAppend => KvAppend.description(),
            Kind::Counter => Counter.description(),
            Kind::AppendList => AppendList.description(),
            Kind::Transactions => Transactions.description(),
        }
    }
}

/// The model with this name or alias.
pub fn find(name: &str) -> Option<Kind> {
    ALL.iter().copied().find(|kind| {
        let description = kind.description();
        description.name == name || description.aliases.contains(&name)
    })
}

/// A model that was chosen for a history, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The model.
    pub kind: Kind,
    /// Why this one, as a sentence to show.
    pub reason: String,
}

/// Chooses the model whose operations are those of the history.
///
/// # Errors
/// [`HistoryError::NoModelFits`] when no model has all of them or several have: a model that
/// cannot be told is asked for, not guessed.
pub fn choose(operations: &Operations) -> Result<Choice, HistoryError> {
    let functions: BTreeSet<&str> = operations.functions().collect();
    if functions.is_empty() {
        let reason = "no client did anything; any model accepts that".to_string();
        return Ok(Choice { kind: Kind::Register, reason });
    }
    let listed = functions.iter().copied().collect::<Vec<_>>().join(", ");
    if functions.len() == 1 && functions.contains("read") {
        // A register and a counter both read; what they start with differs.
        return Err(HistoryError::NoModelFits("the operations are only reads".to_string()));
    }
    let fits = |kind: &&Kind| {
        functions.iter().all(|function| kind.description().functions.contains(function))
    };
    match ALL.iter().filter(fits).collect::<Vec<_>>().as_slice() {
        [kind] => Ok(Choice { kind: **kind, reason: format!("the operations are {listed}") }),
        _ => Err(HistoryError::NoModelFits(format!(
            "no single model has exactly the operations {listed}"
        ))),
    }
}
