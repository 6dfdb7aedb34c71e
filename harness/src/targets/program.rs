//! Programs that somebody else built and that are started as nodes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A program, and how people come by it.
#[derive(Debug)]
pub(super) struct Program {
    /// Its file name.
    pub name: &'static str,
    /// The service, in words.
    pub service: &'static str,
    /// The beginning of the line of `--version` that ends with the version.
    pub version_after: &'static str,
    /// The packages to install.
    pub install: &'static str,
}

impl Program {
    /// The file to execute: `bin`, or the program in that folder; without it, the `PATH` is
    /// searched.
    pub(super) fn path(&self, bin: Option<&Path>) -> PathBuf {
        match bin {
            Some(folder) if folder.is_dir() => folder.join(self.name),
            Some(program) => program.to_owned(),
            None => self.name.into(),
        }
    }

    /// Its version.
    ///
    /// # Errors
    /// When it is not there, or tells of no version.
    pub(super) fn version(&self, bin: Option<&Path>) -> Result<String> {
        let path = self.path(bin);
        let output = Command::new(&path).arg("--version").output().with_context(|| {
            let install = self.install;
            format!(
                "cannot start {}: install {install}, or name another program by --bin",
                path.display()
            )
        })?;
        let text = String::from_utf8_lossy(&output.stdout);
        match text.lines().find_map(|line| line.trim().strip_prefix(self.version_after)) {
            Some(version) => Ok(version.to_owned()),
            None => {
                bail!("{} --version does not tell the version of {}", path.display(), self.service)
            }
        }
    }
}
