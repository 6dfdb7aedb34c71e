//! Names that people type.

/// A name that is none of those that exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {kind} is called {name:?}; there are {}", .known.join(", "))]
pub struct UnknownName {
    /// The kind of thing it should name, such as `fault family`.
    pub kind: &'static str,
    /// The name that was asked for.
    pub name: String,
    /// The names that exist.
    pub known: Vec<&'static str>,
}

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
