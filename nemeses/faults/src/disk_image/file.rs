//! One file: what processes see, what a disk holds, and what stands between the two.

use std::collections::BTreeSet;

use super::pages::{Pages, page_numbers};

/// A file with a volatile and a durable content.
///
/// Invariant: the two contents agree in every page that is not in `touched`.
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
        self.touched.extend(page_numbers(offset, bytes.len() as u64));
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
        self.touched.extend(page_numbers(offset, length));
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
        self.touched.extend(numbers.take_while(|number| number * super::pages::PAGE < end));
    }

    /// Everything becomes durable.
    pub fn sync(&mut self) {
        self.durable.take_over(&self.volatile, std::mem::take(&mut self.touched));
        self.log.clear();
        self.unsynced = 0;
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
        self.volatile = self.durable.clone();
        self.touched.clear();
        self.unsynced = 0;
        sectors
    }

    /// Changes what is durable behind everybody's back.
    pub fn damage(&mut self, change: impl FnOnce(&mut Pages)) {
        self.sync();
        change(&mut self.durable);
        self.volatile = self.durable.clone();
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
