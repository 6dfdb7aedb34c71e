//! The folder that a command of many runs writes into.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::run::shortest;

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

    /// Its path, from the root.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A path as a person reads it.
pub fn shown(path: &Path) -> String {
    shortest(path).display().to_string()
}
