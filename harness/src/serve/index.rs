//! The index of a folder of results: read, written beside them, and kept up to date while a night
//! goes on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use results::detection;
use results::index::{self, Detection, Found, FoundNight, INDEX, Index, Served, find, html};
use results::night::{Night, NightDirectory, State, bytes_below};

use crate::catalogue::Row;

/// A page that grows with its nights is written that seldom while one goes on.
const SELDOM: Duration = Duration::from_secs(20);

/// The index of all that lies in a folder.
///
/// # Errors
/// When the folder cannot be read. A part of it that cannot is an entry that says so.
pub(crate) fn read(folder: &Path) -> Result<Index> {
    Ok(with_tables(folder, find(folder)?))
}

/// The index of what was found in a folder, with the tables of its catalogues.
fn with_tables(folder: &Path, found: Found) -> Index {
    let tables = found.catalogues.iter().filter_map(|place| table(folder, place)).collect();
    Index { detections: tables, ..Index::of(found) }
}

/// The table of a catalogue; none if its results are of another form.
fn table(folder: &Path, place: &str) -> Option<Detection> {
    let rows = Row::of(detection::read(&folder.join(place)).ok()?);
    let heads = Row::HEADS.map(str::to_owned).into();
    let rows = rows.iter().map(|row| row.cells().into()).collect();
    Some(Detection { folder: place.to_owned(), heads, rows })
}

/// Writes the index of a folder, and returns its path.
///
/// # Errors
/// When the folder cannot be read or the page cannot be written.
pub(crate) fn write(folder: &Path) -> Result<PathBuf> {
    save(folder, &read(folder)?)
}

/// Saves an index in the folder that it is about, and returns its path.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn save(folder: &Path, index: &Index) -> Result<PathBuf> {
    index::save(folder, &html(index, &name(folder), Served::No))
}

/// The name of a folder as people know it.
pub(crate) fn name(folder: &Path) -> String {
    let whole = folder.canonicalize();
    let whole = whole.as_deref().unwrap_or(folder);
    whole.file_name().map_or_else(|| "results".to_owned(), |name| name.to_string_lossy().into())
}

/// The index beside a night that goes on. The other nights are read once: they have ended.
#[derive(Debug)]
pub(crate) struct IndexPage {
    folder: PathBuf,
    /// The place of the night, from the folder on; empty if it is the same.
    own: String,
    others: Found,
    /// The bytes that the folder may take.
    limit: u64,
    written: Option<Instant>,
}

impl IndexPage {
    /// The index in `folder`, in which the night lies, or in the folder of the night itself; either may
    /// take `limit` bytes.
    pub fn of(night: &NightDirectory, folder: Option<&Path>, limit: u64) -> IndexPage {
        let (folder, own) = match folder {
            Some(folder) => (folder, night.id()),
            None => (night.path(), String::new()),
        };
        let (folder, others) = (folder.to_owned(), Found::default());
        let mut page = IndexPage { folder, own, others, limit, written: None };
        page.look_around();
        page
    }

    /// Reads the others again: things of them may have been dropped.
    pub fn look_around(&mut self) {
        let own = &self.own;
        // A folder that cannot be read has no others.
        let mut others = find(&self.folder).unwrap_or_default();
        others.nights.retain(|it| it.folder != *own);
        others.unreadable.retain(|it| it.place != *own && !(own.is_empty() && it.place == "."));
        self.others = others;
    }

    /// The path that it is written to.
    pub fn path(&self) -> PathBuf {
        self.folder.join(INDEX)
    }

    /// Writes the page with the night as it is, if that was not done just now. One that cannot be
    /// written, or for which the folder has no room, is left: the next one may be, and no night ends
    /// because of its index.
    pub fn refresh(&mut self, night: &Night) {
        let due = self.written.is_none_or(|written| written.elapsed() >= SELDOM);
        if !due && night.state == State::GoesOn {
            return;
        }
        self.written = Some(Instant::now());
        let mut found = self.others.clone();
        let goes_on = night.state == State::GoesOn;
        found.nights.push(FoundNight { folder: self.own.clone(), night: night.clone(), goes_on });
        let page = html(&with_tables(&self.folder, found), &name(&self.folder), Served::No);
        // Twice: its draft lies beside the one before, and what else is written takes room as well.
        if bytes_below(&self.folder) + 2 * page.len() as u64 <= self.limit {
            let _ = index::save(&self.folder, &page);
        }
    }
}
