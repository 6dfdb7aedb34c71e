//! The folder of a night.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::form::{Kept, Night, NightRun};
use super::ledger::Ledger;
use crate::compressed;
use crate::layout::{self, HISTORY, NODES, REPORT, VERDICT};
use crate::loaded_run::{read_form, read_json, read_summary};
use crate::run_directory::{claim_free_name, point_latest_at, require_plain_name};
use crate::summary::Summary;

/// The night for readers.
const NIGHT: &str = "night.json";
/// The plan of the night, as it was written.
const PLAN: &str = "night.toml";
/// The knowledge of earlier nights when it began.
const PAST: &str = "past.json";
/// Everything that became known, a line each.
const LEDGER: &str = "ledger.jsonl";

/// The folder of a night.
#[derive(Debug, Clone)]
pub struct NightDirectory {
    path: PathBuf,
}

impl NightDirectory {
    /// Makes a folder for a new night in `parent`, with `-2`, `-3`… behind its id where it is taken,
    /// and points `parent/latest` at it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(parent: &Path, id: &str) -> Result<NightDirectory> {
        require_plain_name("name of a night", id)?;
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let id = claim_free_name(parent, id)?;
        point_latest_at(parent, &id)?;
        NightDirectory::at(&parent.join(id))
    }

    /// The folder at `path`, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(path: &Path) -> Result<NightDirectory> {
        let cannot = || format!("cannot make {}", path.display());
        fs::create_dir_all(path).with_context(cannot)?;
        Ok(NightDirectory { path: path.canonicalize().with_context(cannot)? })
    }

    /// Returns true if a night left something there, readable or not.
    pub fn is_one(path: &Path) -> bool {
        [NIGHT, LEDGER].iter().any(|name| path.join(name).is_file())
    }

    /// Its path, from the root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of its folder.
    pub fn id(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into())
    }

    /// The path of its ledger.
    pub fn ledger(&self) -> PathBuf {
        self.path.join(LEDGER)
    }

    /// Returns true if the night goes on: its process lives.
    pub fn goes_on(&self) -> bool {
        Ledger::is_open(&self.ledger())
    }

    /// The night; none of a folder that holds none.
    ///
    /// # Errors
    /// When it cannot be read or understood, or another version of stormproof wrote it.
    pub fn night(&self) -> Result<Option<Night>> {
        read_form(&self.path.join(NIGHT))
    }

    /// The verdict of a run of the night, if it is kept.
    pub fn summary(&self, run: &NightRun) -> Option<Summary> {
        read_summary(&self.path.join(run.directory.as_ref()?)).ok()?
    }

    /// Saves the night for readers, who see the one before or this one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, night: &Night) -> Result<()> {
        self.save_json(NIGHT, night)
    }

    /// The plan of the night; none of a folder that holds none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan(&self) -> Result<Option<String>> {
        layout_text(&self.path.join(PLAN))
    }

    /// Saves the plan of the night.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_plan(&self, toml: &str) -> Result<()> {
        layout::replace(&self.path, PLAN, toml.as_bytes()).map(drop)
    }

    /// Saves what is known of earlier nights.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_past(&self, past: &impl Serialize) -> Result<()> {
        self.save_json(PAST, past)
    }

    /// The knowledge of earlier nights when it began; none if nothing was saved.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn past<T: serde::de::DeserializeOwned>(&self) -> Result<Option<T>> {
        read_json(&self.path.join(PAST))
    }

    fn save_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_vec_pretty(value);
        let mut json = json.with_context(|| format!("cannot make {name}"))?;
        json.push(b'\n');
        layout::replace(&self.path, name, &json).map(drop)
    }

    /// The folder of its runs.
    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// The folder of a run of this number.
    pub fn run(&self, number: u64) -> PathBuf {
        self.runs().join(number.to_string())
    }

    /// The folder of the repeats of its runs.
    pub fn repeats(&self) -> PathBuf {
        self.path.join("repeats")
    }

    /// The folder of the plan of a run, shrunk.
    pub fn shrink(&self, number: u64) -> PathBuf {
        self.path.join("shrinks").join(number.to_string())
    }

    /// The path of a file of it, from its own folder on.
    pub fn relative(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.path).unwrap_or(path);
        below.display().to_string()
    }

    /// The part of a run that its folder still holds.
    pub fn kept(&self, number: u64) -> Kept {
        let Some(run) = newest(&self.run(number)) else { return Kept::Nothing };
        let history = compressed::stands(&run.join(HISTORY)).is_some();
        match (history, run.join(REPORT).is_file(), run.join(VERDICT).is_file()) {
            (true, _, _) => Kept::Everything,
            (false, true, _) => Kept::Page,
            (false, false, true) => Kept::Summary,
            (false, false, false) => Kept::Nothing,
        }
    }

    /// The bytes that a run would take if no more of it were kept: as a summary, with its page, with
    /// everything.
    pub fn bytes(&self, number: u64) -> [u64; 3] {
        let folder = self.run(number);
        let all = bytes_below(&folder);
        let Some(run) = newest(&folder) else { return [all; 3] };
        let of = |path: &Path| fs::symlink_metadata(path).map_or(0, |file| room(&file));
        let bulk: u64 = [HISTORY, NODES]
            .iter()
            .filter_map(|name| match *name {
                NODES => Some(bytes_below(&run.join(NODES))),
                name => compressed::stands(&run.join(name)).map(|file| of(&file)),
            })
            .sum();
        let page = of(&run.join(REPORT));
        [all.saturating_sub(bulk + page), all.saturating_sub(bulk), all]
    }

    /// Returns true if a run's history is there as it was written.
    pub fn is_raw(&self, run: &NightRun) -> bool {
        let directory = run.directory.as_ref();
        directory.is_some_and(|directory| self.path.join(directory).join(HISTORY).is_file())
    }

    /// Drops all of a run but a part.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn keep_only(&self, number: u64, kept: Kept) -> Result<()> {
        let folder = self.run(number);
        let cannot = || format!("cannot remove parts of {}", folder.display());
        if kept == Kept::Nothing {
            return removed(fs::remove_dir_all(&folder)).with_context(cannot);
        }
        let Some(run) = newest(&folder) else { return Ok(()) };
        if kept < Kept::Page {
            removed(fs::remove_file(run.join(REPORT))).with_context(cannot)?;
        }
        if kept < Kept::Everything {
            removed(fs::remove_dir_all(run.join(NODES))).with_context(cannot)?;
            if let Some(history) = compressed::stands(&run.join(HISTORY)) {
                removed(fs::remove_file(history)).with_context(cannot)?;
            }
        }
        Ok(())
    }
}

