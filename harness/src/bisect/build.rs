//! The user's command that makes a version available.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::plan::{Written, split};

/// The environment variable that says which version is wanted.
const VERSION: &str = "STORMPROOF_VERSION";

/// The command, and what it came to for each version.
#[derive(Debug)]
pub(crate) struct Build {
    command: Vec<String>,
    done: BTreeMap<String, Written>,
}

impl Build {
    /// Builds by this command; an empty one builds nothing.
    pub fn by(command: Vec<String>) -> Build {
        Build { command, done: BTreeMap::new() }
    }

    /// Makes a version available, once; returns the flags that say where it is.
    ///
    /// # Errors
    /// When the command fails, or what it printed cannot be understood.
    pub fn version(&mut self, version: &str) -> Result<Written> {
        if let Some(flags) = self.done.get(version) {
            return Ok(flags.clone());
        }
        let [program, arguments @ ..] = &self.command[..] else { bail!("BUILD is missing") };
        let output = Command::new(program)
            .args(arguments)
            .env(VERSION, version)
            .output()
            .with_context(|| format!("cannot start {program}"))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let last = complaint.trim_end().lines().last().unwrap_or("it said nothing").to_owned();
            bail!("{program}: {}: {last}", output.status);
        }
        let flags = understand(&String::from_utf8_lossy(&output.stdout))?;
        self.done.insert(version.to_owned(), flags.clone());
        Ok(flags)
    }
}

/// The last line that was printed: flags of `stormproof run`, or a path, which is `--bin`. Without
/// one, the version was put where the plan finds it.
fn understand(printed: &str) -> Result<Written> {
    let mut written = Written::default();
    let last = printed.lines().map(str::trim).rfind(|line| !line.is_empty());
    match last {
        None => Ok(written),
        Some(flags) if flags.starts_with("--") => Written::from_flags(&split(flags)),
        Some(path) if Path::new(path).exists() => {
            written.set("bin", path);
            Ok(written)
        }
        Some(line) => bail!(
            "BUILD printed {line:?} in the end; it prints a path, flags of stormproof run, or nothing"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_or_flags_are_understood_and_a_failure_is_told_with_its_last_line() {
        let shell = |script: &str| {
            let command = ["sh", "-c", script].map(str::to_owned).to_vec();
            let built = Build::by(command).version("1.2");
            built.map(|flags| flags.arguments()).map_err(|error| error.to_string())
        };
        let words = |words: &[&str]| Ok(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(shell("true"), words(&[]));
        assert_eq!(shell("echo building; echo /"), words(&["--bin", "/"]));
        assert_eq!(
            shell("echo --set version=$STORMPROOF_VERSION --nodes 3"),
            words(&["--nodes", "3", "--set", "version=1.2"])
        );
        let failed = shell("echo one >&2; echo two >&2; exit 3").unwrap_err();
        assert_eq!(failed, "sh: exit status: 3: two");
        assert!(shell("echo no-such-path").unwrap_err().contains("no-such-path"));
        assert!(shell("echo --nodez 3").unwrap_err().contains("--nodez"));
    }
}
