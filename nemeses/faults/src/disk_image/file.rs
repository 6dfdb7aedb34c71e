//! One file: what processes see, what a disk holds, and what stands between the two.

use std::collections::BTreeSet;

use super::pages::{PAGE, Pages, page_numbers};

/// A file with a volatile and a durable content.
///
/// Invariant: the two contents agree in every page that is neither in `touched` nor in `forgotten`.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// The content that processes read.
    volatile: Pages,
    /// The content after a power failure, before the log is looked at.
    durable: Pages,
    /// The operations that lead from the one to the other, in order.
    log: Vec<Change>,
    /// The pages that the log changes.
    touched: BTreeSet<u64>,
    /// The bytes that the log holds.
    unsynced: u64,
    /// Pages whose writing failed: they are read, and nothing writes them before they are changed
    /// again.
    forgotten: BTreeSet<u64>,
    /// Set if it failed and no fsync of this file has said so yet.
    untold: bool,
}

/// A change that is not durable yet.
#[derive(Debug, Clone)]
enum Change {
    Data {
        offset: u64,
        bytes: Box<[u8]>,
    },
    Clear {
        offset: u64,
        length: u64,
    },
    /// The size was set. That is the journal's business as well: it is durable when the journal's
    /// operation at this place is.
    Resize {
        size: u64,
        place: u64,
    },
}

/// The numbers of unsynced sectors by their fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sectors {
    /// They survived.
    pub kept: u64,
    /// They are gone.
    pub lost: u64,
}

impl File {
    /// The state that processes see.
    pub fn content(&self) -> &Pages {
        &self.volatile
    }

    /// Bytes written since the last sync, overwritten ones included.
    pub fn unsynced(&self) -> u64 {
        self.unsynced
    }

    /// Puts bytes at an offset.
    pub fn write(&mut self, offset: u64, bytes: Box<[u8]>) {
        self.volatile.write(offset, &bytes);
        let numbers = page_numbers(offset, bytes.len() as u64);
        let forgotten = self.forgotten.range(numbers.clone()).next().is_some();
        let (offset, bytes) = if forgotten {
            // A page is written as a whole, with what was forgotten of it.
            let (start, end) = (numbers.start * PAGE, numbers.end * PAGE);
            (start, self.volatile.read(start, end - start).into())
        } else {
            (offset, bytes)
        };
        self.touch(numbers);
        self.unsynced += bytes.len() as u64;
        self.log.push(Change::Data { offset, bytes });
    }

    /// Makes a range zero.
    pub fn clear(&mut self, offset: u64, length: u64) {
        self.touch_allocated(offset, offset.saturating_add(length));
        self.volatile.clear(offset, length);
        self.log.push(Change::Clear { offset, length });
    }

    /// Allocates space. What is read stays, so there is nothing to lose.
    pub fn allocate(&mut self, offset: u64, length: u64) {
        let numbers = page_numbers(offset, length);
        self.touched.extend(numbers.filter(|number| !self.forgotten.contains(number)));
        self.volatile.allocate(offset, length);
    }

    /// Sets the size, which the journal notes at `place`.
    pub fn resize(&mut self, size: u64, place: u64) {
        self.touch_allocated(size, u64::MAX);
        self.volatile.resize(size);
        self.log.push(Change::Resize { size, place });
    }

    /// Pages may vanish from a range; a hole there changes nothing.
    fn touch_allocated(&mut self, offset: u64, end: u64) {
        let numbers = self.volatile.numbers_from(offset);
        let numbers: Vec<u64> = numbers.take_while(|number| number * PAGE < end).collect();
        self.touch(numbers);
    }

