//! The state that a node starts with, from the newest snapshot and the log.
//!
//! A snapshot that fails its checksum is refused. The one before it does as well, as long as the log
//! reaches from there to where the other was taken. Where nothing reaches the log's first entry, the
//! node does not start.

use std::sync::Arc;

use super::snapshot_files::{names, read, remove_unfinished};
use super::{Disk, OpenError, Opened, WriteAheadLog};
use crate::bugs::Bugs;
use crate::core::{Log, Record, Recovered, Snapshot};

/// The end of the name that a damaged snapshot gets.
const DAMAGED: &str = ".damaged";

/// A log that was opened, with all that a node starts with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Started<D> {
    /// The log, ready for more.
    pub wal: WriteAheadLog<D>,
    /// The state.
    pub recovered: Recovered,
    /// The number of records in the log.
    pub records: usize,
    /// The length of the torn tail that was cut off, in bytes.
    pub torn_bytes: u64,
    /// A sentence about each snapshot that is damaged.
    pub refused: Vec<String>,
}

/// Opens the log and reads the newest snapshot that is whole.
///
/// # Errors
/// When the disk fails, or something that had been durable is damaged and cannot be done without.
pub fn recover<D: Disk>(mut disk: D, bugs: &Bugs) -> Result<Started<D>, OpenError> {
    remove_unfinished(&mut disk)?;
    let Opened { mut wal, mut recovered, records, torn_bytes } = WriteAheadLog::open(disk, bugs)?;
    let mut refused = Vec::new();
    let snapshot = newest_whole(wal.disk_mut(), &recovered.log, bugs, &mut refused)?;
    // Kept for those who want to look at them, but no more counted among the snapshots.
    let disk = wal.disk_mut();
    refused.iter().try_for_each(|(name, _)| disk.rename(name, &format!("{name}{DAMAGED}")))?;
    let refused = refused.into_iter().map(|(_, told)| told).collect();
    let Some(snapshot) = snapshot else {
        return Ok(Started { wal, recovered, records, torn_bytes, refused });
    };
    let (index, term) = (snapshot.index(), snapshot.term());
    if recovered.term < term {
        let known = recovered.term;
        let told = format!("a snapshot is of term {term}, and the log ends in term {known}");
        return Err(OpenError::NoSnapshot { base: recovered.log.base(), refused: told });
    }
    // A crash came between the installation of a snapshot and the cut of the log.
    if recovered.log.term_at(index) != Some(term) {
        recovered.log = Log::behind(index, term);
        let vote = Record::Vote { term: recovered.term, vote: recovered.vote.clone() };
        wal.append([&Record::Base { index, term, dropped: index }, &vote])?;
        wal.sync()?;
        wal.mark()?;
    }
    recovered.snapshot = Some(Arc::new(snapshot));
    Ok(Started { wal, recovered, records, torn_bytes, refused })
}

