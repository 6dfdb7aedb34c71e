//! The vDSO (`vdso(7)`): the small library that the kernel maps into every process, in which the
//! clocks are read without a system call.

use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSymbol};

/// The image in the memory of one process.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// Its first address.
    pub(super) base: u64,
    /// All of its pages.
    pub(super) bytes: Vec<u8>,
    /// The offset in `bytes` behind which there is nothing.
    pub(super) padding: usize,
    /// The function that every program reads its clocks with.
    pub(super) clock_gettime: Function,
    /// Older ways to read the wall clock, where the image has them.
    pub(super) gettimeofday: Option<Function>,
    pub(super) time: Option<Function>,
}

/// A function of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Function {
    /// Its offset in the image.
    pub(super) offset: usize,
    /// The number of its bytes.
    pub(super) length: usize,
}

impl Image {
    /// Reads an image that lies at `base`.
    pub(super) fn parse(base: u64, bytes: Vec<u8>) -> Result<Self, String> {
        let broken = |error: object::Error| format!("the vDSO is no ELF image: {error}");
        let header = FileHeader64::<Endianness>::parse(&*bytes).map_err(broken)?;
        let endian = header.endian().map_err(broken)?;
        let segments = header.program_headers(endian, &*bytes).map_err(broken)?;
        let segment = segments.iter().find(|segment| segment.p_type(endian) == PT_LOAD);
        let segment = segment.ok_or("the vDSO has nothing to load")?;
        let (loaded_at, loaded_from) = (segment.p_vaddr(endian), segment.p_offset(endian));
        let sections = header.e_shoff(endian)
            + u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
        let padding = (loaded_from + segment.p_filesz(endian)).max(sections) as usize;
        if padding > bytes.len() {
            return Err("the vDSO is larger than its mapping".to_owned());
        }
        let file = object::read::elf::ElfFile64::<Endianness>::parse(&*bytes).map_err(broken)?;
        let find = |name: &str| {
            let symbol = file.dynamic_symbols().find(|symbol| symbol.name() == Ok(name))?;
            let offset = (symbol.address().checked_sub(loaded_at)? + loaded_from) as usize;
            let function = Function { offset, length: symbol.size() as usize };
            (offset + function.length <= padding).then_some(function)
        };
        let clock_gettime = find("__vdso_clock_gettime");
        let clock_gettime = clock_gettime.ok_or("the vDSO has no clock_gettime")?;
        let (gettimeofday, time) = (find("__vdso_gettimeofday"), find("__vdso_time"));
        drop(file);
        Ok(Self { base, bytes, padding, clock_gettime, gettimeofday, time })
    }

    /// The instructions of a function.
    pub(super) fn code_of(&self, function: Function) -> &[u8] {
        &self.bytes[function.offset..][..function.length]
    }
}