    /// These pages are to be written.
    fn touch(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.forgotten.remove(&number);
            self.touched.insert(number);
        }
    }

    /// Everything becomes durable that is still to be written. False if no process learned of an
    /// earlier failure yet: then this one does.
    pub fn sync(&mut self) -> bool {
        self.write_back();
        !std::mem::take(&mut self.untold)
    }

    /// The same, done by the kernel, which has no process to tell of anything.
    pub fn write_back(&mut self) {
        if self.forgotten.is_empty() {
            self.durable.take_over(&self.volatile, std::mem::take(&mut self.touched));
            self.log.clear();
        } else {
            self.sync_without_the_forgotten();
        }
        self.unsynced = 0;
    }

    /// Holes and sizes that were set are the file system's own business, and do not depend on the
    /// pages that could not be written.
    fn sync_without_the_forgotten(&mut self) {
        for change in std::mem::take(&mut self.log) {
            match change {
                Change::Data { .. } => {}
                Change::Clear { offset, length } => self.durable.clear(offset, length),
                Change::Resize { size, .. } => self.durable.resize(size),
            }
        }
        let before = self.durable.size();
        self.durable.take_over(&self.volatile, std::mem::take(&mut self.touched));
        // XFS does not let a file grow over what was not written; ext4 does, see `crash`.
        let size = self.volatile.size();
        let mut pages = size.div_ceil(PAGE);
        while pages > 0 && self.forgotten.contains(&(pages - 1)) {
            pages -= 1;
        }
        self.durable.resize(size.min(before.max(pages * PAGE)));
    }

    /// An fsync failed. As on Linux, what it was to write is taken for written from now on: it is
    /// read, it is lost with the power, and no later fsync writes it. `told` says if a process
    /// learns of it at once.
    pub fn fail_sync(&mut self, told: bool) {
        let mut failed = BTreeSet::new();
        self.log.retain(|change| match change {
            Change::Data { offset, bytes } => {
                failed.extend(page_numbers(*offset, bytes.len() as u64));
                false
            }
            // The journal's business.
            Change::Clear { .. } | Change::Resize { .. } => true,
        });
        self.untold |= !told && !failed.is_empty();
        self.touched.retain(|number| !failed.contains(number));
        self.forgotten.append(&mut failed);
        self.unsynced = 0;
    }

    /// The pages that could not be written leave the cache, as clean pages may at any time: from now
    /// on what the disk holds is read. False if there were none.
    pub fn evict(&mut self) -> bool {
        let forgotten = std::mem::take(&mut self.forgotten);
        let any = !forgotten.is_empty();
        if any {
            let size = self.volatile.size();
            self.volatile.take_over(&self.durable, forgotten);
            self.volatile.resize(size);
        }
        any
    }

    /// The journal was committed: the sizes that were set become durable. Data written before a cut
    /// stays volatile, but must not grow the file again behind it.
    pub fn commit_sizes(&mut self) {
        let mut left = Vec::with_capacity(self.log.len());
        for change in self.log.drain(..) {
            match change {
                Change::Resize { size, .. } => {
                    self.durable.resize(size);
                    left.retain_mut(|earlier: &mut Change| earlier.cut_off(size));
                }
                other => left.push(other),
            }
        }
        self.log = left;
    }

    /// The power fails, with the journal durable up to `journal_end`, exclusive. Each sector of
    /// `sector` bytes survives if `keep` says so, in the order in which they were written.
    ///
    /// If a lost sector was to make the file grow, its size may survive without it: then it reads
    /// as zeros, as ext4 and XFS leave it when they lose power between the two.
    ///
    /// A size that was not committed limits what can survive of later writes: behind it they were
    /// to land in space that the disk does not yet know the file to have.
    pub fn crash(
        &mut self,
        journal_end: u64,
        sector: u64,
        mut keep: impl FnMut() -> bool,
    ) -> Sectors {
        let mut sectors = Sectors::default();
        let mut limit = u64::MAX;
        for change in std::mem::take(&mut self.log) {
            match change {
                Change::Data { offset, bytes } => {
                    for (start, piece) in pieces(offset, &bytes, sector) {
                        let within = piece.len().min(limit.saturating_sub(start) as usize);
                        if within > 0 && keep() {
                            self.durable.write(start, &piece[..within]);
                            sectors.kept += 1;
                            continue;
                        }
                        sectors.lost += 1;
                        let end = start + within as u64;
                        if within > 0 && end > self.durable.size() && keep() {
                            self.durable.resize(end);
                        }
                    }
                }
                Change::Clear { offset, length } => {
                    if keep() {
                        self.durable.clear(offset, length);
                    }
                }
                Change::Resize { size, place } if place < journal_end => self.durable.resize(size),
                Change::Resize { size, .. } => limit = limit.min(size).min(self.durable.size()),
            }
        }
        if let Some(last) = self.forgotten.last() {
            sectors.lost += self.forgotten.len() as u64 * (PAGE / sector.min(PAGE));
            // The size that they gave the file may have come to the journal, as ext4 has it.
            let end = self.volatile.size().min((last + 1) * PAGE);
            if limit == u64::MAX && end > self.durable.size() && keep() {
                self.durable.resize(end);
            }
        }
        self.volatile = self.durable.clone();
        self.touched.clear();
        self.forgotten.clear();
        self.untold = false;
        self.unsynced = 0;
        sectors
    }

    /// Changes what is durable behind everybody's back.
    pub fn damage(&mut self, change: impl Fn(&mut Pages)) {
        self.write_back();
        change(&mut self.durable);
        if self.forgotten.is_empty() {
            self.volatile = self.durable.clone();
        } else {
            change(&mut self.volatile);
        }
    }

    /// The state that a power failure would leave which loses all it may.
    #[cfg(test)]
    pub fn durable(&self) -> &Pages {
        &self.durable
    }
}

