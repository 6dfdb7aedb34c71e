//! The note of how many bytes of a log were once durable.
//!
//! A log cannot show by itself that its end was cut off, nor that its last record was damaged:
//! both look like a write that the power failed in. The note can, as far as it reaches.
//!
//! ```text
//! magic (4) | durable (8) | CRC-32 of both (4)      at byte 0 and again at byte 4096
//! ```
//!
//! The two slots are written in turn, each within one sector, so that a torn write leaves the
//! other. Of two good slots the higher counts. A slot that is damaged is no reason to refuse to
//! start: the note is there to notice damage to the log, and an older one only notices less.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The first bytes of a slot.
const MAGIC: [u8; 4] = *b"\xf5Dur";

/// The length of a slot, in bytes.
const SLOT_BYTES: usize = 16;

/// The positions of the slots: in different sectors, of up to 4096 bytes.
const SLOTS: [u64; 2] = [0, 4096];

/// The note, in a file of its own.
#[derive(Debug)]
pub(super) struct Watermark {
    file: File,
    /// The number of durable bytes that it says.
    durable: u64,
    /// The slot that is written next: not the one that holds the value.
    next: usize,
}

impl Watermark {
    /// Reads what was noted; 0 if nothing was.
    pub(super) fn open(file: File) -> io::Result<Watermark> {
        let length = file.metadata()?.len();
        let mut noted = [0; 2];
        for (durable, at) in noted.iter_mut().zip(SLOTS) {
            let mut slot = [0; SLOT_BYTES];
            if at + SLOT_BYTES as u64 <= length {
                file.read_exact_at(&mut slot, at)?;
            }
            *durable = decode(slot).unwrap_or(0);
        }
        let next = usize::from(noted[0] > noted[1]);
        Ok(Watermark { file, durable: noted[0].max(noted[1]), next })
    }

    /// The number of durable bytes that is noted.
    pub(super) fn get(&self) -> u64 {
        self.durable
    }

    /// Notes a new value, if it says more than the last.
    pub(super) fn set(&mut self, durable: u64) -> io::Result<()> {
        if durable <= self.durable {
            return Ok(());
        }
        self.file.write_all_at(&encode(durable), SLOTS[self.next])?;
        self.durable = durable;
        self.next = 1 - self.next;
        Ok(())
    }
}

fn encode(durable: u64) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    slot[..4].copy_from_slice(&MAGIC);
    slot[4..12].copy_from_slice(&durable.to_le_bytes());
    let checksum = crc32fast::hash(&slot[..12]);
    slot[12..].copy_from_slice(&checksum.to_le_bytes());
    slot
}

fn decode(slot: [u8; SLOT_BYTES]) -> Option<u64> {
    let durable = u64::from_le_bytes(slot[4..12].try_into().ok()?);
    (slot == encode(durable)).then_some(durable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flipped_bit_makes_another_note() {
        let slot = encode(81_985);
        assert_eq!(decode(slot), Some(81_985));
        for bit in 0..SLOT_BYTES * 8 {
            let mut damaged = slot;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(damaged), None, "bit {bit}");
        }
        assert_eq!(decode([0; SLOT_BYTES]), None);
    }

    #[test]
    fn a_damaged_slot_leaves_the_note_before_it() {
        let path = std::env::temp_dir().join(format!("stormproof-mark-{}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let mut watermark = Watermark::open(file).unwrap();
        for durable in [10, 20, 30] {
            watermark.set(durable).unwrap();
            let reopened = Watermark::open(watermark.file.try_clone().unwrap()).unwrap();
            assert_eq!((reopened.get(), reopened.next), (durable, watermark.next));
        }
        watermark.file.write_all_at(b"?", SLOTS[1 - watermark.next] + 5).unwrap();
        assert_eq!(Watermark::open(watermark.file).unwrap().get(), 20);
    }
}
