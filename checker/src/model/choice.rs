//! Which model judges a history.

use std::collections::BTreeSet;

use crate::history::{EventType, HistoryError, OperationRef, Operations};
use crate::model::{Counter, FencedLock, KvAppend, Model, Mutex, Queue, Register, Set};

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
    /// [`Set`].
    Set,
    /// [`Queue`].
    Queue,
    /// [`Mutex`].
    Mutex,
    /// [`FencedLock`].
    FencedLock,
}

/// Every model that comes with the checker.
pub const ALL: &[Kind] = &[
    Kind::Register,
    Kind::KvAppend,
    Kind::Counter,
    Kind::Set,
    Kind::Queue,
    Kind::Mutex,
    Kind::FencedLock,
];

/// Something to be done with a model whose type is known only once its name is.
pub trait WithModel {
    /// What comes of it.
    type Output;

    /// Does it.
    fn with<M: Model + Clone + Send + 'static>(self, model: M) -> Self::Output;
}

impl Kind {
    /// Does something with this model.
    pub fn apply<W: WithModel>(self, action: W) -> W::Output {
        match self {
            Kind::Register => action.with(Register),
            Kind::KvAppend => action.with(KvAppend),
            Kind::Counter => action.with(Counter),
            Kind::Set => action.with(Set),
            Kind::Queue => action.with(Queue),
            Kind::Mutex => action.with(Mutex),
            Kind::FencedLock => action.with(FencedLock),
        }
    }

    /// What users are told about it.
    pub fn description(self) -> &'static Description {
        struct Describe;
        impl WithModel for Describe {
            type Output = &'static Description;
            fn with<M: Model>(self, model: M) -> &'static Description {
                model.description()
            }
        }
        self.apply(Describe)
    }

    /// Whether the answers are such as only this one, of the models with the same operations,
    /// gives. There must be an answer that says so, and none that says otherwise.
    fn is_told_by_answers(self, operations: &Operations) -> bool {
        let all = |function: &str, says: &dyn Fn(OperationRef<'_>) -> bool| {
            let mut answers = operations
                .iter()
                .filter(|it| it.outcome() == EventType::Ok && it.f() == function)
                .peekable();
            answers.peek().is_some() && answers.all(says)
        };
        // The completion of an operation without an answer repeats what was asked for.
        let echoes = |it: OperationRef<'_>| it.output().is_null() || it.output() == it.input();
        let reads = |says: &dyn Fn(OperationRef<'_>) -> bool| {
            // A nil read says nothing: of something absent, all models answer nil.
            all("read", &|it| it.output().is_null() || says(it))
                && !all("read", &|it| it.output().is_null())
        };
        match self {
            Kind::Counter => reads(&|it| it.output().as_integer().is_some()),
            Kind::Set => reads(&|it| it.output().as_list().is_some()),
            Kind::Mutex => all("acquire", &|it| echoes(it) && it.output().as_integer().is_none()),
            Kind::FencedLock => {
                all("acquire", &|it| it.output().as_integer().is_some()) && !all("acquire", &echoes)
            }
            Kind::Register | Kind::KvAppend | Kind::Queue => false,
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

/// Chooses the model whose operations are those of the history; of several, the one that gives such
/// answers.
///
/// # Errors
/// [`HistoryError::NoModelFits`] when no model has all of them, or several have and the answers do
/// not tell which: a model that cannot be told is asked for, not guessed.
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
    let candidates: Vec<Kind> = ALL.iter().filter(fits).copied().collect();
    let chosen = |kind, reason| Ok(Choice { kind, reason });
    match candidates.as_slice() {
        [kind] => chosen(*kind, format!("the operations are {listed}")),
        [] => Err(HistoryError::NoModelFits(format!(
            "no single model has exactly the operations {listed}"
        ))),
        several => {
            let told: Vec<Kind> = several
                .iter()
                .copied()
                .filter(|kind| kind.is_told_by_answers(operations))
                .collect();
            match told.as_slice() {
                [kind] => {
                    chosen(*kind, format!("the operations and answers are those of {listed}"))
                }
                _ => {
                    let names: Vec<_> =
                        several.iter().map(|kind| kind.description().name).collect();
                    Err(HistoryError::NoModelFits(format!(
                        "several models have the operations {listed}, and the answers do not tell \
                         which: {}",
                        names.join(", ")
                    )))
                }
            }
        }
    }
}
