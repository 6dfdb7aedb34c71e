//! The runs that go on, looked for where they can be.

use std::fs;
use std::path::{Path, PathBuf};

use crate::layout::LATEST;
use crate::night::NightDirectory;
use crate::run_directory::RunDirectory;

/// Of folders with many runs, the newest are looked at.
const NEWEST: usize = 32;

/// Folders that deep below a folder are looked through, as for its index.
const DEPTH: usize = 2;

/// The runs in a folder that go on, by their paths from it on, the newest first.
pub fn going_on(folder: &Path) -> Vec<String> {
    let mut runs = Vec::new();
    look(folder, DEPTH, &mut runs);
    let mut places: Vec<String> = runs
        .iter()
        .filter_map(|run| Some(run.strip_prefix(folder).ok()?.display().to_string()))
        .collect();
    let name = |place: &String| place.rsplit('/').next().map(str::to_owned);
    places.sort_by_key(|place| std::cmp::Reverse(name(place)));
    places
}

fn look(path: &Path, depth: usize, runs: &mut Vec<PathBuf>) {
    if NightDirectory::is_one(path) {
        return of_night(path, runs);
    }
    if RunDirectory::is_one(path) {
        if RunDirectory::open(path).is_ok_and(|run| run.goes_on()) {
            runs.push(path.to_owned());
        }
        return;
    }
    if depth > 0 {
        newest(path, |name| Some(name.to_owned())).iter().for_each(|it| look(it, depth - 1, runs));
    }
}

/// The runs of a night that goes on, and the repeats of them.
fn of_night(path: &Path, runs: &mut Vec<PathBuf>) {
    let Ok(night) = NightDirectory::at(path) else { return };
    if !night.goes_on() {
        return;
    }
    let number = |name: &str| name.parse::<u64>().ok();
    let of_repeats = newest(&night.repeats(), number);
    let of_repeats = of_repeats.iter().flat_map(|folder| newest(folder, number));
    for folder in newest(&night.runs(), number).into_iter().chain(of_repeats) {
        let Ok(run) = fs::read_link(folder.join(LATEST)) else { continue };
        let run = folder.join(run);
        if RunDirectory::open(&run).is_ok_and(|run| run.goes_on()) {
            // By the path by which the night is looked at.
            let below = run.strip_prefix(night.path()).unwrap_or(&run);
            runs.push(path.join(below));
        }
    }
}

/// The newest folders in a folder, by the order of their names or their numbers.
fn newest<K: Ord>(path: &Path, key: impl Fn(&str) -> Option<K>) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut folders: Vec<(K, PathBuf)> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| Some((key(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    folders.sort_by(|(one, _), (other, _)| other.cmp(one));
    folders.truncate(NEWEST);
    folders.into_iter().map(|(_, path)| path).collect()
}
