//! Printing for people: the one way to standard output and standard error.
//!
//! `println!` panics when the reader has gone away, as in `stormproof list faults | head -1`. That
//! is no failure: the rest is left unprinted, and the command ends with the code that it would have.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

use crate::exit::Exit;

/// Prints a line to standard output.
macro_rules! out {
    ($($text:tt)*) => {
        $crate::printing::print_out(format_args!("{}\n", format_args!($($text)*)))
    };
}

/// Prints a line to standard error.
macro_rules! err {
    ($($text:tt)*) => {
        $crate::printing::print_err(format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(crate) use {err, out};

/// Prints to standard output.
pub(crate) fn print_out(text: Arguments<'_>) {
    print(io::stdout().lock(), text);
}

/// Prints to standard error.
pub(crate) fn print_err(text: Arguments<'_>) {
    print(io::stderr().lock(), text);
}

fn print(mut stream: impl Write, text: Arguments<'_>) {
    match stream.write_fmt(text).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            // Standard error may be the stream that failed.
            let _ = writeln!(io::stderr(), "stormproof: cannot print: {error}");
            std::process::exit(Exit::HarnessFailure.code().into());
        }
        _ => {}
    }
}
