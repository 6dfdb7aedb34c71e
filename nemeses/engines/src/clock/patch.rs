//! The changes in the vDSO of a process which make its clocks its own.

use super::code::{Code, ORIGINAL_BYTES, code};
use super::memory::{self, Memory};
use super::parameters::{Lines, SEQUENCE_BYTES};
use super::prologue::movable;
use super::vdso::{Function, Image};

/// The code is aligned as it was when it was assembled.
const ALIGNMENT: usize = 64;

/// A jump by a distance of 32 bits.
const JUMP_BYTES: usize = 5;

/// The places of everything in a process that was patched, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patch {
    /// In this order: the code, and then the jumps to it.
    writes: Vec<Write>,
    /// The function that programs call.
    pub(super) clock_gettime: u64,
    /// Stops a traced process that returns to it.
    pub(super) trap: u64,
    /// The parameters, their sequence number first.
    pub(super) parameters: u64,
    /// True if the machine's clock is read by the original code, rather than by a system call.
    pub(super) keeps_original: bool,
}

/// Bytes that replace others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Write {
    address: u64,
    bytes: Vec<u8>,
    /// The bytes that are there before.
    replaced: Vec<u8>,
}

impl Patch {
    /// Plans how to patch an image. Fails, with the reason, when there is no room in its last page
    /// or its functions are shorter than a jump.
    pub(super) fn plan(image: &Image) -> Result<Self, String> {
        let mut code = code();
        let start = image.padding.next_multiple_of(ALIGNMENT);
        let room = image.bytes.len().saturating_sub(start);
        if room < code.bytes.len() {
            let needed = code.bytes.len();
            return Err(format!("the vDSO has {room} bytes of padding, {needed} are needed"));
        }
        if image.bytes[image.padding..].iter().any(|byte| *byte != 0) {
            return Err("the padding of the vDSO is not empty, it may be patched already".into());
        }
        let at = image.base + start as u64;
        let keeps_original = keep_original(&mut code, image, at);
        code.bytes[code.parameters + SEQUENCE_BYTES..][..Lines::NEUTRAL.to_bytes().len()]
            .copy_from_slice(&Lines::NEUTRAL.to_bytes());
        let entries = [
            (Some(image.clock_gettime), code.clock_gettime),
            (image.gettimeofday, code.gettimeofday),
            (image.time, code.time),
        ];
        let part = |offset: usize| at + offset as u64;
        let write = |address: u64, bytes: Vec<u8>| {
            let place = &image.bytes[(address - image.base) as usize..][..bytes.len()];
            Write { address, bytes, replaced: place.to_vec() }
        };
        let mut writes = vec![write(at, code.bytes)];
        for (function, stands_in) in entries {
            let Some(Function { offset, length }) = function else { continue };
            if length < JUMP_BYTES {
                return Err(format!("a function of the vDSO has {length} bytes, too few to jump"));
            }
            let entry = image.base + offset as u64;
            writes.push(write(entry, jump(entry, part(stands_in))));
        }
        Ok(Self {
            writes,
            clock_gettime: image.base + image.clock_gettime.offset as u64,
            trap: part(code.trap),
            parameters: part(code.parameters),
            keeps_original,
        })
    }

    /// The plan for a process, from its memory.
    pub(super) fn plan_for(pid: i32, memory: &Memory) -> Result<Self, String> {
        let (first, behind) = memory::vdso(pid)?;
        let mut bytes = vec![0; (behind - first) as usize];
        let read = memory.read(first, &mut bytes);
        read.map_err(|error| format!("cannot read the vDSO of process {pid}: {error}"))?;
        Self::plan(&Image::parse(first, bytes)?)
    }

    /// Writes it. No thread of the process may run meanwhile, or stand where
    /// [`displaces`](Self::displaces) says.
    pub(super) fn apply(&self, memory: &Memory) -> Result<(), String> {
        for Write { address, bytes, .. } in &self.writes {
            let written = memory.write(*address, bytes);
            written.map_err(|error| format!("cannot write into the vDSO: {error}"))?;
        }
        Ok(())
    }

