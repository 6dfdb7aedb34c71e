//! The bytes of a file: pages that may be shared, and holes that read as zeros.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, LazyLock};

/// Bytes of a page.
pub const PAGE: u64 = 4096;

type Page = [u8; PAGE as usize];

/// The content of every allocated page before it is written.
static ZEROS: LazyLock<Arc<Page>> = LazyLock::new(|| Arc::new([0; PAGE as usize]));

/// The content of a file. A copy shares its pages until one of the two is written to.
///
/// The part behind the size is zero or a hole, so that growing is setting the size.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    pages: BTreeMap<u64, Arc<Page>>,
    size: u64,
}

impl Pages {
    /// Bytes from the first to the last.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The number of pages that are allocated.
    pub fn allocated(&self) -> u64 {
        self.pages.len() as u64
    }

    /// At most `length` bytes from `offset` on; fewer where the file ends.
    pub fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let end = offset.saturating_add(length).min(self.size);
        if offset >= end {
            return Vec::new();
        }
        let mut bytes = vec![0; (end - offset) as usize];
        for (number, page) in self.pages.range(offset / PAGE..=(end - 1) / PAGE) {
            let start = number * PAGE;
            let (from, to) = (start.max(offset), (start + PAGE).min(end));
            bytes[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&page[(from - start) as usize..(to - start) as usize]);
        }
        bytes
    }

    /// Puts `bytes` at `offset`; the file grows as far as they reach.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut rest = bytes;
        let mut position = offset;
        while !rest.is_empty() {
            let within = (position % PAGE) as usize;
            let (now, later) = rest.split_at(rest.len().min(PAGE as usize - within));
            self.write_in_page(position / PAGE, within, now);
            position += now.len() as u64;
            rest = later;
        }
        self.size = self.size.max(position);
    }

    fn write_in_page(&mut self, number: u64, within: usize, bytes: &[u8]) {
        match self.pages.entry(number) {
            // A whole page needs no copy of what it replaces.
            Entry::Occupied(mut page) if bytes.len() == PAGE as usize => {
                match Arc::get_mut(page.get_mut()) {
                    Some(own) => own.copy_from_slice(bytes),
                    None => *page.get_mut() = whole_page(bytes),
                }
            }
            Entry::Vacant(gap) if bytes.len() == PAGE as usize => {
                gap.insert(whole_page(bytes));
            }
            entry => {
                let page = Arc::make_mut(entry.or_insert_with(|| Arc::clone(&ZEROS)));
                page[within..within + bytes.len()].copy_from_slice(bytes);
            }
        }
    }

    /// Makes a range zero, and frees the pages that lie wholly in it.
    pub fn clear(&mut self, offset: u64, length: u64) {
        let end = offset.saturating_add(length);
        if length == 0 {
            return;
        }
        let touched: Vec<u64> =
            self.pages.range(offset / PAGE..=(end - 1) / PAGE).map(|(number, _)| *number).collect();
        for number in touched {
            let start = number * PAGE;
            let (from, to) = (start.max(offset), (start + PAGE).min(end));
            if to - from == PAGE {
                self.pages.remove(&number);
            } else if let Some(page) = self.pages.get_mut(&number) {
                Arc::make_mut(page)[(from - start) as usize..(to - start) as usize].fill(0);
            }
        }
    }

    /// Cuts or grows the file to `size` bytes.
    pub fn resize(&mut self, size: u64) {
        if size < self.size {
            // To the end of the last page, as allocated pages may reach behind the size.
            self.clear(size, u64::MAX - size);
        }
        self.size = size;
    }

    /// Allocates the pages of a range, without changing what is read.
    pub fn allocate(&mut self, offset: u64, length: u64) {
        for number in page_numbers(offset, length) {
            self.pages.entry(number).or_insert_with(|| Arc::clone(&ZEROS));
        }
    }

    /// The number of pages of a range that are not allocated.
    pub fn holes(&self, offset: u64, length: u64) -> u64 {
        let numbers = page_numbers(offset, length);
        let wanted = numbers.end - numbers.start;
        wanted - self.pages.range(numbers).count() as u64
    }

    /// Becomes equal to `newer` in the pages of these numbers and in size; their pages are shared
    /// from then on.
    pub fn take_over(&mut self, newer: &Pages, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            match newer.pages.get(&number) {
                Some(page) => self.pages.insert(number, Arc::clone(page)),
                None => self.pages.remove(&number),
            };
        }
        self.size = newer.size;
    }

    /// The numbers of allocated pages at or behind `offset`.
    pub fn numbers_from(&self, offset: u64) -> impl Iterator<Item = u64> {
        self.pages.range(offset / PAGE..).map(|(number, _)| *number)
    }
}

fn whole_page(bytes: &[u8]) -> Arc<Page> {
    Arc::new(bytes.try_into().expect("the bytes fill a page"))
}

/// The numbers of the pages that a range touches.
pub fn page_numbers(offset: u64, length: u64) -> std::ops::Range<u64> {
    if length == 0 {
        return offset / PAGE..offset / PAGE;
    }
    offset / PAGE..offset.saturating_add(length).div_ceil(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_and_what_lies_behind_the_end_read_as_written() {
        let mut pages = Pages::default();
        pages.write(2 * PAGE + 5, b"storm");
        assert_eq!(pages.size(), 2 * PAGE + 10);
        assert_eq!(pages.allocated(), 1);
        assert_eq!(pages.read(2 * PAGE + 3, 100), b"\0\0storm");
        assert_eq!(pages.read(0, 4), [0; 4]);
        assert_eq!(pages.read(2 * PAGE + 10, 1), b"");
    }

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        let mut pages = Pages::default();
        pages.write(0, &[7; 3 * PAGE as usize]);
        pages.resize(10);
        assert_eq!(pages.allocated(), 1);
        pages.resize(2 * PAGE);
        assert_eq!(pages.read(9, 3), [7, 0, 0]);
        assert_eq!(pages.read(PAGE, PAGE), vec![0; PAGE as usize]);
    }

    #[test]
    fn a_copy_is_not_disturbed() {
        let mut pages = Pages::default();
        pages.write(0, &[1; 2 * PAGE as usize]);
        let copy = pages.clone();
        pages.write(3, &[2]);
        pages.write(PAGE, &[3; PAGE as usize]);
        pages.clear(0, 2);
        assert_eq!(copy.read(0, 2 * PAGE), vec![1; 2 * PAGE as usize]);
        assert_eq!(pages.read(0, 5), [0, 0, 1, 2, 1]);
        assert_eq!(pages.read(PAGE, 1), [3]);
    }

    #[test]
    fn allocating_takes_space_and_changes_nothing() {
        let mut pages = Pages::default();
        pages.write(0, b"storm");
        assert_eq!(pages.holes(0, 3 * PAGE), 2);
        pages.allocate(0, 3 * PAGE);
        assert_eq!((pages.allocated(), pages.size()), (3, 5));
        pages.resize(3 * PAGE);
        assert_eq!(pages.read(3, 4), b"rm\0\0");
        assert_eq!(pages.holes(PAGE - 1, 2), 0);
    }
}
