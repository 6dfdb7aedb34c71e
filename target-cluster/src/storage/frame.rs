//! The form of a record in the file.
//!
//! ```text
//! magic (4) | length of the payload (4) | durable (8) | CRC-32 of all but the magic (4) | payload
//! ```
//!
//! Numbers are little-endian; the payload is the record as JSON, for people with `strings`.
//! `durable` is how many bytes of the file were durable when the record was written. It
//! distinguishes two things that look the same, a bad record with good ones behind it: if one of
//! those says that the bad one had been durable, the disk has damaged it; if none does, all of them
//! were on their way when the power failed, and the disk wrote them in an order of its own.

use crate::core::Record;

/// The first bytes of every record; what a search for records behind a bad one looks for.
pub(super) const MAGIC: [u8; 4] = *b"\xf5Raf";

/// The number of bytes before a payload.
const HEADER_BYTES: usize = 20;

/// A record as read.
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    /// The record.
    pub(super) record: Record,
    /// The number of bytes of the file that were durable when it was written.
    pub(super) durable: u64,
    /// Its length in the file, in bytes.
    pub(super) size: usize,
}

/// The reason for which there is no record at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadFrame {
    /// The file ends before the record does.
    #[error("the record is cut short")]
    Short,
    /// The first bytes are not those of a record.
    #[error("no record begins here")]
    NoMagic,
    /// The checksum differs.
    #[error("the checksum of the record differs")]
    Checksum,
    /// The checksum is right, but this version cannot read the payload.
    #[error("the record is not one this version knows")]
    Payload,
}

/// Adds the bytes of `record` to `out`.
pub(super) fn encode(record: &Record, durable: u64, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; HEADER_BYTES - MAGIC.len()]);
    serde_json::to_writer(&mut *out, record).expect("a record has a JSON form");
    let payload = out.len() - start - HEADER_BYTES;
    let length = u32::try_from(payload).expect("a record is far smaller than 4 GiB");
    out[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    out[start + 8..start + 16].copy_from_slice(&durable.to_le_bytes());
    let checksum = checksum(&out[start..]);
    out[start + 16..start + 20].copy_from_slice(&checksum.to_le_bytes());
}

/// Reads the record at the beginning of `bytes`.
pub(super) fn decode(bytes: &[u8]) -> Result<Frame, BadFrame> {
    let seen = MAGIC.len().min(bytes.len());
    if bytes[..seen] != MAGIC[..seen] {
        return Err(BadFrame::NoMagic);
    }
    if bytes.len() < HEADER_BYTES {
        return Err(BadFrame::Short);
    }
    let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
    let size = HEADER_BYTES + word(4) as usize;
    if bytes.len() < size {
        return Err(BadFrame::Short);
    }
    if checksum(&bytes[..size]) != word(16) {
        return Err(BadFrame::Checksum);
    }
    let record =
        serde_json::from_slice(&bytes[HEADER_BYTES..size]).map_err(|_| BadFrame::Payload)?;
    let durable = u64::from(word(8)) | u64::from(word(12)) << 32;
    Ok(Frame { record, durable, size })
}

/// CRC-32 of a whole record but for its magic and the checksum itself.
fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[4..16]);
    hasher.update(&frame[HEADER_BYTES..]);
    hasher.finalize()
}