/// The newest snapshot that is whole; none if the log has everything. A sentence about each newer one is
/// added to `refused`.
fn newest_whole<D: Disk>(
    disk: &mut D,
    log: &Log,
    bugs: &Bugs,
    refused: &mut Vec<(String, String)>,
) -> Result<Option<Snapshot>, OpenError> {
    let mut reaches = true;
    for (index, term, name) in names(disk)?.into_iter().rev() {
        if !reaches || index < log.base() {
            break;
        }
        match read(disk, &name, bugs)? {
            Ok(snapshot) => return Ok(Some(snapshot)),
            Err((offset, reason)) => {
                let told = format!("{name} is corrupt at byte {offset}: {reason}");
                refused.push((name, told));
                // Without it, the log must have all that was in it.
                reaches = log.term_at(index) == Some(term);
            }
        }
    }
    if reaches && log.base() == 0 {
        return Ok(None);
    }
    let told: Vec<&str> = refused.iter().map(|(_, told)| told.as_str()).collect();
    Err(OpenError::NoSnapshot { base: log.base(), refused: told.join("; ") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Entry, Payload};
    use crate::storage::{Files, MemoryDisk, save_at_once};

    const FIRST: &str = "snapshot-00000000000000000003-1";
    const SECOND: &str = "snapshot-00000000000000000005-1";

    /// A disk with a log of five entries and snapshots of three and of five of them, of which the log
    /// has dropped so many.
    fn disk(dropped: u64) -> MemoryDisk {
        let mut wal = WriteAheadLog::open(MemoryDisk::default(), &Bugs::new()).unwrap().wal;
        let vote = Record::Vote { term: 1, vote: None };
        let entry =
            |index| Record::Entry(Arc::new(Entry { index, term: 1, payload: Payload::Noop }));
        wal.append([&vote, &entry(1), &entry(2), &entry(3)]).unwrap();
        wal.append([&Record::Base { index: 3, term: 1, dropped: 0 }, &vote]).unwrap();
        wal.append([&entry(4), &entry(5)]).unwrap();
        wal.append([&Record::Base { index: 5, term: 1, dropped }, &vote]).unwrap();
        wal.sync().unwrap();
        wal.mark().unwrap();
        let mut disk = wal.into_disk();
        for index in [3, 5] {
            save_at_once(&mut disk, Arc::new(Snapshot::without_items(index, 1))).unwrap();
        }
        disk
    }

    fn started(disk: MemoryDisk) -> Result<(u64, u64, usize), String> {
        let started = recover(disk, &Bugs::new()).map_err(|error| error.to_string())?;
        let snapshot = started.recovered.snapshot.map_or(0, |snapshot| snapshot.index());
        Ok((snapshot, started.recovered.log.last_index(), started.refused.len()))
    }

    fn flip(disk: &mut MemoryDisk, name: &str) {
        disk.damage_file(name, |bytes| bytes[20] ^= 1);
    }

    #[test]
    fn the_newest_snapshot_that_is_whole_is_taken_where_the_log_reaches_it() {
        assert_eq!(started(disk(3)), Ok((5, 5, 0)));
        let mut one_damaged = disk(3);
        flip(&mut one_damaged, SECOND);
        assert_eq!(started(one_damaged.clone()), Ok((3, 5, 1)));
        let mut apart = recover(one_damaged.clone(), &Bugs::new()).unwrap().wal.into_disk();
        assert!(apart.names().unwrap().contains(&format!("{SECOND}.damaged")));
        assert_eq!(started(apart), Ok((3, 5, 0)), "it is told of once");
        flip(&mut one_damaged, FIRST);
        let refused = started(one_damaged).unwrap_err();
        assert!(
            refused.contains(&format!("{FIRST} is corrupt at byte 0: the checksum")),
            "{refused}"
        );
        assert!(refused.contains("begins behind entry 3"), "{refused}");
        let mut log_is_whole = disk(0);
        flip(&mut log_is_whole, FIRST);
        flip(&mut log_is_whole, SECOND);
        assert_eq!(started(log_is_whole), Ok((0, 5, 2)));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_snapshot_is_noticed() {
        let bytes = disk(3).read(SECOND).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = disk(3);
            flipped.damage_file(SECOND, |bytes| bytes[at] ^= 1);
            assert_eq!(started(flipped), Ok((3, 5, 1)), "byte {at}");
            let mut cut = disk(3);
            cut.damage_file(SECOND, |bytes| bytes.truncate(at));
            assert_eq!(started(cut), Ok((3, 5, 1)), "cut at {at}");
        }
    }

    #[test]
    fn a_snapshot_that_was_installed_makes_a_log_that_does_not_reach_it_superfluous() {
        let mut ahead = disk(3);
        save_at_once(&mut ahead, Arc::new(Snapshot::without_items(9, 1))).unwrap();
        assert_eq!(started(ahead.clone()), Ok((9, 9, 0)));
        let again = recover(ahead.clone(), &Bugs::new()).unwrap().wal.into_disk();
        assert_eq!(started(again), Ok((9, 9, 0)), "the log was cut durably");
        flip(&mut ahead, "snapshot-00000000000000000009-1");
        let refused = started(ahead).unwrap_err();
        assert!(refused.contains("9-1 is corrupt"), "the log cannot do without it: {refused}");
    }

    #[test]
    fn what_a_crash_left_unfinished_is_not_taken_for_a_snapshot() {
        let mut disk = disk(3);
        let name = "snapshot-00000000000000000007-1.new";
        disk.create(name).unwrap();
        disk.append(name, b"torn").unwrap();
        assert_eq!(started(disk.clone()), Ok((5, 5, 0)));
        let mut disk = recover(disk, &Bugs::new()).unwrap().wal.into_disk();
        assert!(!disk.names().unwrap().contains(&name.to_string()));
    }
}
