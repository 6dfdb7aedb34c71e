//! Memory that is shared out, so that what clients send and ask for is bounded in bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes of one permit.
const UNIT: usize = 1024;

/// A stock of memory.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    free: Arc<Semaphore>,
    /// All of it, in permits.
    units: usize,
}

/// Memory that is taken, until this is dropped.
#[derive(Debug, Clone)]
pub(super) struct Reserved {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Memory {
    /// So many bytes, all of them free.
    pub(super) fn of(bytes: usize) -> Memory {
        let units = bytes / UNIT;
        Memory { free: Arc::new(Semaphore::new(units)), units }
    }

    /// Takes about so many bytes, unless others have them. Something that is larger than all of it gets
    /// it when there are no others.
    pub(super) fn reserve(&self, bytes: usize) -> Option<Reserved> {
        let units = bytes.div_ceil(UNIT).min(self.units);
        let units = u32::try_from(units).expect("there are fewer units than that");
        let permit = Arc::clone(&self.free).try_acquire_many_owned(units).ok()?;
        Some(Reserved { _permit: Arc::new(permit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_memory_has_to_wait() {
        const ALL: usize = 3 * 1024 * 1024;
        let memory = Memory::of(ALL);
        let third = memory.reserve(ALL / 3).expect("there is room");
        assert!(memory.reserve(ALL).is_none());
        let _other = memory.reserve(ALL / 2).expect("there is room");
        assert!(memory.reserve(ALL / 3).is_none());
        drop(third);
        assert!(memory.reserve(ALL / 3).is_some());
        assert!(Memory::of(ALL).reserve(usize::MAX).is_some(), "even the largest is served");
    }
}
