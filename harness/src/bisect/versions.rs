//! The versions between the good and the bad ones.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::exit::{bad_input, usage};

/// The source of the list of versions.
#[derive(Debug, Clone)]
pub(crate) enum Versions {
    /// They are named, from the oldest to the newest.
    Named(Vec<String>),
    /// A file has one on each line.
    File(PathBuf),
    /// The commits of a repository, along the first parents.
    Git(PathBuf),
}

impl Versions {
    /// The list, from the oldest to the newest, and the names in it of those `ends`.
    ///
    /// # Errors
    /// When it cannot be had, or has not all of the ends.
    pub fn list(&self, ends: &[String]) -> Result<(Vec<String>, Vec<usize>)> {
        let (versions, ends) = match self {
            Versions::Named(versions) => (versions.clone(), ends.to_vec()),
            Versions::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    bad_input(format!("cannot read {}: {error}", path.display()))
                })?;
                let lines = text.lines().map(str::trim);
                let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
                (lines.map(str::to_owned).collect(), ends.to_vec())
            }
            Versions::Git(repository) => commits(repository, ends)?,
        };
        let place = |end: &String| {
            let place = versions.iter().position(|version| version == end);
            place.ok_or_else(|| usage(format!("{end} is none of the versions")))
        };
        let places = ends.iter().map(place).collect::<Result<Vec<usize>>>()?;
        Ok((versions, places))
    }
}

/// The commits from the oldest of these to the newest, and these by their full names.
fn commits(repository: &Path, ends: &[String]) -> Result<(Vec<String>, Vec<String>)> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("git").arg("-C").arg(repository).args(arguments).output();
        let output = output.context("cannot start git")?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => {
                let complaint = String::from_utf8_lossy(&output.stderr);
                Err(bad_input(format!("git {}: {}", arguments.join(" "), complaint.trim())))
            }
        }
    };
    let name = |end: &String| {
        git(&["rev-parse", "--verify", "--quiet", &format!("{end}^{{commit}}")])
            .map_err(|_| usage(format!("{end} is no commit of {}", repository.display())))
    };
    let names = ends.iter().map(name).collect::<Result<Vec<String>>>()?;
    let before = |one: &str, other: &str| git(&["merge-base", "--is-ancestor", one, other]).is_ok();
    let oldest = names.iter().find(|one| names.iter().all(|other| before(one, other)));
    let newest = names.iter().find(|one| names.iter().all(|other| before(other, one)));
    let (Some(oldest), Some(newest)) = (oldest, newest) else {
        return Err(usage("the commits do not follow each other"));
    };
    let range = format!("{oldest}..{newest}");
    let between = git(&["rev-list", "--reverse", "--first-parent", &range])?;
    let all = std::iter::once(oldest.clone()).chain(between.lines().map(str::to_owned));
    Ok((all.collect(), names))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(repository: &Path, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(repository)
            .args(["-c", "user.name=a", "-c", "user.email=a@b.c"])
            .args(arguments)
            .output()
            .expect("git is there");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    #[test]
    fn the_commits_from_the_oldest_end_to_the_newest_are_listed_in_order() {
        let repository =
            std::env::temp_dir().join(format!("stormproof-git-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&repository);
        std::fs::create_dir_all(&repository).expect("a scratch folder can be made");
        git(&repository, &["init", "--quiet"]);
        let commits: Vec<String> = (0..5)
            .map(|number| {
                let message = number.to_string();
                git(&repository, &["commit", "--quiet", "--allow-empty", "-m", &message]);
                git(&repository, &["rev-parse", "HEAD"])
            })
            .collect();
        git(&repository, &["tag", "v1", &commits[1]]);
        let list = |ends: &[&str]| {
            let ends: Vec<String> = ends.iter().map(|end| (*end).to_owned()).collect();
            Versions::Git(repository.clone()).list(&ends)
        };
        let (versions, places) =
            list(&["HEAD", "v1", &commits[3]]).expect("they follow each other");
        assert_eq!((versions, places), (commits[1..].to_vec(), vec![3, 0, 2]));
        assert!(list(&["v1", "v2"]).unwrap_err().to_string().contains("v2 is no commit of"));
        std::fs::remove_dir_all(&repository).expect("it can be removed");
    }

    #[test]
    fn versions_in_a_file_are_one_a_line_without_remarks() {
        let file = std::env::temp_dir().join(format!("stormproof-versions-{}", std::process::id()));
        std::fs::write(&file, "# from the oldest on\n1.0\n\n 1.1 \n").expect("it can be written");
        let ends = ["1.1".to_owned(), "1.0".to_owned()];
        let (versions, places) = Versions::File(file.clone()).list(&ends).expect("both are in it");
        assert_eq!((versions, places), (vec!["1.0".to_owned(), "1.1".to_owned()], vec![1, 0]));
        std::fs::remove_file(&file).expect("it can be removed");
    }
}
