//! The abilities of the terminal that a person looks at, and the wishes about it in the environment.

use std::ffi::OsStr;
use std::io::IsTerminal;

/// Returns true if standard output may have colours.
pub(crate) fn colours() -> bool {
    Wishes::of_environment().colours(std::io::stdout().is_terminal())
}

/// Returns true if standard error may have colours.
pub(crate) fn colours_of_errors() -> bool {
    Wishes::of_environment().colours(std::io::stderr().is_terminal())
}

/// Returns true if standard error may have lines that change, such as bars.
pub(crate) fn moves() -> bool {
    Wishes::of_environment().moves(std::io::stderr().is_terminal())
}

/// The wishes of a person about terminals.
struct Wishes {
    /// <https://no-color.org>: set to anything but nothing.
    no_colours: bool,
    /// `TERM=dumb`: it knows no control sequences.
    is_dumb: bool,
}

impl Wishes {
    fn of_environment() -> Wishes {
        let variable = |name| std::env::var_os(name);
        Wishes::new(variable("NO_COLOR").as_deref(), variable("TERM").as_deref())
    }

    fn new(no_color: Option<&OsStr>, term: Option<&OsStr>) -> Wishes {
        Wishes {
            no_colours: no_color.is_some_and(|it| !it.is_empty()),
            is_dumb: term.is_some_and(|it| it == "dumb"),
        }
    }

    fn colours(&self, is_terminal: bool) -> bool {
        is_terminal && !self.no_colours && !self.is_dumb
    }

    fn moves(&self, is_terminal: bool) -> bool {
        is_terminal && !self.is_dumb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_bars_are_for_terminals_that_take_them_and_people_who_want_them() {
        let check = |no_color: Option<&str>, term: Option<&str>, expect: (bool, bool)| {
            let wishes = Wishes::new(no_color.map(OsStr::new), term.map(OsStr::new));
            assert_eq!((wishes.colours(true), wishes.moves(true)), expect);
            assert_eq!((wishes.colours(false), wishes.moves(false)), (false, false));
        };
        check(None, Some("xterm"), (true, true));
        check(Some(""), None, (true, true));
        check(Some("1"), Some("xterm"), (false, true));
        check(None, Some("dumb"), (false, false));
    }
}
