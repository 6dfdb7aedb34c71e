//! Names that people type.

use std::fmt;

/// A name that is none of those that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What it should name, such as `fault family`.
    pub kind: &'static str,
    /// What was asked for.
    pub name: String,
    /// What exists.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, known } = self;
        write!(out, "no {kind} is called {name:?}; there are {}", known.join(", "))
    }
}

impl std::error::Error for UnknownName {}

/// The one of `all` whose name it is.
pub fn find<T: Copy>(
    kind: &'static str,
    name: &str,
    all: &[T],
    name_of: impl Fn(T) -> &'static str,
) -> Result<T, UnknownName> {
    let found = all.iter().copied().find(|candidate| name_of(*candidate) == name);
    found.ok_or_else(|| UnknownName {
        kind,
        name: name.to_owned(),
        known: all.iter().copied().map(name_of).collect(),
    })
}
