//! The binary under test.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The binary under test.
pub fn stormproof() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stormproof"))
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Finished {
    finished(stormproof().args(arguments).output().expect("the binary starts"))
}

/// The exit code and the output of a finished command.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub fn finished(output: Output) -> Finished {
    Finished {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Finished {
    /// Asserts the exit code, showing everything that was printed when it differs.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that a text was printed, on whichever stream.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let both = format!("{}{}", self.out, self.err);
        assert!(both.contains(text), "no {text:?} in:\n{both}");
        self
    }
}

/// A fresh directory for one test.
pub fn scratch(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).expect("an earlier run's directory can be removed");
    }
    std::fs::create_dir_all(&path).expect("the directory for tests can be made");
    path
}