impl Change {
    /// Leaves of it what lies before `size`; whether that is anything.
    fn cut_off(&mut self, size: u64) -> bool {
        match self {
            Self::Data { offset, bytes } => {
                let left = size.saturating_sub(*offset);
                if left < bytes.len() as u64 {
                    *bytes = bytes[..left as usize].into();
                }
                left > 0
            }
            Self::Clear { offset, length } => {
                *length = (*length).min(size.saturating_sub(*offset));
                *length > 0
            }
            Self::Resize { .. } => true,
        }
    }
}

/// The parts of `bytes` that lie in one sector each, with where they start.
fn pieces(offset: u64, bytes: &[u8], sector: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = bytes;
    let mut start = offset;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = rest.len().min((sector - start % sector) as usize);
        let (piece, later) = rest.split_at(length);
        let found = (start, piece);
        rest = later;
        start += length as u64;
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> File {
        let mut file = File::default();
        file.write(0, bytes.into());
        file
    }

    fn text(pages: &Pages) -> String {
        String::from_utf8(pages.read(0, pages.size())).unwrap()
    }

    #[test]
    fn only_what_was_synced_survives_when_nothing_else_may() {
        let mut file = written(b"first");
        file.sync();
        file.write(5, b" second".as_slice().into());
        assert_eq!(text(file.content()), "first second");
        let sectors = file.crash(0, 512, || false);
        assert_eq!(text(file.content()), "first");
        assert_eq!(sectors, Sectors { kept: 0, lost: 1 });
    }

    #[test]
    fn a_write_is_torn_at_the_borders_of_sectors() {
        let mut file = File::default();
        file.write(500, [7; 600].as_slice().into());
        // The second sector is lost, and so is the size that it would have given the file.
        let mut turn = 0;
        let sectors = file.crash(0, 512, || {
            turn += 1;
            turn != 2 && turn != 3
        });
        assert_eq!(sectors, Sectors { kept: 2, lost: 1 });
        let content = file.content().read(0, 2000);
        assert_eq!(content.len(), 1100);
        assert!(content[500..512].iter().all(|byte| *byte == 7));
        assert!(content[512..1024].iter().all(|byte| *byte == 0));
        assert!(content[1024..].iter().all(|byte| *byte == 7));
    }

    #[test]
    fn a_size_may_survive_what_was_to_fill_it() {
        let mut file = written(b"old");
        file.sync();
        file.write(3, b" new".as_slice().into());
        let mut turn = 0;
        let sectors = file.crash(0, 512, || {
            turn += 1;
            turn == 2
        });
        assert_eq!(sectors, Sectors { kept: 0, lost: 1 });
        assert_eq!(text(file.content()), "old\0\0\0\0");
    }

    #[test]
    fn a_committed_cut_is_not_undone_by_data_written_before_it() {
        let mut file = written(b"0123456789");
        file.resize(4, 0);
        file.commit_sizes();
        assert_eq!(file.durable().size(), 4);
        file.crash(1, 512, || true);
        assert_eq!(text(file.content()), "0123");
    }

    #[test]
    fn data_behind_a_lost_cut_is_lost() {
        let mut file = written(b"0123456789");
        file.sync();
        file.resize(2, 7);
        file.write(0, b"abcd".as_slice().into());
        // The disk never learned of the cut, so that the new data had no place behind it.
        file.crash(7, 512, || true);
        assert_eq!(text(file.content()), "ab23456789");
    }

    /// The content after a power failure that loses, or keeps, all it may.
    fn left(file: &File, keeps: bool) -> String {
        let mut file = file.clone();
        file.crash(u64::MAX, 512, || keeps);
        text(file.content())
    }

    #[test]
    fn after_a_failed_sync_the_bytes_are_read_and_a_later_sync_does_not_write_them() {
        let mut file = written(b"first");
        assert!(file.sync());
        file.write(0, b"wrong".as_slice().into());
        file.fail_sync(true);
        assert_eq!((text(file.content()).as_str(), file.unsynced()), ("wrong", 0));
        assert!(file.sync(), "the failure was told");
        assert_eq!(text(file.content()), "wrong");
        assert_eq!((left(&file, false), left(&file, true)), ("first".into(), "first".into()));
        // What is written next to it takes the page along.
        file.write(5, b"!".as_slice().into());
        file.sync();
        assert_eq!(left(&file, false), "wrong!");
    }

    #[test]
    fn what_was_forgotten_and_leaves_the_cache_is_read_as_the_disk_has_it() {
        let mut file = written(b"first");
        file.sync();
        file.write(0, b"wrong and long".as_slice().into());
        file.fail_sync(true);
        file.sync();
        assert!(file.evict());
        assert_eq!(text(file.content()), "first\0\0\0\0\0\0\0\0\0");
        assert!(!file.evict());
        file.write(5, b" again".as_slice().into());
        file.sync();
        assert_eq!(left(&file, false), "first again\0\0\0");
    }

    #[test]
    fn a_file_does_or_does_not_grow_over_what_could_not_be_written() {
        let mut file = written(b"first");
        file.sync();
        file.write(5, [b'x'; 9000].as_slice().into());
        file.fail_sync(true);
        file.sync();
        assert_eq!(left(&file, false), "first");
        let grown = left(&file, true);
        assert_eq!((grown.len(), grown.trim_end_matches('\0')), (9005, "first"));
        // What is written behind it stands behind zeros.
        file.write(20_000, b"end".as_slice().into());
        file.sync();
        let left = left(&file, false);
        assert_eq!(
            (left.len(), left.trim_start_matches("first").trim_matches('\0')),
            (20_003, "end")
        );
    }

    #[test]
    fn sizes_and_holes_do_not_depend_on_what_could_not_be_written() {
        let mut file = written(&[b'a'; 8192]);
        file.sync();
        file.resize(0, 0);
        file.write(0, b"lost".as_slice().into());
        file.fail_sync(true);
        file.sync();
        assert_eq!(left(&file, false), "");
        let mut file = written(&[b'a'; 8192]);
        file.sync();
        file.write(0, [b'b'; 8192].as_slice().into());
        file.clear(0, 4096);
        file.fail_sync(true);
        file.sync();
        let left = left(&file, false);
        assert_eq!((left.len(), left.trim_matches('\0').len()), (8192, 4096));
        assert!(left.ends_with('a'));
    }

    #[test]
    fn a_failure_that_no_process_was_told_is_told_by_the_next_sync_once() {
        let mut file = written(b"first");
        file.fail_sync(false);
        assert!(!file.sync());
        assert!(file.sync());
        file.fail_sync(false);
        assert!(file.sync(), "there was nothing to lose");
        assert_eq!(left(&file, false), "");
    }

    #[test]
    fn a_synced_file_shares_its_pages_and_survives() {
        let mut file = written(&[1; 10_000]);
        file.resize(9_000, 0);
        file.clear(100, 5_000);
        file.sync();
        let before = file.content().read(0, 10_000);
        file.write(0, [9; 10_000].as_slice().into());
        file.crash(9, 4096, || false);
        assert_eq!(file.content().read(0, 10_000), before);
        assert_eq!(before.len(), 9_000);
    }
}