    /// Undoes [`apply`](Self::apply), even if that failed half-way.
    pub(super) fn take_back(&self, memory: &Memory) {
        for Write { address, replaced, .. } in self.writes.iter().rev() {
            // What cannot be written now could not be written before.
            let _ = memory.write(*address, replaced);
        }
    }

    /// Returns whether a thread whose next instruction is at `address` would find another one
    /// there, or a part of one.
    pub(super) fn displaces(&self, address: u64) -> bool {
        // At the first byte it would take the jump, as it should.
        let inside = |jump: &Write| {
            address > jump.address && address < jump.address + jump.bytes.len() as u64
        };
        self.writes[1..].iter().any(inside)
    }
}

/// Moves the instructions that a jump displaces into the code, with a jump to those behind them.
/// Without, the code as it is asks the kernel.
fn keep_original(code: &mut Code, image: &Image, at: u64) -> bool {
    let original = image.code_of(image.clock_gettime);
    let Some(moved) = movable(original, JUMP_BYTES) else { return false };
    if moved + JUMP_BYTES > ORIGINAL_BYTES {
        return false;
    }
    let rest = image.base + (image.clock_gettime.offset + moved) as u64;
    let place = &mut code.bytes[code.original..][..moved + JUMP_BYTES];
    place[..moved].copy_from_slice(&original[..moved]);
    place[moved..].copy_from_slice(&jump(at + (code.original + moved) as u64, rest));
    true
}

/// A jump from one place in an image, which is far smaller than 2 GiB, to another.
fn jump(from: u64, to: u64) -> Vec<u8> {
    const JMP_REL32: u8 = 0xe9;
    let distance = to.wrapping_sub(from + JUMP_BYTES as u64) as i64;
    let distance = i32::try_from(distance).expect("both are in one small image");
    [&[JMP_REL32][..], &distance.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The image of this very process.
    fn own_image() -> Image {
        let pid = std::process::id() as i32;
        let (first, behind) = memory::vdso(pid).expect("there is a vDSO");
        let mut bytes = vec![0; (behind - first) as usize];
        Memory::open(pid).unwrap().read(first, &mut bytes).expect("it can be read");
        Image::parse(first, bytes).expect("it is an ELF image")
    }

    #[test]
    fn each_function_of_the_image_gets_a_jump_into_its_padding() {
        let image = own_image();
        let patch = Patch::plan(&image).expect("it can be patched");
        let functions =
            1 + usize::from(image.gettimeofday.is_some()) + usize::from(image.time.is_some());
        assert_eq!(patch.writes.len(), 1 + functions);
        let Write { address, bytes, replaced } = &patch.writes[0];
        let code = *address..address + bytes.len() as u64;
        assert!(code.start >= image.base + image.padding as u64);
        assert!(code.end <= image.base + image.bytes.len() as u64);
        assert!(replaced.iter().all(|byte| *byte == 0));
        for Write { address: entry, bytes: jump, .. } in &patch.writes[1..] {
            let distance = i32::from_le_bytes(jump[1..].try_into().unwrap());
            let to = entry.wrapping_add_signed(i64::from(distance)) + JUMP_BYTES as u64;
            assert!(code.contains(&to));
            assert!(!patch.displaces(*entry) && patch.displaces(entry + 1));
            assert!(patch.displaces(entry + 4) && !patch.displaces(entry + 5));
        }
    }

    #[test]
    fn an_image_is_left_alone_if_it_has_no_room_or_was_patched() {
        let image = own_image();
        let patch = Patch::plan(&image).expect("it can be patched");
        let mut full = image.clone();
        full.bytes.truncate(image.padding + 100);
        assert!(Patch::plan(&full).unwrap_err().contains("bytes of padding"));
        let mut patched = image;
        for Write { address, bytes, .. } in &patch.writes {
            let offset = (address - patched.base) as usize;
            patched.bytes[offset..][..bytes.len()].copy_from_slice(bytes);
        }
        assert!(Patch::plan(&patched).unwrap_err().contains("patched already"));
        assert!(Image::parse(0, b"no image".to_vec()).is_err());
    }
}
