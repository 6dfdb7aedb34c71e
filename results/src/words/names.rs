//! Names of the program as people read them.

/// A name of the program as people read it: `former-leader` is `former leader`.
pub(crate) fn spaced(name: &str) -> String {
    name.replace(['-', '_'], " ")
}
