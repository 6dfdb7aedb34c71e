//! The folder that a command of many runs writes into.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::run::shortest;
use crate::exit::usage;
use crate::repeats::short_hash;

/// The question whose results a folder holds.
const QUESTION: &str = "question.toml";

/// A folder of one command's own.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
}

impl Output {
    /// Makes a folder of this name in `parent`, with `-2`, `-3`… behind it where it is taken. Names
    /// are short, since services make unix sockets below.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn fresh(parent: &Path, name: &str) -> Result<Output> {
        let cannot = |path: &Path| format!("cannot make {}", path.display());
        fs::create_dir_all(parent).with_context(|| cannot(parent))?;
        let names = (1..).map(|copy| match copy {
            1 => name.to_owned(),
            copy => format!("{name}-{copy}"),
        });
        for name in names {
            let path = parent.join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Output::at(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| cannot(&path)),
            }
        }
        unreachable!("numbers do not end")
    }

    /// The folder at `path`, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(path: PathBuf) -> Result<Output> {
        let cannot = || format!("cannot make {}", path.display());
        fs::create_dir_all(&path).with_context(cannot)?;
        let path = path.canonicalize().with_context(cannot)?;
        Ok(Output { path })
    }

    /// The folder at `path`, or one in `parent` that the same seed and question find again; with the
    /// question written down in it, so that results of one are never taken for those of another.
    ///
    /// # Errors
    /// When it cannot be made, or holds the results of another question.
    pub fn of_question(
        path: Option<PathBuf>,
        parent: &str,
        seed: u64,
        question: &str,
    ) -> Result<Output> {
        let path = path
            .unwrap_or_else(|| Path::new(parent).join(format!("s{seed}-{}", short_hash(question))));
        let output = Output::at(path)?;
        let file = output.path.join(QUESTION);
        match fs::read_to_string(&file) {
            Ok(before) if before != question => {
                let folder = shown(&output.path);
                return Err(usage(format!("{folder} holds the results of another plan")));
            }
            Ok(_) => {}
            Err(_) => {
                let cannot = || format!("cannot write {}", file.display());
                fs::write(&file, question).with_context(cannot)?;
            }
        }
        Ok(output)
    }

    /// Its path, from the root.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A path as a person reads it.
pub fn shown(path: &Path) -> String {
    shortest(path).display().to_string()
}