/// The run directory in the folder of a run of a night.
fn newest(folder: &Path) -> Option<PathBuf> {
    folder.join(layout::LATEST).canonicalize().ok()
}

/// Succeeds as well if it was gone already.
fn removed(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn layout_text(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The room that a file takes on its disk, whose blocks it fills or not.
fn room(file: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    file.blocks() * 512
}

/// The room that everything in a folder takes; nothing of one that is not there.
pub fn bytes_below(folder: &Path) -> u64 {
    let own = fs::symlink_metadata(folder).map_or(0, |file| room(&file));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes_below(&entry.path()),
        _ => entry.metadata().map_or(0, |file| room(&file)),
    });
    own + below.sum::<u64>()
}

/// The nights in a folder, by their names, which begin with the time at which they began.
pub fn nights_in(folder: &Path) -> Vec<NightDirectory> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // Links are left out: `latest` is one of the others.
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders: Vec<PathBuf> = entries.filter(is_folder).map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.join(NIGHT).is_file());
    folders.sort();
    folders.into_iter().map(|path| NightDirectory { path }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_run_go_one_by_one_and_what_is_left_is_known() {
        let folder = std::env::temp_dir().join(format!("stormproof-night-{}", std::process::id()));
        let night = NightDirectory::at(&folder).expect("a scratch folder can be made");
        let run = night.run(17).join("20261129T190000Z-bundled-set-s1");
        fs::create_dir_all(run.join("nodes/n1")).expect("it can be made");
        std::os::unix::fs::symlink("20261129T190000Z-bundled-set-s1", night.run(17).join("latest"))
            .expect("it can be linked");
        for (file, bytes) in [
            ("history.jsonl", 50_000),
            ("nodes/n1/stdout.log", 30_000),
            ("report.html", 20_000),
            ("verdict.json", 900),
            ("plan.toml", 300),
        ] {
            fs::write(run.join(file), vec![b'x'; bytes]).expect("it can be written");
        }
        let [summary, page, all] = night.bytes(17);
        assert!(summary >= 1_200 && page >= summary + 20_000 && all >= page + 80_000);
        assert_eq!(all, bytes_below(&night.run(17)));
        assert_eq!(night.kept(17), Kept::Everything);
        for (kept, bytes, gone) in
            [(Kept::Page, page, "nodes"), (Kept::Summary, summary, "report.html")]
        {
            night.keep_only(17, kept).expect("it can be removed");
            assert_eq!(night.kept(17), kept);
            assert!(!run.join(gone).exists() && run.join("verdict.json").is_file());
            assert_eq!(night.bytes(17)[2], bytes);
        }
        night.keep_only(17, Kept::Nothing).expect("it can be removed");
        assert_eq!((night.kept(17), night.run(17).exists()), (Kept::Nothing, false));
        // Once more changes nothing.
        night.keep_only(17, Kept::Nothing).expect("it is gone");
        fs::remove_dir_all(&folder).expect("it can be removed");
    }
}
